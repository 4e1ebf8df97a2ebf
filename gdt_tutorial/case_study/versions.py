"""Segment version selection: at which bitrate each sub-multicast group (SMG) gets its segments in this slot.

"The branching dueling Q-network is used to determine the segment version selection for each SMG" (the paper, case study).
Beside it stand rules, so that what learning adds can be seen: one version per access point (AP) chosen by trial, the highest
version that fits, and a search over all versions of all SMGs at once (`MyopicSearch`). The rules know this slot alone; what
a version does to later slots only learning can tell.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import check, parameter
from gdt_tutorial.physical.delivery import sum_per_ap
from gdt_tutorial.twin.abstraction import Features
from gdt_tutorial.twin.decision import ScheduleModel, fill

__all__ = [
    "FittingVersion",
    "FixedVersion",
    "MyopicSearch",
    "SearchConfig",
    "VersionSelector",
    "planned_gain",
    "variation_cost",
]


@runtime_checkable
class VersionSelector(Protocol):
    """Anything that selects versions."""

    def select(self, features: Features) -> Int[np.ndarray, "batch subgroup"]:
        """Return the version of every SMG, 0 being the lowest bitrate."""
        ...


class FixedVersion:
    """The same version always and everywhere."""

    def __init__(self, model: ScheduleModel, version: int) -> None:
        rule = f"lie in 0..{model.catalog.n_versions - 1}"
        check(0 <= version < model.catalog.n_versions, "version", rule, version, "0 is the lowest bitrate")
        self.version = version

    def select(self, features: Features) -> Int[np.ndarray, "batch subgroup"]:
        """Return the version."""
        return np.full(features.ap.shape, self.version)


class FittingVersion:
    """The highest version in which the first `n_segments` of every list fit into the slot; per AP, one for all its SMGs."""

    def __init__(self, model: ScheduleModel, n_segments: int) -> None:
        check(n_segments > 0, "n_segments", "be positive", n_segments, "3 covers the next slot")
        self.model, self.n_segments = model, n_segments

    def select(self, features: Features) -> Int[np.ndarray, "batch subgroup"]:
        """Return the lowest version where even that does not fit."""
        n_aps, env = len(self.model.capacity.bandwidth_hz), np.arange(len(features.ap))[:, None]
        highest = np.zeros((len(features.ap), n_aps), dtype=np.int64)
        for version in range(1, self.model.catalog.n_versions):
            costs = self.model.cost(features, np.full(features.ap.shape, version))
            asked = [np.where(np.isfinite(cost), cost, 0)[..., : self.n_segments].sum(axis=-1) for cost in costs]
            load = np.maximum(*(sum_per_ap(each, features.ap, n_aps) for each in asked))
            highest = np.where(load <= 1, version, highest)
        return highest[env, features.ap]


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """How `MyopicSearch` looks for versions."""

    splits: tuple[float, ...] = parameter(
        (0.0, 0.5, 1.0), "Tried shares of the band in the price; the rest is on cycles.", "chosen"
    )
    n_bisections: int = parameter(10, "Steps of the search for each price.", "chosen")
    step_share: float = parameter(
        0.5,
        "Share of a quality step's cost that counts; the next slots profit from it too.",
        "chosen on validation seeds",
    )

    def __post_init__(self) -> None:
        is_share = len(self.splits) > 0 and all(0 <= split <= 1 for split in self.splits)
        check(is_share, "splits", "hold numbers in [0, 1]", self.splits, "0 prices the cycles, 1 the band")
        check(self.n_bisections > 0, "n_bisections", "be > 0", self.n_bisections, "10 finds a price to 1 %")
        check(self.step_share >= 0, "step_share", "be >= 0", self.step_share, "0 does not mind changes of version")


class MyopicSearch:
    """The versions whose greedy schedule promises the most in this slot, found through prices.

    With a price on the band and one on the cycles of an AP every SMG can choose alone: the version with the largest sum
    of max(0, gain - price * cost) over its list, less what the step from the version before costs. A higher price makes all
    of them more modest; bisection finds the lowest price at which the AP can serve what they choose. (Lagrangian relaxation
    of a multiple-choice knapsack; Everett 1963.) Some splits of the price between band and cycles are tried, beside one
    version for all, and each AP keeps the best.
    """

    def __init__(self, model: ScheduleModel, config: SearchConfig = SearchConfig()) -> None:
        self.model, self.config = model, config

    def select(self, features: Features) -> Int[np.ndarray, "batch subgroup"]:
        """Return the best of all candidates at each AP."""
        candidates = [np.full(features.ap.shape, version) for version in range(self.model.catalog.n_versions)]
        candidates += self._priced(features)
        promise = np.stack(
            [planned_gain(features, self.model, version, self.config.step_share) for version in candidates]
        )
        best = promise.argmax(axis=0)
        env = np.arange(len(features.ap))[:, None]
        chosen = best[env, features.ap]
        return np.take_along_axis(np.stack(candidates), chosen[None], axis=0)[0]

    def _priced(self, features: Features) -> list[Int[np.ndarray, "batch subgroup"]]:
        n_versions, n_aps = self.model.catalog.n_versions, len(self.model.capacity.bandwidth_hz)
        env = np.arange(len(features.ap))[:, None]
        every = [np.full(features.ap.shape, version) for version in range(n_versions)]
        gain = np.stack([self.model.gain(features, version) for version in every], axis=2)
        cost = np.stack([np.stack(self.model.cost(features, version)) for version in every], axis=3)
        gain = np.where(np.isfinite(cost.sum(axis=0)), gain, 0.0)
        cost = np.where(np.isfinite(cost), cost, 0.0)
        step = self.config.step_share * variation_cost(features, self.model)
        result = []
        for split in self.config.splits:
            paid = split * cost[0] + (1 - split) * cost[1]
            low, high = np.zeros((2, len(env), n_aps))
            # Beyond the best ratio of gain to cost nobody buys anything.
            ratio = np.divide(gain, paid, out=np.zeros_like(gain), where=paid > 0).max(axis=(2, 3))
            for ap in range(n_aps):
                high[:, ap] = np.where(features.ap == ap, ratio, 0).max(axis=1)
            for _ in range(self.config.n_bisections):
                price = np.sqrt(np.maximum(low, high * 1e-3) * high)
                _, load = self._answer(features, gain, paid, cost, step, price[env, features.ap], n_aps)
                low, high = np.where(load > 1, price, low), np.where(load > 1, high, price)
            result.append(self._answer(features, gain, paid, cost, step, high[env, features.ap], n_aps)[0])
        return result

    def _answer(
        self,
        features: Features,
        gain: np.ndarray,
        paid: np.ndarray,
        cost: np.ndarray,
        step: np.ndarray,
        price: np.ndarray,
        n_aps: int,
    ) -> tuple[Int[np.ndarray, "batch subgroup"], Float[np.ndarray, "batch ap"]]:
        """Return every SMG's choice at these prices, and the larger of the two loads of each AP."""
        surplus = gain - price[..., None, None] * paid
        version = (np.maximum(surplus, 0).sum(axis=-1) - step).argmax(axis=-1)
        at = version[..., None, None]
        bought = np.take_along_axis(surplus, at, axis=2)[:, :, 0] > 0
        loads = [(np.take_along_axis(each, at, axis=2)[:, :, 0] * bought).sum(axis=-1) for each in cost]
        return version, np.maximum(*(sum_per_ap(load, features.ap, n_aps) for load in loads))


def variation_cost(features: Features, model: ScheduleModel) -> Float[np.ndarray, "batch subgroup version"]:
    """Return the QoE that the members of each SMG lose by a step in quality, if their next segments come in a version."""
    quality = np.asarray(model.qoe.version_quality)
    return model.qoe.variation_weight * features.previous @ np.abs(quality[:, None] - quality)


def planned_gain(
    features: Features, model: ScheduleModel, version: Int[np.ndarray, "batch subgroup"], step_share: float
) -> Float[np.ndarray, "batch ap"]:
    """Return what the greedy schedule by gain per cost promises in these versions, less what their steps cost."""
    promise = fill(features, model, version, np.ones(features.ap.shape))[1]
    step = np.take_along_axis(variation_cost(features, model), version[..., None], axis=-1)[..., 0]
    return promise - step_share * sum_per_ap(step, features.ap, promise.shape[1])
