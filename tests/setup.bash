# shellcheck shell=bash
bats_require_minimum_version 1.5.0
# Loaded by every bats file: the built tools on the PATH, a folder of its own, the reference data where they are.
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
: "${BUILD:=$repo/build}"
export PATH=$BUILD/bin:$PATH LC_ALL=C OMP_WAIT_POLICY=passive
# A process that ends with a message frees nothing before; unit tests look for leaks.
export ASAN_OPTIONS=detect_leaks=0
shared=${PERTPIPE_SHARED:-$repo/../shared}

# Skips, with the reason, where reference data are not at hand.
need() {
	[ -e "$shared/$1" ] || skip "reference data $1 are not at hand"
}

work() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# A small screen that most tests can use: 600 cells x 400 genes x 6 targets.
small_screen() {
	simulate-screen --cells 600 --genes 400 --targets 6 --controls 120 --splits 2 --effect 1.5 --seed 11 "$@"
}

papalexi() {
	pmx-import --obs "$shared/data/papalexi_thp1/obs.tsv" "$shared/data/papalexi_thp1"
}

synth() {
	pmx-import --obs "$shared/data/synth_screen/obs.tsv" "$shared/data/synth_screen"
}

# worst GOLDEN COLUMN OURS COLUMN LIMIT [--key K] [--rel] [--text]: joins two tables and fails above the limit.
compare() {
	python3 "$repo/tests/compare.py" "$@"
}

# A Python (PYTHON, or python3) with the packages named, kept between runs; fails where there is no network.
python_with() {
	local venv=${TMPDIR:-/tmp}/pertpipe-tests-venv${PYTHON:+-$(basename "$PYTHON")} name
	name=$venv-$(echo "$*" | tr -c 'a-z0-9\n' -)
	if [ ! -e "$name/ready" ]; then
		(
			flock 9
			[ -e "$name/ready" ] && exit 0
			"${PYTHON:-python3}" -m venv "$name" && "$name/bin/pip" -q install "$@" && touch "$name/ready"
		) 9>"$name.lock" >&2 || return 1
	fi
	echo "$name/bin/python"
}
