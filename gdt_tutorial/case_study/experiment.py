"""Run sessions: a scheme is buffering x versions x scheduling, and any mix of the three can be run.

"The joint multicast segment buffering and resource scheduling decision is fed back to the DT environment to obtain the
system reward, i.e., QoE" (the paper, case study). What a session meets (walks, channels, swipes, lists) comes from its seed
alone, never from the scheme or the capacity, so differences between schemes are paired.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial import seeding
from gdt_tutorial.case_study.groups.group_swipe_curves import GroupSwipeCurves
from gdt_tutorial.case_study.scenario import CaseStudyConfig, Views, case_study_network, earlier_views
from gdt_tutorial.physical.engine import run
from gdt_tutorial.physical.logs.watch_logs import WatchLog
from gdt_tutorial.physical.messages import Decision, Telemetry
from gdt_tutorial.physical.network import PhysicalNetwork, favorite_type_groups
from gdt_tutorial.solutions.data_model.scheduling import Scheduler
from gdt_tutorial.solutions.data_model.versions import VersionSelector
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor, Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel, schedule_model
from gdt_tutorial.twin.observation import Memory
from gdt_tutorial.twin.status import Status

__all__ = [
    "Campuses",
    "GroupUsers",
    "Scheme",
    "SessionResult",
    "StatusSource",
    "by_favorite_type",
    "open_campuses",
    "run_session",
]

GroupUsers = Callable[[PhysicalNetwork, Views], Int[np.ndarray, "batch user"]]
"""From what users watched on earlier days to multicast groups."""


@runtime_checkable
class StatusSource(Protocol):
    """How the twin gets its status from a slot: `TwinStatus` emulates, `TrueStatus` knows."""

    def observe(self, telemetry: Telemetry) -> Status:
        """Return the status of the slot that just ended."""
        ...


@dataclass(frozen=True, kw_only=True)
class Campuses:
    """Campuses side by side before their session begins: the network, its groups, and what the twin knows of their swipes."""

    network: PhysicalNetwork
    group: Int[np.ndarray, "batch user"]
    curves: GroupSwipeCurves
    model: ScheduleModel


def by_favorite_type(network: PhysicalNetwork, views: Views) -> Int[np.ndarray, "batch user"]:
    """Group users by the video type that they like most: the simplest grouping."""
    return favorite_type_groups(network.viewers.preference)


def open_campuses(
    n_batch: int,
    config: CaseStudyConfig = CaseStudyConfig(),
    *,
    computing_cycles_per_s: float,
    seed: int,
    watch_log: WatchLog | None = None,
    group_users: GroupUsers = by_favorite_type,
) -> Campuses:
    """Build campuses, group their users, and estimate each group's swipe curves from earlier views.

    Args:
        n_batch: Campuses side by side.
        config: The scenario.
        computing_cycles_per_s: Computing capacity of each AP's edge server.
        seed: Of everything random.
        watch_log: Where viewers come from; None takes the generator.
        group_users: How multicast groups are formed.
    """
    network = case_study_network(
        n_batch, config, computing_cycles_per_s=computing_cycles_per_s, watch_log=watch_log, seed=seed
    )
    rng = seeding.stream(seed, "earlier views")
    views = earlier_views(network.viewers, network.catalog, config.n_earlier_views, rng=rng)
    group = group_users(network, views)
    curves = GroupSwipeCurves.estimate(
        group,
        views.view_type,
        views.view_fraction,
        n_groups=int(group.max()) + 1,
        n_types=network.catalog.n_types,
    )
    return Campuses(network=network, group=group, curves=curves, model=schedule_model(network))


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """One way to manage the network: what it sees of it, and what it makes of that (a `DecisionMaker`)."""

    buffering: FeatureAbstractor
    versions: VersionSelector
    scheduler: Scheduler

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        """Return the decision of the coming slot, from features that `buffering` has made."""
        return self.scheduler.schedule(features, self.versions.select(features))


@dataclass(frozen=True, kw_only=True)
class SessionResult:
    """What every user got in every slot, and how long the decisions took. QoE and its parts are as in `Service`."""

    qoe: Float[np.ndarray, "slot batch user"]  # per second
    quality: Float[np.ndarray, "slot batch user"]  # per slot, as all that follow
    variation: Float[np.ndarray, "slot batch user"]
    stall_s: Float[np.ndarray, "slot batch user"]
    watched_s: Float[np.ndarray, "slot batch user"]
    received_s: Float[np.ndarray, "slot batch user"]
    dropped_s: Float[np.ndarray, "slot batch user"]
    has_new_ap: Bool[np.ndarray, "slot batch user"]  # handed over in this slot
    bandwidth: Float[np.ndarray, "slot batch ap"]  # share in use
    computing: Float[np.ndarray, "slot batch ap"]
    decide_s: Float[np.ndarray, " slot"]  # wall-clock seconds per campus

    def mean_qoe(self) -> Float[np.ndarray, " batch"]:
        """Return the QoE per user and second of each campus, over the whole session."""
        return self.qoe.mean(axis=(0, 2))

    def components(self, slot_s: float) -> dict[str, float]:
        """Return the means per user and second: quality, variation, stall and waste (video dropped unwatched)."""
        return {
            "quality": float(self.quality.mean()) / slot_s,
            "variation": float(self.variation.mean()) / slot_s,
            "stall": float(self.stall_s.mean()) / slot_s,
            "waste": float(self.dropped_s.mean()) / slot_s,
        }


def run_session(campuses: Campuses, scheme: Scheme, source: StatusSource, n_slots: int) -> SessionResult:
    """Run one session from its start; the same campuses can be run again, with any scheme."""
    network, memory, costs_s = campuses.network, Memory(), []

    def decide(telemetry: Telemetry) -> Decision:
        seen = memory.see(source.observe(telemetry))
        start_s = time.perf_counter()
        rng = seeding.stream(network.seed, "scheme", telemetry.slot)
        decision = scheme.decide(scheme.buffering.abstract(seen), rng=rng)
        costs_s.append((time.perf_counter() - start_s) / len(campuses.group))
        return memory.note(decision)

    rows = [
        _row(after, after.session.serving_ap != before.session.serving_ap, costs_s[-1])
        for before, after in run(network, decide, n_slots, group=campuses.group)
    ]
    return SessionResult(**{field.name: np.stack([row[field.name] for row in rows]) for field in fields(SessionResult)})


def _row(telemetry: Telemetry, has_new_ap: Bool[np.ndarray, "batch user"], decide_s: float) -> dict[str, np.ndarray]:
    service, load = telemetry.service, telemetry.load
    names = ("qoe", "quality", "variation", "stall_s", "watched_s", "received_s", "dropped_s")
    return {
        **{name: getattr(service, name) for name in names},
        "has_new_ap": has_new_ap,
        "bandwidth": load.bandwidth,
        "computing": load.computing,
        "decide_s": np.asarray(decide_s),
    }
