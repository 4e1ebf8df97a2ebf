"""Levy-flight walks: many short legs, a few long ones, and pauses between them.

Paper: the case study draws user trajectories from a Levy flight on the campus. The paper gives no exponents. A walk
here follows the truncated Levy walk of Rhee et al. (INFOCOM 2008): leg lengths and pauses have truncated Pareto laws,
P(length > l) ~ l^-exponent, and each leg has a heading uniform on the circle.

How we differ: a leg is walked at a constant pedestrian speed (theirs grows with the length of the leg), walls reflect,
and a walk starts in its stationary law instead of at a fresh leg. That law is known in closed form here: positions are
uniform, the current leg or pause is found with a probability proportional to its duration, at a uniform point of it.
"""

from math import inf
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from gdt_tutorial.configuration import configclass, parameter, require, require_counts
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.truncated_pareto import sample_truncated_pareto, truncated_pareto_mean

__all__ = [
    "LevyFlight",
    "LevyFlightConfig",
    "Mobility",
    "Walk",
    "moving_share",
    "place_users",
    "sample_leg_m",
    "sample_pause_s",
    "tail_exponent_mle",
    "trajectory",
]


@runtime_checkable
class Walk(Protocol):
    """The walking users of parallel environments, whatever law they follow."""

    position_m: Float[np.ndarray, "batch user xy"]
    velocity_mps: Float[np.ndarray, "batch user xy"]  # how they move just now; zero where they stand

    def advance(self, duration_s: float) -> None:
        """Walk every user for `duration_s`."""
        ...


@runtime_checkable
class Mobility(Protocol):
    """A law of walking, as the network takes it: `LevyFlightConfig`, or `destinations.DestinationConfig`."""

    def start(self, campus: Campus, n_batch: int, n_users: int, *, rng: np.random.Generator) -> Walk:
        """Put users on the campus and return their walk."""
        ...


@configclass
class LevyFlightConfig:
    """Legs, pauses and speeds of the walk."""

    # Tail exponent of the leg length; public code of pymobility that cites Rhee et al. (density exponent 2.6).
    leg_tail_exponent: float = parameter(
        1.6,
        "P(leg > l) falls as l to minus this.",
        "pymobility, citing Rhee et al.",
        above=0,
        below=10,
        remedy="Levy flights have exponents below 2",
    )
    # Tail exponent of the pause; same code (density exponent 1.8).
    pause_tail_exponent: float = parameter(
        0.8,
        "P(pause > t) falls as t to minus this.",
        "pymobility",
        above=0,
        below=10,
        remedy="Levy flights have exponents below 2",
    )
    # Shortest leg; chosen.
    min_leg_m: float = parameter(5.0, "Shortest leg.", "chosen", above=0, below=inf)
    # Longest leg; chosen, half the width of the campus.
    max_leg_m: float = parameter(300.0, "Longest leg.", "chosen", above=0, below=inf)
    # Shortest pause; chosen.
    min_pause_s: float = parameter(1.0, "Shortest pause.", "chosen", above=0, below=inf)
    # Longest pause; chosen.
    max_pause_s: float = parameter(60.0, "Longest pause.", "chosen", above=0, below=inf)
    # Slowest walker; chosen. The speed of a leg is uniform between the two.
    min_speed_mps: float = parameter(0.8, "Slowest speed of a leg; speeds are uniform.", "chosen", above=0, below=inf)
    # Fastest walker; chosen.
    max_speed_mps: float = parameter(1.8, "Fastest speed of a leg.", "chosen", above=0, below=inf)

    def __post_init__(self) -> None:
        for low, high in (
            ("min_leg_m", "max_leg_m"),
            ("min_pause_s", "max_pause_s"),
            ("min_speed_mps", "max_speed_mps"),
        ):
            pair = (getattr(self, low), getattr(self, high))
            require(pair[0] < pair[1], f"{low}, {high}", "be ordered", pair, "swap or raise one")

    def start(self, campus: Campus, n_batch: int, n_users: int, *, rng: np.random.Generator) -> "LevyFlight":
        """Put users on the campus, as if they had walked forever (a `Mobility`)."""
        return LevyFlight(self, campus, n_batch, n_users, rng=rng)


def sample_leg_m(config: LevyFlightConfig, size: int, *, rng: np.random.Generator) -> Float[np.ndarray, " draw"]:
    """Draw leg lengths from the Pareto law truncated at both ends."""
    return sample_truncated_pareto(config.leg_tail_exponent, config.min_leg_m, config.max_leg_m, size, rng=rng)


