"""seeds.py DIR: tiny h5ad, 10x h5 and GCTX files as seeds of the h5 fuzzer (h5py)."""
import sys
import h5py
import numpy as np

folder = sys.argv[1]
text = h5py.string_dtype()
counts = np.array([[0, 3, 1], [2, 0, 0], [0, 0, 0], [1, 70000, 5]])
rows, columns = counts.shape
nonzero = counts.ravel()[counts.ravel() > 0]
indptr = np.concatenate([[0], np.cumsum((counts > 0).sum(1))])
indices = np.nonzero(counts)[1]


def kind(at, encoding, version="0.1.0", **more):
    at.attrs["encoding-type"], at.attrs["encoding-version"] = encoding, version
    for name, value in more.items():
        at.attrs[name.replace("_", "-")] = value


def frame(h, name, names, nullable):
    g = h.create_group(name)
    kind(g, "dataframe", "0.2.0", _index="_index")
    order = ["label", "real"]
    g["_index"] = np.array(names, object)
    g["real"] = np.linspace(-1, 1, len(names))
    c = g.create_group("label")
    kind(c, "categorical", "0.2.0", ordered=False)
    c["categories"], c["codes"] = np.array(["NT", "STAT1"], object), np.array([-1, 0, 1, 0][: len(names)], "i1")
    if nullable:
        for what, values, dtype in [("nullable-integer", [1, 2, 3, 4], "i8"), ("nullable-boolean", [1, 0, 1, 0], "?")]:
            m = g.create_group(what)
            kind(m, what)
            m["values"], m["mask"] = np.array(values[: len(names)], dtype), np.array([1, 0, 0, 1][: len(names)], "?")
            order.append(what)
    g.attrs["column-order"] = np.array(order, object)


def sparse(h, name, by_rows=True, **how):
    g = h.create_group(name)
    kind(g, "csr_matrix" if by_rows else "csc_matrix")
    g.attrs["shape"] = np.array([rows, columns], "i8")
    t = counts if by_rows else counts.T
    g.create_dataset("data", data=t.ravel()[t.ravel() > 0].astype("f4"), **how)
    g.create_dataset("indices", data=np.nonzero(t)[1].astype("i4"), **how)
    g["indptr"] = np.concatenate([[0], np.cumsum((t > 0).sum(1))]).astype("i4")


def h5ad(name, put, nullable=False):
    with h5py.File(f"{folder}/{name}", "w", libver=("earliest", "v110")) as h:
        kind(h, "anndata")
        frame(h, "obs", [f"c{i}" for i in range(rows)], nullable)
        frame(h, "var", [f"g{i}" for i in range(columns)], False)
        put(h)


def dense(h):
    h.create_dataset("X", data=counts.astype("f8") / 3, chunks=(2, 2), compression="lzf", shuffle=True)
    h["obsm/X_pca"] = np.arange(2.0 * rows).reshape(rows, 2)


def layers(h):
    sparse(h, "X", False, chunks=(2,), compression="gzip")
    sparse(h, "layers/more")


h5ad("csr", lambda h: sparse(h, "X"), True)
h5ad("dense", dense)
h5ad("csc", layers)


# Arrays that announce a lot and hold nothing.
def many_names(h):
    sparse(h, "X")
    del h["obs/_index"]
    h["obs"].create_dataset("_index", (2**40,), text, chunks=(64,))


def many_labels(h):
    sparse(h, "X")
    del h["obs/label/categories"]
    h["obs/label"].create_dataset("categories", (2**31,), "i8", chunks=(64,))


def long_row(h):
    sparse(h, "X")
    for part, dtype in (("data", "f4"), ("indices", "i4")):
        del h["X/" + part]
        h["X"].create_dataset(part, (2**40,), dtype, chunks=(64,))
    del h["X/indptr"]
    h["X/indptr"] = np.array([0, 2**40] + [2**40] * (rows - 1), "i8")


def large_chunk(h):
    sparse(h, "X")
    h.create_dataset("obsm/w", (rows, 2), ">f8", chunks=(2**26, 2), maxshape=(None, 2), fletcher32=True)


h5ad("many_names", many_names)
h5ad("many_labels", many_labels)
h5ad("long_row", long_row)
h5ad("large_chunk", large_chunk)
with h5py.File(f"{folder}/tenx", "w", libver=("earliest", "v110")) as h:
    g = h.create_group("matrix")
    g["barcodes"] = np.array([f"B{i}-1" for i in range(rows)], "S6")
    g["data"], g["indices"], g["indptr"] = nonzero.astype("i4"), indices, indptr
    g["shape"] = np.array([columns, rows], "i4")
    for name, values in [("id", ["E1", "E2", "E3"]), ("name", ["A", "B", "A"]), ("feature_type", ["Gene Expression"] * 3), ("genome", ["x"] * 3)]:
        g["features/" + name] = np.array(values, "S15")
with h5py.File(f"{folder}/gctx", "w", libver=("earliest", "v110")) as h:
    h.attrs["version"] = np.array(["GCTX1.0"], "S7")
    h["0/DATA/0/matrix"] = np.array([[0.5, -666, 2], [1, -1, np.nan]], "f4")
    for part, n, more in (("ROW", 3, "pr_gene_symbol"), ("COL", 2, "pert_iname")):
        h[f"0/META/{part}/id"] = np.array([f"{part}{i}" for i in range(n)], "S8")
        h[f"0/META/{part}/{more}"] = np.array(["-666", "b", "c"][:n], "S4")
        h[f"0/META/{part}/dose"] = np.linspace(0, 1, n)
