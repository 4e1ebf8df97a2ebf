"""Deliver segments over the air: the sending half of the short-video service (`playback` is the other half).

"In each scheduling slot, bandwidth and computing resources are allocated to each sub-MG (SMG) to receive videos with
adaptive bitrate" (the paper, Considered Scenario). Both the physical network and the twin's own environment play with
this file, so a decision means the same in both.

Our reading, where the paper is silent: a segment is sent whole or not at all; one sent in slot t can be played from
slot t + 1; every user of the same group and AP that hears a stream keeps what it still lacks (a lagging SMG overhears a
leading one); a member below the lowest modulation and coding scheme is left out, so it cannot stop the others.

Where access points share a band, or are muted, a slot has parts: in each of them a stream goes at the scheme of the worst
member *of that part*, and stands still where that is none. Who is left out is judged without interference (`interference`).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from gdt_tutorial.physical.delivery import sum_per_ap, unicast_efficiency
from gdt_tutorial.physical.messages import NOT_SERVED, Decision, Load, Session, video_at
from gdt_tutorial.physical.video import VideoCatalog

__all__ = [
    "SlotCapacity",
    "StreamState",
    "cached_videos",
    "deliver",
    "segment_length_s",
    "worst_member_efficiency",
    "worst_of_members",
]


@dataclass(frozen=True, kw_only=True)
class SlotCapacity:
    """What one slot offers at every AP, after slicing."""

    slot_s: float
    bandwidth_hz: Float[np.ndarray, " ap"]
    computing_cycles_per_s: Float[np.ndarray, " ap"]
    backhaul_bps: Float[np.ndarray, " ap"]
    is_cached: Bool[np.ndarray, "ap video"]  # at the AP's edge server; the others come over the backhaul
    cycles_per_bit: float  # transcoding cost per output bit
    band: Int[np.ndarray, " ap"] | None = None  # who has the same number interferes; None: a band for each


@dataclass
class StreamState:
    """Every user's list position, play position and segment store; `batch` environments side by side.

    The store is a ring: row `head mod rows` is the video on screen, the following rows are the next ones of the list.
    """

    group: Int[np.ndarray, "batch user"]
    head: Int[np.ndarray, "batch user"]
    play_s: Float[np.ndarray, "batch user"]
    buffered: Int8[np.ndarray, "batch user position segment"]
    stored_s: Float[np.ndarray, "batch user"]
    last_version: Int[np.ndarray, "batch user"]  # of the segment on screen, -1 at the start of a video
    playlist: Int[np.ndarray, "batch group video"]

    @classmethod
    def start(
        cls,
        group: Int[np.ndarray, "batch user"],
        playlist: Int[np.ndarray, "batch group video"],
        n_rows: int,
        catalog: VideoCatalog,
    ) -> "StreamState":
        """Put every user at the start of its group's list with nothing stored."""
        return cls(
            group=group.copy(),
            head=np.zeros(group.shape, dtype=np.int64),
            play_s=np.zeros(group.shape),
            buffered=np.zeros((*group.shape, n_rows, int(catalog.n_segments.max())), dtype=np.int8),
            stored_s=np.zeros(group.shape),
            last_version=np.full(group.shape, -1, dtype=np.int64),
            playlist=playlist,
        )

    @classmethod
    def from_session(cls, session: Session, segment_s: float) -> "StreamState":
        """Continue from what the video service knows (the twin's way in); the lists are shared, all else is copied."""
        copy = {name: getattr(session, name).copy() for name in ("group", "head", "play_s", "buffered", "stored_s")}
        # The version that was played last is that of the segment that ends at, or holds, the play position.
        last = np.ceil(copy["play_s"] / segment_s - 1e-9).astype(np.int64) - 1
        n_rows = copy["buffered"].shape[2]
        row = np.take_along_axis(copy["buffered"], (copy["head"] % n_rows)[..., None, None], axis=2)[:, :, 0]
        version = np.take_along_axis(row, np.maximum(last, 0)[..., None], axis=2)[..., 0].astype(np.int64) - 1
        return cls(**copy, last_version=np.where(last >= 0, version, -1), playlist=session.playlist)

    def session(self, serving_ap: Int[np.ndarray, "batch user"]) -> Session:
        """Copy what the video service sees."""
        return Session(
            group=self.group.copy(),
            serving_ap=serving_ap.copy(),
            head=self.head.copy(),
            play_s=self.play_s.copy(),
            buffered=self.buffered.copy(),
            stored_s=self.stored_s.copy(),
            playlist=self.playlist,
        )


