"""The video slice on the book's own network: what do its campuses lose to the slices of two other services?

`slicing_study` has fluids at one access point. Here the share of the video slice, as the centralized controller cuts it at each
access point from one large slot to the next, is the capacity of the campus network: its band, its cycles, its backhaul and its
caches. `CentralizedController` applies the plan every 30 slots, and the decision maker of the twin learns its capacity anew.

The demand of the three services comes from `physical.services`, one day for each access point. It does not depend on what the
viewers of the campus watch: shares are given to the network from outside. Maker, twin and campuses are the same under all
policies, so QoE is paired by campus.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.loops.demand_forecasts import SeparateForecasts, last_value
from gdt_tutorial.loops.external import every
from gdt_tutorial.loops.manager import GdtNetwork, group_abstractor, schedule_model
from gdt_tutorial.loops.recipes.slicing_study import recorded_demand
from gdt_tutorial.loops.slicing import SlicingConfig, contract_share, equal_share, repartition, slicing_plan
from gdt_tutorial.physical.controllers import CentralizedController
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.services import SERVICES, ServicesConfig, draw_days
from gdt_tutorial.physical.slicing import NetworkSlice
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.swipe_model import SwipeModel

__all__ = ["CampusConfig", "run_sliced", "sliced_campuses", "video_shares"]


@configclass
class CampusConfig:
    """Campuses, and the part of the day that they are watched in."""

    n_campuses: int = parameter(8, "Campuses, side by side.", "chosen", above=1)
    n_users: int = parameter(60, "Users of a campus.", "chosen", above=0)
    first_minute: int = parameter(
        42, "Large slot of the day that the run begins in.", "chosen: before a break", at_least=0
    )
    n_minutes: int = parameter(8, "Large slots of a run.", "chosen", above=0)
    period_slots: int = parameter(4, "Slots between two reports of a user.", "chosen", above=0)


class _OfThisMinute:
    """Abstractor and maker in one, made anew from the capacity that the network has now."""

    def __init__(self, network: PhysicalNetwork, swipes: SwipeModel | None = None) -> None:
        self.network, self.swipes = network, swipes

    def abstract(self, seen: Observation) -> Features:
        assert self.swipes is not None
        return group_abstractor(self.network, self.swipes).abstract(seen)

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        return GreedyAllocator(schedule_model(self.network)).decide(features, rng=rng)


def video_shares(
    n_aps: int,
    config: CampusConfig = CampusConfig(),
    services: ServicesConfig = ServicesConfig(),
    slicing: SlicingConfig = SlicingConfig(),
    *,
    seed: int,
) -> dict[str, Float[np.ndarray, "ap minute service"]]:
    """Return the shares of all services under each policy, in bit/s, for the minutes of the run.

    Raises:
        ValueError: A run that ends after the day.
    """
    end, rule = config.first_minute + config.n_minutes, f"end within {services.n_minutes} minutes"
    require(end <= services.n_minutes, "n_minutes", rule, config.n_minutes, "begin earlier, or run for less")
    demand = draw_days(range(seed, seed + n_aps), services).demand_bps()
    forecast = SeparateForecasts(recorded_demand(services), n_ahead=5)
    shares = {
        "equal": equal_share(demand, slicing),
        "contracts": contract_share(demand, slicing),
        "last value, 1": repartition(demand, last_value, 1, slicing),
        "separate forecast, 5": repartition(demand, forecast, 5, slicing),
    }
    return {name: share[:, config.first_minute : end] for name, share in shares.items()}


def run_sliced(
    share_bps: Float[np.ndarray, "ap minute service"] | None,
    config: CampusConfig = CampusConfig(),
    capacity_bps: float = SlicingConfig().capacity_bps,
    *,
    seed: int,
) -> Float[np.ndarray, " campus"]:
    """Run the campuses inside the video slice of these shares; return the mean QoE of each.

    Args:
        share_bps: Of all services; None gives video the whole network.
        config: The campuses.
        capacity_bps: Of which the shares are parts.
        seed: Of the campuses.
    """
    network = PhysicalNetwork.waterloo(config.n_campuses, NetworkConfig(n_users=config.n_users), seed=seed)
    controller = CentralizedController()

    def begin(minute: int) -> None:
        if share_bps is None:
            part = NetworkSlice.whole(network.topology.n_aps)
        else:
            part = slicing_plan(share_bps[:, minute], capacity_bps)[SERVICES[0]]
        controller.apply(network, part)

    begin(0)
    gdt = GdtNetwork(
        network,
        HoldLast(topology=network.topology),
        {"greedy": _OfThisMinute(network)},
        every(config.period_slots),
        make_abstractor=_OfThisMinute,
    )
    n_slots = config.n_minutes * controller.period_slots

    def after(slot: int) -> None:
        if slot + 1 < n_slots and controller.is_due(slot + 1):
            begin((slot + 1) // controller.period_slots)

    return gdt.run(n_slots, after).qoe.mean(axis=0)


def sliced_campuses(
    config: CampusConfig = CampusConfig(), services: ServicesConfig = ServicesConfig(), *, seed: int
) -> Mapping[str, Float[np.ndarray, " campus"]]:
    """Return the QoE of the same campuses under each policy, and with the whole network first.

    Raises:
        ValueError: As `video_shares`.
    """
    n_aps = PhysicalNetwork.waterloo(1, NetworkConfig(n_users=1), seed=seed).topology.n_aps
    shares = video_shares(n_aps, config, services, seed=seed)
    return {name: run_sliced(share, config, seed=seed) for name, share in {"whole network": None, **shares}.items()}
