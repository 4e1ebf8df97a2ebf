"""Plain readers beside the transformer: the hand parser, linear classifiers on counts of words, the nearest neighbor.

    hand parser       reads by the grammar itself: right on all by construction
    bag of words      one linear classifier for each slot of each clause, on counts of words
    1-2-grams         the same on counts of words and of pairs of neighbors
    nearest neighbor  the intent of the training sentence that shares most 1-2-grams (cosine of the counts)

The linear readers have a class "no clause" for clauses that are not there, so they read as many clauses as the training has and
not one more. Their classifiers learn together in one layer, which is the same as one by one.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.learning import FitConfig, cosine, fit
from gdt_tutorial.seeding import torch_seeded
from gdt_tutorial.worlds.intents.meaning import NONE, SLOTS, VALUES, Clause, Intent
from gdt_tutorial.worlds.intents.parser import parse, split_words
from gdt_tutorial.worlds.intents.sentences import Example

__all__ = ["HandParser", "LinearReader", "LinearTraining", "NearestNeighbor", "Terms", "train_linear_reader"]


@configclass
class LinearTraining:
    """How the linear classifiers learn."""

    fit: FitConfig = parameter(
        FitConfig(n_epochs=40, batch_size=64, learning_rate=1e-2, weight_decay=1e-2, schedule=cosine),
        "How they learn.",
        "chosen on seeds that no figure shows",
    )


class HandParser:
    """Reads by the grammar (an `IntentReader`)."""

    def read(self, sentences: Sequence[str]) -> list[Intent | None]:
        """Parse each sentence; None where it does not follow the grammar.

        Raises:
            ValueError: Never for a sentence of the grammar; see `parser.parse` for what is wrong with another one.
        """
        return [parse(sentence) for sentence in sentences]


class Terms:
    """Counts of words, or of words and pairs of neighbors, that occur in given sentences."""

    def __init__(self, sentences: Sequence[str], longest: int) -> None:
        self.longest = longest
        found = {term for sentence in sentences for term in self._terms(sentence)}
        self._number = {term: number for number, term in enumerate(sorted(found))}

    def counts(self, sentences: Sequence[str]) -> Float[np.ndarray, "batch feature"]:
        """Count the terms of each sentence; those that were not there before do not count."""
        counts = np.zeros((len(sentences), len(self._number)))
        for row, sentence in enumerate(sentences):
            for term in self._terms(sentence):
                if term in self._number:
                    counts[row, self._number[term]] += 1
        return counts

    def _terms(self, sentence: str) -> list[tuple[str, ...]]:
        found = split_words(sentence)
        return [tuple(found[i : i + n]) for n in range(1, self.longest + 1) for i in range(len(found) - n + 1)]


class NearestNeighbor:
    """Answers with the intent of the most similar sentence of the training (an `IntentReader`)."""

    def __init__(self, examples: Sequence[Example], longest: int = 2) -> None:
        require(len(examples) > 0, "examples", "hold one at least", 0, "pass the training")
        sentences = [sentence for sentence, _ in examples]
        self._terms, self._intents = Terms(sentences, longest), [intent for _, intent in examples]
        self._known = _unit(self._terms.counts(sentences))

    def read(self, sentences: Sequence[str]) -> list[Intent | None]:
        """Return the intent of each sentence's nearest neighbor."""
        nearest = (_unit(self._terms.counts(sentences)) @ self._known.T).argmax(axis=1)
        return [self._intents[index] for index in nearest]


class LinearReader:
    """One linear classifier per slot and clause, on counts of terms (an `IntentReader`)."""

    def __init__(self, terms: Terms, layer: nn.Linear, n_clauses: int) -> None:
        self._terms, self._layer, self._n_clauses = terms, layer, n_clauses

    def read(self, sentences: Sequence[str]) -> list[Intent | None]:
        """Put together the likeliest values that make an intent."""
        with torch.no_grad():
            score = self._layer(torch.from_numpy(self._terms.counts(sentences)).float()).double()
        likely = [part.log_softmax(dim=1).numpy() for part in score.split(_sizes(self._n_clauses), dim=1)]
        return [_likeliest([part[row] for part in likely]) for row in range(len(sentences))]


