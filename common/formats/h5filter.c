/* Filters of HDF5: LZF and zstd, which its builds lack, and whole pipelines unpacked without its global lock. */
#include "formats/h5.h"
#include "base/mem.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { LZF = 32000, ZSTD = 32015, MOST_FILTERS = 8 };

/* Bytes that one packed byte can make. */
enum { MOST_DEFLATE = 1032, MOST_LZF = 132, MOST_ZSTD = 32768 };

struct h5_pipeline {
	size_t n, element;
	H5Z_filter_t id[MOST_FILTERS];
};

bool lzf_unpack(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
	const uint8_t *end = in + n;
	size_t at = 0;
	while (in < end) {
		size_t control = *in++;
		if (control < 32) {
			size_t run = control + 1;
			if (run > (size_t)(end - in) || run > size - at)
				return false;
			memcpy(out + at, in, run);
			in += run;
			at += run;
			continue;
		}
		size_t len = control >> 5;
		if (len == 7) {
			if (in == end)
				return false;
			len += *in++;
		}
		len += 2;
		if (in == end)
			return false;
		size_t back = ((control & 31) << 8 | *in++) + 1;
		if (back > at || len > size - at)
			return false;
		/* The copy may overlap what it writes: byte by byte, forwards. */
		for (const uint8_t *from = out + at - back; len--; )
			out[at++] = *from++;
	}
	return at == size;
}

/* The bytes that come out: h5py does not always say in the file. */
static size_t lzf_size(const uint8_t *in, size_t n)
{
	size_t size = 0;
	for (size_t i = 0; i < n; ) {
		size_t len = in[i] >> 5;
		if (!len) {
			size += (size_t)in[i] + 1;
			i += (size_t)in[i] + 2;
			continue;
		}
		if (len == 7)
			len += i + 1 < n ? in[++i] : 0;
		size += len + 2;
		i += 2;
	}
	return size;
}

/* HDF5 takes buffers that malloc made and frees them itself. */
static size_t filter_lzf(unsigned flags, size_t n_values, const unsigned values[], size_t n, size_t *buf_size, void **buf)
{
	(void)n_values;
	(void)values;
	size_t size = lzf_size(*buf, n);
	if (!(flags & H5Z_FLAG_REVERSE) || !size)
		return 0;
	void *out = malloc(size);
	if (!out || !lzf_unpack(*buf, n, out, size)) {
		free(out);
		return 0;
	}
	free(*buf);
	*buf = out;
	*buf_size = size;
	return size;
}

static size_t filter_zstd(unsigned flags, size_t n_values, const unsigned values[], size_t n, size_t *buf_size, void **buf)
{
	(void)n_values;
	(void)values;
	unsigned long long size = ZSTD_getFrameContentSize(*buf, n);
	/* A chunk of HDF5 has less than 4 GiB. */
	if (!(flags & H5Z_FLAG_REVERSE) || !size || size > UINT32_MAX || size > (uint64_t)n * MOST_ZSTD)
		return 0;
	void *out = malloc(size);
	if (!out || ZSTD_decompress(out, size, *buf, n) != size) {
		free(out);
		return 0;
	}
	free(*buf);
	*buf = out;
	*buf_size = size;
	return size;
}

void h5_init(void)
{
	static bool done;
	static const H5Z_class2_t filter[] = {
		{ H5Z_CLASS_T_VERS, LZF, 0, 1, "lzf", NULL, NULL, filter_lzf },
		{ H5Z_CLASS_T_VERS, ZSTD, 0, 1, "zstd", NULL, NULL, filter_zstd },
	};
	if (done)
		return;
	done = true;
	/* At exit HDF5 would touch what a failed close (a full disk) left behind, and crash. */
	H5dont_atexit();
	H5open();
	H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
	for (size_t i = 0; i < 2; i++)
		H5Zregister(&filter[i]);
}

static const char *filter_name(H5Z_filter_t id)
{
	switch (id) {
	case 32001: return "blosc";
	case 32004: return "lz4";
	case 32008: return "bitshuffle";
	case 32013: return "zfp";
	case 32026: return "blosc2";
	case 307: return "bzip2";
	case H5Z_FILTER_SZIP: return "szip";
	default: return "one without a name here";
	}
}

