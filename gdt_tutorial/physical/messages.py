"""What crosses between the physical network and its controllers.

"The local controller is responsible for small-timescale data collection and resource scheduling policy implementation"
(the paper, GDT network architecture). A `Decision` goes down once per slot; `Telemetry` is the truth after the slot; a
`Report` is the part of it that was collected. The digital twin sees reports, never telemetry.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

NEVER_MUTED = np.zeros((0, 0, 0), dtype=bool)
NOBODY = np.zeros((0, 0), dtype=np.int64)
NOT_SERVED = -1  # subgroup of a user that no stream serves, and padding of segment lists


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One slot of resource scheduling for every sub-multicast group (SMG).

    An SMG is a part of one multicast group behind one access point (AP); with one user it is a unicast, with all users
    of an AP a broadcast.
    """

    subgroup: Int[np.ndarray, "batch user"]  # SMG that each user belongs to, NOT_SERVED for none
    group: Int[np.ndarray, "batch subgroup"]  # multicast group whose video list the SMG follows
    ap: Int[np.ndarray, "batch subgroup"]  # AP that sends
    version: Int[np.ndarray, "batch subgroup"]  # segment version, 0 is the lowest bitrate
    bandwidth_share: Float[np.ndarray, "batch subgroup"]  # share of the AP's band and slot time
    computing_share: Float[np.ndarray, "batch subgroup"]  # share of the edge server's cycles in this slot
    segments: Int[np.ndarray, "batch subgroup item 2"]  # (list position, segment), in send order, padded with -1
    # Parts of the slot, of equal length, in which an AP stays silent for the sake of others on its band; of width 0: it never
    # does. An AP that is not muted counts as sending (see `interference`).
    is_muted: Bool[np.ndarray, "batch ap part"] = field(default_factory=lambda: NEVER_MUTED)

    def __post_init__(self) -> None:
        if self.is_muted is NEVER_MUTED:
            object.__setattr__(self, "is_muted", np.zeros((len(self.ap), 0, 0), dtype=bool))


@dataclass(frozen=True, kw_only=True)
class Session:
    """Where every user stands in its video list; the video service sees it through segment requests."""

    group: Int[np.ndarray, "batch user"]  # multicast group
    serving_ap: Int[np.ndarray, "batch user"]  # AP that the user is attached to
    head: Int[np.ndarray, "batch user"]  # list position of the video on screen
    play_s: Float[np.ndarray, "batch user"]  # seconds of it already played
    buffered: Int8[
        np.ndarray, "batch user position segment"
    ]  # 0 missing, else version + 1; row = list position mod rows
    stored_s: Float[np.ndarray, "batch user"]  # seconds of video held and not yet played
    playlist: Int[np.ndarray, "batch group video"]  # recommended list of each group, repeated when it ends


def video_at(
    playlist: Int[np.ndarray, "batch group video"],
    group: Int[np.ndarray, "*#shape"],
    position: Int[np.ndarray, "*#shape"],
    env: Int[np.ndarray, "*#shape"] | None = None,
) -> Int[np.ndarray, "*#shape"]:
    """Return the video at a position of a group's list, which is repeated when it ends.

    Args:
        playlist: List of each group, as in `Session`.
        group: Whose list.
        position: Place in the list, counted from its start; negative ones (padding) give any video.
        env: Environment of each entry; None where the first axis of `position` is `batch`.
    """
    if env is None:
        env = np.arange(len(position)).reshape(-1, *(1 for _ in position.shape[1:]))
    return playlist[env, group, position % playlist.shape[2]]


@dataclass(frozen=True, kw_only=True)
class Service:
    """What the slot gave to every user, in seconds of video, and the quality of experience (QoE) made of it.

    Balance, per user: stored before + received = stored after + watched + dropped; watched + stall = slot length.
    Of the views that ended in a slot only the last is told; with slots of 2 s it is 94 % of them.
    """

    received_s: Float[np.ndarray, "batch user"]  # new video seconds that arrived
    watched_s: Float[np.ndarray, "batch user"]  # played
    dropped_s: Float[np.ndarray, "batch user"]  # held, then swiped away
    stall_s: Float[np.ndarray, "batch user"]  # screen time without the wanted segment (rebuffering)
    quality: Float[np.ndarray, "batch user"]  # integral of version quality over the watched seconds
    variation: Float[np.ndarray, "batch user"]  # sum of quality steps inside a video
    qoe: Float[np.ndarray, "batch user"]  # weighted sum, per second of the slot
    view_type: Int[np.ndarray, "batch user"]  # type of the last view that ended in this slot, -1 when none did
    view_fraction: Float[np.ndarray, "batch user"]  # its watched fraction, NaN when none ended
    n_views: Int[np.ndarray, "batch user"]  # views that ended in this slot

    def with_received(self, received_s: Float[np.ndarray, "batch user"]) -> "Service":
        """Add the seconds that arrived by the end of the slot."""
        return replace(self, received_s=received_s)


