load ../setup
load ../screens

setup_file() {
	reference_screens
	small_screen | normalize | pca --n-comps 10 | pert-signature --control NT -o "$BATS_FILE_TMPDIR/small.sig.pmx"
}

setup() {
	work
	small=$BATS_FILE_TMPDIR/small.sig.pmx
}

# classes SCREEN NAME OPTIONS: our classes and posteriors against the reference of that name.
classes() {
	local screen=$1 name=$2 gold
	shift 2
	need golden/seurat
	gold=$(golden "$screen")/mixscape_${name}_cells.tsv.gz
	mixscape -q --compat seurat --control "$(control_of "$screen")" "$@" "$BATS_FILE_TMPDIR/$screen.sig.pmx" | pmx-view --obs >ours.tsv
	compare "$gold" class ours.tsv mixscape_class 0 --text
	compare "$gold" class_global ours.tsv mixscape_class_global 0 --text
	compare "$gold" p_ko ours.tsv mixscape_class_p_ko 1e-9
}

both() {
	classes papalexi "$@"
	classes synth "$@"
}

@test "plain classes equal Seurat's" { both plain; }
@test "classes by split equal Seurat's" { both split --split-by replicate; }
@test "fine mode equals Seurat's" { both fine --fine-mode --guide-key guide; }
@test "one round equals Seurat's" { both iter1 --iter-num 1; }

@test "projections of the first round equal Seurat's" {
	need golden/seurat
	for run in papalexi:plain: synth:plain: papalexi:split:replicate synth:split:replicate; do
		IFS=: read -r screen name split <<<"$run"
		mixscape -q --compat seurat --control "$(control_of "$screen")" ${split:+--split-by "$split"} --details details.tsv \
			"$BATS_FILE_TMPDIR/$screen.sig.pmx" -o classes.pmx
		awk -F'\t' 'NR == 1 { print "key\tvalue"; next } { print $1 "|" ($2 == "all" ? "con1" : $2) "|" $3 "\t" $5 }' details.tsv >ours.tsv
		unpack "$screen" "mixscape_${name}_pvec" | awk -F'\t' 'NR == 1 { print "key\tvalue"; next } { print $1 "|" $2 "|" $3 "\t" $5 }' >pvec.tsv
		compare pvec.tsv value ours.tsv value 1e-9
	done
}

# --compat pertpy on pertpy's own outcomes with exact neighbours; its cells are named without the underscore.
pertpy_signature() {
	need golden/pertpy
	zcat "$shared/golden/pertpy/papalexi/X_pca15.tsv.gz" | sed 's/^cell\([0-9]\)/cell_\1/' >pca.tsv
	pmx-join --obsm X_pca=pca.tsv "$BATS_FILE_TMPDIR/papalexi.norm.pmx" |
		pert-signature --control non-targeting --split-by replicate "$@" -o pertpy.sig.pmx
}

pertpy_classes() {
	local gold=$shared/golden/pertpy/papalexi/mixscape_$1.tsv.gz
	shift
	mixscape -q --compat pertpy --control non-targeting "$@" pertpy.sig.pmx | pmx-view --obs | sed 's/^cell_/cell/; s/non-targeting/NT/g' >ours.tsv
	local stem
	stem=$(zcat "$gold" | head -n 1 | cut -f 4)
	compare "$gold" "$stem" ours.tsv "$stem" 0 --text
	compare "$gold" "${stem}_global" ours.tsv "${stem}_global" 0 --text
}

@test "--compat pertpy gives pertpy's classes on the real screen" {
	pertpy_signature
	pertpy_classes nn_exact
	compare "$shared/golden/pertpy/papalexi/mixscape_nn_exact.tsv.gz" mixscape_class_p_ko ours.tsv mixscape_class_p_ko 1e-9
	pertpy_classes nn_exact_byrep --split-by replicate
	pertpy_classes nn_exact_noscale --no-scale
	pertpy_classes nn_exact_ttest --test t
	pertpy_classes nn_exact_min10_lfc05_iter1 --min-de-genes 10 --logfc-threshold 0.5 --iter-num 1
	pertpy_classes nn_exact_knockdown --perturbation-type KD --new-class-name ms
}

