load ../setup
load flows

setup_file() {
	command -v munged && command -v slurmctld && command -v slurmd && command -v sbatch || return 0
	[ "$(id -u)" = 0 ] || return 0
	export CLUSTER=$BATS_FILE_TMPDIR/cluster
	"$BATS_TEST_DIRNAME/cluster" start "$CLUSTER"
	export SLURM_CONF=$CLUSTER/slurm.conf
}

teardown_file() {
	[ -z "${CLUSTER:-}" ] || "$BATS_TEST_DIRNAME/cluster" stop "$CLUSTER"
}

setup() {
	[ -n "${CLUSTER:-}" ] || skip "a cluster needs Debian's slurm-wlm, and root"
	work
	simulate-screen --cells 1200 --genes 300 --targets 12 --controls 240 --splits 2 --effect 3 --density 0.4 --seed 11 |
		pmx-export --to h5ad -o screen.h5ad
	given=(--set input=screen.h5ad --set control=NT --set split_by=replicate --set n_comps=5 --set memory=200M)
	pmx-flow run -q "$repo/workflows/screen-to-scores.yaml" "${given[@]}" --out whole
	given+=(--set shards=8)
	export HOME=$PWD
}

# profile: a copy that looks after the jobs often.
profile() {
	cp -r "$repo/workflows/slurm" profile
	printf 'max-status-checks-per-second: 10\n' >>profile/config.yaml
	sed -i 's/latency-wait: 60/latency-wait: 5/' profile/*.yaml
}

# snaked SNAKEMAKE ARGS...: a run of the Snakefile on the cluster.
snaked() {
	timeout 240 "$@" --profile profile -s Snakefile all >log 2>&1
}

@test "eight shards through sbatch, Snakemake 7: the scores of the whole; a killed job is done again" {
	local snakemake job
	snakemake=$(snakemake_of 7)
	profile
	pmx-flow snakemake "$repo/workflows/screen-sharded.yaml" "${given[@]}" --out out >Snakefile
	snaked "$snakemake" &
	# The first job that runs is killed; it is submitted again.
	for _ in $(seq 300); do
		job=$(squeue -h -t R -o %i | head -n 1)
		[ -z "$job" ] || break
		sleep 0.1
	done
	[ -n "$job" ]
	scancel "$job"
	wait %1 || { cat log; false; }
	cmp whole/scores.tsv out/scores.tsv
	grep -q "Trying to restart job" log
}

@test "the engine itself is killed in the middle: the next one loses nothing, Snakemake 7" {
	local snakemake pid made
	snakemake=$(snakemake_of 7)
	profile
	pmx-flow snakemake "$repo/workflows/screen-sharded.yaml" "${given[@]}" --out out >Snakefile
	setsid "$snakemake" --profile profile -s Snakefile all >log 2>&1 &
	pid=$!
	for _ in $(seq 300); do
		[ ! -e out/scored.1.pmx ] || break
		sleep 0.1
	done
	[ -e out/scored.1.pmx ]
	kill -9 -- "-$pid"
	squeue -h -o %i | xargs -r scancel
	while [ -n "$(squeue -h -o %i)" ]; do sleep 0.2; done
	made=$(stat -c %y out/shard.1.pmx)
	"$snakemake" --profile profile -s Snakefile --unlock >log 2>&1
	snaked "$snakemake" || { cat log; false; }
	cmp whole/scores.tsv out/scores.tsv
	# What was whole is not made again.
	[ "$(stat -c %y out/shard.1.pmx)" = "$made" ]
}

@test "eight shards through Snakemake 9 and its executor: the scores of the whole" {
	local python snakemake
	python=$(python_with snakemake snakemake-executor-plugin-slurm) || skip "the executor for slurm cannot be had here"
	snakemake=$(dirname "$python")/snakemake
	profile
	# The executor takes SLURM's variables from the environment of a job, and so the place of this cluster's settings from srun.
	mkdir bin
	printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$SLURM_CONF" "$(command -v srun)" >bin/srun
	chmod +x bin/srun
	PATH=$PWD/bin:$PATH
	printf 'slurm-init-seconds-before-status-checks: 2\nslurm-status-command: squeue\n' >>profile/config.v8+.yaml
	pmx-flow snakemake "$repo/workflows/screen-sharded.yaml" "${given[@]}" --out out >Snakefile
	snaked "$snakemake" --slurm-no-account || { cat log; false; }
	cmp whole/scores.tsv out/scores.tsv
}
