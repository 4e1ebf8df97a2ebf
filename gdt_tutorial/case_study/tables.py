"""Tables that say where they come from: CSV whose first lines hold the command, the seeds and the commit.

    # command: python -m gdt_tutorial reproduce fig5 --seeds 10
    # rows: 2
    capacity,scheme,qoe
    2000000000.0,proposed,0.71
    2000000000.0,heuristic,0.52

A table is written whole or not at all, and what is read is what was written: the same numbers to the last digit.
"""

import csv
import io
import os
import tempfile
from collections.abc import Mapping, Sequence
from itertools import takewhile
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from gdt_tutorial.configuration import check

__all__ = ["read_table", "write_atomically", "write_table"]

Cell = bool | int | float | str | None

_WORDS: dict[str, Cell] = {"": None, "True": True, "False": False}


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that whoever looks, also after a power cut, finds the old one or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # mkstemp lets nobody else read
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_table(rows: Sequence[Mapping[str, Any]], path: Path, header: Mapping[str, Any]) -> None:
    """Write rows with the same columns, under one comment line per entry of `header` and one with their number.

    Args:
        rows: Numbers, text, bools and None, also NumPy's numbers.
        path: Of the CSV file.
        header: Where the table comes from, such as command, seeds, commit and version.

    Raises:
        ValueError: No row, unequal columns, a header that is not one line, or a cell that would be read as another
            value than it is.
    """
    check(len(rows) > 0, "rows", "hold at least one", len(rows), "a table of nothing has no columns")
    columns = list(rows[0])
    odd = next((list(row) for row in rows if list(row) != columns), columns)
    check(odd == columns, "rows", f"all have the columns {columns}", odd, "fill what is missing with None")
    buffer = io.StringIO()
    for name, value in {**header, "rows": len(rows)}.items():
        is_line = len(f"{name}: {value} ".splitlines()) == 1 and ": " not in name
        check(is_line, "header", "hold single lines, and names without a colon", {name: value}, "shorten it")
        buffer.write(f"# {name}: {value}\n")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_written(value) for value in row.values()] for row in rows)
    write_atomically(path, buffer.getvalue())


def read_table(path: Path) -> tuple[dict[str, str], list[dict[str, Cell]]]:
    """Return the header and the rows of a table that `write_table` has written.

    Raises:
        ValueError: The file is no such table, or it is cut short.
    """
    remedy = "make it again with the command in its first lines"
    with path.open(encoding="utf-8", newline="") as file:
        lines = file.read().split("\n")
    head = list(takewhile(lambda line: line.startswith("# "), lines))
    header = dict(line[2:].split(": ", 1) for line in head if ": " in line)
    check(header.get("rows", "").isdigit(), path.name, "say its number of rows", header, remedy)
    body = list(csv.reader(lines[len(head) : -1]))
    n_rows, n_found = int(header["rows"]), len(body) - 1
    is_whole = lines[-1] == "" and n_found == n_rows and {len(row) for row in body} == {len(body[0])}
    check(is_whole, path.name, f"hold {n_rows} whole rows", max(n_found, 0), f"it is cut short; {remedy}")
    return header, [dict(zip(body[0], map(_read, row), strict=True)) for row in body[1:]]


def _written(value: Any) -> str:
    cell = _plain(value)
    text = "" if cell is None else repr(cell) if isinstance(cell, float) else str(cell)
    is_same = repr(_read(text)) == repr(cell) and len(f"{text} ".splitlines()) == 1
    check(is_same, "a cell", "be read as what it is", value, "use words that look like no number, on one line")
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def _read(text: str) -> Cell:
    if text in _WORDS:
        return _WORDS[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
