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

# targets SCREEN NAME: the options that name the targets of a reference table.
targets() {
	unpack "$1" "wmvreg_$2" | awk -F'\t' 'NR > 1 && !($1 in seen) { seen[$1]; print "--target"; print $1 }'
}

# fits SCREEN NAME OPTIONS: with the reference's own dispersions, then with ours.
fits() {
	local screen=$1 name=$2 target
	shift 2
	need golden/seurat
	mapfile -t target < <(targets "$screen" "$name")
	unpack "$screen" "wmvreg_${name}_fit" | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } { print $1 "\t" $3 "\t" $at["overdispersion"] "\t" $at["disp_trend"] }' >given.tsv
	weighted-de -q --control "$(control_of "$screen")" "${target[@]}" "$@" --dispersion given.tsv --tsv "$BATS_FILE_TMPDIR/$screen.sig.pmx" >ours.tsv
	python3 "$repo/tests/compare_weighted.py" "$(golden "$screen")/wmvreg_$name.tsv.gz" ours.tsv 1e-8
	weighted-de -q --control "$(control_of "$screen")" "${target[@]}" "$@" --tsv "$BATS_FILE_TMPDIR/$screen.sig.pmx" >own.tsv
	python3 "$repo/tests/compare_weighted.py" "$(golden "$screen")/wmvreg_$name.tsv.gz" own.tsv 1e-4 --own
}

@test "one split, weighted, equals Mixscale's" {
	fits papalexi plain
	fits synth plain
}
@test "another filter equals Mixscale's" {
	fits papalexi plain_full --min-pct 0.05 --min-cells-group 3
	fits synth plain_full_filters --logfc-threshold 0.25 --min-pct 0.2
}
@test "several splits in one model equal Mixscale's" {
	fits papalexi split --split-by replicate
	fits synth split --split-by replicate --min-pct 0.15
}
@test "weights of 1 equal Mixscale's" {
	fits papalexi std_plain --standard
	fits papalexi std_split --standard --split-by replicate
	fits synth std_plain --standard
	fits synth std_split --standard --split-by replicate
}

# What the stream has is what the table has.
@test "stream and table agree, whatever the threads and blocks" {
	weighted-de -q --control NT --split-by replicate --tsv -t 1 "$small" >one.tsv
	weighted-de -q --control NT --split-by replicate --tsv -t 3 "$small" >three.tsv
	cmp one.tsv three.tsv
	pmx-select --block-rows 7 "$small" | weighted-de -q --control NT --split-by replicate --tsv | cmp one.tsv
	weighted-de -q --control NT --tsv -t 3 "$small" >whole.tsv
	pmx-select --block-rows 11 "$small" | weighted-de -q --control NT --tsv -t 1 | cmp whole.tsv
	weighted-de -q --control NT --split-by replicate "$small" -o de.pmx
	pmx-view --layer log10_p --genes G00030 de.pmx | awk -F'\t' 'NR > 1 { print $1 "\t" $NF }' | sort >stream.tsv
	awk -F'\t' '$3 == "G00030" { print $1 "|" $2 "\t" $7 }' one.tsv | sort >table.tsv
	[ -s table.tsv ]
	join -t "$(printf '\t')" table.tsv stream.tsv | awk -F'\t' '$2 != $3 { bad = 1 } { n++ } END { exit bad || !n }'
}

@test "planted fold changes are found and signed" {
	simulate-screen --cells 3000 --genes 300 --targets 4 --controls 800 --splits 1 --effect 1.5 --seed 9 --truth truth.tsv | normalize | pca --n-comps 10 |
		pert-signature --control NT | weighted-de -q --control NT --tsv >de.tsv
	awk -F'\t' 'NR == FNR { if (FNR > 1 && ($3 > 1 || $3 < -1)) truth[$1, $2] = $3; next }
		FNR > 1 && ($1, $3) in truth { n++; right += ($5 > 0) == (truth[$1, $3] > 0) && $8 < -1.3 }
		END { print n, right; exit !(n > 20 && right > 0.8 * n) }' truth.tsv de.tsv
}

