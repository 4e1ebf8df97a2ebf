"""Whole paths from an emulator's means and spreads: joint draws of position and SNR over the coming slots.

Draws that are independent from slot to slot would be no futures: users would jump, and change their access point in every
second slot. So errors have a memory. With mean m, spread s, standard normal z, and e new in every slot,

    position   x[k] = m[k] + s[k] z[k],          z[k] = memory z[k-1] + sqrt(1 - memory^2) e[k]
    SNR        law(x[k]) + offset + c[k] + w[k], c[k] = a c[k-1] + sqrt(1 - a^2) sigma sqrt(1 - f) e[k]

with a = exp(-|x[k] - x[k-1]| / D): the residual of the channel lives on along the path, as the field of the channel does. The
chain starts at the last measurement, of whose residual r the share 1 - f is lasting: c[0] has mean (1 - f) r and variance
f (1 - f) sigma^2. The share f is fading, w, new in every slot. Mean and spread in every single slot are those of `snr`.
"""

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.channel import ChannelConfig, expected_snr_db
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig, last_residual
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["PathConfig", "reflect", "sample_positions_m", "sample_residual_db", "sample_snr_db"]


@configclass
class PathConfig:
    """How long an emulator's error of a position lasts."""

    memory: float = parameter(
        0.97,
        "Correlation of a position's error, in units of its spread, from slot to slot.",
        "measured: .85 over 5 slots and .67 over 10, hold last, 2,000 walks of the default LevyFlightConfig",
        at_least=0,
        at_most=1,
        remedy="0 makes slots independent, 1 draws one error for all slots",
    )


def reflect(position_m: Float[np.ndarray, "*shape xy"], campus: Campus) -> Float[np.ndarray, "*shape xy"]:
    """Fold a straight path back at the walls, as the walks do."""
    phase_m = (position_m - campus.box_m[0]) % (2 * campus.size_m)
    return campus.box_m[0] + np.minimum(phase_m, 2 * campus.size_m - phase_m)


def sample_positions_m(
    position_m: Float[np.ndarray, "batch user slot xy"],
    std_m: Float[np.ndarray, "batch user slot xy"],
    n_samples: int,
    campus: Campus,
    config: PathConfig = PathConfig(),
    *,
    rng: np.random.Generator,
) -> Float[np.ndarray, "sample batch user slot xy"]:
    """Draw paths around the means; walls reflect."""
    noise = rng.standard_normal((n_samples, *position_m.shape))
    error = noise.copy()
    for slot in range(1, position_m.shape[2]):
        error[..., slot, :] = config.memory * error[..., slot - 1, :]
        error[..., slot, :] += np.sqrt(1 - config.memory**2) * noise[..., slot, :]
    return reflect(position_m + std_m * error, campus)


def sample_snr_db(
    window: StatusWindow,
    path_m: Float[np.ndarray, "sample batch user slot xy"],
    topology: Topology,
    channel: ChannelConfig,
    config: SnrEmulationConfig,
    *,
    rng: np.random.Generator,
) -> Float[np.ndarray, "sample batch user slot ap"]:
    """Draw the SNR along sampled paths, given the last measurement."""
    place_m, residual_db = last_residual(window, topology, channel, config)
    lasting, fading_std_db = 1 - config.fading_share, config.residual_std_db * np.sqrt(config.fading_share)
    sample_db = expected_snr_db(path_m, topology, channel) + config.offset_db
    sample_db += sample_residual_db(
        place_m,
        lasting * residual_db,
        path_m,
        correlation_m=config.correlation_m,
        start_std_db=np.sqrt(lasting) * fading_std_db,
        lasting_std_db=config.residual_std_db * np.sqrt(lasting),
        fading_std_db=fading_std_db,
        rng=rng,
    )
    return sample_db


def sample_residual_db(
    place_m: Float[np.ndarray, "batch user xy"],
    start_db: Float[np.ndarray, "*rest batch user ap"],
    path_m: Float[np.ndarray, "sample batch user slot xy"],
    *,
    correlation_m: float,
    start_std_db: float,
    lasting_std_db: float,
    fading_std_db: float,
    rng: np.random.Generator,
) -> Float[np.ndarray, "sample batch user slot ap"]:
    """Draw what the mean at a place leaves out along paths, given what it left out at the last measurement.

    Args:
        place_m: Where the last measurement was made.
        start_db: Mean of c[0] there; every sample may have its own.
        path_m: Where users go.
        correlation_m: D.
        start_std_db: Spread of c[0].
        lasting_std_db: Spread of c far from the measurement.
        fading_std_db: Spread of w.
        rng: Draws.
    """
    shape = (*path_m.shape[:-1], start_db.shape[-1])
    noise, drawn_db = rng.standard_normal((2, *shape)), np.zeros(shape)
    start = rng.standard_normal((len(path_m), *start_db.shape[-3:]))
    lasting_db = start_db + start_std_db * start
    before_m = np.broadcast_to(place_m, path_m[..., 0, :].shape)
    for slot in range(path_m.shape[3]):
        moved_m = np.linalg.norm(path_m[..., slot, :] - before_m, axis=-1)
        kept = np.exp(-moved_m / correlation_m)[..., None]
        lasting_db = kept * lasting_db + np.sqrt(1 - kept**2) * lasting_std_db * noise[0, ..., slot, :]
        drawn_db[..., slot, :] = lasting_db + fading_std_db * noise[1, ..., slot, :]
        before_m = path_m[..., slot, :]
    return drawn_db
