"""Makers that mute: which access points (APs) of one band are silent in which part of the slot, and what the rest may send.

"The data-based methods in DT can outperform traditional model-based methods" (the paper, Digital Twin); here both have the same
small decision, a bitmap of APs by parts. Whoever chooses it is a function from features to a bitmap: a rule, a search, or a
trained network. `MutingMaker` puts a maker of schedules behind it, who packs segments as if the rates under that bitmap were
those of the slot.

What a bitmap is worth is judged by a *promise*: what the best version of each AP would bring if segments could be cut. It is the
greedy rule of `greedy_schedule` on the knapsack without whole pieces, summed over APs, so a little better rate always counts. It
reads the features alone: it is as good as the SNRs behind them.

In one part of a slot nothing but the pattern counts, and 64 patterns of six APs can be tried. A bitmap of four parts has 2^24
values: `search` climbs, one bit at a time. The paper names no rival; all rules are ours. Almost-blank subframes: TS 36.300.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.batch import repeated
from gdt_tutorial.physical.interference import all_patterns
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.decision.schedule import ScheduleModel

__all__ = [
    "N_PARTS",
    "BestOfDraws",
    "BestPattern",
    "Bitmap",
    "LocalSearch",
    "MutingMaker",
    "all_on",
    "alternating",
    "always",
    "bitmap_efficiency",
    "muting_makers",
    "pattern_number",
    "promise",
    "random_bitmaps",
    "under_bitmap",
]

N_PARTS = 4  # of a slot, chosen; almost-blank subframes come in patterns of 8 to 70

Bitmap = Callable[[Features, np.random.Generator], np.ndarray]
"""From features, and a generator to draw from, to who sends when: booleans, "batch ap part". What sends is not muted."""


def pattern_number(is_on: Bool[np.ndarray, "batch ap part"]) -> Int[np.ndarray, "batch part"]:
    """Return the number of each part's pattern, as `all_patterns` counts."""
    value = 2 ** np.arange(is_on.shape[1])[::-1]
    return np.einsum("bap,a->bp", is_on.astype(np.int64), value)


def bitmap_efficiency(features: Features, is_on: Bool[np.ndarray, "batch ap part"]) -> Float[np.ndarray, "batch subgroup"]:
    """Return the efficiency of each SMG under a bitmap: the mean of its patterns'.

    Raises:
        ValueError: Features without patterns.
    """
    width, n_patterns = features.pattern_efficiency.shape[2], 2 ** is_on.shape[1]
    remedy = "let access points share a band, and use GroupAbstractor"
    require(width == n_patterns, "features", f"have {n_patterns} patterns", width, remedy)
    by_part = np.take_along_axis(features.pattern_efficiency, pattern_number(is_on)[:, None], axis=2)
    return by_part.mean(axis=2)


def under_bitmap(features: Features, is_on: Bool[np.ndarray, "batch ap part"]) -> Features:
    """Return the features as they are if the bitmap is carried out."""
    return replace(features, efficiency=bitmap_efficiency(features, is_on))


