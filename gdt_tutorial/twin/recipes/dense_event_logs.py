"""Runs of the dense event under any chooser of bitmaps, and the logs that learned choosers begin with.

What a chooser sees of the channels is one of three sights: the truth of the last slot, an old report, or what the law of the
channel says at a place. Sessions and attachments are always known.

Logs: an operator's search in half of the slots, and coins in the other half. What a decision was worth is the QoE of the slots
after it, since what is sent in a slot can be watched from the next one on; from this the `gai.advantage` of each is taken.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.advantage import advantage, rank_of
from gdt_tutorial.physical.batch import take
from gdt_tutorial.physical.channel import ChannelConfig, expected_snr_db
from gdt_tutorial.physical.dense_event import dense_event
from gdt_tutorial.physical.messages import Telemetry
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.abstraction.muting_context import muting_context
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.muting import Bitmap, LocalSearch, MutingMaker, alternating, random_bitmaps
from gdt_tutorial.twin.decision.schedule import ScheduleModel, schedule_model
from gdt_tutorial.twin.swipe_curves import experienced_curves

__all__ = [
    "N_SLOTS",
    "EventLog",
    "EventRun",
    "Sight",
    "draw_log",
    "half_random",
    "log_of",
    "old_snr",
    "play_event",
    "textbook_snr",
    "true_snr",
]

N_SLOTS = 35
_LOGGED = ("context", "is_on", "qoe")
Sight = Callable[[PhysicalNetwork, list[Telemetry]], np.ndarray]
"""From a network and its slots so far to the SNRs that a chooser sees, "batch user ap"."""


def true_snr(network: PhysicalNetwork, past: list[Telemetry]) -> Float[np.ndarray, "batch user ap"]:
    """See the truth of the last slot."""
    return past[-1].snr_db


def old_snr(age_slots: int = 4) -> Sight:
    """Return the sight of reports that are some slots old, or the first ones."""

    def sight(network: PhysicalNetwork, past: list[Telemetry]) -> np.ndarray:
        return past[max(len(past) - 1 - age_slots, 0)].snr_db

    return sight


def textbook_snr(network: PhysicalNetwork, past: list[Telemetry]) -> Float[np.ndarray, "batch user ap"]:
    """See what the default law of the channel says where the users are, without their shadows and fades."""
    return expected_snr_db(past[-1].position_m, network.topology, ChannelConfig()).astype(np.float32)


class EventRun(NamedTuple):
    """Some slots: what was known, what was decided, and the QoE that they had."""

    context: Float[np.ndarray, "slot batch context"]
    is_on: Bool[np.ndarray, "slot batch ap part"]
    qoe: Float[np.ndarray, "slot batch"]  # mean over users, per second
    stall_s: Float[np.ndarray, "slot batch"]


class EventLog(NamedTuple):
    """Logged decisions, one after the other."""

    context: Float[np.ndarray, "sample context"]
    is_on: Bool[np.ndarray, "sample ap part"]
    rank: Float[np.ndarray, " sample"]  # of the advantage, from 0 to 1
    reward: Float[np.ndarray, " sample"]  # QoE of the slot after the decision's own
    next_context: Float[np.ndarray, "sample context"]
    qoe: Float[np.ndarray, "slot batch"]  # of the logging policy

    def best(self, share: float = 0.2) -> "EventLog":
        """Return the decisions of the highest ranks.

        Raises:
            ValueError: No such share.
        """
        require(0 < share <= 1, "share", "lie in (0, 1]", share, "0.2 is the best fifth")
        chosen, logged = self.rank >= 1 - share, ("context", "is_on", "rank", "reward", "next_context")
        return self._replace(**{name: getattr(self, name)[chosen] for name in logged})


def play_event(
    network: PhysicalNetwork,
    make: Callable[[ScheduleModel], Bitmap],
    n_slots: int = N_SLOTS,
    *,
    sight: Sight = old_snr(),
    seed: int,
) -> EventRun:
    """Run an event from its start under one chooser, with greedy schedules behind it.

    Args:
        network: It is reset.
        make: Makes the chooser.
        n_slots: How long.
        sight: What is known of the channels.
        seed: Of what the chooser draws.
    """
    model, n_aps = schedule_model(network), network.topology.n_aps
    curves = experienced_curves(network.viewers, network.catalog.n_types, seed=network.seed)
    abstractor = GroupAbstractor(network.catalog, network.capacity, curves, network.link)
    maker, rng = MutingMaker(GreedyAllocator(model), make(model)), stream(seed, "chooser")
    past, rows = [network.reset()], []
    for _ in range(n_slots):
        features = abstractor.abstract_session(past[-1].session, sight(network, past))
        decision = maker.decide(features, rng=rng)
        past.append(network.step(decision))
        service = past[-1].service
        rows.append(
            (
                muting_context(features, n_aps),
                ~decision.is_muted,
                service.qoe.mean(axis=1),
                service.stall_s.mean(axis=1),
            )
        )
    return EventRun(*(np.stack(each) for each in zip(*rows, strict=True)))


def half_random(model: ScheduleModel, share: float = 0.5) -> Bitmap:
    """Return the chooser of the logs: a search in a share of the slots, coins in the others."""
    n_aps = len(model.capacity.bandwidth_hz)
    search, coins = LocalSearch(model, (alternating(n_aps),)), random_bitmaps(n_aps)

    def choose(features: Features, rng: np.random.Generator) -> np.ndarray:
        is_on, searched = coins(features, rng), np.flatnonzero(rng.random(len(features.ap)) < share)
        if len(searched):
            is_on[searched] = search(take(features, searched), rng)
        return is_on

    return choose


def draw_log(n_events: int = 64, horizon_slots: int = 2, *, seed: int) -> EventLog:
    """Run the logging policy on old reports, and rank what it decided.

    Args:
        n_events: Side by side.
        horizon_slots: Over how many slots after a decision its worth is counted.
        seed: Of events, coins and walks.
    """
    return log_of([play_event(dense_event(n_events, seed=seed), half_random, seed=seed)], horizon_slots)


def log_of(runs: Sequence[EventRun], horizon_slots: int = 2) -> EventLog:
    """Rank what was decided in some runs of as many slots and events each, all against all.

    Args:
        runs: Of the logging policy.
        horizon_slots: Over how many slots after a decision its worth is counted.
    """
    context, is_on, qoe = (np.concatenate([getattr(run, name) for run in runs], axis=1) for name in _LOGGED)
    last = len(qoe) - horizon_slots
    worth = np.stack([qoe[slot + 1 : slot + 1 + horizon_slots].mean(axis=0) for slot in range(last)])
    episode = np.tile(np.arange(qoe.shape[1]), last)
    flat = context[:last].reshape(len(episode), -1)
    return EventLog(
        context=flat,
        is_on=is_on[:last].reshape(len(episode), *is_on.shape[2:]),
        rank=rank_of(advantage(worth.reshape(-1), flat, episode)),
        reward=qoe[1 : last + 1].reshape(-1),
        next_context=context[1 : last + 1].reshape(len(episode), -1),
        qoe=qoe,
    )
