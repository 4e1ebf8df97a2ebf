"""The accounts of a session: what arrived, what was watched, what was dropped, who waited, and whether the sums close.

A test oracle: the tests hold the network's own accounts against it. So it is an independent account on purpose, and
repeats the rules of lists and of leaving a video instead of importing them from where the network has them.

The log reads the telemetry of every slot and counts again, from the phones' stores before and after, what the network
says it did: video held before + received = held after + watched + dropped, and time watched + time stalled = the slot.

Quality, variation and rebuffering are the components of the quality of experience (QoE), as in the network's playback.
Waste is video that was sent and never played, in bits: those of the version that was held. It costs no QoE of its own; it
cost band and cycles. How we differ: the paper does not speak of waste.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Session, Telemetry
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.streaming import segment_length_s

__all__ = ["Balance", "Event", "EventLog", "SlotAccount", "Totals"]


@dataclass(frozen=True, kw_only=True)
class SlotAccount:
    """What one slot gave to every user; with a leading axis "slot", what every slot gave."""

    received_s: Float[np.ndarray, "*slot batch user"]
    watched_s: Float[np.ndarray, "*slot batch user"]
    dropped_s: Float[np.ndarray, "*slot batch user"]  # held, then swiped away
    discarded_s: Float[np.ndarray, "*slot batch user"]  # held, then lost with the old list when groups formed anew
    wasted_bit: Float[np.ndarray, "*slot batch user"]  # of what was dropped and discarded
    stall_s: Float[np.ndarray, "*slot batch user"]
    quality: Float[np.ndarray, "*slot batch user"]
    variation: Float[np.ndarray, "*slot batch user"]
    qoe: Float[np.ndarray, "*slot batch user"]  # per second
    n_views: Int[np.ndarray, "*slot batch user"]  # that ended
    has_new_ap: Bool[np.ndarray, "*slot batch user"]  # handed over
    before_s: Float[np.ndarray, "*slot batch user"]  # held and not yet played, as the stores say
    after_s: Float[np.ndarray, "*slot batch user"]
    told_s: Float[np.ndarray, "*slot batch user"]  # the same after the slot, as the video service says
    unplayed_s: Float[np.ndarray, "*slot batch user"]  # of the views that ended, as the stores say


class Totals(NamedTuple):
    """A session by component, per user. QoE = quality - variation - rebuffering, each weighted and per second."""

    quality: Float[np.ndarray, "batch user"]
    variation: Float[np.ndarray, "batch user"]
    rebuffering: Float[np.ndarray, "batch user"]
    qoe: Float[np.ndarray, "batch user"]
    waste_bit: Float[np.ndarray, "batch user"]
    waste_s: Float[np.ndarray, "batch user"]
    n_views: Int[np.ndarray, "batch user"]
    n_handovers: Int[np.ndarray, "batch user"]


class Balance(NamedTuple):
    """The worst errors of the sums, over all users and slots or sessions."""

    slot_video_s: float  # held before + received - held after - watched - dropped - discarded
    session_video_s: float  # received - watched - dropped - discarded - held at the end
    slot_time_s: float  # watched + stalled - slot
    session_time_s: float
    told_s: float  # what the video service says is held, against the stores
    dropped_s: float  # what the network says was dropped, against the stores and the swipes
    qoe: float  # of a session per second, against its components


class Event(NamedTuple):
    """One line of the log."""

    slot: int
    campus: int
    user: int
    kind: str  # "received", "watched", "stalled", "dropped", "discarded", "views ended" or "handover"
    amount: float  # seconds of video or of time; a number of views; the new access point


class EventLog:
    """Collects a session slot by slot.

        log = EventLog(network, network.reset(group))
        ...
        log.add(network.step(decision))
        log.balance()

    Args:
        network: Whose session it is. The log asks it for durations, bitrates, weights, and when users leave a video.
        start: Telemetry of its last reset.
    """

    def __init__(self, network: PhysicalNetwork, start: Telemetry) -> None:
        self._network = network
        self._slot, self._session = start.slot, start.session
        self._slots: list[SlotAccount] = []
        self._new_ap: list[Int[np.ndarray, "batch user"]] = []
        self._discarded_s, self._discarded_bit = np.zeros((2, *start.session.group.shape))

    def add(self, telemetry: Telemetry) -> None:
        """Take the account of the slot that just ended.

        Raises:
            ValueError: Telemetry of another slot than the next one, or of other groups than the log knows.
        """
        service, before, after = telemetry.service, self._session, telemetry.session
        next_slot = self._slot + 1
        require(telemetry.slot == next_slot, "telemetry.slot", f"be {next_slot}", telemetry.slot, "add every slot once")
        is_same_list = before.playlist is after.playlist
        require(
            is_same_list, "telemetry.session", "follow the lists of the log", "others", "call regroup when groups form"
        )
        unplayed_s, unplayed_bit = self._unplayed(before, after.head)
        account = SlotAccount(
            **{name: getattr(service, name) for name in _FROM_SERVICE},
            discarded_s=self._discarded_s,
            wasted_bit=unplayed_bit + self._discarded_bit,
            has_new_ap=before.serving_ap != after.serving_ap,
            before_s=self._held(before)[0] + self._discarded_s,
            after_s=self._held(after)[0],
            told_s=after.stored_s,
            unplayed_s=unplayed_s,
        )
        self._slots.append(account)
        self._new_ap.append(after.serving_ap)
        self._slot, self._session = telemetry.slot, after
        self._discarded_s, self._discarded_bit = np.zeros((2, *after.group.shape))

    def regroup(self, session: Session) -> None:
        """Note that groups formed anew; `session` is what `PhysicalNetwork.regroup` returned. Old stores are discarded."""
        seconds, bits = self._held(self._session)
        self._discarded_s, self._discarded_bit = self._discarded_s + seconds, self._discarded_bit + bits
        self._session = session

    def slots(self) -> SlotAccount:
        """Return all slots, stacked along a leading axis.

        Raises:
            ValueError: No slot yet.
        """
        require(self._slots, "log", "hold a slot", "none", "add telemetry first")
        names = SlotAccount.__dataclass_fields__
        return SlotAccount(**{name: np.stack([getattr(slot, name) for slot in self._slots]) for name in names})

    def totals(self) -> Totals:
        """Return the session by component."""
        slots, weights = self.slots(), self._network.config.qoe
        session_s = len(slots.qoe) * self._network.config.slot_s
        quality = weights.quality_weight * slots.quality.sum(axis=0) / session_s
        variation = weights.variation_weight * slots.variation.sum(axis=0) / session_s
        rebuffering = weights.stall_weight * slots.stall_s.sum(axis=0) / session_s
        return Totals(
            quality=quality,
            variation=variation,
            rebuffering=rebuffering,
            qoe=quality - variation - rebuffering,
            waste_bit=slots.wasted_bit.sum(axis=0),
            waste_s=(slots.dropped_s + slots.discarded_s).sum(axis=0),
            n_views=slots.n_views.sum(axis=0),
            n_handovers=slots.has_new_ap.sum(axis=0),
        )

    def balance(self, tolerance: float = 1e-6) -> Balance:
        """Return how far the sums are from closing.

        Raises:
            ValueError: One of them is further away than `tolerance`.
        """
        slots, slot_s = self.slots(), self._network.config.slot_s
        video_s = slots.received_s - slots.watched_s - slots.dropped_s - slots.discarded_s
        time_s = slots.watched_s + slots.stall_s - slot_s
        balance = Balance(
            slot_video_s=_worst(slots.before_s + video_s - slots.after_s),
            session_video_s=_worst(slots.before_s[0] + video_s.sum(axis=0) - slots.after_s[-1]),
            slot_time_s=_worst(time_s),
            session_time_s=_worst(time_s.sum(axis=0)),
            told_s=_worst(slots.told_s - slots.after_s),
            dropped_s=_worst(slots.dropped_s - slots.unplayed_s),
            qoe=_worst(self.totals().qoe - slots.qoe.mean(axis=0)),
        )
        is_closed = all(error <= tolerance for error in balance)
        remedy = "look for video or time that appears or vanishes"
        require(is_closed, "the balance", f"close within {tolerance}", balance, remedy)
        return balance

    def events(self) -> Iterator[Event]:
        """Yield what happened, slot by slot and user by user; what did not happen has no line."""
        slots = self.slots()
        columns = {kind: getattr(slots, name) for kind, name in _KINDS.items()}
        # Access points count from 0, so those that did not change are marked by NaN.
        columns["handover"] = np.where(slots.has_new_ap, np.stack(self._new_ap), np.nan)
        for slot, campus, user in np.ndindex(slots.qoe.shape):
            for kind, column in columns.items():
                amount = float(column[slot, campus, user])
                if amount > 0 or (kind == "handover" and amount == 0):
                    yield Event(self._slot - len(self._slots) + slot + 1, campus, user, kind, amount)

    def _held(self, session: Session) -> tuple[Float[np.ndarray, "batch user"], Float[np.ndarray, "batch user"]]:
        """Return seconds and bits that every phone holds ahead of its play position."""
        n_rows = session.buffered.shape[2]
        env, user, ahead = (axis.reshape(-1) for axis in np.indices((*session.group.shape, n_rows)))
        play_s = np.where(ahead == 0, session.play_s[env, user], 0.0)
        seconds, bits = self._beyond(session, env, user, session.head[env, user] + ahead, play_s)
        shape = (*session.group.shape, n_rows)
        return seconds.reshape(shape).sum(axis=-1), bits.reshape(shape).sum(axis=-1)

    def _unplayed(
        self, before: Session, head: Int[np.ndarray, "batch user"]
    ) -> tuple[Float[np.ndarray, "batch user"], Float[np.ndarray, "batch user"]]:
        """Return seconds and bits that were held of the videos that users left, behind the point where they left."""
        n_left = head - before.head
        env, user = (np.repeat(axis, n_left.reshape(-1)) for axis in np.divmod(np.arange(head.size), head.shape[1]))
        first = np.repeat(np.cumsum(n_left) - n_left.reshape(-1), n_left.reshape(-1))
        position = before.head[env, user] + np.arange(len(env)) - first
        seconds, bits = self._beyond(before, env, user, position, self._stop_s(before, env, user, position))
        out = np.zeros((2, *head.shape))
        np.add.at(out[0], (env, user), seconds)
        np.add.at(out[1], (env, user), bits)
        return out[0], out[1]

    def _stop_s(
        self,
        session: Session,
        env: Int[np.ndarray, " view"],
        user: Int[np.ndarray, " view"],
        position: Int[np.ndarray, " view"],
    ) -> Float[np.ndarray, " view"]:
        """Return the second at which users leave the videos at some list positions."""
        catalog = self._network.catalog
        video = _video(session, env, user, position)
        length_s = np.minimum(catalog.duration_s, catalog.n_segments * catalog.segment_s)[video]
        wanted_s = self._network.tape.fraction(env, user, position, catalog.video_type[video]) * length_s
        return np.minimum(np.maximum(wanted_s, self._network.config.qoe.min_view_s), length_s)

    def _beyond(
        self,
        session: Session,
        env: Int[np.ndarray, " view"],
        user: Int[np.ndarray, " view"],
        position: Int[np.ndarray, " view"],
        from_s: Float[np.ndarray, " view"],
    ) -> tuple[Float[np.ndarray, " view"], Float[np.ndarray, " view"]]:
        """Return seconds and bits that are held of the videos at some list positions, from a second of them on."""
        catalog = self._network.catalog
        held = session.buffered[env, user, position % session.buffered.shape[2]]
        segment = np.broadcast_to(np.arange(held.shape[1]), held.shape)
        video = np.broadcast_to(_video(session, env, user, position)[:, None], held.shape)
        length_s = segment_length_s(catalog, video, segment)
        end_s = segment * catalog.segment_s + length_s
        ahead_s = np.clip(end_s - from_s[:, None], 0.0, length_s) * (held > 0)
        bit = ahead_s * catalog.bitrate_bps[np.maximum(held.astype(np.int64) - 1, 0)]
        return ahead_s.sum(axis=-1), bit.sum(axis=-1)


_FROM_SERVICE = ("received_s", "watched_s", "dropped_s", "stall_s", "quality", "variation", "qoe", "n_views")
_KINDS = {
    "received": "received_s",
    "watched": "watched_s",
    "stalled": "stall_s",
    "views ended": "n_views",
    "dropped": "dropped_s",
    "discarded": "discarded_s",
}


def _video(
    session: Session,
    env: Int[np.ndarray, " view"],
    user: Int[np.ndarray, " view"],
    position: Int[np.ndarray, " view"],
) -> Int[np.ndarray, " view"]:
    return session.playlist[env, session.group[env, user], position % session.playlist.shape[2]]


def _worst(error: Float[np.ndarray, "..."]) -> float:
    return float(np.abs(error).max())
