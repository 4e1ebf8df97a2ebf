"""What a reader installs works outside of the tree: the wheel, and the packages of environment.yml.

In `make test` the wheel goes over the ready packages; in `make test-all` all packages come from the index, into environments
that were empty.
"""

import re
import zipfile
from pathlib import Path

import pytest
import yaml

from tests.second_environment import (
    ROOT,
    build_wheel,
    can_ask_an_index,
    copy_tracked,
    empty_environment,
    environment_over_the_ready_one,
    run,
    run_quickstart,
)
from tests.test_install_page import gigabytes, size_gb

CPU_INDEX = ("--extra-index-url", "https://download.pytorch.org/whl/cpu")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def run_demo(python, folder):
    said = run(python, "-m", "gdt_tutorial", "demo", "--slots", "10", "--figure", "demo.png", cwd=folder)
    assert re.search(r"^closed loops +QoE", said, flags=re.MULTILINE)
    assert (folder / "demo.png").stat().st_size > 10_000


def check_files(python, folder):
    program = "from gdt_tutorial.doctor import check_files\nprint(*[f'{found.level}: {found.text}' for found in check_files()])"
    assert run(python, "-c", program, cwd=folder).startswith("ok: ")


def test_the_wheel_holds_the_whole_library_and_nothing_else(wheel, tmp_path):
    tree = copy_tracked(tmp_path)
    tracked = {path.relative_to(tree).as_posix() for path in (tree / "gdt_tutorial").rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    # Text and unit of claims, for notebooks that run without the project.
    assert held == tracked | {"gdt_tutorial/teaching/chapters.toml"}


def test_the_wheel_runs_the_demo_and_chapter_00_outside_of_the_tree(wheel, tmp_path):
    python = environment_over_the_ready_one(tmp_path / "environment")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    check_files(python, tmp_path)
    run_demo(python, tmp_path)
    run_quickstart(python, tmp_path)


@pytest.mark.slow
def test_the_wheel_with_its_dependencies_in_an_empty_environment(wheel, tmp_path):
    if not can_ask_an_index():
        pytest.skip("no package index can be reached")
    python = empty_environment(tmp_path / "environment")
    # The versions of the lock, so that a release of somebody else's does not fail this test.
    options = ("--quiet", *CPU_INDEX, "--constraint", ROOT / "requirements.lock")
    run(python, "-m", "pip", "install", *options, wheel, cwd=tmp_path)
    check_files(python, tmp_path)
    run_demo(python, tmp_path)
    run(python, "-m", "pip", "check", cwd=tmp_path)
    # What the page on installing names for those who run chapters.
    run(python, "-m", "pip", "install", *options, "jupyterlab", "papermill", cwd=tmp_path)
    assert size_gb(tmp_path / "environment") == pytest.approx(gigabytes("pip alone"), rel=0.15)
    run_quickstart(python, tmp_path)


@pytest.mark.slow
def test_the_pip_section_of_environment_yml_in_an_empty_environment(tmp_path):
    if not can_ask_an_index():
        pytest.skip("no package index can be reached")
    tree = copy_tracked(tmp_path / "tree")
    environment = yaml.safe_load((tree / "environment.yml").read_text())
    (lines,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    (tree / "pip_section.txt").write_text("\n".join(lines) + "\n")
    python = empty_environment(tmp_path / "environment")
    run(python, "-m", "pip", "install", "--quiet", "--requirement", "pip_section.txt", cwd=tree)
    run(python, "-m", "pip", "check", cwd=tree)
    run(python, "-m", "jupyterlab", "--version", cwd=tree)
    assert size_gb(tmp_path / "environment") == pytest.approx(gigabytes("conda"), rel=0.15)
    run_quickstart(python, tree)
