"""Resource schedules: what a slot can carry, what its segments are worth, and whole segments packed into it.

Every maker chooses versions and weights; `greedy_schedule` turns these into a schedule of whole segments that fits.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.physical.delivery import sum_at_own_ap, sum_per_ap
from gdt_tutorial.physical.messages import NOT_SERVED, Decision
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.playback import QoeConfig
from gdt_tutorial.physical.streaming import SlotCapacity
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.twin.abstraction.features import Features

__all__ = ["ScheduleModel", "gain_per_cost", "greedy_schedule", "member_share", "pack", "schedule_model", "schedule_of"]


@dataclass(frozen=True, kw_only=True)
class ScheduleModel:
    """What every maker knows about the network: its capacity, the versions, and what QoE is made of."""

    catalog: VideoCatalog
    capacity: SlotCapacity
    qoe: QoeConfig

    def gain(
        self, features: Features, version: Int[np.ndarray, "batch subgroup"]
    ) -> Float[np.ndarray, "batch subgroup item"]:
        """Return the QoE that each item is expected to bring, summed over the members of its SMG."""
        quality = np.asarray(self.qoe.version_quality)[version][..., None]
        return self.qoe.quality_weight * quality * features.value_s + self.qoe.stall_weight * features.urgent_s

    def cost(
        self, features: Features, version: Int[np.ndarray, "batch subgroup"]
    ) -> tuple[Float[np.ndarray, "batch subgroup item"], Float[np.ndarray, "batch subgroup item"]]:
        """Return each item's share of its AP's slot (infinite where the SMG cannot be reached) and of its cycles."""
        bit = features.length_s * self.catalog.bitrate_bps[version][..., None]
        slot_bit = self.capacity.bandwidth_hz[features.ap] * features.efficiency * self.capacity.slot_s
        slot_cycles = (self.capacity.computing_cycles_per_s[features.ap] * self.capacity.slot_s)[..., None]
        unreachable = np.full(bit.shape, np.inf)
        radio = np.divide(bit, slot_bit[..., None], out=unreachable, where=(slot_bit > 0)[..., None] & (bit > 0))
        cycles = bit * self.capacity.cycles_per_bit
        impossible = np.where(cycles > 0, np.inf, 0.0)
        return radio, np.divide(cycles, slot_cycles, out=impossible, where=slot_cycles > 0)


def schedule_model(network: PhysicalNetwork) -> ScheduleModel:
    """Return what a decision maker knows about `network`."""
    return ScheduleModel(catalog=network.catalog, capacity=network.capacity, qoe=network.config.qoe)


def gain_per_cost(
    features: Features,
    model: ScheduleModel,
    version: Int[np.ndarray, "batch subgroup"],
    weight: Float[np.ndarray, "batch subgroup"] | None = None,
) -> Float[np.ndarray, "batch subgroup item"]:
    """Return each item's gain over the sum of its shares of band and cycles; 0 where it cannot or need not be sent.

    Args:
        weight: Of each SMG's gains; None weighs all alike.
    """
    gain = model.gain(features, version)
    cost = np.add(*model.cost(features, version))
    is_open = np.isfinite(cost) & (gain > 0)
    gain = gain if weight is None else gain * weight[..., None]
    return np.where(is_open, gain / np.where(is_open, cost, 1.0), 0.0)


def member_share(features: Features, n_aps: int) -> Float[np.ndarray, "batch subgroup"]:
    """Return each SMG's part of the reachable members of its access point; 0 where it has none."""
    members = features.n_members.astype(np.float64) * (features.efficiency > 0)
    total = sum_at_own_ap(members, features.ap, n_aps)
    return np.divide(members, total, out=np.zeros_like(members), where=total > 0)


def greedy_schedule(
    features: Features,
    model: ScheduleModel,
    version: Int[np.ndarray, "batch subgroup"],
    weight: Float[np.ndarray, "batch subgroup"] | None = None,
    n_rounds: int = 3,
) -> tuple[Decision, Float[np.ndarray, "batch ap"]]:
    """Take items by weighted gain per cost while they fit; return the schedule and each AP's expected gain.

    The order is that of `gain_per_cost`. How items are packed stands at `pack`; how the rest of the band is spread, at
    `schedule_of`.
    """
    is_taken = pack(features, model, version, gain_per_cost(features, model, version, weight), n_rounds=n_rounds)
    promised = np.sum(model.gain(features, version), axis=-1, where=is_taken)
    promise = sum_per_ap(promised, features.ap, len(model.capacity.bandwidth_hz))
    return schedule_of(features, model, version, is_taken), promise


