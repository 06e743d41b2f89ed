load ../setup

# law NAME: held against every tool in tools/; TOOL="a b" names some.
law() {
	python3 "$repo/tests/laws/law.py" "$1"
}

@test "a file, a pipe, stdin and - give the same bytes, on stdout and with -o" { law pipe; }
@test "1, 2 and 8 threads, -v and a progress bar change no byte" { law threads; }
@test "streams in any blocks give the same results" { law blocks; }
@test "cells and genes in any order give the same results, once sorted" { law order; }
