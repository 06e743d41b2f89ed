load ../setup

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	simulate-screen --cells 1500 --genes 800 --targets 6 --controls 120 --splits 3 --effect 1.5 --density 0.6 --seed 11 |
		normalize -o screen.pmx
}

setup() {
	work
	set -o pipefail
	screen=$BATS_FILE_TMPDIR/screen.pmx
}

fails_with() { # TEXT COMMAND...
	local text=$1
	shift
	run "$@"
	[ "$status" = 1 ] || { echo "status $status: $output"; return 1; }
	[[ $output == *"$text"* ]] || { echo "no '$text' in: $output"; return 1; }
	[ ! -e out.pmx ]
}

# marked FILE: how many genes are.
marked() {
	pmx-view --var "$1" | awk -F '\t' 'NR == 1 { for (i in f) delete f[i]; for (i = 1; i <= NF; i++) f[$i] = i } NR > 1 && $f["highly_variable"] == "True"' | wc -l
}

# The gene columns after hvg with these arguments. (pmx-view --var reads no rows, so a pipe would break.)
columns() {
	hvg "$@" -o columns.pmx
	pmx-view --var columns.pmx
}

# as_scanpy SCREEN.pmx N
as_scanpy() {
	py=$(python_with scanpy scikit-misc) || skip "pip cannot fetch scanpy"
	pmx-export --to h5ad "$1" -o screen.h5ad
	for f in vst seurat cell_ranger; do
		columns -q --flavor $f -n "$2" "$1" >$f.tsv
		columns -q --flavor $f -n "$2" --batch-key replicate "$1" >$f.batch.tsv
	done
	"$py" "$repo/tests/compare_hvg.py" screen.h5ad . "$2"
}

@test "the genes and values of scanpy, with and without batches" {
	as_scanpy "$screen" 150
}

@test "the genes and values of scanpy on the real screen" {
	need data/papalexi_thp1
	papalexi | normalize -o real.pmx
	as_scanpy real.pmx 60
}

@test "vst marks the genes of Seurat in its order" {
	Rscript -e 'library(Seurat)' >/dev/null 2>&1 || skip "there is no R with Seurat"
	pmx-export --to 10x "$screen" -o m
	columns -n 200 "$screen" >ours.tsv
	Rscript "$repo/tests/compare_seurat_hvg.R" m ours.tsv 200
}

@test "threads, blocks and pipes change no byte, and the order of the cells no value of vst" {
	for flavor in vst seurat cell_ranger; do
		hvg --flavor $flavor -n 100 -t 1 --batch-key replicate "$screen" -o one.pmx
		hvg --flavor $flavor -n 100 -t 8 --batch-key replicate <"$screen" >eight.pmx
		cmp one.pmx eight.pmx
		cat "$screen" | hvg --flavor $flavor -n 100 -t 2 --batch-key replicate >pipe.pmx
		cmp one.pmx pipe.pmx
		pmx-sort --by gene_target --first NT --block-rows 7 "$screen" | hvg --flavor $flavor -n 100 --batch-key replicate -o sorted.pmx
		[ $flavor != vst ] || pmx-view --var sorted.pmx | cmp - <(pmx-view --var one.pmx)
		[ "$(marked sorted.pmx)" = 100 ]
	done
}

@test "what goes on is the stream with gene columns; pca takes the marked genes" {
	hvg -n 100 "$screen" -o vst.pmx
	[ "$(marked vst.pmx)" = 100 ]
	pmx-check vst.pmx
	pmx-export --to tsv --layer counts vst.pmx | cmp - <(pmx-export --to tsv --layer counts "$screen")
	pmx-view --var vst.pmx | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "highly_variable") k = i } $k == "True" { print $1 }' >genes.txt
	pca --use-hvg --n-comps 5 vst.pmx | pmx-view --obsm X_pca >a.tsv
	pca --genes genes.txt --n-comps 5 "$screen" | pmx-view --obsm X_pca | cmp - a.tsv
	# Another flavor takes its columns away.
	hvg --flavor seurat -n 50 --batch-key replicate vst.pmx -o both.pmx
	pmx-view --var both.pmx | head -n 1 >head
	grep -q dispersions_norm head
	run ! grep -q variances head
	columns -n 100 both.pmx >again.tsv
	[ "$(tr '\t' '\n' <again.tsv | sort)" = "$(pmx-view --var vst.pmx | tr '\t' '\n' | sort)" ]
}

