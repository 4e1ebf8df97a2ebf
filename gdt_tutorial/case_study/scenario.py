"""The scenario: users on the campus, what they watched on earlier days, and the status that the twin holds of them.

"A GDT-assisted multicast short video streaming scenario is considered, which consists of two APs, multiple multicast
groups (MGs), and one GDT" (the paper, case study). Users' trajectories come from a Levy flight, channels from positions,
swipes and preferences from a watch log or from the generator that stands in for one.

How we differ: the paper gives its setting by reference to [15] (Huang et al., IEEE TWC 2024), of which only the abstract
could be read. It names the parts of the quality of experience and no number. So every number here says where it comes
from, and most are chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.loops.external import FixedPeriod, SlotRecord
from gdt_tutorial.physical.engine import run
from gdt_tutorial.physical.logs.watch_logs import WatchLog
from gdt_tutorial.physical.messages import NOT_SERVED, Decision, Telemetry
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.physical.viewers import Viewers
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.observation import MEMORY_SLOTS
from gdt_tutorial.twin.status import Status, true_status
from gdt_tutorial.twin.status_store import StatusStore

__all__ = [
    "Audience",
    "CaseStudyConfig",
    "ReplayedStatus",
    "TrueStatus",
    "TwinStatus",
    "Views",
    "audience",
    "case_study_network",
    "earlier_views",
    "idle_decision",
]


@configclass
class CaseStudyConfig:
    """What the case study needs besides the configs of its parts, which it holds or leaves at their defaults."""

    n_slots: int = parameter(30, "Slots of a session: one minute with slots of 2 s.", "chosen", above=0)
    period_slots: int = parameter(3, "Slots between two reports of a user.", "chosen", above=0)
    n_earlier_views: int = parameter(
        100, "Views of each user on earlier days, from which groups and curves are made.", "chosen", above=0
    )
    bandwidth_hz: float = parameter(
        10e6,
        "Band of each access point.",
        "chosen, so that computing is scarcer than the band up to 8 Gcycle/s",
        above=0,
    )
    capacities_cycles_per_s: tuple[float, ...] = parameter(
        (2e9, 3e9, 4e9, 5e9, 6e9, 8e9, 10e9, 12e9),
        "Computing capacities of each access point's edge server, the horizontal axis of Fig. 5.",
        "chosen; the paper names the axis and no number that could be read",
    )
    network: NetworkConfig = NetworkConfig()

    def __post_init__(self) -> None:
        rule, remedy = f"be below the twin's window of {MEMORY_SLOTS} slots", "collect more often"
        require(self.period_slots < MEMORY_SLOTS, "period_slots", rule, self.period_slots, remedy)
        capacities = np.asarray(self.capacities_cycles_per_s, dtype=float)
        is_rising = capacities.size > 0 and bool((np.diff(capacities, prepend=0.0) > 0).all())
        rule, remedy = "hold positive numbers in rising order", "5e9 is 5 Gcycle/s"
        require(is_rising, "capacities_cycles_per_s", rule, self.capacities_cycles_per_s, remedy)


def case_study_network(
    n_batch: int,
    config: CaseStudyConfig = CaseStudyConfig(),
    *,
    computing_cycles_per_s: float,
    watch_log: WatchLog | None = None,
    seed: int,
) -> PhysicalNetwork:
    """Build the campuses of the case study at one computing capacity.

    Walks, channels, swipes and preferences come from `seed` and `n_batch` alone: a campus is the same at every capacity,
    and under every scheme.

    Args:
        n_batch: Campuses side by side.
        config: The scenario.
        computing_cycles_per_s: Capacity of each access point's edge server.
        watch_log: Where videos and viewers come from; None takes the generator.
        seed: Of every random stream.

    Raises:
        ValueError: no campus, or a capacity that is not positive.
    """
    require(n_batch > 0, "n_batch", "be above 0", n_batch, "simulate at least one campus")
    return PhysicalNetwork.waterloo(
        n_batch,
        config.network,
        watch_log=watch_log,
        seed=seed,
        computing_cycles_per_s=computing_cycles_per_s,
        bandwidth_hz=config.bandwidth_hz,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Views:
    """What users have watched, and how far."""

    view_type: Int[np.ndarray, "batch user view"]  # -1 for none
    view_fraction: Float[np.ndarray, "batch user view"]  # watched fraction, 1 when complete; NaN for none

    def __post_init__(self) -> None:
        fraction = self.view_fraction[self.view_type >= 0]
        n_bad = int((~((fraction > 0) & (fraction <= 1))).sum())
        remedy = "divide the watched by the full length, and cap at 1"
        require(n_bad == 0, "view_fraction", "lie in (0, 1]", f"{n_bad} others", remedy)

    def part(self, views: slice) -> "Views":
        """Return some of each user's views: one half may form groups, and the other may judge them."""
        return Views(view_type=self.view_type[..., views], view_fraction=self.view_fraction[..., views])


