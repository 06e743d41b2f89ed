"""GCT and GCTX files by cmapPy, and the comparison of what cmapPy reads."""
import sys
import warnings

warnings.simplefilter("ignore")
import numpy as np
import pandas as pd
from cmapPy.pandasGEXpress import GCToo, parse, write_gct, write_gctx


def make():
    rng = np.random.default_rng(5)
    genes = pd.Index([f"{i}_at" for i in range(60)], name="rid")
    cols = pd.Index([f"CPC:{i}" for i in range(37)], name="cid")
    data = pd.DataFrame(rng.normal(size=(60, 37)).astype(np.float32), index=genes, columns=cols)
    data.iloc[3, 4] = np.nan
    row = pd.DataFrame({"pr_gene_symbol": [f"G{i}" for i in range(60)], "pr_is_lm": [i % 2 for i in range(60)]}, index=genes)
    col = pd.DataFrame({"pert_iname": [f"drug {i % 5}" for i in range(37)], "pert_dose": [0.5 + i for i in range(37)]}, index=cols)
    g = GCToo.GCToo(data_df=data, row_metadata_df=row, col_metadata_df=col)
    write_gct.write(g, "peer.gct", data_null="NaN", data_float_format="%.9g")
    write_gctx.write(g, "peer.gctx")


def same(a, b):
    a, b = parse.parse(a), parse.parse(b)
    for x, y in ((a.data_df, b.data_df), (a.row_metadata_df, b.row_metadata_df), (a.col_metadata_df, b.col_metadata_df)):
        assert list(x.index) == list(y.index) and set(x.columns) == set(y.columns), "names differ"
        for c in x.columns:
            u, v = x[c], y[c]
            numbers = pd.api.types.is_numeric_dtype(u)
            assert numbers == pd.api.types.is_numeric_dtype(v), f"{c}: {u.dtype} against {v.dtype}"
            good = np.array_equal(u.astype(float), v.astype(float), equal_nan=True) if numbers else list(u) == list(v)
            assert good, f"{c} differs"
    print(a.data_df.shape, "the same")


make() if sys.argv[1] == "make" else same(sys.argv[2], sys.argv[3])
