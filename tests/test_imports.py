"""The architecture as import rules: they hold, and each of them would be noticed when broken."""

import ast
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINT_IMPORTS = Path(sysconfig.get_path("scripts")) / "lint-imports"
RUFF = [sys.executable, "-m", "ruff", "check", "--quiet", "--no-cache"]


def run(command, folder):
    env = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    """Return a folder with a copy of the library and of its rules, to break."""
    shutil.copytree(ROOT / "gdt_tutorial", tmp_path / "gdt_tutorial", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_rules_hold(copy):
    result = run([LINT_IMPORTS, "--no-cache"], copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("where", "line", "rule"),
    [
        ("twin/status.py", "import gdt_tutorial.loops", "The paper's architecture"),
        ("physical/broken.py", "import gdt_tutorial.twin", "The paper's architecture"),
        ("units.py", "import gdt_tutorial.seeding", "The paper's architecture"),
        ("unheard_of.py", "", "The paper's architecture"),
        ("agents/broken.py", "import gdt_tutorial.gai.autoencoder", "The paper's architecture"),
        ("worlds/broken.py", "import gdt_tutorial.physical", "The paper's architecture"),
        ("gai/broken.py", "import gdt_tutorial.physical", "The paper's architecture"),
        ("twin/emulation/emulator.py", "import gdt_tutorial.twin.virtual", "Fig. 2, box by box"),
        ("twin/virtual.py", "import gdt_tutorial.twin.recipes", "Fig. 2, box by box"),
        ("case_study/scenario.py", "import gdt_tutorial.case_study.figures.fig5", "The case study, room by room"),
        ("twin/status.py", "import sionna.phy", "Only physical/sionna_tables.py imports Sionna"),
        ("physical/broken.py", "def lazily():\n    import matplotlib.pyplot", "Only teaching imports matplotlib"),
        ("learning.py", "from IPython import display", "Only teaching imports matplotlib"),
        ("loops/broken.py", "import ipywidgets", "Only teaching imports matplotlib"),
    ],
)
def test_a_broken_rule_is_noticed(copy, where, line, rule):
    with (copy / "gdt_tutorial" / where).open("a") as file:
        file.write(f"\n{line}\n")
    result = run([LINT_IMPORTS, "--no-cache"], copy)
    assert result.returncode == 1, result.stdout
    broken = [text for text in result.stdout.splitlines() if " BROKEN" in text]
    assert len(broken) == 1, result.stdout
    assert broken[0].startswith(rule)


def test_only_teaching_and_main_print(copy):
    assert run([*RUFF, "--select", "T20", "gdt_tutorial"], copy).returncode == 0
    (copy / "gdt_tutorial/twin/broken.py").write_text('print("here")\n')
    assert run([*RUFF, "--select", "T20", "gdt_tutorial"], copy).returncode == 1


def imported_by(notebook):
    sources = [
        "".join(cell["source"]) for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"
    ]
    code = "\n".join(
        line for source in sources for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))
    )
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]


@pytest.mark.parametrize(
    "notebook", sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")), ids=lambda path: path.stem
)
def test_a_chapter_imports_the_library_and_little_else(notebook):
    allowed = {"gdt_tutorial", "torch", "numpy", "matplotlib", "ipywidgets"}
    foreign = set(imported_by(notebook)) - allowed - sys.stdlib_module_names
    assert foreign == set()
