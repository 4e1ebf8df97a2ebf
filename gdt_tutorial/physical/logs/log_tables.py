"""Watch logs as arrays, and the streaming reader under all of the project's log formats.

A csv file is read in chunks of rows straight into arrays of 38 bytes a view, so a log of ten million rows needs some
400 MB. Every row that does not become a view is counted in the log's report, with the reason. The rows come from Python's csv
module. pandas reads them in half the time and takes more memory (`benchmarks/watch_log.py`), but it neither counts the
lines of a row nor says which row is at fault, and guesses what an id is where it is not read as text.
"""

import csv
import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.physical.logs.log_files import open_text
from gdt_tutorial.physical.logs.log_rows import OPTIONAL, REQUIRED, RowParser, RowRules, Tally

__all__ = ["LogReport", "WatchLog", "distinct", "fingerprint", "keep_frequent_types", "read_tables", "view_types"]

CHUNK_ROWS = 20_000


@dataclass(frozen=True, kw_only=True)
class LogReport:
    """What became of the rows of a log: `n_rows` = `n_kept` + dropped + filtered.

    `dropped` counts malformed rows by reason, `filtered` counts sound rows outside the wanted range, and `n_replayed`
    counts kept rows whose play time exceeds the duration (a replay; their watched fraction is capped at 1).

    Two counts are of kept rows that may be mistakes of the file: `n_repeated` of those that equal an earlier row in all
    that is read (only where the log has times), and `n_multiline` of those that stretch over several lines, as a quote
    does that is never closed.
    """

    n_rows: int
    n_kept: int
    dropped: dict[str, int]
    filtered: dict[str, int]
    n_replayed: int
    n_repeated: int = 0
    n_multiline: int = 0

    def __str__(self) -> str:
        lines = [f"kept {self.n_kept:,} of {self.n_rows:,} rows"]
        for verb, counts in (("dropped", self.dropped), ("filtered", self.filtered)):
            for reason, count in sorted(counts.items()):
                lines.append(f"{verb} {count:,} of {self.n_rows:,} rows: {reason}")
        lines.append(f"capped {self.n_replayed:,} replays at a complete view")
        if self.n_repeated:
            lines.append(
                f"kept {self.n_repeated:,} rows that repeat an earlier one (is the log joined from overlapping parts?)"
            )
        if self.n_multiline:
            lines.append(f"kept {self.n_multiline:,} rows of several lines (does a quote swallow rows?)")
        return "; ".join(lines)


@dataclass(frozen=True, kw_only=True, eq=False)
class WatchLog:
    """Views of short videos, one entry a view.

    `play_time_s` may exceed `duration_s` (a replay); `watched_fraction` is capped at 1, which means a complete view.
    `video_type` indexes `type_names` and is `None` where the log has no types. `attribution` is what a page must print.
    """

    user_id: Int[np.ndarray, " view"]
    video_id: Int[np.ndarray, " view"]
    time_ms: Int[np.ndarray, " view"]
    play_time_s: Float[np.ndarray, " view"]
    duration_s: Float[np.ndarray, " view"]
    watched_fraction: Float[np.ndarray, " view"]
    video_type: Int[np.ndarray, " view"] | None
    type_names: tuple[str, ...]
    attribution: str
    report: LogReport

    @property
    def n_views(self) -> int:
        """Number of views."""
        return len(self.user_id)