def earlier_views(viewers: Viewers, catalog: VideoCatalog, n_views: int, *, rng: np.random.Generator) -> Views:
    """Draw what every user watched on earlier days, when nobody shared a list.

    Types come by preference times popularity, as `recommend` draws; fractions come from the users' own swipe model.

    How we differ: the paper samples swipes from a data set; with a watch log these are drawn anew from each user's logged
    views, and so are those of the session.

    Raises:
        ValueError: no view asked for, or a preference that leaves a user without any type.
    """
    require(n_views > 0, "n_views", "be above 0", n_views, "a user without any view cannot be grouped")
    popularity = np.bincount(catalog.video_type, weights=catalog.popularity, minlength=catalog.n_types)
    upper = np.cumsum(viewers.preference * popularity, axis=-1)
    remedy = "smooth the preferences, or use a larger catalog"
    require(
        bool((upper[..., -1] > 0).all()), "viewers.preference", "like a type of the catalog", "a user with none", remedy
    )
    level = rng.random((*viewers.user.shape, n_views)) * upper[..., -1:]
    view_type = (level[..., None] >= upper[..., None, :]).sum(axis=-1)
    user = np.broadcast_to(viewers.user[..., None], view_type.shape)
    return Views(view_type=view_type, view_fraction=viewers.swipes.sample_fraction(user, view_type, rng=rng))


class Audience(NamedTuple):
    """What views look like."""

    n_views: int
    mean_fraction: float  # watched, of the full length
    completion_share: float
    type_share: Float[np.ndarray, " type"]
    swiped: Float[np.ndarray, " edge"]  # share that has swiped by 0, 1/10, ..., 9/10 and all of the length


def audience(
    view_type: Int[np.ndarray, "*shape"], view_fraction: Float[np.ndarray, "*shape"], n_types: int
) -> Audience:
    """Describe views; entries of type -1 are none.

    Raises:
        ValueError: not one view.
    """
    kind, fraction = view_type[view_type >= 0], view_fraction[view_type >= 0].astype(np.float64)
    require(len(kind) > 0, "view_type", "hold a view", "none", "watch for longer")
    edge, is_swipe = np.linspace(0, 1, 11), fraction < 1
    return Audience(
        n_views=len(kind),
        mean_fraction=float(fraction.mean()),
        completion_share=float((~is_swipe).mean()),
        type_share=np.bincount(kind, minlength=n_types) / len(kind),
        swiped=np.array([np.mean(is_swipe & (fraction <= each)) for each in edge]),
    )


class TrueStatus:
    """A status that is the truth of the slot that just ended: every user reports in every slot."""

    def observe(self, telemetry: Telemetry) -> Status:
        """Return what a perfect twin would hold."""
        return true_status(telemetry)


class TwinStatus:
    """The status that a twin holds: a report of each user per `period_slots` slots, and emulation in between.

    Users take turns, and the first slot collects everybody. A session that starts again, at slot 0, meets a new twin.

    Raises:
        ValueError: a period that is not positive, or longer than the twin's memory.
    """

    def __init__(self, network: PhysicalNetwork, emulator: StatusEmulator, period_slots: int) -> None:
        self._size = len(network.viewers.user), network.config.n_users, network.topology.n_aps
        self._emulator, self._period_slots = emulator, period_slots
        self._start()

    def _start(self) -> None:
        store = StatusStore(*self._size, MEMORY_SLOTS)
        self._collection = FixedPeriod(store, self._emulator, self._period_slots)

    def observe(self, telemetry: Telemetry) -> Status:
        """Collect from those whose turn it is, emulate the others, and return the status of the slot that just ended."""
        if telemetry.slot == 0:
            self._start()
        return self._collection.observe(telemetry)

    @property
    def records(self) -> list[SlotRecord]:
        """What each slot of the session has cost."""
        return self._collection.records


class ReplayedStatus:
    """A view whose channels and positions were observed once and are then the same for every scheme.

    Where users are and what the twin believes about it does not depend on decisions; what they watch does. So schemes on the
    same campuses can share one emulation. Loads, delays and what views tell depend on decisions too, and stay those of the
    recording; no scheme reads them.

    Args:
        statuses: One status per slot, from slot 0.
    """

    def __init__(self, statuses: Sequence[Status]) -> None:
        self._statuses = list(statuses)

    @classmethod
    def record(cls, source: "TwinStatus | TrueStatus", network: PhysicalNetwork, n_slots: int) -> "ReplayedStatus":
        """Observe a whole session in which nothing is sent; the network is reset."""
        idle = idle_decision(network)
        return cls([source.observe(before) for before, _ in run(network, lambda _: idle, n_slots)])

    def observe(self, telemetry: Telemetry) -> Status:
        """Return the recorded status of the slot, with the session as it is.

        Raises:
            ValueError: A slot that was not recorded.
        """
        slot, n_slots = telemetry.slot, len(self._statuses)
        require(slot < n_slots, "telemetry.slot", f"be below {n_slots}", slot, "record a longer session")
        return replace(self._statuses[slot], session=telemetry.session)


def idle_decision(network: PhysicalNetwork) -> Decision:
    """Return the decision that sends nothing."""
    n_batch, n_users = network.viewers.user.shape
    zero = np.zeros((n_batch, 1), dtype=np.int64)
    return Decision(
        subgroup=np.full((n_batch, n_users), NOT_SERVED),
        group=zero,
        ap=zero,
        version=zero,
        bandwidth_share=np.zeros((n_batch, 1)),
        computing_share=np.zeros((n_batch, 1)),
        segments=np.full((n_batch, 1, 1, 2), NOT_SERVED),
    )
