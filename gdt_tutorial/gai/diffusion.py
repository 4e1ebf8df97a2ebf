"""A diffusion model of short vectors: noise is taken away step by step, under what is known and toward what is asked for.

"It facilitates conditional generation and network decision-making through reverse diffusion and Markovian transition
processes ... By modeling the network management process as a return-conditional diffusion model, the training efficiency and
inference performance can be enhanced" (the paper, Generative AI). It gives no architecture; all is chosen here.

    training   x_0 of the data, a random step t, noise -> x_t -> the network predicts x_0 (or the noise); mean square error
    sampling   x_T ~ N(0, 1) -> guess of x_0 -> x_s a little cleaner -> guess of x_0 -> ... -> x_0

In training the condition is dropped now and then, so that one network (`denoiser`) learns both laws, with the condition and
without, and sampling may weigh them against each other. `sample_chain` needs no network, only a guess of x_0: with the exact
one, of a law that is known, it shows what the steps alone lose. Few steps lose spread: of a Gaussian, DDIM keeps the product
of cos(a_t - a_s), where cos(a)^2 is alpha_bar.

Sources: Ho et al. 2020, algorithms 1 and 2, running average of weights: appendix B; fewer steps: Song et al. 2021; dropped
conditions: Ho and Salimans 2022, algorithm 1; temperature: Ajay et al. 2023.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.denoiser import BOOK, Denoiser, DiffusionConfig
from gdt_tutorial.gai.noise_schedule import NoiseSchedule
from gdt_tutorial.learning import fit_updates, scale_of

__all__ = [
    "CleanGuess",
    "SamplingConfig",
    "denoising_loss",
    "sample",
    "sample_chain",
    "start_denoiser",
    "train_denoiser",
]

CleanGuess = Callable[[Tensor, Tensor], Tensor]
"""From x_t and the step of each sample to a guess of x_0."""


@configclass
class SamplingConfig:
    """How samples are drawn."""

    n_visited: int = parameter(8, "Steps that are visited, spaced from the end.", "chosen", above=0)
    eta: float = parameter(0.0, "Share of DDPM's noise on the way: 0 is DDIM, 1 DDPM.", "chosen", at_least=0, at_most=1)
    temperature: float = parameter(
        1.0, "Factor of all noise, at the start and on the way; the decision diffuser takes 0.5.", "chosen", at_least=0
    )
    guidance: float = parameter(1.0, "Weight of the condition; 1 is the law of the data.", "chosen", at_least=0)


def sample_chain(
    guess: CleanGuess,
    schedule: NoiseSchedule,
    shape: tuple[int, int],
    config: SamplingConfig = SamplingConfig(),
    *,
    generator: torch.Generator,
    start: Float[Tensor, "batch feature"] | None = None,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, "batch feature"]:
    """Go from noise to data along the steps that are visited.

    Args:
        guess: Says x_0 for x_t and the step of each sample: a network, or a law that is known exactly.
        schedule: Noise of each step.
        shape: Samples, and entries of each.
        config: Which steps, and how much noise.
        generator: Draws the start and the noise on the way.
        start: Standard normal noise to begin from, instead of a draw; the temperature is its factor too.
        dtype: Precision of the samples.

    Raises:
        ValueError: More steps to visit than there are, or a start of another shape.
    """
    is_fit = start is None or tuple(start.shape) == shape
    got = None if start is None else tuple(start.shape)
    require(is_fit, "start", f"have shape {shape}", got, "give noise for each entry of each sample")

    def draw() -> Tensor:
        return config.temperature * torch.randn(shape, generator=generator, dtype=dtype)

    noisy = draw() if start is None else config.temperature * start.to(dtype)
    visited = schedule.trailing_steps(config.n_visited)
    for step, earlier in pairwise((*visited, 0)):
        clean = guess(noisy, torch.full(shape[:1], step))
        noise = draw() if config.eta > 0 and earlier > 0 else torch.zeros_like(noisy)
        noisy = schedule.ddim_step(noisy, clean, step, earlier, noise, config.eta)
    return noisy


@torch.no_grad()
def sample(
    model: Denoiser,
    n_samples: int,
    context: Float[Tensor, "batch context"] | None = None,
    condition: Float[Tensor, "batch condition"] | None = None,
    config: SamplingConfig = SamplingConfig(),
    *,
    generator: torch.Generator,
    start: Float[Tensor, "batch feature"] | None = None,
) -> Float[Tensor, "batch feature"]:
    """Draw one vector for each context and condition, in the units of the data.

    Args:
        model: Trained or not.
        n_samples: How many.
        context: What is known; none where the network has no context.
        condition: What is asked for; none draws without (guidance 0).
        config: Steps, noise and guidance.
        generator: Draws.
        start: Standard normal noise to begin from, instead of a draw.

    Raises:
        ValueError: No sample, a start, contexts or conditions of another shape, entries that are not finite, or too many steps
            to visit.
    """
    require(n_samples > 0, "n_samples", "be above 0", n_samples, "draw one at least")
    known = _entries("context", context, n_samples, model.n_context)
    guidance = 0.0 if condition is None else config.guidance
    asked = torch.zeros(n_samples, model.n_condition) if condition is None else condition
    asked = _entries("condition", asked, n_samples, model.n_condition)

    def guess(noisy: Tensor, step: Tensor) -> Tensor:
        return model.guess(noisy, step, known, asked, guidance)

    shape = (n_samples, model.n_features)
    vector = sample_chain(guess, model.config.schedule, shape, config, generator=generator, start=start)
    return vector * model.scale + model.center


def denoising_loss(
    model: Denoiser,
    vector: Float[Tensor, "batch feature"],
    context: Float[Tensor, "batch context"],
    condition: Float[Tensor, "batch condition"],
) -> Float[Tensor, ""]:
    """Return the mean square error of what the network predicts, at a random step of each sample (Ho et al. 2020, eq. 14)."""
    config, n_samples = model.config, len(vector)
    clean, step = model.standardized(vector), torch.randint(1, config.schedule.n_steps + 1, (n_samples,))
    noise, is_conditioned = torch.randn_like(clean), torch.rand(n_samples) >= config.condition_dropout
    found = model.predict(config.schedule.add_noise(clean, noise, step), step, context, condition, is_conditioned)
    return ((found - (noise if config.predicts_noise else clean)) ** 2).mean()


def start_denoiser(
    vector: Float[Tensor, "batch feature"],
    context: Float[Tensor, "batch context"] | None = None,
    condition: Float[Tensor, "batch condition"] | None = None,
    config: DiffusionConfig = BOOK,
    *,
    generator: torch.Generator,
) -> Denoiser:
    """Return a network whose samples are independent Gaussians, in the box of the data: the untrained start.

    Raises:
        ValueError: No vector, or entries that are not finite or not one row for each vector.
    """
    require(len(vector) > 0, "vector", "hold a sample", len(vector), "pass one at least")
    vector, context, condition = _training_set(vector, context, condition)
    model = Denoiser(vector.shape[1], context.shape[1], condition.shape[1], config, generator=generator)
    for name, entries in (("", vector), ("context_", context), ("condition_", condition)):
        mean = entries.mean(dim=0)
        spread = ((entries - mean) ** 2).mean(dim=0).sqrt()
        getattr(model, f"{name}center").copy_(mean)
        getattr(model, f"{name}scale").copy_(scale_of(spread))
    model.low.copy_(vector.amin(dim=0))
    model.high.copy_(vector.amax(dim=0))
    return model


def train_denoiser(
    vector: Float[Tensor, "batch feature"],
    context: Float[Tensor, "batch context"] | None = None,
    condition: Float[Tensor, "batch condition"] | None = None,
    config: DiffusionConfig = BOOK,
    *,
    generator: torch.Generator,
    on_update: Callable[[int, float], object] | None = None,
) -> Denoiser:
    """Train on vectors with their contexts and conditions, from the start that `start_denoiser` gives.

    Args:
        vector: What is to be generated.
        context: What was known of each.
        condition: What each one would have answered.
        config: Schedule, size and training.
        generator: Draws the first weights, then batches, steps, noise and dropped conditions.
        on_update: Called with the update (from 0) and its loss, for a progress bar.

    Raises:
        ValueError: As `start_denoiser`, or a loss that is not finite.
    """
    model = start_denoiser(vector, context, condition, config, generator=generator)
    tensors = _training_set(vector, context, condition)
    fit_updates(model, tensors, denoising_loss, config.fit, config.n_updates, generator=generator, on_update=on_update)
    return model


def _training_set(vector: Tensor, context: Tensor | None, condition: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    n_samples = len(vector)
    sizes = [0 if each is None else each.shape[1] for each in (context, condition)]
    return (
        _entries("vector", vector, n_samples, vector.shape[1]),
        _entries("context", context, n_samples, sizes[0]),
        _entries("condition", condition, n_samples, sizes[1]),
    )


def _entries(name: str, entries: Tensor | None, n_samples: int, size: int) -> Float[Tensor, "batch feature"]:
    found, shape = torch.zeros(n_samples, 0) if entries is None else entries, (n_samples, size)
    remedy = "pass one row for each sample, with the entries of the training"
    require(tuple(found.shape) == shape, name, f"have shape {shape}", tuple(found.shape), remedy)
    is_finite = found.isfinite()
    require(
        bool(is_finite.all()), name, "be finite", found[~is_finite][:3].tolist(), "leave out samples that are unknown"
    )
    return found.float()
