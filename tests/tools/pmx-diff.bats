load ../setup
load screens
setup() { work; }

@test "a stream equals itself, in other blocks, as a pipe, at another level" {
	tiny_screen | normalize -o a.pmx
	for rows in 1 7 1000; do
		tiny_screen --block-rows $rows --compression-level 0 | normalize -o b.pmx
		run -0 pmx-diff a.pmx b.pmx
		[ -z "$output" ]
		cat b.pmx | pmx-diff -t 1 a.pmx -
		cat b.pmx | pmx-diff - a.pmx
	done
	run -0 --separate-stderr pmx-diff -v a.pmx b.pmx
	[[ $stderr == *"layer 'X': 120000 values, worst difference 0"* ]]
}

@test "each kind of difference is found and named" {
	tiny_screen | normalize -o a.pmx
	patch() { python3 "$repo/tests/tools/patch_pmx.py" a.pmx "$@"; }
	patch true_efficacy 5 12.5 >b.pmx
	run -1 pmx-diff a.pmx b.pmx
	[ "${#lines[@]}" = 1 ]
	[[ $output == "row column 'true_efficacy': 1 of 600 differ; first row c000000006: "*" against 12.5" ]]
	patch replicate 7 0 >b.pmx
	patch replicate 7 1 >c.pmx
	run -1 pmx-diff b.pmx c.pmx
	[[ $output == "row column 'replicate': 1 of 600 differ; first row c000000008: 'rep1' against 'rep2'" ]]
	patch replicate 7 4294967295 >c.pmx
	run -1 pmx-diff b.pmx c.pmx
	[[ $output == *"'rep1' against missing" ]]
	# A total moves the computed layer.
	patch n_counts 3 1000 >b.pmx
	run -1 pmx-diff a.pmx b.pmx
	[[ ${lines[0]} == "row column 'n_counts': 1 of 600"* ]]
	[[ ${lines[1]} == "layer 'X': "*" of 120000 differ; first row c000000004, column "*"; worst "*" at row c000000004, column "* ]]
	pmx-diff --layers counts --ignore-columns n_counts a.pmx b.pmx
	pmx-diff --layers '' --ignore-columns n_counts,replicate a.pmx b.pmx
	run -1 pmx-diff --layers counts,foo a.pmx b.pmx
	[[ $output == *"no layer 'foo'"* ]]
	pmx-select --rows 1-599 a.pmx -o b.pmx
	run -1 pmx-diff a.pmx b.pmx
	[ "$output" = "rows: 600 against 599" ]
	run -1 pmx-diff b.pmx a.pmx
	[ "$output" = "rows: 599 against 600" ]
	pmx-select --drop-layer X a.pmx -o b.pmx
	run -1 pmx-diff a.pmx b.pmx
	[ "$output" = "layer 'X': only in the first stream" ]
	pmx-select --genes G00190,T0001 a.pmx -o b.pmx
	run -1 pmx-diff a.pmx b.pmx
	[[ ${lines[0]} == "columns: 200 against 2" ]]
	printf 'cell\treplicate\nc000000001\t1\n' >t.tsv
	pmx-join -q --replace --obs t.tsv a.pmx -o b.pmx
	run -1 pmx-diff a.pmx b.pmx
	[ "$output" = "row column 'replicate': categorical against i64" ]
	run -1 pmx-diff -q a.pmx b.pmx
	[ -z "$output" ]
}

@test "tolerances" {
	tiny_screen -o s.pmx
	printf 'cell\tx\nc000000001\t1000\nc000000002\t0.001\nc000000003\tNA\nc000000004\tinf\n' >1.tsv
	printf 'cell\tx\nc000000001\t1000.5\nc000000002\t0.0015\nc000000003\tNA\nc000000004\tinf\n' >2.tsv
	pmx-join -q --obs 1.tsv s.pmx -o a.pmx
	pmx-join -q --obs 2.tsv s.pmx -o b.pmx
	run -1 pmx-diff a.pmx b.pmx
	[[ $output == *"2 of 600 differ; first row c000000001: 1000 against 1000.5; worst 0.5 at "* ]]
	run -1 pmx-diff --tolerance 0.1 a.pmx b.pmx
	[[ $output == *"1 of 600 differ"* ]]
	pmx-diff --tolerance 0.5 a.pmx b.pmx
	run -1 pmx-diff --relative --tolerance 0.001 a.pmx b.pmx
	[[ $output == *"1 of 600 differ; first row c000000002"* ]]
	pmx-diff --relative --tolerance 0.34 a.pmx b.pmx
	# Missing and infinite are never near.
	sed 's/NA/1/' 2.tsv >3.tsv
	pmx-join -q --obs 3.tsv s.pmx -o c.pmx
	run -1 pmx-diff --tolerance 1e300 a.pmx c.pmx
	[[ $output == *"NaN against 1"* ]]
	sed 's/inf/1/' 2.tsv >3.tsv
	pmx-join -q --obs 3.tsv s.pmx -o c.pmx
	run -1 pmx-diff --tolerance 1e300 a.pmx c.pmx
	run -2 pmx-diff --tolerance -1 a.pmx b.pmx
}

