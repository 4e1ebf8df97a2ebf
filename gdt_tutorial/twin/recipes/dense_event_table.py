"""The stored comparison of muting at the dense event (what `reproduce dense_event` writes), and paired intervals of it."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.seed_tables import SeedTable
from gdt_tutorial.studies.tables import values_by_seed

__all__ = ["STORED", "EventTable"]

STORED = Path(__file__).parents[1] / "results" / "dense_event.csv"


class EventTable(SeedTable):
    """One value per chooser, score and seed, and what rounded means lose."""

    stored, compared = STORED, 0

    @property
    def names(self) -> list[str]:
        """The choosers, in the order of the study."""
        return list(dict.fromkeys(str(row["name"]) for row in self.rows if row["kind"] == "choosers"))

    def values(self, name: str, score: str = "qoe", *, kind: str = "choosers") -> Float[np.ndarray, " seed"]:
        """Return a score, seed by seed.

        Args:
            name: Such as "diffusion, sorted"; "raw" or "sorted" where the kind is "modes".
            score: "qoe" or "stall_s"; "lost" of the modes.
            kind: "choosers" or "modes".

        Raises:
            ValueError: Not exactly one row for each seed.
        """
        own = [row for row in self.rows if row["kind"] == kind]
        remedy = f"take one of {sorted({str(row['name']) for row in own})}"
        return values_by_seed(own, {"name": name, "score": score}, "value", argument="name", remedy=remedy)
