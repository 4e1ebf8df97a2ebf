"""The stored studies of the variational autoencoder in the twin as arrays (what `reproduce vae_twin` writes)."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.seed_tables import SeedTable, percent_above
from gdt_tutorial.studies.tables import values_by_seed

__all__ = ["STORED", "TwinTable"]

STORED = Path(__file__).parents[1] / "results" / "vae_twin.csv"


class TwinTable(SeedTable):
    """One entry per study, place, method, measure, and seed."""

    stored = STORED

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

    def mean(self, study: str, place: float | int, method: str, measure: str) -> tuple[float, float]:
        """Return a mean over the seeds with its half interval."""
        return t_interval(self.values(study, place, method, measure))

    def difference(self, study: str, place: float | int, method: str, rival: str, measure: str) -> tuple[float, float]:
        """Return by how much a method is above its rival, paired by seed, with the half interval."""
        return t_interval(self.values(study, place, method, measure) - self.values(study, place, rival, measure))

    def percent(self, study: str, place: float | int, method: str, rival: str, measure: str) -> tuple[float, float]:
        """Return the same in percent of the rival."""
        own, other = (self.values(study, place, each, measure) for each in (method, rival))
        return percent_above(own, other)
