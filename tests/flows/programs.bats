load ../setup
load flows

# A screen in which two targets each do the same, and drugs that undo or do what one of the pairs does.
setup() {
	work
	simulate-screen --cells 1200 --genes 300 --targets 3 --controls 240 --splits 2 --effect 3 --density 0.4 --seed 11 --truth truth.tsv -o screen.pmx
	pmx-export --to h5ad screen.pmx -o screen.h5ad
	pmx-view --columns gene_target screen.pmx | awk -F'\t' -v OFS='\t' 'NR == 1 { print "cell", "target"; next }
		{ print $1, $2 == "NT" ? $2 : $2 (NR % 2 ? "a" : "b") }' >obs.tsv
	awk -F'\t' -v OFS='\t' 'NR == FNR { effect[$1, $2] = $3; next }
		FNR == 1 { print "gene", "undoes_1", "does_1", "undoes_2", "does_2", "undoes_3", "does_3", "other1", "other2"; seed = 5; next }
		{ line = $1
			for (k = 1; k <= 8; k++) {
				seed = (seed * 16807) % 2147483647
				line = line OFS (k > 6 ? 0 : (k % 2 ? -1 : 1) * effect["T000" int((k + 1) / 2), $1]) + (seed / 2147483647 - 0.5) / 2
			}
			print line }' truth.tsv <(pmx-view --var screen.pmx) >drugs.tsv
}

@test "programs to drugs: run, the plain pipe, make and Snakemake leave the same bytes; what undoes a program leads" {
	local spec=$repo/workflows/screen-to-programs-to-drugs.yaml
	local given=(--set input=screen.h5ad --set obs=obs.tsv --set reference=drugs.tsv --set pert_key=target --set control=NT --set n_comps=5
		--set height=0.05 --set form=dense --set method=cosine --set aggregate=signature --set permutations=50)
	pmx-flow check "$spec" "${given[@]}"
	[ ! -e results ]
	mkdir plain
	pmx-import screen.h5ad --obs obs.tsv | normalize | pca --n-comps 5 | pert-signature --pert-key target --control NT --n-dims 5 -o plain/signature.pmx
	de-markers --pert-key target --control NT plain/signature.pmx -o plain/markers.pmx
	mixscale --pert-key target --control NT --markers plain/markers.pmx plain/signature.pmx | pmx-view --obs >plain/scores.tsv
	weighted-de --pert-key target --control NT --markers plain/markers.pmx plain/signature.pmx |
		decompose --height 0.05 | program-signature --form dense --seed 1 --gmt plain/programs.gmt -o plain/moved.pmx
	reference-build drugs.tsv -o plain/reference.ref
	rank --reference plain/reference.ref --method cosine --permutations 50 --seed 1 plain/moved.pmx >plain/drugs.tsv
	pmx-flow run -q "$spec" "${given[@]}" --out run
	for file in scores.tsv programs.gmt drugs.tsv; do cmp plain/$file run/$file; done
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { k = substr($at["target"], 2); last[k] = $at["signature_id"]; if ($at["rank"] == 1) first[k] = last[k] }
		END { for (k = 1; k <= 3; k++) if (first[k] != "undoes_" k) exit 1; exit length(first) != 3 }' run/drugs.tsv
	engines_agree "$spec" "${given[@]}"
	# What comes first is a matter of the ranking alone; the reference stays.
	pmx-flow run "$spec" "${given[@]}" --set want=mimic --out run 2>&1 | grep -q "1 of 8 steps ran"
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } $at["rank"] == 1 { good += $at["signature_id"] ~ /^does_/ } END { exit good != 3 }' run/drugs.tsv
	run -1 pmx-flow check "$spec" "${given[@]}" --set grouping=kmeans
	[[ $output == *"screen-to-programs-to-drugs.yaml:"*"kmeans"* ]]
}