@test "what is not fitted has a reason" {
	small_screen | normalize | pca --n-comps 10 -o pca.pmx
	pmx-view --obs pca.pmx | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "cell\tt\tr"; next }
		{ t = $at["gene_target"]; r = "a"; if (t == "T0001" && ++few > 1) t = "NA"; if (t == "T0002") r = "b"; print $1 "\t" t "\t" r }' >new.tsv
	pmx-join --obs new.tsv pca.pmx | pert-signature --pert-key t --control NT |
		weighted-de --pert-key t --control NT --split-by r -o de.pmx 2>err
	grep -q 'not fitted: too_few_cells' err
	pmx-view --obs de.pmx | awk -F'\t' '$2 == "T0001" && $3 == "a" { cells = $0 ~ /too_few_cells/ } $2 == "T0002" && $3 == "b" { controls = $0 ~ /too_few_controls/ }
		END { exit !(cells && controls) }'
	# A split whose controls are gone, with a signature that is stored; then all of them but one.
	small_screen | normalize | pca --n-comps 10 | pert-signature --control NT --split-by replicate --dense -o dense.pmx
	pmx-select --where 'gene_target != NT or replicate == rep1' dense.pmx | weighted-de --control NT --split-by replicate -o de.pmx 2>err
	grep -q '6 of 12 targets and splits were not fitted: too_few_controls' err
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["split"] == "rep2" { n++; bad += $at["reason"] != "too_few_controls" || $at["n_tested"] != 0 }
		$at["split"] == "rep1" { m++; bad += $at["reason"] != "NA" || $at["n_tested"] < 100 } END { exit !(n == 6 && m == 6 && !bad) }' <(pmx-view --obs de.pmx)
	run --separate-stderr bash -c "pmx-select --where 'gene_target != NT or cell == c000000001' dense.pmx | weighted-de --control NT -o none.pmx"
	[[ "$status" = 1 && "$stderr" = *"6 of 6 targets and splits were not fitted: too_few_controls"* && ! -e none.pmx ]]
	run --separate-stderr bash -c "pmx-select --where 'gene_target != NT' dense.pmx | weighted-de --control NT -o none.pmx"
	[[ "$status" = 1 && "$stderr" = *"no row has the label 'NT'"* && ! -e none.pmx ]]
	run weighted-de --control NT --target T9 "$small"
	[ "$status" = 1 ]
	[[ "$output" == *"no label 'T9'"* ]]
}

@test "a stored layer without counts is refused" {
	pmx-view --layer X "$small" | pmx-import --obs <(pmx-view --obs "$small") --layer X - -o x.pmx
	run weighted-de --control NT --standard x.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"counts"* ]]
}

@test "a constant gene, weights of 0 and a target of one cell: reasons, no number out of nothing" {
	# Counts by hand: gene 7 is 0 everywhere, gene 8 is 0 in every control (separation).
	small_screen -o raw.pmx
	pmx-view --obs raw.pmx >obs.tsv
	pmx-export -q --to tsv --layer counts raw.pmx |
		awk -F'\t' -v OFS='\t' 'NR == FNR { if (FNR == 1) { for (i = 1; i <= NF; i++) at[$i] = i } else target[$1] = $at["gene_target"]; next }
			FNR > 1 { $8 = 0; if (target[$1] == "NT") $9 = 0; else $9 += 3 } { print }' obs.tsv - >flat.tsv
	pmx-import -q --rows cells --obs obs.tsv flat.tsv | normalize | pca --n-comps 10 | pert-signature --control NT -o flat.pmx
	constant=$(head -n 1 flat.tsv | cut -f 8)
	apart=$(head -n 1 flat.tsv | cut -f 9)
	weighted-de -q --standard --control NT --target T0002 --min-pct 0 --min-cells-group 1 --tsv flat.pmx >ours.tsv
	run ! grep -P "\t$constant\t" ours.tsv
	awk -F'\t' -v g="$apart" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["gene"] == g { ok = $at["reason"] == "separation" } END { exit !ok }' ours.tsv
	run awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } ($at["beta"] == "NA" || $at["beta"] == "NaN") && $at["reason"] == "NA" { exit 1 }' ours.tsv
	[ "$status" = 0 ]
	# Markers that are 0 everywhere: all weights are 0.
	awk -F'\t' -v OFS='\t' 'NR > 1 { for (i = 2; i <= 7; i++) $i = 0 } { print }' flat.tsv >zeros.tsv
	head -n 1 zeros.tsv | cut -f 2-7 | tr '\t' '\n' | sed 's/^/T0002\t/' >list.tsv
	pmx-import -q --rows cells --obs obs.tsv zeros.tsv | normalize | pca --n-comps 10 | pert-signature --control NT -o zeros.pmx
	run --separate-stderr weighted-de --control NT --target T0002 --de-genes list.tsv --tsv zeros.pmx
	[[ "$status" = 1 && "$stderr" = *"1 of 1 targets and splits were not fitted: no_weight"* ]]
	# One cell alone.
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "cell\tt"; next } { t = $at["gene_target"]; if (t == "T0001" && n++) t = "NA"; print $1 "\t" t }' obs.tsv >one.tsv
	pmx-select --drop-layer X_pert flat.pmx | pmx-join --obs one.tsv | pert-signature --pert-key t --control NT -o one.pmx
	run weighted-de --pert-key t --control NT --target T0001 one.pmx -o x.pmx
	[[ "$status" = 1 && "$output" = *too_few_cells* ]]
	[ ! -e x.pmx ]
}

