"""The bytes of a PMX stream, as pmx(5) defines them, and numpy arrays."""
import contextlib
import json
import os
import struct
import sys
import tempfile
from typing import NamedTuple

import numpy as np
import scipy.sparse
import xxhash
import zstandard

VERSION = "0.1.0"
MAGIC = b"\x89PMX\r\n\x1a\n" + struct.pack("<II", 1, 0)
END = b"PMXEND\r\n"
NONE = 0xFFFFFFFF
KINDS = ("cells", "contrasts", "signatures", "embedding", "sums")
DTYPE = {"categorical": "<u4", "bool": "u1", "i64": "<i8", "f64": "<f8", "f32": "<f4", "u32": "<u4"}
NUMBER = {"<f8": "f64", "<f4": "f32", "<u4": "u32"}
PLAIN, BYTE8, DELTA8 = 0, 1, 2
VALUES, LENGTHS, INDICES = 0, 1, 2
MAX_SECTION, MAX_PLAIN, MAX_JSON, MAX_BODY, BLOCK = 1 << 28, 1 << 32, 1 << 26, 1 << 34, 1 << 20
MAX_ROWS, MAX_COLUMNS, MAX_SECTIONS, MAX_FIELDS, MAX_WIDTH = 1 << 20, 1 << 24, 40000, 10000, 1000000


class Damaged(ValueError):
    """The bytes are no PMX stream, or not all of one."""


class Categories(NamedTuple):
    """A label column: codes (uint32, 4294967295 is missing) into labels."""

    codes: np.ndarray
    labels: list
    ordered: bool = False


def _must(good, what):
    if not good:
        raise Damaged(what)


def _sum(data):
    return xxhash.xxh64_intdigest(data)


def _json(data):
    def unique(pairs):
        _must(len({k for k, _ in pairs}) == len(pairs), "an object of the header has a key twice")
        return dict(pairs)

    _must(len(data) <= MAX_JSON, "a header is too long")
    try:
        value = json.loads(bytes(data).decode(), object_pairs_hook=unique)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as e:
        raise Damaged(f"JSON of the header: {e}") from e
    _must(isinstance(value, dict), "the header is no object")
    return value


def _byte8(values):
    """Numbers of 32 bits, small ones in a byte."""
    small = np.minimum(values, 255).astype("u1").tobytes()
    return small + bytes(-len(small) % 4) + values[values >= 255].astype("<u4").tobytes()


def _unbyte8(data, n):
    start = n + -n % 4
    _must(len(data) >= start and (len(data) - start) % 4 == 0, "a section is too short")
    small = np.frombuffer(data, "u1", n)
    at = np.flatnonzero(small == 255)
    _must(len(data) - start == 4 * len(at), "large numbers of a section")
    values = small.astype("<u4")
    values[at] = np.frombuffer(data, "<u4", len(at), start)
    return values


def _gaps(column, start):
    """Columns of each row -> gaps between them; first number of a row: the first column."""
    before = np.empty(len(column), "i8")
    before[1:] = column[:-1]
    before[start[:-1][np.diff(start) > 0]] = -1
    gaps = column - before - 1
    if (gaps < 0).any():
        raise ValueError("columns of a row must increase strictly")
    return gaps


def _ungaps(gaps, start, m):
    at = np.concatenate([[0], np.cumsum(gaps.astype("i8") + 1)])
    column = at[1:] - np.repeat(at[start[:-1]], np.diff(start)) - 1
    _must((column < m).all(), "a column beyond the last")
    return column.astype("i4")


def _texts(lengths, data, n):
    lengths = np.frombuffer(lengths, "<u4")
    size = np.where(lengths == NONE, 0, lengths).astype("i8")
    _must(len(lengths) == n and size.sum() == len(data), "lengths of texts")
    out, end = np.empty(n, object), np.cumsum(size)
    try:
        for i in np.flatnonzero(lengths != NONE):
            out[i] = bytes(data[end[i] - size[i] : end[i]]).decode()
    except UnicodeDecodeError as e:
        raise Damaged(f"a text is not UTF-8: {e}") from e
    _must(b"\0" not in bytes(data), "a text holds NUL")
    return out


