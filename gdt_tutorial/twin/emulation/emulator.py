"""Status emulation: say what the network looks like where and when nothing was collected.

"The status emulation module relies on the prediction-based algorithms, such as long short-term memory (LSTM) and
recurrent neural network (RNN), to predict future network status" (the paper, Digital Twin). A `StatusEmulator` is
anything that continues a window of past status by some slots, and that says how sure it is. Emulators predict positions;
the SNR follows from them in `snr`.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig, emulate_snr
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["MIN_STD_M", "EmulatedStatus", "StatusEmulator", "reflect", "with_snr"]


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
