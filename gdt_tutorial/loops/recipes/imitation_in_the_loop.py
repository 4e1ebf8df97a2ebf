"""Imitated users in the closed loops: does the twin expect the QoE that then comes, and is its verdict right?

"The generated network management decisions from two modules are validated in DT environment to evaluate which one can achieve
better network performance" (the paper, Procedure of Closed-Loop Network Management). A validation is as good as the twin's
idea of where users go and when they swipe. So a campus whose users walk between places is run under both loops, with one
emulator and one swipe model in the twin at a time, and each verdict is held against the network itself: a copy of network
and twin goes on under either manager for as long as the validation looked ahead. The twin never sees these copies.

Everything is paired: with one seed all pairs of parts meet the same walks, channels, videos and swipes.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.loops.external import every, twin_error
from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.manager import GdtNetwork, campus_swipes, history_swipes, schedule_model
from gdt_tutorial.physical.batch import joined, take
from gdt_tutorial.physical.destinations import DestinationConfig
from gdt_tutorial.physical.messages import Decision, Telemetry
from gdt_tutorial.physical.mobility import Mobility
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, HoldLast
from gdt_tutorial.twin.emulation.imitator import ImitatorEmulator
from gdt_tutorial.twin.emulation.lstm_training import LstmConfig, train_lstm
from gdt_tutorial.twin.emulation.turn_policy import Crossings, clone, untrained, watch
from gdt_tutorial.twin.emulation.turn_practice import practice
from gdt_tutorial.twin.emulation.walks import Walks, measure_growth
from gdt_tutorial.twin.history_swipes import HistorySwipes
from gdt_tutorial.twin.observation import Memory, Observation
from gdt_tutorial.twin.pretrained import pretrained_allocator, pretrained_emulator
from gdt_tutorial.twin.swipe_model import CampusSwipes

__all__ = [
    "SWIPES",
    "LoopConfig",
    "VerdictRecord",
    "emulators_of",
    "known_viewers",
    "run_loop",
    "two_managers",
    "walking_network",
]

MakeSwipes = Callable[[PhysicalNetwork], CampusSwipes | HistorySwipes]
SWIPES: dict[str, MakeSwipes] = {"campus": campus_swipes, "own history": history_swipes}
"""What the twin may believe about swipes."""


@configclass
class LoopConfig:
    """Size of the study."""

    n_batch: int = parameter(4, "Campuses side by side.", "chosen", above=0)
    n_users: int = parameter(30, "Users of a campus.", "chosen", above=0)
    n_slots: int = parameter(40, "Slots of a run.", "chosen", above=0)
    n_ahead: int = parameter(15, "Slots that a validation looks ahead.", "as InternalConfig", above=1)
    period_slots: int = parameter(10, "Slots between two validations.", "chosen", above=0)
    n_rollouts: int = parameter(4, "Futures of a validation.", "chosen: one alone is mostly noise", above=0)
    report_slots: int = parameter(4, "Slots between two reports of a user.", "chosen", above=0)
    n_history: int = parameter(20, "Earlier views of each user that the video service knows.", "chosen", at_least=0)
    bandwidth_hz: float = parameter(5e6, "Band of each access point.", "as Topology.waterloo", above=0)

    def __post_init__(self) -> None:
        rule, remedy = f"be above period_slots = {self.period_slots}", "run until the first validation"
        require(self.n_slots > self.period_slots, "n_slots", rule, self.n_slots, remedy)


@dataclass(frozen=True, kw_only=True)
class VerdictRecord:
    """What validations expected, what then came, and how the run went; campuses are the last axis."""

    expected_qoe: Float[np.ndarray, "moment choice batch"]  # per user and second, for each manager
    realized_qoe: Float[np.ndarray, "moment choice batch"]  # of a copy of the network under it
    qoe: Float[np.ndarray, " batch"]  # of the run itself
    position_error_m: float
    snr_error_db: float

    @property
    def bias(self) -> Float[np.ndarray, " batch"]:
        """Expected minus realized QoE: above zero the twin flatters."""
        return (self.expected_qoe - self.realized_qoe).mean(axis=(0, 1))

    @property
    def error(self) -> Float[np.ndarray, " batch"]:
        """Mean absolute difference of both."""
        return np.abs(self.expected_qoe - self.realized_qoe).mean(axis=(0, 1))

    @property
    def right_share(self) -> Float[np.ndarray, " batch"]:
        """Share of the validations that found the manager which then was better."""
        return (self.expected_qoe.argmax(axis=1) == self.realized_qoe.argmax(axis=1)).mean(axis=0)

    @property
    def lead_error(self) -> Float[np.ndarray, " batch"]:
        """Mean absolute error of the lead of one manager over the other: what a verdict is about."""
        lead = np.diff(self.expected_qoe - self.realized_qoe, axis=1)
        return np.abs(lead).mean(axis=(0, 1))


def emulators_of(watched: Walks, topology: Topology, *, generator: torch.Generator) -> dict[str, StatusEmulator]:
    """Make every emulator that the study compares from the same walks; two of them have learned nothing from these.

    "hold last" and "constant velocity" know how fast they grow wrong on these walks. "LSTM, shipped" was trained on Levy
    flights. The others of the imitator's kind know the map: "map alone" is its untrained start, "clone" a copy, "GAIL" the
    copy after practice in the twin.
    """
    crossings = Crossings(Streets.of(topology.campus))
    seen = watch(watched, crossings)
    copied = clone(seen, crossings)
    policies = {
        "map alone": untrained(crossings),
        "clone": copied,
        "GAIL": practice(copied, seen, generator=generator),
    }
    stays, goes = (measure_growth(watched, law) for law in (_hold, _go_straight))
    lstm = train_lstm(watched.pieces(LstmConfig().n_slots), topology, generator=generator).emulator
    return {
        "hold last": HoldLast(topology=topology, growth=stays),
        "constant velocity": ConstantVelocity(topology=topology, growth=goes),
        "LSTM, shipped": pretrained_emulator(topology),
        "LSTM": lstm,
        **{name: ImitatorEmulator(policy=policy, topology=topology) for name, policy in policies.items()},
    }


def _hold(position_m: np.ndarray, velocity_mps: np.ndarray, elapsed_s: float) -> np.ndarray:
    return position_m


def _go_straight(position_m: np.ndarray, velocity_mps: np.ndarray, elapsed_s: float) -> np.ndarray:
    return position_m + velocity_mps * elapsed_s


def walking_network(
    seed: int, config: LoopConfig = LoopConfig(), mobility: Mobility = DestinationConfig()
) -> PhysicalNetwork:
    """Open a campus whose users walk between places."""
    sizes = NetworkConfig(n_users=config.n_users)
    return PhysicalNetwork.waterloo(
        config.n_batch, sizes, mobility=mobility, seed=seed, bandwidth_hz=config.bandwidth_hz
    )


def two_managers(network: PhysicalNetwork) -> dict[str, DecisionMaker]:
    """Return the model-based manager and the trained one."""
    model = schedule_model(network)
    return {"greedy": GreedyAllocator(model), "network": pretrained_allocator(model)}


def known_viewers(make_swipes: MakeSwipes, n_history: int) -> MakeSwipes:
    """Let a swipe model begin with earlier views of the same viewers, as a video service has them."""

    def make(network: PhysicalNetwork) -> CampusSwipes | HistorySwipes:
        swipes, viewers = make_swipes(network), network.viewers
        rng, n_types = seeding.stream(network.seed, "earlier views"), network.catalog.n_types
        cumulative = viewers.preference.cumsum(axis=-1)
        learn = swipes.update if isinstance(swipes, HistorySwipes) else swipes.curves.update
        for _ in range(n_history):
            kind = (rng.random((*viewers.user.shape, 1)) > cumulative).sum(axis=-1).clip(0, n_types - 1)
            learn(kind, viewers.swipes.sample_fraction(viewers.user, kind, rng=rng))
        return swipes

    return make


def run_loop(
    seed: int,
    emulator: StatusEmulator,
    make_swipes: MakeSwipes,
    config: LoopConfig = LoopConfig(),
    *,
    make_managers: Callable[[PhysicalNetwork], Mapping[str, DecisionMaker]] = two_managers,
    mobility: Mobility = DestinationConfig(),
) -> VerdictRecord:
    """Run one campus seed with one emulator and one swipe model, and hold every verdict against the network."""
    network = walking_network(seed, config, mobility)
    course = _Course(network, emulator, make_swipes, make_managers(network), config)
    expected, realized, qoe, errors = [], [], [], []
    chosen = np.zeros(config.n_batch, dtype=np.int64)
    for slot in range(config.n_slots):
        seen = course.see()
        errors.append(twin_error(seen.status, course.telemetry))
        decisions = course.decide(seen)
        # The first slots are no test: all users were just seen, and no view has ended.
        if slot > 0 and slot % config.period_slots == 0:
            scores = course.score(seen, decisions)
            expected.append(np.stack(list(scores.values())))
            realized.append(np.stack([deepcopy(course).follow(name, decisions[name]) for name in decisions]))
            chosen = expected[-1].argmax(axis=0)
        picked = take(joined(list(decisions.values())), chosen * config.n_batch + np.arange(config.n_batch))
        qoe.append(course.act(picked))
    return VerdictRecord(
        expected_qoe=np.stack(expected),
        realized_qoe=np.stack(realized),
        qoe=np.mean(qoe, axis=0),
        position_error_m=float(np.sqrt(np.mean([each.position_m**2 for each in errors]))),
        snr_error_db=float(np.sqrt(np.mean([each.snr_db**2 for each in errors]))),
    )


class _Course:
    """A network and its twin in the middle of a run; a deep copy goes on by itself."""

    def __init__(
        self,
        network: PhysicalNetwork,
        emulator: StatusEmulator,
        make_swipes: MakeSwipes,
        managers: Mapping[str, DecisionMaker],
        config: LoopConfig,
    ) -> None:
        internal = InternalConfig(n_slots=config.n_ahead, n_rollouts=config.n_rollouts)
        self._gdt = GdtNetwork(
            network,
            emulator,
            managers,
            every(config.report_slots),
            internal,
            make_swipes=known_viewers(make_swipes, config.n_history),
        )
        self._managers, self._memory, self._n_ahead = dict(managers), Memory(), config.n_ahead
        self.telemetry: Telemetry = network.reset()

    def see(self) -> Observation:
        status = self._gdt.collection.observe(self.telemetry)
        self._gdt.swipes.learn(self.telemetry.service, self.telemetry.session)
        return self._memory.see(status)

    def decide(self, seen: Observation) -> dict[str, Decision]:
        return {name: self._decide(name, seen) for name in self._managers}

    def _decide(self, name: str, seen: Observation) -> Decision:
        rng = seeding.stream(self._gdt.network.seed, "manager", name, seen.status.slot)
        return self._managers[name].decide(self._gdt.virtual.abstractor.abstract(seen), rng=rng)

    def score(self, seen: Observation, decisions: Mapping[str, Decision]) -> dict[str, Float[np.ndarray, " batch"]]:
        rng = seeding.stream(self._gdt.network.seed, "validation", seen.status.slot)
        return self._gdt.virtual.score(seen, decisions, self._managers, rng=rng)

    def act(self, decision: Decision) -> Float[np.ndarray, " batch"]:
        self.telemetry = self._gdt.network.step(self._memory.note(decision))
        return self.telemetry.service.qoe.mean(axis=-1)

    def follow(self, name: str, first: Decision) -> Float[np.ndarray, " batch"]:
        """Go on under one manager; return the QoE of the slots that a validation counts, all but the first."""
        qoe = [self.act(first)]
        for _ in range(self._n_ahead - 1):
            qoe.append(self.act(self._decide(name, self.see())))
        return np.mean(qoe[1:], axis=0)
