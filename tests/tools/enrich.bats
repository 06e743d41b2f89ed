load ../setup
load ../screens

setup() {
	work
	# Eight compounds in two lines, the HDAC inhibitors in front; one without a class, one in two.
	cat >ranked.tsv <<-'TSV'
	target	rank	signature_id	compound	score	moa	drug_target
	T	1	s1	A	-0.9	HDAC	HDAC1|HDAC2
	T	2	s2	A	-0.8	HDAC	HDAC1|HDAC2
	T	3	s3	B	-0.7	HDAC|other	HDAC1
	T	4	s4	C	-0.6	HDAC	HDAC3
	T	5	s5	D	-0.1	MEK	MAP2K1
	T	6	s6	E	0.1	MEK	MAP2K1
	T	7	s7	F	0.2	NA	NA
	T	8	s8	G	0.3	mTOR	MTOR
	T	9	s9	H	0.5	mTOR	MTOR
	T	10	s10	I	NA	MEK	MAP2K1
	U	1	s8	G	-0.9	mTOR	MTOR
	U	2	s9	H	-0.8	mTOR	MTOR
	U	3	s1	A	0.5	HDAC	HDAC1|HDAC2
	U	4	s3	B	0.6	HDAC|other	HDAC1
	U	5	s6	E	0.7	MEK	MAP2K1
	U	6	s5	D	0.8	MEK	MAP2K1
	TSV
}

@test "Fisher equals the reference on whole signatures" {
	need golden/connectivity/enrich_in.tsv
	local n
	for n in 10 50 100; do
		awk -F'\t' -v OFS='\t' -v n=$n 'NR == 1 { print "class", "top", "odds_ratio", "p_value" } $1 == n && $2 != "NA" { print $2, $3, $5, $6 }' \
			"$shared/golden/connectivity/enrich_out.tsv" | sed 's/inf/Inf/' >gold.tsv
		enrich --unit signature --top $n "$shared/golden/connectivity/enrich_in.tsv" >ours.tsv
		compare gold.tsv p_value ours.tsv p_value 1e-10 --rel --key class
		compare gold.tsv odds_ratio ours.tsv statistic 1e-12 --key class
		compare gold.tsv top ours.tsv overlap 0 --key class
		[ "$(wc -l <ours.tsv)" = 5 ]
	done
}

@test "compounds are counted once, in all their classes; what has no class or no score is none" {
	run --separate-stderr enrich --top 3 --min-size 1 ranked.tsv
	[[ "$status" = 0 && "$stderr" = *"1 rows have no score"* ]]
	# 3 HDAC of 8 compounds are the first 3: 1 / C(8, 3).
	grep -P '^T\tHDAC\tfisher\t3\t3\t3\tInf\t0.017857142857142' <<<"$output" | grep -P '\tA\|B\|C\tNA$'
	grep -P '^T\tother\tfisher\t1\t3\t1\t' <<<"$output"
	grep -P '^T\tMEK\tfisher\t2\t3\t0\t0\t1\t1\tNA\tNA$' <<<"$output"
	[[ "$output" != *$'\nT\tNA\t'* ]]
	grep -P '^U\tmTOR\tfisher\t2\t3\t2\tInf\t' <<<"$output"
	# Rows in any order, the other direction.
	(head -1 ranked.tsv; sed 1d ranked.tsv | sort -r) | enrich -q --top 3 --min-size 1 | sort >turned.tsv
	diff <(sort <<<"$output") turned.tsv
	enrich -q --top 2 --want mimic ranked.tsv | grep -P '^T\tmTOR\tfisher\t2\t2\t2\tInf'
	enrich -q --top 3 --class-key drug_target --min-size 1 ranked.tsv | grep -P '^T\tHDAC2\tfisher\t1\t3\t1\t'
}

@test "running sum and overlap: the same for any threads, small for what gathers, q over the classes" {
	for method in gsea rbo; do
		enrich -q --method $method --permutations 2000 --seed 3 -t 1 ranked.tsv >one.tsv
		enrich -q --method $method --permutations 2000 --seed 3 -t 3 ranked.tsv | diff one.tsv -
		awk -F'\t' '$1 == "T" && $2 == "HDAC" { exit !($8 < 0.05 && $9 >= $8) }' one.tsv
		awk -F'\t' '$1 == "T" && $2 == "mTOR" { exit !($7 == "NA" || $7 < 0.2) }' one.tsv
	done
	enrich -q --method gsea ranked.tsv >g.tsv
	awk -F'\t' '$1 == "T" && $2 == "HDAC" { exit !($4 == 3 && $5 == 8 && $6 == 3 && $7 > 1 - 1e-12) }' g.tsv
	grep -P '^T\tmTOR\tgsea\t2\t8\t2\t-1\t' g.tsv | grep -P '\tG\|H\t'
	# An independent count: all 56 places of three in eight, each score its weight; one of them is as large.
	awk -F'\t' '$1 == "T" && $2 == "HDAC" { exit !($8 > 0.01 && $8 < 0.04) }' g.tsv
}

