"""html_text.py FILE tags | balanced | code | template ID: a page of pmx-report as a parser of HTML sees it."""
import sys
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "img", "br", "hr"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.wrong, self.texts, self.ids = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
            self.ids.append(dict(attributes).get("id") or dict(attributes).get("class"))

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.wrong.append((tag, self.getpos()))
        else:
            self.open.pop()
            self.ids.pop()

    def handle_data(self, data):
        self.texts.append((list(self.open), list(self.ids), data))


page = Page()
page.feed(open(sys.argv[1], encoding="utf-8", newline="").read())
page.close()
if sys.argv[2] == "tags":
    print("\n".join(page.tags))
elif sys.argv[2] == "balanced":
    if page.wrong or page.open:
        sys.exit(f"closed where it is not open: {page.wrong[:5]}; never closed: {page.open[:5]}")
elif sys.argv[2] == "code":
    blocks = [text for tags, ids, text in page.texts if "code" in ids and tags[-1] == "pre"]
    print("".join(blocks).lstrip("\n"), end="")
else:
    print("".join(text for tags, ids, text in page.texts if "template" in tags and sys.argv[3] in ids), end="")
