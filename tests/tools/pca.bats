load ../setup
load ../screens

setup_file() {
	reference_screens
	small_screen | normalize -o "$BATS_FILE_TMPDIR/small.pmx"
	# More genes than are diagonalised: the iterations are at work.
	simulate-screen --cells 900 --genes 1300 --targets 5 --seed 5 | normalize -o "$BATS_FILE_TMPDIR/wide.pmx"
}

setup() {
	work
	small=$BATS_FILE_TMPDIR/small.pmx
	wide=$BATS_FILE_TMPDIR/wide.pmx
}

@test "components equal R's exact ones, up to sign, to 1e-9" {
	need golden/seurat
	for screen in papalexi synth; do
		pmx-view --obsm X_pca "$BATS_FILE_TMPDIR/$screen.pca.pmx" >ours.tsv
		python3 "$repo/tests/compare_matrix.py" --sign-free "$(golden $screen)/pca_embeddings.tsv.gz" ours.tsv 1e-9
	done
}

@test "variances and loadings equal R's" {
	need golden/seurat
	for screen in papalexi synth; do
		# The metadata of the genes: the first column is the name, the last 15 are the loadings.
		pmx-view --var "$BATS_FILE_TMPDIR/$screen.pca.pmx" | awk -F'\t' '{ printf "%s", $1; for (i = NF - 14; i <= NF; i++) printf "\t%s", $i; print "" }' >ours.tsv
		head -n 1 ours.tsv | grep -q 'PCs_1'
		python3 "$repo/tests/compare_matrix.py" --sign-free "$(golden $screen)/pca_loadings.tsv.gz" ours.tsv 1e-9
		pmx-info --json "$BATS_FILE_TMPDIR/$screen.pca.pmx" >info.json
		python3 - "$(golden $screen)/pca_sdev.tsv.gz" info.json <<'P'
import csv, gzip, json, sys
rows = list(csv.DictReader(gzip.open(sys.argv[1], "rt"), delimiter="\t"))
text = open(sys.argv[2]).read()
pca = json.loads(text)["notes"]["pca"]
sd = [float(r[next(k for k in r if "sdev" in k.lower() or k == "stdev")]) for r in rows][:15]
assert len(sd) == 15
for s, v in zip(sd, pca["variance"]):
    assert abs(s * s - v) < 1e-9 * v, (s * s, v)
P
	done
}

@test "threads, blocks, memory and pipes change no byte of the scores" {
	for file in "$small" "$wide"; do
		pca --n-comps 6 -t 1 "$file" -o one.pmx
		pca --n-comps 6 -t 8 <"$file" >eight.pmx
		cmp one.pmx eight.pmx
		cat "$file" | pca --n-comps 6 -t 2 >pipe.pmx
		cmp one.pmx pipe.pmx
		pca --n-comps 6 --memory 50K "$file" -o little.pmx
		pmx-view --obsm X_pca one.pmx >a.tsv
		pmx-view --obsm X_pca little.pmx >b.tsv
		cmp a.tsv b.tsv
		pmx-sort --by gene_target --first NT --block-rows 3 "$file" | pca --n-comps 6 | pmx-view --obsm X_pca >b.tsv
		cmp a.tsv b.tsv
	done
}

@test "components are orthogonal and ordered, on all genes and on a list" {
	pmx-view --var "$small" | awk 'NR > 1 && NR % 2 { print $1 }' >genes.txt
	for options in "" "--scale" "--genes genes.txt --scale"; do
		# shellcheck disable=SC2086
		pca $options --n-comps 5 "$small" | pmx-view --obsm X_pca >scores.tsv
		awk -F'\t' 'NR > 1 { n++; for (i = 2; i <= 6; i++) { s[i] += $i; for (j = 2; j <= 6; j++) d[i, j] += $i * $j } }
			END { for (i = 2; i <= 6; i++) { if ((s[i] / n) ^ 2 > 1e-16) exit 1
				for (j = 2; j < i; j++) if (d[i, j] ^ 2 > 1e-16 * d[i, i] * d[j, j]) exit 1
				if (i > 2 && d[i, i] > d[i - 1, i - 1]) exit 1 } }' scores.tsv
	done
}

@test "genes marked by hvg are used, and --use-hvg wants them" {
	run pca --use-hvg --n-comps 3 "$small" -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"run hvg first"* ]]
}

@test "bad input is refused with what to do" {
	small_screen -o raw.pmx
	run pca raw.pmx -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"run normalize first"* ]]
	run pca --n-comps 5000 "$small" -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"at most"*"lower --n-comps"* ]]
	run pca --layer counts "$small" -o out.pmx
	[ "$status" -eq 1 ]
	run pca --genes nowhere "$small" -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"nowhere"* ]]
	printf 'cell\ta\tb\nc1\t0.5\tNA\nc2\t1.5\t2.5\nc3\t1\t2\n' >nan.tsv
	run bash -c "pmx-import --layer X nan.tsv | pca --n-comps 1 -o out.pmx"
	[ "$status" -eq 1 ]
	[[ $output == *"gene b has a value that is not finite"* ]]
	printf 'cell\ta\tb\tc\nc1\tNA\t0.5\t1\nc2\t1.5\t2.5\t1\nc3\t1\t2\t3\n' >nan.tsv
	run bash -c "pmx-import --layer X nan.tsv | pca --n-comps 1 -o out.pmx"
	[ "$status" -eq 1 ]
	[[ $output == *"gene a has a value that is not finite"* ]]
	[ ! -e out.pmx ]
}
