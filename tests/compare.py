"""compare.py GOLDEN COLUMN OURS COLUMN LIMIT [--key K] [--rel] [--text]

Joins two tables (TSV, plain or gzip) by their first column, or by K in both, prints the worst difference and
fails above LIMIT or when a row is missing. --text counts unequal texts."""
import csv, gzip, math, sys


def read(path, key):
    f = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    rows = csv.reader(f, delimiter="\t")
    head = next(rows)
    k = head.index(key) if key else 0
    return {row[k]: dict(zip(head, row)) for row in rows if row}


def number(text):
    return math.nan if text in ("", "NA", "NaN", "nan") else float(text.replace("Inf", "inf"))


words = sys.argv[1:]
key = None
if "--key" in words:
    at = words.index("--key")
    key = words[at + 1]
    del words[at:at + 2]
golden, golden_column, ours, our_column, limit = [w for w in words if not w.startswith("--")]
limit = float(limit)
g, o = read(golden, key), read(ours, key)
missing = [k for k in g if k not in o]
if missing:
    sys.exit(f"{len(missing)} of {len(g)} rows are missing, first {missing[0]}")
if "--text" in words:
    unequal = [k for k in g if g[k][golden_column] != o[k][our_column]]
    print(f"{len(unequal)} of {len(g)} differ" + (f", first {unequal[0]}" if unequal else ""))
    sys.exit(len(unequal) > limit)
worst, where = 0.0, "-"
for k in g:
    a, b = number(g[k][golden_column]), number(o[k][our_column])
    if math.isnan(a) and math.isnan(b):
        continue
    d = abs(a - b) / (max(abs(a), 1e-300) if "--rel" in words else 1)
    if a == b:
        d = 0.0
    if not d <= worst:
        worst, where = d, k
print(f"worst difference {worst:.3g} at {where}, limit {limit:g}, {len(g)} rows")
sys.exit(not worst <= limit)
