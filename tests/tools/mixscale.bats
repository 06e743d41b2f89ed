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

# scores SCREEN OPTIONS: our scores against the reference of that name, to 1e-9.
scores() {
	local screen=$1 name=$2
	shift 2
	need golden/seurat
	mixscale -q --control "$(control_of "$screen")" "$@" "$BATS_FILE_TMPDIR/$screen.sig.pmx" | pmx-view --obs >ours.tsv
	compare "$(golden "$screen")/mixscale_${name}_scores.tsv.gz" score ours.tsv mixscale_score 1e-9
}

both() {
	scores papalexi "$@"
	scores synth "$@"
}

@test "plain scores equal Mixscale's" { both plain; }
@test "scores by split equal Mixscale's" { both split --split-by replicate; }
@test "harmonize as shipped, which does nothing, is our default" { both harmonize_stock --split-by replicate; }
@test "fine mode equals Mixscale's" { both fine --fine-mode --guide-key guide; }
@test "fine mode by split equals Mixscale's" { both fine_split --fine-mode --guide-key guide --split-by replicate; }
@test "unscaled scores equal Mixscale's" { both slotdata --no-scale; }
@test "twenty genes equal Mixscale's" { both maxde20 --max-de-genes 20; }
@test "all genes equal Mixscale's" { both maxdeNULL --max-de-genes 0; }
@test "three genes at least equal Mixscale's" { both minde3 --min-de-genes 3; }
@test "a fold-change threshold of 0.5 equals Mixscale's" { both logfc05 --logfc-threshold 0.5; }
@test "a p cutoff of 0.01 equals Mixscale's" { both pval001 --pval-cutoff 0.01; }

@test "given genes equal Mixscale's, plain and by split" {
	need golden/seurat
	for screen in papalexi synth; do
		unpack $screen mixscale_degene_input >genes.tsv
		scores $screen degene --de-genes genes.tsv
		scores $screen degene_split --de-genes genes.tsv --split-by replicate
	done
}

# The drawn controls as target, guide, cell: the reference has them as columns of the matrix, from 1.
draw() {
	local folder
	case $1 in papalexi) folder=papalexi_thp1 ;; *) folder=synth_screen ;; esac
	awk -F'\t' 'NR == FNR { cell[FNR] = $1; next }
		FNR > 1 { n = split($6, at, ","); for (i = 1; i <= n; i++) print $1 "\t" $2 "\t" cell[at[i]] }' \
		<(zcat "$shared/data/$folder/barcodes.tsv.gz") <(unpack "$1" "$2") >draw.tsv
}

@test "a given harmonised draw equals Mixscale's with its test put right" {
	need golden/seurat
	for screen in papalexi synth; do
		draw $screen mixscale_harmonize_fixed_sampled
		scores $screen harmonize_fixed --split-by replicate --harmonize-cells draw.tsv
		draw $screen mixscale_harmonize_fixed_fine_sampled
		scores $screen harmonize_fixed_fine --split-by replicate --harmonize-cells draw.tsv --fine-mode --guide-key guide
	done
}

@test "projections and leave-one-out projections equal Mixscale's" {
	need golden/seurat
	for run in papalexi:plain: synth:plain: papalexi:split:replicate synth:split:replicate; do
		IFS=: read -r screen name split <<<"$run"
		mixscale -q --control "$(control_of "$screen")" ${split:+--split-by "$split"} --details details.tsv \
			"$BATS_FILE_TMPDIR/$screen.sig.pmx" -o scores.pmx
		# One long table: target|split|cell|gene (or pvec) and the value; the reference calls the one split con1.
		awk -F'\t' '$1 == "target" { for (i = 5; i <= NF; i++) name[i] = $i; next }
			{ s = $2 == "all" ? "con1" : $2; for (i = 5; i <= NF; i++) print $1 "|" s "|" $3 "|" name[i] "\t" $i }' details.tsv |
			sed '1i key\tvalue' >ours.tsv
		unpack "$screen" "mixscale_${name}_pvec" | awk -F'\t' 'NR == 1 { print "key\tvalue"; next } { print $1 "|" $2 "|" $3 "|pvec\t" $5 }' >pvec.tsv
		compare pvec.tsv value ours.tsv value 1e-9
		[ -e "$(golden "$screen")/mixscale_${name}_loo.tsv.gz" ] || continue
		unpack "$screen" "mixscale_${name}_loo" | awk -F'\t' 'NR == 1 { print "key\tvalue"; next } { print $1 "|" $2 "|" $3 "|" $4 "\t" $5 }' >loo.tsv
		compare loo.tsv value ours.tsv value 1e-9
	done
}

# --compat pertpy on pertpy's own outcomes with exact neighbours; its cells are named without the underscore.
pertpy_scores() {
	local name=$1
	shift
	mixscale -q --compat pertpy --control non-targeting "$@" pertpy.sig.pmx | pmx-view --obs | sed 's/^cell_/cell/' >ours.tsv
	compare "$shared/golden/pertpy/papalexi/mixscale_$name.tsv.gz" mixscale_score ours.tsv mixscale_score 1e-9
}