def sample_pause_s(config: LevyFlightConfig, size: int, *, rng: np.random.Generator) -> Float[np.ndarray, " draw"]:
    """Draw pauses from the Pareto law truncated at both ends."""
    return sample_truncated_pareto(config.pause_tail_exponent, config.min_pause_s, config.max_pause_s, size, rng=rng)


def tail_exponent_mle(sample: Float[np.ndarray, " draw"], lower: float, upper: float) -> float:
    """Estimate the tail exponent of a truncated Pareto law by maximum likelihood.

    The likelihood is greatest where the mean of log(x / lower) equals its expectation, 1/a - L / (exp(a L) - 1) with
    L = log(upper / lower); that falls with a, so the root is unique. Below 0, long legs are the common ones.

    Raises:
        ValueError: If the sample is empty, holds NaN or leaves [lower, upper], or if its values are all at one bound.
    """
    inside = (sample >= lower) & (sample <= upper)
    remedy = "drop the other values or widen the bounds"
    require(sample.size > 0 and inside.all(), "sample", f"lie within [{lower}, {upper}]", sample[~inside][:3], remedy)
    span = np.log(upper / lower)
    mean_log = float(np.mean(np.log(sample / lower)))
    is_spread = 1e-3 < mean_log / span < 1 - 1e-3
    require(is_spread, "sample", "spread between the bounds", mean_log, "widen the bounds or add values")
    return float(brentq(lambda scaled: _mean_share(scaled) - mean_log / span, -2e3, 2e3) / span)


def place_users(
    campus: Campus, n_batch: int, n_users: int, *, rng: np.random.Generator
) -> Float[np.ndarray, "batch user xy"]:
    """Place users uniformly in the campus box, which is where a reflected walk finds them at any later time."""
    return rng.uniform(campus.box_m[0], campus.box_m[1], size=(n_batch, n_users, 2))


def trajectory(
    config: LevyFlightConfig, campus: Campus, n_users: int, n_slots: int, slot_s: float, *, rng: np.random.Generator
) -> Float[np.ndarray, "slot user xy"]:
    """Walk users for `n_slots` slots; slot 0 is where they start."""
    require(n_slots > 0, "n_slots", "be above 0", n_slots, "ask for at least one slot")
    walk = LevyFlight(config, campus, 1, n_users, rng=rng)
    visited_m = [walk.position_m[0].copy()]
    for _ in range(n_slots - 1):
        walk.advance(slot_s)
        visited_m.append(walk.position_m[0].copy())
    return np.stack(visited_m)


