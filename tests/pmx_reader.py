"""A second reader of PMX streams, written from pmx(5) alone. Needs zstandard and xxhash.

    s = Stream(open("x.pmx", "rb").read())
    s.column("obs", "gene_target"), s.layer("X"), s.header, s.trailer

Every rule of the page that a stream can break raises Damaged."""
import json
import math
import struct

import xxhash
import zstandard

MAGIC = bytes.fromhex("89504d580d0a1a0a")
END = bytes.fromhex("504d58454e440d0a")
NONE = 4294967295
SIZE = {"bool": 1, "categorical": 4, "u32": 4, "f32": 4, "i64": 8, "f64": 8}
LETTER = {"bool": "B", "categorical": "I", "u32": "I", "f32": "f", "i64": "q", "f64": "d"}


class Damaged(Exception):
    pass


def must(good, what):
    if not good:
        raise Damaged(what)


def total(data):
    return xxhash.xxh64(data, seed=0).intdigest()


def unique(pairs):
    keys = [k for k, _ in pairs]
    must(len(set(keys)) == len(keys), "an object has a key twice")
    return dict(pairs)


def parse(data):
    must(len(data) <= 1 << 26, "a JSON section is too long")
    return json.loads(data.decode("utf-8"), object_pairs_hook=unique)


