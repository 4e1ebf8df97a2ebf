"""The exercises of chapter 06: a gate and two scores on paper, a forecaster and a reader of one's own."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.twin.abstraction.intents.reader import IntentReader
from gdt_tutorial.twin.abstraction.load_forecast import LoadForecaster
from gdt_tutorial.worlds.intents.meaning import Intent
from gdt_tutorial.worlds.intents.parser import parse

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


# Three tokens with chances 1/2, 1/8 and 1; then 20 clauses, 12 without an exception, read by one who never sees any.
_PERPLEXITY, _ACCURACY, _MATTHEWS = 16 ** (1 / 3), 0.6, 0.0
_STOP, _PREFER = parse("stop games at the gym"), parse("prefer games at the gym")


@exercise(
    title="Two scores (on paper)",
    difficulty="easy",
    minutes=8,
    hints=(
        "Perplexity is exp of the mean of -log(chance): of three chances it is one over their geometric mean.",
        "The product of the chances is 1/16; the third root of 16 is what remains.",
        "A reader that always says the same has no correlation with anything.",
    ),
    mistakes=(
        Mistake((np.log(16) / 3, _ACCURACY, _MATTHEWS), says="nats"),
        Mistake((16.0, _ACCURACY, _MATTHEWS), says="mean"),
        Mistake((_PERPLEXITY, _ACCURACY, _ACCURACY), says="correlation"),
        Mistake((11 / 3, _ACCURACY, _MATTHEWS), says="geometric"),
    ),
)
def ex6_3(answer: Any) -> str:
    """Return perplexity, accuracy and Matthews correlation."""
    expect_close(
        answer,
        (_PERPLEXITY, _ACCURACY, _MATTHEWS),
        tolerance=0.03,
        what="the triple",
        mistakes={
            "the first one is in nats; take exp of it.": (np.log(16) / 3, _ACCURACY, _MATTHEWS),
            "take the mean over the three tokens before exp.": (16.0, _ACCURACY, _MATTHEWS),
            "who always says the same is right by chance: its correlation is 0.": (_PERPLEXITY, _ACCURACY, _ACCURACY),
            "average the logarithms: the geometric mean counts.": (11 / 3, _ACCURACY, _MATTHEWS),
        },
    )
    return "accuracy alone would have praised a reader that never looks."


class _Says:
    def __init__(self, *intents: Intent | None) -> None:
        self._intents = intents

    def read(self, sentences: Sequence[str]) -> list[Intent | None]:
        return [self._intents[index % len(self._intents)] for index in range(len(sentences))]


class _First:
    def __init__(self, one: IntentReader, other: IntentReader) -> None:
        self.one, self.other = one, other

    def read(self, sentences: Sequence[str]) -> list[Intent | None]:
        return self.one.read(sentences)


class _Never(_First):
    def read(self, sentences: Sequence[str]) -> list[Intent | None]:
        return [None] * len(sentences)


class _Either(_First):
    def read(self, sentences: Sequence[str]) -> list[Intent | None]:
        return [one or other for one, other in zip(self.one.read(sentences), self.other.read(sentences), strict=True)]


@exercise(
    title="A careful reader",
    difficulty="medium",
    minutes=12,
    hints=(
        "A reader is any object with `read(sentences)` that returns a list: an intent, or None where it found none.",
        "Ask both readers about all sentences, and go through the pairs.",
        "`[a if a == b else None for a, b in zip(self.one.read(sentences), self.other.read(sentences))]`",
    ),
    mistakes=(
        Mistake(_First, says="where they differ"),
        Mistake(_Never, says="where they agree"),
        Mistake(_Either, says="where they differ"),
    ),
)
def ex6_4(answer: Callable[[IntentReader, IntentReader], Any]) -> str:
    """Hold the place of a reader, and read only what two readers agree on."""
    expect(isinstance(answer, type), "pass the class itself: `check.ex6_4(CarefulReader)`.")
    reader = answer(_Says(_STOP, _STOP, None), _Says(_STOP, _PREFER, _STOP))
    expect(isinstance(reader, IntentReader), "a reader has a method `read(sentences)`.")
    read = reader.read(["a", "b", "c"])
    expect(isinstance(read, list) and len(read) == 3, "return a list with one entry for each sentence.")
    expect(read[0] == _STOP, "where they agree, return what they read.")
    expect(read[1] is None and read[2] is None, "where they differ, return None: somebody will have to ask back.")
    return "it takes the place of any reader, and says when it is not sure."
