"""Resource scheduling by convex optimization: who gets how much of each access point's (AP's) slot.

"In the resource scheduling, the sequential least squares quadratic programming method is utilized to determine the occupation
time of network resources by each SMG", a sub-multicast group (the paper, case study). `SlsqpScheduler` solves the reduced
program of every AP (`reduced_program`) and makes whole segments of the optimum.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.physical.delivery import sum_per_ap
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.solutions.data_model.reduced_program import (
    SlsqpConfig,
    reduced_program,
    shadow_prices,
    solve_reduced,
)
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel, gain_per_cost, pack, schedule_of

__all__ = ["Scheduler", "SlsqpScheduler"]


@runtime_checkable
class Scheduler(Protocol):
    """Anything that divides a slot when the versions are given."""

    def schedule(self, features: Features, version: Int[np.ndarray, "batch subgroup"]) -> Decision:
        """Return which segments every SMG gets, and its shares of band and cycles."""
        ...


class SlsqpScheduler:
    """Solve the reduced program of every AP, round down to whole segments, and hand out what is left.

    A campus of ten viewers, everybody at the lowest version: what is handed out never exceeds an AP.

    >>> from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
    >>> from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
    >>> from gdt_tutorial.twin.decision.schedule import schedule_model
    >>> from gdt_tutorial.twin.swipe_curves import SwipeCurves
    >>> network = PhysicalNetwork.waterloo(1, NetworkConfig(n_users=10), seed=0)
    >>> curves = SwipeCurves(1, network.catalog.n_types)
    >>> abstractor = GroupAbstractor(network.catalog, network.capacity, curves, network.link)
    >>> telemetry = network.reset()
    >>> features = abstractor.abstract_session(telemetry.session, telemetry.snr_db)
    >>> scheduler = SlsqpScheduler(schedule_model(network))
    >>> decision = scheduler.schedule(features, np.zeros(features.ap.shape, dtype=np.int64))
    >>> shares = [decision.bandwidth_share[decision.ap == ap].sum() for ap in (0, 1)]
    >>> [bool(share <= 1 + 1e-9) for share in shares], bool((decision.segments >= 0).any())
    ([True, True], True)

    The rest goes to one item after the other, smaller ones where the next one does not fit. It is handed out in three orders,
    by gain per cost, by gain per cost at the shadow prices of band and cycles, and by gain; every AP keeps the best.

    The start is the schedule that is greedy by gain per cost. Where it sends all that is wanted there is nothing to
    solve. It also is the fallback: where SLSQP reports failure, or where rounding loses more than the optimum won, the AP
    keeps it. So no schedule promises less than the greedy one. (Start, orders and fallback are our choice.)

    Attributes:
        n_solved: APs and slots that SLSQP was called for so far.
        n_failed: Of which it reported failure.
        n_kept: APs and slots, of those, in which the start was worth more than what SLSQP led to.
    """

    def __init__(self, model: ScheduleModel, config: SlsqpConfig = SlsqpConfig()) -> None:
        self.model, self.config = model, config
        self.n_solved = self.n_failed = self.n_kept = 0

    def schedule(self, features: Features, version: Int[np.ndarray, "batch subgroup"]) -> Decision:
        """Return the schedule of all APs."""
        ratio = gain_per_cost(features, self.model, version)
        greedy = pack(features, self.model, version, ratio)
        n_aps = len(self.model.capacity.bandwidth_hz)
        is_short = sum_per_ap(((ratio > 0) & ~greedy).any(axis=-1).astype(np.float64), features.ap, n_aps) > 0
        if not is_short.any():
            return schedule_of(features, self.model, version, greedy)
        amount_s, price = self._solve(features, version, ratio, greedy, is_short)
        whole = _round_down(features, ratio, amount_s)
        gain = np.where(ratio > 0, self.model.gain(features, version), 0.0)
        orders = [ratio, self._priced(features, version, gain, price), gain]
        candidates = np.stack([greedy] + [pack(features, self.model, version, order, whole) for order in orders])
        promise = np.stack([sum_per_ap(np.sum(gain, axis=-1, where=each), features.ap, n_aps) for each in candidates])
        best = promise.argmax(axis=0)  # the first of equals: the start
        self.n_kept += int(((best == 0) & is_short).sum())
        mine = np.take_along_axis(best, features.ap, axis=1)[None, ..., None]
        return schedule_of(features, self.model, version, np.take_along_axis(candidates, mine, axis=0)[0])

    def _solve(
        self,
        features: Features,
        version: Int[np.ndarray, "batch subgroup"],
        ratio: Float[np.ndarray, "batch subgroup item"],
        greedy: Bool[np.ndarray, "batch subgroup item"],
        is_short: Bool[np.ndarray, "batch ap"],
    ) -> tuple[Float[np.ndarray, "batch subgroup"], Float[np.ndarray, "batch ap resource"]]:
        """Return the optimal seconds of video of every SMG, and the prices; where nothing is solved, the start and ones."""
        program = reduced_program(features, self.model, version, ratio)
        amount_s, price = np.sum(features.length_s, axis=-1, where=greedy), np.ones((*is_short.shape, 2))
        for env, ap in zip(*np.nonzero(is_short), strict=True):
            subgroup = np.nonzero((features.ap[env] == ap) & (program.total_s[env] > 0))[0]
            index = np.full(len(subgroup), env), subgroup
            own = program.rows(index)
            solution = solve_reduced(own, amount_s[index], self.config)
            self.n_solved, self.n_failed = self.n_solved + 1, self.n_failed + (not solution.is_solved)
            if solution.is_solved:
                amount_s[index] = solution.amount_s
                found = shadow_prices(own, solution.amount_s)
                price[env, ap] = found if found is not None else price[env, ap]
        return amount_s, price

    def _priced(
        self,
        features: Features,
        version: Int[np.ndarray, "batch subgroup"],
        gain: Float[np.ndarray, "batch subgroup item"],
        price: Float[np.ndarray, "batch ap resource"],
    ) -> Float[np.ndarray, "batch subgroup item"]:
        """Return each item's gain per cost at the prices of its AP."""
        radio, cycles = (np.where(gain > 0, cost, 0.0) for cost in self.model.cost(features, version))
        own = price[np.arange(len(price))[:, None], features.ap]
        # A resource that is not scarce costs nothing; then only what is free of the other one comes first.
        paid = own[..., :1] * radio + own[..., 1:] * cycles
        return gain / np.maximum(paid, 1e-9)


def _round_down(
    features: Features, ratio: Float[np.ndarray, "batch subgroup item"], amount_s: Float[np.ndarray, "batch subgroup"]
) -> Bool[np.ndarray, "batch subgroup item"]:
    """Mark the items that lie inside the amounts as a whole, the best ones first."""
    order = np.argsort(-ratio, axis=-1, kind="stable")
    length_s = np.take_along_axis(np.where(ratio > 0, features.length_s, 0.0), order, axis=-1)
    is_inside = (np.cumsum(length_s, axis=-1) <= amount_s[..., None] + 1e-9) & (length_s > 0)
    is_taken = np.zeros_like(is_inside)
    np.put_along_axis(is_taken, order, is_inside, axis=-1)
    return is_taken
