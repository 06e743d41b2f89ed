"""compare_programs.py WHAT GOLDEN OURS SPLIT [LIMIT]: the reference's tables of programs (gzip) against ours, for one split.

tree      joins, prototypes, and heights within LIMIT; ours from --tree
clusters  members and prototypes; ours from --tsv
weights   of the first round, within LIMIT up to a sign for all; ours from --weights
programs  members, those with a weight, and correlations within LIMIT; ours from --weights
z         the genes, the targets and the z scores within LIMIT; ours from pmx-view --layer z"""
import csv, gzip, math, sys

what, golden, ours, split = sys.argv[1:5]
limit = float(sys.argv[5]) if len(sys.argv) > 5 else 0


def read(path):
    return list(csv.reader(gzip.open(path, "rt") if path.endswith(".gz") else open(path), delimiter="\t"))


def table(path):
    head, *rows = read(path)
    return [dict(zip(head, r)) for r in rows]


def must(good, text):
    if not good:
        sys.exit(f"{golden}: {text}")


def number(text):
    return math.nan if text in ("NA", "NaN") else float(text.replace("Inf", "inf"))


# Columns of the reference's tree have numbers; the prototypes tell most of their names, the order of the targets all.
def tree():
    mine = [r for r in table(ours) if r["split"] == split]
    theirs = table(golden)
    targets = sorted({r[k] for r in mine for k in ("joined", "with") if not r[k].isdigit()})
    name = lambda i: targets[-int(i) - 1] if int(i) < 0 else i
    must(len(mine) == len(theirs), f"{len(theirs)} joins, ours {len(mine)}")
    worst = 0
    for a, b in zip(theirs, mine):
        must([name(a["merge1"]), name(a["merge2"])] == [b["joined"], b["with"]], f"join {a}, ours {b}")
        must(a["proto"] == b["prototype"], f"prototype {a}, ours {b}")
        worst = max(worst, abs(float(a["height"]) - float(b["height"])))
    must(worst <= limit, f"heights differ by {worst}")
    print(f"{len(mine)} joins, heights within {worst:.3g}")


def clusters():
    mine = {r["target"]: r for r in table(ours) if r["split"] == split}
    size, order = {}, []
    theirs = table(golden)
    for r in theirs:
        size[r["cluster"]] = size.get(r["cluster"], 0) + 1
    for r in theirs:
        kept = size[r["cluster"]] > 1
        must(r.get("kept", str(int(kept))) == str(int(kept)), "kept")
        if kept and r["cluster"] not in order:
            order.append(r["cluster"])
        want = f"P{order.index(r['cluster']) + 1}|{split}" if kept else "NA"
        must(mine[r["target"]]["program"] == want, f"{r['target']} is in {want}, ours {mine[r['target']]}")
        if kept and "prototype" in r:
            must((mine[r["target"]]["prototype"] == "true") == (r["prototype"] == r["target"]), f"prototype {r}")
    print(f"{len(theirs)} targets, {len(order)} clusters")


def z():
    head, *rows = read(ours)
    genes = head[1:]
    mine = {r[0].rsplit("|", 1)[0]: dict(zip(genes, map(number, r[1:]))) for r in rows if r[0].rsplit("|", 1)[1] == split}
    mine = {t: {g: v for g, v in x.items() if not math.isnan(v)} for t, x in mine.items()}
    mine = {t: x for t, x in mine.items() if x}
    head, *rows = read(golden)
    must(sorted(mine) == head[1:], f"targets {head[1:]}, ours {sorted(mine)}")
    worst = 0
    for r in rows:
        for t, v in zip(head[1:], r[1:]):
            must(r[0] in mine[t], f"gene {r[0]} is missing")
            worst = max(worst, abs(number(v) - mine[t].pop(r[0])))
    must(not any(mine.values()), f"genes that the reference has not: {mine}")
    must(worst <= limit, f"z differs by {worst}")
    print(f"{len(rows)} genes, {len(head) - 1} targets, z within {worst:.3g}")


def weights():
    mine = {(r["split"], r["target"]): float(r["weight"]) for r in table(ours) if r["program"] == "P1"}
    theirs = {(r["celltype"], r["target"]): float(r["w"]) for r in table(golden)}
    must(mine.keys() == theirs.keys(), "other columns")
    worst = min(max(abs(sign * mine[k] - theirs[k]) for k in mine) for sign in (1, -1))
    must(worst <= limit, f"weights differ by {worst}")
    print(f"{len(mine)} weights within {worst:.3g}")


def programs():
    mine, theirs, worst = {}, {}, 0
    for r in table(ours):
        key = r["program"], r["split"], r["target"]
        mine[key] = r["member"] == "true", r["member"] == "true" and float(r["weight"]) != 0, float(r["correlation"])
    for r in table(golden):
        key = r["program"].replace("Program", "P"), r["celltype"], r["target"]
        theirs.setdefault(r["list"], {})[key] = r["value"]
    must({k for k in mine if mine[k][0]} == theirs["cor_PRTB_list"].keys(), "other members")
    must({k for k in mine if mine[k][1]} == theirs["shared_PRTB_list"].keys(), "other members with a weight")
    must(mine.keys() == theirs["mean_cor_coef"].keys(), "other columns")
    for sign in (1, -1):
        gaps = [abs(sign * mine[k][2] - float(v)) for k, v in theirs["mean_cor_coef"].items()]
        worst = max(gaps) if sign == 1 else min(worst, max(gaps))
    must(worst <= limit, f"correlations differ by {worst}")
    print(f"{len(theirs['cor_PRTB_list'])} members, correlations within {worst:.3g}")


{"weights": weights, "programs": programs, "tree": tree, "clusters": clusters, "z": z}[what]()
