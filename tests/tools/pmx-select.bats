load ../setup
load screens
setup() { work; }

# expect FILE CONDITION-IN-PYTHON: the names of the rows that the condition holds for, from the table of all rows.
expect() {
	pmx-view "$1" >all.tsv
	python3 - "$2" <<-'PY'
	import csv, sys
	for r in csv.DictReader(open("all.tsv"), delimiter="\t"):
	    if eval(sys.argv[1], {}, dict(r, n=float(r.get("n_counts", "0")), eff=float(r["true_efficacy"]))):
	        print(r["cell"])
	PY
}

names() {
	pmx-view --columns cell "$@" | tail -n +2
}

@test "rows by a condition: file, pipe, any blocks, sorted or not" {
	for rows in 1 7 1000; do
		for kind in mixed tiny; do
			${kind}_screen --block-rows $rows | normalize -o a.pmx
			expect a.pmx 'gene_target in ("NT", "T0003") and n > 80 or (replicate == "rep1" and not eff <= 0.9)' >wanted
			[ -s wanted ]
			where="gene_target in (NT, T0003) and n_counts > 80 or (replicate = rep1 and not true_efficacy <= 0.9)"
			pmx-select --where "$where" a.pmx -o b.pmx
			names b.pmx | cmp - wanted
			cat a.pmx | pmx-select -t 1 --where "$where" | cmp - b.pmx
			pmx-check b.pmx
			pmx-select --block-rows 5 --where "$where" a.pmx | pmx-diff - b.pmx
			# The rows themselves are those of the input.
			pmx-view --obs --layer counts --layer X b.pmx >got
			pmx-view --obs --layer counts --layer X a.pmx | grep -Ff <(cat wanted; echo cell) | cmp - got
		done
	done
}

@test "a group is found by the index; the rest of the file is not read" {
	tiny_screen --block-rows 20 --compression-level 0 -o a.pmx
	run -0 --separate-stderr bash -c 'pmx-select -v -t 1 --where "gene_target = T0003 and true_efficacy > 0.5" a.pmx >b.pmx'
	[[ $stderr == *"; 80 were read"* ]]
	cat a.pmx | pmx-select --where "gene_target = T0003 and true_efficacy > 0.5" | cmp - b.pmx
	# Damage at the end of the controls does not matter to it.
	cp a.pmx damaged.pmx
	printf '\xff\xff\xff\xff' | dd of=damaged.pmx bs=1 seek=15000 conv=notrunc status=none
	run -1 pmx-check damaged.pmx
	pmx-select -t 1 --where "gene_target = T0003 and true_efficacy > 0.5" damaged.pmx | pmx-diff - b.pmx
	run -1 pmx-select -t 1 --where "gene_target = NT" damaged.pmx -o c.pmx
	# But its end is looked at.
	head -c -3 a.pmx >cut.pmx
	run -1 pmx-select --where "gene_target = T0003" cut.pmx -o c.pmx
	[ ! -e c.pmx ]
}