def promise(features: Features, model: ScheduleModel) -> Float[np.ndarray, " batch"]:
    """Return what the best version of each AP would bring if segments could be cut, summed over APs."""
    n_batch, n_subgroups, n_items = features.value_s.shape
    n_aps, n_versions = len(model.capacity.bandwidth_hz), model.catalog.n_versions
    # SMGs of one AP beside each other: it is the same AP in all environments (see `subgroups`).
    order = np.argsort(features.ap[0], kind="stable")
    shape = (n_batch, n_aps, n_subgroups // n_aps * n_items)
    best = np.zeros((n_batch, n_aps))
    for version in range(n_versions):
        chosen = np.full(features.ap.shape, version)
        gain = model.gain(features, chosen)
        radio, cycles = model.cost(features, chosen)
        is_open = np.isfinite(radio) & np.isfinite(cycles) & (gain > 0)
        parts = (np.where(is_open, each, 0.0)[:, order].reshape(shape) for each in (gain, radio, cycles))
        best = np.maximum(best, _cut_to_fit(*parts))
    return best.sum(axis=1)


def _cut_to_fit(
    gain: Float[np.ndarray, "batch ap item"],
    radio: Float[np.ndarray, "batch ap item"],
    cycles: Float[np.ndarray, "batch ap item"],
) -> Float[np.ndarray, "batch ap"]:
    """Take items by gain per cost, the last one in part."""
    cost = radio + cycles
    rank = np.argsort(-np.divide(gain, cost, out=np.zeros_like(gain), where=cost > 0), axis=-1)
    gain, radio, cycles = (np.take_along_axis(each, rank, axis=-1) for each in (gain, radio, cycles))
    taken = np.ones_like(gain)
    for each in (radio, cycles):
        room = 1 - (np.cumsum(each, axis=-1) - each)
        np.minimum(taken, np.divide(room, each, out=np.ones_like(each), where=each > 0).clip(0, 1), out=taken)
    return (taken * gain).sum(axis=-1)


class MutingMaker:
    """Any maker of schedules behind any chooser of bitmaps (a `DecisionMaker`).

    Args:
        schedule: Packs the slot, such as `GreedyAllocator(model)`.
        choose: Says who sends when.
    """

    def __init__(self, schedule: DecisionMaker, choose: Bitmap) -> None:
        self.schedule, self.choose = schedule, choose

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        """Choose the bitmap, then pack under its rates."""
        is_on = self.choose(features, rng)
        decision = self.schedule.decide(under_bitmap(features, is_on), rng=rng)
        return replace(decision, is_muted=~is_on)


def always(is_on: Bool[np.ndarray, "ap part"]) -> Bitmap:
    """Return the chooser of one fixed bitmap."""

    def choose(features: Features, rng: np.random.Generator) -> np.ndarray:
        return np.tile(is_on, (len(features.ap), 1, 1))

    return choose


def all_on(n_aps: int, n_parts: int = N_PARTS) -> Bitmap:
    """Return the chooser that never mutes: a bitmap all the same, so that its decisions join those of others."""
    return always(np.ones((n_aps, n_parts), dtype=bool))


def alternating(n_aps: int, n_parts: int = N_PARTS) -> Bitmap:
    """Return time division by two: APs of even and of odd number take turns."""
    return always((np.arange(n_aps)[:, None] + np.arange(n_parts)) % 2 == 0)


def random_bitmaps(n_aps: int, n_parts: int = N_PARTS, share_on: float = 0.5) -> Bitmap:
    """Return the chooser that tosses a coin for every bit."""

    def choose(features: Features, rng: np.random.Generator) -> np.ndarray:
        return rng.random((len(features.ap), n_aps, n_parts)) < share_on

    return choose


class BestPattern:
    """Max-weight: tries every pattern for the whole slot, and takes the one of the largest promise (a `Bitmap`).

    In max-weight the weight of a rate is the queue behind it; here it is the QoE that the greedy schedule makes of it.

    Args:
        model: What a slot can carry.
        n_parts: Parts of the bitmap, all with the same pattern.
    """

    def __init__(self, model: ScheduleModel, n_parts: int = N_PARTS) -> None:
        self.model, self.n_parts = model, n_parts

    def __call__(self, features: Features, rng: np.random.Generator) -> Bool[np.ndarray, "batch ap part"]:
        """Try them all."""
        n_batch, pattern = len(features.ap), all_patterns(len(self.model.capacity.bandwidth_hz))
        is_on = np.repeat(pattern, n_batch, axis=0)[..., None]
        found = promise(under_bitmap(repeated(features, len(pattern)), is_on), self.model).reshape(len(pattern), -1)
        return np.repeat(pattern[found.argmax(axis=0)][..., None], self.n_parts, axis=2)


class BestOfDraws:
    """Draws several bitmaps and takes the one of the largest promise (a `Bitmap`).

    Args:
        model: What a slot can carry.
        draw: Whose candidates: random ones, or those of a trained network.
        n_candidates: How many.

    Raises:
        ValueError: No candidate.
    """

    def __init__(self, model: ScheduleModel, draw: Bitmap, n_candidates: int) -> None:
        require(n_candidates > 0, "n_candidates", "be above 0", n_candidates, "draw one at least")
        self.model, self.draw, self.n_candidates = model, draw, n_candidates

    def __call__(self, features: Features, rng: np.random.Generator) -> Bool[np.ndarray, "batch ap part"]:
        """Draw for copies of the features, and judge them all at once."""
        many = repeated(features, self.n_candidates)
        is_on = self.draw(many, rng)
        found = promise(under_bitmap(many, is_on), self.model).reshape(self.n_candidates, -1)
        candidates = is_on.reshape(self.n_candidates, -1, *is_on.shape[1:])
        return candidates[found.argmax(axis=0), np.arange(found.shape[1])]


class LocalSearch:
    """Climbs from bitmap to bitmap, the best of all single bits at a time, until none helps (a `Bitmap`).

    Args:
        model: What a slot can carry.
        starts: Where it begins; the best end of all counts.
        max_flips: Bits that are turned at most from each start.

    Raises:
        ValueError: No start.
    """

    def __init__(self, model: ScheduleModel, starts: tuple[Bitmap, ...], max_flips: int = 24) -> None:
        require(len(starts) > 0, "starts", "hold one at least", 0, "pass BestPattern(model)")
        self.model, self.starts, self.max_flips = model, starts, max_flips

    def __call__(self, features: Features, rng: np.random.Generator) -> Bool[np.ndarray, "batch ap part"]:
        """Climb from all starts side by side."""
        n_batch, many = len(features.ap), repeated(features, len(self.starts))
        is_on = np.concatenate([start(features, rng) for start in self.starts])
        value = promise(under_bitmap(many, is_on), self.model)
        for _ in range(self.max_flips):
            better, found = self._best_neighbor(many, is_on)
            is_up = found > value + 1e-9
            if not is_up.any():
                break
            is_on, value = np.where(is_up[:, None, None], better, is_on), np.where(is_up, found, value)
        best = value.reshape(-1, n_batch).argmax(axis=0)
        return is_on[best * n_batch + np.arange(n_batch)]

    def _best_neighbor(
        self, features: Features, is_on: Bool[np.ndarray, "batch ap part"]
    ) -> tuple[Bool[np.ndarray, "batch ap part"], Float[np.ndarray, " batch"]]:
        """Turn each bit by itself; return the best bitmap and its promise."""
        n_batch, n_aps, n_parts = is_on.shape
        flips = np.eye(n_aps * n_parts, dtype=bool).reshape(-1, n_aps, n_parts)
        neighbor = (is_on[None] ^ flips[:, None]).reshape(-1, n_aps, n_parts)
        found = promise(under_bitmap(repeated(features, len(flips)), neighbor), self.model).reshape(len(flips), n_batch)
        best = found.argmax(axis=0)
        return neighbor[best * n_batch + np.arange(n_batch)], found[best, np.arange(n_batch)]


def muting_makers(model: ScheduleModel, n_parts: int = N_PARTS) -> dict[str, MutingMaker]:
    """Return the rules by name, each before `GreedyAllocator`."""
    n_aps = len(model.capacity.bandwidth_hz)
    starts = (all_on(n_aps, n_parts), alternating(n_aps, n_parts), BestPattern(model, n_parts))
    rules: dict[str, Bitmap] = {
        "all on": starts[0],
        "TDM by two": starts[1],
        "max-weight": starts[2],
        "local search": LocalSearch(model, starts),
        "random, best of 8": BestOfDraws(model, random_bitmaps(n_aps, n_parts), 8),
    }
    return {name: MutingMaker(GreedyAllocator(model), choose) for name, choose in rules.items()}
