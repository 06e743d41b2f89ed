# Score-weighted regression: CPU seconds on the real screen against the R functions (50 times less are wanted, a target), then the whole
# simulated screen (under 120 s on two cores are wanted).
source "$(dirname "$0")/lib.bash"
timings=$shared/golden/seurat/TIMINGS.tsv
if [ -e "$shared/data/papalexi_thp1" ] && [ -e "$timings" ]; then
	papalexi | normalize | pca --scale --n-comps 15 | pert-signature --control non-targeting --split-by replicate -o signature.pmx
	five=(--target STAT1 --target JAK2 --target IFNGR1 --target IFNGR2 --target SMAD4)
	# Ten times each: one run takes about as long as its shell.
	measure ten_times_five - "for i in {1..10}; do weighted-de -q --control non-targeting ${five[*]} signature.pmx -o five.pmx; done"
	measure ten_times_seven - "for i in {1..10}; do weighted-de -q --control non-targeting --split-by replicate ${five[*]} --target IRF1 --target CUL3 \
		signature.pmx -o seven.pmx; done"
	of() {
		awk -F '\t' -v step="$1" '$1 == "papalexi" && index($2, step) == 1 { print $4; exit }' "$timings"
	}
	note 'times faster per target than Run_wmvRegDE (CPU), one split' "$(of 'Run_wmvRegDE plain (5') * 10 / $cpu_ten_times_five"
	note 'times faster per target than Run_wmvRegDE (CPU), three splits' "$(of 'Run_wmvRegDE split') * 10 / $cpu_ten_times_seven"
fi
screen
sorted
[ -e "$keep/signature-$SCALE.pmx" ] ||
	pca --n-comps 15 "$sorted" | pert-signature --control NT -o "$keep/signature-$SCALE.pmx"
measure screen screen.pmx "weighted-de -q --control NT '$keep/signature-$SCALE.pmx' -o screen.pmx"
note 'milliseconds of CPU a target' "1000 * $cpu_screen / $(scaled 250 5)"
note 'seconds on two cores of its own, half its CPU' "$cpu_screen / 2"
