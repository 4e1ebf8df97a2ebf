"""The stored comparison of codes as arrays, and paired intervals over its seeds (what `reproduce vae` writes)."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.seed_tables import SeedTable, percent_above
from gdt_tutorial.studies.tables import values_by_seed

__all__ = ["STORED", "CodeTable"]

STORED = Path(__file__).parents[1] / "results" / "vae.csv"


class CodeTable(SeedTable):
    """One entry per code, place of the comparison, and seed."""

    stored, compared = STORED, 1

    def values(self, column: str, code: str, **place: int | float) -> Float[np.ndarray, " seed"]:
        """Return a column of one code at one place, seed by seed.

        Args:
            column: Such as "mse".
            code: As the table calls it.
            **place: `n_latent`, `n_windows` or `beta`, as far as they are needed to name the place.

        Raises:
            ValueError: Not exactly one row for each seed.
        """
        remedy = f"take a code of {sorted({str(row['code']) for row in self.rows})}, and name its place"
        return values_by_seed(self.rows, {"code": code, **place}, column, argument="code", remedy=remedy)

    def lost_percent(self, code: str, rival: str, **place: int | float) -> tuple[float, float]:
        """Return by how many percent the mean square error of a code is above a rival's, with the half interval."""
        return self.percent("mse", code, rival, **place)

    def nats_percent(self, code: str, beta: float) -> tuple[float, float]:
        """Return by how many percent the rate of a code is above the Gaussian's at its distortion, with the half interval."""
        name = f"{code}, by beta"
        rate, bound = (self.values(column, name, beta=beta) for column in ("rate_nats", "bound_nats"))
        return percent_above(rate, bound)