pertpy_signature() {
	need golden/pertpy
	zcat "$shared/golden/pertpy/papalexi/X_pca15.tsv.gz" | sed 's/^cell\([0-9]\)/cell_\1/' >pca.tsv
	pmx-join --obsm X_pca=pca.tsv "$BATS_FILE_TMPDIR/papalexi.norm.pmx" |
		pert-signature --control non-targeting --split-by replicate "$@" -o pertpy.sig.pmx
}

@test "--compat pertpy equals pertpy on the real screen" {
	pertpy_signature
	pertpy_scores nn_exact
	pertpy_scores nn_exact_byrep --split-by replicate
	pertpy_scores nn_exact_noscale --no-scale
	pertpy_scores nn_exact_max20 --max-de-genes 20
	pertpy_scores nn_exact_ttest --test t
	pertpy_scores nn_exact_min20 --min-de-genes 50
	pertpy_scores nn_exact_fine_noMYCg4 --fine-mode --guide-key guide
	for given in "given" "harmonize --split-by replicate"; do
		zcat "$shared/golden/pertpy/papalexi/mixscale_nn_exact_${given%% *}_degenes.tsv.gz" >genes.tsv
		# shellcheck disable=SC2086
		pertpy_scores nn_exact_${given%% *} --de-genes genes.tsv $([ "$given" = "${given#* }" ] || echo "${given#* }")
	done
}

