"""Users per access point (AP), slot by slot: the "spatiotemporal traffic distribution" of a campus, recorded.

Its output is "distilled network information, such as spatiotemporal traffic distribution and swipe probability
distribution" (the paper, Digital Twin). Every access point knows who is attached to it, so a load costs no report. Here the
load is a count of users, because what an AP sends depends on decisions.

`record_loads` lets people walk over days that begin at the same hour, without videos and decisions. Its campus has six access
points in two rows of three (chosen; the paper's case study has two, between which there is little to go).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.batch import sum_by
from gdt_tutorial.physical.channel import Channel, ChannelConfig
from gdt_tutorial.physical.delivery import serving_ap
from gdt_tutorial.physical.destinations import DestinationConfig
from gdt_tutorial.physical.mobility import Mobility
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.physical.topology import AccessPoint, Topology
from gdt_tutorial.twin.observation import Observation

__all__ = ["SIX_M", "RecordConfig", "RecordedDays", "loads_seen", "record_loads", "six_access_points", "users_per_ap"]

SIX_M = tuple((x_m, y_m) for y_m in (-130.0, 130.0) for x_m in (-250.0, 0.0, 250.0))


@configclass
class RecordConfig:
    """Days of walking people."""

    n_days: int = parameter(60, "Days.", "chosen", above=0)
    n_users: int = parameter(200, "Users of a day.", "chosen", above=0)
    n_slots: int = parameter(96, "Slots of a day.", "chosen, as in worlds.loads", above=0)
    slot_s: float = parameter(20.0, "Length of a slot.", "chosen: a walk takes some ten of them", above=0)
    mobility: Mobility = parameter(
        DestinationConfig(arrival_s=600.0), "How people walk: they enter at gates within ten minutes.", "chosen"
    )


class RecordedDays(NamedTuple):
    """Loads, and where the people of the first day were."""

    load: Float[np.ndarray, "day slot ap"]
    position_m: Float[np.ndarray, "slot user xy"]


def six_access_points() -> Topology:
    """Return the campus with six access points."""
    return Topology.waterloo(access_points=tuple(AccessPoint(position_m=place_m) for place_m in SIX_M))


def users_per_ap(serving: Int[np.ndarray, "batch user"], n_aps: int) -> Float[np.ndarray, "batch ap"]:
    """Return how many users are attached to each access point."""
    return sum_by(np.ones(serving.shape), serving, n_aps)


def loads_seen(seen: Observation) -> Float[np.ndarray, "batch slot ap"]:
    """Return the loads of the slots that an observation holds, oldest first."""
    n_aps = seen.status.networking.snr_db.shape[2]
    return np.stack([users_per_ap(status.session.serving_ap, n_aps) for status in seen.statuses], axis=1)


def record_loads(
    topology: Topology,
    config: RecordConfig = RecordConfig(),
    *,
    channel: ChannelConfig = ChannelConfig(),
    hysteresis_db: float = NetworkConfig().hysteresis_db,
    rng: np.random.Generator,
) -> RecordedDays:
    """Let people walk, and count who is attached where.

    Args:
        topology: Campus and access points.
        config: Days of walking people.
        channel: How the channel varies along their paths.
        hysteresis_db: By which another access point must win.
        rng: Draws both.

    Raises:
        ValueError: One access point, between which nobody can go.
    """
    require(topology.n_aps > 1, "topology", "have two access points or more", topology.n_aps, "see six_access_points")
    walk_rng, channel_rng = rng.spawn(2)
    shape = (config.n_days, config.n_users)
    walk = config.mobility.start(topology.campus, *shape, rng=walk_rng)
    air, serving, load, position_m = Channel(channel, topology, *shape, rng=channel_rng), None, [], []
    for slot in range(config.n_slots):
        if slot > 0:
            walk.advance(config.slot_s)
        air.advance(walk.position_m)
        serving = serving_ap(air.snr_db, serving, hysteresis_db)
        load.append(users_per_ap(serving, topology.n_aps))
        position_m.append(walk.position_m[0].copy())
    return RecordedDays(np.stack(load, axis=1), np.stack(position_m))
