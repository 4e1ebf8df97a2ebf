"""The channel as the network takes it, whatever law it follows: the statistical one, or that of a scene.

The paper's case study has a statistical channel (`channel.ChannelConfig`). With `scenes.scene_channel.SceneChannelModel` the
same network stands between buildings, where the position tells the channel.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.physical.topology import Topology

__all__ = ["ChannelModel", "UserChannel"]


@runtime_checkable
class UserChannel(Protocol):
    """The channel between the users of parallel environments and all access points, slot by slot."""

    snr_db: Float[np.ndarray, "batch user ap"]  # averaged over the slot, with fading
    mean_snr_db: Float[np.ndarray, "batch user ap"]  # without fading
    is_los: Bool[np.ndarray, "batch user ap"]

    def advance(self, position_m: Float[np.ndarray, "batch user xy"]) -> None:
        """Move every user to a new position and recompute the channel there."""
        ...


@runtime_checkable
class ChannelModel(Protocol):
    """A law of the channel: `ChannelConfig`, or `SceneChannelModel`."""

    def start(self, topology: Topology, n_batch: int, n_users: int, *, rng: np.random.Generator) -> UserChannel:
        """Return the channel of users who have not moved yet."""
        ...
