load ../setup
load ../screens

setup_file() {
	reference_screens
	small_screen | normalize | pca --n-comps 8 -o "$BATS_FILE_TMPDIR/small.pmx"
}

setup() {
	work
	small=$BATS_FILE_TMPDIR/small.pmx
}

@test "neighbours equal R's exact ones: 0 cells differ" {
	need golden/seurat
	for screen in papalexi synth; do
		pmx-view --obsm nt_neighbors "$BATS_FILE_TMPDIR/$screen.sig.pmx" >near.tsv
		# Ours are places among the control rows of the stream, R's are columns of the matrix from 1.
		pmx-view --obs "$BATS_FILE_TMPDIR/$screen.sig.pmx" >obs.tsv
		python3 - "$(golden $screen)/nn_indices.tsv.gz" near.tsv obs.tsv "$(control_of $screen)" "$shared" <<'P'
import csv, gzip, sys
golden, near, obs, control, shared = sys.argv[1:]
folder = "papalexi_thp1" if "papalexi" in golden else "synth_screen"
cells = gzip.open(f"{shared}/data/{folder}/barcodes.tsv.gz", "rt").read().split()
controls = [r["cell"] for r in csv.DictReader(open(obs), delimiter="\t") if r["gene_target"] == control]
rows = csv.reader(open(near), delimiter="\t"); next(rows)
ours = {r[0]: [controls[int(x)] for x in r[1:]] for r in rows}
n = differ = order = 0
for r in csv.DictReader(gzip.open(golden, "rt"), delimiter="\t"):
    theirs = [cells[int(x) - 1] for x in r["nn"].split(",")]
    n += 1; differ += set(theirs) != set(ours[r["cell"]]); order += theirs != ours[r["cell"]]
print(f"{n} cells, {differ} differ, {order} in order"); sys.exit(n < 3000 or differ or order)
P
	done
}

@test "the signature equals R's to 1e-12, with and without split" {
	need golden/seurat
	for screen in papalexi synth; do
		local g
		g=$(golden $screen)
		# The reference has genes as rows and 500 (200) cells as columns.
		zcat "$g/prtb_subset.tsv.gz" | head -n 1 | tr '\t' '\n' | tail -n +2 >cells
		pmx-view --layer X_pert --genes "@$BATS_FILE_TMPDIR/$screen.genes" "$BATS_FILE_TMPDIR/$screen.sig.pmx" >ours.tsv
		python3 - "$g/prtb_subset.tsv.gz" ours.tsv <<'P'
import csv, gzip, sys
g = list(csv.reader(gzip.open(sys.argv[1], "rt"), delimiter="\t")); cells = g[0][1:]
o = csv.reader(open(sys.argv[2]), delimiter="\t"); at = {name: i for i, name in enumerate(next(o))}
want = set(cells); ours = {r[0]: r for r in o if r[0] in want}
worst = n = 0
for row in g[1:]:
    for c, v in zip(cells, row[1:]):
        worst = max(worst, abs(float(v) - float(ours[c][at[row[0]]]))); n += 1
print(f"{n} values, worst {worst:.3g}"); sys.exit(n < 100000 or not worst <= 1e-12)
P
		for way in split nosplit; do
			local file=$BATS_FILE_TMPDIR/$screen.sig.pmx sums=prtb_cell_sums
			if [ $way = nosplit ]; then
				file=nosplit.pmx sums=prtb_cell_sums_nosplit
				pert-signature --control "$(control_of $screen)" "$BATS_FILE_TMPDIR/$screen.pca.pmx" -o $file
			fi
			# Sums over all cells and all genes, to what 1e-12 a value makes of them.
			pmx-view --layer X_pert --genes "@$BATS_FILE_TMPDIR/$screen.genes" $file |
				awk -F'\t' 'NR == 1 { print "cell\tsum\tsumsq"; for (i = 2; i <= NF; i++) name[i] = $i; next }
					{ s = q = 0; for (i = 2; i <= NF; i++) { s += $i; q += $i * $i; S[i] += $i; Q[i] += $i * $i } printf "%s\t%.17g\t%.17g\n", $1, s, q }
					END { print "gene\tsum\tsumsq" >"genes.tsv"; for (i = 2; i <= NF; i++) printf "%s\t%.17g\t%.17g\n", name[i], S[i], Q[i] >"genes.tsv" }' >sums.tsv
			python3 "$repo/tests/compare_matrix.py" <(zcat "$g/$sums.tsv.gz" | cut -f1-3) sums.tsv 1e-9
			python3 "$repo/tests/compare_matrix.py" <(zcat "$g/${sums/cell/gene}.tsv.gz") genes.tsv 1e-7
		done
	done
}

