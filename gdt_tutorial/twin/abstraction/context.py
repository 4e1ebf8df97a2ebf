"""The network as a whole, in a few numbers for each environment: what `Features.context` holds.

They come from parts of the status that no single SMG has. `load_forecast` adds the load that comes, for `PreparedGreedy`;
the numbers here no maker reads yet.
"""

import numpy as np
from jaxtyping import Float

from gdt_tutorial.twin.status import Status

__all__ = ["CONTEXT", "context_of"]

CONTEXT = ("delay_s", "bandwidth_load", "computing_load", "backhaul_load", "interaction_hz", "preference")


def context_of(status: Status) -> Float[np.ndarray, "batch context"]:
    """Return what `CONTEXT` names, each as a mean over users or access points; of the preferences their entropy in nat."""
    networking, behavior = status.networking, status.behavior
    preference = behavior.preference
    entropy_nat = -(preference * np.log(np.where(preference > 0, preference, 1.0))).sum(axis=-1)
    parts = (
        networking.delay_s,
        networking.bandwidth_load,
        networking.computing_load,
        networking.backhaul_load,
        behavior.interaction_hz,
        entropy_nat,
    )
    return np.stack([part.mean(axis=-1) for part in parts], axis=-1)
