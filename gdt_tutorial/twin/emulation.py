"""Status emulation: say what the network looks like where and when nothing was collected.

"The status emulation module relies on the prediction-based algorithms, such as long short-term memory (LSTM) and
recurrent neural network (RNN), to predict future network status" (the paper, Digital Twin). A `StatusEmulator` is
anything that continues a window of past status by some slots, and that says how sure it is. The two baselines here need
no training; `lstm` holds the trained one. Each predicts positions; the SNR follows from them in `snr_emulation`.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import check, parameter
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.snr_emulation import SnrEmulationConfig, emulate_snr
from gdt_tutorial.twin.status import StatusWindow, at_slot, last_collected

__all__ = ["ConstantVelocity", "EmulatedStatus", "ErrorGrowth", "HoldLast", "StatusEmulator", "reflect"]

MIN_STD_M = 0.05  # nobody is certain of a position to less than this, and an entropy needs a positive width


@dataclass(frozen=True, kw_only=True)
class EmulatedStatus:
    """What an emulator says about the slots after its window: a Gaussian for every position and SNR."""

    position_m: Float[np.ndarray, "batch user slot xy"]
    position_std_m: Float[np.ndarray, "batch user slot xy"]
    snr_db: Float[np.ndarray, "batch user slot ap"]
    snr_std_db: Float[np.ndarray, "batch user slot ap"]


@runtime_checkable
class StatusEmulator(Protocol):
    """Continues a window of past status; the first of the three protocols of the twin."""

    def emulate(self, window: StatusWindow, n_slots: int) -> EmulatedStatus:
        """Say what the `n_slots` slots after the window look like, in their order."""
        ...


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
            check(0 < getattr(self, name) < np.inf, name, "be positive", getattr(self, name), "pass meters")

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

    def emulate(self, window: StatusWindow, n_slots: int) -> EmulatedStatus:
        """Repeat the last collected position."""
        anchor_m, velocity_mps, elapsed_s = anchor(window, n_slots, self.slot_s)
        is_walking = np.linalg.norm(velocity_mps, axis=-1) > 0
        std_m = self.growth.std_m(elapsed_s, is_walking[..., None].repeat(n_slots, axis=-1))
        position_m = anchor_m[:, :, None].repeat(n_slots, axis=2)
        return with_snr(window, position_m, std_m[..., None].repeat(2, axis=-1), self.topology, self.channel, self.snr)


@dataclass(frozen=True, kw_only=True)
class ConstantVelocity:
    """Let every user go on as it walked when it was collected last; walls reflect."""

    topology: Topology
    slot_s: float = parameter(2.0, "Length of a slot.", "as NetworkConfig.slot_s")
    growth: ErrorGrowth = parameter(_CONSTANT_GROWTH, "How fast this prediction grows wrong.", _GROWTH_SOURCE)
    channel: ChannelConfig = ChannelConfig()
    snr: SnrEmulationConfig = SnrEmulationConfig()

    def emulate(self, window: StatusWindow, n_slots: int) -> EmulatedStatus:
        """Extend the last collected leg or pause."""
        anchor_m, velocity_mps, elapsed_s = anchor(window, n_slots, self.slot_s)
        is_walking = np.linalg.norm(velocity_mps, axis=-1) > 0
        std_m = self.growth.std_m(elapsed_s, is_walking[..., None].repeat(n_slots, axis=-1))
        straight_m = anchor_m[:, :, None] + velocity_mps[:, :, None] * elapsed_s[..., None]
        position_m = reflect(straight_m, self.topology.campus)
        return with_snr(window, position_m, std_m[..., None].repeat(2, axis=-1), self.topology, self.channel, self.snr)


def anchor(
    window: StatusWindow, n_slots: int, slot_s: float
) -> tuple[
    Float[np.ndarray, "batch user xy"], Float[np.ndarray, "batch user xy"], Float[np.ndarray, "batch user slot"]
]:
    """Return where and how each user moved when it was collected last, and the time from then to each coming slot.

    Raises:
        ValueError: no slot asked for, or a user who was not collected in the whole window.
    """
    check(n_slots > 0, "n_slots", "be positive", n_slots, "emulate at least one slot")
    last = last_collected(window.is_behavior_collected)
    age_slots = window.is_behavior_collected.shape[-1] - 1 - last
    elapsed_s = slot_s * (age_slots[..., None] + 1.0 + np.arange(n_slots))
    return at_slot(window.position_m, last), at_slot(window.velocity_mps, last), elapsed_s


def reflect(position_m: Float[np.ndarray, "*shape xy"], campus: Campus) -> Float[np.ndarray, "*shape xy"]:
    """Fold a straight path back at the walls, as the walks do."""
    phase_m = (position_m - campus.box_m[0]) % (2 * campus.size_m)
    return campus.box_m[0] + np.minimum(phase_m, 2 * campus.size_m - phase_m)


def with_snr(
    window: StatusWindow,
    position_m: Float[np.ndarray, "batch user slot xy"],
    position_std_m: Float[np.ndarray, "batch user slot xy"],
    topology: Topology,
    channel: ChannelConfig,
    snr: SnrEmulationConfig,
) -> EmulatedStatus:
    """Complete emulated positions by the SNR that belongs to them."""
    snr_db, snr_std_db = emulate_snr(window, position_m, position_std_m, topology, channel, snr)
    return EmulatedStatus(position_m=position_m, position_std_m=position_std_m, snr_db=snr_db, snr_std_db=snr_std_db)
