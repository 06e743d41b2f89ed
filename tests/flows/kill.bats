load ../setup
load flows
setup() { work; small_flow .; }

# The processes of a run: the program itself and all that it started.
family() {
	local pid=$1
	echo "$pid"
	for child in $(cat "/proc/$pid/task/$pid/children" 2>/dev/null); do family "$child"; done
}

@test "kill -9 of any process at any moment: the next run finishes with the right bytes" {
	local given=(--set screen=screen.pmx --set control=NT --set split_by=replicate) pid victims tries killed=0 start took
	start=$(date +%s%N)
	pmx-flow run -q flow.yaml "${given[@]}" --out whole
	took=$((($(date +%s%N) - start) / 1000000))
	RANDOM=7
	for ((tries = 0; killed < 20 && tries < 80; tries++)); do
		rm -rf out
		mkdir out
		pmx-flow run -q flow.yaml "${given[@]}" --out out 2>log &
		pid=$!
		sleep "$(printf '0.%03d' $((RANDOM % (took < 900 ? took : 900))))"
		mapfile -t victims < <(family "$pid")
		# A run that is over already was slower when it was timed: a shorter wait from now on.
		if grep -q '^State:.[^Z]' "/proc/$pid/status" 2>/dev/null && kill -9 "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null; then
			killed=$((killed + 1))
		else
			took=$((took * 4 / 5 + 5))
		fi
		wait "$pid" || true
		# What carries the name of an output is whole, also while nobody has looked after it.
		find out -name '*.pmx' -not -name '.*' -exec sh -c 'for f; do pmx-check -q "$f" || exit 1; done' _ {} +
		[ ! -e out/tables/scores.tsv ] || cmp whole/tables/scores.tsv out/tables/scores.tsv
		pmx-flow run -q flow.yaml "${given[@]}" --out out
		diff -r -x .pmx-flow whole out
	done
	echo "$killed killed in $tries runs"
	[ "$killed" = 20 ]
}

@test "make, killed in the middle, takes up where it was" {
	local given=(--set screen=screen.pmx --set control=NT --set split_by=replicate) pid victims
	pmx-flow run -q flow.yaml "${given[@]}" --out whole
	pmx-flow make flow.yaml "${given[@]}" --out out >Makefile
	RANDOM=9
	for k in $(seq 6); do
		rm -rf out
		make -s >log 2>&1 &
		pid=$!
		sleep "0.$((RANDOM % 5))"
		mapfile -t victims < <(family "$pid")
		kill -9 "${victims[@]}" 2>/dev/null || true
		wait "$pid" || true
		make -s >log 2>&1
		diff -r -x .pmx-flow whole out
	done
}

@test "what a killed tool left of an output goes with the next run, also of a folder that it fills; other files stay" {
	cat >two.yaml <<-'YAML'
	inputs: {screen: }
	steps:
	  totals: {run: "normalize {screen} -o totals.pmx", outputs: totals.pmx}
	  drugs: {run: "simulate-signatures --targets 3 --compounds 30 --cell-lines 2 --genes 300 --out-dir sim", outputs: [sim/cells.pmx, sim/targets.pmx, sim/reference.pmx, sim/pairs.tsv, sim/truth.tsv]}
	YAML
	local snakemake way
	pmx-flow run -q two.yaml --set screen=screen.pmx --out whole
	snakemake=$(snakemake_of 9)
	for way in run make snakemake; do
		mkdir -p out/sim.44.partial
		touch out/totals.pmx.123.partial out/sim.44.partial/cells.pmx out/mine.partial out/totals.pmx.keep
		case $way in
		run) pmx-flow run -q two.yaml --set screen=screen.pmx --out out ;;
		make) pmx-flow make two.yaml --set screen=screen.pmx --out out >Makefile && make -s ;;
		snakemake)
			pmx-flow snakemake two.yaml --set screen=screen.pmx --out out >Snakefile
			env HOME="$PWD" "$snakemake" -s Snakefile -c 1 --quiet all >log 2>&1 || { cat log; false; } ;;
		esac
		rm out/mine.partial out/totals.pmx.keep
		diff -r -x .pmx-flow whole out
		rm -r out
	done
}
