"""report_browser.py PAGE DRUGS.tsv: uses a page of pmx-report as a reader would, in a headless Chromium without a network."""
import csv, io, json, os, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chromium import Browser

page, drugs = sys.argv[1:3]
head, *rows = csv.reader(open(drugs, encoding="utf-8", newline=""), delimiter="\t")
at = {name: i for i, name in enumerate(head)}
BOX = "document.querySelector('#table-drugs')"


def equal(what, a, b):
    assert a == b, f"{what}: {str(a)[:300]} is not {str(b)[:300]}"


def shown(b):
    return b.run(f"[...{BOX}.querySelectorAll('tbody tr')].map(r => [...r.cells].map(c => c.textContent))")


def press(b, column):
    b.run(f"[...{BOX}.querySelectorAll('th button')].find(x => x.textContent === {json.dumps(column)}).click()")


def count(b):
    return b.run(f"{BOX}.querySelector('.count').textContent")


def save(b):
    b.run(f"{BOX}.querySelector('.save').click()")
    text = b.downloaded("drugs.csv")
    assert text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text, newline="")))


def choose(b, label, value):
    b.run(f"""(() => {{ const s = [...{BOX}.querySelectorAll('.tools label')].find(l => l.firstChild.textContent.trim() === {json.dumps(label)}).querySelector('select');
        s.value = {json.dumps(value)}; s.dispatchEvent(new Event('change')); }})()""")


def search(b, words):
    b.run(f"{BOX}.querySelector('input').focus(); {BOX}.querySelector('input').select()")
    if words:
        b.type(words)
    else:
        b.key("Delete", number=46)


