load ../setup

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	simulate-signatures --targets 4 --compounds 60 --cell-lines 3 --genes 600 --seed 7 --out-dir sim
	reference-build sim/reference.pmx -o sim.pmx
	local g=$shared/golden/connectivity d=$shared/data/l1000_plate_cpc006_a375_6h
	[ ! -e "$g" ] || reference-build --rows signatures "$g/lib_wide.tsv.gz" -o lib.pmx
	[ ! -e "$d" ] || reference-build --sig-info "$d/col_meta.tsv" "$d/robust_z_symbols.tsv.gz" -o plate.pmx
}

setup() {
	work
	reference=$BATS_FILE_TMPDIR/sim.pmx
	targets=$BATS_FILE_TMPDIR/sim/targets.pmx
	truth=$BATS_FILE_TMPDIR/sim/truth.tsv
	library=$BATS_FILE_TMPDIR/lib.pmx
	plate=$BATS_FILE_TMPDIR/plate.pmx
	golden=$shared/golden/connectivity
}

helper() {
	python3 "$repo/tests/connectivity.py" "$@"
}

# Target NAME of the reference values as a stream.
golden_target() {
	awk -F'\t' -v t="$1" 'NR == 1 { print "gene\t" t } $1 == t && !seen[$2]++ { print $2 "\t" $3 }' "$golden/targets.tsv" >t.tsv
	target-signature -q --weights t.tsv -o t.pmx
}

# Column NUMBER of a table, by name.
column() {
	awk -F'\t' -v want="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == want) k = i; next } { print $k }'
}

@test "planted reversers come first and mimics last, whatever the method; null compounds are not called" {
	for method in wtcs cosine pearson spearman gsea xsum zhang ensemble rges lamb; do
		for want in reverse mimic; do
			rank --reference "$reference" --method $method --n-genes 50 --aggregate compound --want $want --permutations 100 -k 0 "$targets" >r.tsv
			python3 - r.tsv "$truth" $want <<'P'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1]), delimiter="\t"))
truth = {(r["target"], r["compound"]): r["effect"] for r in csv.DictReader(open(sys.argv[2]), delimiter="\t")}
targets = {r["target"] for r in rows}
assert len(targets) == 4
called = 0
for t in targets:
    mine = sorted((r for r in rows if r["target"] == t), key=lambda r: int(r["rank"]))
    first, last = ("reverse", "mimic") if sys.argv[3] == "reverse" else ("mimic", "reverse")
    for effect, part in (first, mine), (last, mine[::-1]):
        wanted = {c for (u, c), e in truth.items() if u == t and e == effect}
        assert wanted and {r["compound"] for r in part[:len(wanted)]} == wanted, (t, effect)
        assert all((float(r["score"]) < 0) == (effect == "reverse") for r in part[:len(wanted)])
    called += sum(float(r["q_value"]) < 0.05 for r in mine if truth.get((t, r["compound"]), "none") == "none")
assert called <= 3, called
P
		done
	done
}

@test "threads, memory, company and --top-k change no number" {
	for method in wtcs spearman ensemble; do
		rank --reference "$reference" --method $method --permutations 50 -t 1 -k 0 "$targets" >one.tsv
		rank --reference "$reference" --method $method --permutations 50 -t 6 --memory 60K -k 0 <"$targets" >six.tsv
		cmp one.tsv six.tsv
		rank --reference "$reference" --method $method --permutations 50 -k 7 "$targets" >seven.tsv
		awk -F'\t' '$2 == "rank" || $2 <= 7' one.tsv | cmp - seven.tsv
		first=$(pmx-view --obs "$targets" | sed -n 2p | cut -f1)
		pmx-select --where "target = $first" "$targets" | rank --reference "$reference" --method $method --permutations 50 -k 0 >alone.tsv
		awk -F'\t' -v t="$first" '$2 == "rank" || $1 == t' one.tsv | cmp - alone.tsv
	done
}

@test "genes and signatures in another order give the same table" {
	pmx-view --obs "$BATS_FILE_TMPDIR/sim/reference.pmx" >meta.tsv
	pmx-export --to tsv "$BATS_FILE_TMPDIR/sim/reference.pmx" -o wide.tsv
	python3 - <<'P'
rows = [line.rstrip("\n").split("\t") for line in open("wide.tsv")]
order = list(range(1, len(rows[0])))
order = order[1::2] + order[::2]
with open("mixed.tsv", "w") as out:
    for r in [rows[0]] + rows[:0:-1]:
        out.write("\t".join([r[0]] + [r[i] for i in order]) + "\n")
P
	for t in wide mixed; do
		reference-build -q --rows signatures --sig-info meta.tsv $t.tsv -o $t.pmx
		rank --reference $t.pmx --method wtcs --n-genes 40 -k 0 "$targets" | cut -f1-8,15,16 >$t.w
		rank --reference $t.pmx --method gsea --n-genes 40 -k 0 "$targets" | cut -f1-10,15,16 >$t.g
	done
	cmp wide.w mixed.w
	cmp wide.g mixed.g
}

