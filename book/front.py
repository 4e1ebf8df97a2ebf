"""The parts of the front page that are made from the plan and the runs: start, headline, ways to read, what is written.

Nothing here names a number of a chapter: chapters are found by their names and parts, so that the page grows with the plan.
"""

import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path

import nbformat

from book import loop_picture
from book.chapters import BOOK, Chapter, Plan
from book.execute import RunRecord
from book.generate import claim_anchor, find_claim, raw_html, source_words
from book.heads import reading_minutes
from book.prose_numbers import Numbers

GENERATIVE_PART = "Generative models"
# Days of the campus of chapter 00, by profile; a test holds them against the chapter.
DAYS = {"smoke": "two", "book": "six", "full": "24"}


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way to read the book.

    Attributes:
        name: Its title.
        gain: What a reader has from it.
        wished: Names of chapters and of parts, in the order of reading; none for the whole book.
    """

    name: str
    gain: str
    wished: tuple[str, ...] = ()

    def chapters(self, plan: Plan) -> tuple[Chapter, ...]:
        """Return the chapters of this way, written and planned."""
        if not self.wished:
            return plan.chapters
        return tuple(
            chapter for wish in self.wished for chapter in plan.chapters if wish in (chapter.name, chapter.part)
        )


WAYS = (
    Way(
        name="See it run",
        gain="Both loops at work on one campus, and the network below them, step by step.",
        wished=("quickstart", "physical_network"),
    ),
    Way(
        name="The paper's case study",
        gain="Figs. 4 and 5 of the paper, from the emulated status to the schemes, with what holds of them and what does not.",
        wished=("quickstart", "physical_network", "Case study"),
    ),
    Way(
        name="Is a twin worth its data?",
        gain="What the loops gain, what they cost, and when a twin misleads.",
        wished=("quickstart", "digital_twin", "external_loop", "internal_loop", "slicing", "operation"),
    ),
    Way(
        name="Generative models in the twin",
        gain="One model at a time, from its derivation to its place in the twin.",
        wished=("digital_twin", GENERATIVE_PART),
    ),
    Way(name="A course", gain="Every chapter in order, one or two a week, with exercises and solutions."),
)


def fragments(plan: Plan, records: dict[str, RunRecord], executed: dict[str, Path]) -> dict[str, str]:
    """Return every generated part of the front page by the name under which it asks for it."""
    return {
        "closed_loop": closed_loop(),
        "start": start(plan, records, executed),
        "key_number": key_number(plan, records),
        "first_slider": first_slider(executed),
        "ways": ways_to_read(plan, records, executed),
        "written": written_and_planned(plan),
    }


def closed_loop() -> str:
    """Return the front page's picture, wide and tall, with its pause button."""
    pictures = "".join(
        loop_picture.draw(layout).replace("\n\n", "\n") for layout in (loop_picture.WIDE, loop_picture.TALL)
    )
    button = '<button type="button" class="book-pause">Pause the motion</button>'
    return raw_html(f'<div class="book-hero">{pictures}<div>{button}</div></div>')


def start(plan: Plan, records: dict[str, RunRecord], executed: dict[str, Path]) -> str:
    """Return the one button that starts the book, with how much of it is written and how long the first chapter takes."""
    if not plan.written:
        return raw_html('<p class="book-start">No chapter is written yet.</p>')
    first = plan.written[0]
    button = f'<a class="book-start-button" href="{first.docname}.html">Start: {escape(first.title)}</a>'
    time = times((first,), records, executed)
    state = f"{len(plan.written)} of {len(plan.chapters)} chapters are written."
    missing = (
        "" if has_generative(plan) else " No generative model is written yet: simpler models stand in their places."
    )
    shown = f"Chapter {first.number}{f', {time}' if time else ''}; nothing to install. {state}{missing}"
    return raw_html(f'<div class="book-start">{button}<p>{shown}</p></div>')


def has_generative(plan: Plan) -> bool:
    """Say whether any chapter on a generative model is written."""
    return any(chapter.part == GENERATIVE_PART for chapter in plan.written)


def times(chapters: tuple[Chapter, ...], records: dict[str, RunRecord], executed: dict[str, Path]) -> str:
    """Say how long chapters take to read, and their runs on a processor; "" as long as one of them has not run."""
    if any(chapter.number not in executed or chapter.number not in records for chapter in chapters):
        return ""
    minutes = sum(reading_minutes(nbformat.read(executed[chapter.number], as_version=4)) for chapter in chapters)
    cpu_s = sum(records[chapter.number].cpu_s for chapter in chapters)
    runs = f"{cpu_s:.0f} s" if cpu_s < 100 else f"{cpu_s / 60:.0f} min"
    return f"about {_duration(minutes)} to read and {runs} to run"


