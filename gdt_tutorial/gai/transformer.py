"""The transformer: tokens that look at each other.

"Generative Transformer (GT) [...] excels in text understanding and generation as well as feature abstraction through advanced
positional encoding, self and multi-head attention mechanisms, and residual connections among neural networks" (the paper,
Generative AI). It gives no sizes; all are chosen here.

    attention      weight[i, j] = softmax over j of (query[i] . key[j] / sqrt(width))
                   out[i] = sum over j of weight[i, j] value[j]
    heads          the same several times side by side, each on its own share of the width
    block          x + attention(norm(x)),  then  x + perceptron(norm(x))                  a residual connection around each
    causal         weight[i, j] = 0 where j is later than i: what comes next is never seen

In self-attention queries, keys and values come from the same tokens, in cross-attention keys and values come from others. A
token does not know where it stands, so a code of its position is added to it. Guessing the next token stands in
`language_model`, and generation in `generation`.

Sources: Vaswani et al. 2017, sec. 3; the norm before each part, where gradients stay even from the first step, is Xiong et
al. 2020. We leave out dropout, and write attention out instead of calling torch's fused kernel, which does not return the
weights that one wants to look at.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gdt_tutorial.configuration import configclass, parameter, require

__all__ = [
    "MultiHeadAttention",
    "Past",
    "PostNormBlock",
    "PreNormBlock",
    "TransformerConfig",
    "attend",
    "attention_weights",
    "causal_mask",
    "sinusoidal_positions",
]


@configclass
class TransformerConfig:
    """Size of a transformer."""

    n_model: int = parameter(32, "Width: numbers that describe a token.", "chosen", above=0)
    n_heads: int = parameter(4, "Attention heads; each has its share of the width.", "chosen", above=0)
    n_layers: int = parameter(2, "Blocks, one after the other.", "chosen", above=0)
    n_hidden: int = parameter(128, "Hidden units of a block's perceptron.", "four times the width, as Vaswani", above=0)

    def __post_init__(self) -> None:
        is_even, is_shared = self.n_model % 2 == 0, self.n_model % self.n_heads == 0
        require(is_even, "n_model", "be even", self.n_model, "positions are coded in pairs of sine and cosine")
        remedy = "each head has an equal share of the width"
        require(is_shared, "n_heads", f"divide n_model, {self.n_model}", self.n_heads, remedy)


class Past(NamedTuple):
    """Keys and values of the tokens that one layer has already seen."""

    key: Float[Tensor, "batch head key feature"]
    value: Float[Tensor, "batch head key feature"]


def sinusoidal_positions(
    position: Int[Tensor, "*shape token"], n_model: int, longest: float = 10_000.0
) -> Float[Tensor, "*shape token feature"]:
    """Return sine and cosine of each position at wavelengths from 2 pi to 2 pi `longest` (Vaswani et al. 2017, sec. 3.5).

    Raises:
        ValueError: A width that is not even.
    """
    require(n_model % 2 == 0, "n_model", "be even", n_model, "positions are coded in pairs of sine and cosine")
    rate = longest ** (-torch.arange(0, n_model, 2, device=position.device) / n_model)
    angle_rad = position[..., None] * rate
    return torch.stack([angle_rad.sin(), angle_rad.cos()], dim=-1).flatten(-2)


def causal_mask(n_queries: int, n_keys: int) -> Bool[Tensor, "query key"]:
    """Say which keys each query may see: itself and what came before. The queries are the last of the keys."""
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries)


def attention_weights(
    query: Float[Tensor, "*shape query feature"],
    key: Float[Tensor, "*shape key _"],
    is_seen: Bool[Tensor, "*#shape query key"] | None = None,
) -> Float[Tensor, "*shape query key"]:
    """Return how much each query looks at each key; every row sums to one.

    Raises:
        ValueError: Queries and keys of different widths, or a query that may see nothing.
    """
    widths = (query.shape[-1], key.shape[-1])
    require(widths[0] == widths[1], "key", f"have the width of query, {widths[0]}", widths[1], "project both alike")
    score = query @ key.transpose(-2, -1) / math.sqrt(widths[0])
    if is_seen is not None:
        n_blind = int((~is_seen.any(dim=-1)).sum())
        require(n_blind == 0, "is_seen", "let every query see a key", f"{n_blind} that see none", "let it see itself")
        score = score.masked_fill(~is_seen, -math.inf)
    return score.softmax(dim=-1)


def attend(
    query: Float[Tensor, "*shape query feature"],
    key: Float[Tensor, "*shape key _"],
    value: Float[Tensor, "*shape key _"],
    is_seen: Bool[Tensor, "*#shape query key"] | None = None,
) -> tuple[Float[Tensor, "*shape query _"], Float[Tensor, "*shape query key"]]:
    """Return the mean of the values that each query looks at, and its weights (Vaswani et al. 2017, eq. 1)."""
    weight = attention_weights(query, key, is_seen)
    return weight @ value, weight


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each on its share of the width (Vaswani et al. 2017, sec. 3.2.2).

    Args:
        n_model: Width of the tokens.
        n_heads: Heads; they divide the width.
        n_other: Width of the tokens that are looked at in cross-attention; as `n_model` where left out.
    """

    def __init__(self, n_model: int, n_heads: int, n_other: int | None = None) -> None:
        super().__init__()
        remedy = "each head has an equal share of the width"
        require(n_heads > 0 and n_model % n_heads == 0, "n_heads", f"divide n_model, {n_model}", n_heads, remedy)
        self.n_heads, n_other = n_heads, n_model if n_other is None else n_other
        self.query, self.output = nn.Linear(n_model, n_model), nn.Linear(n_model, n_model)
        self.key, self.value = nn.Linear(n_other, n_model), nn.Linear(n_other, n_model)

    def forward(
        self,
        x: Float[Tensor, "batch query feature"],
        other: Float[Tensor, "batch token _"] | None = None,
        is_seen: Bool[Tensor, "*#shape query key"] | None = None,
        past: Past | None = None,
    ) -> tuple[Float[Tensor, "batch query feature"], Float[Tensor, "batch head query key"], Past]:
        """Look at `other`, or at the tokens themselves; return what was found, the weights, and keys and values for later.

        Raises:
            ValueError: Tokens of another width.
        """
        looked_at = x if other is None else other
        for name, tokens, layer in (("x", x, self.query), ("other", looked_at, self.key)):
            rule = f"have the width {layer.in_features}"
            require(tokens.shape[-1] == layer.in_features, name, rule, tokens.shape[-1], "pass tokens of this width")
        query, key, value = (
            self._split(self.query(x)),
            self._split(self.key(looked_at)),
            self._split(self.value(looked_at)),
        )
        if past is not None:
            key, value = torch.cat([past.key, key], dim=2), torch.cat([past.value, value], dim=2)
        out, weight = attend(query, key, value, is_seen)
        return self.output(out.transpose(1, 2).flatten(2)), weight, Past(key, value)

    def _split(self, x: Float[Tensor, "batch token feature"]) -> Float[Tensor, "batch head token _"]:
        """Give each head its share of the width."""
        return x.unflatten(2, (self.n_heads, -1)).transpose(1, 2)


