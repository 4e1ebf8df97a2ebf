"""The demand that the centralized controller expects of each service in the coming minutes.

"the centralized controller implements the large-timescale network slicing" (the paper, GDT network architecture). A partition
holds for minutes, so it is planned for demand that has not come yet, and the paper does not say how that is foretold.

What is expected is the demand of the minute before (`last_value`), the season of recorded days (`season_of`), a forecast
(`ForecastDemand`: the season, and a vector autoregression of what is left of it), or the truth (`known_demand`, an oracle for
evaluation alone). A forecast that reads all services lets one slice's demand move the guarantee of another; `SeparateForecasts`
reads each by itself.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.twin.abstraction.load_forecast import fit_loads

__all__ = ["Expect", "ForecastDemand", "SeparateForecasts", "known_demand", "last_value", "season_of"]

Expect = Callable[[Float[np.ndarray, "batch minute service"], int, int], Float[np.ndarray, "batch _ service"]]
"""From the demand of a day, the minute that begins and how many are planned: what is expected of each of them.

Only an oracle may read the demand from that minute on.
"""


def last_value(
    demand_bps: Float[np.ndarray, "batch minute service"], minute: int, n_minutes: int
) -> Float[np.ndarray, "batch _ service"]:
    """Expect what the last minute asked for (an `Expect`); before the first minute nothing is known."""
    if minute == 0:
        return np.zeros_like(demand_bps[:, :n_minutes])
    return np.repeat(demand_bps[:, minute - 1 : minute], n_minutes, axis=1)


def known_demand(
    demand_bps: Float[np.ndarray, "batch minute service"], minute: int, n_minutes: int
) -> Float[np.ndarray, "batch _ service"]:
    """Expect what will come: an oracle, for evaluation alone."""
    return demand_bps[:, minute : minute + n_minutes]


def season_of(recorded_bps: Float[np.ndarray, "day minute service"]) -> Expect:
    """Expect what recorded days asked for on average in the same minute: the plain forecast, which reads nothing of today."""
    season_bps = recorded_bps.mean(axis=0)

    def expect(
        demand_bps: Float[np.ndarray, "batch minute service"], minute: int, n_minutes: int
    ) -> Float[np.ndarray, "batch _ service"]:
        return np.tile(season_bps[minute : minute + n_minutes], (len(demand_bps), 1, 1))

    return expect


class ForecastDemand:
    """Expects the season of recorded days and, of what is left of it, what an autoregression says (an `Expect`).

    One autoregression for each number of minutes ahead (`fit_loads`, over services in the place of access points).

    Args:
        recorded_bps: Demand of other days, which begin at the same hour.
        n_ahead: Most minutes that are asked for at once.
        n_lags: Minutes that it looks back.
        ridge: Pull of the coefficients toward 0, for demand in Mb/s.

    Raises:
        ValueError: Days that are too short.
    """

    def __init__(
        self,
        recorded_bps: Float[np.ndarray, "day minute service"],
        n_ahead: int = 20,
        n_lags: int = 6,
        *,
        ridge: float = 10.0,
    ) -> None:
        self.season_bps = recorded_bps.mean(axis=0)
        self.n_lags = n_lags
        rest = self._mbps(recorded_bps, slice(None))
        self._models = [fit_loads(rest, ahead, n_lags, ridge=ridge) for ahead in range(1, n_ahead + 1)]

    def __call__(
        self, demand_bps: Float[np.ndarray, "batch minute service"], minute: int, n_minutes: int
    ) -> Float[np.ndarray, "batch _ service"]:
        """Forecast from the minutes before.

        Raises:
            ValueError: More minutes than it was fitted for.
        """
        rule, remedy = f"be at most n_ahead = {len(self._models)}", "fit it for more"
        require(n_minutes <= len(self._models), "n_minutes", rule, n_minutes, remedy)
        season = self.season_bps[minute : minute + n_minutes]
        if minute == 0:
            return np.tile(season, (len(demand_bps), 1, 1))
        seen = slice(max(0, minute - self.n_lags), minute)
        rest = self._mbps(demand_bps[:, seen], seen)
        ahead = np.stack([model.forecast(rest) for model in self._models[: len(season)]], axis=1)
        return np.maximum(season + 1e6 * ahead, 0.0)

    def _mbps(self, demand_bps: Float[np.ndarray, "day minute service"], minutes: slice) -> np.ndarray:
        return (demand_bps - self.season_bps[minutes]) / 1e6


class SeparateForecasts:
    """Forecasts each service from its own demand alone (an `Expect`): no slice can move what another one is guaranteed.

    Args:
        recorded_bps: As for `ForecastDemand`.
        n_ahead: Most minutes that are asked for at once.
        n_lags: Minutes that it looks back.

    Raises:
        ValueError: As `ForecastDemand`.
    """

    def __init__(
        self, recorded_bps: Float[np.ndarray, "day minute service"], n_ahead: int = 20, n_lags: int = 6
    ) -> None:
        n_services = recorded_bps.shape[-1]
        self._each = [ForecastDemand(recorded_bps[..., [one]], n_ahead, n_lags) for one in range(n_services)]

    def __call__(
        self, demand_bps: Float[np.ndarray, "batch minute service"], minute: int, n_minutes: int
    ) -> Float[np.ndarray, "batch _ service"]:
        """Forecast from the minutes before.

        Raises:
            ValueError: As `ForecastDemand`.
        """
        alone = [forecast(demand_bps[..., [one]], minute, n_minutes) for one, forecast in enumerate(self._each)]
        return np.concatenate(alone, axis=-1)
