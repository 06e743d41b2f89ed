"""compare_stream.py FILE...: everything that the second reader sees in a stream against pmx-view, pmx-info and pmx-check.

Stored values must be the same, computed ones as near as two libraries' log1p and expm1 are. Prints what was compared."""
import csv
import json
import math
import subprocess
import sys

from pmx_reader import NONE, Stream


def view(path, *options):
    out = subprocess.run(["pmx-view", *options, path], check=True, capture_output=True).stdout.decode("utf-8")
    table = list(csv.reader(out.split("\n")[:-1], delimiter="\t"))
    return table[0], table[1:]


def shown(f, value):
    """A value as pmx-view shows it, or a number to compare with."""
    if value is None:
        return "NA"
    if f["type"] == "bool":
        return "True" if value else "False"
    if f["type"] == "i64":
        return str(value)
    return value


def same(f, theirs, ours, near=0.0):
    ours = shown(f, ours)
    if isinstance(ours, str):
        return theirs == ours
    if theirs == "NA":
        return False
    other = float(theirs)
    if math.isnan(other) or math.isnan(ours):
        return math.isnan(other) and math.isnan(ours)
    if f["type"] == "f32" and f.get("storage") != "recipe" and not math.isinf(ours):
        return abs(other - ours) <= 6e-8 * abs(ours)
    return other == ours or abs(other - ours) <= near * max(1.0, abs(other))


def values_of(s, kind, name):
    f = s.field(kind, name)
    return f, s.labels(kind, name) if f["type"] == "categorical" else s.column(kind, name)


def columns(s, path, kind, options):
    """Every field of the class, matrices as several columns."""
    n = 0
    for name in s.names(kind):
        f, values = values_of(s, kind, name)
        wide = "width" in f
        head, rows = view(path, *options(name, wide))
        if kind == "var":
            at = [i for i, h in enumerate(head) if h == name or (wide and h.rsplit("_", 1)[0] == name)]
        else:
            at = list(range(len(head)))[1:] if wide or len(head) > 1 else [0]
        assert len(rows) == len(values), (path, name, len(rows), len(values))
        assert len(at) == f.get("width", 1), (path, name, head, at)
        for r, (row, value) in enumerate(zip(rows, values)):
            for i, v in zip(at, value if wide else [value]):
                if wide and f["type"] == "u32" and v == NONE:
                    assert row[i] == "NA", (path, name, r, row[i])
                else:
                    assert same(f, row[i], v), (path, kind, name, r, row[i], v)
                n += 1
    return n


def compare(path):
    s = Stream(open(path, "rb").read())
    n = columns(s, path, "obs", lambda name, wide: ["--obsm", name] if wide else ["--columns", name])
    n += columns(s, path, "var", lambda name, wide: ["--var"])
    for name in s.names("layer"):
        f, ours = s.field("layer", name), s.layer(name)
        head, rows = view(path, "--layer", name)
        assert head[1:] == s.column("var", s.header["column_names"]), (path, name, "names")
        assert len(rows) == len(ours)
        for r, (row, values) in enumerate(zip(rows, ours)):
            assert len(row) == len(values) + 1
            for j, v in enumerate(values):
                assert same(f, row[j + 1], v, 4e-15 if f["storage"] == "recipe" else 0.0), (path, name, r, j, row[j + 1], v)
                n += 1
    info = json.loads(subprocess.run(["pmx-info", "--json", path], check=True, capture_output=True).stdout)
    assert info["rows"] == s.n_rows and int(info["digest"], 16) == s.digest.intdigest(), (path, info["rows"], info["digest"])
    print(f"{path}: {s.n_rows} x {s.m}, {len(s.blocks)} blocks, {len(s.fields)} fields, {n} values")


for path in sys.argv[1:]:
    compare(path)
