load ../setup
load screens
setup() { work; }

@test "a sound stream, file and pipe, in any blocks" {
	for rows in 1 7 1000; do
		tiny_screen --block-rows $rows | normalize -o a.pmx
		run -0 pmx-check a.pmx
		[[ $output == "a.pmx: sound; cells, 600 rows x 200 columns, "* ]]
		run -0 bash -c 'cat a.pmx | pmx-check -q'
		[ -z "$output" ]
	done
}

@test "a sound signature" {
	signature_screen -o s.pmx
	pmx-check s.pmx
}

@test "one bit of any byte is found, in a file and in a pipe" {
	simulate-screen --cells 12 --genes 9 --targets 2 --controls 4 --seed 2 --block-rows 5 | normalize --compression-level 0 -o a.pmx
	python3 - <<-'PY'
	import subprocess
	data = open("a.pmx", "rb").read()
	missed = []
	for i in range(len(data)):
	    bad = bytearray(data)
	    bad[i] ^= 1 << i % 8
	    if i % 2:
	        open("b.pmx", "wb").write(bad)
	        r = subprocess.run(["pmx-check", "-t1", "b.pmx"], capture_output=True)
	    else:
	        r = subprocess.run(["pmx-check", "-t1"], input=bytes(bad), capture_output=True)
	    if r.returncode != 1 or not r.stderr or r.stdout:
	        missed.append((i, r.returncode))
	assert not missed, missed[:20]
	PY
}

@test "bytes after the end, and a stream behind a stream" {
	tiny_screen -o a.pmx
	(cat a.pmx && printf x) >b.pmx
	run -1 pmx-check b.pmx
	[[ $output == *"after the end"* ]]
	cat a.pmx a.pmx >b.pmx
	run -1 pmx-check b.pmx
	[[ $output == *pmx-cat* ]]
}

@test "every cut is found" {
	tiny_screen -o a.pmx
	size=$(stat -c %s a.pmx)
	for n in 0 1 15 16 17 63 64 500 $((size / 3)) $((size - 24)) $((size - 1)); do
		head -c $n a.pmx >cut.pmx
		run -1 pmx-check cut.pmx
		run -1 bash -c 'cat cut.pmx | pmx-check'
	done
}

@test "totals that cannot be are found, others are accepted" {
	tiny_screen | normalize -o a.pmx
	pmx-select --genes T0001,T0002,T0003 a.pmx | pmx-check
	# A tool that wrote the column by hand: the recipe's total is zero where there are counts.
	python3 "$repo/tests/tools/patch_pmx.py" a.pmx n_counts 7 0.0 >b.pmx
	run -1 pmx-check b.pmx
	[[ $output == *"row 7: layer 'X' is computed with the total 0 in 'n_counts'"* ]]
	python3 "$repo/tests/tools/patch_pmx.py" a.pmx n_counts 7 nan >b.pmx
	run -1 pmx-check b.pmx
	python3 "$repo/tests/tools/patch_pmx.py" a.pmx n_counts 7 1e6 >b.pmx
	pmx-check b.pmx
}

@test "rows out of the promised order are found" {
	tiny_screen -o a.pmx
	# gene_target of row 300 becomes NT (code 0), and of row 0 the first target (code 1).
	python3 "$repo/tests/tools/patch_pmx.py" a.pmx gene_target 300 0 >b.pmx
	run -1 pmx-check b.pmx
	[[ $output == *"'NT' comes again at row 300"* ]]
	python3 "$repo/tests/tools/patch_pmx.py" a.pmx gene_target 0 1 >b.pmx
	run -1 pmx-check b.pmx
	[[ $output == *"promises 'NT' first"* ]]
	# The groups of the trailer are held against the rows: the last row of one group goes to the next.
	python3 "$repo/tests/tools/patch_pmx.py" a.pmx gene_target 119 1 >b.pmx
	run -1 pmx-check b.pmx
	[[ $output == *groups* ]]
	# A code beyond the dictionary.
	python3 "$repo/tests/tools/patch_pmx.py" a.pmx gene_target 599 99 >b.pmx
	run -1 pmx-check b.pmx
	[[ $output == *"outside of its dictionary"* ]]
}

@test "a neighbour that is no control is found" {
	signature_screen -o s.pmx
	python3 "$repo/tests/tools/patch_pmx.py" s.pmx nt_neighbors 300 119 >b.pmx
	pmx-check b.pmx
	python3 "$repo/tests/tools/patch_pmx.py" s.pmx nt_neighbors 300 120 >b.pmx
	run -1 pmx-check b.pmx
	[[ $output == *"names control 120 as its neighbour, but there are 120 controls"* ]]
}

@test "names that come twice are a note" {
	tiny_screen -o a.pmx
	pmx-cat a.pmx a.pmx -o b.pmx
	run -0 --separate-stderr pmx-check b.pmx
	[[ $stderr == *"600 rows have the name of an earlier row, the first of them row 600"* ]]
	run -0 --separate-stderr pmx-check -q b.pmx
	[ -z "$stderr$output" ]
}

@test "a block that lacks a section is refused, also by tools that only pass it on" {
	tiny_screen --block-rows 100 -o a.pmx
	for field in cell replicate true_efficacy; do
		python3 "$repo/tests/tools/patch_pmx.py" a.pmx $field 250 drop >b.pmx
		for tool in pmx-check "pmx-select --genes T0001" "pmx-cat a.pmx" "pmx-sort --by gene_target" pmx-view; do
			run -1 $tool b.pmx -o c.pmx
			[[ $output == *"rows 200 to 299, '$field': a section is missing"* ]]
			[ ! -e c.pmx ]
		done
	done
}

@test "what this version does not know is read over, but not unverified" {
	tiny_screen -o a.pmx
	python3 "$repo/tests/tools/patch_pmx.py" a.pmx cell 0 chunk >b.pmx
	pmx-check b.pmx
	pmx-diff a.pmx b.pmx
	at=$(grep -obUa 'said by the way' b.pmx | cut -d : -f 1)
	printf S | dd of=b.pmx bs=1 seek="$at" conv=notrunc status=none
	run -1 pmx-check b.pmx
	[[ $output == *checksum* ]]
}

@test "foreign bytes and wrong options" {
	echo hello >foreign
	run -1 pmx-check foreign
	run -2 pmx-check --quite foreign
	[[ $output == *--quiet* ]]
}
