"""h5ad.py make DIR | same A B | values A B | kept A B COLUMN | zstd A B: files as anndata writes them, and whether two hold the same.

make writes csr, csc and dense files in DIR with every kind of column that the installed anndata knows.
same compares X, layers, names, obs, var and obsm by value; values only X and the names. kept compares every group,
dataset and attribute of two files byte by byte: B is A with the column of obs. zstd packs the datasets of A anew, with
hdf5plugin.
"""
import sys
import warnings

warnings.simplefilter("ignore")
import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp


def frame(n, seed):
    r = np.random.default_rng(seed)
    new = tuple(int(x) for x in ad.__version__.split(".")[:2]) >= (0, 8)
    columns = {
        "gene_target": pd.Categorical(r.choice(["NT", "A B", "C+D", "g/1"], n), categories=["NT", "g/1", "C+D", "A B", "never"]),
        "dose": pd.Categorical(r.choice([1, 10, 2], n), ordered=True),
        "partly": pd.Categorical([None if i % 3 == 0 else f"x{i % 4}" for i in range(n)]),
        "whole": r.integers(-5, 2**40, n),
        "small": r.integers(0, 200, n).astype("uint8"),
        "real": r.normal(size=n),
        "single": r.normal(size=n).astype("float32"),
        "gaps": np.where(np.arange(n) % 5 == 0, np.nan, r.normal(size=n)),
        "flag": r.random(n) < 0.5,
        "free": np.array([f"text {i}" for i in range(n)], dtype=object),
    }
    if new:
        columns["maybe"] = pd.array([None if i % 4 == 0 else i for i in range(n)], dtype="Int64")
        if hasattr(getattr(ad, "settings", None), "allow_write_nullable_strings"):
            ad.settings.allow_write_nullable_strings = True
            columns["words"] = pd.array([None if i % 6 == 0 else f"w {i % 50}" for i in range(n)], dtype="string")
        columns["truth"] = pd.array([None if i % 3 == 0 else i % 2 == 0 for i in range(n)], dtype="boolean")
    return columns


def make(folder):
    r = np.random.default_rng(5)
    n, m = 300, 70
    X = sp.random(n, m, 0.3, "csr", random_state=5, data_rvs=lambda k: r.integers(1, 400, k).astype("float32"))
    obs = pd.DataFrame(frame(n, 1), index=[f"c{i}" for i in range(n)])
    var = pd.DataFrame(frame(m, 2), index=[f"g{i}" for i in range(m)])
    for name, matrix, more in [("csr", X, {}), ("csc", X.tocsc(), {"compression": "gzip"}), ("dense", X.toarray(), {"compression": "lzf"})]:
        a = ad.AnnData(matrix, obs=obs.copy(), var=var.copy())
        a.layers["logs"] = a.X.copy()
        if sp.issparse(a.X):
            a.layers["logs"].data = np.log1p(a.layers["logs"].data.astype("float64"))
        else:
            a.layers["logs"] = np.log1p(a.layers["logs"].astype("float64"))
        a.layers["signed"] = r.normal(size=(n, m))
        a.obsm["X_pca"] = r.normal(size=(n, 4))
        a.obsm["X_small"] = r.normal(size=(n, 2)).astype("float32")
        a.varm["PCs"] = r.normal(size=(m, 3))
        a.obsp["near"] = sp.random(n, n, 0.02, "csr", random_state=6)
        a.varp["near"] = sp.random(m, m, 0.1, "csr", random_state=7)
        a.uns["keep"] = {"x": 1, "y": ["a", "b"], "deep": {"z": np.arange(3.0), "table": pd.DataFrame({"a": [1, 2]}, index=["r", "s"])}}
        a.raw = a
        a.write_h5ad(f"{folder}/{name}.h5ad", **more)


def dense(m):
    return m.toarray() if hasattr(m, "toarray") else np.asarray(m)


