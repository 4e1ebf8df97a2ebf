"""Real watch logs: where they come from, and how a reader's own are read.

The project ships no watch log. The environment variable `GDT_DATA` (a file or a folder) or an argument points at one;
without it the embedded generator of `swipes.py` serves, and every figure says which of the two made it.

A log of your own, with other names, in seconds, and with a column of topics:

    from gdt_tutorial.physical.swipes import LoggedSwipes
    from gdt_tutorial.physical.logs.watch_logs import read_watch_log

    log = read_watch_log(
        "my_views.csv",
        columns={
            "viewer": "user_id", "clip": "video_id", "seen": "play_time", "length": "duration", "topic": "video_type"
        },
        unit_s=1.0,
        on_bad_row="drop",
    )
    report = str(log.report)  # how many rows were dropped, and why
    swipes = LoggedSwipes.from_watch_log(log)
"""

import csv
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from gdt_tutorial.physical.logs.kuairand import KUAIRAND_ATTRIBUTION, fetch_kuairand, is_kuairand, read_kuairand
from gdt_tutorial.physical.logs.log_files import DATA_VARIABLE, data_place, open_text
from gdt_tutorial.physical.logs.log_rows import OPTIONAL, RowRules
from gdt_tutorial.physical.logs.log_tables import LogReport, WatchLog, keep_frequent_types, read_tables, view_types

__all__ = [
    "DEFAULT_COLUMNS",
    "KUAIRAND_ATTRIBUTION",
    "LogReport",
    "WatchLog",
    "data_place",
    "data_source",
    "fetch_kuairand",
    "find_watch_log",
    "read_kuairand",
    "read_watch_log",
    "view_types",
]

# The columns of KuaiRand's logs and of samples made from them; `OPTIONAL` ones may be missing.
DEFAULT_COLUMNS = {
    "user_id": "user_id",
    "video_id": "video_id",
    "time_ms": "time_ms",
    "play_time_ms": "play_time",
    "duration_ms": "duration",
    "video_type": "video_type",
}
_MAY_LACK = tuple(own for own, ours in DEFAULT_COLUMNS.items() if ours in OPTIONAL)


def read_watch_log(
    path: str | Path,
    columns: Mapping[str, str] = DEFAULT_COLUMNS,
    *,
    unit_s: float = 1e-3,
    min_duration_s: float = 5.0,
    max_duration_s: float = 60.0,
    n_types: int = 8,
    on_bad_row: str = "raise",
    attribution: str | None = None,
    on_chunk: Callable[[int], None] | None = None,
) -> WatchLog:
    """Read one csv file of views.

    Args:
        path: A csv file in UTF-8 with a header line; it is streamed, so its size does not matter.
        columns: Name in the file -> our name. Ours are user_id, video_id, play_time and duration, and optionally
            time_ms (without it the order of the rows counts) and video_type (any text). Of the default columns the
            optional ones may be missing. Ids are text as it is written (`log_rows.identifiers`).
        unit_s: Unit of play_time and duration, in seconds: 1e-3 for milliseconds, 1.0 for seconds.
        min_duration_s: Views of shorter videos are filtered out, and counted.
        max_duration_s: Views of longer videos are filtered out, and counted.
        n_types: Keep so many of the most viewed types and merge the others into "other".
        on_bad_row: "raise" stops at the first malformed row; "drop" leaves such rows out and counts them by reason in
            the log's `report`.
        attribution: What a page must print; by default the section about the file in an ATTRIBUTION.md beside it,
            or else a line with the file's name.
        on_chunk: Called with a number of rows after each chunk, to feed a progress bar.

    Raises:
        ValueError: For a path without a file, a file that is no text in UTF-8, a missing column, an empty file, a
            malformed row or negative play time (unless they are dropped), or a log of which no row is left.
    """
    path = data_place(path) or Path()
    if not path.is_file():
        raise ValueError(f"path must be a csv file, got the folder {str(path)!r}; name a file in it.")
    rules = RowRules(unit_s=unit_s, min_duration_s=min_duration_s, max_duration_s=max_duration_s, on_bad_row=on_bad_row)
    text = attribution if attribution is not None else _attribution(path)
    may_lack = _MAY_LACK if columns == DEFAULT_COLUMNS else ()
    log = read_tables([path], columns, rules, attribution=text, may_lack=may_lack, on_chunk=on_chunk)
    return log if log.video_type is None else keep_frequent_types(log, n_types)


def find_watch_log(path: str | Path | None = None, *, on_bad_row: str = "raise") -> WatchLog | None:
    """Return the log that `path` or else `GDT_DATA` points at, or `None` where neither is given.

    A file is read with the default columns. A folder holds either the official KuaiRand files or exactly one csv file
    with the default columns. Where a relative path starts is told by `log_files.data_place`.

    Raises:
        ValueError: If the place has no such file, or more than one; and for all that `read_watch_log` refuses.
    """
    place = data_place(path)
    if place is None:
        return None
    if place.is_dir() and is_kuairand(place):
        return read_kuairand(place, on_bad_row=on_bad_row)
    return read_watch_log(_only_log(place) if place.is_dir() else place, on_bad_row=on_bad_row)


def data_source() -> str:
    """Return "logs" where `GDT_DATA` names watch logs, else "generator"."""
    return "logs" if os.environ.get(DATA_VARIABLE, "").strip() else "generator"


def _only_log(folder: Path) -> Path:
    """Return the one csv file of a folder that has the default columns."""
    needed = [own for own in DEFAULT_COLUMNS if own not in _MAY_LACK]
    found = [path for path in sorted(folder.glob("*.csv")) if set(needed) <= set(_header(path))]
    if len(found) != 1:
        raise ValueError(
            f"path must be a folder with one csv file that has the columns {needed}, got {str(folder)!r} with "
            f"{[path.name for path in found]}; point at the file itself."
        )
    return found[0]


def _header(path: Path) -> list[str]:
    with open_text(path) as file:
        return [name.strip() for name in next(csv.reader(file), [])]


def _attribution(path: Path) -> str:
    """Return the section of an ATTRIBUTION.md beside the file: the line with its name, and what is listed below."""
    notice = path.with_name("ATTRIBUTION.md")
    lines = notice.read_text(encoding="utf-8").splitlines() if notice.is_file() else []
    if path.name not in lines:
        return (
            KUAIRAND_ATTRIBUTION
            if path.name.startswith("kuairand")
            else f"Watch log {path.name}, provided by the reader."
        )
    section = []
    for line in lines[lines.index(path.name) + 1 :]:
        if not line.startswith(("-", " ")):
            break
        section.append(line.removeprefix("- ").strip())
    return " ".join([f"{path.name}:", *section])
