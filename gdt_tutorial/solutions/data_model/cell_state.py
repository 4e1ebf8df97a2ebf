"""A cell: one access point (AP) of one campus with the sub-multicast groups (SMGs) behind it, as an agent sees it.

A local controller manages its AP, so one agent acts for one AP, and the same network serves all of them. Its choices are
ordered: branch 0 is the SMG whose list is worth most, and so on; branches beyond the SMGs at hand are masked.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.physical.delivery import sum_per_ap
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel

__all__ = ["EMPTY", "describe_cells", "gather", "legal", "n_row", "n_state", "order_branches", "scatter"]

EMPTY = -1  # a branch without an SMG
N_OWN, N_CELL = 13, 7  # entries of a row before the versions, and of the cell as a whole
N_SOON = 3  # segments that cover the coming slot and a little more
_CAPACITY_UNIT, _BAND_UNIT = 12e9, 20e6  # bring capacities to about one


def order_branches(features: Features, n_aps: int, n_branches: int) -> Int[np.ndarray, "batch ap branch"]:
    """Return the SMG of each branch of each cell: those that can be served, by the worth of their lists; else `EMPTY`."""
    total_value = (features.value_s + features.urgent_s).sum(axis=-1)
    is_served = (features.n_members > 0) & (features.efficiency > 0) & (total_value > 0)
    order = np.full((len(total_value), n_aps, n_branches), EMPTY)
    for ap in range(n_aps):
        key = np.where(is_served & (features.ap == ap), total_value, -1.0)
        best = np.argsort(-key, axis=-1, kind="stable")[:, :n_branches]
        own = np.where(np.take_along_axis(key, best, axis=-1) > 0, best, EMPTY)
        order[:, ap, : own.shape[1]] = own
    return order


def gather(
    values: Float[np.ndarray, "batch subgroup feature"], order: Int[np.ndarray, "batch ap branch"]
) -> Float[np.ndarray, "batch ap branch feature"]:
    """Bring rows of SMGs into the order of the branches; empty branches get zeros."""
    env = np.arange(len(values))[:, None, None]
    return values[env, np.maximum(order, 0)] * (order != EMPTY)[..., None]


def scatter(
    choice: Int[np.ndarray, "batch ap branch"], order: Int[np.ndarray, "batch ap branch"], n_subgroups: int
) -> Int[np.ndarray, "batch subgroup"]:
    """Bring choices of branches back to their SMGs; SMGs without a branch get 0."""
    result = np.zeros((len(choice), n_subgroups), dtype=np.int64)
    env, ap, branch = np.nonzero(order != EMPTY)
    result[env, order[env, ap, branch]] = choice[env, ap, branch]
    return result


def describe_cells(
    features: Features,
    model: ScheduleModel,
    order: Int[np.ndarray, "batch ap branch"],
    priors: Sequence[Int[np.ndarray, "batch subgroup"]],
) -> Float[np.ndarray, "batch ap state"]:
    """Return the state of each cell: a row for each branch, then what the cell as a whole has to bear.

    A row holds the SMG's size, channel and stock, the worth and cost of its list and of the first three segments in it,
    the versions that its members have just seen, and the versions that rules advise, one-hot.
    """
    n_versions, n_aps = model.catalog.n_versions, order.shape[1]
    lowest = np.zeros_like(features.ap)
    costs = [np.where(np.isfinite(cost), cost, 0.0) for cost in model.cost(features, lowest)]
    own = np.stack(
        [
            features.n_members > 0,
            features.n_members / 10,
            features.efficiency / 8,
            features.stored_s / 10,
            features.value_s.sum(axis=-1) / 20,
            features.urgent_s.sum(axis=-1) / 10,
            features.value_s[..., :N_SOON].sum(axis=-1) / 10,
            features.urgent_s[..., :N_SOON].sum(axis=-1) / 10,
            (features.value_s > 0).mean(axis=-1),
            *(np.minimum(cost.sum(axis=-1), 4) for cost in costs),
            *(np.minimum(cost[..., :N_SOON].sum(axis=-1), 2) for cost in costs),
        ],
        axis=-1,
    )
    one_hot = [np.eye(n_versions)[version] for version in priors]
    rows = gather(np.concatenate([own, features.previous / 5, *one_hot], axis=-1), order)
    total = sum_per_ap(own[..., -4:].reshape(*own.shape[:2], 4), features.ap, n_aps)
    capacity = model.capacity
    own_ap = np.stack([capacity.computing_cycles_per_s / _CAPACITY_UNIT, capacity.bandwidth_hz / _BAND_UNIT], axis=-1)
    cell = np.concatenate(
        [
            np.broadcast_to(own_ap, (len(rows), n_aps, 2)),
            np.minimum(total, 8) / 4,
            (order != EMPTY).mean(axis=-1, keepdims=True),
        ],
        axis=-1,
    )
    return np.concatenate([rows.reshape(len(rows), n_aps, -1), cell], axis=-1).astype(np.float32)


def n_state(n_branches: int, n_versions: int, n_priors: int) -> int:
    """Return the number of entries of a state."""
    return n_branches * n_row(n_versions, n_priors) + N_CELL


def n_row(n_versions: int, n_priors: int) -> int:
    """Return the number of entries of the row of an SMG."""
    return N_OWN + n_versions * (1 + n_priors)


def legal(order: Int[np.ndarray, "batch ap branch"], n_versions: int) -> Bool[np.ndarray, "batch ap branch version"]:
    """Return the mask of legal versions: all of them where there is an SMG, none elsewhere."""
    return np.repeat((order != EMPTY)[..., None], n_versions, axis=-1)
