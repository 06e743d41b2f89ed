# shellcheck shell=bash
# The small screen with the controls first, then target by target; and with its cells mixed.
grouped_screen() {
	small_screen "$@"
}
mixed_screen() {
	small_screen --shuffle "$@"
}

# signature_screen > FILE: a small sorted screen with the recipe layers X and X_pert.
signature_screen() {
	small_screen | normalize -o signature_plain.pmx
	pmx-view --columns true_efficacy,n_counts signature_plain.pmx | awk -F '\t' '{ print $1 "\t" $2 "\t" $3 }' >signature_pca.tsv
	pmx-join --obsm X_pca=signature_pca.tsv signature_plain.pmx | pmx-sort --by gene_target --first NT |
		pert-signature --control NT --n-neighbors 5 "$@"
}
