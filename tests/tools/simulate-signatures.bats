load ../setup

setup() {
	work
}

# The sums of X of targets and reference against each other: mean cosine of the pairs of an effect.
cosines() {
	pmx-export --to tsv --layer weights "$1/targets.pmx" -o t.tsv
	pmx-export --to tsv "$1/reference.pmx" -o r.tsv
	python3 - "$1/truth.tsv" <<'PY'
import collections, csv, sys
def rows(path): return {r[0]: [float(x) for x in r[1:]] for r in list(csv.reader(open(path), delimiter="\t"))[1:]}
def cos(a, b): return sum(x * y for x, y in zip(a, b)) / (sum(x * x for x in a) * sum(y * y for y in b)) ** 0.5
t, r = rows("t.tsv"), rows("r.tsv")
of = collections.defaultdict(list)
for name, x in r.items(): of[name.split(":")[0]].append(x)
sums = collections.defaultdict(list)
for row in csv.DictReader(open(sys.argv[1]), delimiter="\t"):
    sums[row["effect"]] += [cos(t[row["target"]], x) for x in of[row["compound"]]]
print(*(f"{sum(sums[e]) / len(sums[e]):.3f}" for e in ("reverse", "none", "mimic")))
PY
}

@test "five files with the columns that others read" {
	simulate-signatures --targets 4 --compounds 30 --cell-lines 2 --genes 100 --cells 6 --out-dir sim
	[ "$(ls sim | paste -sd' ')" = "cells.pmx pairs.tsv reference.pmx targets.pmx truth.tsv" ]
	for f in sim/*.pmx; do pmx-check -q "$f"; done
	pmx-view --obs sim/reference.pmx | head -1 | diff - <(printf 'signature_id\tcompound\tcell_line\tdose\ttime\tmoa\ttarget\tpert_type\n')
	[ "$(pmx-view --obs sim/reference.pmx | wc -l)" = 61 ]
	[ "$(pmx-view --obs sim/cells.pmx | sed 1d | cut -f2,3 | sort | uniq -c | awk '{ print $1 }' | sort -u)" = 6 ]
	[ "$(head -1 sim/pairs.tsv)" = "$(printf 'target\tcompound\tlabel')" ]
	[ "$(cut -f3 sim/truth.tsv | sort | uniq -c | awk '{ print $2 $1 }' | paste -sd' ')" = "effect1 mimic12 none96 reverse12" ]
	[ "$(awk '$3 == 1' sim/pairs.tsv | cut -f1,2)" = "$(awk '$3 == "reverse"' sim/truth.tsv | cut -f1,2)" ]
	# X is what normalize makes of the counts.
	pmx-select --drop-layer X sim/cells.pmx | normalize -q | pmx-diff sim/cells.pmx -
}

@test "the same for any number of threads, another for another seed" {
	for kind in "" --nonlinear; do
		for t in 1 3; do
			simulate-signatures $kind --targets 5 --compounds 12 --genes 50 --cells 5 --seed 2 -t $t --out-dir "out$t"
		done
		simulate-signatures $kind --targets 5 --compounds 12 --genes 50 --cells 5 --seed 3 --out-dir other
		for f in cells targets reference; do
			pmx-diff out1/$f.pmx out3/$f.pmx
			run pmx-diff out1/$f.pmx other/$f.pmx
			[ "$status" = 1 ]
		done
		cmp out1/truth.tsv out3/truth.tsv
	done
}

@test "a row depends on nothing but its number: fewer compounds, lines and cells are the beginning of more" {
	simulate-signatures --nonlinear --targets 2 --compounds 24 --cell-lines 1 --genes 40 --cells 3 --seed 4 --out-dir few
	simulate-signatures --nonlinear --targets 6 --compounds 24 --cell-lines 1 --genes 40 --cells 3 --seed 4 --out-dir many
	pmx-diff few/reference.pmx many/reference.pmx
	pmx-select --where "target in (state0001, state0002)" many/targets.pmx | pmx-diff few/targets.pmx -
}

@test "linear: reversers are opposite, mimics alike, the others neither" {
	simulate-signatures --targets 5 --compounds 60 --genes 400 --cells 1 --seed 6 --out-dir sim
	read -r reverse none mimic <<<"$(cosines sim)"
	awk -v r="$reverse" -v n="$none" -v m="$mimic" 'BEGIN { exit !(r < -0.5 && m > 0.5 && n < 0.03 && n > -0.03) }'
	# More targets than compounds can serve: families.
	simulate-signatures --targets 50 --compounds 30 --genes 400 --cells 1 --seed 6 --out-dir shared
	read -r reverse none mimic <<<"$(cosines shared)"
	awk -v r="$reverse" -v n="$none" -v m="$mimic" 'BEGIN { exit !(r < -0.45 && m > 0.45 && n < 0.03 && n > -0.03) }'
}

@test "non-linear: genes say nothing, compounds reverse several targets" {
	simulate-signatures --nonlinear --targets 80 --compounds 40 --genes 400 --cells 1 --seed 6 --out-dir sim
	read -r reverse none mimic <<<"$(cosines sim)"
	awk -v r="$reverse" -v n="$none" -v m="$mimic" 'BEGIN { exit !(r < 0.12 && r > -0.12 && m < 0.12 && m > -0.12 && n < 0.03 && n > -0.03) }'
	[ "$(awk '$3 == "reverse"' sim/truth.tsv | cut -f2 | sort | uniq -c | awk '$1 > 1' | wc -l)" -gt 25 ]
	[ "$(awk '$3 == "reverse"' sim/truth.tsv | wc -l)" = 240 ]
}

@test "the smallest ones work, a folder with other files is left alone" {
	simulate-signatures --targets 1 --compounds 2 --cell-lines 1 --genes 1 --cells 1 --donors 1 --out-dir tiny
	[ "$(sed 1d tiny/truth.tsv | cut -f3 | sort | paste -sd' ')" = "mimic reverse" ]
	echo mine >tiny/notes
	run simulate-signatures --targets 1 --out-dir tiny
	[[ "$status" = 1 && "$output" = *notes* ]]
	[ "$(cat tiny/notes)" = mine ]
	run simulate-signatures --targets 1
	[ "$status" = 2 ]
}
