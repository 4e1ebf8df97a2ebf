"""A residual perceptron whose last layer starts at 0: the network of the denoiser, and of all that is compared with it.

The paper gives no architecture; all is chosen here. Each hidden layer but the first adds to what it reads. What the network is
added to is its caller's: before training it adds nothing.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu

from gdt_tutorial.learning import FitConfig, cosine
from gdt_tutorial.seeding import torch_seeded

__all__ = ["FIT", "ResidualPerceptron"]

FIT = FitConfig(batch_size=256, learning_rate=2e-3, schedule=cosine, ema_decay=0.99)  # how such networks are trained


class ResidualPerceptron(nn.Module):
    """From some numbers to others.

    Args:
        n_inputs: Entries of the input.
        n_hidden: Units of each hidden layer.
        n_layers: Hidden layers.
        n_outputs: Entries of the output.
        generator: Draws the first weights.
    """

    def __init__(
        self, n_inputs: int, n_hidden: int, n_layers: int, n_outputs: int, *, generator: torch.Generator
    ) -> None:
        super().__init__()
        with torch_seeded(generator):
            self.first = nn.Linear(n_inputs, n_hidden)
            self.layers = nn.ModuleList(
                nn.Sequential(nn.LayerNorm(n_hidden), nn.Linear(n_hidden, n_hidden), nn.SiLU())
                for _ in range(n_layers - 1)
            )
            self.last = nn.Linear(n_hidden, n_outputs)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, inputs: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch _"]:
        """Return the numbers."""
        hidden = silu(self.first(inputs))
        for layer in self.layers:
            hidden = hidden + layer(hidden)
        return self.last(hidden)
