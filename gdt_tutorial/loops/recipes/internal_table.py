"""The study of the internal loop as arrays (the rows that `internal_study.work` returns), and paired intervals of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.seed_tables import SeedTable
from gdt_tutorial.studies.tables import values_by_seed

__all__ = ["MAKERS", "STORED", "InternalTable"]

MAKERS = {"campus": ("greedy", "trained")}
"""Of the loop, by world, where they are not "model" and "GAI"."""

STORED = Path(__file__).parents[1] / "results" / "internal_loop.csv"


class InternalTable(SeedTable):
    """One entry per world, scheme, phase, score, and seed; a world may have fewer seeds than the table."""

    stored, compared = STORED, 1

    def values(self, world: str, scheme: str, phase: str, score: str | None = None) -> Float[np.ndarray, " seed"]:
        """Return a score of one scheme, seed by seed.

        Args:
            world: One of `internal_study.WORLDS`.
            scheme: As the table calls it.
            phase: "before", "after", "both" (their mean), "validations 11-30", or "all" for regrets.
            score: "queue" on the rings and "qoe" elsewhere where none is named; "regret" or "distance".

        Raises:
            ValueError: Not exactly one row for each seed of the world.
        """
        if phase == "both":
            return (self.values(world, scheme, "before", score) + self.values(world, scheme, "after", score)) / 2
        asked = score or ("queue" if world.startswith("ring") else "qoe")
        wanted = {"world": world, "scheme": scheme, "phase": phase, "score": asked}
        rows = [row for row in self.rows if row["world"] == world]
        remedy = f"the world {world!r} has {sorted({str(row['scheme']) for row in rows})}"
        return values_by_seed(rows, wanted, "value", argument="scheme", remedy=remedy)

    def better(self, world: str, schemes: Sequence[str], phase: str) -> str:
        """Return the scheme with the better mean: the smaller queue, or the larger QoE."""
        sign = -1 if world.startswith("ring") else 1
        return max(schemes, key=lambda name: sign * self.values(world, name, phase).mean())

    def makers(self, world: str, phase: str) -> tuple[str, str]:
        """Return the better and the worse maker of the loop, each by its mean in this phase."""
        both = MAKERS.get(world, ("model", "GAI"))
        better = self.better(world, both, phase)
        return better, both[1 - both.index(better)]

    def gain(self, world: str, scheme: str, rival: str, phase: str) -> tuple[float, float]:
        """Return by how much a scheme is better than its rival, whatever counts: above 0 is good."""
        mean, half = self.difference(world, scheme, rival, phase)
        return (-mean if world.startswith("ring") else mean), half

    def regret_share(self, world: str, scheme: str = "loop") -> tuple[float, float]:
        """Return the regret of the picks as a share of the mean distance of the makers, with the half interval."""
        regret, distance = (self.values(world, scheme, "all", score) for score in ("regret", "distance"))
        return t_interval(regret / distance.mean())

    def seeds_for(self, world: str, scheme: str, rival: str, phase: str, half: float = 0.015) -> int:
        """Return how many seeds an interval of this half length takes, as far as these tell.

        The half length falls with the root of their number; that Student's t falls too is left out.
        """
        found = self.difference(world, scheme, rival, phase)[1]
        return max(2, int(np.ceil(len(self.values(world, scheme, phase)) * (found / half) ** 2)))
