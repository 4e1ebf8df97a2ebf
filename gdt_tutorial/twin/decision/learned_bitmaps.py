"""Muting bitmaps chosen by networks that learned from logs: cloning, classes of decisions, diffusion, an actor.

"Since the network management problem is usually complex and non-convex, ... advanced decision-making algorithms are
necessary" (the paper, GAI-Based Decision-Making). Each class here is a `Bitmap` for `MutingMaker`: it turns features into a
`muting_context`, asks a network, and rounds what comes to on and off.

The parts of a slot are alike: whoever changes their order changes nothing. So the same decision has up to 4! = 24 names, and
the mean of two names is another decision. `with_sorted_parts` gives each decision one name, its columns in the order of their
pattern numbers. That is a matter of labels alone, and for whoever knows it, it takes these modes away.

The paper gives no such decision; all is ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gdt_tutorial.agents.ddpg import Actor
from gdt_tutorial.gai.denoiser import Denoiser
from gdt_tutorial.gai.diffusion import SamplingConfig, sample
from gdt_tutorial.gai.supervised_decisions import DecisionClasses, DecisionNetwork
from gdt_tutorial.physical.interference import pattern_number
from gdt_tutorial.seeding import torch_from
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.abstraction.muting_context import muting_context

__all__ = [
    "ActorBitmap",
    "ClassBitmap",
    "ClonedBitmap",
    "DrawnBitmap",
    "DrawnClassBitmap",
    "bitmaps_of",
    "vectors_of",
    "with_sorted_parts",
]


def with_sorted_parts(is_on: Bool[np.ndarray, "*shape ap part"]) -> Bool[np.ndarray, "*shape ap part"]:
    """Order the parts of each bitmap by the numbers of their patterns, the largest first."""
    order = np.argsort(-pattern_number(is_on), axis=-1, kind="stable")
    return np.take_along_axis(is_on, order[..., None, :], axis=-1)


def vectors_of(is_on: Bool[np.ndarray, "batch ap part"]) -> Float[Tensor, "batch feature"]:
    """Return bitmaps as vectors of zeros and ones, as networks learn them."""
    return torch.from_numpy(is_on.reshape(len(is_on), -1)).float()


def bitmaps_of(vector: Float[Tensor, "batch feature"], n_aps: int) -> Bool[np.ndarray, "batch ap part"]:
    """Round vectors to bitmaps."""
    return (vector.detach().numpy() > 0.5).reshape(len(vector), n_aps, -1)


def _asked_logits(
    classes: DecisionClasses, features: Features, n_aps: int, guidance: float
) -> Float[Tensor, "batch class"]:
    known = _known(features, n_aps)
    rank = torch.ones(len(known), 1) if classes.network.n_condition else None
    return classes.logits(known, rank, guidance)


def _known(features: Features, n_aps: int) -> Float[Tensor, "batch context"]:
    return torch.from_numpy(muting_context(features, n_aps)).float()


@dataclass(frozen=True)
class ClonedBitmap:
    """The mean decision of such a context, rounded (a `Bitmap`)."""

    network: DecisionNetwork
    n_aps: int

    @torch.no_grad()
    def __call__(self, features: Features, rng: np.random.Generator) -> Bool[np.ndarray, "batch ap part"]:
        """Ask the network; nothing is drawn."""
        known = _known(features, self.n_aps)
        return bitmaps_of(self.network(known, torch.zeros(len(known), 0)), self.n_aps)


@dataclass(frozen=True)
class ClassBitmap:
    """The likeliest of some decisions, toward a high rank where the classes learned with ranks (a `Bitmap`)."""

    classes: DecisionClasses
    n_aps: int
    guidance: float = 1.0

    def __call__(self, features: Features, rng: np.random.Generator) -> Bool[np.ndarray, "batch ap part"]:
        """Ask for rank 1; nothing is drawn."""
        logits = _asked_logits(self.classes, features, self.n_aps, self.guidance)
        return bitmaps_of(self.classes.likeliest(logits), self.n_aps)


@dataclass(frozen=True)
class DrawnClassBitmap:
    """One of some decisions, drawn by their chances, under guidance as in `ClassBitmap` (a `Bitmap`)."""

    classes: DecisionClasses
    n_aps: int
    guidance: float = 1.0

    def __call__(self, features: Features, rng: np.random.Generator) -> Bool[np.ndarray, "batch ap part"]:
        """Draw one bitmap for each environment."""
        generator = torch_from(rng)
        logits = _asked_logits(self.classes, features, self.n_aps, self.guidance)
        return bitmaps_of(self.classes.draw(logits, generator=generator), self.n_aps)


@dataclass(frozen=True)
class DrawnBitmap:
    """A decision drawn by diffusion, toward a high rank where it learned with ranks (a `Bitmap`).

    Attributes:
        denoiser: Has learned from contexts and bitmaps.
        n_aps: How many access points there are.
        sampling: How it draws.
        read: The context that it learned with, from features and the number of access points.
    """

    denoiser: Denoiser
    n_aps: int
    sampling: SamplingConfig = SamplingConfig()
    read: Callable[[Features, int], np.ndarray] = muting_context

    def __call__(self, features: Features, rng: np.random.Generator) -> Bool[np.ndarray, "batch ap part"]:
        """Draw one bitmap for each environment."""
        known = torch.from_numpy(self.read(features, self.n_aps)).float()
        rank = torch.ones(len(known), 1) if self.denoiser.n_condition else None
        generator = torch_from(rng)
        vector = sample(self.denoiser, len(known), known, rank, self.sampling, generator=generator)
        return bitmaps_of(vector, self.n_aps)


@dataclass(frozen=True)
class ActorBitmap:
    """The action of an actor of reinforcement learning, on where it is above 0 (a `Bitmap`)."""

    actor: Actor
    n_aps: int

    @torch.no_grad()
    def __call__(self, features: Features, rng: np.random.Generator) -> Bool[np.ndarray, "batch ap part"]:
        """Ask the actor; nothing is drawn."""
        return bitmaps_of((self.actor(_known(features, self.n_aps)) + 1) / 2, self.n_aps)
