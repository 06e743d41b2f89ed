load ../setup
load ../screens

setup_file() {
	reference_screens
	small_screen | normalize | pca --n-comps 10 | pert-signature --control NT | mixscape -q --control NT -o "$BATS_FILE_TMPDIR/small.pmx"
}

setup() {
	work
	small=$BATS_FILE_TMPDIR/small.pmx
}

# equal SCREEN COMPONENTS: coordinates, posteriors, those without the cell itself, and labels against MASS.
equal() {
	need golden/seurat
	local control
	control=$(control_of "$1")
	mixscape -q --compat seurat --control "$control" "$BATS_FILE_TMPDIR/$1.sig.pmx" -o classes.pmx
	lda -q --control "$control" --n-comps "$2" classes.pmx -o ours.pmx
	lda -q --control "$control" --n-comps "$2" --cv classes.pmx -o ours_cv.pmx
	python3 "$repo/tests/compare_lda.py" "$(golden "$1")" ours.pmx ours_cv.pmx
}

@test "the real screen equals MixscapeLDA with converged components" { equal papalexi 3; }
@test "the synthetic screen equals MixscapeLDA with converged components" { equal synth 10; }

@test "the same bytes for any threads, memory and blocks, from a pipe and from a mixed stream" {
	lda -q --control NT --n-comps 3 -t 1 "$small" -o one.pmx
	lda -q --control NT --n-comps 3 -t 3 --memory 1M "$small" -o three.pmx
	pmx-diff one.pmx three.pmx
	pmx-select --block-rows 7 "$small" | lda -q --control NT --n-comps 3 >pipe.pmx
	pmx-diff one.pmx pipe.pmx
	# Sorted by the tool itself.
	small_screen | normalize | pca --n-comps 10 | pert-signature --control NT --dense | mixscape -q --control NT | pmx-sort --by replicate |
		lda -q --control NT --n-comps 3 | pmx-view --obsm X_lda >mixed.tsv
	[ "$(wc -l <mixed.tsv)" = 601 ]
	pmx-view --obsm X_lda one.pmx >straight.tsv
	for i in 1 2; do compare straight.tsv X_lda_$i mixed.tsv X_lda_$i 1e-6; done
}

@test "cells that answer are put with their target, all cells have a place" {
	lda -q --control NT --n-comps 3 --details details.tsv "$small" | pmx-view --obs >ours.tsv
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["mixscape_class_global"] == "KO" { n++; right += $at["lda_assignment"] == $at["gene_target"] }
		$at["lda_assignment"] == "NA" || $at["lda_reason"] != "NA" { bad++ }
		END { print n, right; exit !(n > 100 && right > 0.6 * n && !bad) }' ours.tsv
	awk -F'\t' 'NR > 1 { n++; good += $4 == 3 && $5 == "NA" && $3 >= 4 } END { exit !(n > 1 && good == n) }' details.tsv
	# Without themselves fewer are, and the others stay as they are.
	lda -q --control NT --n-comps 3 --cv "$small" | pmx-view --obsm lda_posterior >cv.tsv
	lda -q --control NT --n-comps 3 "$small" | pmx-view --obsm lda_posterior >plain.tsv
	join -t $'\t' cv.tsv plain.tsv >both.tsv
	awk -F'\t' 'NR == FNR { if (FNR == 1) { for (i = 1; i <= NF; i++) at[$i] = i } else global[$1] = $at["mixscape_class_global"]; next }
		FNR > 1 { k = (NF - 1) / 2; d = 0; for (i = 2; i <= k + 1; i++) d += $i != $(i + k)
			same[global[$1]] += d == 0; n[global[$1]]++ }
		END { exit !(n["NP"] > 0 && same["NP"] == n["NP"] && same["KO"] < n["KO"]) }' ours.tsv both.tsv
}

