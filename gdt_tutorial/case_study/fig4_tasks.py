"""The runs behind Fig. 4: one task for each seed and source of views, for `python -m gdt_tutorial reproduce fig4`.

The sources are the embedded generator and, where the variable GDT_DATA points at watch logs, those as well.
"""

import functools
import hashlib
import os
from typing import Any

import numpy as np

from gdt_tutorial.case_study.fig4 import fig4
from gdt_tutorial.configuration import check
from gdt_tutorial.physical.watch_logs import DATA_VARIABLE, WatchLog, find_watch_log

__all__ = ["FIRST_SEED", "VERSION", "fingerprint", "tasks", "work"]

VERSION = "1"
FIRST_SEED = 500_000  # far from the seeds that the grouping was trained and its settings were chosen on


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return one task for each source and seed."""
    log = _log()
    sources = [{"source": "generator"}]
    if log is not None:
        sources.append({"source": "logs", "log": fingerprint(log)})
    return [{"seed": FIRST_SEED + seed, **source} for source in sources for seed in range(n_seeds)]


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every number of the figure for one seed and source.

    Raises:
        ValueError: The task is one of logs, and GDT_DATA points at others here, or at none.
    """
    if task["source"] == "generator":
        return fig4(task["seed"])
    log = _log()
    found = None if log is None else fingerprint(log)
    check(found == task["log"], "GDT_DATA", f"point at the logs {task['log']}", found, "set it where the work is done")
    return fig4(task["seed"], log)


def fingerprint(log: WatchLog) -> str:
    """Return a short name that changes with the views of a log."""
    digest = hashlib.sha256()
    for column in (log.user_id, log.video_id, log.time_ms, log.play_time_s, log.duration_s, log.video_type):
        digest.update(b"" if column is None else np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()[:12]


def _log() -> WatchLog | None:
    return _read(os.environ.get(DATA_VARIABLE, ""))


@functools.cache
def _read(place: str) -> WatchLog | None:
    return find_watch_log(place)
