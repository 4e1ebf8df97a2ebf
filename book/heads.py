"""What the build adds to an executed chapter: its number, the data behind the page, the time to read, links to its claims."""

import re
from html import escape
from typing import Any

from book import generate
from book.chapters import Chapter, Plan
from book.execute import RunRecord
from gdt_tutorial.teaching.claims import CLAIM_MIME

_WORDS_PER_MINUTE = 200
# A line of code is read as slowly as ten words.
_WORDS_PER_LINE = 10
# Code that a page folds away or leaves out.
_NOT_READ = {"hide-input", "remove-input", "hide-cell", "remove-cell", "solution"}
_BOX = re.compile(r"(?:^>.*\n?)+", re.MULTILINE)
# A chapter may leave its time to the build; the sentence that says so gives way to the time itself.
_LEFT_TO_BUILD = re.compile(
    r"\s*\*\*Minutes:\*\*[^\n]*(?:\n>[^\n]*)?(?:the build writes what it\s(?:>\s)?measured|the run took)[^\n]*"
)
_CODE_SPAN = re.compile(r"(?<![`\[])`([a-z][a-z0-9_]*)`(?![`\]])")
_CLAIM_NAME = re.compile(r'<code class="gdt-name"[^>]*>([^<]+)</code>')


def complete(notebook: Any, plan: Plan, chapter: Chapter, record: RunRecord) -> None:
    """Add everything to an executed notebook, in place."""
    first = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    first["source"] = headed(first["source"], chapter.number, data_sentence(plan, record), reading_minutes(notebook))
    names = {claim["name"] for claim in record.claims}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell["source"] = _linked(cell["source"], chapter.number, names)
        for output in cell.get("outputs", []):
            if CLAIM_MIME in output.get("data", {}):
                html = "".join(output["data"]["text/html"])
                output["data"]["text/html"] = _claim_line(html, plan, chapter.number, record)


def headed(source: str, number: str, data: str, minutes: int) -> str:
    """Return a chapter's first cell with its number in the title, the time to read in the box, and the data below it.

    Args:
        source: Markdown; the box is its first block quote.
        number: The chapter's number.
        data: The sentence about the data.
        minutes: The time to read.
    """
    numbered = re.sub(r"^# (?!\d)", f"# {number} ", source, count=1)
    time = f"**Reading time:** about {minutes} minutes."
    box = _BOX.search(numbered)
    if box is None:
        return f"{numbered}\n\n{time} {data}"
    kept = _LEFT_TO_BUILD.sub("", box.group(0)).rstrip()
    return f"{numbered[: box.start()]}{kept} {time}\n\n{data}\n\n{numbered[box.end() :].lstrip()}"


def data_sentence(plan: Plan, record: RunRecord) -> str:
    """Say which data made a page, and where its claims have no ranges."""
    if record.data_source == "logs":
        short = re.split(r"(?<=[a-z)0-9])\. |\n", record.attribution.strip())[0].rstrip(".")
        text = f"On this page the viewers come from watch logs: {short or 'those that were given'}."
        text += f" {generate.ANOTHER_LOG}" if generate.is_another_log(plan, record) else ""
    else:
        text = "On this page all viewers are synthetic: they come from the embedded generator."
        text += f" {record.note}" if record.note else ""
    return f'<p class="book-data">{escape(text)}</p>'


def reading_minutes(notebook: Any) -> int:
    """Estimate the minutes to read text and visible code."""
    words: float = 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            words += len(cell["source"].split())
        elif not _NOT_READ & set(cell.metadata.get("tags", [])):
            words += _WORDS_PER_LINE * sum(bool(line.strip()) for line in cell["source"].splitlines())
    return max(1, round(words / _WORDS_PER_MINUTE))


def _linked(source: str, number: str, names: set[str]) -> str:
    """Turn the names of claims in a text into links to the page of claims."""

    def link(match: re.Match[str]) -> str:
        name = match.group(1)
        return _anchor(number, name, f"<code>{name}</code>") if name in names else match.group(0)

    return _CODE_SPAN.sub(link, source)


def _claim_line(html: str, plan: Plan, number: str, record: RunRecord) -> str:
    """Add the accepted range to a claim's line, and lead its name to the page of claims."""

    def complete_name(match: re.Match[str]) -> str:
        bounds = generate.accepted_range(plan, number, match.group(1), record)
        accepted = f'<span class="book-accepted">accepted {generate.range_words(bounds)}</span>' if bounds else ""
        return accepted + _anchor(number, match.group(1), match.group(0))

    return _CLAIM_NAME.sub(complete_name, html)


def _anchor(number: str, name: str, inside: str) -> str:
    return f'<a href="../pages/claims.html#{generate.claim_anchor(number, name)}">{inside}</a>'
