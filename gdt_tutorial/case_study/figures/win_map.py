"""The stored map of who wins where as arrays: which cells are decided, and in which the seeds do not even agree on a sign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import t as student_t

from gdt_tutorial.configuration import require
from gdt_tutorial.studies.tables import read_table

__all__ = ["AXES", "MapDifference", "WinMap"]

AXES = ("stall_weight", "n_users", "bandwidth_hz", "capacity")


@dataclass(frozen=True, kw_only=True)
class MapDifference:
    """One scheme minus another under every condition, with the intervals of the few seeds."""

    mean: Float[np.ndarray, "weight user band capacity"]
    half: Float[np.ndarray, "weight user band capacity"]  # of the 95 % t interval of the paired differences
    has_both_signs: Bool[np.ndarray, "weight user band capacity"]  # one seed says better, another one worse

    @property
    def is_above(self) -> Bool[np.ndarray, "weight user band capacity"]:
        """Say where the whole interval lies above zero."""
        return self.mean > self.half

    @property
    def is_below(self) -> Bool[np.ndarray, "weight user band capacity"]:
        """Say where the whole interval lies below zero."""
        return self.mean < -self.half

    @property
    def is_decided(self) -> Bool[np.ndarray, "weight user band capacity"]:
        """Say where the interval does not hold zero."""
        return self.is_above | self.is_below


class WinMap:
    """The table that `reproduce who_wins` writes.

    Attributes:
        header: How the table was made.
        axes: From each of `AXES` to its values, ascending.
        seeds: The lots of campuses.

    Raises:
        ValueError: Fewer than two seeds, or a condition that lacks a run.
    """

    def __init__(self, header: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
        self.header = dict(header)
        self.axes = {name: sorted({float(row[name]) for row in rows}) for name in AXES}
        self.seeds = sorted({int(row["seed"]) for row in rows})
        require(len(self.seeds) >= 2, "rows", "hold two seeds or more", len(self.seeds), "let the sweep end")
        shape = (len(self.seeds), *(len(values) for values in self.axes.values()))
        self._qoe = {str(row["scheme"]): np.full(shape, np.nan) for row in rows}
        for row in rows:
            place = (self.axes[name].index(float(row[name])) for name in AXES)
            self._qoe[str(row["scheme"])][(self.seeds.index(int(row["seed"])), *place)] = float(row["qoe"])
        for scheme, qoe in self._qoe.items():
            n_missing = int(np.isnan(qoe).sum())
            require(n_missing == 0, "rows", f"hold every run of {scheme}", f"{n_missing} missing", "let the sweep end")

    @classmethod
    def read(cls, path: Path) -> "WinMap":
        """Read what `reproduce who_wins` wrote."""
        return cls(*read_table(path))

    def difference(self, scheme: str, other: str) -> MapDifference:
        """Return `scheme` minus `other`, paired by seed.

        Raises:
            ValueError: A scheme that the table does not have.
        """
        for name in (scheme, other):
            require(name in self._qoe, "scheme", f"be one of {tuple(self._qoe)}", name, "see who_wins")
        gap, n_seeds = self._qoe[scheme] - self._qoe[other], len(self.seeds)
        half = student_t.ppf(0.975, n_seeds - 1) * gap.std(axis=0, ddof=1) / np.sqrt(n_seeds)
        has_both = (gap.min(axis=0) < 0) & (gap.max(axis=0) > 0)
        return MapDifference(mean=gap.mean(axis=0), half=half, has_both_signs=has_both)
