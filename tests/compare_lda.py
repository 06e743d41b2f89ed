"""compare_lda.py FOLDER STREAM STREAM_CV: discriminants, posteriors and labels of two streams that lda wrote (the second with --cv)
against the tables lda_exact_* in FOLDER. Coordinates and singular values up to sign 1e-8, posteriors 1e-8, labels equal."""
import csv, gzip, json, subprocess, sys

folder, stream, left_out = sys.argv[1:]


def read(rows):
    rows = csv.reader(rows, delimiter="\t")
    head = next(rows)[1:]
    return head, {row[0]: row[1:] for row in rows if row}


def golden(name):
    return read(gzip.open(f"{folder}/lda_{name}.tsv.gz", "rt"))


def view(path, *what):
    return read(subprocess.run(["pmx-view", *what, path], capture_output=True, text=True, check=True).stdout.splitlines())


def differ(wanted, got, columns, signed):
    worst = 0
    for j, at in enumerate(columns):
        pairs = [(float(row[j]), float(got[cell][at])) for cell, row in wanted.items()]
        straight = max(abs(a - b) for a, b in pairs)
        worst = max(worst, straight if signed else min(straight, max(abs(a + b) for a, b in pairs)))
    return worst


notes = json.loads(subprocess.run(["pmx-info", "--json", stream], capture_output=True, text=True, check=True).stdout)["notes"]["lda"]
head, wanted = golden("exact_embeddings_subset")
worst = {"coordinates": differ(wanted, view(stream, "--obsm", "X_lda")[1], range(len(head)), False)}
for what, name, path in (("posteriors", "exact_posterior_subset", stream), ("left out", "exact_cv_posterior_subset", left_out)):
    head, wanted = golden(name)
    worst[what] = differ(wanted, view(path, "--obsm", "lda_posterior")[1], [notes["classes"].index(c.removeprefix("LDAP_")) for c in head], True)
svd = [float(row[0]) for row in golden("exact_svd")[1].values()]
worst["singular values"] = max(abs(a - b) for a, b in zip(svd, notes["svd"], strict=True))
head, obs = view(stream, "--obs")
at = head.index("lda_assignment")
labels = golden("exact_assign")[1]
wrong = sum(obs[cell][at] != row[0] for cell, row in labels.items())
print(f"{wrong} of {len(labels)} labels differ;", ", ".join(f"{k} {v:.2g}" for k, v in worst.items()))
sys.exit(wrong > 0 or not len(labels) > 1000 or not max(worst.values()) <= 1e-8)
