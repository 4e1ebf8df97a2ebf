"""The parts of pages that are made from data: the plan, the runs, the configs, the index of the figures."""

import tomllib
from html import escape
from pathlib import Path
from typing import Any

import nbformat

from book import api, loop_picture, maps
from book.chapters import BOOK, Plan, project
from book.execute import RunRecord
from book.parameters import parameter_tables
from book.prose_numbers import Numbers, claim_anchor
from gdt_tutorial.teaching.claim_plan import ClaimPlan
from gdt_tutorial.teaching.claim_record import Claim, words
from gdt_tutorial.teaching.claim_words import plain
from gdt_tutorial.twin.status_parts import PARTS, StatusPart


def fragments(plan: Plan, records: dict[str, RunRecord], executed: dict[str, Path]) -> dict[str, str]:
    """Return every generated part by the name under which a page asks for it."""
    index = maps.read_index()
    return {
        "closed_loop": closed_loop(),
        "status": status_line(plan),
        "ways": ways_to_read(plan),
        "start": start_cards(plan),
        "key_number": key_number(plan, records),
        "first_slider": first_slider(plan, executed),
        "chapters": chapters_table(plan, records),
        "claims": claims_tables(plan, records),
        "runs": runs_table(plan, records),
        "parameters": parameter_tables(api.modules()),
        "paper": paper_table(plan, records),
        "index": index_tables(plan, index),
        "data": data_note(records),
        "data_banner": data_banner(plan, records),
        "status_parts": status_parts_table(),
        "launch": launch_line(plan),
        "clone": clone_lines(),
        "pip": pip_lines(),
        **{f"map_{figure}": framed_map(figure, plan, index) for figure in maps.MAP_SIZES},
    }


def raw_html(html: str) -> str:
    """Wrap HTML so that it reaches the page as it is."""
    return f"```{{raw}} html\n{html}\n```"


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    clean = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *clean]]
    return "\n".join(lines)


def closed_loop() -> str:
    """Return the front page's picture, wide and tall, with its pause button."""
    pictures = "".join(
        loop_picture.draw(layout).replace("\n\n", "\n") for layout in (loop_picture.WIDE, loop_picture.TALL)
    )
    button = '<button type="button" class="book-pause">Pause the motion</button>'
    return raw_html(f'<div class="book-hero">{pictures}<div>{button}</div></div>')


ANOTHER_LOG = (
    "The text and the descriptions of the pictures were written for other viewers: where they disagree with a number, believe "
    "the number. The accepted ranges of claims come from another log, so no number here is held to one."
)


def status_line(plan: Plan) -> str:
    """Say how much of the book is written, and what comes next."""
    following = next((chapter for chapter in plan.chapters if not chapter.is_written), None)
    state = f"{len(plan.written)} of {len(plan.chapters)} chapters are written"
    coming = f"; the next one is chapter {following.number}, {escape(following.title)}" if following else ""
    first = plan.written[0] if plan.written else None
    start = f' <a href="{first.docname}.html">Start with chapter {first.number}</a>.' if first else ""
    return raw_html(f'<p class="book-status">{state}{coming}.{start}</p>')


# Name of a way to read, its chapters' numbers (none: all), and what a reader has from it.
_WAYS = (
    (
        "Two hours",
        ("00", "01"),
        'You see the loops work, and with the <a href="pages/maps.html">maps</a> know what each box is.',
    ),
    ("Half a day", ("00", "01", "02", "09", "10"), "You know when a twin saves data, and when it misleads."),
    (
        "A semester",
        (),
        'All <a href="pages/chapters.html">chapters</a> in order, one or two a week, with exercises and solutions.',
    ),
)


def ways_to_read(plan: Plan) -> str:
    """Return one card for each way to read, which says which of its chapters are planned."""
    cards = []
    for name, numbers, gain in _WAYS:
        chapters = [plan.chapter(number) for number in numbers] or list(plan.chapters)
        planned = [chapter.number for chapter in chapters if not chapter.is_written]
        listed = f"Chapters {', '.join(numbers[:-1])} and {numbers[-1]}. " if numbers else ""
        state = f"planned: {', '.join(planned) if numbers else f'{len(planned)} of {len(chapters)}'}"
        note = f' <span class="book-planned">{state}</span>' if planned else ""
        cards.append(f'<div class="book-card"><p>{name}</p><p>{listed}{gain}{note}</p></div>')
    return raw_html(f'<div class="book-cards">{"".join(cards)}</div>')


