# shellcheck shell=bash
# Loaded by every benchmark: the tools, a folder of its own, the simulated screen, rows of the table.
set -euo pipefail
bench=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bats_require_minimum_version() { :; }
# shellcheck source=tests/setup.bash
source "$bench/../setup.bash"
name=$(basename "$0" .sh)
work=$(mktemp -d "${TMPDIR:-/tmp}/pertpipe-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
keep=${KEEP:-$work}
mkdir -p "$keep"
label=(--pert-key gene_target --control NT)

# SCALE of a number, at least the second argument.
scaled() {
	awk -v n="$1" -v scale="$SCALE" -v least="${2:-1}" 'BEGIN { m = int(n * scale + 0.5); print m < least ? least : m }'
}

# measure STEP OUTPUT 'COMMAND': a row of the table; the figures stay in wall_STEP and cpu_STEP.
measure() {
	local figures
	figures=$(python3 "$bench/measure.py" "$2" "$3")
	printf '%s\t%s\t%s\n' "$name" "$1" "$figures"
	printf -v "wall_${1//[^a-z0-9]/_}" %s "$(cut -f 1 <<<"$figures")"
	printf -v "cpu_${1//[^a-z0-9]/_}" %s "$(cut -f 2 <<<"$figures")"
}

# note TEXT AWK-EXPRESSION
note() {
	awk -v name="$name" -v text="$1" "BEGIN { printf \"%s\t%s: %.3g\n\", name, text, $2 }"
}

# The screen, cells in mixed order as it comes from a lab: raw.pmx and raw.h5ad.
screen() {
	raw=$keep/raw-$SCALE
	[ -e "$raw.h5ad" ] && return
	simulate-screen --cells "$(scaled 50000 2000)" --genes "$(scaled 8000 400)" --targets "$(scaled 250 5)" --splits 3 --density 0.25 \
		--seed 3 --shuffle -o "$raw.pmx"
	pmx-export --to h5ad "$raw.pmx" -o "$raw.part" && mv "$raw.part" "$raw.h5ad"
}

# Normalised, controls first.
sorted() {
	sorted=$keep/sorted-$SCALE.pmx
	[ -e "$sorted" ] || normalize "$raw.pmx" | pmx-sort --by gene_target --first NT -o "$sorted"
}

# peer PACKAGE JOB: seconds of each of its steps as rows, the sum in peer_wall; fails, with the reason, where it cannot run.
peer() {
	local python log=$work/peer.tsv
	[ "$PEERS" = yes ] || { echo "$name: PEERS=$PEERS, so there is no comparison with $1" >&2; return 1; }
	python=$(python_with "$1" scanpy anndata) || { echo "$name: $1 cannot be installed here; no comparison" >&2; return 1; }
	"$python" "$bench/peer.py" "$2" "$raw.h5ad" >"$log" 2>"$log.err" || { echo "$name: $1 does not run here ($(tail -n 1 "$log.err")); no comparison" >&2; return 1; }
	sed "s/^/$name\t$1 /" "$log"
	peer_wall=$(awk -F '\t' '{ sum += $2 } END { print sum }' "$log")
	peer_cpu=$(awk -F '\t' '{ sum += $3 } END { print sum }' "$log")
}
