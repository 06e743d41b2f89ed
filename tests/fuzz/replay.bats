bats_require_minimum_version 1.5.0
load ../setup

# The inputs of the fuzzers, seeds and what they found, through the same functions without the fuzzer.
replay() {
	run -0 "$BUILD/fuzz/$1" "$repo/tests/fuzz/corpus/$1"
	[[ $output == *"$(find "$repo/tests/fuzz/corpus/$1" -type f | wc -l) inputs"* ]]
}

@test "streams" { replay pmx; }
@test "h5ad and 10x h5" { replay h5; }
@test "text tables" { replay text; }
@test "Matrix Market" { replay market; }
@test "conditions" { replay where; }
@test "gene sets and weights" { replay sets; }

@test "an h5ad that announces more than it holds is refused before memory is asked for" {
	[[ $BUILD != *-san ]] || skip "a sanitizer needs all of the address space"
	for f in many_names many_labels long_row; do
		run -1 bash -o pipefail -c "ulimit -v 4000000; pmx-import '$repo/tests/fuzz/corpus/h5/$f' | wc -c"
		[[ $output == *"is damaged"* ]]
	done
	run -0 bash -c "ulimit -v 4000000; pmx-import '$repo/tests/fuzz/corpus/h5/large_chunk' | pmx-check"
	[[ $output == *"obsm/w is left out: obsm/w comes in chunks of 1024 MiB"* ]]
}

@test "every fuzzer has a corpus, and the corpora stay small" {
	for f in "$repo"/tests/fuzz/fuzz_*.c; do
		name=$(basename "$f" .c)
		[ -d "$repo/tests/fuzz/corpus/${name#fuzz_}" ]
	done
	[ "$(cat "$repo"/tests/fuzz/corpus/*/* | wc -c)" -lt 300000 ]
}
