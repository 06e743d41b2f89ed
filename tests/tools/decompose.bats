load ../setup
load ../screens

setup() {
	work
}

# reference SCREEN [WITHOUT]: the reference's weighted regression over splits as contrasts; the target WITHOUT lacks a split.
reference() {
	zcat "$shared/golden/seurat/$1/wmvreg_split.tsv.gz" | awk -F'\t' -v OFS='\t' -v without="$2" '
		NR == 1 { for (i = 1; i <= NF; i++) { at[$i] = i; if (sub(/^log2FC_/, "", $i)) split_name[++n] = $i }
			print "target", "split", "gene", "log2fc", "beta", "log10_p"; next }
		$1 != without { for (k = 1; k <= n; k++) { s = split_name[k]; p = $at["p_cell_type" s ":weight"]
			print $1, s, $3, $at["log2FC_" s], $at["beta_cell_type" s ":weight"], p == "NA" ? p : sprintf("%.17g", log(p) / log(10)) } }' >"$1.tsv"
	"$BUILD/helpers/long_contrasts" "$1.tsv"
}

# The cut-offs of the reference's run: 0.05 over the genes of the screen, 50 genes of each contrast.
screens=("papalexi 0.0001672241 rep_1 rep_2 rep_3" "synth 2.5e-05 rep1 rep2 rep3")

matches() {
	python3 "$repo/tests/compare_programs.py" "$@"
}

@test "z scores, as selected, pruned, masked and scaled, equal Mixscale's" {
	need golden/seurat
	for line in "${screens[@]}"; do
		read -r name p splits <<<"$line"
		from=$shared/golden/seurat/$name
		reference "$name" T11 >de.pmx
		how=(-q --compat seurat --top-genes 50 --pval-cutoff "$p" de.pmx)
		decompose --min-de-genes 5 "${how[@]}" | pmx-view --layer z >pruned.tsv
		decompose --mask-target --z-cap 6 --center --scale "${how[@]}" | pmx-view --layer z >scaled.tsv
		for split in $splits; do
			matches z "$from/demat_pruned_$split.tsv.gz" pruned.tsv "$split" 2e-9
			matches z "$from/demat_pruned_masked_scaled_$split.tsv.gz" scaled.tsv "$split" 2e-9
		done
		# Without a limit on the genes the rows are these.
		decompose -q --compat seurat --pval-cutoff "$p" de.pmx | pmx-view --layer z | awk -F'\t' 'NR == 1 { split($0, gene); n = NF; next }
			{ for (i = 2; i <= n; i++) if ($i != "NaN" && $i != "NA") used[gene[i]] } END { for (g in used) print g }' | sort >ours
		zcat "$from/demat_notop_genes.tsv.gz" | tail -n +2 | diff - ours
	done
}

@test "trees and clusters equal Mixscale's" {
	need golden/seurat
	for line in "${screens[@]}"; do
		read -r name p splits <<<"$line"
		from=$shared/golden/seurat/$name
		reference "$name" T11 >de.pmx
		how=(-q --compat seurat --top-genes 50 --min-de-genes 5 --pval-cutoff "$p" --tsv de.pmx)
		for split in $splits; do
			for correlation in pearson spearman; do
				decompose --correlation $correlation --tree tree.tsv "${how[@]}" >ours.tsv
				matches tree "$from/dehclust_${split}_${correlation}_tree.tsv.gz" tree.tsv "$split" 1e-9
				matches clusters "$from/dehclust_${split}_${correlation}_clusters.tsv.gz" ours.tsv "$split"
			done
			for height in 0.15 0.3 0.45; do
				decompose --height $height "${how[@]}" >ours.tsv
				matches clusters "$from/dehclust_${split}_pearson_h${height}_clusters.tsv.gz" ours.tsv "$split"
			done
			decompose --linkage single "${how[@]}" >ours.tsv
			matches clusters "$from/dehclust_${split}_single_clusters.tsv.gz" ours.tsv "$split"
		done
	done
}