struct h5_pipeline *h5_pipeline_of(hid_t creation, size_t element, const char *what, struct err *e)
{
	struct h5_pipeline p = { .element = element };
	bool ours = true;
	int n = H5Pget_nfilters(creation), packers = 0;
	for (int i = 0; i < n; i++) {
		unsigned flags, info;
		size_t n_values = 0;
		H5Z_filter_t id = H5Pget_filter2(creation, (unsigned)i, &flags, &n_values, NULL, 0, NULL, &info);
		if (H5Zfilter_avail(id) <= 0) {
			err_set(e, "%s is packed with HDF5 filter %d (%s), which is not at hand; rewrite the file with gzip: "
				"a = anndata.read_h5ad(FILE); a.write_h5ad(NEW, compression='gzip') where Python has hdf5plugin, "
				"or point HDF5_PLUGIN_PATH at the filter", what, (int)id, filter_name(id));
			return NULL;
		}
		bool packs = id == H5Z_FILTER_DEFLATE || id == LZF || id == ZSTD;
		packers += packs;
		ours = ours && (packs || id == H5Z_FILTER_SHUFFLE) && packers <= 1 && i < MOST_FILTERS;
		if (ours)
			p.id[p.n++] = id;
	}
	if (!ours)
		return NULL;
	struct h5_pipeline *out = mem_array(1, sizeof *out);
	*out = p;
	return out;
}

int h5_check_storage(hid_t dataset, uint64_t bytes, const char *what, struct err *e)
{
	hid_t creation = H5Dget_create_plist(dataset);
	uint64_t stored = H5Dget_storage_size(dataset), most = 1;
	int n = H5Pget_nfilters(creation);
	for (int i = 0; i < n; i++) {
		unsigned flags, info;
		size_t n_values = 0;
		H5Z_filter_t id = H5Pget_filter2(creation, (unsigned)i, &flags, &n_values, NULL, 0, NULL, &info);
		uint64_t by = id == H5Z_FILTER_DEFLATE ? MOST_DEFLATE : id == LZF ? MOST_LZF
			: id == H5Z_FILTER_SHUFFLE || id == H5Z_FILTER_FLETCHER32 ? 1 : MOST_ZSTD;
		most = by > most ? by : most;
	}
	H5Pclose(creation);
	H5Eclear2(H5E_DEFAULT);
	if (bytes / most <= stored)
		return 0;
	return err_set(e, "%s is damaged: it announces %llu bytes, and %llu are stored", what, (unsigned long long)bytes,
		       (unsigned long long)stored);
}

void h5_pipeline_free(struct h5_pipeline *p)
{
	mem_free(p);
}

static void unshuffle(const uint8_t *in, uint8_t *out, size_t size, size_t element)
{
	size_t n = size / element;
	for (size_t b = 0; b < element; b++) {
		const uint8_t *from = in + b * n;
		for (size_t i = 0; i < n; i++)
			out[i * element + b] = from[i];
	}
	memcpy(out + n * element, in + n * element, size - n * element);
}

static bool inflate_all(const uint8_t *in, size_t n, uint8_t *out, size_t size)
{
	z_stream z = { 0 };
	if (n > UINT32_MAX || size > UINT32_MAX || inflateInit(&z) != Z_OK)
		return false;
	z.next_in = (Bytef *)(uintptr_t)in;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)size;
	int status = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return status == Z_STREAM_END && !z.avail_out;
}

bool h5_unpack(const struct h5_pipeline *p, uint32_t skipped, uint8_t *stored, size_t n, uint8_t *out, uint8_t *spare, size_t size)
{
	uint8_t *from = stored, *to = spare;
	for (size_t i = p->n; i-- > 0; ) {
		if (skipped >> i & 1)
			continue;
		bool good = true;
		if (p->id[i] == H5Z_FILTER_DEFLATE)
			good = inflate_all(from, n, to, size);
		else if (p->id[i] == LZF)
			good = lzf_unpack(from, n, to, size);
		else if (p->id[i] == ZSTD)
			good = ZSTD_decompress(to, size, from, n) == size;
		else if ((good = n == size))
			unshuffle(from, to, size, p->element);
		if (!good)
			return false;
		n = size;
		from = to;
		to = from == spare ? out : spare;
	}
	if (from != out && n == size)
		memcpy(out, from, size);
	return n == size;
}
