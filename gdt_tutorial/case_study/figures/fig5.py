"""The runs behind Fig. 5: quality of experience (QoE) over computing capacity, for every scheme, on the same campuses.

One task is one lot of campuses at one capacity. Every scheme meets the same walks, channels, swipes and lists, so what a
table says of two schemes can be compared pair by pair. The seeds stand far from those that settings were chosen on, and from
those that networks learned from. The twin has emulated status: a report of each user per `period_slots`, and its LSTM.
"""

from typing import Any

import numpy as np
from jaxtyping import Int

from gdt_tutorial.case_study.bound import SessionBound
from gdt_tutorial.case_study.experiment import Campuses, Scheme, SessionResult, open_campuses, run_session
from gdt_tutorial.case_study.figures.schemes import SCHEMES, NamedScheme, networks_of
from gdt_tutorial.case_study.learning.training import fitting_version, swipe_aware_lists
from gdt_tutorial.case_study.scenario import CaseStudyConfig, ReplayedStatus, TwinStatus, Views
from gdt_tutorial.physical.logs.watch_logs import find_watch_log
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.solutions.data_model.baselines import GreedyByGainPerCost
from gdt_tutorial.twin.pretrained import pretrained_emulator

__all__ = [
    "EXTRAS",
    "MEASURES",
    "N_CAMPUSES",
    "TEST_SEED",
    "VERSION",
    "Lot",
    "everyone_alone",
    "measure",
    "observe",
    "tasks",
    "work",
]

VERSION = "3"
EXTRAS = ("unicast", "bound")  # rows of the table that are no schemes of `SCHEMES`
N_CAMPUSES = 4  # in a lot; a seed is a lot
TEST_SEED = 600_000  # 500_000 and on served an earlier version, and what it showed was used to improve the scheme
_N_DIGITS = 6  # after the point, in the table: far more than campuses can tell
_AFTER_HANDOVER = 3  # slots that count as disturbed by a handover, with its own
MEASURES = (  # what `measure` returns: the columns of the table
    "qoe", "quality", "variation", "stall", "waste", "qoe_p10", "qoe_p90", "handovers", "qoe_handover", "bandwidth",
    "computing",
)  # fmt: skip


def tasks(n_seeds: int, scenario: CaseStudyConfig = CaseStudyConfig()) -> list[dict[str, Any]]:
    """Return one task for each seed and capacity."""
    return [
        {"seed": TEST_SEED + seed, "capacity": capacity, "n_campuses": N_CAMPUSES}
        for seed in range(n_seeds)
        for capacity in scenario.capacities_cycles_per_s
    ]


def observe(campuses: Campuses, scenario: CaseStudyConfig) -> ReplayedStatus:
    """Emulate the status of a session once, for all schemes."""
    emulator = pretrained_emulator(campuses.network.topology)
    return ReplayedStatus.record(
        TwinStatus(campuses.network, emulator, scenario.period_slots), campuses.network, scenario.n_slots
    )


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Run every scheme with every network of it on one lot of campuses; return one row for each.

    After the schemes come unicast and the bound. A task may name some of all these under "schemes".
    """
    lot = Lot(task)
    return [row for name in task.get("schemes", (*SCHEMES, *EXTRAS)) for row in lot.rows(name)]


class Lot:
    """The campuses of a task, on which schemes are run one after the other under the same emulated status."""

    def __init__(self, task: dict[str, Any]) -> None:
        self._task, self._scenario = task, CaseStudyConfig()
        self._campuses = self._open()
        self._source = observe(self._campuses, self._scenario)

    def _open(self, **groups: Any) -> Campuses:
        return open_campuses(
            self._task["n_campuses"],
            self._scenario,
            computing_cycles_per_s=self._task["capacity"],
            seed=self._task["seed"],
            watch_log=find_watch_log() if self._task.get("source") == "logs" else None,
            **groups,
        )

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of a scheme of `SCHEMES`, of unicast, or of the bound."""
        if name == "unicast":
            return [self._row(name, -1, self._unicast())]
        if name == "bound":
            return [self._row(name, -1, self._bound())]
        return self.rows_of(name, SCHEMES[name])

    def rows_of(self, name: str, scheme: NamedScheme) -> list[dict[str, Any]]:
        """Return a row for each network of any scheme."""
        indices = networks_of(scheme)
        measured = [self._measure(self._campuses, scheme.make(self._campuses, index)) for index in indices]
        return [
            self._row(name, index if scheme.has_network else -1, each)
            for index, each in zip(indices, measured, strict=True)
        ]

    def _row(self, scheme: str, network: int, measured: dict[str, Any]) -> dict[str, Any]:
        where = {"capacity": self._task["capacity"], "seed": self._task["seed"]}
        return {**where, "scheme": scheme, "network": network, **measured}

    def _measure(self, campuses: Campuses, scheme: Scheme) -> dict[str, float]:
        return measure(run_session(campuses, scheme, self._source, self._scenario.n_slots), self._scenario)

    def _unicast(self) -> dict[str, float]:
        alone = self._open(group_users=everyone_alone)
        scheme = Scheme(
            buffering=swipe_aware_lists(alone),
            versions=fitting_version(alone),
            scheduler=GreedyByGainPerCost(alone.model),
        )
        return self._measure(alone, scheme)

    def _bound(self) -> dict[str, Any]:
        network = self._campuses.network
        network.reset(self._campuses.group)
        bound = SessionBound(network, self._scenario.n_slots).solve(network.capacity)
        # A bound has no parts.
        return {**dict.fromkeys(MEASURES, ""), "qoe": round(float(bound.mean()), _N_DIGITS)}


def measure(result: SessionResult, scenario: CaseStudyConfig) -> dict[str, float]:
    """Return the means of a session per user and second, and what the worst and best tenth of the users get."""
    of_user = result.qoe.mean(axis=0)
    recent = np.zeros(result.has_new_ap.shape, dtype=bool)
    for lag in range(_AFTER_HANDOVER):
        recent[lag:] |= result.has_new_ap[: len(recent) - lag]
    minutes = scenario.n_slots * scenario.network.slot_s / 60
    means = {
        "qoe": float(result.mean_qoe().mean()),
        **result.components(scenario.network.slot_s),
        "qoe_p10": float(np.quantile(of_user, 0.1)),
        "qoe_p90": float(np.quantile(of_user, 0.9)),
        "handovers": float(result.has_new_ap.sum(axis=0).mean() / minutes),
        "qoe_handover": float(result.qoe[recent].mean()) if recent.any() else float("nan"),
        "bandwidth": float(result.bandwidth.mean()),
        "computing": float(result.computing.mean()),
    }
    return {name: round(value, _N_DIGITS) for name, value in means.items()}


def everyone_alone(network: PhysicalNetwork, views: Views) -> Int[np.ndarray, "batch user"]:
    """Give every user a group, and so a list and streams, of their own: unicast."""
    return np.broadcast_to(np.arange(network.config.n_users), network.viewers.user.shape).copy()
