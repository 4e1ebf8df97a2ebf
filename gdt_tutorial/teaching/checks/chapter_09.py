"""The exercises of chapter 09: worth of a report on a mode, a fair rival and doubled spreads on paper, a rule with a budget."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.twin.report_rules import Expected, ReportRule


def _nat(share: np.ndarray) -> Any:
    return -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=-1)


def _worth(chain: np.ndarray, belief: np.ndarray) -> float:
    return float(_nat(belief @ chain) - belief @ _nat(chain))


_CHAIN, _BELIEF = np.array([[0.7, 0.3], [0.2, 0.8]]), np.array([0.4, 0.6])


@exercise(
    title="What is a report on a mode worth?",
    difficulty="medium",
    minutes=12,
    hints=(
        "Without a report the next mode has the shares `belief @ chain`; take their entropy.",
        "With a report the mode is known to be i, and the next one has the shares `chain[i]`. Which i comes is not known yet.",
        "`entropy(belief @ chain) - sum(belief[i] * entropy(chain[i]))`, with natural logarithms.",
    ),
    mistakes=(
        Mistake(lambda chain, belief: float(_nat(belief @ chain)), says="with the report"),
        Mistake(lambda chain, belief: float(_nat(belief) - belief @ _nat(chain)), says="next slot"),
        Mistake(lambda chain, belief: _worth(chain, belief) / np.log(2), says="nat"),
        Mistake(lambda chain, belief: float(_nat(belief @ chain) - _nat(chain).mean()), says="belief"),
    ),
)
def ex9_1(answer: Callable[[np.ndarray, np.ndarray], Any]) -> str:
    """Compute by how much a report reduces the entropy of the next mode."""
    for chain, belief in ((_CHAIN, _BELIEF), (np.array([[0.8, 0.2], [0.1, 0.9]]), np.array([0.1, 0.9]))):
        right = _worth(chain, belief)
        expect_close(
            answer(chain, belief),
            right,
            tolerance=1e-6,
            what="the worth of the report",
            mistakes={
                "that is the entropy without a report; take off what is expected to be left with the report.": float(
                    _nat(belief @ chain)
                ),
                "the question is about the mode of the next slot: `belief @ chain`.": float(
                    _nat(belief) - belief @ _nat(chain)
                ),
                "a nat needs the natural logarithm.": right / np.log(2),
                "weigh the modes by the belief; they are not equally likely.": float(
                    _nat(belief @ chain) - _nat(chain).mean()
                ),
            },
        )
    return "this is the mutual information of both modes: never below 0, and 0 for who is known already."


@exercise(
    title="A fair rival (on paper)",
    difficulty="easy",
    minutes=8,
    hints=(
        "Give a share w of the users the shorter period. Bytes and mean *square* errors of the mixture are weighed means.",
        "6 w + 16 (1 - w) = 11, so w is one half.",
        "The rival spends 12 bytes, the scheme 9.",
    ),
    mistakes=(
        Mistake(43.75, says="closer than"),
        Mistake(-12.5, says="less close"),
        Mistake(21.86, says="square"),
        Mistake(33.33, says="rival"),
    ),
)
def ex9_2(answer: Any) -> str:
    """Return how many percent of the bytes the scheme saves."""
    expect_close(
        answer,
        25.0,
        tolerance=0.1,
        what="the saving",
        mistakes={
            "the period of two slots is closer than the scheme: that rival pays for more than is asked.": 43.75,
            "the period of four slots is less close than the scheme.": -12.5,
            "square errors mix, roots do not.": 21.86,
            "say it in percent of what the rival spends.": 33.33,
        },
    )
    return "at equal error, against a rival that exists: half of the users report in every second slot, half in every fourth."


@exercise(
    title="An emulator that boasts less (predict, then explain)",
    difficulty="medium",
    minutes=8,
    hints=(
        "The entropy of a Gaussian in two coordinates is the sum of two logarithms of its spreads, and a constant.",
        "Doubling a spread adds ln 2 = 0.69 nat in each coordinate.",
        "What a report is worth is a *difference* of two entropies. Both grow alike.",
    ),
    mistakes=(
        Mistake((np.log(2), 0.0), says="two coordinates"),
        Mistake((2 * np.log(2), 2 * np.log(2)), says="both"),
        Mistake((4 * np.log(2), 0.0), says="variance"),
    ),
)
def ex9_3(answer: Any) -> str:
    """Return by how many nat the entropy grows, and by how many what a report is worth."""
    expect(
        isinstance(answer, (tuple, list)) and len(answer) == 2 and all(np.isscalar(each) for each in answer),
        "give two numbers: `(entropy, worth)`.",
    )
    absolute, relative = (float(each) for each in answer)
    expect_close(
        absolute,
        2 * np.log(2),
        tolerance=0.01,
        what="the growth of the entropy",
        mistakes={
            "a position has two coordinates.": np.log(2),
            "the logarithm is of the spread; that of the variance stands under a half.": 4 * np.log(2),
        },
    )
    expect_close(
        relative,
        0.0,
        tolerance=0.01,
        what="the change of the worth",
        mistakes={"it is a difference, and both of its parts grow by as much.": 2 * np.log(2)},
    )
    return (
        "so a limit on the entropy asks more often for an emulator that boasts less, and a limit on the worth asks as before. "
        "An expected error, corrected by what came, is not misled either, after some reports."
    )


class _All:
    def __init__(self, n: int) -> None:
        self.n = n

    def is_due(self, expected: Expected) -> np.ndarray:
        limit = np.sort(expected.square.ravel())[-self.n]
        return np.asarray(expected.square >= limit)


class _Oldest:
    def __init__(self, n: int) -> None:
        self.n = n

    def is_due(self, expected: Expected) -> np.ndarray:
        return _first(expected.age_slots, self.n)


class _Least:
    def __init__(self, n: int) -> None:
        self.n = n

    def is_due(self, expected: Expected) -> np.ndarray:
        return _first(-expected.square, self.n)


def _first(values: np.ndarray, n: int) -> np.ndarray:
    due = np.zeros(values.shape, dtype=bool)
    np.put_along_axis(due, np.argsort(-values, axis=-1, kind="stable")[:, :n], True, axis=-1)
    return due


@exercise(
    title="A rule with a budget",
    difficulty="medium",
    minutes=15,
    hints=(
        "A report rule is any object with `is_due(expected)`, which returns a mask like `expected.square`, [batch, user].",
        "`np.argsort(-expected.square, axis=-1)[:, :n]` are the users that are wrong most, campus by campus.",
        "Start with zeros of type bool, and set those with `np.put_along_axis(due, first, True, axis=-1)`.",
    ),
    mistakes=(
        Mistake(_All, says="each campus"),
        Mistake(_Oldest, says="age"),
        Mistake(_Least, says="largest"),
    ),
)
def ex9_4(answer: Callable[[int], Any]) -> str:
    """Ask the same number of users in every slot, those whose status is expected to be wrong most."""
    expect(isinstance(answer, type), "pass the class itself: `check.ex9_4(MostWrongFirst)`.")
    rule = answer(2)
    expect(isinstance(rule, ReportRule), "a report rule has a method `is_due`.")
    square = np.array([[4.0, 9.0, 1.0, 25.0], [0.1, 0.3, 0.2, 0.4]])
    age = np.array([[9, 8, 3, 2], [9, 8, 3, 2]])
    due = rule.is_due(Expected(square=square, square_sum=0 * square, age_slots=age, report_nat=0 * square))
    expect(
        isinstance(due, np.ndarray) and due.dtype == bool and due.shape == square.shape,
        "return a mask of booleans in the shape of `expected.square`.",
    )
    expect((due.sum(axis=-1) == 2).all(), "the budget holds in each campus by itself: two of the users of each row.")
    expect(
        not np.array_equal(due, _first(age, 2)),
        "you asked the oldest; an old status may be right, and a young one wrong: the age is no error.",
    )
    expect(np.array_equal(due, _first(square, 2)), "ask those with the largest expected square errors.")
    return "every slot now costs the same number of bytes, and no limit has to be chosen."
