"""Every forecast of the worlds of loads beside every other, on the same fresh days.

    last value             a share of the slot before
    autoregression         of the last 24 slots
      on events            of the last 16, which also reads the departures that the rule by hand sees
    mixture, its own       four of either, weighted by past error
    LSTM, plain transformer   general networks, trained on days of the same world
    attention by hand      five scalars
    attention, trained     the same after training on days with new routes, whatever the world
    known routes           that one with the true routes: an oracle

"on events" is there for fairness: attention by hand knows that crowds leave at once, and a threshold finds them. That is no
merit of attention, so the strong plain rule knows it too.
"""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.gai.autoregression import fit_autoregression, fit_mixture
from gdt_tutorial.gai.event_attention import FIT, EventAttention, EventRule, forecast_loss, train_event_attention
from gdt_tutorial.gai.series_networks import SeriesLstm, SeriesTransformer
from gdt_tutorial.learning import FitConfig, cosine, fit_updates
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.worlds.loads import Days, LoadWorld, arrival_rmse

__all__ = [
    "ForecastStudyConfig",
    "general_network",
    "load_forecasts",
    "rmse_in_worlds",
    "tensor_of",
    "trained_attention",
    "with_events",
]

Forecast = Float[np.ndarray, "day slot ap"]


@configclass
class ForecastStudyConfig:
    """Days, and training."""

    n_train: int = parameter(200, "Days that plain rules and general networks learn from.", "chosen", above=0)
    n_attention: int = parameter(80, "Days that attention learns from.", "chosen", above=0)
    n_test: int = parameter(60, "Fresh days.", "chosen", above=0)
    n_epochs: int = parameter(8, "Passes of attention over its days.", "chosen", above=0)
    n_updates: int = parameter(400, "Gradient steps of a general network.", "chosen", above=0)


def tensor_of(days: Days) -> torch.Tensor:
    """Return loads as a network takes them."""
    return torch.from_numpy(days.load).float()


@torch.no_grad()
def with_events(days: Days, rule: EventRule = EventRule()) -> Float[np.ndarray, "day slot feature"]:
    """Return the loads, and beside them the departures that the rule by hand sees."""
    departure = EventAttention(rule).departures(tensor_of(days)).double().numpy()
    return np.concatenate([days.load, departure], axis=-1)


def trained_attention(
    config: ForecastStudyConfig = ForecastStudyConfig(), *, seed: int, copy: int = 0
) -> EventAttention:
    """Train attention on days with new routes."""
    train = LoadWorld(rng=stream(seed, "new routes")).draw(config.n_attention, rng=stream(seed, "attention days", copy))
    fit = FitConfig(
        n_epochs=config.n_epochs,
        batch_size=20,
        learning_rate=FIT.learning_rate,
        max_gradient_norm=FIT.max_gradient_norm,
        schedule=cosine,
    )
    return train_event_attention(tensor_of(train), config=fit, generator=torch_stream(seed, "attention", copy))[0]


def general_network(
    make: Callable[..., nn.Module], train: Days, config: ForecastStudyConfig, *, seed: int
) -> nn.Module:
    """Train `SeriesLstm` or `SeriesTransformer` on days of a world."""
    model = make(train.load.shape[2], generator=torch_stream(seed, "weights"))
    fit = FitConfig(batch_size=32, learning_rate=5e-3, max_gradient_norm=1.0, schedule=cosine)
    generator = torch_stream(seed, "general network")
    fit_updates(model, (tensor_of(train),), forecast_loss, fit, config.n_updates, generator=generator)
    return model


@torch.no_grad()
def load_forecasts(
    train: Days, test: Days, attention: EventAttention, n_starts: int = 12, *, rng: np.random.Generator
) -> dict[str, Forecast]:
    """Fit every plain rule on days of a world, and forecast fresh ones with them and with attention.

    Args:
        train: Days that the plain rules learn from.
        test: Fresh days.
        attention: As trained.
        n_starts: Of the mixtures, which do not always find hidden kinds of day.
        rng: Draws these starts.
    """
    before = np.concatenate([np.zeros_like(test.load[:, :1]), test.load[:, :-1]], axis=1)
    fresh, events, fresh_events = tensor_of(test), with_events(train), with_events(test)
    plain, on_events = fit_autoregression(train.load, train.load), fit_autoregression(events, train.load, 16)
    mixture = fit_mixture(train.load, train.load, 4, n_starts=n_starts, rng=rng)
    on_both = fit_mixture(events, train.load, 4, 16, kind=mixture.kind, rng=rng)
    gate = torch.from_numpy(test.gate).float()[:, None]
    return {
        "last value": EventRule().persistence * before,
        "autoregression": plain.forecast(test.load),
        "autoregression on events": on_events.forecast(fresh_events),
        "mixture of four": mixture.forecast(test.load, test.load),
        "mixture on events": on_both.forecast(fresh_events, test.load),
        "attention by hand": EventAttention()(fresh).numpy(),
        "attention, trained": attention(fresh).numpy(),
        "known routes": attention(fresh, gate).numpy(),
    }


def rmse_in_worlds(
    attention: EventAttention,
    worlds: Mapping[str, int | None],
    config: ForecastStudyConfig = ForecastStudyConfig(),
    networks: Mapping[str, Callable[..., nn.Module]] = {"LSTM": SeriesLstm, "plain transformer": SeriesTransformer},
    *,
    seed: int,
    copy: int = 0,
) -> dict[str, dict[str, float]]:
    """Return the error at arrivals of every forecast in every world.

    Args:
        attention: As trained.
        worlds: Sets of routes of each world, by its name.
        config: Days, and training.
        networks: General networks that are trained beside.
        seed: Draws worlds and days.
        copy: Another one has other days of the same worlds.
    """
    found = {}
    for name, n_types in worlds.items():
        world = LoadWorld(n_types, rng=stream(seed, "world", name))
        train, test = (
            world.draw(n_days, rng=stream(seed, part, name, copy))
            for part, n_days in (("train", config.n_train), ("test", config.n_test))
        )
        n_starts = 12 if n_types is not None and n_types > 1 else 1  # elsewhere there is no kind to find
        made = load_forecasts(train, test, attention, n_starts, rng=stream(seed, "mixtures", name, copy))
        for label, make in networks.items():
            model = general_network(make, train, config, seed=seed)
            with torch.no_grad():
                made[label] = model(tensor_of(test)).numpy()
        found[name] = {label: arrival_rmse(test, forecast) for label, forecast in made.items()}
    return found
