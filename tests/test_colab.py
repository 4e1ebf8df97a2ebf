"""The first code cell of every notebook: on Colab it adds the library, and replaces nothing that Colab has.

`colab_2026-08-19.txt` holds what was installed there on that day. Where an index of packages can be asked, pip resolves the
cell's own command against it, among stand-ins that have its names, versions and requirements.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.second_environment import (
    READY,
    ROOT,
    build_wheel,
    can_ask_an_index,
    empty_environment,
    environment_over_the_ready_one,
    local_cell,
    run,
    run_quickstart,
    site_packages,
)
from tests.test_project import PYPROJECT, RELEASE, REPOSITORY, dependencies
from tools.install_cell import SOURCE, address, install_cell

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PYTHON = "3.13"  # Colab's
KERNEL = (
    *("ipython", "ipywidgets", "ipykernel", "traitlets", "jupyter-client", "ipython-genutils", "backcall"),
    *("pickleshare", "decorator", "nest-asyncio", "entrypoints", "widgetsnbextension"),
)
# ipywidgets 7.7.1 itself calls what its ipykernel calls old.
THEIR_WARNING = "ignore:`ipykernel.pylab.backend_inline` is deprecated:DeprecationWarning"
ON_COLAB = "import sys, types; sys.modules.setdefault('google.colab', types.ModuleType('google.colab'))\n"


def read_colab() -> dict[str, tuple[str, list[Requirement]]]:
    """Return version and requirements of each package on Colab."""
    found = {}
    for line in (ROOT / "tests" / "colab_2026-08-19.txt").read_text().splitlines():
        if not line.startswith("#"):
            pin, *requirements = line.split(" | ")
            name, version = pin.split("==")
            found[canonicalize_name(name)] = (version, [Requirement(text) for text in requirements])
    return found


COLAB = read_colab()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def index():
    if not can_ask_an_index():
        pytest.skip("no package index can be reached: what pip would add to Colab was not resolved")


# --- the cell


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_code_of_a_notebook_is_the_cell(path):
    first = next(cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code")
    assert first == install_cell(), "run `python tools/install_cell.py`"


def test_the_address_is_the_release_of_the_repository():
    assert address() == f"{PYPROJECT['project']['name']} @ git+{REPOSITORY}@{RELEASE}"


def test_the_cell_does_nothing_elsewhere(tmp_path):
    program = "import sys; sys.executable = None\n" + SOURCE.format(address=address())
    assert run(Path(sys.executable), "-c", program, cwd=tmp_path) == ""


# --- its command


def stand_ins(folder: Path, packages: dict[str, tuple[str, list]]) -> Path:
    """Make an environment that has, so pip believes, exactly these packages; return its Python."""
    python, place = empty_environment(folder, with_pip=False), site_packages(folder)
    (place / "pip").symlink_to(READY / "pip")
    for name, (version, requirements) in packages.items():
        info = place / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requirements)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        (info / "INSTALLER").write_text("pip\n")
        (info / "RECORD").write_text("")
    return python


def run_cell(python: Path, wheel: Path, folder: Path, *, options: str = "", **keywords) -> str:
    """Run the cell as on Colab, with the wheel as its address and more options for `pip install`."""
    source = local_cell(SOURCE.format(address=address()), wheel, folder)
    program = ON_COLAB + source.replace("} install ", f"}} install {options} ")
    return run(python, "-c", program, cwd=folder, **keywords)


def freeze(python: Path, folder: Path) -> set[str]:
    return set(run(python, "-m", "pip", "list", "--format=freeze", cwd=folder).splitlines())


def test_the_cell_adds_the_library_alone_where_all_else_is_there(wheel, tmp_path):
    python = environment_over_the_ready_one(tmp_path / "environment")
    before = freeze(python, tmp_path)
    for _ in range(2):  # a reader runs all cells again
        run_cell(python, wheel, tmp_path, PIP_NO_INDEX="1")
        assert freeze(python, tmp_path) == before | {f"gdt-tutorial=={RELEASE.removeprefix('v')}"}
    assert (site_packages(tmp_path / "environment") / "gdt_tutorial" / "__init__.py").is_file()


def test_the_cell_stops_with_the_reason_where_a_package_is_too_old(wheel, tmp_path):
    lowest = {name: (next(iter(need.specifier)).version, []) for name, need in dependencies().items()}
    python = stand_ins(tmp_path / "fits", lowest)
    run_cell(python, wheel, tmp_path, options="--dry-run", PIP_NO_INDEX="1")
    python = stand_ins(tmp_path / "old", lowest | {"numpy": ("1.26.4", [])})
    said = run_cell(python, wheel, tmp_path, options="--dry-run", is_checked=False, PIP_NO_INDEX="1")
    assert "RuntimeError: " in said
    assert "depends on numpy>=2.0" in said
    assert "The user requested (constraint) numpy==1.26.4" in said


def test_pip_replaces_nothing_of_colab(wheel, index, tmp_path, capsys):
    python = stand_ins(tmp_path / "environment", COLAB)
    run_cell(python, wheel, tmp_path, options=f"--dry-run --report {tmp_path / 'report.json'}")
    installed = [entry["metadata"] for entry in json.loads((tmp_path / "report.json").read_text())["install"]]
    versions = {canonicalize_name(package["name"]): package["version"] for package in installed}
    added = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    with capsys.disabled():
        sys.stdout.write(f"\n  pip adds to Colab: {added}\n")
    assert {"gdt-tutorial", "jaxtyping"} <= set(versions)
    assert set(versions) & set(COLAB) == set()


def closure(*, python: str = PYTHON) -> tuple[list[str], list[str]]:
    """Return what the library needs, and what that needs: the packages that Colab has, and those that it lacks.

    What Colab lacks has the requirements that it has here.
    """
    system = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux", "extra": ""}
    held, lacking, left = set(), set(), [*dependencies().values()]
    while left:
        need = left.pop()
        name = canonicalize_name(need.name)
        if need.marker is not None and not need.marker.evaluate(system):
            continue
        if name in COLAB:
            version, requirements = COLAB[name]
            assert need.specifier.contains(version, prereleases=True), f"Colab has {name} {version}, needed is {need}"
        else:
            requirements = [Requirement(text) for text in metadata.requires(name) or []]
        if name not in held | lacking:
            (held if name in COLAB else lacking).add(name)
            left += requirements
    return sorted(held), sorted(lacking)


def test_what_colab_has_is_enough_for_every_requirement():
    held, lacking = closure()
    assert {"torch", "numpy", "ipython", "ipywidgets", "notebook"} <= set(held)
    # Its own IPython asks for jedi, which Colab has not.
    assert lacking == ["jaxtyping", "jedi", "wadler-lindig"]


# --- the library under Colab's versions


def environment_with(names: Sequence[str], folder: Path) -> Path:
    """Make an environment over the ready one that has some packages in Colab's versions; return its Python."""
    python = environment_over_the_ready_one(folder)
    pins = [f"{name}=={COLAB[name][0]}" for name in names]
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--ignore-installed", *pins, cwd=folder)
    program = "from importlib.metadata import version; import sys; print(*map(version, sys.argv[1:]))"
    assert run(python, "-c", program, *names, cwd=folder).split() == [COLAB[name][0] for name in names]
    return python


def test_the_helpers_of_the_chapters_run_with_colabs_ipython_and_ipywidgets(wheel, index, tmp_path):
    python = environment_with(KERNEL, tmp_path / "environment")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=tmp_path)
    selected = ("tests/teaching", "-m", "not browser and not slow", "-W", THEIR_WARNING)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *selected]
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


@pytest.mark.slow
def test_chapter_00_runs_on_colab(wheel, index, tmp_path):
    """All that the library needs is in Colab's version, but the large torch, and what that asks for; the cell does the rest."""
    held, _ = closure(python=f"{sys.version_info.major}.{sys.version_info.minor}")
    python = environment_with(sorted({*held, "entrypoints"} - {"torch", "setuptools"}), tmp_path / "environment")
    (site_packages(tmp_path / "environment") / "colab.pth").write_text(ON_COLAB)
    before = freeze(python, tmp_path)
    (tmp_path / "out").mkdir()
    run_quickstart(python, tmp_path / "out", install_from=wheel)
    assert {pin.split("==")[0] for pin in before ^ freeze(python, tmp_path)} == {"gdt-tutorial"}
