"""The stored table of Fig. 5 as arrays, with the intervals of its means and differences."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.studies.intervals import Estimate, crossed_interval
from gdt_tutorial.studies.tables import read_table

__all__ = ["SchemeTable"]


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
            require(n_missing == 0, "rows", f"hold every run of {scheme}", f"{n_missing} missing", "let the sweep end")

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
        require(scheme in self.schemes, "scheme", f"be one of {self.schemes}", scheme, "see schemes.SCHEMES")
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

    def mean_difference(self, scheme: str, other: str, column: str = "qoe") -> tuple[float, float]:
        """Return `scheme` minus `other`, averaged over the capacities, and half of the length of its 95 % interval."""
        difference = self.values(scheme, column) - self.values(other, column)
        return crossed_interval(difference.mean(axis=2))

    def share_closed(self, scheme: str, floor: str = "equal", ceiling: str = "bound") -> Float[np.ndarray, " capacity"]:
        """Return the share of the way from `floor` to `ceiling` that a scheme goes, from the means."""
        low, high, own = (self.values(name, "qoe").mean(axis=(0, 1)) for name in (floor, ceiling, scheme))
        return (own - low) / (high - low)


def _estimate(values: Float[np.ndarray, "network seed capacity"]) -> Estimate:
    pairs = [crossed_interval(values[..., index]) for index in range(values.shape[2])]
    mean, half = np.array(pairs).T
    return Estimate(mean=mean, half=half)
