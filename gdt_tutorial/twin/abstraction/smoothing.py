"""SNR between and behind noisy reports, in closed form: a Kalman smoother along each user's path.

"Data feature abstraction module is responsible for distilling useful information from network status" (the paper, Digital
Twin). A report may be noisy or lost. What the channel was then follows from the reports around it, earlier and later ones, as
far as the user has not gone far from where they were taken. With the channel of `emulation.snr`, the part of the SNR that the
position does not tell is

    c[t] = a[t] c[t-1] + sqrt(1 - a[t]^2) s e[t],    a[t] = exp(-|x[t] - x[t-1]| / D),    y[t] = c[t] + w[t] + v[t]

with fading w, which is new in every slot, and noise v of the report. All of it is Gaussian, so the smoother of Rauch, Tung and
Striebel (1965) gives the mean and spread of c[t] given all reports: no linear estimate has a smaller mean square error in this
model. It is the plain rule that a learned filler or denoiser has to beat. The paper gives none.
"""

from math import inf
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.channel import ChannelConfig, expected_snr_db
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig

__all__ = ["Smoothed", "kalman_smoother", "smooth_snr"]


class Smoothed(NamedTuple):
    """Mean and standard deviation of what was not seen, given everything that was."""

    mean: Float[np.ndarray, "user slot ap"]
    std: Float[np.ndarray, "user slot"]


def kalman_smoother(
    observed: Float[np.ndarray, "user slot ap"],
    is_observed: Bool[np.ndarray, "user slot"],
    decay: Float[np.ndarray, "user slot"],
    variance: float,
    noise_variance: float,
) -> Smoothed:
    """Smooth series of a first-order autoregression with mean 0, some of whose slots were not seen.

    Args:
        observed: What was seen; entries that were not are not looked at.
        is_observed: Where something was.
        decay: Correlation of each slot with the one before; that of the first slot is not looked at.
        variance: Of the series in every slot.
        noise_variance: Of what comes on top where it is seen.

    Raises:
        ValueError: A variance that is not positive, or noise below 0.
    """
    require(0 < variance < inf, "variance", "be above 0 and finite", variance, "pass that of the series")
    require(0 <= noise_variance < inf, "noise_variance", "be at least 0 and finite", noise_variance, "0 is no noise")
    n_slots, seen = observed.shape[1], np.where(is_observed[..., None], observed, 0.0)
    mean, before = np.zeros(observed.shape), np.zeros(observed.shape)
    spread, spread_before = np.zeros(is_observed.shape), np.full(is_observed.shape, variance)
    # Forward: what the reports so far say. `before` is what was expected of a slot before its own report.
    for slot in range(n_slots):
        if slot > 0:
            kept = decay[:, slot]
            before[:, slot] = kept[:, None] * mean[:, slot - 1]
            spread_before[:, slot] = kept**2 * spread[:, slot - 1] + (1 - kept**2) * variance
        total = np.maximum(spread_before[:, slot] + noise_variance, 1e-12)
        gain = np.where(is_observed[:, slot], spread_before[:, slot] / total, 0.0)
        mean[:, slot] = before[:, slot] + gain[:, None] * (seen[:, slot] - before[:, slot])
        spread[:, slot] = (1 - gain) * spread_before[:, slot]
    # Backward: what the later ones add.
    for slot in range(n_slots - 2, -1, -1):
        gain = spread[:, slot] * decay[:, slot + 1] / np.maximum(spread_before[:, slot + 1], 1e-12)
        mean[:, slot] += gain[:, None] * (mean[:, slot + 1] - before[:, slot + 1])
        spread[:, slot] += gain**2 * (spread[:, slot + 1] - spread_before[:, slot + 1])
    return Smoothed(mean, np.sqrt(np.maximum(spread, 0.0)))


def smooth_snr(
    snr_db: Float[np.ndarray, "user slot ap"],
    is_collected: Bool[np.ndarray, "user slot"],
    position_m: Float[np.ndarray, "user slot xy"],
    topology: Topology,
    *,
    noise_db: float = 0.0,
    channel: ChannelConfig = ChannelConfig(),
    snr: SnrEmulationConfig = SnrEmulationConfig(),
) -> Smoothed:
    """Return mean and spread of every user's SNR in every slot, given noisy reports of some of them.

    Args:
        snr_db: As reported; entries that were not collected are not looked at.
        is_collected: Where there is a report.
        position_m: Where the users are, or are believed to be, in every slot.
        topology: Campus and access points.
        noise_db: Standard deviation of a report's error.
        channel: The law that positions follow.
        snr: What is known of the rest.

    Raises:
        ValueError: A noise below 0, or a user without a report.
    """
    require(0 <= noise_db < inf, "noise_db", "be at least 0 and finite", noise_db, "0 is an exact report")
    n_lost = int((~is_collected.any(axis=1)).sum())
    require(n_lost == 0, "is_collected", "hold a report of every user", f"{n_lost} without", "leave those users out")
    law_db = expected_snr_db(position_m, topology, channel).astype(np.float64) + snr.offset_db
    moved_m = np.linalg.norm(np.diff(position_m, axis=1, prepend=position_m[:, :1]), axis=-1)
    variance_db2, fading = snr.residual_std_db**2, snr.fading_share
    residual_db = np.where(is_collected[..., None], snr_db - law_db, 0.0)
    fading_db2, noise_db2 = fading * variance_db2, noise_db**2
    lasting = kalman_smoother(
        residual_db,
        is_collected,
        np.exp(-moved_m / snr.correlation_m),
        (1 - fading) * variance_db2,
        fading_db2 + noise_db2,
    )
    # What a report has beyond the lasting part is fading and noise, in proportion to their variances.
    faded = fading_db2 / max(fading_db2 + noise_db2, 1e-12) * is_collected
    mean_db = law_db + lasting.mean + faded[..., None] * (residual_db - lasting.mean)
    std_db = np.sqrt((1 - faded) ** 2 * lasting.std**2 + fading_db2 * (1 - faded))
    return Smoothed(mean_db, std_db)