@test "random classes are called as often as the level says" {
	python3 - >null.tsv <<'PY'
import random
random.seed(5)
print("target\tcompound\tscore\tmoa")
for t in range(40):
    for c in range(60): print(f"t{t}\tc{c}\t{random.gauss(0, 1):.6f}\tm{c % 10}")
PY
	for method in gsea rbo; do
		enrich -q --method $method --permutations 500 null.tsv |
			awk -F'\t' 'NR > 1 { n++; low += $8 <= 0.1 } END { exit !(n == 400 && low > 20 && low < 62) }'
	done
}

@test "classes from a file: GMT, or compound and class" {
	printf 'HDAC\tx\tA\tB\tC\tZ\nMEK\t\tD\tE\n' >sets.gmt
	printf 'compound\tclass\nA\tHDAC\nD\tMEK\nB\tHDAC\nE\tMEK\nC\tHDAC\nZ\tHDAC\n' >sets.tsv
	run --separate-stderr enrich --top 3 --sets sets.gmt ranked.tsv
	[[ "$status" = 0 && "$stderr" = *"1 of the 6 members"* ]]
	grep -P '^T\tHDAC\tfisher\t3\t3\t3\tInf' <<<"$output"
	enrich -q --top 3 --sets sets.tsv ranked.tsv | diff <(printf '%s\n' "$output") -
	enrich -q --top 3 --unit signature --sets sets.gmt ranked.tsv | grep -P '^T\tHDAC\tfisher\t4\t3\t3\t'
	# Against all that could have been ranked.
	printf '%s\n' A B C D E F G H Z Y X W >all.txt
	enrich -q --top 3 --sets sets.gmt --background all.txt ranked.tsv | grep -P '^T\tHDAC\tfisher\t4\t3\t3\t[^\t]*\t0.018181818'
	run enrich --top 3 --background all.txt ranked.tsv
	[ "$status" = 2 ]
	echo A >all.txt
	run enrich --top 3 --sets sets.gmt --background all.txt ranked.tsv
	[[ "$status" = 1 && "$output" = *"is ranked but not in the background"* ]]
	printf 'compound\tclass\nA\n' >bad.tsv
	run enrich --sets bad.tsv ranked.tsv
	[[ "$status" = 1 && "$output" = *"line 2"* ]]
}

@test "what cannot be tested has a reason, nothing at all is a failure" {
	run --separate-stderr enrich --top 3 --min-size 2 ranked.tsv
	[[ "$stderr" = *"too_few_members"* ]]
	grep -P '^T\tother\tfisher\t1\t3\t1\tNA\tNA\tNA\tB\ttoo_few_members$' <<<"$output"
	run enrich ranked.tsv
	[[ "$status" = 1 && "$output" = *"--top-k 0"* ]]
	run enrich --class-key nothing ranked.tsv
	[[ "$status" = 1 && "$output" = *drug_target* ]]
	sed 's/HDAC\|MEK\|mTOR\|other/NA/g' ranked.tsv >none.tsv
	run enrich --class-key moa <(cut -f1-6 none.tsv | sed 's/NA|NA/NA/')
	[[ "$status" = 1 && "$output" = *"no row has a class"* ]]
	sed 's/-0.7/low/' ranked.tsv >text.tsv
	run enrich --top 3 text.tsv
	[[ "$status" = 1 && "$output" = *"line 4"*"'low' is no number"* ]]
	: >empty.tsv
	run enrich empty.tsv
	[ "$status" = 1 ]
	(cat ranked.tsv; sed -n 2p ranked.tsv) >twice.tsv
	run enrich --unit signature --top 3 twice.tsv
	[[ "$status" = 1 && "$output" = *"'s1' comes twice"* ]]
}

