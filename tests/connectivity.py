#!/usr/bin/env python3
"""Helpers of the connectivity tests, standard library alone.

scores GOLDEN TARGET COLUMN TABLE LIMIT [SIGN]   a column of a reference table against `score`, times SIGN
order GOLDEN TARGET TABLE                        signature ids in the reference's order, ties by id
auroc TABLE COMPOUND                             each target names a cell line: its compound against the others there
held-out GCT.gz COMPOUND                         a table of targets: the mean of the compound outside each cell line
"""
import csv
import gzip
import math
import sys


def table(path):
    with (gzip.open(path, "rt") if path.endswith(".gz") else open(path)) as f:
        return list(csv.DictReader(f, delimiter="\t"))


def scores(golden, target, column, ours, limit, sign="1"):
    want = {r["signature_id"]: float(r[column]) for r in table(golden) if r["target"] == target}
    got = {r["signature_id"]: float(r["score"]) for r in table(ours) if r["score"] != "NA"}
    assert want and set(want) == set(got), f"{len(want)} and {len(got)} signatures"
    worst, at = max((abs(float(sign) * got[s] - want[s]), s) for s in want)
    print(f"{target} {column}: {len(want)} scores, worst difference {worst:.3g} at {at}")
    assert worst <= float(limit)


def order(golden, target, ours):
    want = [r for r in table(golden) if r["target"] == target and r["method"] == "baseline"]
    got = {r["signature_id"]: r for r in table(ours)}
    assert len(want) == 50
    for r in want:
        mine = got[r["signature_id"]]
        tied = [x for x in want if abs(float(x["score"]) - float(r["score"])) < 1e-9]
        assert abs(float(mine["score"]) - float(r["score"])) < 1e-9, r
        assert int(mine["rank"]) in [int(x["rank"]) for x in tied], (r, mine)


def auroc(ours, compound):
    wins = pairs = 0
    rows = [r for r in table(ours) if r["cell_line"] == r["target"] and r["score"] != "NA"]
    for line in {r["target"] for r in rows}:
        own = [float(r["score"]) for r in rows if r["target"] == line and r["compound"] == compound]
        rest = [float(r["score"]) for r in rows if r["target"] == line and r["compound"] != compound]
        pairs += len(own) * len(rest)
        wins += sum((p > n) + 0.5 * (p == n) for p in own for n in rest)
    print(f"{wins / pairs:.4f}")


def held_out(path, compound):
    lines = [line.rstrip("\n").split("\t") for line in gzip.open(path, "rt")]
    n_row_meta, n_meta = int(lines[1][2]), int(lines[1][3])
    meta = {r[0]: r[1 + n_row_meta:] for r in lines[3:3 + n_meta]}
    cell, name = meta["cell_id"], meta["pert_iname"]
    symbol = lines[2].index("pr_gene_symbol")
    tested = sorted({c for c, m in zip(cell, name) if m == compound} & {c for c, m in zip(cell, name) if m != compound})
    print("gene", *tested, sep="\t")
    for r in lines[3 + n_meta:]:
        v = [float(x) for x in r[1 + n_row_meta:]]
        means = []
        for line in tested:
            rest = [x for x, c, m in zip(v, cell, name) if m == compound and c != line]
            means.append(repr(math.fsum(rest) / len(rest)))
        print(r[symbol], *means, sep="\t")


if __name__ == "__main__":
    {"scores": scores, "order": order, "auroc": auroc, "held-out": held_out}[sys.argv[1]](*sys.argv[2:])
