"""Who is served by which access point, and how fast: unicast, multicast, broadcast.

Paper: the case study serves users in multicast groups. A transmission that several users must decode goes at the rate
of the worst of them. All efficiencies are in bit/s/Hz.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.batch import sum_by

__all__ = [
    "broadcast_efficiency",
    "multicast_efficiency",
    "serving_ap",
    "sum_at_own_ap",
    "sum_per_ap",
    "unicast_efficiency",
]


def serving_ap(
    snr_db: Float[np.ndarray, "batch user ap"],
    previous_ap: Int[np.ndarray, "batch user"] | None = None,
    hysteresis_db: float = 3.0,
) -> Int[np.ndarray, "batch user"]:
    """Attach every user to the strongest access point, and move them only when it wins by the hysteresis.

    The hysteresis (3 dB, chosen; a usual handover margin) keeps a user between two access points from going to and fro.

    Args:
        previous_ap: Where users are attached so far; None attaches all of them to the strongest.

    Raises:
        ValueError: If the SNR holds NaN or the hysteresis is negative.
    """
    require(not np.isnan(snr_db).any(), "snr_db", "hold no NaN", np.nan, "drop users whose channel is not known")
    require(hysteresis_db >= 0, "hysteresis_db", "be at least 0", hysteresis_db, "3 dB is usual")
    best_ap = snr_db.argmax(axis=-1)
    if previous_ap is None:
        return best_ap
    gain_db = snr_db.max(axis=-1) - np.take_along_axis(snr_db, previous_ap[..., None], axis=-1)[..., 0]
    return np.where(gain_db > hysteresis_db, best_ap, previous_ap)


def unicast_efficiency(
    efficiency: Float[np.ndarray, "batch user ap"], ap: Int[np.ndarray, "batch user"]
) -> Float[np.ndarray, "batch user"]:
    """Return what each user gets alone from their access point."""
    return np.take_along_axis(efficiency, ap[..., None], axis=-1)[..., 0]


def multicast_efficiency(
    efficiency: Float[np.ndarray, "batch user ap"],
    member: Bool[np.ndarray, "batch subgroup user"],
    ap: Int[np.ndarray, "batch subgroup"],
) -> Float[np.ndarray, "batch subgroup"]:
    """Return what the worst member of each subgroup can decode from the subgroup's access point; 0 without members."""
    by_subgroup = np.take_along_axis(efficiency.swapaxes(1, 2), ap[..., None], axis=1)
    worst = np.where(member, by_subgroup, np.inf).min(axis=-1)
    return np.where(np.isinf(worst), 0.0, worst).astype(efficiency.dtype)


def broadcast_efficiency(
    efficiency: Float[np.ndarray, "batch user ap"], ap: Int[np.ndarray, "batch user"]
) -> Float[np.ndarray, "batch ap"]:
    """Return what the worst user of each cell can decode: one signal for everybody attached; 0 in an empty cell."""
    cell = np.arange(efficiency.shape[-1])
    member = ap[:, None, :] == cell[:, None]
    return multicast_efficiency(efficiency, member, np.broadcast_to(cell, (len(ap), len(cell))))


def sum_per_ap(
    amount: Float[np.ndarray, "batch subgroup *rest"], ap: Int[np.ndarray, "batch subgroup"], n_aps: int
) -> Float[np.ndarray, "batch ap *rest"]:
    """Add up what the subgroups of each access point use, need or hold."""
    return sum_by(amount, ap, n_aps)


def sum_at_own_ap(
    amount: Float[np.ndarray, "batch subgroup *rest"], ap: Int[np.ndarray, "batch subgroup"], n_aps: int
) -> Float[np.ndarray, "batch subgroup *rest"]:
    """Return to every subgroup the sum over all subgroups of its access point, itself included."""
    return sum_per_ap(amount, ap, n_aps)[np.arange(len(ap))[:, None], ap]
