load ../setup

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	simulate-signatures --targets 2 --compounds 20 --cell-lines 3 --genes 120 --seed 3 --out-dir sim
	reference-build sim/reference.pmx -o ref.pmx
}

setup() {
	work
	reference=$BATS_FILE_TMPDIR/ref.pmx
	signatures=$BATS_FILE_TMPDIR/sim/reference.pmx
	targets=$BATS_FILE_TMPDIR/sim/targets.pmx
}

# A wide table of three signatures and twelve genes with a gap and a tie.
small_table() {
	printf 'gene\ts1\ts2\ts3\n'
	for g in 1 2 3 4 5 6 7 8 9 10 11 12; do
		printf 'G%d\t%s\t%s\t%s\n' "$g" "$(echo "$g * 0.7 - 4" | bc)" "$([ "$g" = 5 ] && echo NA || echo "6.25 - $g" | bc)" "$((g % 3))"
	done
}

@test "threads, a pipe and the size of its blocks change no byte" {
	reference-build -t 1 "$signatures" -o one.pmx
	reference-build -t 5 "$signatures" -o five.pmx
	cmp one.pmx five.pmx
	# The provenance names the source; what is ranked is the same.
	pmx-select --block-rows 7 --where 'signature_id != nothing' "$signatures" | reference-build >pipe.pmx
	for r in one.pmx pipe.pmx; do rank -q --reference $r -k 0 "$targets" >$r.tsv; done
	cmp one.pmx.tsv pipe.pmx.tsv
}

@test "genes as rows and signatures as rows give the same, with metadata beside the numbers" {
	small_table >genes.tsv
	reference-build -q genes.tsv -o a.pmx
	awk -F'\t' '{ for (i = 1; i <= NF; i++) c[NR, i] = $i; n = NF } END { for (i = 1; i <= n; i++) { s = c[1, i]; t = i == 1 ? "compound" : "drug" i
		s = s "\t" t; for (r = 2; r <= NR; r++) s = s "\t" c[r, i]; print s } }' genes.tsv | sed '1s/^gene/signature_id/' >signatures.tsv
	reference-build -q --rows signatures signatures.tsv -o b.pmx
	printf 'gene\tt\nG1\t1\nG2\t2\nG7\t-1\nG9\t-3\nG11\t0.5\n' >t.tsv
	target-signature -q --weights t.tsv -o t.pmx
	for r in a b; do rank -q --reference $r.pmx --min-overlap 2 -k 0 t.pmx | cut -f1-3,5-99 >$r.tsv; done
	cmp a.tsv b.tsv
	rank -q --reference b.pmx --min-overlap 2 t.pmx | cut -f3,4 | grep -q '^s2	drug3$'
}

@test "metadata of both releases are taken, and what does not match is counted" {
	small_table >genes.tsv
	printf 'bead_batch\tsig_id\tcmap_name\tcell_iname\tpert_idose\tpert_itime\tpert_type\tpert_id\tqc_pass\n' >new.txt
	printf 'b1\ts1\talpha\tA375\t10 uM\t24 h\ttrt_cp\tBRD-1\t1\nb1\ts3\tbeta\tMCF7\t-666\t6 h\tctl\tBRD-2\t0\nb2\ts9\tgamma\tPC3\t1 uM\t6 h\ttrt_cp\tBRD-3\t1\n' >>new.txt
	printf 'pert_id\tcmap_name\ttarget\tmoa\nBRD-1\talpha\tX1\tkinase inhibitor\nBRD-1\talpha\tX2\tkinase inhibitor\nBRD-7\tdelta\tX3\tother\n' >compounds.txt
	printf 'gene\tt\n' >t.tsv
	for g in 1 2 3 4 5 6 7 8 9 10 11 12; do printf 'G%d\t%d\n' $g $((g - 6)); done >>t.tsv
	target-signature -q --weights t.tsv -o t.pmx
	run --separate-stderr reference-build --sig-info new.txt --compound-info compounds.txt genes.tsv -o ref.pmx
	[ "$status" -eq 0 ]
	[[ $stderr == *"1"*"new.txt"* || $stderr == *"new.txt"*"1"* ]]
	[[ $stderr == *"compounds.txt: 2 signatures have no line there, 1 of its 2 compounds no signature"* ]]
	rank -q --reference ref.pmx --method pearson -k 0 t.pmx | cut -f3-9 | sort >table
	diff - table <<-'T'
	s1	alpha	A375	10 uM	24 h	kinase inhibitor	X1|X2
	s2	NA	NA	NA	NA	NA	NA
	s3	beta	MCF7	NA	6 h	NA	NA
	signature_id	compound	cell_line	dose	time	moa	drug_target
	T
	printf 'sig_id\tpert_iname\tcell_id\tpert_dose\tpert_dose_unit\ns1\talpha\tA375\t10.5\tum\n' >old.txt
	reference-build -q --sig-info old.txt genes.tsv -o old.pmx
	rank -q --reference old.pmx --method pearson -k 0 t.pmx | cut -f3-6 | grep -qx 's1	alpha	A375	10.5 um'
	for keep in "--quality qc_pass=1" "--pert-type trt_cp" "--cell-line A375"; do
		# shellcheck disable=SC2086
		reference-build -q --sig-info new.txt $keep genes.tsv -o kept.pmx
		[ "$(rank -q --reference kept.pmx --method pearson -k 0 t.pmx | tail -n +2 | cut -f3)" = s1 ]
	done
}

