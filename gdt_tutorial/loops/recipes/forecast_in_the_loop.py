"""Does a manager that reads the coming load decide better? Makers on the same campuses, paired.

    unread     greedy, which leaves the forecast alone
    forecast   `PreparedGreedy` on a forecast
    known      the same on the true load of that slot: an oracle, for evaluation alone

Who walks where depends on no decision, so the true loads of a campus are those of any run of it. Six access points, people who
enter at gates within the first minute, a narrow band, and a twin that holds the last report. QoE is the mean over users and
slots, campus by campus.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.loops.external import every
from gdt_tutorial.loops.manager import GdtNetwork, group_abstractor, schedule_model
from gdt_tutorial.physical.destinations import DestinationConfig
from gdt_tutorial.physical.mobility import Mobility
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.topology import AccessPoint
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor, Features
from gdt_tutorial.twin.abstraction.load_forecast import AutoregressiveLoads, ForecastContext, LoadForecaster, fit_loads
from gdt_tutorial.twin.abstraction.loads import (
    SIX_M,
    RecordConfig,
    loads_seen,
    record_loads,
    six_access_points,
)
from gdt_tutorial.twin.decision.prepared_greedy import PreparedGreedy
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.observation import MEMORY_SLOTS, Observation
from gdt_tutorial.twin.swipe_model import SwipeModel

__all__ = ["ForecastConfig", "ForecastStudy", "KnownLoads", "campus_forecaster", "six_ap_network", "study"]


@configclass
class ForecastConfig:
    """Campuses on which makers are compared."""

    n_campuses: int = parameter(16, "Campuses.", "chosen", above=1)
    n_users: int = parameter(60, "Users of a campus.", "chosen", above=0)
    n_slots: int = parameter(40, "Slots of a run.", "chosen", above=0)
    n_ahead: int = parameter(8, "Slots after which the forecast load comes.", "chosen", above=0)
    bandwidth_hz: float = parameter(1e6, "Band of an access point.", "chosen: narrow, so that stock matters", above=0)
    strength: float = parameter(1.0, "How much the forecast counts.", "chosen on other seeds", at_least=0)
    period_slots: int = parameter(4, "Slots between two reports of a user.", "chosen", above=0)
    n_days: int = parameter(60, "Days that the forecast is fitted on.", "chosen", above=0)
    mobility: Mobility = parameter(
        DestinationConfig(arrival_s=60.0), "How people walk: they enter within a minute.", "chosen"
    )


class ForecastStudy(NamedTuple):
    """QoE of each maker on the same campuses, and the error of the forecast that it read, in users."""

    qoe: dict[str, Float[np.ndarray, " campus"]]
    rmse: dict[str, float]


class KnownLoads:
    """Adds the true load that comes to the context (a `FeatureAbstractor`): an oracle, for evaluation alone."""

    def __init__(self, abstractor: FeatureAbstractor, load: Float[np.ndarray, "batch slot ap"], n_ahead: int) -> None:
        self.abstractor, self.load, self.n_ahead = abstractor, load, n_ahead

    def abstract(self, seen: Observation) -> Features:
        """Abstract, and look into the true loads; after their end the last one stays."""
        slot = min(seen.status.slot + self.n_ahead, self.load.shape[1] - 1)
        context = ForecastContext(self.abstractor, _Given(self.load[:, slot]))
        return context.abstract(seen)


class _Given(NamedTuple):
    load: Float[np.ndarray, "batch ap"]

    def forecast(self, load: Float[np.ndarray, "batch slot ap"]) -> Float[np.ndarray, "batch ap"]:
        return self.load


def six_ap_network(config: ForecastConfig, *, seed: int) -> PhysicalNetwork:
    """Return campuses with six access points."""
    masts = tuple(AccessPoint(position_m=place_m, bandwidth_hz=config.bandwidth_hz) for place_m in SIX_M)
    network = NetworkConfig(n_users=config.n_users)
    return PhysicalNetwork.waterloo(
        config.n_campuses, network, mobility=config.mobility, seed=seed, access_points=masts
    )


def campus_forecaster(config: ForecastConfig = ForecastConfig(), *, seed: int) -> AutoregressiveLoads:
    """Fit the forecast on recorded days of such campuses."""
    days = RecordConfig(
        n_days=config.n_days,
        n_users=config.n_users,
        n_slots=config.n_slots + config.n_ahead,
        slot_s=NetworkConfig().slot_s,
        mobility=config.mobility,
    )
    recorded = record_loads(six_access_points(), days, rng=seeding.stream(seed, "recorded days"))
    return fit_loads(recorded.load, config.n_ahead, n_lags=4)


def study(forecaster: LoadForecaster, config: ForecastConfig = ForecastConfig(), *, seed: int) -> ForecastStudy:
    """Let the makers manage the same campuses of `seed`."""
    unread, load = _run(forecaster, None, config, 0.0, seed)
    read = {
        "forecast": _run(forecaster, None, config, config.strength, seed)[0],
        "known": _run(forecaster, load, config, config.strength, seed)[0],
    }
    now, true = load[:, : -config.n_ahead], load[:, config.n_ahead :]
    first = range(1, now.shape[1] + 1)
    coming = np.stack([forecaster.forecast(load[:, max(0, slot - MEMORY_SLOTS) : slot]) for slot in first], axis=1)
    rmse = {
        name: float(np.sqrt(((each - true) ** 2).mean())) for name, each in (("forecast", coming), ("last value", now))
    }
    return ForecastStudy({"unread": unread, **read}, rmse)


def _run(
    forecaster: LoadForecaster,
    known: Float[np.ndarray, "batch slot ap"] | None,
    config: ForecastConfig,
    strength: float,
    seed: int,
) -> tuple[Float[np.ndarray, " campus"], Float[np.ndarray, "batch slot ap"]]:
    """Run one maker; return the QoE and the true loads of each campus."""
    network = six_ap_network(config, seed=seed)

    def abstractor(net: PhysicalNetwork, swipes: SwipeModel) -> FeatureAbstractor:
        plain = group_abstractor(net, swipes)
        return ForecastContext(plain, forecaster) if known is None else KnownLoads(plain, known, config.n_ahead)

    gdt = GdtNetwork(
        network,
        HoldLast(topology=network.topology),
        {"maker": PreparedGreedy(schedule_model(network), strength)},
        every(config.period_slots),
        make_abstractor=abstractor,
    )
    loads: list[np.ndarray] = []
    history = gdt.run(config.n_slots, lambda slot: loads.append(loads_seen(gdt.seen)[:, -1]))
    return history.qoe.mean(axis=0), np.stack(loads, axis=1)
