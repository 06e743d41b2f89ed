load ../setup
load ../screens

setup_file() {
	reference_screens
	small_screen | normalize -o "$BATS_FILE_TMPDIR/small.pmx"
}

setup() {
	work
	small=$BATS_FILE_TMPDIR/small.pmx
}

# table SCREEN OPTIONS: the long table of a screen.
table() {
	local screen=$1
	shift
	de-markers -q --control "$(control_of "$screen")" "$@" --tsv "$BATS_FILE_TMPDIR/$screen.norm.pmx"
}

# same GOLDEN TARGET TABLE: the same genes in the same order, p to 1e-9 relative, fold changes and shares too.
same() {
	python3 "$repo/tests/compare_markers.py" "$@"
}

@test "single tests equal FindMarkers" {
	need golden/seurat
	for screen in papalexi synth; do
		local g first
		g=$(golden $screen)
		case $screen in papalexi) first=STAT1 targets="STAT1 ATF2 IFNGR2 SPI1" ;; *) first=T01 targets="T01 T07 T09 T11" ;; esac
		table $screen --test lr >lr.tsv
		same "$g/findmarkers_LR_$first.tsv.gz" $first lr.tsv
		table $screen --test t >t.tsv
		same "$g/findmarkers_t_$first.tsv.gz" $first t.tsv
		table $screen --test wilcoxon >default.tsv
		table $screen --test wilcoxon --logfc-threshold 0 --min-pct 0 >full.tsv
		for t in $targets; do
			same "$g/findmarkers_wilcox_default_$t.tsv.gz" "$t" default.tsv
			same "$g/findmarkers_wilcox_full_$t.tsv.gz" "$t" full.tsv
		done
		table $screen --test wilcoxon --only-positive --min-pct 0.25 --min-diff-pct 0.1 >positive.tsv
		same "$g/findmarkers_wilcox_onlypos_$first.tsv.gz" $first positive.tsv
		table $screen --test wilcoxon --logfc-threshold 0.1 --reference rest >rest.tsv
		same "$g/findmarkers_wilcox_rest_$first.tsv.gz" $first rest.tsv
	done
}

@test "the tables behind Mixscale and Mixscape equal ours: all targets, guides, splits, thresholds" {
	need golden/seurat
	for screen in papalexi synth; do
		local g
		g=$(golden $screen)
		table $screen >plain.tsv
		python3 "$repo/tests/compare_markers.py" --all "$g/mixscale_plain_de.tsv.gz" plain.tsv
		# The same tables with another cutoff.
		table $screen --pval-cutoff 0.01 >strict.tsv
		zcat "$g/mixscale_plain_de.tsv.gz" | awk -F'\t' 'BEGIN { OFS = "\t" } NR > 1 { $13 = $12 < 0.01 ? 1 : 0 } { print }' | gzip >strict.tsv.gz
		python3 "$repo/tests/compare_markers.py" --all strict.tsv.gz strict.tsv
		table $screen --logfc-threshold 0.5 >logfc.tsv
		python3 "$repo/tests/compare_markers.py" --all "$g/mixscale_logfc05_de.tsv.gz" logfc.tsv
		table $screen --by guide --guide-key guide >guide.tsv
		python3 "$repo/tests/compare_markers.py" --all "$g/mixscale_fine_de.tsv.gz" guide.tsv
		table $screen --split-by replicate >split.tsv
		python3 "$repo/tests/compare_markers.py" --all "$g/mixscape_split_de.tsv.gz" split.tsv
	done
}

@test "the tables behind MixscapeLDA equal ours: the cells with a response, and the controls" {
	need golden/seurat
	for screen in papalexi synth; do
		unpack $screen mixscape_plain_cells | cut -f1,3 >classes.tsv
		pmx-join -q --obs classes.tsv "$BATS_FILE_TMPDIR/$screen.norm.pmx" |
			pmx-select --where "class_global in (KO, $(control_of $screen))" |
			de-markers -q --control "$(control_of $screen)" --tsv >lda.tsv
		python3 "$repo/tests/compare_markers.py" --all "$(golden $screen)/lda_de.tsv.gz" lda.tsv
	done
}