@test "MultiCCA's weights and programs equal PMA's and Mixscale's" {
	need golden/seurat
	for line in "${screens[@]}"; do
		read -r name p splits <<<"$line"
		from=$shared/golden/seurat/$name
		reference "$name" T11 >de.pmx
		for penalty in 0 1.5; do
			kind=$([ $penalty = 0 ] && echo nopenalty || echo pen$penalty)
			decompose -q --compat seurat --top-genes 50 --min-de-genes 5 --pval-cutoff "$p" --method multicca --penalty $penalty \
				--weights weights.tsv de.pmx -o out.pmx
			matches weights "$from/multicca_raw_$kind.tsv.gz" weights.tsv all 1e-8
			[ ! -e "$from/demulticca_$kind.tsv.gz" ] || matches programs "$from/demulticca_$kind.tsv.gz" weights.tsv all 1e-8
			# Run to the end, and from signs that agree, the members are the same where no bound makes the start matter.
			[ $penalty = 0 ] || continue
			decompose -q --top-genes 50 --min-de-genes 5 --pval-cutoff "$p" --method multicca --tsv de.pmx | cut -f1-3 >own.tsv
			decompose -q --compat seurat --top-genes 50 --min-de-genes 5 --pval-cutoff "$p" --method multicca --tsv de.pmx | cut -f1-3 | diff - own.tsv
		done
	done
}

# The interferon gamma receptor, its kinase and what it phosphorylates: known to act as one.
@test "IFNGR1, IFNGR2, JAK2 and STAT1 make one program of the real screen, from the counts on" {
	need data/papalexi_thp1
	need golden/seurat
	reference_screens papalexi
	weighted-de -q --control non-targeting --split-by replicate "$BATS_FILE_TMPDIR/papalexi.sig.pmx" -o de.pmx
	for cut in "" "--pval-cutoff 0.0001672241" "--mask-target --correlation spearman"; do
		for method in hclust multicca; do
			decompose -q --method $method $cut --tsv de.pmx >programs.tsv
			for split in rep_1 rep_2 rep_3; do
				awk -F'\t' -v s=$split '$2 == s && $3 ~ /^(IFNGR1|IFNGR2|JAK2|STAT1)$/ && $1 != "NA" { seen[$1]++; n++ }
					END { exit !(n == 4 && length(seen) == 1) }' programs.tsv
			done
		done
	done
	# What is lost without them: the interferon's genes go down.
	decompose -q --pval-cutoff 0.0001672241 de.pmx | program-signature -q --gmt out.gmt -o out.pmx
	awk -F'\t' '$1 ~ /^P1\|.*_DN$/ { n++; for (i = 3; i <= NF; i++) if ($i ~ /^(STAT1|PSMB9|UBE2L6|STAT2)$/) found++ } END { exit !(n == 3 && found == 12) }' out.gmt
}

# planted OPTIONS: 9 targets in two splits; A1-A4 and B1-B3 share effects, C has its own, D has none.
planted() {
	awk -v OFS='\t' 'function noise() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 - 0.5 }
		BEGIN { seed = 99; print "target", "split", "gene", "log2fc", "beta", "log10_p"
		n = split("A1 A2 A3 A4 B1 B2 B3 C1 D1", target, " ")
		for (t = 1; t <= n; t++) for (s = 1; s <= 2; s++) for (g = 1; g <= 60; g++) {
			kind = substr(target[t], 1, 1); effect = 0
			if (kind == "A" && g <= 20) effect = g % 2 ? 3 : -3
			if (kind == "B" && g > 20 && g <= 40) effect = g % 3 ? 3 : -3
			if (kind == "C" && g > 40) effect = g % 4 ? 3 : -3
			b = effect + noise(); print target[t], "r" s, "g" g, b, b, -4 * b * b / 2 } }' >planted.tsv
	"$BUILD/helpers/long_contrasts" planted.tsv
}

