"""Two general networks for several series at once, which know nothing of events: a recurrent one, and a plain transformer.

"GT can accurately analyze spatiotemporal correlations from DT status through its advanced attention mechanism" (the paper,
GAI-Based Feature Abstraction). Both start as the plain rule "the next slot is a share of this one": their last layer starts
at 0. They stand beside `event_attention`, which knows what a token is, to see what a network finds that does not. Sources:
Hochreiter and Schmidhuber 1997; Vaswani et al. 2017.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gdt_tutorial.gai.transformer import PreNormBlock, TransformerConfig, causal_mask, sinusoidal_positions
from gdt_tutorial.seeding import torch_seeded

__all__ = ["SeriesLstm", "SeriesTransformer"]


class SeriesLstm(nn.Module):
    """A long short-term memory network (LSTM) that forecasts each slot from those before it."""

    def __init__(
        self, n_series: int, n_hidden: int = 64, persistence: float = 0.9, *, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.persistence = persistence
        with torch_seeded(generator):
            self.memory = nn.LSTM(n_series, n_hidden, batch_first=True)
            self.head = _zero(nn.Linear(n_hidden, n_series))

    def forward(self, series: Float[Tensor, "batch slot feature"]) -> Float[Tensor, "batch slot feature"]:
        """Forecast each slot; the first is forecast as 0."""
        return _shifted(self.persistence * series + self.head(self.memory(series)[0]))


class SeriesTransformer(nn.Module):
    """A causal transformer whose tokens are whole slots: it has to find out by itself that series are places."""

    def __init__(
        self,
        n_series: int,
        config: TransformerConfig = TransformerConfig(),
        persistence: float = 0.9,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.persistence, self.config = persistence, config
        with torch_seeded(generator):
            self.enter = nn.Linear(n_series, config.n_model)
            self.blocks = nn.ModuleList([PreNormBlock(config) for _ in range(config.n_layers)])
            self.head = _zero(nn.Linear(config.n_model, n_series))

    def forward(self, series: Float[Tensor, "batch slot feature"]) -> Float[Tensor, "batch slot feature"]:
        """Forecast each slot; the first is forecast as 0."""
        return self.read(series)[0]

    def read(
        self, series: Float[Tensor, "batch slot feature"]
    ) -> tuple[Float[Tensor, "batch slot feature"], list[Float[Tensor, "batch head token key"]]]:
        """Return forecasts, and the attention weights of each layer."""
        n_slots = series.shape[1]
        x = self.enter(series) + sinusoidal_positions(torch.arange(n_slots), self.config.n_model)
        is_seen, weights = causal_mask(n_slots, n_slots), []
        for block in self.blocks:
            x, weight, _ = block(x, is_seen)
            weights.append(weight)
        return _shifted(self.persistence * series + self.head(x)), weights


def _zero(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _shifted(after: Float[Tensor, "batch slot feature"]) -> Float[Tensor, "batch slot feature"]:
    """Turn what is said after each slot into what was said before it."""
    return torch.cat([torch.zeros_like(after[:, :1]), after[:, :-1]], dim=1)
