"""Let the draws of any maker agree with reports: weigh them by the likelihood of what was reported.

Draw k gets the weight prod over reports of exp(-(reported - drawn)^2 / (2 noise^2)), and maps are drawn again by weight
(importance resampling, Rubin 1987). With `HeightDraws` that is Monte Carlo for the true law given footprints and reports. A
generator needs nothing but its draws, so it is *updated* without training. Each access point is weighed by its own reports.

With many reports few draws count. The likelihood is therefore raised to a power of at most 1, as large as leaves
`min_effective` draws their weight (1 / sum of squared weights): the map then uses less of the reports than they say.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.twin.emulation.maps.kriging import MapReports
from gdt_tutorial.twin.emulation.maps.map_maker import MapMaker

__all__ = ["Sharpened", "report_weights", "tempered_weights"]


def report_weights(
    drawn_db: Float[np.ndarray, "draw point"],
    reported_db: Float[np.ndarray, "point"],  # noqa: F821
    noise_db: float,
    min_effective: float = 1.0,
) -> Float[np.ndarray, " draw"]:
    """Return the weights of draws, which sum to one.

    Raises:
        ValueError: A noise that is not positive, or more effective draws than there are draws.
    """
    require(noise_db > 0, "noise_db", "be above 0", noise_db, "no draw hits a report exactly")
    return tempered_weights(-((drawn_db - reported_db) ** 2).sum(axis=-1) / (2 * noise_db**2), min_effective)


def tempered_weights(
    log_likelihood: Float[np.ndarray, "draw *shape"],  # noqa: F821
    min_effective: float,
) -> Float[np.ndarray, "draw *shape"]:  # noqa: F821
    """Return weights of draws, the first axis, that sum to one: the likelihood to the largest power that leaves enough draws.

    Raises:
        ValueError: More effective draws than there are draws.
    """
    n_draws = len(log_likelihood)
    rule = f"lie in [1, {n_draws}]"
    require(1 <= min_effective <= n_draws, "min_effective", rule, min_effective, "draw more candidates")
    log_likelihood = log_likelihood - log_likelihood.max(axis=0)

    def weights(power: Any) -> Any:
        weight = np.exp(power * log_likelihood)
        return weight / weight.sum(axis=0)

    low, high = np.zeros(log_likelihood.shape[1:]), np.ones(log_likelihood.shape[1:])
    # 0 leaves all draws alike and 1 is the likelihood itself; the number of effective draws falls in between.
    low = np.where(1 / (weights(high) ** 2).sum(axis=0) >= min_effective, high, low)
    for _ in range(30):
        middle = (low + high) / 2
        is_enough = 1 / (weights(middle) ** 2).sum(axis=0) >= min_effective
        low, high = np.where(is_enough, middle, low), np.where(is_enough, high, middle)
    return weights(low)


@dataclass(frozen=True, kw_only=True)
class Sharpened:
    """Draws of a maker that agree with reports (a `MapMaker`).

    Attributes:
        maker: Draws the candidates.
        reports: What was reported.
        noise_db: How far a report may lie from a good map.
        n_candidates: Draws that are weighed.
        min_effective: Draws that keep their weight at least.
    """

    maker: MapMaker
    reports: MapReports
    noise_db: float = 4.0
    n_candidates: int = 256
    min_effective: float = 8.0

    def __call__(
        self, inputs: Float[np.ndarray, "ap feature y x"], n_draws: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw ap y x"]:
        """Draw candidates, weigh them, and draw again by weight."""
        candidates = self.maker(inputs, self.n_candidates, rng=rng)
        drawn_db, chosen = self.reports.of(candidates), []
        for ap, reported_db in enumerate(self.reports.loss_db):
            weight = report_weights(drawn_db[:, ap], reported_db, self.noise_db, self.min_effective)
            chosen.append(candidates[rng.choice(self.n_candidates, n_draws, p=weight), ap])
        return np.stack(chosen, axis=1)