@test "whole numbers that no double tells apart" {
	tiny_screen -o s.pmx
	printf 'cell\tn\nc000000001\t9007199254740993\n' >1.tsv
	printf 'cell\tn\nc000000001\t9007199254740992\n' >2.tsv
	pmx-join -q --obs 1.tsv s.pmx -o a.pmx
	pmx-join -q --obs 2.tsv s.pmx -o b.pmx
	run -1 pmx-diff a.pmx b.pmx
	[[ $output == "row column 'n': 1 of 600"* ]]
}

@test "rows and columns matched by name" {
	mixed_screen | normalize -o a.pmx
	pmx-sort --by gene_target --first NT a.pmx -o b.pmx
	run -1 pmx-diff a.pmx b.pmx
	[[ ${lines[0]} == "row names: "*"against"* ]]
	pmx-diff --by-name a.pmx b.pmx
	cat b.pmx | pmx-diff --by-name a.pmx -
	pmx-select --rows 2- b.pmx -o c.pmx
	run -1 pmx-diff --by-name a.pmx c.pmx
	[[ $output == "rows: 1 are only in the first stream, first 'c000000"* ]]
	run -1 pmx-diff --by-name c.pmx a.pmx
	[[ ${lines[0]} == "rows: 1 are only in the second stream"* ]]
	python3 "$repo/tests/tools/patch_pmx.py" b.pmx true_efficacy 5 12.5 >d.pmx
	run -1 pmx-diff --by-name a.pmx d.pmx
	[ "${#lines[@]}" = 1 ]
	pmx-cat a.pmx a.pmx -o e.pmx
	run -1 pmx-diff --by-name a.pmx e.pmx
	[[ $output == *"no name of its own"* ]]
	run -1 pmx-diff --by-name --memory 10K a.pmx b.pmx
	[[ $output == *--memory* ]]
}

@test "signs of a matrix that are free" {
	tiny_screen -o s.pmx
	pmx-view --columns true_efficacy s.pmx | awk -F '\t' 'NR == 1 { print "cell\ta\tb" } NR > 1 { print $1 "\t" NR "\t" $2 + 1 }' >1.tsv
	awk -F '\t' 'NR == 1 { print } NR > 1 { print $1 "\t" $2 "\t" (-$3) }' 1.tsv >2.tsv
	pmx-join --obsm P=1.tsv s.pmx -o a.pmx
	pmx-join --obsm P=2.tsv s.pmx -o b.pmx
	run -1 pmx-diff a.pmx b.pmx
	[[ $output == "row matrix 'P': 600 of 1200 differ; first row c000000001, column 2:"* ]]
	pmx-diff --sign-free P a.pmx b.pmx
	# The sign is free for the column, not for each value.
	awk -F '\t' 'NR == 3 { $3 = (-$3) } { print $1 "\t" $2 "\t" $3 }' 2.tsv >3.tsv
	pmx-join --obsm P=3.tsv s.pmx -o c.pmx
	run -1 pmx-diff --sign-free P a.pmx c.pmx
	[[ $output == "row matrix 'P': 1 of 1200 differ"* ]]
	run -1 pmx-diff --sign-free foo a.pmx b.pmx
	[[ $output == *"'foo'"* ]]
}

@test "a computed layer equals what is stored of it; the first to differ is found in it" {
	signature_screen -o s.pmx
	pmx-diff s.pmx s.pmx
	pmx-diff --by-name s.pmx s.pmx
	cat s.pmx | pmx-diff -t 1 - s.pmx
	python3 "$repo/tests/tools/patch_pmx.py" s.pmx nt_neighbors 300 0 >b.pmx
	run -1 pmx-diff s.pmx b.pmx
	[[ $output == *"row matrix 'nt_neighbors': 1 of 3000"*"layer 'X_pert'"* ]]
}

@test "failures are no differences" {
	tiny_screen -o a.pmx
	head -c 20000 a.pmx >cut.pmx
	run -1 --separate-stderr pmx-diff a.pmx cut.pmx
	[[ $stderr == *cut.pmx* ]]
	[ -z "$output" ]
	run -1 --separate-stderr pmx-diff a.pmx /nonexistent
	[ -n "$stderr" ]
	run -2 pmx-diff a.pmx
	run -2 pmx-diff - -
}
