bats_require_minimum_version 1.5.0
load ../setup

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	small_screen -o screen.pmx
	normalize screen.pmx -o normalised.pmx
	py=$(python_with anndata scipy) && old=$(python_with anndata==0.8.0 'numpy<1.24' 'pandas<2' 'scipy<1.11') || return 0
	mkdir new old
	"$py" "$repo/tests/h5ad.py" make new && "$old" "$repo/tests/h5ad.py" make old || return 1
	echo "$py" > python
	echo "$old" > python-old
}

setup() {
	work
	set -o pipefail
	files=$BATS_FILE_TMPDIR
	[ ! -e "$files/python" ] || py=$(cat "$files/python")
	[ ! -e "$files/python-old" ] || old=$(cat "$files/python-old")
}

python_at_hand() {
	[ -n "${py:-}" ] || skip "pip cannot fetch anndata"
}

fails_with() { # TEXT COMMAND...
	local text=$1
	shift
	run "$@"
	[ "$status" = 1 ] || { echo "status $status: $output"; return 1; }
	[[ $output == *"$text"* ]] || { echo "no '$text' in: $output"; return 1; }
}

# Nothing but these files is here.
only() {
	[ "$(ls | sort | tr '\n' ' ')" = "$(printf '%s\n' "$@" | sort | tr '\n' ' ')" ] || { ls; return 1; }
}

# check CODE FILE...: for both versions of anndata; a, b, ... are the files.
check() {
	local code=$1 p
	shift
	for p in "$py" "$old"; do
		"$p" -W ignore -c "
import sys, anndata as ad, numpy as np, h5py
d = lambda m: m.toarray() if hasattr(m, 'toarray') else np.asarray(m)
a, b, *rest = [ad.read_h5ad(x) for x in sys.argv[1:]] + [None, None]
$code" "$@"
	done
}

# scores N: a table of the first N cells of the screen, last first.
scores() {
	awk -v n="$1" 'BEGIN {
		print "cell\tscore\tclass\tn\tok"
		for (i = n; i > 0; i--) printf "c%09d\t%.17g\t%s\t%d\t%s\n", i, i / 7, i % 2 ? "KO" : "NP", i, i % 3 ? "True" : "False"
	}'
}

@test "h5ad: counts are X, and what anndata reads is what the stream holds" {
	python_at_hand
	pmx-export "$files/screen.pmx" -o x.h5ad
	pmx-export --to tsv "$files/screen.pmx" > x.tsv
	check "
want = np.loadtxt('x.tsv', skiprows=1, usecols=range(1, 401))
assert np.array_equal(d(a.X), want) and a.X.dtype == 'int32' and a.X.has_canonical_format
assert list(a.obs) == ['gene_target', 'guide_id', 'replicate', 'true_efficacy'] and a.obs_names[5] == 'c000000006'
assert list(a.var) == ['true_mean'] and a.var_names[0] == 'T0001' and a.obs['gene_target'].cat.categories[0] == 'NT'
assert 'simulate-screen' in a.uns['pertpipe_provenance']" x.h5ad
}

@test "h5ad: nothing of it is null, and every element has its encoding" {
	python_at_hand
	pmx-export "$files/normalised.pmx" -o x.h5ad
	"$py" -c "
import h5py
def look(name, o):
    assert o.attrs.get('encoding-type', 'none') != 'null', name
    if name.split('/')[-1] not in ('data', 'indices', 'indptr'):
        assert 'encoding-type' in o.attrs and 'encoding-version' in o.attrs, name
h5py.File('x.h5ad').visititems(look)"
}

@test "h5ad: normalised values are those of numpy, to the last bits" {
	python_at_hand
	pmx-export "$files/normalised.pmx" -o x.h5ad
	pmx-export --float32 --layers X "$files/normalised.pmx" -o y.h5ad
	check "
c = d(a.layers['counts']).astype('float64')
want = np.log1p(c / c.sum(1, keepdims=True) * 1e4)
assert a.X.dtype == 'float64' and np.allclose(d(a.X), want, rtol=4e-16, atol=0)
assert b.X.dtype == 'float32' and np.array_equal(d(b.X), d(a.X).astype('float32')) and not b.layers
assert np.array_equal(a.obs['n_counts'], c.sum(1))" x.h5ad y.h5ad
}

