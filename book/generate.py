"""The parts of pages that are made from data: the plan, the runs, the configs, the index of the figures."""

import tomllib
from html import escape
from typing import Any

from book import api, maps
from book.chapters import BOOK, Plan, project
from book.execute import RunRecord
from book.parameters import parameter_tables
from book.prose_numbers import Numbers, claim_anchor
from gdt_tutorial.teaching.claim_plan import ClaimPlan
from gdt_tutorial.teaching.claim_record import Claim, words
from gdt_tutorial.teaching.claim_words import plain
from gdt_tutorial.twin.status_parts import PARTS, StatusPart


def fragments(plan: Plan, records: dict[str, RunRecord]) -> dict[str, str]:
    """Return the generated parts, but those of `front` and `about`, by the name under which a page asks for them."""
    index = maps.read_index()
    return {
        "chapters": chapters_table(plan, records),
        "claims": claims_tables(plan, records),
        "runs": runs_table(plan, records),
        "parameters": parameter_tables(api.modules()),
        "paper": paper_table(plan, records),
        "paper_count": paper_count(),
        "index": index_tables(plan, index),
        "data": data_note(records),
        "data_banner": data_banner(plan, records),
        "status_parts": status_parts_table(),
        "launch": launch_line(plan),
        "clone": clone_lines(),
        "pip": pip_lines(),
        "map_legend": raw_html(maps.legend()),
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


ANOTHER_LOG = (
    "The text and the descriptions of the pictures were written for other viewers: where they disagree with a number, believe "
    "the number. The accepted ranges of claims come from another log, so no number here is held to one."
)


def find_claim(name: str, records: dict[str, RunRecord]) -> dict[str, Any] | None:
    """Find the claim "CHAPTER.NAME" among the executed chapters."""
    number, _, short = name.partition(".")
    claims = records[number].claims if number in records else []
    return next((claim for claim in claims if claim["name"] == short), None)


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
        head = ["claim", "value", "accepted range", "the text needs"]
        body = table(head, rows) if rows else "This chapter makes no claim."
        other = f" {ANOTHER_LOG}" if is_another_log(plan, record) else ""
        blocks.append(f"## {number} {chapter.title}\n\nLast run: {last_run(record)}.{other}\n\n{body}")
    return "\n\n".join(blocks) or "No chapter is written yet."


def _claim_row(plan: Plan, number: str, record: RunRecord, claim: Claim) -> list[str]:
    known = plan.claims.get(number, {}).get(claim.name, ClaimPlan(name=claim.name))
    bounds = accepted_range(plan, number, claim.name, record)
    kind = f" *stored: {known.stored}*" if known.stored else " *exact*" if known.exact else ""
    return [
        f'<span id="{claim_anchor(number, claim.name)}"></span>{known.text}<br>`{claim.name}`{kind}',
        words(claim, known),
        range_words(bounds) if bounds else "no range on record",
        "; ".join(escape(condition.text).replace("_", "_<wbr>") for condition in known.must),
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
    "implemented": "book-part",
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


def paper_count() -> str:
    """Say in two sentences how many statements have which verdict."""
    verdicts = [statement["verdict"] for statement in _statements()["statement"]]
    holds, in_part, against, built, untested = (verdicts.count(verdict) for verdict in VERDICTS)
    return (
        f"Of {len(verdicts) - built} statements of the paper that can be judged, {_are(holds, 'holds', 'hold')} as stated, "
        f"{_are(in_part, 'holds', 'hold')} in part, {_are(against, 'is', 'are')} not supported, and "
        f"{_are(untested, 'is', 'are')} not tested yet. {built} more describe parts, which are implemented here."
    )


def _are(count: int, one: str, more: str) -> str:
    return f"{count or 'none'} {one if count == 1 else more}"


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
            [
                _box_words(box),
                box.paper,
                _source(box),
                ", ".join(_chapter_link(plan, number) for number in box.chapters),
            ]
            for box in index["box"]
            if box.figure == figure
        ]
        blocks.append(f"## {title}\n\n" + table(["box", "the paper's words, shortened", "source", "chapter"], rows))
    return "\n\n".join(blocks)


def _box_words(box: maps.Box) -> str:
    state = f' <span class="book-planned">generative part {box.state}</span>' if box.stand_in else ""
    return f"{box.title}{state}"


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
