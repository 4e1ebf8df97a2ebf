"""Readers of intents, trained and examined on the same sentences.

All readers of a seed meet the same 3,000 sentences to learn from and the same fresh ones of each split. Settings of all trained
readers were chosen on other seeds, among a few each.

    hand parser, nearest neighbor, bag of words, 1-2-grams    see `twin.abstraction.intents.plain_readers`
    untrained       the transformer with its first weights
    transformer     the same after its training
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.intents.language import IntentLanguage
from gdt_tutorial.twin.abstraction.intents.plain_readers import HandParser, NearestNeighbor, train_linear_reader
from gdt_tutorial.twin.abstraction.intents.reader import IntentReader, score_reading
from gdt_tutorial.twin.abstraction.intents.training import IntentTraining, train_language
from gdt_tutorial.twin.recipes.shipped_intents import N_SENTENCES
from gdt_tutorial.worlds.intents.sentences import SPLITS, Example, draw_splits

__all__ = ["plain_readers", "rows_of", "study"]


def study(
    config: IntentTraining = IntentTraining(), n_train: int = N_SENTENCES, n_test: int = 500, *, seed: int
) -> list[dict[str, Any]]:
    """Train and examine all readers of one seed (some three minutes)."""
    drawn = draw_splits(n_train, n_test, rng=stream(seed, "intents"))
    readers = plain_readers(drawn["train"], seed=seed)
    readers["untrained"] = IntentLanguage.untrained(config.transformer, generator=torch_stream(seed, "language"))
    readers["transformer"] = train_language(drawn["train"], config, generator=torch_stream(seed, "language"))
    return [row for name, reader in readers.items() for row in rows_of(name, reader, drawn)]


def plain_readers(examples: list[Example], *, seed: int) -> dict[str, IntentReader]:
    """Return the hand parser and the readers that learn without a transformer, each by its name."""
    generators = (torch_stream(seed, "linear", longest) for longest in (1, 2))
    bag, grams = (train_linear_reader(examples, n, generator=each) for n, each in enumerate(generators, start=1))
    return {
        "hand parser": HandParser(),
        "nearest neighbor": NearestNeighbor(examples),
        "bag of words": bag,
        "1-2-grams": grams,
    }


def rows_of(name: str, reader: IntentReader, drawn: dict[str, list[Example]]) -> Iterator[dict[str, Any]]:
    """Give one row for each split: exact match, and accuracy, F1 and Matthews correlation as means over slots."""
    for split in SPLITS:
        score = score_reading(reader.read([sentence for sentence, _ in drawn[split]]), drawn[split])
        means = {
            each: float(np.mean([getattr(slot, each) for slot in score.slots.values()])) for each in ("f1", "matthews")
        }
        perplexity = reader.perplexity(drawn[split]) if isinstance(reader, IntentLanguage) else None
        yield {
            "reader": name,
            "split": split,
            "exact": score.exact,
            "glue": score.glue,
            **means,
            "perplexity": perplexity,
        }
