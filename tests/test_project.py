"""The form of the project: what no test can run (Binder, conda, workflows, launch addresses) is checked as text."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement

import gdt_tutorial
from book.build import SITE
from book.chapters import read_plan
from book.generate import launch_line

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
REPOSITORY, RELEASE = PYPROJECT["tool"]["gdt"]["repository"], PYPROJECT["tool"]["gdt"]["release"]
PYTHONS = ["3.11", "3.12", "3.13"]
MAX_REPOSITORY_BYTE = 10_000_000
CUDA = re.compile(r"(nvidia|cuda)-|triton\b")


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


TRACKED = [name for name in git("ls-files", "-z").split("\0") if (ROOT / name).is_file()]


def tracked_texts():
    """Yield name and text of every tracked file but this one, whose patterns would find themselves."""
    for name in TRACKED:
        if name != "tests/test_project.py":
            try:
                yield name, (ROOT / name).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def read(name):
    return (ROOT / name).read_text()


def pins_of(lines):
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {requirement.name: requirement for requirement in requirements}


def dependencies(*extras):
    project = PYPROJECT["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return pins_of(lines)


LOCK = pins_of(read("requirements.lock").splitlines())
ENVIRONMENT = yaml.safe_load(read("environment.yml"))
ENVIRONMENT_PIP = next(entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict))


# --- equal pins everywhere


def test_lock_pins_exact_versions_without_addresses():
    for name, requirement in LOCK.items():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), name
        assert requirement.url is None, name
    assert not re.search(r"https?://|--", read("requirements.lock"))


def test_lock_has_torch_and_no_cuda():
    assert "torch" in LOCK
    assert [name for name in LOCK if CUDA.match(name)] == []


def test_lock_holds_every_dependency_within_its_bounds():
    for name, requirement in dependencies(*PYPROJECT["project"]["optional-dependencies"]).items():
        (pin,) = LOCK[name].specifier
        assert requirement.specifier.contains(pin.version), f"{name} {pin.version} is outside {requirement.specifier}"
        assert LOCK[name].marker is None, f"{name} is pinned for some systems only"


def test_lower_bounds_are_lower_bounds():
    for name, requirement in dependencies(*PYPROJECT["project"]["optional-dependencies"]).items():
        assert any(part.operator == ">=" for part in requirement.specifier), name
        assert not any(part.operator in ("==", "~=") for part in requirement.specifier), name


def test_environment_has_the_pins_of_the_lock():
    pins = pins_of(line for line in ENVIRONMENT_PIP if not line.startswith("-"))
    assert {name: str(pin.specifier) for name, pin in pins.items()} == {
        name: str(LOCK[name].specifier) for name in pins
    }
    assert set(dependencies()) | {"jupyterlab", "papermill", "ipykernel"} <= set(pins)


def test_environment_is_small_and_takes_the_cpu_build():
    pins = pins_of(line for line in ENVIRONMENT_PIP if not line.startswith("-"))
    # It opens chapters and runs them; these two bring `nbformat` and `psutil`.
    notebooks = {"jupyterlab", "papermill", "ipykernel", "nbformat", "psutil"}
    tools = set(dependencies(*PYPROJECT["project"]["optional-dependencies"])) - set(dependencies()) - notebooks
    assert tools & set(pins) == set()
    assert [name for name in pins if CUDA.match(name)] == []
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in ENVIRONMENT_PIP
    assert ENVIRONMENT_PIP[-1] == "-e ."


def test_conda_brings_python_and_pip_only():
    conda = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)]
    assert [entry.split("=")[0] for entry in conda] == ["python", "pip"]
    assert conda[0].split("=")[1] in PYTHONS


def test_the_same_pythons_everywhere():
    tests = yaml.safe_load(read(".github/workflows/tests.yml"))
    assert tests["jobs"]["tests"]["strategy"]["matrix"]["python"] == PYTHONS
    assert PYPROJECT["project"]["requires-python"] == ">=3.11,<3.14"
    assert "OLDEST, NEWEST = (3, 11), (3, 13)" in read("tools/setup_env.py")
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in read("Makefile")


def test_sionna_is_asked_for_by_its_extra_and_by_the_tests():
    extras = PYPROJECT["project"]["optional-dependencies"]
    assert "sionna-no-rt" not in dependencies()
    assert set(extras["sionna"]) <= set(extras["test"])


# --- valid schemas


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ("vendor.github-workflows", ".github/workflows/tests.yml"),
        ("vendor.github-workflows", ".github/workflows/book.yml"),
        ("vendor.citation-file-format", "CITATION.cff"),
    ],
)
def test_schema(schema, name):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(ROOT / name)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_schema_of_environment():
    pip = {"type": "object", "properties": {"pip": {"type": "array", "items": {"type": "string"}}}, "required": ["pip"]}
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": r"^[\w-]+$"},
            "channels": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "dependencies": {"type": "array", "items": {"anyOf": [{"type": "string"}, pip]}},
        },
        "required": ["name", "channels", "dependencies"],
        "additionalProperties": False,
    }
    jsonschema.validate(ENVIRONMENT, schema)


def test_workflows_call_the_two_commands():
    def runs(name):
        jobs = yaml.safe_load(read(f".github/workflows/{name}.yml"))["jobs"].values()
        return [step["run"].split()[:2] for job in jobs for step in job["steps"] if "run" in step]

    assert runs("tests") == [["make", "test"]]
    assert runs("book") == [["make", "book"]]
    steps = yaml.safe_load(read(".github/workflows/book.yml"))["jobs"]["build"]["steps"]
    (upload,) = (step for step in steps if step.get("uses", "").startswith("actions/upload-pages-artifact@"))
    assert ROOT / upload["with"]["path"] == SITE
    assert "actions/deploy-pages@" in read(".github/workflows/book.yml")


def test_pre_commit_uses_the_tools_of_the_lock():
    (repo,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repo["repo"] == "local"
    script_of = {"lint-imports": "import-linter"}
    for hook in repo["hooks"]:
        script = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert script_of.get(script, script) in LOCK


# --- addresses


def is_tracked(name):
    return name in TRACKED or any(other.startswith(name.rstrip("/") + "/") for other in TRACKED)


def published_texts():
    """Yield what readers see; tests and the builder hold patterns of addresses, not addresses."""
    return ((name, text) for name, text in tracked_texts() if not name.startswith(("tests/", "book/generate.py")))


def launches():
    """Return (file, repository, tag, target) of each Binder and Colab address in tracked files and on the install page."""
    binder = r"https://mybinder\.org/v2/gh/([\w.-]+/[\w.-]+)/([\w.-]+)\?urlpath=(?:lab/)?tree/([\w./-]+)"
    colab = r"https://colab\.research\.google\.com/github/([\w.-]+/[\w.-]+)/blob/([\w.-]+)/([\w./-]+)"
    return [
        (name, *match.groups())
        for name, text in (*published_texts(), ("install.md", launch_line(read_plan())))
        for pattern in (binder, colab)
        for match in re.finditer(pattern, text)
    ]


def test_every_launch_address_leads_to_a_tracked_file_of_the_release():
    found = launches()
    assert found
    for name, repository, tag, target in found:
        assert f"https://github.com/{repository}" == REPOSITORY, name
        assert tag == RELEASE, name
        assert is_tracked(target), f"{name} launches {target}, which is not tracked"


def test_every_launch_address_was_understood():
    pattern = r"mybinder\.org/v2|colab\.research\.google\.com/github"
    assert len(launches()) == 2 + sum(len(re.findall(pattern, text)) for _, text in published_texts())


def test_every_address_of_the_repository_is_the_one_of_pyproject():
    owner = REPOSITORY.split("/")[3]
    for name, text in tracked_texts():
        for address in re.findall(rf"https://github\.com/{owner}/[\w-]+", text):
            assert address == REPOSITORY, name
        for ref, target in re.findall(rf"{REPOSITORY}/(?:blob|tree)/([\w.-]+)/([\w./-]+)", text):
            assert ref == RELEASE, name
            assert is_tracked(target), f"{name} links {target}, which is not tracked"
    assert PYPROJECT["project"]["urls"]["Repository"] == REPOSITORY


def test_the_book_and_the_citation_name_repository_and_release():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["repository-code"] == REPOSITORY
    assert citation["references"][0]["doi"] == PYPROJECT["tool"]["gdt"]["paper_doi"]
    assert f"v{citation['version']}" == RELEASE
    assert f"v{gdt_tutorial.__version__}" == RELEASE
    assert f"version = {{{gdt_tutorial.__version__}}}" in read("README.md")
    # The builder adds both to the book's settings.
    assert "repository" not in yaml.safe_load(read("book/_config.yml"))


def test_links_of_readme_and_contributing_lead_to_tracked_files():
    targets = []
    for name in ("README.md", "CONTRIBUTING.md"):
        targets += [target for target in re.findall(r"\]\(([^)\s]+)\)", read(name)) if "://" not in target]
        targets = [target for target in targets if not target.startswith("#")]
    assert "book/_static/closed_loop.svg" in targets
    assert [target for target in targets if not is_tracked(target)] == []


def test_readme_lists_the_written_chapters_with_both_badges():
    chapters = tomllib.loads(read("notebooks/chapters.toml"))["chapter"]
    written = [chapter for chapter in chapters if chapter["status"] == "written"]
    rows = re.findall(r"^\| (\d\d) \| \[(.+?)\]\((.+?)\) \| (.+?) \| (.+) \|$", read("README.md"), flags=re.MULTILINE)
    expected = [
        (
            chapter["number"],
            chapter["title"],
            f"notebooks/{chapter['number']}_{chapter['name']}.ipynb",
            chapter["question"],
        )
        for chapter in written
    ]
    assert [row[:4] for row in rows] == expected
    for *_, path, _, badges in rows:
        assert badges.count(path) == 2


# --- continuous integration's own script


def ci_run(tmp_path, *, with_data):
    """Run a copy of .ci/run where browser and make are stand-ins."""
    repository = tmp_path / "repository"
    (repository / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci/run", repository / ".ci/run")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("chromium", "chromedriver", "make"):
        (tools / name).write_text('#!/bin/sh\necho "$(basename "$0")" "$@" "$GDT_DATA"\n')
        (tools / name).chmod(0o755)
    data = re.search(r"\.\./[\w/]+\.csv", read(".ci/run")).group()
    if with_data:
        (repository / data).parent.mkdir(parents=True)
        (repository / data).write_text("user_id\n")
    env = {key: value for key, value in os.environ.items() if key != "GDT_DATA"}
    env["PATH"] = f"{tools}:{os.environ['PATH']}"
    result = subprocess.run([repository / ".ci/run"], env=env, capture_output=True, text=True, check=False)
    return result, (repository / data).resolve()


def test_ci_calls_make_test_with_the_watch_logs(tmp_path):
    result, data = ci_run(tmp_path, with_data=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"make test {data}\n", "")


def test_ci_fails_clearly_without_the_watch_logs(tmp_path):
    result, _ = ci_run(tmp_path, with_data=False)
    assert result.returncode == 1
    assert "the watch logs are missing" in result.stderr
    assert result.stdout == ""


def test_only_ci_sets_the_watch_logs():
    assert (ROOT / ".ci/run").stat().st_mode & stat.S_IXUSR
    for name in ("Makefile", ".github/workflows/tests.yml", ".github/workflows/book.yml", "tools/setup_env.py"):
        assert "GDT_DATA" not in read(name)
    assert [name for name, text in tracked_texts() if "../shared" in text] == [".ci/run"]


# --- what must not be in the repository


@pytest.mark.parametrize("name", [name for name in TRACKED if name.endswith(".ipynb")])
def test_notebook_has_no_outputs(name):
    for cell in json.loads(read(name))["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


def test_repository_is_small():
    assert sum((ROOT / name).stat().st_size for name in TRACKED) < MAX_REPOSITORY_BYTE
    # Of the history, what a clone fetches: packed. Loose objects on a disk take whole blocks each, until git packs them.
    command = "git rev-list --objects --all | git pack-objects --stdout --quiet | wc -c"
    packed = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert 0 < int(packed) < MAX_REPOSITORY_BYTE


def test_no_path_of_a_machine_and_no_registry():
    machine = re.compile(r"(?<![\w.:/-])/(work|root|home|opt|Users)/\w")
    registry = re.compile(r"pypi\.org|pythonhosted|anaconda\.org|npmjs\.org")
    for name, text in tracked_texts():
        for pattern in (machine, registry):
            match = pattern.search(text)
            assert match is None, f"{name}: {text[max(match.start() - 30, 0) : match.end() + 30]!r}"


# --- the pages for contributors


def test_contributing_is_short_and_names_each_dependency():
    text = read("CONTRIBUTING.md")
    assert len(text.splitlines()) <= 45
    names = {*dependencies(*PYPROJECT["project"]["optional-dependencies"])}
    assert {name for name in names if f"`{name}`" not in text} == set()
    assert "`notebooks/_template.ipynb`" in text
    assert is_tracked("notebooks/_template.ipynb")


def test_licenses():
    assert read("LICENSE").startswith("MIT License")
    assert "CC BY 4.0" in read("LICENSE-TEXT")
    assert PYPROJECT["project"]["license"] == "MIT AND CC-BY-4.0"


def test_make_help_lists_every_target():
    makefile = read("Makefile")
    targets = re.search(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE).group(1).split()
    described = re.findall(r"^([a-z-]+):.*##", makefile, flags=re.MULTILINE)
    assert sorted(targets) == sorted(described)
