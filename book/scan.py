"""What must not be in a built site: tracebacks, names of claims for their numbers, what a browser fetches from another host."""

import re
from collections.abc import Container, Iterator
from html.parser import HTMLParser
from pathlib import Path

_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|<div class=\"output (stderr|traceback)")
_FETCHED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
}
_LINK_KINDS = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "manifest", "shortcut", "preconnect"}
_STYLE_URL = re.compile(r"(?:url\(|@import)\s*['\"]?\s*(?:https?:)?//", re.IGNORECASE)
# Code within a text, as MyST writes it, and a role that nobody resolved.
_CODE_IN_TEXT = re.compile(r'<code class="docutils literal notranslate"><span class="pre">([a-z0-9_.]+)</span></code>')
# Beside the chapters, the pages that tell their numbers in sentences.
_TOLD = {"index.html", "pages/paper.html"}
_ROLE_LEFT = re.compile(r"\{claim\}")
_FOREIGN = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)


class _Fetches(HTMLParser):
    """Collects the addresses that a browser fetches while it loads a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag fetches."""
        values = {name: value or "" for name, value in attrs}
        self._inside = tag
        names = _FETCHED.get(tag, ())
        if tag == "link" and _LINK_KINDS & set(values.get("rel", "").lower().split()):
            names = ("href",)
        self.found += [values[name] for name in names if _FOREIGN.match(values.get(name, ""))]
        if _STYLE_URL.search(values.get("style", "")):
            self.found.append(values["style"])

    def handle_data(self, data: str) -> None:
        """Note what a style sheet in the page fetches, and a script address written into the page."""
        if self._inside == "style" and _STYLE_URL.search(data):
            self.found.append(data[:120])
        if self._inside == "script":
            self.found += re.findall(r"https?://(?:unpkg|cdn|cdnjs|cdn\.jsdelivr)[^\s\"']*", data)

    def handle_endtag(self, tag: str) -> None:
        """Leave a style or script."""
        self._inside = ""


def scan(site: Path, claims: Container[str] = ()) -> list[str]:
    """Return one sentence for each fault of a site; none means that it is clean.

    Args:
        site: Its folder.
        claims: Names that no text may show in place of their numbers; the page of claims lists them.
    """
    faults = []
    for page in sorted(site.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        name = page.relative_to(site)
        # Source listings quote what they like.
        if name.parts[0] != "_modules" and _TRACEBACK.search(text):
            faults.append(f"{name}: shows a traceback or text from stderr")
        faults += [f"{name}: would fetch {address}" for address in _fetched(text)]
        if name.parts[0] == "notebooks" or name.as_posix() in _TOLD:
            bare = [code for code in _CODE_IN_TEXT.findall(text) if code in claims]
            faults += [
                f"{name}: shows {code} where a reader wants its number" for code in bare + _ROLE_LEFT.findall(text)
            ]
    for sheet in sorted(site.rglob("*.css")):
        if _STYLE_URL.search(sheet.read_text(encoding="utf-8", errors="replace")):
            faults.append(f"{sheet.relative_to(site)}: fetches from another host")
    return faults


def _fetched(text: str) -> Iterator[str]:
    parser = _Fetches()
    parser.feed(text)
    yield from parser.found
