load ../setup
load flows
# Nextflow itself is in no package that could be installed here: the blocks of the modules are read off their text and run in bash, with
# the flags that nf-core gives it.
modules=$BATS_TEST_DIRNAME/../../workflows/nextflow/modules/pertpipe

setup() {
	work
	mkdir bin task
	for tool in pertpipe; do ln -s "$BUILD/bin/$tool" bin/; done
}

block() {
	local module=$1
	shift
	python3 "$repo/tests/nextflow.py" "$modules/$module/main.nf" "$@"
}

# in_task COMMANDS: as a task of Nextflow, with the one program that the package puts on the PATH.
in_task() {
	(cd task && PATH=$BATS_TEST_TMPDIR/bin:/usr/bin:/bin bash -C -e -u -o pipefail -c "$1")
}

# Every output that the module declares is there, and nothing else that it made.
all_outputs() {
	local pattern n=0
	for pattern in $(block "$1" outputs | sed 's/\*/?*/'); do
		# shellcheck disable=SC2206
		local found=(task/$pattern)
		[ "${#found[@]}" = 1 ] && [ -e "${found[0]}" ]
		n=$((n + 1))
	done
	[ "$(find task -type f | wc -l)" = $n ]
}

@test "scores: the script leaves what the plain pipe does, the stub the same names" {
	small_flow .
	pmx-export --to h5ad screen.pmx -o screen.h5ad
	pmx-view --obs screen.pmx >obs.tsv
	local given=(task.cpus=2 meta.id=small "counts=../screen.h5ad" control=NT)
	in_task "$(block scores script "${given[@]}" split_by=replicate obs=../obs.tsv "task.ext.args3=--n-comps 5" "task.ext.args4=--n-dims 5" task.memory=5000 \
		"task.memory.toMega().intdiv(5)=1000")"
	all_outputs scores
	normalize screen.pmx | pca --n-comps 5 | pert-signature --control NT --split-by replicate --n-dims 5 |
		mixscale --control NT --split-by replicate | pmx-view --obs >plain.tsv
	cmp plain.tsv task/small.scores.tsv
	pmx-check -q task/small.scored.pmx
	rm task/*
	# Without what may be left out.
	in_task "$(block scores script "${given[@]}" task.ext.prefix=other)"
	all_outputs scores
	normalize screen.pmx | pca --n-comps 15 | pert-signature --control NT | mixscale --control NT | pmx-view --obs | cmp - task/other.scores.tsv
	rm task/*
	in_task "$(block scores stub "${given[@]}")"
	all_outputs scores
	rm task/*
	# A tool that fails ends the task.
	run -1 in_task "$(block scores script task.cpus=2 meta.id=small counts=../screen.h5ad control=NTC)"
	[[ $output == *"NTC"* ]]
}

@test "rank: the script leaves what rank does, the stub the same names" {
	simulate-signatures --targets 3 --compounds 30 --cell-lines 2 --genes 300 --seed 7 --out-dir sim
	reference-build -q sim/reference.pmx -o ref.ref
	in_task "$(block rank script task.cpus=1 meta.id=a targets=../sim/targets.pmx reference=../ref.ref "task.ext.args=--aggregate compound")"
	all_outputs rank
	rank --reference ref.ref --aggregate compound sim/targets.pmx | cmp - task/a.drugs.tsv
	rm task/*
	in_task "$(block rank stub meta.id=a)"
	all_outputs rank
}

@test "versions are bare numbers, and meta.yml names what main.nf has" {
	local module python
	python=$(python_with pyyaml) || skip "a reader of YAML cannot be had here"
	for module in scores rank; do
		[ "$(in_task "$(block $module evals)")" = "$(pertpipe --version | cut -d ' ' -f 2)" ]
		"$python" - "$modules/$module" <(block $module names) "$(pertpipe --version | cut -d ' ' -f 2)" <<-'P'
		import sys, yaml
		meta, env = (yaml.safe_load(open(f"{sys.argv[1]}/{f}.yml")) for f in ("meta", "environment"))
		inputs = [name for entry in meta["input"] for part in (entry if isinstance(entry, list) else [entry]) for name in part]
		assert list(meta["output"]) + inputs == open(sys.argv[2]).read().split(), (meta["output"], inputs)
		assert env["dependencies"] == [f"bioconda::pertpipe={sys.argv[3]}"], env
		P
	done
}

@test "the files are Groovy" {
	command -v groovy >/dev/null || skip "groovy is not installed"
	JAVA_HOME=$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")
	export JAVA_HOME
	cat >parse.groovy <<-'G'
	import org.codehaus.groovy.control.*
	args.each { path -> new CompilationUnit().with { addSource(new File(path)); compile(Phases.CONVERSION) } }
	G
	# An include is Nextflow's own word.
	sed '/^include {/d' "$repo/workflows/nextflow/main.nf" >main.nf
	groovy parse.groovy "$modules"/*/main.nf main.nf
	sed 's/^    stub:/    stub: {/' "$modules/rank/main.nf" >bad.nf
	run ! groovy parse.groovy bad.nf
}
