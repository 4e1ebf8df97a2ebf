"""Rows of a csv file turned into arrays, at full speed while they are sound, one by one where they are not.

A malformed row is never dropped in silence: it raises, or it is counted with the rule that it breaks.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

__all__ = ["RowParser", "RowRules", "Tally"]


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
    dropped: Counter = field(default_factory=Counter)
    filtered: Counter = field(default_factory=Counter)
    type_code: dict[str, int] = field(default_factory=dict)


class RowParser:
    """Turns rows of text into arrays, and finds out why a row is malformed."""

    def __init__(
        self, path: Path, first_rows: list[list[str]], columns: Mapping[str, str], rules: RowRules, tally: Tally
    ) -> None:
        if not first_rows or not any(first_rows[0]):
            raise ValueError(
                f"path must hold a header line and rows, got the empty file {path.name}; give a file with views."
            )
        header = [name.strip() for name in first_rows[0]]
        absent = [own for own in columns if own not in header]
        if absent:
            raise ValueError(
                f"path must have the columns {list(columns)}, got {path.name} without {absent} (it has {header}); "
                f"name its columns with columns={{'name in the file': 'our name', ...}}."
            )
        self.path, self.rules, self.tally = path, rules, tally
        self.n_fields = len(header)
        self.place = {ours: header.index(own) for own, ours in columns.items()}
        self.own_name = {ours: own for own, ours in columns.items()}

    def parse(self, rows: list[list[str]], n_before: int) -> dict[str, np.ndarray]:
        """Parse a chunk at full speed; only a chunk with a malformed row is looked at row by row."""
        first_row = self.tally.n_rows
        self.tally.n_rows += len(rows)
        try:
            chunk = self._convert(rows)
        except (ValueError, IndexError, OverflowError):
            chunk = self._convert(self._sound_rows(rows, n_before))
        if "time_ms" not in chunk:  # the order of the rows stands in for time
            chunk["time_ms"] = np.arange(first_row, first_row + len(chunk["user_id"]))
        return chunk

    def _convert(self, rows: list[list[str]]) -> dict[str, np.ndarray]:
        """Convert rows to columns; raise if any row is malformed."""
        n_rows, chunk = len(rows), {}
        if any(len(row) != self.n_fields for row in rows):
            raise IndexError
        for name, place in self.place.items():
            texts = (row[place] for row in rows)
            if name in _SECONDS:
                chunk[name] = np.fromiter(map(float, texts), np.float64, n_rows) * self.rules.unit_s
                if not (np.isfinite(chunk[name]) & (chunk[name] >= 0)).all():
                    raise ValueError
            elif name == "video_type":
                code = self.tally.type_code
                labels = (text.strip() or "no type" for text in texts)
                chunk[name] = np.fromiter((code.setdefault(label, len(code)) for label in labels), np.int32, n_rows)
            elif name == "time_ms":
                chunk[name] = _int64(np.fromiter(map(float, texts), np.float64, n_rows))
            else:
                chunk[name] = _identifiers([row[place] for row in rows])
        return chunk

    def _sound_rows(self, rows: list[list[str]], n_before: int) -> list[list[str]]:
        """Return the rows without fault; raise at the first other one, or count it."""
        sound = []
        for number, row in enumerate(rows, start=n_before + 1):
            fault = self._fault(row)
            if fault is None:
                sound.append(row)
                continue
            rule, got = fault
            if self.rules.on_bad_row == "raise":
                raise ValueError(
                    f"{rule}, got {got} in row {number} of {self.path.name}; correct the row, or pass "
                    f"on_bad_row='drop' to leave such rows out and have them counted."
                )
            self.tally.dropped[rule] += 1
        return sound

    def _fault(self, row: list[str]) -> tuple[str, str] | None:
        """Return the broken rule and the value that breaks it, or None."""
        if len(row) != self.n_fields:
            return f"row must have the header's {self.n_fields} fields", str(len(row))
        for name, place in self.place.items():
            own, text = self.own_name[name], row[place]
            if name == "video_type":
                continue
            try:
                value = _CONVERT[name](text)
            except (ValueError, OverflowError):
                return f"{own} must be {'an id' if name.endswith('_id') else 'a number'}", repr(text)
            if not np.isfinite(value):
                return f"{own} must be finite", repr(text)
            if value < 0 and name in _SECONDS:
                return f"{own} must not be negative", repr(text)
        return None


def _identifiers(texts: list[str]) -> Int[np.ndarray, " view"]:
    try:
        return np.fromiter(map(int, texts), np.int64, len(texts))
    except ValueError:
        return np.fromiter(map(_identifier, texts), np.int64, len(texts))


def _identifier(text: str) -> int:
    """Return a whole number as it is, and any other text as a hash of 63 bits, so that memory stays bounded."""
    try:
        number = int(text)
    except ValueError:
        text = text.strip()
        if not text or text.lower() in ("nan", "null", "none"):
            raise
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
    if not -(2**63) <= number < 2**63:
        raise OverflowError
    return number


def _timestamp(text: str) -> int:
    return int(_int64(np.array([float(text)]))[0])


def _int64(values: Float[np.ndarray, " view"]) -> Int[np.ndarray, " view"]:
    if not (np.abs(values) < 2**63).all():  # NaN and infinity included
        raise OverflowError
    return values.astype(np.int64)


_SECONDS = ("play_time", "duration")
_CONVERT: dict[str, Callable[[str], float]] = {
    "user_id": _identifier,
    "video_id": _identifier,
    "time_ms": _timestamp,
    "play_time": float,
    "duration": float,
}
