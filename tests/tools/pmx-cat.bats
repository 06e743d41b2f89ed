load ../setup
load screens
setup() { work; }

@test "parts make the whole again, in any blocks" {
	for rows in 1 7 1000; do
		tiny_screen --block-rows $rows | normalize -o a.pmx
		pmx-select --rows 1-100 a.pmx -o 1.pmx
		pmx-select --rows 101-101 a.pmx -o 2.pmx
		pmx-select --rows 102- a.pmx -o 3.pmx
		pmx-cat 1.pmx 2.pmx 3.pmx -o b.pmx
		pmx-check b.pmx
		pmx-diff a.pmx b.pmx
		# The groups still stand together, as the trailers say.
		pmx-info b.pmx | grep -qx 'order: grouped by gene_target, first NT'
		cat 2.pmx | pmx-cat -t 1 1.pmx - 3.pmx 2>/dev/null | pmx-diff - a.pmx
	done
}

@test "blocks whose labels keep their codes are copied as they are" {
	tiny_screen --compression-level 9 -o a.pmx
	pmx-cat a.pmx -o b.pmx
	pmx-diff a.pmx b.pmx
	# At another level nothing is packed again: the sizes of header and trailer differ, the block does not.
	pmx-cat --compression-level 0 a.pmx -o c.pmx
	python3 - <<-'PY'
	import struct
	def block(path):
	    d = open(path, "rb").read()
	    at = 16
	    while True:
	        kind, n, body, first, rows = struct.unpack_from("<4sIQQI", d, at)
	        if kind == b"ROWS":
	            return d[at:at + 48 + body]
	        at += 48 + body
	assert block("a.pmx") == block("c.pmx")
	PY
}

@test "dictionaries are united, in the order of first appearance" {
	tiny_screen -o a.pmx
	printf 'cell\tbatch\nc000000001\tb\nc000000002\td\n' >1.tsv
	printf 'cell\tbatch\nc000000301\ta\nc000000302\td\nc000000303\tc\n' >2.tsv
	pmx-select --rows 1-300 a.pmx | pmx-join -q --obs 1.tsv -o 1.pmx
	pmx-select --rows 301- a.pmx | pmx-join -q --obs 2.tsv -o 2.pmx
	pmx-cat 1.pmx 2.pmx -o b.pmx
	pmx-check b.pmx
	cat 1.tsv <(tail -n +2 2.tsv) >both.tsv
	pmx-join -q --obs both.tsv a.pmx | pmx-diff - b.pmx
	pmx-info --json b.pmx | python3 -c '
import json, sys
f = next(f for f in json.load(sys.stdin)["fields"] if f["name"] == "batch")
assert f["values"] == ["b", "d", "a", "c"], f'
	# Field numbers differ between the streams, and so does the order of the fields.
	printf 'cell\textra\n%s\n' "$(pmx-view --columns cell 2.pmx | awk 'NR > 1 { print $1 "\t" NR }')" >x.tsv
	printf 'cell\textra\n%s\n' "$(pmx-view --columns cell 1.pmx | awk 'NR > 1 { print $1 "\t" NR }')" >y.tsv
	pmx-select --rows 1-300 a.pmx | pmx-join -q --obs y.tsv | pmx-join -q --obs 1.tsv -o 1.pmx
	pmx-select --rows 301- a.pmx | pmx-join -q --obs 2.tsv | pmx-join -q --obs x.tsv -o 2.pmx
	pmx-cat 1.pmx 2.pmx -o c.pmx
	pmx-check c.pmx
	pmx-diff --ignore-columns extra b.pmx <(pmx-select --columns gene_target,guide_id,replicate,true_efficacy,batch c.pmx)
	pmx-view --columns extra c.pmx | tail -n +2 | cmp - <(tail -qn +2 y.tsv x.tsv)
}