@test "the default gives the known biology of the real screen" {
	need golden/seurat
	mixscape -q --control non-targeting --split-by replicate "$BATS_FILE_TMPDIR/papalexi.sig.pmx" | pmx-view --obs >ours.tsv
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		{ n[$at["gene_target"]]++; ko[$at["gene_target"]] += $at["mixscape_class_global"] == "KO" }
		END { for (t in n) print t "\t" ko[t] / n[t] }' ours.tsv >share.tsv
	for target in STAT1 JAK2 IFNGR1 IFNGR2; do awk -v t=$target '$1 == t && $2 > 0.5 { ok = 1 } END { exit !ok }' share.tsv; done
	for target in ATF2 CD86 CAV1 ETV7 MARCH8; do awk -v t=$target '$1 == t && $2 < 0.05 { ok = 1 } END { exit !ok }' share.tsv; done
}

@test "cells that answer in a simulated screen are those that were made to" {
	simulate-screen --cells 3000 --genes 400 --targets 5 --controls 600 --splits 1 --effect 1.5 --seed 5 | normalize | pca --n-comps 10 |
		pert-signature --control NT | mixscape -q --control NT | pmx-view --obs >ours.tsv
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["gene_target"] == "NT" || $at["mixscape_reason"] != "NA" { next }
		$at["true_efficacy"] == 0 { idle++; wrong += $at["mixscape_class_global"] == "KO" }
		$at["true_efficacy"] > 0.9 { strong++; right += $at["mixscape_class_global"] == "KO" }
		END { print idle, wrong, strong, right; exit !(idle > 300 && strong > 200 && wrong < 0.2 * idle && right > 0.9 * strong) }' ours.tsv
}

@test "what is not classified has a reason" {
	small_screen | normalize | pca --n-comps 10 -o pca.pmx
	# A target with two cells, cells without a target, a split without controls.
	pmx-view --obs pca.pmx | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "cell\tt\tr"; next }
		{ t = $at["gene_target"]; r = "a"; if (t == "T0001" && ++few > 2) t = "NA"; if (t == "T0002") r = "b"; print $1 "\t" t "\t" r }' >new.tsv
	pmx-join --obs new.tsv pca.pmx | pert-signature --pert-key t --control NT | mixscape --pert-key t --control NT --split-by r 2>err | pmx-view --obs >ours.tsv
	grep -q 'no_controls_in_split\|too_few_controls' err
	grep -q 'too_few_cells 2' err
	grep -q 'no_label' err
	run awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["mixscape_reason"] != "NA" && ($at["mixscape_class_global"] == "KO" || $at["mixscape_class_p_ko"] != 0) { print; bad = 1 } END { exit bad }' ours.tsv
	[ "$status" = 0 ]
}

@test "a screen in which nothing can be classified ends with status 1" {
	run mixscape --control NT --min-de-genes 300 "$small" -o out.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"no cell was classified"* ]]
	[ ! -e out.pmx ]
}

