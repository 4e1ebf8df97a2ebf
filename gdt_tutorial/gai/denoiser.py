"""The network of a diffusion model: a guess of the clean vector, from a noisy one and what is known beside it.

The paper gives no architecture; all is chosen here. A residual perceptron reads x_t, the step, a `context` that is always known
(such as the state of a network) and a `condition` that may be left out (such as the rank of an advantage).

Its last layer starts at 0, beside a path that is never trained: the best guess if all entries were independent Gaussians with
the means and spreads of the data. So before training, the samples are those Gaussians, but for what few steps lose:

    x_0 (the default):  sqrt(alpha_bar) x_t + network          eps:  sqrt(1 - alpha_bar) x_t + network

Under guidance the guess goes beyond what the condition says by itself. It is then clipped to the box in which the data lie:

    guess = guess without condition + guidance (guess with condition - guess without condition)

guidance = 0 ignores the condition, 1 is the law of the data, and more exaggerates what sets the condition apart.

Sources: Ho et al. 2020; guidance: Ho and Salimans 2022, whose w is guidance - 1; ours is the convention of Ajay et al. 2023
(the decision diffuser). The path beside the network is ours.
"""

import math
from dataclasses import asdict
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gdt_tutorial import checkpoints
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.noise_schedule import NoiseSchedule
from gdt_tutorial.gai.residual_perceptron import FIT, ResidualPerceptron
from gdt_tutorial.learning import FitConfig

__all__ = ["BOOK", "FULL", "SMOKE", "Denoiser", "DiffusionConfig", "load_denoiser", "save_denoiser"]

_SIZES = ("n_features", "n_context", "n_condition")


@configclass
class DiffusionConfig:
    """Schedule, size and training of the network."""

    schedule: NoiseSchedule = parameter(NoiseSchedule(), "Noise of each step.", "Nichol and Dhariwal 2021")
    predicts_noise: bool = parameter(False, "Whether the network predicts eps instead of x_0.", "chosen")
    n_hidden: int = parameter(80, "Units of each hidden layer.", "chosen", above=0)
    n_layers: int = parameter(3, "Hidden layers; each but the first adds to what it reads.", "chosen", above=0)
    condition_dropout: float = parameter(
        0.25, "Share of training samples whose condition is dropped.", "Ajay et al. 2023", at_least=0, at_most=1
    )
    n_updates: int = parameter(1500, "Gradient steps.", "chosen", above=0)
    fit: FitConfig = parameter(FIT, "How fast it learns.", "chosen")


SMOKE = DiffusionConfig(n_updates=50)
BOOK = DiffusionConfig()
FULL = DiffusionConfig(n_updates=10_000)


class Denoiser(nn.Module):
    """A guess of the clean vector; it standardizes vectors, contexts and conditions itself.

    Args:
        n_features: Entries of a vector.
        n_context: Entries of the context; none: 0.
        n_condition: Entries of the condition; none: 0.
        config: Schedule and size.
        generator: Draws the first weights.

    Raises:
        ValueError: No feature, or negative numbers of entries.
    """

    center: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor
    context_center: Tensor
    context_scale: Tensor
    condition_center: Tensor
    condition_scale: Tensor

    def __init__(
        self,
        n_features: int,
        n_context: int = 0,
        n_condition: int = 0,
        config: DiffusionConfig = BOOK,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        require(n_features > 0, "n_features", "be above 0", n_features, "pass the length of a vector")
        for name, value in (("n_context", n_context), ("n_condition", n_condition)):
            require(value >= 0, name, "be at least 0", value, "0 for none")
        self.config, self.n_features, self.n_context, self.n_condition = config, n_features, n_context, n_condition
        # The condition comes with a one where it is known; the step as 12 waves.
        n_inputs = n_features + n_context + n_condition + 1 + 12
        self.network = ResidualPerceptron(n_inputs, config.n_hidden, config.n_layers, n_features, generator=generator)
        for name, size in (("", n_features), ("context_", n_context), ("condition_", n_condition)):
            self.register_buffer(f"{name}center", torch.zeros(size))
            self.register_buffer(f"{name}scale", torch.ones(size))
        self.register_buffer("low", torch.full((n_features,), -math.inf))
        self.register_buffer("high", torch.full((n_features,), math.inf))

    def standardized(self, vector: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch feature"]:
        """Return vectors in standard deviations of their entries."""
        return (vector - self.center) / self.scale

    def predict(
        self,
        noisy: Float[Tensor, "batch feature"],
        step: Int[Tensor, " batch"],
        context: Float[Tensor, "batch context"],
        condition: Float[Tensor, "batch condition"],
        is_conditioned: Bool[Tensor, " batch"],
    ) -> Float[Tensor, "batch feature"]:
        """Return the standardized x_0, or eps if the network predicts that, of standardized x_t."""
        schedule, known = self.config.schedule, is_conditioned[:, None]
        around = (context - self.context_center) / self.context_scale
        asked = torch.where(known, (condition - self.condition_center) / self.condition_scale, 0.0)
        inputs = [noisy, _waves(step, schedule.n_steps), around, asked, known.to(noisy)]
        straight = schedule.noise(step, noisy) if self.config.predicts_noise else schedule.signal(step, noisy)
        return straight * noisy + self.network(torch.cat(inputs, dim=1))

    def guess(
        self,
        noisy: Float[Tensor, "batch feature"],
        step: Int[Tensor, " batch"],
        context: Float[Tensor, "batch context"],
        condition: Float[Tensor, "batch condition"],
        guidance: float = 1.0,
    ) -> Float[Tensor, "batch feature"]:
        """Return the guess of the standardized x_0 under guidance, clipped to the box of the data."""
        is_conditioned = torch.ones(len(noisy), dtype=torch.bool)
        found = torch.zeros_like(noisy)
        if guidance != 0:
            found = guidance * self.predict(noisy, step, context, condition, is_conditioned)
        if guidance != 1:
            found = found + (1 - guidance) * self.predict(noisy, step, context, condition, ~is_conditioned)
        if self.config.predicts_noise:
            found = self.config.schedule.clean_from_noise(noisy, found, step)
        return found.clamp((self.low - self.center) / self.scale, (self.high - self.center) / self.scale)


def save_denoiser(model: Denoiser, path: str | Path) -> None:
    """Write weights, scales, schedule and sizes of a network.

    Raises:
        WriteError: The disk is full, or the folder cannot be made or written.
    """
    config = {name: value for name, value in asdict(model.config).items() if name != "fit"}
    sizes = {name: getattr(model, name) for name in _SIZES}
    checkpoints.save(model, path, sizes | config)


def load_denoiser(path: str | Path) -> Denoiser:
    """Return the network that `save_denoiser` wrote, in evaluation mode.

    Raises:
        ValueError: No such file, or one that holds something else.
    """

    def make(config: dict) -> Denoiser:
        others = dict(config)
        n_features, n_context, n_condition = (others.pop(name) for name in _SIZES)
        schedule = NoiseSchedule(beta=tuple(others.pop("schedule")["beta"]))
        sizes = DiffusionConfig(schedule=schedule, **others)
        return Denoiser(n_features, n_context, n_condition, sizes, generator=torch.Generator())

    return checkpoints.load(path, make)[0]


def _waves(step: Int[Tensor, " batch"], n_steps: int) -> Float[Tensor, "batch 12"]:
    """Return sines and cosines of t / T, whose periods halve from 4 T on."""
    angle = step[:, None] / n_steps * (math.pi / 2) * 2.0 ** torch.arange(6)
    return torch.cat([angle.sin(), angle.cos()], dim=1)
