import importlib.util

import nbformat
import pytest
import tomlkit

from book.chapters import NOTEBOOKS, read_plan
from gdt_tutorial.teaching.claim_plan import Claim, ClaimPlan, Condition, plans_of

PLAN = read_plan()


def load_script():
    spec = importlib.util.spec_from_file_location("claim_ranges", NOTEBOOKS / "claim_ranges.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


claim_ranges = load_script()


def test_there_are_23_chapters_in_order():
    assert [chapter.number for chapter in PLAN.chapters] == [f"{number:02d}" for number in range(23)]


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


def plan_of(**options):
    options["must"] = tuple(Condition.parse(text) for text in options.get("must", ()))
    return ClaimPlan(name="n", **options)


def test_a_range_is_widened_by_half_of_the_spread():
    assert claim_ranges.widened_range([1.0, 1.5, 2.0, 1.2, 1.8], plan_of()) == (0.5, 2.5)


def test_a_range_is_never_narrower_than_its_floor():
    assert claim_ranges.widened_range([60.0] * 5, plan_of()) == (57.0, 63.0)
    low, high = claim_ranges.widened_range([0.0] * 5, plan_of())
    assert low < 0 < high


def test_a_range_is_clipped_to_what_is_possible_and_to_what_the_text_needs():
    shares = [97.0, 99.0, 100.0, 98.0, 97.5]
    assert claim_ranges.widened_range(shares, plan_of(within=(0.0, 100.0)))[1] == 100.0
    assert claim_ranges.widened_range([0.0] * 5, plan_of(within=(0.0, 100.0))) == (0.0, 5.0)
    gains = [0.01, 0.05, 0.04, 0.02, 0.03]
    assert claim_ranges.widened_range(gains, plan_of(must=["> 0"]))[0] == 0.0
    assert claim_ranges.widened_range(gains, plan_of(must=["<= 0.06"]))[1] == 0.06
    assert claim_ranges.widened_range(gains, plan_of(must=["< other"])) == claim_ranges.widened_range(gains, plan_of())


def test_the_range_of_a_fixed_number_is_that_number():
    assert claim_ranges.widened_range([1 / 3] * 5, plan_of(exact=True)) == (0.3333333333, 0.3333333333)
    assert claim_ranges.widened_range([79.0] * 5, plan_of(stored="fig5")) == (79.0, 79.0)
    assert claim_ranges.widened_range([1.0, 1.5, 2.0, 1.2, 1.8], plan_of(exact=True)) == (0.5, 2.5)


def test_a_seed_that_breaks_the_text_is_named():
    runs = [{"n": Claim(name="n", value=value)} for value in (0.2, -0.1, 0.3, 0.1, 0.2)]
    (fault,) = claim_ranges.faults("00", runs, {"n": plan_of(must=["> 0"])})
    assert fault == "00 n, run 1: must be > 0, got -0.1"


def test_a_number_that_never_moves_has_to_be_marked_and_one_that_moves_must_not_be():
    fixed = [{"n": Claim(name="n", value=7.0)}] * 5
    assert "mark it `exact` or `stored`" in claim_ranges.faults("00", fixed, {"n": plan_of()})[0]
    assert claim_ranges.faults("00", fixed, {"n": plan_of(exact=True)}) == []
    assert claim_ranges.faults("00", fixed, {"n": plan_of(within=(0.0, 7.0))}) == []
    moving = [{"n": Claim(name="n", value=value)} for value in (1.0, 2.0)]
    assert "it moves" in claim_ranges.faults("00", moving, {"n": plan_of(stored="fig5")})[0]


def test_a_range_holds_the_values_after_rounding():
    values = [0.123456, 0.123457, 0.123458, 0.123459, 0.12346]
    low, high = claim_ranges.widened_range(values, plan_of())
    assert low < min(values) < max(values) < high


@pytest.mark.parametrize("values", [[1.0] * 4, [1.0, 1.0, 1.0, 1.0, float("nan")]])
def test_a_range_needs_five_finite_values(values):
    with pytest.raises(ValueError, match="values must be 5 or more finite numbers"):
        claim_ranges.widened_range(values, plan_of())


def runs_of(name, values):
    return [{name: Claim(name=name, value=value)} for value in values]


def test_writing_ranges_leaves_the_rest_of_the_file():
    before = (
        '# by hand\n[budget]\nsmoke_s = 20  # seconds\n\n[[chapter]]\nnumber = "00"\n\n'
        '[claims."00".gone]\ntext = "x"\nbook_logs = [0.0, 1.0]\n\n'
        '[claims."00".kept]\ntext = "y"\nunit = "dB"\nmust = ["> 0"]\nbook_logs = [0.0, 1.0]\n\n'
        '[claims."01".other]\ntext = "z"\nbook_logs = [0.0, 1.0]\n'
    )
    document = tomlkit.parse(before)
    plans = plans_of(tomlkit.parse(before).unwrap())["00"]
    claim_ranges.write_ranges(document, "00", "generator", runs_of("kept", [1.0, 2.0, 1.0, 2.0, 1.0]), plans)
    after = tomlkit.dumps(document)
    assert after.startswith(before.split("[claims", 1)[0])
    claims = tomlkit.parse(after)["claims"].unwrap()
    kept = {"text": "y", "unit": "dB", "must": ["> 0"], "book_logs": [0.0, 1.0], "book_generator": [0.5, 2.5]}
    assert claims["00"] == {"kept": kept}
    assert claims["01"] == {"other": {"text": "z", "book_logs": [0.0, 1.0]}}


def test_the_first_range_makes_the_tables():
    document = tomlkit.parse((NOTEBOOKS / "chapters.toml").read_text(encoding="utf-8"))
    document.pop("claims", None)
    claim_ranges.write_ranges(document, "00", "logs", runs_of("n", [1.0] * 5), {})
    assert "[claims.00.n]" in tomlkit.dumps(document)