@test "planted programs are found in each split, the others have a reason" {
	planted >de.pmx
	decompose --tsv de.pmx >ours.tsv 2>err
	grep -q '4 programs hold 14 of 18 contrasts; the others: no_de_genes 2, alone 2' err
	awk -F'\t' 'NR > 1 { member[$1] = member[$1] " " $3 } END {
		exit !(member["P1|r1"] == " A1 A2 A3 A4" && member["P2|r2"] == " B1 B2 B3" && member["NA"] ~ /C1 C1/ && member["NA"] ~ /D1 D1/) }' ours.tsv
}

@test "programs that splits share are found, and need two splits" {
	planted >de.pmx
	decompose -q --method multicca --tsv de.pmx >ours.tsv
	awk -F'\t' 'NR > 1 { member[$1] = member[$1] " " $3 "/" $2 } END { for (p in member) if (member[p] ~ /A1/) a = member[p]; else if (member[p] ~ /B1/) b = member[p]
		exit !(a == " A1/r1 A1/r2 A2/r1 A2/r2 A3/r1 A3/r2 A4/r1 A4/r2" && b == " B1/r1 B1/r2 B2/r1 B2/r2 B3/r1 B3/r2") }' ours.tsv
	grep -q '^NA	r1	D1	NA	NA	no_de_genes' ours.tsv
	awk -F'\t' 'NR == 1 || $2 == "r1"' planted.tsv >one.tsv
	"$BUILD/helpers/long_contrasts" one.tsv >one.pmx
	run decompose --method multicca one.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"one_split 8"* ]]
	run decompose --penalty 0.5 de.pmx
	[ "$status" = 2 ]
}

@test "no order of rows, genes or threads, and no way of reading changes the programs" {
	planted >de.pmx
	decompose -q --tree tree.tsv --tsv de.pmx >ours.tsv
	decompose -q --method multicca --tsv de.pmx >shared.tsv
	decompose -q de.pmx -o file.pmx
	decompose -q -t 3 <de.pmx | pmx-diff file.pmx -
	cat de.pmx | decompose -q -t 1 --block-rows 1 | pmx-diff file.pmx -
	(head -1 planted.tsv; tail -n +2 planted.tsv | sort -t"$(printf '\t')" -k3,3 -k1,1r -k2,2r) >turned.tsv
	"$BUILD/helpers/long_contrasts" turned.tsv | decompose -q --tree turned.tree --tsv >turned
	cmp tree.tsv turned.tree
	"$BUILD/helpers/long_contrasts" turned.tsv | decompose -q --method multicca --tsv | sort | diff - <(sort shared.tsv)
	diff <(sort ours.tsv) <(sort turned)
}

@test "the stream has what the table has, and everything that came in" {
	planted >de.pmx
	decompose -q de.pmx -o out.pmx
	pmx-check out.pmx
	pmx-view --columns target,split,program,height out.pmx | awk -F'\t' 'NR > 1 { print $2, $3, $4, $5 }' | sort >stream
	decompose -q --tsv de.pmx | awk -F'\t' 'NR > 1 { print $3, $2, $1, $4 }' | sort >table
	diff table stream
	pmx-select --columns target,split --drop-layer z out.pmx | pmx-diff <(pmx-select --columns target,split de.pmx) -
}

@test "z scores of p values below the smallest double are finite, and capped" {
	planted >/dev/null
	awk -F'\t' -v OFS='\t' '$1 == "A1" && $3 == "g1" { $6 = -400 } { print }' planted.tsv >far.tsv
	"$BUILD/helpers/long_contrasts" far.tsv >de.pmx
	[ "$(decompose -q de.pmx --z-cap 1000 | pmx-view --layer z --genes g1 | awk -F'\t' '$1 == "A1|r1" { printf "%.6f", $2 }')" = 42.826406 ]
	[ "$(decompose -q de.pmx | pmx-view --layer z --genes g1 | awk -F'\t' '$1 == "A1|r1" { print $2 }')" = 37 ]
}