@test "the weak guide of STAT1 is named, by a count of its cells" {
	need golden/seurat
	run --separate-stderr mixscape --control non-targeting --split-by replicate --guide-key guide --guide-table guides.tsv \
		"$BATS_FILE_TMPDIR/papalexi.sig.pmx" -o classes.pmx
	[[ "$status" = 0 && "$stderr" = *"weak guides"*STAT1g4* ]]
	awk -F'\t' '$2 == "STAT1g4" { found = $3 == 16 && $5 < 0.5 * $6 && $7 < 1e-4 && $8 < 0.05 && $8 >= $7 && $9 == "yes" } END { exit !found }' guides.tsv
	run ! grep -P '^(JAK2|IFNGR1|IFNGR2|SMAD4)\t.*\tyes\t' guides.tsv
	grep -P '^ATF2\tATF2g1\t0\t0\tNA\tNA\tNA\tNA\tNA\tnot_classified$' guides.tsv
	pmx-view --obs classes.pmx | awk -F'\t' -v OFS='\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "guide", "cells", "ko"; next }
		$at["gene_target"] != "non-targeting" { g = $at["guide"]; seen[g]; if ($at["mixscape_reason"] == "NA") { n[g]++; k[g] += $at["mixscape_class_global"] == "KO" } }
		END { for (g in seen) print g, n[g] + 0, k[g] + 0 }' >count.tsv
	compare count.tsv cells guides.tsv n_cells 0 --key guide
	compare count.tsv ko guides.tsv n_ko 0 --key guide
	# The classes are those without a table.
	mixscape -q --control non-targeting --split-by replicate "$BATS_FILE_TMPDIR/papalexi.sig.pmx" | pmx-view --obs | diff - <(pmx-view --obs classes.pmx)
}

@test "guides are compared only where there are several, and the column has to be there" {
	mixscape -q --control NT --guide-table guides.tsv "$small" -o classes.pmx
	[ "$(head -n 1 guides.tsv)" = $'target\tguide\tn_cells\tn_ko\tshare\tshare_others\tp_value\tq_value\tweak\treason' ]
	pmx-view --obs classes.pmx | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "cell\tone"; next } { print $1 "\t" $at["gene_target"] }' >one.tsv
	pmx-join --obs one.tsv classes.pmx | mixscape -q --control NT --guide-key one --guide-table single.tsv -o again.pmx
	awk -F'\t' 'NR > 1 && $3 > 0 { n++; ok += $10 == "only_guide" && $9 == "NA" && $7 == "NA" } END { exit !(n && ok == n) }' single.tsv
	run mixscape --control NT --guide-key nothing --guide-table t.tsv "$small" -o x.pmx
	[[ "$status" = 1 && "$output" = *nothing* ]]
	[ ! -e t.tsv ]
}

@test "a target of one cell, and one whose genes do not vary, are not classified and break nothing" {
	pmx-view --obs "$small" | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "cell\tt"; next }
		{ t = $at["gene_target"]; if (t != "NT" && !one++) t = "lonely"; print $1 "\t" t }' >new.tsv
	small_screen | normalize | pca --n-comps 10 | pmx-join --obs new.tsv | pert-signature --pert-key t --control NT |
		mixscape --pert-key t --control NT --guide-table g.tsv 2>err | pmx-view --obs >ours.tsv
	grep -q 'too_few_cells 1' err
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["t"] == "lonely" { ok = $at["mixscape_reason"] == "too_few_cells" &&
		$at["mixscape_class"] == "lonely NP" && $at["mixscape_class_p_ko"] == 0 } END { exit !ok }' ours.tsv
	grep -P '^lonely\t.*\tnot_classified$' g.tsv
	# Genes that are 0 everywhere give no direction.
	small_screen -o raw.pmx
	pmx-export -q --to tsv --layer counts raw.pmx | awk -F'\t' -v OFS='\t' 'NR > 1 { for (i = 2; i <= 7; i++) $i = 0 } { print }' >flat.tsv
	head -n 1 flat.tsv | cut -f 2-7 | tr '\t' '\n' | sed 's/^/T0001\t/' >list.tsv
	pmx-view --obs raw.pmx >obs.tsv
	pmx-import -q --rows cells --obs obs.tsv flat.tsv | normalize | pca --n-comps 10 | pert-signature --control NT -o flat.pmx
	run mixscape --control NT --de-genes list.tsv flat.pmx -o x.pmx
	[[ "$status" = 1 && "$output" = *"no_direction 80"* ]]
}
