"""law.py NAME: one law, held against every tool (or those in $TOOL). Ends with status 1 where a tool breaks it."""
import os, pty, re, select, signal, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from tool import Bench, Faults, OUT, Tool, bin_folder, content, file_limit, marks, names, remove, repo, result, run, segments, shell, waits_for

faults = Faults()
tools = [Tool(name) for name in names]


def shown(call, extra=""):
    return f"{call.tool.name} {' '.join(call.given + call.arguments)}{' ' + extra if extra else ''}"


def each_call(bench, stream=False, output=False):
    """The calls that can run, with their folder; a tool without any is a fault."""
    for tool in tools:
        if stream and not tool.reads or output and "output" not in tool.options or tool.name == "pertpipe":
            continue
        n = waiting = 0
        for call in tool.calls():
            if stream and not (call.arguments and all(a.endswith(".pmx") for a in call.stream_arguments())):
                continue
            if tool.json["min_args"] > len(call.arguments):
                continue
            if tool.reads and tool.json["args"] == "[FILE]" and not call.arguments or "-" in call.arguments:
                continue
            folder = bench.folder(call)
            if folder is None:
                waiting += 1
                continue
            n += 1
            yield call, folder
        if not n:
            if waiting and waits_for(f for c in tool.calls() for f in c.files + c.arguments):
                faults.skip(f"{tool.name} (its files come from a tool that is not built)")
            else:
                faults.want(False, f"{tool.name}: no example calls it with {'a stream' if stream else 'the files'} of the folder")


def once(calls):
    """The first call of each tool."""
    seen = set()
    for call, folder in calls:
        if call.tool.name not in seen:
            seen.add(call.tool.name)
            yield call, folder


def named(data, call):
    """A text may name its input."""
    return data.replace(b"standard input", call.arguments[0].encode()) if call.tool.writes is None else data


def pipe():
    """A file, a file as stdin, a pipe and "-" give the same bytes; -o the same as stdout."""
    for call, folder in each_call(Bench(), stream=True):
        given, rest = call.given, call.arguments[1:]
        stream = content(os.path.join(folder, call.arguments[0]))
        status, data, err = result(call, folder, given + call.arguments)
        faults.want(status == 0, f"{shown(call)}: status {status}: {err}")
        ways = {"-": dict(input=stream), "< file": dict(stdin=open(os.path.join(folder, call.arguments[0]), "rb"))}
        for way, how in ways.items():
            words = given + (["-"] + rest if way == "-" or rest or call.tool.json["min_args"] else [])
            status, other, err = result(call, folder, words, **how)
            if call.tool.json["max_args"] < 0 and other != data:
                # Streams put together: what a pipe cannot promise (that no group comes again) is left out, the rows are the same.
                with open(os.path.join(folder, "whole.pmx"), "wb") as f:
                    f.write(data)
                r = subprocess.run([os.path.join(bin_folder, "pmx-diff"), "whole.pmx", "-"], cwd=folder, input=other, capture_output=True)
                faults.want(status == 0 and r.returncode == 0, f"{shown(call, way)}: status {status}, other rows {r.stdout} {r.stderr}")
                continue
            faults.want(status == 0 and named(other, call) == named(data, call), f"{shown(call, way)}: status {status}, another result than from the file {err}")
        if call.tool.writes:
            call.to_file = not call.to_file
            status, other, err = result(call, folder, given + call.arguments)
            faults.want(status == 0 and other == data, f"{shown(call)}: stdout and -o differ {err}")


def threads():
    """1, 2 and 8 threads give the same bytes; so do -v and a progress bar."""
    for call, folder in each_call(Bench()):
        options = call.tool.options
        ways = [["-t", n] for n in "128"] if "threads" in options else []
        ways += [["-v", "--progress", "always"]] if "progress" in options else []
        status, data, err = result(call, folder, call.given + call.arguments)
        for way in ways:
            status, other, err = result(call, folder, way + call.given + call.arguments)
            faults.want(status == 0 and other == data, f"{shown(call, ' '.join(way))}: status {status}, another result {err}")


