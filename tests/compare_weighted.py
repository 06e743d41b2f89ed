"""compare_weighted.py GOLDEN.tsv.gz OURS.tsv LIMIT [--own]
Coefficients, p values and fold changes of weighted-de against Run_wmvRegDE's table: worst relative difference, at most
LIMIT. --own: with our own dispersions, so the median relative difference of p, at most LIMIT, and the agreement of the
genes called at a false discovery rate of 5 %, more than 99 %."""
import csv, gzip, math, statistics, sys

golden, ours, limit = sys.argv[1], sys.argv[2], float(sys.argv[3])
own = "--own" in sys.argv


def number(x):
    return math.nan if x in ("", "NA", "NaN", "nan") else float(x.replace("Inf", "inf"))


mine = {(r["target"], r["gene"], r["split"]): r for r in csv.DictReader(open(ours), delimiter="\t")}
rows = list(csv.DictReader(gzip.open(golden, "rt"), delimiter="\t"))
splits = [c[len("p_cell_type"):].split(":")[0] for c in rows[0] if c.startswith("p_cell_type")]
names = {s: (f"beta_cell_type{s}:weight", f"p_cell_type{s}:weight", f"log2FC_{s}") for s in splits} or {"all": ("beta_weight", "p_weight", "log2FC")}
whole = {t for t, _, s in mine} if len(names) == 1 else {t for t in {k[0] for k in mine} if {k[2] for k in mine if k[0] == t} == set(names)}
worst, where, differences, missing, unbounded, n = 0.0, None, [], 0, 0, 0
called = {}
for r in rows:
    for split, (beta, p, fc) in names.items():
        if math.isnan(number(r[p])):
            continue
        n += 1
        key = (r["target"], r["gene_ID"], split)
        if key not in mine:
            missing += 1
            continue
        m = mine[key]
        called.setdefault((r["target"], split), []).append((number(r[p]), 10 ** number(m["log10_p"]), key))
        if own:
            if number(r[p]) > 0:
                differences.append(abs(10 ** number(m["log10_p"]) / number(r[p]) - 1))
            continue
        # Without a count on one side the slope has no bound or no meaning: both stop on the way, with errors far larger than it.
        if m["reason"] == "separation" and number(m["se"]) > 50:
            unbounded += 1
            if abs(10 ** number(m["log10_p"]) - number(r[p])) > 1e-3 or number(r[p]) < 0.9:
                sys.exit(f"{key}: p {m['log10_p']} of an unbounded slope")
            continue
        gaps = [abs(number(m["beta"]) - number(r[beta])) / max(abs(number(r[beta])), 1e-6)]
        if number(r[p]) > 1e-290:
            gaps.append(abs(10 ** number(m["log10_p"]) / number(r[p]) - 1))
        # The reference's fold changes of a target without cells in the first split stand one column off.
        if not math.isnan(number(r[fc])) and r["target"] in whole:
            gaps.append(abs(number(m["log2fc"]) - number(r[fc])))
        if not max(gaps) <= worst:
            worst, where = max(gaps), key


def discovered(pairs, which):
    order = sorted(pairs, key=lambda x: x[which])
    least, out = 1.0, set()
    for k in range(len(order) - 1, -1, -1):
        least = min(least, order[k][which] * len(order) / (k + 1))
        if least <= 0.05:
            out.add(order[k][2])
    return out


if missing:
    sys.exit(f"{missing} of {n} coefficients are missing")
if not own:
    print(f"{n} coefficients, {unbounded} without a bound, worst relative difference {worst:.3g} at {where}")
    sys.exit(not worst <= limit)
same = total = 0
for pairs in called.values():
    a, b = discovered(pairs, 0), discovered(pairs, 1)
    total += len(pairs)
    same += len(pairs) - len(a ^ b)
median = statistics.median(differences)
print(f"{n} p values, median relative difference {median:.3g}, {same} of {total} calls at 5 % agree")
sys.exit(not (median <= limit and same > 0.99 * total))