class _Chunk:
    def __init__(self, read, offset):
        self.offset, self.head = offset, read(48)
        self.type, n, size, self.first, self.n_rows, zero, table_sum, head_sum = struct.unpack("<4sIQQIIQQ", self.head)
        _must(_sum(self.head[:40]) == head_sum, "sum of a chunk header")
        _must(zero == 0 and n <= MAX_SECTIONS and 40 * n <= size <= MAX_BODY, "sizes in a chunk header")
        body = memoryview(read(size))
        self.table, at, self.section, plain = bytes(body[: 40 * n]), 40 * n, {}, 0
        _must(_sum(self.table) == table_sum, "sum of a table of sections")
        for field, part, encoding, packed, zero, stored, full, check, zeros in struct.iter_unpack("<IBBBBQQQQ", self.table):
            end = at + stored + -stored % 8
            _must(end <= size and not any(body[at + stored : end]), "a section is longer than its chunk, or is not padded")
            _must(zero == 0 and zeros == 0 and encoding <= 2 and packed <= 1 and full <= MAX_SECTION, "an unknown kind of section")
            _must(packed or stored == full, "sizes of a section")
            _must((field, part) not in self.section, "a section comes twice")
            self.section[field, part] = (encoding, packed, full, check, body[at : at + stored])
            plain += full
            at = end
        _must(at == size and plain <= MAX_PLAIN, "sections do not fill their chunk")

    def plain(self, field, part=VALUES, encoding=PLAIN):
        _must((field, part) in self.section, f"section {field}.{part} is missing")
        has, packed, full, check, stored = self.section[field, part]
        _must(has == encoding, f"section {field}.{part} has encoding {has}")
        _must(_sum(stored) == check, f"sum of section {field}.{part}")
        if not packed:
            return stored
        try:
            _must(zstandard.get_frame_parameters(stored).content_size == full, "content size of a frame")
            d = zstandard.ZstdDecompressor().decompressobj()
            out = d.decompress(stored)
        except zstandard.ZstdError as e:
            raise Damaged(f"section {field}.{part}: {e}") from e
        _must(d.eof and not d.unused_data and len(out) == full, f"section {field}.{part} is no frame of its size")
        return out

    def column(self, f, n):
        """n values: objects of text (None: missing), Categories, or numbers as they are stored; a matrix by rows."""
        if f["type"] == "string":
            return _texts(self.plain(f["id"], LENGTHS), self.plain(f["id"]), n)
        width, data = f.get("width"), self.plain(f["id"])
        _must(len(data) == n * (1 if width is None else width) * np.dtype(DTYPE[f["type"]]).itemsize, f"size of '{f['name']}'")
        values = np.frombuffer(data, DTYPE[f["type"]])
        if width is not None:
            return values.reshape(n, width)
        if f["type"] == "categorical":
            _must((values[values != NONE] < len(f["values"])).all(), f"'{f['name']}' has a code without a label")
            return Categories(values, f["values"], f.get("ordered", False))
        _must(f["type"] != "bool" or (values <= 2).all(), f"'{f['name']}' has a value that is no truth value")
        return values

    def layer(self, f, m):
        if f["storage"] == "dense":
            return self.column(dict(f, width=m), self.n_rows)
        lengths = np.frombuffer(self.plain(f["id"], LENGTHS), "<u4")
        _must(len(lengths) == self.n_rows and (lengths <= m).all(), f"row lengths of '{f['name']}'")
        start = np.concatenate([[0], np.cumsum(lengths, dtype="i8")])
        column = _ungaps(_unbyte8(self.plain(f["id"], INDICES, DELTA8), start[-1]), start, m)
        if f["type"] == "u32":
            values = _unbyte8(self.plain(f["id"], VALUES, BYTE8), start[-1])
        else:
            values = np.frombuffer(self.plain(f["id"]), DTYPE[f["type"]])
            _must(len(values) == start[-1], f"values of '{f['name']}'")
        return scipy.sparse.csr_matrix((values, column, start), shape=(self.n_rows, m))


class Block:
    """A run of rows: first_row, n_rows, column(name), layer(name) (csr_matrix, or array of a dense one)."""

    def __init__(self, reader, chunk):
        self._reader, self._chunk, self.first_row, self.n_rows = reader, chunk, chunk.first, chunk.n_rows

    def column(self, name):
        return self._chunk.column(self._reader.field("obs", name), self.n_rows)

    def layer(self, name):
        f = self._reader.field("layer", name)
        if f["storage"] != "recipe":
            return self._chunk.layer(f, self._reader.n_columns)
        if f["recipe"] != "log_normalised":
            raise ValueError(f"layer '{name}' needs the controls; read the whole stream with read_pmx(..., layers=['{name}'])")
        x = scipy.sparse.csr_matrix(self.layer(f["source"])).astype("f8")
        with np.errstate(divide="ignore", invalid="ignore"):
            x.data = np.log1p(x.data / np.repeat(self.column(f["totals"]), np.diff(x.indptr)) * f["target_sum"])
        return x


