"""What Sphinx and its themes leave wrong for a screen reader, mended in the written pages.

Each rule names the finding of axe that it answers; tests/test_book.py fails when one of them comes back.
"""

import re
from html import escape, unescape
from pathlib import Path

_PARAMETER_LIST = re.compile(r"<dl>\s*((?:<dd>.*?</dd>\s*)+)</dl>", re.DOTALL)
_TABLE = re.compile(
    r'<table class="table">(\s*(?:<colgroup>.*?</colgroup>\s*)?<thead>.*?</thead>.*?)</table>', re.DOTALL
)
_HEAD = re.compile(r"<th\b[^>]*>(.*?)</th>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_RULES = (
    # summary-name: the sidebar's arrows have no text.
    (
        re.compile(r'<summary>(<span class="toctree-toggle")'),
        r'<summary aria-label="Show or hide the pages of this section">\1',
    ),
    # aria-deprecated-role and aria-required-children: a list of references is a list.
    (re.compile(r'role="doc-biblioentry"'), 'role="listitem"'),
)


def mend(site: Path) -> None:
    """Mend every page of a built site."""
    for page in site.rglob("*.html"):
        before = page.read_text(encoding="utf-8")
        after = _PARAMETER_LIST.sub(_parameters, before)
        after = _TABLE.sub(_stacked, after)
        for pattern, replacement in _RULES:
            after = pattern.sub(replacement, after)
        if after != before:
            page.write_text(after, encoding="utf-8")


def _parameters(match: re.Match[str]) -> str:
    """definition-list: the parameters of a long signature are descriptions without terms; make them plain lines."""
    inside = match.group(1).replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
    return f'<span class="sig-lines">{inside}</span>'


def _stacked(match: re.Match[str]) -> str:
    """Name each cell's column, so that a phone can show a row as a card; the roles keep the table a table there."""
    inside = match.group(1)
    names = [escape(unescape(re.sub(r"<[^>]+>", "", cell)).strip()) for cell in _HEAD.findall(inside)]

    def label(row: re.Match[str]) -> str:
        columns = iter(names)
        return re.sub(r"<td\b", lambda _: f'<td role="cell" data-label="{next(columns, "")}"', row.group(0))

    inside = _ROW.sub(label, inside)
    for element, role in (("thead", "rowgroup"), ("tbody", "rowgroup"), ("tr", "row"), ("th", "columnheader")):
        inside = re.sub(rf"<{element}(?=[\s>])", f'<{element} role="{role}"', inside)
    return f'<table class="table book-stacked" role="table">{inside}</table>'