@test "given markers, and a type of perturbation by another name" {
	pmx-view --obs "$small" | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["gene_target"] != "NT" { print $at["gene_target"] }' |
		sort -u >targets.txt
	pmx-view --var "$small" | sed -n 2,9p | cut -f1 >genes.txt
	while read -r t; do sed "s/^/$t\t/" genes.txt; done <targets.txt >list.tsv
	lda -q --control NT --n-comps 2 --de-genes list.tsv --details d.tsv "$small" | pmx-info --json | grep -q '"components"'
	awk -F'\t' 'NR > 1 && ($3 != 8 || $4 != 2) { bad = 1 } END { exit bad }' d.tsv
	mixscape -q --control NT --perturbation-type OE "$small" | lda -q --control NT --perturbation-type OE --n-comps 3 | pmx-view --obsm X_lda |
		diff - <(lda -q --control NT --n-comps 3 "$small" | pmx-view --obsm X_lda)
}

@test "what cannot be placed or learned has a reason" {
	run lda --control NT --n-comps 900 "$small" -o out.pmx
	[[ "$status" = 1 && "$output" = *"too_few_markers"* && "$output" = *"no target gives components"* ]]
	[ ! -e out.pmx ]
	run lda --control NT --perturbation-type KD "$small"
	[[ "$status" = 1 && "$output" = *"no label 'KD'"* ]]
	run lda --control NT --class-key nothing "$small"
	[[ "$status" = 1 && "$output" = *nothing* ]]
	# A class of one cell, a target without markers, cells without a split (no signature).
	pmx-view --obs "$small" | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "cell\tt\tr\tg"; next }
		{ t = $at["gene_target"]; r = "a"; g = $at["mixscape_class_global"]
		  if (g == "KO" && !one) { one = 1; t = "lonely" }
		  if (t == "NT" && ++n <= 10) t = "idle"
		  if (g == "NP" && ++q <= 4) r = "NA"; print $1 "\t" t "\t" r "\t" (t == "NT" ? "NT" : "KO") }' >new.tsv
	pmx-select --drop-layer X_pert "$small" | pmx-join --obs new.tsv | pert-signature --pert-key t --control NT --split-by r -o odd.pmx
	run --separate-stderr bash -c "lda --cv --pert-key t --control NT --class-key g --n-comps 3 --details d.tsv odd.pmx | pmx-view --obs"
	[ "$status" = 0 ]
	[[ "$stderr" = *"no_signature 4"* && "$stderr" = *"only_cell_of_class 1"* && "$stderr" = *"1 targets give no components: too_few_cells"* ]]
	grep -P '^lonely\t1\t0\t0\ttoo_few_cells$' d.tsv
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		($at["lda_assignment"] == "NA") != ($at["lda_reason"] != "NA") { bad = 1 } END { exit bad }' <<<"$output"
}

@test "no controls, one, or none in a split: a reason, or the classes from the others" {
	small_screen | normalize | pca --n-comps 10 | pert-signature --control NT --split-by replicate --dense |
		mixscape -q --control NT --split-by replicate -o dense.pmx
	run --separate-stderr lda --control nobody dense.pmx -o out.pmx
	[[ "$status" = 1 && "$stderr" = *"has no label 'nobody'; its labels are: NT, T0001"* ]]
	run --separate-stderr bash -c "pmx-select --where 'gene_target != NT' dense.pmx | lda --control NT --n-comps 3 -o out.pmx"
	[[ "$status" = 1 && "$stderr" = *"no row has the label 'NT'"* ]]
	run --separate-stderr bash -c "pmx-select --where 'gene_target != NT or cell == c000000001' dense.pmx | lda --control NT --n-comps 3 -o out.pmx"
	[[ "$status" = 1 && "$stderr" = *"targets give no components: too_few_controls"* ]]
	[ ! -e out.pmx ]
	pmx-select --where 'gene_target != NT or replicate == rep1' dense.pmx | lda --control NT --n-comps 3 2>notes | pmx-view --obs >half.tsv
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { n[$at["replicate"]]++ } $at["lda_assignment"] == "NA" || $at["lda_reason"] != "NA" { bad++ }
		END { exit !(n["rep1"] > 200 && n["rep2"] > 200 && !bad) }' half.tsv
}
