"""peer.py JOB H5AD: pertpy's or illico's own functions on the screen, warm, reading aside; a line a step with wall and
CPU seconds and the peak memory of the process in MiB."""
import resource, sys, time
import anndata, scanpy


def figures():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def step(name, call):
    before = figures()
    call()
    after = figures()
    print(f"{name}\t{after[0] - before[0]:.2f}\t{after[1] - before[1]:.2f}\t{after[2]:.0f}\t-", flush=True)


job, path = sys.argv[1:]
if job == "mixscale":
    import pertpy
    model = pertpy.tl.Mixscale()
else:
    from illico import asymptotic_wilcoxon
data = anndata.read_h5ad(path)
scanpy.pp.normalize_total(data, target_sum=1e4)
scanpy.pp.log1p(data)
if job == "mixscale":
    step("pca", lambda: scanpy.pp.pca(data, n_comps=50))
    step("perturbation_signature", lambda: model.perturbation_signature(data, "gene_target", "NT"))
    step("mixscale", lambda: model.mixscale(data, "gene_target", "NT"))
else:
    def test(some):
        return asymptotic_wilcoxon(adata=some, group_keys="gene_target", reference="NT", is_log1p=True, n_threads=2)
    # The first call compiles.
    test(data[:, :50].copy())
    step("wilcoxon", lambda: test(data))
