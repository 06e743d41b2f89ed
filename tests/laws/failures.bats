load ../setup

# law NAME: held against every tool in tools/; TOOL="a b" names some.
law() {
	python3 "$repo/tests/laws/law.py" "$1"
}

@test "a stream cut in any section, empty or foreign, is status 1 and leaves nothing" { law cut; }
@test "a stream without rows is done, or refused with a message" { law no_rows; }
@test "one bit of any section is refused or carried on, never taken for another result" { law flip; }
@test "a full disk is status 1 and leaves nothing" { law full_disk; }
@test "a reader that has gone ends the process without a word" { law cut_pipe; }
@test "a file appears whole or not at all, also after SIGTERM and kill -9" { law whole; }
