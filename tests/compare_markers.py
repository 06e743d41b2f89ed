"""Holds tables of marker genes against references: the same genes in the same order, p to 1e-9 relative.

compare_markers.py GOLDEN TARGET OURS           one table of FindMarkers
compare_markers.py --all GOLDEN OURS            the tables of a whole run (columns split, gene = target, guide, rank, feature)
compare_markers.py --pertpy DE MARKERS OURS     scanpy's tests (float32 scores) and pertpy's lists
"""
import csv, gzip, math, sys


def read(path):
    f = gzip.open(path, "rt") if path.endswith(".gz") else open(path)
    return list(csv.DictReader(f, delimiter="\t"))


def number(text):
    return math.nan if text in ("", "NA", "NaN") else float(text.replace("Inf", "inf"))


def near(golden, ours, limit, what):
    a, b = number(golden), number(ours)
    if (math.isnan(a) and math.isnan(b)) or a == b:
        return
    if not abs(a - b) <= limit * max(abs(a), 1e-300):
        sys.exit(f"{what}: {golden} here {ours}")


def hold(golden, ours, name, gene):
    g, o = [r[gene] for r in golden], [r["gene"] for r in ours]
    if g != o:
        first = next((i for i in range(min(len(g), len(o))) if g[i] != o[i]), min(len(g), len(o)))
        sys.exit(f"{name}: {len(g)} genes, here {len(o)}; they part at place {first + 1}")
    for a, b in zip(golden, ours):
        near(a["p_val"], b["pval"], 1e-9, f"{name} {b['gene']} p")
        near(a["p_val_adj"], b["pval_adj"], 1e-9, f"{name} {b['gene']} adjusted p")
        near(a["avg_log2FC"], b["logfc"], 1e-9, f"{name} {b['gene']} fold change")
        near(a["pct.1"], b["pct_target"], 0, f"{name} {b['gene']} pct")
        near(a["pct.2"], b["pct_control"], 0, f"{name} {b['gene']} pct")


def group(rows, keys):
    out = {}
    for r in rows:
        out.setdefault(tuple(r[k] for k in keys), []).append(r)
    return out


def all_tables(golden, ours):
    o = group(ours, ("target", "split", "guide"))
    n = 0
    for (split, target, guide), rows in group(golden, ("split", "gene", "guide")).items():
        rows = [r for r in rows if r["feature"] != "(none)"]
        key = (target, "all" if split == "con1" else split, guide)
        mine = o.get(key, o.get((target, key[1], "all"), []))
        hold(rows, mine, " ".join(key), "feature")
        wanted = [r["feature"] for r in rows if r.get("selected") == "1"]
        marked = [r["gene"] for r in sorted((r for r in mine if r["marker_rank"] != "0"), key=lambda r: int(r["marker_rank"]))]
        if wanted != marked:
            sys.exit(f"{key}: {len(wanted)} markers, here {len(marked)}")
        n += len(rows)
    if n < 100:
        sys.exit(f"only {n} genes compared")
    print(f"{n} genes in {len(o)} tables")


def pertpy(de, markers, ours):
    o = {(r["target"], r["gene"]): r for r in ours}
    for r in de:
        mine = o[(r["gene_target"], r["gene"])]
        near(r["pval"], mine["pval"], 1e-9, f"{r['gene_target']} {r['gene']} p")
        near(r["padj"], mine["pval_adj"], 1e-9, f"{r['gene_target']} {r['gene']} adjusted p")
        near(r["log2fc_f32"], mine["logfc"], 3e-7, f"{r['gene_target']} {r['gene']} fold change")
    for (target,), rows in group([r for r in markers if r["split"] == "all"], ("gene_target",)).items():
        # pertpy's marker sets are ranked by scanpy's score; as sets they are ours.
        wanted = {r["gene"] for r in rows}
        marked = {r["gene"] for r in ours if r["target"] == target and r["marker_rank"] != "0"}
        if wanted != marked:
            sys.exit(f"{target}: {sorted(wanted ^ marked)} differ")
    print(f"{len(de)} tests, {len(markers)} markers")


words = sys.argv[1:]
if words[0] == "--all":
    all_tables(read(words[1]), read(words[2]))
elif words[0] == "--pertpy":
    pertpy(read(words[1]), read(words[2]), read(words[3]))
else:
    rows = [r for r in read(words[2]) if r["target"] == words[1]]
    hold(read(words[0]), rows, words[1], "gene")
    print(f"{words[1]}: {len(rows)} genes")
