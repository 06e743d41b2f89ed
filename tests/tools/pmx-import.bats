bats_require_minimum_version 1.5.0
load ../setup

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	py=$(python_with anndata scipy) && old=$(python_with anndata==0.8.0 'numpy<1.24' 'pandas<2' 'scipy<1.11') || return 0
	mkdir new old
	"$py" "$repo/tests/h5ad.py" make new && "$old" "$repo/tests/h5ad.py" make old || return 1
	echo "$py" > python
	echo "$old" > python-old
}

setup() {
	work
	set -o pipefail
	[ ! -e "$BATS_FILE_TMPDIR/python" ] || py=$(cat "$BATS_FILE_TMPDIR/python")
	files=$BATS_FILE_TMPDIR
}

# A Python with anndata, and files that it wrote.
python_at_hand() {
	[ -n "${py:-}" ] || skip "pip cannot fetch anndata"
}

# fails_with TEXT COMMAND...: status 1, and a message with the text.
fails_with() {
	local text=$1
	shift
	run "$@"
	[ "$status" = 1 ] || { echo "status $status: $output"; return 1; }
	[[ $output == *"$text"* ]] || { echo "no '$text' in: $output"; return 1; }
}

# change FILE CODE: a copy x.h5ad of a file, changed by Python with it open as f.
change() {
	cp "$files/$1" x.h5ad
	"$py" -c "
import h5py, numpy as np
f = h5py.File('x.h5ad', 'r+')
$2"
}

tsv() {
	pmx-export --to tsv "$@"
}

# A small matrix in a folder as 10x has it.
tenx() {
	mkdir -p m
	printf 'E1\tA\tGene Expression\nE2\tB\tGene Expression\nE3\tA\tGene Expression\nP1\tg1\tCRISPR Guide Capture\n' > m/features.tsv
	printf 'x-1\ny-1\n' > m/barcodes.tsv
	printf '%%%%MatrixMarket matrix coordinate integer general\n%%a comment\n4 2 5\n1 1 5\n3 1 0\n4 1 9\n3 2 300\n2 2 1\n' > m/matrix.mtx
}

@test "every kind of h5ad comes in and goes out the same: newest anndata" {
	python_at_hand
	for k in csr csc dense; do
		pmx-import "$files/new/$k.h5ad" | pmx-export - -o $k.out.h5ad
		"$py" "$repo/tests/h5ad.py" same "$files/new/$k.h5ad" $k.out.h5ad
	done
}

@test "every kind of h5ad comes in and goes out the same: anndata 0.8, which reads ours" {
	python_at_hand
	for k in csr csc dense; do
		pmx-import "$files/old/$k.h5ad" | pmx-export - -o $k.out.h5ad
		"$(cat "$files/python-old")" "$repo/tests/h5ad.py" same "$files/old/$k.h5ad" $k.out.h5ad
		pmx-import "$files/new/$k.h5ad" | pmx-export - -o $k.new.h5ad
		"$(cat "$files/python-old")" "$repo/tests/h5ad.py" values $k.new.h5ad $k.new.h5ad
	done
}

@test "threads, memory and block size change no value" {
	python_at_hand
	for k in csr csc dense; do
		pmx-import -t 1 "$files/new/$k.h5ad" -o a.pmx
		pmx-import -t 3 --memory 100K "$files/new/$k.h5ad" -o b.pmx
		cmp a.pmx b.pmx
		pmx-import --block-rows 7 "$files/new/$k.h5ad" | tsv --layer signed | cmp - <(tsv --layer signed a.pmx)
	done
}

@test "counts become integers, other values stay" {
	python_at_hand
	pmx-import "$files/new/csr.h5ad" | tsv --layer counts | sed -n 1,50p > counts.tsv
	[ "$(wc -l < counts.tsv)" = 50 ]
	run grep -F . counts.tsv
	[ "$status" = 1 ]
	pmx-import --values float "$files/new/csr.h5ad" | tsv --layer X | sed -n 1,50p | cmp - counts.tsv
}

