"""Emulate the channel from emulated positions.

"Based on users' real-time trajectories, the real-time channel conditions are emulated based on PropagationModel at
Matlab by analyzing the channel fading between users and base stations" (the paper, case study). The propagation law
gives the expected SNR at a position; how far the last measurement lay from the law says the rest, as long as the user
has not gone far from where it was taken.

    SNR = law(position) + offset + w * (measured residual),   w = (1 - fading share) * exp(-moved / D)

That is the best linear estimate when shadowing is an AR(1) process along the path and fading is new in every slot; its
error variance is (1 - w^2) of the residual's. The formula is our choice; the paper gives none. `moved` is the root mean
square distance from the place of the measurement, so a user whose position is uncertain counts as having moved.
"""

from math import inf

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.channel import ChannelConfig, expected_snr_db
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.status import StatusWindow, at_slot, last_collected

__all__ = ["SnrEmulationConfig", "emulate_snr", "last_residual"]


@configclass
class SnrEmulationConfig:
    """What the twin assumes of the part of the channel that the position does not tell."""

    correlation_m: float = parameter(
        18.0,
        "Distance over which the residual decorrelates to 1/e.",
        "measured: 480 users x 80 slots, default channel",
        above=0,
        below=inf,
    )
    residual_std_db: float = parameter(
        8.9, "Spread of SNR around the law: LOS state, shadowing and fading.", "same", above=0, below=inf
    )
    offset_db: float = parameter(
        1.0, "Mean of SNR minus the law.", "same", above=-inf, below=inf, remedy="0 trusts the law"
    )
    fading_share: float = parameter(
        0.014,
        "Share of the residual's variance that is new in every slot.",
        "same",
        at_least=0,
        below=1,
        remedy="0 means no fading",
    )


def emulate_snr(
    window: StatusWindow,
    position_m: Float[np.ndarray, "batch user slot xy"],
    position_std_m: Float[np.ndarray, "batch user slot xy"],
    topology: Topology,
    channel: ChannelConfig,
    config: SnrEmulationConfig,
) -> tuple[Float[np.ndarray, "batch user slot ap"], Float[np.ndarray, "batch user slot ap"]]:
    """Return mean and standard deviation of SNR in dB at emulated positions."""
    place_m, residual_db = last_residual(window, topology, channel, config)

    square_m2 = (position_m - place_m[:, :, None]) ** 2 + position_std_m**2
    moved_m = np.sqrt(square_m2.sum(axis=-1))
    weight = (1 - config.fading_share) * np.exp(-moved_m / config.correlation_m)[..., None]

    law_db = expected_snr_db(position_m, topology, channel) + config.offset_db
    mean_db = law_db + weight * residual_db[:, :, None]
    std_db = config.residual_std_db * np.sqrt(1 - weight**2)
    return mean_db, np.broadcast_to(std_db, mean_db.shape).copy()


def last_residual(
    window: StatusWindow, topology: Topology, channel: ChannelConfig, config: SnrEmulationConfig
) -> tuple[Float[np.ndarray, "batch user xy"], Float[np.ndarray, "batch user ap"]]:
    """Return where each user's SNR was measured last, and how far it lay from the law there, in dB."""
    measured_at = last_collected(window.is_networking_collected)
    place_m, measured_db = at_slot(window.position_m, measured_at), at_slot(window.snr_db, measured_at)
    residual_db = measured_db - expected_snr_db(place_m, topology, channel) - config.offset_db
    return place_m, residual_db
