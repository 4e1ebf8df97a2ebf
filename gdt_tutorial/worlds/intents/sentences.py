"""From meanings to sentences, and the splits on which a reader is trained and examined.

    train         pairs of action and place, and of place and exception, four fifths of each; four orders; one or two clauses
    same          new sentences of the same kind
    combinations  every clause holds one of the pairs that training never shows
    orders        the parts of every clause stand in an order that training never shows; all words and pairs are known
    clauses       three clauses, longer than any sentence of the training

The split follows from the values alone and was fixed before anything was trained.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from gdt_tutorial.configuration import require
from gdt_tutorial.worlds.intents import words
from gdt_tutorial.worlds.intents.meaning import NONE, VALUES, Clause, Intent

__all__ = [
    "SPLITS",
    "Example",
    "draw_examples",
    "draw_splits",
    "is_held_out",
    "one",
    "say_clause",
    "say_hour",
    "say_intent",
    "say_place",
]

_T = TypeVar("_T")

SPLITS = ("same", "combinations", "orders", "clauses")
_HELD_OUT = 5  # one pair in five
_TWO_CLAUSES, _EXCEPTED, _TIMED = 0.5, 0.4, 0.7


class Example(NamedTuple):
    """A sentence and what it means."""

    sentence: str
    intent: Intent


def is_held_out(clause: Clause) -> bool:
    """Say whether training never shows this action at this place, or this exception from it."""
    action, place = VALUES["action"].index(clause.action), VALUES["place"].index(clause.place)
    if (action + 2 * place) % _HELD_OUT == 0:
        return True
    return clause.exception != NONE and (place + 3 * VALUES["exception"].index(clause.exception)) % _HELD_OUT == 0


def say_clause(clause: Clause, order: Sequence[str], *, rng: np.random.Generator) -> str:
    """Return one of the sentences that mean a clause, with its parts in this order."""
    action = one(words.ACTIONS[clause.action], rng).format(service=one(words.SERVICES[clause.service], rng))
    parts = {"action": action, "place": say_place(clause.place, rng), "exception": "", "time": ""}
    if clause.exception != NONE:
        parts["exception"] = f"{one(words.BUT, rng)} {say_place(clause.exception, rng)}"
    if clause.relation != NONE:
        parts["time"] = one(words.RELATIONS[clause.relation], rng).format(hour=say_hour(int(clause.hour), rng))
    return " ".join(parts[part] for part in order if parts[part])


def say_intent(
    intent: Intent, orders: Sequence[Sequence[str]] = words.TRAINED_ORDERS, *, rng: np.random.Generator
) -> str:
    """Return one of the sentences that mean an intent; each clause draws its order."""
    said = [say_clause(clause, one(orders, rng), rng=rng) for clause in intent.clauses]
    return said[0] + "".join(f" {one(words.CONNECTORS, rng)} {each}" for each in said[1:])


def draw_examples(split: str, n_examples: int, *, rng: np.random.Generator) -> list[Example]:
    """Draw sentences with their meanings of a kind: "train" or one of `SPLITS`.

    Raises:
        ValueError: A split that there is not, or no example.
    """
    require(split in ("train", *SPLITS), "split", f"be train or one of {SPLITS}", split, "see the module")
    require(n_examples > 0, "n_examples", "be above 0", n_examples, "draw one at least")
    orders, examples = (words.NEW_ORDERS if split == "orders" else words.TRAINED_ORDERS), []
    for _ in range(n_examples):
        n_clauses = 3 if split == "clauses" else 1 + int(rng.random() < _TWO_CLAUSES)
        intent = Intent(tuple(_draw_clause(split, rng) for _ in range(n_clauses)))
        examples.append(Example(say_intent(intent, orders, rng=rng), intent))
    return examples


def draw_splits(n_train: int, n_test: int, *, rng: np.random.Generator) -> dict[str, list[Example]]:
    """Draw the training set and all splits; no sentence of a split occurs in the training.

    Returns:
        The examples of "train" and of each of `SPLITS`.
    """
    train_rng, *rngs = rng.spawn(1 + len(SPLITS))
    drawn = {"train": draw_examples("train", n_train, rng=train_rng)}
    known = {example.sentence for example in drawn["train"]}
    for split, own in zip(SPLITS, rngs, strict=True):
        fresh: list[Example] = []
        while len(fresh) < n_test:
            fresh += [each for each in draw_examples(split, n_test, rng=own) if each.sentence not in known]
        drawn[split] = fresh[:n_test]
    return drawn


def _draw_clause(split: str, rng: np.random.Generator) -> Clause:
    """Draw a clause until it is of the split: with a held-out pair, or without one."""
    while True:
        value = {slot: one(VALUES[slot], rng) for slot in ("action", "service", "place")}
        # Without time the new orders are old ones, and one of them needs an exception to be new.
        is_new_order = split == "orders"
        if is_new_order or rng.random() < _EXCEPTED:
            value["exception"] = one(words.PLACES, rng)
        if is_new_order or rng.random() < _TIMED:
            value |= {"relation": one(tuple(words.RELATIONS), rng), "hour": str(one(words.HOURS, rng))}
        if value.get("exception") == value["place"]:
            continue
        clause = Clause(**value)
        if is_held_out(clause) == (split == "combinations"):
            return clause


def say_place(place: str, rng: np.random.Generator) -> str:
    """Return a phrase for a place."""
    if place == words.EVERYWHERE:
        return one(words.WHERE_ALL, rng)
    return f"{one(words.PREPOSITIONS, rng)} {one(words.NAMES[place], rng)}"


def say_hour(hour: int, rng: np.random.Generator) -> str:
    """Return a phrase for an hour of the day."""
    if hour == 12:
        return "noon"
    halves = [half for half, added in words.HALVES.items() if added == 12 * (hour > 12)]
    return f"{words.NUMBERS[hour % 12 - 1]} {one(halves, rng)}".strip()


def one(choices: Sequence[_T], rng: np.random.Generator) -> _T:
    """Draw one of several, all alike."""
    return choices[int(rng.integers(len(choices)))]