class _Block(nn.Module):
    """What both blocks consist of; they differ in where the norms stand."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(config.n_model, config.n_heads)
        self.perceptron = _perceptron(config)
        self.norms = nn.ModuleList([nn.LayerNorm(config.n_model) for _ in range(2)])


class PreNormBlock(_Block):
    """Attention and a perceptron, each with a norm before it and a residual connection around both (Xiong et al. 2020)."""

    def forward(
        self,
        x: Float[Tensor, "batch token feature"],
        is_seen: Bool[Tensor, "*#shape token key"] | None = None,
        past: Past | None = None,
    ) -> tuple[Float[Tensor, "batch token feature"], Float[Tensor, "batch head token key"], Past]:
        """Return the tokens after the block, the attention weights, and the keys and values."""
        found, weight, past = self.attention(self.norms[0](x), None, is_seen, past)
        x = x + found
        return x + self.perceptron(self.norms[1](x)), weight, past


class PostNormBlock(_Block):
    """The same with the norm after each sum, as it was published first (Vaswani et al. 2017, sec. 3.1)."""

    def forward(
        self,
        x: Float[Tensor, "batch token feature"],
        is_seen: Bool[Tensor, "*#shape token key"] | None = None,
        past: Past | None = None,
    ) -> tuple[Float[Tensor, "batch token feature"], Float[Tensor, "batch head token key"], Past]:
        """Return the tokens after the block, the attention weights, and the keys and values."""
        found, weight, past = self.attention(x, None, is_seen, past)
        x = self.norms[0](x + found)
        return self.norms[1](x + self.perceptron(x)), weight, past


def _perceptron(config: TransformerConfig) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(config.n_model, config.n_hidden), nn.ReLU(), nn.Linear(config.n_hidden, config.n_model)
    )
