"""Every written chapter, executed by papermill: at `book` with the generator, and with real watch logs where GDT_DATA points
at them; at `smoke` with the generator.

At `book` claims stay in their ranges; the site shows one of its two runs, and the cache serves it here. At `smoke` a chapter
has to run, and no more. Limits are in seconds of the processor, twice the budget: a shared machine is slower, not that much.
"""

import ast
import sys
from pathlib import Path

import nbformat
import pytest

from book.cache import execute_cached
from book.chapters import BUILD, NOTEBOOKS, Chapter, read_plan
from book.execute import RunRecord
from gdt_tutorial.physical.logs.watch_logs import data_place
from gdt_tutorial.teaching import check_claims, find_sentences, read_claims
from gdt_tutorial.teaching.claim_record import CLAIM_MIME
from gdt_tutorial.teaching.page import published

PLAN = read_plan()
TOLERANCE = 2.0
SEED = 0
# Claims in sight, in one chapter.
MOST_SHOWN = 12
SOURCES = ("generator", "logs")
WRITTEN = [pytest.param(chapter, id=chapter.stem) for chapter in PLAN.written]
# What a chapter may import beside the standard library.
ALLOWED = {"gdt_tutorial", "torch", "numpy", "matplotlib", "ipywidgets", "IPython", "jaxtyping"}


def run_within_limits(chapter: Chapter, profile: str, source: str, capsys) -> tuple[RunRecord, Path]:
    """Execute a chapter, or take the run that there is; it must be silent and within memory and time."""
    data = data_place() if source == "logs" else None
    out_path = BUILD / "tested" / f"{chapter.stem}-{profile}-{source}.ipynb"
    record = execute_cached(chapter.path, profile=profile, seed=SEED, data=data, out_path=out_path)
    budget_s = PLAN.budget_s(profile)
    with capsys.disabled():
        kept = ", kept from an earlier run" if record.is_cached else ""
        sys.stdout.write(
            f"\n  {record.chapter}, {profile}, {source}: {record.cpu_s:.1f} s of {budget_s:.0f} s of the processor, "
            f"{record.peak_mb:.0f} MB of {PLAN.memory_mb:.0f} MB{kept}\n"
        )
    assert record.data_source == source
    assert not record.stderr, f"cells wrote to stderr:\n{''.join(record.stderr)}"
    assert record.peak_mb <= PLAN.memory_mb
    assert record.cpu_s <= TOLERANCE * budget_s
    return record, out_path


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("chapter", WRITTEN)
def test_chapter_runs_within_its_limits_and_its_claims_hold(chapter, source, capsys):
    if source == "logs" and data_place() is None:
        pytest.skip("GDT_DATA is not set: the chapters were not run on real watch logs")
    record, path = run_within_limits(chapter, "book", source, capsys)
    if source == "logs" and record.log != PLAN.logs:
        pytest.skip(
            "GDT_DATA points at another log than that of the ranges: the chapter was run, no claim was compared"
        )
    plans, sentences = PLAN.claims.get(chapter.number, {}), find_sentences(path)
    violations = check_claims(read_claims(path), plans, source=source, sentences=sentences)
    assert not violations, "\n".join(violations)
    shown = [name for _, payload in published(path, CLAIM_MIME) for name in payload["shown"]]
    assert len(shown) <= MOST_SHOWN, "fold what the text is not about"
    if source == "logs":
        assert record.attribution, "a page that shows real logs must say whose they are"


@pytest.mark.parametrize("chapter", WRITTEN)
def test_chapter_runs_in_seconds_too(chapter, capsys):
    run_within_limits(chapter, "smoke", "generator", capsys)


def test_plan_and_notebooks_agree():
    written = {chapter.path.name for chapter in PLAN.written}
    there = {path.name for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")}
    assert written == there
    numbers = [chapter.number for chapter in PLAN.chapters]
    assert numbers == [f"{number:02d}" for number in range(len(numbers))]
    for chapter in PLAN.chapters:
        assert all(PLAN.chapter(number).number < chapter.number for number in chapter.prerequisites)


@pytest.mark.parametrize("chapter", WRITTEN)
def test_chapter_is_stripped_and_has_its_parameters(chapter):
    notebook = nbformat.read(chapter.path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code), "outputs stay out of git: run nbstripout"
    tagged = [cell.source for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert 'profile = "book"' in tagged[0]
    assert "seed = 0" in tagged[0]


@pytest.mark.parametrize("chapter", WRITTEN)
def test_chapter_imports_little_and_defines_no_class(chapter):
    notebook = nbformat.read(chapter.path, as_version=4)
    exercise_tags = {"exercise-stub", "exercise-check", "solution"}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!"))]
        tree = ast.parse("\n".join(lines))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            foreign = {name.split(".")[0] for name in names} - ALLOWED - sys.stdlib_module_names
            assert not foreign, f"a chapter imports only the library and {sorted(ALLOWED)}, got {foreign}"
            is_exercise = bool(exercise_tags & set(cell.metadata.get("tags", [])))
            assert is_exercise or not isinstance(node, ast.ClassDef), "implementations live in the library alone"