@test "scores equal the published formulas' to 1e-9" {
	need golden/connectivity
	for t in rev_sig17 near_sig17 C0_rb lists40; do
		golden_target $t
		for m in wtcs:wtcs zhang:zhang_ordered xsum:xsum rges:rges lamb:cs2006_raw; do
			rank --reference "$library" --method "${m%:*}" --n-genes 50 -k 0 t.pmx >r.tsv
			helper scores "$golden/anchors_scores.tsv.gz" $t "${m#*:}" r.tsv 1e-9
		done
		[ $t != lists40 ] || continue
		for m in pearson:pearson spearman:spearman cosine:cosine_uncentred; do
			rank --reference "$library" --method "${m%:*}" -k 0 t.pmx >r.tsv
			helper scores "$golden/anchors_scores.tsv.gz" $t "${m#*:}" r.tsv 1e-9
		done
	done
}

@test "genes that a list does not name weigh nothing; up and down lists are +1 and -1" {
	need golden/connectivity
	golden_target lists40
	zcat "$golden/lib_wide.tsv.gz" | head -n 1 | tr '\t' '\n' | tail -n +4 |
		awk -F'\t' 'NR == FNR { w[$1] = $2; next } FNR == 1 { print "gene\tlists40" } { print $1 "\t" ($1 in w ? w[$1] : 0) }' t.tsv - >zeros.tsv
	target-signature -q --weights zeros.tsv -o zeros.pmx
	for m in pearson:pearson spearman:spearman cosine:cosine_uncentred; do
		rank --reference "$library" --method "${m%:*}" -k 0 zeros.pmx >r.tsv
		helper scores "$golden/anchors_scores.tsv.gz" lists40 "${m#*:}" r.tsv 1e-9
	done
	awk -F'\t' 'NR > 1 && $2 > 0 { print $1 }' zeros.tsv >up.txt
	awk -F'\t' 'NR > 1 && $2 < 0 { print $1 }' zeros.tsv >down.txt
	awk -F'\t' -v OFS='\t' 'NR > 1 { $2 = ($2 > 0) - ($2 < 0) } 1' zeros.tsv >signs.tsv
	target-signature -q --weights signs.tsv -o signs.pmx
	target-signature -q --up up.txt --down down.txt -o list.pmx
	for m in pearson spearman cosine wtcs; do
		rank --reference "$library" --method $m -k 0 signs.pmx | cut -f2-14 >a
		rank --reference "$library" --method $m -k 0 list.pmx >b
		cmp a <(cut -f2-14 b)
		# Evidence is what the list names, not what it is silent about.
		awk -F'\t' -v n="$(cat up.txt down.txt | wc -l)" 'NR > 1 && $15 != n { exit 1 }' b
	done
	rank --reference "$library" --method zhang -k 0 list.pmx | awk -F'\t' -v OFS='\t' 'NR > 1 { $1 = "lists40" } 1' >r.tsv
	helper scores "$golden/anchors_scores.tsv.gz" lists40 zhang_unordered r.tsv 1e-9
}

@test "NCS and compounds' maximum quantile equal the formulas'" {
	need golden/connectivity
	golden_target near_sig17
	rank --reference "$library" --n-genes 50 -k 0 t.pmx | awk -F'\t' -v OFS='\t' 'NR > 1 { $10 = $11 } 1' >r.tsv
	helper scores "$golden/anchors_scores.tsv.gz" near_sig17 ncs_cell r.tsv 1e-9
}

@test "enrichment of given orders, profiles with gaps among them, to 1e-12" {
	need golden/connectivity
	python3 - "$golden/es_unit.tsv" <<'P'
import csv, sys
cases = [r for r in csv.DictReader(open(sys.argv[1]), delimiter="\t") if r["set"] != "-"]
with open("long.tsv", "w") as out, open("sets.gmt", "w") as sets:
    out.write("signature_id\tcompound\tcell_line\tgene_symbol\tscore\n")
    for r in cases:
        genes = r["ranked"].split(",")
        for i, g in enumerate(genes):
            out.write(f"c{r['case']}\td\tl\t{g}\t{len(genes) - i}.5\n")
        sets.write(f"c{r['case']}_UP\t\t" + "\t".join(r["set"].split(",")) + "\n")
P
	reference-build -q long.tsv -o ref.pmx
	target-signature -q --up sets.gmt | rank -q --reference ref.pmx --method gsea --min-overlap 1 -k 0 >r.tsv
	python3 - "$golden/es_unit.tsv" <<'P'
import csv, sys
want = {r["case"]: r for r in csv.DictReader(open(sys.argv[1]), delimiter="\t") if r["set"] != "-"}
got = {r["target"][1:]: r["score"] for r in csv.DictReader(open("r.tsv"), delimiter="\t") if r["target"] == r["signature_id"]}
n = 0
for case, r in want.items():
    if not set(r["set"].split(",")) & set(r["ranked"].split(",")):
        assert got.get(case, "NA") == "NA"          # no gene of the set: a reason, not 0
        continue
    n += 1
    ours, theirs = float(got[case]), float(r["es"])
    # Two ends of equal size: the positive one here, by rounding there.
    assert abs(ours - theirs) < 1e-12 or (abs(ours + theirs) < 1e-12 and ours > 0), (case, ours, theirs)
assert n > 25
P
}

