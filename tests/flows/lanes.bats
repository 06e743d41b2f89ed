load ../setup
load flows

# A screen in three files, cells in mixed order.
setup() {
	work
	small_flow .
	pmx-select --rows 1-130 screen.pmx -o 1.pmx
	pmx-select --rows 131-260 screen.pmx -o 2.pmx
	pmx-select --rows 261- screen.pmx -o 3.pmx
	mkdir in
	for k in 1 2 3; do
		pmx-export --to h5ad "$k.pmx" -o "in/lane$k.h5ad"
		pmx-export --to 10x "$k.pmx" -o "in/lane$k"
	done
	spec=$repo/workflows/screen-lanes.yaml
	given=(--set folder=in --set lanes=3 --set control=NT --set split_by=replicate --set n_comps=5)
}

@test "lanes: run, the plain pipe, make and Snakemake leave the same bytes, and the scores of the whole" {
	local k
	given+=(--set ending=.h5ad --set shards=2)
	pmx-flow check "$spec" "${given[@]}"
	pmx-flow run -q "$spec" "${given[@]}" --out run
	mkdir plain
	for k in 1 2 3; do
		pmx-import "in/lane$k.h5ad" | normalize -o "plain/lane$k.pmx"
		pca-sums "plain/lane$k.pmx" -o "plain/sums$k.pmx"
	done
	pca-merge --n-comps 5 plain/sums?.pmx -o plain/components.pmx
	for k in 1 2 3; do pca --components plain/components.pmx "plain/lane$k.pmx" -o "plain/projected$k.pmx"; done
	pmx-cat plain/projected?.pmx | pert-signature --control NT --split-by replicate --n-dims 5 | mixscale --control NT --split-by replicate |
		pmx-view --obs >plain/scores.tsv
	cmp plain/scores.tsv run/scores.tsv
	# In one piece there are other last digits of the components, and the same neighbours.
	(cd plain && normalize ../screen.pmx | pca --n-comps 5 | pert-signature --control NT --split-by replicate --n-dims 5 |
		mixscale --control NT --split-by replicate | pmx-view --obs >whole.tsv)
	compare plain/whole.tsv mixscale_score run/scores.tsv mixscale_score 1e-9
	engines_agree "$spec" "${given[@]}"
}

@test "lanes in 10x folders, a table of all cells, a list of genes; another lane changes its own steps and what follows" {
	pmx-view --obs screen.pmx >obs.tsv
	pmx-view --var screen.pmx | awk 'NR > 1 && NR % 2 { print $1 }' >genes.txt
	given+=(--set obs=obs.tsv --set genes=genes.txt)
	pmx-flow run -q "$spec" "${given[@]}" --out run
	for k in 1 2 3; do pmx-import "in/lane$k" --obs obs.tsv -o "$k.lane"; done
	pmx-cat 1.lane 2.lane 3.lane | normalize | pca --n-comps 5 --genes genes.txt | pert-signature --control NT --split-by replicate --n-dims 5 |
		mixscale --control NT --split-by replicate | pmx-view --obs >whole.tsv
	compare whole.tsv mixscale_score run/scores.tsv mixscale_score 1e-9
	# A lane comes in once more, with fewer cells.
	rm -r in/lane2
	pmx-select --rows 1-120 2.pmx | pmx-export --to 10x -o in/lane2
	pmx-flow run "$spec" "${given[@]}" --out run 2>&1 | grep -q "12 of 16 steps ran"
	# A lane with another gene is named when the sums are merged.
	rm -r in/lane2
	pmx-select --genes <(pmx-view --var 2.pmx | awk 'NR > 2 { print $1 }') 2.pmx | pmx-export --to 10x -o in/lane2
	run -1 pmx-flow run "$spec" "${given[@]:0:8}" --set n_comps=5 --set obs=obs.tsv --out other
	[[ $output == *"step 'components': pca-merge ended with status 1"*"sums.2.pmx cannot be merged: gene T0001"* ]]
}
