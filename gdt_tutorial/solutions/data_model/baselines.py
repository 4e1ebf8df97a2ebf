"""Schedulers to compare with: two greedy rules, equal shares, and shares that somebody else chose.

"The heuristic scheme consists of the same GDT-assisted segment buffering strategy and different greedy resource scheduling,
while the DRL scheme includes the sequential segment buffering strategy and deep deterministic policy gradient-based resource
scheduling" (the paper, case study). It does not say what the first is greedy for. So both readings are here: by gain, and
by gain per cost. Agents that choose shares of the resources, such as the latter (deep deterministic policy gradient, DDPG),
turn them into segments by `share_schedule`.

Every class is a `Scheduler`.
"""

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.delivery import sum_per_ap
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel, gain_per_cost, member_share, pack, schedule_of

__all__ = ["EqualSplit", "GreedyByGain", "GreedyByGainPerCost", "share_schedule"]


class GreedyByGain:
    """Again and again the segment that brings the most, whatever it costs."""

    def __init__(self, model: ScheduleModel) -> None:
        self.model = model

    def schedule(self, features: Features, version: Int[np.ndarray, "batch subgroup"]) -> Decision:
        """Take segments by gain until none fits."""
        gain = np.maximum(self.model.gain(features, version), 0.0)
        return schedule_of(features, self.model, version, pack(features, self.model, version, gain))


class GreedyByGainPerCost:
    """Again and again the segment that brings the most for its shares of band and cycles."""

    def __init__(self, model: ScheduleModel) -> None:
        self.model = model

    def schedule(self, features: Features, version: Int[np.ndarray, "batch subgroup"]) -> Decision:
        """Take segments by gain per cost until none fits."""
        ratio = gain_per_cost(features, self.model, version)
        return schedule_of(features, self.model, version, pack(features, self.model, version, ratio))


class EqualSplit:
    """The same share of band and cycles for every user: each SMG gets its members' part, filled as in `share_schedule`.

    The twin's `EqualShare` cuts every list where its share ends. With a dozen SMGs at an access point most shares end
    inside the first segment, so that little would be sent at all; here the remainders count.
    """

    def __init__(self, model: ScheduleModel) -> None:
        self.model = model

    def schedule(self, features: Features, version: Int[np.ndarray, "batch subgroup"]) -> Decision:
        """Fill equal shares with whole segments."""
        share = member_share(features, len(self.model.capacity.bandwidth_hz))
        return share_schedule(features, self.model, version, share, share)


def share_schedule(
    features: Features,
    model: ScheduleModel,
    version: Int[np.ndarray, "batch subgroup"],
    band_share: Float[np.ndarray, "batch subgroup"],
    computing_share: Float[np.ndarray, "batch subgroup"],
) -> Decision:
    """Turn shares of band and cycles into whole segments, in send order.

    What an SMG's shares can carry, the scarcer of the two, is its quota in seconds of video. Segments inside the quota come
    first. Then the segments that it cuts, the largest covered part first (largest remainders). Then, while
    anything is left, the next segment of the SMG whose quota is largest for what it would have (highest averages; so SMGs
    with short lists pass on what they do not need). An SMG with a share of 0 gets nothing. Only a shorter segment may
    overtake, where the next one of the list does not fit any more.

    Args:
        band_share: Share of its AP's band of each SMG.
        computing_share: Share of its AP's cycles.

    Raises:
        ValueError: A share below 0 or NaN, or shares that sum to more than 1 at an AP.
    """
    n_aps, remedy = len(model.capacity.bandwidth_hz), "take a softmax over the SMGs of each AP"
    for name, share in {"band_share": band_share, "computing_share": computing_share}.items():
        require(np.all(share >= 0), name, "be at least 0 and not NaN", float(share.min()), remedy)
        highest = float(sum_per_ap(share, features.ap, n_aps).max())
        require(highest <= 1 + 1e-6, name, "sum to at most 1 per AP", round(highest, 6), remedy)
    priority = _quota_priority(features, model, version, band_share, computing_share)
    return schedule_of(features, model, version, pack(features, model, version, priority))


def _quota_priority(
    features: Features,
    model: ScheduleModel,
    version: Int[np.ndarray, "batch subgroup"],
    band_share: Float[np.ndarray, "batch subgroup"],
    computing_share: Float[np.ndarray, "batch subgroup"],
) -> Float[np.ndarray, "batch subgroup item"]:
    """Return 3 for items inside the quota, 1 to 2 for those that it cuts, and below 1 for the rest."""
    is_open = gain_per_cost(features, model, version) > 0
    length_s = np.where(is_open, features.length_s, 0.0)
    radio, cycles = (np.sum(cost, axis=-1, where=is_open) for cost in model.cost(features, version))
    total_s = length_s.sum(axis=-1)
    quota_s = np.minimum(_carried_s(band_share, radio, total_s), _carried_s(computing_share, cycles, total_s))[
        ..., None
    ]
    end_s = np.cumsum(length_s, axis=-1)
    left_s = np.clip(quota_s - (end_s - length_s), 0.0, length_s)
    covered = np.divide(left_s, length_s, out=np.zeros_like(length_s), where=is_open)
    wanting = np.divide(quota_s, quota_s + end_s, out=np.zeros_like(length_s), where=is_open & (quota_s > 0))
    priority = np.where(covered >= 1 - 1e-9, 3.0, np.where(covered > 0, 1 + covered, wanting))
    return np.where(is_open, priority, 0.0)


def _carried_s(
    share: Float[np.ndarray, "batch subgroup"],
    cost: Float[np.ndarray, "batch subgroup"],
    total_s: Float[np.ndarray, "batch subgroup"],
) -> Float[np.ndarray, "batch subgroup"]:
    """Return the seconds of video that a share carries when a list of `total_s` costs `cost`; all where it costs nothing."""
    return np.divide(share * total_s, cost, out=np.where(share > 0, total_s, 0.0), where=cost > 0)