@test "the classes of planted reversers are found through rank" {
	command -v rank >/dev/null && command -v reference-build >/dev/null || skip "rank is not built"
	simulate-signatures --targets 2 --compounds 60 --genes 300 --cells 1 --seed 2 --out-dir sim
	reference-build -q sim/reference.pmx -o ref.pmx
	rank -q --reference ref.pmx --method wtcs --n-genes 50 --top-k 0 sim/targets.pmx >r.tsv
	enrich -q --method gsea --permutations 2000 r.tsv >e.tsv
	for t in state0001 state0002; do
		moa=$(pmx-view --obs sim/reference.pmx | awk -F'\t' -v c="$(awk -v t=$t '$1 == t && $3 == "reverse" { print $2; exit }' sim/truth.tsv)" '$2 == c { print $6; exit }')
		awk -F'\t' -v t=$t -v m="$moa" '$1 == t && $2 == m { found = $7 > 0.999 && $8 < 0.01 } END { exit !found }' e.tsv
	done
}

# reference_lists SCREEN: the reference's sets, list and background as $1.gmt, $1.list, $1.all; its tables by the name of the set.
reference_lists() {
	need golden/seurat
	gold=$(golden "$1")
	unpack "$1" enrich_sets | awk -F'\t' 'NR > 1 { if (!($1 in s)) name[++k] = $1; s[$1] = s[$1] "\t" $3 } END { for (i = 1; i <= k; i++) print name[i] "\t-" s[name[i]] }' >"$1.gmt"
	unpack "$1" enrich_input | sed 1d | cut -f2 >"$1.list"
	unpack "$1" enrich_background | sed 1d >"$1.all"
}

# by_set: our table with the reference's name for its key.
by_set() {
	sed '1s/\tset\t/\tGO_term\t/'
}

# R finds its odds ratio to about 1e-4 of the odds only; ours is exact, as the unit tests show.
@test "genes: Fisher's p equals the reference's, with and without the gene less" {
	for screen in papalexi synth; do
		reference_lists $screen
		enrich -q --compat seurat --lists $screen.list --background $screen.all --sets $screen.gmt | by_set >ours.tsv
		compare "$gold/fisher_default.tsv.gz" Pval ours.tsv p_value 1e-10 --rel --key GO_term
		compare "$gold/fisher_default.tsv.gz" OR ours.tsv statistic 2e-2 --rel --key GO_term
		compare "$gold/fisher_default.tsv.gz" combined_score ours.tsv combined 2e-2 --rel --key GO_term
		compare "$gold/fisher_default.tsv.gz" num_LH ours.tsv overlap 0 --key GO_term
		compare "$gold/fisher_default.tsv.gz" num_PH ours.tsv n_set 0 --key GO_term
		enrich -q --min-size 1 --lists $screen.list --background $screen.all --sets $screen.gmt | by_set >plain.tsv
		unpack $screen fisher_ease_true | grep -v '^none' >gold.tsv
		compare gold.tsv Pval plain.tsv p_value 1e-10 --rel --key GO_term
		compare gold.tsv OR plain.tsv statistic 2e-2 --rel --key GO_term
		enrich -q --ease --min-size 1 --lists $screen.list --background $screen.all --sets $screen.gmt | by_set >ease.tsv
		unpack $screen fisher_default | grep -v '^none' >gold.tsv
		compare gold.tsv Pval ease.tsv p_value 1e-10 --rel --key GO_term
	done
}

