"""Windows of the whole status, as networks read them: one row of numbers per user and slot.

What is collected "can be classified into networking-related data and behavior-related data" (the paper, Digital Twin). Of
what a phone reports, positions and velocities are behavior, and the SNR to every access point is networking. An autoencoder,
a variational one and principal components all compress the same windows.
"""

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.channel_model import ChannelModel, UserChannel
from gdt_tutorial.physical.mobility import LevyFlightConfig, Mobility, Walk
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["feature_names", "record_window", "sample_windows", "status_features"]


def feature_names(n_aps: int) -> tuple[str, ...]:
    """Return what the entries of `status_features` are, in their order."""
    return ("x_m", "y_m", "x_mps", "y_mps", *(f"snr_{ap}_db" for ap in range(n_aps)))


def status_features(window: StatusWindow) -> Float[np.ndarray, "batch user slot feature"]:
    """Return position (m), velocity (m/s) and SNR to every access point (dB) side by side."""
    return np.concatenate([window.position_m, window.velocity_mps, window.snr_db], axis=-1)


def sample_windows(
    topology: Topology,
    n_batch: int,
    n_users: int,
    n_slots: int = 32,
    *,
    slot_s: float = 2.0,
    mobility: Mobility = LevyFlightConfig(),
    channel: ChannelModel = ChannelConfig(),
    rng: np.random.Generator,
) -> StatusWindow:
    """Draw walks and their channels, with a report of every user in every slot: what a twin learns from.

    Args:
        topology: Campus and access points.
        n_batch: Environments.
        n_users: Users of each of them.
        n_slots: Slots of the window.
        slot_s: Length of a slot, as `NetworkConfig.slot_s`.
        mobility: How users walk.
        channel: How the channel varies along their paths.
        rng: Draws both.

    Raises:
        ValueError: No slot, no environment or no user.
    """
    require(n_slots > 0, "n_slots", "be above 0", n_slots, "a window has one slot at least")
    walk_rng, channel_rng = rng.spawn(2)
    walk = mobility.start(topology.campus, n_batch, n_users, rng=walk_rng)
    air = channel.start(topology, n_batch, n_users, rng=channel_rng)
    air.advance(walk.position_m)
    return record_window(walk, air, n_slots, slot_s)


def record_window(walk: Walk, air: UserChannel, n_slots: int, slot_s: float) -> StatusWindow:
    """Let users go on for `n_slots` slots, the first of which is where they stand; note all of it, as if all reported."""
    rows = []
    for slot in range(n_slots):
        if slot > 0:
            walk.advance(slot_s)
            air.advance(walk.position_m)
        rows.append((walk.position_m.copy(), walk.velocity_mps.copy(), air.snr_db.astype(np.float64)))
    position_m, velocity_mps, snr_db = (np.stack(each, axis=2) for each in zip(*rows, strict=True))
    everywhere = np.ones(snr_db.shape[:3], dtype=bool)
    return StatusWindow(
        slot=n_slots - 1,
        position_m=position_m,
        velocity_mps=velocity_mps,
        is_behavior_collected=everywhere,
        snr_db=snr_db,
        is_networking_collected=everywhere.copy(),
    )
