"""Emulators that need no training: users stay where they were, or go on as they went.

They are what a trained emulator has to beat, and they know how wrong they become: `ErrorGrowth`, measured on walks.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import parameter, require
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.emulator import MIN_STD_M, EmulatedStatus, with_snr
from gdt_tutorial.twin.emulation.paths import reflect
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig
from gdt_tutorial.twin.status import StatusWindow, at_slot, last_collected

__all__ = ["ConstantVelocity", "ErrorGrowth", "HoldLast"]


@dataclass(frozen=True, kw_only=True)
class ErrorGrowth:
    """How the error of a simple prediction grows: std = scale * elapsed^exponent, apart for walkers and others.

    `walks.measure_growth` fits it to walks; without it, a simple prediction would not know when it is wrong.
    """

    paused_m: float  # per axis, after one second, for users who stood still when they were collected last
    paused_exponent: float
    walking_m: float  # the same for users who walked
    walking_exponent: float

    def __post_init__(self) -> None:
        for name in ("paused_m", "walking_m"):
            require(0 < getattr(self, name) < np.inf, name, "be above 0 and finite", getattr(self, name), "pass meters")

    def std_m(
        self, elapsed_s: Float[np.ndarray, "*shape"], is_walking: Bool[np.ndarray, "*shape"]
    ) -> Float[np.ndarray, "*shape"]:
        """Return the standard deviation of a position per axis."""
        paused_m = self.paused_m * elapsed_s**self.paused_exponent
        return np.maximum(MIN_STD_M, np.where(is_walking, self.walking_m * elapsed_s**self.walking_exponent, paused_m))


_HOLD_GROWTH = ErrorGrowth(paused_m=0.4, paused_exponent=1.01, walking_m=0.98, walking_exponent=0.815)


_CONSTANT_GROWTH = ErrorGrowth(paused_m=0.4, paused_exponent=1.01, walking_m=0.207, walking_exponent=1.42)


_GROWTH_SOURCE = "measured on walks of the default LevyFlightConfig (walks.measure_growth)"


@dataclass(frozen=True, kw_only=True)
class HoldLast:
    """Leave every user where it was collected last: the twin without a model."""

    topology: Topology
    slot_s: float = parameter(2.0, "Length of a slot.", "as NetworkConfig.slot_s")
    growth: ErrorGrowth = parameter(_HOLD_GROWTH, "How fast this prediction grows wrong.", _GROWTH_SOURCE)
    channel: ChannelConfig = ChannelConfig()
    snr: SnrEmulationConfig = SnrEmulationConfig()

    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        """Repeat the last collected position."""
        last = _last_report(window, n_slots, self.slot_s)
        position_m = last.position_m[:, :, None].repeat(n_slots, axis=2)
        return _completed(self, window, last, position_m, n_samples, rng)


@dataclass(frozen=True, kw_only=True)
class ConstantVelocity:
    """Let every user go on as it walked when it was collected last; walls reflect."""

    topology: Topology
    slot_s: float = parameter(2.0, "Length of a slot.", "as NetworkConfig.slot_s")
    growth: ErrorGrowth = parameter(_CONSTANT_GROWTH, "How fast this prediction grows wrong.", _GROWTH_SOURCE)
    channel: ChannelConfig = ChannelConfig()
    snr: SnrEmulationConfig = SnrEmulationConfig()

    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        """Extend the last collected leg or pause."""
        last = _last_report(window, n_slots, self.slot_s)
        straight_m = last.position_m[:, :, None] + last.velocity_mps[:, :, None] * last.elapsed_s[..., None]
        return _completed(self, window, last, reflect(straight_m, self.topology.campus), n_samples, rng)


class _LastReport(NamedTuple):
    """Where and how each user moved when it was collected last, and the time from then to each coming slot."""

    position_m: Float[np.ndarray, "batch user xy"]
    velocity_mps: Float[np.ndarray, "batch user xy"]
    elapsed_s: Float[np.ndarray, "batch user slot"]


def _last_report(window: StatusWindow, n_slots: int, slot_s: float) -> _LastReport:
    """Raise ValueError where no slot is asked for, or a user was not collected in the whole window."""
    require(n_slots > 0, "n_slots", "be above 0", n_slots, "emulate at least one slot")
    last = last_collected(window.is_behavior_collected)
    age_slots = window.is_behavior_collected.shape[-1] - 1 - last
    elapsed_s = slot_s * (age_slots[..., None] + 1.0 + np.arange(n_slots))
    return _LastReport(at_slot(window.position_m, last), at_slot(window.velocity_mps, last), elapsed_s)


def _completed(
    emulator: HoldLast | ConstantVelocity,
    window: StatusWindow,
    last: _LastReport,
    position_m: Float[np.ndarray, "batch user slot xy"],
    n_samples: int,
    rng: np.random.Generator | None,
) -> EmulatedStatus:
    """Add to emulated positions how wrong they have become, and the SNR that belongs to them."""
    is_walking = np.linalg.norm(last.velocity_mps, axis=-1) > 0
    std_m = emulator.growth.std_m(last.elapsed_s, is_walking[..., None].repeat(last.elapsed_s.shape[2], axis=-1))
    std_m = std_m[..., None].repeat(2, axis=-1)
    topology, channel, snr = emulator.topology, emulator.channel, emulator.snr
    return with_snr(window, position_m, std_m, topology, channel, snr, n_samples=n_samples, rng=rng)
