"""Rows of a csv file turned into arrays, at full speed while they are sound, one by one where they are not.

A malformed row is never dropped in silence: it raises, or it is counted with the rule that it breaks.
"""

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.physical.logs.log_files import open_text

__all__ = ["OPTIONAL", "REQUIRED", "RowParser", "RowRules", "Tally", "identifiers", "shown"]

REQUIRED = ("user_id", "video_id", "play_time", "duration")
OPTIONAL = ("time_ms", "video_type")
_SECONDS = ("play_time", "duration")
HEADER_AGAIN = "the header once more"

# float() also takes 1_5 and the digits of all scripts; a number of a csv file is written in these characters alone.
_NO_NUMBER = re.compile(r"[^0-9eE+. -]")
_NOT_FINITE = re.compile(r" *[+-]?(nan|inf|infinity) *", re.IGNORECASE)
# Tables that had a gap in a column of whole numbers write 100 as 100.0.
_WHOLE_AS_FLOAT = re.compile(r"(0|-?[1-9][0-9]*)\.0+")
_MAX_SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class RowRules:
    """Which rows of a file become views."""

    unit_s: float = 1e-3
    min_duration_s: float = 5.0
    max_duration_s: float = 60.0
    on_bad_row: str = "raise"

    def __post_init__(self) -> None:
        if self.on_bad_row not in ("raise", "drop"):
            raise ValueError(f"on_bad_row must be 'raise' or 'drop', got {self.on_bad_row!r}; choose one of them.")
        if not self.unit_s > 0:
            raise ValueError(f"unit_s must be above 0, got {self.unit_s}; it is 1e-3 for a log in milliseconds.")
        if not 0 < self.min_duration_s <= self.max_duration_s:
            raise ValueError(
                f"min_duration_s must be above 0 and at most max_duration_s, got {self.min_duration_s} and "
                f"{self.max_duration_s}; exchange or change them."
            )


@dataclass
class Tally:
    """What has been counted so far; `type_code` numbers the type labels in order of appearance."""

    n_rows: int = 0
    n_replayed: int = 0
    n_multiline: int = 0
    longest_s: float = 0.0
    dropped: Counter = field(default_factory=Counter)
    filtered: Counter = field(default_factory=Counter)
    type_code: dict[str, int] = field(default_factory=dict)


class RowParser:
    """Turns rows of text into arrays, and finds out why a row is malformed.

    Args:
        path: Of the file, for messages.
        header: Names of its columns.
        columns: Name in the file -> our name.
        rules: What a malformed row leads to.
        tally: Is counted up.
        may_lack: Names in the file of columns that need not be there.
    """

    def __init__(
        self,
        path: Path,
        header: Sequence[str],
        columns: Mapping[str, str],
        rules: RowRules,
        tally: Tally,
        *,
        may_lack: Sequence[str] = (),
    ) -> None:
        self.header = [label.strip() for label in header]
        if not any(self.header):
            raise ValueError(
                f"path must hold a header line and rows, got the empty file {path.name}; give a file with views."
            )
        absent = [own for own in columns if own not in self.header and own not in may_lack]
        twice = [own for own in columns if self.header.count(own) > 1]
        if absent or twice:
            fault = f"without {absent}" if absent else f"with {twice} more than once"
            raise ValueError(
                f"path must have the columns {[own for own in columns if own not in may_lack]}, each once, got {path.name} "
                f"{fault} (it has {shown(self.header)}); {_header_remedy(self.header, columns)}."
            )
        self.path, self.rules, self.tally = path, rules, tally
        self.place = {ours: self.header.index(own) for own, ours in columns.items() if own in self.header}
        self.own_name = {ours: own for own, ours in columns.items()}

    def parse(self, rows: list[list[str]], n_before: int) -> dict[str, np.ndarray]:
        """Parse a chunk at full speed; only a chunk with a malformed row is looked at row by row."""
        first_row = self.tally.n_rows
        self.tally.n_rows += len(rows)
        try:
            chunk = self._convert(rows)
        except (ValueError, IndexError, OverflowError):
            chunk = {}
        if not chunk:  # outside of the block, so that a message does not drag the fast path's behind it
            chunk = self._convert(self._sound_rows(rows, n_before))
        if "time_ms" not in chunk:  # the order of the rows stands in for time
            chunk["time_ms"] = np.arange(first_row, first_row + len(chunk["user_id"]))
        return chunk

    def _convert(self, rows: list[list[str]]) -> dict[str, np.ndarray]:
        """Convert rows to columns; raise if any row is malformed."""
        n_rows, chunk = len(rows), dict[str, np.ndarray]()
        if any(len(row) != len(self.header) for row in rows):
            raise IndexError
        for name, place in self.place.items():
            texts = [row[place] for row in rows]
            if name == "video_type":
                code = self.tally.type_code
                labels = (text.strip() or "no type" for text in texts)
                chunk[name] = np.fromiter((code.setdefault(label, len(code)) for label in labels), np.int32, n_rows)
            elif name in ("user_id", "video_id"):
                chunk[name] = identifiers(texts)
            elif name == "time_ms":
                chunk[name] = _int64(_numbers(texts))
            else:
                chunk[name] = _numbers(texts) * self.rules.unit_s
                if not (np.isfinite(chunk[name]) & (chunk[name] >= 0)).all():
                    raise ValueError
        return chunk

    def _sound_rows(self, rows: list[list[str]], n_before: int) -> list[list[str]]:
        """Return the rows without fault; raise at the first other one, or count it."""
        sound = []
        for number, row in enumerate(rows, start=n_before + 1):
            if [label.strip() for label in row] == self.header:
                self.tally.filtered[HEADER_AGAIN] += 1
                continue
            fault = self._fault(row)
            if fault is None:
                sound.append(row)
                continue
            rule, got = fault
            if self.rules.on_bad_row == "raise":
                raise ValueError(
                    f"{rule}, got {got} in row {number} of {self.path.name} (line {_line_of(self.path, number)}); correct "
                    f"the row, or in Python pass on_bad_row='drop', which leaves such rows out and counts them."
                )
            self.tally.dropped[rule] += 1
        return sound

    def _fault(self, row: list[str]) -> tuple[str, str] | None:
        """Return the broken rule and the value that breaks it, or None."""
        if len(row) != len(self.header):
            return f"row must have the header's {len(self.header)} fields", str(len(row))
        for name, place in self.place.items():
            own, text = self.own_name[name], row[place]
            if name == "video_type":
                continue
            try:
                value = _CONVERT[name](text)
            except (ValueError, OverflowError):
                return f"{own} must be {'an id' if name.endswith('_id') else 'a number'}", shown(text)
            if not np.isfinite(value * self.rules.unit_s):
                return f"{own} must be finite", shown(text)
            if value < 0 and name in _SECONDS:
                return f"{own} must not be negative", shown(text)
        return None