class Reader:
    """A stream from a path, "-" (standard input) or a binary file; iterate over its blocks.

    header (as in pmx(5)), kind, n_columns, fields; var(name). n_rows is known after the last block."""

    def __init__(self, source):
        self._own = isinstance(source, (str, os.PathLike)) and source != "-"
        self._file = open(source, "rb") if self._own else sys.stdin.buffer if source == "-" else source
        try:
            self._at, self.n_rows, self._places, self._groups, self._digest = 0, 0, [], [], xxhash.xxh64()
            _must(self._read(16) == MAGIC, "this is no PMX stream of version 1")
            self._head = self._chunk()
            _must(self._head.type == b"HEAD" and not self._head.first and not self._head.n_rows, "the first chunk is no header")
            self._check_header()
        except BaseException:
            self.close()
            raise

    def close(self):
        if self._own:
            self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self, n):
        """Exactly n bytes; memory grows only as they arrive."""
        pieces, left = [], n
        while left:
            pieces.append(self._file.read(min(left, 1 << 24)))
            _must(pieces[-1], f"the stream was cut short at byte {self._at + n - left}")
            left -= len(pieces[-1])
        self._at += n
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _chunk(self):
        c = _Chunk(self._read, self._at)
        self._digest.update(c.head + c.table)
        return c

    def _check_header(self):
        h = self.header = _json(self._head.plain(0))
        try:
            self.kind, self.n_columns, self.fields, ids = h["kind"], h["columns"], [], set()
            _must(self.kind in KINDS and type(self.n_columns) is int and 0 <= self.n_columns <= MAX_COLUMNS, "kind or columns")
            _must(len(h["fields"]) <= MAX_FIELDS, "too many fields")
            for f in h["fields"]:
                _must(type(f["id"]) is int and 1 <= f["id"] <= 0x7FFFFFFF and f["id"] not in ids, "number of a field")
                ids.add(f["id"])
                if f.get("class") in ("var", "obs", "layer") and f.get("type") in ("string", *DTYPE):
                    self._check_field(f)
                    self.fields.append(f)
                else:
                    _must(f.get("ancillary") is True, "a field of an unknown kind")
            _must(self.field("obs", h["row_names"])["type"] == self.field("var", h["column_names"])["type"] == "string", "names")
            if "order" in h:
                by = self.field("obs", h["order"]["by"])
                _must(by["type"] == "categorical" and isinstance(h["order"].get("first", ""), str), "order")
        except (KeyError, TypeError, AttributeError) as e:
            raise Damaged(f"the header lacks {e}") from e
        _must(all(name is not None for name in self.var(h["column_names"])), "a column has no name")

    def _check_field(self, f):
        _must(isinstance(f["name"], str) and f["name"] and (f["class"], f["name"]) not in [(g["class"], g["name"]) for g in self.fields], "name of a field")
        number = f["type"] in NUMBER.values()
        if f["class"] == "layer":
            _must(number and f["storage"] in ("dense", "sparse", "recipe"), f"layer '{f['name']}'")
            _must(f["storage"] != "recipe" or f["recipe"] in ("log_normalised", "neighbour_signature", "split_signature"), "an unknown recipe")
        elif "width" in f:
            _must(number and type(f["width"]) is int and 1 <= f["width"] <= MAX_WIDTH, f"width of '{f['name']}'")
        else:
            _must(f["type"] not in ("f32", "u32"), f"type of '{f['name']}'")
        if f["type"] == "categorical":
            _must(all(isinstance(v, str) for v in f["values"]) and len(set(f["values"])) == len(f["values"]), f"labels of '{f['name']}'")

    def field(self, kind, name):
        for f in self.fields:
            if f["class"] == kind and f["name"] == name:
                return f
        raise KeyError(f"{kind} '{name}'; there is: {', '.join(self.names(kind))}")

    def names(self, kind):
        """Names of the fields of class var, obs or layer."""
        return [f["name"] for f in self.fields if f["class"] == kind]

    def var(self, name):
        return self._head.column(self.field("var", name), self.n_columns)

    def __iter__(self):
        while True:
            c = self._chunk()
            if c.type == b"ROWS":
                _must(c.first == self.n_rows and 0 < c.n_rows <= MAX_ROWS, "rows of a block")
                self._places += [c.offset, c.first, c.n_rows]
                self.n_rows += c.n_rows
                self._order(c)
                yield Block(self, c)
            elif c.type == b"TAIL":
                return self._trailer(c)
            else:
                _must(c.type[:1].islower(), f"a chunk of the unknown type {c.type}")

    def _order(self, c):
        if "order" not in self.header:
            return
        order = self.header["order"]
        codes, labels, _ = Block(self, c).column(order["by"])
        if not c.first and order.get("first") in labels:
            _must(codes[0] == labels.index(order["first"]), f"'{order['first']}' is not first")
        turn = np.concatenate([[0], np.flatnonzero(np.diff(codes.astype("i8"))) + 1, [len(codes)]])
        for a, b in zip(turn[:-1].tolist(), turn[1:].tolist()):
            if self._groups and self._groups[-1][0] == codes[a]:
                self._groups[-1][2] += b - a
            else:
                self._groups.append([int(codes[a]), c.first + a, b - a])

    def _trailer(self, c):
        tail = _json(c.plain(0))
        _must(tail.get("rows") == self.n_rows == c.first and c.n_rows == 0, "number of rows")
        _must(np.array_equal(np.frombuffer(c.plain(1), "<u8"), np.array(self._places, "<u8")), "index of blocks")
        _must(np.array_equal(np.frombuffer(c.plain(2), "<u8"), np.array(self._groups, "<u8").ravel()), "index of groups")
        _must(len({g[0] for g in self._groups}) == len(self._groups), "the order promised")
        _must(self._read(24) == struct.pack("<QQ", c.offset, self._digest.intdigest()) + END, "end of the stream")
        _must(not self._file.read(1), "something follows the end of the stream")


