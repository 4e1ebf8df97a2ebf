"""Features: what a decision maker gets to see of the status; and the protocol of what makes them.

"Data feature abstraction module is responsible for distilling useful information from network status", "such as
spatiotemporal traffic distribution and swipe probability distribution" (the paper, Digital Twin).
"""

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.twin.observation import Observation

__all__ = ["FeatureAbstractor", "Features"]

NO_LATENT, NO_CONTEXT = np.zeros((0, 0, 0)), np.zeros((0, 0))


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
    # What else an abstractor has to say, of width 0 where nothing: a code of each SMG, how sure it is of the code, and numbers
    # for the network as a whole. Makers that do not know them leave them alone. The number of an SMG means the same group,
    # access point and half in every slot (see `subgroups`), so a code may carry on what was there before.
    latent: Float[np.ndarray, "batch subgroup latent"] = field(default_factory=lambda: NO_LATENT)
    latent_std: Float[np.ndarray, "batch subgroup latent"] = field(default_factory=lambda: NO_LATENT)
    context: Float[np.ndarray, "batch context"] = field(default_factory=lambda: NO_CONTEXT)
    # Where access points share a band: `efficiency` under every on/off pattern of them, numbered as in
    # `interference.all_patterns`, and 0 where the SMG's own is off. Its last entry, all on, is `efficiency`. Else of width 0.
    pattern_efficiency: Float[np.ndarray, "batch subgroup pattern"] = field(default_factory=lambda: NO_LATENT)

    def __post_init__(self) -> None:
        for name in ("latent", "latent_std", "pattern_efficiency"):
            if getattr(self, name) is NO_LATENT:
                object.__setattr__(self, name, np.zeros((*self.ap.shape, 0)))
        if self.context is NO_CONTEXT:
            object.__setattr__(self, "context", np.zeros((len(self.ap), 0)))


@runtime_checkable
class FeatureAbstractor(Protocol):
    """Anything that distills what the twin sees into features."""

    def abstract(self, seen: Observation) -> Features:
        """Return the features of the last slot of `seen`; those before it may count too."""
        ...
