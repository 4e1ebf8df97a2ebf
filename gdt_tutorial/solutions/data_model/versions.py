"""Segment version selection: at which bitrate each sub-multicast group (SMG) gets its segments in this slot.

"The branching dueling Q-network is used to determine the segment version selection for each SMG" (the paper, case study).
Beside it stand rules, so that what learning adds can be seen: one version per access point (AP) chosen by trial, the highest
version that fits, and a search over all versions of all SMGs at once (`MyopicSearch`). The rules know this slot alone; what
a version does to later slots only learning can tell.
"""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.delivery import sum_per_ap
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel

__all__ = [
    "FittingVersion",
    "FixedVersion",
    "MyopicSearch",
    "SearchConfig",
    "VersionSelector",
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
        require(0 <= version < model.catalog.n_versions, "version", rule, version, "0 is the lowest bitrate")
        self.version = version

    def select(self, features: Features) -> Int[np.ndarray, "batch subgroup"]:
        """Return the version."""
        return np.full(features.ap.shape, self.version)


class FittingVersion:
    """The highest version in which the first `n_segments` of every list fit into the slot; per AP, one for all its SMGs."""

    def __init__(self, model: ScheduleModel, n_segments: int) -> None:
        require(n_segments > 0, "n_segments", "be above 0", n_segments, "3 covers the next slot")
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


@configclass
class SearchConfig:
    """How `MyopicSearch` looks for versions."""

    splits: tuple[float, ...] = parameter(
        (0.0, 0.5, 1.0),
        "Tried shares of the band in the price; the rest is on cycles.",
        "chosen",
        at_least=0,
        at_most=1,
        remedy="0 prices the cycles, 1 the band",
    )
    n_bisections: int = parameter(10, "Steps of the search for each price.", "chosen", above=0)
    step_share: float = parameter(
        0.5,
        "Share of a quality step's cost that counts; the next slots profit from it too.",
        "chosen on validation seeds",
        at_least=0,
        remedy="0 does not mind changes of version",
    )

    def __post_init__(self) -> None:
        require(self.splits, "splits", "hold at least one number", self.splits, "0 prices the cycles, 1 the band")


class MyopicSearch:
    """The versions and segments that together are worth the most in this slot, found through prices.

    With a price on the band and one on the cycles of an AP every SMG can choose alone: the version with the largest sum
    of max(0, gain - price * cost) over its list, less what the step from the version before costs. A higher price makes all
    of them more modest; bisection finds the lowest price at which the AP can serve what they choose. (Lagrangian relaxation
    of a multiple-choice knapsack; Everett 1963.) Some splits of the price between band and cycles are tried side by side,
    and each AP keeps the one that is worth most, what is left over counted at its price.
    """

    def __init__(self, model: ScheduleModel, config: SearchConfig = SearchConfig()) -> None:
        self.model, self.config = model, config

    def select(self, features: Features) -> Int[np.ndarray, "batch subgroup"]:
        """Return the versions of the best split at each AP."""
        n_aps, splits = len(self.model.capacity.bandwidth_hz), np.asarray(self.config.splits)
        offers = _offers(features, self.model, self.config.step_share)
        paid = (
            splits[:, None, None, None, None] * offers.radio + (1 - splits[:, None, None, None, None]) * offers.cycles
        )
        # Beyond the best ratio of gain to cost nobody buys anything.
        ratio = np.divide(offers.gain, paid, out=np.zeros_like(paid), where=paid > 0).max(axis=(3, 4))
        at_ap = features.ap == np.arange(n_aps)[:, None, None]  # ap, batch, subgroup
        high = np.stack([(ratio * mine).max(axis=-1) for mine in at_ap], axis=-1)  # split, batch, ap
        low = high * 1e-3
        for _ in range(self.config.n_bisections):
            price = np.sqrt(low * high)
            load = _answer(features, offers, paid, price)[1]
            low, high = np.where(load > 1, price, low), np.where(load > 1, high, price)
        version, load, total_value = _answer(features, offers, paid, high)
        total_value = _over_aps(total_value, features.ap, n_aps) + high * np.maximum(1 - load, 0)
        best = total_value.argmax(axis=0)  # batch, ap
        chosen = np.take_along_axis(best, features.ap, axis=-1)
        return np.take_along_axis(version, chosen[None], axis=0)[0]


class _Offers(NamedTuple):
    """Every segment of every SMG in every version."""

    gain: Float[np.ndarray, "batch subgroup version item"]
    radio: Float[np.ndarray, "batch subgroup version item"]
    cycles: Float[np.ndarray, "batch subgroup version item"]
    step: Float[np.ndarray, "batch subgroup version"]


def _offers(features: Features, model: ScheduleModel, step_share: float) -> _Offers:
    versions = [np.full(features.ap.shape, version) for version in range(model.catalog.n_versions)]
    costs = [model.cost(features, version) for version in versions]
    radio, cycles = (np.stack([cost[resource] for cost in costs], axis=2) for resource in (0, 1))
    is_possible = np.isfinite(radio) & np.isfinite(cycles)
    gain = np.stack([model.gain(features, version) for version in versions], axis=2) * is_possible
    radio, cycles = np.where(is_possible, radio, 0.0), np.where(is_possible, cycles, 0.0)
    return _Offers(gain, radio, cycles, step_share * variation_cost(features, model))


def _answer(
    features: Features, offers: _Offers, paid: Float[np.ndarray, "split batch subgroup version item"], price: np.ndarray
) -> tuple[Int[np.ndarray, "split batch subgroup"], Float[np.ndarray, "split batch ap"], np.ndarray]:
    """Return each SMG's choice at the prices, the larger of the two loads of each AP, and what each SMG gets out of it."""
    own = np.take_along_axis(price, np.broadcast_to(features.ap, (len(price), *features.ap.shape)), axis=-1)
    surplus = offers.gain - own[..., None, None] * paid
    is_bought = surplus > 0
    version = (np.einsum("sbmvi,sbmvi->sbmv", surplus, is_bought) - offers.step).argmax(axis=-1)
    env, subgroup = np.ogrid[: version.shape[1], : version.shape[2]]
    split = np.arange(len(version))[:, None, None]
    bought = is_bought[split, env, subgroup, version]
    loads = [(cost[env, subgroup, version] * bought).sum(axis=-1) for cost in (offers.radio, offers.cycles)]
    total_value = (offers.gain[env, subgroup, version] * bought).sum(axis=-1) - offers.step[env, subgroup, version]
    n_aps = price.shape[-1]
    return version, np.maximum(*(_over_aps(load, features.ap, n_aps) for load in loads)), total_value


def _over_aps(
    amount: Float[np.ndarray, "split batch subgroup"], ap: Int[np.ndarray, "batch subgroup"], n_aps: int
) -> Float[np.ndarray, "split batch ap"]:
    """Add up what the SMGs of each AP use, for each split."""
    return np.einsum("sbm,bma->sba", amount, (ap[..., None] == np.arange(n_aps)).astype(np.float64))


def variation_cost(features: Features, model: ScheduleModel) -> Float[np.ndarray, "batch subgroup version"]:
    """Return the QoE that the members of each SMG lose by a step in quality, if their next segments come in a version."""
    quality = np.asarray(model.qoe.version_quality)
    return model.qoe.variation_weight * features.previous @ np.abs(quality[:, None] - quality)
