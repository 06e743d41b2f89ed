load ../setup
load screens

# What users bring that cannot be scored: each is named, with what to do, and leaves no file.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	tiny_screen --effect 3 -o raw.pmx
	normalize raw.pmx -o normalised.pmx
	pca --n-comps 8 normalised.pmx -o pca.pmx
	pert-signature --control NT --n-neighbors 10 --n-dims 8 pca.pmx -o signature.pmx
}

setup() {
	work
	files=$BATS_FILE_TMPDIR
	scorers=(pert-signature de-markers mixscale)
	! command -v mixscape >/dev/null || scorers+=(mixscape)
}

# fails STATUS PART COMMAND...: that status, a message of the command with that part, and no output file.
fails() {
	local wanted=$1 part=$2
	shift 2
	run "$@" -o out
	echo "$*: status $status: $output"
	[ "$status" = "$wanted" ]
	[[ $output == *"$1: "*"$part"* ]]
	[ ! -e out ]
	! compgen -G '*partial*' >/dev/null || return 1
}

# relabelled COLUMN AWK: row column COLUMN made by the AWK expression from $2 (target), $4 (replicate) and the row number NR.
relabelled() {
	pmx-view --obs "$files/raw.pmx" | awk -F'\t' "BEGIN { OFS = \"\t\"; print \"cell\", \"$1\" } NR > 1 { print \$1, ($2) }" >labels.tsv
}

# input TOOL: what the tool is run on.
input() {
	case $1 in
	pert-signature) echo "$files/pca.pmx" ;;
	de-markers) echo "$files/normalised.pmx" ;;
	*) echo "$files/signature.pmx" ;;
	esac
}

@test "a control label that is not there: the labels are listed" {
	for tool in "${scorers[@]}"; do
		fails 1 "has no label 'non-targeting'; its labels are: NT, T0001, T0002" "$tool" --control non-targeting "$(input "$tool")"
		fails 1 "--control is needed" "$tool" "$(input "$tool")"
		[[ $output == *"NT, T0001, T0002"* ]]
	done
	fails 1 "'nt'" pmx-sort --by gene_target --first nt "$files/raw.pmx"
	[[ $output == *"NT, T0001"* ]]
}

@test "a label column that is not there, or holds numbers: the columns are listed" {
	for tool in "${scorers[@]}"; do
		fails 1 "no row column 'gene'; there is: cell, gene_target, guide_id, replicate" "$tool" --control NT --pert-key gene "$(input "$tool")"
		fails 1 "no row column 'batch'; there is: cell, gene_target" "$tool" --control NT --split-by batch "$(input "$tool")"
		fails 1 "--label true_efficacy" "$tool" --control NT --pert-key true_efficacy "$(input "$tool")"
	done
	fails 1 "no row column 'gene'" pmx-sort --by gene "$files/raw.pmx"
}

@test "NaN labels: the cells are left out, counted and given a reason" {
	relabelled t2 'NR % 10 == 0 ? "NaN" : $2'
	pmx-join --obs labels.tsv "$files/normalised.pmx" -o n.pmx
	de-markers --pert-key t2 --control NT n.pmx -o markers.pmx 2>notes
	grep -q "60 cells have no label in t2" notes
	pca --n-comps 8 n.pmx | pert-signature -q --pert-key t2 --control NT --n-neighbors 10 --n-dims 8 -o s.pmx
	mixscale --pert-key t2 --control NT s.pmx 2>notes | pmx-view --obs >scores.tsv
	grep -q 'no_label 60' notes
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["t2"] == "NA" { n++; bad += $at["mixscale_reason"] != "no_label" } END { exit !(n == 60 && !bad) }' scores.tsv
}

@test "no label but the control" {
	relabelled t2 '$2 == "NT" ? $2 : "NA"'
	pmx-join --obs labels.tsv "$files/pca.pmx" | pert-signature -q --pert-key t2 --control NT --n-neighbors 10 --n-dims 8 -o s.pmx
	fails 1 "no target" de-markers --pert-key t2 --control NT s.pmx
	fails 1 "no cell was scored: no_label" mixscale --pert-key t2 --control NT s.pmx
}

