"""The page on installing: its numbers, and the names in its commands, are what they are."""

import os
import re
import sysconfig
import tomllib
from pathlib import Path

import pytest
import torch

from book.chapters import BOOK, ROOT, read_plan
from book.generate import clone_lines, pip_lines
from gdt_tutorial.__main__ import commands
from gdt_tutorial.physical.logs.watch_logs import DEFAULT_COLUMNS

PAGE = (BOOK / "pages" / "install.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def gigabytes(row):
    """Return the size that the page's table gives in the row with these words."""
    (line,) = (line for line in PAGE.splitlines() if line.startswith("|") and row in line)
    return float(re.search(r"([\d.]+) GB", line)[1])


def size_gb(folder):
    """Return what the files below a folder take on a disk of 4-kB blocks, in 10^9 byte."""
    files = (os.lstat(os.path.join(place, name)) for place, _, names in os.walk(folder) for name in names)
    return sum(-(-each.st_size // 4096) * 4096 for each in files) / 1e9


@pytest.mark.skipif(torch.version.cuda is not None, reason="the page tells the size with torch's build for the CPU")
def test_the_environment_of_make_is_as_large_as_the_page_says():
    assert size_gb(Path(sysconfig.get_path("purelib"))) == pytest.approx(gigabytes("`make`"), rel=0.15)


def test_the_budget_of_a_chapter_is_that_of_the_plan():
    plan = read_plan()
    assert f"up to {plan.memory_mb / 1000:g} GB of memory and a minute of one processor core" in PAGE
    assert plan.budget_s("book") == 60


def test_what_the_commands_name_is_there():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make ([a-z]+)", PAGE + clone_lines())) - {"takes"}:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    assert set(re.findall(r"-m gdt_tutorial (\w+)", PAGE)) <= set(commands)
    assert set(re.findall(r"`(?:gdt-tutorial)?\[(\w+)\]`", PAGE)) == set(PROJECT["project"]["optional-dependencies"])
    for path in re.findall(r"notebooks/\S+\.ipynb", PAGE):
        assert (ROOT / path).is_file()
    assert PROJECT["tool"]["gdt"]["install"] in pip_lines()
    assert (ROOT / "environment.yml").is_file()


def test_the_columns_are_those_that_are_read():
    assert set(re.findall(r"`(\w+_(?:id|ms))`", PAGE)) <= set(DEFAULT_COLUMNS)


def test_readme_and_front_page_lead_to_it_first():
    readme = (ROOT / "README.md").read_text()
    assert readme.index("## Install") < readme.index("## Chapters")
    assert "[Install](book/pages/install.md)" in readme
    front = (BOOK / "index.md").read_text()
    assert front.index("pages/install.md") == min(match.start() for match in re.finditer(r"pages/\w+\.md", front))
