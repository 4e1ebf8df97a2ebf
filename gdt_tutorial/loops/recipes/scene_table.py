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


class SceneTable:
    """One value per comparison ("emulators", "augmentation", "loop"), emulator, score and seed.

    Attributes:
        header: How the table was made.
    """

    def __init__(self, header: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        self.header, self._rows = dict(header), list(rows)

    @classmethod
    def read(cls, path: Path = STORED) -> "SceneTable":
        """Read what `reproduce scenes` wrote.

        Raises:
            ValueError: The file is no such table, or it is cut short.
        """
        return cls(*read_table(path))

    def values(
        self, score: str, emulator: str, n_scenes: int | None = None, *, kind: str = "emulators"
    ) -> Float[np.ndarray, " seed"]:
        """Return a score of one emulator, seed by seed.

        Args:
            score: Such as "crps_db".
            emulator: As the table calls it; an augmentation where `kind` says so.
            n_scenes: Measured scenes that an augmented network learned from.
            kind: Of the comparison.

        Raises:
            ValueError: Not exactly one row for each seed.
        """
        own = [row for row in self._rows if row["kind"] == kind]
        place = {"emulator": emulator, "score": score} | ({} if n_scenes is None else {"n_scenes": n_scenes})
        remedy = f"take one of {sorted({str(row['emulator']) for row in own})}, and name its place"
        return values_by_seed(own, place, "value", argument="emulator", remedy=remedy)

    def mean(
        self, score: str, emulator: str, n_scenes: int | None = None, *, kind: str = "emulators"
    ) -> tuple[float, float]:
        """Return the mean over seeds, with its half interval."""
        return t_interval(self.values(score, emulator, n_scenes, kind=kind))

    def difference(
        self, score: str, emulator: str, rival: str, n_scenes: int | None = None, *, kind: str = "emulators"
    ) -> tuple[float, float]:
        """Return the mean paired difference to a rival, with its half interval."""
        own, other = (self.values(score, each, n_scenes, kind=kind) for each in (emulator, rival))
        return t_interval(own - other)

    def percent(
        self, score: str, emulator: str, rival: str, n_scenes: int | None = None, *, kind: str = "emulators"
    ) -> tuple[float, float]:
        """Return by how many percent a score is above a rival's, with the half interval."""
        own, other = (self.values(score, each, n_scenes, kind=kind) for each in (emulator, rival))
        return t_interval(100 * (own / other - 1))
