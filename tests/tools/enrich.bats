load ../setup

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
