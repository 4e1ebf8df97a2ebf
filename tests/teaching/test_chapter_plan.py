import importlib.util

import nbformat
import pytest
import tomlkit

from book.chapters import NOTEBOOKS, read_plan

PLAN = read_plan()


def load_script():
    spec = importlib.util.spec_from_file_location("claim_ranges", NOTEBOOKS / "claim_ranges.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


claim_ranges = load_script()


def test_there_are_22_chapters_in_order():
    assert [chapter.number for chapter in PLAN.chapters] == [f"{number:02d}" for number in range(22)]


@pytest.mark.parametrize("chapter", PLAN.chapters, ids=lambda chapter: chapter.stem)
def test_a_chapter_says_what_it_is(chapter):
    assert chapter.title
    assert chapter.part
    assert chapter.paper
    assert chapter.question.endswith("?")
    assert chapter.status in ("written", "planned")
    assert all(number < chapter.number for number in chapter.prerequisites)


@pytest.mark.parametrize("chapter", PLAN.chapters, ids=lambda chapter: chapter.stem)
def test_a_chapter_is_written_exactly_where_it_says_so(chapter):
    assert chapter.path.exists() == chapter.is_written
    assert bool(chapter.learn) == chapter.is_written


def test_the_template_has_every_section_and_tag():
    cells = nbformat.read(NOTEBOOKS / "_template.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for part in ("What you will learn", "Derive", "Show", "Agree", "Use", "Break it", "Baselines", "Quiz", "Exercises"):
        assert part in text
    tags = {tag for cell in cells for tag in cell.metadata.get("tags", [])}
    assert {"parameters", "imports", "exercise-stub", "exercise-check", "solution", "hint", "instructor"} <= tags
    assert all(not cell.get("outputs") for cell in cells)


def test_a_range_is_widened_by_half_of_the_spread():
    assert claim_ranges.widened_range([1.0, 1.5, 2.0, 1.2, 1.8]) == (0.5, 2.5)


def test_a_range_is_never_narrower_than_its_floor():
    assert claim_ranges.widened_range([60.0] * 5) == (57.0, 63.0)
    low, high = claim_ranges.widened_range([0.0] * 5)
    assert low < 0 < high


def test_a_range_holds_the_values_after_rounding():
    values = [0.123456, 0.123457, 0.123458, 0.123459, 0.12346]
    low, high = claim_ranges.widened_range(values)
    assert low < min(values) < max(values) < high


@pytest.mark.parametrize("values", [[1.0] * 4, [1.0, 1.0, 1.0, 1.0, float("nan")]])
def test_a_range_needs_five_finite_values(values):
    with pytest.raises(ValueError, match="values must be 5 or more finite numbers"):
        claim_ranges.widened_range(values)


def test_writing_ranges_leaves_the_rest_of_the_file():
    before = (
        '# by hand\n[budget]\nsmoke_s = 20  # seconds\n\n[[chapter]]\nnumber = "00"\n\n'
        '[claims."00".gone]\ntext = "x"\nbook_logs = [0.0, 1.0]\n\n'
        '[claims."00".kept]\ntext = "y"\nbook_logs = [0.0, 1.0]\n\n[claims."01".other]\ntext = "z"\nbook_logs = [0.0, 1.0]\n'
    )
    document = tomlkit.parse(before)
    found = {"kept": {"text": "new", "unit": "dB", "values": [1.0, 2.0, 1.0, 2.0, 1.0]}}
    claim_ranges.write_ranges(document, "00", "generator", found)
    after = tomlkit.dumps(document)
    assert after.startswith(before.split("[claims", 1)[0])
    claims = tomlkit.parse(after)["claims"].unwrap()
    assert claims["00"] == {
        "kept": {"text": "new", "unit": "dB", "book_logs": [0.0, 1.0], "book_generator": [0.5, 2.5]}
    }
    assert claims["01"] == {"other": {"text": "z", "book_logs": [0.0, 1.0]}}


def test_the_first_range_makes_the_tables():
    document = tomlkit.parse((NOTEBOOKS / "chapters.toml").read_text(encoding="utf-8"))
    document.pop("claims", None)
    found = {"n": {"text": "", "unit": "", "values": [1.0] * 5}}
    claim_ranges.write_ranges(document, "00", "logs", found)
    assert "[claims.00.n]" in tomlkit.dumps(document)
