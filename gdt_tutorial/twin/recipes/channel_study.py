"""Powers for parallel channels, learned from logs: the problem with one optimum, part of what `reproduce diffusion` holds.

Two kinds of logs: "labels" hold the optimum of each set of gains, "mixed" hold powers of mixed quality. All learners see the
gains in decibels, make as many gradient steps with batches of one size, and their powers are made feasible the same way (see
`ChannelPowers.feasible`). From mixed logs the rank of the advantage is asked for (`gai.advantage`); a log tells the efficiency
without noise. Rows say how much spectral efficiency is lost against water-filling, in bit/s/Hz, on fresh gains.

    equal power, best half       the same power everywhere, or on the better half of the channels
    logged                       what the log has
    regression                   the mean decision; "best fifth", "rank 1": from mixed logs
    diffusion                    one sample; "mean of 8": the mean of eight
    ..., 20 linear steps         with a schedule that leaves 82 % of the signal's variance at its end
    ..., noise predicted         the network guesses the noise instead of the powers

Settings were chosen on other seeds.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.gai.advantage import advantage, rank_of
from gdt_tutorial.gai.denoiser import BOOK, Denoiser, DiffusionConfig
from gdt_tutorial.gai.diffusion import SamplingConfig, sample, train_denoiser
from gdt_tutorial.gai.noise_schedule import linear_schedule
from gdt_tutorial.gai.supervised_decisions import DecisionNetwork, SupervisedConfig, train_cloning
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.studies.tables import six_digits
from gdt_tutorial.worlds.channel_powers import ChannelPowers

__all__ = ["ChannelStudyConfig", "channel_rows", "gain_features", "lost_efficiency"]

_PROBLEM = ChannelPowers()
_SCHEDULES = {
    "diffusion": (BOOK.schedule, False),
    "diffusion, noise predicted": (BOOK.schedule, True),
    "diffusion, 20 linear steps": (linear_schedule(20), False),
    "diffusion, 20 linear steps, noise predicted": (linear_schedule(20), True),
}


@configclass
class ChannelStudyConfig:
    """Logs, training and sampling."""

    n_logged: int = parameter(20_000, "Logged decisions.", "chosen", above=0)
    n_test: int = parameter(2000, "Fresh sets of gains.", "chosen", above=0)
    n_updates: int = parameter(2000, "Gradient steps of each learner.", "chosen", above=0)
    best_share: float = parameter(0.2, "Share of mixed logs that counts as the best.", "chosen", above=0, at_most=1)
    guidance: float = parameter(2.0, "Weight of the condition.", "chosen on other seeds", at_least=0)
    temperature: float = parameter(0.5, "Of all noise in sampling.", "chosen on other seeds", at_least=0)
    n_visited: int = parameter(8, "Steps that a sample visits.", "chosen", above=0)


def gain_features(gain: Float[np.ndarray, "batch channel"]) -> Float[Tensor, "batch context"]:
    """Return gains in decibels, as a network reads them."""
    return torch.from_numpy(10 * np.log10(gain)).float()


def lost_efficiency(gain: Float[np.ndarray, "batch channel"], power: Float[np.ndarray, "batch channel"]) -> float:
    """Return how much less than water-filling raw powers bring, in bit/s/Hz, once they are made feasible."""
    best = _PROBLEM.efficiency(gain, _PROBLEM.water_filling(gain))
    return float((best - _PROBLEM.efficiency(gain, _PROBLEM.feasible(power))).mean())


def channel_rows(config: ChannelStudyConfig = ChannelStudyConfig(), *, seed: int) -> Iterator[dict[str, Any]]:
    """Give the rows of one seed."""
    gain = _PROBLEM.draw_gains(config.n_logged, rng=stream(seed, "logged gains"))
    fresh = _PROBLEM.draw_gains(config.n_test, rng=stream(seed, "fresh gains"))
    mixed = _PROBLEM.mixed_powers(gain, rng=stream(seed, "logged powers"))
    half = (fresh >= np.median(fresh, axis=1, keepdims=True)).astype(float)
    powers = {
        ("rules", "equal power"): np.ones_like(fresh),
        ("rules", "best half"): half,
        ("mixed", "logged"): _PROBLEM.mixed_powers(fresh, rng=stream(seed, "fresh powers")),
    }
    found = _from_labels(gain, _PROBLEM.water_filling(gain), fresh, config, seed=seed)
    powers |= {("labels", name): power for name, power in found.items()}
    found = _from_mixed(gain, mixed, fresh, config, seed=seed)
    powers |= {("mixed", name): power for name, power in found.items()}
    optimum = _PROBLEM.water_filling(fresh)
    for (logs, method), power in powers.items():
        error = float(np.sqrt(((_PROBLEM.feasible(power) - optimum) ** 2).mean()))
        row = {"study": f"channels, {logs}", "place": config.n_updates, "method": method}
        yield {**row, "measure": "lost efficiency", "value": six_digits(lost_efficiency(fresh, power))}
        yield {**row, "measure": "error of power", "value": six_digits(error)}


def _from_labels(
    gain: np.ndarray, power: np.ndarray, fresh: np.ndarray, config: ChannelStudyConfig, *, seed: int
) -> dict[str, np.ndarray]:
    context, target = gain_features(gain), torch.from_numpy(power).float()
    training = SupervisedConfig(n_updates=config.n_updates)
    regression = train_cloning(target, context, None, training, generator=torch_stream(seed, "labels, regression"))
    found = {"regression": _answer(regression, fresh)}
    for name, (schedule, predicts_noise) in _SCHEDULES.items():
        denoising = DiffusionConfig(schedule=schedule, predicts_noise=predicts_noise, n_updates=config.n_updates)
        generator = torch_stream(seed, "labels, diffusion")
        model = train_denoiser(target, context, None, denoising, generator=generator)
        found[name] = _drawn(model, fresh, config, 1.0, seed=seed)
    return found


def _from_mixed(
    gain: np.ndarray, power: np.ndarray, fresh: np.ndarray, config: ChannelStudyConfig, *, seed: int
) -> dict[str, np.ndarray]:
    context, target = gain_features(gain), torch.from_numpy(power).float()
    state = np.column_stack([context.double().numpy(), np.sort(gain, axis=1)])
    above = advantage(_PROBLEM.efficiency(gain, power), state, np.arange(len(gain)))
    rank = torch.from_numpy(rank_of(above)).float()[:, None]
    best = rank[:, 0] >= 1 - config.best_share
    training, denoising = SupervisedConfig(n_updates=config.n_updates), replace(BOOK, n_updates=config.n_updates)
    names = ("regression", "regression, best fifth", "regression, rank 1", "diffusion", "diffusion, best fifth")
    draw = {name: torch_stream(seed, "mixed", name) for name in names}
    plain = train_cloning(target, context, None, training, generator=draw["regression"])
    filtered = train_cloning(target[best], context[best], None, training, generator=draw["regression, best fifth"])
    asked = train_cloning(target, context, rank, training, generator=draw["regression, rank 1"])
    model = train_denoiser(target, context, rank, denoising, generator=draw["diffusion"])
    of_best = train_denoiser(target[best], context[best], None, denoising, generator=draw["diffusion, best fifth"])
    return {
        "regression": _answer(plain, fresh),
        "regression, best fifth": _answer(filtered, fresh),
        "regression, rank 1": _answer(asked, fresh),
        "diffusion, best fifth": _drawn(of_best, fresh, config, 1.0, seed=seed),
        **{f"diffusion, guidance {weight:g}": _drawn(model, fresh, config, weight, seed=seed) for weight in (0.0, 1.0)},
        "diffusion, guided": _drawn(model, fresh, config, config.guidance, seed=seed),
        "diffusion, guided, mean of 8": np.mean(
            [_drawn(model, fresh, config, config.guidance, seed=seed, copy=copy) for copy in range(8)], axis=0
        ),
    }


@torch.no_grad()
def _answer(network: DecisionNetwork, gain: np.ndarray) -> np.ndarray:
    return network(gain_features(gain), torch.ones(len(gain), network.n_condition)).double().numpy()


def _drawn(
    model: Denoiser, gain: np.ndarray, config: ChannelStudyConfig, guidance: float, *, seed: int, copy: int = 0
) -> np.ndarray:
    condition = torch.ones(len(gain), 1) if model.n_condition else None
    sampling = SamplingConfig(n_visited=config.n_visited, temperature=config.temperature, guidance=guidance)
    generator = torch_stream(seed, "channel samples", copy)
    return sample(model, len(gain), gain_features(gain), condition, sampling, generator=generator).double().numpy()
