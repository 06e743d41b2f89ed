#!/usr/bin/env python3
"""Helpers of the connectivity tests, standard library alone.

scores GOLDEN TARGET COLUMN TABLE LIMIT [SIGN]   a column of a reference table against `score`, times SIGN
order GOLDEN TARGET TABLE                        signature ids in the reference's order, ties by id
auroc TABLE COMPOUND                             each target names a cell line: its compound against the others there
held-out GCT.gz COMPOUND                         a table of targets: the mean of the compound outside each cell line
version FILE N                                   a reference file calls itself version N, its sums being right
null-share TABLE LOW HIGH                        mean over the targets of the share of p below 0.05
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


def xxh64(data):
    p1, p2, p3, p4, p5 = 11400714785074694791, 14029467366897019727, 1609587929392839161, 9650029242287828579, 2870177450012600261
    mask = (1 << 64) - 1

    def rotate(x, n):
        return (x << n | x >> (64 - n)) & mask

    def step(acc, lane):
        return rotate((acc + lane * p2) & mask, 31) * p1 & mask

    acc = [(p1 + p2) & mask, p2, 0, -p1 & mask]
    at = 0
    while len(data) - at >= 32:
        for i in range(4):
            acc[i] = step(acc[i], int.from_bytes(data[at + 8 * i:at + 8 * i + 8], "little"))
        at += 32
    h = sum(rotate(a, n) for a, n in zip(acc, (1, 7, 12, 18))) & mask if at else p5
    for a in acc if at else ():
        h = ((h ^ step(0, a)) * p1 + p4) & mask
    h = (h + len(data)) & mask
    while len(data) - at >= 8:
        h = (rotate(h ^ step(0, int.from_bytes(data[at:at + 8], "little")), 27) * p1 + p4) & mask
        at += 8
    assert at == len(data)
    h = (h ^ h >> 33) * p2 & mask
    h = (h ^ h >> 29) * p3 & mask
    return h ^ h >> 32


def version(path, n):
    data = bytearray(open(path, "rb").read())
    end = data[-88:]
    assert xxh64(end[:80]) == int.from_bytes(end[80:], "little"), "the trailer's own sum"
    end[56:64] = int(n).to_bytes(8, "little")
    end[80:] = xxh64(end[:80]).to_bytes(8, "little")
    open(path, "wb").write(data[:-88] + end)


def null_share(ours, low, high):
    share = {}
    for r in table(ours):
        if r["p_value"] != "NA":
            share.setdefault(r["target"], []).append(float(r["p_value"]) < 0.05)
    share = [sum(s) / len(s) for s in share.values()]
    mean = sum(share) / len(share)
    error = math.sqrt(sum((s - mean) ** 2 for s in share) / (len(share) - 1) / len(share))
    print(f"{len(share)} targets: {mean:.4f} +- {1.96 * error:.4f}")
    assert float(low) <= mean <= float(high)


if __name__ == "__main__":
    {"scores": scores, "order": order, "auroc": auroc, "held-out": held_out, "version": version,
     "null-share": null_share}[sys.argv[1]](*sys.argv[2:])