@test "rows by number" {
	tiny_screen --block-rows 7 -o a.pmx
	for range in 1-1 5-20 595- -3 600-600 1-600; do
		from=${range%-*} to=${range#*-}
		pmx-select --rows $range a.pmx -o b.pmx
		names b.pmx | cmp - <(names a.pmx | sed -n "${from:-1},${to:-600}p")
		cat a.pmx | pmx-select --rows $range | cmp - b.pmx
	done
	pmx-select --rows 100-300 --where 'gene_target = NT' a.pmx | names >got
	pmx-view --columns gene_target a.pmx | tail -n +2 | sed -n 100,300p | grep -P '\tNT$' | cut -f 1 | cmp - got
	for bad in 0-5 5-4 5 a-b 1-2-3 ' 1-2'; do
		run -2 pmx-select --rows "$bad" a.pmx
	done
}

@test "the promise names its first label only where it is in front" {
	tiny_screen -o a.pmx
	pmx-select --where 'gene_target != NT' a.pmx -o b.pmx
	pmx-check b.pmx
	pmx-info b.pmx | grep -qx 'order: grouped by gene_target'
	pmx-select --where 'gene_target in (NT, T0002)' a.pmx -o b.pmx
	pmx-info b.pmx | grep -qx 'order: grouped by gene_target, first NT'
	# No control passes the second half of the condition, which only the rows tell.
	pmx-select --where 'gene_target in (NT, T0001) and true_efficacy > 0.1' a.pmx -o b.pmx
	pmx-info b.pmx | grep -qx 'order: grouped by gene_target'
	pmx-check b.pmx
}

@test "genes in the order of the stream, from a file or the line; recipes keep their values" {
	tiny_screen | normalize -o a.pmx
	printf 'G00190\nT0002\nG00150\n' >list
	for genes in list G00190,T0002,G00150 @list; do
		pmx-select --genes $genes a.pmx -o b.pmx
		pmx-check b.pmx
		[ "$(pmx-view --layer X --head 1 b.pmx | head -n 1)" = $'cell\tT0002\tG00150\tG00190' ]
		for layer in X counts; do
			pmx-view --layer $layer b.pmx | cmp - <(pmx-view --layer $layer --genes T0002,G00150,G00190 a.pmx)
		done
		pmx-view --var b.pmx | cmp - <(pmx-view --var a.pmx | grep -E '^(gene|T0002|G00150|G00190)	')
	done
	cat a.pmx | pmx-select --genes list --where 'gene_target = NT' | pmx-diff - <(pmx-select --where 'gene_target = NT' a.pmx | pmx-select --genes list)
	run -1 pmx-select --genes T0001,XY,YZ a.pmx
	[[ $output == *"2 of 3 names"*"XY, YZ"*"there is: T0001"* ]]
	: >empty
	run -1 pmx-select --genes empty a.pmx
	run -1 pmx-select --genes @/nonexistent a.pmx
}

@test "row columns, layers and matrices; what a layer needs stays" {
	tiny_screen | normalize -o a.pmx
	pmx-view --columns n_counts a.pmx >m.tsv
	pmx-join --obsm M=m.tsv a.pmx -o b.pmx
	pmx-select --columns gene_target,n_counts --drop-obsm M b.pmx -o c.pmx
	[ "$(pmx-view --head 1 c.pmx | head -n 1)" = $'cell\tgene_target\tn_counts' ]
	pmx-view --layer X c.pmx | cmp - <(pmx-view --layer X a.pmx)
	run -1 pmx-view --obsm M c.pmx
	run -1 pmx-select --columns gene_target a.pmx -o d.pmx
	[[ $output == *"'n_counts' is needed by layer 'X'"* ]]
	run -1 pmx-select --drop-layer counts a.pmx -o d.pmx
	[[ $output == *"'counts' is needed by layer 'X'"* ]]
	[ ! -e d.pmx ]
	pmx-select --drop-layer counts --drop-layer X --columns replicate a.pmx -o c.pmx
	pmx-check c.pmx
	[ "$(pmx-info --json c.pmx | grep -c '"class": "layer"')" = 0 ]
	run -1 pmx-select --columns foo a.pmx
	[[ $output == *"'foo'"*gene_target* ]]
	run -1 pmx-select --drop-layer foo a.pmx
	[[ $output == *"'foo'"*counts* ]]
	run -1 pmx-select --columns M b.pmx
	[[ $output == *"row matrix"* ]]
	run -1 pmx-select --drop-obsm replicate b.pmx
}

@test "the promised order goes with its column" {
	tiny_screen -o a.pmx
	run -0 --separate-stderr bash -c 'pmx-select --columns replicate a.pmx >b.pmx'
	[[ $stderr == *"order goes with column 'gene_target'"* ]]
	pmx-check b.pmx
	pmx-info b.pmx | grep -qx 'order: none promised'
}

@test "nothing left is an error, and nothing is written" {
	tiny_screen -o a.pmx
	run -1 pmx-select --where 'true_efficacy > 10' a.pmx -o b.pmx
	[[ $output == *"none of the 600 rows is left"* ]]
	[ ! -e b.pmx ]
	run -1 --separate-stderr bash -c 'cat a.pmx | pmx-select --where "gene_target is missing"'
	[ -z "$output" ] && [ -n "$stderr" ]
	run -1 pmx-select --rows 601- a.pmx
	run -1 --separate-stderr pmx-select --where 'gene_target = XY' a.pmx
	[[ $stderr == *"no label 'XY'; its labels are: NT"* ]]
}

@test "a condition that is wrong is shown with its place" {
	tiny_screen -o a.pmx
	run -2 pmx-select --where 'gene_target = NT adn replicate = rep1' a.pmx
	[[ $output == *"'adn' stands where"*$'\n'"  gene_target = NT adn replicate = rep1"$'\n'"                   ^"* ]]
	run -1 pmx-select --where 'gene_targe = NT' a.pmx
	[[ $output == *"'gene_targe'; there is: cell, gene_target"* ]]
	run -1 pmx-select --where 'true_efficacy > high' a.pmx
	[[ $output == *"'high' is none"* ]]
}

@test "labels with blanks and quotes, missing values" {
	tiny_screen -o a.pmx
	printf 'cell\tlabel\nc000000001\tA B\nc000000002\t"it'"'"'s ""x"""\nc000000003\tA B\n' >t.tsv
	pmx-join -q --obs t.tsv a.pmx -o b.pmx
	pmx-select --where "label = 'A B'" b.pmx | names >got
	printf 'c000000001\nc000000003\n' | cmp - got
	pmx-select --where "label in ('it''s \"x\"')" b.pmx | names >got
	echo c000000002 | cmp - got
	pmx-select --where "label is missing" b.pmx | names | wc -l | grep -qx 597
	pmx-select --where "not label = 'A B'" b.pmx | names | cmp - <(echo c000000002)
}

@test "a cut or foreign stream" {
	tiny_screen -o a.pmx
	size=$(stat -c %s a.pmx)
	for p in 1 20 80 99; do
		head -c $((size * p / 100)) a.pmx >cut.pmx
		run -1 pmx-select --genes T0001 cut.pmx -o b.pmx
		run -1 bash -c 'cat cut.pmx | pmx-select --where "true_efficacy >= 0" -o b.pmx'
		[ ! -e b.pmx ]
	done
	echo hello >foreign
	run -1 pmx-select --rows 1-2 foreign
}

@test "the controls of a signature stay; the rest may go" {
	signature_screen -o s.pmx
	for where in 'gene_target = T0003' 'true_efficacy > 0.5' 'gene_target = NT and n_counts > 80'; do
		run -1 pmx-select --where "$where" s.pmx -o b.pmx
		[[ $output == *"is a control, and layer 'X_pert'"*--dense* ]]
		run -1 bash -c "cat s.pmx | pmx-select --where '$where' -o b.pmx"
		[ ! -e b.pmx ]
	done
	run -1 pmx-select --rows 100- s.pmx -o b.pmx
	pmx-select --where 'gene_target in (NT, T0003)' --genes T0001,G00100,G00150 s.pmx -o b.pmx
	pmx-check b.pmx
	pmx-view --layer X_pert b.pmx >got
	pmx-view --columns cell b.pmx >kept
	pmx-view --layer X_pert --genes T0001,G00100,G00150 s.pmx | grep -Ff kept | cmp - got
	cat s.pmx | pmx-select --where 'gene_target in (NT, T0003)' --genes T0001,G00100,G00150 | cmp - b.pmx
	pmx-select --drop-layer X_pert --where 'gene_target = T0003' s.pmx -o b.pmx
	pmx-check b.pmx
	run -1 pmx-view --obsm nt_neighbors b.pmx
	run -1 pmx-select --drop-obsm nt_neighbors s.pmx
	[[ $output == *"'nt_neighbors' is needed by layer 'X_pert'"* ]]
	run -1 pmx-select --columns n_counts s.pmx
	[[ $output == *"'gene_target' is needed by layer 'X_pert'"* ]]
}