def start_cards(plan: Plan) -> str:
    """Return one card for each of the first chapters, with what it answers."""
    cards = []
    for chapter in plan.chapters[:2]:
        title = f"{chapter.number} {escape(chapter.title)}"
        head = f'<a href="{chapter.docname}.html">{title}</a>' if chapter.is_written else title
        note = "" if chapter.is_written else ' <span class="book-planned">planned</span>'
        cards.append(f'<div class="book-card"><p>{head}{note}</p><p>{escape(chapter.question)}</p></div>')
    return raw_html(f'<div class="book-cards">{"".join(cards)}</div>') if cards else ""


def key_number(plan: Plan, records: dict[str, RunRecord]) -> str:
    """Return the front page's number: the claim that `paper.toml` names, with the run that gave it."""
    name = _statements()["front"]
    claim = find_claim(name, records)
    if claim is None:
        return ""
    number, short = name.split(".")
    record = records[number]
    quantity = f'<span class="book-claim-number">{escape(Numbers(plan, records).words(short))}</span>'
    run = f"profile {record.profile}, {source_words(record)}"
    where = f'<a href="{plan.chapter(number).docname}.html">chapter {number}</a>, {run}; one seed of a simulated campus'
    text = plan.claims[number][short].text
    return raw_html(f'<p class="book-key">{escape(text)} {quantity}<br><small>{where}</small></p>')


def find_claim(name: str, records: dict[str, RunRecord]) -> dict[str, Any] | None:
    """Find the claim "CHAPTER.NAME" among the executed chapters."""
    number, _, short = name.partition(".")
    claims = records[number].claims if number in records else []
    return next((claim for claim in claims if claim["name"] == short), None)


def first_slider(plan: Plan, executed: dict[str, Path]) -> str:
    """Return the first slider figure of chapter 00, as the chapter shows it."""
    if "00" not in executed:
        return ""
    for cell in nbformat.read(executed["00"], as_version=4).cells:
        for output in cell.get("outputs", []):
            html = "".join(output.get("data", {}).get("text/html", ""))
            if 'type="range"' in html:
                return raw_html(html)
    return ""


def chapters_table(plan: Plan, records: dict[str, RunRecord]) -> str:
    """Return all chapters: what each answers, and what its run took."""
    rows = []
    for chapter in plan.chapters:
        record = records.get(chapter.number)
        title = f"[{chapter.title}](../{chapter.docname}.ipynb)" if chapter.is_written else chapter.title
        took = f"{record.cpu_s:.0f} s" if record else '<span class="book-planned">planned</span>'
        rows.append([chapter.number, title, chapter.paper, chapter.question, took])
    return table(
        ["no", "chapter", "the paper's", "the question it answers with a figure and a number", "runs in"], rows
    )


def claims_tables(plan: Plan, records: dict[str, RunRecord]) -> str:
    """Return every claim with what the prose needs of it, its accepted range and its last run."""
    blocks = []
    for number, record in sorted(records.items()):
        chapter, rows = (
            plan.chapter(number),
            [_claim_row(plan, number, record, Claim(**each)) for each in record.claims],
        )
        head = ["claim", "what it says", "value", "the text needs", "accepted range", "kind"]
        body = table(head, rows) if rows else "This chapter makes no claim."
        other = f" {ANOTHER_LOG}" if is_another_log(plan, record) else ""
        blocks.append(f"## {number} {chapter.title}\n\nLast run: {last_run(record)}.{other}\n\n{body}")
    return "\n\n".join(blocks) or "No chapter is written yet."


def _claim_row(plan: Plan, number: str, record: RunRecord, claim: Claim) -> list[str]:
    known = plan.claims.get(number, {}).get(claim.name, ClaimPlan(name=claim.name))
    bounds = accepted_range(plan, number, claim.name, record)
    return [
        f'<span id="{claim_anchor(number, claim.name)}"></span>`{claim.name}`',
        known.text,
        words(claim, known),
        "; ".join(f"`{condition.text}`" for condition in known.must),
        range_words(bounds) if bounds else "no range on record",
        f"stored: {known.stored}" if known.stored else "exact" if known.exact else "computed",
    ]


def is_another_log(plan: Plan, record: RunRecord) -> bool:
    """Say whether a run had other watch logs than those behind the accepted ranges."""
    return record.data_source == "logs" and record.log != plan.logs


def accepted_range(plan: Plan, number: str, name: str, record: RunRecord) -> tuple[float, float] | None:
    """Return the range of a claim for this run's profile and data, if one is on record."""
    if is_another_log(plan, record):
        return None
    known = plan.claims.get(number, {}).get(name)
    return known.accepted(record.data_source, record.profile) if known else None


