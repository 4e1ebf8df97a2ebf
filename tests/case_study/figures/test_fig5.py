"""The runs of Fig. 5: which tasks there are, what is measured, and one small task."""

import numpy as np
import pytest

from gdt_tutorial.case_study.experiment import SessionResult
from gdt_tutorial.case_study.figures.fig5 import (
    EXTRAS,
    MEASURES,
    N_CAMPUSES,
    TEST_SEED,
    everyone_alone,
    measure,
    tasks,
    work,
)
from gdt_tutorial.case_study.figures.schemes import SCHEMES
from gdt_tutorial.case_study.learning.training import TRAINING_SEED, VALIDATION_SEED
from gdt_tutorial.case_study.scenario import CaseStudyConfig
from tests.case_study.campuses import SMALL, small_campuses, trajectory_of


def result_of(qoe, has_new_ap):
    """Return a session in which all parts but these are as simple as can be."""
    zero, use = np.zeros(qoe.shape), np.full((len(qoe), qoe.shape[1], 2), 0.5)
    return SessionResult(
        qoe=qoe, quality=zero + 3.0, variation=zero + 0.5, stall_s=zero + 0.2, watched_s=zero, received_s=zero,
        dropped_s=zero + 0.1, has_new_ap=has_new_ap, bandwidth=use, computing=use / 2, decide_s=np.zeros(len(qoe)),
    )  # fmt: skip


def test_there_is_one_task_for_each_seed_and_capacity():
    found = tasks(3)
    capacities = CaseStudyConfig().capacities_cycles_per_s
    assert len(found) == 3 * len(capacities)
    assert len({(task["seed"], task["capacity"]) for task in found}) == len(found)
    assert {task["n_campuses"] for task in found} == {N_CAMPUSES}
    assert tasks(3)[: len(tasks(2))] == tasks(2)  # more seeds only add


def test_no_seed_was_learned_from_or_chosen_on():
    seeds = {task["seed"] for task in tasks(1000)}
    assert min(seeds) >= TEST_SEED > TRAINING_SEED + 10_000 * 5 + 1_000 * 3 + 100 * 2 + 8
    assert min(seeds) > VALIDATION_SEED + 1_000
    assert max(seeds) < 10_000_000  # from where the actor's campuses come


def test_unicast_is_a_group_for_every_user():
    campuses = small_campuses(n_batch=2, group_users=everyone_alone)
    np.testing.assert_array_equal(campuses.group, [np.arange(16)] * 2)
    session = campuses.network.reset(campuses.group).session
    assert session.playlist.shape[1] == 16
    campuses.group[0, 0] = 0  # its own array, not a view of one row
    assert campuses.group[1].tolist() == list(range(16))


def test_measures_are_means_per_user_and_second():
    qoe = np.arange(6 * 2 * 16, dtype=np.float64).reshape(6, 2, 16)
    has_new_ap = np.zeros(qoe.shape, dtype=bool)
    has_new_ap[2, 1, 5] = True
    row = measure(result_of(qoe, has_new_ap), SMALL)
    assert tuple(row) == MEASURES
    assert row["qoe"] == pytest.approx(qoe.mean())
    assert [row[name] for name in ("quality", "variation", "stall", "waste")] == pytest.approx([1.5, 0.25, 0.1, 0.05])
    # One handover among 32 users in 12 s; the three slots from it on count as disturbed.
    assert row["handovers"] == pytest.approx(1 / 32 * 5)
    assert row["qoe_handover"] == pytest.approx(qoe[2:5, 1, 5].mean())
    assert (row["bandwidth"], row["computing"]) == (0.5, 0.25)
    assert row["qoe_p10"] < row["qoe"] < row["qoe_p90"]


def test_a_handover_in_the_last_slot_does_not_reach_beyond_it():
    qoe = np.zeros((6, 1, 16))
    has_new_ap = np.zeros(qoe.shape, dtype=bool)
    has_new_ap[5, 0, 0] = True
    qoe[5, 0, 0] = 4.0
    assert measure(result_of(qoe, has_new_ap), SMALL)["qoe_handover"] == 4.0
    assert np.isnan(measure(result_of(qoe, np.zeros_like(has_new_ap)), SMALL)["qoe_handover"])


def test_a_task_with_chosen_schemes_gives_a_row_for_each():
    task = {"seed": TEST_SEED, "capacity": 6e9, "n_campuses": 1, "schemes": ["greedy_cost_rule", "equal"]}
    rows = work(task)
    assert [(row["scheme"], row["network"]) for row in rows] == [("greedy_cost_rule", -1), ("equal", -1)]
    for row in rows:
        assert (row["seed"], row["capacity"]) == (TEST_SEED, 6e9)
        total = row["quality"] - row["variation"] - 1.85 * row["stall"]
        assert row["qoe"] == pytest.approx(total, abs=3e-6)  # each part has six digits
    assert work({**task, "schemes": ["equal"]}) == rows[1:]


def test_a_scheme_that_learned_gives_a_row_for_each_of_its_networks():
    task = {"seed": TEST_SEED, "capacity": 6e9, "n_campuses": 1, "schemes": ["greedy_cost_learned"]}
    rows = work(task)
    assert [row["network"] for row in rows] == list(range(5))
    assert np.isfinite([row["qoe"] for row in rows]).all()


def test_unicast_and_the_bound_are_run_on_the_same_campuses():
    task = {"seed": TEST_SEED, "capacity": 6e9, "n_campuses": 1, "schemes": [*EXTRAS, "equal"]}
    unicast, bound, equal = work(task)
    assert list(unicast) == list(bound) == list(equal)
    assert [bound[name] for name in MEASURES[1:]] == [""] * (len(MEASURES) - 1)
    assert unicast["qoe"] < equal["qoe"] < bound["qoe"]


def test_the_yardstick_of_the_actor_has_its_lists_and_its_versions():
    campuses = small_campuses(6e9)
    yardstick, actor, aware = (SCHEMES[name].make(campuses, 0) for name in ("equal_sequential", "drl_rule", "equal"))
    _, features = trajectory_of(campuses, 3)[-1]
    np.testing.assert_array_equal(yardstick.versions.select(features), actor.versions.select(features))
    telemetry, _ = trajectory_of(campuses, 3)[-1]
    lists = [
        each.buffering.abstract_session(telemetry.session, telemetry.snr_db).segments
        for each in (yardstick, actor, aware)
    ]
    np.testing.assert_array_equal(lists[0], lists[1])
    assert not np.array_equal(lists[0], lists[2])
