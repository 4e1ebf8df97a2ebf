"""The folder that Jupyter Book builds: pages, executed chapters and generated parts, never a tracked folder.

A page of `book/` may hold lines `<!-- book: NAME -->`; each is replaced by what `generate`, `front` or `about` made under
that name.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import yaml

from book import about, api, front, generate, heads
from book.chapters import BOOK, Chapter, Plan, project
from book.execute import RunRecord
from book.prose_numbers import Numbers

_PLACE = re.compile(r"^<!-- book: ([a-z_0-9]+) -->$", re.MULTILINE)


def stage(folder: Path, plan: Plan, records: dict[str, RunRecord], executed: dict[str, Path]) -> None:
    """Write the staging folder anew.

    Args:
        folder: The staging folder; what was in it is removed.
        plan: The chapters.
        records: For each written chapter's number what its execution took.
        executed: For each written chapter's number its executed copy.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    parts = generate.fragments(plan, records) | front.fragments(plan, records, executed) | about.fragments(records)
    numbers = Numbers(plan, records)
    for page in [BOOK / "index.md", *sorted((BOOK / "pages").glob("*.md"))]:
        target = folder / page.relative_to(BOOK)
        target.parent.mkdir(exist_ok=True)
        root = "" if page.parent == BOOK else "../"
        target.write_text(numbers.fill(_filled(page, parts), root=root), encoding="utf-8")
    for name, text in api.pages().items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for chapter in plan.written:
        target = folder / f"{chapter.docname}.ipynb"
        _stage_chapter(plan, chapter, records[chapter.number], executed[chapter.number], target, numbers)
    for name in ("_static", "_ext"):
        shutil.copytree(BOOK / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(BOOK / "references.bib", folder / "references.bib")
    _write_yaml(folder / "_config.yml", configuration())
    _write_yaml(folder / "_toc.yml", contents(plan))


def configuration() -> dict[str, Any]:
    """Return `_config.yml` with the repository's address and the release, as in pyproject.toml, and the line of licenses."""
    config = yaml.safe_load((BOOK / "_config.yml").read_text(encoding="utf-8"))
    config["repository"] = {"url": project()["repository"], "branch": project()["release"], "path_to_book": ""}
    config["html"]["extra_footer"] = about.footer()
    return config


def contents(plan: Plan) -> dict[str, Any]:
    """Return `_toc.yml` with the written chapters, by part, and the pages of the reference."""
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8"))
    by_part: dict[str, list[dict[str, str]]] = {}
    for chapter in plan.written:
        by_part.setdefault(chapter.part or "Chapters", []).append({"file": chapter.docname})
    written = [{"caption": part, "chapters": rows} for part, rows in by_part.items()]
    first, *others = toc["parts"]
    for part in others:
        for row in part["chapters"]:
            if row["file"] == "api/index":
                row["sections"] = [{"file": page.removesuffix(".md")} for page in api.pages() if page != "api/index.md"]
    return toc | {"parts": [first, *written, *others]}


def _filled(page: Path, parts: dict[str, str]) -> str:
    def part(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in parts:
            raise ValueError(
                f"page {page.name} must name a generated part, got {name!r}; take one of {', '.join(sorted(parts))}."
            )
        return parts[name]

    return _PLACE.sub(part, page.read_text(encoding="utf-8"))


def _stage_chapter(
    plan: Plan, chapter: Chapter, record: RunRecord, executed: Path, target: Path, numbers: Numbers
) -> None:
    """Copy an executed chapter with what the build adds: number, data, reading time, claims' links, panel."""
    notebook = nbformat.read(executed, as_version=4)
    heads.complete(notebook, plan, chapter, record, numbers)
    panel = nbformat.v4.new_markdown_cell(generate.panel(record))
    panel["id"] = "reproducibility"
    notebook.cells.append(panel)
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False), encoding="utf-8")


def _write_yaml(path: Path, table: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(table, sort_keys=False, allow_unicode=True), encoding="utf-8")
