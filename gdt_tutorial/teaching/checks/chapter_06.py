"""The exercises of chapter 06: a gate on paper, a forecaster of one's own; those on intents stand in `chapter_06_intents`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.twin.abstraction.load_forecast import LoadForecaster

# Keys 2 and 1; surprises of B, C, D in their two slots; decisiveness 1.
_KEY, _VALUE = np.array([2.0, 1.0]), np.array([[0.5, 0.0, -0.5], [0.0, 1.0, 0.0]])


def _softmax(score: np.ndarray) -> np.ndarray:
    weight = np.exp(score - score.max())
    return weight / weight.sum()


_GATE = _softmax(_KEY @ _VALUE)


@exercise(
    title="A gate (on paper)",
    difficulty="easy",
    minutes=8,
    hints=(
        "The score of a destination is the sum over both crowds of key times surprise.",
        "B: 2 * 0.5 + 1 * 0 = 1. C and D in the same way.",
        "Take exp of the three scores, and divide by their sum.",
    ),
    mistakes=(
        Mistake((1.0, 1.0, -1.0), says="scores"),
        Mistake(_softmax(_VALUE.sum(axis=0)), says="keys"),
        Mistake(_softmax(2 * _KEY @ _VALUE), says="decisiveness"),
        Mistake(_softmax(_KEY[0] * _VALUE[0]), says="second crowd"),
    ),
)
def ex6_1(answer: Any) -> str:
    """Return the gates of B, C and D."""
    expect_close(
        answer,
        _GATE,
        tolerance=0.01,
        what="the triple",
        mistakes={
            "these are the scores; a gate is their softmax.": (1.0, 1.0, -1.0),
            "weigh each surprise by its crowd: the keys are 2 and 1.": _softmax(_VALUE.sum(axis=0)),
            "the decisiveness is 1 here.": _softmax(2 * _KEY @ _VALUE),
            "add what the second crowd says.": _softmax(_KEY[0] * _VALUE[0]),
        },
    )
    return "a large crowd with a small surprise says as much as a small crowd with a large one."


class _Mean:
    def forecast(self, load: np.ndarray) -> np.ndarray:
        return load.mean(axis=1)


class _Last:
    def forecast(self, load: np.ndarray) -> np.ndarray:
        return load[:, -1]


class _Slot:
    def forecast(self, load: np.ndarray) -> np.ndarray:
        return 2 * load[:, -1:] - load[:, -2:-1]


@exercise(
    title="A forecaster of your own",
    difficulty="medium",
    minutes=10,
    hints=(
        "A forecaster is any object with `forecast(load)`; `load` has the axes environment, slot, access point.",
        "A straight line goes on by what the last slot changed.",
        "`2 * load[:, -1] - load[:, -2]`, and the last slot itself where there is only one.",
    ),
    mistakes=(
        Mistake(_Last, says="did not go on"),
        Mistake(_Mean, says="did not go on"),
        Mistake(_Slot, says="one number for each access point"),
    ),
)
def ex6_2(answer: Callable[[], Any]) -> str:
    """Hold the place of a forecaster, and go on along a straight line."""
    expect(isinstance(answer, type), "pass the class itself: `check.ex6_2(StraightLine)`.")
    forecaster = answer()
    expect(isinstance(forecaster, LoadForecaster), "a forecaster has a method `forecast(load)`.")
    load = np.array([[[1.0, 5.0], [4.0, 6.0], [6.0, 4.0]]])
    coming = np.asarray(forecaster.forecast(load))
    expect(
        coming.shape == (1, 2), "return one number for each access point of each environment: drop the axis of slots."
    )
    expect(
        np.allclose(coming, [[8.0, 2.0]]),
        "the load rose from 4 to 6 and fell from 6 to 4; your forecast did not go on.",
    )
    alone = np.asarray(forecaster.forecast(load[:, :1]))
    expect(np.allclose(alone, load[:, 0]), "in the first slot there is nothing to go on from: return that slot.")
    return "it takes the place of any forecaster in the twin."