@test "a split without controls, or with fewer than k" {
	relabelled r2 '$2 == "T0003" ? "late" : $2 == "NT" && NR < 7 ? "few" : $4'
	pmx-join --obs labels.tsv "$files/pca.pmx" -o p.pmx
	fails 1 "split 'few' has 5 control cells" pert-signature --control NT --split-by r2 --n-neighbors 10 --n-dims 8 p.pmx
	[[ $output == *"fewer than the 10 neighbours"*"--n-neighbors"* ]]
	relabelled r2 '$2 == "T0003" ? "late" : $4'
	pmx-join --obs labels.tsv "$files/pca.pmx" -o p.pmx
	fails 1 "split 'late' has 0 control cells" pert-signature --control NT --split-by r2 --n-neighbors 10 --n-dims 8 p.pmx
	fails 1 "split 'late' has no control cells" pert-signature --control NT --split-by r2 --ref-selection-mode split_by p.pmx
	# Where a target can be left out, it gets a reason; the others are scored.
	pmx-join --obs labels.tsv "$files/signature.pmx" | mixscale --control NT --split-by r2 2>notes | pmx-view --obs >scores.tsv
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["r2"] == "late" { late++; bad += $at["mixscale_reason"] == "NA" }
		$at["r2"] != "late" && $at["gene_target"] != "NT" { scored += $at["mixscale_reason"] == "NA" }
		END { exit !(late == 80 && !bad && scored) }' scores.tsv
}

@test "one cell in a group" {
	relabelled t2 '$2 == "T0001" && ++n > 1 ? "T0002" : $2'
	pmx-join --obs labels.tsv "$files/normalised.pmx" -o n.pmx
	de-markers -q --pert-key t2 --control NT n.pmx | pmx-view --obs | awk -F'\t' '$2 == "T0001" { exit !($3 == 1 && $6 == "too_few_cells") }'
	pca --n-comps 8 n.pmx | pert-signature -q --pert-key t2 --control NT --n-neighbors 10 --n-dims 8 |
		mixscale --pert-key t2 --control NT 2>notes >/dev/null
	cat notes
	grep -q 'too_few_cells 1' notes
	# One control cell: nothing can be compared.
	relabelled t2 '$2 == "NT" && ++n > 1 ? "T0002" : $2'
	pmx-join --obs labels.tsv "$files/pca.pmx" -o p.pmx
	fails 1 "fewer than the 10 neighbours" pert-signature --pert-key t2 --control NT --n-neighbors 10 --n-dims 8 p.pmx
	fails 1 "none of the 6 contrasts could be tested: too_few_controls 6" de-markers --pert-key t2 --control NT p.pmx
	pert-signature --pert-key t2 --control NT --n-neighbors 1 --n-dims 8 p.pmx -o s.pmx
	fails 1 "no cell was scored: too_few_controls" mixscale --pert-key t2 --control NT s.pmx
}

@test "names that come twice" {
	printf 'cell\tG1\tG1\nc1\t1\t0\nc2\t2\t0\n' >t.tsv
	fails 1 "gene 'G1' stands at places 1 and 2" pmx-import t.tsv
	[[ $output == *--make-unique* ]]
	printf 'cell\tG1\tG2\nc1\t1\t0\nc1\t2\t0\n' >t.tsv
	fails 1 "cell 'c1' stands at places 1 and 2" pmx-import t.tsv
	printf 'cell\tx\nc000000001\t1\nc000000001\t2\n' >o.tsv
	fails 1 "'c000000001' comes again" pmx-join --obs o.tsv "$files/raw.pmx"
}

