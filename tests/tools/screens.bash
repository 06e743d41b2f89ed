# shellcheck shell=bash
# The small screen with the controls first, then target by target; and with its cells mixed.
grouped_option=$(simulate-screen --help | grep -o -m 1 -- '--grouped' || true)
mixed_option=$(simulate-screen --help | grep -o -m 1 -- '--shuffle' || true)
grouped_screen() {
	small_screen $grouped_option "$@"
}
mixed_screen() {
	small_screen $mixed_option "$@"
}

# signature_screen > FILE: a small sorted screen with the recipe layers X and X_pert; skips where pert-signature is not built.
signature_screen() {
	command -v pert-signature >/dev/null || skip "pert-signature is not built"
	small_screen | normalize -o signature_plain.pmx
	pmx-view --columns true_efficacy,n_counts signature_plain.pmx | awk -F '\t' '{ print $1 "\t" $2 "\t" $3 }' >signature_pca.tsv
	pmx-join --obsm X_pca=signature_pca.tsv signature_plain.pmx | pmx-sort --by gene_target --first NT |
		pert-signature --control NT --n-neighbors 5 "$@"
}
