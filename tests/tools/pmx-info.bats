load ../setup
load screens
setup() { work; }

@test "a file says what a pipe says, in any blocks" {
	for rows in 1 7 1000; do
		tiny_screen --block-rows $rows -o a.pmx
		pmx-info a.pmx >file
		pmx-info <a.pmx >seekable
		cat a.pmx | pmx-info >pipe
		cmp file pipe
		cmp file seekable
		grep -qx 'cells: 600 rows x 200 columns' file
	done
}

@test "recipes as formulas, order, groups and the commands that made it" {
	tiny_screen | normalize --target-sum 5000 -o a.pmx
	pmx-info a.pmx >out
	grep -q '^  X  *log1p(counts / n_counts \* 5000)$' out
	grep -qx 'order: grouped by gene_target, first NT' out
	grep -qE '^  NT +120 rows$' out
	# The commands run, and make the same stream.
	sed '1,/^made by/d' out >again.sh
	grep -q -- '--seed 11' again.sh
	bash again.sh | cmp - a.pmx
}

@test "words that a shell would split are quoted in the replay" {
	printf 'T0001\nG00150\n' >"it's a list"
	tiny_screen | pmx-select --genes "it's a list" --where "gene_target in ('NT', \"T0001\")" -o a.pmx
	pmx-info a.pmx | sed '1,/^made by/d' >again.sh
	bash again.sh | cmp - a.pmx
}

@test "JSON has the header, rows, groups and the replay" {
	tiny_screen | normalize | pmx-info --json >out
	python3 - out <<-'PY'
	import json, sys
	o = json.load(open(sys.argv[1]))
	assert o["rows"] == 600 and o["columns"] == 200 and o["kind"] == "cells"
	assert o["groups"][0] == {"label": "NT", "first_row": 0, "rows": 120}, o["groups"]
	assert sum(g["rows"] for g in o["groups"]) == 600
	layers = {f["name"]: f for f in o["fields"] if f["class"] == "layer"}
	assert layers["X"]["what"] == "log1p(counts / n_counts * 10000)"
	assert o["replay"].count("\n") == 2 and len(o["digest"]) == 16
	PY
}

@test "a file cut short is refused, wherever it is cut" {
	tiny_screen -o a.pmx
	size=$(stat -c %s a.pmx)
	for n in 0 1 10 100 2000 $((size / 2)) $((size - 1)); do
		head -c $n a.pmx >cut.pmx
		run -1 pmx-info cut.pmx
		[[ $output == *cut.pmx* ]]
		run -1 bash -c 'cat cut.pmx | pmx-info'
		[ -n "$output" ]
	done
}

@test "foreign bytes are named" {
	printf 'hello, this is no stream\n' >foreign
	run -1 pmx-info foreign
	[[ $output == *"no PMX stream"* ]]
	printf x | gzip >foreign.gz
	run -1 pmx-info foreign.gz
	[[ $output == *gzip* ]]
	run -1 pmx-info /nonexistent
	run -2 pmx-info --jsn foreign
	[[ $output == *--json* ]]
}

@test "damage in the header is found" {
	tiny_screen -o a.pmx
	printf '\xff' | dd of=a.pmx bs=1 seek=300 conv=notrunc status=none
	run -1 pmx-info a.pmx
}

# verdict CHECK: of the lines in out.
verdict() {
	awk -v c="$1" 'substr($0, 7, length(c) + 1) == c " " { print $1 }' out
}

@test "preflight: a screen that can answer, in any blocks, from a pipe, in any number of threads" {
	tiny_screen | normalize -o a.pmx
	pmx-info --preflight --control NT --split-by replicate a.pmx >out
	tail -n 1 out | grep -qx 'This screen can answer, for 6 of 6 targets.'
	for check in controls targets guides values genes "target genes" calibration; do [ "$(verdict "$check")" = ok ]; done
	grep -qE '^ok    controls +rep1 [0-9]+, rep2 [0-9]+; 20 neighbours' out
	tiny_screen --block-rows 7 | normalize | pmx-info -t 3 --preflight --control NT --split-by replicate | cmp - out
	pmx-info --preflight --json --control NT --split-by replicate a.pmx | python3 -c 'import json, sys; o = json.load(sys.stdin)
assert o["can_answer"] and o["targets"] == 6 == o["testable"] and len(o["checks"]) >= 8, o'
	# Counts are seen as such, and the rest is found alike.
	tiny_screen | pmx-info --preflight --control NT --split-by replicate >counts
	grep -q 'holds counts.*run normalize' counts
	diff <(grep -v ' values ' out) <(grep -v ' values ' counts)
}