def segment_length_s(
    catalog: VideoCatalog, video: Int[np.ndarray, "*shape"], segment: Int[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Return how long a segment of a video is: `segment_s`, less for the last one, 0 where there is none."""
    length_s = np.clip(catalog.duration_s[video] - segment * catalog.segment_s, 0.0, catalog.segment_s)
    return length_s * ((segment >= 0) & (segment < catalog.n_segments[video]))


def worst_member_efficiency(
    subgroup: Int[np.ndarray, "batch user"],
    ap: Int[np.ndarray, "batch subgroup"],
    efficiency: Float[np.ndarray, "batch user ap"],
    serving_ap: Int[np.ndarray, "batch user"],
) -> Float[np.ndarray, "batch subgroup"]:
    """Return each SMG's spectral efficiency in bit/s/Hz: that of its worst reachable member, 0 when none is."""
    own_ap = ap[np.arange(len(ap))[:, None], subgroup]  # meaningless where NOT_SERVED
    own = unicast_efficiency(efficiency, own_ap)
    return worst_of_members(own, (serving_ap == own_ap) & (own > 0), subgroup, ap.shape[1])


def worst_of_members(
    own: Float[np.ndarray, "batch user *rest"],
    is_reached: Bool[np.ndarray, "batch user"],
    subgroup: Int[np.ndarray, "batch user"],
    n_subgroups: int,
) -> Float[np.ndarray, "batch subgroup *rest"]:
    """Return the smallest rate among the members of each SMG who are reached, in each part by itself; 0 when none is.

    Args:
        own: What each user gets from the AP of its SMG.
        is_reached: Who counts.
        subgroup: SMG of each user.
        n_subgroups: How many there are.
    """
    env, user = np.nonzero((subgroup != NOT_SERVED) & is_reached)
    worst = np.full((len(own), n_subgroups, *own.shape[2:]), np.inf, dtype=own.dtype)
    np.minimum.at(worst, (env, subgroup[env, user]), own[env, user])
    return np.where(np.isinf(worst), 0, worst).astype(own.dtype)


def cached_videos(catalog: VideoCatalog, cache_byte: Float[np.ndarray, " ap"]) -> Bool[np.ndarray, "ap video"]:
    """Fill each edge server's cache with the most popular videos, in their highest version, as far as they fit."""
    size_byte = catalog.duration_s * catalog.bitrate_bps[-1] / 8
    order = np.argsort(-catalog.popularity, kind="stable")
    is_cached = np.empty((len(cache_byte), catalog.n_videos), dtype=bool)
    is_cached[:, order] = np.cumsum(size_byte[order]) <= cache_byte[:, None]
    return is_cached


def deliver(
    state: StreamState,
    decision: Decision,
    efficiency: Float[np.ndarray, "batch user ap"],
    serving_ap: Int[np.ndarray, "batch user"],
    catalog: VideoCatalog,
    capacity: SlotCapacity,
    in_part: Float[np.ndarray, "batch user ap part"] | None = None,
) -> tuple[Float[np.ndarray, "batch user"], Load]:
    """Send each SMG's segments in order while band, cycles and backhaul last; return new seconds per user and the load.

    Args:
        state: Where every user stands; what arrives is stored in it.
        decision: What to send.
        efficiency: Of each user to each AP, if no other AP sends: it says who is in reach.
        serving_ap: Where users are attached.
        catalog: The videos.
        capacity: What the slot offers.
        in_part: Efficiency in each part of the slot, from `interference.part_efficiency`; None: the slot has no parts.
    """
    env = np.arange(len(decision.segments))[:, None]
    position, segment = decision.segments[..., 0], decision.segments[..., 1]
    is_item = position >= 0
    video = video_at(state.playlist, decision.group[..., None], position)
    length_s = segment_length_s(catalog, video, segment) * is_item
    bit = length_s * catalog.bitrate_bps[decision.version][..., None]

    pace = _pace(decision, efficiency, serving_ap, in_part)
    worst = pace if in_part is None else pace.mean(axis=-1)
    radio_bit = capacity.bandwidth_hz[decision.ap] * worst * decision.bandwidth_share * capacity.slot_s
    cycles = capacity.computing_cycles_per_s[decision.ap] * decision.computing_share * capacity.slot_s
    backhaul_bit = np.where(capacity.is_cached[decision.ap[..., None], video], 0.0, bit)
    asked = sum_per_ap(backhaul_bit.sum(axis=-1), decision.ap, len(capacity.bandwidth_hz))
    fraction = np.minimum(1.0, capacity.backhaul_bps * capacity.slot_s / np.maximum(asked, 1e-9))
    allowed_bit = fraction[env, decision.ap] * backhaul_bit.sum(axis=-1)

    slack = 1 + 1e-9  # so that a share computed to fit exactly does fit
    sum_bit, sum_backhaul = np.cumsum(bit, axis=-1), np.cumsum(backhaul_bit, axis=-1)
    fits = (sum_bit <= radio_bit[..., None] * slack) & (sum_bit * capacity.cycles_per_bit <= cycles[..., None] * slack)
    fits &= (sum_backhaul <= allowed_bit[..., None] * slack + 1e-9) & is_item & (worst > 0)[..., None] & (length_s > 0)
    is_sent = np.logical_and.accumulate(fits | ~is_item, axis=-1) & is_item

    hears = _listeners(state, decision, pace, efficiency if in_part is None else in_part, serving_ap)
    received_s = _store(state, decision, is_sent, length_s, hears, catalog.segment_s)
    state.stored_s += received_s
    return received_s, _load(decision, is_sent, bit, backhaul_bit, worst, capacity)


def _pace(
    decision: Decision,
    efficiency: Float[np.ndarray, "batch user ap"],
    serving_ap: Int[np.ndarray, "batch user"],
    in_part: Float[np.ndarray, "batch user ap part"] | None,
) -> Float[np.ndarray, "batch subgroup *rest"]:
    """Return each stream's efficiency, in each part of the slot where it has some."""
    if in_part is None:
        return worst_member_efficiency(decision.subgroup, decision.ap, efficiency, serving_ap)
    own_ap = decision.ap[np.arange(len(efficiency))[:, None], decision.subgroup]
    is_reached = (serving_ap == own_ap) & (unicast_efficiency(efficiency, own_ap) > 0)
    own = np.take_along_axis(in_part, own_ap[..., None, None], axis=2)[:, :, 0]
    return worst_of_members(own, is_reached, decision.subgroup, decision.ap.shape[1])


def _listeners(
    state: StreamState,
    decision: Decision,
    pace: Float[np.ndarray, "batch subgroup *rest"],
    efficiency: Float[np.ndarray, "batch user ap *rest"],
    serving_ap: Int[np.ndarray, "batch user"],
) -> Bool[np.ndarray, "batch subgroup user"]:
    """Mark everybody in a stream's group and cell who hears it well enough, in all parts of the slot."""
    own_ap = decision.ap.reshape(*decision.ap.shape, *(1 for _ in efficiency.shape[2:]))
    is_heard = np.take_along_axis(efficiency.swapaxes(1, 2), own_ap, axis=1) >= pace[:, :, None]
    hears = (state.group[:, None] == decision.group[..., None]) & (serving_ap[:, None] == decision.ap[..., None])
    return hears & (is_heard if is_heard.ndim == 3 else is_heard.all(axis=-1))


def _store(
    state: StreamState,
    decision: Decision,
    is_sent: Bool[np.ndarray, "batch subgroup item"],
    length_s: Float[np.ndarray, "batch subgroup item"],
    hears: Bool[np.ndarray, "batch subgroup user"],
    segment_s: float,
) -> Float[np.ndarray, "batch user"]:
    """Keep what a listener still wants: in its window, not yet played, not yet held; return the new seconds.

    One row for each pair of a sent segment and a listener, in send order, over all environments at once.
    """
    n_users, n_rows, n_segments = state.buffered.shape[1:]
    of_sent = np.nonzero(is_sent)
    position, segment = decision.segments[of_sent].T
    sent, user = np.nonzero(hears[of_sent[:2]])
    who = of_sent[0][sent] * n_users + user
    ahead = position[sent] - state.head.reshape(-1)[who]
    on_screen = np.floor(state.play_s / segment_s + 1e-9).reshape(-1)
    wanted = np.nonzero((ahead >= 0) & (ahead < n_rows) & ((ahead > 0) | (segment[sent] >= on_screen[who])))[0]
    buffered = state.buffered.reshape(-1)
    place = who * (n_rows * n_segments) + (position % n_rows * n_segments + segment)[sent]
    wanted = wanted[buffered[place[wanted]] == 0]
    # Who gets a segment twice in one slot keeps the first.
    place, first = np.unique(place[wanted], return_index=True)
    kept = wanted[first]
    buffered[place] = decision.version[of_sent[:2]][sent[kept]] + 1
    received_s = np.zeros(state.group.shape)
    np.add.at(received_s.reshape(-1), who[kept], length_s[of_sent][sent[kept]])
    return received_s


def _load(
    decision: Decision,
    is_sent: Bool[np.ndarray, "batch subgroup item"],
    bit: Float[np.ndarray, "batch subgroup item"],
    backhaul_bit: Float[np.ndarray, "batch subgroup item"],
    worst: Float[np.ndarray, "batch subgroup"],
    capacity: SlotCapacity,
) -> Load:
    """Account for what was sent: shares of each AP's resources, and when each SMG's last segment was through."""
    sent_bit = (bit * is_sent).sum(axis=-1)
    use = {
        "bandwidth": _ratio(sent_bit, capacity.bandwidth_hz[decision.ap] * worst * capacity.slot_s),
        "computing": _ratio(
            sent_bit * capacity.cycles_per_bit, capacity.computing_cycles_per_s[decision.ap] * capacity.slot_s
        ),
        "backhaul": _ratio((backhaul_bit * is_sent).sum(axis=-1), capacity.backhaul_bps[decision.ap] * capacity.slot_s),
    }
    # Each stream works at its own share's pace; radio and computing run side by side.
    pace = _ratio(use["bandwidth"], decision.bandwidth_share), _ratio(use["computing"], decision.computing_share)
    return Load(
        **{name: sum_per_ap(share, decision.ap, len(capacity.bandwidth_hz)) for name, share in use.items()},
        delay_s=np.maximum(*pace) * capacity.slot_s,
        n_sent=is_sent.sum(axis=-1),
        efficiency=worst,
        subgroup=decision.subgroup,
    )


def _ratio(
    part: Float[np.ndarray, "batch subgroup"], whole: Float[np.ndarray, "batch subgroup"]
) -> Float[np.ndarray, "batch subgroup"]:
    """Divide, with 0 where the slice holds nothing of the resource and nothing was sent."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
