"""Telemetry of users who walk and watch nothing: what a study of data collection needs, without the network's service.

Walks and channels are those of `PhysicalNetwork`, and no decision changes either, so every scheme of collection meets the
same truth.
"""

import numpy as np

from gdt_tutorial.configuration import require_counts
from gdt_tutorial.physical.channel import Channel, ChannelConfig
from gdt_tutorial.physical.messages import Load, Service, Session, Telemetry
from gdt_tutorial.physical.mobility import LevyFlightConfig, Mobility
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream

__all__ = ["walkers"]


def walkers(
    topology: Topology,
    n_batch: int,
    n_users: int,
    n_slots: int,
    mobility: Mobility = LevyFlightConfig(),
    *,
    slot_s: float = 2.0,
    seed: int,
) -> list[Telemetry]:
    """Return the telemetry of `n_slots` slots, in which positions and channels alone change.

    Raises:
        ValueError: a size that is not positive.
    """
    require_counts("walk at least one", n_batch=n_batch, n_users=n_users, n_slots=n_slots)
    walk = mobility.start(topology.campus, n_batch, n_users, rng=stream(seed, "walk"))
    channel = Channel(ChannelConfig(), topology, n_batch, n_users, rng=stream(seed, "channel"))
    idle, slots = _idle(n_batch, n_users, topology.n_aps), []
    for slot in range(n_slots):
        channel.advance(walk.position_m)
        slots.append(
            Telemetry(
                slot=slot,
                position_m=walk.position_m.copy(),
                velocity_mps=walk.velocity_mps.copy(),
                snr_db=channel.snr_db.astype(np.float64),
                session=idle[0],
                service=idle[1],
                load=idle[2],
            )
        )
        walk.advance(slot_s)
    return slots


def _idle(n_batch: int, n_users: int, n_aps: int) -> tuple[Session, Service, Load]:
    index, number = np.zeros((n_batch, n_users), dtype=np.int64), np.zeros((n_batch, n_users))
    session = Session(
        group=index,
        serving_ap=index,
        head=index,
        play_s=number,
        buffered=np.zeros((n_batch, n_users, 1, 1), dtype=np.int8),
        stored_s=number,
        playlist=np.zeros((n_batch, 1, 1), dtype=np.int64),
    )
    names = ("received_s", "watched_s", "dropped_s", "stall_s", "quality", "variation", "qoe", "view_fraction")
    service = Service(**dict.fromkeys(names, number), view_type=index, n_views=index)
    per_ap, empty = np.zeros((n_batch, n_aps)), np.zeros((n_batch, 0))
    load = Load(
        bandwidth=per_ap,
        computing=per_ap,
        backhaul=per_ap,
        delay_s=empty,
        n_sent=empty.astype(np.int64),
        efficiency=empty,
    )
    return session, service, load
