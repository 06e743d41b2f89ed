"""What the laws need of a tool: its declaration, the calls that its examples show, a run of such a call, and the map of a stream."""
import json, os, resource, shlex, shutil, struct, subprocess, sys, tempfile

repo = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
built = os.environ.get("BUILD", os.path.join(repo, "build"))
bin_folder = os.path.join(built, "bin")
OUT = "law-output"
# Files of the fixture that only these tools make.
made_by = {name: "simulate-signatures" for name in ("cells.pmx", "targets.pmx", "reference.pmx", "pairs.tsv", "truth.tsv", "ranked.tsv")}
made_by.update({"ref.pmx": "reference-build", "model.safetensors": "embed-train", "split.tsv": "embed-train"})

names = sorted(f[:-2] for f in os.listdir(os.path.join(repo, "tools")) if f.endswith(".c") and f != "TEMPLATE.c")
if os.environ.get("TOOL"):
    names = os.environ["TOOL"].split()


class Tool:
    def __init__(self, name):
        self.name = name
        self.json = json.loads(subprocess.run([self.path, "--emit", "json"], capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout)
        self.options = {o["name"]: o for o in self.json["options"]}
        self.letters = {o["letter"]: o for o in self.json["options"] if o.get("letter")}
        self.reads = self.json["reads"]
        # The kind of stream written; None for text and other files.
        self.writes = self.json["writes"] if self.json["writes"] in ("cells", "contrasts", "signatures", "embedding", "sums", "same") else None
        self.examples = self.json["examples"]

    @property
    def path(self):
        return os.path.join(bin_folder, self.name)

    def calls(self):
        found = []
        for example in self.examples:
            for words in segments(example):
                if words[0] == self.name:
                    call = Call(self, words[1:], example)
                    if all(call.words != other.words for other in found):
                        found.append(call)
        return found


def segments(line):
    """The simple commands of a shell line, as words; what follows > is left out."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words, skip = [], False
    for token in lexer:
        if set(token) <= set("|&;()<>"):
            if token not in (">", "<", ">>"):
                if words:
                    yield words
                words = []
            skip = token in (">", "<", ">>")
        elif skip:
            skip = False
        else:
            words.append(token)
    if words:
        yield words


class Call:
    """One command of an example, its output option taken out."""

    def __init__(self, tool, words, example):
        self.tool, self.words, self.example = tool, words, example
        self.given, self.arguments, self.files, self.to_file = [], [], [], False
        words = list(words)
        while words:
            word = words.pop(0)
            if word == "-" or not word.startswith("-"):
                self.arguments.append(word)
                continue
            name, _, value = word.partition("=")
            option = tool.options.get(name[2:]) if name.startswith("--") else tool.letters.get(name[1])
            if option is None and name.startswith("--no-"):
                option = tool.options.get(name[5:])
            if option is None:
                raise SystemExit(f"{tool.name}: example with unknown option {word}: {example}")
            takes = option["type"] not in ("flag", "switch")
            if takes and "=" not in word:
                value = words.pop(0)
            if option["name"] == "output":
                self.to_file = True
                continue
            self.given += [word, value] if takes and "=" not in word else [word]
            if takes and "FILE" in option.get("metavar", "") :
                self.files.append(value.partition("=")[2] or value)

    def stream_arguments(self):
        return self.arguments if self.tool.reads else []

    def missing(self, folder):
        """Files named that are not there; tools read streams from their arguments."""
        named = self.arguments[1:] if (self.tool.json["args"] or "").startswith("COMMAND") else self.arguments
        return [f for f in self.files + named if f != "-" and not os.path.exists(os.path.join(folder, f))]


def run(tool, words, folder, **how):
    how.setdefault("stdin", subprocess.DEVNULL)
    if "input" in how:
        del how["stdin"]
    how.setdefault("stdout", subprocess.PIPE)
    how.setdefault("stderr", subprocess.PIPE)
    return subprocess.run([tool.path] + words, cwd=folder, timeout=300, **how)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def content(path):
    """The bytes of a file, or of all files of a folder."""
    if os.path.isdir(path):
        return b"".join(name.encode() + b"\0" + content(os.path.join(path, name)) for name in sorted(os.listdir(path)))
    with open(path, "rb") as f:
        return f.read()


def result(call, folder, words, **how):
    """Status, data and stderr of a call: with -o where its example has that, else from stdout."""
    out = os.path.join(folder, OUT)
    remove(out)
    r = run(call.tool, words + (["-o", OUT] if call.to_file else []), folder, **how)
    data = r.stdout
    if call.to_file:
        data = content(out) if os.path.exists(out) else b""
    remove(out)
    return r.returncode, data, r.stderr.decode(errors="replace")


class Bench:
    """A fixture, and a folder of its own for each tool with what its examples leave behind."""

    def __init__(self, *variant):
        self.root = tempfile.mkdtemp(prefix="laws-", dir=os.environ.get("BATS_TEST_TMPDIR"))
        self.files = os.path.join(self.root, "files")
        subprocess.run([os.path.join(repo, "tests/laws/fixture"), self.files, *variant], check=True, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, BUILD=built, PATH=bin_folder + ":" + os.environ["PATH"]))
        self.ready = {}

    def copy(self, name):
        folder = os.path.join(self.root, name)
        shutil.copytree(self.files, folder)
        return folder

    def folder(self, call):
        """Where the call can run; None where another tool that is not built must make its files."""
        tool = call.tool
        if tool.name not in self.ready:
            self.ready[tool.name] = self.copy(tool.name)
        folder = self.ready[tool.name]
        missing = call.missing(folder)
        if not missing:
            return folder
        if waits_for(missing):
            return None
        scratch = self.copy("scratch")
        shell(call.example, scratch)
        for name in os.listdir(scratch):
            if not os.path.exists(os.path.join(folder, name)):
                shutil.move(os.path.join(scratch, name), os.path.join(folder, name))
        shutil.rmtree(scratch)
        return None if call.missing(folder) else folder


def waits_for(files):
    """The tool that would make one of these files and is not built yet."""
    for f in files:
        if f in made_by and made_by[f] not in names and not os.path.exists(os.path.join(bin_folder, made_by[f])):
            return made_by[f]
    return None


def shell(line, folder):
    return subprocess.run(["bash", "-c", "set -eo pipefail\n" + line], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
                          env=dict(os.environ, PATH=bin_folder + ":" + os.environ["PATH"]))


def marks(data):
    """(name, offset, length) of the magic, each chunk head, section table and section of a stream, and its end: man 5 pmx."""
    found, at = [("magic", 0, 16)], 16
    while data[at:at + 4] != b"" and at + 48 <= len(data):
        kind, n, body, _, _ = struct.unpack_from("<4sIQQI", data, at)
        found.append((f"{kind.decode()} head", at, 48))
        if n:
            found.append((f"{kind.decode()} table", at + 48, 40 * n))
        section = at + 48 + 40 * n
        for i in range(n):
            stored, = struct.unpack_from("<Q", data, at + 48 + 40 * i + 8)
            if stored:
                found.append((f"{kind.decode()} section {i}", section, stored))
            section += stored + -stored % 8
        at += 48 + body
        if kind == b"TAIL":
            break
    found.append(("end", at, len(data) - at))
    assert at + 24 == len(data), "the stream is not laid out as expected"
    return found


def file_limit():
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


class Faults:
    """Counts what was held against a law and what broke it."""

    def __init__(self):
        self.held, self.faults, self.left_out = 0, [], []

    def want(self, true, text):
        if true:
            self.held += 1
        else:
            self.faults.append(text)

    def skip(self, text):
        self.left_out.append(text)

    def end(self):
        for text in self.left_out:
            print("left out:", text)
        for text in self.faults[:60]:
            print(text)
        print(f"{self.held} held, {len(self.faults)} did not")
        sys.exit(bool(self.faults) or not self.held)
