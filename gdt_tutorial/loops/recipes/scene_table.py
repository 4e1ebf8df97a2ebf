"""The stored comparison of scene emulators as arrays, and paired intervals over its seeds (what `reproduce scenes` writes)."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.seed_tables import SeedTable
from gdt_tutorial.studies.tables import values_by_seed

__all__ = ["STORED", "SceneTable"]

STORED = Path(__file__).parents[1] / "results" / "scenes.csv"


class SceneTable(SeedTable):
    """One value per comparison ("emulators", "augmentation", "loop"), emulator, score and seed."""

    stored, compared = STORED, 1

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
        own = [row for row in self.rows if row["kind"] == kind]
        place = {"emulator": emulator, "score": score} | ({} if n_scenes is None else {"n_scenes": n_scenes})
        remedy = f"take one of {sorted({str(row['emulator']) for row in own})}, and name its place"
        return values_by_seed(own, place, "value", argument="emulator", remedy=remedy)
