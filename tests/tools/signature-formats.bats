bats_require_minimum_version 1.5.0
load ../setup

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	py=$(python_with cmapPy==4.0.1 'pandas<2.3' 'numpy<2') || return 0
	"$py" "$repo/tests/lincs.py" make || return 1
	echo "$py" > python
}

setup() {
	work
	set -o pipefail
	[ ! -e "$BATS_FILE_TMPDIR/python" ] || py=$(cat "$BATS_FILE_TMPDIR/python")
	files=$BATS_FILE_TMPDIR
}

cmappy_at_hand() {
	[ -n "${py:-}" ] || skip "pip cannot fetch cmapPy"
}

fails_with() {
	local text=$1
	shift
	run "$@"
	[ "$status" = 1 ] || { echo "status $status: $output"; return 1; }
	[[ $output == *"$text"* ]] || { echo "no '$text' in: $output"; return 1; }
}

# notes TEXT COMMAND...: success, and the text on standard error.
notes() {
	local text=$1
	shift
	run --separate-stderr "$@"
	[ "$status" = 0 ] || { echo "status $status: $stderr"; return 1; }
	[[ $stderr == *"$text"* ]] || { echo "no '$text' in: $stderr"; return 1; }
}

tsv() {
	pmx-export --to tsv "$@"
}

# Three genes, two signatures, one field of the genes and two of the signatures.
gct() {
	printf '#1.3\n3\t2\t1\t2\nid\tpr_gene_symbol\ts1\ts2\npert_dose\tna\t10\t-666\npert_dose_unit\tna\t\xc2\xb5M\tna\n'
	printf 'g1\tTP53\t1.5\t-2\ng2\t-666\t0\tNaN\ng3\tMYC\t-666\t7\n'
}

long() {
	printf 'signature_id\tcompound\tcell_line\tgene_symbol\tscore\tdose\n'
	printf 's1\taspirin\tA375\tTP53\t1.5\t10\ns2\tvorinostat\tMCF7\tMYC\t-3\t2.5\ns1\taspirin\tA375\tMYC\t0\t10\n'
}

@test "a GCT comes in with the types of its metadata and with what is missing" {
	gct > x.gct
	notes "2 values are missing (1 NaN, 1 of -666)" pmx-import x.gct -o x.pmx
	[ "$(tsv x.pmx)" = "$(printf 'signature_id\tg1\tg2\tg3\ns1\t1.5\t0\tNaN\ns2\t-2\tNaN\t7')" ]
	pmx-info x.pmx > info
	grep -q '^signatures: 2 rows x 3 columns' info
	grep -q 'pert_dose  *i64' info
	grep -q 'pr_gene_symbol  *categorical: MYC, TP53' info
	[ "$(pmx-view --obs x.pmx | cut -f 2,3)" = "$(printf 'pert_dose\tpert_dose_unit\n10\tµM\nNA\tNA')" ]
	pmx-import --label pert_dose x.gct | pmx-info - | grep -q 'pert_dose  *categorical: 10'
	printf '#1.2\n2\t1\nNAME\tDescription\ts1\ng1\tna\t1\ng2\tna\t2\n' | pmx-import - | tsv > old
	[ "$(cat old)" = "$(printf 'signature_id\tg1\tg2\ns1\t1\t2')" ]
	pmx-import --kind cells x.gct | pmx-info - | grep -q '^cells: 2 rows'
	printf 'g3\ng1\n' > genes
	[ "$(pmx-import --genes genes x.gct | tsv | head -n 2)" = "$(printf 'signature_id\tg1\tg3\ns1\t1.5\tNaN')" ]
}