@test "--compat scperturb-cmap: scores and ranking of the old program" {
	need golden/connectivity
	for t in lists lists40 uponly acceptance C0_rb C0_logfc300 messy near_sig17 rev_sig17; do
		golden_target $t
		for m in cosine:cosine_score gsea:gsea_score ensemble:ensemble; do
			rank --reference "$library" --compat scperturb-cmap --method "${m%:*}" --min-overlap 1 -k 0 t.pmx >r.tsv
			helper scores "$golden/scores_all.tsv.gz" $t "${m#*:}" r.tsv 1e-9
		done
		[ $t = uponly ] || helper order "$golden/ranking_top50.tsv" $t r.tsv
	done
}

@test "a target without a gene of the reference is refused, not scored 0" {
	need golden/connectivity
	golden_target nooverlap
	run rank --reference "$library" --compat scperturb-cmap --method cosine t.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"none of the 2 genes of the targets"* ]]
}

@test "unweighted enrichment over all genes; ends that are equally large are the positive one" {
	need golden/connectivity
	for t in lists40 messy near_sig17 rev_sig17; do
		golden_target $t
		rank -q --reference "$library" --method gsea --n-genes 32767 --min-overlap 1 -k 0 t.pmx >r.tsv
		helper scores "$golden/scores_all.tsv.gz" $t gsea_score_allgenes r.tsv 1e-9
	done
	# Every gene is in one of two sets of 489, so their running sums mirror each other: where both ends are as large the score is 0.
	golden_target C0_rb
	rank -q --reference "$library" --method gsea --n-genes 32767 -k 0 t.pmx >r.tsv
	python3 - "$golden/scores_all.tsv.gz" <<'P'
import csv, gzip, sys
ours = {r["signature_id"]: float(r["score"]) for r in csv.DictReader(open("r.tsv"), delimiter="\t")}
gold = {r["signature_id"]: float(r["gsea_score_allgenes"]) for r in csv.DictReader(gzip.open(sys.argv[1], "rt"), delimiter="\t") if r["target"] == "C0_rb"}
other = {s for s in gold if abs(ours[s] - gold[s]) > 1e-9}
assert len(gold) == 200 and len(other) == 5 and "sig119" in other and all(ours[s] == 0 for s in other), other
P
}

@test "tiny profiles with a missing gene, a constant one and names that differ by case only" {
	need golden/connectivity
	printf 'gene\tt\nAA\t2\nBB\t1\nCC\t-1\nDD\t-2\n' >t.tsv
	target-signature -q --weights t.tsv -o t.pmx
	sed 's/NaN/NA/g' "$golden/edge_pivot.tsv" >with_gap.tsv
	cut -f1-5 with_gap.tsv >no_aa.tsv
	grep -v '^s2' no_aa.tsv >s1s3.tsv
	sed '1s/case/target/' "$golden/edge_scores.tsv" >gold.tsv
	for case in with_gap no_aa s1s3; do
		reference-build -q --rows signatures $case.tsv -o ref.pmx
		rank -q --reference ref.pmx --compat scperturb-cmap --method cosine --min-overlap 1 -k 0 t.pmx | sed "s/^t\t/$case\t/" >r.tsv
		helper scores gold.tsv $case cosine r.tsv 1e-9
		for method in cosine gsea ensemble; do
			rank -q --reference ref.pmx --compat scperturb-cmap --method $method --min-overlap 1 -k 0 t.pmx | tail -n +2 | cut -f3,10 | sed "s/^/$case\t$method\t/"
		done >>all.tsv
	done
	python3 - <<'P'
import csv
ours = {}
for line in open("all.tsv"):
    case, method, signature, score = line.rstrip("\n").split("\t")
    ours.setdefault((case, method), {})[signature] = float(score)
gold = {(r["target"], r["signature_id"]): float(r["gsea"]) for r in csv.DictReader(open("gold.tsv"), delimiter="\t")}
assert len(gold) == 11
# The order of genes of equal value is an accident there: s2 has three of them, all of s4 are equal. Names that differ by case count as one
# gene twice there, as two genes here: s3 of the case with both.
tied = {"s2": 0.5, "s4": 0.0}
for (case, s), g in gold.items():
    want = tied.get(s, g) if (case, s) != ("with_gap", "s3") else -1 / 12
    assert abs(ours[case, "gsea"][s] - want) < 1e-9, (case, s, g)
def z(x):
    mean = sum(x.values()) / len(x)
    sd = (sum((v - mean) ** 2 for v in x.values()) / len(x)) ** 0.5
    return {k: (v - mean) / sd for k, v in x.items()}
for case in ("with_gap", "no_aa", "s1s3"):
    a, b = z(ours[case, "cosine"]), z(ours[case, "gsea"])
    for s, got in ours[case, "ensemble"].items():
        assert abs(got - (a[s] - b[s]) / 2) < 1e-9, (case, s)
P
	# Two values for one gene in a long table: there is no telling which is right.
	run reference-build "$golden/edge_lib.tsv" -o x.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"signature s2, gene AA stands there twice"* ]]
}

