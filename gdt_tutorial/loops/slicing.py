r"""The centralized controller: how much of an access point each slice is guaranteed, for the coming large slots.

"the centralized controller implements the large-timescale network slicing, i.e., the partitioning of a single physical network
infrastructure into multiple and isolated logical networks" (the paper, GDT network architecture). The paper does not say how.
Here it is a convex program. Of the demand that is expected, a slice is guaranteed what its contract covers,

    guaranteed[s] = min(expected demand[s], contract[s])

and whatever is left of the capacity C is shared so that queues are short. An M/M/1 queue that is given c[s] holds
guaranteed / (c - guaranteed) files, so its length is the price of a small surplus:

    minimize  sum over s of weight[s] / (c[s] - guaranteed[s])      subject to  sum of c[s] = C

The Lagrangian's derivative is zero where weight[s] / (c[s] - guaranteed[s])^2 is the same for all s, hence the square-root rule

    c[s] = guaranteed[s] + (C - sum of guaranteed) sqrt(weight[s]) / sum of sqrt(weight)

Source: Kleinrock 1964, whose weight is the demand itself. We take the contract as the weight: a surplus that follows the demand
that is claimed would reward whoever shouts, and so would guarantees without a contract, or contracts that do not fit into C.

What demand is expected, `demand_forecasts` says.
"""

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.loops.demand_forecasts import Expect
from gdt_tutorial.physical.services import SERVICES
from gdt_tutorial.physical.slicing import NetworkSlice, SlicingPlan

__all__ = [
    "SlicingConfig",
    "contract_share",
    "equal_share",
    "follow_demand",
    "guarantees",
    "kkt_residual",
    "partition",
    "proportional_share",
    "repartition",
    "slicing_plan",
]


@configclass
class SlicingConfig:
    """What is partitioned, and what the slices have contracts for."""

    capacity_bps: float = parameter(40e6, "What the access point carries.", "chosen", above=0)
    contract_bps: tuple[float, ...] = parameter(
        (10e6, 14e6, 5e6), "Most that is guaranteed to a slice, in the order of `SERVICES`.", "chosen", above=0
    )

    def __post_init__(self) -> None:
        n_contracts, total = len(self.contract_bps), sum(self.contract_bps)
        is_each = n_contracts == len(SERVICES)
        require(is_each, "contract_bps", f"hold {len(SERVICES)} contracts", n_contracts, "give one for each service")
        rule = f"sum to at most capacity_bps = {self.capacity_bps:g}"
        require(total <= self.capacity_bps, "contract_bps", rule, total, "promise no more than there is")

    @property
    def contract(self) -> Float[np.ndarray, " service"]:
        """The contracts as an array."""
        return np.array(self.contract_bps)


def partition(
    guaranteed_bps: Float[np.ndarray, "*batch service"],
    weight: Float[np.ndarray, " service"],
    capacity_bps: float,
) -> Float[np.ndarray, "*batch service"]:
    """Give each slice what it is guaranteed, and the surplus by the square-root rule.

    >>> partition(np.array([10.0, 4.0, 1.0]), np.array([16.0, 9.0, 1.0]), 31.0).tolist()
    [18.0, 10.0, 3.0]

    Raises:
        ValueError: More is guaranteed than there is, or a weight is not positive.
    """
    total = guaranteed_bps.sum(axis=-1)
    rule = f"sum to at most capacity_bps = {capacity_bps:g}"
    fits = bool((total <= capacity_bps * (1 + 1e-12)).all())
    require(fits, "guaranteed_bps", rule, float(total.max()), "cap each at its contract")
    is_positive = bool((weight > 0).all())
    require(is_positive, "weight", "be above 0", weight.tolist(), "leave out a slice that needs nothing")
    surplus = np.maximum(capacity_bps - total, 0.0)[..., None]
    return guaranteed_bps + surplus * np.sqrt(weight) / np.sqrt(weight).sum()


