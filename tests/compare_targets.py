"""Target signatures of cells against scipy's statistics, gene by gene.

compare_targets.py X.tsv OBS.tsv LABEL OTHER SAMPLE-COLUMN FILE...
X: cells x genes; OBS: gene_target and the samples, in the same order. FILE is METHOD.cells, METHOD.paired or METHOD.unpaired and holds
gene TAB weight after a line of names.
"""
import csv, math, sys
import numpy as np
from scipy import stats

x_file, obs_file, label, other, sample = sys.argv[1:6]
lines = [r.rstrip("\n").split("\t") for r in open(x_file)]
genes, x = lines[0][1:], np.array([r[1:] for r in lines[1:]], float)
obs = list(csv.DictReader(open(obs_file), delimiter="\t"))
assert len(obs) == len(x)
group = np.array([r["gene_target"] for r in obs])


def rank_sum(a, b):
    """U of a and the variance of the pairs it wins, ties counted in."""
    ranks = stats.rankdata(np.concatenate([a, b]))
    n1, n2 = len(a), len(b)
    return stats.mannwhitneyu(a, b).statistic, stats.tiecorrect(ranks) * n1 * n2 * (n1 + n2 + 1) / 12


def effect(method, a, b):
    if method == "logfc":
        return a.mean() - b.mean()
    if method == "cohen_d":
        return (a.mean() - b.mean()) / math.sqrt((a.var() + b.var()) / 2) if a.var() + b.var() else 0.0
    if method == "t":
        return stats.ttest_ind(a, b, equal_var=False).statistic if a.var() + b.var() else 0.0
    u, variance = rank_sum(a, b)
    if method == "rank_biserial":
        return 2 * u / (len(a) * len(b)) - 1
    return (u - len(a) * len(b) / 2) / math.sqrt(variance) if variance else 0.0


def over_samples(method, paired, sides):
    if not paired:
        return effect(method, *(np.array([v.mean() for v in side]) for side in zip(*sides)))
    if method == "t":
        return stats.ttest_rel([a.mean() for a, b in sides], [b.mean() for a, b in sides]).statistic if any(a.any() or b.any() for a, b in sides) else 0.0
    if method != "wilcoxon":
        return np.mean([effect(method, a, b) for a, b in sides])
    top = bottom = 0
    for a, b in sides:
        u, variance = rank_sum(a, b)
        w = 1 / (len(a) + len(b) + 1)
        top += w * (u - len(a) * len(b) / 2)
        bottom += w * w * variance
    return top / math.sqrt(bottom) if bottom else 0.0


samples = sorted({r[sample] for r in obs})
of = np.array([r[sample] for r in obs])
for file in sys.argv[6:]:
    method, how = file.split(".")
    ours = dict(r.rstrip("\n").split("\t") for r in list(open(file))[1:])
    assert list(ours) == genes and len(genes) > 200
    worst = 0
    for j, gene in enumerate(genes):
        if how == "cells":
            want = effect(method, x[group == label, j], x[group == other, j])
        else:
            want = over_samples(method, how == "paired", [(x[(group == label) & (of == s), j], x[(group == other) & (of == s), j]) for s in samples])
        difference = abs(float(ours[gene]) - want) / max(1, abs(want))
        worst = max(worst, difference)
        assert difference < 1e-9, (file, gene, want, ours[gene])
    print(f"{file}: {len(genes)} genes, worst {worst:.2g}")
