load ../setup
load flows
setup() {
	work
	simulate-signatures --targets 3 --compounds 30 --cell-lines 2 --genes 300 --seed 7 --out-dir sim
	pmx-select --drop-layer X sim/cells.pmx | pmx-export --to h5ad -o cells.h5ad
}

@test "run, the plain pipe, make and Snakemake leave the same drugs, and the planted ones lead" {
	local spec=$repo/workflows/cells-to-drugs.yaml
	local given=(--set input=cells.h5ad --set reference=sim/reference.pmx --set case_key=condition --set case=case --set control=ctrl --set n_genes=50
		--set permutations=100)
	mkdir plain
	pmx-import cells.h5ad | normalize |
		target-signature --group-key cell_type --case-key condition --case case --reference ctrl --method rank_biserial -o plain/targets.pmx
	reference-build sim/reference.pmx -o plain/reference.ref
	rank --reference plain/reference.ref --n-genes 50 --aggregate compound --permutations 100 --seed 1 plain/targets.pmx >plain/drugs.tsv
	pmx-flow run "$spec" "${given[@]}" --out run
	cmp plain/drugs.tsv run/drugs.tsv
	engines_agree "$spec" "${given[@]}"
	# Of every target the compound in front reverses it.
	awk -F '\t' 'FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } NR == FNR { effect[$at["target"], $at["compound"]] = $at["effect"]; next }
		$at["rank"] == 1 { n++; good += effect[$at["target"], $at["compound"]] == "reverse" } END { exit !(n == 3 && good == 3) }' sim/truth.tsv run/drugs.tsv
	# Another seed touches the ranking alone.
	pmx-flow run "$spec" "${given[@]}" --set seed=2 --out run 2>&1 | grep -q "1 of 3 steps ran"
}

@test "training, embedding and judging: run, the plain pipe and make leave the same bytes" {
	command -v embed-train || skip "embed-train is not built"
	local spec=$repo/workflows/train-embedding.yaml
	local given=(--set targets=sim/targets.pmx --set reference=sim/reference.pmx --set pairs=sim/pairs.tsv --set epochs=2)
	mkdir plain
	reference-build sim/reference.pmx -o plain/reference.ref
	embed-train --reference plain/reference.ref --pairs sim/pairs.tsv --epochs 2 --split-out plain/split.tsv --metrics plain/metrics.tsv sim/targets.pmx \
		-o plain/model.safetensors
	embed-eval --reference plain/reference.ref --model plain/model.safetensors --pairs sim/pairs.tsv --split plain/split.tsv sim/targets.pmx \
		-o plain/evaluation.tsv
	pmx-flow run "$spec" "${given[@]}" --out run
	cmp plain/split.tsv run/split.tsv
	cmp plain/evaluation.tsv run/evaluation.tsv
	pmx-flow make "$spec" "${given[@]}" --out made >Makefile
	make -s
	diff -r -x .pmx-flow run made
}