@test "X of counts beside a layer counts stays X" {
	python_at_hand
	change new/csr.h5ad "f.copy('X', 'layers/counts')"
	pmx-import x.h5ad -o x.pmx
	tsv --layer X x.pmx | cmp - <(tsv --layer counts x.pmx)
}

@test "the matrix that --layer names is taken alone" {
	python_at_hand
	pmx-import --layer logs "$files/new/csr.h5ad" -o a.pmx
	pmx-import --layer layers/logs "$files/new/csr.h5ad" | tsv | cmp - <(tsv a.pmx)
	fails_with "there is no layer 'signed'" tsv --layer signed a.pmx
	pmx-import --layer raw/X "$files/new/csr.h5ad" | tsv | cmp - <(pmx-import --layer X "$files/new/csr.h5ad" | tsv)
	fails_with "raw/X, layers/{logs, signed}" pmx-import --layer nope "$files/new/csr.h5ad"
}

@test "zstd is read without a plugin, and blosc is refused with a way out" {
	python_at_hand
	hdf=$(python_with anndata scipy hdf5plugin) || skip "pip cannot fetch hdf5plugin"
	"$hdf" -W ignore -c "
import anndata as ad, h5py, hdf5plugin
a = ad.read_h5ad('$files/new/csc.h5ad')
for name, filter in ('z', hdf5plugin.Zstd()), ('b', hdf5plugin.Blosc()):
    a.write_h5ad(name + '.h5ad')
    with h5py.File(name + '.h5ad', 'r+') as f:
        x = f['X/data'][:]; del f['X/data']; f['X'].create_dataset('data', data=x, chunks=(1000,), shuffle=True, **filter)"
	pmx-import z.h5ad | tsv | cmp - <(pmx-import "$files/new/csc.h5ad" | tsv)
	fails_with "filter 32001 (blosc)" pmx-import b.h5ad
}

@test "files of anndata 0.7: categories beside the columns" {
	python_at_hand
	change new/csr.h5ad "
for k in ('gene_target', 'partly'):
    g = f['obs'][k]; codes, names = g['codes'][:], g['categories'][:]
    del f['obs'][k]
    f['obs'][k] = codes; f['obs/__categories/' + k] = names
    f['obs'][k].attrs['categories'] = f['obs/__categories/' + k].ref
f['obs'].attrs['encoding-version'] = '0.1.0'
for k in ('encoding-type', 'encoding-version'): del f.attrs[k]
X = f['X']; X.attrs['h5sparse_format'] = 'csr'; X.attrs['h5sparse_shape'] = X.attrs['shape']
for k in ('encoding-type', 'encoding-version', 'shape'): del X.attrs[k]"
	pmx-import x.h5ad -o x.pmx
	pmx-export x.pmx -o y.h5ad
	"$py" "$repo/tests/h5ad.py" same "$files/new/csr.h5ad" y.h5ad
	change new/csr.h5ad "del f['obs']; f['obs'] = np.zeros(300, dtype=[('index', 'S4'), ('n', 'i4')])"
	fails_with "compound table" pmx-import x.h5ad
}

@test "a modality of MuData" {
	python_at_hand
	"$py" -c "
import h5py
f = h5py.File('m.h5mu', 'w'); g = f.create_group('mod')
for k in ('rna', 'guide'): h5py.File('$files/new/csr.h5ad').copy('/', g, k)"
	pmx-import m.h5mu | tsv | cmp - <(pmx-import "$files/new/csr.h5ad" | tsv)
	pmx-import --modality guide m.h5mu | tsv | cmp - <(pmx-import "$files/new/csr.h5ad" | tsv)
	fails_with "guide, rna" pmx-import --modality prot m.h5mu
}

