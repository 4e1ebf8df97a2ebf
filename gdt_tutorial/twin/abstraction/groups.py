"""Feature abstraction: from the status of sixty users to a few numbers for each sub-multicast group (SMG).

"Data feature abstraction module is responsible for distilling useful information from network status", "such as
spatiotemporal traffic distribution and swipe probability distribution" (the paper, Digital Twin). This first abstractor
uses statistics alone: SMGs by playback progress and access point, Kaplan-Meier swipe curves, watching probabilities.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.batch import original
from gdt_tutorial.physical.interference import pattern_efficiency, shares_band
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.messages import Session, video_at
from gdt_tutorial.physical.streaming import SlotCapacity, segment_length_s, worst_of_members
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.twin.abstraction.context import context_of
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.abstraction.subgroups import gather_subgroups
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.swipe_curves import SwipeCurves

__all__ = ["AbstractionConfig", "DemandWeights", "GroupAbstractor", "Weigh"]


class DemandWeights(NamedTuple):
    """How much the demands of each user for videos of each type count."""

    value: Float[np.ndarray, "batch user type"]  # seconds that are watched
    urgent: Float[np.ndarray, "batch user type"]  # seconds of stall that are avoided

    @classmethod
    def alike(cls, n_batch: int, n_users: int, n_types: int) -> "DemandWeights":
        """Weigh all alike."""
        return cls(*np.ones((2, n_batch, n_users, n_types)))


Weigh = Callable[[Observation], DemandWeights]
"""From what the twin sees to the weights of a slot."""


@configclass
class AbstractionConfig:
    """Sizes and horizons of `GroupAbstractor`."""

    n_items: int = parameter(16, "Segments that a decision maker gets to see for each SMG.", "chosen", above=0)
    n_ahead: int = parameter(
        12, "Segments of each video, from where its viewer is, that can become items.", "chosen", above=0
    )
    horizon_s: float = parameter(
        1.0, "Delay that halves the value of a segment.", "best of a grid on validation campuses", above=0
    )
    urgent_s: float = parameter(
        8.0,
        "A segment wanted sooner than this avoids a stall when sent now.",
        "best of a grid on validation campuses",
        above=0,
    )
    n_spread: int = parameter(
        12, "List positions by which members of an SMG may be ahead of its last one.", "chosen", above=0
    )


class GroupAbstractor:
    """Features of every SMG from statistics of its members (a `FeatureAbstractor`).

    Args:
        catalog: The videos.
        capacity: What a slot can carry.
        curves: How viewers swipe.
        link: From SNR to rate.
        config: Sizes and horizons.
        weigh: Says whose demands count more; None counts all alike.
    """

    def __init__(
        self,
        catalog: VideoCatalog,
        capacity: SlotCapacity,
        curves: SwipeCurves,
        link: LinkAdaptation,
        config: AbstractionConfig = AbstractionConfig(),
        weigh: Weigh | None = None,
    ) -> None:
        self.catalog, self.capacity, self.curves, self.link, self.config = catalog, capacity, curves, link, config
        self.weigh = weigh

    def abstract(self, seen: Observation) -> Features:
        """Form SMGs, rank the segments that they lack by expected value, and say how the network as a whole is."""
        weights = None if self.weigh is None else self.weigh(seen)
        features = self.abstract_session(seen.status.session, seen.status.networking.snr_db, weights)
        return replace(features, context=context_of(seen.status))

    def abstract_session(
        self, session: Session, snr_db: Float[np.ndarray, "batch user ap"], weights: DemandWeights | None = None
    ) -> Features:
        """Do the same from a session and channel state that are at hand, without a context."""
        efficiency, patterns = self.link.spectral_efficiency(snr_db), {}
        own = gather_subgroups(session, efficiency, self.catalog)
        if shares_band(self.capacity.band):
            patterns["pattern_efficiency"] = by_pattern = self._patterns(session, own.subgroup, snr_db, own.ap.shape[1])
            own = own._replace(efficiency=by_pattern[..., -1])
        segments, value_s, urgent_s, length_s = self._items(session, own.subgroup, own.group, weights)
        return Features(
            **own._asdict(),
            segments=segments,
            value_s=value_s,
            urgent_s=urgent_s,
            length_s=length_s,
            previous=np.zeros((*own.ap.shape, self.catalog.n_versions)),
            **patterns,
        )

    def _patterns(
        self,
        session: Session,
        subgroup: Int[np.ndarray, "batch user"],
        snr_db: Float[np.ndarray, "batch user ap"],
        n_subgroups: int,
    ) -> Float[np.ndarray, "batch subgroup pattern"]:
        """Return the efficiency of the worst member under every pattern; who counts is in reach if no other AP sends."""
        assert self.capacity.band is not None
        ap = session.serving_ap
        own_db = np.take_along_axis(snr_db, ap[..., None], axis=2)[..., 0]
        is_reached = self.link.spectral_efficiency(own_db) > 0
        by_user = pattern_efficiency(snr_db, ap, self.capacity.band, self.link)
        return worst_of_members(by_user, is_reached, subgroup, n_subgroups)

    def _items(
        self,
        session: Session,
        subgroup: Int[np.ndarray, "batch user"],
        group: Int[np.ndarray, "batch subgroup"],
        weights: DemandWeights | None,
    ) -> tuple[
        Int[np.ndarray, "batch subgroup item 2"],
        Float[np.ndarray, "batch subgroup item"],
        Float[np.ndarray, "batch subgroup item"],
        Float[np.ndarray, "batch subgroup item"],
    ]:
        """Sum the members' wishes for each segment and keep the `n_items` largest sums of every SMG."""
        n_batch, _, n_rows, n_segments = session.buffered.shape
        segment, watch_s, soon_s = self._demands(session, weights)
        env = np.arange(n_batch)[:, None]
        base = np.full(group.shape, np.iinfo(np.int64).max)
        np.minimum.at(base, (env, subgroup), session.head)
        n_positions = n_rows + self.config.n_spread
        offset = (session.head - base[env, subgroup])[..., None] + np.arange(n_rows)
        who = np.nonzero((offset[..., None] < n_positions) & (watch_s > 0))
        cell = (who[0] * group.shape[1] + subgroup[who[0], who[1]]) * n_positions + offset[who[:3]]
        cell = cell * n_segments + segment[who]
        size = n_batch * group.shape[1] * n_positions * n_segments
        value, urgent = (
            # An empty bincount forgets its type.
            np.bincount(cell, demand[who], minlength=size).astype(np.float64, copy=False).reshape(*group.shape, -1)
            for demand in (watch_s, soon_s)
        )
        n_items = min(self.config.n_items, value.shape[-1])
        best = np.argpartition(-(value + urgent), n_items - 1, axis=-1)[..., :n_items]
        rank = np.argsort(-np.take_along_axis(value + urgent, best, axis=-1), axis=-1, kind="stable")
        best = np.take_along_axis(best, rank, axis=-1)
        value, urgent = np.take_along_axis(value, best, axis=-1), np.take_along_axis(urgent, best, axis=-1)
        is_item = value > 0
        position = np.where(is_item, base[..., None] + best // n_segments, -1)
        chosen = np.where(is_item, best % n_segments, -1)
        video = video_at(session.playlist, group[..., None], position)
        length_s = segment_length_s(self.catalog, video, chosen)
        return np.stack([position, chosen], axis=-1), value, urgent, length_s

    def _demands(
        self, session: Session, weights: DemandWeights | None
    ) -> tuple[
        Int[np.ndarray, "batch user position ahead"],
        Float[np.ndarray, "batch user position ahead"],
        Float[np.ndarray, "batch user position ahead"],
    ]:
        """Return the next segments of each video, and, for those that a user lacks, what sending them is worth.

        That is first the expected watched seconds: length times watching probability (the survival at the segment's
        start, given what is already watched), discounted by the expected time T until it is wanted as 1 / (1 + T / H);
        and then the seconds of stall that it avoids when it is wanted soon. (The discount is our choice.)
        """
        catalog, n_batch = self.catalog, len(session.head)
        n_rows, n_segments = session.buffered.shape[2:]
        position = session.head[..., None] + np.arange(n_rows)
        video = video_at(session.playlist, session.group[..., None], position)
        duration_s, kind = catalog.duration_s[video], catalog.video_type[video]
        env = original(np.arange(n_batch), len(self.curves.table))[:, None, None]  # one set of curves for all copies
        played_s = np.zeros(video.shape)
        played_s[..., 0] = session.play_s
        first = np.floor(played_s / catalog.segment_s + 1e-9).astype(np.int64)
        segment = first[..., None] + np.arange(self.config.n_ahead)
        start_s = segment * catalog.segment_s
        length_s = segment_length_s(catalog, np.broadcast_to(video[..., None], segment.shape), segment)

        stay_s = self.curves.expected_rest(env, kind, played_s / duration_s) * duration_s
        wait_s = np.cumsum(stay_s, axis=-1) - stay_s - played_s  # until the start of each video, negative for the first
        wait_s = np.maximum(wait_s[..., None] + start_s, 0)
        probability = self.curves.survival(env[..., None], kind[..., None], start_s / duration_s[..., None])
        now = self.curves.survival(env, kind, played_s / duration_s)
        probability = np.minimum(probability / np.maximum(now, 1e-6)[..., None], 1)

        place = np.minimum(segment, n_segments - 1)
        user = np.arange(video.size // n_rows).reshape(*video.shape[:2], 1)
        row = user * n_rows + position % n_rows
        is_held = session.buffered.reshape(-1)[row[..., None] * n_segments + place] > 0
        demand_s = probability * length_s * ~is_held
        watch_s, soon_s = demand_s / (1 + wait_s / self.config.horizon_s), demand_s * (wait_s < self.config.urgent_s)
        if weights is not None:
            env_, user_ = np.ix_(np.arange(n_batch), np.arange(video.shape[1]))
            value, urgent = (each[env_[..., None], user_[..., None], kind][..., None] for each in weights)
            watch_s, soon_s = watch_s * value, soon_s * urgent
        return place, watch_s, soon_s