def identifiers(texts: list[str]) -> Int[np.ndarray, " view"]:
    """Return ids as 64-bit numbers; two ids are the same where their texts are.

    A whole number below 2**63, written without a sign or a leading zero, stays as it is. Any other text becomes a
    negative number by a hash of 63 bits, so that memory stays bounded: among ten million ids the chance that any two get
    the same number is 5e-6. Spaces around an id do not count, and `100.0` is `100`.

    Raises:
        ValueError: An id that is empty, not a number of any kind ("nan", "null", "none"), or longer than one line.
    """
    try:
        ids = np.fromiter(map(int, texts), np.int64, len(texts))
        # int() also takes 1_23, 007, +5 and the digits of all scripts, which are other texts.
        if list(map(str, ids.tolist())) == texts and ids.min(initial=0) >= 0:
            return ids
    except (ValueError, OverflowError):
        pass
    return np.fromiter(map(_identifier, texts), np.int64, len(texts))


def shown(value: str | Sequence[str]) -> str:
    """Return a text, or names of columns, as a message shows them: quoted, and short."""
    if isinstance(value, str):
        return repr(value if len(value) <= _MAX_SHOWN else value[:_MAX_SHOWN] + "...")
    return f"[{', '.join(map(shown, value[:12]))}{', ...' if len(value) > 12 else ''}]"


def _identifier(text: str) -> int:
    text = text.strip()
    if not text or text.lower() in ("nan", "null", "none") or "\n" in text or "\r" in text:
        raise ValueError
    if whole := _WHOLE_AS_FLOAT.fullmatch(text):
        text = whole.group(1)
    if text.isascii() and text.isdigit() and len(text) < 20 and str(number := int(text)) == text and number < 2**63:
        return number
    return -1 - (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1)


def _numbers(texts: list[str]) -> Float[np.ndarray, " view"]:
    if _NO_NUMBER.search("".join(texts)):
        raise ValueError
    return np.fromiter(map(float, texts), np.float64, len(texts))


def _number(text: str) -> float:
    if _NO_NUMBER.search(text) and not _NOT_FINITE.fullmatch(text):
        raise ValueError
    return float(text)


def _timestamp(text: str) -> int:
    return int(_int64(np.array([_number(text)]))[0])


def _int64(values: Float[np.ndarray, " view"]) -> Int[np.ndarray, " view"]:
    if not (np.abs(values) < 2**63).all():  # NaN and infinity included
        raise OverflowError
    return values.astype(np.int64)


def _line_of(path: Path, row: int) -> int:
    """Return the line of the file on which a row ends; the header is line 1."""
    with open_text(path) as file:
        reader, n_seen = csv.reader(file), -1
        for cells in reader:
            n_seen += bool(cells)
            if n_seen == row:
                break
        return reader.line_num


def _header_remedy(header: list[str], columns: Mapping[str, str]) -> str:
    sign = next((name for mark, name in {";": "semicolons", "\t": "tabs"}.items() if mark in "".join(header)), None)
    if sign is not None:
        return f"it seems to be separated by {sign}: save it with commas"
    if {own.lower() for own in columns} & {own.lower() for own in header if own not in columns}:
        return "large and small letters count: rename them in its header"
    return "rename them in its header, or call read_watch_log(path, columns={'name in the file': 'our name', ...})"


_CONVERT: dict[str, Callable[[str], float]] = {
    "user_id": _identifier,
    "video_id": _identifier,
    "time_ms": _timestamp,
    "play_time": _number,
    "duration": _number,
}
