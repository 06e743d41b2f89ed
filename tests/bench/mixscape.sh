# From the matrix of the real screen to the classes and scores, split by replicate, as one pipe; against the R functions' CPU time.
source "$(dirname "$0")/lib.bash"
[ -e "$shared/data/papalexi_thp1" ] || { echo "$name: the real screen is not at hand" >&2; exit 0; }
export -f papalexi
export shared
signature='papalexi | normalize | pca --scale --n-comps 15 | pert-signature --control non-targeting --split-by replicate'
measure signature signature.pmx "$signature -o signature.pmx"
measure mixscape classes.pmx "$signature | mixscape -q --control non-targeting --split-by replicate -o classes.pmx"
measure mixscale scores.pmx "$signature | mixscale -q --control non-targeting --split-by replicate -o scores.pmx"
measure lda lda.pmx "lda -q --control non-targeting --n-comps 3 classes.pmx -o lda.pmx"
timings=$shared/golden/seurat/TIMINGS.tsv
[ -e "$timings" ] || exit 0
# The reference's steps that the pipe replaces.
reference() {
	awk -F '\t' -v last="$1" '$1 == "papalexi" && ($2 == "NormalizeData" || $2 == "ScaleData" || $2 ~ /^RunPCA exact/ || $2 == "CalcPerturbSig split" || $2 == last) { s += $4 }
		END { print s }' "$timings"
}
note 'times less CPU than the R functions, classes' "$(reference 'RunMixscape split') / $cpu_mixscape"
note 'times less CPU than the R functions, scores' "$(reference 'RunMixscale split') / $cpu_mixscale"