@test "targets that have nothing to do with the reference: p < 0.05 in about 5 %" {
	simulate-signatures -q --targets 40 --compounds 2 --cell-lines 1 --genes 600 --cells 1 --seed 1234 --out-dir other
	for method in wtcs gsea zhang xsum cosine spearman; do
		rank -q --reference "$reference" --method $method --n-genes 50 --permutations 200 -k 0 other/targets.pmx >r.tsv
		helper null-share r.tsv 0.035 0.065
		awk -F'\t' 'NR > 1 && $14 < 0.05 { n++ } END { if (n > 2) exit 1 }' r.tsv
	done
}

@test "--leading-edge: genes that make the enrichment, the highest of the profile first" {
	printf 'gene\ts1\ts2\n' >ref.tsv
	for g in $(seq 1 20); do printf 'G%d\t%s\t%s\n' "$g" "$(echo "10.5 - $g" | bc)" "$(echo "$g - 10.5" | bc)"; done >>ref.tsv
	reference-build -q ref.tsv -o ref.pmx
	printf 'G2\nG1\nG3\nG15\n' >up.txt
	printf 'G19\nG20\nG6\n' >down.txt
	target-signature -q --up up.txt --down down.txt -o t.pmx
	for method in wtcs gsea; do
		rank -q --reference ref.pmx --method $method --leading-edge --min-overlap 5 --want mimic t.pmx | cut -f3,17,18 >edge
		diff - edge <<-'T'
		signature_id	leading_up	leading_down
		s1	G1|G2|G3	G19|G20
		s2	G3|G2|G1	G20|G19
		T
	done
	# Without the option the table is as it was; where there is no score there is no edge.
	rank -q --reference ref.pmx --min-overlap 5 t.pmx >without
	rank -q --reference ref.pmx --min-overlap 5 --leading-edge t.pmx | cut -f1-16 | cmp - without
	rank --reference "$reference" --leading-edge --aggregate compound -k 1 "$targets" | awk -F'\t' 'NR > 1 && ($17 !~ /\|/ || $18 !~ /\|/) { exit 1 }'
	run rank --reference ref.pmx --method cosine --leading-edge t.pmx
	[ "$status" -eq 2 ]
	[[ $output == *"no leading edge"* ]]
}

@test "the Broad's 100 scores, to 1e-6, and the same 47 zeros" {
	need data/cmap_gold_wtcs
	local d=$shared/data/cmap_gold_wtcs
	reference-build "$d/contest_modzs_ezid_n10x10174.gctx" -o ref.pmx
	target-signature --up "$d/contest_query_ezid_up_n10.gmt" --down "$d/contest_query_ezid_down_n10.gmt" | rank --reference ref.pmx -k 0 >r.tsv
	pmx-import "$d/contest_results_n10x10.gctx" | pmx-export --to tsv -o gold.tsv
	python3 - <<'P'
import csv
ours = {(r["target"], r["signature_id"]): float(r["score"]) for r in csv.DictReader(open("r.tsv"), delimiter="\t")}
rows = list(csv.reader(open("gold.tsv"), delimiter="\t"))
gold = {(name, r[0]): float(x) for r in rows[1:] for name, x in zip(rows[0][1:], r[1:])}
if not set(gold) & set(ours):
    gold = {(b, a): x for (a, b), x in gold.items()}
assert len(gold) == 100
for k in gold:
    a = ours.get(k, ours.get(k[::-1]))
    assert abs(a - gold[k]) < 1e-6 and (a == 0) == (gold[k] == 0), (k, a, gold[k])
assert sum(x == 0 for x in gold.values()) == 47
P
}

@test "the Broad's 43,990 compound summaries, to 1e-6" {
	need data/cmap_gold_connectivity
	local d=$shared/data/cmap_gold_connectivity
	# Each profile is the compound's scores in one cell line for five queries; a set of one query picks that score.
	pmx-import -q --kind signatures "$d/ns_pert_cell_n5x73309.gctx" -o cells.pmx
	pmx-view --var cells.pmx | sed '1s/^gene/signature_id/; 1s/pert_id/compound/' >meta.tsv
	pmx-export --to tsv cells.pmx -o wide.tsv
	reference-build -q --sig-info meta.tsv wide.tsv -o ref.pmx
	tail -n +2 wide.tsv | cut -f1 | awk '{ print $1 "_UP\t\t" $1 }' >queries.gmt
	target-signature -q --up queries.gmt |
		rank -q --reference ref.pmx --method xsum --min-overlap 1 --aggregate compound --no-normalize -k 0 >r.tsv
	pmx-import -q --kind signatures "$d/ns_pert_summary_n5x8798.gctx" | pmx-export --to tsv -o gold.tsv
	python3 - <<'P'
import csv
rows = list(csv.reader(open("gold.tsv"), delimiter="\t"))
gold = {(r[0], c): float(x) for r in rows[1:] for c, x in zip(rows[0][1:], r[1:])}
n = 0
for r in csv.DictReader(open("r.tsv"), delimiter="\t"):
    assert abs(float(r["score"]) - gold[r["target"], r["compound"]]) < 1e-6, r
    n += 1
assert n == len(gold) == 43990
P
}