def same_frame(a, b, what):
    assert list(a.index) == list(b.index), f"{what}: names"
    for c in a.columns:
        assert c in b.columns, f"{what}: {c} is missing"
        x, y = a[c], b[c]
        assert list(x.isna()) == list(y.isna()), f"{what}: missing values of {c}"
        here = ~x.isna().to_numpy(dtype=bool)
        if isinstance(x.dtype, pd.CategoricalDtype):
            assert list(map(str, x.cat.categories)) == list(map(str, y.cat.categories)), f"{what}: categories of {c}"
            assert x.cat.ordered == y.cat.ordered, f"{what}: order of {c}"
        if pd.api.types.is_numeric_dtype(x) and not isinstance(x.dtype, pd.CategoricalDtype):
            assert pd.api.types.is_bool_dtype(x) == pd.api.types.is_bool_dtype(y), f"{what}: type of {c}"
            assert pd.api.types.is_float_dtype(x) == pd.api.types.is_float_dtype(y), f"{what}: type of {c}"
            assert np.array_equal(x[here].to_numpy(), y[here].to_numpy()), f"{what}: {c}"
        else:
            assert list(map(str, x[here])) == list(map(str, y[here])), f"{what}: {c}"


def same(one, other, only_values=False):
    a, b = ad.read_h5ad(one), ad.read_h5ad(other)
    assert np.array_equal(dense(a.X), dense(b.X)), "X"
    if only_values:
        assert list(a.obs_names) == list(b.obs_names) and list(a.var_names) == list(b.var_names), "names"
        return
    same_frame(a.obs, b.obs, "obs")
    same_frame(a.var, b.var, "var")
    for k in a.layers:
        if k is None:
            continue
        assert np.array_equal(dense(a.layers[k]), dense(b.layers[k])), f"layer {k}"
    for k in a.obsm:
        assert np.array_equal(dense(a.obsm[k]), dense(b.obsm[k])) and a.obsm[k].dtype == b.obsm[k].dtype, f"obsm {k}"


def objects(path):
    """Path in the file -> what is there: attributes, and of a dataset type, layout, filters and bytes."""
    import h5py

    def plain(v):
        return v.tobytes() if isinstance(v, np.ndarray) and v.dtype.kind != "O" else str(np.asarray(v).tolist())

    found = {}

    def look(name, o):
        what = {f"attribute {k}": (str(v.dtype) if hasattr(v, "dtype") else type(v).__name__, plain(v)) for k, v in o.attrs.items()}
        if isinstance(o, h5py.Dataset):
            create = o.id.get_create_plist()
            filters = [create.get_filter(i)[:3] for i in range(create.get_nfilters())]
            what["dataset"] = (str(o.dtype), o.shape, o.chunks, o.maxshape, filters, plain(o[()]))
        found[name] = what

    with h5py.File(path) as f:
        look("/", f)
        f.visititems(look)
    return found


def kept(one, other, column):
    a, b = objects(one), objects(other)
    assert len(a) > 60 and any(k.startswith("raw/") for k in a) and "obsp/near/data" in a and "uns/keep/deep/z" in a
    own = [k for k in b if k == f"obs/{column}" or k.startswith(f"obs/{column}/")]
    assert own, f"{column} is not there"
    assert sorted(set(b) - set(a)) == sorted(own) and not set(a) - set(b), sorted(set(a) ^ set(b))
    for k in a:
        if k == "obs":
            del a[k]["attribute column-order"], b[k]["attribute column-order"]
        assert a[k] == b[k], k
    before, after = list(ad.read_h5ad(one).obs), list(ad.read_h5ad(other).obs)
    assert after == before + [column], after


def zstd(one, other):
    import shutil

    import h5py
    import hdf5plugin

    shutil.copy(one, other)
    with h5py.File(other, "r+") as f:
        names = []
        f.visititems(lambda name, o: names.append(name) if isinstance(o, h5py.Dataset) and o.size > 50 and o.dtype.kind in "iuf" else None)
        for name in names:
            values, attributes = f[name][()], dict(f[name].attrs)
            del f[name]
            made = f.create_dataset(name, data=values, chunks=True, shuffle=True, **hdf5plugin.Zstd())
            made.attrs.update(attributes)


if sys.argv[1] == "make":
    make(sys.argv[2])
elif sys.argv[1] == "zstd":
    zstd(*sys.argv[2:4])
elif sys.argv[1] == "kept":
    kept(*sys.argv[2:5])
    print("the rest is as it was")
else:
    same(*sys.argv[2:4], only_values=sys.argv[1] == "values")
    print("the same")
