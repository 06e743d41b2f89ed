load ../setup

# law NAME: held against every tool in tools/; TOOL="a b" names some.
law() {
	python3 "$repo/tests/laws/law.py" "$1"
}

@test "--help is on stdout alone and fits a screen; --version is NAME X.Y.Z" { law help_and_version; }
@test "wrong options and values out of range are status 2, with nothing on stdout" { law wrong_options; }
@test "every page is the page of the declaration" { law pages; }
@test "completions are sound and offer every option" { law completions; }
@test "every example runs and leaves sound streams" { law examples; }
@test "no stream goes to a terminal, and none is waited for from one" { law terminal; }

@test "a wrong arrow between layers is found" {
	"$repo/tests/check-layers"
	mkdir -p "$BATS_TEST_TMPDIR/house/tests" "$BATS_TEST_TMPDIR/house/tools"
	cp -r "$repo/common" "$BATS_TEST_TMPDIR/house"
	cp "$repo/tests/check-layers" "$BATS_TEST_TMPDIR/house/tests"
	cp "$repo"/tools/*.c "$BATS_TEST_TMPDIR/house/tools"
	cd "$BATS_TEST_TMPDIR/house"
	sed -i '1i #include "stream/reader.h"' common/num/pca.c
	run -1 tests/check-layers
	[[ $output == *"common/num/pca.c (num) includes stream/"* ]]
}

@test "no tool is over 300 lines" {
	wc -l "$repo"/tools/*.c | awk '$2 != "total" && $1 > 300 { print; bad = 1 } END { exit bad }'
}
