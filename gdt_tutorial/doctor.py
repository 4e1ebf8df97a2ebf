"""What is wrong with this machine, and the fix: the checks behind `python -m gdt_tutorial doctor`.

Every check answers for itself and imports what it looks at only then, so that a missing or broken package is a finding
and not the end of the examination.
"""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

__all__ = ["CHECKS", "Finding", "examine"]

PYTHONS = ("3.11", "3.12", "3.13")
MIN_MEMORY_BYTE = 1.5e9
MIN_DISK_BYTE = 1e9
PACKAGE = Path(__file__).parent
FOLDERS_WITH_SUMS = ("case_study/checkpoints", "physical/tables", "twin/checkpoints")
STORED_TABLES = (
    *(f"case_study/results/{name}.csv" for name in ("fig4", "fig5", "parts", "who_wins")),
    "loops/results/vae_twin.csv",
    "loops/results/scenes.csv",
    "loops/results/external_frontier.csv",
    "loops/results/internal_loop.csv",
    "twin/results/decision_diffuser.csv",
    "twin/results/dense_event.csv",
    "twin/results/vae.csv",
    "twin/results/diffusion.csv",
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report: `problem` stops a chapter, `note` is good to know."""

    level: Literal["ok", "note", "problem"]
    name: str
    text: str
    fix: str = ""


def examine() -> Iterator[Finding]:
    """Run all checks one after the other."""
    for check in CHECKS:
        yield from check()


def check_python() -> Iterator[Finding]:
    """Python must be one that the lock is made for."""
    version = ".".join(map(str, sys.version_info[:3]))
    if version.rpartition(".")[0] in PYTHONS:
        yield Finding(level="ok", name="Python", text=version)
    else:
        fix = f"use Python {', '.join(PYTHONS)}: make PYTHON=/path/to/python book"
        yield Finding(level="problem", name="Python", text=f"{version} is not supported", fix=fix)


def check_packages() -> Iterator[Finding]:
    """Every package that the library needs must be at or above its lower bound."""
    try:
        requirements = metadata.requires("gdt-tutorial") or []
    except metadata.PackageNotFoundError:
        yield Finding(level="problem", name="packages", text="gdt-tutorial is not installed", fix="pip install -e .")
        return
    n_fine = 0
    for name, bound in re.findall(r"^([\w.-]+)>=([\d.]+)$", "\n".join(requirements), flags=re.MULTILINE):
        version = _version(name)
        if version is not None and _release(version) >= _release(bound):
            n_fine += 1
        else:
            text = "not installed" if version is None else f"{version} is older than {bound}"
            yield Finding(level="problem", name=name, text=text, fix=f'pip install "{name}>={bound}"')
    yield Finding(level="ok", name="packages", text=f"{n_fine} at or above their lower bounds")


def check_torch() -> Iterator[Finding]:
    """Torch must be importable; a GPU is welcome and not needed."""
    try:
        torch = importlib.import_module("torch")
    except Exception as error:
        yield Finding(level="problem", name="torch", text=f"cannot be imported: {error}", fix="pip install torch")
        return
    where = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "on the CPU, which is enough"
    yield Finding(level="ok", name="torch", text=f"{torch.__version__} {where}")
    n_threads, n_cores = torch.get_num_threads(), _n_cores()
    if n_threads > n_cores:
        fix = f"export OMP_NUM_THREADS={n_cores}"
        yield Finding(level="note", name="threads", text=f"{n_threads} on {n_cores} cores are slower", fix=fix)
    else:
        yield Finding(level="ok", name="threads", text=f"{n_threads} of torch on {n_cores} cores")


def check_sionna() -> Iterator[Finding]:
    """Sionna may be missing, and must not be broken: channels other than the book's come from it."""
    version = _version("sionna-no-rt") or _version("sionna")
    if version is None:
        text = "not installed, and no chapter needs it: channels other than the book's come from it"
        yield Finding(level="note", name="Sionna", text=text, fix='pip install "gdt-tutorial[sionna]"')
        return
    # In a process of its own: the import takes seconds and changes torch's random state.
    run = subprocess.run([sys.executable, "-c", "import sionna.phy"], capture_output=True, text=True, check=False)
    if run.returncode == 0:
        yield Finding(level="ok", name="Sionna", text=f"{version} can be imported")
    else:
        text = f"cannot be imported: {run.stderr.strip().splitlines()[-1]}"
        yield Finding(level="problem", name="Sionna", text=text, fix="pip install --force-reinstall sionna-no-rt")


def check_files() -> Iterator[Finding]:
    """Trained models and stored tables come with the library; a chapter that finds one changed or missing stops."""
    try:
        verified = importlib.import_module("gdt_tutorial.checkpoints").verified
        read_table = importlib.import_module("gdt_tutorial.studies.tables").read_table
    except Exception as error:
        fix = "mend the packages that are named above"
        yield Finding(level="problem", name="files", text=f"cannot be checked: {error}", fix=fix)
        return
    files = list(_files(verified, read_table))
    faults = {path: fault for path, check in files if (fault := _fault(path, check))}
    if faults:
        names = {path: path.relative_to(PACKAGE.parent).as_posix() for path in faults}
        text = ", ".join(f"{names[path]} {fault}" for path, fault in faults.items())
        fix = f"install gdt-tutorial again; in a clone: git restore {' '.join(names.values())}"
        yield Finding(level="problem", name="files", text=text, fix=fix)
    else:
        yield Finding(level="ok", name="files", text=f"{len(files)} of models and tables are as they were shipped")


def check_memory() -> Iterator[Finding]:
    """A chapter takes up to 1.5 GB."""
    available_byte = _available_memory_byte()
    if available_byte is None:
        yield Finding(level="note", name="memory", text="this system does not say how much is free")
    elif available_byte < MIN_MEMORY_BYTE:
        text = f"{available_byte / 1e9:.1f} GB are free, a chapter takes up to {MIN_MEMORY_BYTE / 1e9:.1f} GB"
        yield Finding(level="problem", name="memory", text=text, fix="close other programs and notebooks")
    else:
        yield Finding(level="ok", name="memory", text=f"{available_byte / 1e9:.1f} GB are free")


def check_disk() -> Iterator[Finding]:
    """The built book and its cache take some room."""
    free_byte = shutil.disk_usage(Path.cwd()).free
    if free_byte < MIN_DISK_BYTE:
        text = f"{free_byte / 1e9:.1f} GB are free here, the book's build takes up to {MIN_DISK_BYTE / 1e9:.0f} GB"
        yield Finding(level="problem", name="disk", text=text, fix="make room, or move the project to another disk")
    else:
        yield Finding(level="ok", name="disk", text=f"{free_byte / 1e9:.0f} GB are free here")


def check_kernel() -> Iterator[Finding]:
    """Notebooks must run in this very Python."""
    try:
        kernelspec = importlib.import_module("jupyter_client.kernelspec")
        importlib.import_module("ipykernel")
        command = kernelspec.KernelSpecManager().get_kernel_spec("python3").argv[0]
    except Exception as error:
        yield Finding(level="problem", name="Jupyter kernel", text=f"not found: {error}", fix="pip install ipykernel")
        return
    # "python" stands for the Python that starts the notebook.
    if command.startswith("python") or os.path.realpath(command) == os.path.realpath(sys.executable):
        yield Finding(level="ok", name="Jupyter kernel", text="python3 runs in this environment")
    else:
        fix = f"{sys.executable} -m ipykernel install --sys-prefix"
        yield Finding(level="problem", name="Jupyter kernel", text=f"python3 runs in {command}", fix=fix)


def check_data() -> Iterator[Finding]:
    """The watch logs that `GDT_DATA` names must be readable, and enough for the chapters."""
    path = os.environ.get("GDT_DATA", "").strip()
    if not path:
        yield Finding(level="note", name="watch logs", text="GDT_DATA is not set: viewers come from the generator")
        return
    try:
        crowd = importlib.import_module("gdt_tutorial.physical.logs.crowd_needs")
        log = importlib.import_module("gdt_tutorial.physical.logs.watch_logs").find_watch_log()
        crowd.require_crowd(log)
    except Exception as error:
        fix = "as the line above says; or unset GDT_DATA to have the generator"
        yield Finding(level="problem", name="watch logs", text=f"GDT_DATA={path}: {error}", fix=fix)
        return
    yield Finding(level="ok", name="watch logs", text=f"{path}: {log.report}")
    for title, needs in _chapter_needs():
        if short := crowd.shortfall(log, crowd.CrowdNeeds(**needs)):
            text = f"not enough for {title}, which shows the generator instead: only {short}"
            yield Finding(level="note", name="watch logs", text=text, fix="give a longer log")


def check_browser() -> Iterator[Finding]:
    """The tests of the built pages need Chromium; reading and building do not."""
    if shutil.which("chromium") and shutil.which("chromedriver"):
        yield Finding(level="ok", name="browser", text="chromium and chromedriver, for the tests of the pages")
    else:
        text = "no chromium with chromedriver: the tests of the pages are skipped, all else works"
        yield Finding(level="note", name="browser", text=text, fix="Debian: apt install chromium chromium-driver")


CHECKS: list[Callable[[], Iterator[Finding]]] = [
    check_python,
    check_packages,
    check_torch,
    check_sionna,
    check_files,
    check_memory,
    check_disk,
    check_kernel,
    check_data,
    check_browser,
]


def _chapter_needs() -> list[tuple[str, dict[str, int]]]:
    """Return what the chapters need of a log, where they lie beside the package."""
    plan = Path(__file__).parents[1] / "notebooks" / "chapters.toml"
    if not plan.exists():
        return []
    chapters = tomllib.loads(plan.read_text(encoding="utf-8"))["chapter"]
    return [(f"chapter {row['number']}", row["needs"]) for row in chapters if "needs" in row]


def _files(verified: Callable[[Path], object], read_table: Callable[[Path], object]) -> Iterator[tuple[Path, Callable]]:
    """Yield each file that comes with the library, and what raises where it is not what it was."""
    for folder in (PACKAGE / name for name in FOLDERS_WITH_SUMS):
        sums = folder / "SHA256SUMS"
        yield sums, Path.read_bytes
        lines = sums.read_text(encoding="utf-8").splitlines() if sums.is_file() else []
        listed = {folder / line.split()[-1] for line in lines if line.strip()}
        # A model that no sum is for is as good as changed.
        yield from ((path, verified) for path in sorted(listed | set(folder.glob("*.safetensors"))))
    yield from ((PACKAGE / name, read_table) for name in STORED_TABLES)


def _fault(path: Path, check: Callable[[Path], object]) -> str:
    """Say in one or two words what is wrong with a file; nothing where it is fine."""
    if not path.is_file():
        return "is missing"
    try:
        check(path)
    except Exception:
        return "was changed"
    return ""


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _release(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (2, 13, 0) for "2.13.0+cpu"."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, match.group().split("."))) if match else ()


def _n_cores() -> int:
    # A container may own fewer cores than the machine has.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _available_memory_byte() -> float | None:
    """Return what Linux calls available, no more than the container's limit leaves; None elsewhere."""
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        return None
    sizes_kib = dict(re.findall(r"(\w+):\s+(\d+) kB", meminfo.read_text()))
    available_byte = float(sizes_kib["MemAvailable"]) * 1024
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and used.exists() and limit.read_text().strip() != "max":
        available_byte = min(available_byte, float(limit.read_text()) - float(used.read_text()))
    return available_byte
