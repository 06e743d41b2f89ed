load ../setup

# One screen for all: 12,000 cells x 2,000 genes in mixed order, some 5 million values.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	simulate-screen --cells 12000 --genes 2000 --density 0.2 --targets 20 --controls 2000 --splits 2 --effect 2 --shuffle --seed 3 -o raw.pmx
	normalize raw.pmx | pca --n-comps 5 --tolerance 0.01 | pmx-sort --by gene_target --first NT |
		pert-signature --control NT --split-by replicate -o signature.pmx
	pmx-export --to h5ad raw.pmx -o raw.h5ad
	pmx-export --to tsv --layer counts raw.pmx -o raw.tsv
	normalize raw.pmx -o normalised.pmx
}
setup() {
	[[ $BUILD != *-san ]] || skip "a sanitizer takes memory of its own"
	cd "$BATS_FILE_TMPDIR" || return 1
}

# kept SIZE TOOL ...: the call ends well within SIZE + 64 MiB, whatever the machine has.
kept() {
	local size=$1 peak
	shift
	/usr/bin/time -f %M -o peak "$@" --memory "${size}M" -t 2 >out 2>said || { cat said; return 1; }
	peak=$(($(tail -n 1 peak) / 1024))
	[ "$peak" -le $((size + 64)) ] || { echo "$1: $peak MiB with --memory ${size}M"; return 1; }
}

# refused TOOL ...: 8 MiB are too little, which is found within them; the size that is needed is named, and with it the call ends well, within it.
refused() {
	run -1 /usr/bin/time -f %M -o peak "$@" --memory 8M -o none.pmx
	[ ! -e none.pmx ]
	[ "$(tail -n 1 peak)" -le $((72 * 1024)) ]
	[[ $output =~ give\ --memory\ ([0-9]+)M ]] || { echo "$output"; return 1; }
	local need=${BASH_REMATCH[1]}
	run -1 "$@" --memory $((need - 1))M
	kept "$need" "$@"
}

@test "what can spill keeps --memory: a small one gives the bytes of a large one" {
	for size in 8 32; do
		kept $size pmx-sort --by gene_target --first NT raw.pmx
		cmp out <(pmx-sort --by gene_target --first NT raw.pmx)
	done
	kept 8 pca --n-comps 3 --tolerance 0.01 normalised.pmx
	cmp out <(pca --n-comps 3 --tolerance 0.01 normalised.pmx)
	for file in raw.h5ad raw.tsv; do
		kept 16 pmx-import $file
		cmp out <(pmx-import $file)
	done
	kept 16 pmx-split --shards 3 --control NT --prefix shard raw.pmx
	kept 8 target-signature --group-key gene_target normalised.pmx
	cmp out <(target-signature --group-key gene_target normalised.pmx)
	kept 8 de-markers --reference rest --control NT normalised.pmx
	cmp out <(de-markers --reference rest --control NT normalised.pmx)
	kept 8 pert-signature --control NT --split-by replicate signature.pmx --output-layer again
}

@test "what needs the controls and a target at once says how much that is" {
	refused de-markers --control NT signature.pmx
	refused de-markers --control NT --test wilcoxon --split-by replicate signature.pmx
	refused mixscale -q --control NT --split-by replicate signature.pmx
	refused mixscape -q --control NT --split-by replicate signature.pmx
	# From a pipe, too, whose largest target is not known beforehand.
	cat signature.pmx | run -1 mixscale --control NT --split-by replicate --memory 8M
	[[ $output == *"control cells"*"--memory"* ]]
}

@test "the margin does not grow with --memory: more of it is no more than that" {
	simulate-screen --cells 80000 --genes 4000 --density 0.25 --targets 20 --controls 4000 --splits 2 --shuffle --seed 5 -o large.pmx
	kept 30 pmx-sort --by gene_target --first NT large.pmx
	mv out small
	low=$(tail -n 1 peak)
	kept 110 pmx-sort --by gene_target --first NT large.pmx
	cmp out small
	[ $(($(tail -n 1 peak) - low)) -le $((84 * 1024)) ]
}

@test "what holds sums, or a slab of signatures, says how much that is" {
	refused pca-sums normalised.pmx
	pca-sums normalised.pmx -o sums.pmx
	refused pca-merge --n-comps 5 --tolerance 0.01 sums.pmx
	pca-merge --n-comps 5 --tolerance 0.01 sums.pmx -o components.pmx
	kept 8 pca --components components.pmx normalised.pmx
	refused hvg --batch-key guide_id raw.pmx
	kept 8 hvg raw.pmx
	refused weighted-de -q --control NT --split-by replicate --target T0001 signature.pmx
	simulate-signatures --targets 3 --compounds 1000 --cell-lines 2 --genes 400 --seed 7 --out-dir sim
	refused reference-build -q sim/reference.pmx
	pmx-export --to gctx sim/reference.pmx -o reference.gctx
	refused reference-build -q reference.gctx
	# Controls drawn for each target stand beside them.
	refused mixscale -q --control NT --split-by replicate --harmonize signature.pmx
}
