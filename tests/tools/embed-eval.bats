load ../setup

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	for kind in nonlinear linear; do
		# shellcheck disable=SC2046
		simulate-signatures $([ $kind = linear ] || echo --nonlinear) --targets 150 --compounds 150 --cell-lines 3 --genes 200 --cells 1 --seed 11 --out-dir $kind
		embed-train -q -r $kind/reference.pmx --pairs $kind/pairs.tsv --split-out $kind-split.tsv --seed 1 --patience 20 -o $kind-model $kind/targets.pmx
	done
}

setup() {
	work
	ln -sf "$BATS_FILE_TMPDIR"/* .
}

judge() { # KIND OPTION...
	local kind=$1
	shift
	embed-eval -r "$kind/reference.pmx" -m "$kind-model" --pairs "$kind/pairs.tsv" --split "$kind-split.tsv" "$@" "$kind/targets.pmx"
}

@test "non-linear reversal: better than every baseline in held-out compounds; linear: not" {
	judge nonlinear >nonlinear.tsv 2>nonlinear.txt
	grep -q "verdict: the embedding is better than the best baseline" nonlinear.txt
	awk -F'\t' '$2 == "recall" && $3 == 50 { if ($1 == "embedding") { v = $4; l = $5 } else if ($6 > u) { u = $6; b = $4 } } END { exit !(v >= 1.1 * b && l > u) }' nonlinear.tsv
	[ "$(cut -f1 nonlinear.tsv | sort -u | tr '\n' ' ')" = "cosine embedding ensemble method wtcs " ]
	judge linear 2>linear.txt >linear.tsv
	grep -q "verdict: the embedding is equal to" linear.txt
}

@test "labels that were shuffled cannot be learned" {
	# Compounds swap their names: what is known fits no signature.
	awk -F'\t' -v OFS='\t' 'NR > 1 { $2 = sprintf("cpd%04d", substr($2, 4) * 67 % 151) } { print }' nonlinear/pairs.tsv >pairs.tsv
	embed-train -q -r nonlinear/reference.pmx --pairs pairs.tsv --split nonlinear-split.tsv --patience 10 -o m nonlinear/targets.pmx
	embed-eval -q -r nonlinear/reference.pmx -m m --pairs pairs.tsv --split nonlinear-split.tsv nonlinear/targets.pmx >shuffled.tsv
	awk -F'\t' '$1 == "embedding" && $2 == "auc" && $4 < 0.62 { ok = 1 } END { exit !ok }' shuffled.tsv
}

@test "new targets are judged by themselves, and a memory of targets does not help there" {
	local new=(--split-out new.tsv --new-targets 0.3 --patience 20 --seed 1)
	embed-train -q -r nonlinear/reference.pmx --pairs nonlinear/pairs.tsv "${new[@]}" -o m nonlinear/targets.pmx
	embed-eval -q -r nonlinear/reference.pmx -m m --pairs nonlinear/pairs.tsv --split new.tsv nonlinear/targets.pmx >new-eval.tsv
	awk -F'\t' '$1 == "embedding" && $2 == "auc" && $5 > 0.9 { ok = 1 } END { exit !ok }' new-eval.tsv
	[ "$(awk '$2 == "target" && $3 == "test"' new.tsv | wc -l)" -eq 45 ]
	run judge nonlinear --split new.tsv
	[ "$status" -eq 1 ]
	[[ $output == *"has seen all of them"* ]]
	# Targets swap their names: what is known fits no state, but each target can be remembered.
	awk -F'\t' -v OFS='\t' 'NR > 1 { $1 = sprintf("state%04d", substr($1, 6) * 67 % 151) } { print }' nonlinear/pairs.tsv >pairs.tsv
	for split in nonlinear-split.tsv new.tsv; do
		embed-train -q -r nonlinear/reference.pmx --pairs pairs.tsv --split $split --patience 20 -o m nonlinear/targets.pmx
		embed-eval -q -r nonlinear/reference.pmx -m m --pairs pairs.tsv --split $split nonlinear/targets.pmx >$split.eval
	done
	awk -F'\t' '$1 == "embedding" && $2 == "auc" && $4 > 0.7 { ok = 1 } END { exit !ok }' nonlinear-split.tsv.eval
	awk -F'\t' '$1 == "embedding" && $2 == "auc" && $4 < 0.62 { ok = 1 } END { exit !ok }' new.tsv.eval
}

@test "threads change nothing, the seed moves the intervals only" {
	judge linear -q -t 1 >one.tsv
	judge linear -q -t 5 | cmp - one.tsv
	judge nonlinear -q >a.tsv
	judge nonlinear -q --seed 9 >b.tsv
	run ! cmp -s a.tsv b.tsv
	cut -f1-4,7 a.tsv >a
	cut -f1-4,7 b.tsv | cmp - a
}

@test "cosine as the plain way finds it" {
	judge nonlinear -q -k 3,10 --baselines cosine >ours.tsv
	pmx-export --to tsv nonlinear/targets.pmx >t.tsv
	pmx-export --to tsv nonlinear/reference.pmx >r.tsv
	python3 - <<'P'
import csv, math
def rows(f): return {r[0]: [float(x) for x in r[1:]] for r in list(csv.reader(open(f), delimiter="\t"))[1:]}
part = {r["item"]: r["part"] for r in csv.DictReader(open("nonlinear-split.tsv"), delimiter="\t")}
good = {}
for r in csv.DictReader(open("nonlinear/pairs.tsv"), delimiter="\t"):
    if r["label"] == "1": good.setdefault(r["target"], set()).add(r["compound"])
def unit(v):
    n = math.sqrt(sum(x * x for x in v)); return [x / n for x in v]
t = {k: unit(v) for k, v in rows("t.tsv").items()}
held = {k: unit(v) for k, v in rows("r.tsv").items() if part[k.split(":")[0]] == "test"}
per = {}
for name, v in t.items():
    score = {k: sum(a * b for a, b in zip(v, w)) for k, w in held.items()}
    for c in good.get(name, ()):
        if part[c] != "test": continue
        use = {k: s for k, s in score.items() if k.split(":")[0] == c or k.split(":")[0] not in good[name]}
        order = sorted(use, key=use.get)
        own = [i + 1 for i, k in enumerate(order) if k.split(":")[0] == c]
        other = len(order) - len(own)
        area = sum(other - (r - 1 - i) for i, r in enumerate(own)) / len(own) / other
        per.setdefault(c, []).append([sum(r <= 3 for r in own) / len(own), sum(r <= 10 for r in own) / len(own), 1 / own[0], area])
mean = [sum(sum(q[j] for q in v) / len(v) for v in per.values()) / len(per) for j in range(4)]
ours = [r for r in csv.DictReader(open("ours.tsv"), delimiter="\t") if r["method"] == "cosine"][:4]
for r, m in zip(ours, mean):
    assert abs(float(r["value"]) - m) < 1e-9 and int(r["n"]) == len(per), (r, m)
P
}

@test "mirror images: what is like the signature reverses, for every method, in other lines" {
	embed-train -q -r linear/reference.pmx --pairs-from same-compound --split-by cell_line --test 0.3 --validation 0 --epochs 30 --split-out lines.tsv -o m
	embed-eval -r linear/reference.pmx -m m --pairs-from same-compound --split lines.tsv >lines-eval.tsv 2>lines.txt
	[ "$(awk -F'\t' '$2 == "auc" && $4 > 0.9' lines-eval.tsv | wc -l)" -eq 4 ]
	grep -q "150 compounds, 150 candidates" lines.txt
}

@test "several models are judged together, query by query" {
	embed-train -q -r nonlinear/reference.pmx --pairs nonlinear/pairs.tsv --split nonlinear-split.tsv --seed 2 --epochs 3 -o second nonlinear/targets.pmx
	judge nonlinear -q >one.tsv
	judge nonlinear -q -m second >both.tsv
	embed-eval -q -r nonlinear/reference.pmx -m second --pairs nonlinear/pairs.tsv --split nonlinear-split.tsv nonlinear/targets.pmx >two.tsv
	paste one.tsv two.tsv both.tsv | awk -F'\t' '$1 == "embedding" { n++; if (($18 - ($4 + $11) / 2) ^ 2 > 1e-20) exit 1 } END { exit n != 7 }'
}

@test "a model that has seen a held-out compound is refused" {
	sed 's/\ttrain$/\tx/; s/\ttest$/\ttrain/; s/\tx$/\ttest/' nonlinear-split.tsv >turned.tsv
	run judge nonlinear --split turned.tsv
	[ "$status" -eq 1 ]
	[[ $output == *"is held out in"*"has seen it"* ]]
}

@test "bad input is refused with what to do" {
	run judge nonlinear --split "$BATS_TEST_TMPDIR/none"
	[ "$status" -eq 1 ]
	run embed-eval -r nonlinear/reference.pmx -m nonlinear-model nonlinear/targets.pmx
	[ "$status" -eq 2 ]
	run judge nonlinear -k 5,2
	[ "$status" -eq 2 ]
	run judge nonlinear --baselines nothing
	[ "$status" -eq 2 ]
	[[ $output == *"no score 'nothing'"* ]]
	# One class only: whatever is held out reverses.
	awk -F'\t' -v OFS='\t' 'NR > 1 { $3 = 1 } { print }' nonlinear/pairs.tsv >ones.tsv
	run embed-eval -r nonlinear/reference.pmx -m nonlinear-model --pairs ones.tsv --split nonlinear-split.tsv nonlinear/targets.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"nothing but compounds that reverse"* ]]
	# No held-out compound with a positive pair.
	awk -F'\t' 'NR == 1 || $3 == 0' nonlinear/pairs.tsv | head -n 50 >p.tsv
	awk -F'\t' 'NR == FNR { if ($3 == "train") train[$1] = 1; next } $3 == 1 && $2 in train' nonlinear-split.tsv nonlinear/pairs.tsv >>p.tsv
	run embed-eval -r nonlinear/reference.pmx -m nonlinear-model --pairs p.tsv --split nonlinear-split.tsv nonlinear/targets.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"nothing to judge by"* ]]
}
