"""The status that the twin holds of every user, the age of each part of it, and where it comes from.

"DT status consists of networking-related data (users' channel conditions and service delay, base stations' transmission
capabilities and traffic load, ...) and behavior-related data (users' interaction frequency, locations, mobility speed,
preferences, etc.), to mirror the real-time physical network status. DT data needs to be periodically updated to
guarantee freshness" (the paper, GAI-Based Status Emulation).

`status_parts` says of each part who measures it and who reads it; `status_store` keeps it fresh. How we differ: the session
(who watches what) is a part of its own, always known, because the video service answers its segment requests.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Infrastructure, Load, Session, Telemetry
from gdt_tutorial.twin.status_counts import StatusCounts
from gdt_tutorial.twin.status_parts import COLLECTED, HOLD, STATUS_EMULATOR, part_of

__all__ = [
    "BehaviorStatus",
    "NetworkingStatus",
    "Status",
    "StatusWindow",
    "at_slot",
    "known_here",
    "last_collected",
    "true_status",
]


@dataclass(frozen=True, kw_only=True)
class NetworkingStatus:
    """Networking-related half of the status."""

    snr_db: Float[np.ndarray, "batch user ap"]  # collected where the age is 0, else emulated
    snr_std_db: Float[np.ndarray, "batch user ap"]  # how wrong the twin believes it to be; 0 where it was collected
    age_slots: Int[np.ndarray, "batch user"]  # slots since the SNR was collected
    # What access points and their edge servers know without asking; shares in use.
    delay_s: Float[np.ndarray, "batch user"]  # of the last delivery to the user's SMG, 0 before the first one
    bandwidth_hz: Float[np.ndarray, "batch ap"]
    computing_cycles_per_s: Float[np.ndarray, "batch ap"]
    bandwidth_load: Float[np.ndarray, "batch ap"]
    computing_load: Float[np.ndarray, "batch ap"]
    backhaul_load: Float[np.ndarray, "batch ap"]
    cached_share: Float[np.ndarray, "batch ap"]  # of the catalog's videos, at the edge server


@dataclass(frozen=True, kw_only=True)
class BehaviorStatus:
    """Behavior-related half of the status."""

    position_m: Float[np.ndarray, "batch user xy"]  # collected where the age is 0, else emulated
    position_std_m: Float[np.ndarray, "batch user xy"]  # how wrong the twin believes it to be; 0 where it was collected
    velocity_mps: Float[np.ndarray, "batch user xy"]  # the one collected last
    age_slots: Int[np.ndarray, "batch user"]  # slots since position and velocity were collected
    # What the video service learns from views.
    interaction_hz: Float[np.ndarray, "batch user"]  # views that end, per second on the screen
    preference: Float[np.ndarray, "batch user type"]  # estimated share of each video type; sums to one


@dataclass(frozen=True, kw_only=True)
class Status:
    """What the twin knows or believes about the network in one slot."""

    slot: int
    networking: NetworkingStatus
    behavior: BehaviorStatus
    session: Session
    emulator: str = HOLD  # who stands in for the phones that did not report
    ahead_slots: int = 0  # slots of a rollout since the network was seen

    def part(self, name: str) -> np.ndarray | Session:
        """Return the part of this name.

        Raises:
            KeyError: no such part.
        """
        half = part_of(name).half
        return self.session if name == half else getattr(getattr(self, half), name)

    def age_slots(self, name: str) -> Int[np.ndarray, "batch _"]:
        """Return the slots since a part was measured, of every user or access point.

        Raises:
            KeyError: no such part.
        """
        if part_of(name).is_reported:
            return getattr(self, part_of(name).half).age_slots
        values = self.part(name)
        shape = (values.head if isinstance(values, Session) else values).shape[:2]
        return np.full(shape, self.ahead_slots, dtype=np.int64)

    def provenance(self, name: str) -> Shaped[np.ndarray, "batch _"]:
        """Say in a word where a part comes from: "collected", the class of an emulator, "VirtualNetwork" or "hold".

        Raises:
            KeyError: no such part.
        """
        by = part_of(name).emulator
        return np.where(self.age_slots(name) == 0, COLLECTED, self.emulator if by == STATUS_EMULATOR else by)


def known_here(load: Load, infrastructure: Infrastructure) -> dict[str, Float[np.ndarray, "batch ap"]]:
    """Return what access points and edge servers know of themselves, by its name in the status."""
    return {
        "bandwidth_hz": infrastructure.bandwidth_hz,
        "computing_cycles_per_s": infrastructure.computing_cycles_per_s,
        "cached_share": infrastructure.cached_share,
        "bandwidth_load": load.bandwidth,
        "computing_load": load.computing,
        "backhaul_load": load.backhaul,
    }


def true_status(telemetry: Telemetry) -> Status:
    """Return what a perfect twin would hold: every user reports in every slot. For training and for evaluation.

    What is counted over slots, from delays to preferences, is counted over this slot alone.
    """
    n_batch, n_users, _ = telemetry.snr_db.shape
    fresh, counts = np.zeros((n_batch, n_users), dtype=np.int64), StatusCounts((n_batch, n_users), 1)
    counts.update(telemetry.service, telemetry.load, telemetry.infrastructure)
    return Status(
        slot=telemetry.slot,
        networking=NetworkingStatus(
            snr_db=telemetry.snr_db,
            snr_std_db=np.zeros(telemetry.snr_db.shape),
            age_slots=fresh,
            delay_s=counts.delay_s,
            **known_here(telemetry.load, telemetry.infrastructure),
        ),
        behavior=BehaviorStatus(
            position_m=telemetry.position_m,
            position_std_m=np.zeros(telemetry.position_m.shape),
            velocity_mps=telemetry.velocity_mps,
            age_slots=fresh.copy(),
            interaction_hz=counts.interaction_hz,
            preference=counts.preference,
        ),
        session=telemetry.session,
    )


@dataclass(frozen=True, kw_only=True)
class StatusWindow:
    """The last slots of the status, oldest first: what an emulator reads.

    Every entry is a number; only those whose mask is true were collected, the others are what an emulator said in their slot
    (velocities: the one collected last). Slots before the first report repeat it,
    with the mask false.
    """

    slot: int  # network time of the newest slot
    position_m: Float[np.ndarray, "batch user slot xy"]
    velocity_mps: Float[np.ndarray, "batch user slot xy"]
    is_behavior_collected: Bool[np.ndarray, "batch user slot"]
    snr_db: Float[np.ndarray, "batch user slot ap"]
    is_networking_collected: Bool[np.ndarray, "batch user slot"]


def last_collected(is_collected: Bool[np.ndarray, "batch user slot"]) -> Int[np.ndarray, "batch user"]:
    """Return the newest slot of the window in which each user was collected.

    Raises:
        ValueError: a user who was not collected in the whole window.
    """
    n_lost = int((~is_collected.any(axis=-1)).sum())
    require(n_lost == 0, "window", "hold a collected slot of every user", f"{n_lost} without", "widen window_slots")
    n_slots = is_collected.shape[-1]
    return n_slots - 1 - is_collected[..., ::-1].argmax(axis=-1)


def at_slot(
    values: Float[np.ndarray, "batch user slot feature"], index: Int[np.ndarray, "batch user"]
) -> Float[np.ndarray, "batch user feature"]:
    """Pick one slot of each user."""
    return np.take_along_axis(values, index[..., None, None], axis=2)[:, :, 0]
