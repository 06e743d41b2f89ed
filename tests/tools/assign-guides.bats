load ../setup

setup() {
	work
	set -o pipefail
}

fails_with() { # TEXT COMMAND...
	local text=$1
	shift
	run "$@"
	[ "$status" = 1 ] || { echo "status $status: $output"; return 1; }
	[[ $output == *"$text"* ]] || { echo "no '$text' in: $output"; return 1; }
	[ ! -e out.pmx ]
}

# A small matrix of guides; c3 ties, c4 has none.
small() {
	printf 'cell\tSTAT1g1\tSTAT1g2\tNTg1\tIRF1_1\nc1\t90\t1\t2\t0\nc2\t0\t0\t7\t1\nc3\t5\t5\t0\t0\nc4\t0\t0\t0\t0\nc5\t0\t40\t0\t30\nc6\t0\t0\t1\t3\n' |
		pmx-import -q - -o guides.pmx
}

calls() {
	assign-guides -q "$@" | pmx-view --columns guide_id,gene_target,guide_reason,guide_umi,guide_total
}

# simulated N: N cells of 24 guides with background counts, 1 in 20 with a second guide; truth.tsv says which.
simulated() {
	python3 - "$1" <<-'PY'
		import math, random, sys
		r = random.Random(5)
		guides = [f"T{t}g{k}" for t in range(7) for k in (1, 2, 3)] + ["NTg1", "NTg2", "NTg3"]
		poisson = lambda m: next(k for k in range(10**6) if (s.__setitem__(0, s[0] * r.random()) or s[0]) < math.exp(-m))
		with open("m.tsv", "w") as m, open("truth.tsv", "w") as truth:
		    print("cell", *guides, sep="\t", file=m)
		    print("cell", "guide", sep="\t", file=truth)
		    for c in range(int(sys.argv[1])):
		        own = r.sample(range(24), 2 if c % 20 == 19 else 1)
		        row = []
		        for g in range(24):
		            s = [1.0]
		            row.append(round(2 ** r.gauss(6, 0.8)) if g in own else poisson(0.15))
		        print(f"c{c}", *row, sep="\t", file=m)
		        print(f"c{c}", guides[own[0]] if len(own) == 1 else "NA", sep="\t", file=truth)
	PY
	pmx-import -q m.tsv -o m.pmx
}

# agreement OURS TRUTH: cells whose guide is right, and those that have a guide.
agreement() {
	paste "$1" "$2" | awk -F '\t' 'NR > 1 && $2 != "NA" { n++; same += $2 == $NF } END { print same + 0, n + 0 }'
}

@test "the largest count, targets from the names, and every reason" {
	small
	calls guides.pmx >got.tsv
	cat >want.tsv <<-'EOF'
		cell	guide_id	gene_target	guide_reason	guide_umi	guide_total
		c1	STAT1g1	STAT1	NA	90	93
		c2	NTg1	NT	NA	7	8
		c3	NA	NA	tie	NA	10
		c4	NA	NA	no_counts	NA	0
		c5	STAT1g2	STAT1	NA	40	70
		c6	IRF1_1	IRF1	NA	3	4
	EOF
	cmp got.tsv want.tsv
	[ "$(calls --min-umi 4 guides.pmx | tail -n 1)" = "$(printf 'c6\tNA\tNA\tbelow_threshold\tNA\t4')" ]
	calls --method threshold guides.pmx | cut -f 1,2,4 | tail -n +2 | cmp - <(
		printf 'c1\tSTAT1g1\tNA\nc2\tNTg1\tNA\nc3\tNA\tmultiple_guides\nc4\tNA\tno_counts\nc5\tNA\tmultiple_guides\nc6\tNA\tbelow_threshold\n')
	[ "$(calls --method threshold --min-share 0.5 guides.pmx | sed -n 6p | cut -f 2)" = STAT1g2 ]
	run --separate-stderr assign-guides guides.pmx -o out.pmx
	[[ $stderr == *"1 of 6 cells have no guide: no_counts"*"1 of 6 cells have no guide: tie"* ]]
}

@test "a guide table, with a header or without, and control guides by pattern" {
	small
	printf 'guide\ttarget\nSTAT1g1\tA\nSTAT1g2\tB\nNTg1\tnon-targeting\nIRF1_1\tC\nother\tD\n' >t.tsv
	calls --guide-table t.tsv guides.pmx | cut -f 3 >got
	[ "$(tr '\n' ' ' <got)" = "gene_target A non-targeting NA NA B C " ]
	tail -n +2 t.tsv >headless.tsv
	calls --guide-table headless.tsv guides.pmx | cut -f 3 | cmp - got
	calls --control-guides 'IRF*' --control-guides 'NT*' --control-label ctrl guides.pmx | cut -f 3 >got
	[ "$(tr '\n' ' ' <got)" = "gene_target STAT1 ctrl NA NA STAT1 ctrl " ]
	assign-guides -q --guide-key grna --pert-key target guides.pmx | pmx-view --columns grna,target | sed -n 2p >got
	[ "$(cat got)" = "$(printf 'c1\tSTAT1g1\tSTAT1')" ]
}

