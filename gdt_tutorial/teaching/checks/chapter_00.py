"""The exercises of chapter 00: when to ask again, and whom to trust."""

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
    ),
)
def ex0_1(answer: Callable[[int, float, float], int]) -> str:
    """Adapt a collection period to an error."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex0_1(next_period)`.")
    swapped = "you have it the wrong way round: a large error asks for more reports, a shorter period."
    expect_close(
        answer(5, 3.0, 2.0),
        2,
        what="the period after 5 slots, with an error above the limit",
        mistakes={swapped: 10, "a period counts whole slots: round down with `//`.": 2.5},
    )
    expect_close(answer(4, 0.5, 2.0), 8, what="the period after 4 slots, with a small error", mistakes={swapped: 2})
    expect_close(
        answer(4, 1.5, 2.0),
        4,
        what="the period after 4 slots, with an error between half of the limit and the limit",
        mistakes={"between half of the limit and the limit, keep the period as it is.": 8},
    )
    expect_close(
        answer(1, 9.0, 2.0),
        1,
        what="the period after 1 slot, with a large error",
        mistakes={"a period cannot go below 1 slot.": 0},
    )
    expect_close(
        answer(16, 0.0, 2.0),
        16,
        what="the period after 16 slots, with no error",
        mistakes={"the longest period is 16 slots.": 32},
    )
    return "small errors buy silence, large ones buy reports."


@exercise(
    title="Whom to trust",
    difficulty="medium",
    minutes=10,
    hints=(
        "Start with one zero for each manager.",
        "Go through the rows in their order: `total = memory * total + row`.",
        "`argmax` returns the first of the largest.",
    ),
    mistakes=(
        Mistake(lambda scores, memory: int(np.asarray(scores)[-1].argmax()), says="last verdict alone"),
        Mistake(lambda scores, memory: int(np.asarray(scores).sum(axis=0).argmax()), says="equally"),
        Mistake(lambda scores, memory: float(np.asarray(scores).max()), says="index"),
    ),
)
def ex0_2(answer: Callable[[np.ndarray, float], int]) -> str:
    """Choose a manager by verdicts that fade."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex0_2(choose)`.")
    one_upset = np.array([[0.5, 0.0], [0.5, 0.0], [0.5, 0.0], [0.0, 0.4]])
    expect(answer(one_upset, 0.9) in (0, 1), "return the index of a manager, a column of `scores`, not its score.")
    expect(answer(one_upset, 0.9) == 0, "the last verdict alone decides in your version; earlier ones count too.")
    old_glory = np.array([[3.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    expect(
        answer(old_glory, 0.5) == 1, "all verdicts count equally in your version; earlier ones must fade by `memory`."
    )
    return "a verdict fades, and one upset does not overturn many."