@test "neighbours and signature equal pertpy's with exact neighbours" {
	need golden/pertpy
	local g=$shared/golden/pertpy/papalexi
	zcat "$g/X_pca15.tsv.gz" | sed 's/^cell\([0-9]\)/cell_\1/' >pca.tsv
	pmx-join --obsm X_pca=pca.tsv "$BATS_FILE_TMPDIR/papalexi.norm.pmx" | pert-signature --control non-targeting --split-by replicate -o sig.pmx
	zcat "$g/X_pert_nn_exact_sample240.tsv.gz" | sed 's/^cell\([0-9]\)/cell_\1/' >golden.tsv
	pmx-view --layer X_pert sig.pmx >ours.tsv
	[ "$(head -n 1 ours.tsv | cut -f2-)" = "$(head -n 1 golden.tsv | cut -f2-)" ]
	python3 "$repo/tests/compare_matrix.py" golden.tsv ours.tsv 1e-12
	# The reference names a control by its row in the screen from 0, the stream by its place among the controls.
	pmx-view --obsm nt_neighbors sig.pmx >near.tsv
	pmx-view --columns gene_target sig.pmx >labels.tsv
	python3 - "$g/nn_exact20_control_row_index0.tsv.gz" near.tsv labels.tsv "$shared/data/papalexi_thp1/barcodes.tsv.gz" <<'P'
import csv, gzip, sys
golden, near, labels, barcodes = sys.argv[1:]
cells = gzip.open(barcodes, "rt").read().split()
controls = [r["cell"] for r in csv.DictReader(open(labels), delimiter="\t") if r["gene_target"] == "non-targeting"]
rows = csv.reader(open(near), delimiter="\t"); next(rows)
ours = {r[0]: [controls[int(x)] for x in r[1:]] for r in rows}
theirs = csv.reader(gzip.open(golden, "rt"), delimiter="\t"); next(theirs)
n = differ = 0
for r in theirs:
    n += 1; differ += {cells[int(x)] for x in r[1:]} != set(ours[r[0].replace("cell", "cell_")])
print(f"{n} cells, {differ} differ"); sys.exit(n < 20000 or differ)
P
}

@test "the mean of the split is pertpy's" {
	need golden/pertpy
	zcat "$shared/golden/pertpy/papalexi/X_pert_split_by_sample240.tsv.gz" | sed 's/^cell\([0-9]\)/cell_\1/' >golden.tsv
	pert-signature --control non-targeting --split-by replicate --ref-selection-mode split_by "$BATS_FILE_TMPDIR/papalexi.pca.pmx" |
		pmx-view --layer X_pert >ours.tsv
	[ "$(head -n 1 ours.tsv | cut -f2-)" = "$(head -n 1 golden.tsv | cut -f2-)" ]
	python3 "$repo/tests/compare_matrix.py" golden.tsv ours.tsv 1e-12
}

