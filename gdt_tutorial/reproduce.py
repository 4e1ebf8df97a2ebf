"""The figures of the case study from scratch: `python -m gdt_tutorial reproduce fig5 --seeds 24`.

Says how long it will take, and writes a table whose first lines say how it was made. A run that was stopped goes on where it
was. With `--with mine:my_scheme` a scheme of your own is run on the campuses of Fig. 5 (see `figures.own_scheme`).
"""

import argparse
import importlib
import math
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from tqdm import tqdm

import gdt_tutorial
from gdt_tutorial.case_study.figures import fig5, own_scheme
from gdt_tutorial.case_study.figures.logged_tasks import check_logs, logs_here, name_logs
from gdt_tutorial.configuration import require
from gdt_tutorial.files import WriteError, require_writable
from gdt_tutorial.physical.logs.log_tables import fingerprint
from gdt_tutorial.studies.sweeps import result_path, run_sweep
from gdt_tutorial.studies.tables import read_table, write_table

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
    """Where a figure is made, with how many seeds where nobody says, and how long a task takes.

    Attributes:
        module: A `FigureModule`.
        n_seeds: Those of the stored table that the book shows.
        task_s: Seconds of processor time of one task, measured on one core of a server (Intel Xeon, 2026), by its kind.
        kind: Which entry of a task says its kind; "" where all are alike.
    """

    module: str
    n_seeds: int
    task_s: Mapping[str, float]
    kind: str = ""

    def seconds(self, task: Mapping[str, Any]) -> float:
        """Return how long a task takes on such a core."""
        return self.task_s[str(task.get(self.kind, ""))]


FIGURES: dict[str, Figure] = {
    "fig4": Figure(
        module="gdt_tutorial.case_study.figures.fig4",
        n_seeds=10,
        task_s={"generator": 0.6, "watch log": 0.6},
        kind="source",
    ),
    "fig5": Figure(module="gdt_tutorial.case_study.figures.fig5", n_seeds=24, task_s={"": 10.5}),
    "parts": Figure(module="gdt_tutorial.case_study.figures.scheme_parts", n_seeds=10, task_s={"": 5.4}),
    "who_wins": Figure(
        module="gdt_tutorial.case_study.figures.who_wins",
        n_seeds=2,
        task_s={"24": 6.3, "60": 8.9, "96": 10.4},
        kind="n_users",
    ),
    "vae": Figure(
        module="gdt_tutorial.twin.recipes.vae_study",
        n_seeds=5,
        task_s={"3000": 50.0, "200": 10.0},
        kind="n_windows",
    ),
    "scenes": Figure(
        module="gdt_tutorial.loops.recipes.scene_study",
        n_seeds=5,
        task_s={"emulators": 80.0, "augmentation": 27.0, "loop": 15.0},
        kind="kind",
    ),
    "diffusion": Figure(
        module="gdt_tutorial.twin.recipes.diffusion_study",
        n_seeds=5,
        task_s={"expert": 45.0, "no expert": 45.0, "two patterns": 12.0, "online": 30.0, "channels": 38.0},
        kind="kind",
    ),
    "decision_diffuser": Figure(module="gdt_tutorial.twin.recipes.ring_states", n_seeds=5, task_s={"": 12.0}),
    "dense_event": Figure(module="gdt_tutorial.twin.recipes.dense_event_study", n_seeds=8, task_s={"": 85.0}),
    "vae_twin": Figure(
        module="gdt_tutorial.loops.recipes.vae_in_the_twin",
        n_seeds=5,
        task_s={"reports": 40.0, "codes": 50.0},
        kind="kind",
    ),
    "external_frontier": Figure(module="gdt_tutorial.loops.recipes.external_frontier", n_seeds=10, task_s={"": 24.0}),
    "internal_loop": Figure(
        module="gdt_tutorial.loops.recipes.internal_study",
        n_seeds=32,
        task_s={"ring": 80.0, "ring, other log": 35.0, "event": 80.0, "event, wrong twin": 30.0, "campus": 72.0},
        kind="world",
    ),
}

