"""The reader's own watch logs: what is in them, and which chapters they are enough for, asked once before a build."""

import functools
import sys
from dataclasses import dataclass
from pathlib import Path

from book.cache import data_identity
from book.chapters import Plan, read_plan
from gdt_tutorial.physical.logs.crowd_needs import CrowdNeeds, require_crowd, shortfall
from gdt_tutorial.physical.logs.log_files import data_place
from gdt_tutorial.physical.logs.log_tables import WatchLog, fingerprint
from gdt_tutorial.physical.logs.watch_logs import find_watch_log

__all__ = ["LogFacts", "ask_log", "chapter_notes", "log_facts"]


@dataclass(frozen=True, kw_only=True)
class LogFacts:
    """What a page or a builder has to say of a log."""

    fingerprint: str
    attribution: str
    report: str


def log_facts(data: Path) -> LogFacts:
    """Read a log and say what is in it; read again only when it has changed.

    Raises:
        ValueError: What `find_watch_log` refuses.
    """
    log = _log(data, data_identity(data))
    return LogFacts(fingerprint=fingerprint(log), attribution=log.attribution, report=str(log.report))


def chapter_notes(data: Path, plan: Plan) -> dict[str, str]:
    """Return, by chapter's number, the sentence about each chapter for which a log is not enough.

    Raises:
        ValueError: It is not enough for any chapter.
    """
    log, notes = _log(data, data_identity(data)), {}
    require_crowd(log)
    for chapter in plan.written:
        if short := shortfall(log, CrowdNeeds(**chapter.needs)):
            notes[chapter.number] = (
                f"The watch log given is not enough, so this chapter runs on the generator: it has only {short}."
            )
    return notes


def ask_log(path: Path | None, plan: Plan) -> tuple[Path | None, dict[str, str]]:
    """Say what the watch logs hold; return where they are, and what is to be said of the chapters that need more.

    Raises:
        ValueError: They cannot be read, or are not enough for any chapter.
    """
    data = data_place(path)
    if data is None:
        return None, {}
    facts, notes = log_facts(data), chapter_notes(data, plan)
    print(f"Watch logs: {data}: {facts.report}.")
    if plan.logs and facts.fingerprint != plan.logs:
        print("The accepted ranges come from another log, so no claim is held to one.")
    for number, note in notes.items():
        print(f"Chapter {number}: {note}")
    return data, notes


@functools.lru_cache(maxsize=1)
def _log(data: Path, identity: str) -> WatchLog:
    log = find_watch_log(data)
    assert log is not None
    return log


if __name__ == "__main__":  # before JupyterLab opens
    try:
        ask_log(None, read_plan())
    except ValueError as error:
        sys.exit(str(error))
