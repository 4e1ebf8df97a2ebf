"""The exercises of chapter 05: nats by hand, what a higher level saves, who stays awake, an abstractor of one's own."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from gdt_tutorial.loops.external import FixedPeriod
from gdt_tutorial.loops.manager import GdtNetwork, group_abstractor
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor, Features
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.observation import Observation

_MEAN, _STD = np.array([0.0, 1.0, -2.0]), np.array([1.0, 0.5, 0.1])


@exercise(
    title="Nats of a latent",
    difficulty="easy",
    minutes=8,
    hints=(
        "The formula of the text has the variance, `std**2`, twice: once as it is, once in a logarithm.",
        "`np.log` is the natural logarithm, so the result is in nats.",
        "`(mean**2 + std**2 - 1 - np.log(std**2)) / 2`",
    ),
    mistakes=(
        Mistake(lambda mean, std: (mean**2 + std**2 - 1) / 2, says="logarithm is missing"),
        Mistake(lambda mean, std: (mean**2 + std - 1 - np.log(std)) / 2, says="variance"),
        Mistake(lambda mean, std: (mean**2 + std**2 - 1 - np.log2(std**2)) / 2, says="bits"),
        Mistake(lambda mean, std: mean**2 + std**2 - 1 - np.log(std**2), says="half"),
        Mistake(lambda mean, std: ((mean**2 + std**2 - 1 - np.log(std**2)) / 2).sum(), says="shape"),
    ),
)
def ex5_1(answer: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> str:
    """Return KL(N(mean, std^2) || N(0, 1)) of each latent."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex5_1(latent_nats)`.")
    square, variance = _MEAN**2, _STD**2
    expect_close(
        answer(_MEAN, _STD),
        (square + variance - 1 - np.log(variance)) / 2,
        what="the nats of each latent",
        mistakes={
            "the logarithm is missing: without it a latent without any width would cost little.": (
                square + variance - 1
            )
            / 2,
            "the formula takes the variance; `std` is its root.": (square + _STD - 1 - np.log(_STD)) / 2,
            "you mixed bits and nats: take the natural logarithm.": (square + variance - 1 - np.log2(variance)) / 2,
            "that is twice the divergence: the half is missing.": square + variance - 1 - np.log(variance),
        },
    )
    return "a latent equal to the prior is free; a mean of -2 costs 2 nats, a width of a tenth another 1.8."


@exercise(
    title="What a higher water level saves",
    difficulty="easy",
    minutes=8,
    hints=(
        "A direction above the water costs half the logarithm of its variance over the level.",
        "Before: log(9 / 1) / 2. After: log(9 / 4) / 2.",
        "Subtract: the variance cancels, and log(4) / 2 = log 2 is left.",
    ),
    mistakes=(
        Mistake(0.405, says="still costs"),
        Mistake(1.0986, says="before"),
        Mistake(1.386, says="half"),
        Mistake(1.0, says="bit"),
        Mistake(-0.693, says="sign"),
    ),
)
def ex5_2(answer: float | int) -> str:
    """Return the nats that a direction of variance 9 saves when the level rises from 1 to 4."""
    expect_close(
        answer,
        np.log(2),
        tolerance=5e-3,
        what="the saving in nats",
        mistakes={
            "that is what the direction still costs at the level 4; how much less is it than before?": np.log(9 / 4)
            / 2,
            "that is what it cost before, at the level 1.": np.log(9) / 2,
            "the half before the logarithm is missing.": np.log(4),
            "that is one bit; in nats it is the natural logarithm of 2.": 1.0,
            "the size is right, and the sign is not: a saving is positive.": -np.log(2),
        },
    )
    return "twice the error in the root mean square saves one bit per direction that is above the higher level."


@exercise(
    title="Who stays awake",
    difficulty="medium",
    minutes=8,
    hints=(
        "The decoder's variance is sigma squared, .09, and beta multiplies it.",
        "The water stands at 160 x .09 = 14.4.",
        "Count the variances above 14.4.",
    ),
    mistakes=(
        Mistake(16, says="drowned"),
        Mistake(6, says="sigma"),
        Mistake(8, says="sigma"),
        Mistake(2, says="level"),
    ),
)
def ex5_3(answer: float | int) -> str:
    """Return how many of the variances 57, 32, 18, 8, 8, 7, 5, 5 lie above beta sigma^2 = 160 x .3^2."""
    expect_close(
        answer,
        3,
        what="the number of active latents",
        mistakes={
            "sixteen latents are there, but a direction below the water is drowned: its latent stays at the prior.": 16,
            "all eight would be active at beta 1, where the level is sigma squared, .09; beta raises it.": 8,
            "beta multiplies sigma squared, not sigma; and the level is a variance.": 6,
            "compare each variance with the level of 14.4 once more.": 2,
        },
    )
    return "training keeps these three too: a latent that pays less than its nats cost falls asleep."