def train_linear_reader(
    examples: Sequence[Example],
    longest: int,
    config: LinearTraining = LinearTraining(),
    *,
    generator: torch.Generator,
) -> LinearReader:
    """Train the classifiers by cross entropy, from weights of zero.

    Args:
        examples: Sentences and what they mean.
        longest: 1 counts words, 2 counts pairs of neighbors too.
        config: How they learn.
        generator: Orders the samples.

    Raises:
        ValueError: No example.
    """
    require(len(examples) > 0, "examples", "hold one at least", 0, "pass the training")
    terms = Terms([sentence for sentence, _ in examples], longest)
    n_clauses = max(len(intent.clauses) for _, intent in examples)
    counts = torch.from_numpy(terms.counts([sentence for sentence, _ in examples])).float()
    classes = torch.from_numpy(np.stack([_classes(intent, n_clauses) for _, intent in examples]))
    sizes = _sizes(n_clauses)
    with torch_seeded(generator):
        layer = nn.Linear(counts.shape[1], sum(sizes))
    for weight in layer.parameters():
        nn.init.zeros_(weight)

    def loss(model: nn.Module, row: Tensor, wanted: Tensor) -> Tensor:
        parts = zip(model(row).split(sizes, dim=1), wanted.T, strict=True)
        return torch.stack([functional.cross_entropy(score, own) for score, own in parts]).sum()

    fit(layer, (counts, classes), loss, config.fit, generator=generator)
    return LinearReader(terms, layer, n_clauses)


def _sizes(n_clauses: int) -> list[int]:
    """Return the number of classes of each slot, the last of which is "no clause"."""
    return [len(VALUES[slot]) + 1 for slot in SLOTS] * n_clauses


def _classes(intent: Intent, n_clauses: int) -> Int[np.ndarray, " branch"]:
    own = [[VALUES[slot].index(getattr(clause, slot)) for slot in SLOTS] for clause in intent.clauses]
    absent = [[len(VALUES[slot]) for slot in SLOTS]] * (n_clauses - len(own))
    return np.array([*own, *absent]).reshape(-1)


def _likeliest(likely: Sequence[Float[np.ndarray, " _"]]) -> Intent:
    """Return the likeliest clauses up to the first whose action is absent; there is one at least."""
    parts = [likely[start : start + len(SLOTS)] for start in range(0, len(likely), len(SLOTS))]
    is_there = [bool(part[0].argmax() < len(VALUES["action"])) for part in parts]
    n_clauses = max(is_there.index(False) if False in is_there else len(parts), 1)
    return Intent(tuple(_likeliest_clause(part) for part in parts[:n_clauses]))


def _likeliest_clause(part: Sequence[Float[np.ndarray, " _"]]) -> Clause:
    """Return the likeliest values that go together: an hour with its relation, and an exception that is another place."""
    likely = {slot: dict(zip(VALUES[slot], scores, strict=False)) for slot, scores in zip(SLOTS, part, strict=True)}
    best = {slot: max(values, key=values.__getitem__) for slot, values in likely.items()}
    best["exception"] = max(
        (each for each in likely["exception"] if each != best["place"]), key=likely["exception"].__getitem__
    )
    timed = [
        max((each for each in likely[slot] if each != NONE), key=likely[slot].__getitem__)
        for slot in ("relation", "hour")
    ]
    gain = [likely[slot][own] - likely[slot][NONE] for slot, own in zip(("relation", "hour"), timed, strict=True)]
    best["relation"], best["hour"] = timed if sum(gain) > 0 else (NONE, NONE)
    return Clause(**best)


def _unit(counts: Float[np.ndarray, "batch feature"]) -> Float[np.ndarray, "batch feature"]:
    return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-12)
