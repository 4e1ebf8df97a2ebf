"""The figures of the case study from scratch: `python -m gdt_tutorial reproduce fig5 --seeds 24`.

Writes a table whose first lines say how it was made. A run that was stopped goes on where it was.
"""

import argparse
import importlib
import math
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from tqdm import tqdm

import gdt_tutorial
from gdt_tutorial.case_study.figures.logged_tasks import check_logs, logs_here, name_logs
from gdt_tutorial.configuration import require
from gdt_tutorial.files import WriteError, require_writable
from gdt_tutorial.physical.logs.log_tables import fingerprint
from gdt_tutorial.studies.sweeps import run_sweep
from gdt_tutorial.studies.tables import write_table

__all__ = ["FIGURES", "Figure", "FigureModule", "commit", "run"]


@runtime_checkable
class FigureModule(Protocol):
    """What the module of a figure offers.

    Its tasks say which seed they have, under "seed", and whether they read watch logs (see `case_study.logged_tasks`).
    """

    VERSION: str
    """To be raised with every change of what `work` returns: stored results of another version are not taken."""

    def tasks(self, n_seeds: int) -> list[dict]:
        """Return what there is to do, in the order of the table."""
        ...

    def work(self, task: dict) -> list[dict]:
        """Do one task and return its rows."""
        ...


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Where a figure is made, and with how many seeds where nobody says: those of the stored table that the book shows."""

    module: str
    n_seeds: int


FIGURES: dict[str, Figure] = {
    "fig4": Figure(module="gdt_tutorial.case_study.figures.fig4", n_seeds=10),
    "fig5": Figure(module="gdt_tutorial.case_study.figures.fig5", n_seeds=24),
    "parts": Figure(module="gdt_tutorial.case_study.figures.scheme_parts", n_seeds=10),
    "who_wins": Figure(module="gdt_tutorial.case_study.figures.who_wins", n_seeds=2),
}

_KEPT = "What is finished is kept: the same command goes on from here."


def run(arguments: argparse.Namespace) -> int:
    """Reproduce one figure and return the exit code."""
    figure = FIGURES[arguments.figure]
    n_seeds = figure.n_seeds if arguments.seeds is None else arguments.seeds
    for name, value, least in (("seeds", n_seeds, 1), ("jobs", arguments.jobs, 1), ("patience", arguments.patience, 0)):
        if not value >= least:  # NaN is not
            print(f"--{name} must be at least {least}, got {value}; leave it out for the default.")
            return 2
    path = arguments.output / f"{arguments.figure}.csv"
    module = cast(FigureModule, importlib.import_module(figure.module))
    try:
        _check_output(path)
        tasks = name_logs(module.tasks(n_seeds))
        rows, broken = _sweep(module, tasks, arguments)
        for note in broken:
            print(f"Warning: {note}")
        write_table(rows, path, _header(arguments.figure, n_seeds, tasks, module.VERSION))
    except KeyboardInterrupt:
        print(f"\nStopped. {_KEPT}")
        return 130
    except WriteError as error:
        print(f"{error} {_KEPT}")
        return 1
    except (ValueError, RuntimeError) as error:
        # What a task raises has a note that names it; a ValueError without one is about the arguments.
        notes = getattr(error, "__notes__", ())
        print(" ".join([str(error), *notes]))
        return 2 if isinstance(error, ValueError) and not notes else 1
    print(f"Table: {path} ({len(rows)} rows)")
    return 0


def _tasks_folder(table: Path) -> Path:
    return table.with_name(f"{table.stem}_tasks")


def _check_output(table: Path) -> None:
    """Raise a ValueError where the end of a long run could not write its table, or its tasks their rows."""
    for folder in (table.parent, _tasks_folder(table)):
        require_writable("--output", folder)
    require(not table.is_dir(), "--output", "have no folder in the table's place", str(table), "name another one")


def _header(figure: str, n_seeds: int, tasks: list[dict], version: str) -> dict[str, str]:
    # Jobs and scheduler are left out: they change nothing in the table.
    log = logs_here() if any("log" in task for task in tasks) else None
    return {
        "command": f"python -m gdt_tutorial reproduce {figure} --seeds {n_seeds}",
        "seeds": ", ".join(map(str, sorted({task["seed"] for task in tasks}))),
        "commit": commit(),
        "version": f"{version}, gdt_tutorial {gdt_tutorial.__version__}",
        **({} if log is None else {"data": " ".join(f"{fingerprint(log)}; {log.attribution}".split())}),
    }


def _sweep(
    module: FigureModule, tasks: list[dict], arguments: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of all tasks, and what is to be said about results that had to be done again."""
    broken: list[str] = []
    layout = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} tasks, {elapsed}{postfix}"
    with tqdm(total=len(tasks), desc=arguments.figure, ncols=100, bar_format=layout) as bar:
        rows = run_sweep(
            partial(check_logs, module.work),
            tasks,
            _tasks_folder(arguments.output / f"{arguments.figure}.csv"),
            version=module.VERSION,
            n_jobs=arguments.jobs,
            scheduler=arguments.scheduler,
            patience_s=arguments.patience,
            on_task=_show(bar),
            on_broken=lambda path, reason: broken.append(f"{path} was computed again: {reason}"),
        )
    return rows, broken


def _show(bar: tqdm) -> Callable[[int, int, float], None]:
    def on_task(n_done: int, n_all: int, left_s: float) -> None:
        bar.n = n_done
        bar.set_postfix_str("time left unknown" if math.isnan(left_s) else f"{bar.format_interval(left_s)} left")

    return on_task


def commit() -> str:
    """Return the commit of this package, marked where its files differ from it; "unknown" where git does not know it."""
    folder = Path(__file__).parent
    try:
        # An installed copy may lie inside the working tree of something else.
        _git(folder, "ls-files", "--error-unmatch", "__init__.py")
        name = _git(folder, "rev-parse", "--short=12", "HEAD").strip()
        is_changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".").strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{name} with changes" if is_changed else name


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout
