# shellcheck shell=bash
# The two reference screens (or those named) as streams, made once a file: NAME.norm.pmx, NAME.pca.pmx, NAME.sig.pmx in $BATS_FILE_TMPDIR.
# The signature is the one that the reference values were made with: split by replicate, 20 neighbours, 15 components.

reference_screens() {
	local name genes
	[ -e "$shared/golden/seurat" ] && [ -e "$shared/data/papalexi_thp1" ] || return 0
	[ $# -gt 0 ] || set -- papalexi synth
	for name; do
		genes=$BATS_FILE_TMPDIR/$name.genes
		zcat "$shared/golden/seurat/$name/variable_features.tsv.gz" | tail -n +2 | cut -f1 >"$genes"
		"$name" | normalize -o "$BATS_FILE_TMPDIR/$name.norm.pmx"
		pca --scale --n-comps 15 --genes "$genes" "$BATS_FILE_TMPDIR/$name.norm.pmx" -o "$BATS_FILE_TMPDIR/$name.pca.pmx"
		pert-signature --control "$(control_of "$name")" --split-by replicate "$BATS_FILE_TMPDIR/$name.pca.pmx" \
			-o "$BATS_FILE_TMPDIR/$name.sig.pmx"
	done
}

control_of() {
	case $1 in papalexi) echo non-targeting ;; *) echo NT ;; esac
}

# Where the reference values of a screen are.
golden() {
	echo "$shared/golden/seurat/$1"
}

# Unpacks a gzip table of the references into the work folder.
unpack() {
	zcat "$(golden "$1")/$2.tsv.gz"
}
