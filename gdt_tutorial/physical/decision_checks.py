"""What a decision must be, before a network carries it out: the physical one, or the twin's.

A wrong index into an array is taken without a word, and a share above 1 would make a network out of nothing. So a decision is
held against the network first, and a message says what is wrong with it.
"""

import numpy as np

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.delivery import sum_per_ap
from gdt_tutorial.physical.messages import NOT_SERVED, Decision, video_at
from gdt_tutorial.physical.streaming import StreamState
from gdt_tutorial.physical.video import VideoCatalog

__all__ = ["check_decision"]


def check_decision(decision: Decision, state: StreamState, n_aps: int, catalog: VideoCatalog) -> None:
    """Hold a decision against the network that shall carry it out.

    Raises:
        ValueError: an index out of range, a segment that its video does not have, a user in an SMG of another group, a
            share below 0 or NaN, shares that sum to more than 1 at an AP, or a muting bitmap for other APs.
    """
    shape, remedy = state.group.shape, "build the decision for this network's APs, groups and versions"
    require(
        decision.subgroup.shape == shape, "decision.subgroup", f"have shape {shape}", decision.subgroup.shape, remedy
    )
    limits = {
        "subgroup": (decision.subgroup, NOT_SERVED, decision.ap.shape[1]),
        "group": (decision.group, 0, state.playlist.shape[1]),
        "ap": (decision.ap, 0, n_aps),
        "version": (decision.version, 0, catalog.n_versions),
        "segments": (decision.segments, NOT_SERVED, 2**31),
    }
    for name, (index, lower, upper) in limits.items():
        low, high = int(index.min(initial=lower)), int(index.max(initial=lower))
        is_inside, rule = lower <= low and high < upper, f"lie in [{lower}, {upper})"
        require(is_inside, f"decision.{name}", rule, (low, high), remedy)
    _check_segments(decision, state, catalog)
    _check_muting(decision, n_aps)
    env = np.arange(len(decision.ap))[:, None]
    is_served = decision.subgroup != NOT_SERVED
    n_strangers = int((is_served & (decision.group[env, decision.subgroup] != state.group)).sum())
    rule, remedy = "stay inside a user's own group", "form the SMGs from the session's groups"
    require(n_strangers == 0, "decision.subgroup", rule, f"{n_strangers} users elsewhere", remedy)
    for name in ("bandwidth_share", "computing_share"):
        share = getattr(decision, name)
        bad = np.argwhere(~(share >= 0))
        place = f"{share[tuple(bad[0])]} in environment {bad[0][0]}, subgroup {bad[0][1]}" if len(bad) else "all"
        require(not len(bad), f"decision.{name}", "be at least 0 and not NaN", place, "clip it")
        highest, rule = float(sum_per_ap(share, decision.ap, n_aps).max()), "sum to at most 1 per AP"
        require(highest <= 1 + 1e-6, f"decision.{name}", rule, round(highest, 6), "divide by the sum")


def _check_segments(decision: Decision, state: StreamState, catalog: VideoCatalog) -> None:
    position, segment = decision.segments[..., 0], decision.segments[..., 1]
    video = video_at(state.playlist, decision.group[..., None], position)
    n_wrong = int(((position >= 0) & ((segment < 0) | (segment >= catalog.n_segments[video]))).sum())
    rule, remedy = "name segments that the video has", "pad position and segment with -1"
    require(n_wrong == 0, "decision.segments", rule, f"{n_wrong} others", remedy)


def _check_muting(decision: Decision, n_aps: int) -> None:
    """Hold the bitmap against the APs; all may be muted in a part, and then nobody sends in it."""
    is_muted, n_batch = decision.is_muted, len(decision.ap)
    rule, remedy = f"have shape ({n_batch}, {n_aps}, parts)", "leave it out where nobody mutes"
    is_none = is_muted.shape == (n_batch, 0, 0)
    fits = is_muted.ndim == 3 and is_muted.shape[:2] == (n_batch, n_aps) and is_muted.shape[2] > 0
    require(is_none or fits, "decision.is_muted", rule, is_muted.shape, remedy)
