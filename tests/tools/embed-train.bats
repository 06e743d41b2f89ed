load ../setup

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	simulate-signatures --nonlinear --targets 60 --compounds 80 --cell-lines 2 --genes 120 --cells 1 --seed 5 --out-dir sim
	reference-build sim/reference.pmx -o ref.pmx
}

setup() {
	work
	ln -sf "$BATS_FILE_TMPDIR"/sim/* "$BATS_FILE_TMPDIR/ref.pmx" .
	short=(-r ref.pmx --pairs pairs.tsv --epochs 6 --patience 0 --hidden 16 --width 8 -b 32 -q targets.pmx)
}

@test "threads, a stream for a reference file and a pipe change no byte of the parameters" {
	embed-train "${short[@]}" -t 1 -o one
	embed-train "${short[@]}" -t 7 -o seven --metrics seven.tsv
	embed-train -r reference.pmx --pairs pairs.tsv --epochs 6 --patience 0 --hidden 16 --width 8 -b 32 -q -o stream <targets.pmx
	for file in seven stream; do
		tail -c 18496 one >a
		tail -c 18496 $file >b
		cmp a b
	done
	embed-train "${short[@]}" --seed 2 -o other
	tail -c 18496 other >b
	run ! cmp -s a b
	[ "$(wc -l <seven.tsv)" -eq 7 ]
	[ "$(head -n 1 seven.tsv)" = "epoch	loss	gradient_norm	validation_auc" ]
}

@test "a run that was killed goes on to the same bytes" {
	for loss in ntxent triplet; do
		rm -f state
		embed-train "${short[@]}" --loss $loss -o whole --metrics whole.tsv
		embed-train "${short[@]}" --loss $loss --epochs 2 --checkpoint state -o part
		embed-train "${short[@]}" --loss $loss --checkpoint state --resume -o rest --metrics rest.tsv
		cmp whole.tsv rest.tsv
		tail -c 18496 whole >a
		tail -c 18496 rest >b
		cmp a b
		tail -c 18496 part >b
		run ! cmp -s a b
	done
	embed-train "${short[@]}" --epochs 100000 --checkpoint killed -o gone &
	sleep 2
	kill -KILL $!
	wait $! || true
	[ -s killed ]
	[ ! -e gone ]
	run embed-train "${short[@]}" --hidden 17 --checkpoint state --resume -o no
	[ "$status" -eq 1 ]
	[[ $output == *"other data or with other options"* ]]
}

@test "a held-out compound is nowhere in what is trained on" {
	embed-train "${short[@]}" -o m --split-out split.tsv
	[ "$(cut -f3 split.tsv | sort | uniq -c | awk '{ print $1, $2 }' | tr '\n' ' ')" = "1 part 20 test 48 train 12 validation " ]
	[ "$(cut -f1 split.tsv | sort | uniq -d | wc -l)" -eq 0 ]
	# What a held-out compound looks like does not reach the parameters: turned round, they are the same.
	pmx-export --to tsv reference.pmx >x.tsv
	pmx-view --obs reference.pmx >obs.tsv
	python3 - <<'P'
held = {l.split("\t")[0] for l in open("split.tsv") if l.rstrip().endswith("\ttest")}
out = open("turned.tsv", "w")
for i, l in enumerate(open("x.tsv")):
    f = l.rstrip("\n").split("\t")
    if i and f[0].split(":")[0] in held:
        f[1:] = f[1:][::-1]
    out.write("\t".join(f) + "\n")
assert len(held) == 20
P
	for x in x turned; do
		reference-build --rows signatures --sig-info obs.tsv $x.tsv -o $x.ref
		embed-train -r $x.ref --pairs pairs.tsv --split split.tsv --epochs 6 --patience 0 --hidden 16 --width 8 -b 32 -q -o $x.model targets.pmx
		tail -c 18496 $x.model >$x.end
	done
	cmp x.end turned.end
	run ! cmp -s x.ref turned.ref
}

@test "splits by cell line, and a given split is kept" {
	embed-train "${short[@]}" --split-by cell_line --test 0.5 --validation 0 -o m --split-out line.tsv
	[ "$(cut -f2,3 line.tsv | sort | tr '\n\t' '  ')" = "cell_line test cell_line train kind part " ]
	embed-train "${short[@]}" --split line.tsv -o again --split-out copy.tsv
	cmp line.tsv copy.tsv
	sed 's/test/train/; 2!s/train/test/' line.tsv | sed 2p | sed '2s/t[a-z]*$/validation/' >twice.tsv
	run embed-train "${short[@]}" --split twice.tsv -o no
	[ "$status" -eq 1 ]
	[[ $output == *"two parts"* ]]
	grep -v LINE0002 line.tsv >half.tsv
	run embed-train "${short[@]}" --split half.tsv -o no
	[ "$status" -eq 1 ]
	[[ $output == *"which part cell_line 'LINE0002'"* ]]
}

@test "pairs are made from the reference's own words" {
	for way in same-compound moa; do
		embed-train -r ref.pmx --pairs-from $way --epochs 3 --hidden 16 --width 8 -o $way 2>$way.txt
		grep -q "training pairs" $way.txt
	done
	# Perturbed genes: the row's name is the gene that a drug hits.
	pmx-view --obs reference.pmx | cut -f7 | sort -u | grep P0 | head -n 6 >hit
	{ pmx-export --to tsv targets.pmx | head -n 1; paste hit <(pmx-export --to tsv targets.pmx | sed -n 2,7p | cut -f2-); } >kd.tsv
	pmx-import --layer X kd.tsv >cells.pmx
	target-signature --weights <(pmx-export --to tsv targets.pmx | head -n 7 | python3 -c '
import sys
rows = [l.rstrip("\n").split("\t") for l in sys.stdin]
names = open("hit").read().split()
print("\t".join(["gene"] + names))
for j in range(1, len(rows[0])):
    print("\t".join([rows[0][j]] + [r[j] for r in rows[1:]]))') -o kd.pmx
	embed-train -r ref.pmx --pairs-from drug-target --validation 0 --epochs 2 --hidden 16 --width 8 -o kd.model kd.pmx 2>kd.txt
	grep -q "training pairs" kd.txt
	run embed-train -r ref.pmx --pairs-from drug-target --epochs 2 -o no targets.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"nothing to learn from"* ]]
}

@test "the safetensors library reads the model, and we read what it writes" {
	py=$(python_with safetensors numpy) || skip "no safetensors package is at hand"
	embed-train "${short[@]}" -o m.safetensors --split-out split.tsv
	"$py" - <<'P'
import json
from safetensors import safe_open
from safetensors.numpy import save_file
import numpy as np
with safe_open("m.safetensors", "np") as f:
    meta, t = f.metadata(), {k: f.get_tensor(k) for k in f.keys()}
assert len(t) == 12 and t["state.hidden.weight"].shape == (120, 16) and t["drug.output.bias"].shape == (8,)
genes = json.loads(meta["genes"])
assert len(genes) == 120 and all(v.dtype == np.float32 and np.isfinite(v).all() for v in t.values())
for key in ("standardisation", "options", "provenance", "split", "temperature"): assert meta[key]
assert "hidden" in meta["options"]
save_file(t, "copy.safetensors", metadata=meta)
x = dict(t); x["state.norm.weight"] = x["state.norm.weight"][:-1].copy()
save_file(x, "short.safetensors", metadata=meta)
save_file(t, "nameless.safetensors")
# The whole network in numpy, in double.
from math import erf
def embed(row, tower, sign):
    w = {k.split(".", 1)[1]: v.astype(float) for k, v in t.items() if k.startswith(tower)}
    x = sign * (row - row.mean()) / row.std()
    x = (x - x.mean()) / np.sqrt(x.var() + 1e-5) * w["norm.weight"] + w["norm.bias"]
    x = x @ w["hidden.weight"] + w["hidden.bias"]
    x = x * 0.5 * (1 + np.vectorize(erf)(x / 2 ** 0.5))
    z = x @ w["output.weight"] + w["output.bias"]
    return z / np.linalg.norm(z)
import subprocess
def table(*command): return [l.split("\t") for l in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()]
for tower, file, sign in (("target", "targets.pmx", 1), ("drug", "reference.pmx", -1)):
    subprocess.run(["embed", "--tower", tower, "-m", "m.safetensors", file, "-o", "e.pmx"], check=True)
    subprocess.run(["embed", "--tower", tower, "-m", "copy.safetensors", file, "-o", "e2.pmx"], check=True)
    rows, ours = table("pmx-export", "--to", "tsv", file), table("pmx-view", "--layer", "X", "e.pmx")
    assert ours == table("pmx-view", "--layer", "X", "e2.pmx")
    for r, o in list(zip(rows, ours))[1:40]:
        want = embed(np.array(r[1:], float), "state" if tower == "target" else "drug", sign)
        assert np.abs(want - np.array(o[1:], float)).max() < 1e-5
P
	run embed -m short.safetensors targets.pmx -o no
	[ "$status" -eq 1 ]
	[[ $output == *"state.norm.weight"*"F32 119"* ]]
	run embed -m nameless.safetensors targets.pmx -o no
	[ "$status" -eq 1 ]
	[[ $output == *"no embedding of pertpipe"* ]]
}

@test "bad input is refused with what to do" {
	printf 'target\tcompound\tlabel\nstate0001\tnowhere\t1\n' >p
	run embed-train -r ref.pmx --pairs p -o no targets.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"line 2"*"no compound 'nowhere'"* ]]
	printf 'target\tcompound\tlabel\nnobody\tcpd0001\t1\n' >p
	run embed-train -r ref.pmx --pairs p -o no targets.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"no target 'nobody'"* ]]
	printf 'target\tcompound\tlabel\nstate0001\tcpd0001\t0\nstate0002\tcpd0002\t0\n' >p
	run embed-train -r ref.pmx --pairs p -o no targets.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"nothing to learn from"* ]]
	printf 'target\tcompound\tlabel\nstate0001\tcpd0001\t1\nstate0001\tcpd0001\t0\n' >p
	run embed-train -r ref.pmx --pairs p -o no targets.pmx
	[ "$status" -eq 1 ]
	[[ $output == *"both labels"* ]]
	awk 'NR == 1 || $2 == "cpd0001"' pairs.tsv >p
	run embed-train -r ref.pmx --pairs p --test 0 --validation 0 -o no targets.pmx
	[ "$status" -eq 1 ]
	[ ! -e no ]
	run embed-train -r ref.pmx -o no targets.pmx
	[ "$status" -eq 2 ]
	run embed-train -r ref.pmx --pairs pairs.tsv --pairs-from moa -o no targets.pmx
	[ "$status" -eq 2 ]
}

@test "a learning rate that diverges stops and keeps the last good state" {
	run embed-train "${short[@]}" --epochs 200 --learning-rate 1e25 --clip 0 --warmup 0 --checkpoint state --metrics m.tsv -o no
	[ "$status" -eq 1 ]
	[[ $output == *"no longer finite"*"lower --learning-rate"*"state"* ]]
	[ ! -e no ]
	[ -s state ]
	[ -s m.tsv ]
	py=$(python_with safetensors numpy) || return 0
	"$py" -c '
from safetensors.numpy import load_file
import numpy as np
assert all(np.isfinite(v).all() for k, v in load_file("state").items() if k.startswith("now"))'
}

@test "values that are not there count as the mean, rows without any have no part" {
	pmx-export --to tsv targets.pmx | awk -F'\t' -v OFS='\t' 'NR == 2 { for (i = 2; i <= NF; i++) $i = "NA" } NR == 3 { $5 = "NA" } { print }' >holes.tsv
	python3 - <<'P'
rows = [l.rstrip("\n").split("\t") for l in open("holes.tsv")]
with open("w.tsv", "w") as f:
    f.write("\t".join(["gene"] + [r[0] for r in rows[1:]]) + "\n")
    for j in range(1, len(rows[0])): f.write("\t".join([rows[0][j]] + [r[j] for r in rows[1:]]) + "\n")
P
	target-signature --weights w.tsv -o holes.pmx
	run embed-train -r ref.pmx --pairs pairs.tsv --epochs 2 --hidden 16 --width 8 -o m holes.pmx
	[ "$status" -eq 0 ]
	[[ $output == *"1 of 60 rows cannot be embedded"*"no_values 1"* ]]
	embed -m m holes.pmx 2>note.txt | pmx-view --obs >obs.tsv
	[ "$(grep -c no_values obs.tsv)" -eq 1 ]
	grep -q "59 rows embedded, 1 not" note.txt
}