def _duration(minutes: int) -> str:
    """Write minutes in steps of five, and hours where there are some."""
    hours, rest = divmod(max(5, 5 * round(minutes / 5)), 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest else "") if part)


def ways_to_read(plan: Plan, records: dict[str, RunRecord], executed: dict[str, Path]) -> str:
    """Return one card for each way of which a chapter is written: links, the time they take, and how much is planned."""
    cards = []
    for way in WAYS:
        chapters = way.chapters(plan)
        written = tuple(chapter for chapter in chapters if chapter.is_written)
        if not written:
            continue
        links = "".join(
            f'<li><a href="{chapter.docname}.html">{chapter.number} {escape(chapter.title)}</a></li>'
            for chapter in written
        )
        n_planned = len(chapters) - len(written)
        more = f'<span class="book-planned">{n_planned} more planned</span>' if n_planned else ""
        foot = "; ".join(part for part in (times(written, records, executed), more) if part)
        foot = f"{foot[0].upper()}{foot[1:]}." if foot and not foot.startswith("<") else foot
        cards.append(
            f'<div class="book-card"><h3>{escape(way.name)}</h3><p>{escape(way.gain)}</p><ul>{links}</ul><p>{foot}</p></div>'
        )
    return raw_html(f'<div class="book-cards">{"".join(cards)}</div>')


def written_and_planned(plan: Plan) -> str:
    """Return what is written and what is planned, part by part."""
    rows = []
    for part in dict.fromkeys(chapter.part for chapter in plan.chapters):
        chapters = [chapter for chapter in plan.chapters if chapter.part == part]
        links = [
            f"[{chapter.number} {chapter.title}]({chapter.docname}.ipynb)" for chapter in chapters if chapter.is_written
        ]
        planned = [f"{chapter.number} {chapter.title}" for chapter in chapters if not chapter.is_written]
        rows.append(f"| {part} | {'; '.join(links)} | {'; '.join(planned)} |")
    return "\n".join(["| part | written | planned |", "| --- | --- | --- |", *rows])


def key_number(plan: Plan, records: dict[str, RunRecord]) -> str:
    """Return the headline: the waiting that the internal loop saves, with its baseline where the run recorded one.

    `paper.toml` names the claims under `front`: what is saved, then what is waited under the model-based manager
    alone, and under the generative one alone.
    """
    names = tomllib.loads((BOOK / "paper.toml").read_text(encoding="utf-8"))["front"]
    values = [claim["value"] for name in names if (claim := find_claim(name, records)) is not None]
    if not values or find_claim(names[0], records) is None:
        return ""
    number, _, short = names[0].partition(".")
    record = records[number]
    saved = f'<span class="book-claim-number">{values[0]:.1f} s</span>'
    head = f"At an event on the campus, the internal loop saves each viewer {saved} of waiting per minute"
    if len(values) == 3:
        _, model, data = values
        head += (
            f": {model - values[0]:.1f} s instead of the {model:.1f} s under the model-based manager alone. "
            f"Under the generative manager alone it is {data:.1f} s; nobody tells the loop which one is better."
        )
    else:
        head += ", against the model-based manager alone."
    low = (find_claim(names[0], records) or {}).get("low")
    if low is not None and low <= 0:
        head += " On so few days what it saves cannot be told from zero."
    where = f'<a href="{plan.chapter(number).docname}.html">Chapter {number}</a>'
    run = f"{where}: mean of {DAYS[record.profile]} simulated days of one campus, one seed, {source_words(record)}"
    others = f'<a href="pages/claims.html#{claim_anchor(number, short)}">accepted range</a>'
    interval = Numbers(plan, records).words(short)
    return raw_html(
        f'<p class="book-key">{head}<br><small>{run}, with its interval {interval}; other seeds: {others}.</small></p>'
    )


def first_slider(executed: dict[str, Path]) -> str:
    """Return the first slider figure of chapter 00, as the chapter shows it."""
    if "00" not in executed:
        return ""
    for cell in nbformat.read(executed["00"], as_version=4).cells:
        for output in cell.get("outputs", []):
            html = "".join(output.get("data", {}).get("text/html", ""))
            if 'type="range"' in html:
                return raw_html(html)
    return ""
