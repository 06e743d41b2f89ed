load ../setup

setup() {
	work
}

# whole SCREEN: the reference's input matrix of the permutation test as one program.
whole() {
	zcat "$shared/golden/seurat/$1/pcaperm_input.tsv.gz" | awk -F'\t' -v OFS='\t' 'NR == 1 { n = split($0, target)
		print "target", "split", "gene", "@program", "z"; next } { for (i = 2; i <= n; i++) print target[i], "-", $1, "all", $i }' >z.tsv
	"$BUILD/helpers/long_contrasts" z.tsv
}

# permuted ITERATIONS FILE OPTIONS: R's own permutations for the programs of a stream, from the genes that each keeps.
permuted() {
	local iterations=$1 file=$2 programs=()
	shift 2
	program-signature -q --iterations 1 --scores kept.tsv "$@" "$file" -o kept.pmx
	mapfile -t programs < <(pmx-view --columns n_members kept.pmx | awk -F'\t' 'NR == FNR { if (FNR > 1 && $3 == 1) n[$1]++; next }
		FNR > 1 { print $1; print n[$1]; print $2 }' kept.tsv -)
	python3 "$repo/tests/r_permutations.py" 123124125 "$iterations" "${programs[@]}"
}

# scored GOLDEN FILE: scores and positions of each component, as the reference has them (genes in rows).
scored() {
	python3 - "$1" "$2" <<-'PY'
		import csv, gzip, sys
		want = {r["gene"]: r for r in csv.DictReader(gzip.open(sys.argv[1], "rt"), delimiter="\t")}
		worst = n = 0
		for r in csv.DictReader(open(sys.argv[2]), delimiter="\t"):
		    w, c = want[r["gene"]], r["component"]
		    worst = max(worst, abs(float(w["score_PC" + c]) - float(r["score"])))
		    assert float(w["PC" + c]) == float(r["position"]), (w, r)
		    n += 1
		assert n == len(want) * sum(k.startswith("score_") for k in next(iter(want.values()))), n
		assert worst <= 1e-9, worst
		print(n, "scores within", worst)
	PY
}

@test "the permuted scores of exported permutations, and what follows, equal Mixscale's" {
	need golden/seurat
	for name in papalexi synth; do
		from=$shared/golden/seurat/$name
		whole "$name" >all.pmx
		zcat "$from/pcaperm_norowfilter_indices.tsv.gz" >given.tsv
		program-signature -q --row-pval 1 --compat seurat --permutations given.tsv --scores scores.tsv --null-scores null.tsv all.pmx -o out.pmx
		python3 - <<-'PY'
			import csv
			given = [float(r["null_pc1"]) for r in csv.DictReader(open("given.tsv"), delimiter="\t")]
			null = [float(r["score"]) for r in csv.DictReader(open("null.tsv"), delimiter="\t")]
			assert len(given) == len(null) > 300
			n = len(null) // 3
			for it in range(3):
			    a, b = given[it * n:it * n + n], null[it * n:it * n + n]
			    assert min(max(abs(x - s * y) for x, y in zip(a, b)) for s in (1, -1)) <= 1e-9
		PY
		scored "$from/pcaperm_norowfilter.tsv.gz" scores.tsv
	done
}

@test "scores, positions and lists of genes equal Mixscale's from its own permutations" {
	need golden/seurat
	for name in papalexi synth; do
		from=$shared/golden/seurat/$name
		whole "$name" >all.pmx
		permuted 200 all.pmx >given.tsv
		for how in "k1 --components 1" "k2 --components 2" "k2_p1 --components 2 --gene-pval 0.01 --permutation-pval 0.1 --correlation 0.5"; do
			program-signature -q --compat seurat --permutations given.tsv ${how#* } --gmt out.gmt --scores scores.tsv all.pmx -o out.pmx
			python3 "$repo/tests/compare_lists.py" "$from/siggenes_${how%% *}.tsv.gz" out.gmt all
			[ "${how%% *}" = k1 ] || scored "$from/pcaperm_k2.tsv.gz" scores.tsv
		done
		permuted 20 all.pmx >given.tsv
		program-signature -q --compat seurat --permutations given.tsv --variance-share 0.1 --scores scores.tsv all.pmx -o out.pmx
		scored "$from/pcaperm_varprop.tsv.gz" scores.tsv
		zcat "$from/pcaperm_varprop_sdev.tsv.gz" | tail -n +2 | head -2 | cut -f2 >want
		awk -F'\t' 'NR > 1 && !seen[$3]++ { print $6 }' scores.tsv | head -2 | paste want - | awk '{ if (($1 - $2) ^ 2 > 1e-18) exit 1 }'
	done
}

# programs SCREEN P OPTIONS: the reference's programs of a screen.
programs() {
	local screen=$1 p=$2
	shift 2
	zcat "$shared/golden/seurat/$screen/wmvreg_split.tsv.gz" | awk -F'\t' -v OFS='\t' '
		NR == 1 { for (i = 1; i <= NF; i++) { at[$i] = i; if (sub(/^log2FC_/, "", $i)) split_name[++n] = $i }
			print "target", "split", "gene", "log2fc", "beta", "log10_p"; next }
		$1 != "T11" { for (k = 1; k <= n; k++) { s = split_name[k]; p = $at["p_cell_type" s ":weight"]
			print $1, s, $3, $at["log2FC_" s], $at["beta_cell_type" s ":weight"], p == "NA" ? p : sprintf("%.17g", log(p) / log(10)) } }' >long.tsv
	"$BUILD/helpers/long_contrasts" long.tsv | decompose -q --compat seurat --top-genes 50 --min-de-genes 5 --pval-cutoff "$p" "$@"
}

@test "the genes of every program of the trees and of MultiCCA equal Mixscale's" {
	need golden/seurat
	local lists=0
	for line in "papalexi 0.0001672241 rep_1 rep_2 rep_3" "synth 2.5e-05 rep1 rep2 rep3"; do
		read -r name p splits <<<"$line"
		from=$shared/golden/seurat/$name
		for height in 0.6 0.3; do
			programs "$name" "$p" --height $height -o programs.pmx
			permuted 50 programs.pmx >given.tsv
			program-signature -q --compat seurat --permutations given.tsv --gmt all.gmt programs.pmx -o out.pmx
			for split in $splits; do
				grep "^P[0-9]*|${split}_" all.gmt >split.gmt
				python3 "$repo/tests/compare_lists.py" "$from/siggenes_dehclust_$split$([ $height = 0.6 ] || echo _h$height).tsv.gz" split.gmt
				lists=$((lists + 1))
			done
		done
		for penalty in 0 1.5; do
			golden=$from/siggenes_demulticca_$([ $penalty = 0 ] && echo nopenalty || echo pen$penalty).tsv.gz
			[ -e "$golden" ] || continue
			programs "$name" "$p" --method multicca --penalty $penalty -o programs.pmx
			permuted 50 programs.pmx >given.tsv
			program-signature -q --compat seurat --permutations given.tsv --gmt all.gmt programs.pmx -o out.pmx
			python3 "$repo/tests/compare_lists.py" "$golden" all.gmt
			lists=$((lists + 1))
		done
	done
	[ $lists = 15 ]
}

# planted: programs A (4 targets, g1-g20 up where odd, down where even) and B in two splits, with z scores as decompose leaves them.
planted() {
	awk -v OFS='\t' 'function noise() { seed = (seed * 16807) % 2147483647; return 2 * seed / 2147483647 - 1 }
		BEGIN { seed = 7; print "target", "split", "gene", "@program", "z"
		n = split("A1 A2 A3 A4 B1 B2 B3 C1", target, " ")
		for (t = 1; t <= n; t++) for (s = 1; s <= 2; s++) for (g = 1; g <= 80; g++) {
			kind = substr(target[t], 1, 1); effect = 0
			if (kind == "A" && g <= 20) effect = g % 2 ? 12 : -12
			if (kind == "B" && g > 20 && g <= 30) effect = 12
			print target[t], "r" s, "g" g, kind == "C" ? "NA" : kind, effect + 2 * noise() } }' >z.tsv
	"$BUILD/helpers/long_contrasts" z.tsv
}

@test "planted genes come out, up and down, in stream and GMT alike" {
	planted >programs.pmx
	program-signature --gmt out.gmt programs.pmx -o out.pmx 2>err
	pmx-check out.pmx
	for g in 1 3 5 7 9 11 13 15 17 19; do echo g$g; done | sort >up
	for g in 2 4 6 8 10 12 14 16 18 20; do echo g$g; done | sort >down
	awk -F'\t' '$1 == "A_UP" { for (i = 3; i <= NF; i++) print $i }' out.gmt | sort | comm -23 - up | wc -l | grep -qx 0
	awk -F'\t' '$1 == "A_DN" { for (i = 3; i <= NF; i++) print $i }' out.gmt | sort | comm -23 - down | wc -l | grep -qx 0
	[ "$(awk -F'\t' '$1 ~ /^A_/ { n += NF - 2 } END { print (n >= 8) }' out.gmt)" = 1 ]
	# And as targets of a search again.
	target-signature -q --up out.gmt --down out.gmt | pmx-view --columns n_genes | diff - <(pmx-view --columns n_genes out.pmx)
	# Sets made from the weights have the same genes in the same order.
	pmx-export --to gmt out.pmx | cut -f1,3- | sort >export
	cut -f1,3- out.gmt | sed 's/^B_UP/B/' | sort | diff - <(sed 's/^B_UP/B/' export)
	pmx-view --obs out.pmx | awk -F'\t' '$1 == "A" { exit !($2 == "list" && $5 == 8 && $6 ~ /^A1\|r1, A2\|r1/) }'
	# All tested genes have a weight with --form dense, those of the list the same.
	program-signature --form dense programs.pmx | pmx-view --layer weights >dense.tsv
	pmx-view --layer weights out.pmx >list.tsv
	python3 - <<-'PY'
		import csv
		a, b = (list(csv.reader(open(f), delimiter="\t")) for f in ("list.tsv", "dense.tsv"))
		same = listed = dense = 0
		for x, y in zip(a[1:], b[1:]):
		    for p, q in zip(x[1:], y[1:]):
		        listed += p not in ("NaN", "NA")
		        dense += q not in ("NaN", "NA")
		        same += p == q and p not in ("NaN", "NA")
		assert same == listed > 8 and dense > listed + 10, (same, listed, dense)
	PY
}

@test "no way of reading, order or number of threads changes a signature" {
	planted >programs.pmx
	program-signature programs.pmx --gmt want.gmt -o want.pmx
	program-signature -t 1 <programs.pmx --gmt one.gmt | pmx-diff want.pmx -
	cat programs.pmx | program-signature -t 3 --block-rows 1 | pmx-diff want.pmx -
	cmp want.gmt one.gmt
	# Rows turned round and genes in another order: the same genes; a program alone has what it has among others.
	(head -1 z.tsv; tail -n +2 z.tsv | sort -t"$(printf '\t')" -k3,3r -k1,1r -k2,2r) >turned.tsv
	"$BUILD/helpers/long_contrasts" turned.tsv | program-signature --gmt turned.gmt -o turned.pmx
	diff <(sort want.gmt) <(sort turned.gmt)
	program-signature --program B programs.pmx --gmt b.gmt -o b.pmx
	grep '^B' want.gmt | diff - b.gmt
	# Another seed, other permutations: some position moves.
	program-signature --scores a.tsv programs.pmx -o a.pmx
	program-signature --seed 5 --scores b.tsv programs.pmx -o b.pmx
	run cmp a.tsv b.tsv
	[ "$status" = 1 ]
}

@test "the opposite z scores give the opposite signature" {
	planted >programs.pmx
	awk -F'\t' -v OFS='\t' 'NR > 1 { $5 = -$5 } { print }' z.tsv >minus.tsv
	"$BUILD/helpers/long_contrasts" minus.tsv >minus.pmx
	program-signature programs.pmx --gmt plus.gmt -o plus.pmx
	program-signature minus.pmx --gmt minus.gmt -o out.pmx
	sed 's/^\([A-Z]*\)_UP/\1_X/; s/^\([A-Z]*\)_DN/\1_UP/; s/_X/_DN/' minus.gmt | sort | diff - <(sort plus.gmt)
}

@test "without a difference between genes few are found; what has no result has a reason" {
	planted >/dev/null
	# A program of noise, one with a constant member, one of which no gene stands out, and one whose members have no weight.
	awk -F'\t' -v OFS='\t' 'NR == 1 { print $0, "@n"; next }
		$1 == "A1" && $2 == "r1" { $5 = 3 } $4 == "B" { $5 /= 100 } { print }' z.tsv | cut -f1-5 >odd.tsv
	"$BUILD/helpers/long_contrasts" odd.tsv >odd.pmx
	run program-signature odd.pmx -o out.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"few_genes 1, constant 1"* ]]
	run program-signature --gene-pval 1e-300 --program A "$BATS_TEST_TMPDIR/odd.pmx" -o out.pmx
	[ "$status" = 1 ]
	planted >programs.pmx
	run program-signature --gene-pval 1e-300 programs.pmx -o out.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"no_significant_gene 2"* ]]
	run program-signature --variance-share 1 programs.pmx -o out.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"no_component 2"* ]]
	[ ! -e out.pmx ]
	run program-signature --program Z programs.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"'Z'"* ]]
	awk -F'\t' -v OFS='\t' 'NR > 1 { $4 = "NA" } { print }' z.tsv >none.tsv
	"$BUILD/helpers/long_contrasts" none.tsv >none.pmx
	run program-signature none.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"program_reason"* ]]
	cut -f1-3,5 z.tsv >plain.tsv
	"$BUILD/helpers/long_contrasts" plain.tsv >plain.pmx
	run program-signature plain.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"decompose"* ]]
}

