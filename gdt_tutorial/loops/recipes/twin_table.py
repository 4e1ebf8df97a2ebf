"""The stored studies of the variational autoencoder in the twin as arrays (what `reproduce vae_twin` writes)."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.seed_tables import SeedTable
from gdt_tutorial.studies.tables import values_by_seed

__all__ = ["STORED", "TwinTable"]

STORED = Path(__file__).parents[1] / "results" / "vae_twin.csv"


class TwinTable(SeedTable):
    """One entry per study, place, method, measure, and seed."""

    stored, compared = STORED, 2

    def values(self, study: str, place: float | int, method: str, measure: str) -> Float[np.ndarray, " seed"]:
        """Return a measure of one method, seed by seed.

        Args:
            study: "filling", "denoising", "width" or "loop".
            place: Share lost, noise in dB, age in slots, or period in slots.
            method: As the table calls it.
            measure: Such as "snr_db".

        Raises:
            ValueError: Not exactly one row for each seed.
        """
        wanted = {"study": study, "place": place, "method": method, "measure": measure}
        known = sorted({str(row["method"]) for row in self.rows if row["study"] == study})
        remedy = f"the study {study!r} has {known}"
        return values_by_seed(self.rows, wanted, "value", argument="method", remedy=remedy)
