"""Stored studies over seeds as arrays: a table whose rows have a column "seed", and paired intervals of what it holds."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.tables import read_table

__all__ = ["SeedTable", "percent_above"]

_Table = TypeVar("_Table", bound="SeedTable")


class SeedTable:
    """The rows of a study. A class of its own for each study says what names a row, by the columns of its table.

    Attributes:
        stored: Where the table lies that comes with the library.
        header: How the table was made.
        rows: One for each seed and whatever else names a value.
        seeds: In their order.
    """

    stored: ClassVar[Path]

    def __init__(self, header: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        self.header, self.rows = dict(header), list(rows)
        self.seeds = sorted({int(row["seed"]) for row in rows})

    @classmethod
    def read(cls: type[_Table], path: Path | None = None) -> _Table:
        """Read what `reproduce` wrote; what comes with the library by default.

        Raises:
            ValueError: The file is no such table, or it is cut short.
        """
        return cls(*read_table(cls.stored if path is None else path))


def percent_above(own: Float[np.ndarray, " seed"], rival: Float[np.ndarray, " seed"]) -> tuple[float, float]:
    """Return by how many percent a value is above its rival's, paired by seed, with the half interval."""
    return t_interval(100 * (own / rival - 1))