b = Browser()
try:
    b.open(page)
    equal("rows", count(b), f"{len(rows)} rows")
    equal("the first row", shown(b)[0][:2], rows[0][:2])
    equal("the CSV of all", save(b), [head] + rows)

    # Sorted by a number, both ways; what is missing comes last.
    for direction, sign in (("ascending", 1), ("descending", -1)):
        press(b, "score")
        want = sorted(rows, key=lambda r: (r[at["score"]] == "NA", sign * float(r[at["score"]]) if r[at["score"]] != "NA" else 0))
        equal("aria-sort", b.run(f"{BOX}.querySelector('[aria-sort]').getAttribute('aria-sort')"), direction)
        equal("rows by score " + direction, save(b)[1:], want)
        equal("rows that are seen", [r[at["compound"]] for r in shown(b)], [r[at["compound"]] for r in want[:25]])

    # Filter and search, alone and together; the CSV is what is shown.
    target = rows[-1][at["target"]]
    choose(b, "target", target)
    equal("rows of a target", sorted(save(b)[1:]), sorted(r for r in rows if r[at["target"]] == target))
    word = rows[0][at["compound"]]
    search(b, word.upper())
    wanted = [r for r in rows if r[at["target"]] == target and all(any(w in c.lower() for c in r) for w in word.lower().split())]
    equal("rows of a target with a word", sorted(save(b)[1:]), sorted(wanted))
    equal("their count", count(b), f"{len(wanted)} of {len(rows)} rows")
    equal("what is said", b.run("document.querySelector('#said').textContent"), count(b))
    choose(b, "target", "")
    search(b, "")
    equal("rows again", count(b), f"{len(rows)} rows")

    # Pages.
    b.run(f"[...{BOX}.querySelectorAll('.pager button')][1].click()")
    equal("page", b.run(f"{BOX}.querySelector('.where').textContent.slice(0, 6)"), "page 2")

    # At this size nothing keeps a reader waiting.
    took = b.run(f"(() => {{ const t = performance.now(); [...{BOX}.querySelectorAll('th button')][0].click(); return performance.now() - t; }})()")
    assert took < 500, f"sorting {len(rows)} rows took {took:.0f} ms"
    took = b.run(f"""(() => {{ const i = {BOX}.querySelector('input'), t = performance.now(); i.value = 'a'; i.dispatchEvent(new Event('input'));
        i.value = ''; i.dispatchEvent(new Event('input')); return performance.now() - t; }})()""")
    assert took < 500, f"searching {len(rows)} rows took {took:.0f} ms"

    # With the keyboard: the skip link is first; a head of a column is a button that Enter presses.
    b.open(page)
    b.key("Tab", number=9)
    equal("the first stop", b.run("document.activeElement.className"), "skip")
    b.run(f"{BOX}.querySelector('th button').focus()")
    b.key("Enter", number=13, text="\r")
    equal("Enter sorts", b.run(f"{BOX}.querySelector('th').getAttribute('aria-sort')"), "ascending")
    equal("focus stays", b.run("document.activeElement.tagName"), "BUTTON")

    # One figure of a choice is seen, and the list changes it; its files are what the page holds.
    choices = b.run("document.querySelectorAll('.choice').length")
    for i in range(choices):
        seen = f"[...document.querySelectorAll('.choice')[{i}].querySelectorAll('figure')].filter(f => !f.hidden).map(f => f.id)"
        last = b.run(f"(() => {{ const s = document.querySelectorAll('.choice')[{i}].querySelector('select'); s.selectedIndex = s.options.length - 1; "
                     "s.dispatchEvent(new Event('change')); return s.value; })()")
        equal("the figure chosen", b.run(seen), [last])
    name = b.run("document.querySelector('figure').dataset.name")
    for place, end in enumerate((".svg", ".tsv", ".vl.json")):
        b.run(f"document.querySelectorAll('figure')[0].querySelectorAll('.tools button')[{place}].click()")
        text = b.downloaded(name + end)
        if end == ".svg":
            assert "<style" in text and text.startswith("<svg"), text[:200]
        elif end == ".tsv":
            equal("the data", text, b.run("document.querySelector('figure .tsv').textContent"))
        else:
            equal("what the specification reads", json.loads(text)["data"]["url"], name + ".tsv")

    # Every picture, table, button and field has a name; a level of headings follows the one above; ids are unique.
    equal("things without a name", b.run("""[...document.querySelectorAll('svg')].filter(e => !e.getAttribute('aria-label') || e.getAttribute('role') !== 'img').length +
        [...document.querySelectorAll('table')].filter(t => !t.caption || !t.caption.textContent).length +
        [...document.querySelectorAll('button')].filter(e => !e.textContent).length +
        [...document.querySelectorAll('input, select')].filter(e => !e.closest('label')).length"""), 0)
    equal("ids that come twice", b.run("(ids => ids.length - new Set(ids).size)([...document.querySelectorAll('[id]')].map(e => e.id))"), 0)
    levels = b.run("[...document.querySelectorAll('h1, h2, h3, h4')].map(h => Number(h.tagName[1]))")
    assert all(y <= x + 1 for x, y in zip(levels, levels[1:])), levels

    # Contrast of texts, as WCAG 2.1 reckons it: 4.5 at least, light and dark.
    for scheme in ("light", "dark"):
        b.scheme(scheme)
        worst = b.run("""(() => {
            const rgb = c => c.match(/[\\d.]+/g).map(Number);
            const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
            const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
            let worst = [99, ''];
            document.querySelectorAll('h1, h2, h3, p, dt, dd, a, td, th button, caption, label, summary, button:enabled, pre, svg text').forEach(e => {
                if (!e.textContent.trim() || !e.getClientRects().length)
                    return;
                const svg = e.closest('svg'), style = getComputedStyle(e), a = light(rgb(svg ? style.fill : style.color)), b = light(behind(svg || e));
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio < worst[0])
                    worst = [ratio, e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 30)];
            });
            return worst; })()""")
        assert worst[0] >= 4.5, f"contrast {worst} in {scheme}"

    # No label of a picture covers another one, and none leaves its picture.
    covered = b.run("""(() => {
        const found = [];
        document.querySelectorAll('.choice').forEach(c => c.querySelectorAll('figure').forEach(f => { f.hidden = false; }));
        document.querySelectorAll('svg').forEach(svg => {
            const name = svg.closest('figure').id, frame = svg.getBoundingClientRect();
            const boxes = [...svg.querySelectorAll('text')].map(t => [t.getBoundingClientRect(), t.lastChild.textContent, !!t.closest('[transform]')]);
            boxes.forEach(([a, text], i) => {
                if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.top < frame.top - 1 || a.bottom > frame.bottom + 1)
                    found.push(name + ': ' + text + ' leaves the picture');
                boxes.slice(i + 1).forEach(([o, other, turned]) => {
                    const wide = Math.min(a.right, o.right) - Math.max(a.left, o.left), high = Math.min(a.bottom, o.bottom) - Math.max(a.top, o.top);
                    if (!turned && !boxes[i][2] && wide > 1 && high > 0.35 * Math.min(a.height, o.height))
                        found.push(name + ': ' + text + ' over ' + other);
                });
            });
        });
        return found; })()""")
    equal("labels that cover others", covered[:5], [])

    # The keyboard goes through the page from top to bottom.
    equal("places with an order of their own", b.run("document.querySelectorAll('[tabindex]:not([tabindex=\"0\"]):not([tabindex=\"-1\"])').length"), 0)
    b.open(page)
    stops = []
    for _ in range(25):
        b.key("Tab", number=9)
        stops.append(b.run("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    assert len(set(stops)) > 20 and stops == sorted(stops), stops

    # On paper: no buttons, and the heads of the tables.
    b.scheme("light", media="print")
    equal("buttons on paper", b.run("[...document.querySelectorAll('.tools, .pager button, .code button')].filter(e => e.getClientRects().length).length"), 0)
    equal("heads on paper", b.run("[...document.querySelectorAll('#table-drugs th')].map(e => e.innerText.trim())"), head)
    b.scheme("light")

    # A narrow window scrolls inside of its figures and tables, not as a whole.
    b.call("Emulation.setDeviceMetricsOverride", width=420, height=800, deviceScaleFactor=1, mobile=False)
    equal("the page is as wide as the window", b.run("document.documentElement.scrollWidth <= 420"), True)
    smallest = b.run("Math.min(...[...document.querySelectorAll('svg text')].filter(t => t.getClientRects().length).map(t => "
                     "parseFloat(getComputedStyle(t).fontSize) * t.ownerSVGElement.getBoundingClientRect().width / t.ownerSVGElement.viewBox.baseVal.width))")
    assert smallest >= 9, f"letters of {smallest} pixels"
    equal("pictures that scroll and have no stop for the keyboard",
          b.run("[...document.querySelectorAll('.picture')].filter(p => p.scrollWidth > p.clientWidth && p.tabIndex !== 0).length"), 0)
    equal("problems", b.problems, [])
finally:
    b.close()
print("as a reader would:", len(rows), "rows,", choices, "choices")
