load ../setup
load screens
setup() { work; }

table() { # a table with a column of every type, for the rows with these numbers
	awk -v list="$*" 'BEGIN {
		n = split(list, k, " ")
		print "cell\tok\tn\tx\tlabel\tcode"
		for (i = 1; i <= n; i++)
			printf "c%09d\t%s\t%d\t%.17g\t\"%s\"\t00%d\n", k[i], k[i] % 2 ? "True" : "FALSE", k[i], k[i] / 7, k[i] % 3 ? "a b" : "it'"'"'s \"\"q\"\"", k[i]
	}'
}

@test "columns of every type, matched by name, in any blocks" {
	table $(seq 600 -1 1) >t.tsv
	tiny_screen | pmx-join --obs t.tsv -o expected.pmx
	pmx-check expected.pmx
	pmx-info --json expected.pmx | python3 -c '
import json, sys
types = {f["name"]: f["type"] for f in json.load(sys.stdin)["fields"] if f["class"] == "obs"}
assert [types[n] for n in ("ok", "n", "x", "label", "code")] == ["bool", "i64", "f64", "categorical", "categorical"], types'
	pmx-view --columns ok,n,x,label expected.pmx | python3 -c '
import csv, sys
for r in csv.DictReader(sys.stdin, delimiter="\t"):
    k = int(r["cell"][1:])
    assert (r["ok"], int(r["n"]), float(r["x"]), r["label"]) == (str(k % 2 == 1), k, k / 7, "a b" if k % 3 else "it\x27s \"q\""), r'
	for rows in 1 7 1000; do
		tiny_screen --block-rows $rows -o a.pmx
		pmx-join --obs t.tsv a.pmx -o b.pmx
		pmx-diff b.pmx expected.pmx
		cat a.pmx | pmx-join -t 1 --obs t.tsv | cmp - b.pmx
	done
}

@test "everything else goes on byte for byte" {
	tiny_screen --compression-level 9 | normalize -o a.pmx
	table $(seq 1 600) >t.tsv
	pmx-join --obs t.tsv a.pmx | pmx-select --columns gene_target,guide_id,replicate,true_efficacy,n_counts | pmx-diff - a.pmx
	# The dictionary is in the order of the bytes.
	pmx-join --obs t.tsv a.pmx | pmx-info --json | python3 -c '
import json, sys
f = next(f for f in json.load(sys.stdin)["fields"] if f["name"] == "label")
assert f["values"] == ["a b", "it\x27s \"q\""], f'
}

@test "the table plain, gz or zst, tabs or commas, from a pipe, by another column" {
	tiny_screen -o a.pmx
	table $(seq 1 600) >t.tsv
	pmx-join --obs t.tsv a.pmx -o expected.pmx
	gzip -k t.tsv
	pmx-join --obs t.tsv.gz a.pmx | pmx-diff - expected.pmx
	if command -v zstd >/dev/null; then
		zstd -q t.tsv
		pmx-join --obs t.tsv.zst a.pmx | pmx-diff - expected.pmx
	fi
	tr '\t' , <t.tsv >t.csv
	pmx-join --obs t.csv a.pmx | pmx-diff - expected.pmx
	pmx-join --obs <(cat t.tsv) a.pmx | pmx-diff - expected.pmx
	awk -F '\t' -v OFS='\t' '{ print $2, $1, $3, $4, $5, $6 }' t.tsv >k.tsv
	pmx-join --obs k.tsv --key cell a.pmx | pmx-diff - expected.pmx
	run -1 pmx-join --obs k.tsv --key foo a.pmx
	[[ $output == *"no column 'foo'; it has: ok, cell"* ]]
}

@test "rows without a line are missing, and counted" {
	tiny_screen -o a.pmx
	table 3 1 2 1000 >t.tsv
	run -0 --separate-stderr bash -c 'pmx-join --obs t.tsv a.pmx >b.pmx'
	[[ $stderr == *"3 of 600 rows have a line"*"1 of its 4 lines name no row"* ]]
	run -0 --separate-stderr bash -c 'pmx-join -q --obs t.tsv a.pmx >b.pmx'
	[ -z "$stderr" ]
	pmx-check b.pmx
	[ "$(pmx-view --columns ok,n,x,label,code b.pmx | sed -n 5p | cut -f 2-)" = $'NA\tNA\tNA\tNA\tNA' ]
	pmx-view --columns n b.pmx | grep -qP '^c000000003\t3$'
	for column in ok n x label code; do
		[ "$(pmx-select --where "$column is missing" b.pmx | pmx-view | tail -n +2 | wc -l)" = 597 ]
	done
}

@test "no row that matches is an error" {
	tiny_screen -o a.pmx
	table 1000 1001 >t.tsv
	run -1 pmx-join --obs t.tsv a.pmx -o b.pmx
	[[ $output == *"no row of the stream"*c000001000*--key* ]]
	[ ! -e b.pmx ]
}

