"""The plainest hedge: every user is believed to have gone one fixed share of the straight continuation.

Hold last is a share of 0 and constant velocity a share of 1; between the two lies the share with the smallest mean squared
error, one number for every age of a report, measured on walks. Like the LSTM's, it falls below 1 because legs end without
warning. Unlike the LSTM's, it is the same for every user. So it says how much of a trained emulator's gain is the hedge
alone, and how much comes from reading a user's window. It is our baseline; the paper compares with none.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import parameter, require
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, with_snr
from gdt_tutorial.twin.emulation.extrapolation import ErrorGrowth
from gdt_tutorial.twin.emulation.paths import reflect
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig
from gdt_tutorial.twin.emulation.walks import Walks, measure_growth
from gdt_tutorial.twin.status import StatusWindow, at_slot, last_collected

__all__ = ["FixedShare", "straight_shares"]


def straight_shares(walks: Walks, campus: Campus, *, max_age_slots: int = 20) -> Float[np.ndarray, " age"]:
    """Return the share of the straight continuation with the smallest mean squared error, by the age of a report.

    Args:
        walks: Where it is measured; a report is taken from every slot.
        campus: Legs that lead through its walls are left out.
        max_age_slots: The oldest report; the first entry is for an age of one slot.

    Raises:
        ValueError: The walks are too short for that age, or nobody walks.
    """
    n_slots = walks.position_m.shape[1]
    require(0 < max_age_slots < n_slots, "max_age_slots", f"lie in 1..{n_slots - 1}", max_age_slots, "use longer walks")
    shares = np.zeros(max_age_slots)
    for age in range(1, max_age_slots + 1):
        start_m = walks.position_m[:, :-age]
        leg_m, moved_m = walks.velocity_mps[:, :-age] * (age * walks.slot_s), walks.position_m[:, age:] - start_m
        is_inside = campus.contains(start_m + leg_m)
        square_m2 = (leg_m[is_inside] ** 2).sum()
        require(square_m2 > 0, "walks", "hold somebody who walks", "nobody", "record walks with legs")
        shares[age - 1] = (leg_m[is_inside] * moved_m[is_inside]).sum() / square_m2
    return np.clip(shares, 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class FixedShare:
    """Lets every user go on by a share of the straight continuation that depends on the age of its report alone."""

    topology: Topology
    share: Float[
        np.ndarray, " age"
    ]  # the first entry is for the slot after the report; the last one holds for older ones
    growth: ErrorGrowth
    slot_s: float = parameter(2.0, "Length of a slot.", "as NetworkConfig.slot_s")
    channel: ChannelConfig = ChannelConfig()
    snr: SnrEmulationConfig = SnrEmulationConfig()

    def __post_init__(self) -> None:
        is_share = self.share.ndim == 1 and self.share.size > 0 and bool(((self.share >= 0) & (self.share <= 1)).all())
        require(is_share, "share", "hold numbers in [0, 1], one per age", self.share, "see straight_shares")

    @classmethod
    def fit(cls, walks: Walks, topology: Topology, *, max_age_slots: int = 20) -> "FixedShare":
        """Measure the shares, and how wrong they are, on walks."""
        share = straight_shares(walks, topology.campus, max_age_slots=max_age_slots)

        def predict(
            position_m: Float[np.ndarray, "user slot xy"],
            velocity_mps: Float[np.ndarray, "user slot xy"],
            after_s: float,
        ) -> Float[np.ndarray, "user slot xy"]:
            age = max(round(after_s / walks.slot_s), 1)
            return reflect(position_m + share[min(age, len(share)) - 1] * velocity_mps * after_s, topology.campus)

        return cls(topology=topology, share=share, growth=measure_growth(walks, predict), slot_s=walks.slot_s)

    def emulate(
        self, window: StatusWindow, n_slots: int, *, n_samples: int = 0, rng: np.random.Generator | None = None
    ) -> EmulatedStatus:
        """Extend the last collected leg or pause by its share."""
        require(n_slots > 0, "n_slots", "be above 0", n_slots, "emulate at least one slot")
        last = last_collected(window.is_behavior_collected)
        start_m, velocity_mps = at_slot(window.position_m, last), at_slot(window.velocity_mps, last)
        age = (window.is_behavior_collected.shape[-1] - 1 - last)[..., None] + 1 + np.arange(n_slots)
        share = self.share[np.minimum(age, len(self.share)) - 1]
        ahead_m = velocity_mps[:, :, None] * (share * age * self.slot_s)[..., None]
        position_m = reflect(start_m[:, :, None] + ahead_m, self.topology.campus)
        is_walking = (np.linalg.norm(velocity_mps, axis=-1) > 0)[..., None].repeat(n_slots, axis=2)
        std_m = self.growth.std_m(age * self.slot_s, is_walking)[..., None].repeat(2, axis=-1)
        return with_snr(window, position_m, std_m, self.topology, self.channel, self.snr, n_samples=n_samples, rng=rng)