class _Output:
    """Chunks on a binary file."""

    def __init__(self, file, level):
        self.file, self.at, self.digest = file, 0, xxhash.xxh64()
        self.zstd = zstandard.ZstdCompressor(level=level, write_content_size=True) if level else None
        self.write(MAGIC)

    def write(self, data):
        self.file.write(data)
        self.at += len(data)

    def chunk(self, kind, sections, first=0, n_rows=0):
        table, body = [], []
        for field, part, encoding, data in sections:
            if len(data) > (MAX_JSON if not field else MAX_SECTION):
                raise ValueError(f"a section of {len(data)} bytes is longer than a stream may have")
            packed = self.zstd.compress(data) if self.zstd and data else data
            stored = packed if len(packed) < len(data) else data
            table.append(struct.pack("<IBBBBQQQQ", field, part, encoding, stored is not data, 0, len(stored), len(data), _sum(stored), 0))
            body += [stored, bytes(-len(stored) % 8)]
        table = b"".join(table)
        head = struct.pack("<4sIQQIIQ", kind, len(sections), len(table) + sum(map(len, body)), first, n_rows, 0, _sum(table))
        head += struct.pack("<Q", _sum(head))
        self.digest.update(head + table)
        for piece in (head, table, *body):
            self.write(piece)


def _declare(fields, kind, name, values):
    f = {"id": len(fields) + 1, "class": kind, "name": name}
    if isinstance(values, Categories):
        f.update(type="categorical", values=[str(v) for v in values.labels], **({"ordered": True} if values.ordered else {}))
        if len(set(f["values"])) != len(f["values"]):
            raise ValueError(f"'{name}' has a label twice")
        if not all(c == NONE or c < len(f["values"]) for c in np.unique(values.codes)):
            raise ValueError(f"'{name}' has a code without a label")
    elif kind == "layer":
        f.update(type=NUMBER[values.dtype.str], storage="sparse" if scipy.sparse.issparse(values) else "dense")
    elif values.ndim == 2:
        f.update(type=NUMBER[values.dtype.str], width=values.shape[1])
    else:
        f["type"] = {"O": "string", "u": "bool", "b": "bool", "i": "i64", "f": "f64"}[values.dtype.kind]
    fields.append(f)
    return f


def _sections(f, values):
    if f["type"] == "string":
        data = [None if v is None else str(v).encode() for v in values]
        if any(v is not None and b"\0" in v for v in data):
            raise ValueError(f"a text of '{f['name']}' holds NUL")
        lengths = np.array([NONE if v is None else len(v) for v in data], "<u4")
        return [(f["id"], LENGTHS, PLAIN, lengths.tobytes()), (f["id"], VALUES, PLAIN, b"".join(v for v in data if v is not None))]
    if f["type"] == "categorical":
        values = values.codes
    if f.get("storage") != "sparse":
        return [(f["id"], VALUES, PLAIN, np.ascontiguousarray(values, DTYPE[f["type"]]).tobytes())]
    count = f["type"] == "u32"
    return [
        (f["id"], LENGTHS, PLAIN, np.diff(values.indptr).astype("<u4").tobytes()),
        (f["id"], INDICES, DELTA8, _byte8(_gaps(values.indices, values.indptr))),
        (f["id"], VALUES, BYTE8 if count else PLAIN, _byte8(values.data) if count else values.data.tobytes()),
    ]


