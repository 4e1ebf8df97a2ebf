"""The runs behind Fig. 5: quality of experience (QoE) over computing capacity, for every scheme, on the same campuses.

One task is one lot of campuses at one capacity. Every scheme meets the same walks, channels, swipes and lists, so what a
table says of two schemes can be compared pair by pair. The seeds stand far from those that settings were chosen on, and from
those that networks learned from. The twin has emulated status: a report of each user per `period_slots`, and its LSTM.
"""

from typing import Any

import numpy as np
from jaxtyping import Int

from gdt_tutorial.case_study.bound import SessionBound
from gdt_tutorial.case_study.experiment import Campuses, Scheme, SessionResult, StatusSource, open_campuses, run_session
from gdt_tutorial.case_study.figures.schemes import SCHEMES, networks_of
from gdt_tutorial.case_study.learning.training import fitting_version, swipe_aware_lists
from gdt_tutorial.case_study.scenario import CaseStudyConfig, ReplayedStatus, TwinStatus, Views
from gdt_tutorial.physical.logs.watch_logs import find_watch_log
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.solutions.data_model.baselines import GreedyByGainPerCost
from gdt_tutorial.twin.pretrained import pretrained_emulator

__all__ = ["N_CAMPUSES", "TEST_SEED", "VERSION", "everyone_alone", "measure", "observe", "tasks", "work"]

VERSION = "2"
N_CAMPUSES = 4  # in a lot; a seed is a lot
TEST_SEED = 600_000  # 500_000 and on served an earlier version, and what it showed was used to improve the scheme
_N_DIGITS = 6  # after the point, in the table: far more than campuses can tell
_AFTER_HANDOVER = 3  # slots that count as disturbed by a handover, with its own


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
    """Run every scheme with every network of it on one lot of campuses; return one row for each, and one for the bound."""
    scenario = CaseStudyConfig()

    def campuses_with(**groups: Any) -> Campuses:
        return open_campuses(
            task["n_campuses"],
            scenario,
            computing_cycles_per_s=task["capacity"],
            seed=task["seed"],
            watch_log=find_watch_log() if task.get("source") == "logs" else None,
            **groups,
        )

    campuses = campuses_with()
    source = observe(campuses, scenario)
    rows = []
    for name in task.get("schemes", SCHEMES):
        for index in networks_of(SCHEMES[name]):
            result = run_session(campuses, SCHEMES[name].make(campuses, index), source, scenario.n_slots)
            network = index if SCHEMES[name].has_network else -1
            rows.append({**_named(task, name, network), **measure(result, scenario)})
    if "schemes" not in task:
        alone = campuses_with(group_users=everyone_alone)
        rows.append({**_named(task, "unicast", -1), **_unicast(alone, source, scenario)})
        campuses.network.reset(campuses.group)
        bound = SessionBound(campuses.network, scenario.n_slots).solve(campuses.network.capacity)
        # A bound has no parts.
        rows.append(
            {**dict.fromkeys(rows[0], ""), **_named(task, "bound", -1), "qoe": round(float(bound.mean()), _N_DIGITS)}
        )
    return rows


def _named(task: dict[str, Any], scheme: str, network: int) -> dict[str, Any]:
    return {"capacity": task["capacity"], "seed": task["seed"], "scheme": scheme, "network": network}


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


def _unicast(campuses: Campuses, source: StatusSource, scenario: CaseStudyConfig) -> dict[str, float]:
    scheme = Scheme(
        buffering=swipe_aware_lists(campuses),
        versions=fitting_version(campuses),
        scheduler=GreedyByGainPerCost(campuses.model),
    )
    return measure(run_session(campuses, scheme, source, scenario.n_slots), scenario)
