"""compare_hvg.py SCREEN.h5ad DIR N: gene columns of hvg against scanpy's, on the layers counts and X of the screen.

DIR holds FLAVOR.tsv and FLAVOR.batch.tsv (batches: replicate) as pmx-view --var writes them. The same genes have to
be marked, and the values have to agree to 1e-9 relative.
"""
import csv
import sys
import warnings

warnings.simplefilter("ignore")
import anndata as ad
import numpy as np
import scanpy as sc

screen, folder, n_top = ad.read_h5ad(sys.argv[1]), sys.argv[2], int(sys.argv[3])
assert screen.X.dtype == np.float64


def ours(flavor, batch):
    with open(f"{folder}/{flavor}{'.batch' if batch else ''}.tsv") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    first = next(iter(rows[0]))
    assert [r[first] for r in rows] == list(screen.var_names)
    return rows


def numbers(rows, column):
    return np.array([np.nan if r[column] in ("NA", "NaN") else float(r[column]) for r in rows])


def near(a, b, what):
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    assert np.array_equal(np.isnan(a), np.isnan(b)), f"{what}: missing values"
    worst = np.nanmax(np.abs(a - b) / np.maximum(np.abs(b), 1e-3))
    assert worst < 1e-9, f"{what}: {worst}"


def ranks(rank, df, batch, what):
    """The same, but that genes whose variances differ by rounding may change places."""
    theirs, norm = df["highly_variable_rank"].to_numpy(), df["variances_norm"].to_numpy()
    assert np.array_equal(np.isnan(rank), np.isnan(theirs)), f"{what}: which genes have a rank"
    moved = np.flatnonzero((rank != theirs) & ~np.isnan(rank))
    if batch:
        assert not len(moved), f"{what}: ranks of {moved}"
    at = dict(zip(theirs, norm))
    assert all(abs(at[rank[g]] - norm[g]) < 1e-12 * norm[g] for g in moved), f"{what}: ranks"


for flavor in "vst", "seurat", "cell_ranger":
    for batch in None, "replicate":
        rows, vst, what = ours(flavor, batch), flavor == "vst", f"{flavor} {batch}"
        df = sc.pp.highly_variable_genes(screen, flavor="seurat_v3" if vst else flavor, layer="counts" if vst else None,
                                         n_top_genes=n_top, batch_key=batch, inplace=False)
        marked = np.array([r["highly_variable"].lower() == "true" for r in rows])
        assert n_top <= df["highly_variable"].sum() < 2 * n_top, what
        assert np.array_equal(marked, df["highly_variable"]), f"{what}: {np.flatnonzero(marked != df['highly_variable'])}"
        for c in ("variances", "variances_norm") if vst else ("dispersions", "dispersions_norm"):
            near(numbers(rows, c), df[c], f"{what}: {c}")
        # scanpy keeps the small number that stands for a mean of 0.
        near(numbers(rows, "means"), df["means"], f"{what}: means")
        if vst:
            ranks(numbers(rows, "highly_variable_rank"), df, batch, what)
        if batch:
            assert np.array_equal(numbers(rows, "highly_variable_nbatches"), df["highly_variable_nbatches"]), f"{what}: batches"
print("the same genes, with and without batches")
