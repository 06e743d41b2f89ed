bats_require_minimum_version 1.5.0
load setup

# python/pertpipe against the tools: what one writes, the other reads.

setup() {
	work
	py=$(python_with anndata scipy zstandard xxhash 2>/dev/null) || skip "pip cannot fetch anndata, scipy, zstandard and xxhash"
	export PYTHONPATH=$repo/python:$repo/tests PYTHONDONTWRITEBYTECODE=1
	kinds=$BUILD/helpers/every_kind
}

@test "every kind of field, layer and recipe, in any blocks: what the reader of the page sees" {
	for level in 0 3; do
		for rows in 1 7 0; do
			"$kinds" 23 13 $level $rows >"$level-$rows.pmx"
		done
	done
	"$kinds" 0 3 0 0 >none.pmx
	"$kinds" 6 0 3 4 >narrow.pmx
	"$py" "$repo/tests/compare_package.py" [0-9]*.pmx none.pmx narrow.pmx
}

@test "through AnnData and back: the same stream for pmx-diff, labels, order, missing values and notes among it" {
	"$kinds" 23 13 3 7 | pmx-select --drop-layer near_X --drop-layer near_single --drop-layer split_X --drop-layer pool_double - -o a.pmx
	"$py" - <<-'PY'
		import pertpipe
		a = pertpipe.read_pmx("a.pmx")
		assert a.shape == (23, 13) and str(a.obs["whole"].dtype) == "Int64" and a.obs["dose"].cat.ordered
		pertpipe.write_pmx(a, "b.pmx")
	PY
	pmx-check b.pmx
	cmp <(pmx-view --obs a.pmx | tail -n +2 | cut -f 2-) <(pmx-view --obs b.pmx | tail -n +2 | cut -f 2-)
	for layer in counts single double dense_counts dense_single dense_double X; do
		cmp <(pmx-view --layer $layer a.pmx | cut -f 2-) <(pmx-view --layer $layer b.pmx | cut -f 2-)
	done
	for m in wide narrow near; do
		cmp <(pmx-view --obsm $m a.pmx | cut -f 2-) <(pmx-view --obsm $m b.pmx | cut -f 2-)
	done
	for s in a b; do
		pmx-info --json $s.pmx | "$py" -c 'import json, sys; o = json.load(sys.stdin); print(o["kind"], o["groups"], o.get("notes"), o["provenance"][0])' >$s
	done
	cmp a b
}

@test "a screen: read as pmx-export's h5ad is, signatures too where they are named" {
	simulate-screen -q --cells 300 --genes 60 --targets 3 --controls 90 --splits 2 --seed 3 | normalize -q | pca -q -n 5 |
		pert-signature -q --control NT -k 7 --n-dims 5 --split-by replicate -o a.pmx
	pmx-export -q --layers counts,X,X_pert a.pmx -o a.h5ad
	"$py" - <<-'PY'
		import anndata, numpy as np, pertpipe, scipy.sparse
		dense = lambda x: np.asarray(x.todense() if scipy.sparse.issparse(x) else x)
		a, b = pertpipe.read_pmx("a.pmx", layers=["counts", "X", "X_pert"]), anndata.read_h5ad("a.h5ad")
		assert list(a.obs_names) == list(b.obs_names) and list(a.var_names) == list(b.var_names)
		assert (a.obs["gene_target"].astype(str) == b.obs["gene_target"].astype(str)).all()
		assert (dense(a.layers["counts"]) == dense(b.layers["counts"])).all()
		assert np.allclose(dense(a.X), dense(b.X), rtol=1e-14, atol=0) and dense(a.X).any()
		assert np.allclose(dense(a.layers["X_pert"]), dense(b.layers["X_pert"]), rtol=1e-12, atol=1e-12) and dense(a.layers["X_pert"]).any()
		assert (a.obsm["X_pca"] == b.obsm["X_pca"]).all()
		assert "X_pert" not in pertpipe.read_pmx("a.pmx").layers
		a.write_h5ad("c.h5ad")
		assert (dense(anndata.read_h5ad("c.h5ad").X) == dense(a.X)).all()
	PY
	# Scores that Python computed go on in the pipe, and the order is still promised.
	"$py" -c 'import pertpipe; a = pertpipe.read_pmx("-"); a.obs["mine"] = 0.5; pertpipe.write_pmx(a, "-", layers=[])' <a.pmx |
		pmx-info >out
	grep -qx "order: grouped by gene_target, first NT" out
}