@test "a promise that no longer holds goes, with a note" {
	tiny_screen -o a.pmx
	run -0 --separate-stderr bash -c 'pmx-cat a.pmx a.pmx >b.pmx'
	[[ $stderr == *"does not promise to be grouped by gene_target"*pmx-sort* ]]
	pmx-check -q b.pmx
	pmx-info b.pmx | grep -qx 'order: none promised'
	pmx-select --where 'gene_target != NT' a.pmx -o t.pmx
	pmx-select --where 'gene_target = NT' a.pmx -o c.pmx
	pmx-cat c.pmx t.pmx -o b.pmx
	pmx-info b.pmx | grep -qx 'order: grouped by gene_target'
	pmx-cat t.pmx c.pmx -o b.pmx
	pmx-check b.pmx
	pmx-info b.pmx | grep -qx 'order: grouped by gene_target'
}

@test "streams that do not fit are refused by name" {
	tiny_screen | normalize -o a.pmx
	pmx-select --rows 1-10 a.pmx -o b.pmx
	pmx-select --drop-layer X a.pmx -o no_x.pmx
	run -1 pmx-cat a.pmx no_x.pmx -o c.pmx
	[[ $output == *"layer 'X' of a.pmx is not in no_x.pmx"* ]]
	run -1 pmx-cat no_x.pmx a.pmx -o c.pmx
	[[ $output == *"layer 'X' of a.pmx is not in no_x.pmx"* ]]
	pmx-select --genes T0001,T0002 a.pmx -o genes.pmx
	run -1 pmx-cat a.pmx genes.pmx -o c.pmx
	[[ $output == *"200 columns"*"has 2"* ]]
	tiny_screen --targets 5 | normalize -o other.pmx
	run -1 pmx-cat a.pmx other.pmx -o c.pmx
	[[ $output == *"column 6 is 'T0006' in a.pmx and 'G00006' in other.pmx"* ]]
	pmx-select --drop-layer X a.pmx | normalize --target-sum 5000 -o sum.pmx
	run -1 pmx-cat a.pmx sum.pmx -o c.pmx
	[[ $output == *"unlike formulas"* ]]
	printf 'cell\treplicate\nc000000001\t1\n' >t.tsv
	pmx-join -q --replace --obs t.tsv a.pmx -o type.pmx
	run -1 pmx-cat a.pmx type.pmx -o c.pmx
	[[ $output == *"'replicate' is categorical"*i64* ]]
	[ ! -e c.pmx ]
	run -2 pmx-cat
	run -2 pmx-cat - -
}

@test "metadata of the columns stay where they agree" {
	tiny_screen -o a.pmx
	tiny_screen --seed 12 -o b.pmx
	run -0 --separate-stderr bash -c 'pmx-cat a.pmx b.pmx >c.pmx'
	[[ $stderr == *"'true_mean' is not the same"* ]]
	[ "$(pmx-view --var c.pmx | head -n 1)" = gene ]
	pmx-cat a.pmx a.pmx | pmx-view --var | cmp - <(pmx-view --var a.pmx)
}

@test "the history of each input is kept" {
	tiny_screen -o a.pmx
	pmx-select --rows 1-10 a.pmx -o 'b c.pmx'
	pmx-cat a.pmx 'b c.pmx' 2>/dev/null | pmx-info | sed '1,/^made by/d' >out
	grep -qF "pmx-cat a.pmx 'b c.pmx'" out
	grep -qF "#     pmx-select --rows 1-10" out
	[ "$(grep -cv '^#' out)" = 1 ]
}

@test "a cut input leaves no result" {
	tiny_screen --block-rows 20 -o a.pmx
	head -c -30 a.pmx >cut.pmx
	run -1 pmx-cat a.pmx cut.pmx -o b.pmx
	[[ $output == *cut.pmx* ]]
	[ ! -e b.pmx ]
	run -1 bash -c 'cat cut.pmx | pmx-cat a.pmx - -o b.pmx'
	[ ! -e b.pmx ]
	run -1 pmx-cat a.pmx /nonexistent
}

@test "a signature is refused" {
	signature_screen -o s.pmx
	run -1 pmx-cat s.pmx s.pmx -o b.pmx
	[[ $output == *"layer 'X_pert' is computed from the controls"*--dense*"--drop-layer X_pert"* ]]
	pmx-select --drop-layer X_pert s.pmx -o t.pmx
	pmx-cat t.pmx t.pmx 2>/dev/null | pmx-check -q
}
