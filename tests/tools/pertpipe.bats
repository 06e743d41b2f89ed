load ../setup
load screens
setup() { work; }

@test "alone and with --help it lists every tool" {
	pertpipe >list
	pertpipe --help >help
	for f in "$repo"/tools/*.c; do
		t=$(basename "$f" .c)
		[ "$t" = TEMPLATE ] || [ "$t" = pertpipe ] || grep -qE "^  $t +[^ ]" list
		[ "$t" = TEMPLATE ] || [ "$t" = pertpipe ] || grep -qE "^  $t +[^ ]" help
	done
	grep -qx 'Look at and move streams' list
}

@test "it runs a tool with its arguments, input and status" {
	tiny_screen -o a.pmx
	pertpipe pmx-view --head 3 a.pmx | cmp - <(pmx-view --head 3 a.pmx)
	cat a.pmx | pertpipe pmx-info -q | cmp - <(pmx-info a.pmx)
	run -2 pertpipe pmx-info --nonsense
	[[ $output == *"pmx-info: unknown option --nonsense"* ]]
	run -1 pertpipe pmx-check /nonexistent
	[ "$(pertpipe pmx-info --version)" = "$(pmx-info --version)" ]
}

@test "a name that is near is offered; wrong options are its own" {
	run -2 pertpipe pmx-inof
	[[ $output == *"did you mean pmx-info?"* ]]
	run -2 pertpipe quite-another
	[[ $output == *"no tool 'quite-another'"* ]]
	run -2 pertpipe --nonsense
	[[ $output == *"pertpipe: unknown option --nonsense"* ]]
	run -2 pertpipe ../bin/pmx-info
	run -2 pertpipe ''
	[[ "$(pertpipe --version)" =~ ^pertpipe\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	pertpipe --emit json | python3 -c 'import json, sys; assert json.load(sys.stdin)["tool"] == "pertpipe"'
}

@test "it finds the tools through a link, and runs no program that is none of them" {
	mkdir bin box
	cp "$(command -v pertpipe)" "$(command -v pmx-info)" box
	printf '#!/bin/sh\ntouch %s/was-run\n' "$PWD" >box/stranger
	chmod +x box/stranger
	ln -s ../box/pertpipe bin/pertpipe
	bin/pertpipe >list
	grep -q '^  pmx-info' list
	run -1 grep -q stranger list
	run -2 bin/pertpipe stranger
	[ ! -e was-run ]
	run -2 bin/pertpipe normalize
}

@test "a full disk is status 1" {
	[ -e /dev/full ] || skip "there is no /dev/full"
	run -1 bash -c 'pertpipe >/dev/full'
	run -1 bash -c 'pertpipe --help >/dev/full'
}
