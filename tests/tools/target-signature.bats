load ../setup

setup_file() {
	simulate-signatures --targets 3 --compounds 30 --cell-lines 1 --genes 150 --cells 30 --seed 5 --out-dir "$BATS_FILE_TMPDIR/sim"
}

setup() {
	work
	cells=$BATS_FILE_TMPDIR/sim/cells.pmx
}

contrast="--group-key cell_type --case-key condition --case case --reference ctrl"

# The weights of a stream as gene TAB one column a target.
weights() {
	pmx-view --layer weights "$@" | awk -F'\t' '{ for (i = 1; i <= NF; i++) x[NR, i] = $i; n = NF }
		END { for (i = 1; i <= n; i++) { line = x[1, i]; for (r = 2; r <= NR; r++) line = line "\t" x[r, i]; print line } }'
}

column() {
	pmx-view --obs "$1" | awk -F'\t' -v c="$2" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $at[c] }' | paste -sd' '
}

# golden_cells NAME: the cells of a reference data set, log-normalised or not, as values.
golden_cells() {
	local from=$shared/golden/connectivity/$1.tsv
	[ -e "$from" ] || { from=$1.tsv; gzip -dc "$shared/golden/connectivity/$1.tsv.gz" >"$from"; }
	cut -f1-3 "$from" >"$1.obs.tsv"
	cut -f1,4- "$from" >"$1.x.tsv"
	pmx-import -q --values float --layer X --obs "$1.obs.tsv" "$1.x.tsv" -o "$1.pmx"
}

@test "effects equal those of the reference before it standardises them, pseudobulk too" {
	need golden/connectivity/targets_from_cells.tsv.gz
	local data=0
	for d in cells300 counts60; do
		golden_cells $d
		case $d in cells300) group=C0 other=C1 ;; *) group=A other=B ;; esac
		for method in rank_biserial cohen_d logfc; do
			for reference in rest $other; do
				for bulk in - donor; do
					gzip -dc "$shared/golden/connectivity/targets_from_cells.tsv.gz" | awk -F'\t' -v OFS='\t' -v d=$d -v m=$method \
						-v r=$reference -v b=$bulk 'NR == 1 { print "gene", "raw" } $1 == d && $3 == r && $4 == m && $5 == b { print $6, $7 }' >gold.tsv
					how=(--min-cells 1)
					[ $bulk = - ] || how+=(--sample-key donor --pairing unpaired)
					target-signature -q --group-key cluster --group $group --reference $reference --method $method "${how[@]}" $d.pmx |
						weights >ours.tsv
					sed -i '1s/.*/gene\tours/' ours.tsv
					compare gold.tsv raw ours.tsv ours 1e-9
					data=$((data + 1))
				done
			done
		done
	done
	[ $data = 24 ]
}

