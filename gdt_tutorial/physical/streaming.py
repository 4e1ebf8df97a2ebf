"""Deliver segments over the air: the sending half of the short-video service (`playback` is the other half).

"In each scheduling slot, bandwidth and computing resources are allocated to each sub-MG (SMG) to receive videos with
adaptive bitrate" (the paper, Considered Scenario). Both the physical network and the twin's own environment play with
this file, so a decision means the same in both.

Our reading, where the paper is silent: a segment is sent whole or not at all; one sent in slot t can be played from
slot t + 1; every user of the same group and AP that hears a stream keeps what it still lacks (a lagging SMG overhears a
leading one); a member below the lowest modulation and coding scheme is left out, so it cannot stop the others.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from gdt_tutorial.physical.delivery import multicast_efficiency
from gdt_tutorial.physical.messages import Decision, Load, Session
from gdt_tutorial.physical.video import VideoCatalog

__all__ = ["SlotCapacity", "StreamState", "cached_videos", "deliver", "worst_member_efficiency"]


@dataclass(frozen=True, kw_only=True)
class SlotCapacity:
    """What one slot offers at every AP, after slicing."""

    slot_s: float
    bandwidth_hz: Float[np.ndarray, " ap"]
    computing_cycles_per_s: Float[np.ndarray, " ap"]
    backhaul_bps: Float[np.ndarray, " ap"]
    is_cached: Bool[np.ndarray, "ap video"]  # at the AP's edge server; the others come over the backhaul
    cycles_per_bit: float  # transcoding cost per output bit


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
    def from_session(cls, session: Session, n_copies: int = 1) -> "StreamState":
        """Continue from what the video service knows, `n_copies` times side by side (the twin's way in).

        The version on screen is not part of the session, so the first quality step after this is not charged.
        """
        copy = {
            name: np.concatenate([getattr(session, name)] * n_copies)
            for name in ("group", "head", "play_s", "buffered", "stored_s", "playlist")
        }
        return cls(**copy, last_version=np.full(copy["group"].shape, -1, dtype=np.int64))

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


def worst_member_efficiency(
    subgroup: Int[np.ndarray, "batch user"],
    ap: Int[np.ndarray, "batch subgroup"],
    efficiency: Float[np.ndarray, "batch user ap"],
    serving_ap: Int[np.ndarray, "batch user"],
) -> Float[np.ndarray, "batch subgroup"]:
    """Return each SMG's spectral efficiency in bit/s/Hz: that of its worst reachable member, 0 when none is."""
    own_ap = ap[np.arange(len(ap))[:, None], subgroup]  # meaningless where NOT_SERVED, which is nobody's index below
    own = np.take_along_axis(efficiency, own_ap[..., None], axis=-1)[..., 0]
    is_reachable = (serving_ap == own_ap) & (own > 0)
    member = (subgroup[:, None] == np.arange(ap.shape[1])[:, None]) & is_reachable[:, None]
    return multicast_efficiency(efficiency, member, ap)


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
) -> tuple[Float[np.ndarray, "batch user"], Load]:
    """Send each SMG's segments in order while band, cycles and backhaul last; return new seconds per user and the load."""
    n_batch, n_subgroups, _, _ = decision.segments.shape
    env = np.arange(n_batch)[:, None]
    position, segment = decision.segments[..., 0], decision.segments[..., 1]
    is_item = position >= 0
    video = state.playlist[env[..., None], decision.group[..., None], position % state.playlist.shape[2]]
    length_s = np.clip(catalog.duration_s[video] - segment * catalog.segment_s, 0.0, catalog.segment_s) * is_item
    bit = length_s * catalog.bitrate_bps[decision.version][..., None]

    worst = worst_member_efficiency(decision.subgroup, decision.ap, efficiency, serving_ap)
    radio_bit = capacity.bandwidth_hz[decision.ap] * worst * decision.bandwidth_share * capacity.slot_s
    cycles = capacity.computing_cycles_per_s[decision.ap] * decision.computing_share * capacity.slot_s
    backhaul_bit = np.where(capacity.is_cached[decision.ap[..., None], video], 0.0, bit)
    asked = np.zeros((n_batch, len(capacity.bandwidth_hz)))
    np.add.at(asked, (env, decision.ap), backhaul_bit.sum(axis=-1))
    fraction = np.minimum(1.0, capacity.backhaul_bps * capacity.slot_s / np.maximum(asked, 1e-9))
    allowed_bit = fraction[env, decision.ap] * backhaul_bit.sum(axis=-1)

    slack = 1 + 1e-9  # so that a share computed to fit exactly does fit
    sum_bit, sum_backhaul = np.cumsum(bit, axis=-1), np.cumsum(backhaul_bit, axis=-1)
    fits = (sum_bit <= radio_bit[..., None] * slack) & (sum_bit * capacity.cycles_per_bit <= cycles[..., None] * slack)
    fits &= (sum_backhaul <= allowed_bit[..., None] * slack + 1e-9) & is_item & (worst > 0)[..., None] & (length_s > 0)
    is_sent = np.logical_and.accumulate(fits | ~is_item, axis=-1) & is_item

    received_s = np.zeros(state.group.shape)
    for stream in range(n_subgroups):  # a dozen streams, each over all users of all environments at once
        listener = _listeners(state, decision, stream, is_sent[:, stream], worst, efficiency, serving_ap)
        _store(state, decision, stream, is_sent, length_s, listener, catalog.segment_s, received_s)
    state.stored_s += received_s
    return received_s, _load(decision, is_sent, bit, backhaul_bit, worst, capacity)


