"""Python environments beside the one that runs the tests, for what has to work outside of it and outside of the tree.

An environment lies over the ready packages of this one, so that it costs nothing to make, or it is empty. The library itself
is in neither: here it is installed from its tree, and there it has to come from a wheel.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import nbformat

from book import generate
from book.watch import run_watched
from tests.test_execute import record

ROOT = Path(__file__).resolve().parent.parent
READY = Path(sysconfig.get_path("purelib"))
QUICKSTART = ROOT / "notebooks" / "00_quickstart.ipynb"
_OF_THE_LIBRARY = ("gdt_tutorial", "__editable__", "__pycache__")
_OF_THIS_PROCESS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "GDT_DATA", "JUPYTER_PATH", "PIP_TARGET", "PIP_USER")


def empty_environment(folder: Path, *, with_pip: bool = True) -> Path:
    """Make an environment in `folder` and return its Python."""
    venv.create(folder, with_pip=with_pip, symlinks=True)
    return folder / "bin" / "python"


def environment_over_the_ready_one(folder: Path) -> Path:
    """Make an environment that has all packages of this one but the library, and return its Python."""
    python = empty_environment(folder, with_pip=False)
    # Beside the environment and not in it: pip must never find there anything that it may uninstall.
    packages = folder.with_name(f"{folder.name}-ready")
    packages.mkdir()
    for entry in READY.iterdir():
        if not entry.name.startswith(_OF_THE_LIBRARY):
            (packages / entry.name).symlink_to(entry)
    (site_packages(folder) / "ready.pth").write_text(f"{packages}\n")
    return python


def site_packages(folder: Path) -> Path:
    """Return where an environment keeps its packages."""
    (path,) = folder.glob("lib/python*/site-packages")
    return path


def run(python: Path, *arguments: str | Path, cwd: Path, is_checked: bool = True, **variables: str) -> str:
    """Run an environment's Python in `cwd`; return what it says, or fail with its errors."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_THIS_PROCESS} | variables
    environment |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_RETRIES": "1"}
    done = run_watched([str(python), *map(str, arguments)], cwd=cwd, env=environment, interval_s=600.0)
    if is_checked:
        assert done.returncode == 0, (
            f"{' '.join(map(str, arguments))[:200]}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        )
    return done.stdout if is_checked else done.stderr


def run_quickstart(python: Path, folder: Path, *, install_from: Path | None = None) -> None:
    """Run chapter 00 at `smoke` in `folder` by the command of its page; it must be silent, and run in that environment.

    Args:
        python: Of the environment.
        folder: It gets the notebook and its executed copy; outside of the tree.
        install_from: A wheel that takes the place of the address in the notebook's first code cell.
    """
    notebook = nbformat.read(QUICKSTART, as_version=4)
    where = "import sys, gdt_tutorial\nprint(sys.prefix, gdt_tutorial.__file__, sep='\\n')"
    notebook.cells.append(nbformat.v4.new_code_cell(where))
    if install_from is not None:
        (cell,) = (cell for cell in notebook.cells if cell.id == "install")
        cell.source = local_cell(cell.source, install_from, folder)
    chapter = folder / QUICKSTART.relative_to(ROOT)
    chapter.parent.mkdir(exist_ok=True)
    nbformat.write(notebook, chapter)
    program, *command = generate.run_again(record(chapter=QUICKSTART.stem, profile="smoke", seed=0)).split()
    assert program == "python"
    run(python, *command, cwd=folder)
    outputs = [
        output for cell in nbformat.read(folder / "out.ipynb", as_version=4).cells for output in cell.get("outputs", [])
    ]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    prefix, place = outputs[-1].text.splitlines()
    assert Path(prefix) == python.parent.parent
    assert ROOT not in Path(place).parents


def local_cell(source: str, wheel: Path, folder: Path) -> str:
    """Return the cell that installs on Colab with a wheel as its address, and with its file in `folder`."""
    (line,) = (line for line in source.splitlines() if line.strip().startswith("address = "))
    local = line.split("=")[0] + f'= "gdt-tutorial @ {wheel.as_uri()}"'
    return source.replace(line, local).replace("/tmp/colab.txt", str(folder / "colab.txt"))


def copy_tracked(folder: Path) -> Path:
    """Copy the tracked files, as they are in the working tree, into `folder` and return it."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def build_wheel(folder: Path) -> Path:
    """Build a source distribution from the tracked files, and a wheel from that alone; return the wheel."""
    tree = copy_tracked(folder / "tree")
    build = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    run(Path(sys.executable), "-c", build, folder, cwd=tree)
    (source,) = folder.glob("*.tar.gz")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    run(Path(sys.executable), "-m", "pip", "wheel", *options, "--wheel-dir", folder, source, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def can_ask_an_index() -> bool:
    """Return whether pip finds packages that are not here, in the network or on this machine."""
    ask = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--dry-run",
        "--no-deps",
        "--ignore-installed",
        "jaxtyping",
    ]
    ask += ["--retries", "0", "--timeout", "10"]
    return subprocess.run(ask, capture_output=True, check=False).returncode == 0
