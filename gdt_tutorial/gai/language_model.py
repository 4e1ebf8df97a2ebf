"""A language model: a transformer that guesses the next token from those so far.

"Generative Transformer (GT) [...] excels in text understanding and generation" (the paper, Generative AI).

    token, position -> blocks, each seeing only what came before -> norm -> scores of the next token

What was read once can be gone on from: each layer keeps the keys and values of its tokens (`read`, and `generation`).

Sources: Vaswani et al. 2017; one matrix for reading and writing tokens is Press and Wolf 2017; training from random positions
on, so that longer sequences have been met, is chosen.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gdt_tutorial import checkpoints
from gdt_tutorial.configuration import require
from gdt_tutorial.gai.transformer import Past, PreNormBlock, TransformerConfig, causal_mask, sinusoidal_positions
from gdt_tutorial.seeding import torch_seeded

__all__ = [
    "CausalTransformer",
    "load_transformer",
    "next_token_loss",
    "perplexity",
    "save_transformer",
    "shifted_positions",
]


def shifted_positions(
    n_batch: int, n_tokens: int, n_positions: int, *, generator: torch.Generator
) -> Int[Tensor, "batch token"]:
    """Let each sequence begin at a random position, so that late positions are met in training by short sequences too.

    Raises:
        ValueError: More tokens than positions.
    """
    require(n_tokens <= n_positions, "n_positions", f"be at least {n_tokens}", n_positions, "raise it")
    shift = torch.randint(n_positions - n_tokens + 1, (n_batch, 1), generator=generator)
    return shift + torch.arange(n_tokens)


class CausalTransformer(nn.Module):
    """A language model: scores of the next token from those so far, with pre-norm blocks.

    Args:
        n_vocabulary: Different tokens.
        config: Sizes.
        generator: Draws the first weights.

    Raises:
        ValueError: No token.
    """

    def __init__(
        self, n_vocabulary: int, config: TransformerConfig = TransformerConfig(), *, generator: torch.Generator
    ) -> None:
        super().__init__()
        require(n_vocabulary > 0, "n_vocabulary", "be above 0", n_vocabulary, "pass the number of different tokens")
        self.n_vocabulary, self.config = n_vocabulary, config
        with torch_seeded(generator):
            self.embedding = nn.Embedding(n_vocabulary, config.n_model)
            nn.init.normal_(self.embedding.weight, std=config.n_model**-0.5)
            self.blocks = nn.ModuleList([PreNormBlock(config) for _ in range(config.n_layers)])
            self.norm = nn.LayerNorm(config.n_model)

    def forward(
        self, token: Int[Tensor, "batch token"], position: Int[Tensor, "_ token"] | None = None
    ) -> Float[Tensor, "batch token vocabulary"]:
        """Return the scores (logits) of what follows each token.

        Args:
            token: Their numbers.
            position: Where each stands; from 0 on where left out (see `shifted_positions`).

        Raises:
            ValueError: No token, or a number outside the vocabulary.
        """
        return self.read(token, position=position)[0]

    def read(
        self,
        token: Int[Tensor, "batch token"],
        past: Sequence[Past] | None = None,
        position: Int[Tensor, "_ token"] | None = None,
    ) -> tuple[Float[Tensor, "batch token vocabulary"], list[Past], list[Float[Tensor, "batch head token key"]]]:
        """Go on from what was read before; return scores, the past of each layer, and each layer's weights.

        Args:
            token: What comes now.
            past: As returned by the call before; none at the beginning.
            position: As in `forward`; they go on from the past where left out.

        Raises:
            ValueError: As `forward`, or the past of another number of layers.
        """
        self._check(token, past)
        n_past = 0 if past is None else past[0].key.shape[2]
        if position is None:
            position = torch.arange(n_past, n_past + token.shape[1])[None]
        x = self.embedding(token) * math.sqrt(self.config.n_model)
        x = x + sinusoidal_positions(position, self.config.n_model)
        is_seen, layers, weights = causal_mask(token.shape[1], n_past + token.shape[1]), [], []
        for number, block in enumerate(self.blocks):
            x, weight, layer = block(x, is_seen, None if past is None else past[number])
            layers.append(layer)
            weights.append(weight)
        return self.norm(x) @ self.embedding.weight.T, layers, weights

    def _check(self, token: Tensor, past: Sequence[Past] | None) -> None:
        require(
            token.shape[-1] > 0, "token", "hold a token in each row", tuple(token.shape), "begin with a start token"
        )
        low, high = int(token.min()), int(token.max())
        is_known = low >= 0 and high < self.n_vocabulary
        rule = f"lie in [0, {self.n_vocabulary})"
        require(is_known, "token", rule, (low, high), "code the text with this model's vocabulary")
        if past is not None:
            n_layers = self.config.n_layers
            require(len(past) == n_layers, "past", f"hold {n_layers} layers", len(past), "pass that of the same model")


def next_token_loss(
    model: CausalTransformer,
    token: Int[Tensor, "batch token"],
    is_scored: Bool[Tensor, "batch token"],
    position: Int[Tensor, "_ token"] | None = None,
) -> Float[Tensor, ""]:
    """Return the mean negative log-likelihood in nats of the tokens that are scored, each given those before it.

    The first token has none before it, so it is never scored. Where rows are filled up at their end, do not score what fills.

    Raises:
        ValueError: Nothing to score.
    """
    require(bool(is_scored[:, 1:].any()), "is_scored", "mark a token after the first", "none", "score what is guessed")
    score = model(token[:, :-1], None if position is None else position[:, :-1])
    each = functional.cross_entropy(score.flatten(0, 1), token[:, 1:].flatten(), reduction="none")
    return each[is_scored[:, 1:].flatten()].mean()


@torch.no_grad()
def perplexity(
    model: CausalTransformer, token: Int[Tensor, "batch token"], is_scored: Bool[Tensor, "batch token"]
) -> float:
    """Return exp of the mean loss: among how many equally likely tokens the model wavers."""
    return math.exp(next_token_loss(model, token, is_scored).item())


def save_transformer(model: CausalTransformer, path: str | Path) -> None:
    """Write weights and sizes of a language model.

    Raises:
        WriteError: The disk is full, or the folder cannot be made or written.
    """
    checkpoints.save(model, path, {"n_vocabulary": model.n_vocabulary, **asdict(model.config)})


def load_transformer(path: str | Path) -> CausalTransformer:
    """Return the language model that `save_transformer` wrote, in evaluation mode.

    Raises:
        ValueError: No such file, or one that holds something else.
    """

    def make(config: dict) -> CausalTransformer:
        sizes = dict(config)
        n_vocabulary = sizes.pop("n_vocabulary")
        return CausalTransformer(n_vocabulary, TransformerConfig(**sizes), generator=torch.Generator())

    return checkpoints.load(path, make)[0]