def read_tables(
    paths: Sequence[Path],
    columns: Mapping[str, str],
    rules: RowRules,
    *,
    attribution: str,
    may_lack: Sequence[str] = (),
    on_chunk: Callable[[int], None] | None = None,
) -> WatchLog:
    """Read csv files of one format into one log.

    Args:
        paths: The files, each with a header line.
        columns: Name in the file -> our name (`REQUIRED`, and any of `OPTIONAL`).
        rules: What is kept, and what happens to a malformed row.
        attribution: Stored in the log.
        may_lack: Names in the file of columns that need not be there.
        on_chunk: Called with the number of rows after each chunk, to feed a progress bar.

    Raises:
        ValueError: For a missing column, an empty file, bytes that are no UTF-8, a malformed row (unless rules.on_bad_row
            is "drop"), or a log of which no row is left.
    """
    _check_columns(columns)
    tally, arrays, n_kept = Tally(), dict[str, np.ndarray](), 0
    for path in paths:
        n_reported = tally.n_rows
        for chunk in _chunks(path, columns, rules, tally, may_lack):
            n_kept = _append(arrays, n_kept, _select(chunk, rules, tally))
            if on_chunk is not None:
                on_chunk(tally.n_rows - n_reported)
                n_reported = tally.n_rows
    for column in arrays.values():
        column.resize(n_kept, refcheck=False)
    report = LogReport(
        n_rows=tally.n_rows,
        n_kept=n_kept,
        dropped=dict(tally.dropped),
        filtered=dict(tally.filtered),
        n_replayed=tally.n_replayed,
        n_repeated=_count_repeated(arrays),
        n_multiline=tally.n_multiline,
    )
    if report.n_kept == 0:
        is_in_seconds = 0 < tally.longest_s < 1
        remedy = "its times look like seconds: write milliseconds, or pass unit_s=1.0" if is_in_seconds else ""
        raise ValueError(
            f"path must hold at least one usable row, got {paths[0].name}: {report}; "
            f"{remedy or 'check columns and unit_s, or widen min_duration_s and max_duration_s'}."
        )
    video_type = arrays.pop("video_type", None)
    return WatchLog(
        **arrays, video_type=video_type, type_names=tuple(tally.type_code), attribution=attribution, report=report
    )


def distinct(ids: Int[np.ndarray, " view"]) -> Int[np.ndarray, " _"]:
    """Return the different ids, ascending. NumPy's own unique puts them into a hash table, many times as large."""
    ordered = np.sort(ids)
    is_first = np.ones(len(ids), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_first]