@test "cells without a count take no part, and a split that they leave empty is not fitted" {
	small_screen -o raw.pmx
	pmx-view --obs raw.pmx >obs.tsv
	pmx-export -q --to tsv --layer counts raw.pmx | awk -F'\t' -v OFS='\t' '
		NR == FNR { if (FNR == 1) { for (i = 1; i <= NF; i++) at[$i] = i } else { target[$1] = $at["gene_target"]; split_of[$1] = $at["replicate"] } next }
		FNR > 1 && (target[$1] == "NT" && controls++ < 3 || target[$1] == "T0002" && (cells++ < 2 || split_of[$1] == "rep2")) { for (i = 2; i <= NF; i++) $i = 0 }
		{ print }' obs.tsv - >empty.tsv
	pmx-import -q --rows cells --obs obs.tsv empty.tsv | normalize -q -o with.pmx
	weighted-de --standard --control NT --target T0002 --target T0003 --split-by replicate --tsv with.pmx >with.tsv 2>notes
	grep -q 'cells without any count take no part' notes
	grep -q '1 of 4 targets and splits were not fitted: too_few_cells' notes
	pmx-select --where 'n_counts > 0' with.pmx | weighted-de -q --standard --control NT --target T0002 --target T0003 --split-by replicate --tsv >without.tsv
	cmp with.tsv without.tsv
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { n[$at["target"] $at["split"]]++; fitted += $at["reason"] == "NA" }
		END { exit !(n["T0002rep1"] > 50 && !n["T0002rep2"] && n["T0003rep2"] > 50 && fitted > 200) }' with.tsv
}

# Names that sort otherwise move the cells within their groups. A slope without a bound stops where it stops.
@test "cells in another order: the same to 1e-12" {
	small_screen -o raw.pmx
	pmx-view --obs raw.pmx | awk -F'\t' -v OFS='\t' 'NR > 1 { $1 = (NR * 7919) % 10007 "x" NR } { print }' >obs.tsv
	pmx-export -q --to tsv --layer counts raw.pmx | awk -F'\t' -v OFS='\t' 'NR > 1 { $1 = (NR * 7919) % 10007 "x" NR } { print }' >counts.tsv
	for options in "" "--split-by replicate"; do
		normalize -q raw.pmx | weighted-de -q --standard --control NT --target T0003 $options --tsv |
			awk -F'\t' -v OFS='\t' '$NF != "separation" { print $3 "|" $2, $0 }' >one.tsv
		pmx-import -q --rows cells --obs obs.tsv counts.tsv | normalize -q | weighted-de -q --standard --control NT --target T0003 $options --tsv |
			awk -F'\t' -v OFS='\t' '$NF != "separation" { print $3 "|" $2, $0 }' >other.tsv
		[ "$(wc -l <one.tsv)" -gt 200 ]
		for column in log2fc beta se log10_p log10_p_adj dispersion trend; do compare one.tsv $column other.tsv $column 1e-12; done
	done
}

@test "given dispersions are numbers of at least 0, or NA" {
	gene=$(pmx-view --var "$small" | sed -n 20p | cut -f 1)
	for value in -1 inf x 1e999; do
		printf 'target\tgene\tdispersion\ttrend\nT0002\t%s\t0.1\t%s\n' "$gene" "$value" >given.tsv
		run --separate-stderr weighted-de --control NT --target T0002 --dispersion given.tsv --tsv "$small"
		[[ "$status" = 1 && "$stderr" = *"given.tsv, line 2: '$value' is no dispersion"* ]]
	done
}

@test "the trend is what the coefficients use" {
	weighted-de -q --control NT --tsv "$small" >one.tsv
	weighted-de -q --control NT --split-by replicate --tsv "$small" >splits.tsv
	pmx-view --var "$small" | cut -f 1 | sed 1d >genes.txt
	# Smoothed or the gene's own (its own gene, and markers); with splits the former do not exist.
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["trend"] !~ /^[0-9]/ && $at["reason"] != "no_dispersion" { bad++ }
		{ own += $at["trend"] == $at["dispersion"]; n++ } END { exit !(!bad && own > 5 && own < n / 2) }' one.tsv
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["trend"] == "NA" { none++; next } $at["trend"] != $at["dispersion"] { bad++ }
		{ own++ } END { exit !(!bad && own > 5 && none > own) }' splits.tsv
}