def kkt_residual(
    share_bps: Float[np.ndarray, "*batch service"],
    guaranteed_bps: Float[np.ndarray, "*batch service"],
    weight: Float[np.ndarray, " service"],
    capacity_bps: float,
) -> Float[np.ndarray, "*batch"]:
    """Return how far a partition is from the optimum's conditions, without a unit: 0 where it is optimal.

    The larger of two: by how much the derivatives differ, beside their mean, and by how much the capacity is missed.
    """
    price = weight / (share_bps - guaranteed_bps) ** 2
    apart = np.ptp(price, axis=-1) / price.mean(axis=-1)
    return np.asarray(np.maximum(apart, np.abs(share_bps.sum(axis=-1) / capacity_bps - 1)))


def guarantees(
    demand_bps: Float[np.ndarray, "batch minute service"],
    expect: Expect,
    period_minutes: int,
    config: SlicingConfig = SlicingConfig(),
) -> Float[np.ndarray, "batch minute service"]:
    """Return what each slice is guaranteed over a day: of the largest demand that is expected, what its contract covers.

    Raises:
        ValueError: A period that is not positive.
    """
    require(period_minutes > 0, "period_minutes", "be above 0", period_minutes, "1 is the shortest")
    guaranteed = np.empty_like(demand_bps)
    for minute in range(0, demand_bps.shape[1], period_minutes):
        coming = expect(demand_bps, minute, min(period_minutes, demand_bps.shape[1] - minute)).max(axis=1)
        guaranteed[:, minute : minute + period_minutes] = np.minimum(coming, config.contract)[:, None]
    return guaranteed


def repartition(
    demand_bps: Float[np.ndarray, "batch minute service"],
    expect: Expect,
    period_minutes: int,
    config: SlicingConfig = SlicingConfig(),
) -> Float[np.ndarray, "batch minute service"]:
    """Return the shares of a day: a new partition every `period_minutes`.

    Raises:
        ValueError: As `guarantees`.
    """
    return partition(guarantees(demand_bps, expect, period_minutes, config), config.contract, config.capacity_bps)


def contract_share(
    demand_bps: Float[np.ndarray, "batch minute service"], config: SlicingConfig = SlicingConfig()
) -> Float[np.ndarray, "batch minute service"]:
    """Give each slice its whole contract and its part of the surplus, all day: nobody's demand moves anything."""
    return np.broadcast_to(partition(config.contract, config.contract, config.capacity_bps), demand_bps.shape).copy()


def equal_share(
    demand_bps: Float[np.ndarray, "batch minute service"], config: SlicingConfig = SlicingConfig()
) -> Float[np.ndarray, "batch minute service"]:
    """Give all slices the same, all day."""
    return np.full_like(demand_bps, config.capacity_bps / demand_bps.shape[-1])


def proportional_share(
    demand_bps: Float[np.ndarray, "batch minute service"],
    recorded_bps: Float[np.ndarray, "day minute service"],
    config: SlicingConfig = SlicingConfig(),
) -> Float[np.ndarray, "batch minute service"]:
    """Give each slice its part of the mean demand of recorded days, all day."""
    mean = recorded_bps.mean(axis=(0, 1))
    return np.broadcast_to(config.capacity_bps * mean / mean.sum(), demand_bps.shape).copy()


def follow_demand(
    demand_bps: Float[np.ndarray, "batch minute service"], config: SlicingConfig = SlicingConfig()
) -> Float[np.ndarray, "batch minute service"]:
    """Give each slice its part of what was claimed in the minute before, without contracts: the trap."""
    claimed = np.concatenate([np.ones_like(demand_bps[:, :1]), demand_bps[:, :-1]], axis=1)
    claimed = np.maximum(claimed, 1e-3 * claimed.sum(axis=-1, keepdims=True))
    return config.capacity_bps * claimed / claimed.sum(axis=-1, keepdims=True)


def slicing_plan(share_bps: Float[np.ndarray, "ap service"], capacity_bps: float) -> SlicingPlan:
    """Write a partition of each access point as a plan: every resource of a slice has the share of its bits.

    Raises:
        ValueError: As `SlicingPlan`.
    """
    resources = ("bandwidth_share", "computing_share", "backhaul_share", "cache_share")
    part = share_bps / capacity_bps
    return SlicingPlan(
        slices=tuple(
            NetworkSlice(name=name, **{resource: part[:, each].copy() for resource in resources})
            for each, name in enumerate(SERVICES)
        )
    )
