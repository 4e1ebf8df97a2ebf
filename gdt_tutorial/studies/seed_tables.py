"""Stored studies over seeds as arrays: a table whose rows have a column "seed", and paired intervals of what it holds."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.tables import read_table

__all__ = ["SeedTable", "percent_above"]

_Table = TypeVar("_Table", bound="SeedTable")


class SeedTable(ABC):
    """The rows of a study. A class of its own for each study says in `values` what names a row, by the columns of its table.

    One argument of `values` says who is compared, such as a scheme. `pair`, `difference` and `percent` take the same arguments,
    with the rival behind that one: `difference("ring", "loop", "model", "after")` is about `values("ring", "loop", "after")`
    and `values("ring", "model", "after")`.

    Attributes:
        stored: Where the table lies that comes with the library.
        compared: Place of that argument, from 0.
        header: How the table was made.
        rows: One for each seed and whatever else names a value.
        seeds: In their order.
    """

    stored: ClassVar[Path]
    compared: ClassVar[int]

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

    @abstractmethod
    def values(self, *place: Any, **more: Any) -> Float[np.ndarray, " seed"]:
        """Return the values that one place of the study has, seed by seed.

        Raises:
            ValueError: Not exactly one row for each seed.
        """

    def mean(self, *place: Any, **more: Any) -> tuple[float, float]:
        """Return the mean of `values` over the seeds, with its half interval."""
        return t_interval(self.values(*place, **more))

    def pair(self, *place: Any, **more: Any) -> tuple[Float[np.ndarray, " seed"], Float[np.ndarray, " seed"]]:
        """Return the values of who is compared, and of the rival that stands behind, seed by seed."""
        before, after = place[: self.compared], place[self.compared + 2 :]
        own, rival = place[self.compared : self.compared + 2]
        return self.values(*before, own, *after, **more), self.values(*before, rival, *after, **more)

    def difference(self, *place: Any, **more: Any) -> tuple[float, float]:
        """Return by how much a value is above its rival's, paired by seed, with the half interval."""
        own, rival = self.pair(*place, **more)
        return t_interval(own - rival)

    def percent(self, *place: Any, **more: Any) -> tuple[float, float]:
        """Return the same in percent of the rival's, seed by seed."""
        return percent_above(*self.pair(*place, **more))


def percent_above(own: Float[np.ndarray, " seed"], rival: Float[np.ndarray, " seed"]) -> tuple[float, float]:
    """Return by how many percent a value is above its rival's, paired by seed, with the half interval."""
    return t_interval(100 * (own / rival - 1))
