load ../setup
load screens
setup() { work; }

@test "the first label in front, then the order of the bytes, names inside; missing last" {
	tiny_screen -o a.pmx
	printf 'cell\tgroup\nc000000001\tb\nc000000002\tB\nc000000003\ta b\nc000000005\tb\nc000000004\tÄ\n' >g.tsv
	pmx-join -q --obs g.tsv a.pmx | pmx-sort --by group --first b -o b.pmx
	pmx-check b.pmx
	pmx-view --columns group b.pmx | tail -n +2 >out
	[ "$(head -n 5 out)" = $'c000000001\tb\nc000000005\tb\nc000000002\tB\nc000000003\ta b\nc000000004\tÄ' ]
	[ "$(tail -n +6 out | cut -f 2 | sort -u)" = NA ]
	tail -n +6 out | cut -f 1 | sort -c
	[ "$(wc -l <out)" = 600 ]
}

@test "the same bytes whatever the memory, threads and arrival" {
	mixed_screen --block-rows 7 -o a.pmx
	pmx-sort --by gene_target --first NT a.pmx -o expected.pmx
	pmx-diff --by-name a.pmx expected.pmx
	for memory in 1K 20K 1G; do
		pmx-sort -t 1 --by gene_target --first NT --memory $memory a.pmx | cmp - expected.pmx
		cat a.pmx | pmx-sort -t 3 --by gene_target --first NT --memory $memory | cmp - expected.pmx
	done
	for rows in 1 1000; do
		mixed_screen --block-rows $rows | pmx-sort --by gene_target --first NT | pmx-diff - expected.pmx
	done
	pmx-sort --by gene_target --first NT --block-rows 7 --memory 20K a.pmx | pmx-diff - expected.pmx
	# A promise that the input makes holds for the whole, not for the parts that are spilled.
	tiny_screen --block-rows 7 -o g.pmx
	pmx-sort --by replicate --memory 10K g.pmx | pmx-diff --by-name g.pmx -
	pmx-sort --by gene_target --first T0001 --memory 10K g.pmx | pmx-check
	# Another order of arrival.
	pmx-sort --by replicate a.pmx | pmx-sort --by gene_target --first NT | pmx-diff - expected.pmx
}

@test "without --first labels stand in the order of their bytes" {
	tiny_screen | pmx-sort --by replicate | pmx-view --columns replicate | tail -n +2 | cut -f 2 | uniq >out
	printf 'rep1\nrep2\n' | cmp - out
}

@test "all types of fields move with their row" {
	tiny_screen | normalize -o a.pmx
	pmx-view --columns n_counts,true_efficacy a.pmx | awk -F '\t' 'NR == 1 { print "cell\tt\tb\ti\tf" }
		NR > 1 && NR % 3 { print $1 "\ttext " $1 "\t" (NR % 2 ? "True" : "False") "\t" $2 "\t" $3 / 7 }' >t.tsv
	pmx-view --columns n_counts,true_efficacy a.pmx >m.tsv
	pmx-join -q --obs t.tsv --obsm M=m.tsv a.pmx -o b.pmx
	pmx-sort --by gene_target --first NT --memory 10K b.pmx | pmx-diff --by-name b.pmx -
}

@test "unknown column, column of numbers, unknown label" {
	tiny_screen -o a.pmx
	run -1 pmx-sort --by foo a.pmx -o b.pmx
	[[ $output == *"'foo'"*gene_target* ]]
	run -1 pmx-sort --by true_efficacy a.pmx -o b.pmx
	[[ $output == *labels* ]]
	run -1 pmx-sort --by gene_target --first XY a.pmx -o b.pmx
	[[ $output == *"no label 'XY'"*NT* ]]
	[ ! -e b.pmx ]
}

@test "a cut or foreign stream, and no room for scratch files" {
	tiny_screen --block-rows 7 -o a.pmx
	head -c 10000 a.pmx >cut.pmx
	run -1 pmx-sort --by gene_target cut.pmx -o b.pmx
	[ ! -e b.pmx ]
	run -1 pmx-sort --by gene_target --memory 1K cut.pmx -o b.pmx
	echo hello >foreign
	run -1 pmx-sort --by gene_target foreign -o b.pmx
	TMPDIR=/nonexistent run -1 pmx-sort --by gene_target --memory 1K a.pmx -o b.pmx
	[[ $output == *TMPDIR* ]]
	[ ! -e b.pmx ]
}

@test "a signature by neighbours cannot be sorted any more" {
	signature_screen -o s.pmx
	run -1 pmx-sort --by replicate s.pmx -o b.pmx
	[[ $output == *X_pert*pert-signature* ]]
}

@test "a label that no row has cannot come first" {
	mixed_screen | pmx-select --where 'gene_target != NT' -o none.pmx
	run -1 pmx-sort --by gene_target --first NT none.pmx -o b.pmx
	[[ $output == *"no row has the label 'NT' in 'gene_target'"* ]]
	[ ! -e b.pmx ]
	pmx-sort --by gene_target none.pmx | pmx-check
}