@test "genes: rank-biased overlap and its permutations equal the reference's" {
	for screen in papalexi synth; do
		reference_lists $screen
		for p in 0.5 0.9 0.98; do
			for depth in 10 300; do
				for even in TRUE FALSE; do
					unpack $screen rbo_values | awk -F'\t' -v p=$p -v k=$depth -v u=$even 'NR == 1 || ($2 + 0 == p && $3 == k && $4 == "top" && $5 == u)' >gold.tsv
					[ "$(wc -l <gold.tsv)" = 11 ]
					enrich -q --method rbo --compat seurat --persistence $p --depth $depth $([ $even = TRUE ] || echo --even-lengths) \
						--permutations 2 --lists $screen.list --sets $screen.gmt >ours.tsv
					compare gold.tsv rbo ours.tsv statistic 1e-12 --key set
				done
			done
		done
		unpack $screen rbo_enrich_shuffles >shuffles.tsv
		for null in normal empirical; do
			enrich -q --method rbo --compat seurat --persistence 0.98 --depth 40 --null $null --permutation-file shuffles.tsv \
				--lists $screen.list --sets $screen.gmt | by_set >ours.tsv
			compare "$gold/rbo_enrich_$null.tsv.gz" RBO ours.tsv statistic 1e-12 --key GO_term
			compare "$gold/rbo_enrich_$null.tsv.gz" Pval ours.tsv p_value 1e-12 --key GO_term
			compare "$gold/rbo_enrich_$null.tsv.gz" n_intersect ours.tsv overlap 0 --key GO_term
		done
		# Two lists with scores: in the order of the scores, down to half of the longer.
		local p side mid value k
		while IFS=$'\t' read -r p mid side value; do
			for list in list1 list2; do
				unpack $screen rbo_scores_input | awk -F'\t' -v l=$list -v m="$mid" -v s=$side '$1 == l && (m == "NA" || (s == "top" ? $3 > m : $3 < m)) { print $3 "\t" $2 }' |
					sort -s -g $([ $side = top ] && echo -r) | cut -f2 >$list.txt
			done
			k=$(unpack $screen rbo_scores_input | awk -F'\t' 'NR > 1 { n[$1]++ } END { m = n["list1"] > n["list2"] ? n["list1"] : n["list2"]; print int(m / 2) }')
			(printf 'list2\t-'; sed 's/^/\t/' list2.txt | tr -d '\n'; echo) >two.gmt
			printf 'set\tvalue\nlist2\t%s\n' "$value" >gold.tsv
			enrich -q --method rbo --compat seurat --persistence "$p" --depth "$k" --permutations 2 --lists list1.txt --sets two.gmt >ours.tsv
			compare gold.tsv value ours.tsv statistic 1e-12 --key set
		done < <(unpack $screen rbo_scores_lists | sed 1d)
	done
}

@test "contrasts of each split against sets equal DEenrich" {
	need golden/seurat
	for run in papalexi:non-targeting:STAT1 synth:NT:T01; do
		IFS=: read -r screen control target <<<"$run"
		reference_lists "$screen"
		unpack "$screen" deenrich | awk -F'\t' -v t="$target" 'NR == 1 { print "key\tOR\tp\tLH\tPH\tLT"; next }
			{ print t "|" $1 "|" $2 "|" ($10 == "upDEG" ? "up" : "down") "\t" $3 "\t" $4 "\t" $6 "\t" $7 "\t" $9 }' >gold.tsv
		"$screen" | normalize | pmx-select --where "gene_target == '$target' or gene_target == '$control'" -o two.pmx
		de-markers -q --control "$control" --split-by replicate --test wilcoxon --logfc-threshold 0 two.pmx -o de.pmx
		de-markers -q --control "$control" --split-by replicate --test wilcoxon --logfc-threshold 0 --tsv two.pmx -o de.tsv
		enrich -q --compat seurat --logfc-threshold 0.25 --min-genes 5 --sets "$screen.gmt" de.pmx >stream.tsv
		enrich -q --compat seurat --logfc-threshold 0.25 --min-genes 5 --sets "$screen.gmt" de.tsv >table.tsv
		diff <(cut -f 1-10 stream.tsv | sort) <(cut -f 1-10 table.tsv | sort)
		awk -F'\t' 'NR == 1 { print "key\tLH\tPH\tLT\tp\tOR"; next } { print $1 "|" $3 "|" $2 "\t" $7 "\t" $5 "\t" $6 "\t" $10 "\t" $8 }' stream.tsv >ours.tsv
		compare gold.tsv p ours.tsv p 1e-10 --rel
		for column in LH PH LT; do compare gold.tsv $column ours.tsv $column 0; done
		compare gold.tsv OR ours.tsv OR 2e-2 --rel
	done
}

