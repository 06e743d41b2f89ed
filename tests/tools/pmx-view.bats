load ../setup
load screens
setup() { work; }

@test "row columns, row name first" {
	tiny_screen -o a.pmx
	pmx-view a.pmx >out
	[ "$(head -n 1 out)" = $'cell\tgene_target\tguide_id\treplicate\ttrue_efficacy' ]
	[ "$(wc -l <out)" = 601 ]
	cmp out <(pmx-view --obs a.pmx)
	[ "$(sed -n 2p out | cut -f 1)" = c000000001 ]
}

@test "file = pipe, any block size, any number of threads" {
	tiny_screen -o a.pmx
	normalize a.pmx | pmx-view --obs --layer X >expected
	for rows in 1 7 1000; do
		tiny_screen --block-rows $rows | normalize -o b.pmx
		for t in 1 3; do
			pmx-view -t $t --obs --layer X b.pmx | cmp - expected
			cat b.pmx | pmx-view -t $t --obs --layer X | cmp - expected
			pmx-view -t $t --head 5 --layer X --obs b.pmx | cmp - <(head -n 6 expected)
		done
	done
}

@test "values of a layer are those of its formula" {
	tiny_screen | normalize -o a.pmx
	pmx-view --layer counts --obs a.pmx >counts
	pmx-view --layer X a.pmx >x
	python3 - <<-'PY'
	import math
	n = [l.rstrip("\n").split("\t") for l in open("counts")]
	x = [l.rstrip("\n").split("\t") for l in open("x")]
	at = n[0].index("n_counts")
	first = len(n[0]) - 200
	assert n[0][first:] == x[0][1:]
	for a, b in zip(n[1:], x[1:]):
	    assert sum(map(int, a[first:])) == int(a[at])
	    for c, v in zip(a[first:], b[1:]):
	        want = math.log1p(int(c) / int(a[at]) * 10000)
	        assert abs(want - float(v)) <= 1e-15 * max(1, want), (c, v, want)
	PY
}

@test "genes in the order asked for, from the line or a file" {
	tiny_screen -o a.pmx
	pmx-view --layer counts --genes G00100,T0002 --head 3 a.pmx >out
	[ "$(head -n 1 out)" = $'cell\tG00100\tT0002' ]
	printf '# mine\nG00100\tx\n\nT0002\nG00100\n' >list
	pmx-view --layer counts --genes @list --head 3 a.pmx | cmp - out
	pmx-view --layer counts a.pmx | python3 -c '
import sys
rows = [l.rstrip("\n").split("\t") for l in sys.stdin]
at = [0] + [rows[0].index(g) for g in ("G00100", "T0002")]
for r in rows[:4]:
    print("\t".join(r[i] for i in at))' | cmp - out
}

@test "what is not there is answered with what there is" {
	tiny_screen -o a.pmx
	run -1 pmx-view --layer Y a.pmx
	[[ $output == *"no layer 'Y'"*counts* ]]
	run -1 pmx-view --layer counts --genes T0001,XYZ a.pmx
	[[ $output == *"1 of 2 names"*XYZ*"there is: T0001"* ]]
	run -1 pmx-view --columns replicate,foo a.pmx
	[[ $output == *"'foo'"*gene_target* ]]
	run -1 pmx-view --obsm foo a.pmx
	[[ $output == *"'foo'"* ]]
	run -1 pmx-view --obsm replicate a.pmx
	run -2 pmx-view --genes T0001 a.pmx
	run -2 pmx-view --var --obs a.pmx
	run -1 pmx-view --layer counts --genes @/nonexistent a.pmx
}

@test "matrices, missing values, quotes" {
	tiny_screen -o a.pmx
	printf 'cell\tlabel\tn\tok\tx\nc000000001\t"a\tb"\t3\tTrue\t1e-5\nc000000002\t"""q"" w"\tNA\tNA\tNaN\n' >t.tsv
	printf 'cell\tp\tq\nc000000001\t0.1\t-2\nc000000003\t1e300\tinf\n' >m.tsv
	pmx-join -q --obs t.tsv --obsm M=m.tsv a.pmx -o b.pmx
	pmx-view --columns label,n,ok,x --head 3 b.pmx >out
	printf 'cell\tlabel\tn\tok\tx\nc000000001\t"a\tb"\t3\tTrue\t1e-05\nc000000002\t"""q"" w"\tNA\tNA\tNA\nc000000003\tNA\tNA\tNA\tNA\n' | cmp - out
	pmx-view --obsm M --head 3 b.pmx >out
	printf 'cell\tM_1\tM_2\nc000000001\t0.1\t-2\nc000000002\tNaN\tNaN\nc000000003\t1e+300\tInf\n' | cmp - out
	# What was written is read back.
	pmx-view --columns label,n,ok,x b.pmx >again.tsv
	pmx-join --obs again.tsv a.pmx | pmx-diff - <(pmx-join -q --obs t.tsv a.pmx)
}

@test "the table of the columns" {
	tiny_screen -o a.pmx
	pmx-view --var a.pmx >out
	[ "$(wc -l <out)" = 201 ]
	[ "$(head -n 1 out)" = $'gene\ttrue_mean' ]
	pmx-view --var --head 4 a.pmx | cmp - <(head -n 5 out)
}

@test "--head does not read all of a file, but sees that its end is there" {
	tiny_screen --block-rows 20 --compression-level 0 -o a.pmx
	size=$(stat -c %s a.pmx)
	# Damage in the middle is beyond the rows asked for.
	cp a.pmx b.pmx
	printf '\xff\xff\xff\xff' | dd of=b.pmx bs=1 seek=$((size / 2)) conv=notrunc status=none
	run -1 pmx-view -t 1 b.pmx
	pmx-view -t 1 --head 10 b.pmx | cmp - <(pmx-view a.pmx | head -n 11)
	head -c $((size - 5)) a.pmx >cut.pmx
	run -1 pmx-view --head 10 cut.pmx
	[[ $output == *"cut short"* ]]
}

@test "a cut or foreign stream is never status 0" {
	tiny_screen -o a.pmx
	size=$(stat -c %s a.pmx)
	for p in 1 7 20 50 80 99; do
		head -c $((size * p / 100)) a.pmx >cut.pmx
		run -1 pmx-view cut.pmx
		run -1 bash -c 'cat cut.pmx | pmx-view'
	done
	echo hello >foreign
	run -1 pmx-view foreign
}

@test "a signature is computed, from a pipe and with --head" {
	signature_screen -o s.pmx
	pmx-view --layer X_pert s.pmx >all
	cat s.pmx | pmx-view -t 1 --layer X_pert | cmp - all
	pmx-view --layer X_pert --head 3 s.pmx | cmp - <(head -n 4 all)
	pmx-view --layer X_pert --genes G00150,T0001 s.pmx >two
	python3 - <<-'PY'
	a = [l.rstrip("\n").split("\t") for l in open("all")]
	b = [l.rstrip("\n").split("\t") for l in open("two")]
	at = [0, a[0].index("G00150"), a[0].index("T0001")]
	assert [[r[i] for i in at] for r in a] == b
	PY
}