@test "h5ad: compression, threads and block size change no value" {
	python_at_hand
	pmx-export -t 1 "$files/normalised.pmx" -o x.h5ad
	pmx-import --block-rows 13 x.h5ad | pmx-export -t 3 --compression gzip - -o y.h5ad
	check "
assert np.array_equal(d(a.X), d(b.X)) and np.array_equal(d(a.layers['counts']), d(b.layers['counts']))
assert h5py.File('y.h5ad')['X/data'].compression == 'gzip' and h5py.File('x.h5ad')['X/data'].compression is None" x.h5ad y.h5ad
	pmx-export -t 3 "$files/normalised.pmx" -o z.h5ad
	cmp x.h5ad z.h5ad
}

@test "h5ad: one chosen layer is X" {
	python_at_hand
	pmx-export --layers counts "$files/normalised.pmx" -o x.h5ad
	check "assert a.X.dtype == 'int32' and not list(k for k in a.layers if k)" x.h5ad
	fails_with "there is no layer 'nope'; there is: counts, X" pmx-export --layers counts,nope "$files/normalised.pmx" -o y.h5ad
	only x.h5ad
}

@test "h5ad: missing values of every type, names with odd characters, no cells at all" {
	python_at_hand
	printf 'cell\tG/1\tü\nc 1\t1\t0\nc/2\t0\t2\nc3\t0\t0\n' > t.tsv
	printf 'cell\ta/b\tl\ti\tf\tb\ne\nc 1\tx\ty\t1\t0.5\tTrue\nc/2\tNA\tNA\tNA\tNA\tNA\n' | grep -v '^e$' > o.tsv
	run --separate-stderr bash -c "pmx-import -q --obs o.tsv t.tsv | pmx-export - -o x.h5ad"
	[ "$status" = 0 ]
	[[ $stderr == *"'a/b' is called 'a|b'"* ]]
	check "
assert list(a.obs) == ['a|b', 'l', 'i', 'f', 'b'] and a.obs.iloc[1:].isna().all().all() and not a.obs.iloc[0].isna().any()
assert [str(t) for t in a.obs.dtypes] == ['category', 'category', 'Int64', 'float64', 'boolean']
assert list(a.var_names) == ['G/1', 'ü'] and list(a.obs_names) == ['c 1', 'c/2', 'c3'] and d(a.X).sum() == 3" x.h5ad
	printf 'cell\tG1\nc1\t0\n' | pmx-import - | pmx-export - -o y.h5ad
	check "assert a.X.nnz == 0 and a.shape == (1, 1)" y.h5ad
}

@test "10x: the folder that came in goes out again" {
	pmx-export --to 10x "$files/screen.pmx" -o m
	[ "$(ls m | tr '\n' ' ')" = "barcodes.tsv.gz features.tsv.gz matrix.mtx.gz " ]
	[ "$(zcat m/matrix.mtx.gz | sed -n 1p)" = "%%MatrixMarket matrix coordinate integer general" ]
	[ "$(zcat m/matrix.mtx.gz | sed -n 3p)" = "400 600 $(zcat m/matrix.mtx.gz | tail -n +4 | wc -l)" ]
	pmx-import m | pmx-export --to tsv | cmp - <(pmx-export --to tsv "$files/screen.pmx")
	pmx-export -t 1 --to 10x "$files/screen.pmx" -o m1
	cmp m/matrix.mtx.gz m1/matrix.mtx.gz
	pmx-export --to 10x --layer X "$files/normalised.pmx" -o m
	[ "$(zcat m/matrix.mtx.gz | sed -n 1p)" = "%%MatrixMarket matrix coordinate real general" ]
	pmx-import m | pmx-export --to tsv | cmp - <(pmx-export --to tsv "$files/normalised.pmx")
	only m m1
}

