"""How the shipped intent model is made: 3,000 sentences of the grammar, and 2,000 verdicts to tell (some three minutes)."""

from collections.abc import Callable

from gdt_tutorial import seeding
from gdt_tutorial.twin.abstraction.intents.language import IntentLanguage
from gdt_tutorial.twin.abstraction.intents.training import IntentTraining, train_language
from gdt_tutorial.worlds.intents.sentences import draw_examples

__all__ = ["N_SENTENCES", "train_shipped_intents"]

N_SENTENCES = 3000
_SEED = 30_000  # far from the seeds that chapters and tests run with


def train_shipped_intents(
    config: IntentTraining = IntentTraining(), on_update: Callable[[int, float], object] | None = None
) -> IntentLanguage:
    """Train the shipped intent model anew."""
    examples = draw_examples("train", N_SENTENCES, rng=seeding.stream(_SEED, "intents"))
    return train_language(examples, config, generator=seeding.torch_stream(_SEED, "intents"), on_update=on_update)
