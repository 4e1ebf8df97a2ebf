"""The exercises of chapter 07: signal that is left, guidance on paper, what a state tells, a sampler of one's own."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.twin.emulation.residual_paths import Situation

_BETA = (0.1, 0.5, 0.2)


def _left(beta: Any) -> np.ndarray:
    return np.cumprod(1 - np.asarray(beta, dtype=float))


@exercise(
    title="How much signal is left?",
    difficulty="easy",
    minutes=8,
    hints=(
        "Each step keeps the share 1 - beta of the variance of what comes in.",
        "After two steps it is the product of both shares, after three the product of three.",
        "`np.cumprod(1 - np.asarray(beta))`.",
    ),
    mistakes=(
        Mistake(lambda beta: np.cumprod(np.asarray(beta)), says="share that is added"),
        Mistake(lambda beta: 1 - np.asarray(beta), says="step by itself"),
        Mistake(lambda beta: 1 - np.cumsum(np.asarray(beta)), says="subtract"),
        Mistake(lambda beta: np.sqrt(_left(beta)), says="root"),
        Mistake(lambda beta: float(_left(beta)[-1]), says="each step"),
    ),
)
def ex7_1(answer: Callable[[Any], Any]) -> str:
    """Return alpha_bar after each step of a schedule, from its betas."""
    expect(callable(answer), "pass the function itself, without calling it: `check.ex7_1(signal_left)`.")
    got, wanted, beta = np.ravel(answer(list(_BETA))), _left(_BETA), np.array(_BETA)
    expect(got.shape == wanted.shape, f"return one number for each step, here {len(wanted)}; yours has {got.size}.")
    wrong = {
        "that multiplies what is added; the share that is added is beta, and 1 - beta is kept.": np.cumprod(beta),
        "that is what each step by itself keeps; what is left after several is the product.": 1 - beta,
        "that adds the betas up to subtract them; a step takes its share of what is still there.": 1 - np.cumsum(beta),
        "that is the root, by which the signal is multiplied; here its variance is asked for.": np.sqrt(wanted),
    }
    for sentence, value in wrong.items():
        expect(not np.allclose(got, value), sentence)
    expect(np.allclose(got, wanted), f"betas {_BETA} leave {wanted.round(3).tolist()}; yours {got.round(3).tolist()}.")
    return "90, 45 and 36 %: at the end of a schedule for sampling less than 1 % should be left."


@exercise(
    title="Guidance on paper",
    difficulty="medium",
    minutes=10,
    hints=(
        "Guidance w draws a decision with a weight of p (p_c / p)^w, p its share without the condition, p_c with it.",
        "For right: 0.5 (0.8 / 0.5)^3. For wrong: 0.5 (0.2 / 0.5)^3.",
        "Divide the first by the sum of both.",
    ),
    mistakes=(
        Mistake(0.8, says="guidance 1"),
        Mistake(0.9412, says="guidance 2"),
        Mistake(2.4, says="times three"),
        Mistake(0.992, says="wrong three times"),
        Mistake(0.512, says="by itself"),
    ),
)
def ex7_2(answer: float | int) -> str:
    """Return the share of right decisions under guidance 3, if it is 0.5 without and 0.8 with the condition."""
    right, wrong = 0.5 * (0.8 / 0.5) ** 3, 0.5 * (0.2 / 0.5) ** 3
    expect_close(
        answer,
        right / (right + wrong),
        tolerance=2e-3,
        what="the share of right decisions",
        mistakes={
            "that is guidance 1, the law of the data.": 0.8,
            "that is guidance 2; a third factor is missing.": 1.28 / 1.36,
            "that is times three, and no share: weigh both decisions and divide.": 2.4,
            "that is one minus the chance to be wrong three times; the law without the condition is missing.": 0.992,
            "that is 0.8 cubed by itself; the wrong decision has a weight too, and both make one.": 0.8**3,
        },
    )
    return "98.5 %: the condition is exaggerated, and the fifth of wrong decisions in the log nearly vanishes."


@exercise(
    title="What a state tells of an action",
    difficulty="medium",
    minutes=10,
    hints=(
        "Where a packet waits, served packets tell whether the cell was on. Where none waits, nothing is served either way.",
        "The variance of on or off, each in half of the slots, is 1/4. What is left of it where a packet waits? And where not?",
        "R^2 is one minus the mean of what is left, over 1/4.",
    ),
    mistakes=(
        Mistake(1.0, says="no packet waits"),
        Mistake(0.0, says="where a packet waits"),
        Mistake(0.3, says="stays unexplained"),
        Mistake(0.075, says="divide"),
        Mistake(0.91, says="squares"),
    ),
)
def ex7_3(answer: float | int) -> str:
    """Return the best R^2 of an inverse from queue and served packets, if 30 % of the queues are empty."""
    expect_close(
        answer,
        0.7,
        tolerance=1e-3,
        what="the explained share",
        mistakes={
            "where no packet waits, on and off look alike: nothing is served either way.": 1.0,
            "where a packet waits, what is served tells on from off exactly.": 0.0,
            "that is the share that stays unexplained; R^2 is the rest.": 0.3,
            "that is the variance that is left; divide it by 1/4, the variance of the action, and take it from 1.": 0.075,
            "R^2 is a share of a variance already; no further squares are needed.": 1 - 0.3**2,
        },
    )
    return "0.7, for whatever network: no training reads an action from a state on which it has left no trace."


class _Situations:
    """A situation in which spreads grow, for the check."""

    def __init__(self) -> None:
        self.std_db = np.tile([1.0, 2.0, 4.0], (5, 1))

    def make(self) -> Situation:
        flat = np.ones(5)
        return Situation(is_walking=flat, age_slots=0 * flat, mean_db=10 * np.ones((5, 3)), std_db=self.std_db)


class _Slots:
    def sample(self, situation: Situation, n_samples: int, *, rng: np.random.Generator) -> np.ndarray:
        return situation.std_db * rng.standard_normal((n_samples, *situation.std_db.shape))


class _Shared:
    def sample(self, situation: Situation, n_samples: int, *, rng: np.random.Generator) -> np.ndarray:
        return situation.std_db * rng.standard_normal((n_samples, 1, 1))


class _OneDraw:
    def sample(self, situation: Situation, n_samples: int, *, rng: np.random.Generator) -> np.ndarray:
        number = rng.standard_normal((1, len(situation.std_db), 1))
        return np.repeat(situation.std_db * number, n_samples, axis=0)


class _AroundMean:
    def sample(self, situation: Situation, n_samples: int, *, rng: np.random.Generator) -> np.ndarray:
        number = rng.standard_normal((n_samples, len(situation.std_db), 1))
        return situation.mean_db + situation.std_db * number


class _OwnDice:
    def sample(self, situation: Situation, n_samples: int, *, rng: np.random.Generator) -> np.ndarray:
        return situation.std_db * np.random.default_rng().standard_normal((n_samples, len(situation.std_db), 1))


@exercise(
    title="One error for all slots",
    difficulty="hard",
    minutes=15,
    hints=(
        "`situation.std_db` has the axes (path, slot): the spread that the emulator expects in each coming slot.",
        "Draw one standard normal number for each draw and path: `rng.standard_normal((n_samples, n_paths, 1))`.",
        "Return the spread times that number: NumPy stretches the axis of length 1.",
    ),
    mistakes=(
        Mistake(_Slots, says="each slot has a number of its own"),
        Mistake(_Shared, says="all users"),
        Mistake(_OneDraw, says="all draws are the same"),
        Mistake(_AroundMean, says="residual"),
        Mistake(_OwnDice, says="rng"),
    ),
)
def ex7_4(answer: Any) -> str:
    """Return a class that draws residual paths: one number for each path, times the spread of each slot."""
    expect(isinstance(answer, type), "pass the class itself, without making one: `check.ex7_4(OneError)`.")
    situation, n_draws = _Situations().make(), 500
    got = np.asarray(answer().sample(situation, n_draws, rng=np.random.default_rng(1)))
    wanted = (n_draws, *situation.std_db.shape)
    expect(got.shape == wanted, f"return the axes (draw, path, slot), here {wanted}; yours has {got.shape}.")
    again = np.asarray(answer().sample(situation, n_draws, rng=np.random.default_rng(1)))
    expect(np.array_equal(got, again), "take all numbers from `rng`: the same rng must give the same paths.")
    number = got / situation.std_db
    expect(abs(float(number.mean())) < 1.0, "a residual is what the mean leaves out: do not add the mean.")
    expect(float(number.std(axis=0).min()) > 1e-6, "all draws are the same: draw one number for each of them.")
    expect(float(number.std(axis=1).max()) > 1e-6, "all users share one number; each path has one of its own.")
    expect(
        float(number.std(axis=2).max()) < 1e-9, "each slot has a number of its own; here one lasts for the whole path."
    )
    expect_close(float(number.std()), 1.0, tolerance=0.1, what="the spread of your number")
    return (
        "right in each slot, and the opposite of independent slots: its users are off to one side for all of the path."
    )