@test "10x: scipy and pandas read it" {
	python_at_hand
	pmx-export --to 10x "$files/screen.pmx" -o m
	pmx-export "$files/screen.pmx" -o x.h5ad
	"$py" -W ignore -c "
import scipy.io, anndata as ad, numpy as np, pandas as pd
m = scipy.io.mmread('m/matrix.mtx.gz')
assert np.array_equal(m.toarray().T, ad.read_h5ad('x.h5ad').X.toarray())
assert pd.read_csv('m/features.tsv.gz', sep='\t', header=None).shape == (400, 3)"
}

@test "10x: a folder with other files is left alone" {
	mkdir m
	touch m/mine
	fails_with "holds other files, such as mine" pmx-export --to 10x "$files/screen.pmx" -o m
	only m
	[ "$(ls m)" = mine ]
	touch f
	fails_with "is a file" pmx-export --to 10x "$files/screen.pmx" -o f
}

@test "tables: quotes in csv, names that a table cannot hold" {
	printf '"a,b","G""1"\nc1,1\n' > t.csv
	printf 'cell,"a,b","G""1"\n"c,1",1,0.5\n' > t.csv
	pmx-import t.csv | pmx-export --to csv | cmp - t.csv
	pmx-import t.csv | pmx-export --to csv -o o.csv
	cmp o.csv t.csv
	printf 'cell,G1\nc\t1,1\n' > t.csv
	fails_with "the name 'c	1' holds a tab" bash -c "pmx-import t.csv | pmx-export --to tsv -o t.tsv"
	only o.csv t.csv
	pmx-import t.csv | pmx-export --to csv | cmp - t.csv
	fails_with "holds a tab" bash -c "pmx-import t.csv | pmx-export --to 10x -o m"
	only o.csv t.csv
}

@test "a stream that is cut leaves no file, and an old one as it was" {
	head -c $(($(stat -c %s "$files/screen.pmx") / 2)) "$files/screen.pmx" > half
	for to in h5ad tsv 10x; do
		fails_with "" bash -c "pmx-export --to $to -o out < half"
		only half
	done
	echo old > x.h5ad
	fails_with "" pmx-export half -o x.h5ad
	[ "$(cat x.h5ad)" = old ]
}

@test "a disk that is full is status 1, and leaves nothing" {
	(ulimit -f 100; fails_with "cannot" pmx-export "$files/normalised.pmx" -o x.h5ad)
	(ulimit -f 20; fails_with "cannot" pmx-export --to 10x "$files/normalised.pmx" -o m)
	fails_with "cannot write standard output" bash -c "pmx-export --to tsv '$files/screen.pmx' > /dev/full"
	[ -z "$(ls)" ]
}

@test "a signal leaves nothing of a folder or file" {
	mkfifo p
	for to in h5ad 10x; do
		pmx-export --to $to p -o out 2>/dev/null &
		pid=$!
		exec 9> p
		head -c 30000 "$files/screen.pmx" >&9
		for _ in $(seq 100); do ls out.*.partial >/dev/null 2>&1 && break; sleep 0.02; done
		ls out.*.partial >/dev/null
		kill "$pid"
		wait "$pid" || true
		exec 9>&-
		only p
	done
}

