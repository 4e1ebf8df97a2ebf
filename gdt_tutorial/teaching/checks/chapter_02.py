"""The exercises of chapter 02: three users at a threshold, a score of draws, a maker of one's own, a baseline's worth."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.scores import crps_sample
from gdt_tutorial.teaching.exercises import Mistake, Wrong, exercise, expect, expect_close
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.contracts import check_maker
from gdt_tutorial.twin.decision.schedule import ScheduleModel, greedy_schedule, schedule_model
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.status import true_status
from gdt_tutorial.twin.swipe_curves import SwipeCurves


@exercise(
    title="Three users at a threshold",
    difficulty="easy",
    minutes=8,
    hints=(
        "The group carries a step where *all three* are above its threshold.",
        "At its mean a Gaussian is above in one case of two; one spread below its mean, in .84.",
        "The lower step is sure to add 1 where all three are above 0 dB: .84³. The upper adds 1 where all are above 10 dB.",
    ),
    mistakes=(
        Mistake(2.0, says="mean status"),
        Mistake(1.34, says="one user"),
        Mistake(1.0, says="upper step"),
        Mistake(0.595, says="lower step"),
        Mistake(0.842, says="gain"),
    ),
)
def ex2_1(answer: float) -> str:
    """Return the expected efficiency of three users with mean 10 dB and spread 10 dB, on paper."""
    expect_close(
        answer,
        0.8413**3 + 0.5**3,
        tolerance=5e-3,
        what="the expected efficiency",
        mistakes={
            "that is what the mean status promises: at 10 dB both steps are carried.": 2.0,
            "that is the expectation of one user; multiply the chances of three within each step.": 1.341,
            "that counts only the lower step as sure; at 0 dB three users are all above in .84³ of the cases.": 1.125,
            "that leaves the upper step out, or counts the lower one as sure: add up both steps.": 1.0,
            "that is the lower step alone; the upper step adds its gain where all are above 10 dB.": 0.5955,
            "each step adds its gain, from 1 to 2: that is 1, not 2.": 0.8413**3 + 2 * 0.5**3,
        },
    )
    return "the mean status promises 2, almost three times as much."


_DRAWS = np.array([[1.0, 4.0], [3.0, 4.0], [8.0, 10.0], [4.0, 6.0]])
_TRUTH = np.array([5.0, 4.0])


def _score(factor: float, is_fair: bool = True) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return a score of draws as answers give it, right or wrong."""

    def answer(draws: np.ndarray, truth: np.ndarray) -> np.ndarray:
        n = len(draws)
        pairs = np.abs(draws[:, None] - draws).sum(axis=(0, 1)) / (n * (n - 1) if is_fair else n * n)
        return np.abs(draws - truth).mean(axis=0) - factor * pairs

    return answer


