"""The exercises of chapter 06 about intents: two scores on paper, a careful reader."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gdt_tutorial.teaching.exercises import Mistake, exercise, expect, expect_close
from gdt_tutorial.twin.abstraction.intents.reader import IntentReader
from gdt_tutorial.worlds.intents.meaning import Intent
from gdt_tutorial.worlds.intents.parser import parse

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
