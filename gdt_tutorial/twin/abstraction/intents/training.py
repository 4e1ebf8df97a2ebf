"""How the intent model learns: sentences with their intents, and verdicts with their sentences, in one loop.

Only answers are scored: what an operator will say is not to be guessed. Each batch begins at random positions, so that late
positions, where long sentences end, are met in training (the trick is known as randomized positional encoding, Ruoss et al.
2023; ours shifts the whole sequence).
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.gai.language_model import (
    CausalTransformer,
    next_token_loss,
    shifted_positions,
)
from gdt_tutorial.gai.transformer import (
    TransformerConfig,
)
from gdt_tutorial.learning import FitConfig, cosine, fit_updates
from gdt_tutorial.twin.abstraction.intents.language import IntentLanguage, Sequences, padded
from gdt_tutorial.worlds.intents.sentences import Example
from gdt_tutorial.worlds.intents.verdicts import draw_verdicts, say_verdict
from gdt_tutorial.worlds.intents.vocabulary import reading, telling

__all__ = ["IntentTraining", "shifted_loss", "train_language", "training_sequences"]

_N_POSITIONS = 96  # longer than three clauses with their intent


@configclass
class IntentTraining:
    """Size and training of the intent model."""

    n_verdicts: int = parameter(
        2000, "Verdicts that it learns to tell; sentences to read are given.", "chosen", above=0
    )
    n_updates: int = parameter(4500, "Gradient steps.", "chosen on seeds that no figure shows", above=0)
    transformer: TransformerConfig = TransformerConfig()
    fit: FitConfig = parameter(
        FitConfig(batch_size=64, learning_rate=4e-3, weight_decay=1e-2, max_gradient_norm=1.0, schedule=cosine),
        "How it learns.",
        "chosen on seeds that no figure shows",
    )


def training_sequences(examples: list[Example], n_verdicts: int, *, rng: np.random.Generator) -> Sequences:
    """Return sentences with their intents, and verdicts drawn with their sentences, as sequences with scored answers."""
    verdicts = draw_verdicts(n_verdicts, rng=rng)
    told = [telling(verdict, say_verdict(verdict, rng=rng)) for verdict in verdicts]
    return padded([*(reading(*example) for example in examples), *told])


def shifted_loss(
    model: CausalTransformer, token: Int[Tensor, "batch token"], is_scored: Bool[Tensor, "batch token"]
) -> Float[Tensor, ""]:
    """Return the loss of the answers, each sequence from a random position on; what fills up all rows is cut off."""
    width = int(is_scored.any(dim=0).nonzero().max()) + 1
    position = shifted_positions(len(token), width, max(width, _N_POSITIONS), generator=torch.default_generator)
    return next_token_loss(model, token[:, :width], is_scored[:, :width], position)


def train_language(
    examples: list[Example],
    config: IntentTraining = IntentTraining(),
    *,
    generator: torch.Generator,
    on_update: Callable[[int, float], object] | None = None,
) -> IntentLanguage:
    """Train a model from its first weights.

    Args:
        examples: Sentences and what they mean.
        config: Size and training.
        generator: Draws first weights, verdicts with their sentences, batches and positions.
        on_update: Called with the update (from 0) and its loss, for a progress bar.
    """
    language = IntentLanguage.untrained(config.transformer, generator=generator)
    rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
    sequences = training_sequences(examples, config.n_verdicts, rng=rng)
    fit_updates(
        language.model, sequences, shifted_loss, config.fit, config.n_updates, generator=generator, on_update=on_update
    )
    return language
