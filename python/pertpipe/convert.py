"""PMX <-> AnnData. What AnnData has no place for is in uns["pmx"], as JSON: kind, order, provenance, notes."""
import json

import numpy as np
import scipy.sparse

from .stream import DTYPE, NONE, VERSION, Categories, Reader, write

MISSING_I64 = -(2**63)


def _to_pandas(f, values):
    import pandas as pd

    if isinstance(values, Categories):
        return pd.Categorical.from_codes(np.where(values.codes == NONE, -1, values.codes.astype("i8")), values.labels, ordered=values.ordered)
    if f["type"] == "bool":
        return pd.arrays.BooleanArray(values == 1, values == 2) if (values == 2).any() else values == 1
    if f["type"] == "i64":
        missing = values == MISSING_I64
        return pd.arrays.IntegerArray(np.where(missing, 0, values), missing) if missing.any() else values
    return values


def _from_pandas(name, s):
    import pandas as pd

    if isinstance(s.dtype, pd.CategoricalDtype):
        codes = s.cat.codes.to_numpy().astype("i8")
        return Categories(np.where(codes < 0, NONE, codes).astype("<u4"), [str(v) for v in s.cat.categories], bool(s.cat.ordered))
    if pd.api.types.is_bool_dtype(s.dtype):
        return np.where(s.isna(), 2, s.fillna(False).astype("u1")).astype("u1")
    if pd.api.types.is_integer_dtype(s.dtype):
        missing = s.isna().to_numpy()
        values = s.fillna(0)
        if (values > 2**63 - 1).any() or (values.astype("O") == MISSING_I64).any():
            raise ValueError(f"'{name}' has an integer that a PMX stream cannot hold")
        return np.where(missing, MISSING_I64, values.to_numpy("i8"))
    if pd.api.types.is_float_dtype(s.dtype):
        return s.to_numpy("f8", na_value=np.nan)
    if s.map(lambda v: v is None or v is pd.NA or isinstance(v, (str, float))).all():
        return np.array([v if isinstance(v, str) else None for v in s], object)
    raise ValueError(f"'{name}' holds values of type {s.dtype}; make them text, numbers, truth values or categories")


def _stack(blocks, n_columns):
    if not blocks:
        return scipy.sparse.csr_matrix((0, n_columns))
    return scipy.sparse.vstack(blocks, "csr") if scipy.sparse.issparse(blocks[0]) else np.vstack(blocks)


def _join(f, parts):
    if f["type"] == "categorical":
        return Categories(np.concatenate([p.codes for p in parts] or [np.empty(0, "<u4")]), f["values"], f.get("ordered", False))
    if "width" in f:
        return np.vstack(parts) if parts else np.empty((0, f["width"]), DTYPE[f["type"]])
    return np.concatenate(parts) if parts else np.empty(0, DTYPE.get(f["type"], object))


def _signature(f, x, obs, order):
    """Reference minus cell, in float64, as pmx(5) says."""
    x = np.asarray(x.todense() if scipy.sparse.issparse(x) else x).astype("f8")
    pert = obs[f["pert_key"]]
    control = x[pert.codes == pert.labels.index(f["control"])]
    if order.get("by") != f["pert_key"] or order.get("first") != f["control"]:
        raise ValueError(f"layer '{f['name']}': the stream does not promise its controls first")
    out = np.full(x.shape, np.nan)
    if f["recipe"] == "neighbour_signature":
        near = obs[f["neighbours"]]
        has, linear = near[:, 0] != NONE, np.expm1(control)
        total = np.zeros((has.sum(), x.shape[1]))
        for i in range(near.shape[1]):
            total += linear[near[has, i]]
        out[has] = np.log1p(total / near.shape[1]) - x[has]
        return out
    codes = obs[f["split"]].codes if "split" in f else np.zeros(len(x), "u4")
    for k in set(codes.tolist()) - {NONE}:
        mine, total = control[codes[: len(control)] == k], np.zeros(x.shape[1])
        for row in mine:
            total += row
        out[codes == k] = total / len(mine) - x[codes == k]
    return out