@test "symbols and spaces from tables of genes" {
	small_table | sed 's/^G/10/' >ids.tsv
	printf 'gene_id\tgene_symbol\tfeature_space\n' >genes.txt
	for g in 1 2 3 4 5 6 7 8 9 10 11 12; do printf '10%d\tSYM%d\t%s\n' $g $g "$([ $g -le 9 ] && echo landmark || echo "best inferred")"; done >>genes.txt
	sed 's/^G/SYM/; s/\tt$/\tt/' >t.tsv < <(printf 'gene\tt\n'; for g in 1 2 3 4 5 6 7 8 9 10 11 12; do printf 'G%d\t%d\n' $g $((g - 6)); done)
	sed 's/SYM/sym/' t.tsv >lower.tsv
	sed 's/SYM/10/' t.tsv >id.tsv
	reference-build -q --gene-info genes.txt ids.tsv -o all.pmx
	for names in t lower id; do
		target-signature -q --weights $names.tsv | rank -q --reference all.pmx --method pearson -k 0 >$names.out
		cmp t.out $names.out
	done
	reference-build -q --gene-info genes.txt --gene-space landmark ids.tsv -o landmark.pmx
	target-signature -q --weights t.tsv | rank -q --reference landmark.pmx --min-overlap 5 --method pearson -k 0 | awk -F'\t' 'NR > 1 && $15 != ($3 == "s2" ? 8 : 9) { exit 1 }'
	run reference-build --gene-space bing ids.tsv -o x.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"--gene-info"* ]]
}

@test "tables of genes of any release: Latin-1, HGNC's columns, versions of Ensembl ids, previous symbols" {
	small_table >genes.tsv
	printf 'gene\tt\n' >t.tsv; for g in 1 2 3 4 5 6 7 8 9 10 11 12; do printf 'G%d\t%d\n' $g $((g - 6)); done >>t.tsv
	target-signature -q --weights t.tsv -o t.pmx
	reference-build -q genes.tsv -o plain.ref
	rank -q --reference plain.ref --method pearson -k 0 t.pmx >want
	printf 'hgnc_id\tsymbol\tprev_symbol\tname\tensembl_gene_id\n' >hgnc.tsv
	for g in 1 2 3 4 5 6 7 8 9 10 11 12; do printf 'HGNC:%d\tG%d\tOLD%d\talpha \xb5\tENSG%011d\n' $g $g $g $g; done >>hgnc.tsv
	awk -F'\t' -v OFS='\t' 'NR > 1 { g = substr($1, 2); $1 = g % 2 ? sprintf("ENSG%011d.%d", g, g) : "OLD" g } 1' genes.tsv >other.tsv
	run --separate-stderr reference-build --gene-info hgnc.tsv other.tsv -o other.ref
	[[ "$status" = 0 && "$stderr" = *"12 of 12 genes of the signatures have a line among its 12"* ]]
	rank -q --reference other.ref --method pearson -k 0 t.pmx | cmp - want
	# Names as the input has them are still found; with a table of other genes, too.
	(head -1 t.tsv; paste <(tail -n +2 other.tsv | cut -f1) <(tail -n +2 t.tsv | cut -f2)) >ids.tsv
	for also in "" "--gene-info some.tsv"; do
		printf 'symbol\nG3\nELSEWHERE\n' >some.tsv
		target-signature -q --weights ids.tsv | rank -q --reference other.ref --method pearson -k 0 $also | cmp - want
	done
	run reference-build --gene-info some.tsv other.tsv -o x.ref
	[[ "$status" = 1 && "$output" = *"none of its names and ids is a gene of the signatures"* ]]
	[ ! -e x.ref ]
}