def same_stream(a, b, *options):
    return subprocess.run([os.path.join(bin_folder, "pmx-diff"), *options, a, b], capture_output=True, text=True)


def against(variant, exact, *options):
    """The results on two fixtures are the same streams, or (exact) the same texts."""
    base, other = Bench(), Bench(*variant)
    for call, folder in each_call(base, stream=True):
        if call.tool.writes is None and not exact or call.tool.name in ("pmx-diff",):
            continue
        there = other.folder(call)
        if call.tool.writes is None:
            a, b = (result(call, f, call.given + call.arguments) for f in (folder, there))
            # How many blocks there are is said by those that describe a file.
            a, b = ((status, re.sub(rb"\bblocks: \d+|\b\d+ blocks?\b|digest:? [0-9a-f]{16}", b"", text)) for status, text, _ in (a, b))
            faults.want(a[0] == b[0] == 0 and a[1] == b[1], f"{shown(call)}: {variant} gives another text")
            continue
        if "--tsv" in call.given:
            continue
        ends = [run(call.tool, call.given + call.arguments + ["-o", OUT], f) for f in (folder, there)]
        r = same_stream(os.path.join(folder, OUT), os.path.join(there, OUT), *options)
        faults.want(not any(e.returncode for e in ends) and r.returncode == 0,
                    f"{shown(call)}: {variant} gives another stream: {r.stdout}{r.stderr}{ends[1].stderr.decode()}")


def blocks():
    """Streams in blocks of 1 and of 7 rows give the same results."""
    for rows in "1", "7":
        against([rows], True)


def order():
    """The same cells and genes in another order give the same results, once sorted: to rounding, as sums run in another order."""
    against(["0", "mixed"], False, "--by-name", "--tolerance", "1e-9", "--ignore-columns", "true_mean")


def refused(call, folder, what, words, **how):
    """Status 1, a message that names the tool, nothing left of the output."""
    out = os.path.join(folder, OUT)
    before = set(os.listdir(folder))
    words = words + (["-o", OUT] if "output" in call.tool.options else [])
    r = run(call.tool, words, folder, **how)
    left = set(os.listdir(folder)) - before
    err = r.stderr.decode(errors="replace")
    faults.want(r.returncode == 1 and err.startswith(call.tool.name + ": ") and not left,
                f"{shown(call, what)}: status {r.returncode}, left {sorted(left)}, says: {err[:300]}")
    for name in left:
        remove(os.path.join(folder, name))


