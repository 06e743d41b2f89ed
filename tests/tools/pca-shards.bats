load ../setup

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	small_screen --shuffle | normalize -o small.pmx
	# More genes than are diagonalised.
	simulate-screen --cells 900 --genes 1300 --targets 5 --seed 5 | normalize -o wide.pmx
}

setup() {
	work
	small=$BATS_FILE_TMPDIR/small.pmx
	wide=$BATS_FILE_TMPDIR/wide.pmx
}

# cut_rows FILE N: N runs of rows that are not equally long, 1.pmx to N.pmx.
cut_rows() {
	local rows from=1 to k
	rows=$(($(pmx-view --columns gene_target "$1" | wc -l) - 1))
	for ((k = 1; k <= $2; k++)); do
		to=$((rows * k * (k + 3) / ($2 * ($2 + 3))))
		pmx-select --rows "$from-$to" "$1" -o "$k.pmx"
		from=$((to + 1))
	done
}

# sharded N PCA-OPTIONS: the N shards 1.pmx ... through sums and components to projected.pmx, two rounds with --scale.
sharded() {
	local n=$1 k scale=() of=()
	shift
	if [ "${1:-}" = --scale ]; then
		shift
		for ((k = 1; k <= n; k++)); do pca-sums "$k.pmx" -o "$k.first"; of[k]=$k.first; done
		pca-merge "$@" -n 2 "${of[@]}" -o first.pmx
		scale=(--scale-by first.pmx)
	fi
	for ((k = 1; k <= n; k++)); do pca-sums "${scale[@]}" "$k.pmx" -o "$k.sums"; of[k]=$k.sums; done
	pca-merge -n 6 --tolerance 1e-13 "${of[@]}" -o components.pmx
	for ((k = 1; k <= n; k++)); do pca --components components.pmx "$k.pmx" -o "$k.projected"; of[k]=$k.projected; done
	pmx-cat -q "${of[@]}" -o projected.pmx
}

# The same scores and loadings to 1e-10, and the same variances.
same_components() {
	pmx-diff --tolerance 1e-10 "$1" "$2"
	for file in "$1" "$2"; do
		pmx-info --json "$file" >info.json
		python3 -c 'import json; p = json.load(open("info.json"))["notes"]["pca"]; print(*p["variance"], p["total_variance"], p["genes"], p["scale"])' >"$(basename "$file").notes"
	done
	python3 - "$(basename "$1").notes" "$(basename "$2").notes" <<-'P'
	import sys
	a, b = (open(f).read().split() for f in sys.argv[1:])
	assert len(a) == len(b) == 9 and a[7:] == b[7:], (a, b)
	for x, y in zip(a[:7], b[:7]):
	    assert abs(float(x) - float(y)) <= 1e-10 * float(a[0]), (x, y)
	P
}

@test "1, 2 and 7 shards give the components of the whole, to 1e-10" {
	for file in "$small" "$wide"; do
		pca -n 6 --tolerance 1e-13 "$file" -o whole.pmx
		for n in 1 2 7; do
			cut_rows "$file" $n
			sharded $n
			same_components whole.pmx projected.pmx
		done
	done
}

@test "with --scale-by, in two rounds, those of pca --scale" {
	pca --scale -n 6 "$small" -o whole.pmx
	cut_rows "$small" 3
	sharded 3 --scale
	same_components whole.pmx projected.pmx
	# The cut matters here, or the test would not see it.
	pmx-view --var components.pmx | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { d = $at["variance"] - $at["sd"] ^ 2; n += d < -1e-3 * $at["variance"] }
		END { exit !n }'
	run -1 pca-sums --scale-by components.pmx 1.pmx -o none
	[[ $output == *"scaled already"* ]]
	pca-sums 1.pmx -o plain.sums
	run -1 pca-merge -n 2 plain.sums 2.sums -o none
	[[ $output == *"one is scaled, the other is not"* ]]
	run -2 pca-sums --scale-by first.pmx --use-hvg 1.pmx -o none
	[ ! -e none ]
}

@test "a list of genes, hvg's marks, and genes in another order" {
	pmx-view --var "$small" | awk 'NR > 1 && NR % 3 { print $1 }' >genes.txt
	pca -n 6 --genes genes.txt "$small" -o whole.pmx
	cut_rows "$small" 2
	for k in 1 2; do pca-sums --genes genes.txt $k.pmx -o $k.sums; done
	pca-merge -n 6 1.sums 2.sums -o components.pmx
	pca --components components.pmx "$small" -o projected.pmx
	same_components whole.pmx projected.pmx
	# Cells whose genes stand in another order, with others between them.
	pmx-view --var "$small" | awk 'NR > 1 { print $1 }' | sort -r >turned.txt
	pmx-select --genes turned.txt "$small" -o turned.pmx
	pca --components components.pmx turned.pmx | pmx-view --obsm X_pca >a.tsv
	pmx-view --obsm X_pca projected.pmx >b.tsv
	python3 "$repo/tests/compare_matrix.py" a.tsv b.tsv 1e-12
	run -1 pca-merge -n 6 1.sums <(pca-sums --genes turned.txt 2.pmx) -o none
	[[ $output == *"is in the second alone (267 and 400 genes)"* ]]
	# The first of the components.
	pca --components components.pmx -n 2 "$small" | pmx-view --obsm X_pca >a.tsv
	cut -f 1-3 b.tsv | cmp - a.tsv
	hvg --n-top-genes 50 "$small" -o marked.pmx
	pca -n 6 marked.pmx -o whole.pmx
	pca-merge -n 6 <(pca-sums marked.pmx) | pca --components - marked.pmx -o projected.pmx
	same_components whole.pmx projected.pmx
}