def read_pmx(source, layers=None):
    """An AnnData. X is the layer X, or else the first one. Layers: those named; by default all that are stored or log-normalised
    (a perturbation signature is cells x genes when it is written out, so it must be named)."""
    import anndata
    import pandas as pd

    with Reader(source) as r:
        declared = {f["name"]: f for f in r.fields if f["class"] == "layer"}
        signatures = [k for k, f in declared.items() if f["storage"] == "recipe" and f["recipe"] != "log_normalised"]
        wanted = [k for k in declared if k not in signatures] if layers is None else list(layers)
        read = {k: [] for k in wanted if k not in signatures}
        read.update({r.field("layer", k)["source"]: [] for k in wanted if k in signatures})
        fields, parts = {f["name"]: f for f in r.fields if f["class"] == "obs"}, {k: [] for k in r.names("obs")}
        for block in r:
            for k in parts:
                parts[k].append(block.column(k))
            for k in read:
                read[k].append(block.layer(k))
        values = {k: _stack(v, r.n_columns) for k, v in read.items()}
        columns = {k: _join(fields[k], v) for k, v in parts.items()}
        for k in wanted:
            if k in signatures:
                values[k] = _signature(declared[k], values[declared[k]["source"]], columns, r.header.get("order", {}))
        var = {k: (r.field("var", k), r.var(k)) for k in r.names("var")}
        h = r.header

    def frame(items, index):
        names = [str(i) if v is None else v for i, v in enumerate(items[index][1])]
        data = {k: _to_pandas(f, v) for k, (f, v) in items.items() if k != index and "width" not in f}
        return pd.DataFrame(data, index=pd.Index(names, name=index, dtype=object))

    obs = {k: (fields[k], v) for k, v in columns.items()}
    x = "X" if "X" in wanted else wanted[0] if wanted else None
    adata = anndata.AnnData(X=values.get(x), obs=frame(obs, h["row_names"]), var=frame(var, h["column_names"]),
                            layers={k: values[k] for k in wanted if k != x},
                            obsm={k: v for k, (f, v) in obs.items() if "width" in f}, varm={k: v for k, (f, v) in var.items() if "width" in f})
    adata.uns["pmx"] = {k: json.dumps(h[k]) for k in ("kind", "order", "provenance", "notes") if k in h}
    if x:
        adata.uns["pmx"]["X"] = json.dumps(x)
    return adata


def _numbers(name, v, counts):
    """Whole numbers from 0 stay integers; float32 stays float32, the rest is float64."""
    v = v.tocsr() if scipy.sparse.issparse(v) else np.asarray(v)
    data = v.data if scipy.sparse.issparse(v) else v
    if counts and data.size and (data >= 0).all() and (data < 2**32).all() and (data == np.floor(data)).all():
        return v.astype("<u4")
    if v.dtype.kind not in "fiub":
        raise ValueError(f"'{name}' does not hold numbers")
    return v.astype("<f4" if v.dtype == np.float32 else "<f8")


def write_pmx(adata, target, kind=None, layers=None, level=3):
    """Writes obs, var, obsm, varm, X and the layers named (default: all). X is called what read_pmx called it, or else counts where it
    holds whole numbers, X where not. An order is promised where read_pmx found one and the rows keep it."""
    meta = {k: json.loads(v) for k, v in adata.uns.get("pmx", {}).items()}
    row_names, column_names = adata.obs.index.name or "cell", adata.var.index.name or "gene"
    obs = {row_names: np.array([str(v) for v in adata.obs_names], object), **{k: _from_pandas(k, adata.obs[k]) for k in adata.obs}}
    var = {column_names: np.array([str(v) for v in adata.var_names], object), **{k: _from_pandas(k, adata.var[k]) for k in adata.var}}
    for to, matrices in ((obs, adata.obsm), (var, adata.varm)):
        for k, v in matrices.items():
            if k in to:
                raise ValueError(f"'{k}' names a column and a matrix")
            v = np.asarray(v.todense() if scipy.sparse.issparse(v) else v)
            to[k] = v.astype("<u4" if v.dtype.kind == "u" else "<f4" if v.dtype == np.float32 else "<f8")
    out = {}
    if adata.X is not None:
        x = _numbers("X", adata.X, counts=True)
        out[meta.get("X", "counts" if x.dtype.kind == "u" else "X")] = x
    for k in adata.layers if layers is None else layers:
        if k not in out:
            out[k] = _numbers(k, adata.layers[k], counts=True)
    order = meta.get("order")
    if order and not _keeps(obs.get(order["by"]), order.get("first")):
        order = None
    provenance = [*meta.get("provenance", []), {"tool": "pertpipe.write_pmx", "version": VERSION}]
    write(target, kind or meta.get("kind", "cells"), obs, var, out, row_names, column_names, order=order, provenance=provenance,
          notes=meta.get("notes"), level=level)


def _keeps(column, first):
    if not isinstance(column, Categories):
        return False
    runs = column.codes[np.concatenate([[True], np.diff(column.codes.astype("i8")) != 0])[: len(column.codes)]]
    front = first not in column.labels or not len(runs) or runs[0] == column.labels.index(first)
    return front and len(set(runs.tolist())) == len(runs)
