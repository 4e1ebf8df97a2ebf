"""Let the draws of any maker agree with reports: weigh them by the likelihood of what was reported.

Draw k gets the weight prod over reports of exp(-(reported - drawn)^2 / (2 noise^2)), and maps are drawn again by weight
(importance resampling, Rubin 1987). With `HeightDraws` that is Monte Carlo for the true law given footprints and reports. A
generator needs nothing but its draws, so it is *updated* without training. Each access point is weighed by its own reports.

With many reports few draws count. The likelihood is therefore raised to a power of at most 1, as large as leaves
`min_effective` draws their weight (1 / sum of squared weights): the map then uses less of the reports than they say.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.twin.emulation.maps.kriging import MapReports
from gdt_tutorial.twin.emulation.maps.map_maker import MapMaker

__all__ = ["Sharpened", "report_weights"]


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
    n_draws = len(drawn_db)
    rule = f"lie in [1, {n_draws}]"
    require(1 <= min_effective <= n_draws, "min_effective", rule, min_effective, "draw more candidates")
    log_likelihood = -((drawn_db - reported_db) ** 2).sum(axis=-1) / (2 * noise_db**2)
    log_likelihood -= log_likelihood.max()
    low, high = 0.0, 1.0
    if _effective(log_likelihood) >= min_effective:
        low = 1.0
    for _ in range(40 if low < 1 else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if _effective(middle * log_likelihood) >= min_effective else (low, middle)
    weight = np.exp(low * log_likelihood)
    return weight / weight.sum()


def _effective(log_weight: np.ndarray) -> float:
    weight = np.exp(log_weight)
    return float(weight.sum() ** 2 / (weight**2).sum())


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