@test "any order of the files, any threads, blocks and pipes: the same bytes" {
	cut_rows "$small" 3
	for k in 1 2 3; do pca-sums $k.pmx -o $k.sums; done
	pca-merge -n 5 1.sums 2.sums 3.sums -o a.pmx
	pca-merge -n 5 -t 1 3.sums 1.sums 2.sums -o b.pmx
	cmp a.pmx b.pmx
	pca --components a.pmx 1.pmx -o a.projected
	for file in "$small" "$wide"; do
		pca-sums -t 1 "$file" -o one.sums
		pca-sums -t 8 <"$file" >eight.sums
		cmp one.sums eight.sums
		pmx-sort --by gene_target --first NT --block-rows 3 "$file" | pca-sums -o little.sums
		pmx-sort --by gene_target --first NT "$file" | pca-sums -o whole.sums
		pmx-diff little.sums whole.sums
		pmx-diff <(pca-merge -n 4 little.sums) <(pca-merge -n 4 whole.sums)
	done
	pmx-select --where 'n_counts > 0' --block-rows 7 1.pmx | pca --components a.pmx | pmx-diff - a.projected
	pmx-check -q one.sums
	pmx-check -q a.pmx
}

@test "shards of pmx-split: the controls count once, and no shard may be missing" {
	pmx-sort --by gene_target --first NT "$small" -o sorted.pmx
	pca -n 6 sorted.pmx -o whole.pmx
	pmx-split --shards 3 --control NT --prefix s sorted.pmx
	for k in 1 2 3; do pca-sums s.$k.pmx -o $k.sums 2>$k.said; done
	[ ! -s 1.said ]
	grep -q "shard 3 of 3: the cells labelled NT count in shard 1" 3.said
	pca-merge -n 6 2.sums 1.sums 3.sums -o components.pmx
	pca --components components.pmx sorted.pmx -o projected.pmx
	same_components whole.pmx projected.pmx
	# What was done to the shard since does not hide where it comes from.
	pmx-select --where 'n_counts > 0' s.2.pmx | pca-sums -q -o again.sums
	pmx-diff again.sums 2.sums
	run -1 pca-merge 2.sums 3.sums -o none
	[[ $output == *"shard 1 of it is not there"* ]]
	run -1 pca-merge 1.sums 2.sums 3.sums 2.sums -o none
	[[ $output == *"shard 2 of it is there more than once"* ]]
	run -1 pca-sums <(pmx-select --columns replicate,n_counts s.2.pmx) -o none
	[[ $output == *"the controls of shard 2 of pmx-split"*"'gene_target'"* ]]
	[ ! -e none ]
}

@test "what does not belong together is refused" {
	cut_rows "$small" 2
	for k in 1 2; do pca-sums $k.pmx -o $k.sums; done
	run -1 pca-merge -n 2 1.sums 1.sums -o none
	[[ $output == *"are sums of the same cells"* ]]
	pmx-select --drop-layer X 2.pmx | normalize --target-sum 1000 -o other.pmx
	run -1 pca-merge -n 2 1.sums <(pca-sums other.pmx) -o none
	[[ $output == *"normalised to 10000, the other to 1000"* ]]
	pca-merge -n 2 1.sums 2.sums -o components.pmx
	run -1 pca --components components.pmx other.pmx -o none
	[[ $output == *"run normalize --target-sum"* ]]
	run -1 pca --components components.pmx <(pmx-select --genes <(pmx-view --var 1.pmx | awk 'NR > 3 { print $1 }') 1.pmx) -o none
	[[ $output == *"not in the stream: T0001, T0002;"* ]]
	run -2 pca --components components.pmx --scale 1.pmx -o none
	run -1 pca --components 1.pmx 1.pmx -o none
	[[ $output == *"stream of cells; this takes signatures"* ]]
	run -1 pca-merge 1.pmx -o none
	[[ $output == *"stream of cells; this takes sums"* ]]
	run -1 pca 1.sums -o none
	run -1 pca-merge -n 400 1.sums -o none
	[[ $output == *"lower --n-comps"* ]]
	# Rows of the sums left out, or there twice.
	run -1 pca-merge -n 2 <(pmx-select --rows 2- 1.sums) -o none
	[[ $output == *"not those that pca-sums wrote"* ]]
	run -1 pca-merge -n 2 <(pmx-cat 1.sums 1.sums) -o none
	printf 'cell\ta\tb\nc1\t0.5\tNA\nc2\t1.5\t2.5\nc3\t1\t2\n' >nan.tsv
	pmx-import --layer X nan.tsv -o nan.pmx
	run -1 pca-sums nan.pmx -o none
	[[ $output == *"gene b has a value that is not finite"* ]]
	[ ! -e none ]
}

@test "--memory: what the genes need is said, and held" {
	for call in "pca-sums $wide" "pca-merge -n 5 --tolerance 0.01 wide.sums"; do
		[ -e wide.sums ] || pca-sums "$wide" -o wide.sums
		# shellcheck disable=SC2086
		run -1 $call --memory 8M -o none
		[[ $output =~ give\ --memory\ ([0-9]+)M ]]
		need=${BASH_REMATCH[1]}
		# shellcheck disable=SC2086
		run -1 $call --memory $((need - 1))M -o none
		[[ $BUILD != *-san ]] || continue
		# shellcheck disable=SC2086
		/usr/bin/time -f %M -o peak $call --memory "${need}M" -t 2 -o out.pmx
		[ "$(tail -n 1 peak)" -le $(((need + 64) * 1024)) ]
	done
	[ ! -e none ]
}