@test "--update adds columns by name, and leaves the rest as it was" {
	python_at_hand
	for k in csr csc dense; do
		awk 'BEGIN {print "cell\tscore\treal"; for (i = 299; i >= 0; i--) print "c" i "\t" i / 7 "\t" i}' > s.tsv
		cp "$files/new/$k.h5ad" up.h5ad
		chmod 640 up.h5ad
		run --separate-stderr bash -c "pmx-import -q --obs s.tsv up.h5ad | pmx-export -v --update up.h5ad"
		[ "$status" = 0 ]
		[[ $stderr == *"obs/score added"*"obs/real replaced"* || $stderr == *"obs/real replaced"*"obs/score added"* ]]
		[ "$(stat -c %a up.h5ad)" = 640 ]
		"$py" -W ignore - "$files/new/$k.h5ad" <<-'PY'
			import anndata as ad, h5py, numpy as np, sys
			one, two = h5py.File(sys.argv[1]), h5py.File("up.h5ad")
			def same(name, o):
			    if name == "obs/real": return
			    p = two[name]
			    assert set(o.attrs) == set(p.attrs) and type(o) is type(p), name
			    for k in o.attrs:
			        if (name, k) != ("obs", "column-order"): assert np.array_equal(o.attrs[k], p.attrs[k]), (name, k)
			    if isinstance(o, h5py.Dataset):
			        assert o.dtype == p.dtype and o.chunks == p.chunks and o.compression == p.compression, name
			        assert np.array_equal(o[()], p[()], equal_nan=o.dtype.kind == "f"), name
			one.visititems(same)
			assert set(two["obs"]) - set(one["obs"]) == {"score"}
			u = ad.read_h5ad("up.h5ad")
			assert np.allclose(u.obs["score"], np.arange(300) / 7, rtol=1e-5) and np.array_equal(u.obs["real"], np.arange(300))
			assert u.uns["keep"]["x"] == 1 and u.raw is not None and list(u.obs)[-1] == "score"
		PY
		rm up.h5ad
	done
}

# mixscale_scores: a table of them for the files that tests/h5ad.py makes.
mixscale_scores() {
	awk 'BEGIN { print "cell\tmixscale_score"; for (i = 0; i < 300; i++) printf "c%d\t%.17g\n", i, i % 9 ? (i - 150) / 7 : 1 }'
}