class LevyFlight:
    """The walking users of `n_batch` parallel environments; each user alternates between a leg and a pause.

    The walk is driven by events: `advance` moves every user up to the end of the interval or of their leg or pause,
    whichever comes first, and goes on with those users alone who have time left.

    Attributes:
        position_m: Where users are.
        velocity_mps: How they move just now; zero in a pause.

    Args:
        start_m: Where users start; uniformly in the box unless given.

    Raises:
        ValueError: If `start_m` leaves the campus or a count is not positive.
    """

    position_m: Float[np.ndarray, "batch user xy"]
    velocity_mps: Float[np.ndarray, "batch user xy"]

    def __init__(
        self,
        config: LevyFlightConfig,
        campus: Campus,
        n_batch: int,
        n_users: int,
        *,
        rng: np.random.Generator,
        start_m: Float[np.ndarray, "batch user xy"] | None = None,
    ) -> None:
        require_counts("simulate at least one", n_batch=n_batch, n_users=n_users)
        self._config, self._campus, self._rng = config, campus, rng
        if start_m is None:
            start_m = place_users(campus, n_batch, n_users, rng=rng)
        campus.check_inside(start_m, "start_m")
        self.position_m = start_m.astype(float)
        self._start_stationary(n_batch * n_users)
        self.velocity_mps = self._velocity_mps.reshape(n_batch, n_users, 2).copy()

    def advance(self, duration_s: float) -> None:
        """Walk every user for `duration_s`.

        Raises:
            ValueError: If `duration_s` is not positive and finite.
        """
        require(0 < duration_s < np.inf, "duration_s", "be above 0 and finite", duration_s, "2.0 is one slot")
        position_m = self.position_m.reshape(-1, 2).copy()
        user = np.arange(len(position_m))
        left_s = np.full(len(user), float(duration_s))
        while user.size:
            walked_s = np.minimum(left_s, self._remaining_s[user])
            self._move(position_m, user, walked_s)
            self._remaining_s[user] -= walked_s
            left_s -= walked_s
            has_left = left_s > 0
            user, left_s = user[has_left], left_s[has_left]
            self._start_next(user)
        self._start_next(np.flatnonzero(self._remaining_s <= 0))
        self.position_m = position_m.reshape(self.position_m.shape)
        self.velocity_mps = self._velocity_mps.reshape(self.position_m.shape).copy()

    def _move(self, position_m: np.ndarray, user: np.ndarray, walked_s: np.ndarray) -> None:
        """Move users straight on; a path beyond a wall is folded back, and its velocity turns."""
        free_m = position_m[user] + walked_s[:, None] * self._velocity_mps[user] - self._campus.box_m[0]
        phase_m = free_m % (2 * self._campus.size_m)
        is_mirrored = phase_m > self._campus.size_m
        folded_m = np.where(is_mirrored, 2 * self._campus.size_m - phase_m, phase_m)
        position_m[user] = self._campus.box_m[0] + folded_m
        self._velocity_mps[user] = np.where(is_mirrored, -self._velocity_mps[user], self._velocity_mps[user])

    def _start_next(self, user: np.ndarray) -> None:
        """Send users who paused on a new leg, and let those who walked pause."""
        self._is_paused[user] = ~self._is_paused[user]
        leg, pause = user[~self._is_paused[user]], user[self._is_paused[user]]
        speed_mps = self._rng.uniform(self._config.min_speed_mps, self._config.max_speed_mps, size=leg.size)
        self._remaining_s[leg] = sample_leg_m(self._config, leg.size, rng=self._rng) / speed_mps
        self._velocity_mps[leg] = _heading(leg.size, rng=self._rng) * speed_mps[:, None]
        self._remaining_s[pause] = sample_pause_s(self._config, pause.size, rng=self._rng)
        self._velocity_mps[pause] = 0.0

    def _start_stationary(self, n_walkers: int) -> None:
        """Find every user in the middle of a leg or pause, as if they had walked forever.

        A duration is met with a probability proportional to itself. A Pareto law weighted by its own variable is one
        with an exponent less by 1; a uniform speed weighted by 1 / speed is one with exponent 0.
        """
        config, rng = self._config, self._rng
        self._is_paused = rng.uniform(size=n_walkers) > moving_share(config)
        leg_m = sample_truncated_pareto(
            config.leg_tail_exponent - 1, config.min_leg_m, config.max_leg_m, n_walkers, rng=rng
        )
        speed_mps = sample_truncated_pareto(0.0, config.min_speed_mps, config.max_speed_mps, n_walkers, rng=rng)
        pause_s = sample_truncated_pareto(
            config.pause_tail_exponent - 1, config.min_pause_s, config.max_pause_s, n_walkers, rng=rng
        )
        whole_s = np.where(self._is_paused, pause_s, leg_m / speed_mps)
        self._remaining_s = whole_s * rng.uniform(size=n_walkers)
        self._velocity_mps = _heading(n_walkers, rng=rng) * np.where(self._is_paused, 0.0, speed_mps)[:, None]


def moving_share(config: LevyFlightConfig) -> float:
    """Return the share of time that a user walks: the mean duration of a leg over that of a leg and a pause."""
    low_mps, high_mps = config.min_speed_mps, config.max_speed_mps
    mean_leg_m = truncated_pareto_mean(config.leg_tail_exponent, config.min_leg_m, config.max_leg_m)
    mean_leg_s = mean_leg_m * np.log(high_mps / low_mps) / (high_mps - low_mps)
    mean_pause_s = truncated_pareto_mean(config.pause_tail_exponent, config.min_pause_s, config.max_pause_s)
    return float(mean_leg_s / (mean_leg_s + mean_pause_s))


def _mean_share(scaled: float) -> float:
    """Return the mean of log(x / lower) / L under the law with exponent scaled / L."""
    if abs(scaled) < 1e-4:
        return 0.5 - scaled / 12  # the series around the uniform law
    return 1 / scaled - 1 / np.expm1(scaled) if scaled < 500 else 1 / scaled


def _heading(size: int, *, rng: np.random.Generator) -> Float[np.ndarray, "draw xy"]:
    """Draw unit vectors that are uniform on the circle."""
    heading_rad = rng.uniform(0.0, 2 * np.pi, size=size)
    return np.stack([np.cos(heading_rad), np.sin(heading_rad)], axis=-1)