@test "the name of a file does not matter, nor do line ends, compression and a pipe" {
	gct > x.gct
	pmx-import x.gct -q | tsv > want
	cp x.gct text.gctx
	sed 's/$/\r/' x.gct > crlf.gct
	tr '\n' '\r' < x.gct > mac.gct
	gzip -k mac.gct
	zstd -q x.gct -o x.zst
	{ printf '\xef\xbb\xbf'; cat x.gct; } > bom.gct
	for f in bom.gct text.gctx crlf.gct mac.gct mac.gct.gz x.zst; do
		pmx-import -q $f | tsv | cmp - want
	done
	pmx-import -q - < x.gct | tsv | cmp - want
	# CR is looked for across the buffer's end, too.
	{ printf 'cell\tA\r'; head -c 262131 /dev/zero | tr '\0' 'x'; printf '\t3\rc2\t4'; } > long-mac
	[ "$(pmx-import long-mac | tsv | tail -n 1)" = "$(printf 'c2\t4')" ]
}

@test "Latin-1 becomes UTF-8, with a note" {
	gct | iconv -f UTF-8 -t LATIN1 > x.gct
	notes "1 texts were not UTF-8 and were read as Latin-1" pmx-import x.gct -o x.pmx
	pmx-view --obs x.pmx | grep -q µM
	printf 'g\ts1\ng1\t1\n' > w.tsv
	printf 'id\tunit\ns1\t\xb5M\n' > o.tsv
	notes "read as Latin-1" pmx-import --kind signatures --rows genes --obs o.tsv w.tsv -o w.pmx
	pmx-view --obs w.pmx | grep -q µM
}

@test "damaged GCT files are named by line and column" {
	gct | sed 's/1\.5/abc/' > x; fails_with "x, line 6: column 3 ('s1'): 'abc' is no number" pmx-import x
	gct | sed '$d' > x; fails_with "the file ends after 2 genes where line 2 announces 3" pmx-import x
	{ gct; printf 'g4\tX\t1\t1\n'; } > x; fails_with "line 9: line 2 announces 3 genes, but more lines follow" pmx-import x
	gct | sed '2s/.*/3\t3\t1\t2/' > x; fails_with "line 3: 4 names, but line 2 announces 5" pmx-import x
	gct | sed '2s/.*/3\t2\t1\t9/' > x; fails_with "the file ends after 5 of 9 signature fields" pmx-import x
	gct | sed '2s/.*/3\t2/' > x; fails_with "line 2: GCT 1.3 has here 4 whole numbers" pmx-import x
	gct | sed '2s/.*/3\t-2\t1\t2/' > x; fails_with "line 2: GCT 1.3 has here 4 whole numbers" pmx-import x
	gct | sed '7s/$/\t5/' > x; fails_with "line 7: 5 fields, but the header has 4 names" pmx-import x
	gct | sed 's/^g3/g1/' > x; fails_with "gene 'g1' stands at places 1 and 3" pmx-import x
	pmx-import -q --make-unique x | tsv | head -n 1 | grep -q 'g1.1$'
	gct | sed '3s/s2/s1/' > x; fails_with "signature 's1' stands at places 1 and 2" pmx-import x
	printf '#1.3\n' > x; fails_with "the file ends before the numbers of genes and signatures" pmx-import x
	printf '#1.3\n4294967295\t1\t0\t0\nid\ts1\n' > x; fails_with "whole numbers" pmx-import x
	gct | gzip | head -c 60 > x; fails_with "truncated" pmx-import x
}

@test "metadata without a signature, and the reverse, are counted" {
	gct > x.gct
	printf 'sig_id\tmoa\ns1\tHDAC inhibitor\ns9\tx\ns10\ty\n' > o.tsv
	notes "o.tsv: 1 of 2 signatures have no line and get missing values, such as s2" pmx-import --obs o.tsv x.gct -o x.pmx
	[[ $stderr == *"o.tsv: 2 of 3 lines are of no signature of the matrix"* ]]
	[ "$(pmx-view --obs x.pmx | cut -f 1,4)" = "$(printf 'signature_id\tmoa\ns1\tHDAC inhibitor\ns2\tNA')" ]
}

