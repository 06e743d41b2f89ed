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
