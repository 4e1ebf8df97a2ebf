"""What the features tell of a muting decision: the numbers that a learned maker reads where access points share a band.

The paper has no such decision; which numbers they are is chosen. `coded_context` makes them fewer.
"""

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.physical.batch import sum_by
from gdt_tutorial.physical.interference import pattern_number
from gdt_tutorial.twin.abstraction.features import Features

__all__ = ["mirrored_context", "muting_context"]

_LARGEST = 5.6  # bit/s/Hz of the best scheme


def muting_context(features: Features, n_aps: int) -> Float[np.ndarray, "batch context"]:
    """Return what features tell of the choice, in numbers of order one; nothing else is known to a learned maker.

    Of each access point (AP): its users, their mean stock, the demand that waits, and the efficiency of its worst subgroup
    when it sends alone, with each other AP, and with all.
    """
    env, members = np.arange(len(features.ap))[:, None], features.n_members.astype(float)
    n_members = sum_by(members, features.ap, n_aps)
    stored_s = sum_by(members * features.stored_s, features.ap, n_aps) / np.maximum(n_members, 1)
    demand_s = sum_by((features.value_s + features.urgent_s).sum(axis=-1), features.ap, n_aps)
    own = np.eye(n_aps, dtype=bool)
    number = pattern_number(
        np.concatenate([own[:, None] | own, np.ones((n_aps, 1, n_aps), dtype=bool)], axis=1)[..., None]
    )
    rate = features.pattern_efficiency[
        env[..., None], np.arange(features.ap.shape[1])[:, None], number[..., 0][features.ap]
    ]
    worst = np.full((len(env), n_aps, n_aps + 1), np.inf)
    np.minimum.at(worst, (env, features.ap), np.where(members[..., None] > 0, rate, np.inf))
    worst = np.where(np.isinf(worst), 0, worst) / _LARGEST
    return np.concatenate([n_members / 5, stored_s / 10, demand_s / 50, worst.reshape(len(env), -1)], axis=1)


def mirrored_context(
    context: Float[np.ndarray, "batch context"], order: Int[np.ndarray, " ap"]
) -> Float[np.ndarray, "batch context"]:
    """Return what the context would be if the APs were numbered in another order."""
    n_batch, n_aps = len(context), len(order)
    of_ap, rate = (
        context[:, : 3 * n_aps].reshape(n_batch, 3, n_aps),
        context[:, 3 * n_aps :].reshape(n_batch, n_aps, -1),
    )
    rate = rate[:, order][:, :, [*order, n_aps]]
    return np.concatenate([of_ap[:, :, order].reshape(n_batch, -1), rate.reshape(n_batch, -1)], axis=1)
