"""The stored frontiers of bytes against error as arrays, and what schemes save (what `reproduce external_frontier` writes).

What a scheme saves is told at equal error in *both* halves of the status: the rival collects each half with fixed periods, of
its own for each half and mixed over users, until it is as far off as the scheme is, on the same users. Periods that are one
for both halves make a weaker rival; `period="shared"` takes that one.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.loops.recipes.external_frontier import SETTINGS
from gdt_tutorial.studies.frontiers import convex_frontier, cost_at
from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.seed_tables import SeedTable
from gdt_tutorial.studies.tables import values_by_seed

__all__ = ["STORED", "FrontierTable"]

STORED = Path(__file__).parents[1] / "results" / "external_frontier.csv"

_HALVES = {"networking": ("networking_byte", "snr_db"), "behavior": ("behavior_byte", "position_m")}


class FrontierTable(SeedTable):
    """Bytes of both halves, and errors, for each scheme, setting and seed."""

    stored, compared = STORED, 1

    def values(self, column: str, scheme: str, setting: int) -> Float[np.ndarray, " seed"]:
        """Return a column ("snr_db", "networking_byte", ...) of one scheme at one setting, seed by seed.

        Raises:
            ValueError: not exactly one row for each seed.
        """
        remedy = f"take one of {sorted({str(row['scheme']) for row in self.rows})}, and one of its settings"
        place = {"scheme": scheme, "setting": setting}
        return values_by_seed(self.rows, place, column, argument="scheme", remedy=remedy)

    def fixed_byte(self, half: str, scheme: str, setting: int) -> Float[np.ndarray, " seed"]:
        """Return what fixed periods spend on a half of the status, to err in it as much as a scheme does.

        Raises:
            ValueError: another half.
        """
        require(half in _HALVES, "half", f"be one of {list(_HALVES)}", half, "see the paper's two kinds of status")
        byte, error = _HALVES[half]
        periods = range(len(SETTINGS["fixed"]))
        cost, loss = (np.array([self.values(name, "fixed", each) for each in periods]) for name in (byte, error))
        wanted = self.values(error, scheme, setting) ** 2
        frontiers = [convex_frontier(cost[:, seed], loss[:, seed] ** 2) for seed in range(len(wanted))]
        return np.array([float(cost_at(each, mse)) for each, mse in zip(frontiers, wanted, strict=True)])

    def saved_percent(
        self,
        scheme: str,
        setting: int,
        *,
        half: str | None = None,
        period: str = "by half",
        with_belief: bool = False,
    ) -> Float[np.ndarray, " seed"]:
        """Return by how many percent a scheme needs fewer bytes than fixed periods at the same errors, seed by seed.

        Args:
            scheme: As the table calls it.
            setting: Its place in `SETTINGS`.
            half: "networking" or "behavior" alone; None takes both together.
            period: Of the rival: "by half", or "shared" by both halves.
            with_belief: Whether it counts that devices get the twin's prediction.

        Raises:
            ValueError: another half or period.
        """
        require(period in ("by half", "shared"), "period", "be 'by half' or 'shared'", period, "see the docstring")
        halves = list(_HALVES) if half is None else [half]
        rival = {each: self.fixed_byte(each, scheme, setting) for each in halves}
        own = sum(self.values(_HALVES[each][0], scheme, setting) for each in halves)
        if with_belief:
            own = own + self.values("belief_byte", scheme, setting)
        total = sum(rival.values())
        if period == "shared":
            full = {each: self.values(_HALVES[each][0], "fixed", 0) for each in halves}
            total = np.max([rival[each] / full[each] for each in halves], axis=0) * sum(full.values())
        return np.asarray(100 * (1 - own / total))

    def saving(
        self,
        scheme: str,
        setting: int,
        *,
        half: str | None = None,
        period: str = "by half",
        with_belief: bool = False,
    ) -> tuple[float, float]:
        """Return the mean of `saved_percent`, paired by seed, with its half interval."""
        saved = self.saved_percent(scheme, setting, half=half, period=period, with_belief=with_belief)
        return t_interval(saved)
