"""Intervals of means after Student: over seeds alone, and over seeds and networks that are crossed.

With one kind of chance `t_interval` is the interval of a mean; of paired differences it is the paired interval. A table of
Fig. 5 has two kinds: the campuses (evaluation seeds) and the training of a network. Every network meets every seed, so the
design is crossed. With d the difference of two schemes for network n and seed s,

    d[n, s] = mu + network effect + seed effect + rest

the mean over all entries has a variance of about V_n / N + V_s / S, where V_n and V_s are the variances of the marginal means
over N networks and S seeds. Each marginal mean carries its share of the rest too, which makes the interval a little too wide.
Degrees of freedom after Satterthwaite 1946. With one network only the seeds count.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student_t

from gdt_tutorial.configuration import require

__all__ = ["Estimate", "crossed_interval", "t_interval"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A mean with its 95 % interval, at each capacity."""

    mean: Float[np.ndarray, " capacity"]
    half: Float[np.ndarray, " capacity"]  # half of the interval's length

    @property
    def low(self) -> Float[np.ndarray, " capacity"]:
        """Lower end of the interval."""
        return self.mean - self.half

    @property
    def high(self) -> Float[np.ndarray, " capacity"]:
        """Upper end of the interval."""
        return self.mean + self.half


def t_interval(values: Float[np.ndarray, " sample"], level: float = 0.95) -> tuple[float, float]:
    """Return the mean of independent values, and half of the length of its t interval (Student 1908).

    Give it differences of pairs that met the same chance, one per seed or campus: their interval is shorter than that of
    two means.

    Raises:
        ValueError: Fewer than two values, or one that is not finite.
    """
    n_values = len(values)
    require(n_values >= 2, "values", "hold two or more", n_values, "run more seeds or campuses")
    require(bool(np.isfinite(values).all()), "values", "be finite", "NaN or infinity", "see which runs are missing")
    half = student_t.ppf((1 + level) / 2, n_values - 1) * values.std(ddof=1) / np.sqrt(n_values)
    return float(values.mean()), float(half)


def crossed_interval(values: Float[np.ndarray, "network seed"], level: float = 0.95) -> tuple[float, float]:
    """Return the mean over networks and seeds, and half of the length of its interval.

    Raises:
        ValueError: Fewer than two seeds, or a value that is not finite.
    """
    n_networks, n_seeds = values.shape
    require(n_seeds >= 2, "values", "hold two seeds or more", n_seeds, "run the sweep with more seeds")
    require(bool(np.isfinite(values).all()), "values", "be finite", "NaN or infinity", "see which runs are missing")
    parts = [(values.mean(axis=0).var(ddof=1) / n_seeds, n_seeds - 1)]
    if n_networks > 1:
        parts.append((values.mean(axis=1).var(ddof=1) / n_networks, n_networks - 1))
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return float(values.mean()), 0.0
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    return float(values.mean()), float(student_t.ppf((1 + level) / 2, freedom) * np.sqrt(variance))
