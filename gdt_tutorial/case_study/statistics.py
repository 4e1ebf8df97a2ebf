"""Intervals for tables with two kinds of chance: the campuses (evaluation seeds) and the training of a network.

Every network meets every seed, so the design is crossed. With d the difference of two schemes for network n and seed s,

    d[n, s] = mu + network effect + seed effect + rest

the mean over all entries has a variance of about V_n / N + V_s / S, where V_n and V_s are the variances of the marginal means
over N networks and S seeds. Each marginal mean carries its share of the rest too, which makes the interval a little too wide.
Degrees of freedom after Satterthwaite 1946. With one network only the seeds count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import t as student_t

from gdt_tutorial.case_study.tables import read_table
from gdt_tutorial.configuration import check

__all__ = ["Estimate", "SchemeTable", "crossed_interval"]


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


def crossed_interval(values: Float[np.ndarray, "network seed"], level: float = 0.95) -> tuple[float, float]:
    """Return the mean over networks and seeds, and half of the length of its interval.

    Raises:
        ValueError: Fewer than two seeds, or a value that is not finite.
    """
    n_networks, n_seeds = values.shape
    check(n_seeds >= 2, "values", "hold two seeds or more", n_seeds, "run the sweep with more seeds")
    check(bool(np.isfinite(values).all()), "values", "be finite", "NaN or infinity", "see which runs are missing")
    parts = [(values.mean(axis=0).var(ddof=1) / n_seeds, n_seeds - 1)]
    if n_networks > 1:
        parts.append((values.mean(axis=1).var(ddof=1) / n_networks, n_networks - 1))
    variance = sum(part for part, _ in parts)
    if variance == 0:
        return float(values.mean()), 0.0
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    return float(values.mean()), float(student_t.ppf((1 + level) / 2, freedom) * np.sqrt(variance))


class SchemeTable:
    """The table of Fig. 5, as arrays; capacities, seeds and networks in ascending order.

    Attributes:
        header: How the table was made.
        capacity_cycles_per_s: The horizontal axis.
        schemes: Names in the order of the table.

    Raises:
        ValueError: A scheme that lacks a run.
    """

    def __init__(self, header: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        self.header, self._rows = dict(header), list(rows)
        self.schemes = tuple(dict.fromkeys(str(row["scheme"]) for row in rows))
        self.capacity_cycles_per_s = np.array(sorted({float(row["capacity"]) for row in rows}))
        self.seeds = sorted({int(row["seed"]) for row in rows})
        self._cache: dict[tuple[str, str], np.ndarray] = {}
        for scheme in self.schemes:
            n_missing = int(np.isnan(self.values(scheme, "qoe")).sum())
            check(n_missing == 0, "rows", f"hold every run of {scheme}", f"{n_missing} missing", "let the sweep end")

    @classmethod
    def read(cls, path: Path) -> "SchemeTable":
        """Read what `reproduce fig5` wrote."""
        return cls(*read_table(path))

    def values(self, scheme: str, column: str) -> Float[np.ndarray, "network seed capacity"]:
        """Return a column of a scheme; one network where the scheme does not learn."""
        if (scheme, column) not in self._cache:
            self._cache[scheme, column] = self._collect(scheme, column)
        return self._cache[scheme, column]

    def _collect(self, scheme: str, column: str) -> Float[np.ndarray, "network seed capacity"]:
        check(scheme in self.schemes, "scheme", f"be one of {self.schemes}", scheme, "see schemes.SCHEMES")
        own = [row for row in self._rows if row["scheme"] == scheme]
        networks = sorted({int(row["network"]) for row in own})
        result = np.full((len(networks), len(self.seeds), len(self.capacity_cycles_per_s)), np.nan)
        for row in own:
            place = (
                networks.index(int(row["network"])),
                self.seeds.index(int(row["seed"])),
                int(np.searchsorted(self.capacity_cycles_per_s, float(row["capacity"]))),
            )
            result[place] = float(row[column])
        return result

    def mean(self, scheme: str, column: str = "qoe") -> Estimate:
        """Return the mean of a column with its interval."""
        return _estimate(self.values(scheme, column))

    def difference(self, scheme: str, other: str, column: str = "qoe") -> Estimate:
        """Return `scheme` minus `other`, paired: same campuses, and same network where both have one."""
        return _estimate(self.values(scheme, column) - self.values(other, column))

    def share_closed(self, scheme: str, floor: str = "equal", ceiling: str = "bound") -> Float[np.ndarray, " capacity"]:
        """Return the share of the way from `floor` to `ceiling` that a scheme goes, from the means."""
        low, high, own = (self.values(name, "qoe").mean(axis=(0, 1)) for name in (floor, ceiling, scheme))
        return (own - low) / (high - low)


def _estimate(values: Float[np.ndarray, "network seed capacity"]) -> Estimate:
    pairs = [crossed_interval(values[..., index]) for index in range(values.shape[2])]
    mean, half = np.array(pairs).T
    return Estimate(mean=mean, half=half)