@exercise(
    title="A score for draws",
    difficulty="medium",
    minutes=12,
    hints=(
        "The first term is the mean distance from the truth: `np.abs(draws - truth).mean(axis=0)`.",
        "`draws[:, None] - draws` holds the differences of all pairs; a draw's difference from itself is 0.",
        "Sum the absolute differences, divide by n (n - 1), and subtract *half* of it.",
    ),
    mistakes=(
        Mistake(_score(1.0), says="half"),
        Mistake(_score(0.0), says="second term"),
        Mistake(_score(0.5, is_fair=False), says="n (n - 1)"),
        Mistake(lambda draws, truth: np.abs(draws.mean(axis=0) - truth), says="mean alone"),
    ),
)
def ex2_2(answer: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> str:
    """Return the fair CRPS of draws on the first axis."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex2_2(score_of_draws)`.")
    got = answer(_DRAWS, _TRUTH)
    wrong = {
        "the second term counts half.": _score(1.0),
        "the second term is missing: two draws of the distribution are apart, too.": _score(0.0),
        "a pair of a draw with itself says nothing: divide by n (n - 1), not by n squared.": _score(0.5, is_fair=False),
        "that is the error of the mean alone; a wide cloud and a narrow one would get the same.": (
            lambda draws, truth: np.abs(draws.mean(axis=0) - truth)
        ),
    }
    mistakes = {words: each(_DRAWS, _TRUTH) for words, each in wrong.items()}
    expect_close(got, crps_sample(_DRAWS, _TRUTH), what="the score", mistakes=mistakes)
    return "so any sampler can be scored, whether or not it has a formula."


class _MembersFirst:
    """What an answer may look like, right or wrong: a greedy schedule with a weight for each subgroup."""

    def __init__(
        self, model: ScheduleModel, weigh: Callable[[Features], Any] = lambda f: f.n_members, version: int = 1
    ) -> None:
        self.model, self.weigh, self.version = model, weigh, version

    def decide(self, features: Features, *, rng: np.random.Generator) -> Any:
        version = np.full(features.ap.shape, self.version)
        weight = np.asarray(self.weigh(features), dtype=float)
        return greedy_schedule(features, self.model, version, weight)[0]


def _variant(**changes: Any) -> type:
    class Variant(_MembersFirst):
        def __init__(self, model: ScheduleModel) -> None:
            super().__init__(model, **changes)

    return Variant


class _WithPromise(_MembersFirst):
    def decide(self, features: Features, *, rng: np.random.Generator) -> Any:
        return greedy_schedule(features, self.model, np.full(features.ap.shape, 1), features.n_members.astype(float))


@exercise(
    title="A maker of your own",
    difficulty="hard",
    minutes=15,
    hints=(
        "`features.ap` has one entry per environment and subgroup: `np.full(features.ap.shape, 1)` is version 1 for all.",
        "`greedy_schedule(features, self.model, version, weight)` returns the decision, and what it promises.",
        "The weight is `features.n_members.astype(float)`; return the first of the two results.",
    ),
    mistakes=(
        Mistake(_variant(weigh=lambda f: np.ones(f.ap.shape)), says="no weight"),
        Mistake(_variant(version=0), says="version 0"),
        Mistake(_WithPromise, says="two things"),
        Mistake(_variant(weigh=lambda f: 1 / np.maximum(f.n_members, 1)), says="small subgroups"),
        Mistake(lambda model: _MembersFirst(model), says="pass the class itself"),
    ),
)
def ex2_3(answer: Any) -> str:
    """Return a class whose `decide` sends version 1 everywhere and weighs each subgroup by its members."""
    expect(isinstance(answer, type), "pass the class itself, without making one: `check.ex2_3(MembersFirst)`.")
    network = PhysicalNetwork.waterloo(2, NetworkConfig(n_users=30), seed=5, computing_cycles_per_s=2e9)
    model = schedule_model(network)
    curves = SwipeCurves(2, network.catalog.n_types)
    abstractor = GroupAbstractor(network.catalog, network.capacity, curves, network.link)
    features = abstractor.abstract(Observation(statuses=(true_status(network.reset()),)))
    got = answer(model).decide(features, rng=stream(0, "exercise"))
    expect(not isinstance(got, tuple), "`greedy_schedule` returns two things; the decision is the first.")

    def shares(**changes: Any) -> np.ndarray:
        return _MembersFirst(model, **changes).decide(features, rng=stream(0, "exercise")).bandwidth_share

    try:
        check_maker(answer(model), features, 2)
    except ValueError as error:
        raise Wrong(f"the contract check says: {error}") from None
    expect_close(
        got.bandwidth_share,
        shares(),
        what="the shares of band",
        mistakes={
            "there is no weight in it: pass the members as the fourth argument.": shares(
                weigh=lambda f: np.ones(f.ap.shape)
            ),
            "that is version 0; the exercise asks for version 1.": shares(version=0),
            "that prefers small subgroups: the weight grows with the members.": shares(
                weigh=lambda f: 1 / np.maximum(f.n_members, 1)
            ),
        },
    )
    return "it keeps the protocol, so `GdtNetwork` runs it as it runs every other maker."


@exercise(
    title="What a baseline is worth",
    difficulty="medium",
    minutes=10,
    hints=(
        "With a baseline $b$ the two estimates are $\\frac12(r_1-b)$ and $-\\frac12(r_2-b)$, each in half of the cases.",
        "Their mean is $\\frac14(r_1-r_2)$ whatever $b$ is. The spread is half of their distance.",
        "Without a baseline they are 5.5 and -4.5. With $b=8$ they are 1.5 and -.5.",
    ),
    mistakes=(
        Mistake((0.5, 5.0, 0.0), says="mean of the rewards"),
        Mistake((0.0, 5.0, 1.0), says="does not move the mean"),
        Mistake((0.5, 25.0, 1.0), says="standard deviation"),
        Mistake((0.5, 1.0, 5.0), says="other way round"),
    ),
)
def ex2_4(answer: tuple[float, float, float]) -> str:
    """Return mean, and spread without a baseline and with 8, of the estimates for rewards of 11 and 9, on paper."""
    expect(
        isinstance(answer, (tuple, list)) and len(answer) == 3,
        "give three numbers: mean, spread without baseline, spread with a baseline of 8.",
    )
    expect_close(
        np.asarray(answer, dtype=float),
        np.array([0.5, 5.0, 1.0]),
        what="the three numbers",
        mistakes={
            "a spread of 0 needs the mean of the rewards, 10, as a baseline; here it is 8.": np.array([0.5, 5.0, 0.0]),
            "the mean is not 0: a baseline does not move the mean, and without one it is (5.5 - 4.5) / 2.": np.array(
                [0.0, 5.0, 1.0]
            ),
            "25 is the variance; the standard deviation is its root.": np.array([0.5, 25.0, 1.0]),
            "the two spreads are the other way round.": np.array([0.5, 1.0, 5.0]),
        },
    )
    return "a rough baseline takes four fifths of the noise away; a critic is a baseline that is learned."
