"""The stored comparison of future states on the ring as arrays (what `reproduce decision_diffuser` writes)."""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.seed_tables import SeedTable
from gdt_tutorial.studies.tables import values_by_seed

__all__ = ["STORED", "StateTable"]

STORED = Path(__file__).parents[1] / "results" / "decision_diffuser.csv"


class StateTable(SeedTable):
    """One value per logs, kind of state, measure, and seed."""

    stored, compared = STORED, 1

    def values(self, logs: str, state: str, measure: str = "value") -> Float[np.ndarray, " seed"]:
        """Return a measure of one kind of state, seed by seed.

        Args:
            logs: "expert" or "no expert".
            state: "queues", "served", or "actions" and "max-weight" beside them.
            measure: "explained" or "explained_linear" of the inverse; "network" or "linear": the value of decisions by it; of
                the other two "value".

        Raises:
            ValueError: Not exactly one row for each seed.
        """
        place = {"logs": logs, "state": state, "measure": measure}
        remedy = f"take one of {sorted({(row['state'], row['measure']) for row in self.rows})}"
        return values_by_seed(self.rows, place, "value", argument="state", remedy=remedy)

    def above_actions(self, logs: str, state: str, measure: str = "value") -> tuple[float, float]:
        """Return by how much a state's measure is above the value of actions, paired by seed, with the half interval."""
        return t_interval(self.values(logs, state, measure) - self.values(logs, "actions"))