@test "NCS is the score times one constant for each sign, in the Broad's output and here" {
	need data/cmap_gold_connectivity
	pmx-import -q --kind signatures "$shared/data/cmap_gold_connectivity/ncs_mcf7_frasor_er_n1x38773.gctx" -o x.pmx
	pmx-view --var x.pmx | sed '1s/^gene/signature_id/' >meta.tsv
	pmx-export --to tsv x.pmx -o theirs.tsv
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "raw_cs") k = i; next } { h = h "\t" $1; v = v "\t" $k } END { print "gene" h; print "raw" v }' meta.tsv >raw.tsv
	reference-build -q --sig-info meta.tsv raw.tsv -o ref.pmx
	printf 'q_UP\t\traw\n' >q.gmt
	target-signature -q --up q.gmt | rank -q --reference ref.pmx --method xsum --min-overlap 1 -k 0 >r.tsv
	python3 - <<'P'
import csv
meta = {r["signature_id"]: r for r in csv.DictReader(open("meta.tsv"), delimiter="\t")}
head, values = list(csv.reader(open("theirs.tsv"), delimiter="\t"))
theirs = dict(zip(head[1:], map(float, values[1:])))
ours, gold = {}, {}
for r in csv.DictReader(open("r.tsv"), delimiter="\t"):
    score, ncs = float(r["score"]), float(r["ncs"])
    assert score == float(meta[r["signature_id"]]["raw_cs"])
    assert (score > 0) == (ncs > 0) == (theirs[r["signature_id"]] > 0) or score == 0
    if score:
        gold.setdefault(score > 0, []).append(theirs[r["signature_id"]] / score)
        ours.setdefault((meta[r["signature_id"]]["pert_type"], score > 0), []).append((ncs, score))
for ratios in gold.values():
    assert max(ratios) / min(ratios) < 1.001        # raw_cs has four digits
for pairs in ours.values():
    k = len(pairs) / sum(abs(s) for _, s in pairs)
    assert all(abs(n - k * s) < 1e-12 * abs(n) for n, s in pairs)
assert len(ours) == 12
P
}

@test "trichostatin A in another cell line finds the four wells of HDAC inhibitors first" {
	need data/l1000_plate_cpc006_a375_6h
	need data/l1000_tsa_mcf7
	target-signature -q --weights "$shared/data/l1000_tsa_mcf7/tsa_mcf7_symbols.tsv" -o tsa.pmx
	for m in wtcs spearman zhang ensemble; do
		rank -q --reference "$plate" --method $m --n-genes 50 --want mimic --permutations 2000 -k 0 tsa.pmx >r.tsv
		awk -F'\t' 'NR > 1 && NR <= 5 && (tolower($4) !~ /trichostatin|saha|suberoyl|isox/ || $13 > 0.002 || $14 > 0.05) { exit 1 }' r.tsv
		# As reversers they are the last.
		rank -q --reference "$plate" --method $m --n-genes 50 -k 0 tsa.pmx | column signature_id | tail -n 4 | sort >last
		column signature_id <r.tsv | head -n 4 | sort | cmp - last
	done
}

