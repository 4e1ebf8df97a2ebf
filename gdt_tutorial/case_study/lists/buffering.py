"""Multicast segment buffering: which segments each sub-multicast group (SMG) should get, how many, in which order.

"We first utilize the abstracted swipe probability distribution from the GDT data feature abstraction module to analyze
the watching probability of segments. Based on the analyzed watching probability and estimated multicast transmission
capabilities, the multicast segment buffering number and order are determined" (the paper, case study). The abstract of
its reference [15] adds that the twin keeps a virtual buffer and considers "the mutual influence of segment buffering
among SMGs". The formulas are ours; the watching probability is derived in `watching`.

`SegmentBuffering` is a `FeatureAbstractor`, so its features fit every selection of versions and every scheduler.
"""

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.case_study.lists.ranking import Demands, shared_lists
from gdt_tutorial.case_study.lists.watching import WatchLaw, wanted_within
from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.batch import repeated
from gdt_tutorial.physical.delivery import unicast_efficiency
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.messages import Session, video_at
from gdt_tutorial.physical.streaming import SlotCapacity, segment_length_s
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.abstraction.subgroups import Subgroups, gather_subgroups, sibling_of
from gdt_tutorial.twin.observation import Observation

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

    def abstract(self, seen: Observation) -> Features:
        """Return SMGs and their buffer lists from what the twin sees."""
        return self.abstract_session(seen.status.session, seen.status.networking.snr_db)

    def abstract_session(self, session: Session, snr_db: Float[np.ndarray, "batch user ap"]) -> Features:
        """Do the same from a session and channel state that are at hand."""
        efficiency, config = self.link.spectral_efficiency(snr_db), self.config
        own = gather_subgroups(session, efficiency, self.catalog)
        worst_of_sibling = own.efficiency[np.arange(len(own.ap))[:, None], sibling_of(own.subgroup)]
        hears_sibling = unicast_efficiency(efficiency, session.serving_ap) >= worst_of_sibling
        hears_sibling &= worst_of_sibling > 0
        demands, previous = self._demands(session, own.subgroup, own.ap.shape[1])
        segments, value_s, urgent_s = shared_lists(
            session, demands, own, hears_sibling, self.capacity, n_items=config.n_items, n_spread=config.n_spread
        )
        is_item = (np.arange(segments.shape[2]) < self._number(own)[..., None]) & (segments[..., 0] >= 0)
        segments = np.where(is_item[..., None], segments, -1)
        video = video_at(session.playlist, own.group[..., None], segments[..., 0])
        return Features(
            **own._asdict(),
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
        n_copies = len(session.playlist) // len(self.survival_at)
        law = WatchLaw(repeated(self.survival_at, n_copies), session.playlist, self.catalog, n_seconds)
        self._laws = [law, *self._laws[:1]]
        return law

    def _demands(
        self, session: Session, subgroup: Int[np.ndarray, "batch user"], n_subgroups: int
    ) -> tuple[Demands, Float[np.ndarray, "batch subgroup version"]]:
        """Return what every user wishes, and what they just saw.

        A segment is worth the expected watched seconds, weighed by 1 / (1 + wait / halving_s), and the expected seconds
        of stall that it avoids; both are 0 for what the user holds already. (The weights are our choice.) Beside them
        goes the number of members whose next segment follows one that they hold, by version: a change of version is
        seen there.
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
        video = video_at(law.playlist, session.group[..., None], position)
        length_s = segment_length_s(catalog, np.broadcast_to(video[..., None], segment.shape), segment)
        segment = np.minimum(segment, n_segments - 1)
        row = np.arange(position[..., 0].size).reshape(*position.shape[:2], 1) * n_rows + position % n_rows
        is_held = session.buffered.reshape(-1)[row[..., None] * n_segments + segment] > 0
        demand_s = probability * length_s * ~is_held
        is_within = starts.sum(axis=-1)
        is_wanted = demand_s * is_within[..., None] > self.config.min_probability

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
        demands = Demands(segment, demand_s * value * is_wanted, demand_s * urgent * is_wanted)
        return demands, previous.reshape(n_batch, n_subgroups, catalog.n_versions)

    def _number(self, own: Subgroups) -> Int[np.ndarray, "batch subgroup"]:
        """Return the buffering number: how many segments the SMG could get if it had its AP for itself, rounded up."""
        capacity, n_items = self.capacity, np.full(own.ap.shape, float(self.config.n_items))
        carried_bit = capacity.bandwidth_hz[own.ap] * own.efficiency * capacity.slot_s
        if capacity.cycles_per_bit > 0:
            cycles = capacity.computing_cycles_per_s[own.ap] * capacity.slot_s
            carried_bit = np.minimum(carried_bit, cycles / capacity.cycles_per_bit)
        number = np.minimum(np.ceil(carried_bit / (self.catalog.bitrate_bps[0] * self.catalog.segment_s)), n_items)
        return number.astype(np.int64) * (own.n_members > 0)


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
