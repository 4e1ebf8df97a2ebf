"""The exercises of chapter 00: when to ask again, a fair comparison, how long is the memory, swap a part."""

from collections.abc import Callable

import numpy as np

from gdt_tutorial.loops.external import Collection, FixedPeriod
from gdt_tutorial.loops.manager import GdtNetwork
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.status_store import StatusStore


@exercise(
    title="When to ask again",
    difficulty="easy",
    minutes=5,
    hints=(
        "There are three cases; begin with the error that is too large.",
        "`max(1, ...)` and `min(16, ...)` keep the period in its range.",
        "A period of 5 and an error above the limit give 2.",
    ),
    mistakes=(
        Mistake(lambda period, error, limit: 2 * period if error > limit else period // 2, says="the wrong way round"),
        Mistake(lambda period, error, limit: period / 2 if error > limit else 2 * period, says="whole slots"),
        Mistake(lambda period, error, limit: period // 2 if error > limit else 2 * period, says="keep"),
        Mistake(
            lambda period, error, limit: period // 2 if error > limit else 2 * period if error <= limit / 2 else period,
            says="below 1",
        ),
        Mistake(
            lambda period, error, limit: (
                max(1, period // 2) if error > limit else min(16, 2 * period) if error <= limit / 2 else period
            ),
            says="exactly half",
        ),
        Mistake(
            lambda period, error, limit: (
                max(1, period // 2) if error >= limit else min(16, 2 * period) if error < limit / 2 else period
            ),
            says="exactly the limit",
        ),
    ),
)
def ex0_1(answer: Callable[[int, float, float], int]) -> str:
    """Adapt a collection period to an error."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex0_1(next_period)`.")
    swapped = "you have it the wrong way round: a large error asks for more reports, a shorter period."
    cases: tuple[tuple[int, float, int, str, dict[str, float]], ...] = (
        (5, 3.0, 2, "5 slots, with an error above the limit",
         {swapped: 10, "a period counts whole slots: round down with `//`.": 2.5}),
        (4, 0.5, 8, "4 slots, with a small error", {swapped: 2}),
        (4, 1.5, 4, "4 slots, with an error between half of the limit and the limit",
         {"between half of the limit and the limit, keep the period as it is.": 8}),
        (1, 9.0, 1, "1 slot, with a large error", {"a period cannot go below 1 slot.": 0}),
        (16, 0.0, 16, "16 slots, with no error", {"the longest period is 16 slots.": 32}),
        (4, 1.0, 4, "4 slots, with an error of exactly half of the limit",
         {"exactly half is not below half: keep the period as it is.": 8}),
        (4, 2.0, 4, "4 slots, with an error of exactly the limit",
         {"exactly the limit is not above it: keep the period as it is.": 2}),
    )  # fmt: skip
    for period_slots, error, wanted, what, mistakes in cases:
        expect_close(answer(period_slots, error, 2.0), wanted, what=f"the period after {what}", mistakes=mistakes)
    return "small errors buy silence, large ones buy reports."


@exercise(
    title="A fair comparison",
    difficulty="medium",
    minutes=10,
    hints=(
        "Subtract campus by campus first; everything else happens to the differences.",
        "`differences.std(ddof=1)` is the sample standard deviation.",
        "Campuses differ much more than the managers do: without pairing, the interval is far too wide.",
    ),
    mistakes=(
        Mistake(lambda first, second, t: (first.mean() - second.mean(), _half_width(second - first, t)), says="sign"),
        Mistake(lambda first, second, t: (_gain(first, second), _unpaired(first, second, t)), says="independent"),
        Mistake(
            lambda first, second, t: (_gain(first, second), _half_width(np.concatenate([first, second]), t)),
            says="differences",
        ),
        Mistake(
            lambda first, second, t: (_gain(first, second), _half_width(second - first, 1.96)), says="four campuses"
        ),
        Mistake(lambda first, second, t: (_gain(first, second), (second - first).std(ddof=1)), says="square root"),
        Mistake(lambda first, second, t: _gain(first, second), says="two numbers"),
    ),
)
def ex0_2(answer: Callable[[np.ndarray, np.ndarray, float], tuple[float, float]]) -> str:
    """Compare two managers campus by campus."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex0_2(gain_with_interval)`.")
    first, t = np.array([0.10, 0.50, 0.90, 0.30]), 3.182
    second = first + np.array([0.02, 0.04, 0.03, 0.05])
    given = answer(first, second, t)
    is_pair = isinstance(given, (tuple, list, np.ndarray)) and len(given) == 2
    expect(is_pair, "return two numbers: the mean gain, and the half width of its interval.")
    gain = second - first
    expect_close(
        given[0],
        gain.mean(),
        what="the mean gain",
        mistakes={"the sign is wrong: the gain is what the second has more than the first.": -gain.mean()},
    )
    expect_close(
        given[1],
        _half_width(gain, t),
        what="the half width",
        mistakes={
            "that is the interval of two independent samples: the same campuses are in both, so pair them first.": _unpaired(
                first, second, t
            ),
            "take the standard deviation of the differences: the spread of the campuses is not the question.": _half_width(
                np.concatenate([first, second]), t
            ),
            "1.96 is for very many campuses: with four campuses it is too narrow; use `t`.": _half_width(gain, 1.96),
            "divide by the square root of the number of campuses, and multiply by `t`.": gain.std(ddof=1),
        },
    )
    return "each campus was compared with itself."


@exercise(
    title="How long is the memory",
    difficulty="easy",
    minutes=5,
    hints=(
        "The weights are 1, 0.8, 0.64, ...: what do they add up to?",
        "A geometric series: the sum of $q^k$ over all $k\\ge0$ is $1/(1-q)$.",
    ),
    mistakes=(
        Mistake(4.0, says="newest verdict"),
        Mistake(0.2, says="turn it over"),
        Mistake(0.8, says="one verdict"),
        Mistake(1.25, says="0.8 is the ratio"),
    ),
)
def ex0_3(answer: float) -> str:
    """Add up the weights of all verdicts."""
    expect_close(
        answer,
        5.0,
        what="the sum of the weights",
        mistakes={
            "that leaves out the newest verdict itself, whose weight is 1.": 4.0,
            "that is $1-q$: turn it over.": 0.2,
            "that is the weight of one verdict, the second newest; add up all.": 0.8,
            "that is $1/q$; 0.8 is the ratio of two weights in the series $1+q+q^2+\\dots$": 1.25,
        },
    )
    return "such a loop remembers about five verdicts."


@exercise(
    title="Swap a part",
    difficulty="easy",
    minutes=10,
    hints=(
        "`FixedPeriod(store, emulator, period_slots)` is a `Collection` already.",
        "Return the object; the network calls it.",
    ),
    mistakes=(
        Mistake(lambda store, emulator: FixedPeriod(store, emulator, 2), says="every third slot"),
        Mistake(lambda store, emulator: FixedPeriod, says="Collection"),
        Mistake(lambda store, emulator: None, says="Collection"),
    ),
)
def ex0_4(answer: Callable[[StatusStore, StatusEmulator], Collection]) -> str:
    """Run a small network with a collection of the reader's."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex0_4(every_third)`.")
    network = PhysicalNetwork.waterloo(1, NetworkConfig(n_users=6), seed=0)
    emulator = HoldLast(topology=network.topology)

    def collect(store: StatusStore, its_emulator: StatusEmulator) -> Collection:
        made = answer(store, its_emulator)
        is_collection = isinstance(made, Collection) and not isinstance(made, type)
        expect(is_collection, f"return a Collection, an object with `due` and `observe`, not {made!r}.")
        return made

    history = GdtNetwork(network, emulator, {"greedy": GreedyAllocator(schedule_model(network))}, collect).run(7)
    expect_close(
        history.collected_share[1:].mean(),
        1 / 3,
        what="the share of the people who are asked per slot (every third slot is a third)",
    )
    return "the loops never know which part they hold: an own one fits in the same way."


def _gain(first: np.ndarray, second: np.ndarray) -> float:
    return float(second.mean() - first.mean())


def _half_width(values: np.ndarray, t: float) -> float:
    return float(t * values.std(ddof=1) / len(values) ** 0.5)


def _unpaired(first: np.ndarray, second: np.ndarray, t: float) -> float:
    return float(t * np.sqrt(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second)))
