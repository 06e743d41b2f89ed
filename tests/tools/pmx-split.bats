load ../setup
setup() { work; }

prepared() {
	simulate-screen --cells 600 --genes 200 --targets 6 --controls 120 --splits 2 --density 0.4 --effect 3 --seed 11 "$@" | normalize | pca --n-comps 5
}

@test "shards hold whole groups behind all controls, and come together as the whole, signature and all" {
	prepared | pert-signature --control NT --split-by replicate --n-dims 5 -o whole.pmx
	for n in 1 2 3 6; do
		pmx-split --shards $n --control NT --prefix s whole.pmx
		[ "$(ls s.*.pmx | wc -l)" = $n ]
		for k in $(seq $n); do
			pmx-check -q s.$k.pmx
			[ "$(pmx-select --where 'gene_target = NT' s.$k.pmx | pmx-view --obs | wc -l)" = 121 ]
		done
		pmx-cat --controls-once $(seq -f 's.%g.pmx' $n) -o again.pmx
		pmx-check -q again.pmx
		pmx-diff again.pmx whole.pmx
		pmx-info again.pmx | grep -qx 'order: grouped by gene_target, first NT'
		# From a pipe the same bytes.
		cat whole.pmx | pmx-split --shards $n --control NT --prefix s -t 1
		for k in $(seq $n); do mv s.$k.pmx p.$k.pmx; done
		pmx-split --shards $n --control NT --prefix s whole.pmx
		for k in $(seq $n); do cmp s.$k.pmx p.$k.pmx; done
		rm s.* p.*
	done
}

@test "what is scored in shards is what is scored in the whole, and so are markers" {
	prepared >raw.pmx
	pmx-sort --first NT raw.pmx -o sorted.pmx
	pert-signature --control NT --split-by replicate --n-dims 5 sorted.pmx | mixscale -q --control NT --split-by replicate -o whole.pmx
	de-markers --control NT --tsv sorted.pmx >whole.tsv
	pmx-split --shards 3 --control NT --prefix s raw.pmx
	for k in 1 2 3; do
		pert-signature --control NT --split-by replicate --n-dims 5 s.$k.pmx | mixscale -q --control NT --split-by replicate -o scored.$k.pmx
		de-markers --control NT --tsv s.$k.pmx >markers.$k.tsv
	done
	pmx-cat --controls-once scored.?.pmx | pmx-diff - whole.pmx
	(cat markers.1.tsv; tail -q -n +2 markers.[23].tsv) | cmp - whole.tsv
}

@test "a cell-rich target does not starve the other shards, and shards are as even as a cut can be" {
	prepared >raw.pmx
	pmx-select --where "gene_target in (NT, T0001)" raw.pmx -o rich.pmx
	pmx-select --where "gene_target not in (NT, T0001)" raw.pmx | pmx-sort --first T0002 | pmx-select --rows 1-170 -o rest.pmx
	pmx-cat -q rich.pmx rest.pmx | pmx-sort --first NT -o uneven.pmx
	# Groups of 80, 80, 80 and 10 rows in three shards: the small one goes with a neighbour, no shard is empty.
	pmx-split --shards 3 --control NT --prefix s uneven.pmx -v 2>said
	[ "$(sed 's/.*: \([0-9]*\) rows.*/\1/' said | sort | tr '\n' ' ')" = "200 200 210 " ]
}

@test "what cannot be split or joined says why" {
	prepared >a.pmx
	run -1 pmx-split --shards 7 --control NT --prefix s a.pmx
	[[ $output == *"6 groups besides the controls cannot fill 7 shards; ask for 6 at most"* ]]
	run -1 pmx-split --shards 2 --control NTC --prefix s a.pmx
	run -2 pmx-split --shards 2 --prefix s a.pmx
	run -2 pmx-split --control NT --prefix s a.pmx
	run -1 pmx-split --shards 2 --by nothing --control NT --prefix s a.pmx
	[ -z "$(ls s.* 2>/dev/null)" ]
	pmx-split --shards 2 --control NT --prefix s a.pmx
	# Shards of another stream, and streams without a promise.
	prepared --shuffle | pmx-sort --first NT | pmx-select --rows 2- | pmx-split --shards 2 --control NT --prefix t
	run -1 pmx-cat --controls-once s.1.pmx t.2.pmx -o c.pmx
	[[ $output == *"begins with 119 rows of 'NT', "*"with 120"*"not shards of one stream"* ]]
	prepared --shuffle >mixed.pmx
	run -1 pmx-cat --controls-once s.1.pmx mixed.pmx -o c.pmx
	[[ $output == *"does not promise controls in front"* ]]
	[ ! -e c.pmx ]
	head -c 3000 a.pmx >cut.pmx
	run -1 pmx-split --shards 2 --control NT --prefix u cut.pmx
	[ -z "$(ls u.* 2>/dev/null)" ]
}

@test "in a shard nothing scored is no failure; in a whole it is" {
	simulate-screen --cells 300 --genes 200 --targets 5 --controls 100 --effect 3 --density 0.4 --seed 2 | normalize -o a.pmx
	# The fifth target does nothing: no gene is its marker.
	pmx-select --where "gene_target in (NT, T0005)" a.pmx | pca --n-comps 3 | pert-signature --control NT --n-dims 3 -o none.pmx
	run -1 mixscale --control NT none.pmx -o m.pmx
	[[ $output == *"no cell was scored"* ]]
	pmx-split --shards 1 --control NT --prefix s none.pmx
	mixscale --control NT s.1.pmx -o m.pmx
	[ "$(pmx-view --columns mixscale_reason m.pmx | cut -f 2 | sort | uniq -c | tr -s ' ' | tr '\n' ';')" = " 100 NA; 1 mixscale_reason; 40 too_few_markers;" ]
}