@test "preflight: what is in the way is named, with status 1" {
	tiny_screen | normalize -o a.pmx
	run -1 pmx-info --preflight --control NT --split-by replicate -k 80 a.pmx
	[[ $output == *"FAIL  controls"*"fewer than the 80 neighbours in: rep1, rep2"*"cannot answer"* ]]
	run -1 pmx-info --preflight --control control a.pmx
	[[ $output == *"no label 'control'"*NT*T0001* ]]
	run -2 pmx-info --preflight a.pmx
	[[ $output == *"which label"*NT* ]]
	run -2 pmx-info --control NT a.pmx
	[[ $output == *--preflight* ]]
	run -1 pmx-info --preflight --control NT --split-by nowhere a.pmx
	[[ $output == *replicate* ]]
	# Values that were scaled, and values that are neither counts nor logarithms.
	pmx-view --layer X a.pmx >x.tsv
	pmx-view --obs a.pmx >obs.tsv
	awk -F'\t' -v OFS='\t' 'NR > 1 { for (i = 2; i <= NF; i++) $i -= 1 } 1' x.tsv | pmx-import -q --obs obs.tsv --layer X - -o scaled.pmx
	run -1 pmx-info --preflight --control NT scaled.pmx
	[[ $output == *"FAIL  values"*"negative"* ]]
	awk -F'\t' -v OFS='\t' 'NR > 1 { for (i = 2; i <= NF; i++) $i *= 50.5 } 1' x.tsv | pmx-import -q --obs obs.tsv --layer X - -o large.pmx
	run -1 pmx-info --preflight --control NT large.pmx
	[[ $output == *"FAIL  values"* ]]
	pmx-import -q --obs obs.tsv --layer X x.tsv | pmx-info --preflight --control NT >out
	[ "$(verdict values)" = ok ]
	# No cells but controls.
	pmx-select --where 'gene_target = NT' a.pmx -o nt.pmx
	run -1 pmx-info --preflight --control NT nt.pmx
	[[ $output == *"no cells but those labelled NT"* ]]
	# Not a screen.
	de-markers -q --control NT a.pmx -o m.pmx
	run -1 pmx-info --preflight --control NT m.pmx
	[[ $output == *"stream of contrasts"* ]]
}