def runs_table(plan: Plan, records: dict[str, RunRecord]) -> str:
    """Return what each chapter's run took, against its budget."""
    rows = [
        [
            f"[{number} {plan.chapter(number).title}](../{plan.chapter(number).docname}.ipynb)",
            record.profile,
            str(record.seed),
            source_words(record),
            f"{record.cpu_s:.1f} s of {record.budget_s:.0f} s" if record.budget_s else f"{record.cpu_s:.1f} s",
            f"{record.seconds:.1f} s",
            f"{record.peak_mb:.0f} MB of {plan.memory_mb:.0f} MB",
            commit_words(record),
        ]
        for number, record in sorted(records.items())
    ]
    head = ["chapter", "profile", "seed", "data", "processor time", "clock time", "peak memory", "commit"]
    versions = sorted({(name, version) for record in records.values() for name, version in record.versions.items()})
    tail = table(["package", "version"], [[name, version] for name, version in versions])
    return f"{table(head, rows)}\n\n## Versions\n\n{tail}" if rows else "No chapter is written yet."


# A statement's verdict, and how it looks.
VERDICTS = {
    "holds": "book-holds",
    "holds in part": "book-part",
    "not supported": "book-not",
    "not tested yet": "book-planned",
}


def paper_table(plan: Plan, records: dict[str, RunRecord]) -> str:
    """Return what the paper says, and what the executed chapters find, also where that speaks against it."""
    numbers, rows = Numbers(plan, records), []
    for statement in _statements()["statement"]:
        verdict = statement["verdict"]
        mark = f'<span class="{VERDICTS[verdict]}">{verdict}</span>'
        tested = ", ".join(_chapter_link(plan, number) for number in statement["chapters"])
        said = f"{statement['says']} ({statement['place']})"
        rows.append([said, mark, numbers.fill(statement.get("found", "")), tested])
    return table(["the paper says", "verdict", "we find", "tested in"], rows)


def _statements() -> dict[str, Any]:
    return tomllib.loads((BOOK / "paper.toml").read_text(encoding="utf-8"))


def framed_map(figure: str, plan: Plan, index: dict[str, Any]) -> str:
    """Return a map that scrolls within itself on a narrow screen, with a list of its boxes there."""
    drawing = maps.draw_map(figure, plan, index, api.files()).replace('href="', 'href="../')
    listed = maps.list_map(figure, plan, index, api.files()).replace('href="', 'href="../')
    label = escape(maps.FIGURE_NAMES[figure])
    hint = '<p class="book-map-hint">Swipe the picture sideways to see all of it; its boxes are listed below.</p>'
    frame = f'<div class="book-map-frame" tabindex="0" role="region" aria-label="{label}">\n{drawing}\n</div>'
    return raw_html(f"{hint}\n{frame}\n{listed}")


def index_tables(plan: Plan, index: dict[str, Any]) -> str:
    """Return, figure by figure, which file and name and which chapter stand for each box."""
    blocks = []
    for figure, title in maps.FIGURE_NAMES.items():
        rows = [
            [box.title, box.paper, _source(box), ", ".join(_chapter_link(plan, number) for number in box.chapters)]
            for box in index["box"]
            if box.figure == figure
        ]
        blocks.append(f"## {title}\n\n" + table(["box", "the paper's words, shortened", "source", "chapter"], rows))
    return "\n\n".join(blocks)


def _source(box: maps.Box) -> str:
    if box.planned or box.file not in api.files():
        return f'`{box.file}` <span class="book-planned">planned</span>'
    page = box.file.removesuffix(".py").replace("/", ".")
    names = ", ".join(f"`{name}`" for name in box.names)
    return f"[`{box.file}`](../api/{page}.md): {names}"


def _chapter_link(plan: Plan, number: str) -> str:
    chapter = plan.chapter(number)
    if chapter.is_written:
        return f"[{number} {chapter.title}](../{chapter.docname}.ipynb)"
    return f'{number} {chapter.title} <span class="book-planned">planned</span>'


def data_note(records: dict[str, RunRecord]) -> str:
    """Say which data made the numbers of this build."""
    attributions = sorted({record.attribution for record in records.values() if record.attribution})
    if not attributions:
        return "In this build **every chapter ran on the embedded generator**: no watch log was given."
    quoted = "\n>\n".join("> " + text.replace("\n", "\n> ") for text in attributions)
    return f"In this build the chapters ran on **real watch logs**:\n\n{quoted}"


def data_banner(plan: Plan, records: dict[str, RunRecord]) -> str:
    """Return what a page with numbers of several chapters says where they come from another log; "" elsewhere."""
    logs = sorted({record.attribution for record in records.values() if is_another_log(plan, record)})
    if not logs:
        return ""
    return raw_html(
        f'<p class="book-data">In this build, viewers come from: {escape("; ".join(logs))} {ANOTHER_LOG}</p>'
    )