# 5 genes pass, 2 are to be taken. By the p values of r2 a target's table has g5 g3 g1 g2 g4; r1's p in that order are -7 -20 -8 -10 -9
# (log10): the smallest stands second, the next fourth, ...: order 2 4 5 3 1. The reference keeps the places where that says 1 or 2: the
# last and the first, g4 and g5. The smallest p are those of g3 and g2. In r2 both ways give g5 and g3.
@test "the most significant genes are taken, or with --compat seurat those that the order of p numbers" {
	printf 'target\tsplit\tgene\tlog2fc\tbeta\tlog10_p\n' >few.tsv
	for t in A B C; do
		while read -r gene one two sign; do
			[ $t = B ] && sign=1
			printf '%s\tr1\t%s\t1\t%s\t%s\n%s\tr2\t%s\t1\t%s\t%s\n' $t $gene "$sign" "$one" $t $gene "$sign" "$two"
		done <<<$'g1 -8 -8 1\ng2 -10 -7 -1\ng3 -20 -9 1\ng4 -9 -6 -1\ng5 -7 -10 1' >>few.tsv
	done
	"$BUILD/helpers/long_contrasts" few.tsv >de.pmx
	genes() { decompose -q --top-genes 2 "$@" de.pmx | pmx-view --layer z | awk -F'\t' 'NR == 1 { split($0, name); next }
		{ for (i = 2; i <= NF; i++) if ($i != "NaN" && $i != "NA") print name[i] }' | sort -u | paste -sd' '; }
	[ "$(genes)" = "g2 g3 g5" ]
	[ "$(genes --compat seurat)" = "g3 g4 g5" ]
}

@test "few targets, equal columns, no gene, untested rows: a reason, never a crash" {
	planted >/dev/null
	# Only two targets.
	awk -F'\t' 'NR == 1 || $1 ~ /^A[12]/' planted.tsv >two.tsv
	"$BUILD/helpers/long_contrasts" two.tsv >two.pmx
	run decompose two.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"few_targets 4"* ]]
	# No gene passes.
	planted >de.pmx
	run decompose --pval-cutoff 1e-300 de.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"no_de_genes 18"* ]]
	# Two genes have no correlation worth the name.
	printf 'g1\ng2\n' >genes
	run decompose <(pmx-select --genes genes de.pmx)
	[ "$status" = 1 ]
	[[ "$output" == *"few_genes"* ]]
	# The same z everywhere has no correlation; a row without p values was not tested.
	awk -F'\t' -v OFS='\t' '$1 == "A1" { $5 = 1; $6 = -9; $4 = 1 } $1 == "B1" && $2 == "r1" { $6 = "NA" } { print }' planted.tsv >odd.tsv
	"$BUILD/helpers/long_contrasts" odd.tsv | decompose --tsv >ours.tsv 2>err
	grep -q 'constant 2' err
	grep -q 'not_tested 1' err
	# Without splits, with one split, with a target twice.
	awk -F'\t' -v OFS='\t' '$2 == "r2" { next } NR > 1 { $2 = "-" } { print }' planted.tsv >plain.tsv
	"$BUILD/helpers/long_contrasts" plain.tsv | decompose -q --tsv | grep -q '^P2	all	B1'
	"$BUILD/helpers/long_contrasts" plain.tsv >plain.pmx
	run pmx-cat plain.pmx plain.pmx -o twice.pmx
	[ "$status" = 0 ] && run decompose twice.pmx && [ "$status" = 1 ] && [[ "$output" == *"two rows"* ]]
}

@test "what is no contrast, or of guides, is refused by name" {
	simulate-screen --cells 200 --genes 60 --targets 3 --controls 60 -o cells.pmx
	run decompose cells.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"contrasts"* ]]
	normalize cells.pmx | de-markers -q --control NT --by guide -o guides.pmx
	run decompose guides.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"--by guide"* ]]
	run decompose --scale cells.pmx
	[ "$status" = 2 ]
}
