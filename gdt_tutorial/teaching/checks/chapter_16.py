"""The exercises of chapter 16: the best share, from the horizon to the period, guess the channel."""

from collections.abc import Callable

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close

_LEG_M = np.array([2.0, 4.0, 10.0, 20.0])
_PROGRESS = np.array([1.0, 1.0, 0.5, 0.2])


@exercise(
    title="The best share",
    difficulty="medium",
    minutes=10,
    hints=(
        "Write down the squared error of one user: how far it went is `progress * leg_m`, the guess is `share * leg_m`.",
        "Sum over the users, and set the derivative by `share` to zero.",
        "Each user's progress counts with the weight `leg_m**2`.",
    ),
    mistakes=(
        Mistake(lambda leg_m, progress: progress.mean(), says="same weight"),
        Mistake(lambda leg_m, progress: (leg_m * progress).sum() / leg_m.sum(), says="squared"),
        Mistake(lambda leg_m, progress: 1.0, says="constant velocity"),
        Mistake(lambda leg_m, progress: np.median(progress), says="median"),
    ),
)
def ex16_1(answer: Callable[[np.ndarray, np.ndarray], float]) -> str:
    """Return the share of the straight continuation with the smallest mean squared error."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex16_1(best_share)`.")
    square = _LEG_M**2
    expect_close(
        answer(_LEG_M, _PROGRESS),
        float((square * _PROGRESS).sum() / square.sum()),
        what="the share",
        mistakes={
            "that gives every user the same weight; an error of a long leg has more meters.": float(_PROGRESS.mean()),
            "the error is squared, so the weight of a leg is its length squared.": float(
                (_LEG_M * _PROGRESS).sum() / _LEG_M.sum()
            ),
            "that is constant velocity: some of these users have stopped or turned.": 1.0,
            "the median minimizes absolute errors, not squared ones.": float(np.median(_PROGRESS)),
        },
    )
    expect_close(answer(_LEG_M, np.ones(4)), 1.0, what="the share when everybody has gone straight on")
    return "the longest legs decide, and they are the likeliest to have ended: hence the hedge."


@exercise(
    title="From the horizon to the period",
    difficulty="easy",
    minutes=8,
    hints=(
        "With a period of three, a third of the users are fresh, a third one slot old, a third two slots old.",
        "Squared errors average; the error of a fresh report is 0.",
        "Put a 0 before the squares, take the first `period_slots` of them, average, take the root.",
    ),
    mistakes=(
        Mistake(lambda error, period: np.append(0.0, error)[:period].mean(), says="square"),
        Mistake(lambda error, period: np.sqrt((np.asarray(error)[:period] ** 2).mean()), says="fresh"),
        Mistake(lambda error, period: np.sqrt((np.asarray(error)[: period - 1] ** 2).mean()), says="divide"),
        Mistake(lambda error, period: error[period - 2], says="oldest"),
    ),
)
def ex16_2(answer: Callable[[np.ndarray, int], float]) -> str:
    """Return the error of a twin that collects periodically."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex16_2(status_error)`.")
    error = np.array([1.0, 3.0, 4.0, 9.0])
    square = error**2
    expect_close(
        answer(error, 3),
        float(np.sqrt((0 + 1 + 9) / 3)),
        what="the error with a period of three",
        mistakes={
            "that averages the errors: a root mean square averages their squares.": 4 / 3,
            "the fresh reports are missing: ages run from 0 to `period_slots - 1`.": float(np.sqrt(square[:3].mean())),
            "the fresh users count too: divide by `period_slots`.": float(np.sqrt(square[:2].mean())),
            "that is the error of the oldest status only.": 3.0,
        },
    )
    expect_close(answer(error, 1), 0.0, what="the error when everybody reports in every slot")
    return "the horizon tells every period, without another simulation."


@exercise(
    title="Guess the channel",
    difficulty="medium",
    minutes=10,
    hints=(
        "How far was the measurement from the law, where it was taken?",
        "A part of that difference is still true here: the longer the way, the smaller the part.",
        "`law_here_db + exp(-moved_m / correlation_m) * (measured_db - law_there_db)`.",
    ),
    mistakes=(
        Mistake(lambda m, there, here, d, c: m, says="repeats"),
        Mistake(lambda m, there, here, d, c: here + 0.0 * d, says="law alone"),
        Mistake(lambda m, there, here, d, c: here + (m - there), says="whole residual"),
        Mistake(lambda m, there, here, d, c: _mixed(m, here, d, c), says="mixes"),
        Mistake(lambda m, there, here, d, c: here + np.exp(-d / c) * (m - here), says="mixes"),
    ),
)
def ex16_3(answer: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]) -> str:
    """Return the SNR that law and measurement give together."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex16_3(guess_db)`.")
    measured_db, there_db = np.array([12.0, 3.0]), np.array([18.0, 1.0])
    here_db, moved_m = np.array([15.0, 2.0]), np.array([9.0, 36.0])
    expect_close(
        answer(measured_db, there_db, here_db, moved_m, 18.0),
        here_db + np.exp(-moved_m / 18.0) * (measured_db - there_db),
        what="the SNR",
        mistakes={
            "that repeats the measurement: the law has changed on the way.": measured_db,
            "that is the law alone: the measurement is lost.": here_db,
            "that carries the whole residual along: a part of it is forgotten on the way.": here_db
            + (measured_db - there_db),
            "that mixes measurement and law: take the residual against the law *where it was measured*.": _mixed(
                measured_db, here_db, moved_m, 18.0
            ),
        },
    )
    expect_close(
        answer(np.array(7.0), np.array(5.0), np.array(5.0), np.array(0.0), 18.0), 7.0, what="the SNR on the spot"
    )
    return "near the measurement it rules, far from it the law does."


def _mixed(measured_db: np.ndarray, here_db: np.ndarray, moved_m: np.ndarray, correlation_m: float) -> np.ndarray:
    weight = np.exp(-moved_m / correlation_m)
    return weight * measured_db + (1 - weight) * here_db
