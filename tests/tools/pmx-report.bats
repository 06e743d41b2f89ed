load ../setup

all=(--markers markers.pmx --de de.pmx --groups groups.pmx --programs programs.pmx --drugs drugs.tsv --enrichment classes.tsv --embedding scores.pmx)

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	simulate-screen --cells 1200 --genes 300 --targets 6 --controls 240 --splits 2 --effect 3 --density 0.4 --seed 11 | normalize | pca --n-comps 10 | pert-signature --control NT --split-by replicate | mixscale -q --control NT --split-by replicate |
		mixscape -q --control NT --split-by replicate -o scores.pmx
	de-markers -q --control NT scores.pmx -o markers.pmx
	de-markers -q --control NT --tsv scores.pmx >markers.tsv
	pmx-view --obs scores.pmx >obs.tsv
	drugs 8 25 4 >drugs.tsv
	awk -F'\t' -v OFS='\t' 'BEGIN { print "target", "class", "method", "p_value", "q_value", "members", "reason" }
		NR > 1 && !($1 in n) { n[$1] = 1; for (i = 1; i <= 6; i++) print $1, "class" i, "fisher", i / 100, i / 20, "NA", "NA" }' drugs.tsv >classes.tsv
	weighted-de -q --control NT --split-by replicate scores.pmx -o de.pmx
	decompose -q de.pmx -o groups.pmx
	program-signature -q groups.pmx -o programs.pmx
	pmx-report -q "${all[@]}" scores.pmx -o report.html
}

setup() {
	work
	from=$BATS_FILE_TMPDIR
	everything=(--markers "$from/markers.pmx" --de "$from/de.pmx" --groups "$from/groups.pmx" --programs "$from/programs.pmx" --drugs "$from/drugs.tsv"
		--enrichment "$from/classes.tsv" --embedding "$from/scores.pmx" "$from/scores.pmx")
}

# drugs TARGETS COMPOUNDS SIGNATURES: a table as rank writes it, some scores missing.
drugs() {
	awk -v T="$1" -v C="$2" -v S="$3" -v OFS='\t' 'BEGIN {
		print "target", "rank", "signature_id", "compound", "cell_line", "dose", "time", "moa", "score", "leading_edge", "reason"
		for (t = 1; t <= T; t++) for (i = 0; i < C * S; i++) {
			c = i % C; score = i % 37 == 36 ? "NA" : sprintf("%.9g", -2 + 4 * i / (C * S) + t * 1e-7)
			print "state" t, i + 1, "sig" i, "drug " c, "LINE" i % 3, 1 + i % 2 * 9, i % 2 ? 6 : 24, "moa" c % 5, score, "G" c % 4 "|G" c % 7, score == "NA" ? "few_shared_genes" : "NA" } }'
}

# Text of the elements with that class, or of the tag, as a parser of HTML sees it.
parsed() {
	python3 "$repo/tests/html_text.py" "$@"
}

@test "one page, nothing from outside, below 3 MB" {
	[ "$(stat -c %s "$from/report.html")" -lt 3145728 ]
	run ! grep -qE '(src|href)="?(https?:)?//|@import|url\(' "$from/report.html"
	grep -q "Content-Security-Policy\" content=\"default-src 'none'; script-src 'nonce-" "$from/report.html"
	for section in overview scores guides volcano de groups programs drugs agreement leading-edge classes embedding provenance; do
		grep -q "<section id=\"$section\" aria-labelledby" "$from/report.html"
	done
	[ "$(grep -c '<svg' "$from/report.html")" -gt 20 ]
	# The same bytes again, and other bytes of another run.
	pmx-report --markers "$from/markers.pmx" "$from/scores.pmx" -o a.html
	pmx-report --markers "$from/markers.pmx" "$from/scores.pmx" -o b.html
	cmp a.html b.html
}