def status_parts_table() -> str:
    """Return every part of the twin's status, a table for each half: who measures it, what that costs, and who reads it."""
    blocks = []
    for half in dict.fromkeys(part.half for part in PARTS):
        rows = [
            [
                f"`{part.name}`",
                part.measurement.about,
                f"{part.measurement.measured_by}, {part.measurement.n_byte} B",
                part.emulator if part.emulator == "hold" else f"`{part.emulator}`",
                _readers(part),
            ]
            for part in PARTS
            if part.half == half
        ]
        head = [f"{half} status", "what it is", "measured by", "stands in for it", "read by"]
        blocks.append(table(head, rows))
    return "\n\n".join(blocks)


def launch_line(plan: Plan) -> str:
    """Return the addresses that open chapter 00 in Binder and in Colab."""
    repository, release = project()["repository"].removeprefix("https://github.com/"), project()["release"]
    chapter = plan.chapters[0]
    path = f"notebooks/{chapter.stem}.ipynb"
    binder = f"https://mybinder.org/v2/gh/{repository}/{release}?urlpath=lab/tree/{path}"
    colab = f"https://colab.research.google.com/github/{repository}/blob/{release}/{path}"
    return f"Open chapter {chapter.number} in [Binder]({binder}) or in [Colab]({colab})."


def clone_lines() -> str:
    """Return the commands that fetch the release and open JupyterLab."""
    repository = project()["repository"]
    folder = repository.rsplit("/", 1)[1]
    return f"```bash\ngit clone --depth 1 --branch {project()['release']} {repository}\ncd {folder}\nmake lab\n```"


def pip_lines() -> str:
    """Return the command that installs the release with pip."""
    return f'```bash\npip install "{project()["install"]}"\npip install jupyterlab papermill\n```'


def _readers(part: StatusPart) -> str:
    if not part.read_by:
        return "nothing reads it yet"
    readers = ", ".join(f"`{name}`" for name in part.read_by)
    return f"{readers}; no maker reads that yet" if part.read_by == ("Features.context",) else readers


def panel(record: RunRecord) -> str:
    """Return the reproducibility panel that stands at the foot of a chapter."""
    budget = f" of at most {record.budget_s:.0f} s" if record.budget_s else ""
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    rows = {
        "Processor time": f"{record.cpu_s:.1f} s{budget}, start of the kernel and imports included, one thread",
        "Clock time": f"{record.seconds:.1f} s, beside whatever else the machine did",
        "Peak memory": f"{record.peak_mb:.0f} MB of at most {record.budget_mb:.0f} MB" if record.budget_mb else "",
        "Profile and seed": f"{record.profile}, {record.seed}",
        "Data": ". ".join(part for part in (source_words(record), record.attribution, record.note) if part),
        "Commit": commit_words(record),
        "Versions": versions,
    }
    listed = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows.items() if text)
    where = "in the project's folder, its environment active (of <code>make</code>: <code>. .venv/bin/activate</code>)"
    again = f"<dt>Run it again</dt><dd><code>{escape(run_again(record))}</code><br>{where}</dd>"
    return (
        "## How this page was made\n\n"
        + raw_html(f'<div class="book-panel"><dl>{listed}{again}</dl></div>')
        + "\n\nOther seeds give other numbers; the accepted range of each is on the page of [claims](../pages/claims.md)."
    )


def run_again(record: RunRecord) -> str:
    """Return the command that makes a page's numbers again, from the project's folder, in any environment of the book."""
    data = "GDT_DATA=your_logs.csv " if record.data_source == "logs" else ""
    chapter = f"notebooks/{record.chapter}.ipynb out.ipynb -k python3"
    return f"{data}python -m papermill {chapter} -p profile {record.profile} -p seed {record.seed}"


def range_words(bounds: tuple[float, float]) -> str:
    """Write an accepted range: one number where the claim is exact; the margin around a number that is always 0 is 0."""
    low, high = (plain(bound if abs(bound) >= 1e-6 else 0.0) for bound in bounds)
    return low if low == high else f"{low} to {high}"


def source_words(record: RunRecord) -> str:
    """Say which data made a run's numbers."""
    return "real watch logs" if record.data_source == "logs" else "embedded generator"


def commit_words(record: RunRecord) -> str:
    """Name the commit of a run and whether files had changed since."""
    return record.commit + (" with local changes" if record.is_dirty else "")


def last_run(record: RunRecord) -> str:
    """Say in a few words which run gave a number."""
    return f"{record.profile}, seed {record.seed}, {source_words(record)}, commit {commit_words(record)}"
