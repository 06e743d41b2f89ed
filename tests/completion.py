"""completion.py PREFIX SHELL: types into the shell as one would, presses Tab, and looks at the words that come of it."""
import os, pty, re, select, shutil, sys, tempfile, time

prefix, shell = os.path.abspath(sys.argv[1]), sys.argv[2]
folder = tempfile.mkdtemp()
for name in ("my signatures.pmx", "other.pmx"):
    open(os.path.join(folder, name), "w").close()
os.mkdir(os.path.join(folder, "made"))
share = prefix + "/share"
environment = {"PATH": prefix + "/bin:/usr/bin:/bin", "HOME": folder, "TERM": "dumb", "PS1": "ready> ", "LC_ALL": "C.UTF-8", "XDG_DATA_DIRS": share + ":/usr/share"}
command, start = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], [f"for f in {share}/bash-completion/completions/*; do source $f; done"]),
    "zsh": (["zsh", "-f", "-i"], ["PS1='ready> '", "unsetopt zle_bracketed_paste prompt_cr prompt_sp", f"fpath=({share}/zsh/site-functions $fpath)",
                                  f"autoload -Uz compinit; compinit -u -d {folder}/.dump"]),
    "fish": (["fish", "-i"], ["function fish_prompt; echo -n 'ready> '; end", "function fish_right_prompt; end", "set -U fish_greeting"]),
}[shell]

child, terminal = pty.fork()
if child == 0:
    os.chdir(folder)
    os.execvpe(command[0], command, environment)


def read(wait):
    """What comes until nothing has come for a while."""
    text = b""
    while select.select([terminal], [], [], wait)[0]:
        try:
            text += os.read(terminal, 65536)
        except OSError:
            break
    return text.decode(errors="replace")


def send(text):
    os.write(terminal, text.encode())


def words(typed):
    """The words of the line after Tab: it becomes the arguments of a printf."""
    send(typed + "\t")
    read(0.35)
    send("\x01printf '<%s>' begin ")
    read(0.1)
    send("\x05 end\r")
    text = ""
    for _ in range(20):
        text += read(0.1)
        found = re.findall(r"<begin>(.*?)<end>", text)
        if found:
            return re.findall(r"<(.*?)>", found[-1])
    raise AssertionError(f"{shell}: {typed!r} gave {text!r}")


read(2)
for line in start:
    send(line + "\r")
    read(0.3)
read(1)
wrong = 0
for typed, last in (
        ("rank --refer", "--reference"), ("rank --method wt", "wtcs"), ("rank -m wt", "wtcs"), ("rank --method=wt", "--method=wtcs"),
        ("rank --reference my", "my signatures.pmx"), ("rank oth", "other.pmx"), ("rank --top-k oth", "oth"), ("de-markers --contr", "--control"),
        ("simulate-signatures --out-dir ma", "made"), ("pertpipe pmx-imp", "pmx-import"), ("pertpipe rank --refer", "--reference"),
        ("pertpipe rank --method wt", "wtcs"), ("pertpipe rank --reference my", "my signatures.pmx")):
    got = words(typed)
    if got[-1].rstrip("/") != last:
        print(f"{shell}: {typed!r} completes to {got}, not to {last!r}")
        wrong += 1
send("exit\r")
read(0.3)
os.close(terminal)
os.waitpid(child, 0)
shutil.rmtree(folder, ignore_errors=True)
sys.exit(wrong > 0)