@test "one batch is like no batches" {
	pmx-select --where 'replicate == rep1' "$screen" -o part.pmx
	for flavor in vst seurat cell_ranger; do
		columns --flavor $flavor -n 100 part.pmx >alone.tsv
		columns --flavor $flavor -n 100 --batch-key replicate part.pmx |
			awk -F '\t' -v OFS='\t' '{ if (NR == 1) for (i = 1; i <= NF; i++) if ($i == "highly_variable_nbatches") k = i
				line = $1; for (i = 2; i <= NF; i++) if (i != k) line = line OFS $i; print line }' | cmp - alone.tsv
	done
}

@test "fewer genes vary than are wanted: a note, and those that do" {
	printf 'cell' >t.tsv
	for g in $(seq 30); do printf '\tG%s' "$g" >>t.tsv; done
	for c in $(seq 40); do
		printf '\nc%s' "$c" >>t.tsv
		for g in $(seq 28); do printf '\t%s' $(((c * g * 7 + c * c) % (g + 2))) >>t.tsv; done
		printf '\t0\t3' >>t.tsv
	done
	echo >>t.tsv
	pmx-import -q t.tsv | normalize -o t.pmx
	run --separate-stderr hvg t.pmx -o out.pmx
	[ "$status" = 0 ]
	[[ $stderr == *"28 of 30 genes are marked"* ]]
	[ "$(marked out.pmx)" = 28 ]
	pmx-view --var out.pmx | awk -F '\t' '$1 == "G29" || $1 == "G30" { n += $2 == "False" } END { exit n != 2 }'
}

@test "bad input is refused with what to do" {
	small_screen -o raw.pmx
	fails_with "run normalize first" hvg --flavor seurat raw.pmx -o out.pmx
	fails_with "does not hold counts" hvg --layer X "$screen" -o out.pmx
	fails_with "nope" hvg --layer nope "$screen" -o out.pmx
	fails_with "holds counts" hvg --flavor seurat --layer counts "$screen" -o out.pmx
	fails_with "replicate" hvg --batch-key nope "$screen" -o out.pmx
	run hvg --flavor nope "$screen"
	[ "$status" = 2 ]
	head -c 60000 "$screen" >cut.pmx
	run hvg cut.pmx -o out.pmx
	[ "$status" = 1 ] && [ ! -e out.pmx ]
	printf 'cell\tA\tB\nc1\t0.5\t-1\nc2\t2\t0\n' | pmx-import -q - -o negative.pmx
	fails_with "cell c1, gene B: -1 is no log-normalised value" hvg --flavor seurat negative.pmx -o out.pmx
	printf 'cell\tA\tB\nc1\t1\t2\nc2\t3\t1\n' | pmx-import -q - -o few.pmx
	fails_with "no trend" hvg few.pmx -o out.pmx
	printf 'cell\tA\tB\nc1\t1\t2\n' | pmx-import -q - -o one.pmx
	fails_with "more cells are needed" hvg one.pmx -o out.pmx
}

@test "cells without a batch do not count, and a batch of one cell is refused" {
	pmx-view --columns replicate "$screen" | awk -F '\t' -v OFS='\t' 'NR == 1 { $2 = "b" } NR > 1 && NR < 12 { $2 = "NA" } { print }' >b.tsv
	pmx-join --obs b.tsv "$screen" -o b.pmx
	run --separate-stderr hvg -n 50 --batch-key b b.pmx -o a.pmx
	[ "$status" = 0 ]
	[[ $stderr == *"10 cells have no batch"* ]]
	pmx-view --columns replicate "$screen" | awk -F '\t' -v OFS='\t' 'NR == 1 { $2 = "b" } NR == 5 { $2 = "lonely" } { print }' >b.tsv
	pmx-join --obs b.tsv "$screen" -o b.pmx
	fails_with "batch lonely: a single cell" hvg --batch-key b b.pmx -o out.pmx
}
