"""Tables that say where they come from: CSV whose first lines hold the command, the seeds and the commit.

    # command: python -m gdt_tutorial reproduce fig5 --seeds 24
    # kinds: number text number
    # rows: 2
    capacity,scheme,qoe
    2000000000.0,proposed,0.71
    2000000000.0,greedy_cost_rule,0.52

A table is written whole or not at all, and what is read is what was written: the same numbers to the last digit, and text
that looks like a number is still text. An empty cell is None, and so is empty text.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.files import write_atomically

__all__ = ["read_table", "six_digits", "values_by_seed", "write_table"]

Cell = bool | int | float | str | None


def six_digits(value: float) -> float:
    """Return a number with six digits: what a stored table keeps of it.

    >>> six_digits(0.123456789), six_digits(-1234567.8)
    (0.123457, -1234570.0)
    """
    return float(f"{value:.6g}")


def write_table(rows: Sequence[Mapping[str, Any]], path: Path, header: Mapping[str, Any]) -> None:
    """Write rows with the same columns, under one comment line per entry of `header`, the columns' kinds, and a count.

    Args:
        rows: Numbers (also NumPy's), text, bools and None; a column holds one kind besides None.
        path: Of the CSV file.
        header: Where the table comes from, such as command, seeds, commit and version.

    Raises:
        ValueError: No row, unequal columns, a header that is not one line, or a cell that could not be read back.
        WriteError: The disk is full, or the folder cannot be written.
    """
    require(len(rows) > 0, "rows", "hold at least one", len(rows), "a table of nothing has no columns")
    columns = list(rows[0])
    odd = next((list(row) for row in rows if row.keys() != rows[0].keys()), columns)
    require(odd == columns, "rows", f"all have the columns {columns}", odd, "fill what is missing with None")
    kinds = [_kind(name, [row[name] for row in rows]) for name in columns]
    buffer = io.StringIO()
    for name, value in {**header, "kinds": " ".join(kinds), "rows": len(rows)}.items():
        is_line = len(f"{name}: {value} ".splitlines()) == 1 and ": " not in name
        require(is_line, "header", "hold single lines, and names without a colon", {name: value}, "shorten it")
        buffer.write(f"# {name}: {value}\n")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_written(row[name]) for name in columns] for row in rows)
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
    require(header.get("rows", "").isdigit(), path.name, "say its number of rows", header, remedy)
    body = list(csv.reader(lines[len(head) : -1]))
    n_rows, n_found, kinds = int(header["rows"]), len(body) - 1, header.get("kinds", "").split()
    is_whole = lines[-1] == "" and n_found == n_rows and {len(row) for row in body} == {len(kinds)}
    require(is_whole, path.name, f"hold {n_rows} whole rows", max(n_found, 0), f"it is cut short; {remedy}")
    readers = [_READERS[kind] for kind in kinds]
    return header, [
        {name: read(cell) if cell else None for name, read, cell in zip(body[0], readers, row, strict=True)}
        for row in body[1:]
    ]


def values_by_seed(
    rows: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any], column: str, *, argument: str, remedy: str
) -> Float[np.ndarray, " seed"]:
    """Return a column of the rows that are as `wanted`, one row for each seed of the table, in the order of the seeds.

    Args:
        rows: Of a table with a column "seed".
        wanted: Columns and what they shall hold.
        column: Such as "mse".
        argument: What the caller calls the part of `wanted` that may be wrong; of the error.
        remedy: What else could be asked for; of the error.

    Raises:
        ValueError: Not exactly one row for each seed.
    """
    seeds = sorted({int(row["seed"]) for row in rows})
    found = sorted(
        (row for row in rows if all(row[name] == value for name, value in wanted.items())), key=lambda row: row["seed"]
    )
    is_one_each = [int(row["seed"]) for row in found] == seeds
    require(is_one_each, argument, f"have one row for each of {len(seeds)} seeds", (dict(wanted), len(found)), remedy)
    return np.array([float(row[column]) for row in found])


def _kind(name: str, values: list[Any]) -> str:
    kinds = {_kind_of(value) for value in values if not _is_empty(value)}
    rule = "hold numbers, bools or single lines of text, and one kind of them"
    require(len(kinds) < 2 and "other" not in kinds, f"column {name!r}", rule, sorted(kinds), "convert its cells")
    return kinds.pop() if kinds else "text"


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, Real):
        return "number"
    return "text" if isinstance(value, str) and len(f"{value} ".splitlines()) == 1 else "other"


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _written(value: Any) -> str:
    if _is_empty(value):
        return ""
    if isinstance(value, bool | str):
        return str(value)
    return str(int(value)) if isinstance(value, Integral) else repr(float(value))


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


_READERS: dict[str, Callable[[str], Cell]] = {"number": _number, "text": str, "bool": lambda text: text == "True"}
