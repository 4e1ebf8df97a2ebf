"""The front page and the page about the project: they grow with the plan, and say what is not written."""

import dataclasses
import json
import re

import nbformat
import pytest

from book import about, front, generate, loop_picture
from book.chapters import BOOK, ROOT, Chapter, Plan, read_plan
from book.execute import RunRecord
from gdt_tutorial.reproduce import FIGURES

CHAPTERS = (
    Chapter(number="00", name="quickstart", title="First", part="Start", status="written"),
    Chapter(number="01", name="physical_network", title="Second", part="Network"),
    Chapter(number="02", name="digital_twin", title="Third", part="Network"),
    Chapter(number="03", name="gan", title="Fourth", part=front.GENERATIVE_PART),
    Chapter(number="04", name="scenario", title="Fifth", part="Case study", status="written"),
)


def record(**changes):
    claims = [claim("waiting_saved", 2.84)]
    facts = {"chapter": "00_quickstart", "profile": "book", "seed": 0, "cpu_s": 41.0, "seconds": 50.0, "peak_mb": 300.0}
    facts |= {"stderr": [], "claims": claims, "commit": "abc", "is_dirty": False, "versions": {}}
    return RunRecord(**(facts | {"data_source": "generator", "attribution": ""} | changes))


def claim(name, value):
    return {"name": name, "value": value, "unit": "s per minute", "text": "", "source": ""}


def with_status(number, status):
    chapters = (dataclasses.replace(each, status=status) if each.number == number else each for each in CHAPTERS)
    return Plan(chapters=tuple(chapters))


@pytest.fixture
def executed(tmp_path):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("word " * 2000)])
    paths = {number: tmp_path / f"{number}.ipynb" for number in ("00", "04")}
    for path in paths.values():
        nbformat.write(notebook, path)
    return paths


def test_there_is_one_start():
    page = (BOOK / "index.md").read_text(encoding="utf-8")
    text = front.start(Plan(chapters=CHAPTERS), {}, {})
    assert page.count("<!-- book: start -->") == text.count("book-start-button") == 1
    assert len(re.findall(r"\bStart\b", page)) == 0
    assert 'href="notebooks/00_quickstart.html"' in text
    assert "2 of 5 chapters are written" in text
    assert "No chapter is written yet" in front.start(Plan(chapters=CHAPTERS[1:4]), {}, {})


def test_start_says_that_no_generative_model_is_written_until_one_is():
    assert "No generative model is written yet" in front.start(Plan(chapters=CHAPTERS), {}, {})
    assert "No generative model" not in front.start(with_status("03", "written"), {}, {})


def test_ways_lead_through_what_is_written_and_grow(executed):
    records = {"00": record(), "04": record(cpu_s=100.0)}
    now = front.ways_to_read(Plan(chapters=CHAPTERS), records, executed)
    assert "02_digital_twin" not in now
    assert "Generative models in the twin" not in now, "a way without a written chapter is none yet"
    assert '<a href="notebooks/04_scenario.html">04 Fifth</a>' in now
    assert "About 20 min to read and 2 min to run; " in now
    assert "3 more planned" in now
    then = front.ways_to_read(with_status("02", "written"), {}, {})
    assert "Generative models in the twin" in then
    assert "02_digital_twin" in then


def test_every_way_leads_somewhere_in_the_real_plan():
    plan = read_plan()
    for way in front.WAYS:
        for wish in way.wished:
            assert any(wish in (chapter.name, chapter.part) for chapter in plan.chapters), f"{way.name}: no {wish}"
        assert len({chapter.number for chapter in way.chapters(plan)}) == len(way.chapters(plan))
    assert any(chapter.part == front.GENERATIVE_PART for chapter in plan.chapters)


def test_times_are_rounded_to_what_a_reader_plans_with():
    assert [front._duration(minutes) for minutes in (1, 12, 58, 60, 131)] == [
        "5 min",
        "10 min",
        "1 h",
        "1 h",
        "2 h 10 min",
    ]


def test_every_chapter_is_written_or_planned():
    text = front.written_and_planned(Plan(chapters=CHAPTERS))
    assert "| Network |  | 01 Second; 02 Third |" in text
    assert "| Case study | [04 Fifth](notebooks/04_scenario.ipynb) |  |" in text


