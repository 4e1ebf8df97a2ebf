"""The load that comes, as context of the features: a forecast that a manager may read.

"GT can accurately analyze spatiotemporal correlations from DT status through its advanced attention mechanism. The
abstracted features can simplify the network management problem and provide tailored network management information" (the
paper, GAI-Based Feature Abstraction). `ForecastContext` puts the forecast of users per access point into
`Features.context`, behind what stands there.

Who forecasts is a part of its own (`LoadForecaster`). `AutoregressiveLoads` is the plain one, `AttentiveLoads` the one with
attention over events. Both read the loads of the slots that the twin remembers, so a slot of a rollout is forecast like a real
one. Which of the two one takes is a matter of their scores, and where people walk independently the plain one is better.
"""

from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.autoregression import Autoregression, fit_autoregression
from gdt_tutorial.gai.event_attention import EventAttention
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor, Features
from gdt_tutorial.twin.abstraction.loads import loads_seen
from gdt_tutorial.twin.observation import Observation

__all__ = ["AttentiveLoads", "AutoregressiveLoads", "ForecastContext", "LoadForecaster", "fit_loads"]


@runtime_checkable
class LoadForecaster(Protocol):
    """Anything that says how many users each access point will have."""

    def forecast(self, load: Float[np.ndarray, "batch slot ap"]) -> Float[np.ndarray, "batch ap"]:
        """Return the load that comes, from those so far, oldest first."""
        ...


class AutoregressiveLoads:
    """A vector autoregression of loads, some slots ahead (a `LoadForecaster`)."""

    def __init__(self, model: Autoregression, mean: Float[np.ndarray, " ap"]) -> None:
        self.model, self.mean = model, mean

    def forecast(self, load: Float[np.ndarray, "batch slot ap"]) -> Float[np.ndarray, "batch ap"]:
        """Forecast; before the first slot the load was as in it.

        Raises:
            ValueError: Loads of another number of access points.
        """
        rule, remedy = f"have {len(self.mean)} access points", "fit it on loads of this campus"
        require(load.shape[-1] == len(self.mean), "load", rule, load.shape[-1], remedy)
        before = np.repeat(load[:, :1], self.model.n_lags, axis=1)
        rows = np.concatenate([before, load, load[:, -1:]], axis=1) - self.mean  # the last is forecast, not read
        return self.mean + self.model.forecast(rows)[:, -1]


class AttentiveLoads:
    """Attention over events, one slot ahead (a `LoadForecaster`).

    Args:
        model: Reads loads around 0.
        mean: Of the loads that it was trained on.
        scale: By which they were divided.
    """

    def __init__(self, model: EventAttention, mean: Float[np.ndarray, " ap"], scale: float = 1.0) -> None:
        self.model, self.mean, self.scale = model.double(), mean, scale

    @torch.no_grad()
    def forecast(self, load: Float[np.ndarray, "batch slot ap"]) -> Float[np.ndarray, "batch ap"]:
        """Forecast the next slot."""
        rows = (np.concatenate([load, load[:, -1:]], axis=1) - self.mean) / self.scale
        return self.mean + self.scale * self.model(torch.from_numpy(rows))[:, -1].numpy()


def fit_loads(
    load: Float[np.ndarray, "day slot ap"], n_ahead: int = 1, n_lags: int = 6, *, ridge: float = 1.0
) -> AutoregressiveLoads:
    """Fit a forecast `n_ahead` slots ahead on recorded days.

    Raises:
        ValueError: A horizon that is not positive, or days that are too short.
    """
    n_slots = load.shape[1]
    rule, remedy = f"lie in [1, {n_slots - n_lags - 1}]", "record longer days"
    require(0 < n_ahead < n_slots - n_lags, "n_ahead", rule, n_ahead, remedy)
    mean = load.mean(axis=(0, 1))
    inputs, target = load[:, : n_slots - n_ahead + 1] - mean, load[:, n_ahead - 1 :] - mean
    return AutoregressiveLoads(fit_autoregression(inputs, target, n_lags, ridge=ridge), mean)


class ForecastContext:
    """Adds to the context of another abstractor the load that comes at each access point (a `FeatureAbstractor`).

    The last `2 n_aps` numbers of the context are then the load of now and the forecast.
    """

    def __init__(self, abstractor: FeatureAbstractor, forecaster: LoadForecaster) -> None:
        self.abstractor, self.forecaster = abstractor, forecaster

    def abstract(self, seen: Observation) -> Features:
        """Abstract, count, and forecast."""
        features, load = self.abstractor.abstract(seen), loads_seen(seen)
        coming = np.maximum(self.forecaster.forecast(load), 0.0)
        return replace(features, context=np.concatenate([features.context, load[:, -1], coming], axis=1))
