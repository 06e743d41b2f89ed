# A screen of 1,000,000 cells x 8,000 genes x 2,000 targets with 20,000 controls, from import to scores within --memory 2G a process:
# wall time, peak memory and disk of each step, and the time of a cell at a tenth of the cells beside it. Then the same screen in
# eight shards under Snakemake and SLURM on loopback, whose scores have to be the same bytes. SCALE scales cells, genes, targets and
# controls; the memory stays.
source "$(dirname "$0")/lib.bash"
memory=2G
shards=8

run_at() { # CELLS TARGETS
	local n=$1 targets=$2 genes controls
	genes=$(scaled 8000 400)
	controls=$(scaled 20000 400)
	rm -f ./*.pmx
	measure "$n cells, simulate" raw.pmx "simulate-screen --cells $n --genes $genes --targets $targets --controls $controls --splits 3 --shuffle --seed 5 -o raw.pmx"
	measure "$n cells, prepare" pca.pmx "normalize raw.pmx | hvg --n-top-genes $(scaled 2000 200) | pca --n-comps 15 --tolerance 1e-6 --memory $memory -o pca.pmx"
	measure "$n cells, sort" sorted.pmx "pmx-sort --by gene_target --first NT --memory $memory pca.pmx -o sorted.pmx"
	measure "$n cells, signature" signature.pmx "pert-signature ${label[*]} --split-by replicate --memory $memory sorted.pmx -o signature.pmx"
	measure "$n cells, scores" scores.pmx "mixscale -q ${label[*]} --split-by replicate --memory $memory signature.pmx -o scores.pmx"
	printf '%s\t%s cells, disk\t%s MiB\n' "$name" "$n" "$(du -cm ./*.pmx | tail -n 1 | cut -f 1)"
}

# spent CELLS: CPU-seconds of all steps but the simulation.
spent() {
	local step sum=0 variable
	for step in prepare sort signature scores; do
		variable=cpu_$1_cells__$step
		sum=$(awk -v a="$sum" -v b="${!variable}" 'BEGIN { print a + b }')
	done
	echo "$sum"
}

few=$(scaled 100000 2000)
many=$(scaled 1000000 20000)
run_at "$few" "$(scaled 200 4)"
run_at "$many" "$(scaled 2000 40)"
note "times the CPU time of a cell at $few cells" "($(spent "$many") / $many) / ($(spent "$few") / $few)"

cat >spec.yaml <<YAML
name: shards
about: from the sorted screen on, in shards
inputs:
  input: {help: the screen with its components}
steps:
  shards:
    run: pmx-split --by gene_target --control NT --shards $shards --memory $memory --prefix shard {input}
    outputs: "shard.{1..$shards}.pmx"
  scored:
    for: k in 1..$shards
    run: >
      pert-signature ${label[*]} --split-by replicate --memory $memory shard.{k}.pmx |
      mixscale ${label[*]} --split-by replicate --memory $memory -o scored.{k}.pmx
    outputs: "scored.{k}.pmx"
  scores:
    run: pmx-cat --controls-once "scored.{1..$shards}.pmx" | pmx-view --obs -o scores.tsv
    outputs: scores.tsv
YAML
if ! command -v sbatch >/dev/null || [ "$(id -u)" != 0 ] || ! python=$(python_with snakemake==7.21.0 'pulp<2.8' 'setuptools<70'); then
	echo "$name: shards need Debian's slurm-wlm, root, and Snakemake 7 of PyPI" >&2
	exit 0
fi
"$bench/../flows/cluster" start "$work/cluster"
trap '"$bench/../flows/cluster" stop "$work/cluster"; rm -rf "$work"' EXIT
# shellcheck source=/dev/null
source "$work/cluster/env"
pmx-view --obs scores.pmx -o whole.tsv
rm -f signature.pmx sorted.pmx raw.pmx
pmx-flow snakemake spec.yaml --set input=pca.pmx --out sharded >Snakefile
measure 'shards on the cluster' sharded/scores.tsv "HOME=$work $(dirname "$python")/snakemake all --profile $bench/../../workflows/slurm -s Snakefile -q all"
cmp <(sort whole.tsv) <(sort sharded/scores.tsv)
printf '%s\tscores of %s shards: the same bytes as the whole\n' "$name" "$shards"
