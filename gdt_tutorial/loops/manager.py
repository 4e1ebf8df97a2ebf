"""The whole GDT network: physical network, digital twin, external and internal loop, slot by slot.

The paper's Fig. 3 drawn as code: what the external loop knows feeds the internal loop, and what that decides changes the
network that the external loop watches.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial import seeding
from gdt_tutorial.configuration import require
from gdt_tutorial.loops.external import Collection, twin_error
from gdt_tutorial.loops.internal import InternalConfig, InternalLoop, Validator
from gdt_tutorial.loops.trust import Trust
from gdt_tutorial.physical import engine
from gdt_tutorial.physical.messages import Decision, Telemetry
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor, Weigh
from gdt_tutorial.twin.contracts import check_signature
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.history_swipes import HistorySwipes
from gdt_tutorial.twin.observation import MEMORY_SLOTS, Memory, Observation
from gdt_tutorial.twin.status_store import StatusStore
from gdt_tutorial.twin.swipe_curves import SwipeCurves
from gdt_tutorial.twin.swipe_model import CampusSwipes, SwipeModel
from gdt_tutorial.twin.virtual import VirtualNetwork

__all__ = ["GdtNetwork", "History", "schedule_model"]


@dataclass(frozen=True, kw_only=True)
class History:
    """What a run gave, cost and showed. The two errors are for evaluation: the twin does not see them."""

    qoe: Float[np.ndarray, "slot batch"]  # mean over users, per second
    stall_s: Float[np.ndarray, "slot batch"]  # mean over users, per slot
    quality: Float[np.ndarray, "slot batch"]
    variation: Float[np.ndarray, "slot batch"]
    n_byte: Float[np.ndarray, "slot batch"]  # collected
    collected_share: Float[np.ndarray, " slot"]  # of the users, mean of both parts of the status
    position_error_m: Float[np.ndarray, " slot"]
    snr_error_db: Float[np.ndarray, " slot"]
    chosen: Int[np.ndarray, "slot batch"]  # index of the manager whose decision was carried out
    position_m: Float[np.ndarray, "slot user xy"]  # of the first environment
    emulated_m: Float[np.ndarray, "slot user xy"]


def campus_swipes(network: PhysicalNetwork) -> CampusSwipes:
    """Believe that all viewers of an environment swipe alike, and learn how from the views that end."""
    n_batch, n_users = network.viewers.user.shape
    return CampusSwipes(SwipeCurves(n_batch, network.catalog.n_types), network.catalog, n_users)


def history_swipes(network: PhysicalNetwork) -> HistorySwipes:
    """Believe that every viewer swipes as its own history says, as far as there is one."""
    n_batch, n_users = network.viewers.user.shape
    return HistorySwipes(SwipeCurves(n_batch, network.catalog.n_types), network.catalog, n_users)


def group_abstractor(network: PhysicalNetwork, swipes: SwipeModel, *, weigh: Weigh | None = None) -> GroupAbstractor:
    """Make the features of the subgroups from statistics.

    Args:
        network: Has the videos and the capacity.
        swipes: Has the curves.
        weigh: Says whose demands count more; None counts all alike.

    Raises:
        ValueError: a swipe model without curves.
    """
    remedy = "pass make_abstractor too, which needs none"
    curves = getattr(swipes, "curves", None)
    rule = "make swipes that have the campus's curves"
    require(isinstance(curves, SwipeCurves), "make_swipes", rule, type(swipes).__name__, remedy)
    assert isinstance(curves, SwipeCurves)
    return GroupAbstractor(network.catalog, network.capacity, curves, network.link, weigh=weigh)


class GdtNetwork:
    """A physical network under closed-loop management.

    Two campuses under one manager, with a report of every user in every fourth slot:

    >>> from gdt_tutorial.loops.external import FixedPeriod
    >>> from gdt_tutorial.physical.network import NetworkConfig
    >>> from gdt_tutorial.twin.decision.greedy import GreedyAllocator
    >>> from gdt_tutorial.twin.emulation.extrapolation import HoldLast
    >>> network = PhysicalNetwork.waterloo(2, NetworkConfig(n_users=10), seed=0)
    >>> gdt = GdtNetwork(
    ...     network,
    ...     HoldLast(topology=network.topology),
    ...     {"greedy": GreedyAllocator(schedule_model(network))},
    ...     lambda store, emulator: FixedPeriod(store, emulator, 4),
    ... )
    >>> history = gdt.run(9)
    >>> history.qoe.shape, round(float(history.collected_share[1:].mean()), 2)
    ((9, 2), 0.25)

    Attributes:
        store: What the twin holds; `store.status()` is its view of this slot.
        seen: What the managers of the last slot saw.
        telemetry: What was true then: for evaluation alone.
        swipes: What the twin believes about swipes.
        virtual: The DT environment in which it validates.
        collection, internal: The two loops.

    Args:
        network: The physical network; it is reset.
        emulator: Continues the status where nothing was collected.
        managers: The decision makers among which the internal loop chooses; one alone leaves the loop open.
        collect: Makes the external loop, or a fixed collection, around a status store.
        internal: How decisions are validated.
        make_swipes: Makes what the twin believes about swipes; it learns while the network runs.
        make_abstractor: Makes the abstractor, from the network and that belief.
        make_trust: Makes what holds verdicts against what came; None believes the twin.
        make_validator: Makes what validates, from the virtual network; that itself by default.

    Raises:
        ValueError: a part whose methods cannot be called as its protocol says.
    """

    def __init__(
        self,
        network: PhysicalNetwork,
        emulator: StatusEmulator,
        managers: Mapping[str, DecisionMaker],
        collect: Callable[[StatusStore, StatusEmulator], Collection],
        internal: InternalConfig = InternalConfig(),
        *,
        make_swipes: Callable[[PhysicalNetwork], SwipeModel] = campus_swipes,
        make_abstractor: Callable[[PhysicalNetwork, SwipeModel], FeatureAbstractor] = group_abstractor,
        make_trust: Callable[[], Trust] | None = None,
        make_validator: Callable[[VirtualNetwork], Validator] = lambda virtual: virtual,
    ) -> None:
        check_signature(emulator, StatusEmulator, "emulate")
        for manager in managers.values():
            check_signature(manager, DecisionMaker, "decide")
        self.network, self._emulator, self._managers = network, emulator, dict(managers)
        self._collect, self._config = collect, internal
        self._make_swipes, self._make_abstractor = make_swipes, make_abstractor
        self._make_trust, self._make_validator = make_trust, make_validator
        self.seen: Observation
        self.telemetry: Telemetry
        self._start()

    def _start(self) -> None:
        """Make a twin that knows nothing yet, inside the slice that the network has now."""
        network, (n_batch, n_users) = self.network, self.network.viewers.user.shape
        self.store = StatusStore(n_batch, n_users, network.topology.n_aps, MEMORY_SLOTS)
        self.collection = self._collect(self.store, self._emulator)
        self.swipes = self._make_swipes(network)
        abstractor = self._make_abstractor(network, self.swipes)
        check_signature(abstractor, FeatureAbstractor, "abstract")
        self.virtual = VirtualNetwork(
            model=schedule_model(network),
            abstractor=abstractor,
            emulator=self._emulator,
            swipes=self.swipes,
            link=network.link,
            hysteresis_db=network.config.hysteresis_db,
            n_slots=self._config.n_slots,
            n_rollouts=self._config.n_rollouts,
        )
        rng = seeding.stream(network.seed, "validation")
        trust = None if self._make_trust is None else self._make_trust()
        validator = self._make_validator(self.virtual)
        self.internal = InternalLoop(abstractor, self._managers, validator, self._config, trust=trust, rng=rng)

    def run(self, n_slots: int, on_slot: Callable[[int], object] | None = None) -> History:
        """Run both loops for `n_slots` slots from the start, with a new twin; `on_slot` is called after each."""
        self._start()
        memory = Memory()

        def decide(telemetry: Telemetry) -> Decision:
            # External loop: from telemetry to the status that the twin believes.
            status = self.collection.observe(telemetry)
            self.swipes.learn(telemetry.service, telemetry.session)
            # Internal loop: from what was seen to a decision. What came of the last one is held against the verdict.
            self.seen = memory.see(status)
            if self.internal.verdicts:
                self.internal.note(telemetry.service.qoe.mean(axis=1))
            return memory.note(self.internal.decide(self.seen))

        rows: list[dict[str, np.ndarray | float]] = []
        for before, after in engine.run(self.network, decide, n_slots):
            self.telemetry = before
            error, record = twin_error(self.seen.status, before), self.collection.records[-1]
            rows.append(
                {
                    **_served(after),
                    "n_byte": record.n_byte,
                    "collected_share": float(np.mean(record.collected_share)),
                    "position_error_m": error.position_m,
                    "snr_error_db": error.snr_db,
                    "chosen": self.internal.verdicts[-1].chosen,
                    "position_m": before.position_m[0],
                    "emulated_m": self.seen.status.behavior.position_m[0],
                }
            )
            if on_slot is not None:
                on_slot(len(rows) - 1)
        return History(**{name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]})


def _served(telemetry: Telemetry) -> dict[str, np.ndarray]:
    return {name: getattr(telemetry.service, name).mean(axis=-1) for name in ("qoe", "stall_s", "quality", "variation")}