@dataclass(frozen=True, kw_only=True)
class Load:
    """Use of the infrastructure in the slot, as shares of what the slice holds, and the delivery delay."""

    bandwidth: Float[np.ndarray, "batch ap"]
    computing: Float[np.ndarray, "batch ap"]
    backhaul: Float[np.ndarray, "batch ap"]
    delay_s: Float[np.ndarray, "batch subgroup"]  # until the SMG's last delivered segment was through, 0 when none
    n_sent: Int[np.ndarray, "batch subgroup"]  # segments that fitted into the slot
    efficiency: Float[np.ndarray, "batch subgroup"]  # in bit/s/Hz, of the worst member; mean over the parts of the slot
    # SMG that each user belonged to, NOT_SERVED for none; of width 0 where nothing was decided.
    subgroup: Int[np.ndarray, "batch user"] = field(default_factory=lambda: NOBODY)

    def __post_init__(self) -> None:
        if self.subgroup is NOBODY:
            object.__setattr__(self, "subgroup", np.zeros((len(self.bandwidth), 0), dtype=np.int64))


@dataclass(frozen=True, kw_only=True)
class Infrastructure:
    """What the access points, their edge servers and the video service know of themselves, inside the slice."""

    bandwidth_hz: Float[np.ndarray, "batch ap"]
    computing_cycles_per_s: Float[np.ndarray, "batch ap"]
    cached_share: Float[np.ndarray, "batch ap"]  # of the catalog's videos, at the AP's edge server
    type_share: Float[np.ndarray, "batch type"]  # of the catalog's videos, by video type

    @classmethod
    def unknown(cls, n_batch: int, n_aps: int) -> "Infrastructure":
        """Know of access points that have nothing, and of no video type."""
        zero = {name: np.zeros((n_batch, n_aps)) for name in ("bandwidth_hz", "computing_cycles_per_s", "cached_share")}
        return cls(**zero, type_share=np.zeros((n_batch, 0)))


UNKNOWN = Infrastructure.unknown(0, 0)


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """The whole truth after one slot."""

    slot: int
    position_m: Float[np.ndarray, "batch user xy"]
    velocity_mps: Float[np.ndarray, "batch user xy"]
    snr_db: Float[np.ndarray, "batch user ap"]
    session: Session
    service: Service
    load: Load
    infrastructure: Infrastructure = UNKNOWN

    def __post_init__(self) -> None:
        if self.infrastructure is UNKNOWN:
            object.__setattr__(self, "infrastructure", Infrastructure.unknown(*self.snr_db.shape[::2]))


@dataclass(frozen=True, kw_only=True)
class Report:
    """The collected part of the telemetry: NaN where a user was not due.

    From the phones come signal-to-noise ratio (SNR), location and velocity. The rest is always known, and costs no report:
    the video service answers the segment requests of a session, and access points and servers know their own load.
    """

    slot: int
    position_m: Float[np.ndarray, "batch user xy"]
    velocity_mps: Float[np.ndarray, "batch user xy"]
    snr_db: Float[np.ndarray, "batch user ap"]
    is_networking_collected: Bool[np.ndarray, "batch user"]
    is_behavior_collected: Bool[np.ndarray, "batch user"]
    n_byte: Float[np.ndarray, " batch"]
    session: Session
    service: Service
    load: Load
    infrastructure: Infrastructure = UNKNOWN

    def __post_init__(self) -> None:
        if self.infrastructure is UNKNOWN:
            object.__setattr__(self, "infrastructure", Infrastructure.unknown(*self.snr_db.shape[::2]))