@test "damaged h5ad files are named, with status 1" {
	python_at_hand
	change new/csr.h5ad "X = f['X/indices']; X[5] = 70"
	fails_with "column index 70, but there are 70 genes" pmx-import x.h5ad
	change new/csr.h5ad "X = f['X/indices']; X[5] = -1"
	fails_with "column index -1" pmx-import x.h5ad
	change new/csc.h5ad "X = f['X/indices']; X[5] = 300"
	fails_with "gene g0: cell index 300, but there are 300 cells" pmx-import x.h5ad
	change new/csr.h5ad "p = f['X/indptr']; p[7] = p[9]"
	fails_with "indptr is damaged" pmx-import x.h5ad
	change new/csr.h5ad "p = f['X/indptr']; p[0] = 1"
	fails_with "indptr is damaged" pmx-import x.h5ad
	change new/csr.h5ad "p = f['X/indptr']; p[300] -= 1"
	fails_with "indptr ends at" pmx-import x.h5ad
	change new/csr.h5ad "i = f['X/indices'][:]; i[1] = i[0]; f['X/indices'][:] = i"
	fails_with "stands there twice" pmx-import x.h5ad
	change new/csr.h5ad "f['X'].attrs['shape'] = [300, 71]"
	fails_with "shape 300 x 71, but there are 300 cells and 70 genes" pmx-import x.h5ad
	change new/dense.h5ad "X = f['X'][:299]; del f['X']; f['X'] = X"
	fails_with "X has 299 x 70 values" pmx-import x.h5ad
	change new/csr.h5ad "del f['X/indices']"
	fails_with "cannot read X/indices" pmx-import x.h5ad
	change new/csr.h5ad "f['X'].attrs['encoding-type'] = 'coo_matrix'"
	fails_with "encoding 'coo_matrix'" pmx-import x.h5ad
	change new/csr.h5ad "del f['X']; del f['layers']"
	fails_with "neither X nor a layer" pmx-import x.h5ad
	change new/csr.h5ad "del f['obs'][f['obs'].attrs['_index']]"
	fails_with "which holds the names of the rows of obs" pmx-import x.h5ad
	change new/csr.h5ad "del f['obs/real']"
	fails_with "obs/real is listed as a column" pmx-import x.h5ad
	change new/csr.h5ad "x = f['obs/real'][:9]; del f['obs/real']; f['obs/real'] = x"
	fails_with "obs/real has 9 values for 300 rows" pmx-import x.h5ad
	change new/csr.h5ad "f['obs/gene_target/codes'][3] = 5"
	fails_with "code 5, but there are 5 categories" pmx-import x.h5ad
	change new/csr.h5ad "x = f['obsm/X_pca'][:9]; del f['obsm/X_pca']; f['obsm/X_pca'] = x"
	fails_with "9 rows for 300 cells" pmx-import x.h5ad
	change new/csr.h5ad "f['var'].move('g', 'h') if 'g' in f['var'] else None; del f['var']"
	fails_with "none of the formats" pmx-import x.h5ad
}

@test "a truncated h5ad is status 1 wherever it is cut" {
	python_at_hand
	size=$(stat -c %s "$files/new/csc.h5ad")
	for p in 1 10 50 90 99; do
		head -c $((size * p / 100)) "$files/new/csc.h5ad" > x.h5ad
		fails_with truncated pmx-import x.h5ad
	done
	head -c 600 "$files/new/csc.h5ad" > x.h5ad
	fails_with truncated pmx-import x.h5ad
}

@test "a gzip chunk that is damaged is status 1" {
	python_at_hand
	change new/csc.h5ad "
d = f['X/data']; info = d.id.get_chunk_info(0); f.close()
b = bytearray(open('x.h5ad', 'rb').read()); b[info.byte_offset + 50] ^= 255; b[info.byte_offset + 51] ^= 255; open('x.h5ad', 'wb').write(b)"
	fails_with "X/data is damaged" pmx-import x.h5ad
}

