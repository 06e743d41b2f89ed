# shellcheck shell=bash
# A screen whose numbers the tests know: 600 cells, 120 of them controls, x 200 genes; and the same with its cells mixed.
tiny_screen() {
	simulate-screen --cells 600 --genes 200 --targets 6 --controls 120 --splits 2 --seed 11 "$@"
}
mixed_screen() {
	tiny_screen --shuffle "$@"
}

# signature_screen > FILE: a small sorted screen with the recipe layers X and X_pert.
signature_screen() {
	tiny_screen | normalize -o signature_plain.pmx
	pmx-view --columns true_efficacy,n_counts signature_plain.pmx | awk -F '\t' '{ print $1 "\t" $2 "\t" $3 }' >signature_pca.tsv
	pmx-join --obsm X_pca=signature_pca.tsv signature_plain.pmx | pmx-sort --by gene_target --first NT |
		pert-signature --control NT --n-neighbors 5 "$@"
}
