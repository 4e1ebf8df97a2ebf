"""The exact optimum of one slot: how far every rule and solver is from the best that the slot allows.

An integer program per access point (AP). With z_ms = 1 when sub-multicast group (SMG) m gets version s, and x_mis = 1 when
item i of its list is sent in it,

    maximize    sum_mis g_mis x_mis - sum_ms h_ms z_ms
    subject to  sum_s z_ms = 1,  x_mis <= z_ms,  sum_mis a_mis x_mis <= 1,  sum_mis c_mis x_mis <= 1

where g is the item's gain, a and c are its shares of band and cycles, and h is what the choice of a version costs by itself
(a step in quality). Any subset of a list may be sent, not just its start: so no schedule of whole segments, in whatever order,
is worth more. Solved by HiGHS with branch and bound (`scipy.optimize.milp`).

It is the optimum of what the twin *believes* about *this* slot. What a slot does to later ones is left out.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel, schedule_of

__all__ = ["SlotOptimum", "slot_optimum"]


@dataclass(frozen=True, kw_only=True)
class SlotOptimum:
    """The best that a slot allows."""

    version: Int[np.ndarray, "batch subgroup"]
    is_taken: Bool[np.ndarray, "batch subgroup item"]
    promise: Float[np.ndarray, "batch ap"]  # expected gain, less the cost of the versions
    decision: Decision


def slot_optimum(
    features: Features,
    model: ScheduleModel,
    version: Int[np.ndarray, "batch subgroup"] | None = None,
    *,
    version_cost: Float[np.ndarray, "batch subgroup version"] | None = None,
    relative_gap: float = 1e-6,
    time_limit_s: float = 60.0,
) -> SlotOptimum:
    """Return the best versions and segments of every campus and AP.

    Args:
        features: The slot.
        model: Capacity, versions, and weights.
        version: Versions that are given; None leaves the choice free.
        version_cost: What each version of an SMG costs by itself; None costs nothing.
        relative_gap: Between the solution and what is proved, at which the search stops.
        time_limit_s: Of each AP's search.

    Raises:
        ValueError: A search that did not end in time.
    """
    n_versions, shape = model.catalog.n_versions, features.ap.shape
    every = [np.full(shape, each) for each in range(n_versions)]
    gain = np.stack([model.gain(features, each) for each in every], axis=2)
    cost = np.stack([np.stack(model.cost(features, each)) for each in every], axis=3)
    own_cost = np.zeros((*shape, n_versions)) if version_cost is None else version_cost
    is_allowed = (
        np.ones((*shape, n_versions), dtype=bool) if version is None else np.stack(every, 2) == version[..., None]
    )
    chosen, is_taken = np.zeros(shape, dtype=np.int64), np.zeros(features.value_s.shape, dtype=bool)
    promise = np.zeros((len(features.ap), len(model.capacity.bandwidth_hz)))
    for env, ap in np.ndindex(promise.shape):
        rows = np.nonzero(features.ap[env] == ap)[0]
        if len(rows):
            problem = gain[env, rows], cost[:, env, rows], own_cost[env, rows], is_allowed[env, rows]
            chosen[env, rows], is_taken[env, rows], promise[env, ap] = _solve(*problem, relative_gap, time_limit_s)
    decision = schedule_of(features, model, chosen, is_taken)
    return SlotOptimum(version=chosen, is_taken=is_taken, promise=promise, decision=decision)


def _solve(
    gain: Float[np.ndarray, "subgroup version item"],
    cost: Float[np.ndarray, "resource subgroup version item"],
    own_cost: Float[np.ndarray, "subgroup version"],
    is_allowed: Bool[np.ndarray, "subgroup version"],
    relative_gap: float,
    time_limit_s: float,
) -> tuple[Int[np.ndarray, " subgroup"], Bool[np.ndarray, "subgroup item"], float]:
    """Solve one AP; variables are the choices of a version, then the items that are worth sending."""
    n_subgroups, n_versions, _ = gain.shape
    is_open = (gain > 0) & (cost <= 1).all(axis=0) & is_allowed[..., None]
    subgroup, version, _ = np.nonzero(is_open)
    n_items, n_choices = len(subgroup), n_subgroups * n_versions
    choice = np.arange(n_choices).reshape(n_subgroups, n_versions)
    linked = np.arange(n_items)
    limits = [
        _rows(choice // n_versions, choice, np.ones(n_choices), n_choices + n_items),
        _rows(
            np.concatenate([linked, linked]),
            np.concatenate([n_choices + linked, choice[subgroup, version]]),
            np.repeat([1.0, -1.0], n_items),
            n_choices + n_items,
        ),
        np.concatenate([np.zeros((len(cost), n_choices)), cost[:, is_open]], axis=1),
    ]
    bounds = [(1.0, 1.0), (-np.inf, 0.0), (-np.inf, 1.0)]
    result = milp(
        np.concatenate([own_cost.ravel(), -gain[is_open]]),
        integrality=np.ones(n_choices + n_items),
        bounds=Bounds(0.0, np.concatenate([is_allowed.ravel().astype(np.float64), np.ones(n_items)])),
        constraints=[
            LinearConstraint(matrix, *bound) for matrix, bound in zip(limits, bounds, strict=True) if matrix.shape[0]
        ],
        options={"mip_rel_gap": relative_gap, "time_limit": time_limit_s, "presolve": False},
    )
    rule, remedy = "be enough to solve the slot", "raise it, or take a smaller case"
    require(result.status == 0, "time_limit_s", rule, time_limit_s, remedy)
    is_sent = np.zeros(is_open.shape, dtype=bool)
    is_sent[is_open] = result.x[n_choices:] > 0.5
    is_taken = np.asarray(is_sent.any(axis=1))
    return result.x[:n_choices].reshape(choice.shape).argmax(axis=1), is_taken, -float(result.fun)


def _rows(row: np.ndarray, column: np.ndarray, value: np.ndarray, n_columns: int) -> csr_array:
    shape = (int(row.max()) + 1 if row.size else 0, n_columns)
    return csr_array((value.ravel(), (row.ravel(), column.ravel())), shape=shape)
