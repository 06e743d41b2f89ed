"""nextflow.py MODULE FOLDER BLOCK [NAME=VALUE ...]: the script or stub block of a module's main.nf as bash, its values put in place.

No Nextflow runs here: what a module says is read off its text. Values are those of inputs and of task.*; a value that is not given,
or given and not known to the module, ends with status 1. BLOCK may also be "outputs" (the patterns of path outputs), "evals"
(the commands whose output is a version) or "names" (emitted names, then inputs), which are compared with meta.yml's."""
import re, sys

with open(sys.argv[1]) as f:
    text = re.sub(r"^\s*//.*\n", "", f.read(), flags=re.M)
block, given = sys.argv[2], dict(word.split("=", 1) for word in sys.argv[3:])
used = set()


def section(name):
    after = re.split(rf"^    {name}:\n", text, flags=re.M)
    if len(after) != 2:
        sys.exit(f"there is not one section {name}:")
    return re.split(r"^    \w+:\n|^}", after[1], flags=re.M)[0]


def value(expression, names):
    """Of ${expression}: a name, or a path of names from one that is given."""
    expression = expression.strip()
    if expression in names:
        return names[expression]
    if expression not in given:
        sys.exit(f"{block}: no value for {expression}")
    used.add(expression)
    return given[expression]


def fill(s, names):
    s = re.sub(r"(?<!\\)\$\{([^}]*)\}", lambda m: value(m[1], names), s)
    s = re.sub(r"(?<!\\)\$([a-z_][\w.]*)", lambda m: value(m[1], names), s)
    return re.sub(r"\\(.)", r"\1", s)


def literal(s, names):
    s = s.strip()
    if s[0] != s[-1] or s[0] not in "'\"":
        sys.exit(f"{block}: no text: {s}")
    return s[1:-1] if s[0] == "'" else fill(s[1:-1], names)


def script(body):
    head, code = re.match(r'(.*?)^    """\n(.*?)^    """$', body, flags=re.M | re.S).groups()
    names = {}
    for line in filter(str.strip, head.split("\n")):
        name, right = re.fullmatch(r"    def (\w+)\s*= (.*?)(?:\s+// .*)?", line).groups()
        elvis, choice = re.fullmatch(r"([\w.]+)\s*\?: (.*)", right), re.fullmatch(r"([\w.]+) \? (.*) : (.*)", right)
        key = (elvis or choice)[1]
        used.add(key)
        if elvis:
            otherwise = literal(elvis[2], names)
            names[name] = given.get(key) or otherwise
        else:
            names[name] = literal(choice[2 if given.get(key) else 3], names)
    return fill(code, names)


if block in ("script", "stub"):
    out = script(section(block))
    unknown = set(given) - used
    if block == "script" and unknown:
        sys.exit(f"not used by the module: {', '.join(sorted(unknown))}")
    print(re.sub(r"^    ", "", out, flags=re.M), end="")
elif block == "outputs":
    print(*re.findall(r'path\("([^"]*)"\)', section("output")), sep="\n")
elif block == "evals":
    print(*re.findall(r'eval\("([^"]*)"\)', section("output")), sep="\n")
elif block == "names":
    print(*re.findall(r"emit: (\w+)", section("output")), sep="\n")
    print(*re.findall(r"\b(?:val|path)[ (](\w+)", section("input")), sep="\n")