def test_headline_has_its_baseline_as_soon_as_it_is_recorded():
    plan = Plan(chapters=CHAPTERS)
    alone = front.key_number(plan, {"00": record()})
    assert "2.8 s" in alone
    assert "six simulated days of one campus, one seed, embedded generator" in alone
    claims = [*record().claims, claim("waiting_model", 24.9), claim("waiting_generative", 21.9)]
    text = front.key_number(plan, {"00": record(claims=claims)})
    assert "22.1 s instead of the 24.9 s" in text
    assert "generative manager alone it is 21.9 s" in text
    assert front.key_number(plan, {}) == front.key_number(plan, {"00": record(claims=[])}) == ""
    for low, is_unsure in ((-0.2, True), (0.3, False)):
        sure = {**claims[0], "low": low, "high": 5.4}
        told = front.key_number(plan, {"00": record(claims=[sure, *claims[1:]])})
        assert ("cannot be told from zero" in told) == is_unsure


def test_number_of_days_is_that_of_the_chapter():
    words = {"two": 2, "six": 6, "24": 24}
    cells = json.loads((ROOT / "notebooks" / "00_quickstart.ipynb").read_text(encoding="utf-8"))["cells"]
    code = "".join("".join(cell["source"]) for cell in cells)
    for profile, word in front.DAYS.items():
        assert re.search(rf'"{profile}": \({words[word]},', code), profile


def test_picture_marks_what_is_planned_and_no_longer_what_is_written():
    drawn = loop_picture.draw(now={"emulate": "an LSTM", "abstract": "", "decide": "a network"})
    assert "emulate: an LSTM" in drawn
    assert "Where generative AI is planned, another part stands in: an LSTM to emulate, a network to decide." in drawn
    assert "(planned)" not in drawn, "one task is written, so the panel is not planned as a whole"
    written = loop_picture.draw(now={"emulate": "", "decide": ""})
    assert "planned" not in re.sub(r"<style>.*?</style>", "", written, flags=re.DOTALL)
    assert "(planned)" in loop_picture.draw(now={"emulate": "an LSTM"})


# --- about and cite


def test_about_is_made_from_the_citation():
    cff = about.citation()
    assert cff["authors"][0]["name"] in about.authors()
    assert "Xinyu Huang" in about.authors()
    assert str(cff["version"]) in about.version()
    assert f"{cff['repository-code']}/issues" in about.discuss()
    assert "CC BY 4.0" in about.licenses()
    assert "MIT" in about.footer()


def test_every_page_of_the_contents_leads_to_about():
    assert "pages/about" in (BOOK / "_toc.yml").read_text(encoding="utf-8")
    assert "pages/about.md" in (BOOK / "index.md").read_text(encoding="utf-8")


def test_persons_and_groups_are_both_authors():
    people = [{"given-names": "Ada", "family-names": "Byron"}, {"name": "A group"}]
    assert about._bibtex_authors(people) == "{Byron, Ada and {A group}}"


def test_computing_has_every_training_and_every_stored_sweep():
    text = about.computing({"00": record()})
    for _, file, time in about.TRAININGS:
        source = " ".join((ROOT / file).read_text(encoding="utf-8").split())
        assert f"({time}" in source, f"{file} says another time than {time}"
    stored = {path.stem for path in (ROOT / "gdt_tutorial").glob("*/results/*.csv")}
    assert stored == set(FIGURES)
    assert all(f"`reproduce {name}`" in text for name in stored)
    assert "about 41 s | for every build" in text


# --- glossary and notation


def test_glossary_has_each_term_once_in_order():
    page = (BOOK / "pages" / "glossary.md").read_text(encoding="utf-8")
    terms = [line for line in page.splitlines() if line and not line.startswith((" ", "#", "`"))]
    assert terms == sorted(set(terms), key=str.lower)
    known = {term.lower() for term in terms}
    for use in re.findall(r"\{term\}`(?:[^`<]*<)?([^`>]+)>?`", page):
        assert use.lower() in known, use


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("[01]*.ipynb")), ids=lambda path: path.stem)
def test_every_letter_of_a_formula_is_in_the_notation(path):
    page = (BOOK / "pages" / "notation.md").read_text(encoding="utf-8").split("## Symbols in formulas")[1]
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    symbols = set(re.findall(r"(?<!\$)\$(\\?[A-Za-z]+(?:_(?:\w|\{\\text\{\w+\}\}))?)\$(?!\$)", text))
    assert {
        symbol for symbol in symbols if not re.search(rf"(?<![A-Za-z\\]){re.escape(symbol)}(?![A-Za-z_])", page)
    } - {
        "R_1",
        "R_2",
    } == set()


def test_index_page_says_what_stands_in():
    from book import maps

    text = generate.index_tables(read_plan(), maps.read_index())
    assert "GAI-based management" in text
    index = maps.read_index()["box"]
    assert all(f"generative part planned; now {box.stand_in}" in text for box in index if box.stand_in)
