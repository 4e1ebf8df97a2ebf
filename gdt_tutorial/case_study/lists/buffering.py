"""Multicast segment buffering: which segments each sub-multicast group (SMG) should get, how many, in which order.

"We first utilize the abstracted swipe probability distribution from the GDT data feature abstraction module to analyze
the watching probability of segments. Based on the analyzed watching probability and estimated multicast transmission
capabilities, the multicast segment buffering number and order are determined" (the paper, case study). The abstract of
its reference [15] adds that the twin keeps a virtual buffer and considers "the mutual influence of segment buffering
among SMGs". The formulas are ours; the watching probability is derived in `watching`.

`SegmentBuffering` is a `FeatureAbstractor`, so its features fit every selection of versions and every scheduler.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.case_study.lists.watching import WatchLaw, wanted_within
from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.delivery import sum_per_ap, unicast_efficiency
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.messages import Session
from gdt_tutorial.physical.streaming import SlotCapacity, segment_length_s, worst_member_efficiency
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.abstraction.groups import form_subgroups
from gdt_tutorial.twin.status import Status

__all__ = ["BufferingConfig", "SegmentBuffering", "sequential", "swipe_aware"]


@configclass
class BufferingConfig:
    """Horizons and sizes of `SegmentBuffering`."""

    horizon_s: int = parameter(10, "Segments that are wanted later than this are not buffered yet.", "chosen", above=0)
    n_items: int = parameter(24, "Segments at most in the list of an SMG.", "chosen on validation seeds", above=0)
    n_ahead: int = parameter(
        10, "Segments of each video, from where its viewer is, that can be listed.", "chosen", above=0
    )
    n_spread: int = parameter(
        8,
        "List positions by which a member may be ahead of its cell's last one.",
        "chosen",
        at_least=0,
        remedy="0: members at one position alone",
    )
    halving_s: float = parameter(
        10.0, "Wait that halves the value of a segment.", "chosen on validation seeds", above=0
    )
    urgent_s: float = parameter(
        2.0,
        "A segment wanted sooner than this stalls its viewer unless sent now.",
        "chosen on validation seeds",
        above=0,
    )
    safe_s: float = parameter(
        6.0, "From this wait on a segment can as well be sent later; between, in part.", "chosen on validation seeds"
    )
    min_probability: float = parameter(
        0.0, "Segments that are wanted less surely than this are left out.", "chosen", at_least=0, below=1
    )


class SegmentBuffering:
    """The buffer lists of all SMGs from a belief about how long viewers stay (a `FeatureAbstractor`).

    Args:
        survival_at: Survival of each group and video type at the edges of the normalized length.
        catalog: Lengths and types of the videos.
        capacity: Of a slot at each AP.
        link: Spectral efficiency at an SNR.
        config: Horizons and sizes.
    """

    def __init__(
        self,
        survival_at: Float[np.ndarray, "batch group type edge"],
        catalog: VideoCatalog,
        capacity: SlotCapacity,
        link: LinkAdaptation,
        config: BufferingConfig = BufferingConfig(),
    ) -> None:
        self.survival_at, self.catalog, self.capacity, self.link = survival_at, catalog, capacity, link
        self.config = config
        self._laws: list[WatchLaw] = []
        second = np.arange(config.horizon_s + config.n_ahead + 1) * catalog.segment_s
        self._value_of_wait = np.where(second <= config.horizon_s, 1 / (1 + second / config.halving_s), 0.0)
        self._urgency_of_wait = np.clip((config.safe_s - second) / (config.safe_s - config.urgent_s + 1e-9), 0, 1)

    def abstract(self, status: Status) -> Features:
        """Return SMGs and their buffer lists from the twin's status."""
        return self.abstract_session(status.session, status.networking.snr_db)

    def abstract_session(self, session: Session, snr_db: Float[np.ndarray, "batch user ap"]) -> Features:
        """Do the same from a session and channel state that are at hand."""
        n_aps = len(self.capacity.bandwidth_hz)
        subgroup, group, ap = form_subgroups(session, self.catalog, n_aps)
        efficiency = self.link.spectral_efficiency(snr_db)
        worst = worst_member_efficiency(subgroup, ap, efficiency, session.serving_ap)
        env = np.arange(len(ap))[:, None]
        n_members, stored_s = np.zeros((2, *ap.shape))
        np.add.at(n_members, (env, subgroup), 1.0)
        np.add.at(stored_s, (env, subgroup), session.stored_s)
        hears_sibling = unicast_efficiency(efficiency, session.serving_ap) >= worst[env, subgroup ^ 1]
        hears_sibling &= worst[env, subgroup ^ 1] > 0
        wishes, previous = self._wishes(session, subgroup, ap.shape[1])
        segments, value_s, urgent_s = self._lists(session, wishes, subgroup, group, worst, hears_sibling)
        number = self._number(ap, n_members, worst)
        is_item = (np.arange(segments.shape[2]) < number[..., None]) & (segments[..., 0] >= 0)
        segments = np.where(is_item[..., None], segments, -1)
        position = np.maximum(segments[..., 0], 0) % session.playlist.shape[2]
        video = session.playlist[env[..., None], group[..., None], position]
        return Features(
            subgroup=subgroup,
            group=group,
            ap=ap,
            n_members=n_members.astype(np.int64),
            efficiency=worst,
            stored_s=stored_s / np.maximum(n_members, 1),
            segments=segments,
            value_s=value_s * is_item,
            urgent_s=urgent_s * is_item,
            length_s=segment_length_s(self.catalog, video, segments[..., 1]),
            previous=previous,
        )

    def law(self, session: Session) -> WatchLaw:
        """Return the law of watch times for the lists of `session`.

        The last two are kept: of a session, and of copies of it that are played side by side.
        """
        for law in self._laws:
            if law.playlist is session.playlist:
                return law
        n_seconds = int(self.catalog.n_segments.max()) + max(self.config.n_ahead, self.config.horizon_s) + 2
        survival_at = self.survival_at
        n_copies = len(session.playlist) // len(survival_at)  # rollouts repeat the environments
        law = WatchLaw(np.tile(survival_at, (n_copies, 1, 1, 1)), session.playlist, self.catalog, n_seconds)
        self._laws = [law, *self._laws[:1]]
        return law

    def _wishes(
        self, session: Session, subgroup: Int[np.ndarray, "batch user"], n_subgroups: int
    ) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], Float[np.ndarray, "batch subgroup version"]]:
        """Return the next segments of every row of every user, and the seconds that sending each is worth to the user.

        These are the expected watched seconds, weighed by 1 / (1 + wait / halving_s), and the expected seconds of stall
        that it avoids; both are 0 for what the user holds already. (The weights are our choice.) Beside them goes the
        number of members whose next segment follows one that they hold, by version: a change of version is seen there.
        """
        catalog, config, law = self.catalog, self.config, self.law(session)
        n_batch, _, n_rows, n_segments = session.buffered.shape
        now, starts = wanted_within(law, session, catalog, n_rows, config.horizon_s)
        env = np.arange(n_batch)[:, None, None]
        position = session.head[..., None] + np.arange(n_rows)
        place = position % law.playlist.shape[2]
        first = np.zeros(position.shape, dtype=np.int64)
        first[..., 0] = np.floor(session.play_s / catalog.segment_s + 1e-9)
        segment = first[..., None] + np.arange(config.n_ahead)

        probability = law.survival[env[..., None], session.group[..., None, None], place[..., None], segment]
        probability[:, :, 0] = np.minimum(probability[:, :, 0] / np.maximum(now, 1e-9)[..., None], 1.0)
        # A video that starts after t seconds wants its k-th coming segment after t + k.
        lag = np.arange(config.horizon_s + 1)[:, None] + np.arange(config.n_ahead)
        value, urgent = (starts @ table[lag] for table in (self._value_of_wait, self._urgency_of_wait))
        video = law.playlist[env, session.group[..., None], place]
        length_s = segment_length_s(catalog, np.broadcast_to(video[..., None], segment.shape), segment)
        segment = np.minimum(segment, n_segments - 1)
        row = np.arange(position[..., 0].size).reshape(*position.shape[:2], 1) * n_rows + position % n_rows
        is_held = session.buffered.reshape(-1)[row[..., None] * n_segments + segment] > 0
        wish_s = probability * length_s * ~is_held
        is_within = starts.sum(axis=-1)
        is_wanted = wish_s * is_within[..., None] > self.config.min_probability

        # The first missing segment of each row, and the version of the one before it. Beyond a video's end nothing follows.
        missing = (~is_held).argmax(axis=-1)
        before = np.maximum(first + missing - 1, 0)
        version = session.buffered.reshape(-1)[row * n_segments + before].astype(np.int64) - 1
        reached = np.take_along_axis(probability, missing[..., None], axis=-1)[..., 0] * is_within
        is_there = np.take_along_axis(length_s, missing[..., None], axis=-1)[..., 0] > 0
        follows = (first + missing > 0) & (version >= 0) & ~is_held.all(axis=-1) & is_there
        own = np.broadcast_to((env[..., 0] * n_subgroups + subgroup)[..., None], follows.shape)
        at = (own * catalog.n_versions + version)[follows]
        size = n_batch * n_subgroups * catalog.n_versions
        previous = np.bincount(at, reached[follows], minlength=size).astype(np.float64, copy=False)
        wishes = segment, wish_s * value * is_wanted, wish_s * urgent * is_wanted
        return wishes, previous.reshape(n_batch, n_subgroups, catalog.n_versions)

    def _number(
        self,
        ap: Int[np.ndarray, "batch subgroup"],
        n_members: Float[np.ndarray, "batch subgroup"],
        worst: Float[np.ndarray, "batch subgroup"],
    ) -> Int[np.ndarray, "batch subgroup"]:
        """Return the buffering number: how many segments the SMG could get if it had its AP for itself, rounded up."""
        capacity, n_items = self.capacity, np.full(ap.shape, float(self.config.n_items))
        carried_bit = capacity.bandwidth_hz[ap] * worst * capacity.slot_s
        if capacity.cycles_per_bit > 0:
            cycles = capacity.computing_cycles_per_s[ap] * capacity.slot_s
            carried_bit = np.minimum(carried_bit, cycles / capacity.cycles_per_bit)
        number = np.minimum(np.ceil(carried_bit / (self.catalog.bitrate_bps[0] * self.catalog.segment_s)), n_items)
        return number.astype(np.int64) * (n_members > 0)

    def _cost(
        self, worth: Float[np.ndarray, "batch subgroup"], worst: Float[np.ndarray, "batch subgroup"]
    ) -> Float[np.ndarray, "batch subgroup"]:
        """Return what a bit costs each SMG of the resource that is scarcer at its AP, as a share of a second.

        That is the cycles where, on average over what the lists are worth, a bit takes a larger share of them than of the
        band.
        """
        capacity, n_aps = self.capacity, len(self.capacity.bandwidth_hz)
        ap = np.broadcast_to(np.arange(worst.shape[1]) // 2 % n_aps, worst.shape)
        band = 1 / np.maximum(capacity.bandwidth_hz[ap] * worst, 1e-3)
        cycles = (capacity.cycles_per_bit / np.maximum(capacity.computing_cycles_per_s, 1e-3))[ap]
        is_reached = worst > 0
        paid, bought = (sum_per_ap(each * worth * is_reached, ap, n_aps) for each in (band, np.ones_like(band)))
        mean_band = np.take_along_axis(paid / np.maximum(bought, 1e-9), ap, axis=-1)
        return np.where(cycles > mean_band, cycles, band)

    def _lists(
        self,
        session: Session,
        wishes: tuple[np.ndarray, np.ndarray, np.ndarray],
        subgroup: Int[np.ndarray, "batch user"],
        group: Int[np.ndarray, "batch subgroup"],
        worst: Float[np.ndarray, "batch subgroup"],
        hears_sibling: Bool[np.ndarray, "batch user"],
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sum what each segment is worth to all who would hear it, and keep the best of every SMG.

        A segment that both SMGs of a cell want is listed once: in the SMG where it is worth more for what it costs. With
        scarce cycles that is the one whose stream more users hear; with a scarce band it may be the one that hears better.
        """
        segment, value_s, urgent_s = wishes
        n_batch, _, n_rows, n_segments = session.buffered.shape
        n_subgroups, n_positions = group.shape[1], n_rows + self.config.n_spread
        env = np.arange(n_batch)[:, None]
        base = np.full((n_batch, n_subgroups // 2), np.iinfo(np.int64).max)
        np.minimum.at(base, (env, subgroup // 2), session.head)
        offset = (session.head - base[env, subgroup // 2])[..., None] + np.arange(n_rows)
        n_ahead, n_choices = segment.shape[3], n_positions * n_segments
        who = np.flatnonzero((value_s > 0) & (offset < n_positions)[..., None])
        user = who // (n_rows * n_ahead)
        cell = (env * n_subgroups + subgroup).reshape(-1)[user]
        item = offset.reshape(-1)[who // n_ahead] * n_segments + segment.reshape(-1)[who]
        also = np.flatnonzero(hears_sibling.reshape(-1)[user])
        at = np.concatenate([cell, cell[also] ^ 1]) * n_choices + np.concatenate([item, item[also]])
        # Few of all conceivable segments are wanted; only these get a place.
        place_of = np.full(n_batch * n_subgroups * n_choices, -1, dtype=np.int32)
        place_of[at] = 0
        wanted = np.flatnonzero(place_of == 0)
        place_of[wanted] = np.arange(len(wanted))
        heard, place = np.concatenate([who, who[also]]), place_of[at]
        value, urgent = (
            np.bincount(place, wish.reshape(-1)[heard], len(wanted)).astype(np.float64, copy=False)
            for wish in (value_s, urgent_s)
        )
        score, row = value + urgent, wanted // n_choices
        worth = np.bincount(row, score, n_batch * n_subgroups).astype(np.float64).reshape(group.shape)
        density = score / self._cost(worth, worst).reshape(-1)[row]
        in_sibling = place_of[(row ^ 1) * n_choices + wanted % n_choices]
        rival = np.where(in_sibling >= 0, density[in_sibling], 0.0) if len(wanted) else density
        is_kept = np.where(row % 2 == 0, density >= rival, density > rival)
        return self._ranked(wanted, (score * is_kept, value, urgent), place_of, base.repeat(2, axis=1), n_segments)

    def _ranked(
        self,
        wanted: Int[np.ndarray, " choice"],
        worth: tuple[np.ndarray, np.ndarray, np.ndarray],
        place_of: np.ndarray,
        base: Int[np.ndarray, "batch subgroup"],
        n_segments: int,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the choices with the highest scores of every SMG, best first.

        Args:
            wanted: Indices of what is wanted among all choices of all SMGs.
            worth: Score, value and urgency of these.
            place_of: Where each of all choices stands in `wanted`; -1 where it is not there.
            base: List position of each SMG's first choice.
            n_segments: Choices for each list position.
        """
        n_choices = place_of.size // base.size
        n_items = min(self.config.n_items, n_choices)
        ranked = np.zeros(place_of.size, dtype=np.float32)  # enough to rank, and twice as fast
        ranked[wanted] = -worth[0]
        best = np.argpartition(ranked.reshape(-1, n_choices), n_items - 1, axis=-1)[:, :n_items]
        place = place_of[np.arange(base.size)[:, None] * n_choices + best]
        score = np.append(worth[0], 0.0)[place]  # the appended zero is that of place -1
        rank = np.argsort(-score, axis=-1, kind="stable")
        best, place, score = (np.take_along_axis(each, rank, axis=-1) for each in (best, place, score))
        is_item = score > 0
        position = base.reshape(-1, 1) + best // n_segments
        segments = np.where(is_item[..., None], np.stack([position, best % n_segments], axis=-1), -1)
        value, urgent = (np.append(each, 0.0)[place] * is_item for each in worth[1:])
        shape = (*base.shape, n_items)
        return segments.reshape(*shape, 2), value.reshape(shape), urgent.reshape(shape)


def swipe_aware(
    survival_at: Float[np.ndarray, "batch group type edge"],
    catalog: VideoCatalog,
    capacity: SlotCapacity,
    link: LinkAdaptation,
    config: BufferingConfig = BufferingConfig(),
) -> SegmentBuffering:
    """GDT-assisted segment buffering: believe the swipe curves of the groups."""
    return SegmentBuffering(survival_at, catalog, capacity, link, config)


def sequential(
    survival_at: Float[np.ndarray, "batch group type edge"],
    catalog: VideoCatalog,
    capacity: SlotCapacity,
    link: LinkAdaptation,
    config: BufferingConfig = BufferingConfig(),
) -> SegmentBuffering:
    """Sequential segment buffering: believe that nobody swipes, so segments are wanted in the order of the list."""
    return SegmentBuffering(np.ones_like(survival_at), catalog, capacity, link, config)
