"""The exercises of chapter 18: wanted in time, the version at a price."""

from collections.abc import Callable

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close

_START = np.array([0.0, 0.1, 0.2, 0.3, 0.15, 0.05])
_SURVIVAL = np.array([1.0, 0.8, 0.6, 0.5])
_GAIN = np.array([[3.0, 2.0, 1.5], [4.5, 2.6, 1.6], [6.0, 3.0, 1.7]])
_COST = np.array([[1.0, 1.0, 1.0], [1.6, 1.6, 1.6], [2.5, 2.5, 2.5]])


@exercise(
    title="Wanted in time",
    difficulty="easy",
    minutes=10,
    hints=(
        "When must the video start at the latest, so that its segment `k` is wanted within the horizon?",
        "Segment `k` is wanted `k` seconds after the start: the start may be at 0, 1, ..., `horizon_s - k`.",
        "Sum `start` up to and including `horizon_s - k`, and multiply by `survival[k]`.",
    ),
    mistakes=(
        Mistake(
            lambda start, survival, k, horizon_s: survival[k] * start[: horizon_s + 1].sum(), says="k seconds after"
        ),
        Mistake(lambda start, survival, k, horizon_s: start[: horizon_s - k + 1].sum(), says="swiped away"),
        Mistake(lambda start, survival, k, horizon_s: survival[k] * start[: horizon_s - k].sum(), says="last possible"),
        Mistake(lambda start, survival, k, horizon_s: survival[k], says="never start"),
    ),
)
def ex18_1(answer: Callable[[np.ndarray, np.ndarray, int, int], float]) -> str:
    """Return the probability that a segment is wanted within a horizon."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex18_1(wanted)`.")
    expect_close(
        answer(_START, _SURVIVAL, 2, 4),
        0.6 * 0.3,
        what="the probability",
        mistakes={
            "the segment comes k seconds after the start of its video; a late start is too late for it.": 0.6 * 0.75,
            "the viewer may have swiped away before segment `k`: where is the survival?": 0.3,
            "the last possible start is missing: a start at `horizon_s - k` is still in time.": 0.6 * 0.1,
            "the video may never start within the horizon: where is `start`?": 0.6,
        },
    )
    expect_close(answer(_START, _SURVIVAL, 3, 2), 0.0, what="the probability of a segment beyond the horizon")
    return "a convolution for the start, a survival for the rest: that is all of the watching probability."


@exercise(
    title="The version at a price",
    difficulty="medium",
    minutes=10,
    hints=(
        "What is left of the gain of each segment when its price is paid?",
        "Segments with less than nothing left are not bought: they count 0, not less.",
        "Sum `np.maximum(gain - price * cost, 0)` over the segments, subtract `step_cost`, and take the largest.",
    ),
    mistakes=(
        Mistake(lambda price, gain, cost, step: int((gain.sum(axis=1) - step).argmax()), says="price is free"),
        Mistake(
            lambda price, gain, cost, step: int(((gain - price * cost).sum(axis=1) - step).argmax()), says="not bought"
        ),
        Mistake(
            lambda price, gain, cost, step: int(np.maximum(gain - price * cost, 0).sum(axis=1).argmax()), says="change"
        ),
    ),
)
def ex18_2(answer: Callable[[float, np.ndarray, np.ndarray, np.ndarray], int]) -> str:
    """Return the version that an SMG chooses at a price."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex18_2(version_at)`.")
    for price, step, what, mistakes in _CASES:
        chosen = np.maximum(_GAIN - price * _COST, 0).sum(axis=1) - step
        expect_close(
            float(answer(price, _GAIN, _COST, step)),
            float(chosen.argmax()),
            what=f"the version {what}",
            mistakes=mistakes,
        )
    return "every SMG decides alone, and the price makes them fit together."


_CASES: tuple[tuple[float, np.ndarray, str, dict[str, float]], ...] = (
    (0.0, np.zeros(3), "at a price of 0", {}),
    (
        1.5,
        np.zeros(3),
        "at a high price",
        {
            "that ignores what the segments cost, as if the price is free.": 2.0,
            "a segment that is worth less than its price is not bought: it counts 0.": 0.0,
        },
    ),
    (
        1.2,
        np.array([0.0, 0.9, 0.0]),
        "when a change costs",
        {"the change of version costs too: subtract `step_cost`.": 1.0},
    ),
)