@test "a column that is there needs --replace; names, ingredients and the order are guarded" {
	tiny_screen | normalize -o a.pmx
	printf 'cell\treplicate\nc000000001\tx\nc000000600\ty\n' >t.tsv
	run -1 pmx-join --obs t.tsv a.pmx -o b.pmx
	[[ $output == *"'replicate' already"*--replace* ]]
	pmx-join -q --replace --obs t.tsv a.pmx -o b.pmx
	pmx-check b.pmx
	pmx-view --columns replicate b.pmx | sed -n '2p;3p' | cmp - <(printf 'c000000001\tx\nc000000002\tNA\n')
	sed 1s/replicate/n_counts/ t.tsv >n.tsv
	run -1 pmx-join --replace --obs n.tsv a.pmx -o c.pmx
	[[ $output == *"layer 'X' is computed from it"* ]]
	sed 1s/replicate/gene_target/ t.tsv >g.tsv
	run -0 --separate-stderr bash -c 'pmx-join --replace --obs g.tsv a.pmx >c.pmx'
	[[ $stderr == *"promise to be ordered by it goes"* ]]
	pmx-check c.pmx
	printf 'k\tcell\nc000000001\tx\n' >c.tsv
	run -1 pmx-join --replace --obs c.tsv a.pmx
	[[ $output == *"cannot be replaced"* ]]
}

@test "tables that cannot be joined" {
	tiny_screen -o a.pmx
	printf 'cell\tx\nc000000001\t1\nc000000002\t2\nc000000001\t3\n' >t.tsv
	run -1 pmx-join --obs t.tsv a.pmx -o b.pmx
	[[ $output == *"line 4: 'c000000001' comes again"*"first on line 2"* ]]
	printf 'cell\tx\nc000000001\t1\nc000000002\n' >t.tsv
	run -1 pmx-join --obs t.tsv a.pmx -o b.pmx
	[[ $output == *"line 3"* ]]
	printf 'cell\tx\n\t1\n' >t.tsv
	run -1 pmx-join --obs t.tsv a.pmx -o b.pmx
	[[ $output == *"line 2"*empty* ]]
	printf 'cell\tx\nc000000001\t"1\n' >t.tsv
	run -1 pmx-join --obs t.tsv a.pmx -o b.pmx
	[[ $output == *"line 2"*quote* ]]
	printf 'cell\nc000000001\n' >t.tsv
	run -1 pmx-join --obs t.tsv a.pmx -o b.pmx
	: >t.tsv
	run -1 pmx-join --obs t.tsv a.pmx -o b.pmx
	[[ $output == *empty* ]]
	run -1 pmx-join --obs /nonexistent a.pmx -o b.pmx
	printf 'cell\tx\nc000000001\t1\n' | gzip | head -c 20 >t.tsv.gz
	run -1 pmx-join --obs t.tsv.gz a.pmx -o b.pmx
	printf 'cell\tx\nc000000001\t%01000000d\n' 1 >t.tsv
	run -1 pmx-join --memory 100K --obs t.tsv a.pmx -o b.pmx
	[[ $output == *--memory* ]]
	[ ! -e b.pmx ]
}

@test "a matrix of numbers" {
	tiny_screen -o a.pmx
	pmx-view --columns true_efficacy a.pmx | awk -F '\t' 'NR == 1 { print "cell\ta\tb\tc" } NR > 1 { printf "%s\t%.17g\t%d\tNA\n", $1, NR / 7, NR }' >m.tsv
	pmx-join --obsm M=m.tsv a.pmx -o b.pmx
	pmx-check b.pmx
	pmx-view --obsm M b.pmx | tail -n +2 | awk -F '\t' '{ d = $2 - (NR + 1) / 7; if (d > 1e-12 || d < -1e-12 || $3 != NR + 1 || $4 != "NaN") exit 1 }'
	run -1 pmx-join --obsm M=m.tsv b.pmx
	[[ $output == *"row matrix 'M' already"* ]]
	head -n 3 m.tsv | pmx-join -q --replace --obsm M=/dev/stdin b.pmx | pmx-check
	printf 'cell\ta\tb\nc000000001\t1\t2\nc000000002\t1\tx\n' >t.tsv
	run -1 pmx-join --obsm M=t.tsv a.pmx
	[[ $output == *"line 3: 'x' in column 'b' is no number"* ]]
	run -2 pmx-join --obsm m.tsv a.pmx
	run -2 pmx-join a.pmx
}

@test "many labels that are all different stay text" {
	simulate-screen --cells 1500 --genes 20 --targets 2 --seed 1 -o a.pmx
	pmx-view --columns cell a.pmx | awk 'NR == 1 { print "cell\tnote" } NR > 1 { print $1 "\tthis is " $1 }' >t.tsv
	pmx-join --obs t.tsv a.pmx -o b.pmx
	pmx-check b.pmx
	pmx-info b.pmx | grep -qE '^  note +string'
	pmx-view --columns note b.pmx | sed 1s/note/note/ | cmp - t.tsv
}

@test "a cut or foreign stream" {
	tiny_screen -o a.pmx
	table $(seq 1 600) >t.tsv
	head -c 20000 a.pmx >cut.pmx
	run -1 pmx-join --obs t.tsv cut.pmx -o b.pmx
	[ ! -e b.pmx ]
	run -1 bash -c 'set -o pipefail; cat cut.pmx | pmx-join --obs t.tsv | pmx-check'
	run -1 pmx-join --obs t.tsv t.tsv
}