@test "AnnData of any making: the same as when pmx-import reads its h5ad" {
	"$py" - <<-'PY'
		import anndata, numpy as np, pandas as pd, pertpipe, scipy.sparse
		r = np.random.default_rng(5)
		x = scipy.sparse.random(70, 40, 0.3, "csr", random_state=1, data_rvs=lambda n: r.integers(1, 600, n)).astype("f4")
		obs = pd.DataFrame({"target": pd.Categorical(r.choice(["NT", "A"], 70)), "note": ["x", None] * 35, "n": r.integers(0, 9, 70),
		                    "w": r.normal(size=70), "good": r.random(70) < 0.5}, index=[f"c{i}" for i in range(70)])
		a = anndata.AnnData(x, obs, pd.DataFrame({"length": np.arange(40.0)}, index=[f"g{i}" for i in range(40)]), obsm={"X_umap": r.normal(size=(70, 2))})
		a.layers["log"] = scipy.sparse.csc_matrix(np.log1p(x.toarray()))
		a.write_h5ad("a.h5ad")
		pertpipe.write_pmx(a, "a.pmx")
		try:
		    a.obs["odd"] = [(1, 2)] * 70
		    pertpipe.write_pmx(a, "never.pmx")
		    raise SystemExit("tuples were written")
		except ValueError as e:
		    assert "odd" in str(e)
	PY
	[ ! -e never.pmx ]
	pmx-check a.pmx
	pmx-import -q a.h5ad -o b.pmx
	for s in a b; do pmx-view --obs --columns target,note,n,w,good $s.pmx | tail -n +2 >$s.obs; done
	cmp a.obs b.obs
	cmp <(pmx-view --layer counts a.pmx | tail -n +2) <(pmx-view --layer counts b.pmx | tail -n +2)
	cmp <(pmx-view --layer log a.pmx | tail -n +2) <(pmx-view --layer log b.pmx | tail -n +2)
	normalize -q a.pmx | pca -q -n 3 | pmx-check
}

@test "a stream cut anywhere, and one with any byte changed, is Damaged" {
	"$kinds" 9 5 3 4 >a.pmx
	"$py" - <<-'PY'
		import io, random, pertpipe
		data = open("a.pmx", "rb").read()
		def read(b):
		    with pertpipe.Reader(io.BytesIO(b)) as r:
		        for name in r.names("var"):
		            r.var(name)
		        for block in r:
		            for name in r.names("obs"):
		                block.column(name)
		            for f in r.fields:
		                if f["class"] == "layer" and f["storage"] != "recipe":
		                    block.layer(f["name"])
		read(data)
		r = random.Random(1)
		wrong = [data[:n] for n in r.sample(range(len(data)), 150)] + [data + b"\0"]
		for at in r.sample(range(len(data)), 600):
		    wrong.append(data[:at] + bytes([data[at] ^ 1 << r.randrange(8)]) + data[at + 1:])
		for b in wrong:
		    try:
		        read(b)
		    except pertpipe.Damaged:
		        continue
		    raise SystemExit(f"accepted: {len(b)} bytes")
	PY
	# A length that lies asks for no memory.
	"$py" - <<-'PY'
		import io, struct, resource, xxhash, pertpipe
		data = bytearray(open("a.pmx", "rb").read())
		struct.pack_into("<Q", data, 16 + 8, 1 << 33)
		struct.pack_into("<Q", data, 16 + 40, xxhash.xxh64_intdigest(bytes(data[16:56])))
		resource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32))
		try:
		    pertpipe.Reader(io.BytesIO(bytes(data)))
		    raise SystemExit("accepted")
		except pertpipe.Damaged as e:
		    assert "cut short" in str(e), e
	PY
}

@test "what cannot be written is refused, and leaves no file" {
	"$py" - <<-'PY'
		import numpy as np, os, pertpipe, scipy.sparse
		names = lambda *v: np.array(v, object)
		good = dict(kind="cells", obs={"cell": names("a", "b")}, var={"gene": names("x", "y", "z")}, layers={"X": np.ones((2, 3))})
		pertpipe.write("good.pmx", **good)
		bad = [dict(kind="cats"), dict(layers={"X": np.ones((3, 3))}), dict(layers={"X": np.ones((2, 3), "i2")}),
		       dict(obs={**good["obs"], "t": pertpipe.Categories(np.array([0, 2], "u4"), ["u", "v"])}),
		       dict(obs={**good["obs"], "t": pertpipe.Categories(np.array([0, 1], "u4"), ["u", "u"])}),
		       dict(obs={"cell": names("a\0", "b")}),
		       dict(obs={**good["obs"], "t": pertpipe.Categories(np.array([1, 0], "u4"), ["u", "v"])}, order={"by": "t", "first": "u"})]
		for change in bad:
		    try:
		        pertpipe.write("bad.pmx", **{**good, **change})
		    except (ValueError, KeyError):
		        assert sorted(os.listdir(".")) == ["good.pmx"], os.listdir(".")
		        continue
		    raise SystemExit(f"written: {change}")
	PY
	pmx-check good.pmx
}

@test "pip installs it" {
	cp -r "$repo/python" source
	"$py" -m pip -q install --no-deps --no-warn-script-location --target=site ./source 2>log || skip "pip cannot build: $(tail -n 1 log)"
	PYTHONPATH=$PWD/site "$py" -c 'import pertpipe; assert "/site/" in pertpipe.__file__'
	[ -d "site/pertpipe-$(pertpipe --version | cut -d' ' -f 2).dist-info" ]
}
