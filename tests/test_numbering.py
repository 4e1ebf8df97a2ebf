"""Numbers of chapters agree everywhere: exercises, checks, links, the paper's statements, and the index of its figures."""

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from book.chapters import ROOT

NOTEBOOKS, CHECKS = Path("notebooks"), Path("gdt_tutorial/teaching/checks")
PLAN, INDEX, PAPER = NOTEBOOKS / "chapters.toml", Path("book/architecture.toml"), Path("book/paper.toml")
TEMPLATE = "99"  # the number of notebooks/_template.ipynb
EXERCISE = re.compile(r"[Ee]xercises? (\d+)\.(\d+)|\bcheck\.ex(\d+)_(\d+)")
OWN = re.compile(r"^#+ .*\bExercise (\d+)\.\d+|\bcheck\.ex(\d+)_\d+|[Tt]his chapter \((\d+)\)", re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\((?![a-z]+://)([^)\s]*?(\d\d)_(\w+)\.ipynb)[^)]*\)")
CLAIM, ROLE = re.compile(r"(\d\d)\.([a-z]\w*)"), re.compile(r"\{claim\}`([a-z]\w*)")


class Book(NamedTuple):
    """What numbers may name."""

    chapters: set[str]
    claims: set[tuple[str, str]]
    notebooks: set[str]
    exercises: set[tuple[int, int]]


def read_book(root: Path) -> Book:
    plan = tomllib.loads((root / PLAN).read_text())
    return Book(
        chapters={chapter["number"] for chapter in plan["chapter"]},
        claims={(number, name) for number, table in plan["claims"].items() for name in table},
        notebooks={path.name for path in (root / NOTEBOOKS).glob("[0-9][0-9]_*.ipynb")},
        exercises={pair for path in (root / CHECKS).glob("chapter_*.py") for pair in defined(path.read_text())},
    )


def defined(code: str) -> list[tuple[int, int]]:
    return [(int(chapter), int(place)) for chapter, place in re.findall(r"^def ex(\d+)_(\d+)\(", code, re.MULTILINE)]


def faults_of_text(name: str, text: str, book: Book) -> list[str]:
    """Find links, exercises and chapters that a text names and the book does not have."""
    faults = []
    for words, target, number, stem in LINK.findall(text):
        said = re.search(r"(?:[Cc]hapter |^)(\d+)\b", words)
        if f"{number}_{stem}.ipynb" not in book.notebooks:
            faults.append(f"{name}: {target} leads to no chapter")
        elif said and int(said[1]) != int(number):
            faults.append(f"{name}: [{words}] leads to {target}")
    for match in EXERCISE.finditer(text):
        chapter, place = (int(part) for part in match.groups() if part)
        if (chapter, place) not in book.exercises:
            faults.append(f"{name}: there is no {match[0]}")
    for number in re.findall(r"\b[Cc]hapters? (\d\d)\b", text):
        if number not in book.chapters:
            faults.append(f"{name}: there is no chapter {number}")
    return faults


def faults_of_notebook(path: Path, book: Book) -> list[str]:
    number = path.name[:2] if path.name[:2].isdigit() else TEMPLATE
    faults = []
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        faults += faults_of_text(path.name, source, book) if number != TEMPLATE else []
        for match in OWN.finditer(source):
            (said,) = (part for part in match.groups() if part)
            if int(said) != int(number):
                faults.append(f"{path.name}: {match[0]} is not of chapter {number}")
    return faults


def faults_of_checks(path: Path, book: Book) -> list[str]:
    number, code = path.stem.removeprefix("chapter_"), path.read_text()
    faults = [f"{path.name}: ex{chapter}_{place}" for chapter, place in defined(code) if chapter != int(number)]
    faults += [
        f"{path.name}: says chapter {said}"
        for said in re.findall(r"exercises of chapter (\d+)", code)
        if said != number
    ]
    return faults + ([] if number in book.chapters | {TEMPLATE} else [f"{path.name}: there is no chapter {number}"])


def faults_of_table(name: str, table: dict[str, Any], book: Book) -> Iterator[str]:
    """Find numbers and claims of a table that do not exist; a role names a claim of the chapters beside it."""
    chapters = table.get("chapters", [])
    yield from (f"{name}: there is no chapter {number}" for number in chapters if number not in book.chapters)
    for value in table.values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from faults_of_table(name, inner, book)
            elif isinstance(inner, str):
                for claim in ROLE.findall(inner):
                    if not any((number, claim) in book.claims for number in chapters):
                        yield f"{name}: there is no claim {claim} in the chapters {', '.join(chapters)}"
                match = CLAIM.fullmatch(inner)
                if match and match.groups() not in book.claims:
                    yield f"{name}: there is no [claims.{inner}]"


def numbering_faults(root: Path) -> list[str]:
    book, faults = read_book(root), []
    for path in sorted((root / NOTEBOOKS).glob("*.ipynb")):
        faults += faults_of_notebook(path, book)
    for path in [root / "README.md", root / "book/index.md", *sorted((root / "book/pages").glob("*.md"))]:
        faults += faults_of_text(path.name, path.read_text(), book)
    for path in sorted((root / CHECKS).glob("chapter_*.py")):
        faults += faults_of_checks(path, book)
    for table in (INDEX, PAPER):
        faults += faults_of_table(table.name, tomllib.loads((root / table).read_text()), book)
    return faults


def test_numbers_agree():
    faults = numbering_faults(ROOT)
    assert not faults, "\n".join(faults)


@pytest.fixture
def copy(tmp_path):
    for name in (NOTEBOOKS, CHECKS, Path("book/pages")):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        )
    for name in ("README.md", "book/index.md", INDEX, PAPER):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "old", "new", "fault"),
    [
        ("notebooks/17_grouping.ipynb", "check.ex17_1", "check.ex16_1", "check.ex16_1 is not of chapter 17"),
        ("notebooks/17_grouping.ipynb", "### Exercise 17.1", "### Exercise 18.1", "Exercise 18.1 is not of chapter 17"),
        ("notebooks/17_grouping.ipynb", "check.ex17_1", "check.ex17_9", "there is no check.ex17_9"),
        ("notebooks/_template.ipynb", "check.ex99_1", "check.ex17_1", "check.ex17_1 is not of chapter 99"),
        ("notebooks/17_grouping.ipynb", "## Where next", "This chapter (16)", r"This chapter \(16\) is not of chapter 17"),
        ("notebooks/17_grouping.ipynb", "## Where next", "chapter 77", "there is no chapter 77"),
        ("notebooks/17_grouping.ipynb", "## Where next", "[17](16_scenario.ipynb)", r"\[17\] leads to 16_scenario.ipynb"),
        ("README.md", "notebooks/17_grouping.ipynb", "notebooks/17_groups.ipynb", "17_groups.ipynb leads to no chapter"),
        ("book/pages/glossary.md", "# ", "[Chapter 16](../notebooks/17_grouping.ipynb) ", r"\[Chapter 16\] leads to"),
        ("book/index.md", "# ", "see exercise 17.12 ", "index.md: there is no exercise 17.12"),
        ("gdt_tutorial/teaching/checks/chapter_17.py", "def ex17_2", "def ex18_2", "chapter_17.py: ex18_2"),
        ("gdt_tutorial/teaching/checks/chapter_17.py", "of chapter 17", "of chapter 18", "chapter_17.py: says chapter 18"),
        ("book/paper.toml", 'chapters = ["17", ', 'chapters = ["71", ', "paper.toml: there is no chapter 71"),
        ("book/paper.toml", 'front = ["00.', 'front = ["16.', r"there is no \[claims.16"),
        ("book/paper.toml", 'chapters = ["17", "01"]', 'chapters = ["18"]', "there is no claim early_gap in the chapters 18"),
        ("book/architecture.toml", 'chapters = ["17"]', 'chapters = ["71"]', "architecture.toml: there is no chapter 71"),
    ],
)  # fmt: skip
def test_a_wrong_number_is_found(copy, name, old, new, fault):
    text = (copy / name).read_text()
    assert old in text, f"{name} does not hold {old!r} any more: break another one"
    (copy / name).write_text(text.replace(old, new))
    found = numbering_faults(copy)
    assert any(re.search(fault, line) for line in found), found
