"""Who wins where: the border between "a rule is enough" and "the GDT pays", over what a network may have to live with.

The networks of the proposed scheme were trained in the default scenario alone, and their fallbacks were chosen there; here
they meet others, with fewer or more users per group, a narrower or wider band, and viewers who mind rebuffering more. The
scheme `refit` is the proposed one with the same network, and a fallback chosen anew on validation campuses of the
scenario at hand, with the true status.
"""

from dataclasses import replace
from itertools import product
from typing import Any

from gdt_tutorial.case_study.experiment import Scheme, open_campuses, run_session
from gdt_tutorial.case_study.figures.fig5 import N_CAMPUSES, TEST_SEED, observe
from gdt_tutorial.case_study.figures.schemes import SCHEMES
from gdt_tutorial.case_study.learning.trained_networks import pretrained_versions
from gdt_tutorial.case_study.learning.training import TrainedVersions, TrainingConfig, choose_fallbacks
from gdt_tutorial.case_study.scenario import CaseStudyConfig
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.physical.playback import QoeConfig

__all__ = ["VERSION", "refit", "scenario_of", "tasks", "work"]

VERSION = "3"
_SCHEMES = ("proposed", "myopic", "greedy_cost_rule", "drl_rule", "equal")
_VALIDATION = TrainingConfig(n_validation=1, n_batch=12)  # 24 campuses, on other seeds than the runs
_CAPACITIES, _BANDS_HZ, _USERS, _STALL_WEIGHTS = (3e9, 6e9, 12e9), (5e6, 10e6, 20e6), (24, 60, 96), (1.85, 4.3)


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return one task for each condition and seed."""
    return [
        {
            "capacity": capacity,
            "bandwidth_hz": band_hz,
            "n_users": n_users,
            "stall_weight": weight,
            "seed": TEST_SEED + seed,
            "n_campuses": N_CAMPUSES,
        }
        for capacity, band_hz, n_users, weight, seed in product(
            _CAPACITIES, _BANDS_HZ, _USERS, _STALL_WEIGHTS, range(n_seeds)
        )
    ]


def scenario_of(task: dict[str, Any]) -> CaseStudyConfig:
    """Return the scenario of a task; 4.3 is the weight of rebuffering in the literature on adaptive bitrates."""
    network = NetworkConfig(n_users=task["n_users"], qoe=QoeConfig(stall_weight=task["stall_weight"]))
    return replace(CaseStudyConfig(), bandwidth_hz=task["bandwidth_hz"], network=network)


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Run some schemes on one lot of campuses, with the first network of those that learn.

    A task may name fewer of them under "schemes".
    """
    scenario = scenario_of(task)
    campuses = open_campuses(task["n_campuses"], scenario, computing_cycles_per_s=task["capacity"], seed=task["seed"])
    source = observe(campuses, scenario)

    def scheme_of(name: str) -> Scheme:
        if name != "refit":
            return SCHEMES[name].make(campuses, 0)
        there = refit(pretrained_versions(0), scenario, task["capacity"])
        return replace(SCHEMES["proposed"].make(campuses, 0), versions=there.selector(campuses))

    condition = {name: task[name] for name in ("capacity", "bandwidth_hz", "n_users", "stall_weight", "seed")}
    return [
        {
            **condition,
            "scheme": name,
            "qoe": float(run_session(campuses, scheme_of(name), source, scenario.n_slots).mean_qoe().mean()),
        }
        for name in task.get("schemes", (*_SCHEMES, "refit"))
    ]


def refit(
    trained: TrainedVersions,
    scenario: CaseStudyConfig,
    computing_cycles_per_s: float,
    config: TrainingConfig = _VALIDATION,
) -> TrainedVersions:
    """Return the same network with the fallback that validation campuses of another scenario choose at one capacity."""
    here = replace(scenario, capacities_cycles_per_s=(computing_cycles_per_s,))
    fallbacks, _ = choose_fallbacks(trained.network, config, here)
    return TrainedVersions(network=trained.network, fallbacks=fallbacks)
