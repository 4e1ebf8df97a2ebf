"""Status emulation: say what the network looks like where and when nothing was collected.

"The status emulation module relies on the prediction-based algorithms, such as long short-term memory (LSTM) and
recurrent neural network (RNN), to predict future network status" (the paper, Digital Twin). A `StatusEmulator` is
anything that continues a window of past status by some slots, and that says how sure it is.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.twin.status import StatusWindow

__all__ = ["EmulatedStatus", "StatusEmulator"]


@dataclass(frozen=True, kw_only=True)
class EmulatedStatus:
    """What an emulator says about the slots after its window: a Gaussian for every position and SNR."""

    position_m: Float[np.ndarray, "batch user slot xy"]
    position_std_m: Float[np.ndarray, "batch user slot xy"]
    snr_db: Float[np.ndarray, "batch user slot ap"]
    snr_std_db: Float[np.ndarray, "batch user slot ap"]


class StatusEmulator(Protocol):
    """Continues a window of past status; the first of the three protocols of the twin."""

    def emulate(self, window: StatusWindow, n_slots: int) -> EmulatedStatus:
        """Say what the `n_slots` slots after the window look like, in their order."""
        ...