@test "genes: by hand, with what is outside of the background left out" {
	printf '%s\n' g{1..20} >all.txt
	printf '%s\n' g1 g2 g3 g4 g5 g9 elsewhere >list.txt
	printf 'S\t-\tg1\tg2\tg3\tg4\tg5\tg6\tg7\tg8\tfar\nfew\t-\tg1\nevery\t-' >sets.gmt
	printf '\tg%d' {1..20} >>sets.gmt
	run --separate-stderr enrich --lists list.txt --background all.txt --sets sets.gmt
	[[ "$status" = 0 && "$stderr" = *"1 genes of lists are not in the background and are left out"* && "$stderr" = *"too_few_members"* ]]
	grep -P '^list\tlist\tS\tfisher\t8\t6\t5\t[0-9.]+\t[0-9.]+\t0\.0180598555' <<<"$output" | grep -P '\tg1\|g2\|g3\|g4\|g5\tNA$'
	grep -P '^list\tlist\tfew\tfisher\t1\t6\t1\tNA\tNA\tNA\tNA\tNA\tg1\ttoo_few_members$' <<<"$output"
	grep -P '^list\tlist\tevery\t.*\tall_are_members$' <<<"$output"
	run enrich --lists list.txt --sets sets.gmt
	[[ "$status" = 2 && "$output" = *"--background is needed"* ]]
	run enrich --lists list.txt --background all.txt --sets sets.gmt --min-genes 50
	[[ "$status" = 1 && "$output" = *"no set was tested"* ]]
	run enrich --lists list.txt --background all.txt
	[ "$status" = 2 ]
	run enrich --method gsea --lists list.txt --background all.txt --sets sets.gmt
	[ "$status" = 2 ]
}

@test "genes: signatures give both sides, random lists are no discovery, any threads" {
	printf 'gene\tA\tB\n' >w.tsv
	for i in {1..100}; do printf 'g%d\t%d\t%d\n' "$i" $((i <= 10 ? 101 - i : i > 90 ? -i : 0)) $((i % 7 - 3)) >>w.tsv; done
	target-signature -q --weights w.tsv -o sig.pmx
	(printf 'top\t-'; printf '\tg%d' {1..8}; printf '\nend\t-'; printf '\tg%d' {91..97}; echo) >sets.gmt
	enrich -q --top 10 --sets sets.gmt sig.pmx >f.tsv
	awk -F'\t' '$1 == "A" && $2 == "up" && $3 == "top" { up = $7 == 8 && $6 == 10 && $10 < 1e-7 } $1 == "A" && $2 == "down" && $3 == "end" { down = $7 == 7 && $10 < 1e-6 }
		$1 == "A" && $2 == "up" && $3 == "end" { none = $7 == 0 && $10 == 1 } END { exit !(up && down && none) }' f.tsv
	# Genes that tie with the last taken are taken.
	awk -F'\t' '$1 == "B" && $2 == "up" && $6 != 14 { bad = 1 } END { exit bad }' f.tsv
	enrich -q --top 10 --direction up --sets sets.gmt sig.pmx | cut -f2 | sort -u | diff - <(printf 'direction\nup\n')
	for t in 1 3; do enrich -q --top 10 --method rbo -t $t --seed 4 --permutations 500 --sets sets.gmt sig.pmx >r$t.tsv; done
	cmp r1.tsv r3.tsv
	awk -F'\t' '$1 == "A" && $2 == "up" && $3 == "top" { ok = $8 > 0.8 && $10 < 0.01 } END { exit !ok }' r1.tsv
	python3 - >random.gmt <<'PY'
import random
random.seed(8)
genes = [f"g{i}" for i in range(1, 101)]
for k in range(200): print(f"r{k}", "-", *random.sample(genes, 20), sep="\t")
PY
	for method in fisher rbo; do
		enrich -q --method $method --top 10 --permutations 300 --direction up --sets random.gmt sig.pmx |
			awk -F'\t' 'NR > 1 && $1 == "A" { n++; low += $10 <= 0.1 } END { exit !(n == 200 && low < 40 && low > 3) }'
	done
}

@test "a bad file of permutations is refused" {
	printf 'a\nb\nc\n' >list.txt
	printf 'S\t-\ta\tb\n' >sets.gmt
	printf 'iter\tranks\n1\t3,2,1\n2\t3,2\n' >short.tsv
	run enrich --method rbo --lists list.txt --sets sets.gmt --permutation-file short.tsv
	[[ "$status" = 1 && "$output" = *"line 3: 2 values where 3 are wanted"* ]]
	printf 'iter\tranks\n1\t3,2,x\n' >text.tsv
	run enrich --method rbo --lists list.txt --sets sets.gmt --permutation-file text.tsv
	[[ "$status" = 1 && "$output" = *"'x' is no number"* ]]
	printf 'iter\tranks\n1\t1,2\n2\t2,1\n' >two.tsv
	run enrich --method rbo --lists list.txt --sets sets.gmt --permutation-file two.tsv
	[[ "$status" = 1 && "$output" = *"permutes 2 genes"* ]]
	# The same order every time: no spread, no p.
	printf 'iter\tranks\n1\t3,2,1\n2\t3,2,1\n' >same.tsv
	run enrich --method rbo --null normal --lists list.txt --sets sets.gmt --permutation-file same.tsv
	[[ "$status" = 1 && "$output" = *"no_spread_of_null"* ]]
}