@test "guides of another stream are joined by the names of the cells" {
	small
	printf 'cell\tG1\tG2\nc5\t1\t0\nx\t2\t1\nc1\t0\t3\n' | pmx-import -q - -o screen.pmx
	calls --guides guides.pmx screen.pmx | cmp - <(
		printf 'cell\tguide_id\tgene_target\tguide_reason\tguide_umi\tguide_total\nc5\tSTAT1g2\tSTAT1\tNA\t40\t70\nx\tNA\tNA\tnot_in_guide_stream\tNA\tNA\nc1\tSTAT1g1\tSTAT1\tNA\t90\t93\n')
	cat screen.pmx | assign-guides -q --guides guides.pmx -o a.pmx
	assign-guides -q --guides - screen.pmx -o b.pmx <guides.pmx
	pmx-diff a.pmx b.pmx
	pmx-export --to tsv --layer counts a.pmx | cmp - <(pmx-export --to tsv --layer counts screen.pmx)
	run assign-guides --guides - -o out.pmx
	[ "$status" = 2 ]
	sed 's/^/p/' <(printf 'cell\tG1\nc1\t1\n') | pmx-import -q - -o foreign.pmx
	fails_with "no cell of the stream is in guides.pmx" assign-guides --guides guides.pmx foreign.pmx -o out.pmx
}

@test "with known truth: the mixture and the threshold find the guide, and the doublets" {
	simulated 3000
	for method in threshold mixture; do
		assign-guides -q --method $method m.pmx | pmx-view --columns guide_id,guide_reason >$method.tsv
		read -r same n < <(agreement $method.tsv truth.tsv)
		[ "$n" -ge 2780 ] && [ "$n" -le 2890 ] && [ "$same" -ge $((n - 20)) ] || { echo "$method: $same of $n"; return 1; }
		[ "$(grep -c multiple_guides $method.tsv)" -ge 110 ]
	done
	assign-guides -q m.pmx | pmx-view --columns guide_id >max.tsv
	read -r same n < <(agreement max.tsv truth.tsv)
	[ "$n" -ge 2990 ] && [ "$same" -ge 2845 ]
}

@test "threads, pipes, blocks and the order of the cells change nothing" {
	simulated 600
	for method in max mixture; do
		assign-guides -q --method $method -t 1 m.pmx -o one.pmx
		assign-guides -q --method $method -t 8 <m.pmx >eight.pmx
		cmp one.pmx eight.pmx
		cat m.pmx | assign-guides -q --method $method >pipe.pmx
		cmp one.pmx pipe.pmx
		{ head -n 1 m.tsv; tail -n +2 m.tsv | tac; } | pmx-import -q --block-rows 7 - | assign-guides -q --method $method |
			pmx-view --columns guide_id,gene_target,guide_reason,guide_umi | sort | cmp - <(pmx-view --columns guide_id,gene_target,guide_reason,guide_umi one.pmx | sort)
	done
}

@test "the real screen: all cells have the guide and the target of its table" {
	need data/papalexi_thp1
	d=$shared/data/papalexi_thp1
	pmx-import -q --features "$d/guides.tsv" --barcodes "$d/barcodes.tsv.gz" "$d/guides.mtx.gz" -o guides.pmx
	pmx-import -q "$d" | assign-guides --guides guides.pmx --guide-table "$d/guide_target.tsv" |
		pmx-view --columns guide_id,gene_target,guide_umi,guide_total | tail -n +2 >got.tsv
	tail -n +2 "$d/obs.tsv" | cut -f 1-3,5,6 | cmp got.tsv -
	[ "$(wc -l <got.tsv)" = 20729 ]
}

@test "guide counts of a 10x folder, beside its genes" {
	mkdir m
	printf 'E1\tSTAT1\tGene Expression\nP1\tSTAT1g1\tCRISPR Guide Capture\nP2\tNTg1\tCRISPR Guide Capture\n' >m/features.tsv
	printf 'x-1\ny-1\n' >m/barcodes.tsv
	printf '%%%%MatrixMarket matrix coordinate integer general\n3 2 4\n1 1 5\n2 1 9\n1 2 3\n3 2 4\n' >m/matrix.mtx
	pmx-import -q --feature-type 'CRISPR Guide Capture' m -o guides.pmx
	[ "$(pmx-import -q m | assign-guides --guides guides.pmx | pmx-view --columns gene_target | tail -n +2 | cut -f 2 | tr '\n' ' ')" = "STAT1 NT " ]
}

@test "bad input is refused with what to do" {
	small
	printf 'guide\ttarget\nSTAT1g1\tA\nNTg1\tB\n' >t.tsv
	fails_with "no target for these guides of the stream: STAT1g2, IRF1_1" assign-guides --guide-table t.tsv guides.pmx -o out.pmx
	printf 'guide\ttarget\nSTAT1g1\tA\nSTAT1g1\tB\n' >t.tsv
	fails_with "guide STAT1g1 two targets, A and B" assign-guides --guide-table t.tsv guides.pmx -o out.pmx
	printf 'guide\nSTAT1g1\n' >t.tsv
	fails_with "one column" assign-guides --guide-table t.tsv guides.pmx -o out.pmx
	fails_with "no guide is like 'CTRL*'" assign-guides --control-guides 'CTRL*' guides.pmx -o out.pmx
	assign-guides -q guides.pmx -o called.pmx
	fails_with "--replace" assign-guides called.pmx -o out.pmx
	assign-guides -q --replace --min-umi 50 called.pmx -o again.pmx
	[ "$(pmx-view --columns guide_id again.pmx | grep -c NA)" = 5 ]
	fails_with "no cell of 6 has a guide" assign-guides --min-umi 1000 guides.pmx -o out.pmx
	printf 'cell\tA\nc1\t0.5\n' | pmx-import -q - -o float.pmx
	fails_with "does not hold counts" assign-guides float.pmx -o out.pmx
	head -c 300 guides.pmx >cut.pmx
	fails_with "" assign-guides cut.pmx -o out.pmx
	fails_with "" assign-guides --guides cut.pmx guides.pmx -o out.pmx
	# Too few cells for a mixture.
	run --separate-stderr assign-guides --method mixture guides.pmx -o out.pmx
	[ "$status" = 1 ]
	[[ $stderr == *"4 of 4 guides have no background and signal that can be told apart"*"no cell of 6 has a guide"* ]]
}