@test "preflight: no controls, guides of two targets, values that are not finite or all 0" {
	tiny_screen -o a.pmx
	pmx-select --where 'gene_target != NT' a.pmx -o none.pmx
	run -1 pmx-info --preflight --control NT none.pmx
	[[ $output == *"FAIL  controls"*"no cell is labelled NT"*"FAIL  targets"*"none with cells where there are controls enough"* ]]
	[[ $output != *"--split-by out"* ]]
	pmx-view --layer counts a.pmx >x.tsv
	pmx-view --obs a.pmx >obs.tsv
	control=$(awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["gene_target"] == "NT" { print $1; exit }' obs.tsv)
	for value in NaN Inf; do
		awk -F'\t' -v OFS='\t' -v cell="$control" -v value=$value '$1 == cell { $7 = value } 1' x.tsv | pmx-import -q --obs obs.tsv --layer X - -o odd.pmx
		run -1 pmx-info --preflight --control NT odd.pmx
		[[ $output == *"FAIL  values"*"not finite"* ]]
	done
	awk -F'\t' -v OFS='\t' 'NR > 1 { for (i = 2; i <= NF; i++) $i = 0 } 1' x.tsv | pmx-import -q --obs obs.tsv --layer counts - -o zero.pmx
	run -1 pmx-info --preflight --control NT zero.pmx
	[[ $output == *"FAIL  values"*"is 0 in every control cell"* ]]
	# One guide of T0001 is labelled as one of T0002.
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "cell\tg"; next } { print $1 "\t" ($at["guide_id"] == "T0001g1" ? "T0002g1" : $at["guide_id"]) }' obs.tsv >new.tsv
	pmx-join --obs new.tsv a.pmx -o two.pmx
	pmx-info --preflight --control NT --guide-key g two.pmx >out
	grep -qE '^warn  guides .*1 of [0-9]+ guides have cells of more than one target.*\(T0002g1\)' out
	pmx-info --preflight --control NT --guide-key nothing two.pmx | grep -qE '^warn  guides .*--guide-key names it, such as guide_id, .*g'
	n=$(awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { n[$at["guide_id"]]++ } END { for (g in n) print n[g] }' obs.tsv | sort -n | sed -n '1p;$p' | paste -sd' ')
	pmx-info --preflight --control NT a.pmx | grep -q "; ${n/ / to } cells a guide, median"
}

@test "preflight: few cells, few controls in one split, genes under other names" {
	tiny_screen -o counts.pmx
	pmx-view --obs counts.pmx | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "cell\tt\tr"; next }
		{ t = $at["gene_target"]; r = $at["replicate"]; if (t == "T0001" && ++few > 2) t = "NA"; if (t == "NT" && r == "rep2" && ++n > 5) r = "rep1"; print $1 "\t" t "\t" r }' >new.tsv
	pmx-join --obs new.tsv counts.pmx -o bad.pmx
	pmx-info --preflight --pert-key t --control NT --split-by r bad.pmx >out
	[ "$(verdict controls)" = warn ]
	grep -q 'rep2 5; fewer than the 20 neighbours in: rep2' out
	[ "$(verdict targets)" = warn ]
	grep -qE 'for 5 of 6 targets' out
	[ "$(verdict labels)" = warn ]
	# Ensembl ids and a date for names.
	pmx-view --layer counts counts.pmx | awk -F'\t' -v OFS='\t' 'NR == 1 { for (i = 2; i <= NF; i++) $i = i == 5 ? "1-Mar" : sprintf("ENSG%011d.3", i) } 1' >x.tsv
	pmx-view --obs counts.pmx >obs.tsv
	pmx-import -q --obs obs.tsv --layer counts x.tsv -o ids.pmx
	pmx-info --preflight --control NT ids.pmx >out
	[ "$(verdict genes)" = warn ]
	grep -q '199 have the form of an Ensembl id, 1 have the form of a date' out
	[ "$(verdict "target genes")" = warn ]
	printf 'gene_id\tgene_symbol\tensembl_id\n' >info.tsv
	for i in $(seq 2 180); do printf '%d\t%s\tENSG%011d\n' "$i" "$([ "$i" -lt 8 ] && echo "T000$((i - 1))" || echo "S$i")" "$i"; done >>info.tsv
	pmx-info --preflight --control NT --gene-info info.tsv ids.pmx >out
	[ "$(verdict genes)" = ok ]
	grep -q '178 are known (178 of them not by their current symbol), 0 are ambiguous, 22 unknown' out
	[ "$(verdict "target genes")" = ok ]
}

@test "preflight: control guides that are not neutral are found" {
	simulate-screen --cells 2000 --genes 300 --targets 8 --controls 400 --splits 1 --effect 3 --density 0.4 --seed 4 | normalize -o a.pmx
	pmx-info --preflight --control NT a.pmx >out
	[ "$(verdict "control guides")" = ok ]
	# The cells of one guide go by the name of the controls.
	pmx-view --obs a.pmx | awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; print "cell\tt"; next } { print $1 "\t" ($at["guide_id"] == "T0001g1" ? "NT" : $at["gene_target"]) }' >new.tsv
	pmx-join --obs new.tsv a.pmx | pmx-info --preflight --pert-key t --control NT >out
	[ "$(verdict "control guides")" = warn ]
	grep -qE 'control guides .*; not neutral may be T0001g1$' out
	[ "$(verdict calibration)" = ok ]
}