@test "values that are no counts are named by cell and gene" {
	python_at_hand
	simulate-screen --cells 2000 --genes 300 --targets 3 --density 0.4 | pmx-export - -o big.h5ad
	"$py" -c "
import h5py
f = h5py.File('big.h5ad', 'r+'); x = f['X/data'][:].astype('float32'); x[len(x) // 16 * 9 - 9] = 0.5; del f['X/data']; f['X/data'] = x"
	fails_with "import them with --values float" pmx-import big.h5ad -o /dev/null
	[[ $output == *"cell c0000"*"gene G"*"0.5 is no count"* ]]
	[ "$(pmx-import --values float big.h5ad | tsv | grep -cF 0.5)" = 1 ]
	for v in -3 float\(\"nan\"\); do
		change new/csr.h5ad "
x = f['X/data'][:].astype('float64'); x[11] = $v; del f['X/data']; f['X/data'] = x"
		fails_with "is no count" pmx-import --values counts x.h5ad
	done
	change new/csr.h5ad "
x = f['X/data'][:].astype('int64'); x[11] = -7; del f['X/data']; f['X/data'] = x"
	fails_with "-7 is no count; --values float takes any number" pmx-import x.h5ad
	change new/csr.h5ad "
x = f['X/data'][:].astype('int64'); x[11] = 2**32; del f['X/data']; f['X/data'] = x"
	fails_with "4294967296 is no count" pmx-import x.h5ad
}

@test "explicit zeros are not kept, unsorted indices are sorted, unsigned 64 bits are read" {
	python_at_hand
	change new/csr.h5ad "
p = f['X/indptr'][:]; i = f['X/indices'][:].astype('int64'); d = f['X/data'][:].astype('uint64')
for r in range(300):
    i[p[r]:p[r + 1]] = i[p[r]:p[r + 1]][::-1]; d[p[r]:p[r + 1]] = d[p[r]:p[r + 1]][::-1]
for k in ('indices', 'data', 'indptr'): del f['X'][k]
f['X/indptr'] = p.astype('int64'); f['X/indices'] = i; f['X/data'] = d"
	pmx-import --layer X x.h5ad | tsv | cmp - <(pmx-import --layer X "$files/new/csr.h5ad" | tsv)
	change new/csr.h5ad "f['X/data'][:] *= 0"
	pmx-import --layer X x.h5ad -o zero.pmx
	[ "$(tsv zero.pmx | cut -f 2- | tail -n +2 | tr -d '0\t\n' | wc -c)" = 0 ]
}

@test "big-endian and half floats" {
	python_at_hand
	change new/dense.h5ad "X = f['X'][:]; del f['X']; f['X'] = X.astype('>i2'); f['obsm/half'] = np.ones((300, 2), 'f2')"
	pmx-import x.h5ad | tsv --layer counts | cmp - <(pmx-import "$files/new/dense.h5ad" | tsv --layer counts)
}

@test "names that come twice are an error that names both places" {
	python_at_hand
	change new/csr.h5ad "
i = f['obs'][f['obs'].attrs['_index']]; i = i['values'] if 'values' in i else i; i[7] = 'c3'"
	fails_with "cell 'c3' stands at places 4 and 8" pmx-import x.h5ad
	pmx-import --make-unique x.h5ad | tsv | grep '^c3.1' > found
}

@test "what has no place in a stream is left out, and said" {
	python_at_hand
	change new/csr.h5ad "
f['obs/odd'] = np.zeros(300, dtype=[('a', 'i4')]); f['obs'].attrs['column-order'] = list(f['obs'].attrs['column-order']) + ['odd']
f.create_group('obsm/frame'); f.create_group('obsm/frame2')"
	run pmx-import x.h5ad -o /dev/null
	[ "$status" = 0 ]
	[[ $output == *"obs/odd is left out"* && $output == *"obsm/frame is left out"* ]]
	run pmx-import -v x.h5ad -o /dev/null
	[[ $output == *"raw is left out"* ]]
}

@test "labels that look like numbers, from h5ad too" {
	python_at_hand
	pmx-import --label whole --label flag "$files/new/csr.h5ad" | pmx-export - -o x.h5ad
	"$py" -W ignore -c "
import anndata as ad
a, b = ad.read_h5ad('$files/new/csr.h5ad').obs, ad.read_h5ad('x.h5ad').obs
for k in ('whole', 'flag'):
    assert b[k].dtype.name == 'category' and list(map(str, a[k])) == list(map(str, b[k])), k"
	fails_with "there is no row column 'nope'" pmx-import --label nope "$files/new/csr.h5ad"
}

@test "a 10x folder: symbols numbered, other features left out, ids kept" {
	tenx
	run --separate-stderr pmx-import m -o m.pmx
	[ "$status" = 0 ]
	[[ $stderr == *"1 symbols had the name of another"*"1 of 4 features are not of the type"* ]]
	[ "$(tsv m.pmx)" = "$(printf 'cell\tA\tB\tA.1\nx-1\t5\t0\t0\ny-1\t0\t1\t300')" ]
	pmx-export --to 10x m.pmx -o back
	[ "$(zcat back/features.tsv.gz)" = "$(printf 'E1\tA\tGene Expression\nE2\tB\tGene Expression\nE3\tA.1\tGene Expression')" ]
	[ "$(pmx-import -q --gene-names id m | tsv | sed -n 1p)" = "$(printf 'cell\tE1\tE2\tE3')" ]
	[ "$(pmx-import -q --feature-type 'CRISPR Guide Capture' m | tsv)" = "$(printf 'cell\tg1\nx-1\t9\ny-1\t0')" ]
	fails_with "name one of these with --feature-type: Gene Expression, CRISPR Guide Capture" pmx-import --feature-type nope m
}

@test "a 10x folder packed in any way, and the files of version 2" {
	tenx
	pmx-import -q m -o m.pmx
	gzip m/matrix.mtx m/barcodes.tsv
	zstd -q --rm m/features.tsv 2>/dev/null || gzip m/features.tsv
	pmx-import -q m | tsv | cmp - <(tsv m.pmx)
	gzip -d m/barcodes.tsv.gz
	rm m/features.*
	printf 'E1\tA\nE2\tB\nE3\tA\nP1\tg1\n' > m/genes.tsv
	[ "$(pmx-import -q m | tsv | tail -n 1)" = "$(printf 'y-1\t0\t1\t300\t0')" ]
}

@test "Matrix Market: names from options, from files beside it, and the other way round" {
	tenx
	mkdir g
	for f in matrix.mtx features.tsv barcodes.tsv; do cp m/$f g/GSM1_$f; done
	pmx-import -q m | tsv > want
	pmx-import -q g/GSM1_matrix.mtx | tsv | cmp - want
	pmx-import -q --features m/features.tsv --barcodes m/barcodes.tsv - < m/matrix.mtx | tsv | cmp - want
	fails_with "give the files that list those of its genes and cells" pmx-import - < m/matrix.mtx
	awk 'NR < 3 {print; next} {t = $1; $1 = $2; $2 = t; print}' m/matrix.mtx > t.mtx
	pmx-import -q --rows cells --features m/features.tsv --barcodes m/barcodes.tsv t.mtx | tsv | cmp - want
	fails_with "is the matrix the other way round?" pmx-import --features m/features.tsv --barcodes m/barcodes.tsv t.mtx
}

@test "Matrix Market: entries in any order, within any memory" {
	simulate-screen --cells 3000 --genes 300 --targets 3 --seed 4 -o s.pmx
	pmx-export --to 10x s.pmx -o m
	zcat m/matrix.mtx.gz > whole.mtx
	{ head -n 3 whole.mtx; tail -n +4 whole.mtx | sort -k 3n -k 1n -k 2n; } > mixed.mtx
	for memory in 1G 2M; do
		pmx-import -q --memory $memory --features m/features.tsv.gz --barcodes m/barcodes.tsv.gz mixed.mtx | tsv | cmp - <(tsv s.pmx)
		pmx-import -q --memory $memory m | tsv | cmp - <(tsv s.pmx)
	done
}

@test "damaged Matrix Market files are named by line" {
	tenx
	breaks() { # SED MESSAGE
		tenx
		sed -i "$1" m/matrix.mtx
		fails_with "$2" pmx-import m
	}
	breaks '4s/.*/5 1 5/' "line 4: entry (5, 1) is outside of a matrix of 4 x 2"
	breaks '4s/.*/1 0 5/' "line 4: entry (1, 0)"
	breaks '4s/.*/1 1 x/' "line 4: 'x' is no number"
	breaks '4s/.*/1 1 2.5/' "not whole, though the header says integer"
	breaks '4s/.*/1 1/' "is no number"
	breaks '5s/.*/1 1 7/' "cell x-1, gene A stands there twice"
	breaks '4s/.*/1 1 -7/' "cell x-1, gene A: -7 is no count"
	breaks '$d' "4 entries where the header announces 5"
	breaks '$a1 2 3' "more entries than the 5"
	breaks '3s/.*/4 2/' "number of entries is missing"
	breaks '1s/general/symmetric/' "'symmetric' matrix"
	breaks '1s/coordinate/array/' "'array' is not read"
	breaks '3s/^4/5/' "4 names, but the matrix 5"
	tenx
	rm m/barcodes.tsv
	fails_with "has no barcodes.tsv" pmx-import m
	tenx
	gzip m/matrix.mtx
	head -c 60 m/matrix.mtx.gz > x
	mv x m/matrix.mtx.gz
	fails_with truncated pmx-import m
}

@test "10x h5 files of version 3 and 2" {
	python_at_hand
	tenx
	"$py" -c "
import h5py, numpy as np
def fill(g, v3):
    g['barcodes'] = np.array([b'x-1', b'y-1']); g['shape'] = np.array([4, 2], 'i4')
    g['data'] = np.array([5, 0, 9, 1, 300], 'i4'); g['indices'] = np.array([0, 2, 3, 1, 2]); g['indptr'] = np.array([0, 3, 5])
    ids, names = np.array([b'E1', b'E2', b'E3', b'P1']), np.array([b'A', b'B', b'A', b'g1'])
    if v3:
        h = g.create_group('features'); h['id'] = ids; h['name'] = names; h['genome'] = np.array([b'G'] * 4)
        h['feature_type'] = np.array([b'Gene Expression'] * 3 + [b'CRISPR Guide Capture'])
    else:
        g['genes'] = ids; g['gene_names'] = names
fill(h5py.File('3.h5', 'w').create_group('matrix'), True)
fill(h5py.File('2.h5', 'w').create_group('GRCh38'), False)"
	pmx-import -q 3.h5 | tsv | cmp - <(pmx-import -q m | tsv)
	[ "$(pmx-import -q 2.h5 | tsv | tail -n 1)" = "$(printf 'y-1\t0\t1\t300\t0')" ]
	pmx-import -q --feature-type 'CRISPR Guide Capture' 3.h5 | tsv | cmp - <(pmx-import -q --feature-type 'CRISPR Guide Capture' m | tsv)
	"$py" -c "
import h5py
f = h5py.File('3.h5', 'r+'); del f['matrix/features/name']; f['matrix/features/name'] = f['matrix/features/id'][:2]"
	fails_with "differ in length" pmx-import 3.h5
}

@test "a table of numbers: dense floats, sparse floats, counts" {
	printf 'cell\tG1\tG2\nc1\t0.5\t-1\nc2\t2\tNA\n' > t.tsv
	[ "$(pmx-import -q --layer X_pert t.tsv | tsv --layer X_pert)" = "$(printf 'cell\tG1\tG2\nc1\t0.5\t-1\nc2\t2\tNaN')" ]
	run pmx-import t.tsv -o /dev/null
	[[ $output == *"1 values are missing"* ]]
	printf 'G1,G2,"G,3"\nc1,1,0,0\r\nc2,0,4000000000,0\n' > t.csv
	[ "$(pmx-import t.csv | tsv --layer counts)" = "$(printf 'cell\tG1\tG2\tG,3\nc1\t1\t0\t0\nc2\t0\t4000000000\t0')" ]
	pmx-import t.csv | pmx-export --to csv | pmx-import - | tsv | cmp - <(pmx-import t.csv | tsv)
	printf 'gene\tc1\tc2\nG1\t0.25\t0\nG2\t0\t0\nG3\t0\t7\n' | gzip > g.tsv.gz
	[ "$(pmx-import --rows genes - < g.tsv.gz | tsv)" = "$(printf 'cell\tG1\tG2\tG3\nc1\t0.25\t0\t0\nc2\t0\t0\t7')" ]
}

@test "damaged tables are named by line" {
	printf 'cell\tG1\tG2\nc1\t1\n' > t; fails_with "line 2: 2 fields, but the header has 3 names" pmx-import t
	printf 'cell\tG1\tG2\nc1\t1\t2\nc2\t1\tNT\n' > t; fails_with "line 3: column 'G2': 'NT' is no number" pmx-import t
	printf 'cell\tG1\tG1\nc1\t1\t2\n' > t; fails_with "gene 'G1' stands at places 1 and 2" pmx-import t
	printf 'cell\tG1\tG2\nc1\t1\t2\nc1\t1\t2\n' > t; fails_with "cell 'c1' stands at places 1 and 2" pmx-import t
	printf 'cell\tG1\tG2\n' > t; fails_with "no line of numbers" pmx-import t
	printf 'cell\tG1\tG2\nc1\t1\t2.5\n' > t; fails_with "cell c1, gene G2: 2.5 is no count" pmx-import --values counts t
	printf 'cell\tG1\n\t1\n' > t; fails_with "cell 1 has an empty name" pmx-import t
	: > t; fails_with "is empty" pmx-import t
	printf 'hello\n' > t; fails_with "none of the formats that are known: 10x folder" pmx-import t
	fails_with "cannot open" pmx-import nothing
	small_screen -o s.pmx
	fails_with "PMX stream already" pmx-import s.pmx
	mkdir d; fails_with "has no matrix.mtx" pmx-import d
	tar cf t.tar s.pmx; fails_with "tar archive" pmx-import t.tar
}

@test "obs is joined by name: in any order, partly, or not at all" {
	printf 'cell\tG1\nc1\t1\nc2\t2\nc3\t3\n' > t.tsv
	printf 'id\tname\ttarget\tw\tcode\nz\tc9\tB\t1\t007\ny\tc3\tA\t2\t008\nx\tc1\tB\t\t009\n' > o.tsv
	run --separate-stderr pmx-import --obs o.tsv --obs-key name t.tsv -o t.pmx
	[ "$status" = 0 ]
	[[ $stderr == *"1 of 3 cells have no line and get missing values, such as c2"*"1 of 3 lines are of no cell"* ]]
	fails_with "names no cell of the matrix: it has such as 'z', the matrix 'c1'" pmx-import --obs o.tsv t.tsv
	fails_with "no column 'nope'; it has: id, name" pmx-import --obs o.tsv --obs-key nope t.tsv
	printf 'cell\tx\nc1\t1\nc1\t2\n' > o.tsv; fails_with "'c1' twice, in lines 2 and 3" pmx-import --obs o.tsv t.tsv
	printf 'cell\tx\nc1\n' > o.tsv; fails_with "line 2: 1 fields" pmx-import --obs o.tsv t.tsv
}

@test "obs columns keep their types on the way to anndata" {
	python_at_hand
	printf 'cell\tG1\nc1\t1\nc2\t2\nc3\t3\n' > t.tsv
	printf 'cell\tb\ti\tf\tl\tcode\tn\nc3\tTrue\t3\t0.1\tzz\t007\t5\nc1\tFalse\t-1\t1e-3\tA\t008\t6\nc2\tNA\tNA\tNA\tNA\tNA\t7\n' > o.tsv
	pmx-import --label n --obs o.tsv t.tsv | pmx-export - -o x.h5ad
	"$py" -W ignore -c "
import anndata as ad
o = ad.read_h5ad('x.h5ad').obs
assert [str(t) for t in o.dtypes] == ['boolean', 'Int64', 'float64', 'category', 'category', 'category'], o.dtypes
assert list(o.index) == ['c1', 'c2', 'c3'] and list(o['l'].cat.categories) == ['A', 'zz'] and list(o['n']) == ['6', '7', '5']
assert o['f'].iloc[2] == 0.1 and o['i'].iloc[0] == -1 and bool(o['b'].iloc[2]) and o.iloc[1, :5].isna().all() and o['code'].iloc[2] == '007'"
}

@test "genes are chosen and described by files" {
	tenx
	printf 'A.1\nnope\n' > genes
	run --separate-stderr pmx-import --genes genes m -o a.pmx
	[[ $stderr == *"1 names of genes are not in the matrix, such as nope"* ]]
	[ "$(tsv a.pmx)" = "$(printf 'cell\tA.1\nx-1\t0\ny-1\t300')" ]
	printf 'nope\n' > none; fails_with "no gene of none is in the matrix" pmx-import --genes none m
	printf 'gene\tchr\nB\tchr2\n' > v.tsv
	run pmx-import --var v.tsv m -o b.pmx
	[[ $output == *"3 of 4 genes have no line"* ]]
	printf 'gene\tchr\nZ\tchr2\n' > v.tsv; fails_with "names no gene" pmx-import --var v.tsv m
	python_at_hand
	pmx-import -q --genes genes "$files/new/csr.h5ad" && return 1
	printf 'g3\ng60\ng9\n' > genes
	for k in csr csc dense; do
		pmx-import -q --genes genes "$files/new/$k.h5ad" -o $k.pmx
		pmx-export --to tsv --layer signed $k.pmx | cmp - <(pmx-import "$files/new/$k.h5ad" | tsv --layer signed | cut -f 1,5,11,62)
	done
}

@test "the provenance names the file and its digest" {
	printf 'cell\tG1\nc1\t1\n' > t.tsv
	pmx-import --compression-level 0 t.tsv | grep -a '"source":"t.tsv","source_digest":"[0-9a-f]*"'
	run bash -c "pmx-import --compression-level 0 - < t.tsv | grep -a source"
	[ "$status" = 1 ]
}

@test "an option that has no meaning for the format is refused" {
	printf 'cell\tG1\nc1\t1\n' > t.tsv
	for option in "--feature-type x" "--gene-names id" "--features x" "--barcodes x" "--modality x"; do
		# shellcheck disable=SC2086
		fails_with "${option% *} has no meaning for t.tsv, which is: table" pmx-import $option t.tsv
	done
	tenx
	fails_with "--modality has no meaning" pmx-import --modality x m
}

@test "wrong use is status 2" {
	run pmx-import
	[ "$status" = 2 ]
	run pmx-import --values maybe t
	[ "$status" = 2 ]
	run pmx-import --layr x t
	[ "$status" = 2 ]
	[[ $output == *"--layer"* ]]
}

@test "the real screen comes in: sums as the file has them" {
	need data/papalexi_thp1
	papalexi | tsv > t.tsv
	[ "$(wc -l < t.tsv)" = 20730 ]
	want=$(zcat "$shared/data/papalexi_thp1/matrix.mtx.gz" | awk 'NR > 2 {s += $3} END {print s}')
	[ "$(awk 'NR > 1 {for (i = 2; i <= NF; i++) s += $i} END {print s}' t.tsv)" = "$want" ]
	d=$shared/data/papalexi_thp1
	pmx-import --features "$d/guides.tsv" --barcodes "$d/barcodes.tsv.gz" "$d/guides.mtx.gz" | tsv | sed -n 1p | wc -w | grep -x 111
}

@test "the table that pertpy holds against R is a dense layer" {
	need golden/pertpy/r_golden
	g=$shared/golden/pertpy/r_golden
	pmx-import --layer X_pert --obs "$g/obs.tsv" "$g/X_pert.tsv" | tsv --layer X_pert > ours.tsv
	compare "$g/X_pert.tsv" Gene7 ours.tsv Gene7 0
}