@test "a long table comes in, in any order and within any memory" {
	long > x
	pmx-import x -o x.pmx
	[ "$(tsv x.pmx)" = "$(printf 'signature_id\tTP53\tMYC\ns1\t1.5\t0\ns2\tNaN\t-3')" ]
	[ "$(pmx-view --obs x.pmx)" = "$(printf 'signature_id\tcompound\tcell_line\tdose\ns1\taspirin\tA375\t10\ns2\tvorinostat\tMCF7\t2.5')" ]
	tr '\t' , < x | zstd -q | pmx-import - | pmx-diff x.pmx -
	awk 'BEGIN { OFS = "\t"; print "signature_id", "gene_symbol", "score", "moa"; for (s = 0; s < 700; s++) for (g = 0; g < 400; g++) if ((s * 7 + g) % 5) print "s" s, "g" g, (s * 31 + g * 17) % 1009 / 8, "m" s % 9 }' > sorted
	{ head -n 1 sorted; tail -n +2 sorted | awk '{ print (NR * 7919) % 224000 "\t" $0 }' | sort -n | cut -f 2-; } > mixed
	pmx-import sorted | pmx-view --layer X --obs > a
	pmx-import --memory 1M mixed | pmx-view --layer X --obs > b
	[ "$(wc -l < a)" = 701 ]
	# Rows and columns come in the order of their first lines.
	by_name() { awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next } { for (i = 2; i <= NF; i++) print $1, name[i], $i }' "$1" | sort; }
	cmp <(by_name a) <(by_name b)
}

@test "what a long table cannot mean is said" {
	{ long; printf 's2\tvorinostat\tMCF7\tMYC\t-3\t2.5\n'; } > x; fails_with "signature s2, gene MYC stands there twice" pmx-import x -o /dev/null
	long | sed 's/score/zscore/' > x; fails_with "score is missing; found: signature_id, compound, cell_line, gene_symbol, zscore, dose" pmx-import x
	long | sed 's/signature_id/name/' > x; fails_with "signature_id is missing; found: name" pmx-import x
	long | sed '3s/-3/low/' > x; fails_with "x, line 3: column 5 ('score'): 'low' is no number" pmx-import x
	long | sed '4s/$/\t1/' > x; fails_with "line 4: 7 fields, but the header has 6" pmx-import x
	long | sed '4s/MYC//' > x; fails_with "line 4: the gene_symbol is empty" pmx-import x
	long | head -n 1 > x; fails_with "no line of scores" pmx-import x
	long | sed '4s/10$/20/' > x; notes "column 'dose' differs within a signature (line 4) and is left out" pmx-import x -o x.pmx
	! pmx-view --obs x.pmx | grep -q dose
}

@test "gene sets are rows of ones, and come back as they were" {
	printf 'UP\tabout\tTP53\tMYC\nDN\t\tEGR1\tMYC\tMYC\nNONE\tna\n' > x.gmt
	notes "1 genes stand in a set more than once" pmx-import x.gmt -o x.pmx
	[[ $stderr == *"1 sets are empty"* ]]
	[ "$(tsv x.pmx)" = "$(printf 'signature_id\tTP53\tMYC\tEGR1\nUP\t1\t1\t0\nDN\t0\t1\t1\nNONE\t0\t0\t0')" ]
	[ "$(pmx-export --to gmt x.pmx)" = "$(printf 'UP\tabout\tTP53\tMYC\nDN\tna\tMYC\tEGR1')" ]
	printf 'A\tna\t7157\t4609\nB\tna\t1958\t4609\n' | pmx-import - | pmx-export --to gmt - | cmp - <(printf 'A\tna\t7157\t4609\nB\tna\t4609\t1958\n')
	printf 'one\thttp://x\tTP53\tMYC\n' | pmx-import - | pmx-info - | grep -q '^signatures: 1 rows x 2'
	printf 'A\tna\tX\nC\tna\tY\nB\n' > bad.gmt; fails_with "bad.gmt, line 3: a set needs a name" pmx-import bad.gmt
	printf 'A\tna\tX\nA\tna\tY\n' > bad.gmt; fails_with "set 'A' stands at places 1 and 2" pmx-import bad.gmt
	printf 'sig\ta\tb\tc\ns1\t2\t-1\t0\ns2\t1\t3\tNaN\n' > w.tsv
	[ "$(pmx-import -q --kind signatures w.tsv | pmx-export -q --to gmt)" = "$(printf 's1_UP\tna\ta\ns1_DN\tna\tb\ns2\tna\tb\ta')" ]
	# A table of text columns is no GMT.
	printf 'cell\ttarget\tguide\tn\nc1\tNT\tg1\t3\nc2\tA\tg2\t4\n' > o.tsv; fails_with "is no number; metadata belong" pmx-import o.tsv
}