@test "threads, blocks and pipes change nothing; the stream checks" {
	pert-signature --control NT -t 1 "$small" -o one.pmx
	pert-signature --control NT -t 8 <"$small" >eight.pmx
	cmp one.pmx eight.pmx
	pmx-check -q one.pmx
	pmx-sort --by gene_target --first NT --block-rows 7 "$small" | pert-signature --control NT | pmx-diff one.pmx -
}

@test "a control is its own first neighbour, and neighbours stay in their split" {
	pert-signature --control NT --split-by replicate "$small" -o sig.pmx
	paste <(pmx-view --obs sig.pmx | cut -f2,4) <(pmx-view --obsm nt_neighbors sig.pmx) | awk -F'\t' '
		NR == 1 { next }
		$1 == "NT" { c = controls + 0; if ($4 != c) bad++; split_of[c] = $2; controls++ }
		{ want[NR] = $2; for (i = 4; i <= NF; i++) near[NR, i] = $i; width = NF }
		END { for (r in want) for (i = 4; i <= width; i++) if (split_of[near[r, i]] != want[r]) bad++; print controls, bad + 0; exit !(controls == 120 && !bad) }'
}

@test "cells without a split or a position get a reason" {
	pmx-view --obsm X_pca "$small" | awk -F'\t' 'BEGIN { OFS = "\t" } NR == 300 { $3 = "NaN" } { print }' >pca.tsv
	pmx-view --obs "$small" | awk -F'\t' 'BEGIN { OFS = "\t"; print "cell", "rep2" } NR > 1 { print $1, NR == 400 ? "NA" : $4 }' >labels.tsv
	pmx-join --obs labels.tsv "$small" | pmx-join --obsm P2=pca.tsv |
		pert-signature --control NT --split-by rep2 --use-rep P2 2>notes | pmx-view --obs >obs.tsv
	grep -q '2 of 600 cells got no signature' notes
	[ "$(grep -c no_position obs.tsv)" = 1 ]
	[ "$(grep -c no_split obs.tsv)" = 1 ]
}

@test "bad input is refused with what to do" {
	run pert-signature --control NT --n-neighbors 100 --split-by replicate "$small" -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"fewer than the 100 neighbours"*"--n-neighbors"* ]]
	small_screen | normalize -o nopca.pmx
	run pert-signature --control NT nopca.pmx -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"run pca first"* ]]
	run pert-signature --control NT --layer counts "$small" -o out.pmx
	[ "$status" -eq 1 ]
	run pert-signature --control NT --ref-selection-mode split_by "$small" -o out.pmx
	[ "$status" -eq 2 ]
	[[ $output == *"needs --split-by"* ]]
	pmx-view --obs "$small" | awk -F'\t' 'BEGIN { OFS = "\t"; print "cell", "rep2" } NR > 1 { print $1, $2 == "NT" ? "a" : NR % 2 ? "a" : "b" }' >labels.tsv
	run bash -c "pmx-join --obs labels.tsv '$small' | pert-signature --control NT --split-by rep2 -o out.pmx"
	[ "$status" -eq 1 ]
	[[ $output == *"split 'b' has 0 control cells"* ]]
	[ ! -e out.pmx ]
}

@test "--dense stores the same values, and scores are the same" {
	for mode in nn split_by; do
		pert-signature --control NT --split-by replicate --ref-selection-mode $mode "$small" -o recipe.pmx
		pert-signature --control NT --split-by replicate --ref-selection-mode $mode --dense "$small" -o stored.pmx
		pmx-check -q stored.pmx
		pmx-view --layer X_pert recipe.pmx >a.tsv
		pmx-view --layer X_pert stored.pmx >b.tsv
		cmp a.tsv b.tsv
		mixscale -q --control NT recipe.pmx | pmx-view --obs >a.tsv
		mixscale -q --control NT stored.pmx | pmx-view --obs >b.tsv
		cmp a.tsv b.tsv
		# What is stored may be sorted; a recipe may not.
		pmx-sort --by replicate --first rep1 stored.pmx >/dev/null
	done
}
