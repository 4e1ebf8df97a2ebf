"""The stored comparison of codes as arrays, and paired intervals over its seeds (what `reproduce vae` writes)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.tables import read_table, values_by_seed

__all__ = ["STORED", "CodeTable"]

STORED = Path(__file__).parents[1] / "results" / "vae.csv"


class CodeTable:
    """One entry per code, place of the comparison, and seed.

    Attributes:
        header: How the table was made.
        seeds: Draws of users.
    """

    def __init__(self, header: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        self.header, self._rows = dict(header), list(rows)
        self.seeds = sorted({int(row["seed"]) for row in rows})

    @classmethod
    def read(cls, path: Path = STORED) -> "CodeTable":
        """Read what `reproduce vae` wrote.

        Raises:
            ValueError: The file is no such table, or it is cut short.
        """
        return cls(*read_table(path))

    def values(self, column: str, code: str, **place: int | float) -> Float[np.ndarray, " seed"]:
        """Return a column of one code at one place, seed by seed.

        Args:
            column: Such as "mse".
            code: As the table calls it.
            **place: `n_latent`, `n_windows` or `beta`, as far as they are needed to name the place.

        Raises:
            ValueError: Not exactly one row for each seed.
        """
        remedy = f"take a code of {sorted({str(row['code']) for row in self._rows})}, and name its place"
        return values_by_seed(self._rows, {"code": code, **place}, column, argument="code", remedy=remedy)

    def lost_percent(self, code: str, rival: str, **place: int | float) -> tuple[float, float]:
        """Return by how many percent the mean square error of a code is above a rival's, with the half interval."""
        own, other = (self.values("mse", each, **place) for each in (code, rival))
        return t_interval(100 * (own / other - 1))

    def nats_percent(self, code: str, beta: float) -> tuple[float, float]:
        """Return by how many percent the rate of a code is above the Gaussian's at its distortion, with the half interval."""
        name = f"{code}, by beta"
        rate, bound = (self.values(column, name, beta=beta) for column in ("rate_nats", "bound_nats"))
        return t_interval(100 * (rate / bound - 1))