@test "permutations that are none are refused" {
	planted >programs.pmx
	program-signature --iterations 1 --scores kept.tsv programs.pmx -o out.pmx
	n=$(awk -F'\t' '$1 == "B"' kept.tsv | wc -l)
	awk -v n="$n" -v OFS='\t' 'BEGIN { print "program", "iteration", "row", "a", "b", "c", "d", "e", "f"
		for (i = 1; i <= n; i++) print "B", 1, i, i, i, i, n + 1 - i, i, i }' >given.tsv
	program-signature --program B --permutations given.tsv programs.pmx -o out.pmx
	sed '$d' given.tsv >short.tsv
	run program-signature --program B --permutations short.tsv programs.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"permuted"* ]]
	sed '3s/	2$/	1/' given.tsv >twice.tsv
	run program-signature --program B --permutations twice.tsv programs.pmx
	[ "$status" = 1 ]
	run program-signature --permutations given.tsv programs.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"program A"* ]]
	cut -f1-7 given.tsv >narrow.tsv
	run program-signature --program B --permutations narrow.tsv programs.pmx
	[ "$status" = 1 ]
	[[ "$output" == *"members"* ]]
}

@test "a signature goes straight into rank: the drug that undoes the program is first, the one that does the same is last" {
	planted >programs.pmx
	awk -v OFS='\t' 'BEGIN { seed = 5; print "gene", "undoes", "does", "other1", "other2"
		for (g = 1; g <= 80; g++) { x = g <= 20 ? (g % 2 ? 4 : -4) : 0
			line = "g" g; for (k = 1; k <= 4; k++) { seed = (seed * 16807) % 2147483647; line = line OFS (k == 1 ? -x : k == 2 ? x : 0) + seed / 2147483647 - 0.5 }
			print line } }' >drugs.tsv
	reference-build -q drugs.tsv -o drugs.ref
	for method in wtcs cosine spearman xsum; do
		for form in list dense; do
			program-signature --form $form --program A programs.pmx | rank -q -r drugs.ref --method $method --min-overlap 5 --n-extreme 20 >ranked.tsv
			awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { id[$at["rank"]] = $at["signature_id"] }
				END { exit !(id[1] == "undoes" && id[4] == "does") }' ranked.tsv
		done
	done
}