@test "--compat pertpy equals scanpy's tests and pertpy's marker lists" {
	need golden/pertpy
	local g=$shared/golden/pertpy/papalexi
	de-markers -q --compat pertpy --control non-targeting --tsv "$BATS_FILE_TMPDIR/papalexi.norm.pmx" >w.tsv
	python3 "$repo/tests/compare_markers.py" --pertpy "$g/de_wilcoxon.tsv.gz" "$g/markers_wilcoxon.tsv.gz" w.tsv
	de-markers -q --compat pertpy --test t --control non-targeting --tsv "$BATS_FILE_TMPDIR/papalexi.norm.pmx" >t.tsv
	python3 "$repo/tests/compare_markers.py" --pertpy "$g/de_ttest.tsv.gz" "$g/markers_ttest.tsv.gz" t.tsv
}

@test "threads, batches, blocks and pipes change nothing" {
	de-markers --control NT --test wilcoxon -t 1 "$small" -o one.pmx
	de-markers --control NT --test wilcoxon -t 8 <"$small" >eight.pmx
	cmp one.pmx eight.pmx
	de-markers --control NT --test wilcoxon --memory 1M "$small" -o little.pmx
	cmp one.pmx little.pmx
	for test in lr t wilcoxon; do
		de-markers --reference rest --test $test "$small" -o whole.pmx
		de-markers --reference rest --test $test --memory 200K -t 3 "$small" -o little.pmx
		cmp whole.pmx little.pmx
	done
	de-markers --control NT --block-rows 1 "$small" -o rows.pmx
	de-markers --control NT "$small" | pmx-diff rows.pmx -
}

@test "cells in any order give the same table" {
	de-markers --control NT --tsv "$small" >a.tsv
	small_screen --shuffle | normalize | pmx-sort --by gene_target --first NT | de-markers --control NT --tsv >b.tsv
	small_screen --shuffle | normalize | de-markers --control NT --tsv >c.tsv
	cmp b.tsv c.tsv
	# The shuffled screen names its cells anew, so sums run in another order: equal but for rounding.
	awk -F'\t' '{ print $1, $4, $11 }' a.tsv >a
	awk -F'\t' '{ print $1, $4, $11 }' b.tsv >b
	cmp a b
}

@test "the stream and the table say the same" {
	de-markers --control NT "$small" -o markers.pmx
	pmx-check -q markers.pmx
	de-markers --control NT --tsv --all-genes "$small" | awk -F'\t' 'NR > 1 && $1 == "T0001" { print $4 "\t" $11 }' | sort >table
	pmx-view --layer marker_rank markers.pmx | awk -F'\t' 'NR == 1 { for (i = 2; i <= NF; i++) g[i] = $i } $1 == "T0001" { for (i = 2; i <= NF; i++) print g[i] "\t" $i }' |
		sort >stream
	cmp table stream
}

@test "against the rest, and against all" {
	de-markers --reference rest --tsv "$small" >rest.tsv
	de-markers --reference rest --control NT --tsv "$small" >named.tsv
	# Without a control label, NT is one more target.
	grep -c '^NT' rest.tsv
	run ! grep -q '^NT' named.tsv
	de-markers --reference all --control NT --test wilcoxon --tsv "$small" >all.tsv
	[ "$(wc -l <all.tsv)" -gt 20 ]
}

@test "bad input is refused with what to do" {
	run de-markers "$small"
	[ "$status" -eq 1 ]
	[[ $output == *"--control is needed"* ]]
	run de-markers --control NT --layer counts "$small" -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"holds counts"* ]]
	small_screen -o raw.pmx
	run de-markers --control NT raw.pmx -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"run normalize first"* ]]
	run de-markers --control NT --by guide --guide-key nothing "$small" -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"no row column 'nothing'"* ]]
	run de-markers --control NT --test ks "$small" -o out.pmx
	[ "$status" -eq 2 ]
	[[ $output == *"lr, wilcoxon, t"* ]]
	simulate-screen --cells 50 --genes 30 --targets 0 | normalize -o controls.pmx
	run de-markers --control NT controls.pmx -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"no target"* ]]
	[ ! -e out.pmx ]
}

@test "contrasts with too few cells say so" {
	pmx-view --obs "$small" | awk -F'\t' 'BEGIN { OFS = "\t"; print "cell", "target2" } NR > 1 { t = $2; if (t == "T0001" && ++n > 2) t = "NA"; print $1, t }' >labels.tsv
	pmx-join --obs labels.tsv "$small" | de-markers --pert-key target2 --control NT -o markers.pmx 2>notes
	grep -q 'have no label' notes
	pmx-view --obs markers.pmx | awk -F'\t' '$1 == "T0001"' | grep -q too_few_cells
}