@test "projections and leave-one-out projections equal pertpy's" {
	pertpy_signature
	local g=$shared/golden/pertpy/papalexi run split
	for run in nn_exact: nn_exact_byrep:replicate; do
		split=${run#*:}
		mixscale -q --compat pertpy --control non-targeting ${split:+--split-by "$split"} --details details.tsv pertpy.sig.pmx -o scores.pmx
		python3 - "$g/mixscale_${run%:*}_pvec.tsv.gz" "$g/mixscale_${run%:*}_loo_STAT1.tsv.gz" details.tsv <<'P'
import csv, gzip, sys
pvec, loo, details = sys.argv[1:]
ours, names, splits = {}, [], {}
for row in csv.reader(open(details), delimiter="\t"):
    if row[0] == "target":
        names = row[5:]
        continue
    key = row[0], row[1], row[2].replace("cell_", "cell")
    ours[key] = float(row[4]), dict(zip(names, row[5:]))
    if row[0] == "STAT1":
        splits.setdefault(key[2], []).append(key)
n = m = worst = 0
for r in csv.DictReader(gzip.open(pvec, "rt"), delimiter="\t"):
    worst = max(worst, abs(float(r["pvec"]) - ours[r["gene"], r["split"], r["cell"]][0])); n += 1
for r in csv.DictReader(gzip.open(loo, "rt"), delimiter="\t"):
    (key,) = splits[r["cell"]]
    for gene, value in r.items():
        if gene not in ("cell", "pvec", "gene_target", "split"):
            worst = max(worst, abs(float(value) - float(ours[key][1][gene]))); m += 1
print(f"{n} projections, {m} with a gene left out, worst {worst:.3g}")
sys.exit(n < 1000 or m < 1000 or not worst <= 1e-9)
P
	done
}

@test "--compat pertpy equals pertpy with the mean of the split as reference" {
	pertpy_signature --ref-selection-mode split_by
	pertpy_scores split_by
}

@test "the table that pertpy's tests hold against R, three modes" {
	need golden/pertpy
	local g=$shared/golden/pertpy/r_golden
	pmx-import --layer X_pert --obs "$g/obs.tsv" "$g/X_pert.tsv" -o x.pmx
	for mode in "nosplit_noscale --no-scale" "split_replicate_noscale --no-scale --split-by replicate" "nosplit_scale --scale"; do
		# shellcheck disable=SC2086
		mixscale -q --control NT --de-genes "$g/de_genes.tsv" --details d.tsv ${mode#* } x.pmx | pmx-view --obs >ours.tsv
		compare "$g/expected_${mode%% *}.tsv" r_golden ours.tsv mixscale_score 1e-8
		# shellcheck disable=SC2086
		mixscale -q --compat pertpy --control NT --de-genes "$g/de_genes.tsv" --details d.tsv ${mode#* } x.pmx | pmx-view --obs >ours.tsv
		compare "$g/expected_${mode%% *}.tsv" r_golden ours.tsv mixscale_score 1e-8
		awk -F'\t' '$1 == "target" { for (i = 5; i <= NF; i++) name[i] = $i; next }
			{ for (i = 5; i <= NF; i++) print $1 "|" $2 "|" $3 "|" name[i] "\t" $i }' d.tsv | sed '1i key\tvalue' >details.tsv
		awk -F'\t' 'NR == 1 { print "key\tvalue"; next } { sub(/^loo[_:]?/, "", $5); print $1 "|" $2 "|" $3 "|" $5 "\t" $6 }' "$g/pvec_loo_${mode%% *}.tsv" >golden.tsv
		compare golden.tsv value details.tsv value 1e-9
	done
}

@test "markers from de-markers and markers found here are the same" {
	de-markers --control NT "$small" -o markers.pmx
	mixscale -q --control NT --markers markers.pmx "$small" | pmx-view --obs >a.tsv
	mixscale -q --control NT "$small" | pmx-view --obs >b.tsv
	cmp a.tsv b.tsv
	de-markers --control NT --by guide "$small" -o guides.pmx
	mixscale -q --control NT --markers guides.pmx "$small" | pmx-view --obs >a.tsv
	mixscale -q --control NT --fine-mode "$small" | pmx-view --obs >b.tsv
	cmp a.tsv b.tsv
}

@test "threads, blocks, pipes and the order of the cells change nothing" {
	mixscale -q --control NT --split-by replicate -t 1 "$small" -o one.pmx
	mixscale -q --control NT --split-by replicate -t 8 <"$small" >eight.pmx
	cmp one.pmx eight.pmx
	pmx-view --obs one.pmx | sort >one.tsv
	for rows in 1 7 5000; do
		small_screen --shuffle --block-rows "$rows" | normalize | pmx-sort --by gene_target --first NT --block-rows "$rows" |
			pca --n-comps 10 | pert-signature --control NT | mixscale -q --control NT --split-by replicate | pmx-view --obs | sort >other.tsv
		[ "$rows" = 1 ] && cp other.tsv first.tsv
		cmp first.tsv other.tsv
	done
}

@test "strongly perturbed cells score high, escaped ones and controls do not" {
	mixscale -q --control NT "$small" | pmx-view --obs >scores.tsv
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["mixscale_reason"] == "NA" && $at["gene_target"] != "NT" {
			if ($at["true_efficacy"] > 0.7) { high += $at["mixscale_score"]; h++ } else if ($at["true_efficacy"] == 0) { low += $at["mixscale_score"]; l++ } }
		$at["gene_target"] == "NT" && $at["mixscale_score"] != 0 { bad++ }
		END { exit !(h > 50 && l > 10 && high / h > 2 && low / l < 0.5 && !bad) }' scores.tsv
}

@test "a target that does nothing gets a reason and score 1" {
	mixscale --control NT "$small" 2>notes | pmx-view --obs >scores.tsv
	grep -q 'too_few_markers' notes
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["gene_target"] == "T0005" && !($at["mixscale_score"] == 1 && $at["mixscale_reason"] == "too_few_markers") { bad++ }
		$at["gene_target"] == "T0005" { n++ } END { exit !(n > 50 && !bad) }' scores.tsv
}

refused() {
	run "$@"
	echo "$output"
	[ "$status" -eq "$wanted" ]
}

@test "bad input is refused with what to do" {
	wanted=1
	refused mixscale "$small" -o out.pmx
	[[ $output == *"--control is needed"*"NT, T0001"* ]]
	refused mixscale --control nt "$small" -o out.pmx
	[[ $output == *"no label 'nt'"*"NT, T0001"* ]]
	refused mixscale --control NT --pert-key gene "$small" -o out.pmx
	[[ $output == *"no row column 'gene'"*"gene_target"* ]]
	refused mixscale --control NT --split-by batch "$small" -o out.pmx
	[[ $output == *"no row column 'batch'"*"replicate"* ]]
	refused mixscale --control NT --split-by true_efficacy "$small" -o out.pmx
	[[ $output == *"not labels"* ]]
	refused mixscale --control NT --layer counts "$small" -o out.pmx
	[[ $output == *"holds counts"* ]]
	refused mixscale --control NT --layer nothing "$small" -o out.pmx
	[[ $output == *"run pert-signature"* ]]
	refused mixscale --control NT --de-layer counts "$small" -o out.pmx
	[[ $output == *"holds counts"* ]]
	refused mixscale --control NT --de-genes /dev/null "$small" -o out.pmx
	[[ $output == *"names no target"* ]]
	printf 'T0001 T0002\n' >list
	refused mixscale --control NT --de-genes list "$small" -o out.pmx
	[[ $output == *"list, line 1"* ]]
	refused mixscale --control T0001 "$small" -o out.pmx
	[[ $output == *"was made against the controls NT"* ]]
	wanted=2
	refused mixscale --control NT --harmonize "$small" -o out.pmx
	[[ $output == *"needs --split-by"* ]]
	refused mixscale --control NT --min-de-genes 0 "$small" -o out.pmx
	[ ! -e out.pmx ]
}

@test "too few cells, missing labels and missing splits become reasons" {
	pmx-view --obs "$small" | awk -F'\t' 'BEGIN { OFS = "\t"; print "cell", "target2", "rep2" }
		NR > 1 { t = $2; r = $4; if (t == "T0001" && ++n > 1) t = "NA"; if (t == "T0002" && ++m > 30) r = "NA"; print $1, t, r }' >labels.tsv
	small_screen | pmx-join --obs labels.tsv | normalize |
		pca --n-comps 10 | pert-signature -q --pert-key target2 --control NT |
		mixscale --pert-key target2 --control NT --split-by rep2 2>notes | pmx-view --obs >scores.tsv
	cat notes
	grep -q 'too_few_cells 1' notes
	grep -q 'no_label' notes
	grep -q 'no_split' notes
}
