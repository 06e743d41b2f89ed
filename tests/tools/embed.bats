load ../setup

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	simulate-signatures --nonlinear --targets 150 --compounds 60 --cell-lines 3 --genes 120 --cells 1 --seed 5 --out-dir sim
	embed-train -q -r sim/reference.pmx --pairs sim/pairs.tsv --epochs 5 --width 20 -o m sim/targets.pmx
}

setup() {
	work
	ln -sf "$BATS_FILE_TMPDIR"/sim/* "$BATS_FILE_TMPDIR/m" .
}

@test "threads, blocks, pipes and the order of rows change no value" {
	embed -m m -t 1 targets.pmx -o one.pmx
	embed -m m -t 7 <targets.pmx >seven.pmx
	cmp one.pmx seven.pmx
	pmx-view --layer X one.pmx | sort >a
	pmx-sort --by form --block-rows 7 targets.pmx | embed -m m | pmx-view --layer X | sort >b
	cmp a b
	pmx-select --where "target in (state0003, state0077, state0142)" targets.pmx | embed -m m | pmx-view --layer X | sort >b
	[ "$(comm -12 a b | wc -l)" -eq 4 ]
	pmx-info one.pmx | grep -q "embedding: 150 rows x 20 columns"
	pmx-check one.pmx
}

@test "points have unit length, towers differ, and rows keep their columns" {
	embed -m m --tower drug reference.pmx -o drug.pmx
	embed -m m --tower target reference.pmx -o state.pmx
	pmx-view --layer X drug.pmx | awk -F'\t' 'NR > 1 { s = 0; for (i = 2; i <= NF; i++) s += $i * $i; if ((s - 1) ^ 2 > 1e-10) exit 1 }'
	run ! cmp -s drug.pmx state.pmx
	pmx-view --obs drug.pmx | cut -f1-5 >a
	pmx-view --obs reference.pmx | cut -f1-5 >b
	cmp a b
}

@test "a stream of other genes is refused by their names" {
	pmx-select --genes "$(pmx-view --var targets.pmx | awk 'NR > 4 { print $1 }' | paste -sd,)" targets.pmx -o few.pmx
	run embed -m m few.pmx -o no
	[ "$status" -eq 1 ]
	[[ $output == *"lacks 3 of the 120 genes"*"G0001, G0002, G0003"* ]]
	run rank -m embedding --model m -r reference.pmx targets.pmx
	[ "$status" -eq 1 ]
	[ ! -e no ]
}

@test "a model that was cut off is refused" {
	for size in 0 5 100 9000; do
		head -c $size m >cut
		run embed -m cut targets.pmx -o no
		[ "$status" -eq 1 ]
		[[ $output == *cut* ]]
	done
	[[ $output == *"was cut off"* ]]
	run embed targets.pmx -o no
	[ "$status" -eq 2 ]
}

@test "rank by the embedding is what the towers say, and a blend the mean of both" {
	reference-build reference.pmx -o ref.pmx
	embed -m m targets.pmx | pmx-view --layer X >state.tsv
	embed -m m --tower drug reference.pmx | pmx-view --layer X >drug.tsv
	for method in embedding ensemble; do
		rank -q -m $method $([ $method = ensemble ] || echo --model m) -r ref.pmx -k 0 targets.pmx >$method.tsv
	done
	rank -q -m blend --blend 0.25 --model m -r ref.pmx -k 0 targets.pmx >blend.tsv
	rank -q -m embedding --model m -r ref.pmx -k 0 -t 5 targets.pmx | cmp - embedding.tsv
	python3 - <<'P'
import csv, math
def rows(f): return {r[0]: [float(x) for x in r[1:]] for r in list(csv.reader(open(f), delimiter="\t"))[1:]}
def table(f): return {(r["target"], r["signature_id"]): r for r in csv.DictReader(open(f), delimiter="\t")}
s, d = rows("state.tsv"), rows("drug.tsv")
learned, classic, blend = (table(f + ".tsv") for f in ("embedding", "ensemble", "blend"))
assert len(learned) == 150 * 180
def z(t, target):
    v = {k: float(r["score"]) for k, r in t.items() if k[0] == target}
    m = sum(v.values()) / len(v); sd = math.sqrt(sum((x - m) ** 2 for x in v.values()) / len(v))
    return {k: (x - m) / sd for k, x in v.items()}
for (t, g), r in learned.items():
    assert abs(float(r["score"]) + sum(a * b for a, b in zip(s[t], d[g]))) < 1e-5 and r["n_overlap"] == "120"
for t in ("state0001", "state0100"):
    a, b = z(classic, t), z(learned, t)
    for k in a: assert abs(float(blend[k]["score"]) - (0.75 * a[k] + 0.25 * b[k])) < 1e-9
P
	run rank -m embedding -r ref.pmx targets.pmx
	[ "$status" -eq 2 ]
	[[ $output == *"needs --model"* ]]
	run rank -m wtcs --model m -r ref.pmx targets.pmx
	[ "$status" -eq 2 ]
}
