"""The radio channel: path loss, line of sight, shadowing, fading, and the SNR that they leave.

Paper: the case study takes the channels between users and base stations from a propagation model of Matlab and does not
name it. Here stands the urban microcell (UMi street canyon) of 3GPP TR 38.901. Its tables
come from Sionna, by way of `sionna_tables`: shipped for the default carrier and heights, asked of Sionna for others.

A user's channel is continuous from slot to slot. Sionna draws a new random field for each topology, so only its laws
are used: path loss and LOS probability are tabulated once, and the random parts follow each user's own path.

    shadowing      AR(1) with exp(-moved / D), one field for each state (TR 38.901 sec. 7.4.4)
    line of sight  the soft state of TR 38.901 sec. 7.6.3.3: a Gaussian field compared with the LOS probability
    fading         Rician or Rayleigh, averaged over the coherence blocks of a slot

How we differ: the field behind the line of sight is smooth along the path (Matern 3/2), since the walls that cause it
are; its correlation still falls to 1/e at the distance of TR 38.901. Left out: users near each other do not share
shadowing, a user who returns to a place finds a new one there, everybody is outdoors. Access points that share a band
interfere; that is added in `interference`, where the SNR is read.
"""

from dataclasses import dataclass
from functools import cache
from math import inf

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtri

from gdt_tutorial.configuration import configclass, parameter, require, require_counts
from gdt_tutorial.physical.fields import ExponentialField, SmoothField
from gdt_tutorial.physical.sionna_tables import MAX_DISTANCE_M, law_distance_m, umi_table
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.units import db_to_linear, linear_to_db

__all__ = [
    "Channel",
    "ChannelConfig",
    "UmiLaw",
    "budget_db",
    "distance_m",
    "expected_snr_db",
    "faded_db",
    "umi_law",
]

_SPEED_OF_LIGHT_MPS = 299_792_458.0


@configclass
class ChannelConfig:
    """Carrier, noise, and the random parts of the channel."""

    # Carrier; chosen, the usual 5G mid band.
    carrier_hz: float = parameter(
        3.5e9,
        "Carrier frequency.",
        "chosen; the usual 5G mid band",
        at_least=0.5e9,
        at_most=100e9,
        remedy="TR 38.901 holds for 0.5 to 100 GHz, and 3.5e9 is 3.5 GHz",
    )
    # Thermal noise at 290 K; physics.
    noise_dbm_per_hz: float = parameter(
        -174.0, "Density of thermal noise in dBm/Hz.", "physics, 290 K", above=-inf, below=inf
    )
    # Noise figure of a phone; chosen.
    noise_figure_db: float = parameter(7.0, "Noise figure of the receiver.", "chosen", above=-inf, below=inf)
    # Height of the phone; TR 38.901 Table 7.4.1-1.
    user_height_m: float = parameter(1.5, "Height of the phone.", "TR 38.901 Table 7.4.1-1", above=1, at_most=22.5)
    # Nearer users are treated as if they stood here; the law begins there.
    min_distance_m: float = parameter(
        10.0,
        "Shorter distances count as this one.",
        "TR 38.901 Table 7.4.1-1",
        at_least=10,
        below=MAX_DISTANCE_M,
        remedy="the law begins at 10 m",
    )
    # Standard deviation of shadowing in line of sight; TR 38.901 Table 7.4.1-1.
    shadowing_los_db: float = parameter(4.0, "Spread of LOS shadowing.", "TR 38.901 Table 7.4.1-1", above=0, below=inf)
    # The same without line of sight; TR 38.901 Table 7.4.1-1.
    shadowing_nlos_db: float = parameter(
        7.82, "Spread of NLOS shadowing.", "TR 38.901 Table 7.4.1-1", above=0, below=inf
    )
    # Distance over which LOS shadowing decorrelates to 1/e; TR 38.901 Table 7.5-6.
    shadowing_correlation_los_m: float = parameter(
        10.0, "Correlation of LOS shadowing.", "TR 38.901 Table 7.5-6", above=0, below=inf
    )
    # The same without line of sight; TR 38.901 Table 7.5-6.
    shadowing_correlation_nlos_m: float = parameter(
        13.0, "Correlation of NLOS shadowing.", "TR 38.901 Table 7.5-6", above=0, below=inf
    )
    # Distance over which the state of line of sight decorrelates to 1/e; TR 38.901 Table 7.6.3.1-2.
    los_correlation_m: float = parameter(
        50.0, "Correlation of the LOS state.", "TR 38.901 Table 7.6.3.1-2", above=0, below=inf
    )
    # Mean Rician factor in line of sight; TR 38.901 Table 7.5-6.
    rician_k_db: float = parameter(
        9.0, "Rician factor in line of sight.", "TR 38.901 Table 7.5-6", above=-inf, below=inf
    )
    # Independent fades that a slot averages; chosen. A walker alone passes tens of coherence times in 2 s.
    n_blocks: int | None = parameter(
        16, "Independent fades averaged in a slot; None for no fading.", "chosen", above=0, remedy="None: no fading"
    )

    def start(self, topology: Topology, n_batch: int, n_users: int, *, rng: np.random.Generator) -> "Channel":
        """Return the channel of users who have not moved yet (a `ChannelModel`)."""
        return Channel(self, topology, n_batch, n_users, rng=rng)


