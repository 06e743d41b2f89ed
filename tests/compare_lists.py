"""compare_lists.py GOLDEN GMT [NAME]: the reference's lists of genes (cluster, list, rank, gene; or without a cluster, for the one
program NAME) against PROGRAM_UP and PROGRAM_DN of a GMT, in their order. Clusters go by their members, programs by number."""
import csv, gzip, sys

want, have = {}, {}
for r in csv.DictReader(gzip.open(sys.argv[1], "rt"), delimiter="\t"):
    name = r.get("cluster", sys.argv[-1])
    want.setdefault((name, r["list"]), []).append(r["gene"])
for line in open(sys.argv[2]):
    name, members, *genes = line.rstrip("\n").split("\t")
    cluster = "_".join(m.split("|")[0] for m in members.split(", "))
    kind = {"_UP": "upDEGs", "_DN": "downDEGs"}[name[-3:]]
    for key in (cluster, name[:-3].replace("P", "Program"), name[:-3]):
        if (key, kind) in want:
            have[key, kind] = genes
if have != want:
    for key in want:
        if have.get(key) != want[key]:
            print(key, "reference", want[key], "ours", have.get(key))
    sys.exit(1)
print(len(want), "lists,", sum(map(len, want.values())), "genes")