@test "real cells: effects equal scipy's statistics, of cells, of pairs and of pseudobulks" {
	need data/papalexi_thp1
	local python files=()
	python=$(python_with numpy scipy)
	papalexi | pmx-select -q --where "gene_target in (STAT1, IRF1)" | normalize -q -o p.pmx
	pmx-export -q --to tsv --layer X p.pmx -o x.tsv
	pmx-view --obs p.pmx >obs.tsv
	for method in rank_biserial cohen_d logfc t wilcoxon; do
		for how in cells paired unpaired; do
			by=(--sample-key replicate --pairing $how)
			[ $how != cells ] || by=()
			target-signature -q --group-key gene_target --group STAT1 --reference IRF1 --method $method "${by[@]}" p.pmx | weights >$method.$how
			files+=($method.$how)
		done
	done
	[ ${#files[@]} = 15 ]
	"$python" "$repo/tests/compare_targets.py" x.tsv obs.tsv STAT1 IRF1 replicate "${files[@]}"
}

@test "the same from a pipe, in pieces of memory, for any number of threads and any order of the cells" {
	# Odd cells first.
	pmx-export --to tsv --layer counts "$cells" -o counts.tsv
	pmx-view --obs "$cells" | cut -f1-4 >obs.tsv
	awk 'NR == 1 { print; next } { line[NR] = $0 } END { for (i = NR; i > 1; i -= 2) print line[i]; for (i = NR - 1; i > 1; i -= 2) print line[i] }' \
		counts.tsv >turned.tsv
	pmx-import -q --obs obs.tsv turned.tsv | normalize -q -o turned.pmx
	for method in rank_biserial wilcoxon t cohen_d; do
		for how in "$contrast" "--group-key cell_type" "--group-key cell_type --reference state0002" "$contrast --sample-key donor"; do
			target-signature $how --method $method "$cells" -o want.pmx
			target-signature $how --method $method --memory 200K -t 1 <"$cells" | pmx-diff want.pmx -
			cat "$cells" | target-signature $how --method $method -t 3 --block-rows 1 | pmx-diff want.pmx -
			target-signature $how --method $method turned.pmx | pmx-diff --tolerance 1e-9 want.pmx -
		done
	done
}

@test "the state that was planted comes out, whatever is measured" {
	pmx-export --to tsv --layer weights "$BATS_FILE_TMPDIR/sim/targets.pmx" -o truth.tsv
	for how in "--method rank_biserial" "--method logfc --sample-key donor" "--method wilcoxon --sample-key donor"; do
		target-signature $contrast $how "$cells" | pmx-export --to tsv --layer weights -o ours.tsv
		python3 - <<'PY'
import csv
def rows(path): return [[float(x) for x in r[1:]] for r in list(csv.reader(open(path), delimiter="\t"))[1:]]
def cor(a, b):
    m, n = sum(a) / len(a), sum(b) / len(b)
    s = lambda x, u, y, v: sum((p - u) * (q - v) for p, q in zip(x, y))
    return s(a, m, b, n) / (s(a, m, a, m) * s(b, n, b, n)) ** 0.5
t, o = rows("truth.tsv"), rows("ours.tsv")
for i in range(3):
    for j in range(3):
        c = cor(t[i], o[j])
        assert (c > 0.6) if i == j else abs(c) < 0.4, (i, j, c)
PY
	done
}

@test "rows say how many cells, samples and genes there are" {
	target-signature $contrast "$cells" -o t.pmx
	[ "$(column t.pmx target)" = "state0001 state0002 state0003" ]
	[ "$(column t.pmx n_case)" = "30 30 30" ]
	[ "$(column t.pmx n_control)" = "30 30 30" ]
	[ "$(column t.pmx n_genes)" = "150 150 150" ]
	[ "$(column t.pmx form)" = "dense dense dense" ]
	target-signature --group-key cell_type --group state0002 --group state0001 --sample-key donor "$cells" -o t.pmx
	[ "$(column t.pmx target)" = "state0001 state0002" ]
	[ "$(column t.pmx n_case)" = "60 60" ]
	[ "$(column t.pmx n_control)" = "120 120" ]
	[ "$(column t.pmx n_samples)" = "3 3" ]
	target-signature --case-key condition --case case --reference ctrl "$cells" -o t.pmx
	[ "$(column t.pmx target)/$(column t.pmx n_case)" = "case/90" ]
	target-signature --group-key cell_type --reference state0001 "$cells" -o t.pmx
	[ "$(column t.pmx target)" = "state0002 state0003" ]
}

@test "a population that cannot be compared keeps its row, with a reason" {
	pmx-select --where "not (cell_type = state0002 and condition = case)" "$cells" -o some.pmx
	run --separate-stderr target-signature $contrast some.pmx -o t.pmx
	[ "$status" = 0 ]
	[[ "$stderr" = *"2 targets have weights, 1 have none: no_cells 1"* ]]
	[ "$(column t.pmx reason)" = "NA no_cells NA" ]
	[ "$(column t.pmx n_genes)" = "150 0 150" ]
	pmx-view --layer weights t.pmx | sed -n 3p | cut -f2- | tr '\t' '\n' | sort -u | grep -qx NaN
	run target-signature --group-key cell_type --min-cells 1000 "$cells" -o none.pmx
	[ "$status" = 1 ]
	[[ "$output" = *"too_few_cells 3"* ]]
	[ ! -e none.pmx ]
	run target-signature $contrast --sample-key cell_type "$cells" -o none.pmx
	[ "$status" = 1 ]
	[[ "$output" = *too_few_samples* ]]
}

@test "samples without a partner, or with too few cells, are left out and counted" {
	printf 'cell\tG1\n' >x.tsv; printf 'cell\tk\tdonor\n' >o.tsv
	# Donors 1 and 2 on both sides, 3 in the case only (4 cells), 4 with one control.
	for row in a:d1 a:d1 b:d1 b:d1 a:d2 a:d2 b:d2 b:d2 a:d3 a:d3 a:d3 a:d3 a:d4 a:d4 b:d4; do
		printf 'c%d\t%d\n' $((++n)) $((n * 7 % 5)) >>x.tsv
		printf 'c%d\t%s\t%s\n' $n "${row%:*}" "${row#*:}" >>o.tsv
	done
	pmx-import -q --values float --layer X --obs o.tsv x.tsv -o x.pmx
	run --separate-stderr target-signature -v --group-key k --group a --reference b --sample-key donor --min-cells 2 x.pmx -o t.pmx
	[[ "$status" = 0 && "$stderr" = *"a: 2 samples, paired; 7 cells of others are left out"*"7 cells are left out: their samples lack cells"* ]]
	[ "$(column t.pmx n_case)/$(column t.pmx n_control)/$(column t.pmx n_samples)" = 4/4/2 ]
	run --separate-stderr target-signature --group-key k --group a --reference b --sample-key donor --min-cells 2 --pairing unpaired x.pmx -o t.pmx
	[[ "$status" = 0 && "$stderr" = *"1 cells are left out"* ]]
}

@test "what is not there or not meant is named" {
	run target-signature --group-key cell_type --group state9 "$cells"
	[ "$status" = 1 ]
	[[ "$output" = *"'state9'"*"state0001, state0002, state0003"* ]]
	run target-signature --group-key cluster "$cells"
	[ "$status" = 1 ]
	[[ "$output" = *"cluster"*"cell_type"* ]]
	run target-signature --group-key cell_type --case-key condition --case stim --reference ctrl "$cells"
	[[ "$status" = 1 && "$output" = *"'stim'"*"ctrl, case"* ]]
	run target-signature --group-key cell_type --layer counts "$cells"
	[[ "$status" = 1 && "$output" = *"run normalize"* ]]
	run target-signature --group-key cell_type --case-key condition "$cells"
	[ "$status" = 2 ]
	run target-signature --group-key cell_type --weights x.tsv "$cells"
	[ "$status" = 2 ]
	run target-signature "$cells"
	[[ "$status" = 2 && "$output" = *"--group-key"* ]]
	run target-signature --group-key cell_type --group state0001 --reference state0001 "$cells"
	[ "$status" = 2 ]
	printf 'cell\tG1\nc1\tNA\nc2\t1\n' >x.tsv
	printf 'cell\tk\nc1\ta\nc2\tb\n' >o.tsv
	pmx-import -q --layer X --obs o.tsv x.tsv -o x.pmx
	run target-signature --group-key k --min-cells 1 x.pmx
	[[ "$status" = 1 && "$output" = *"row 1, gene G1"* ]]
}

@test "a label called rest is a label" {
	printf 'cell\tG1\na1\t1\nb1\t3\nr1\t7\n' >x.tsv
	printf 'cell\tk\na1\ta\nb1\tb\nr1\trest\n' >o.tsv
	pmx-import -q --values float --layer X --obs o.tsv x.tsv -o x.pmx
	target-signature -q --group-key k --min-cells 1 --method logfc x.pmx | weights >w.tsv
	[ "$(tail -1 w.tsv)" = "$(printf 'G1\t-6\t-4')" ]
}

@test "lists: GMT pairs, one side alone, both sides, spreadsheet text" {
	printf 'A_UP\tx\tg1\tg2\tg2\t\nB\t\tg3\nC_DN\t\tg9\n' >up.gmt
	printf '\xef\xbb\xbfA_DOWN\t\tg4\tg2\r\nD_dn\t\tg5\t\t\r\n' >down.gmt
	run --separate-stderr target-signature --up up.gmt --down down.gmt -o t.pmx
	[ "$status" = 0 ]
	[[ "$stderr" = *"1 repetitions"* && "$stderr" = *"1 sets are named for the other side"* && "$stderr" = *"(g2 of A)"* ]]
	[ "$(column t.pmx target)" = "A B D" ]
	[ "$(column t.pmx form)" = "list list list" ]
	[ "$(column t.pmx n_genes)" = "2 1 1" ]
	weights t.pmx >w.tsv
	printf 'target\tA\tB\tD\ng1\t1\tNaN\tNaN\ng2\tNaN\tNaN\tNaN\ng3\tNaN\t1\tNaN\ng4\t-1\tNaN\tNaN\ng5\tNaN\tNaN\t-1\n' | diff - w.tsv
	# One file for both sides.
	printf 'A_UP\t\tg1\tg2\nA_DN\t\tg3\tg4\n' >both.gmt
	target-signature -q --up both.gmt --down both.gmt | weights | diff - <(printf 'target\tA\ng1\t1\ng2\t1\ng3\t-1\ng4\t-1\n')
	printf '# genes\nSTAT1\r\n IRF1 \r\n\r\n' >up.txt
	target-signature --up up.txt --name interferon | weights | diff - <(printf 'target\tinterferon\nSTAT1\t1\nIRF1\t1\n')
	target-signature --down up.txt | weights | diff - <(printf 'target\ttarget\nSTAT1\t-1\nIRF1\t-1\n')
	# As R writes them, with a header.
	printf '"symbol"\n"STAT1"\n"IRF1"\n' | target-signature --up - | weights | diff - <(printf 'target\ttarget\nSTAT1\t1\nIRF1\t1\n')
	printf '"A_UP"\t"x"\t"g1"\t"g2"\n' | target-signature --up - | weights | diff - <(printf 'target\tA\ng1\t1\ng2\t1\n')
	gzip -k up.txt && target-signature --up up.txt.gz | weights | grep -q IRF1
}

@test "lists that say nothing are refused" {
	: >empty
	run target-signature --up empty
	[[ "$status" = 1 && "$output" = *"empty holds no names"* ]]
	echo g1 >one
	run target-signature --up one --down one
	[[ "$status" = 1 && "$output" = *"no_genes 1"* ]]
	printf 'A_UP\t\tg1\tg2\n' >up.gmt
	run target-signature --up up.gmt --down one
	[[ "$status" = 1 && "$output" = *"two GMT files"* ]]
	run target-signature --down up.gmt
	[[ "$status" = 1 && "$output" = *"other side"* ]]
	printf 'A\t\tg1\tg2\nA_UP\t\tg3\tg4\n' >twice.gmt
	run target-signature --up twice.gmt
	[[ "$status" = 1 && "$output" = *"'A'"* ]]
	for text in 'g1,g2,g3\n' 'g0\ng1; g2\n'; do
		printf "$text" >row.txt
		run target-signature --up row.txt
		[[ "$status" = 1 && "$output" = *"is more than one name; a list has one a line"* ]]
	done
	printf 'A_UP\tx\tg1\ng2\n' >mixed.gmt
	run target-signature --up mixed.gmt
	[[ "$status" = 1 && "$output" = *"mixed.gmt, line 2: a set needs a name"* ]]
	run target-signature --up nowhere
	[[ "$status" = 1 && "$output" = *nowhere* ]]
}

@test "weights stay as they are" {
	printf '\xef\xbb\xbfgene,a,"b c"\r\nG1,1.5,NA\r\nG2,-2,0\r\n' >w.csv
	run --separate-stderr target-signature --weights w.csv -o t.pmx
	[[ "$status" = 0 && "$stderr" = *"1 weights are missing"* ]]
	weights t.pmx | diff - <(printf 'target\ta\tb c\nG1\t1.5\tNaN\nG2\t-2\t0\n')
	[ "$(column t.pmx n_genes)" = "2 1" ]
	printf 'a\tb\nG1\t1\t2\n' | target-signature --weights - | weights | diff - <(printf 'target\ta\tb\nG1\t1\t2\n')
	bad() {
		printf "$1" >w.tsv
		run target-signature --weights w.tsv -o bad.pmx
		[[ "$status" = 1 && "$output" = *"$2"* ]]
		[ ! -e bad.pmx ]
	}
	bad 'gene\ta\nG1\t1\nG2\t2\nG1\t3\n' "line 4: gene 'G1' comes a second time"
	bad 'gene\ta\nG1\tinf\n' infinite
	bad 'gene\ta\nG1\thigh\n' "'high' is no number"
	bad 'G1\t1\nG2\t2\n' 'is the header missing'
	bad 'gene\ta\nG1\t1\t2\t3\n' fields
	bad 'gene\ta\nG1\t1\nG2\n' 'line 3'
	bad 'gene\ta\ta\nG1\t1\t2\n' "'a' comes twice"
	bad 'gene\ta\n' 'no line with weights'
	bad 'gene\ta\nG1\tNA\n' 'no_genes 1'
	bad 'gene;a\nG1;1\n' 'line 2: the header has 1 names and the first line 1 fields; a gene and at least one weight are needed, with tabs or commas'
	printf 'gene\ta\nG1\0\t1\n' >w.tsv
	run target-signature --weights w.tsv
	[ "$output" = "target-signature: w.tsv, line 2 holds a NUL byte: this is no text" ]
	printf 'gene\ta\nG1\t-666\nG2\t2\n' >w.tsv
	run --separate-stderr target-signature --weights w.tsv -o w.pmx
	[[ "$status" = 0 && "$stderr" = *"1 weights are missing"* ]]
	weights w.pmx | diff - <(printf 'target\ta\nG1\tNaN\nG2\t2\n')
}

# A table in the form of HGNC's; P21 is an alias of two genes.
hgnc() {
	cat >hgnc.tsv <<-'TSV'
	symbol	status	prev_symbol	alias_symbol	entrez_id	ensembl_gene_id
	STAT1	Approved		STAT91|ISGF-3	6772	ENSG00000115415
	TP53	Approved		p53|LFS1	7157	ENSG00000141510
	CXCL8	Approved	IL8	SCYB8|LUCT	3576	ENSG00000169429
	ERBB2	Approved	NGL	NEU|HER2	2064	ENSG00000141736
	CDKN1A	Approved	CDKN1	P21|CIP1	1026	ENSG00000124762
	NSG1	Approved	D4S234E	P21|NEEP21	27065	ENSG00000168824
	TSV
}

@test "a table of genes: lists of previous and alias symbols, ids, versions and symbols of mice" {
	hgnc
	printf 'IL8\nSTAT91\nStat1\nENSG00000141510.18\nHER2\nP21\nNOGENE\n' >up.txt
	printf '2064\ncdkn1a\n' >down.txt
	run --separate-stderr target-signature --gene-info hgnc.tsv --up up.txt --down down.txt -o t.pmx
	[ "$status" = 0 ]
	# HER2 and 2064 are one gene, on both sides.
	[[ "$stderr" = *"(ERBB2 of target)"* && "$stderr" = *"1 repetitions"* ]]
	[[ "$stderr" = *"genes of the lists: 9 genes: 5 used (5 under another name, 1 of them by the case of letters), 1 unknown, such as NOGENE, 1 ambiguous, such as P21, 2 repeated"* ]]
	weights t.pmx | diff - <(printf 'target\ttarget\nCXCL8\t1\nSTAT1\t1\nTP53\t1\nERBB2\tNaN\nP21\t1\nNOGENE\t1\nCDKN1A\t-1\n')
	pmx-info --json t.pmx | python3 -c 'import json, sys
genes = json.load(sys.stdin)["provenance"][-1]["genes"]
assert genes == {"used": 5, "outside": 0, "unknown": 1, "ambiguous": 1, "repeated": 2, "renamed": 5}, genes'
	# The command that made it runs again as it is told.
	pmx-info --json t.pmx | python3 -c 'import json, sys; print(json.load(sys.stdin)["replay"])' >again.sh
	bash again.sh 2>/dev/null | cmp - t.pmx
	run target-signature --gene-info up.txt --up up.txt
	[[ "$status" = 1 && "$output" = *"gene_symbol"* ]]
}

@test "a table of genes: of two columns or lines of one gene the better named has the weight" {
	hgnc
	printf 'gene\ta\tb\nSTAT91\t1\t2\nnew\t3\t4\nSTAT1\t5\tNA\nIl8\t7\t8\nENSG00000141510.2\t9\t10\nENSG00000141510.3\t11\t12\n' >w.tsv
	run --separate-stderr target-signature --gene-info hgnc.tsv --weights w.tsv -o w.pmx
	[[ "$status" = 0 && "$stderr" = *"genes of the weights: 6 genes: 3 used (2 under another name, 0 of them by the case of letters), 1 unknown, such as new, 2 repeated, such as STAT91"* ]]
	weights w.pmx | diff - <(printf 'target\ta\tb\nnew\t3\t4\nSTAT1\t5\tNaN\nCXCL8\t7\t8\nTP53\t9\t10\n')
	[ "$(column w.pmx n_genes)" = "4 3" ]
	# Cells: the columns are those of the values that they stand for.
	printf 'cell\tSTAT91\tnew\tSTAT1\tIl8\na1\t1\t2\t5\t1\na2\t1\t4\t7\t3\nb1\t9\t1\t1\t1\nb2\t9\t1\t1\t1\n' >x.tsv
	printf 'cell\tk\na1\ta\na2\ta\nb1\tb\nb2\tb\n' >o.tsv
	pmx-import -q --values float --layer X --obs o.tsv x.tsv -o x.pmx
	run --separate-stderr target-signature --gene-info hgnc.tsv --group-key k --group a --min-cells 1 --method logfc x.pmx -o t.pmx
	[[ "$status" = 0 && "$stderr" = *"genes of the cells: 4 genes: 2 used"* ]]
	weights t.pmx | diff - <(printf 'target\ta\nnew\t2\nSTAT1\t5\nCXCL8\t1\n')
}

@test "geneinfo of LINCS: queries of ids rank a reference of symbols as they rank one of ids" {
	need data/cmap_gold_wtcs
	local d=$shared/data/cmap_gold_wtcs info=$shared/data/l1000_genes/GSE92742_gene_info.txt
	run --separate-stderr target-signature --gene-info "$info" --up "$d/contest_query_ezid_up_n10.gmt" --down "$d/contest_query_ezid_down_n10.gmt" -o symbols.pmx
	[[ "$status" = 0 && "$stderr" = *"2031 genes: 2031 used (2031 under another name"* ]]
	reference-build -q "$d/contest_modzs_ezid_n10x10174.gctx" -o ids.ref
	reference-build -q --gene-info "$info" "$d/contest_modzs_ezid_n10x10174.gctx" -o symbols.ref
	target-signature -q --up "$d/contest_query_ezid_up_n10.gmt" --down "$d/contest_query_ezid_down_n10.gmt" | rank -q --reference ids.ref -k 0 >ids.tsv
	rank -q --reference symbols.ref -k 0 symbols.pmx | cmp - ids.tsv
	[ "$(awk -F'\t' 'NR > 1 && $11 != "NA"' ids.tsv | wc -l)" = 100 ]
}

@test "the published query sets give targets of the published names" {
	need data/cmap_gold_wtcs
	local d=$shared/data/cmap_gold_wtcs
	target-signature --up "$d/contest_query_ezid_up_n10.gmt" --down "$d/contest_query_ezid_down_n10.gmt" -o t.pmx
	[ "$(column t.pmx n_genes)" = "200 200 200 253 200 278 200 200 347 200" ]
	[[ "$(column t.pmx target)" = "54FDB472D70C955C248FD70A "*" SMIRNOV_RESPONSE_TO_IR_6HR "* ]]
}

@test "targets without a weight, or with one that is no number, are refused" {
	printf 'gene\tt\nG1\tNA\nG2\tNA\n' >missing.tsv
	run target-signature --weights missing.tsv -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"no target has weights: no_genes 1"* ]]
	printf 'gene\tt\nG1\t1\nG2\tinf\n' >infinite.tsv
	run target-signature --weights infinite.tsv -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"line 3"*"infinite"* ]]
	printf 'gene\tt\nG1\t1\nG2\tabc\n' >word.tsv
	run target-signature --weights word.tsv -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"line 3"*"abc"* ]]
	: >empty.txt
	run target-signature --up empty.txt -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"holds no names"* ]]
	simulate-signatures -q --targets 1 --compounds 2 --cell-lines 1 --genes 20 --cells 1 --out-dir s
	run target-signature --group-key cell_type s/reference.pmx -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"stream of signatures"* ]]
	[ ! -e out.pmx ]
}
