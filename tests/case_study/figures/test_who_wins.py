"""Who wins where: the scenario of a task, and a fallback that is chosen anew in it."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.case_study.figures.who_wins import refit, scenario_of, tasks, work
from gdt_tutorial.case_study.learning.trained_networks import pretrained_versions
from gdt_tutorial.case_study.learning.training import FALLBACKS, TrainingConfig, choose_fallbacks
from gdt_tutorial.case_study.scenario import CaseStudyConfig
from tests.case_study.campuses import SMALL


def test_each_condition_differs_from_the_default_in_what_it_says():
    task = {"capacity": 6e9, "bandwidth_hz": 5e6, "n_users": 24, "stall_weight": 4.3, "seed": 0, "n_campuses": 1}
    scenario = scenario_of(task)
    assert (scenario.bandwidth_hz, scenario.network.n_users, scenario.network.qoe.stall_weight) == (5e6, 24, 4.3)
    assert replace(scenario, bandwidth_hz=10e6, network=CaseStudyConfig().network) == CaseStudyConfig()
    conditions = {tuple(task[name] for name in task if name not in ("seed", "n_campuses")) for task in tasks(2)}
    assert len(tasks(2)) == 2 * len(conditions) == 108


def test_refit_keeps_the_network_and_takes_the_best_fallback_of_the_scenario():
    trained, config = pretrained_versions(0), TrainingConfig(n_validation=1, n_batch=1)
    scenario = replace(SMALL, n_slots=4)
    again = refit(trained, scenario, 5e9, config)
    assert again.network is trained.network
    chosen, _ = choose_fallbacks(trained.network, config, replace(scenario, capacities_cycles_per_s=(5e9,)))
    assert again.fallbacks == chosen
    assert again.fallback_at(5e9) in FALLBACKS


@pytest.mark.slow
def test_every_scheme_is_run_once_per_task():
    rows = work(tasks(1)[0])
    assert [row["scheme"] for row in rows] == ["proposed", "myopic", "greedy_cost_rule", "drl_rule", "equal", "refit"]
    assert np.isfinite([row["qoe"] for row in rows]).all()