@test "a stream whose columns share a name" {
	local py
	py=$(python_with zstandard xxhash 2>/dev/null) || skip "pip cannot fetch zstandard and xxhash"
	printf 'cell\tG1\tG2\tG3\tG4\na1\t0\t0\t1\t2\na2\t0\t0\t2\t1\na3\t0\t1\t2\t2\nb1\t1\t0\t0\t0\nb2\t0\t0\t0\t1\nb3\t0\t1\t0\t0\n' >x.tsv
	printf 'cell\tgene_target\n' >o.tsv; printf '%s\n' a{1..3} b{1..3} | awk '{ print $1 "\t" (/a/ ? "A" : "NT") }' >>o.tsv
	pmx-import -q --values float --layer X --obs o.tsv x.tsv -o one.pmx
	PYTHONPATH=$repo/tests "$py" - <<'P'
from pmx_forge import pack, unpack
chunks = unpack(open("one.pmx", "rb").read())
for section in chunks[0][2]:
    if section[3] == b"G1G2G3G4":
        section[3] = b"G1G2G2G4"
open("x.pmx", "wb").write(pack(chunks))
P
	run pmx-check x.pmx
	[[ $output == *"1 columns have the name of an earlier column"* ]]
	fails 1 "genes 2 and 3 of the stream are both called 'G2'" de-markers --control NT --layer X x.pmx
	# The weights behind it stay with their genes.
	run --separate-stderr target-signature --group-key gene_target --method logfc x.pmx -o t.pmx
	[[ $status = 0 && $stderr == *"1 of 4 have the name of one before them"* ]]
	pmx-view --layer weights t.pmx >ours
	target-signature -q --group-key gene_target --method logfc one.pmx | pmx-view --layer weights | cut -f1-3,5 | diff - ours
}

@test "raw counts where log values are needed" {
	fails 1 "run normalize first" pca "$files/raw.pmx"
	fails 1 "run normalize first" de-markers --control NT "$files/raw.pmx"
	for tool in pca "de-markers --control NT" "pert-signature --control NT" "mixscale --control NT --de-layer X"; do
		# shellcheck disable=SC2086
		fails 1 "holds counts" $tool --layer counts "$files/signature.pmx"
	done
}

@test "log values where counts are needed" {
	fails 1 "there is a layer 'X' already" normalize "$files/normalised.pmx"
	[[ $output == *"--output-layer"* ]]
	fails 1 "layer 'X' is computed" normalize --layer X --output-layer Y "$files/normalised.pmx"
	pmx-view --layer X --head 40 "$files/normalised.pmx" >x.tsv
	pmx-import -q --layer X x.tsv -o x.pmx
	fails 1 "not counts: it may be log-normalised already" normalize --output-layer Y x.pmx
	fails 1 "is no count" pmx-import --values counts x.tsv
}

@test "no input at all" {
	for tool in normalize pca "pert-signature --control NT" "de-markers --control NT" "mixscale --control NT" pmx-info pmx-check pmx-view; do
		# shellcheck disable=SC2086
		fails 1 "the input is empty" $tool /dev/null
	done
	: >empty
	fails 1 "empty" pmx-import empty
	printf 'cell\tG1\n' >t.tsv
	fails 1 "no line of numbers" pmx-import t.tsv
}

@test "no rows" {
	local n
	for n in normalised pca signature; do
		python3 "$repo/tests/tools/patch_pmx.py" "$files/$n.pmx" gene_target 0 no-rows >$n.0.pmx
		pmx-check -q $n.0.pmx
	done
	fails 1 "no rows" pca normalised.0.pmx
	fails 1 "no rows" de-markers --control NT normalised.0.pmx
	fails 1 "no rows" pert-signature --control NT pca.0.pmx
	fails 1 "no rows" mixscale --control NT signature.0.pmx
}

@test "cells without a count go through as zeros, not as NaN" {
	pmx-view --layer counts "$files/raw.pmx" | awk -F'\t' 'BEGIN { OFS = "\t" } NR == 5 || NR == 300 { for (i = 2; i <= NF; i++) $i = 0 } { print }' >t.tsv
	pmx-view --obs "$files/raw.pmx" >o.tsv
	pmx-import -q --layer counts --obs o.tsv t.tsv | normalize -o n.pmx
	pmx-check -q n.pmx
	pmx-view --layer X n.pmx | awk -F'\t' 'NR == 5 || NR == 300 { for (i = 2; i <= NF; i++) bad += $i != "0"; n++ } /NaN|Inf|nan|inf/ { bad++ } END { exit !(n == 2 && !bad) }'
	pca --n-comps 8 n.pmx | pert-signature --control NT --n-neighbors 10 --n-dims 8 | mixscale -q --control NT -o s.pmx
	pmx-view --columns mixscale_score s.pmx | awk -F'\t' 'NR > 1 && $2 != $2 + 0 { bad++ } END { exit !(NR == 601 && !bad) }'
}