@test "a wide table of signatures, either way round" {
	printf 'gene\ts1\ts2\nA\t1\t2\nB\t0\tNA\nC\t3\t4\n' > genes.tsv
	pmx-import -q --kind signatures --rows genes genes.tsv -o g.pmx
	[ "$(tsv g.pmx)" = "$(printf 'signature_id\tA\tB\tC\ns1\t1\t0\t3\ns2\t2\tNaN\t4')" ]
	pmx-info g.pmx | grep -q 'X  *f64 dense'
	tsv g.pmx > s.tsv
	pmx-import -q --kind signatures s.tsv | pmx-diff g.pmx -
	pmx-import -q --kind signatures --rows signatures s.tsv | pmx-diff g.pmx -
}

@test "GCT and GCTX go out and come back the same" {
	gct > x.gct
	pmx-import -q x.gct -o x.pmx
	for to in gct gctx; do
		pmx-export --to $to x.pmx -o y.$to
		pmx-import -q y.$to | pmx-diff x.pmx -
	done
	pmx-export --to gct x.pmx | sed '2q;d' | grep -qx "$(printf '3\t2\t1\t2')"
	pmx-export --to gctx --float32 --compression gzip x.pmx -o z.gctx
	pmx-import -q z.gctx | pmx-info - | grep -q 'X  *f32 dense'
	pmx-import -q z.gctx | tsv | cmp - <(tsv x.pmx)
	cp y.gctx named.gct
	pmx-import -q named.gct | pmx-diff x.pmx -
	run pmx-export --to gctx x.pmx; [ "$status" = 2 ]
	run pmx-export --to gct --float32 x.pmx; [ "$status" = 2 ]
	pmx-export --to gct x.pmx | cmp - y.gct
	# A stream cut short leaves no file.
	head -c 700 x.pmx > cut.pmx
	for to in gct gctx gmt; do
		run pmx-export --to $to cut.pmx -o cut.$to
		[ "$status" = 1 ] && [ ! -e cut.$to ]
	done
}

@test "cells leave as GCT and GCTX: recipes are computed" {
	small_screen | normalize -o n.pmx
	pmx-export --to gctx --layer X n.pmx -o n.gctx
	pmx-export --to gct --layer X n.pmx -o n.gct
	for f in n.gctx n.gct; do
		pmx-import --kind cells $f | tsv --layer X | tail -n +2 | cmp - <(tsv --layer X n.pmx | tail -n +2)
	done
}

@test "threads, memory and blocks change no value of a GCT" {
	awk 'BEGIN { OFS = "\t"; print "#1.3"; print 500, 300, 0, 0; printf "id"; for (s = 0; s < 300; s++) printf "\ts%d", s; print "";
		for (g = 0; g < 500; g++) { printf "g%d", g; for (s = 0; s < 300; s++) printf "\t%s", (s * 7 + g * 3) % 11 ? (s * 31 + g * 17) % 1009 / 8 - 60 : 0; print "" } }' > x.gct
	pmx-import -t 1 x.gct -o a.pmx
	pmx-import -t 3 --memory 200K x.gct -o b.pmx
	cmp a.pmx b.pmx
	pmx-import --block-rows 7 x.gct | pmx-diff a.pmx -
	pmx-export --to gct a.pmx | cmp - x.gct
}

@test "threads, memory and blocks change no value of a GCTX" {
	need data/l1000_plate_cpc006_a375_6h/level3_n371x978.gctx
	g=$shared/data/l1000_plate_cpc006_a375_6h/level3_n371x978.gctx
	pmx-import -t 1 "$g" -o a.pmx
	pmx-import -t 3 --memory 2M "$g" -o b.pmx
	cmp a.pmx b.pmx
	pmx-import --block-rows 7 "$g" | pmx-diff a.pmx -
	pmx-import - < "$g" > /dev/null 2> why && return 1
	grep -q "HDF5 inside of a pipe" why
}

