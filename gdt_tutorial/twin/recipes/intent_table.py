"""The stored comparison of readers, and paired intervals over its seeds (what `reproduce intents` writes)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.tables import read_table, values_by_seed

__all__ = ["STORED", "IntentTable"]

STORED = Path(__file__).parents[1] / "results" / "intents.csv"


class IntentTable:
    """One entry per reader, split of the sentences, and seed.

    Attributes:
        header: How the table was made.
        seeds: Draws of sentences, each with trainings of its own.
    """

    def __init__(self, header: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        self.header, self._rows = dict(header), list(rows)
        self.seeds = sorted({int(row["seed"]) for row in rows})

    @classmethod
    def read(cls, path: Path = STORED) -> "IntentTable":
        """Read what `reproduce intents` wrote.

        Raises:
            ValueError: The file is no such table, or it is cut short.
        """
        return cls(*read_table(path))

    def values(self, column: str, reader: str, split: str) -> Float[np.ndarray, " seed"]:
        """Return a column of one reader on one split, seed by seed.

        Args:
            column: "exact", "glue", "f1", "matthews" or "perplexity".
            reader: As the table calls it.
            split: One of `worlds.intents.sentences.SPLITS`.

        Raises:
            ValueError: Not exactly one row for each seed.
        """
        remedy = f"take a reader of {sorted({str(row['reader']) for row in self._rows})}, and a split"
        place = {"reader": reader, "split": split}
        return values_by_seed(self._rows, place, column, argument="reader", remedy=remedy)

    def percent(self, reader: str, split: str, column: str = "exact") -> tuple[float, float]:
        """Return a share in percent, with the half interval over seeds."""
        return t_interval(100 * self.values(column, reader, split))

    def points_above(self, reader: str, rival: str, split: str, column: str = "exact") -> tuple[float, float]:
        """Return by how many percentage points a reader is above a rival, with the half interval of pairs."""
        return t_interval(100 * (self.values(column, reader, split) - self.values(column, rival, split)))