@test "tables of signatures: Latin-1, a name twice, no such file; infinite values" {
	small_table >genes.tsv
	printf 'sig_id\tpert_iname\tpert_idose\ns1\tA\t10 \xb5M\ns2\tB\t10 uM\n' >latin.txt
	run --separate-stderr reference-build --sig-info latin.txt genes.tsv -o a.ref
	[[ "$status" = 0 && "$stderr" = *"1 lines were not UTF-8 and were read as Latin-1"* ]]
	printf 'gene\tt\n' >t.tsv; for g in 1 2 3 4 5 6 7 8 9 10 11 12; do printf 'G%d\t%d\n' $g $((g - 6)); done >>t.tsv
	target-signature -q --weights t.tsv -o t.pmx
	rank -q --reference a.ref --method pearson -k 0 t.pmx | cut -f3,6 | grep -qP '^s1\t10 µM$'
	printf 'sig_id\tpert_iname\ns1\tA\ns1\tB\n' >twice.txt
	run reference-build --sig-info twice.txt genes.tsv -o x.ref
	[[ "$status" = 1 && "$output" = *"line 3: 's1' comes again in column 'sig_id'"* ]]
	run reference-build --sig-info nowhere.txt genes.tsv -o x.ref
	[[ "$status" = 1 && "$output" = *"nowhere.txt: No such file"* ]]
	printf 'pert_iname\tmoa\nA\t\xb5-opioid agonist\n' >moa.txt
	run --separate-stderr reference-build --sig-info latin.txt --compound-info moa.txt genes.tsv -o b.ref
	[[ "$status" = 0 && "$stderr" = *"moa.txt: 1 lines were not UTF-8"* ]]
	rank -q --reference b.ref --method pearson -k 0 t.pmx | cut -f8 | grep -qx 'µ-opioid agonist'
	[ ! -e x.ref ]
	awk -F'\t' -v OFS='\t' 'NR == 3 { $2 = "inf" } 1' genes.tsv >inf.tsv
	run --separate-stderr reference-build inf.tsv -o i.ref
	[[ "$status" = 0 && "$stderr" = *"1 values are infinite"* ]]
	rank -q --reference i.ref --method pearson -k 0 t.pmx | grep -qP '\ts1\t.*\tNA\t12\tno_spread$'
}

@test "GCTX of the Broad keeps its f32 and its names" {
	need data/cmap_gold_wtcs
	reference-build -q "$shared/data/cmap_gold_wtcs/contest_modzs_ezid_n10x10174.gctx" -o gctx.pmx
	# Ten signatures in one slab of 32 places: 10 bytes for each place and gene, and the metadata.
	[ "$(stat -c %s gctx.pmx)" -lt $((10174 * 32 * 10 + 300000)) ]
}

@test "memory stays bounded: slabs, not the reference" {
	simulate-signatures -q --targets 1 --compounds 700 --cell-lines 10 --genes 3000 --seed 3 --out-dir big
	run -0 bash -c '/usr/bin/time -f %M reference-build -q --memory 1G -t 2 big/reference.pmx -o big.pmx 2>&1'
	[ "${lines[-1]}" -lt 1000000 ]
	run reference-build --memory 10M big/reference.pmx -o x.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"--memory"* ]]
	[ ! -e x.pmx ]
}

@test "damage is found: cut short, altered metadata at once, altered values with --verify" {
	size=$(stat -c %s "$reference")
	for n in 0 100 5000 $((size - 1)); do
		head -c "$n" "$reference" >cut.pmx
		run rank --reference cut.pmx "$targets"
		[ "$status" -eq 1 ]
	done
	cp "$reference" bad.pmx
	printf 'x' | dd of=bad.pmx bs=1 seek=$((size - 300)) conv=notrunc status=none
	run rank --reference bad.pmx "$targets"
	[ "$status" -eq 1 ]
	[[ $output == *"damaged"* ]]
	cp "$reference" bad.pmx
	printf 'xyz' | dd of=bad.pmx bs=1 seek=5000 conv=notrunc status=none
	rank -q --reference bad.pmx "$targets" >/dev/null
	run rank --verify --reference bad.pmx "$targets"
	[ "$status" -eq 1 ]
	[[ $output == *"signatures 1 to"* ]]
	rank -q --verify --reference "$reference" "$targets" >/dev/null
	run rank --reference "$signatures" "$targets"
	[ "$status" -eq 1 ]
	[[ $output == *"reference-build"* ]]
}

@test "bad input: ids that come twice, cells, nothing left; no half file" {
	printf 'signature_id\tG1\tG2\ns1\t1\t2\ns1\t2\t3\n' >twice.tsv
	run reference-build --rows signatures twice.tsv -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"s1"* ]]
	small_screen -o cells.pmx
	run reference-build cells.pmx -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"stream of cells"* ]]
	small_table >genes.tsv
	run reference-build --cell-line nowhere genes.tsv -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"no signature is left"* ]]
	run reference-build nofile -o out.pmx
	[ "$status" -eq 1 ]
	sed 1d genes.tsv >headless.tsv
	run reference-build headless.tsv -o out.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"headless.tsv, line 2: the first line of the table has numbers, such as -3.3"*"is the header missing?"* ]]
	[ ! -e out.pmx ]
	run bash -c "reference-build genes.tsv >/dev/full"
	[ "$status" -eq 1 ]
}
