load ../setup
load flows
setup() { work; small_flow .; printf 'cell\ttarget\n' >obs.tsv; }

# refused WORD TEXT [SED]...: flow.yaml changed by SED is refused with that text, at the place where WORD stands, before anything starts.
refused() {
	local word=$1 text=$2 found place
	shift 2
	if [ $# -gt 0 ]; then
		sed "$@" flow.yaml >bad.yaml
		cmp -s flow.yaml bad.yaml && { echo "the change did nothing"; return 1; }
	fi
	for command in check run make snakemake graph; do
		run pmx-flow $command bad.yaml "${given[@]}" --out out
		[ "$status" = 1 ] || { echo "$command: status $status"; return 1; }
		found=$(grep '^bad\.yaml:[0-9]*:[0-9]*: ' <<<"$output" | grep -F -- "$text") || { echo "$output"; return 1; }
		IFS=: read -r _ line column _ <<<"$found"
		place=$(sed -n "${line}p" bad.yaml | cut -c "$column"-)
		[ "${place#"$word"}" != "$place" ] || [ -z "$word" ] || { echo "$found stands at: $place"; return 1; }
		[[ $output == *"nothing was started"* ]]
		[ ! -e out ]
	done
}
given=(--set screen=screen.pmx --set control=NT --set split_by=replicate)

@test "the spec itself holds" {
	pmx-flow check flow.yaml "${given[@]}"
}

@test "1 what is not YAML" {
	refused "" "this is not YAML" '9s/.*/steps: [/'
}

@test "2 keys that are not there, or stand twice" {
	refused stepz "unknown key 'stepz' of a workflow; did you mean 'steps'?" 's/^steps:/stepz:/'
	refused output "unknown key 'output' of a step; did you mean 'outputs'?" '17s/outputs/output/'
	refused signature "'signature' stands twice" '15s/markers/signature/'
	refused integer "unknown type 'integer'" '7s/type: int/type: integer/'
	# A comma in a text between braces begins a key.
	refused "of cells" "unknown key 'of cells' of an input; there are help, default, required (a text with a comma is put in quotes)" '/screen:/s/a stream of cells/a stream, of cells/'
}

@test "3 a tool that is not there" {
	refused mixscaIe "there is no tool 'mixscaIe'; did you mean 'mixscale'?" 's/mixscale/mixscaIe/'
}

@test "4 an option that is not there" {
	refused --contro "de-markers has no option --contro; did you mean 'control'?" 's/de-markers --control/de-markers --contro/'
	refused "-z" "pert-signature has no option -z" 's/ -k / -z /'
}

@test "5 a value of the wrong type or out of range" {
	refused five "pca --n-comps takes a whole number, not 'five'" 's/--n-comps 5/--n-comps five/'
	refused 0 "pca --n-comps takes 1 to" 's/--n-comps 5/--n-comps 0/'
	refused 3 "de-markers --min-pct takes 0 to 1, not 3" 's/de-markers --control {control}/de-markers --control {control} --min-pct 3/'
	refused much "pca --memory takes a size like 512M or 2G, not 'much'" 's/--n-comps 5/--n-comps 5 --memory much/'
}

@test "6 a choice that is none" {
	refused wilcox "de-markers --test takes one of auto, lr, wilcoxon, t, not 'wilcox'; did you mean 'wilcoxon'?" \
		's/de-markers --control {control}/de-markers --control {control} --test wilcox/'
}

@test "7 a parameter that is not declared" {
	refused "{controls}" "there is no parameter or input 'controls'; did you mean 'control'?" '13s/{control}/{controls}/'
	refused "{screen" "a brace without its counterpart" '12s/{screen}/{screen/'
}

@test "8 a parameter that is used nowhere" {
	refused unused "parameter 'unused' is used in no step; write {unused} where it belongs" '7i\  unused: 3'
}

@test "9 a value that is missing" {
	given=(--set screen=screen.pmx)
	cp flow.yaml bad.yaml
	refused control "parameter 'control' has no value; give it one: --set control=VALUE"
}

@test "10 a value that does not fit its parameter, or has none" {
	cp flow.yaml bad.yaml
	given+=(--set neighbours=many)
	refused 20 "'neighbours' takes a whole number, not 'many'"
	given[7]=neighbours=501
	refused 20 "'neighbours' takes 500 or less, not 501"
	given[7]=shown=csv
	refused tsv "'shown' takes one of tsv, json, not 'csv'"
	given[7]=neighbors=3
	refused name "--set neighbors: the workflow has no input or parameter of that name; did you mean 'neighbours'?"
	given[7]=neighbours
	refused name "--set takes name=value, not 'neighbours'"
}

@test "11 a file that is not there, or that no step leaves" {
	refused signatur.pmx "no step leaves 'signatur.pmx'; did you mean 'signature.pmx'?" '16s/signature.pmx/signatur.pmx/'
	cp flow.yaml bad.yaml
	given[1]=screen=nowhere.pmx
	refused screen "input 'screen': there is no readable $PWD/nowhere.pmx"
}

@test "12 neighbours of unlike kinds" {
	refused tables "de-markers reads a stream of cells, and what comes here is text" -e '16s/signature.pmx -o/tables\/scores.{shown} -o/' -e '20s/--markers markers.pmx//'
	refused markers.pmx "mixscale reads a stream of cells, and what comes here is a stream of contrasts" '20s/ --markers markers.pmx signature.pmx/ markers.pmx/'
	refused pca "pmx-view writes text, and pca reads a stream" '12s/| pca/| pmx-view | pca/'
	markers=markers.pmx
	de-markers --control NT <(normalize screen.pmx) -o $markers
	cp flow.yaml bad.yaml
	given[1]=screen=$markers
	refused "{screen}" "normalize reads a stream of cells, and what comes here is a stream of contrasts"
}

@test "13 steps that wait for each other" {
	refused scores "steps wait for each other: scores needs markers.pmx of markers, which needs signature.pmx of signature, which needs tables/scores.tsv of scores" \
		'12s/pca --n-comps 5/pca --genes tables\/scores.{shown} --n-comps 5/'
}

@test "14 an output that two steps write, that none writes, or that is not named" {
	refused signature.pmx "'signature.pmx' is an output of step 'signature', too; give it another name" '17s/markers.pmx/signature.pmx/'
	refused marker.pmx "nothing in step 'markers' writes 'marker.pmx'" '17s/markers.pmx/marker.pmx/'
	refused markers.tsv "'markers.tsv' is written but not among the outputs: of step 'markers'" '16s/-o markers.pmx/-o markers.tsv/'
	refused ../markers.pmx "'../markers.pmx' cannot be an output: give a name inside the folder of results" '17s/markers.pmx/..\/markers.pmx/'
	refused markers "step 'markers' has no outputs; name the files that it leaves" '17d'
}

@test "15 what a shell would do and a workflow does not" {
	refused ";" "a step is one pipe: make another step of what follows" '16s/signature.pmx/; signature.pmx/'
	refused "\$HOME" "there are no shell variables or commands in a workflow" '16s/signature.pmx/$HOME/'
	refused "*.pmx" "file names are not completed in a workflow" '16s/signature.pmx/*.pmx/'
	refused "'sig" "this quote is not closed" "16s/signature.pmx/'signature.pmx/"
	refused ">>" "only | < > join commands and files in a workflow" '21s/>/>>/'
	refused "| pmx-view" "a tool is missing here" '21s/pmx-view/| pmx-view/'
}

@test "16 a tool that reads from nowhere, or whose result goes nowhere" {
	refused de-markers "de-markers has nothing to read: name a file, or put the tool behind a pipe" '16s/signature.pmx//'
	refused de-markers "the result of de-markers goes nowhere; end the step with -o FILE" '16s/-o markers.pmx//'
	refused signature.pmx "pmx-view reads 'signature.pmx', so what comes down the pipe is lost; leave out one of them" '21s/--obs/signature.pmx --obs/'
	refused pert-signature "pca writes to 'signature.pmx', so nothing comes down the pipe" '12s/--n-comps 5/--n-comps 5 -o signature.pmx/'
	refused "-o" "de-markers --output needs a value: --output FILE" '16s/-o markers.pmx/-o/'
}

@test "17 columns and labels that the data at hand do not have" {
	cp flow.yaml bad.yaml
	given=(--set screen=screen.pmx --set control=NTC --set split_by=replicate)
	refused "{control}" "pert-signature --control: column 'gene_target' has no label 'NTC'; it has NT, T0001"
	given=(--set screen=screen.pmx --set control=NT --set split_by=batch)
	refused "{split_by}" "pert-signature --split-by: there is no column 'batch'; there are cell, gene_target"
	# Of a folder the table that is joined tells.
	pmx-export --to 10x screen.pmx -o tenx
	pmx-view --obs screen.pmx >obs.tsv
	sed 's/normalize {screen}/pmx-import {screen} --obs {obs} | normalize/; s/^inputs:/inputs:\n  obs:/' flow.yaml >bad.yaml
	given=(--set screen=tenx --set obs=obs.tsv --set control=NTC --set split_by=replicate)
	refused "{control}" "pert-signature --control: column 'gene_target' has no label 'NTC'"
	given[5]=control=NT
	pmx-flow check bad.yaml "${given[@]}"
}

@test "all faults are listed in one look, in the order of their lines" {
	sed -e 's/pca --n-comps/pca --n-compz/' -e 's/mixscale/mixscal/' -e '16s/-o markers.pmx/-o m.pmx/' flow.yaml >bad.yaml
	run pmx-flow check bad.yaml "${given[@]}"
	[ "$status" = 1 ]
	[ "$(grep -o '^bad.yaml:[0-9]*' <<<"$output" | tr '\n' ' ')" = "bad.yaml:12 bad.yaml:16 bad.yaml:17 bad.yaml:20 " ]
	[[ $output == *"4 faults in bad.yaml; nothing was started"* ]]
}

@test "no bytes of a spec bring it down" {
	head -c 3000 /dev/urandom >bad.yaml
	run -1 pmx-flow check bad.yaml
	: >bad.yaml
	run -1 pmx-flow check bad.yaml
	[[ $output == *"bad.yaml:1:1: the file is empty"* ]]
	printf 'a: &a [*a]\nsteps: &b {x: *b}\n' >bad.yaml
	run -1 pmx-flow check bad.yaml
	for k in $(seq 1 40 700); do
		head -c "$k" flow.yaml >bad.yaml
		run -1 pmx-flow check bad.yaml "${given[@]}"
	done
	run -1 pmx-flow check nowhere.yaml
	run -2 pmx-flow chek flow.yaml
	[[ $output == *"did you mean check?"* ]]
}
