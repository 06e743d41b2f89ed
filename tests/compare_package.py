"""compare_package.py FILE...: the package's reader against the second reader (pmx_reader.py), value for value."""
import sys

import numpy as np
import scipy.sparse
from pmx_reader import NONE, Stream

import pertpipe


def same(ours, theirs, near=0.0):
    """Missing is None or NaN there; as it is stored here."""
    if isinstance(ours, pertpipe.Categories):
        return [None if c == NONE else c for c in ours.codes.tolist()] == theirs
    if ours.dtype == object or ours.ndim == 1 and ours.dtype.kind in "ui":
        missing = {"O": None, "u": 2, "i": -(2**63)}[ours.dtype.kind]
        return [None if v == missing else v for v in ours.tolist()] == theirs
    other = np.array([np.nan if v is None else v for v in theirs] if ours.ndim == 1 else theirs, "f8").reshape(ours.shape)
    return np.allclose(ours.astype("f8"), other, rtol=near, atol=near, equal_nan=True)


for path in sys.argv[1:]:
    s = Stream(open(path, "rb").read())
    with pertpipe.Reader(path) as r:
        blocks = list(r)
        assert r.header == s.header and r.n_rows == s.n_rows
        for name in s.names("var"):
            assert same(r.var(name), s.column("var", name)), (path, name)
        at = 0
        values = {name: s.column("obs", name) for name in s.names("obs")}
        for b in blocks:
            assert b.first_row == at
            for name, v in values.items():
                assert same(b.column(name), v[at : at + b.n_rows]), (path, name)
            at += b.n_rows
    layers = s.names("layer")
    a = pertpipe.read_pmx(path, layers=layers)
    for name in layers:
        x = a.X if name == "X" else a.layers[name]
        x = np.asarray(x.todense() if scipy.sparse.issparse(x) else x)
        assert x.shape == (s.n_rows, s.m) and same(x, s.layer(name), 1e-13 if s.field("layer", name)["storage"] == "recipe" else 0), (path, name)
    print(path, len(values), "columns,", len(layers), "layers")