def pack(
    features: Features,
    model: ScheduleModel,
    version: Int[np.ndarray, "batch subgroup"],
    priority: Float[np.ndarray, "batch subgroup item"],
    is_taken: Bool[np.ndarray, "batch subgroup item"] | None = None,
    n_rounds: int = 3,
) -> Bool[np.ndarray, "batch subgroup item"]:
    """Take items by descending priority while band and cycles last; return which ones.

    All items of an AP are sorted once, and the longest affordable run is taken; a round more lets smaller items use what
    is left. Items of priority 0 are never taken, nor those that do not fit by themselves.

    Args:
        priority: Of each item, not negative; equal ones go by SMG, then by place in the list.
        is_taken: Items that are taken already; their cost is paid first.
        n_rounds: How often the rest is offered.
    """
    n_batch, _, n_items = features.value_s.shape
    radio, cycles = model.cost(features, version)
    flat = {
        name: value.reshape(n_batch, -1)
        for name, value in {"priority": priority, "radio": radio, "cycles": cycles}.items()
    }
    order = np.argsort(-flat["priority"], axis=-1, kind="stable")
    priority_sorted, radio_sorted, cycles_sorted = (np.take_along_axis(flat[name], order, axis=-1) for name in flat)
    ap_sorted = np.take_along_axis(np.repeat(features.ap, n_items, axis=-1), order, axis=-1)
    taken = np.zeros(order.shape, dtype=bool) if is_taken is None else is_taken.reshape(n_batch, -1)
    taken_sorted = np.take_along_axis(taken, order, axis=-1)
    for ap in range(len(model.capacity.bandwidth_hz)):
        for _ in range(n_rounds):
            is_open = (ap_sorted == ap) & (priority_sorted > 0) & ~taken_sorted
            mine = (ap_sorted == ap) & taken_sorted
            used = [np.sum(cost, axis=-1, keepdims=True, where=mine) for cost in (radio_sorted, cycles_sorted)]
            # An item that is too big by itself must not stop the run.
            is_open &= (radio_sorted <= 1 - used[0]) & (cycles_sorted <= 1 - used[1])
            run = [np.cumsum(np.where(is_open, cost, 0), axis=-1) for cost in (radio_sorted, cycles_sorted)]
            taken_sorted |= is_open & (run[0] + used[0] <= 1) & (run[1] + used[1] <= 1)
    result = np.zeros_like(taken)
    np.put_along_axis(result, order, taken_sorted, axis=-1)
    return result.reshape(priority.shape)


def schedule_of(
    features: Features,
    model: ScheduleModel,
    version: Int[np.ndarray, "batch subgroup"],
    is_taken: Bool[np.ndarray, "batch subgroup item"],
) -> Decision:
    """Return the decision that sends the taken items, each SMG's in the order of its list.

    What remains of band and cycles is spread over the SMGs that are served, so that a channel worse than expected does
    not lose a segment at once.
    """
    share = []
    for cost in model.cost(features, version):
        used = np.sum(cost, axis=-1, where=is_taken)
        total = sum_at_own_ap(used, features.ap, len(model.capacity.bandwidth_hz))
        share.append(np.divide(used, total, out=np.zeros_like(used), where=total > 0))  # leftovers spread in proportion
    # Taken items first, in their order; the rest becomes padding.
    order = np.argsort(~is_taken, axis=-1, kind="stable")[..., None]
    segments = np.where(is_taken[..., None], features.segments, NOT_SERVED)
    return Decision(
        subgroup=features.subgroup,
        group=features.group,
        ap=features.ap,
        version=version,
        bandwidth_share=share[0],
        computing_share=share[1],
        segments=np.take_along_axis(segments, np.broadcast_to(order, segments.shape), axis=2),
    )
