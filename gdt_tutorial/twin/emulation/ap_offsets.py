"""Calibration from measured rates: by how many decibels each access point (AP) is stronger or weaker than the law says.

"The generated network management decision is fed back to the DT environment for validation and DT status update" (the paper,
GAI-Based Decision-Making). What the twin knows of the channel is a law and, of each user, its last report. Where an AP changes,
by age, water or a broken amplifier, all reports of it lie off the law by the same amount, which is

    offset[ap] = sum of w[u, t] (snr[u, t, ap] - law[ap](position[u, t])) / sum of w[u, t]

over the reports of the window, with w halved for each `half_life_slots` of age. `OffsetEmulator` lets any emulator work with
the law as it should be, and so on users too that have not reported since the change. The paper names no method; this is ours.
An offset is one number for an AP: it knows nothing of a new wall, behind which only some users lose.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.channel import ChannelConfig, expected_snr_db
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["OffsetEmulator", "ap_offset_db"]


def ap_offset_db(
    window: StatusWindow,
    topology: Topology,
    channel: ChannelConfig = ChannelConfig(),
    half_life_slots: float = 2.0,
) -> Float[np.ndarray, "batch ap"]:
    """Return the mean by which the reports of a window lie above the law, late ones first; 0 where there is no report.

    Args:
        window: Positions and SNRs; only what was collected counts.
        topology: The APs.
        channel: Its law.
        half_life_slots: Age at which a report counts half.

    Raises:
        ValueError: A half-life of 0.
    """
    require(half_life_slots > 0, "half_life_slots", "be above 0", half_life_slots, "2 slots")
    residual_db = window.snr_db - expected_snr_db(window.position_m, topology, channel)
    age_slots = np.arange(window.snr_db.shape[2])[::-1]
    weight = (window.is_networking_collected * 0.5 ** (age_slots / half_life_slots))[..., None]
    return (weight * np.where(weight > 0, residual_db, 0)).sum(axis=(1, 2)) / np.maximum(weight.sum(axis=(1, 2)), 1e-12)


@dataclass(frozen=True, kw_only=True)
class OffsetEmulator:
    """Any emulator on the law as the reports correct it (a `StatusEmulator`).

    Attributes:
        emulator: Predicts as if the law were right.
        topology: The APs.
        channel: The law that the emulator knows.
        half_life_slots: As in `ap_offset_db`.
    """

    emulator: StatusEmulator
    topology: Topology
    channel: ChannelConfig = ChannelConfig()
    half_life_slots: float = 2.0

    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        """Take the offsets out, emulate, and put them back: into means and paths."""
        offset_db = ap_offset_db(window, self.topology, self.channel, self.half_life_slots)
        lawful = replace(window, snr_db=window.snr_db - offset_db[:, None, None])
        emulated = self.emulator.emulate(lawful, n_slots, n_samples=n_samples, rng=rng)
        return replace(
            emulated,
            snr_db=emulated.snr_db + offset_db[:, None, None],
            snr_sample_db=emulated.snr_sample_db + offset_db[:, None, None, None],
        )
