"""The stored learning curves of the version networks, at fewer steps: what learns gains, and what does not loses.

The curves are of trainings, which take an hour and depend on the processor. So their numbers are not compared: their signs
and their order are, on the capacities where there is something to select.
"""

from dataclasses import replace

import pytest

from gdt_tutorial.case_study.learning.rivals import temporal_difference_curve
from gdt_tutorial.case_study.learning.trained_networks import FOLDER, N_NETWORKS
from gdt_tutorial.case_study.learning.training import TrainingConfig, train_versions
from gdt_tutorial.case_study.scenario import CaseStudyConfig
from gdt_tutorial.studies.tables import read_table

FEWER = TrainingConfig(n_rounds=1, n_episodes=2, n_validation=1)
SCENARIO = replace(CaseStudyConfig(), capacities_cycles_per_s=(6e9, 10e9, 12e9))


def stored(kind, column="gain"):
    """Return the column of each network that learned in this way."""
    _, rows = read_table(FOLDER / "learning.csv")
    own = [row for row in rows if row["kind"] == kind]
    return {row["network"]: [each[column] for each in own if each["network"] == row["network"]] for row in own}


def test_the_stored_curves_say_that_replays_gain_and_temporal_differences_lose():
    gains, rules = stored("versions"), stored("versions", "gain_of_rules")
    assert set(gains) == set(range(N_NETWORKS))
    assert all(min(gains[network]) > max(rules[network]) for network in gains)
    start, *later = stored("temporal differences")[0]
    assert abs(start) < 0.01
    assert max(later) < start


@pytest.mark.slow
def test_replays_gain_more_than_the_better_rule_after_one_round():
    row = train_versions(FEWER, SCENARIO, seed=0).history[-1]
    assert row["gain"] > max(row["gain_of_rules"], 0) + 1e-3, row


@pytest.mark.slow
def test_temporal_differences_lose_what_the_start_had():
    start, end = temporal_difference_curve(FEWER, SCENARIO, n_steps=12_000, n_parts=1, seed=0)
    assert abs(start[1]) < 0.01
    assert end[1] < start[1], (start, end)