def _rows(values, a, b):
    return Categories(values.codes[a:b], values.labels, values.ordered) if isinstance(values, Categories) else values[a:b]


def _ready(values):
    if not scipy.sparse.issparse(values):
        return values
    values = values.tocsr()
    if not values.has_canonical_format:
        values = values.copy()
        values.sum_duplicates()
    return values


@contextlib.contextmanager
def _whole(target):
    """A file that appears whole or not at all; "-" is standard output."""
    if target == "-" or not isinstance(target, (str, os.PathLike)):
        out = sys.stdout.buffer if target == "-" else target
        yield out
        return out.flush()
    folder = os.path.dirname(os.path.abspath(target))
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".pmx-", delete=False) as out:
        try:
            yield out
            out.flush()
            os.fsync(out.fileno())
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(out.name, 0o666 & ~mask)
            os.replace(out.name, target)
        except BaseException:
            os.unlink(out.name)
            raise


def write(target, kind, obs, var, layers, row_names="cell", column_names="gene", recipes=(), order=None, provenance=(), notes=None,
          level=3, block_rows=None):
    """Writes a stream. obs, var: dicts of name -> text (objects), Categories, bool or uint8 (2: missing), int64 (-2**63: missing), float64,
    or a matrix of float64, float32 or uint32; row_names and column_names are keys of them, with text. layers: dict of name -> csr_matrix or
    array, float64, float32 or uint32. recipes: declarations of recipe layers as in pmx(5), without id."""
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}")
    n, m = len(obs[row_names]), len(var[column_names])
    layers, fields, stored = {k: _ready(v) for k, v in layers.items()}, [], []
    var_sections = [s for name, v in var.items() for s in _sections(_declare(fields, "var", name, v), v)]
    for cls, group in (("obs", obs), ("layer", layers)):
        for name, v in group.items():
            size = v.shape if cls == "layer" else (len(v.codes if isinstance(v, Categories) else v),)
            if size != ((n, m) if cls == "layer" else (n,)):
                raise ValueError(f"{cls} '{name}' has shape {size} in a stream of {n} x {m}")
            stored.append((_declare(fields, cls, name, v), v))
    fields += [dict(r, id=len(fields) + 1 + i) for i, r in enumerate(recipes)]
    header = {"kind": kind, "columns": m, "row_names": row_names, "column_names": column_names, "fields": fields,
              **({"order": order} if order else {}), "provenance": list(provenance), **({"notes": notes} if notes else {})}
    if block_rows is None:
        per_row = sum(10 * v.nnz / max(n, 1) if scipy.sparse.issparse(v) else 8 * np.prod(v.shape[1:]) if isinstance(v, np.ndarray) else 4 for _, v in stored)
        block_rows = int(min(65536, max(1, BLOCK // max(per_row, 1))))
    places, groups = [], []
    with _whole(target) as file:
        out = _Output(file, level)
        out.chunk(b"HEAD", [(0, VALUES, PLAIN, json.dumps(header, separators=(",", ":"), allow_nan=False).encode()), *var_sections])
        for a in range(0, n, block_rows):
            b = min(n, a + block_rows)
            places += [out.at, a, b - a]
            out.chunk(b"ROWS", [s for f, v in stored for s in _sections(f, _rows(v, a, b))], a, b - a)
        if order:
            codes = obs[order["by"]].codes
            turn = np.concatenate([[0], np.flatnonzero(np.diff(codes.astype("i8"))) + 1])[: n]
            groups = [v for a, b in zip(turn, [*turn[1:], n]) for v in (int(codes[a]), int(a), int(b - a))]
            first = order.get("first")
            if len(set(groups[::3])) * 3 != len(groups) or (n and first in obs[order["by"]].labels and obs[order["by"]].labels[codes[0]] != first):
                raise ValueError(f"the rows are not in the order promised by '{order['by']}'")
        tail, end = json.dumps({"rows": n}).encode(), out.at
        out.chunk(b"TAIL", [(0, VALUES, PLAIN, tail), (1, VALUES, PLAIN, np.array(places, "<u8").tobytes()),
                            (2, VALUES, PLAIN, np.array(groups, "<u8").tobytes())], n)
        out.write(struct.pack("<QQ", end, out.digest.intdigest()) + END)
