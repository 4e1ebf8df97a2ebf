"""What an intent changes when it is carried out: the same campuses with and without it, paired.

Whom a clause concerns is judged here by the true positions, in the hours of the clause; the twin carries it out by the
positions that it believes. The metric is that of the clause's action: seconds of stall per second, quality per watched second,
or seconds of video that arrive per second. The cost is the change in quality of experience (QoE) of everybody else in the
same slots.

All three metrics are ratios of sums over users and slots, R = sum of a / sum of b over campuses. With one residual for each
campus, of both runs together, the interval of a change of R is that of a mean (linearized; Cochran 1977, sec. 6.4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.loops.external import every
from gdt_tutorial.loops.manager import GdtNetwork, group_abstractor, schedule_model
from gdt_tutorial.physical.logs.watch_logs import WatchLog
from gdt_tutorial.physical.messages import Telemetry
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.twin.abstraction.groups import Weigh
from gdt_tutorial.twin.abstraction.intents.priorities import Priorities, PriorityConfig
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.worlds.intents.meaning import Clause, Intent
from gdt_tutorial.worlds.intents.verdicts import METRIC_OF, Verdict

__all__ = ["CarriedOut", "CarryConfig", "carry_out", "greedy_network", "ratio_change", "run_with"]


@configclass
class CarryConfig:
    """The campuses on which an intent is carried out."""

    n_campuses: int = parameter(32, "Campuses, side by side.", "chosen", above=1)
    n_users: int = parameter(60, "Users of a campus.", "chosen", above=0)
    n_slots: int = parameter(60, "Slots of a run.", "chosen", above=1)
    period_slots: int = parameter(4, "Slots between two reports of a user.", "chosen", above=0)
    priorities: PriorityConfig = PriorityConfig()


@dataclass(frozen=True, kw_only=True)
class CarriedOut:
    """What one clause changed, with the half length of 95 % intervals over campuses.

    Attributes:
        before, after: The metric without and with the intent.
        change: Relative change of the metric.
        others_qoe: Change in the QoE of those whom no clause concerns, per user and second.
        share: Of users and slots, whom the clause concerns.
        verdict: The same in the words of a verdict.
    """

    before: float
    after: float
    change: tuple[float, float]
    others_qoe: tuple[float, float]
    share: float
    verdict: Verdict


def greedy_network(network: PhysicalNetwork, weigh: Weigh | None, period_slots: int) -> GdtNetwork:
    """Put a network under the greedy maker, with users' weights in its features, and reports in turn."""
    return GdtNetwork(
        network,
        HoldLast(topology=network.topology),
        {"greedy": GreedyAllocator(schedule_model(network))},
        every(period_slots),
        make_abstractor=partial(group_abstractor, weigh=weigh),
    )


def run_with(
    weigh: Weigh | None, config: CarryConfig = CarryConfig(), *, watch_log: WatchLog | None = None, seed: int
) -> list[Telemetry]:
    """Run the campuses of a seed under the greedy maker with these weights; return the truth of every slot."""
    gdt = greedy_network(_network(config.n_campuses, config, watch_log, seed), weigh, config.period_slots)
    truth: list[Telemetry] = []
    gdt.run(config.n_slots, lambda slot: truth.append(gdt.telemetry))
    return truth