_KEPT = "What is finished is kept: the same command goes on from here."


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What one command does."""

    name: str  # of the table
    command: str
    version: str
    tasks: list[dict]
    work: Callable[[dict], list[dict]]
    seconds: Callable[[Mapping[str, Any]], float]  # of processor time that a task takes
    made_with: Mapping[str, str]  # more lines for the table's header
    finish: Callable[[list[dict]], list[dict]] = lambda rows: rows
    summary: Callable[[list[dict]], list[str]] = lambda rows: []


def run(arguments: argparse.Namespace) -> int:
    """Reproduce one figure and return the exit code."""
    n_seeds = FIGURES[arguments.figure].n_seeds if arguments.seeds is None else arguments.seeds
    for name, value, least in (("seeds", n_seeds, 1), ("jobs", arguments.jobs, 1), ("patience", arguments.patience, 0)):
        if not value >= least:  # NaN is not
            print(f"--{name} must be at least {least}, got {value}; leave it out for the default.")
            return 2
    try:
        plan = _plan(arguments.figure, n_seeds) if arguments.own is None else _plan_with_own(arguments, n_seeds)
        path = arguments.output / f"{plan.name}.csv"
        _check_output(path)
        print(_duration(plan, path, arguments), flush=True)
        rows, broken = _sweep(plan, path, arguments)
        for note in broken:
            print(f"Warning: {note}")
        write_table(plan.finish(rows), path, _header(plan))
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
    print("\n".join([*plan.summary(rows), f"Table: {path} ({len(rows)} rows)"]))
    return 0


def _plan(name: str, n_seeds: int) -> _Plan:
    figure = FIGURES[name]
    module = cast(FigureModule, importlib.import_module(figure.module))
    tasks = name_logs(module.tasks(n_seeds))
    log = logs_here() if any("log" in task for task in tasks) else None
    return _Plan(
        name=name,
        command=f"python -m gdt_tutorial reproduce {name} --seeds {n_seeds}",
        version=module.VERSION,
        tasks=tasks,
        work=module.work,
        seconds=figure.seconds,
        made_with={} if log is None else {"data": " ".join(f"{fingerprint(log)}; {log.attribution}".split())},
    )


def _plan_with_own(arguments: argparse.Namespace, n_seeds: int) -> _Plan:
    """Load an own scheme and try it on one lot, before anything long starts."""
    require(
        arguments.figure == "fig5", "--with", "stand with fig5", arguments.figure, "the other figures have no schemes"
    )
    own = own_scheme.load(arguments.own)
    print(f"{own.name} is tried on one lot of campuses first.", flush=True)
    task_s, trial = own_scheme.try_out(own)
    stored, _ = read_table(own_scheme.STORED)
    return _Plan(
        name=f"fig5_{own.name}",
        command=f"python -m gdt_tutorial reproduce fig5 --with {own.reference} --seeds {n_seeds}",
        version=fig5.VERSION,
        tasks=own_scheme.tasks(own, n_seeds, trial),
        work=own_scheme.work,
        seconds=lambda task: task_s,
        made_with={"code": own.code, "compared with": f"{stored['command']}, commit {stored['commit']}"},
        finish=own_scheme.with_differences,
        summary=own_scheme.summary,
    )


def _duration(plan: _Plan, table: Path, arguments: argparse.Namespace) -> str:
    """Say how long the tasks take that are not done yet."""
    folder = _tasks_folder(table)
    left_s = [plan.seconds(task) for task in plan.tasks if not result_path(folder, task, plan.version).is_file()]
    n_all, n_done = len(plan.tasks), len(plan.tasks) - len(left_s)
    done = f"{n_done} of {n_all} tasks are done already; the others" if n_done else f"{n_all} tasks"
    if not left_s:
        return f"All {n_all} tasks are done already."
    if arguments.scheduler is not None:
        return f"{done} take about {_about(sum(left_s))} of processor time, which the workers of the cluster share."
    n_jobs = min(arguments.jobs, len(left_s), os.cpu_count() or 1)
    jobs = "1 job" if arguments.jobs == 1 else f"{arguments.jobs} jobs"
    on = "" if n_jobs == min(arguments.jobs, len(left_s)) else f" on {n_jobs} cores"
    return f"{done} take about {_about(sum(left_s) / n_jobs)} with {jobs}{on}, as measured on a server."


def _about(seconds: float) -> str:
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"


def _tasks_folder(table: Path) -> Path:
    return table.with_name(f"{table.stem}_tasks")


def _check_output(table: Path) -> None:
    """Raise a ValueError where the end of a long run could not write its table, or its tasks their rows."""
    for folder in (table.parent, _tasks_folder(table)):
        require_writable("--output", folder)
    require(not table.is_dir(), "--output", "have no folder in the table's place", str(table), "name another one")


def _header(plan: _Plan) -> dict[str, str]:
    # Jobs and scheduler are left out: they change nothing in the table.
    return {
        "command": plan.command,
        "seeds": ", ".join(map(str, sorted({task["seed"] for task in plan.tasks}))),
        "commit": commit(),
        "version": f"{plan.version}, gdt_tutorial {gdt_tutorial.__version__}",
        **plan.made_with,
    }


def _sweep(plan: _Plan, table: Path, arguments: argparse.Namespace) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of all tasks, and what is to be said about results that had to be done again."""
    broken: list[str] = []
    layout = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} tasks, {elapsed}{postfix}"
    with tqdm(total=len(plan.tasks), desc=plan.name, ncols=100, bar_format=layout) as bar:
        rows = run_sweep(
            partial(check_logs, plan.work),
            plan.tasks,
            _tasks_folder(table),
            version=plan.version,
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