def numbers(letter, data):
    return list(struct.unpack("<%d%s" % (len(data) // struct.calcsize("<" + letter), letter), data))


def text(data):
    value = data.decode("utf-8")
    must("\0" not in value, "a text holds NUL")
    return value


# Python raises where IEEE 754 has infinity or NaN.
def divide(a, b):
    return a / b if b else math.nan if not a or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)


def log1p(x):
    return math.log1p(x) if x > -1 else -math.inf if x == -1 else math.nan


def expm1(x):
    try:
        return math.expm1(x)
    except OverflowError:
        return math.inf


class Section:
    def __init__(self, entry, stored):
        (self.field, self.part, self.encoding, self.compression, zero, size, self.plain_size, check, zeros) = entry
        must(zero == 0 and zeros == 0, "reserved bytes of a section")
        must(self.encoding <= 2 and self.compression <= 1, "unknown encoding or compression")
        must(self.plain_size <= 1 << 28, "a section is too long")
        must(self.compression or size == self.plain_size, "sizes of a stored section")
        must(total(stored) == check, "sum of a section")
        self.stored = stored

    def plain(self, encoding):
        must(self.encoding == encoding, "encoding %d where %d belongs" % (self.encoding, encoding))
        if not self.compression:
            return self.stored
        frame = zstandard.get_frame_parameters(self.stored)
        must(frame.content_size == self.plain_size, "content size of a frame")
        d = zstandard.ZstdDecompressor().decompressobj()
        out = d.decompress(self.stored)
        must(d.eof and not d.unused_data and len(out) == self.plain_size, "a frame")
        return out


class Chunk:
    def __init__(self, data, at):
        must(at + 48 <= len(data), "cut in a chunk header")
        self.offset, self.head = at, data[at : at + 48]
        self.type, n, size, self.first, self.n_rows, zero, table_sum, head_sum = struct.unpack("<4sIQQIIQQ", self.head)
        must(total(self.head[:40]) == head_sum, "sum of a chunk header")
        must(zero == 0 and n <= 40000 and size <= 1 << 34 and n * 40 <= size, "chunk header")
        must(at + 48 + size <= len(data), "cut in a chunk")
        self.table = data[at + 48 : at + 48 + 40 * n]
        must(total(self.table) == table_sum, "sum of a table")
        self.end, place, self.section, plain = at + 48 + size, at + 48 + 40 * n, {}, 0
        for i in range(n):
            entry = struct.unpack_from("<IBBBBQQQQ", self.table, 40 * i)
            padded = entry[5] + -entry[5] % 8
            must(place + padded <= self.end, "a section is longer than its chunk")
            must(not any(data[place + entry[5] : place + padded]), "padding")
            s = Section(entry, data[place : place + entry[5]])
            plain += s.plain_size
            must((s.field, s.part) not in self.section, "a section comes twice")
            self.section[s.field, s.part] = s
            place += padded
        must(place == self.end and plain <= 1 << 32, "sections do not fill the chunk")

    def plain(self, field, part, encoding):
        must((field, part) in self.section, "section %d.%d is missing" % (field, part))
        return self.section[field, part].plain(encoding)


def byte8(data, k):
    start = k + -k % 4
    must(len(data) >= start, "byte8 too short")
    small, large = list(data[:k]), numbers("I", data[start : start + (len(data) - start) // 4 * 4])
    must(len(data) - start == 4 * len(large) and len(large) == small.count(255), "large numbers of byte8")
    following = iter(large)
    return [v if v < 255 else next(following) for v in small]


def decode(chunk, f, n, width):
    """Values of a field of fixed size or of texts in one chunk; rows of a matrix are lists."""
    if f["type"] == "string":
        lengths, data, out, at = chunk.plain(f["id"], 1, 0), chunk.plain(f["id"], 0, 0), [], 0
        must(len(lengths) == 4 * n, "lengths of texts")
        for k in numbers("I", lengths):
            if k == NONE:
                out.append(None)
                continue
            must(at + k <= len(data), "a text is too long")
            out.append(text(data[at : at + k]))
            at += k
        must(at == len(data), "texts that nobody owns")
        return out
    data = chunk.plain(f["id"], 0, 0)
    must(len(data) == n * (1 if width is None else width) * SIZE[f["type"]], "size of '%s'" % f["name"])
    values = numbers(LETTER[f["type"]], data)
    if width is not None:
        return [values[r * width : (r + 1) * width] for r in range(n)]
    if f["type"] == "categorical":
        must(all(v == NONE or v < len(f["values"]) for v in values), "a code without a label")
        return [None if v == NONE else v for v in values]
    if f["type"] == "bool":
        must(all(v <= 2 for v in values), "a truth value")
        return [None if v == 2 else v == 1 for v in values]
    if f["type"] == "i64":
        return [None if v == -(2**63) else v for v in values]
    return [None if math.isnan(v) else v for v in values]


def decode_sparse(chunk, f, n, m):
    lengths = chunk.plain(f["id"], 1, 0)
    must(len(lengths) == 4 * n, "lengths of rows")
    lengths = numbers("I", lengths)
    k = sum(lengths)
    gaps = byte8(chunk.plain(f["id"], 2, 2), k)
    if f["type"] == "u32":
        values = byte8(chunk.plain(f["id"], 0, 1), k)
    else:
        data = chunk.plain(f["id"], 0, 0)
        must(len(data) == k * SIZE[f["type"]], "values of a sparse layer")
        values = numbers(LETTER[f["type"]], data)
    rows, at = [], 0
    for length in lengths:
        row, column = [0] * m, -1
        for i in range(at, at + length):
            column += gaps[i] + 1
            must(column < m, "a column beyond the last")
            row[column] = values[i]
        rows.append(row)
        at += length
    return rows


class Stream:
    def __init__(self, data):
        must(len(data) >= 16 and data[:8] == MAGIC, "magic")
        must(struct.unpack("<II", data[8:16]) == (1, 0), "version")
        self.chunks, at, self.digest = [], 16, xxhash.xxh64(seed=0)
        while not self.chunks or self.chunks[-1].type != b"TAIL":
            c = Chunk(data, at)
            must(self.chunks or c.type == b"HEAD", "the first chunk is no HEAD")
            must(c.type in (b"HEAD", b"ROWS", b"TAIL") or b"a" <= c.type[:1] <= b"z", "critical chunk")
            must(not self.chunks or c.type != b"HEAD", "HEAD comes twice")
            self.digest.update(c.head + c.table)
            self.chunks.append(c)
            at = c.end
        self.blocks = [c for c in self.chunks if c.type == b"ROWS"]
        self.n_rows = 0
        for b in self.blocks:
            must(b.first == self.n_rows and 0 < b.n_rows <= 1 << 20, "rows of a block")
            self.n_rows += b.n_rows
        self._header()
        self._order()
        self._trailer(data, at)

    def _header(self):
        h = self.header = parse(self.chunks[0].plain(0, 0, 0))
        must(h["kind"] in ("cells", "contrasts", "signatures", "embedding", "sums"), "kind")
        self.m = h["columns"]
        must(type(self.m) is int and 0 <= self.m <= 1 << 24 and len(h["fields"]) <= 10000, "columns or fields")
        self.fields, ids = {}, set()
        for f in h["fields"]:
            must(type(f["id"]) is int and 1 <= f["id"] <= 2147483647 and f["id"] not in ids, "id")
            ids.add(f["id"])
            if f.get("class") not in ("var", "obs", "layer") or f.get("type") not in ("string", *SIZE):
                must(f.get("ancillary") is True, "unknown field")
                continue
            must(f["name"] and (f["class"], f["name"]) not in self.fields, "name of a field")
            number = f["type"] in ("f64", "f32", "u32")
            if f["class"] == "layer":
                must(number and f["storage"] in ("dense", "sparse", "recipe"), "layer")
            elif "width" in f:
                must(number and 1 <= f["width"] <= 1000000, "width")
            else:
                must(f["type"] not in ("f32", "u32"), "type of a column")
            if f["type"] == "categorical":
                must(len(set(f["values"])) == len(f["values"]), "labels")
            self.fields[f["class"], f["name"]] = f
        for names, kind in ((h["row_names"], "obs"), (h["column_names"], "var")):
            must(self.field(kind, names)["type"] == "string" and "width" not in self.field(kind, names), "names")
        must(None not in self.column("var", h["column_names"]), "a column without a name")

    def field(self, kind, name):
        must((kind, name) in self.fields, "no %s '%s'" % (kind, name))
        return self.fields[kind, name]

    def names(self, kind):
        return [name for k, name in self.fields if k == kind]

    def column(self, kind, name):
        """All values of a var or obs field; codes of labels; None is missing (NaN in a matrix)."""
        f = self.field(kind, name)
        if kind == "var":
            return decode(self.chunks[0], f, self.m, f.get("width"))
        return [v for b in self.blocks for v in decode(b, f, b.n_rows, f.get("width"))]

    def labels(self, kind, name):
        values = self.field(kind, name)["values"]
        return [None if c is None else values[c] for c in self.column(kind, name)]

    def groups(self):
        """Runs of the field that the order is by: [code, first row, rows]."""
        runs = []
        for r, code in enumerate(self.column("obs", self.header["order"]["by"]) if "order" in self.header else []):
            code = NONE if code is None else code
            if not runs or runs[-1][0] != code:
                runs.append([code, r, 0])
            runs[-1][2] += 1
        return runs

    def _order(self):
        if "order" not in self.header:
            return
        order = self.header["order"]
        values = self.field("obs", order["by"])["values"]
        runs = self.groups()
        must(len({run[0] for run in runs}) == len(runs), "the order promised")
        if runs and order.get("first") in values:
            must(runs[0][0] == values.index(order["first"]), "the group promised first")

    def _trailer(self, data, at):
        tail = self.chunks[-1]
        self.trailer = parse(tail.plain(0, 0, 0))
        must(self.trailer["rows"] == self.n_rows and tail.first == self.n_rows, "number of rows")
        index = [v for b in self.blocks for v in (b.offset, b.first, b.n_rows)]
        must(numbers("Q", tail.plain(1, 0, 0)) == index, "index of blocks")
        must(numbers("Q", tail.plain(2, 0, 0)) == [v for run in self.groups() for v in run], "index of groups")
        must(len(data) == at + 24, "what follows TAIL")
        must(data[at + 16 :] == END, "end mark")
        must(struct.unpack_from("<QQ", data, at) == (tail.offset, self.digest.intdigest()), "offset or digest in the end mark")

    def layer(self, name):
        """Rows of m values; of recipes they are computed."""
        f = self.field("layer", name)
        if f["storage"] == "recipe":
            must(f["recipe"] in ("log_normalised", "neighbour_signature", "split_signature"), "unknown recipe")
            source = self.field("layer", f["source"])
            must(source["storage"] != "recipe" or (f["recipe"] != "log_normalised" and source["recipe"] == "log_normalised"), "source of a recipe")
            return getattr(self, "_" + f["recipe"])(f, self.layer(f["source"]))
        if f["storage"] == "dense":
            return [row for b in self.blocks for row in decode(b, f, b.n_rows, self.m)]
        return [row for b in self.blocks for row in decode_sparse(b, f, b.n_rows, self.m)]

    def _log_normalised(self, f, x):
        t = self.field("obs", f["totals"])
        must(t["type"] == "f64" and "width" not in t and f["target_sum"] > 0, "totals")
        return [[log1p(divide(v, t) * f["target_sum"]) if v else 0.0 for v in row] for row, t in zip(x, self.column("obs", f["totals"]))]

    def _controls(self, f):
        order = self.header["order"]
        must(order["by"] == f["pert_key"] and order["first"] == f["control"], "controls that are not promised first")
        label = self.labels("obs", f["pert_key"])
        return [r for r in range(self.n_rows) if label[r] == f["control"]]

    def _neighbour_signature(self, f, x):
        controls, out = self._controls(f), []
        must(self.field("obs", f["neighbours"])["type"] == "u32", "neighbours")
        linear = [[expm1(v) for v in x[r]] for r in controls]
        for row, near in zip(x, self.column("obs", f["neighbours"])):
            if near[0] == NONE:
                out.append([math.nan] * self.m)
                continue
            must(all(q < len(controls) for q in near), "a neighbour that is no control")
            sums = [0.0] * self.m
            for q in near:
                sums = [s + v for s, v in zip(sums, linear[q])]
            out.append([log1p(s / len(near)) - v for s, v in zip(sums, row)])
        return out

    def _split_signature(self, f, x):
        controls = self._controls(f)
        split = self.column("obs", f["split"]) if "split" in f else [0] * self.n_rows
        mean = {}
        for k in set(split) - {None}:
            of_split = [r for r in controls if split[r] == k]
            must(of_split, "a split without controls")
            sums = [0.0] * self.m
            for r in of_split:
                sums = [s + v for s, v in zip(sums, x[r])]
            mean[k] = [s / len(of_split) for s in sums]
        return [[math.nan] * self.m if k is None else [a - v for a, v in zip(mean[k], row)] for row, k in zip(x, split)]
