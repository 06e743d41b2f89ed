# A screen of 1,000,000 cells x 8,000 genes x 2,000 targets with 20,000 controls, from import to scores within --memory 2G a process:
# wall time, peak memory and disk of each step, and the time of a cell at a tenth of the cells beside it. SCALE scales cells, genes,
# targets and controls; the memory stays.
source "$(dirname "$0")/lib.bash"
memory=2G
run_at() { # CELLS TARGETS
	local n=$1 targets=$2 genes controls
	genes=$(scaled 8000 400)
	controls=$(scaled 20000 400)
	measure "$n cells, simulate" raw.pmx "simulate-screen --cells $n --genes $genes --targets $targets --controls $controls --splits 3 --shuffle --seed 5 -o raw.pmx"
	measure "$n cells, prepare" pca.pmx "normalize raw.pmx | hvg --n-top-genes $(scaled 2000 200) | pca --n-comps 15 --tolerance 1e-6 --memory $memory -o pca.pmx"
	measure "$n cells, sort" sorted.pmx "pmx-sort --by gene_target --first NT --memory $memory pca.pmx -o sorted.pmx"
	measure "$n cells, signature" signature.pmx "pert-signature ${label[*]} --split-by replicate --memory $memory sorted.pmx -o signature.pmx"
	measure "$n cells, scores" scores.pmx "mixscale -q ${label[*]} --split-by replicate --memory $memory signature.pmx -o scores.pmx"
	printf '%s\t%s cells, disk\t%s MiB\n' "$name" "$n" "$(du -cm ./*.pmx | tail -n 1 | cut -f 1)"
	rm -f ./*.pmx
}
run_at "$(scaled 100000 2000)" "$(scaled 200 4)"
run_at "$(scaled 1000000 20000)" "$(scaled 2000 40)"
