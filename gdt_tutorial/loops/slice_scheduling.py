"""The local controllers: who gets the bits of a slot, inside the slices that the centralized controller has cut.

"The local controller is responsible for small-timescale data collection and resource scheduling policy implementation" (the
paper, GDT network architecture). In each slot a local controller knows what each service needs and what it is guaranteed:

    own_slice        each service inside its own share; what it does not need is lost
    lend             the same, but what is not needed is lent for this slot, by the square roots of the guarantees
    strict_priority  no slices: low latency first, then video, then best effort

`lend` first serves everybody inside its guarantee, so a slice that lends gets back in the next slot whatever it is guaranteed.
`run_day` plays a day under several policies side by side, on the same traffic.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.playback import QoeConfig
from gdt_tutorial.physical.queues import late_bit, serve
from gdt_tutorial.physical.services import SERVICES, ServiceDays, video_qoe

__all__ = ["Outcome", "Policy", "SliceScheduler", "lend", "own_slice", "run_day", "strict_priority"]

_FIRST = tuple(SERVICES.index(name) for name in ("low latency", "video", "best effort"))
_VIDEO, _FILES, _PACKETS = (SERVICES.index(name) for name in SERVICES)


@runtime_checkable
class SliceScheduler(Protocol):
    """A local controller: from what each service needs in a slot and what it is guaranteed, to what it gets."""

    def __call__(
        self, need_bit: Float[np.ndarray, "*batch service"], guaranteed_bit: Float[np.ndarray, "*batch service"], /
    ) -> Float[np.ndarray, "*batch service"]:
        """Return what each service gets, in bits."""
        ...


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Shares of a day, and who schedules inside them.

    Attributes:
        share_bps: What each slice is guaranteed in each large slot.
        schedule: The local controller.
        old_slots: How many slots old the needs are that it reads: 0 beside the access point, more from afar.
    """

    share_bps: Float[np.ndarray, "batch minute service"]
    schedule: SliceScheduler
    old_slots: int = 0

    def __post_init__(self) -> None:
        require(self.old_slots >= 0, "old_slots", "be at least 0", self.old_slots, "0 reads the needs of now")


class Outcome(NamedTuple):
    """What a day gave to each service.

    Attributes:
        qoe: Of video, mean over what viewers watched.
        late: Share of the packets that missed the deadline.
        wait_s: Mean wait of a bit of best effort.
        throughput_bps: Of best effort.
    """

    qoe: Float[np.ndarray, " batch"]
    late: Float[np.ndarray, " batch"]
    wait_s: Float[np.ndarray, " batch"]
    throughput_bps: Float[np.ndarray, " batch"]


def own_slice(
    need_bit: Float[np.ndarray, "*batch service"], guaranteed_bit: Float[np.ndarray, "*batch service"]
) -> Float[np.ndarray, "*batch service"]:
    """Keep every service inside its own slice (a `SliceScheduler`)."""
    return np.minimum(need_bit, guaranteed_bit)


def lend(
    need_bit: Float[np.ndarray, "*batch service"], guaranteed_bit: Float[np.ndarray, "*batch service"]
) -> Float[np.ndarray, "*batch service"]:
    """Serve inside the guarantees, then lend what is idle to whoever needs more (a `SliceScheduler`).

    The loan is divided in proportion to the roots of the guarantees and not to the needs: a service gets what it needs, or a
    limit that its own need does not move. Each round satisfies one service at least, or nothing is left.
    """
    got = np.minimum(need_bit, guaranteed_bit)
    idle = guaranteed_bit.sum(axis=-1, keepdims=True) - got.sum(axis=-1, keepdims=True)
    root = np.sqrt(guaranteed_bit)
    for _ in range(need_bit.shape[-1] - 1):
        weight = root * (got < need_bit)
        loan = np.minimum(need_bit - got, idle * weight / np.maximum(weight.sum(axis=-1, keepdims=True), 1e-300))
        got = got + loan
        idle = idle - loan.sum(axis=-1, keepdims=True)
    return got


def strict_priority(
    need_bit: Float[np.ndarray, "*batch service"], guaranteed_bit: Float[np.ndarray, "*batch service"]
) -> Float[np.ndarray, "*batch service"]:
    """Serve low latency, then video, then best effort from one pool (a `SliceScheduler`)."""
    got, left = np.empty_like(need_bit), guaranteed_bit.sum(axis=-1)
    for service in _FIRST:
        got[..., service] = np.minimum(need_bit[..., service], left)
        left = left - got[..., service]
    return got


def run_day(days: ServiceDays, policies: Mapping[str, Policy], qoe: QoeConfig = QoeConfig()) -> dict[str, Outcome]:
    """Play the days under each policy.

    Raises:
        ValueError: Shares of other days.
    """
    shape = (days.arrived_bit.shape[1], days.config.n_minutes, days.arrived_bit.shape[2])
    for name, policy in policies.items():
        rule, remedy = f"have shape {shape}", "make the shares from the demand of these days"
        require(policy.share_bps.shape == shape, f"share_bps of {name!r}", rule, policy.share_bps.shape, remedy)
    alike: dict[tuple[SliceScheduler, int], list[str]] = {}
    for name, policy in policies.items():
        alike.setdefault((policy.schedule, policy.old_slots), []).append(name)
    outcomes: dict[str, Outcome] = {}
    for (schedule, old_slots), names in alike.items():
        share = np.stack([policies[name].share_bps for name in names])
        outcomes |= dict(zip(names, _play(days, share, schedule, old_slots, qoe), strict=True))
    return {name: outcomes[name] for name in policies}


def _play(
    days: ServiceDays, share_bps: np.ndarray, schedule: SliceScheduler, old_slots: int, qoe: QoeConfig
) -> list[Outcome]:
    """Play the days under policies that have one scheduler; they lie side by side on the first axis."""
    slot_s, minute_slots = days.config.slot_s, days.config.minute_slots
    left = np.zeros((share_bps.shape[0], *days.arrived_bit.shape[1:]))
    waited, late, sent_files, watched = (np.zeros(left.shape[:2]) for _ in range(4))
    old = [left] * old_slots
    for slot, arrived in enumerate(days.arrived_bit):
        if slot % minute_slots == 0:
            guaranteed = share_bps[:, :, slot // minute_slots] * slot_s
        old.append(left + arrived)
        sent, left = serve(left, arrived, schedule(old.pop(0), guaranteed))
        left[..., _VIDEO] = 0.0  # video adapts its version and does not wait
        late += late_bit(arrived[:, _PACKETS], left[..., _PACKETS])
        waited += left[..., _FILES]
        sent_files += sent[..., _FILES]
        viewers = days.viewers[slot]
        watched += viewers * video_qoe(sent[..., _VIDEO] / np.maximum(viewers, 1.0) / slot_s, qoe)
    total = days.arrived_bit.sum(axis=0)
    n_slots, viewed = len(days.arrived_bit), days.viewers.sum(axis=0)
    return [
        Outcome(
            qoe=watched[row] / viewed,
            late=late[row] / total[:, _PACKETS],
            wait_s=waited[row] * slot_s / total[:, _FILES],
            throughput_bps=sent_files[row] / (n_slots * slot_s),
        )
        for row in range(len(share_bps))
    ]