@test "--update adds mixscale_score to files of old and new anndata; every other byte of content stays" {
	python_at_hand
	mixscale_scores >s.tsv
	for k in new/csr new/csc new/dense old/csr old/csc old/dense; do
		cp "$files/$k.h5ad" up.h5ad
		pmx-import -q --obs s.tsv up.h5ad | pmx-export -q --update up.h5ad
		"$py" "$repo/tests/h5ad.py" kept "$files/$k.h5ad" up.h5ad mixscale_score
		for reader in "$py" "$old"; do
			[[ $reader != "$old" || $k == old/* ]] || continue
			"$reader" -W ignore -c "
import anndata as ad, numpy as np
want = np.array([(i - 150) / 7 if i % 9 else 1 for i in range(300)])
a = ad.read_h5ad('up.h5ad')
assert np.array_equal(a.obs['mixscale_score'], want) and a.raw.shape == (300, 70) and a.obsp['near'].nnz == 1800"
		done
	done
}

@test "--update of a file with zstd leaves its datasets as they are" {
	python_at_hand
	hdf=$(python_with anndata scipy hdf5plugin) || skip "pip cannot fetch hdf5plugin"
	mixscale_scores >s.tsv
	for k in csr dense; do
		"$hdf" "$repo/tests/h5ad.py" zstd "$files/new/$k.h5ad" z.h5ad
		cp z.h5ad up.h5ad
		pmx-import -q --obs s.tsv up.h5ad | pmx-export -q --update up.h5ad
		"$hdf" -c "
import hdf5plugin, sys
sys.argv = ['h5ad.py', 'kept', 'z.h5ad', 'up.h5ad', 'mixscale_score']
exec(open('$repo/tests/h5ad.py').read())"
		pmx-import -q z.h5ad | pmx-export -q - -o out.h5ad
		"$py" "$repo/tests/h5ad.py" same "$files/new/$k.h5ad" out.h5ad
	done
}

@test "--update: cells that are missing, cells that are foreign, matrices" {
	python_at_hand
	pmx-export "$files/screen.pmx" -o x.h5ad
	scores 400 > s.tsv
	pmx-export --to tsv "$files/screen.pmx" | sed -n '1p;202,$p' | sed 's/^c000000600/other/' | pmx-import -q --obs s.tsv - -o part.pmx
	run --separate-stderr pmx-export --update x.h5ad part.pmx
	[ "$status" = 0 ]
	[[ $stderr == *"201 of 600 cells of x.h5ad are not in the stream"*"1 of 400 rows of the stream are no cells"* ]]
	check "
o = a.obs
assert o['score'].iloc[:200].isna().all() and o['score'].iloc[400:].isna().all() and o['score'].iloc[200] == 201 / 7
assert o['class'].iloc[200] == 'KO' and o['class'].isna().sum() == 400 and o['n'].iloc[201] == 202 and o['n'].isna().sum() == 400
assert o['ok'].iloc[200] == False and o['ok'].isna().sum() == 400 and o['gene_target'].notna().all()" x.h5ad
	cp "$files/new/csr.h5ad" y.h5ad
	"$py" -c "import h5py; f = h5py.File('y.h5ad', 'r+'); del f['obsm/X_pca']; f['obsm/X_small'][:] += 1; del f['obs/free']"
	pmx-import -q "$files/new/csr.h5ad" -o full.pmx
	"$py" -c "import h5py; f = h5py.File('y.h5ad', 'r+'); f['obs'].attrs['column-order'] = [x for x in f['obs'].attrs['column-order'] if x != 'free']"
	pmx-export --update y.h5ad full.pmx
	"$py" "$repo/tests/h5ad.py" same "$files/new/csr.h5ad" y.h5ad
}

@test "--update: again is nothing, and many times does not make the file grow" {
	python_at_hand
	pmx-export "$files/screen.pmx" -o x.h5ad
	scores 600 > s.tsv
	pmx-import -q --obs s.tsv x.h5ad -o s.pmx
	pmx-export -q --update x.h5ad s.pmx
	cp x.h5ad y.h5ad
	run pmx-export --update x.h5ad s.pmx
	[[ $output == *"nothing to add"* ]]
	cmp x.h5ad y.h5ad
	for i in $(seq 30); do
		awk -v i="$i" 'NR > 1 {$2 += i} {print $1 "\t" $2}' s.tsv > t.tsv
		pmx-import -q --obs t.tsv x.h5ad | pmx-export -q --update x.h5ad
	done
	check "assert np.isclose(a.obs['score'].iloc[1], 30 + 2 / 7)" x.h5ad
	[ "$(stat -c %s x.h5ad)" -lt $(($(stat -c %s y.h5ad) * 11 / 10)) ]
}

@test "--update: what cannot be done leaves the file as it was" {
	python_at_hand
	pmx-export "$files/screen.pmx" -o x.h5ad
	cp x.h5ad y.h5ad
	head -c $(($(stat -c %s "$files/normalised.pmx") / 2)) "$files/normalised.pmx" > half
	fails_with "" pmx-export --update x.h5ad half
	pmx-export --to tsv "$files/screen.pmx" | sed 's/^c0/d0/' | pmx-import -q - -o foreign.pmx
	fails_with "no row of the stream is a cell of x.h5ad" pmx-export --update x.h5ad foreign.pmx
	(ulimit -f 20; fails_with "cannot" pmx-export --update x.h5ad "$files/normalised.pmx")
	fails_with "no HDF5 file" pmx-export --update half "$files/normalised.pmx"
	fails_with "cannot open" pmx-export --update nothing.h5ad "$files/normalised.pmx"
	cmp x.h5ad y.h5ad
	head -c 30000 x.h5ad > z.h5ad
	fails_with "" pmx-export --update z.h5ad "$files/normalised.pmx"
	only x.h5ad y.h5ad z.h5ad half foreign.pmx
}

@test "--update: a link stays a link, and a kill leaves the old file whole" {
	python_at_hand
	pmx-export "$files/screen.pmx" -o real.h5ad
	ln -s real.h5ad link.h5ad
	cp real.h5ad old.h5ad
	mkfifo p
	pmx-export --update link.h5ad p 2>/dev/null &
	pid=$!
	exec 9> p
	head -c 30000 "$files/normalised.pmx" >&9
	kill -9 "$pid"
	wait "$pid" || true
	exec 9>&-
	cmp real.h5ad old.h5ad
	pmx-export -q --update link.h5ad "$files/normalised.pmx"
	[ -L link.h5ad ]
	check "assert 'n_counts' in a.obs" real.h5ad
	only real.h5ad link.h5ad old.h5ad p
}

@test "--update: a file of anndata 0.7 is readable by 0.8 and newer afterwards" {
	python_at_hand
	cp "$files/new/csr.h5ad" x.h5ad
	"$py" -c "
import h5py
f = h5py.File('x.h5ad', 'r+'); o = f['obs']
names = [f'c{i}' for i in range(300)]
for k in list(o): 
    if k not in ('gene_target', 'real'): del o[k]
g = o['gene_target']; codes, cats = g['codes'][:], g['categories'][:]; del o['gene_target']
o['gene_target'] = codes; o['__categories/gene_target'] = cats
o['gene_target'].attrs['categories'] = f['obs/__categories/gene_target'].ref
o.create_dataset('_index', data=names, dtype=h5py.string_dtype())
o.attrs['encoding-version'] = '0.1.0'; o.attrs['column-order'] = ['gene_target', 'real']"
	awk 'BEGIN {print "cell\tscore\tclass\tgene_target"; for (i = 0; i < 300; i++) print "c" i "\t" i / 4 "\t" (i % 2 ? "a" : "NA") "\tt" i % 3}' > s.tsv
	pmx-import -q x.h5ad --obs s.tsv | pmx-export -q --update x.h5ad
	"$py" -W ignore -c "
import anndata as ad
o = ad.read_h5ad('x.h5ad').obs
assert list(o) == ['gene_target', 'real', 'score', 'class'] and o['score'].iloc[9] == 2.25 and o['gene_target'].iloc[4] == 't1' and o['class'].isna().sum() == 150"
}

@test "wrong use is status 2" {
	misuse() {
		run "$@"
		[ "$status" = 2 ] || { echo "status $status: $output"; return 1; }
	}
	misuse pmx-export "$files/screen.pmx"
	misuse pmx-export --to 10x "$files/screen.pmx"
	misuse pmx-export --to gif "$files/screen.pmx"
	misuse pmx-export --update x.h5ad -o y.h5ad "$files/screen.pmx"
	misuse pmx-export --to tsv --compression gzip "$files/screen.pmx"
	misuse pmx-export --to h5ad --layer X "$files/screen.pmx" -o x.h5ad
	misuse pmx-export --to h5ad --layers , "$files/screen.pmx" -o x.h5ad
}

@test "the real screen goes to anndata and back" {
	need data/synth_screen
	python_at_hand
	synth | normalize -o s.pmx
	pmx-export s.pmx -o s.h5ad
	pmx-import s.h5ad | pmx-export --to tsv --layer counts | cmp - <(pmx-export --to tsv --layer counts s.pmx)
	check "assert a.shape == (3000, 2000) and a.layers['counts'].nnz == 1865933" s.h5ad
}

@test "signatures are computed: in tables, and in h5ad where --layers names them" {
	python_at_hand
	normalize "$files/screen.pmx" | pca --n-comps 5 | pert-signature --control NT -o sig.pmx
	pmx-view --layer X_pert sig.pmx >want.tsv
	pmx-export --to tsv --layer X_pert sig.pmx | tail -n +2 | cmp - <(tail -n +2 want.tsv)
	pmx-export --layers X,X_pert sig.pmx -o x.h5ad
	check "
want = np.loadtxt('want.tsv', skiprows=1, usecols=range(1, 401))
assert np.array_equal(d(a.layers['X_pert']), want) and a.X.shape == want.shape" x.h5ad
	pmx-export sig.pmx -o plain.h5ad 2>notes
	check "assert list(a.layers) == ['counts'], list(a.layers)" plain.h5ad
	fails_with "a 10x folder holds counts" pmx-export --to 10x --layer X_pert sig.pmx -o folder
}
