"""A greedy allocator that corrects the rate of every sub-multicast group (SMG) by what its code says.

"The abstracted features are input to the model-based network management module in DT and the GAI-based network management
module" (the paper, Procedure of Closed-Loop Network Management). Here a small network reads the code of the member who sets an
SMG's rate, its width, the rate at the mean status and the number of members, and says by which factor the true rate of the
coming slot will differ. Its last layer starts at 0: untrained, this is `GreedyAllocator`. The paper gives no such maker.
"""

from collections.abc import Callable
from dataclasses import replace
from math import log

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.learning import FitConfig, FitHistory, cosine, fit
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.seeding import torch_seeded
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.schedule import ScheduleModel

__all__ = [
    "CorrectedGreedy",
    "CorrectionConfig",
    "CorrectionNetwork",
    "Reader",
    "read_code",
    "read_code_and_width",
    "read_rate",
    "train_correction",
]

Reader = Callable[[Features], np.ndarray]
"""From features to one row of numbers per SMG: what the correction may look at."""

_LARGEST = log(4.0)  # of the logarithm of a factor


@configclass
class CorrectionConfig:
    """Size and training of the correction."""

    n_hidden: int = parameter(32, "Units of the hidden layer.", "chosen", above=0)
    fit: FitConfig = parameter(
        FitConfig(n_epochs=20, batch_size=256, learning_rate=3e-3, weight_decay=1e-3, schedule=cosine),
        "How it learns.",
        "chosen",
    )


def read_rate(features: Features) -> Float[np.ndarray, "batch subgroup feature"]:
    """Return the rate at the mean status and the number of members: what every maker knows."""
    return np.stack([features.efficiency / 8, features.n_members / 10], axis=-1)


def read_code(features: Features) -> Float[np.ndarray, "batch subgroup feature"]:
    """Return the code beside these."""
    return np.concatenate([read_rate(features), features.latent], axis=-1)


def read_code_and_width(features: Features) -> Float[np.ndarray, "batch subgroup feature"]:
    """Return the code and its width beside these."""
    return np.concatenate([read_code(features), features.latent_std], axis=-1)


class CorrectionNetwork(nn.Module):
    """A perceptron over one SMG's row: the logarithm of true over believed rate; 0 before training."""

    def __init__(self, n_features: int, n_hidden: int, *, generator: torch.Generator) -> None:
        super().__init__()
        with torch_seeded(generator):
            self.layers = nn.Sequential(nn.Linear(n_features, n_hidden), nn.Tanh(), nn.Linear(n_hidden, 1))
        for each in self.layers[-1].parameters():
            nn.init.zeros_(each)

    def forward(self, row: Float[Tensor, "*shape feature"]) -> Float[Tensor, "*shape"]:
        """Return the logarithm of the factor."""
        return self.layers(row)[..., 0].clamp(-_LARGEST, _LARGEST)


class CorrectedGreedy:
    """Greedy on corrected rates (a `DecisionMaker`).

    Args:
        model: What a slot can carry.
        network: Says the factor.
        read: Makes its rows.
    """

    def __init__(self, model: ScheduleModel, network: CorrectionNetwork, read: Reader = read_code_and_width) -> None:
        self.network, self.read, self._greedy = network, read, GreedyAllocator(model)

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        """Correct the rates, then decide as `GreedyAllocator`.

        Raises:
            ValueError: Features without a code, or with one of another width.
        """
        return self._greedy.decide(replace(features, efficiency=self.corrected(features)), rng=rng)

    def corrected(self, features: Features) -> Float[np.ndarray, "batch subgroup"]:
        """Return the rates that the network expects.

        Raises:
            ValueError: Features without a code, or with one of another width.
        """
        row, wanted = self.read(features), self.network.layers[0].in_features
        require(
            row.shape[-1] == wanted, "features", f"give {wanted} numbers to read", row.shape[-1], "use LatentAbstractor"
        )
        with torch.no_grad():
            return features.efficiency * np.exp(self.network(torch.from_numpy(row).float()).double().numpy())


def train_correction(
    row: Float[np.ndarray, "sample feature"],
    believed: Float[np.ndarray, " sample"],
    true: Float[np.ndarray, " sample"],
    config: CorrectionConfig = CorrectionConfig(),
    *,
    generator: torch.Generator,
) -> tuple[CorrectionNetwork, FitHistory]:
    """Fit the factor by the square error of the rate.

    Args:
        row: What the network reads of each SMG.
        believed: Rate at the mean status, in bit/s/Hz.
        true: Rate that it turned out to have.
        config: Size and training.
        generator: Draws first weights, and the order of the samples.
    """
    network = CorrectionNetwork(row.shape[-1], config.n_hidden, generator=generator)
    tensors = tuple(torch.from_numpy(np.ascontiguousarray(each)).float() for each in (row, believed, true))
    history = fit(network, tensors, _square_error, config.fit, generator=generator)
    return network, history


def _square_error(
    network: CorrectionNetwork,
    row: Float[Tensor, "sample feature"],
    believed: Float[Tensor, " sample"],
    true: Float[Tensor, " sample"],
) -> Float[Tensor, ""]:
    return ((believed * network(row).exp() - true) ** 2).mean()
