"""The exercises of chapter 00: when to ask again, and a fair comparison."""

from collections.abc import Callable

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close


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
        Mistake(lambda first, second: (first.mean() - second.mean(), _half_width(second - first)), says="sign"),
        Mistake(
            lambda first, second: (second.mean() - first.mean(), _half_width(np.concatenate([first, second]))),
            says="differences",
        ),
        Mistake(lambda first, second: (second.mean() - first.mean(), (second - first).std(ddof=1)), says="square root"),
        Mistake(lambda first, second: second.mean() - first.mean(), says="two numbers"),
    ),
)
def ex0_2(answer: Callable[[np.ndarray, np.ndarray], tuple[float, float]]) -> str:
    """Compare two managers campus by campus."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex0_2(gain_with_interval)`.")
    first = np.array([0.10, 0.50, 0.90, 0.30])
    second = first + np.array([0.02, 0.04, 0.03, 0.05])
    given = answer(first, second)
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
        _half_width(gain),
        what="the half width",
        mistakes={
            "take the standard deviation of the differences: the spread of the campuses is not the question.": _half_width(
                np.concatenate([first, second])
            ),
            "divide by the square root of the number of campuses, and multiply by 1.96.": gain.std(ddof=1),
        },
    )
    return "each campus was compared with itself."


def _half_width(values: np.ndarray) -> float:
    return float(1.96 * values.std(ddof=1) / len(values) ** 0.5)