@test "disease signatures against the plate: nothing is significant" {
	need data/l1000_plate_cpc006_a375_6h
	need data/stargeo_disease_signatures
	python3 - "$shared"/data/stargeo_disease_signatures/*.tsv.gz >star.tsv <<'P'
import csv, gzip, sys
targets = {}
for path in sys.argv[1:]:
    mine = targets.setdefault(path.split("/")[-1].split(".")[0], {})
    for r in csv.DictReader(gzip.open(path, "rt"), delimiter="\t"):
        if r["random_zscore"] not in ("", "NA"):
            mine.setdefault(r["mygene_sym"], r["random_zscore"])
print("gene", *targets, sep="\t")
for g in sorted({g for t in targets.values() for g in t}):
    print(g, *(t.get(g, "NA") for t in targets.values()), sep="\t")
P
	target-signature -q --weights star.tsv -o star.pmx
	for options in "--method wtcs" "--method wtcs --n-genes 50" "--method spearman" "--method zhang" "--method wtcs --aggregate compound" "--method wtcs --aggregate moa"; do
		# shellcheck disable=SC2086
		rank -q --reference "$plate" $options --permutations 500 -k 0 star.pmx |
			awk -F'\t' -v o="$options" 'NR > 1 { n++; p += $13 < 0.05; if ($14 < 0.05) { print o ": " $0; exit 1 } } END { if (n < 600 || p > 0.1 * n) exit 1 }'
	done
}

@test "a drug is found in a cell line that its signature does not come from" {
	need data/l1000_modz_n272x978
	local gct=$shared/data/l1000_modz_n272x978/modz_n272x978.gct.gz
	reference-build -q "$gct" -o ref.pmx
	for drug in vemurafenib venlafaxine; do
		helper held-out "$gct" $drug >held.tsv
		target-signature -q --weights held.tsv | rank -q --reference ref.pmx --method zhang --want mimic -k 0 >r.tsv
		helper auroc r.tsv $drug >$drug
	done
	awk '$1 < 0.80 { exit 1 }' vemurafenib
	awk '$1 < 0.35 || $1 > 0.65 { exit 1 }' venlafaxine
}

@test "wells of short hairpins: the gene that is knocked down is among the ten lowest" {
	need data/l1000_shrna_kd017
	pmx-import -q "$shared/data/l1000_shrna_kd017/kd017_n374x976.gct.gz" -o kd.pmx
	reference-build -q kd.pmx -o ref.pmx
	pmx-view --obs kd.pmx >meta.tsv
	column pert_iname <meta.tsv | sort -u >named
	# A list with one gene down: the score of a well is that gene's fall.
	pmx-view --var kd.pmx | column pr_gene_symbol | awk '{ print $1 "_DN\t\t" $1 }' >genes.gmt
	target-signature -q --down genes.gmt | rank -q --reference ref.pmx --method xsum --n-extreme 1000 --min-overlap 1 --want mimic -k 0 >r.tsv
	python3 - <<'P'
import csv
meta = {r["signature_id"]: r for r in csv.DictReader(open("meta.tsv"), delimiter="\t")}
score = {}
for r in csv.DictReader(open("r.tsv"), delimiter="\t"):
    score.setdefault(r["signature_id"], {})[r["target"]] = float(r["score"])
found = n = 0
for well, genes in score.items():
    own = meta[well]["pert_iname"]
    if meta[well]["pert_type"] != "trt_sh" or own not in genes:
        continue
    n += 1
    found += sum(v > genes[own] for v in genes.values()) < 10
print(found, n)
assert n > 250 and found > 0.85 * n
P
}

@test "genes are matched per signature; too few shared are a reason, not a score" {
	printf 'signature_id\tcompound\tcell_line\tgene_symbol\tscore\n' >long.tsv
	for g in $(seq 1 30); do printf 'full\ta\tL\tG%d\t%d\n' "$g" $((g * 7 % 31 - 15)); done >>long.tsv
	for g in $(seq 1 12); do printf 'part\tb\tL\tG%d\t%d\n' "$g" $((g * 7 % 31 - 15)); done >>long.tsv
	for g in $(seq 1 9); do printf 'few\tc\tL\tG%d\t%d\n' "$g" $((g * 7 % 31 - 15)); done >>long.tsv
	reference-build -q long.tsv -o ref.pmx
	printf 'gene\tt\n' >t.tsv
	for g in $(seq 1 40); do printf 'G%d\t%d\n' "$g" $((g * 11 % 41 - 20)); done >>t.tsv
	target-signature -q --weights t.tsv -o t.pmx
	run --separate-stderr rank --reference ref.pmx --method spearman -k 0 t.pmx
	[ "$status" -eq 0 ]
	[[ $stderr == *"30 of 40 genes"* ]]
	[[ $stderr == *"few_shared_genes 1"* ]]
	echo "$output" >r.tsv
	[ "$(column n_overlap <r.tsv | sort -n | tr '\n' ' ')" = "9 12 30 " ]
	tail -n 1 r.tsv | grep -q '	NA	few	.*	NA	NA	NA	NA	NA	9	few_shared_genes$'
	# What the gaps leave is scored as if there were nothing else.
	grep -v 'full\|few' long.tsv >alone.tsv
	reference-build -q alone.tsv -o alone.pmx
	for m in spearman pearson cosine wtcs gsea xsum zhang rges; do
		rank -q --reference ref.pmx --method $m --n-genes 40 --min-overlap 1 -k 0 t.pmx | awk -F'\t' '$3 == "part" { print $10, $15 }' >in
		rank -q --reference alone.pmx --method $m --n-genes 40 --min-overlap 1 -k 0 t.pmx | awk -F'\t' '$3 == "part" { print $10, $15 }' >by
		python3 -c 'a, b = (open(f).read().split() for f in ("in", "by")); assert a[1] == b[1] and abs(float(a[0]) - float(b[0])) < 1e-14, (a, b)'
	done
}

@test "one-sided lists, and a list whose genes nobody has" {
	head -n 40 <(pmx-view --var "$targets" | tail -n +2 | cut -f1) >up.txt
	target-signature -q --up up.txt | rank -q --reference "$reference" -k 0 >up.tsv
	target-signature -q --down up.txt | rank -q --reference "$reference" -k 0 --want mimic >down.tsv
	[ "$(column score <up.tsv | awk '$1 != 0' | wc -l)" -gt 170 ]
	cmp <(column signature_id <up.tsv) <(column signature_id <down.tsv)
	printf 'NOGENE1\nNOGENE2\n' >none.txt
	run bash -c "target-signature -q --up none.txt | rank --reference '$reference'"
	[ "$status" -eq 1 ]
	[[ $output == *"none of the 2 genes"* ]]
}

@test "conditions: only the signatures asked for, and p and q over those" {
	rank --reference "$reference" --cell-line LINE0002 -k 0 "$targets" | column cell_line | sort -u | grep -qx LINE0002
	rank --reference "$reference" --cell-line LINE0002 --cell-line LINE0001 -k 0 "$targets" | column cell_line | sort -u | wc -l | grep -qx 2
	dose=$(rank --reference "$reference" -k 1 "$targets" | column dose | head -n 1)
	rank --reference "$reference" --dose "$dose" -k 0 "$targets" | column dose | sort -u | grep -qx "$dose"
	rank --reference "$reference" --time 0:7 -k 0 "$targets" | column time | awk '$1 > 7 { exit 1 }'
	moa=$(rank --reference "$reference" -k 1 "$targets" | column moa | head -n 1)
	rank --reference "$reference" --moa "$moa" -k 0 "$targets" | column moa | sort -u | grep -qx "$moa"
	run rank --reference "$reference" --cell-line NOWHERE "$targets"
	[ "$status" -eq 1 ]
	[[ $output == *"LINE0001"* ]]
	rank --reference "$reference" --cell-line LINE0002 --permutations 99 -k 0 "$targets" |
		awk -F'\t' 'NR > 1 && ($13 < 0.01 || $13 > 1 || $14 < $13) { exit 1 } NR > 1 { n++ } END { if (n != 240) exit 1 }'
}

@test "p and q are what a slow count gives" {
	rank --reference "$reference" --method spearman --permutations 300 --seed 5 -k 0 "$targets" >r.tsv
	python3 - <<'P'
import csv
by = {}
for r in csv.DictReader(open("r.tsv"), delimiter="\t"):
    by.setdefault(r["target"], []).append((float(r["p_value"]), float(r["q_value"]), abs(float(r["score"]))))
for rows in by.values():
    rows.sort()
    n = len(rows)
    for i, (p, q, _) in enumerate(rows):
        assert abs(p * 301 - round(p * 301)) < 1e-9 and p >= 1 / 301
        assert abs(q - min(1, min(rows[j][0] * n / (j + 1) for j in range(i, n)))) < 1e-12
    assert sum(p < 0.05 for p, _, _ in rows) > 10
P
	rank --reference "$reference" --method spearman --permutations 300 --seed 6 -k 0 "$targets" | cmp -s - r.tsv && return 1
	rank --reference "$reference" --method spearman --permutations 300 --seed 5 -k 0 "$targets" | cmp - r.tsv
}

@test "tau against a background of reference queries" {
	pmx-select --where 'cell_line = LINE0001' "$BATS_FILE_TMPDIR/sim/reference.pmx" -o queries.pmx
	rank -q --reference "$reference" --n-genes 50 --write-background background.pmx queries.pmx >/dev/null
	pmx-check background.pmx
	for unit in signature compound moa; do
		rank --reference "$reference" --n-genes 50 --background background.pmx --aggregate $unit -k 0 "$targets" >r.tsv
		rank -q --reference "$reference" --n-genes 50 --aggregate $unit -k 0 queries.pmx >b.tsv
		python3 - $unit <<'P'
import csv, sys
key = {"signature": "signature_id", "compound": "compound", "moa": "moa"}[sys.argv[1]]
back = {}
for r in csv.DictReader(open("b.tsv"), delimiter="\t"):
    back.setdefault(r[key], []).append(abs(float(r["ncs"])))
n = 0
for r in csv.DictReader(open("r.tsv"), delimiter="\t"):
    ncs, others = float(r["ncs"]), back[r[key]]
    want = (ncs > 0) - (ncs < 0)
    want *= 100 * sum(x < abs(ncs) for x in others) / len(others)
    assert abs(float(r["tau"]) - want) < 1e-9, (r, want)
    n += abs(want) > 90
assert n > 5
P
	done
	run rank --reference "$reference" --n-genes 40 --background background.pmx "$targets"
	[ "$status" -eq 1 ]
	[[ $output == *"made otherwise"* ]]
}

@test "a table of genes finds previous symbols and ids, and says what is used" {
	pmx-view --var "$targets" | tail -n +2 | cut -f1 | awk 'BEGIN { print "symbol\tprev_symbol\talias_symbol\tentrez_id\tensembl_gene_id" }
		{ print $1 "\tOLD" NR "\t\t" 5000 + NR "\t" } END { print "ELSEWHERE\t\t\t99999\t" }' >hgnc.tsv
	pmx-export --to tsv "$targets" | awk -F'\t' '{ for (i = 1; i <= NF; i++) c[NR, i] = $i; n = NF } END { for (i = 1; i <= n; i++) {
		s = i == 1 ? "gene" : i % 2 ? "OLD" (i - 1) : 5000 + i - 1; for (r = 2; r <= NR; r++) s = s "\t" c[r, i]; print s }
		for (g = 1; g <= 2; g++) { s = g == 1 ? "ELSEWHERE" : "NOGENE"; for (r = 2; r <= NR; r++) s = s "\t0.1"; print s } }' >renamed.tsv
	pmx-view --obs "$targets" | tail -n +2 | cut -f1 | paste -s | sed 's/^/gene\t/' >head.tsv
	tail -n +2 renamed.tsv | cat head.tsv - >t.tsv
	target-signature -q --weights t.tsv -o t.pmx
	run --separate-stderr rank --reference "$reference" --gene-info hgnc.tsv -k 0 t.pmx
	[ "$status" -eq 0 ]
	[[ $stderr == *"600 used"* && $stderr == *"1 valid but outside"* && $stderr == *"1 unknown"* ]]
	echo "$output" >a
	rank -q --reference "$reference" -k 0 "$targets" | cmp - a
}

@test "what does not fit is named: genes, conditions, metadata, versions, streams" {
	printf 'gene\tt\nNOGENE1\t1\nNOGENE2\t-1\n' >other.tsv
	target-signature -q --weights other.tsv -o other.pmx
	run rank --reference "$reference" other.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"none of the 2 genes of the targets"*"NOGENE1"* ]]
	run rank --reference "$reference" --cell-line LINE0O01 "$targets"
	[ "$status" -eq 1 ]
	[[ $output == *"'LINE0001' is near"*"there is "*"LINE0003"* ]]
	printf 'gene\ts1\ts2\nG0001\t1\t2\nG0002\t2\t1\n' >bare.tsv
	reference-build -q bare.tsv -o bare.pmx
	for unit in compound moa; do
		run rank --reference bare.pmx --aggregate $unit "$targets"
		[ "$status" -eq 1 ]
		[[ $output == *"give reference-build --"*"info"* ]]
	done
	run rank --reference bare.pmx --cell-line A375 "$targets"
	[ "$status" -eq 1 ]
	[[ $output == *"none at all"* ]]
	run rank -q --reference bare.pmx "$targets" -o few.tsv
	[ "$status" -eq 1 ]
	[ ! -e few.tsv ]
	cp "$reference" later.pmx
	helper version later.pmx 2
	run rank --reference later.pmx "$targets"
	[ "$status" -eq 1 ]
	[[ $output == *"version 2; this program reads 1"* ]]
	run rank --reference "$targets" "$targets"
	[ "$status" -eq 1 ]
	[[ $output == *"reference-build"* ]]
	n=$(pmx-view --obs "$BATS_FILE_TMPDIR/sim/reference.pmx" | tail -n +2 | wc -l)
	[ "$(rank -q --reference "$reference" -k 0 "$targets" | wc -l)" -eq $((4 * n + 1)) ]
}

@test "what cannot be summarised or standardised is said: no compound, a signature alone, too few genes" {
	printf 'gene\ts1\ts2\ts3\n' >ref.tsv; for g in {1..20}; do printf 'G%d\t%d\t%d\t%d\n' $g $((g * 7 % 23)) $((g * 5 % 23)) $((g * 11 % 23)); done >>ref.tsv
	printf 'gene\tt\n' >t.tsv; for g in {1..20}; do printf 'G%d\t%d\n' $g $((g - 10)); done >>t.tsv
	printf 'sig_id\tpert_iname\tcell_id\ns1\tA\tX\ns2\tB\tY\n' >info.txt
	target-signature -q --weights t.tsv -o t.pmx
	reference-build -q --sig-info info.txt ref.tsv -o ref.pmx
	run --separate-stderr rank --reference ref.pmx --method pearson --aggregate compound -k 0 t.pmx
	[[ "$status" = 0 && "$stderr" = *"1 of 3 signatures have no compound and are left out"* ]]
	[ "$(wc -l <<<"$output")" = 3 ]
	# z over one signature is no number; the parts of the ensemble alone are.
	run --separate-stderr rank --reference ref.pmx --method ensemble --cell-line X -k 0 t.pmx
	[[ "$status" = 1 && "$stderr" = *"no_spread 1"* ]]
	rank -q --reference ref.pmx --method pearson --cell-line X -k 0 t.pmx | grep -qP '\ts1\tA\tX\t'
	[ "$(rank -q --reference ref.pmx --method ensemble -k 0 t.pmx | column reason | sort -u)" = NA ]
	run rank --reference ref.pmx --min-overlap 21 t.pmx
	[[ "$status" = 1 && "$output" = *"of every target fewer than 21 genes count in any signature (--min-overlap)"* ]]
}

@test "of a reference larger than --memory some slabs are mapped at a time" {
	[[ $BUILD != *-san ]] || skip "memory is not measured under a sanitizer"
	simulate-signatures -q --targets 1 --compounds 25000 --cell-lines 4 --genes 100 --cells 1 --seed 3 --out-dir many
	reference-build -q many/reference.pmx -o many.ref
	[ "$(stat -c %s many.ref)" -gt 100000000 ]
	for how in "--method cosine --compat scperturb-cmap" "--method wtcs" "--method ensemble"; do
		run -0 bash -c "/usr/bin/time -f %M rank -q --reference many.ref $how --memory 20M many/targets.pmx 2>&1 >some.tsv"
		[ "${lines[-1]}" -lt 80000 ]
		rank -q --reference many.ref $how many/targets.pmx | cmp - some.tsv
	done
}

@test "bad calls are refused" {
	run rank "$targets"
	[ "$status" -eq 2 ]
	[[ $output == *"--reference"* ]]
	run rank --reference nowhere.pmx "$targets"
	[ "$status" -eq 1 ]
	run rank --reference "$reference" --compat scperturb-cmap --method wtcs "$targets"
	[ "$status" -eq 2 ]
	small_screen -o cells.pmx
	run rank --reference "$reference" cells.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"stream of cells"* ]]
	run bash -c "rank --reference '$reference' -k 0 '$targets' >/dev/full"
	[ "$status" -eq 1 ]
	head -c 3000 "$targets" >cut.pmx
	run rank --reference "$reference" cut.pmx -o out.tsv
	[ "$status" -eq 1 ]
	[ ! -e out.tsv ]
}
