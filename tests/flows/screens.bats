load ../setup
load flows
setup() { work; small_flow .; mkdir plain; }

@test "run, the plain pipe, make and Snakemake 7 and 9 leave the same bytes" {
	local given=(--set screen=screen.pmx --set control=NT --set split_by=replicate) snakemake version
	pmx-flow check flow.yaml "${given[@]}"
	[ ! -e results ]
	(cd plain && small_pipe ../screen.pmx)
	pmx-flow run flow.yaml "${given[@]}" --out run
	cmp plain/scores.tsv run/tables/scores.tsv
	pmx-diff plain/signature.pmx run/signature.pmx
	pmx-flow make flow.yaml "${given[@]}" --out made >Makefile
	make -s
	diff -r -x .pmx-flow run made
	# Nothing is built a second time.
	run make
	[[ $output == *"Nothing to be done"* ]]
	for version in 7 9; do
		snakemake=$(snakemake_of $version)
		pmx-flow snakemake flow.yaml "${given[@]}" --out "snaked$version" -o Snakefile
		env HOME="$PWD" "$snakemake" -s Snakefile -c 2 --quiet all >log 2>&1 || { cat log; false; }
		diff -r -x .pmx-flow run "snaked$version"
		env HOME="$PWD" "$snakemake" -s Snakefile -c 2 all >log 2>&1
		grep -q "Nothing to be done" log
	done
}

@test "after a change only what depends on it runs again" {
	local given=(--set screen=screen.pmx --set control=NT --set split_by=replicate)
	pmx-flow run flow.yaml "${given[@]}" --out run
	pmx-flow run flow.yaml "${given[@]}" --out run 2>&1 | grep -q "0 of 3 steps ran"
	# The markers do not depend on the name of the table.
	pmx-flow run flow.yaml "${given[@]}" --set shown=json --out run 2>&1 | grep -q "1 of 3 steps ran"
	# Another number of neighbours: the signature, and with it all.
	pmx-flow run flow.yaml "${given[@]}" --set neighbours=10 --out run 2>&1 | grep -q "3 of 3 steps ran"
	(cd plain && small_pipe ../screen.pmx 10)
	cmp plain/scores.tsv run/tables/scores.tsv
	# An output that was damaged, and one that was lost.
	printf x >>run/markers.pmx
	pmx-flow run flow.yaml "${given[@]}" --set neighbours=10 --out run 2>&1 | grep -q "1 of 3 steps ran"
	rm run/signature.pmx
	pmx-flow run flow.yaml "${given[@]}" --set neighbours=10 --out run 2>&1 | grep -q "1 of 3 steps ran"
	# Another content of the input under the same name and time.
	touch -r screen.pmx before
	simulate-screen --cells 400 --genes 300 --targets 4 --controls 120 --splits 2 --effect 3 --density 0.4 --seed 12 -o screen.pmx
	touch -r before screen.pmx
	pmx-flow run flow.yaml "${given[@]}" --set neighbours=10 --out run 2>&1 | grep -q "3 of 3 steps ran"
	# make follows a change of a parameter, too, and the way back.
	pmx-flow make flow.yaml "${given[@]}" --out made >Makefile && make -s
	pmx-flow make flow.yaml "${given[@]}" --set neighbours=10 --out made >Makefile && make -s
	cmp run/tables/scores.tsv made/tables/scores.tsv
	pmx-flow make flow.yaml "${given[@]}" --out made >Makefile && make -s
	(cd plain && small_pipe ../screen.pmx 20)
	cmp plain/scores.tsv made/tables/scores.tsv
}

