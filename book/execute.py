"""Execute one chapter with papermill and write down what it took.

Every test, every build and every script that needs a chapter's numbers goes through `execute`, so that all of them run the
same thing: a fresh kernel in a process of its own, one thread, one seed, one profile, one data source.
"""

import dataclasses
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from book.chapters import NOTEBOOKS, PROFILES, ROOT, read_plan
from book.watch import run_watched
from gdt_tutorial.files import write_atomically

METADATA_KEY = "gdt"
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_SHOWN_VERSIONS = ("gdt-tutorial", "torch", "numpy", "scipy", "scikit-learn", "sionna-no-rt", "gymnasium", "matplotlib")


class ChapterError(RuntimeError):
    """A chapter whose execution failed; the message carries the cell's own error."""


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What one execution of a chapter took and said.

    Attributes:
        cpu_s: Seconds of the processor that the kernel used, its start and imports included; a budget counts these.
        seconds: Wall time of the same; on a busy machine it says little.
        peak_mb: Largest resident memory of the kernel, in 10^6 byte.
        stderr: Text that cells wrote to stderr, one entry per output.
        claims: Payloads of the `claim` calls: name, value, unit, text, source.
        data_source: "logs" or "generator".
        attribution: Whose logs they are, as their licence wants it said.
        log: Fingerprint of the logs, "" for the generator.
        note: Why a chapter has the generator although logs were given.
        budget_s: Seconds of the processor that this profile may take; None for "full".
        budget_mb: Memory that a chapter may take.
        is_dirty: Whether tracked files differed from `commit`.
    """

    chapter: str
    profile: str
    seed: int
    cpu_s: float
    seconds: float
    peak_mb: float
    stderr: list[str]
    claims: list[dict[str, Any]]
    commit: str
    is_dirty: bool
    versions: dict[str, str]
    data_source: str
    attribution: str
    log: str = ""
    note: str = ""
    budget_s: float | None = None
    budget_mb: float | None = None
    is_cached: bool = False


def execute(
    chapter_path: Path | str, *, profile: str, seed: int, out_path: Path | str, data: Path | str | None = None
) -> RunRecord:
    """Execute a chapter into `out_path` and return its record, which stands in the copy's metadata too.

    Args:
        chapter_path: The notebook; it is only read.
        profile: "smoke", "book" or "full".
        seed: The chapter's seed.
        out_path: Where the executed copy is written, whole or not at all.
        data: Watch logs (a file or a folder) that stand in for the embedded generator.

    Raises:
        ValueError: If the profile is unknown or the notebook has no cell tagged `parameters`, or two claims of one name.
        ChapterError: If a cell raises.
        WriteError: If the disk is full.
    """
    # Imported late: the process around the kernel needs no figures.
    from gdt_tutorial.teaching.claim_record import read_claims

    chapter_path, out_path = Path(chapter_path), Path(out_path)
    _check(chapter_path, profile)
    notebook, cost = _run_in_child(chapter_path, profile, seed, data)
    record = RunRecord(
        chapter=chapter_path.stem,
        profile=profile,
        seed=seed,
        cpu_s=round(cost["cpu_s"], 2),
        seconds=round(cost["seconds"], 2),
        peak_mb=round(cost["peak_mb"], 1),
        stderr=read_stderr(notebook),
        claims=[dataclasses.asdict(claim) for claim in read_claims(notebook).values()],
        data_source="logs" if data else "generator",
        **_data_facts(data),
        versions=versions(),
        **_budget(profile),
        **commit(),
    )
    _finish(notebook, record)
    write_atomically(out_path, f"{nbformat.writes(notebook)}\n")
    return record


def read_stderr(notebook: nbformat.NotebookNode) -> list[str]:
    """List what the cells of an executed notebook wrote to stderr."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [output.text for output in outputs if output.get("name") == "stderr"]


def read_record(path: Path) -> RunRecord:
    """Read the record that `execute` wrote into an executed copy."""
    return RunRecord(**nbformat.read(path, as_version=4).metadata[METADATA_KEY])


def commit() -> dict[str, Any]:
    """Return the commit of the working tree and whether tracked files differ from it."""
    try:
        name = _git("rev-parse", "--short=12", "HEAD").strip()
        return {"commit": name, "is_dirty": bool(_git("status", "--porcelain", "--untracked-files=no").strip())}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": "unknown", "is_dirty": False}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a chapter's numbers depend on."""
    found = {"python": platform.python_version()}
    for name in _SHOWN_VERSIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _check(path: Path, profile: str) -> None:
    if profile not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(PROFILES)}, got {profile!r}; choose one of them.")
    tags = [tag for cell in nbformat.read(path, as_version=4).cells for tag in cell.metadata.get("tags", [])]
    if "parameters" not in tags:
        raise ValueError(
            f"chapter_path must have a cell tagged `parameters`, got {path.name} with tags {sorted(set(tags))}; "
            "tag the cell that sets profile and seed."
        )


def _budget(profile: str) -> dict[str, Any]:
    if not (NOTEBOOKS / "chapters.toml").exists():
        return {}
    plan = read_plan()
    return {"budget_s": plan.budget_s(profile), "budget_mb": plan.memory_mb}


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _data_facts(data: Path | str | None) -> dict[str, Any]:
    """Say which logs these are, and whose: the licence wants it on every page that shows them."""
    if data is None:
        return {"attribution": ""}
    from book.logs import log_facts

    facts = log_facts(Path(data))
    return {"attribution": facts.attribution, "log": facts.fingerprint}


def _environment(data: Path | str | None, scratch: str) -> dict[str, str]:
    """The child's environment: one thread, static figures, the chosen data, nobody's own IPython set-up."""
    environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1")}
    environment.pop("GDT_DATA", None)
    if data is not None:
        environment["GDT_DATA"] = str(Path(data).resolve())
    python_path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH")) if part)
    return environment | {
        "GDT_STATIC": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": python_path,
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_PLATFORM_DIRS": "1",
        "IPYTHONDIR": scratch,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def _run_in_child(
    path: Path, profile: str, seed: int, data: Path | str | None
) -> tuple[nbformat.NotebookNode, dict[str, float]]:
    """Run papermill in a process of its own, whose only child is the kernel; return the copy, and what the kernel cost."""
    with tempfile.TemporaryDirectory() as scratch:
        report, copy = Path(scratch) / "report.json", Path(scratch) / path.name
        job = {"notebook": str(path.resolve()), "out": str(copy), "report": str(report)}
        job["parameters"] = {"profile": profile, "seed": seed}  # type: ignore[assignment]
        command = [sys.executable, "-m", "book.run_notebook", json.dumps(job)]
        child = run_watched(command, cwd=ROOT, env=_environment(data, scratch))
        if child.returncode != 0:
            raise ChapterError(f"{path.name} (profile {profile}, seed {seed}) failed:\n{child.stderr.strip()[-4000:]}")
        return nbformat.read(copy, as_version=4), json.loads(report.read_text())


def _finish(notebook: nbformat.NotebookNode, record: RunRecord) -> None:
    """Hide the cell that papermill injected, drop what would ask another host, and write the record down."""
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags and "remove-cell" not in tags:
            cell.metadata["tags"] = [*tags, "remove-cell"]
        for name in ("papermill", "execution"):
            cell.metadata.pop(name, None)
    for name in ("papermill", "widgets"):
        notebook.metadata.pop(name, None)
    notebook.metadata[METADATA_KEY] = dataclasses.asdict(record)