@cache
def _seen() -> tuple[FeatureAbstractor, Observation]:
    """Return an abstractor and what a twin has seen where users report in turn."""
    network = PhysicalNetwork.waterloo(2, NetworkConfig(n_users=12), seed=0)
    gdt = GdtNetwork(
        network,
        HoldLast(topology=network.topology),
        {"greedy": GreedyAllocator(schedule_model(network))},
        lambda store, emulator: FixedPeriod(store, emulator, 6),
    )
    gdt.run(9)
    return group_abstractor(network, gdt.swipes), gdt.seen


def _ages(features: Features, seen: Observation, *, reduce: str = "max") -> np.ndarray:
    """Return the age of each SMG's oldest report by loops; 0 where it has no member."""
    age, found = seen.status.networking.age_slots, np.zeros((*features.ap.shape, 1))
    for env, subgroup in np.ndindex(features.ap.shape):
        own = age[env][features.subgroup[env] == subgroup]
        found[env, subgroup] = getattr(own, reduce)() if len(own) else 0
    return found


class _Wrapped:
    """What the wrong answers share."""

    def __init__(self, abstractor: FeatureAbstractor) -> None:
        self.abstractor = abstractor


class _MeanAge(_Wrapped):
    def abstract(self, seen: Observation) -> Features:
        features = self.abstractor.abstract(seen)
        std = _ages(features, seen, reduce="mean")
        return replace(features, latent=np.zeros_like(std), latent_std=std)


class _NoWidth(_Wrapped):
    def abstract(self, seen: Observation) -> Features:
        return self.abstractor.abstract(seen)


class _Freshest(_Wrapped):
    def abstract(self, seen: Observation) -> Features:
        features = self.abstractor.abstract(seen)
        std = _ages(features, seen, reduce="min")
        return replace(features, latent=np.zeros_like(std), latent_std=std)


@exercise(
    title="The age as a width",
    difficulty="hard",
    minutes=15,
    hints=(
        "Start with `features = self.abstractor.abstract(seen)`; the ages are `seen.status.networking.age_slots`, one per "
        "environment and user, and `features.subgroup` says to which group each user belongs.",
        "Make `std = np.zeros((*features.ap.shape, 1))`, and go over the environments: "
        "`np.maximum.at(std[env, :, 0], features.subgroup[env], age[env])` raises each group to its oldest member.",
        "Return `replace(features, latent=np.zeros_like(std), latent_std=std)`.",
    ),
    mistakes=(
        Mistake(_MeanAge, says="mean age"),
        Mistake(_NoWidth, says="shape"),
        Mistake(_Freshest, says="freshest"),
        Mistake(_Wrapped(_NoWidth), says="pass the class itself"),  # type: ignore[arg-type]
    ),
)
def ex5_4(answer: Any) -> str:
    """Return a class whose `abstract` adds one latent of 0 with the age of the oldest report as its width."""
    expect(isinstance(answer, type), "pass the class itself, without making one: `check.ex5_4(AgeAsWidth)`.")
    abstractor, seen = _seen()
    features, got = abstractor.abstract(seen), answer(abstractor).abstract(seen)
    expect(isinstance(got, Features), "`abstract` must return `Features`: end with `replace(features, ...)`.")
    wanted = _ages(features, seen)
    expect_close(
        got.latent_std,
        wanted,
        what="`latent_std`",
        mistakes={
            "that is the mean age; the oldest report decides, since the worst member sets the rate.": _ages(
                features, seen, reduce="mean"
            ),
            "that is the freshest report of a group; the oldest one says how wrong it may be.": _ages(
                features, seen, reduce="min"
            ),
        },
    )
    expect_close(got.latent, np.zeros_like(wanted), what="`latent`")
    expect(np.array_equal(got.subgroup, features.subgroup), "keep the other features as they are: use `replace`.")
    return "this is the plain rule that a learned width has to beat."