def cut():
    """Cut anywhere (each chunk, table and section, their middles), of no bytes, or foreign: refused, as a file and in a pipe."""
    bench = Bench()
    for call, folder in once(each_call(bench, stream=True)):
        for place, argument in enumerate(call.arguments):
            data = content(os.path.join(folder, argument))
            cuts = sorted({p for _, at, n in marks(data) for p in (at, at + n // 2)} | {len(data) - 1})
            if place:
                cuts = cuts[::5]
            foreign = {"empty": b"", "text": b"hello, this is no stream\n", "gzip": b"\x1f\x8b\x08" + bytes(60), "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(600),
                       "text mode": data[:16].replace(b"\r\n", b"\n") + data[16:]}
            tries = [(f"cut at {p} of {len(data)}", data[:p]) for p in cuts] + list(foreign.items())
            for i, (what, bad) in enumerate(tries):
                if i % 2 and place == 0:
                    refused(call, folder, what + " (pipe)", call.given + ["-"] + call.arguments[1:], input=bad)
                else:
                    with open(os.path.join(folder, "bad.pmx"), "wb") as f:
                        f.write(bad)
                    refused(call, folder, what, call.given + call.arguments[:place] + ["bad.pmx"] + call.arguments[place + 1:])
        # A stream that an option names.
        for option in call.files:
            if not option.endswith(".pmx"):
                continue
            data = content(os.path.join(folder, option))
            for what, bad in (("cut", data[:len(data) // 2]), ("empty", b""), ("text", b"hello\n")):
                with open(os.path.join(folder, "bad.pmx"), "wb") as f:
                    f.write(bad)
                given = [w.replace(option, "bad.pmx") for w in call.given]
                refused(call, folder, f"{option} {what}", given + call.arguments)


def no_rows():
    """A sound stream without rows: either done, or status 1 with a message and nothing left."""
    bench = Bench()
    patch = os.path.join(repo, "tests/tools/patch_pmx.py")
    for call, folder in each_call(bench, stream=True):
        names_rows = "contrast" if call.arguments[0] == "markers.pmx" else "cell"
        r = subprocess.run([sys.executable, patch, call.arguments[0], names_rows, "0", "no-rows"], cwd=folder, capture_output=True)
        with open(os.path.join(folder, "bad.pmx"), "wb") as f:
            f.write(r.stdout)
        words = call.given + ["bad.pmx"] + call.arguments[1:]
        status, data, err = result(call, folder, words)
        if call.tool.name == "pmx-diff":
            faults.want(status == 1 and b"rows" in data, f"{shown(call)}: one without rows: status {status}: {data}")
        elif status:
            refused(call, folder, "without rows", words)
        elif call.tool.writes and "--tsv" not in call.given:
            r = subprocess.run([os.path.join(bin_folder, "pmx-check"), "-q"], input=data, capture_output=True)
            faults.want(r.returncode == 0, f"{shown(call)} without rows: {r.stderr}")
        else:
            faults.want(status == 0, f"{shown(call)} without rows: {err}")


def flip():
    """
    A bit turned over in any head, table or section is refused, or not looked at and passed on as it is: never a result
    that is another one, never a stream whose sums were made right again.
    """
    bench = Bench()
    for call, folder in once(each_call(bench, stream=True)):
        data = content(os.path.join(folder, call.arguments[0]))
        _, good, _ = result(call, folder, call.given + call.arguments)
        for what, at, n in marks(data):
            for place in {at, at + n // 2, at + n - 1}:
                bad = bytearray(data)
                bad[place] ^= 1 << place % 8
                with open(os.path.join(folder, "bad.pmx"), "wb") as f:
                    f.write(bad)
                status, out, err = result(call, folder, call.given + ["bad.pmx"] + call.arguments[1:])
                if status == 0 and call.tool.writes and out != good:
                    status = subprocess.run([os.path.join(bin_folder, "pmx-check"), "-q"], input=out, capture_output=True).returncode
                    faults.want(status == 1, f"{shown(call)}: a bit in the {what} (byte {place}) gave another stream that is sound")
                elif status == 0 and call.tool.name == "pmx-info" and what == "end" and 8 <= place - at < 16:
                    # The digest that the stream claims is shown; whether it holds says pmx-check.
                    faults.want(len(out) == len(good), f"{shown(call)}: {out}")
                elif status == 0:
                    faults.want(out.replace(b"bad.pmx", call.arguments[0].encode()) == good, f"{shown(call)}: a bit in the {what} (byte {place}) gave another result")
                else:
                    faults.want(status == 1 and err.startswith(call.tool.name + ": "), f"{shown(call)}: a bit in the {what} (byte {place}): status {status}: {err[:300]}")


def full_disk():
    """No room: status 1 with a message, on stdout and with -o, and no file."""
    bench = Bench()
    for call, folder in each_call(bench):
        tool = call.tool
        _, data, _ = result(call, folder, call.given + call.arguments)
        if not data:
            continue
        if not call.to_file or tool.writes:
            with open("/dev/full", "wb") as full:
                r = run(tool, call.given + call.arguments, folder, stdout=full)
            faults.want(r.returncode == 1 and r.stderr.startswith(tool.name.encode() + b": "), f"{shown(call, '> /dev/full')}: status {r.returncode}: {r.stderr[:300]}")
        if "output" in tool.options:
            refused(call, folder, "without room", call.given + call.arguments, preexec_fn=file_limit)
    for tool in tools:
        for words in ["--help"], ["--version"], ["--emit", "man"], ["--emit", "json"]:
            with open("/dev/full", "wb") as full:
                r = run(tool, words, "/", stdout=full)
            faults.want(r.returncode == 1, f"{tool.name} {words[0]} > /dev/full: status {r.returncode}")


def terminal():
    """No binary stream goes to a terminal, and none is waited for from one: status 2."""
    bench = Bench()
    for call, folder in once(each_call(bench)):
        ours, theirs = pty.openpty()
        if call.tool.writes and not call.tool.json["writes_text"] or call.tool.name == "pmx-export":
            r = run(call.tool, call.given + call.arguments, folder, stdout=theirs)
            seen = os.read(ours, 1000) if select.select([ours], [], [], 0)[0] else b""
            faults.want(r.returncode == 2 and b"give -o FILE" in r.stderr and not seen, f"{shown(call)} to a terminal: status {r.returncode}: {r.stderr[:300]}")
        if call.tool.reads and call.tool.json["args"] == "[FILE]":
            r = run(call.tool, call.given + (["-o", OUT] if "output" in call.tool.options else []), folder, stdin=theirs)
            faults.want(r.returncode == 2 and b"no input" in r.stderr, f"{call.tool.name} from a terminal: status {r.returncode}: {r.stderr[:300]}")
        os.close(ours)
        os.close(theirs)


def cut_pipe():
    """A reader that has gone ends the process by SIGPIPE, without a word."""
    bench = Bench()
    for call, folder in each_call(bench):
        if call.to_file and not call.tool.writes or not result(call, folder, call.given + call.arguments)[1]:
            continue
        quiet = [] if call.tool.writes is None else ["-q"]
        reader, writer = os.pipe()
        os.close(reader)
        r = run(call.tool, quiet + call.given + call.arguments, folder, stdout=writer)
        os.close(writer)
        faults.want(r.returncode == -signal.SIGPIPE and not r.stderr, f"{shown(call)} | true: status {r.returncode}: {r.stderr[:300]}")


def killed(call, folder, how):
    """Half of the input has come when the process is killed: the file of before is there, as it was."""
    out = os.path.join(folder, OUT)
    with open(out, "w") as f:
        f.write("as it was")
    before = set(os.listdir(folder))
    data = content(os.path.join(folder, call.arguments[0]))
    words = call.given + (["-"] + call.arguments[1:] if call.tool.json["min_args"] else []) + (["-o", OUT] if "output" in call.tool.options else [])
    p = subprocess.Popen([call.tool.path] + words, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        p.stdin.write(data[:len(data) * 3 // 4])
        p.stdin.flush()
    except BrokenPipeError:
        pass
    for _ in range(10):
        if set(os.listdir(folder)) != before:
            break
        time.sleep(0.02)
    os.kill(p.pid, how)
    status = p.wait()
    err = p.stderr.read()
    try:
        p.stdin.close()
    except BrokenPipeError:
        pass
    p.stderr.close()
    left = set(os.listdir(folder)) - before
    whole = content(out) == b"as it was"
    # What cannot be caught leaves its temporary file, under another name.
    faults.want(status == -how and whole and (how == signal.SIGKILL or not left),
                f"{shown(call)}: killed by {how}: status {status}, the file {'is as it was' if whole else 'has changed'}, left {sorted(left)} {err[:300]}")
    for name in left:
        remove(os.path.join(folder, name))
    remove(out)


def whole():
    """A file appears whole or not at all, also after SIGTERM and kill -9 in the middle, and over its own input."""
    bench = Bench()
    calls = [(call, folder) for call, folder in once(each_call(bench, stream=True, output=True))]

    def both(pair):
        for how in signal.SIGTERM, signal.SIGKILL:
            killed(*pair, how)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(both, calls))
    for call, folder in calls:
        if call.tool.writes is None:
            continue
        call.to_file = True
        _, data, _ = result(call, folder, call.given + call.arguments)
        r = run(call.tool, call.given + call.arguments + ["-o", call.arguments[0]], folder)
        faults.want(r.returncode == 0 and content(os.path.join(folder, call.arguments[0])) == data, f"{shown(call)} over its input: status {r.returncode} {r.stderr[:300]}")
    # Tools that read no stream, on a long way.
    for tool in tools:
        if tool.reads or not tool.writes or "cells" not in tool.options:
            continue
        folder = bench.copy(tool.name + "-long")
        p = subprocess.Popen([tool.path, "--cells", "100000000", "-o", OUT], cwd=folder, stderr=subprocess.PIPE)
        time.sleep(0.3)
        p.terminate()
        faults.want(p.wait() == -signal.SIGTERM and OUT not in " ".join(os.listdir(folder)), f"{tool.name} killed: left {os.listdir(folder)}")
        p.stderr.close()


def wrong_options():
    """What is not an option, a value out of its range or choices, a missing value, one argument too many: status 2, nothing on stdout."""
    for tool in tools:
        tries = [["--no-such-option"], ["--no-such-option=3"], ["-?"]]
        for name, option in tool.options.items():
            kind = option["type"]
            if kind in ("int", "real"):
                tries += [[f"--{name}=x"], [f"--{name}="], [f"--{name}=nan"], [f"--{name}={option['max'] * 2 + 1:.17g}"], [f"--{name}={option['min'] - 1:.17g}"]]
            elif kind == "choice":
                tries += [[f"--{name}=no-such-choice"], [f"--{name}="]]
            elif kind == "size":
                tries += [[f"--{name}=-1"], [f"--{name}=much"]]
            if kind in ("flag", "switch"):
                tries += [[f"--{name}=yes"]]
            else:
                tries += [[f"--{name}"]]
        if 0 <= tool.json["max_args"] and tool.name != "pertpipe":
            tries += [["x"] * (tool.json["max_args"] + 1)]
        for words in tries:
            r = run(tool, words, "/")
            faults.want(r.returncode == 2 and not r.stdout and r.stderr.startswith(tool.name.encode() + b": ") and tool.name.encode() + b" --help" in r.stderr,
                        f"{tool.name} {' '.join(words)[:80]}: status {r.returncode}: {r.stderr[:300]}")
        r = run(tool, ["--quiet=yes"], "/")
        faults.want(b"--quiet takes no value" in r.stderr, f"{tool.name} --quiet=yes: {r.stderr[:300]}")
        # Named as it was written, also behind an argument (which pertpipe takes for a tool).
        for words in [["--no-such-option"], ["-q?"]] + ([["x", "--no-such-option"], ["x", "-?", "x"]] if tool.name != "pertpipe" else []):
            said = "unknown option --no-such-option" if "--no-such-option" in words else "unknown option -?"
            r = run(tool, words, "/")
            faults.want(said.encode() in r.stderr and r.returncode == 2, f"{tool.name} {' '.join(words)}: {r.stderr[:300]}")


def help_and_version():
    """--help is on stdout alone, fits a screen and names every option; --version is NAME X.Y.Z."""
    for tool in tools:
        r = run(tool, ["--help"], "/")
        lines = r.stdout.decode().splitlines()
        faults.want(r.returncode == 0 and r.stdout and not r.stderr, f"{tool.name} --help: status {r.returncode}: {r.stderr[:300]}")
        faults.want(lines[0] == f"{tool.name} - {tool.json['summary']}", f"{tool.name} --help begins with: {lines[0]}")
        if tool.name != "pertpipe":
            faults.want(len(lines) <= 45, f"{tool.name} --help has {len(lines)} lines")
        for line in lines:
            # An example may be longer: it is there to be copied.
            faults.want(len(line) <= 100 or any(e in line for e in tool.examples), f"{tool.name} --help has a line of {len(line)}: {line}")
        for name, option in tool.options.items():
            letter = option.get("letter")
            spelled = rf"--(\[no-\])?{name}\b" + (rf"|\s-{letter}\b" if letter else "")
            faults.want(re.search(spelled, r.stdout.decode()), f"{tool.name} --help does not name --{name}")
        r = run(tool, ["--version"], "/")
        faults.want(r.returncode == 0 and re.fullmatch(rf"{tool.name} \d+\.\d+\.\d+\n", r.stdout.decode()) and not r.stderr, f"{tool.name} --version: {r.stdout} {r.stderr}")


def pages():
    """The page that is kept is the page of the declaration, and has every option."""
    for tool in tools:
        page = run(tool, ["--emit", "man"], "/").stdout
        kept = os.path.join(repo, "man/man1", tool.name + ".1")
        faults.want(os.path.exists(kept) and content(kept) == page, f"{kept}: not what {tool.name} --emit man says; make man")
        for name in tool.options:
            faults.want(re.search(rf"Fl \\-(\[no\\-\])?{name}\b", page.decode()), f"{kept}: no --{name}")
    for name in os.listdir(os.path.join(repo, "man/man1")):
        faults.want(name[:-2] in names or os.environ.get("TOOL"), f"man/man1/{name}: no such tool")


def completions():
    """The completions are sound for their shells and offer every option."""
    shells = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}
    at_hand = {s for s in shells if subprocess.run(["sh", "-c", f"command -v {s}"], capture_output=True).returncode == 0}
    for tool in tools:
        for name, command in shells.items():
            r = run(tool, ["--emit", name], "/")
            faults.want(r.returncode == 0 and r.stdout, f"{tool.name} --emit {name}: status {r.returncode}")
            for option in tool.options:
                faults.want(option in r.stdout.decode(), f"{tool.name} --emit {name}: no {option}")
            if name in at_hand:
                parsed = subprocess.run(command + ["/dev/stdin"], input=r.stdout, capture_output=True)
                faults.want(parsed.returncode == 0 and not parsed.stderr, f"{tool.name} --emit {name}: {parsed.stderr.decode()}")
        # What bash would offer.
        line = f'eval "$({tool.path} --emit bash)"; COMP_WORDS=({tool.name} --); COMP_CWORD=1; f=$(complete -p {tool.name} | sed "s/.*-F \\([^ ]*\\) .*/\\1/"); $f {tool.name} -- {tool.name}; echo "${{COMPREPLY[*]}}"'
        r = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
        for option in tool.options:
            faults.want(f"--{option}" in r.stdout.split(), f"bash offers no --{option} for {tool.name}: {r.stdout}{r.stderr}")


def examples():
    """Every example runs, and leaves sound streams."""
    bench = Bench()
    for tool in tools:
        faults.want(tool.examples, f"{tool.name} has no example")
        for i, example in enumerate(tool.examples):
            words = [w for s in segments(example) for w in s]
            unbuilt = [s[0] for s in segments(example) if re.fullmatch(r"[a-z]+(-[a-z]+)+", s[0]) and s[0] not in names and not os.path.exists(os.path.join(bin_folder, s[0]))]
            folder = bench.copy(f"{tool.name}-{i}")
            before = {f: os.stat(os.path.join(folder, f)).st_mtime_ns for f in os.listdir(folder)}
            r = shell(example, folder)
            if r.returncode and (unbuilt or waits_for(words)):
                faults.skip(f"{example} (waits for {(unbuilt or [waits_for(words)])[0]})")
                continue
            quiet = r.returncode == 141 and "head" in example
            faults.want(r.returncode == 0 or quiet, f"{example}: status {r.returncode}: {r.stderr.decode()[:500]}")
            for name in os.listdir(folder):
                path = os.path.join(folder, name)
                if name.endswith(".pmx") and os.stat(path).st_mtime_ns != before.get(name):
                    r = subprocess.run([os.path.join(bin_folder, "pmx-check"), "-q", path], capture_output=True, text=True)
                    faults.want(r.returncode == 0, f"{example}: leaves {r.stderr}")


laws = dict(pipe=pipe, threads=threads, blocks=blocks, order=order, cut=cut, no_rows=no_rows, flip=flip, full_disk=full_disk, terminal=terminal, cut_pipe=cut_pipe,
            whole=whole, wrong_options=wrong_options, help_and_version=help_and_version, pages=pages, completions=completions, examples=examples)
laws[sys.argv[1]]()
faults.end()