@dataclass(frozen=True, eq=False)
class UmiLaw:
    """Path loss and LOS probability of TR 38.901 UMi street canyon, as tables over the horizontal distance.

    The table holds Sionna's values on a grid that is uniform in log(distance), where the law is piecewise almost
    straight; interpolation errs by less than 0.002 dB. Get one from `umi_law`.

    Attributes:
        log_distance: Natural logarithm of the distance in meters, uniform from 10 m to 5 km.
        table: Path loss in line of sight (dB), path loss without it (dB), probability of line of sight.
    """

    log_distance: Float[np.ndarray, " point"]
    table: Float[np.ndarray, "point law"]

    def path_loss_db(
        self, distance_m: Float[np.ndarray, "*shape"], is_los: Bool[np.ndarray, "*shape"] | bool
    ) -> Float[np.ndarray, "*shape"]:
        """Return the path loss at a horizontal distance; below 10 m that of 10 m.

        Raises:
            ValueError: If a distance is NaN or beyond 5 km.
        """
        law = self.interpolate(distance_m)
        return np.where(is_los, law[..., 0], law[..., 1])

    def los_probability(self, distance_m: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Return the probability of line of sight at a horizontal distance.

        Raises:
            ValueError: If a distance is NaN or beyond 5 km.
        """
        return self.interpolate(distance_m)[..., 2]

    def interpolate(self, distance_m: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape law"]:
        """Return all three columns; the uniform grid gives the row at once, without a search."""
        farthest_m = np.max(distance_m, initial=0.0)
        rule, remedy = f"be a number up to {MAX_DISTANCE_M:.0f} m", "the law of TR 38.901 ends there"
        require(farthest_m <= MAX_DISTANCE_M, "distance_m", rule, float(farthest_m), remedy)
        step = self.log_distance[1] - self.log_distance[0]
        at = (np.log(np.maximum(distance_m, 10.0)) - self.log_distance[0]) / step
        row = np.minimum(at.astype(np.int64), len(self.table) - 2)
        weight = (at - row).astype(np.float32)[..., None]
        return self.table[row] * (1 - weight) + self.table[row + 1] * weight


@cache
def umi_law(carrier_hz: float, ap_height_m: float, user_height_m: float, n_points: int = 8192) -> UmiLaw:
    """Return the law of a carrier and two antenna heights, once read kept.

    The defaults of `ChannelConfig` and `Topology.waterloo` are shipped; others import Sionna, which takes seconds.
    """
    table = umi_table(carrier_hz, ap_height_m, user_height_m, n_points)
    return UmiLaw(np.log(law_distance_m(n_points)), table)


class Channel:
    """The channel between the users of `n_batch` parallel environments and all access points.

    Call `advance` with the positions of each slot; then read the attributes, arrays "batch user ap" all of them. The
    budget closes: transmit power - path_loss_db + shadowing_db - noise = mean_snr_db.

    Attributes:
        snr_db: SNR averaged over the slot, with fading.
        mean_snr_db: The same without fading.
        is_los: Whether line of sight prevails.
        path_loss_db: Path loss, with the soft LOS state and without shadowing.
        shadowing_db: What shadowing adds to the received power.
    """

    snr_db: Float[np.ndarray, "batch user ap"]
    mean_snr_db: Float[np.ndarray, "batch user ap"]
    is_los: Bool[np.ndarray, "batch user ap"]
    path_loss_db: Float[np.ndarray, "batch user ap"]
    shadowing_db: Float[np.ndarray, "batch user ap"]

    def __init__(
        self, config: ChannelConfig, topology: Topology, n_batch: int, n_users: int, *, rng: np.random.Generator
    ) -> None:
        require_counts("simulate at least one", n_batch=n_batch, n_users=n_users)
        self._config, self._topology, self._shape = config, topology, (n_batch, n_users, 2)
        # Fading has a stream of its own: with it or without it, the rest of the channel is the same.
        field_rng, self._fading_rng = rng.spawn(2)
        counts = (n_batch, n_users, topology.n_aps)
        self._los_field = SmoothField(*counts, config.los_correlation_m, rng=field_rng)
        self._field_if_los = ExponentialField(*counts, config.shadowing_correlation_los_m, rng=field_rng)
        self._field_if_nlos = ExponentialField(*counts, config.shadowing_correlation_nlos_m, rng=field_rng)
        self._position_m: np.ndarray | None = None
        # Sharpness of the LOS state, TR 38.901 sec. 7.6.3.3: sqrt(20 / wavelength).
        self._sharpness = np.float32(np.sqrt(20 * config.carrier_hz / _SPEED_OF_LIGHT_MPS))

    def advance(self, position_m: Float[np.ndarray, "batch user xy"]) -> None:
        """Move every user to a new position and recompute the channel there.

        Raises:
            ValueError: If the shape is wrong, or a position is NaN or outside the campus.
        """
        require(
            position_m.shape == self._shape, "position_m", f"have shape {self._shape}", position_m.shape, "one per user"
        )
        self._topology.campus.check_inside(position_m)
        if self._position_m is not None:
            moved_m = np.linalg.norm(position_m - self._position_m, axis=-1)
            for field in (self._los_field, self._field_if_los, self._field_if_nlos):
                field.move(moved_m)
        self._position_m = position_m.copy()
        self._combine(*_laws(position_m, self._topology, self._config))
        self.snr_db = faded_db(self.mean_snr_db, self.is_los, self._config, rng=self._fading_rng)

    def _combine(self, loss_los_db: np.ndarray, loss_nlos_db: np.ndarray, los_probability: np.ndarray) -> None:
        """Mix the two states in power by the soft LOS state of TR 38.901 sec. 7.6.3.3.

        With the Gaussian field G and the LOS probability p, soft = 1/2 + arctan(sqrt(20 / wavelength) (G + F)) / pi and
        F = sqrt(2) erfinv(2 p - 1); powers are soft^2 and 1 - soft^2. G + F > 0 has probability p.
        """
        # The bound only keeps a certain LOS finite.
        margin = self._los_field.value + np.clip(ndtri(los_probability), -8, 8)
        self.is_los = margin > 0
        soft_los = 0.5 + np.arctan(self._sharpness * margin) / np.float32(np.pi)
        power_los, power_nlos = soft_los**2, 1 - soft_los**2
        gain_los, gain_nlos = db_to_linear(-loss_los_db), db_to_linear(-loss_nlos_db)
        self.path_loss_db = -linear_to_db(power_los * gain_los + power_nlos * gain_nlos)
        gain_los *= db_to_linear(self._config.shadowing_los_db * self._field_if_los.value)
        gain_nlos *= db_to_linear(self._config.shadowing_nlos_db * self._field_if_nlos.value)
        self.shadowing_db = linear_to_db(power_los * gain_los + power_nlos * gain_nlos) + self.path_loss_db
        self.mean_snr_db = budget_db(self._topology, self._config) - self.path_loss_db + self.shadowing_db

    def expected_snr_db(self, position_m: Float[np.ndarray, "*shape xy"]) -> Float[np.ndarray, "*shape ap"]:
        """Return what the law says without the random parts; see the function of this name."""
        return expected_snr_db(position_m, self._topology, self._config)


def faded_db(
    mean_snr_db: Float[np.ndarray, "batch user ap"],
    is_los: Bool[np.ndarray, "batch user ap"],
    config: ChannelConfig,
    *,
    rng: np.random.Generator,
) -> Float[np.ndarray, "batch user ap"]:
    """Average independent Rician (as Nakagami-m, same K) or Rayleigh (m = 1) powers: a Gamma law of mean 1."""
    if config.n_blocks is None:
        return mean_snr_db
    rician_k = db_to_linear(config.rician_k_db)
    nakagami_m = (rician_k + 1) ** 2 / (2 * rician_k + 1)
    shape = config.n_blocks * np.where(is_los, nakagami_m, 1.0).astype(np.float32)
    power = rng.standard_gamma(shape, dtype=np.float32) / shape
    # A single Rayleigh block can draw an exact zero; -100 dB is as good as nothing.
    return mean_snr_db + linear_to_db(np.maximum(power, np.float32(1e-10)))


def expected_snr_db(
    position_m: Float[np.ndarray, "*shape xy"], topology: Topology, config: ChannelConfig
) -> Float[np.ndarray, "*shape ap"]:
    """Return the mean SNR in dB at a position: both states weighted by the LOS probability, no shadowing, no fading.

    This is what a digital twin knows of a channel when it knows the position alone. It lies about 1 dB below the mean
    of the simulated channel, whose soft LOS state lets some of the direct power through. Positions may lie outside the
    campus, since an emulator may predict one there.

    Raises:
        ValueError: If a position is NaN or farther than 5 km from an access point.
    """
    loss_los_db, loss_nlos_db, los_probability = _laws(position_m, topology, config)
    mean_loss_db = los_probability * loss_los_db + (1 - los_probability) * loss_nlos_db
    return budget_db(topology, config) - mean_loss_db


def distance_m(position_m: Float[np.ndarray, "*shape xy"], topology: Topology) -> Float[np.ndarray, "*shape ap"]:
    """Return the horizontal distance from each position to each access point."""
    east_m, north_m = topology.ap_position_m.T
    return np.hypot(position_m[..., :1] - east_m, position_m[..., 1:] - north_m)


def _laws(position_m: np.ndarray, topology: Topology, config: ChannelConfig) -> tuple[np.ndarray, ...]:
    """Return LOS path loss, NLOS path loss and LOS probability, each "*shape ap", in single precision."""
    distance = np.maximum(distance_m(position_m, topology), config.min_distance_m)
    by_ap = [
        umi_law(config.carrier_hz, float(height_m), config.user_height_m).interpolate(distance[..., ap])
        for ap, height_m in enumerate(topology.ap_height_m)
    ]
    return tuple(np.stack([law[..., column] for law in by_ap], axis=-1) for column in range(3))


def budget_db(topology: Topology, config: ChannelConfig) -> Float[np.ndarray, " ap"]:
    """Return transmit power over noise power: the SNR at a path loss of 0 dB."""
    noise_dbm = config.noise_dbm_per_hz + linear_to_db(topology.bandwidth_hz) + config.noise_figure_db
    return (topology.tx_power_dbm - noise_dbm).astype(np.float32)
