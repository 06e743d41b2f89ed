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

@test "every fuzzer has a corpus, and the corpora stay small" {
	for f in "$repo"/tests/fuzz/fuzz_*.c; do
		name=$(basename "$f" .c)
		[ -d "$repo/tests/fuzz/corpus/${name#fuzz_}" ]
	done
	[ "$(cat "$repo"/tests/fuzz/corpus/*/* | wc -c)" -lt 300000 ]
}
