bats_require_minimum_version 1.5.0
load ../setup

# pmx(5) against the tools: a second reader, written from the page alone, sees the same.

setup() {
	work
	py=$(python_with zstandard xxhash 2>/dev/null) || skip "pip cannot fetch zstandard and xxhash"
	kinds=$BUILD/helpers/every_kind
}

@test "every kind of field, layer and recipe, in any blocks, stored and compressed" {
	for level in 0 1 19; do
		for rows in 1 7 0; do
			"$kinds" 23 13 $level $rows >"$level-$rows.pmx"
		done
	done
	"$kinds" 30 900 3 8 >wide.pmx
	"$py" "$repo/tests/compare_stream.py" [0-9]*.pmx wide.pmx
}

@test "a zero that is stored is 0, also where the total is" {
	"$kinds" 20 12 0 7 >a.pmx
	"$py" - <<-PY >b.pmx
		import json, sys
		sys.path.insert(0, "$repo/tests")
		from pmx_forge import pack, unpack
		chunks = unpack(open("a.pmx", "rb").read())
		field = {f["name"]: f["id"] for f in json.loads(chunks[0][2][0][3])["fields"]}
		for s in chunks[1][2]:
		    if s[0] == field["total"]:
		        s[3] = bytes(len(s[3]))
		    if (s[0], s[1]) == (field["counts"], 0):
		        k = sum(next(t[3] for t in chunks[1][2] if t[:2] == [field["counts"], 1])[::4])
		        s[3] = bytes(k + -k % 4)
		sys.stdout.buffer.write(pack(chunks))
	PY
	"$py" "$repo/tests/compare_stream.py" b.pmx
	[ "$(pmx-view --layer X --head 7 b.pmx | tail -n +2 | cut -f 2- | tr -d '\n\t0')" = "" ]
}

@test "no rows, no columns, neither" {
	"$kinds" 0 3 0 0 >a.pmx
	"$kinds" 6 0 3 4 >b.pmx
	"$kinds" 0 0 1 0 >c.pmx
	"$py" "$repo/tests/compare_stream.py" a.pmx b.pmx c.pmx
}

@test "streams that the tools make" {
	simulate-screen --cells 200 --genes 60 --targets 2 --controls 80 --splits 2 --effect 3 --seed 5 -q | normalize -q | pca -n 5 -q -o pca.pmx
	pert-signature -q --control NT -k 7 --n-dims 5 pca.pmx -o nn.pmx
	pert-signature -q --control NT -k 7 --n-dims 5 --split-by replicate pca.pmx | mixscale -q --control NT --min-de-genes 1 --pval-cutoff 1 -o scores.pmx
	pert-signature -q --control NT --split-by replicate --ref-selection-mode split_by pca.pmx -o split.pmx
	pert-signature -q --control NT -k 7 --n-dims 5 --dense pca.pmx -o dense.pmx
	de-markers -q --control NT pca.pmx -o markers.pmx
	"$py" "$repo/tests/compare_stream.py" nn.pmx scores.pmx split.pmx dense.pmx markers.pmx
}

@test "what pmx-export writes" {
	"$kinds" 23 13 3 9 >a.pmx
	pmx-export --to tsv --layer near_X a.pmx >a.tsv
	"$py" - <<-PY
		import csv, math, sys
		sys.path.insert(0, "$repo/tests")
		from pmx_reader import Stream
		s = Stream(open("a.pmx", "rb").read())
		head, *rows = csv.reader(open("a.tsv", encoding="utf-8"), delimiter="\t")
		assert head[1:] == s.column("var", "gene"), head
		assert [r[0] for r in rows] == s.column("obs", "cell")
		for row, ours in zip(rows, s.layer("near_X"), strict=True):
		    for a, b in zip(row[1:], ours, strict=True):
		        assert math.isnan(b) if a in ("NaN", "NA") else abs(float(a) - b) < 1e-14, (a, b)
	PY
}

@test "each rule of the page: both readers refuse what breaks it, and nothing else" {
	"$kinds" 20 12 3 7 >a.pmx
	"$py" "$repo/tests/stream_rules.py" a.pmx
}

@test "an unknown ancillary field goes with its blocks, and is left out where rows move" {
	"$kinds" 20 12 3 7 >a.pmx
	"$py" - <<-PY >b.pmx
		import json, sys
		sys.path.insert(0, "$repo/tests")
		from pmx_forge import pack, unpack
		chunks = unpack(open("a.pmx", "rb").read())
		header = json.loads(chunks[0][2][0][3])
		header["fields"].insert(3, {"id": 700, "class": "graph", "name": "g", "ancillary": True, "of": ["its", "own"]})
		chunks[0][2][0][3] = json.dumps(header).encode()
		for c in chunks[1:-1]:
		    c[2].insert(1, [700, 5, 0, b"edges"])
		sys.stdout.buffer.write(pack(chunks))
	PY
	printf 'cell\tnew\nc1\t1\n' >new.tsv
	pmx-join -q --obs new.tsv b.pmx -o joined.pmx
	pmx-select --drop-layer near_X --drop-layer near_single --drop-layer split_X --drop-layer pool_double b.pmx | pmx-sort --by dose -o sorted.pmx
	"$py" - <<-PY
		import sys
		sys.path.insert(0, "$repo/tests")
		from pmx_reader import Stream
		joined, moved = (Stream(open(f, "rb").read()) for f in ("joined.pmx", "sorted.pmx"))
		assert [f["of"] for f in joined.header["fields"] if f["id"] == 700] == [["its", "own"]]
		assert [b.plain(700, 5, 0) for b in joined.blocks] == [b"edges"] * 3
		assert all(f["class"] != "graph" for f in moved.header["fields"]) and not any((700, 5) in b.section for b in moved.blocks)
		assert moved.n_rows == 20 and sorted(moved.column("obs", "cell")) == sorted(joined.column("obs", "cell"))
	PY
}

@test "the second reader finds one bit of any byte, and any cut" {
	simulate-screen --cells 4 --genes 3 --targets 1 --controls 2 --seed 2 --block-rows 3 --compression-level 0 -q -o a.pmx
	"$py" - <<-PY
		import sys
		sys.path.insert(0, "$repo/tests")
		from pmx_reader import Damaged, Stream
		data = open("a.pmx", "rb").read()
		for i in range(len(data)):
		    for bad in (data[:i], data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :]):
		        try:
		            Stream(bad)
		        except Damaged:
		            continue
		        assert False, i
	PY
}

@test "the example of the page is the stream that the command makes" {
	mandoc -Tascii "$repo/man/man5/pmx.5" 2>/dev/null | col -bx | sed -nE 's/^ +([0-9a-f]{3})  (([0-9a-f]{2} )*[0-9a-f]{2})  .*/\2/p' | tr -d ' \n' |
		"$py" -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' >page.pmx
	[ "$(stat -c %s page.pmx)" = 1048 ]
	printf 'cell\tA\tB\nx\t0\t300\ny\t1\t0\n' | pmx-import --compression-level 0 - -o made.pmx
	cmp page.pmx made.pmx
	"$py" "$repo/tests/compare_stream.py" page.pmx
	[ "$(pmx-view --layer counts page.pmx)" = $'cell\tA\tB\nx\t0\t300\ny\t1\t0' ]
}
