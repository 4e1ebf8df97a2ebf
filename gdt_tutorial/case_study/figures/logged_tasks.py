"""Tasks that read watch logs: which logs they were, and that the work is done on no others.

A task says where its views come from, under "source": "generator" (also where it says nothing) or else logs, those that the
variable GDT_DATA points at. Results of a sweep are kept by task, so a task must name its logs: the same sweep with other
logs then is another sweep.
"""

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.logs.log_tables import fingerprint
from gdt_tutorial.physical.logs.watch_logs import WatchLog, find_watch_log

__all__ = ["check_logs", "logs_here", "name_logs"]


def logs_here() -> WatchLog | None:
    """Return the logs that GDT_DATA points at, read once, or None where it is not set."""
    return _read(os.environ.get("GDT_DATA", ""))


@functools.cache
def _read(place: str) -> WatchLog | None:
    return find_watch_log(place)


def name_logs(tasks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the fingerprint of the logs, under "log", to the tasks that read them."""
    is_logged = [task.get("source", "generator") != "generator" for task in tasks]
    log = logs_here() if any(is_logged) else None
    require(
        log is not None or not any(is_logged), "GDT_DATA", "point at watch logs", None, "set it, or use the generator"
    )
    name = "" if log is None else fingerprint(log)
    return [{**task, "log": name} if reads else dict(task) for task, reads in zip(tasks, is_logged, strict=True)]


def check_logs(work: Callable[[dict], list[dict]], task: dict[str, Any]) -> list[dict]:
    """Do a task, on the logs that it names.

    Raises:
        ValueError: GDT_DATA points at other logs here, or at none.
    """
    if "log" in task:
        log = logs_here()
        found = None if log is None else fingerprint(log)
        require(
            found == task["log"], "GDT_DATA", f"point at logs {task['log']}", found, "set it where the work is done"
        )
    return work(task)
