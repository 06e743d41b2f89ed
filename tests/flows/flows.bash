# shellcheck shell=bash
# A small screen and a workflow of three steps over it, quick enough to be run many times.
small_flow() {
	simulate-screen --cells 400 --genes 300 --targets 4 --controls 120 --splits 2 --effect 3 --density 0.4 --seed 11 -o "$1/screen.pmx"
	cat >"$1/flow.yaml" <<-'YAML'
	name: small
	inputs:
	  screen: {help: a stream of cells}
	parameters:
	  control: {required: true}
	  split_by:
	  neighbours: {type: int, default: 20, min: 1, max: 500}
	  shown: {type: choice, choices: [tsv, json], default: tsv}
	steps:
	  signature:
	    run: >
	      normalize {screen} | pca --n-comps 5 |
	      pert-signature --control {control} --split-by {split_by} -k {neighbours} --n-dims 5 -o signature.pmx
	    outputs: [signature.pmx]
	  markers:
	    run: de-markers --control {control} signature.pmx -o markers.pmx
	    outputs: [markers.pmx]
	  scores:
	    run: |
	      mixscale --control {control} --split-by {split_by} --markers markers.pmx signature.pmx |
	      pmx-view --obs > tables/scores.{shown}
	    outputs: ["tables/scores.{shown}"]
	YAML
}

# The same by hand.
small_pipe() {
	normalize "$1" | pca --n-comps 5 | pert-signature --control NT --split-by replicate -k "${2:-20}" --n-dims 5 -o signature.pmx
	de-markers --control NT signature.pmx -o markers.pmx
	mixscale --control NT --split-by replicate --markers markers.pmx signature.pmx | pmx-view --obs >scores.tsv
}

# snakemake_of VERSION: a snakemake of PyPI (7 or 9), or a skip with the reason.
snakemake_of() {
	local packages=(snakemake) python
	[ "$1" != 7 ] || packages=(snakemake==7.21.0 'pulp<2.8' 'setuptools<70')
	python=$(python_with "${packages[@]}") || skip "snakemake $1 cannot be had here"
	echo "$(dirname "$python")/snakemake"
}

# engines_agree SPEC ARGS...: make, and Snakemake 7 and 9, leave what is in run/.
engines_agree() {
	local spec=$1 version snakemake
	shift
	pmx-flow make "$spec" "$@" --out made >Makefile
	make -s -j 2
	diff -r -x .pmx-flow run made
	for version in 7 9; do
		snakemake=$(snakemake_of $version)
		pmx-flow snakemake "$spec" "$@" --out "snaked$version" >Snakefile
		env HOME="$PWD" "$snakemake" -s Snakefile -c 2 --quiet all >log 2>&1 || { cat log; false; }
		diff -r -x .pmx-flow run "snaked$version"
	done
}