def fingerprint(log: WatchLog) -> str:
    """Return a short name that changes with the views of a log."""
    digest = hashlib.sha256()
    for column in (log.user_id, log.video_id, log.time_ms, log.play_time_s, log.duration_s, log.video_type):
        digest.update(b"" if column is None else np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()[:12]


def view_types(log: WatchLog) -> tuple[Int[np.ndarray, " view"], tuple[str, ...]]:
    """Return each view's type and the types' names: the log's own, or else stand-ins by length that say so.

    The stand-ins are terciles: three lengths with equally many videos of the log each.
    """
    return _length_types(log) if log.video_type is None else (log.video_type, log.type_names)


@functools.lru_cache(maxsize=2)  # every network on a log asks anew
def _length_types(log: WatchLog) -> tuple[Int[np.ndarray, " view"], tuple[str, ...]]:
    _, first = np.unique(log.video_id, return_index=True)
    edge_s = np.quantile(log.duration_s[first], [1 / 3, 2 / 3])
    names = tuple(f"{length} (no type in log)" for length in ("short", "medium", "long"))
    return np.searchsorted(edge_s, log.duration_s, side="right").astype(np.int16), names


def keep_frequent_types(log: WatchLog, n_types: int) -> WatchLog:
    """Merge all types but the `n_types` most viewed into one called "other"; sort the types by views."""
    if n_types < 1:
        raise ValueError(f"n_types must be at least 1, got {n_types}; 8 is the default.")
    video_type, type_names = view_types(log)
    views = np.bincount(video_type, minlength=len(type_names))
    order = np.argsort(-views, kind="stable")[: np.count_nonzero(views)]
    kept = order[:n_types]
    new_code = np.full(len(views), len(kept), dtype=np.int32)
    new_code[kept] = np.arange(len(kept))
    names = tuple(type_names[code] for code in kept) + (("other",) if len(order) > len(kept) else ())
    return replace(log, video_type=new_code[video_type], type_names=names)


def _check_columns(columns: Mapping[str, str]) -> None:
    missing = [name for name in REQUIRED if name not in columns.values()]
    unknown = [name for name in columns.values() if name not in REQUIRED + OPTIONAL]
    if missing or unknown:
        raise ValueError(
            f"columns must map names of the file to {REQUIRED} and optionally {OPTIONAL}, got {dict(columns)} "
            f"(missing {missing}, unknown {unknown}); write columns={{'name in the file': 'our name', ...}}."
        )


def _chunks(
    path: Path, columns: Mapping[str, str], rules: RowRules, tally: Tally, may_lack: Sequence[str]
) -> Iterator[dict[str, np.ndarray]]:
    """Yield chunks of parsed columns, malformed rows removed and counted."""
    with open_text(path) as file:
        reader = csv.reader(file)
        header = next(iter(_next_rows(reader, 1, path, tally)), [])
        parser = RowParser(path, header, columns, rules, tally, may_lack=may_lack)
        n_before = tally.n_rows
        while rows := _next_rows(reader, CHUNK_ROWS, path, tally):
            yield parser.parse([row for row in rows if row], tally.n_rows - n_before)
        if tally.n_rows == n_before:
            raise ValueError(f"path must hold rows below its header, got none in {path.name}; give a file with views.")


def _next_rows(reader: Any, n_rows: int, path: Path, tally: Tally) -> list[list[str]]:
    """Return the next rows of a csv reader, and count those that stretch over several lines."""
    first_line = reader.line_num
    try:
        rows = list(islice(reader, n_rows))
    except csv.Error as error:
        raise ValueError(
            f"path must be a csv file, got {path.name}: {error} at line {reader.line_num}; look for an unclosed quote."
        ) from error
    if reader.line_num - first_line != len(rows):
        tally.n_multiline += sum(any("\n" in text or "\r" in text for text in row) for row in rows)
    return rows


def _append(arrays: dict[str, np.ndarray], n_before: int, chunk: Mapping[str, np.ndarray]) -> int:
    """Write a chunk behind the first `n_before` entries of each array, which grows where it must; return how many there are.

    Thousands of small arrays, joined at the end, would leave the heap full of holes, and everything twice for a moment.
    """
    n_after = n_before + len(chunk["user_id"])
    for name, values in chunk.items():
        column = arrays.setdefault(name, np.empty(CHUNK_ROWS, dtype=values.dtype))
        if n_after > len(column):
            column.resize(n_after * 9 // 8, refcheck=False)  # by realloc, which moves no large array
        column[n_before:n_after] = values
    return n_after


def _count_repeated(arrays: Mapping[str, np.ndarray]) -> int:
    """Count the views that equal an earlier one."""
    columns = [arrays[name] for name in ("user_id", "video_id", "time_ms", "play_time_s")]
    key = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        key = (key ^ column.astype(np.int64).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio
    order = np.argsort(key, kind="stable")
    del key
    is_equal = np.ones(max(len(order) - 1, 0), dtype=bool)
    for column in columns:
        ordered = column[order]
        is_equal &= ordered[1:] == ordered[:-1]
    return int(np.count_nonzero(is_equal))


def _select(chunk: dict[str, np.ndarray], rules: RowRules, tally: Tally) -> dict[str, np.ndarray]:
    """Keep the views of videos in the wanted range of lengths, in the log's compact types; count the others."""
    duration_s, play_time_s = chunk.pop("duration"), chunk.pop("play_time")
    tally.longest_s = max(tally.longest_s, float(duration_s.max(initial=0)))
    keep = (duration_s >= rules.min_duration_s) & (duration_s <= rules.max_duration_s)
    if n_outside := int(np.count_nonzero(~keep)):
        tally.filtered[f"duration outside {rules.min_duration_s:g}-{rules.max_duration_s:g} s"] += n_outside
    duration_s, play_time_s = duration_s[keep], play_time_s[keep]
    tally.n_replayed += int(np.count_nonzero(play_time_s > duration_s))
    compact = {name: values[keep] for name, values in chunk.items()}
    compact["play_time_s"] = play_time_s.astype(np.float32)
    compact["duration_s"] = duration_s.astype(np.float32)
    compact["watched_fraction"] = np.minimum(play_time_s / duration_s, 1.0).astype(np.float32)
    return compact
