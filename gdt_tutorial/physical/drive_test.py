"""A drive test: people walk the campus, and what their phones measure is written down slot by slot.

Operators measure their coverage so, mostly from a car. Nothing is sent and nobody watches; only walk and channel move.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.channel import Channel
from gdt_tutorial.physical.delivery import serving_ap
from gdt_tutorial.physical.mobility import Walk

__all__ = ["DriveTest", "drive_test"]


@dataclass(frozen=True, kw_only=True, eq=False)
class DriveTest:
    """What was measured in each slot."""

    snr_db: Float[np.ndarray, "slot batch user ap"]
    is_los: Bool[np.ndarray, "slot batch user ap"]
    serving_ap: Int[np.ndarray, "slot batch user"]
    slot_s: float

    @property
    def serving_snr_db(self) -> Float[np.ndarray, "slot batch user"]:
        """SNR toward the access point that serves the user."""
        return np.take_along_axis(self.snr_db, self.serving_ap[..., None], axis=-1)[..., 0]

    @property
    def handovers_per_minute(self) -> float:
        """Changes of the serving access point, of one user in a minute."""
        return float((np.diff(self.serving_ap, axis=0) != 0).mean() * 60 / self.slot_s)

    def slot_correlation(self, ap: int = 0) -> float:
        """Return how the SNR toward one access point goes with that of the slot before, over all users and slots."""
        flat = self.snr_db[..., ap].reshape(len(self.snr_db), -1)
        return float(np.corrcoef(flat[:-1].ravel(), flat[1:].ravel())[0, 1])


def drive_test(
    channel_at: Callable[[int], Channel],
    walk: Walk,
    n_slots: int,
    *,
    slot_s: float = 2.0,
    hysteresis_db: float = 3.0,
) -> DriveTest:
    """Let users walk for some slots, and write down their channels and who serves them.

    Args:
        channel_at: The channel of a slot; mostly the same one each time, which is then moved along the paths.
        walk: The walkers, as many as the channel has users.
        n_slots: How long; slot 0 is where they start.
        slot_s: Length of a slot.
        hysteresis_db: As for `serving_ap`.

    Raises:
        ValueError: If there are fewer than two slots.
    """
    require(n_slots >= 2, "n_slots", "be at least 2", n_slots, "changes need two slots")
    measured: dict[str, list[np.ndarray]] = {"snr_db": [], "is_los": [], "serving_ap": []}
    previous_ap = None
    for slot in range(n_slots):
        channel = channel_at(slot)
        channel.advance(walk.position_m)
        previous_ap = serving_ap(channel.snr_db, previous_ap, hysteresis_db=hysteresis_db)
        for name, values in (("snr_db", channel.snr_db), ("is_los", channel.is_los), ("serving_ap", previous_ap)):
            measured[name].append(values)
        walk.advance(slot_s)
    return DriveTest(slot_s=slot_s, **{name: np.stack(values) for name, values in measured.items()})
