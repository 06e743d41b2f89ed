"""patch_pmx.py FILE FIELD ROW VALUE: the stream with one value of a row column (or the first of a row matrix) changed
and every sum made right again, on standard output. For tests of what is wrong although all sums fit; uncompressed
output. VALUE "drop" leaves the field's sections out of the row's block; "chunk" puts an ancillary chunk before the trailer;
"no-rows" leaves out all rows."""
import ctypes, ctypes.util, json, struct, sys

path, name, row, value = sys.argv[1:]
row = int(row)
data = open(path, "rb").read()
zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
zstd.ZSTD_decompress.restype = ctypes.c_size_t
M = (1 << 64) - 1
P = (11400714785074694791, 14029467366897019727, 1609587929392839161, 9650029242287828579, 2870177450012600261)


def rotl(v, n):
    return (v << n | v >> (64 - n)) & M


def mix(acc, lane):
    return rotl((acc + lane * P[1]) & M, 31) * P[0] & M


def xxh64(b):
    n, at = len(b), 0
    if n >= 32:
        v = [(P[0] + P[1]) & M, P[1], 0, -P[0] & M]
        while at + 32 <= n:
            v = [mix(v[i], struct.unpack_from("<Q", b, at + 8 * i)[0]) for i in range(4)]
            at += 32
        h = sum(rotl(v[i], s) for i, s in enumerate((1, 7, 12, 18))) & M
        for lane in v:
            h = ((h ^ mix(0, lane)) * P[0] + P[3]) & M
    else:
        h = P[4]
    h = (h + n) & M
    while at + 8 <= n:
        h = (rotl(h ^ mix(0, struct.unpack_from("<Q", b, at)[0]), 27) * P[0] + P[3]) & M
        at += 8
    if at + 4 <= n:
        h = (rotl(h ^ struct.unpack_from("<I", b, at)[0] * P[0] & M, 23) * P[1] + P[2]) & M
        at += 4
    for c in b[at:]:
        h = rotl(h ^ c * P[4] & M, 11) * P[0] & M
    h = (h ^ h >> 33) * P[1] & M
    h = (h ^ h >> 29) * P[2] & M
    return h ^ h >> 32


def unpack(stored, size, compression):
    if not compression:
        return stored
    out = ctypes.create_string_buffer(size)
    assert zstd.ZSTD_decompress(out, ctypes.c_size_t(size), stored, ctypes.c_size_t(len(stored))) == size
    return out.raw[:size]


out = bytearray(data[:16])
summed = bytearray()


def put(kind, first, rows, sections):
    entries = b"".join(struct.pack("<IBBBBQQQQ", f, part, enc, 0, 0, len(p), len(p), xxh64(p), 0) for f, part, enc, p in sections)
    padded = b"".join(p + bytes(-len(p) % 8) for _, _, _, p in sections)
    head = struct.pack("<4sIQQIIQ", kind, len(sections), len(entries) + len(padded), first, rows, 0, xxh64(entries))
    head += struct.pack("<Q", xxh64(head))
    out.extend(head + entries + padded)
    summed.extend(head + entries)


at, places, field = 16, [], None
while True:
    kind, n, body, first, rows = struct.unpack_from("<4sIQQI", data, at)
    table, base, sections = at + 48, at + 48 + 40 * n, []
    for i in range(n):
        f, part, enc, comp, _, stored, plain, _, _ = struct.unpack_from("<IBBBBQQQQ", data, table + 40 * i)
        sections.append([f, part, enc, unpack(data[base:base + stored], plain, comp)])
        base += stored + -stored % 8
    if kind == b"HEAD":
        schema = json.loads(sections[0][3])
        field = next(f for f in schema["fields"] if f["name"] == name and f["class"] == "obs")
        form = {"f64": "<d", "categorical": "<I", "u32": "<I", "i64": "<q", "bool": "<B", "string": ""}[field["type"]]
        size = struct.calcsize(form) * field.get("width", 1)
    if kind == b"ROWS" and value == "no-rows":
        at += 48 + body
        continue
    if kind == b"TAIL" and value == "no-rows":
        sections[0][3] = json.dumps(dict(json.loads(sections[0][3]), rows=0)).encode()
        sections[2][3] = b""
    if kind == b"ROWS":
        places.append((len(out), first, rows))
        if first <= row < first + rows:
            if value == "drop":
                sections = [s for s in sections if s[0] != field["id"]]
            for s in sections:
                if s[0] == field["id"] and value != "chunk":
                    b = bytearray(s[3])
                    struct.pack_into(form, b, (row - first) * size, float(value) if form == "<d" else int(value))
                    s[3] = bytes(b)
    if kind == b"TAIL":
        sections[1][3] = b"".join(struct.pack("<QQQ", *p) for p in places)
    if kind == b"TAIL" and value == "chunk":
        put(b"note", 0, 0, [[1, 0, 0, b"said by the way"]])
    offset = len(out)
    put(kind, first, rows, sections)
    at += 48 + body
    if kind == b"TAIL":
        break
out += struct.pack("<QQ", offset, xxh64(bytes(summed))) + b"PMXEND\r\n"
sys.stdout.buffer.write(out)