@test "negative and missing counts" {
	printf 'cell\tG1\tG2\nc1\t-1\t0\nc2\t2\t0\n' >t.tsv
	fails 1 "cell c1, gene G1: -1 is no count" pmx-import --values counts t.tsv
	printf 'cell\tG1\tG2\nc1\t1\t0\nc2\t2\tNaN\n' >t.tsv
	fails 1 "cell c2, gene G2: nan is no count" pmx-import --values counts t.tsv
	# Where the values are looked at they are floats then, which are no counts either.
	run bash -c "pmx-import -q --layer counts t.tsv | normalize -o out"
	[ "$status" = 1 ]
	[[ $output == *"not counts"* ]]
	[ ! -e out ]
	printf '%%%%MatrixMarket matrix coordinate integer general\n2 2 2\n1 1 3\n2 2 -4\n' >m.mtx
	printf 'a\nb\n' >names
	fails 1 "-4 is no count" pmx-import --features names --barcodes names --values counts m.mtx
}

@test "a table of no cell" {
	printf 'cell\tx\nnobody\t1\n' >o.tsv
	fails 1 "" pmx-join --obs o.tsv "$files/raw.pmx"
	[[ $output == *nobody*c000000001* ]]
	printf 'cell\tG1\nc1\t1\n' >t.tsv
	fails 1 "names no cell of the matrix: it has such as 'nobody', the matrix 'c1'" pmx-import --obs o.tsv t.tsv
}

@test "a file that is not there, or is a folder" {
	for tool in normalize pca pmx-info pmx-sort pmx-check; do
		fails 1 "nowhere" $tool nowhere
		fails 1 "" $tool .
	done
	run normalize "$files/raw.pmx" -o nowhere/out
	[ "$status" = 1 ]
	[[ $output == *nowhere/out* ]]
}

@test "more than memory holds is said, not asked for" {
	# A length from outside: 2^60 bytes of a section.
	python3 - "$files/raw.pmx" >big.pmx <<-'P'
	import struct, sys
	b = bytearray(open(sys.argv[1], "rb").read())
	struct.pack_into("<Q", b, 16 + 48 + 8, 1 << 60)
	sys.stdout.buffer.write(b)
	P
	# A sanitizer needs all of the address space; it stops a tool that asks for this much by itself.
	([[ $BUILD == *-san ]] || ulimit -v 4000000; fails 1 "" pmx-check big.pmx)
}

@test "no byte read or written that is not there (valgrind)" {
	command -v valgrind >/dev/null || skip "valgrind is not at hand"
	[ ! -e "$repo/build-san" ] || [ "$BUILD" != "$repo/build-san" ] || skip "valgrind does not run sanitized programs"
	simulate-screen --cells 60 --genes 30 --targets 2 --controls 20 --splits 2 --effect 2 --seed 3 -o a.pmx
	export OPENBLAS_NUM_THREADS=1
	check=(valgrind -q --error-exitcode=9 --leak-check=no)
	"${check[@]}" normalize -t 1 a.pmx -o n.pmx
	"${check[@]}" pca -t 1 --n-comps 5 n.pmx -o p.pmx
	"${check[@]}" pert-signature -t 1 --control NT --n-neighbors 5 --n-dims 5 p.pmx -o s.pmx
	"${check[@]}" de-markers -t 1 --control NT s.pmx -o m.pmx
	"${check[@]}" mixscale -q -t 1 --control NT --min-de-genes 1 --pval-cutoff 1 s.pmx -o x.pmx
	head -c 3000 s.pmx >cut.pmx
	run "${check[@]}" pmx-check -t 1 cut.pmx
	[ "$status" = 1 ]
}
