bats_require_minimum_version 1.5.0
load setup

# The pages of man5 and man7: every command in them is run, and what they say that it prints is compared.

setup() {
	work
}

page() { # NAME.SECTION
	awk -f "$repo/tests/manual_blocks.awk" "$repo/man/man${1##*.}/$1" >page.sh
	grep -q '^echo' page.sh
	bash page.sh
}

@test "pertpipe-tutorial(7)" {
	[ ! -e "$shared/data/papalexi_thp1" ] || export SCREEN=$shared/data/papalexi_thp1
	if [ -e "$shared/data/l1000_plate_cpc006_a375_6h" ]; then
		export PLATE=$shared/data/l1000_plate_cpc006_a375_6h WEIGHTS=$shared/data/l1000_tsa_mcf7/tsa_mcf7_symbols.tsv
	fi
	page pertpipe-tutorial.7
}

@test "pertpipe-coming-from(7)" {
	page pertpipe-coming-from.7
}

@test "pertpipe-differences(7)" {
	page pertpipe-differences.7
}

@test "pertpipe(7) and pmx(5)" {
	simulate-screen -q --cells 1200 --genes 200 --targets 4 --controls 300 --effect 1.5 --seed 1 -o s.pmx
	pmx-export -q --to 10x s.pmx -o filtered_feature_bc_matrix
	pmx-view --columns gene_target,guide_id,replicate s.pmx >guides.tsv
	page pertpipe.7
	page pmx.5
}

@test "no command of a page goes unrun" {
	tools=$(cd "$repo/tools" && printf '%s\n' *.c | sed 's/\.c$//' | paste -sd'|')
	for f in "$repo"/man/man[57]/*; do
		# A literal block without a mark has no line that begins with a tool, nor has a line that stands alone.
		awk -v tools="^(pertpipe )?($tools)( |\$)" '
			/^\.\\" (run|prints)/ { marked = 1; next }
			/^\.Bd .*-literal/ { block = 1; skip = marked; marked = 0; next }
			/^\.Ed/ { block = 0 }
			block && !skip && $0 ~ tools { print FILENAME ":" FNR ": " $0; bad = 1 }
			/^\.D[1l] / { s = $0; sub(/^\.D[1l] /, "", s); if (s ~ tools) { print FILENAME ":" FNR ": " s; bad = 1 } }
			END { exit bad }' "$f"
	done
}

@test "every tool stands in pertpipe(7)" {
	for f in "$repo"/tools/*.c; do
		t=$(basename "$f" .c)
		[ "$t" = TEMPLATE ] || grep -qE "^\.It .*Xr $t 1|^\.Xr $t 1" "$repo/man/man7/pertpipe.7" || { echo "$t does not"; return 1; }
	done
}

@test "a page that shows other output, or whose command fails, fails" {
	printf '%s\n' '.\" run' '.Bd -literal' "printf 'a\\etb\\en'" .Ed '.\" prints' '.Bd -literal' 'a	b' .Ed >good.7
	awk -f "$repo/tests/manual_blocks.awk" good.7 | bash
	sed 's/^a	b/a	c/' good.7 >other.7
	run -1 bash -c "awk -f '$repo/tests/manual_blocks.awk' other.7 | bash"
	[[ $output == *"line 2: other output"* ]]
	sed 's/^printf.*/false/' good.7 >fails.7
	run ! bash -c "awk -f '$repo/tests/manual_blocks.awk' fails.7 | bash"
}

@test "every option that a page of man7 names is one of a tool" {
	for t in "$repo"/tools/*.c; do
		t=$(basename "$t" .c)
		[ "$t" = TEMPLATE ] || "$t" --emit json
	done >declarations
	python3 - "$repo"/man/man7/*.7 <<-'PY'
		import json, re, sys
		text, at, names = open("declarations").read(), 0, {"help", "version", "emit"}
		while text[at:].strip():
		    at += len(text[at:]) - len(text[at:].lstrip())
		    tool, n = json.JSONDecoder().raw_decode(text[at:])
		    at += n
		    for o in tool["options"]:
		        names |= {o["name"], "no-" + o["name"]}
		wrong = [(page, o) for page in sys.argv[1:] for o in re.findall(r"\bFl \\-((?:[a-z]|\\-)+)", open(page).read()) if o.replace("\\-", "-") not in names]
		assert len(names) > 100 and not wrong, wrong
	PY
}
