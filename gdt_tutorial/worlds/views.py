r"""Watching a video as a chain without branches: why imitation cannot beat cloning there.

A view goes through the bins of a video one after the other. In each the viewer watches on, or swipes and is gone:

    bin 0 --watch--> bin 1 --watch--> ... --watch--> bin B-1 --watch--> over
      \--swipe--> over \--swipe--> over               \--swipe--> over

There is one way into every bin, so the time spent in the bins *is* the survival, S(b) = (1 - h(0)) ... (1 - h(b - 1)), and the
share of swipes in a bin is its hazard h(b). Two policies with equal occupancies have equal hazards: to match occupancies is to
match hazards, and hazards by counting are what cloning has from the start. No copy can get to a place that was not shown.

What is abstract: bins instead of seconds, and viewers of a type who are all alike. Real views stand in `physical.logs`.
"""

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.worlds.finite import FiniteWorld

__all__ = ["SWIPE", "WATCH", "hazard_of", "policy_of", "view_chain", "walks_of"]

WATCH, SWIPE = 0, 1


def view_chain(type_share: Float[np.ndarray, " type"], n_bins: int) -> FiniteWorld:
    """Return the chain of every video type, side by side; the last state is "over".

    Args:
        type_share: How often videos of each type begin.
        n_bins: Bins of a video's length; the horizon is one slot longer.

    Raises:
        ValueError: No bin.
    """
    require(n_bins > 0, "n_bins", "be above 0", n_bins, "ten are a choice")
    n_types = len(type_share)
    over = n_types * n_bins
    transition = np.zeros((over + 1, 2, over + 1))
    state = np.arange(over)
    transition[state, WATCH, np.where(state % n_bins == n_bins - 1, over, state + 1)] = 1.0
    transition[:, SWIPE, over] = transition[over, :, over] = 1.0
    start = np.zeros(over + 1)
    start[np.arange(n_types) * n_bins] = type_share
    return FiniteWorld(transition, start, over, n_bins + 1)


def policy_of(hazard: Float[np.ndarray, "type bin"]) -> Float[np.ndarray, "state action"]:
    """Return the policy that swipes with a hazard; where it is over both actions are alike."""
    swipe = np.append(hazard.reshape(-1), 0.5)
    return np.stack([1 - swipe, swipe], axis=1)


def hazard_of(policy: Float[np.ndarray, "state action"], n_types: int) -> Float[np.ndarray, "type bin"]:
    """Return the hazard with which a policy swipes."""
    return policy[:-1, SWIPE].reshape(n_types, -1)


def walks_of(
    view_type: Int[np.ndarray, " view"], fraction: Float[np.ndarray, " view"], n_types: int, n_bins: int
) -> tuple[Int[np.ndarray, "view slot"], Int[np.ndarray, "view slot"]]:
    """Return views as walks on the chain; a fraction of exactly 1 is a complete view, without a swipe.

    Raises:
        ValueError: No view, or a fraction outside of [0, 1].
    """
    require(len(fraction) > 0, "views", "hold one at least", len(fraction), "record some")
    is_share = bool(((fraction >= 0) & (fraction <= 1)).all())
    require(is_share, "fraction", "lie in [0, 1]", [float(fraction.min()), float(fraction.max())], "clip replays to 1")
    slot, over = np.arange(n_bins + 1), n_types * n_bins
    last = np.minimum((fraction * n_bins).astype(np.int64), n_bins - 1)[:, None]
    state = np.where(slot <= last, view_type[:, None] * n_bins + slot, over)
    action = np.where((slot == last) & (fraction < 1)[:, None], SWIPE, WATCH)
    return state, action
