"""compare_matrix.py [--sign-free] GOLDEN OURS LIMIT: two tables of numbers with row names, joined by name; columns by place."""
import csv, gzip, sys


def read(path):
    f = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    rows = list(csv.reader(f, delimiter="\t"))[1:]
    return {r[0]: [float(x) for x in r[1:]] for r in rows if r}


words = [w for w in sys.argv[1:] if not w.startswith("--")]
golden, ours, limit = read(words[0]), read(words[1]), float(words[2])
missing = [k for k in golden if k not in ours]
if missing:
    sys.exit(f"{len(missing)} of {len(golden)} rows are missing, first {missing[0]}")
width = len(next(iter(golden.values())))
worst = 0.0
for j in range(width):
    sign = 1
    if "--sign-free" in sys.argv and sum(golden[k][j] * ours[k][j] for k in golden) < 0:
        sign = -1
    worst = max(worst, max(abs(golden[k][j] - sign * ours[k][j]) for k in golden))
print(f"worst difference {worst:.3g}, limit {limit:g}, {len(golden)} x {width}")
sys.exit(not worst <= limit)