def _listeners(
    state: StreamState,
    decision: Decision,
    stream: int,
    is_sent: Bool[np.ndarray, "batch item"],
    worst: Float[np.ndarray, "batch subgroup"],
    efficiency: Float[np.ndarray, "batch user ap"],
    serving_ap: Int[np.ndarray, "batch user"],
) -> tuple[Int[np.ndarray, " listener"], Int[np.ndarray, " listener"]]:
    """Return environment and user of everybody in the stream's group and cell who hears it well enough."""
    active = np.nonzero(is_sent.any(axis=-1))[0]
    ap = decision.ap[active, stream]
    hears = (state.group[active] == decision.group[active, stream, None]) & (serving_ap[active] == ap[:, None])
    hears &= efficiency[active, :, ap] >= worst[active, stream, None]
    local, user = np.nonzero(hears)
    return active[local], user


def _store(
    state: StreamState,
    decision: Decision,
    stream: int,
    is_sent: Bool[np.ndarray, "batch subgroup item"],
    length_s: Float[np.ndarray, "batch subgroup item"],
    listener: tuple[Int[np.ndarray, " listener"], Int[np.ndarray, " listener"]],
    segment_s: float,
    received_s: Float[np.ndarray, "batch user"],
) -> None:
    """Keep the segments that a listener still wants: in its window, not yet played, not yet held."""
    env, user = listener
    n_rows = state.buffered.shape[2]
    position, segment = decision.segments[env, stream, :, 0], decision.segments[env, stream, :, 1]
    ahead = position - state.head[env, user][:, None]
    on_screen = np.floor(state.play_s[env, user] / segment_s + 1e-9)[:, None]
    is_wanted = is_sent[env, stream] & (ahead >= 0) & (ahead < n_rows) & ((ahead > 0) | (segment >= on_screen))
    who, item = np.nonzero(is_wanted)
    place = (env[who], user[who], position[who, item] % n_rows, segment[who, item])
    is_new = state.buffered[place] == 0
    who, item, place = who[is_new], item[is_new], tuple(axis[is_new] for axis in place)
    state.buffered[place] = decision.version[env[who], stream] + 1
    np.add.at(received_s, (env[who], user[who]), length_s[env[who], stream, item])


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
    slot_bit = capacity.bandwidth_hz[decision.ap] * worst * capacity.slot_s
    slot_cycles = capacity.computing_cycles_per_s[decision.ap] * capacity.slot_s
    use = {
        "bandwidth": np.divide(sent_bit, slot_bit, out=np.zeros_like(sent_bit), where=slot_bit > 0),
        "computing": sent_bit * capacity.cycles_per_bit / slot_cycles,
        "backhaul": (backhaul_bit * is_sent).sum(axis=-1) / (capacity.backhaul_bps[decision.ap] * capacity.slot_s),
    }
    # Each stream works at its own share's pace; radio and computing run side by side.
    pace = [
        np.divide(use[name], share, out=np.zeros_like(sent_bit), where=share > 0)
        for name, share in (("bandwidth", decision.bandwidth_share), ("computing", decision.computing_share))
    ]
    per_ap = {name: np.zeros((len(sent_bit), len(capacity.bandwidth_hz))) for name in use}
    for name, share in use.items():
        np.add.at(per_ap[name], (np.arange(len(sent_bit))[:, None], decision.ap), share)
    return Load(
        **per_ap,
        delay_s=np.maximum(*pace) * capacity.slot_s,
        n_sent=is_sent.sum(axis=-1),
        efficiency=worst,
    )