@test "numbers of targets and guides are those of the cells" {
	pmx-report --figure cells --form tsv "$from/scores.pmx" | tail -n +2 | sort >ours
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { n[$at["gene_target"] "\t" $at["replicate"]]++ }
		END { for (k in n) print k "\t" n[k] }' "$from/obs.tsv" | sort | cmp - ours
	pmx-report --figure guides --form tsv "$from/scores.pmx" | tail -n +2 | sort >ours
	awk -F'\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["gene_target"] != "NT" && $at["mixscape_reason"] == "NA" { k = $at["gene_target"] "\t" $at["guide_id"]; n[k]++; ko[k] += $at["mixscape_class_global"] == "KO" }
		END { for (k in n) printf "%s\t%.12f\t%d\n", k, ko[k] / n[k], n[k] }' "$from/obs.tsv" | sort >plain
	awk -F'\t' 'NR == FNR { v[$2] = $3; n[$2] = $4; next } { m++; d = v[$2] - $3; if (d * d > 1e-20 || n[$2] != $4) bad = 1 } END { exit bad || m < 10 }' ours plain
	# Table of the page: mean score of the scored cells.
	parsed "$from/report.html" template table-targets >table
	awk -F'\t' 'NR == FNR { if (FNR == 1) { for (i = 1; i <= NF; i++) at[$i] = i; next }
		if ($at["mixscale_reason"] == "NA") { n[$at["gene_target"]]++; s[$at["gene_target"]] += $at["mixscale_score"] } next }
		FNR == 1 { for (i = 1; i <= NF; i++) to[$i] = i; next }
		{ t = $1; if ($to["scored"] != n[t] + 0) bad = 1; if (n[t]) { d = $to["mean_score"] - s[t] / n[t]; if (d * d > 1e-16) bad = 1; m++ } }
		END { exit bad || m < 5 }' "$from/obs.tsv" table
}

