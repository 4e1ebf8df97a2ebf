"""The stored comparison of diffusion with its rivals as arrays (what `reproduce diffusion` writes)."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.seed_tables import SeedTable
from gdt_tutorial.studies.tables import values_by_seed

__all__ = ["STORED", "DiffusionTable"]

STORED = Path(__file__).parents[1] / "results" / "diffusion.csv"


class DiffusionTable(SeedTable):
    """One entry per study, method, place, measure, and seed."""

    stored, compared = STORED, 1

    def values(
        self, study: str, method: str, place: int | None = None, measure: str | None = None
    ) -> Float[np.ndarray, " seed"]:
        """Return a measure of one method, seed by seed.

        Args:
            study: "expert", "no expert", "two patterns", "channels, rules", "channels, labels" or "channels, mixed".
            method: As the table calls it.
            place: Gradient steps, or steps that a sample visits; the largest where none is named.
            measure: The first that the method has where none is named: "value", "lost efficiency" or "interpolation".

        Raises:
            ValueError: Not exactly one row for each seed.
        """
        own = [row for row in self.rows if row["study"] == study and row["method"] == method]
        known = sorted({str(row["method"]) for row in self.rows if row["study"] == study})
        first = str(own[0]["measure"]) if own else ""
        asked = first if measure is None else measure
        last = max((int(row["place"]) for row in own if row["measure"] == asked), default=0)
        wanted = {"study": study, "method": method, "measure": asked, "place": last if place is None else place}
        remedy = f"the study {study!r} has {known}"
        return values_by_seed(self.rows, wanted, "value", argument="method", remedy=remedy)

    def ratio(self, study: str, method: str, rival: str) -> tuple[float, float]:
        """Return a method's value over its rival's, seed by seed: of mean queues, or of lost efficiencies."""
        own, other = self.pair(study, method, rival)
        return t_interval(own / other)

    def curve(self, study: str, method: str) -> dict[int, tuple[float, float]]:
        """Return the mean value and its half interval at each place of a method."""
        places = {
            int(row["place"])
            for row in self.rows
            if (row["study"], row["method"], row["measure"]) == (study, method, "value")
        }
        return {place: self.mean(study, method, place, "value") for place in sorted(places)}
