"""The imitator: an emulator that walks as the users watched do, many times side by side.

A mean has no answer to a place where half of the users turn left and half turn right: "a two-way turn becomes its empty
middle". So this emulator lets many particles per user go on from the last report, each with its own turns, stays and speeds
as a `TurnPolicy` has them, and reads means and spreads from where they are; a whole path is the way of one particle. The
channel belongs to each particle: the law of total variance gives its mean and spread.

Particles for the moments come from a stream of their own, always the same, so that means do not depend on who asks for
samples. Who is not on the map (a Levy flight) goes along the nearest street that leads its way, beside it by as much as now.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.emulator import MIN_STD_M, EmulatedStatus
from gdt_tutorial.twin.emulation.paths import reflect, sample_snr_db
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig, emulate_snr
from gdt_tutorial.twin.emulation.turn_policy import TurnPolicy, locate
from gdt_tutorial.twin.status import StatusWindow, at_slot, last_collected

__all__ = ["ImitatorConfig", "ImitatorEmulator"]


@configclass
class ImitatorConfig:
    """How many particles walk."""

    n_particles: int = parameter(32, "Particles of each user for means and spreads.", "chosen", above=1)
    slot_s: float = parameter(2.0, "Length of a slot, the same as in training.", "as NetworkConfig.slot_s", above=0)


@dataclass(frozen=True, kw_only=True)
class ImitatorEmulator:
    """Continues a window by particles that walk as users were seen to walk (a `StatusEmulator`).

    Attributes:
        policy: How they walk.
        topology: Campus and access points.
        tells_snr: False leaves mean and spread of the SNR at 0, for whoever reads them from a map.
    """

    policy: TurnPolicy
    topology: Topology
    config: ImitatorConfig = ImitatorConfig()
    channel: ChannelConfig = ChannelConfig()
    snr: SnrEmulationConfig = SnrEmulationConfig()
    tells_snr: bool = True

    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        """Let particles go on from the last report of each user.

        Raises:
            ValueError: no slot, a user who was never collected, or samples without a generator.
        """
        require(n_slots > 0, "n_slots", "be above 0", n_slots, "emulate at least one slot")
        require(n_samples >= 0, "n_samples", "be at least 0", n_samples, "0 gives means and spreads alone")
        always = seeding.stream(0, "imitator")
        path_m = self.paths_m(window, n_slots, self.config.n_particles, rng=always)
        mean_m, std_m = path_m.mean(axis=0), np.maximum(path_m.std(axis=0, ddof=1), MIN_STD_M)
        mean_db, std_db = self._snr(window, path_m)
        moments = EmulatedStatus(position_m=mean_m, position_std_m=std_m, snr_db=mean_db, snr_std_db=std_db)
        if n_samples == 0:
            return moments
        remedy = "pass seeding.stream(seed, 'name')"
        require(rng is not None, "rng", "be a generator where samples are asked for", rng, remedy)
        assert rng is not None
        path_m = self.paths_m(window, n_slots, n_samples, rng=rng)
        path_db = sample_snr_db(window, path_m, self.topology, self.channel, self.snr, rng=rng)
        return replace(moments, position_sample_m=path_m.swapaxes(0, 1), snr_sample_db=path_db.swapaxes(0, 1))

    def _snr(
        self, window: StatusWindow, path_m: Float[np.ndarray, "sample batch user slot xy"]
    ) -> tuple[Float[np.ndarray, "batch user slot ap"], Float[np.ndarray, "batch user slot ap"]]:
        """Return mean and spread of the SNR over particles: the variance is the mean of theirs, and that of their means."""
        n_samples, n_batch, n_users, n_slots, _ = path_m.shape
        if not self.tells_snr:
            unsaid = np.zeros((n_batch, n_users, n_slots, self.topology.n_aps))
            return unsaid, unsaid.copy()
        # Every particle's slots stand side by side: one question instead of one per particle.
        beside_m = np.moveaxis(path_m, 0, 2).reshape(n_batch, n_users, n_samples * n_slots, 2)
        sure = np.zeros(beside_m.shape)
        said = emulate_snr(window, beside_m, sure, self.topology, self.channel, self.snr)
        mean_db, std_db = (each.reshape(n_batch, n_users, n_samples, n_slots, -1) for each in said)
        return mean_db.mean(axis=2), np.sqrt((std_db**2).mean(axis=2) + mean_db.var(axis=2))

    def paths_m(
        self, window: StatusWindow, n_slots: int, n_samples: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "sample batch user slot xy"]:
        """Draw whole paths over the coming slots."""
        last = last_collected(window.is_behavior_collected)
        start = _Start.of(self.policy, window)
        shape = last.shape
        walkers = _Particles(self.policy, start, n_samples, self.config.slot_s, rng=rng)
        age = np.tile((window.is_behavior_collected.shape[-1] - 1 - last).reshape(-1), n_samples)
        for slot in range(int(age.max(initial=0))):
            walkers.advance(age > slot)
        everyone, rows = np.ones(len(age), dtype=bool), []
        for _ in range(n_slots):
            walkers.advance(everyone)
            rows.append(walkers.position_m())
        path_m = np.stack(rows, axis=1).reshape(n_samples, *shape, n_slots, 2)
        return reflect(path_m, self.topology.campus)


@dataclass(frozen=True, kw_only=True)
class _Start:
    """Where each user was reported last: on the map, beside it, how fast, and how long it had stood."""

    state: np.ndarray
    along_m: np.ndarray
    beside_m: np.ndarray
    speed_mps: np.ndarray
    stood_slots: np.ndarray

    @classmethod
    def of(cls, policy: TurnPolicy, window: StatusWindow) -> "_Start":
        is_seen = window.is_behavior_collected
        last = last_collected(is_seen)
        position_m, velocity_mps = at_slot(window.position_m, last), at_slot(window.velocity_mps, last)
        place = locate(policy.crossings.streets, position_m, velocity_mps)
        # A stay is at least as old as the first report of it; reports are read backwards until one of a walker.
        slot = np.arange(is_seen.shape[-1])
        is_walking = is_seen & (window.velocity_mps != 0).any(axis=-1)
        walked = np.where(is_walking, slot, -1).max(axis=-1)
        first = np.where(is_seen & (slot > walked[..., None]), slot, len(slot)).min(axis=-1)
        return cls(
            state=place.state.reshape(-1),
            along_m=place.along_m.reshape(-1),
            beside_m=place.beside_m.reshape(-1, 2),
            speed_mps=np.linalg.norm(velocity_mps, axis=-1).reshape(-1),
            stood_slots=np.where(first <= last, last - first + 1, 0).reshape(-1),
        )


class _Particles:
    """Walkers on the streets of a policy, `n_samples` per user, sample after sample."""

    def __init__(
        self, policy: TurnPolicy, start: _Start, n_samples: int, slot_s: float, *, rng: np.random.Generator
    ) -> None:
        self._policy, self._slot_s, self._rng = policy, slot_s, rng
        self._streets, self._n_streets = policy.crossings.streets, len(policy.crossings.streets.street)
        self._start_m, self._end_m = (self._streets.place_m[axis] for axis in self._streets.street.T)
        self._length_m = np.linalg.norm(self._end_m - self._start_m, axis=-1)
        self._turn = np.cumsum(policy.turn, axis=1)
        self._state, self._stood = np.tile(start.state, n_samples), np.tile(start.stood_slots, n_samples)
        self._along_m, self._speed_mps = np.tile(start.along_m, n_samples), np.tile(start.speed_mps, n_samples)
        self._beside_m = np.tile(start.beside_m, (n_samples, 1))

    def advance(self, who: np.ndarray) -> None:
        """Walk some of them for a slot."""
        left_s = np.where(who, self._slot_s, 0.0)
        # 1. Who stands may leave, at any time of the slot.
        leaves, when, draw = self._rng.random((3, len(who)))
        is_standing = who & (self._state >= self._n_streets)
        hazard = self._policy.stay_hazard[np.clip(self._stood - 1, 0, len(self._policy.stay_hazard) - 1)]
        sets_out = is_standing & (leaves < hazard)
        self._stood += is_standing & ~sets_out
        speed = self._policy.speed_mps[(draw * len(self._policy.speed_mps)).astype(np.int64)]
        self._speed_mps = np.where(sets_out, speed, self._speed_mps)
        left_s = np.where(sets_out, when * self._slot_s, left_s)
        self._choose(np.flatnonzero(sets_out))
        # 2. Who walks goes on to the end of the slot or of the street, whichever comes first, and chooses there.
        walker = np.flatnonzero(who & (self._state < self._n_streets))
        while walker.size:
            rest_m = self._length_m[self._state[walker]] - self._along_m[walker]
            walked_m = np.minimum(rest_m, left_s[walker] * self._speed_mps[walker])
            self._along_m[walker] += walked_m
            left_s[walker] -= walked_m / self._speed_mps[walker]
            walker = walker[walked_m >= rest_m]
            self._choose(walker)
            walker = walker[self._state[walker] < self._n_streets]

    def _choose(self, walker: np.ndarray) -> None:
        """Draw where to go from a place, or to stay."""
        state = self._state[walker]
        level = self._rng.random(walker.size)[:, None] * self._turn[state, -1:]
        choice = (self._turn[state] <= level).sum(axis=1)
        self._state[walker] = self._policy.crossings.next_state[state, choice]
        self._along_m[walker], self._stood[walker] = 0.0, 1

    def position_m(self) -> Float[np.ndarray, "user xy"]:
        """Return where all of them are."""
        street = np.minimum(self._state, self._n_streets - 1)
        share = (self._along_m / self._length_m[street])[:, None]
        walking_m = self._start_m[street] + share * (self._end_m[street] - self._start_m[street])
        standing_m = self._streets.place_m[np.maximum(self._state - self._n_streets, 0)]
        return np.where((self._state < self._n_streets)[:, None], walking_m, standing_m) + self._beside_m