@test "a ridge is the density of the scores of its target and split" {
	pmx-report --figure ridges --form tsv "$from/scores.pmx" >ours
	python3 - "$from/obs.tsv" <<-'PY'
	import csv, math, statistics, sys
	cells = [r for r in csv.DictReader(open(sys.argv[1]), delimiter="\t") if r["mixscale_reason"] == "NA"]
	curves = {}
	for r in csv.DictReader(open("ours"), delimiter="\t"):
	    curves.setdefault((r["target"], r["split"]), []).append((float(r["score"]), float(r["density"])))
	assert len(curves) >= 8, len(curves)
	for (target, split), curve in curves.items():
	    v = sorted(float(r["mixscale_score"]) for r in cells if r["gene_target"] == target and r["replicate"] == split)
	    n = len(v)
	    h = 0.9 * min(statistics.stdev(v), (v[3 * n // 4] - v[n // 4]) / 1.34) * n ** -0.2
	    top = 0
	    for x, y in curve:
	        plain = sum(math.exp(-0.5 * ((x - a) / h) ** 2) for a in v) / (n * h * math.sqrt(2 * math.pi))
	        top = max(top, plain)
	        assert abs(plain - y) < 0.06 * max(top, 0.2), (target, split, x, y, plain)
	PY
}

@test "a volcano has the most significant genes at their values, and no other ones in colour" {
	target=$(awk -F'\t' 'NR > 1 && $11 { n[$1]++ } END { for (t in n) if (n[t] > n[b]) b = t; print b }' "$from/markers.tsv")
	pmx-report --markers "$from/markers.pmx" --figure volcano --target "$target" --form tsv >ours
	awk -F'\t' -v t="$target" 'NR > 1 && $1 == t' "$from/markers.tsv" >all
	awk -F'\t' 'NR == FNR { if (FNR > 1) { fold[$3] = $4; p[$3] = $5; change[$3] = $7 } next }
		++n <= 80 { if (!($4 in fold)) { print "not drawn: " $4; bad = 1 } }
		$4 in fold { d = fold[$4] - $5; if (d * d > 1e-6 * (1 + $5 * $5)) bad = 1
			want = $10 >= 0.05 ? "none" : $5 > 0 ? "up" : "down"; if (change[$4] != want) { print $4, change[$4], want; bad = 1 }
			if ($9 > 0) { e = p[$4] - log($9) / log(10); if (e * e > 1e-5 * (1 + p[$4] * p[$4])) bad = 1 } }
		END { exit bad || n < 20 }' ours all
	pmx-report --markers "$from/markers.pmx" --figure volcano --target "$target" -o v.svg
	[ "$(grep -c '<circle' v.svg)" = "$(grep -cE '(up|down)$' ours)" ]
	[ "$(grep -o 'h0' v.svg | wc -l)" = "$(grep -c 'none$' ours)" ]
}

@test "every picture is XML, and its specification draws the columns of its data" {
	figures="cells ridges guides volcano de groups programs drugs classes agreement leading-edge embedding"
	# These are all there are.
	pmx-report --emit man | tr -d '\\' | tr '\n' ' ' | grep -oiE 'cells, ridges, guides, volcano [^.]*embedding' | sed 's/(of --markers)//; s/[ ,]\+/ /g' | grep -Fxi "$figures"
	for figure in $figures; do
		for form in svg tsv vega-lite; do
			pmx-report "${everything[@]}" --figure $figure --form $form -o $figure.$form
		done
	done
	python3 - $figures <<-'PY'
	import csv, json, sys
	import xml.etree.ElementTree as xml
	def fields(o):
	    if isinstance(o, dict):
	        yield from ([o["field"]] if "field" in o else [])
	        for v in o.values(): yield from fields(v)
	    elif isinstance(o, list):
	        for v in o: yield from fields(v)
	for name in sys.argv[1:]:
	    svg = xml.parse(name + ".svg").getroot()
	    assert svg.get("role") == "img" and svg.get("aria-label"), name
	    assert [e.tag.split("}")[1] for e in svg[:2]] == ["title", "desc"] and svg[0].text and svg[1].text == svg.get("aria-label"), name
	    spec = json.load(open(name + ".vega-lite"))
	    rows = list(csv.DictReader(open(name + ".tsv"), delimiter="\t"))
	    assert rows and set(fields(spec["encoding"])) <= set(rows[0]), (name, set(fields(spec)), rows[:1])
	    assert set(spec["data"]["format"]["parse"]) == set(rows[0])
	PY
}

@test "drugs, classes, agreement and leading edges are counted from the tables" {
	for figure in drugs classes agreement leading-edge; do
		pmx-report --drugs "$from/drugs.tsv" --enrichment "$from/classes.tsv" --figure $figure --target state3 --form tsv -o $figure.tsv
	done
	python3 - "$from/drugs.tsv" <<-'PY'
	import collections, csv, sys
	read = lambda f: list(csv.DictReader(open(f), delimiter="\t"))
	rows = [r for r in read(sys.argv[1]) if r["target"] == "state3"]
	first = {}
	for r in rows:
	    if r["score"] != "NA": first.setdefault(r["compound"], r)
	want = [(r["compound"], r["moa"], float(r["score"])) for r in first.values()][:25]
	assert [(r["drug"], r["moa"], float(r["score"])) for r in read("drugs.tsv")] == want
	shown = list(first)[:20]
	want = [(r["compound"], r["cell_line"], r["dose"], r["time"], float(r["score"])) for r in rows if r["score"] != "NA" and r["compound"] in shown]
	assert [(r["compound"], r["cell_line"], r["dose"], r["time"], float(r["score"])) for r in read("agreement.tsv")] == want
	count = collections.Counter(g for r in rows[:50] for g in r["leading_edge"].split("|"))
	assert {r["gene"]: int(r["drugs"]) for r in read("leading-edge.tsv")} == dict(count), count
	p = [float(r["p_value"]) for r in read("classes.tsv")]
	assert p == sorted(p) and len(p) == 6 and p[0] == 0.01
	PY
	# Both sides of a target, as rank tells them.
	printf 'target\tcompound\tscore\tleading_up\tleading_down\nt\ta\t-1\tA|B\tX\nt\tb\t-0.5\tB\tNA\nt\tc\tNA\tNA\tNA\n' >d.tsv
	pmx-report --drugs d.tsv --figure leading-edge --form tsv | diff - <(printf 'gene\tdrugs\nB\t2\nA\t1\nX\t1\n')
	pmx-report --drugs d.tsv --figure leading-edge | grep -c 'class="up"' | grep -qx 2
}

# groups.tsv of --figure groups, z.tsv and members.tsv of decompose.
groups_are_those() { # ROWS
	python3 - "$1" <<-'PY'
	import csv, math, sys
	read = lambda f: list(csv.DictReader(open(f), delimiter="\t"))
	z = {}
	for r in read("z.tsv"):
	    name = r.pop("contrast").replace("|", ", ")
	    z[name] = [float(v) for v in r.values() if v != "NaN"]
	z = {k: v for k, v in z.items() if v}
	def pearson(a, b):
	    p, q = sum(a) / len(a), sum(b) / len(b)
	    return sum((x - p) * (y - q) for x, y in zip(a, b)) / math.sqrt(sum((x - p) ** 2 for x in a) * sum((y - q) ** 2 for y in b))
	rows, order = read("groups.tsv"), []
	for r in rows:
	    if r["contrast"] not in order: order.append(r["contrast"])
	assert len(order) == min(len(z), int(sys.argv[1])) and len(order) > 3, (len(order), len(z))
	assert [(r["contrast"], r["other"]) for r in rows] == [(a, b) for i, a in enumerate(order) for b in order[:i + 1]]
	for r in rows:
	    assert abs(float(r["correlation"]) - pearson(z[r["contrast"]], z[r["other"]])) < 1e-3, r
	members = {(m["target"] + ", " + m["split"] if m["split"] not in ("NA", "all") else m["target"]): m for m in read("members.tsv")}
	for r in rows:
	    assert r["program"] == members[r["contrast"]]["program"] and r["other_program"] == members[r["other"]]["program"], r
	# Programmes by size, a prototype first, then whoever is most like the one before.
	runs = [members[a]["program"] for a in order]
	runs = [p for i, p in enumerate(runs) if not i or p != runs[i - 1]]
	size = {p: sum(m["program"] == p for m in members.values()) for p in runs}
	assert len(runs) == len(set(runs)) and "NA" not in runs[:-1], runs
	sizes = [size[p] for p in runs if p != "NA"]
	assert sizes == sorted(sizes, reverse=True), sizes
	like = {(r["contrast"], r["other"]): abs(float(r["correlation"])) for r in rows}
	like.update({(b, a): v for (a, b), v in list(like.items())})
	for i, a in enumerate(order):
	    program = members[a]["program"]
	    if not i or members[order[i - 1]]["program"] != program:
	        assert program == "NA" or members[a].get("prototype", "true") == "true", a
	    else:
	        rest = [b for b in order[i:] if members[b]["program"] == program]
	        assert like[order[i - 1], a] >= max(like[order[i - 1], b] for b in rest) - 1e-4, a
	PY
}

@test "groups are the programs of decompose, in the order of their likeness" {
	pmx-view --layer z "$from/groups.pmx" >z.tsv
	decompose -q --tsv "$from/de.pmx" >members.tsv
	pmx-report --groups "$from/groups.pmx" --figure groups --form tsv -o groups.tsv
	groups_are_those 48
	# The table of the page has every contrast, those in no program with a reason.
	parsed "$from/report.html" template table-groups | cut -f 1-3 | sort | diff - <(cut -f 1-3 members.tsv | sort)
	awk -F'\t' 'NR > 1 && $1 == "NA"' members.tsv | grep -q no_de_genes
	# One split, shared programs, more rows than are drawn; a correlation by ranks is drawn as such.
	decompose -q --method multicca --tsv "$from/de.pmx" >members.tsv
	decompose -q --method multicca "$from/de.pmx" -o shared.pmx
	pmx-view --layer z shared.pmx >z.tsv
	pmx-report --groups shared.pmx --figure groups --form tsv -o groups.tsv
	groups_are_those 48
	decompose -q --correlation spearman "$from/de.pmx" | pmx-report --groups - --figure groups | grep -q 'correlation (Spearman)'
	simulate-screen --cells 7000 --genes 300 --targets 70 --controls 600 --effect 3 --density 0.3 --seed 3 | normalize | de-markers -q --control NT -o many.pmx
	decompose -q many.pmx -o grouped.pmx
	decompose -q --tsv many.pmx >members.tsv
	pmx-view --layer z grouped.pmx >z.tsv
	pmx-report --groups grouped.pmx --figure groups --form tsv -o groups.tsv
	groups_are_those 48
	pmx-report --groups grouped.pmx -o page.html
	grep -qE 'Shown are 48 of [0-9]+: the programmes with most members first' page.html
	# What decompose did not make.
	run -1 pmx-report --groups "$from/de.pmx" --figure groups
	[[ $output == *"no column 'program'"*decompose* ]]
	run -1 pmx-report --figure groups "$from/scores.pmx"
	[[ $output == *"needs --groups FILE"* ]]
}

@test "marks of an agreement tell dose and time" {
	printf 'target\tcompound\tcell_line\tdose\ttime\tscore\n' >d.tsv
	printf 't\tc\tL\t%s\t%s\t-0.%d\n' 10 6 5 2 24 4 0.5 48 3 >>d.tsv
	pmx-report --drugs d.tsv --figure agreement | grep -oE '<(circle|rect)[^>]*class="s0[^>]*><title>[^<]*' | grep -oE '^<[a-z]+|( r| width)="[^"]*|class="[^"]*|dose [^:]*' | paste -sd' ' >marks
	diff marks <(echo '<circle  r="7 class="s0 dose 10, time 6 <circle  r="5 class="s0 ring dose 2, time 24 <rect  width="6 class="s0 dose 0.5, time 48')
}

@test "Vega-Lite draws the specifications" {
	py=$(python_with vl-convert-python 2>/dev/null) || skip "pip cannot fetch vl-convert-python"
	for figure in ridges guides cells volcano de groups programs drugs classes agreement leading-edge embedding; do
		for form in tsv vega-lite; do
			pmx-report "${everything[@]}" --figure $figure --form $form -o $figure.$form
		done
	done
	"$py" - <<-'PY'
	import json, vl_convert
	for name in "ridges guides cells volcano de groups programs drugs classes agreement leading-edge embedding".split():
	    spec, text = json.load(open(name + ".vega-lite")), open(name + ".tsv").read()
	    spec["data"] = {"values": text, "format": spec["data"]["format"]}
	    svg = vl_convert.vegalite_to_svg(spec, vl_version="v5.20")
	    # More marks than axes alone.
	    assert svg.count("<path") > 8, (name, svg[:300])
	PY
}

@test "hostile labels stay text" {
	printf 'cell\tbad\tside\n' >new.tsv
	awk -F'\t' -v OFS='\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { t = $at["gene_target"]
		b = t == "T0001" ? "</script><script>alert(1)</script>" : t == "T0002" ? "\"\"\" onload=alert(2) x='\''<!--\"" : t == "T0003" ? "</pre></template></svg><img src=x>&amp;" : t == "T0004" ? "\"tab\there\"" : t
		print $1, b, "]]></style>" $at["replicate"] }' "$from/obs.tsv" >>new.tsv
	pmx-join --obs new.tsv "$from/scores.pmx" -o hostile.pmx
	pmx-report --pert-key bad --control NT --split-by side hostile.pmx -o hostile.html
	parsed hostile.html tags >tags
	[ "$(grep -cx script tags)" = 1 ]
	run ! grep -qxE 'img|b' tags
	# Elements are balanced, so nothing was closed early; what can be read is the label itself.
	parsed hostile.html balanced
	parsed hostile.html template table-targets >table
	for label in '</script><script>alert(1)</script>' "\"\"\" onload=alert(2) x='<!--\"" '</pre></template></svg><img src=x>&amp;' '"tab'$'\t''here"'; do
		grep -qF -- "$label" table
	done
	for figure in ridges cells guides; do
		pmx-report --pert-key bad --control NT --split-by side --figure $figure hostile.pmx -o a.svg
		python3 -c 'import sys, xml.etree.ElementTree as x; r = x.parse("a.svg").getroot(); assert any("<script>alert(1)" in (t.text or "") for t in r.iter())'
	done
	# In the table of drugs, too, and in a title.
	printf 'target\tcompound\tscore\n</title><script>x\t<img src=y onerror=z>\t-1\n' >d.tsv
	pmx-report --drugs d.tsv --title '</title><script>alert(3)' -o d.html
	[ "$(parsed d.html tags | grep -cx script)" = 1 ]
	parsed d.html balanced
}

@test "large results stay below 3 MB, and the page says what is missing" {
	drugs 30 100 10 >many.tsv
	simulate-signatures --targets 60 --compounds 6 --genes 400 --seed 2 --out-dir sim
	awk -F'\t' -v OFS='\t' 'BEGIN { print "target", "class", "method", "p_value", "q_value", "members", "reason"
		for (t = 0; t < 300; t++) for (i = 0; i < 40; i++) print "s" t, "class" i, "fisher", (i + 1) / 50, 1, "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u|v|w|x|y|z", "NA" }' >classes.tsv
	simulate-screen --cells 12000 --genes 1600 --density 0.05 --targets 1500 --controls 300 --guides-per-target 4 --splits 8 --effect 2 --seed 3 | normalize |
		de-markers -q --control NT --test t --logfc-threshold 0 --min-pct 0 -o wide.pmx
	simulate-screen --cells 4000 --genes 60 --targets 9 --controls 300 --seed 3 | normalize | pca --n-comps 5 -o wide-pca.pmx
	simulate-screen --cells 12000 --genes 1600 --density 0.05 --targets 1500 --controls 300 --guides-per-target 4 --splits 8 --effect 2 --seed 3 |
		pmx-report --control NT --split-by replicate --markers wide.pmx --de wide.pmx --drugs many.tsv --enrichment classes.tsv --programs sim/targets.pmx --embedding wide-pca.pmx - -o large.html
	[ "$(stat -c %s large.html)" -lt 3145728 ]
	[ "$(stat -c %s large.html)" -gt 2000000 ]
	parsed large.html balanced
	grep -qE '[0-9]+ of 30000 rows.*; all of them are in many.tsv' large.html
	parsed large.html template table-drugs >drugs
	tail -n +2 drugs | cut -f 1 | sort | uniq -c | awk '{ m++ } END { exit m < 10 }'
	# Alone they fit evenly.
	pmx-report --drugs many.tsv -o drugs.html
	grep -qE '[0-9]+ of 30000 rows, the first ones of each target; all of them are in many.tsv' drugs.html
	parsed drugs.html template table-drugs | tail -n +2 | cut -f 1 | sort | uniq -c | awk '{ n[$1]++; m++ } END { for (k in n) u++; exit !(u == 1 && m == 30) }'
	grep -qE 'The 40 contrasts with most significant genes, of 1500, are there' large.html
}

@test "what cannot be drawn says why" {
	run -1 pmx-report --figure volcano "$from/scores.pmx"
	[[ $output == *"needs --markers FILE"* ]]
	run -1 pmx-report --markers "$from/markers.pmx" --figure volcano --target nobody
	[[ $output == *"nobody"* ]]
	run -1 pmx-report --figure ridges --target nobody "$from/scores.pmx"
	[[ $output == *"there is no target 'nobody'"*NT*T0001* ]]
	run -1 pmx-report --drugs "$from/drugs.tsv" --figure drugs --target nobody
	[[ $output == *"state1"* ]]
	run -2 pmx-report --figure pie "$from/scores.pmx"
	run -2 pmx-report --form tsv "$from/scores.pmx"
	run -1 pmx-report "$from/markers.pmx"
	[[ $output == *"stream of contrasts"* ]]
	run -1 pmx-report --control nobody "$from/scores.pmx"
	[[ $output == *"NT"* ]]
	run -1 pmx-report --markers "$from/markers.pmx" --score-key nothing "$from/scores.pmx"
	[[ $output == *"mixscale_score"* ]]
	run -1 bash -c 'simulate-screen --cells 100 --genes 20 --targets 2 --controls 20 | pmx-report --figure ridges'
	[[ $output == *"nothing to draw"* ]]
	# A page without scores has what there is.
	simulate-screen --cells 100 --genes 20 --targets 2 --controls 20 | pmx-report -o page.html
	grep -q 'id="overview"' page.html
	run ! grep -q 'id="scores"' page.html
}

@test "the commands in the page make the run again, and the page" {
	mkdir again
	parsed "$from/report.html" code >again.sh
	cp "$from/drugs.tsv" "$from/classes.tsv" again
	grep -q 'A table does not tell how it was made: drugs.tsv and classes.tsv have to be there before' "$from/report.html"
	(cd again && bash -e ../again.sh 2>/dev/null)
	for f in markers.pmx scores.pmx de.pmx groups.pmx programs.pmx report.html; do
		cmp "$from/$f" "again/$f"
	done
	# Cells that are shown twice are made once; a page without cells has its command, too.
	[ "$(grep -c ' -o scores.pmx' again.sh)" = 1 ]
	(cd again && pmx-report --drugs drugs.tsv --title "It's" -o drugs.html && parsed drugs.html code >drugs.sh && bash -e drugs.sh && cmp drugs.html report.html)
	# Names of files are words to the shell.
	(cd again && cp markers.pmx 'my "markers".pmx' && pmx-report --markers 'my "markers".pmx' -o odd.html && parsed odd.html code >odd.sh && rm my*.pmx &&
		bash -e odd.sh 2>/dev/null && cmp odd.html report.html && cmp 'my "markers".pmx' markers.pmx)
}

@test "the command in the page makes the page, of cells from standard input" {
	simulate-screen --cells 200 --genes 60 --targets 3 --controls 60 --seed 4 | normalize -o a.pmx
	pmx-report --control NT <a.pmx -o first.html
	parsed first.html code >again.sh
	grep -q 'pmx-report --control NT -o report.html -' again.sh
	bash -e again.sh
	cmp report.html first.html
	# Other streams from there, too; and those whose tool names its files itself.
	pmx-report --groups - <"$from/groups.pmx" -o first.html
	parsed first.html code >again.sh
	bash -e again.sh 2>/dev/null
	cmp report.html first.html
	simulate-signatures -q --targets 3 --compounds 6 --genes 50 --seed 2 --out-dir sim
	target-signature -q --group-key cell_type --case-key condition --case case --reference ctrl --sample-key donor sim/cells.pmx -o states.pmx
	mv states.pmx was.pmx
	for programs in was.pmx sim/targets.pmx; do
		pmx-report --programs $programs -o first.html
		parsed first.html code >again.sh
		cp -r sim before
		mv was.pmx before
		rm -r sim
		bash -e again.sh 2>/dev/null
		cmp report.html first.html
		diff -r --exclude=was.pmx sim before
		mv before/was.pmx was.pmx
		rm -r before
	done
}

@test "a reader sorts, filters, searches, downloads, with keys and without a network" {
	if ! command -v chromium chromium-browser google-chrome >/dev/null; then
		[ -n "${CI:-}${PERTPIPE_TESTS_INSTALL:-}" ] || skip "there is no chromium (PERTPIPE_TESTS_INSTALL=1 installs it)"
		apt-get -qq update >/dev/null && apt-get -qq install -y chromium >/dev/null 2>&1 || skip "chromium cannot be installed"
	fi
	drugs 5 100 10 >drugs.tsv
	pmx-report "${everything[@]/$from\/drugs.tsv/drugs.tsv}" -o page.html
	python3 "$repo/tests/report_browser.py" page.html drugs.tsv
}
