"""The stored comparison of scene emulators as arrays, and paired intervals over its seeds (what `reproduce scenes` writes)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.tables import read_table, values_by_seed

__all__ = ["STORED", "SceneTable"]

STORED = Path(__file__).parents[1] / "results" / "scenes.csv"
_EMULATORS = "emulators"


class SceneTable:
    """One entry per emulator (or augmentation), number of measured scenes, and seed.

    Attributes:
        header: How the table was made.
        seeds: Draws of scenes.
    """

    def __init__(self, header: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        self.header, self._rows = dict(header), list(rows)
        self.seeds = sorted({int(row["seed"]) for row in rows})

    @classmethod
    def read(cls, path: Path = STORED) -> "SceneTable":
        """Read what `reproduce scenes` wrote.

        Raises:
            ValueError: The file is no such table, or it is cut short.
        """
        return cls(*read_table(path))

    def values(self, column: str, emulator: str, n_scenes: int | None = None) -> Float[np.ndarray, " seed"]:
        """Return a column of one emulator, seed by seed.

        Args:
            column: Such as "crps_db".
            emulator: As the table calls it; an augmentation where `n_scenes` is given.
            n_scenes: Measured scenes that an augmented network learned from.

        Raises:
            ValueError: Not exactly one row for each seed.
        """
        place = {"kind": _EMULATORS} if n_scenes is None else {"kind": "augmentation", "n_scenes": n_scenes}
        remedy = f"take one of {sorted({str(row['emulator']) for row in self._rows})}, and name its place"
        return values_by_seed(self._rows, {"emulator": emulator, **place}, column, argument="emulator", remedy=remedy)

    def mean(self, column: str, emulator: str, n_scenes: int | None = None) -> tuple[float, float]:
        """Return the mean over seeds, with its half interval."""
        return t_interval(self.values(column, emulator, n_scenes))

    def difference(
        self, column: str, emulator: str, rival: str, n_scenes: int | None = None
    ) -> tuple[float, float]:
        """Return the mean paired difference to a rival, with its half interval."""
        own, other = (self.values(column, each, n_scenes) for each in (emulator, rival))
        return t_interval(own - other)

    def percent(self, column: str, emulator: str, rival: str, n_scenes: int | None = None) -> tuple[float, float]:
        """Return by how many percent a column is above a rival's, with the half interval."""
        own, other = (self.values(column, each, n_scenes) for each in (emulator, rival))
        return t_interval(100 * (own / other - 1))
