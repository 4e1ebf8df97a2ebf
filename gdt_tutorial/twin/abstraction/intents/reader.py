"""Who reads an operator: the protocol, and how good what he reads is.

Table 1 of the paper judges a generative transformer by "general language understanding evaluation" (GLUE) and perplexity. GLUE
scores each task by a measure of its own and averages over tasks (Wang et al. 2019). Our tasks are the slots of a clause:
accuracy, macro F1 and the Matthews correlation of each. The strictest measure stands first: an intent is right when all of it
is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from gdt_tutorial.configuration import require
from gdt_tutorial.studies.classification import accuracy, macro_f1, matthews_correlation
from gdt_tutorial.worlds.intents.meaning import SLOTS, Intent
from gdt_tutorial.worlds.intents.sentences import Example

__all__ = ["IntentReader", "ReadingScore", "SlotScore", "score_reading"]

_ABSENT = "(no clause)"


@runtime_checkable
class IntentReader(Protocol):
    """Anything that reads sentences."""

    def read(self, sentences: Sequence[str]) -> list[Intent | None]:
        """Return what each sentence means, or None where the reader found no meaning that could be carried out."""
        ...


@dataclass(frozen=True, kw_only=True)
class SlotScore:
    """How well one slot of a clause was read."""

    accuracy: float
    f1: float
    matthews: float


@dataclass(frozen=True, kw_only=True)
class ReadingScore:
    """How well sentences were read."""

    exact: float  # share of intents of which all is right
    slots: dict[str, SlotScore]

    @property
    def glue(self) -> float:
        """The mean over slots of their accuracy, as GLUE averages over tasks."""
        return float(np.mean([slot.accuracy for slot in self.slots.values()]))


def score_reading(read: Sequence[Intent | None], examples: Sequence[Example]) -> ReadingScore:
    """Compare what was read with what was meant; clause by clause in their order, a missing or extra clause is wrong.

    Raises:
        ValueError: No example, or another number of readings.
    """
    require(len(examples) > 0, "examples", "hold one at least", 0, "draw some")
    require(len(read) == len(examples), "read", f"hold {len(examples)} readings", len(read), "read all sentences")
    pairs = [_aligned(own, example.intent) for own, example in zip(read, examples, strict=True)]
    found, meant = (np.array([row for pair in pairs for row in pair[side]]) for side in (0, 1))
    slots = {
        slot: SlotScore(accuracy=accuracy(*both), f1=macro_f1(*both), matthews=matthews_correlation(*both))
        for slot, both in zip(SLOTS, zip(found.T, meant.T, strict=True), strict=True)
    }
    exact = np.mean([own == example.intent for own, example in zip(read, examples, strict=True)])
    return ReadingScore(exact=float(exact), slots=slots)


def _aligned(read: Intent | None, meant: Intent) -> tuple[list[list[str]], list[list[str]]]:
    """Return the slots of both, with absent clauses where one has fewer."""
    clauses = [() if read is None else read.clauses, meant.clauses]
    n_clauses = max(map(len, clauses))
    rows = [[[getattr(clause, slot) for slot in SLOTS] for clause in side] for side in clauses]
    found, wanted = (side + [[_ABSENT] * len(SLOTS)] * (n_clauses - len(side)) for side in rows)
    return found, wanted
