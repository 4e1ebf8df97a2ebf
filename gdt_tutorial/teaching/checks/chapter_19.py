"""The exercises of chapter 19: two kinds of chance, the weight at which two schemes tie, one part exchanged."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from gdt_tutorial.case_study.experiment import Campuses, Scheme, open_campuses
from gdt_tutorial.case_study.learning.training import (
    fitting_version,
    myopic_search,
    sequential_lists,
    swipe_aware_lists,
)
from gdt_tutorial.case_study.scenario import CaseStudyConfig
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.solutions.data_model.baselines import EqualSplit, GreedyByGain, GreedyByGainPerCost
from gdt_tutorial.solutions.data_model.scheduling import SlsqpScheduler
from gdt_tutorial.solutions.data_model.versions import FittingVersion
from gdt_tutorial.teaching.exercises import Mistake, Wrong, exercise, expect, expect_close


@exercise(
    title="Two kinds of chance",
    difficulty="medium",
    minutes=10,
    hints=(
        "Average over the seeds first: one mean per network. What is their variance?",
        "Then the other way round: one mean per seed. Each variance is divided by the number of its means.",
        "Use `ddof=1`, add `V_n / N` and `V_s / S`, and take the root.",
    ),
    mistakes=(
        Mistake(lambda d: d.std(ddof=1) / np.sqrt(d.size), says="not independent"),
        Mistake(lambda d: np.sqrt(d.mean(axis=0).var(ddof=1) / d.shape[1]), says="networks"),
        Mistake(lambda d: np.sqrt(d.mean(axis=1).var(ddof=1) / d.shape[0]), says="seeds"),
        Mistake(lambda d: np.sqrt(d.mean(axis=1).var() / d.shape[0] + d.mean(axis=0).var() / d.shape[1]), says="ddof"),
    ),
)
def ex19_1(answer: Callable[[np.ndarray], float]) -> str:
    """Return the standard error of a mean over networks and seeds."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex19_1(standard_error)`.")
    difference = np.array([[0.10, 0.02, 0.06, 0.01], [0.14, 0.05, 0.09, 0.06], [0.03, -0.02, 0.03, -0.04]])
    n_networks, n_seeds = difference.shape
    of_networks, of_seeds = difference.mean(axis=1), difference.mean(axis=0)
    network_part, seed_part = of_networks.var(ddof=1) / n_networks, of_seeds.var(ddof=1) / n_seeds
    expect_close(
        answer(difference),
        float(np.sqrt(network_part + seed_part)),
        what="the standard error",
        mistakes={
            "the entries are not independent: those of one network share its luck, those of one seed too.": float(
                difference.std(ddof=1) / np.sqrt(difference.size)
            ),
            "that leaves out the luck of the networks' training.": float(np.sqrt(seed_part)),
            "that leaves out the luck of the seeds.": float(np.sqrt(network_part)),
            "a variance of few means needs `ddof=1`.": float(
                np.sqrt(of_networks.var() / n_networks + of_seeds.var() / n_seeds)
            ),
        },
    )
    return "more seeds do not help when the networks differ, and the other way round."


# Per second at 12 Gcycle/s, rounded from the stored table: quality, time stalled, variation.
_PROPOSED, _RULE = (1.57, 0.204, 0.115), (1.10, 0.115, 0.089)


def _tie(with_variation: bool = True) -> float:
    quality, stall, variation = (first - second for first, second in zip(_PROPOSED, _RULE, strict=True))
    return (quality - with_variation * variation) / stall


@exercise(
    title="The weight at which they tie",
    difficulty="easy",
    minutes=8,
    hints=(
        "Write the QoE of each scheme with the weight `w` of a stalled second left open.",
        "The two are equal when what the proposed scheme gains in quality, less what it loses in variation, is `w` "
        "times what it stalls more.",
        "(1.57 - 0.115 - (1.10 - 0.089)) / (0.204 - 0.115).",
    ),
    mistakes=(
        Mistake(_tie() - 1.85, says="on top of 1.85"),
        Mistake(_tie(with_variation=False), says="variation"),
        Mistake(1 / _tie(), says="upside down"),
        Mistake((1.57 - 0.115) / 0.204, says="zero"),
        Mistake(1.85, says="Today's weight"),
    ),
)
def ex19_2(answer: float) -> str:
    """Return the weight of stalls at which two schemes that decide as before have the same QoE."""
    expect(not callable(answer), "pass the number itself: `check.ex19_2(weight)`.")
    expect_close(
        answer,
        _tie(),
        tolerance=0.02,
        what="the weight",
        mistakes={
            "that is what must come on top of 1.85: the difference of their QoE today was divided. "
            "Which weight is it in all?": round(_tie() - 1.85, 2),
            "you left out the variation, which counts as well (with weight 1).": round(_tie(with_variation=False), 2),
            "that is upside down: divide what is gained by what is stalled.": round(1 / _tie(), 2),
            "at this weight the proposed scheme has a QoE of zero; the two must be equal.": (1.57 - 0.115) / 0.204,
            "that's today's weight, at which the proposed scheme is ahead. Today's weight must rise.": 1.85,
        },
    )
    return (
        "about 5. The map has conditions with a weight of 4.3, which is below it; so with 60 users, 10 MHz and 12 "
        "Gcycle/s the proposed scheme should still be ahead there. The mean of the map says so, but its two seeds do not "
        "decide it. Besides, a scheme that knows the weight decides otherwise."
    )


