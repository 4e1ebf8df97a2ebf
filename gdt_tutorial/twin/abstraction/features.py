"""Features: what a decision maker gets to see of the status; and the protocol of what makes them.

"Data feature abstraction module is responsible for distilling useful information from network status", "such as
spatiotemporal traffic distribution and swipe probability distribution" (the paper, Digital Twin).
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.twin.status import Status

__all__ = ["FeatureAbstractor", "Features"]


@dataclass(frozen=True, kw_only=True)
class Features:
    """What a decision maker gets to see. Items are the segments worth sending to an SMG, the most valuable first."""

    subgroup: Int[np.ndarray, "batch user"]
    group: Int[np.ndarray, "batch subgroup"]
    ap: Int[np.ndarray, "batch subgroup"]
    n_members: Int[np.ndarray, "batch subgroup"]
    efficiency: Float[np.ndarray, "batch subgroup"]  # bit/s/Hz of the worst member, as far as the twin knows
    stored_s: Float[np.ndarray, "batch subgroup"]  # mean seconds of video that a member holds
    segments: Int[np.ndarray, "batch subgroup item 2"]  # (list position, segment), padded with -1
    value_s: Float[np.ndarray, "batch subgroup item"]  # expected watched seconds over all members, discounted by delay
    urgent_s: Float[np.ndarray, "batch subgroup item"]  # expected seconds of stall that sending it now avoids
    length_s: Float[np.ndarray, "batch subgroup item"]  # length of the segment
    previous: Float[np.ndarray, "batch subgroup version"]  # members whose next segment follows one of it, or 0


@runtime_checkable
class FeatureAbstractor(Protocol):
    """Anything that distills the status into features."""

    def abstract(self, status: Status) -> Features:
        """Return the features of `status`."""
        ...