@test "a GCTX cut short says how large it should be; other damage is named" {
	gct > x.gct
	pmx-import -q x.gct | pmx-export --to gctx - -o x.gctx
	head -c 5000 x.gctx > cut.gctx
	fails_with "it has 5000 bytes where its own header expects $(stat -c %s x.gctx)" pmx-import cut.gctx
	cmappy_at_hand
	change() {
		cp x.gctx y.gctx
		"$py" -c "
import h5py, numpy as np
f = h5py.File('y.gctx', 'r+')
$1"
	}
	change "del f['0/DATA/0/matrix']"; fails_with "there is no /0/DATA/0/matrix" pmx-import y.gctx
	change "del f['0/META/ROW/id']"; fails_with "/0/META/ROW/id is missing" pmx-import y.gctx
	change "m = f['0/DATA/0/matrix'][:].T; del f['0/DATA/0/matrix']; f['0/DATA/0/matrix'] = m"
	fails_with "is 3 x 2, but there are 2 column ids and 3 row ids: GCTX 1.0 stores columns x rows, and this one is the other way round" pmx-import y.gctx
	change "del f['0/DATA/0/matrix']; f.create_dataset('0/DATA/0/matrix', (2, 3), 'f4', chunks=(1, 3))"
	fails_with "matrix was never written" pmx-import y.gctx
	change "del f['0/META/COL/id']; f.create_dataset('0/META/COL/id', (1 << 40,), 'S9', chunks=(1000,))"
	fails_with "/0/META/COL/id is missing or damaged" pmx-import y.gctx
	change "del f['0/META/COL/pert_dose']; f['0/META/COL/pert_dose'] = [1, 2, 3]"
	fails_with "/0/META/COL/pert_dose has 3 values where there are 2 signatures" pmx-import y.gctx
	change "del f['0/META/COL/id']; f['0/META/COL/id'] = np.array([b's1', b's1'])"
	fails_with "signature 's1' stands at places 1 and 2" pmx-import y.gctx
	# Ids as whole numbers, texts of variable length and in Latin-1, null as -666.
	change "
del f['0/META/ROW/id'], f['0/META/COL/pert_dose_unit']
f['0/META/ROW/id'] = np.array([7157, 4609, 1958])
f['0/META/COL/pert_dose_unit'] = np.array([b'\xb5M', b'-666'])
f['0/META/COL/more'] = np.array(['a', 'b'], dtype=h5py.string_dtype())
f['0/META/COL/pair'] = np.zeros((2, 2))"
	notes "read as Latin-1" pmx-import y.gctx -o y.pmx
	[[ $stderr == *"/0/META/COL/pair is left out"* ]]
	[ "$(tsv y.pmx | head -n 1)" = "$(printf 'signature_id\t7157\t4609\t1958')" ]
	[ "$(pmx-view --obs y.pmx)" = "$(printf 'signature_id\tmore\tpert_dose\tpert_dose_unit\ns1\ta\t10\tµM\ns2\tb\tNA\tNA')" ]
}

@test "cmapPy reads what we write, and we read what it writes" {
	cmappy_at_hand
	for from in gct gctx; do
		pmx-import -q "$files/peer.$from" -o $from.pmx
		for to in gct gctx; do
			pmx-export --to $to --layer X $from.pmx -o out.$to
			"$py" "$repo/tests/lincs.py" same "$files/peer.$from" out.$to
		done
	done
	[ "$(pmx-info gctx.pmx | grep -c f32)" = 1 ]
}

@test "files of the field: a GCTX of published scores as a table" {
	need data/cmap_gold_wtcs/contest_results_n10x10.gctx
	pmx-import "$shared/data/cmap_gold_wtcs/contest_results_n10x10.gctx" | tsv > r.tsv
	[ "$(wc -l < r.tsv)" = 11 ]
	[ "$(tail -n +2 r.tsv | tr '\t' '\n' | grep -cx 0)" = 47 ]
}
