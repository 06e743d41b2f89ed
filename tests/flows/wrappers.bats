load ../setup
load flows

# The folders as they would stand in the repository of wrappers, and the one program that the package puts on the PATH.
setup() {
	work
	mkdir -p bin wrappers/master/bio
	ln -s "$BUILD/bin/pertpipe" bin/
	ln -s "$repo/workflows/snakemake-wrapper" wrappers/master/bio/pertpipe
}

# wrapped SNAKEMAKE TOOL TARGET ...: the test of a wrapper as it is written.
wrapped() {
	local snakemake=$1 tool=$2
	shift 2
	env HOME="$PWD" PATH="$PWD/bin:$(dirname "$snakemake"):/usr/bin:/bin" "$snakemake" -s "$repo/workflows/snakemake-wrapper/$tool/test/Snakefile" \
		--wrapper-prefix "file://$PWD/wrappers/" -c 2 -F "$@" >log 2>&1
}

@test "mixscale: a table and a stream, with Snakemake 7 and 9" {
	local snakemake version
	small_flow .
	normalize screen.pmx | pca --n-comps 5 | pert-signature --control NT --split-by replicate --n-dims 5 -o signature.pmx
	de-markers --control NT signature.pmx -o markers.pmx
	mixscale -q --control NT --split-by replicate --markers markers.pmx --max-de-genes 50 signature.pmx | pmx-view --obs >plain.tsv
	mixscale -q --control NT signature.pmx -o plain.pmx
	for version in 7 9; do
		snakemake=$(snakemake_of $version)
		wrapped "$snakemake" mixscale scores.tsv scored.pmx || { cat log logs/*; false; }
		cmp plain.tsv scores.tsv
		cmp plain.pmx scored.pmx
		rm scores.tsv scored.pmx
	done
	# What the tool says is in the log, and its failure is the rule's.
	mv markers.pmx away.pmx
	head -c 2000 away.pmx >markers.pmx
	run ! wrapped "$snakemake" mixscale scores.tsv
	grep -q "^mixscale: markers.pmx" logs/mixscale.log
	[ ! -e scores.tsv ]
}

@test "rank, with Snakemake 7 and 9" {
	local snakemake version
	simulate-signatures --targets 3 --compounds 30 --cell-lines 2 --genes 300 --seed 7 --out-dir sim
	cp sim/targets.pmx .
	reference-build -q sim/reference.pmx -o reference.ref
	for version in 7 9; do
		snakemake=$(snakemake_of $version)
		wrapped "$snakemake" rank drugs.tsv || { cat log logs/*; false; }
		rank -q --reference reference.ref --aggregate compound --permutations 20 targets.pmx | cmp - drugs.tsv
		rm drugs.tsv
	done
}

@test "what meta.yaml names is what the wrapper takes, and the environment is this version" {
	local python
	python=$(python_with pyyaml) || skip "a reader of YAML cannot be had here"
	"$python" - "$repo/workflows/snakemake-wrapper" "$(pertpipe --version | cut -d ' ' -f 2)" <<-'P'
	import os, re, sys, yaml
	for tool in sorted(os.listdir(sys.argv[1])):
	    at = os.path.join(sys.argv[1], tool)
	    meta, env = (yaml.safe_load(open(f"{at}/{f}.yaml")) for f in ("meta", "environment"))
	    text = open(f"{at}/wrapper.py").read()
	    named = lambda part: {name for entry in meta[part] if isinstance(entry, dict) for name in entry}
	    taken = lambda part: set(re.findall(rf"snakemake\.{part}(?:\.get\(\"|\.(?!get))(\w+)", text))
	    assert named("input") == taken("input") and named("params") == taken("params"), (tool, named("input"), taken("input"), named("params"), taken("params"))
	    assert env["dependencies"] == [f"pertpipe ={sys.argv[2]}"] and env["channels"][-1] == "nodefaults", env
	    assert os.path.exists(f"{at}/test/Snakefile") and meta["name"] == f"pertpipe {tool}", meta
	P
}
