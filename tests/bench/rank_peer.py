"""rank_peer.py JOB TABLE TARGET: ranks the signatures of a table as scperturb-cmap's library does, or by numpy and pandas; prints
wall and CPU seconds of the call and the peak memory of the process in MiB. The reference is in memory
before."""
import resource, sys, time
import numpy, pandas

job, wide, target = sys.argv[1:]
frame = pandas.read_csv(wide, sep="\t", index_col=0, dtype={0: str})
weights = pandas.read_csv(target, sep="\t", index_col=0).iloc[:, 0]


def measured(name, call):
    before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    call()
    wall, used = time.perf_counter() - before[0], resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - before[1].ru_utime - before[1].ru_stime
    print(f"{name}\t{wall:.2f}\t{cpu:.2f}\t{used.ru_maxrss / 1024:.0f}\t-", flush=True)


def numpy_cosine():
    x = frame[weights.index].to_numpy()
    x = x - x.mean(axis=1, keepdims=True)
    w = weights.to_numpy() - weights.mean()
    score = x @ w / (numpy.linalg.norm(x, axis=1) * numpy.linalg.norm(w))
    return pandas.Series(score, index=frame.index).sort_values().head(50)


def pandas_spearman():
    return frame[weights.index].rank(axis=1).corrwith(weights.rank(), axis=1).sort_values().head(50)


if job == "numpy":
    measured("cosine", numpy_cosine)
    measured("spearman", pandas_spearman)
else:
    from scperturb_cmap.api.score import rank_drugs
    from scperturb_cmap.io.schemas import TargetSignature
    long = frame.rename_axis("signature_id").reset_index().melt("signature_id", var_name="gene_symbol", value_name="score")
    long["compound"] = long["signature_id"]
    long["cell_line"] = "L"
    long["moa"] = "m"
    long["target"] = "t"
    signature = TargetSignature(genes=list(weights.index), weights=[float(w) for w in weights])
    measured("rank_drugs", lambda: rank_drugs(signature, long, method="baseline", top_k=50))