@test "lists from a table of two columns are lists of their own" {
	printf 'G%d\n' {1..30} >all.txt
	printf 'S\t-\tG1\tG2\tG9\n' >sets.gmt
	printf 'gene\tlist\nG1\tA\nG4\tB\nG2\tA\nG3\tB\nG9\tB\n' >lists.tsv
	enrich -q --lists lists.tsv --background all.txt --sets sets.gmt | cut -f1,6,7,13 |
		diff - <(printf 'target\tn_list\toverlap\tgenes\nA\t2\t2\tG1|G2\nB\t3\t1\tG9\n')
	printf 'gene\tlist\nG1\tA\nG4\n' >short.tsv
	run enrich --lists short.tsv --background all.txt --sets sets.gmt
	[[ "$status" = 1 && "$output" = *"short.tsv, line 3: 'G4' has no set"* ]]
}

@test "a table of genes: lists, sets and background meet whatever of its names a gene has" {
	printf 'symbol\tprev_symbol\talias_symbol\tensembl_gene_id\n' >hgnc.tsv
	for i in {1..40}; do printf 'G%d\tOLD%d\tA%d\tENSG%011d\n' $i $i $i $i; done >>hgnc.tsv
	printf 'G%d\n' {1..30} >all.txt
	printf 'G%d\n' {1..6} >list.txt
	(printf 'S\t-'; printf '\tG%d' {1..4} {20..22}; echo) >sets.gmt
	enrich -q --lists list.txt --background all.txt --sets sets.gmt >plain.tsv
	# The same under other names; g1 is named twice, G40 is outside of the background, NOGENE nowhere.
	(printf 'OLD1\ng1\nENSG%011d.5\nA3\n' 2; printf 'G%d\n' {4..6}) >other_list.txt
	(printf 'S\t-\tENSG%011d\tA1' 1; printf '\tOLD%d' {2..4} {20..22}; printf '\tG40\tNOGENE\n') >other_sets.gmt
	(printf 'A%d\n' {1..30}; echo OLD7) >other_all.txt
	run --separate-stderr enrich --gene-info hgnc.tsv --lists other_list.txt --background other_all.txt --sets other_sets.gmt
	[ "$status" = 0 ]
	diff plain.tsv - <<<"$output"
	[[ "$stderr" = *"genes of the lists: 7 genes: 6 used (5 under another name"*"1 repeated"* ]]
	[[ "$stderr" = *"genes of the sets: 10 genes: 7 used ("*"1 valid but outside, 1 unknown, such as NOGENE, 1 repeated"* ]]
	# Streams and tables of contrasts: a column that names a gene again is no second gene of the background.
	printf 'gene\tT\n' >w.tsv; for i in {1..30}; do printf 'G%d\t%d\n' $i $((31 - i)); done >>w.tsv
	target-signature -q --weights w.tsv | enrich -q --top 6 --sets sets.gmt | cut -f2- >plain.tsv
	(sed '2,$s/^G/OLD/' w.tsv; printf 'A9\t50\n') >other.tsv
	target-signature -q --weights other.tsv | enrich -q --top 6 --gene-info hgnc.tsv --sets other_sets.gmt | cut -f2- | diff plain.tsv -
	for names in G OLD; do
		printf 'target\tgene\tlogfc\tpval_adj\n'
		for i in {1..30}; do printf 'T\t%s%d\t1\t%s\n' $names $i $([ $i -le 6 ] && echo 0.01 || echo 0.5); done
		[ $names = G ] || printf 'T\tA2\t1\t0.01\n'
	done | awk -v f=0 '/^target/ { f++ } { print > "de" f ".tsv" }'
	enrich -q --sets sets.gmt de1.tsv >plain.tsv
	enrich -q --gene-info hgnc.tsv --sets sets.gmt de2.tsv | diff plain.tsv -
	[ "$(awk -F'\t' 'NR == 2 { print $5, $6, $7 }' plain.tsv)" = "7 6 4" ]
	run enrich --gene-info hgnc.tsv ranked.tsv
	[[ "$status" = 2 && "$output" = *"is about genes"* ]]
}
