#!/usr/bin/env bash
# install-dependencies.sh [build|tests|checks|cluster]: the Debian packages that are missing, installed by name: what the build needs;
# with "tests" (the default) what `make test` needs, too; with "checks" what .ci/run needs; with "cluster" also SLURM, for
# tests/flows/slurm.bats. As root or with sudo that asks no password; else the line to run is printed, and the status is 1 only where the build would fail.
set -euo pipefail
scope=${1:-tests}
build=(gcc libc6-dev make pkg-config libhdf5-dev libzstd-dev zlib1g-dev libyaml-dev libjansson-dev libopenblas-dev liblapacke-dev
	librandom123-dev libxxhash-dev)
tests=(bats mandoc python3 python3-venv zstd time zsh fish)
# Of the tests of a cluster, which else are skipped.
cluster=(slurm-wlm munge)
checks=(clang libomp-dev libclang-rt-dev shellcheck valgrind)
case $scope in
build) wanted=("${build[@]}") ;;
tests) wanted=("${build[@]}" "${tests[@]}") ;;
checks) wanted=("${build[@]}" "${tests[@]}" "${checks[@]}") ;;
cluster) wanted=("${build[@]}" "${tests[@]}" "${cluster[@]}") ;;
*) echo "usage: $0 [build|tests|checks|cluster]" >&2; exit 2 ;;
esac

# What the build needs of a package may be there without it: another compiler, a library built by hand.
there() {
	case $1 in
	gcc) command -v "${CC:-cc}" ;;
	make) command -v make ;;
	pkg-config) command -v "${PKG_CONFIG:-pkg-config}" ;;
	libhdf5-dev) "${PKG_CONFIG:-pkg-config}" --exists hdf5 ;;
	libzstd-dev) "${PKG_CONFIG:-pkg-config}" --exists libzstd ;;
	zlib1g-dev) "${PKG_CONFIG:-pkg-config}" --exists zlib ;;
	libyaml-dev) "${PKG_CONFIG:-pkg-config}" --exists yaml-0.1 ;;
	libjansson-dev) "${PKG_CONFIG:-pkg-config}" --exists jansson ;;
	libopenblas-dev) "${PKG_CONFIG:-pkg-config}" --exists openblas ;;
	liblapacke-dev) "${PKG_CONFIG:-pkg-config}" --exists lapacke ;;
	libc6-dev) header stdio.h ;;
	librandom123-dev) header Random123/philox.h ;;
	libxxhash-dev) header xxhash.h ;;
	*) false ;;
	esac >/dev/null 2>&1
}

header() {
	# shellcheck disable=SC2086
	echo "#include <$1>" | "${CC:-cc}" ${CPPFLAGS:-} -E -x c -
}

list_missing() {
	local package installed=""
	installed=$(dpkg-query -W -f '${Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^install ok installed //p') || true
	for package; do
		grep -qxF "$package" <<<"$installed" || there "$package" || echo "$package"
	done
}

mapfile -t missing < <(list_missing "${wanted[@]}")
[ "${#missing[@]}" -gt 0 ] || exit 0

may=yes as_root=()
if [ "$(id -u)" != 0 ]; then
	as_root=(sudo -n)
	sudo -n true 2>/dev/null || may=no
fi
if [ $may = yes ] && command -v apt-get >/dev/null; then
	echo "installing ${missing[*]}" >&2
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
	if "${apt[@]}" update >"$log" 2>&1 && "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 </dev/null; then
		exit 0
	fi
	tail -n 15 "$log" >&2
fi

mapfile -t needed < <(list_missing "${build[@]}")
mapfile -t missing < <(list_missing "${wanted[@]}")
[ "${#missing[@]}" -gt 0 ] || exit 0
echo "missing: ${missing[*]}; to install them, as root:" >&2
echo "apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
[ "${#needed[@]}" = 0 ]