@test "a tool that fails stops the rest; step, tool and message are named, and nothing half is left" {
	pmx-select --rows 1-100 screen.pmx -o controls.pmx
	run pmx-flow run flow.yaml --set screen=controls.pmx --set control=NT --set split_by=replicate --out run
	[ "$status" = 1 ]
	[[ $output == *"step 'markers': de-markers ended with status 1:"*"control cells only"* ]]
	[[ $output != *"step 'scores'"* ]]
	[ "$(find run -type f -not -name lock | sort | tr '\n' ' ')" = "run/.pmx-flow/signature.json run/signature.pmx " ]
	# The input breaks off in the middle of the pipe: the first tool is to blame, not those that follow.
	head -c 40000 screen.pmx >cut.pmx
	run pmx-flow run flow.yaml --set screen=cut.pmx --set control=NT --out cut
	[ "$status" = 1 ]
	[[ $output == *"step 'signature': normalize ended with status 1:"*"ends"* ]]
	[ -z "$(find cut -name '*.pmx')" ]
	# A tool at the end that gives up: those before it end by the cut pipe, and are not named.
	cat >last.yaml <<-'YAML'
	inputs: {screen: }
	steps: {some: {run: "normalize {screen} | pmx-sort --by guide_id | pmx-select --where 'nothing = 1' -o some.pmx", outputs: some.pmx}}
	YAML
	run pmx-flow run last.yaml --set screen=screen.pmx --out last
	[ "$status" = 1 ]
	[[ $output == *"step 'some': pmx-select ended with status 1:"*"'nothing'"* ]]
	[ ! -e last/some.pmx ]
}

@test "values are arguments as they stand: nothing in them is read by a shell" {
	cat >odd.yaml <<-'YAML'
	inputs: {screen: }
	parameters: {where: }
	steps:
	  some:
	    run: pmx-select --where {where} {screen} | pmx-view --obs -o some.tsv
	    outputs: some.tsv
	YAML
	local odd="gene_target in ('NT', '\$(touch hacked)', '\`touch hacked\`;', '%d {x}')" snakemake
	for k in a b c; do mkdir "$k"; done
	pmx-flow run odd.yaml --set "screen=screen.pmx" --set "where=$odd" --out a
	pmx-flow make odd.yaml --set "screen=screen.pmx" --set "where=$odd" --out b >Makefile
	make -s
	snakemake=$(snakemake_of 9)
	pmx-flow snakemake odd.yaml --set "screen=screen.pmx" --set "where=$odd" --out c >Snakefile
	env HOME="$PWD" "$snakemake" -s Snakefile -c 1 --quiet all >log 2>&1 || { cat log; false; }
	[ "$(wc -l <a/some.tsv)" = 121 ]
	cmp a/some.tsv b/some.tsv
	cmp a/some.tsv c/some.tsv
	[ -z "$(find . -name hacked)" ]
	# A name that make cannot write is refused, not mangled.
	cp screen.pmx 'a screen.pmx'
	pmx-flow run odd.yaml --set "screen=a screen.pmx" --set "where=$odd" --out d
	cmp a/some.tsv d/some.tsv
	run pmx-flow make odd.yaml --set "screen=a screen.pmx" --set "where=$odd" --out e
	[ "$status" = 1 ]
	[[ $output == *"make cannot name the file"* ]]
}

@test "shards give the table of the whole, and two runs do not meet in a folder" {
	local given=(--set input=screen.h5ad --set control=NT --set split_by=replicate --set n_comps=5)
	pmx-export --to h5ad screen.pmx -o screen.h5ad
	pmx-flow run -q "$repo/workflows/screen-to-scores.yaml" "${given[@]}" --out whole
	pmx-flow run -q "$repo/workflows/screen-sharded.yaml" "${given[@]}" --set shards=3 --out sharded
	cmp whole/scores.tsv sharded/scores.tsv
	pmx-flow make "$repo/workflows/screen-sharded.yaml" "${given[@]}" --set shards=3 --out made >Makefile
	make -s -j 2
	cmp whole/scores.tsv made/scores.tsv
	flock whole/.pmx-flow/lock sleep 12 &
	sleep 0.2
	run pmx-flow run "$repo/workflows/screen-to-scores.yaml" "${given[@]}" --out whole
	kill %1 || true
	[ "$status" = 1 ]
	[[ $output == *"another run is at work"* ]]
}

@test "graph shows what reads what" {
	local given=(--set screen=screen.pmx --set control=NT)
	pmx-flow graph flow.yaml "${given[@]}" | grep -qx '    <- markers.pmx signature.pmx'
	# An option without a value is left out.
	pmx-flow graph flow.yaml "${given[@]}" | grep -qx '    mixscale --control NT --markers markers.pmx signature.pmx | pmx-view --obs > tables/scores.tsv'
	pmx-flow graph --dot flow.yaml "${given[@]}" | grep -qx '	markers -> scores \[label="markers.pmx"\];'
}