@cache
def _campus() -> Campuses:
    """Return one small campus to look at schemes on."""
    config = CaseStudyConfig(n_earlier_views=30, network=NetworkConfig(n_users=16))
    return open_campuses(1, config, computing_cycles_per_s=5e9, seed=0)


def _scheme(lists: Callable, versions: Callable, scheduler: Callable, campuses: Campuses) -> Scheme:
    return Scheme(buffering=lists(campuses), versions=versions(campuses), scheduler=scheduler(campuses.model))


@exercise(
    title="One part exchanged",
    difficulty="medium",
    minutes=10,
    hints=(
        "*What matters?* above shows what each part is worth alone. Which one is largest?",
        "A swipe-aware list is sorted for a scheduler that compares lists; the equal split does not. "
        "And larger versions for some need a scheduler that takes from others.",
        "Keep `sequential_lists(campuses)` and `fitting_version(campuses)`, and put `SlsqpScheduler(campuses.model)` in "
        "the place of the equal split.",
    ),
    mistakes=(
        Mistake(partial(_scheme, swipe_aware_lists, fitting_version, EqualSplit), says="loses"),
        Mistake(partial(_scheme, sequential_lists, myopic_search, EqualSplit), says="about half"),
        Mistake(partial(_scheme, sequential_lists, fitting_version, GreedyByGain), says="cost"),
        Mistake(partial(_scheme, sequential_lists, fitting_version, EqualSplit), says="yardstick itself"),
        Mistake(partial(_scheme, swipe_aware_lists, myopic_search, SlsqpScheduler), says="one part at a time"),
        Mistake(lambda campuses: None, says="Scheme"),
    ),
)
def ex19_3(answer: Callable[[Campuses], Scheme]) -> str:
    """Return the equal split with sequential lists and versions by rule, with the one part exchanged that gains most."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex19_3(better_scheme)`.")
    campus = _campus()
    scheme = answer(campus)
    expect(isinstance(scheme, Scheme), "return a `Scheme(buffering=..., versions=..., scheduler=...)`.")
    is_other = {
        "lists": not np.array_equal(scheme.buffering.survival_at, np.ones_like(scheme.buffering.survival_at)),  # type: ignore[attr-defined]
        "versions": not isinstance(scheme.versions, FittingVersion),
        "scheduler": not isinstance(scheme.scheduler, EqualSplit),
    }
    changed = [name for name, is_changed in is_other.items() if is_changed]
    if not changed:
        raise Wrong("that is the yardstick itself: exchange one part.")
    expect(
        len(changed) == 1,
        f"you exchanged {' and '.join(changed)}: one part at a time, or you cannot tell which it was.",
    )
    if changed == ["lists"]:
        raise Wrong(
            "the equal split *loses* with swipe-aware lists (`equal` against `equal_sequential` in the figure): it cuts "
            "every list at an equal share, so what comes next must stand in front."
        )
    if changed == ["versions"]:
        raise Wrong("other versions gain something here, but about half of what another part gains.")
    is_greedy_by_gain = isinstance(scheme.scheduler, GreedyByGain)
    expect(not is_greedy_by_gain, "the right part; but a scheduler that does not look at the cost gains nothing here.")
    telemetry = campus.network.reset(campus.group)
    features = scheme.buffering.abstract_session(telemetry.session, telemetry.snr_db)  # type: ignore[attr-defined]
    scheme.decide(features, rng=np.random.default_rng(0))
    expect(isinstance(scheme.scheduler, (SlsqpScheduler, GreedyByGainPerCost)), "take a scheduler of the library.")
    return "the division of the slot. Let `compare` say how much it gains on `equal_sequential`, with its interval."
