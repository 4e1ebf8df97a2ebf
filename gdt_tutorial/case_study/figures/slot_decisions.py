"""The three decisions of a slot, taken apart for chapter 18: records of slots, laws of one viewer, offers of one access point.

Nothing here decides. It reads what the parts of a scheme see and do, so that each decision can be made again by hand and held
against the best that its slot allows.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.case_study.experiment import Campuses
from gdt_tutorial.case_study.lists.buffering import SegmentBuffering
from gdt_tutorial.case_study.lists.watching import wanted_within
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Decision, Service, Session
from gdt_tutorial.solutions.data_model.optimum import slot_optimum
from gdt_tutorial.solutions.data_model.scheduling import Scheduler
from gdt_tutorial.solutions.data_model.versions import SearchConfig, VersionSelector, variation_cost
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel

__all__ = [
    "Moment",
    "Offers",
    "held_share",
    "offers_at",
    "record_slots",
    "schedule_losses",
    "stay_laws",
    "version_losses",
    "watching_chances",
]


class Moment(NamedTuple):
    """What one slot looked like, what was decided, and what came of it."""

    session: Session  # before the slot
    features: Features
    version: Int[np.ndarray, "batch subgroup"]
    decision: Decision
    service: Service  # in the slot
    n_sent: float  # segments, over all access points


def record_slots(
    campuses: Campuses,
    buffering: SegmentBuffering,
    versions: VersionSelector,
    scheduler: Scheduler,
    n_slots: int,
) -> list[Moment]:
    """Run a session with the true status from its start, and keep every slot.

    Raises:
        ValueError: Fewer than one slot.
    """
    require(n_slots > 0, "n_slots", "be above 0", n_slots, "record at least one slot")
    telemetry, moments = campuses.network.reset(campuses.group), []
    for _ in range(n_slots):
        features = buffering.abstract_session(telemetry.session, telemetry.snr_db)
        version = versions.select(features)
        decision = scheduler.schedule(features, version)
        after = campuses.network.step(decision)
        n_sent = float(after.load.n_sent.sum())
        moments.append(Moment(telemetry.session, features, version, decision, after.service, n_sent))
        telemetry = after
    return moments


def stay_laws(
    campuses: Campuses, session: Session, user: int, n_videos: int, horizon_s: int
) -> Float[np.ndarray, "video second"]:
    """Return P(`user` of the first campus stays exactly t = 0, 1, ... seconds on each coming video).

    The first is the video on screen; its law is that of what is left. What lasts longer than the horizon is left out.
    """
    catalog, group, now = campuses.network.catalog, session.group[0, user], session.head[0, user]
    video = session.playlist[0, group, (now + np.arange(n_videos)) % session.playlist.shape[2]]
    second, laws = np.arange(horizon_s + 1), []
    for ahead, one in enumerate(video):
        played_s = session.play_s[0, user] if ahead == 0 else 0.0
        part = (played_s + second) / catalog.duration_s[one]
        zero, kind = np.zeros(part.shape, dtype=np.int64), np.full(part.shape, catalog.video_type[one])
        # Nobody is there any more when the video is over.
        alive = campuses.curves.survival(zero, zero + group, kind, part) * (part < 1)
        laws.append(np.append(0.0, -np.diff(alive / alive[0])))
    return np.stack(laws)


def watching_chances(
    buffering: SegmentBuffering, session: Session, user: int, n_videos: int = 5, horizon_s: int = 10
) -> list[Float[np.ndarray, " ahead"]]:
    """Return for each coming video of `user` the probability that its next segments are wanted within the horizon.

    Entry 0 is the segment on screen, or the first one of a later video; NaN stands beyond the end of a video.
    """
    law, catalog = buffering.law(session), buffering.catalog
    now, starts = wanted_within(law, session, catalog, n_videos, horizon_s)
    group, rows, later = session.group[0, user], [], np.arange(horizon_s + 1)
    for ahead in range(n_videos):
        place = (session.head[0, user] + ahead) % session.playlist.shape[2]
        first = int(session.play_s[0, user]) if ahead == 0 else 0
        stays = law.survival[0, group, place, first + later]
        stays = np.minimum(stays / now[0, user], 1) if ahead == 0 else stays
        # Segment k must be reached in time: its video starts in horizon_s - k seconds at the latest.
        in_time = np.cumsum(starts[0, user, ahead])[::-1]
        length = int(catalog.n_segments[session.playlist[0, group, place]])
        rows.append(np.where(first + later < length, stays * in_time, np.nan))
    return rows


def held_share(
    session: Session, is_member: Bool[np.ndarray, " user"], base: int, edge: Int[np.ndarray, " edge"]
) -> Float[np.ndarray, " segment"]:
    """Return the share of some users of the first campus that hold each segment of a stretch of their list.

    Args:
        session: Where everybody stands.
        is_member: Whom to count.
        base: List position at which the stretch begins.
        edge: Segment number at which each of its videos begins, and the end of the last one.
    """
    share, n_kept = np.zeros(edge[-1]), session.buffered.shape[2]
    own = np.nonzero(is_member)[0]
    for user in own:
        for position, (left, right) in enumerate(pairwise(edge)):
            if 0 <= base + position - session.head[0, user] < n_kept:
                held = session.buffered[0, user, (base + position) % n_kept] > 0
                share[left:right] += held[: right - left]
    return share / max(len(own), 1)


class Offers(NamedTuple):
    """What one access point could send in a slot: every segment of every sub-multicast group (SMG) in every version."""

    subgroup: Int[np.ndarray, " subgroup"]  # the number of each SMG
    gain: Float[np.ndarray, "subgroup version item"]
    radio: Float[np.ndarray, "subgroup version item"]  # share of the slot's band
    cycles: Float[np.ndarray, "subgroup version item"]  # share of its computing
    step_cost: Float[np.ndarray, "subgroup version"]  # of changing to a version


def offers_at(
    ap: int, features: Features, model: ScheduleModel, step_share: float = SearchConfig().step_share
) -> Offers:
    """Return the offers of an access point of the first campus; SMGs without a list are left out.

    Raises:
        ValueError: No SMG has anything to offer there.
    """
    own = np.nonzero((features.ap[0] == ap) & (features.segments[0, :, 0, 0] >= 0))[0]
    require(len(own) > 0, "ap", "have an SMG with a list", ap, "take another slot or access point")
    every = [np.full(features.ap.shape, version) for version in range(model.catalog.n_versions)]
    gain = np.stack([model.gain(features, version)[0, own] for version in every], axis=1)
    radio, cycles = (
        np.stack([model.cost(features, version)[resource][0, own] for version in every], axis=1) for resource in (0, 1)
    )
    is_item = np.isfinite(radio) & np.isfinite(cycles) & (cycles > 0)
    gain, radio, cycles = (np.where(is_item, each, 0.0) for each in (gain, radio, cycles))
    return Offers(own, gain, radio, cycles, step_share * variation_cost(features, model)[0, own])


def version_losses(
    model: ScheduleModel,
    slots: Sequence[Moment],
    selectors: Mapping[str, VersionSelector],
    *,
    relative_gap: float = 1e-3,
) -> dict[str, list[float]]:
    """Return for every slot the percentage of its exact optimum that the versions of each selection give away.

    Segments are then chosen in the best way, so that the versions alone are judged. The optimum is known up to
    `relative_gap`; where a selection promises more than the solution that was found, it is the best that is known.
    """
    lost: dict[str, list[float]] = {name: [] for name in selectors}
    for moment in slots:
        cost = SearchConfig().step_share * variation_cost(moment.features, model)

        def best(version: np.ndarray | None, moment: Moment = moment, cost: np.ndarray = cost) -> float:
            found = slot_optimum(moment.features, model, version, version_cost=cost, relative_gap=relative_gap)
            return float(found.promise.sum())

        promised = {name: best(selector.select(moment.features)) for name, selector in selectors.items()}
        _append_losses(lost, promised, best(None))
    return lost


def schedule_losses(
    model: ScheduleModel,
    slots: Sequence[Moment],
    schedulers: Mapping[str, Callable[[ScheduleModel], Scheduler]],
    *,
    relative_gap: float = 1e-5,
) -> dict[str, list[float]]:
    """Return for every slot the percentage of its exact optimum that each scheduler gives away, at the slot's versions.

    The optimum is known as in `version_losses`.
    """
    lost: dict[str, list[float]] = {name: [] for name in schedulers}
    for moment in slots:
        found = slot_optimum(moment.features, model, moment.version, relative_gap=relative_gap)
        promised = {
            name: _promise(moment, model, make(model).schedule(moment.features, moment.version))
            for name, make in schedulers.items()
        }
        _append_losses(lost, promised, float(found.promise.sum()))
    return lost


def _append_losses(lost: dict[str, list[float]], promised: Mapping[str, float], optimum: float) -> None:
    """Add what each plan of a slot gives away, in percent of the best that is known."""
    most = max(optimum, *promised.values())
    for name, each in promised.items():
        lost[name].append(100 * (1 - each / most))


def _promise(moment: Moment, model: ScheduleModel, decision: Decision) -> float:
    """Return the gain that is expected of the segments of a decision."""
    features = moment.features
    is_same = (features.segments[:, :, :, None] == decision.segments[:, :, None]).all(axis=-1)
    is_sent = is_same.any(axis=-1) & (features.segments[..., 0] >= 0)
    return float(np.sum(model.gain(features, moment.version), where=is_sent))