def carry_out(
    intent: Intent,
    config: CarryConfig = CarryConfig(),
    *,
    watch_log: WatchLog | None = None,
    without: Sequence[Telemetry] | None = None,
    seed: int,
) -> list[CarriedOut]:
    """Run the same campuses with and without an intent, and say for each clause what it changed.

    Args:
        intent: What the operator wants.
        config: The campuses.
        watch_log: Real watch logs; None takes the embedded generator.
        without: What `run_with(None, ...)` returned of the same campuses, if it is at hand.
        seed: Of the campuses.

    Raises:
        ValueError: A clause that concerns nobody in these slots; a building or a type of video that there is not.
    """
    network = _network(1, config, watch_log, seed)
    priorities = Priorities(intent, network.topology.campus, network.catalog.type_names, config.priorities)
    runs = [
        without or run_with(None, config, watch_log=watch_log, seed=seed),
        run_with(priorities, config, watch_log=watch_log, seed=seed),
    ]
    # Nothing is decided before the first slot, and the second one plays what the first decision cannot reach.
    counted = range(2, len(runs[0]))
    concerned = {
        clause: np.stack([priorities.concerned(clause, runs[0][slot].position_m, slot) for slot in counted])
        for clause in intent.clauses
    }
    return [
        _changed(clause, concerned, [[run[slot] for slot in counted] for run in runs], config.priorities.slot_s)
        for clause in intent.clauses
    ]


def _changed(
    clause: Clause,
    concerned: Mapping[Clause, Bool[np.ndarray, "slot batch user"]],
    runs: Sequence[Sequence[Telemetry]],
    slot_s: float,
) -> CarriedOut:
    own = concerned[clause]
    require(
        own.any(), "intent", "concern somebody in these slots", clause, "see PriorityConfig.start_hour and radius_m"
    )
    parts = [_metric(clause, run, own, slot_s) for run in runs]
    before, after, change, half = ratio_change(*parts[0], *parts[1])
    # Others, in the slots in which the clause holds: whom no clause concerns.
    is_on = np.asarray(own.any(axis=(1, 2)))[:, None, None]
    other = is_on & ~np.any(list(concerned.values()), axis=0)
    qoe = [np.stack([telemetry.service.qoe for telemetry in run]) for run in runs]
    difference = ((qoe[1] - qoe[0]) * other).sum(axis=(0, 2)) / np.maximum(other.sum(axis=(0, 2)), 1)
    others = t_interval(difference)
    return CarriedOut(
        before=before,
        after=after,
        change=(change, half),
        others_qoe=others,
        share=float(own.mean()),
        verdict=Verdict.about(clause, change, half, *others),
    )


def _metric(
    clause: Clause, run: Sequence[Telemetry], own: Bool[np.ndarray, "slot batch user"], slot_s: float
) -> tuple[Float[np.ndarray, " campus"], Float[np.ndarray, " campus"]]:
    """Return of each campus what the action is about, and over how many seconds."""
    name, per = {
        "stall": ("stall_s", None),
        "quality": ("quality", "watched_s"),
        "video": ("received_s", None),
    }[METRIC_OF[clause.action]]

    def total(values: str | None) -> Float[np.ndarray, " campus"]:
        each = [np.full(own.shape[1:], slot_s) if values is None else getattr(t.service, values) for t in run]
        return (np.stack(each) * own).sum(axis=(0, 2))

    return total(name), total(per)


def _network(n_campuses: int, config: CarryConfig, watch_log: WatchLog | None, seed: int) -> PhysicalNetwork:
    sizes = NetworkConfig(n_users=config.n_users, slot_s=config.priorities.slot_s)
    return PhysicalNetwork.waterloo(n_campuses, sizes, watch_log=watch_log, seed=seed)


def ratio_change(
    before: Float[np.ndarray, " campus"],
    before_per: Float[np.ndarray, " campus"],
    after: Float[np.ndarray, " campus"],
    after_per: Float[np.ndarray, " campus"],
) -> tuple[float, float, float, float]:
    """Return a ratio of sums before and after, its relative change, and half of the length of the change's interval.

    Raises:
        ValueError: A ratio of nothing, or one that is 0 before.
    """
    sums = [each.sum() for each in (before, before_per, after, after_per)]
    require(min(sums[0], sums[1], sums[3]) > 0, "sums", "be above 0", sums, "run more campuses or slots")
    old, new = sums[0] / sums[1], sums[2] / sums[3]
    residual = (after - new * after_per) / after_per.mean() - (before - old * before_per) / before_per.mean()
    half = t_interval(residual)[1]
    return float(old), float(new), float(new / old - 1), float(half / old)
