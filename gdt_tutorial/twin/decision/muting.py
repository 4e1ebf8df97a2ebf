"""Makers that mute: which access points (APs) of one band are silent in which part of the slot, and what the rest may send.

"The data-based methods in DT can outperform traditional model-based methods" (the paper, Digital Twin); here both have the same
small decision, a bitmap of APs by parts. Whoever chooses it is a function from features to a bitmap: a rule, a search, or a
trained network. `MutingMaker` puts a maker of schedules behind it, who packs segments as if the rates under that bitmap were
those of the slot.

What a bitmap is worth is judged by its `promise`, from the features alone: it is as good as the SNRs behind them. With one
part, the 64 patterns of six APs can all be tried. A bitmap of four parts has 2^24 values: `LocalSearch` climbs, one bit at a
time. The paper names no rival; all rules are ours. Almost-blank subframes: 3GPP TS 36.300.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.batch import repeated, take
from gdt_tutorial.physical.interference import all_patterns, pattern_number
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.decision.promise import Promise
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
    "random_bitmaps",
    "under_bitmap",
]

N_PARTS = 4  # of a slot, chosen; almost-blank subframes come in patterns of 8 to 70

Bitmap = Callable[[Features, np.random.Generator], np.ndarray]
"""From features, and a generator to draw from, to who sends when: booleans, "batch ap part". What sends is not muted."""


def bitmap_efficiency(
    features: Features, is_on: Bool[np.ndarray, "*candidate batch ap part"]
) -> Float[np.ndarray, "*candidate batch subgroup"]:
    """Return the efficiency of each SMG under a bitmap, or under several: the mean of its patterns'.

    Raises:
        ValueError: Features without patterns.
    """
    width, n_patterns = features.pattern_efficiency.shape[2], 2 ** is_on.shape[-2]
    remedy = "let access points share a band, and use GroupAbstractor"
    require(width == n_patterns, "features", f"have {n_patterns} patterns", width, remedy)
    number = pattern_number(is_on)
    total = np.zeros((*number.shape[:-1], features.ap.shape[1]))
    env = np.arange(len(features.ap))
    for part in range(number.shape[-1]):
        total += features.pattern_efficiency[env, :, number[..., part]]
    return total / number.shape[-1]


def under_bitmap(features: Features, is_on: Bool[np.ndarray, "batch ap part"]) -> Features:
    """Return the features as they are if the bitmap is carried out."""
    return replace(features, efficiency=bitmap_efficiency(features, is_on))


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
        pattern = all_patterns(len(self.model.capacity.bandwidth_hz))
        found = Promise(features, self.model)(np.moveaxis(features.pattern_efficiency, 2, 0))
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
        is_on = self.draw(repeated(features, self.n_candidates), rng)
        candidates = is_on.reshape(self.n_candidates, -1, *is_on.shape[1:])
        found = Promise(features, self.model)(bitmap_efficiency(features, candidates))
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
        """Climb from all starts, and keep the best end."""
        judge = Promise(features, self.model)
        ends = [self._climb(features, judge, start(features, rng)) for start in self.starts]
        best = np.argmax([value for _, value in ends], axis=0)
        return np.stack([is_on for is_on, _ in ends])[best, np.arange(len(best))]

    def _climb(
        self, features: Features, judge: Promise, is_on: Bool[np.ndarray, "batch ap part"]
    ) -> tuple[Bool[np.ndarray, "batch ap part"], Float[np.ndarray, " batch"]]:
        """Turn the best bit of each environment while that helps."""
        is_on, value = is_on.copy(), judge(bitmap_efficiency(features, is_on)[None])[0]
        flips = np.eye(is_on[0].size, dtype=bool).reshape(-1, 1, *is_on.shape[1:])
        climbing = np.arange(len(is_on))
        for _ in range(self.max_flips):
            neighbor = is_on[climbing] ^ flips
            found = judge(bitmap_efficiency(take(features, climbing), neighbor), climbing)
            best, highest = found.argmax(axis=0), found.max(axis=0)
            is_up = highest > value[climbing] + 1e-6
            climbing, best, highest = climbing[is_up], best[is_up], highest[is_up]
            is_on[climbing] ^= flips[best, 0]
            value[climbing] = highest
            if len(climbing) == 0:
                break
        return is_on, value


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
