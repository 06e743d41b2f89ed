"""stream_rules.py FILE: variants of a sound stream (as tests/helpers/every_kind writes it) that keep or break one rule of
pmx(5) each, all sums made right. pmx-check and the second reader must accept or refuse each of them, both alike."""
import json
import struct
import subprocess
import sys

from pmx_forge import pack, unpack
from pmx_reader import NONE, Damaged, Stream


data = open(sys.argv[1], "rb").read()
fields = {f["name"]: f for f in Stream(data).header["fields"]}
cases = []


def case(good, **how):
    def add(change):
        chunks = unpack(data)
        change(chunks)
        cases.append((change.__name__, good, pack(chunks, **how)))

    return add


def header(good, change, name):
    chunks = unpack(data)
    h = json.loads(chunks[0][2][0][3])
    change(h, {f["name"]: f for f in h["fields"]})
    chunks[0][2][0][3] = json.dumps(h).encode()
    cases.append((name, good, pack(chunks)))


def section(chunks, name, part, block=1):
    return next(s for s in chunks[block][2] if s[0] == fields[name]["id"] and s[1] == part)


@case(True)
def unchanged(chunks):
    pass


@case(True)
def ancillary_chunk(chunks):
    chunks.insert(2, [b"note", 7, [[1, 9, 0, b"by the way"]]])


@case(False)
def critical_chunk(chunks):
    chunks.insert(2, [b"NOTE", 0, []])


@case(True)
def undeclared_section(chunks):
    chunks[1][2].append([2000, 5, 0, b"x"])


@case(False)
def missing_section(chunks):
    chunks[1][2].remove(section(chunks, "whole", 0))


@case(False)
def section_that_comes_twice(chunks):
    chunks[1][2].append(list(section(chunks, "whole", 0)))


@case(False)
def counts_that_are_plain(chunks):
    section(chunks, "counts", 0)[2] = 0


@case(False)
def indices_that_are_byte8(chunks):
    section(chunks, "counts", 2)[2] = 1


@case(False)
def unknown_encoding(chunks):
    section(chunks, "counts", 2)[2] = 3


@case(False)
def column_beyond_the_last(chunks):
    s = section(chunks, "single", 2)
    s[3] = b"\xfe" + s[3][1:]


@case(False)
def code_without_label(chunks):
    s = section(chunks, "dose", 0)
    s[3] = struct.pack("<I", 3) + s[3][4:]


@case(False)
def truth_of_3(chunks):
    s = section(chunks, "flag", 0)
    s[3] = b"\3" + s[3][1:]


@case(False)
def text_that_is_no_utf8(chunks):
    s = section(chunks, "cell", 0)
    s[3] = b"\xff" + s[3][1:]


@case(False)
def text_longer_than_its_lengths(chunks):
    section(chunks, "cell", 0)[3] += b"x"


@case(False)
def section_one_value_short(chunks):
    s = section(chunks, "wide", 0)
    s[3] = s[3][:-8]


@case(False)
def large_number_too_many(chunks):
    section(chunks, "counts", 0)[3] += bytes(4)


@case(False)
def group_that_comes_again(chunks):
    s = section(chunks, "target", 0, len(chunks) - 2)
    s[3] = struct.pack("<I", 0) * (len(s[3]) // 4)


@case(False)
def block_without_rows(chunks):
    chunks.insert(1, [b"ROWS", 0, []])


@case(False)
def index_of_groups_left_out(chunks):
    chunks[-1][2][2][3] = b""


@case(False)
def rows_miscounted(chunks):
    chunks[-1][2][0][3] = b'{"rows":1}'


@case(False)
def key_that_comes_twice(chunks):
    chunks[0][2][0][3] = b'{"kind":"cells",' + chunks[0][2][0][3][1:]


@case(False)
def column_without_a_name(chunks):
    s = next(s for s in chunks[0][2] if s[0] == fields["gene"]["id"] and s[1] == 1)
    s[3] = struct.pack("<I", NONE) + s[3][4:]


for name, entry in (("reserved_byte", [4]), ("reserved_number", [8])):
    case(False, entry=lambda e, at=entry[0]: [*e[:at], 1, *e[at + 1 :]])(lambda chunks: None)
case(False, head_flags=1)(lambda chunks: None)
case(False, version=2)(lambda chunks: None)
case(False, entry=lambda e: [*e[:6], 2**28 + 1, *e[7:]])(lambda chunks: None)
case(False, entry=lambda e: [*e[:3], 2, *e[4:]])(lambda chunks: None)

header(True, lambda h, f: h.update(more=[1]), "unknown key")
header(True, lambda h, f: h["fields"].append({"id": 900, "class": "graph", "name": "g", "ancillary": True}), "unknown field, ancillary")
header(False, lambda h, f: h["fields"].append({"id": 900, "class": "graph", "name": "g"}), "unknown field, critical")
header(True, lambda h, f: f["X"].update(id=2147483647), "largest id")
header(False, lambda h, f: f["X"].update(id=2147483648), "id too large")
header(False, lambda h, f: f["X"].update(id=f["counts"]["id"]), "id that comes twice")
header(False, lambda h, f: f["wide"].update(width=0), "width 0")
header(False, lambda h, f: f["flag"].update(width=1), "matrix of truth values")
header(False, lambda h, f: f["wide"].pop("width"), "matrix that is a column")
header(False, lambda h, f: f["narrow"].pop("width"), "column of f32")
header(False, lambda h, f: f["dose"]["values"].append(""), "label that comes twice")
header(False, lambda h, f: f["counts"].update(storage="stacked"), "unknown storage")
header(False, lambda h, f: f["X"].update(recipe="guess"), "unknown recipe")
header(False, lambda h, f: f["X"].update(totals="whole"), "totals of i64")
header(False, lambda h, f: f["X"].update(totals="wide"), "totals that are a matrix")
header(False, lambda h, f: f["X"].update(source="near_X"), "recipe of a recipe")
header(False, lambda h, f: f["X"].update(target_sum=0), "target_sum 0")
header(False, lambda h, f: f["near_X"].update(source="nowhere"), "source that is not there")
header(False, lambda h, f: f["near_X"].update(neighbours="wide"), "neighbours of f64")
header(False, lambda h, f: f["split_X"].update(control="nobody"), "controls without a label")
header(False, lambda h, f: h.pop("order"), "signature without a promise")
header(False, lambda h, f: h["order"].update(first="STAT1"), "another group promised first")
header(False, lambda h, f: h.update(kind="things"), "unknown kind")
header(False, lambda h, f: h.update(row_names="target"), "names of rows that are labels")


def theirs(stream):
    r = subprocess.run(["pmx-check", "-q"], input=stream, capture_output=True)
    assert r.returncode in (0, 1) and (r.returncode == 0) == (r.stderr == b""), r
    return r.returncode == 0


def ours(stream):
    try:
        s = Stream(stream)
        for kind in ("var", "obs"):
            for name in s.names(kind):
                s.column(kind, name)
        for name in s.names("layer"):
            s.layer(name)
        return True
    except (Damaged, KeyError, UnicodeDecodeError, ValueError):
        return False


wrong = [(i, name, good, theirs(stream), ours(stream)) for i, (name, good, stream) in enumerate(cases)]
wrong = [w for w in wrong if w[2:4] != (w[2], w[2]) or w[4] != w[2]]
for w in wrong:
    print("case %d, %s: must be %s; pmx-check %s, second reader %s" % w)
print(len(cases), "variants")
sys.exit(bool(wrong))
