"""What a chapter's text says: numbers and not names of variables, claims that can fail, and not too many words."""

import re
import sys
from dataclasses import replace

import nbformat
import pytest

from book import prose
from book.chapters import read_plan
from gdt_tutorial.teaching import check_claims, find_sentences
from gdt_tutorial.teaching.claim_plan import Claim, names_in_prose

PLAN = read_plan()
WRITTEN = [pytest.param(chapter, id=chapter.stem) for chapter in PLAN.written]
NAMES = {name: plan for plans in PLAN.claims.values() for name, plan in plans.items()}
# Longer than a quarter hour is two chapters; chapter 00 is shorter, since it is read in five minutes.
LEAST_WORDS = {"00": 1200}


def markdown_of(chapter) -> str:
    cells = nbformat.read(chapter.path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("chapter", WRITTEN)
def test_a_chapter_is_neither_a_note_nor_a_book(chapter, capsys):
    words = prose.count_words(nbformat.read(chapter.path, as_version=4))
    with capsys.disabled():
        sys.stdout.write(f"\n  {chapter.stem}: {words} words of running text\n")
    assert LEAST_WORDS.get(chapter.number, prose.LEAST_WORDS) <= words <= prose.MOST_WORDS


@pytest.mark.parametrize("chapter", WRITTEN)
def test_rows_of_a_table_have_the_cells_of_its_head(chapter):
    """A bar in a formula would end its cell: write \\lvert and \\rvert."""
    for table in re.findall(r"(?:^\|.*\|$\n?)+", markdown_of(chapter), flags=re.MULTILINE):
        head, *rows = table.splitlines()
        assert {row.count("|") for row in rows} <= {head.count("|")}, table


@pytest.mark.parametrize("chapter", WRITTEN)
def test_a_sentence_has_the_number_and_not_its_name(chapter):
    bare = prose.bare_names(markdown_of(chapter), set(NAMES))
    assert not bare, "write {claim}`NAME`, which becomes the number on the page"


@pytest.mark.parametrize("chapter", WRITTEN)
def test_a_sentence_rests_on_claims_that_can_fail(chapter):
    named = set(names_in_prose(markdown_of(chapter)))
    unknown = named - set(NAMES)
    assert not unknown
    idle = {name for name in named if not (NAMES[name].must or NAMES[name].exact)}
    assert not idle, "say in chapters.toml what the sentence needs: must = ['> 0']"


@pytest.mark.parametrize("chapter", WRITTEN)
def test_a_claim_says_what_it_is(chapter):
    for plan in PLAN.claims.get(chapter.number, {}).values():
        assert plan.text, f"{plan.name} needs a text in chapters.toml"
        others = [condition.other for condition in plan.must if isinstance(condition.other, str)]
        assert set(others) <= set(PLAN.claims[chapter.number]), (
            f"{plan.name} is compared with a claim of another chapter"
        )
        assert plan.unit != "%" or plan.within or plan.must


def middle(plan) -> Claim:
    low, high = plan.accepted("generator")
    value = (low + high) / 2
    return Claim(name=plan.name, value=value, low=value - 1e-9, high=value + 1e-9)


def broken(claim: Claim, condition, others) -> Claim:
    """Move a claim so far that one condition fails."""
    limit = condition.other if not isinstance(condition.other, str) else others[condition.other].value
    limit = condition.factor * limit
    step = (abs(limit) + 1) * (-1 if condition.relation in (">", ">=") else 1)
    value = limit + step
    return replace(claim, value=value, low=value - 1e-9, high=value + 1e-9)


@pytest.mark.parametrize("chapter", WRITTEN)
def test_a_claim_that_is_broken_on_purpose_fails_with_its_sentence(chapter):
    plans = PLAN.claims[chapter.number]
    sentences = find_sentences(chapter.path)
    claims = {name: middle(plan) for name, plan in plans.items()}
    named = [name for name in sentences if name in plans and plans[name].must]
    assert len(named) >= 10, "ten sentences or more rest on a claim"
    for name in named:
        for condition in plans[name].must:
            moved = claims | {name: broken(claims[name], condition, claims)}
            violations = check_claims(moved, plans, source="generator", sentences=sentences)
            wanted = [line for line in violations if f"{name!r} must be {condition.text}" in line]
            assert len(wanted) == 1
            assert sentences[name] in wanted[0]


def test_words_are_those_that_one_reads_from_top_to_bottom():
    sources = [
        "# Title\n\n> A box of words.\n\nOne two {claim}`n`.\n\n| a | b |\n|---|---|\n\n$$x+y$$",
        "## Quiz\n\nNot counted.",
        "## Exercises\n\nNot counted either.\n\n### Exercise 0.1\n\nNor this.",
        "## Take away\n\nSix.",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source) for source in sources])
    notebook.cells.append(nbformat.v4.new_markdown_cell("For teachers.", metadata={"tags": ["instructor"]}))
    text = prose.running_text(notebook)
    assert not re.search("counted|box|x\\+y|teachers", text)
    # "#" is no word; "## Take away" has two, and the role is one.
    assert prose.count_words(notebook) == 7


def test_bare_names_are_found():
    assert prose.bare_names("The `gain`, {claim}`gain` and `other` and ``gain``.", {"gain"}) == ["gain"]
