"""What the build adds to an executed chapter: number, data behind the page, time to read, links to claims and chapters."""

import re
from html import escape
from typing import Any

from book import generate
from book.chapters import Chapter, Plan
from book.execute import RunRecord
from book.prose_numbers import Numbers, claim_anchor
from gdt_tutorial.teaching.claim_record import CLAIM_MIME, Claim, claims_html

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
_CHAPTER = re.compile(r'<span class="gdt-chapter">([^<]+)</span>')


def complete(notebook: Any, plan: Plan, chapter: Chapter, record: RunRecord, numbers: Numbers) -> None:
    """Add everything to an executed notebook, in place; `numbers` are those of all chapters, since one may quote another."""
    first = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    first["source"] = headed(first["source"], chapter.number, data_sentence(plan, record), reading_minutes(notebook))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell["source"] = numbers.fill(cell["source"])
        for output in cell.get("outputs", []):
            if CLAIM_MIME in output.get("data", {}):
                output["data"]["text/html"] = _claims_output(output["data"][CLAIM_MIME], plan, chapter.number, record)
            elif "text/html" in output.get("data", {}):
                output["data"]["text/html"] = chapters_linked(
                    "".join(output["data"]["text/html"]), plan, chapter.number
                )


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


def chapters_linked(html: str, plan: Plan, here: str) -> str:
    """Return an output in which the numbers of other chapters are links, where these are written.

    Args:
        html: With each number in a span of the class `gdt-chapter`, as in `case_study_chain`.
        plan: Which chapters there are.
        here: The number of the chapter that the output stands in.
    """
    pages = {chapter.number: chapter.stem for chapter in plan.written if chapter.number != here}

    def link(match: re.Match[str]) -> str:
        number = match.group(1)
        return f'<a href="{pages[number]}.html">{number}</a>' if number in pages else match.group(0)

    return _CHAPTER.sub(link, html)


def data_sentence(plan: Plan, record: RunRecord) -> str:
    """Say which data made a page, and where its claims have no ranges."""
    if record.data_source == "logs":
        short = re.split(r"(?<=[a-z)0-9])\. |\n", record.attribution.strip())[0].rstrip(".")
        text = f"On this page the viewers come from watch logs: {short or 'those that were given'}."
        text += f" {generate.ANOTHER_LOG}" if generate.is_another_log(plan, record) else ""
    else:
        text = "What this page computes has synthetic viewers: they come from the embedded generator."
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


def _claims_output(payload: dict[str, Any], plan: Plan, number: str, record: RunRecord) -> str:
    """Write a cell's claims as the plan has them now, each with its accepted range and a link to the page of claims."""

    def name_html(name: str) -> str:
        bounds = generate.accepted_range(plan, number, name, record)
        accepted = f'<span class="book-accepted">accepted {generate.range_words(bounds)}</span> ' if bounds else ""
        return f'{accepted}<a href="../pages/claims.html#{claim_anchor(number, name)}"><code>{name}</code></a>'

    own = {entry["name"]: Claim(**entry) for entry in payload["claims"]}
    everything = {entry["name"]: Claim(**entry) for entry in record.claims}
    plans = plan.claims.get(number, {})
    return claims_html(own, payload["shown"], plans, others=everything, name_html=name_html)
