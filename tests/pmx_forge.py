"""Streams taken apart and put together again, all sums made right: for tests of what is wrong although they fit."""
import struct

import xxhash

from pmx_reader import END, MAGIC, Stream


def total(data):
    return xxhash.xxh64(data).intdigest()


def unpack(data):
    """[type, rows, [[field, part, encoding, plain bytes], ...]] for each chunk."""
    return [[c.type, c.n_rows, [[s.field, s.part, s.encoding, s.plain(s.encoding)] for s in c.section.values()]] for c in Stream(data).chunks]


def pack(chunks, entry=lambda e: e, head_flags=0, version=1):
    out, digest, index, row = bytearray(MAGIC + struct.pack("<II", version, 0)), xxhash.xxh64(), b"", 0
    for kind, n_rows, sections in chunks:
        if kind == b"TAIL":
            sections = [[*s[:3], index] if s[0] == 1 and s[3] is not None else s for s in sections]
        table = b"".join(struct.pack("<IBBBBQQQQ", *entry([f, part, enc, 0, 0, len(p), len(p), total(p), 0])) for f, part, enc, p in sections)
        body = table + b"".join(p + bytes(-len(p) % 8) for *_, p in sections)
        first = 0 if kind == b"HEAD" else row
        head = struct.pack("<4sIQQIIQ", kind, len(sections), len(body), first, n_rows, head_flags, total(table))
        head += struct.pack("<Q", total(head))
        if kind == b"ROWS":
            index += struct.pack("<QQQ", len(out), row, n_rows)
            row += n_rows
        if kind == b"TAIL":
            end = struct.pack("<Q", len(out))
        digest.update(head + table)
        out += head + body
    return bytes(out + end + struct.pack("<Q", digest.intdigest()) + END)
