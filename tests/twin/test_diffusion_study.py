"""The stored comparison of diffusion with its rivals: what it says, that it runs, and what is refused."""

import numpy as np
import pytest

from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.studies.tables import read_table
from gdt_tutorial.twin.recipes import diffusion_study
from gdt_tutorial.twin.recipes.channel_study import ChannelStudyConfig
from gdt_tutorial.twin.recipes.diffusion_table import STORED, DiffusionTable
from gdt_tutorial.twin.recipes.ring_curves import decision_ms, value_of
from gdt_tutorial.twin.recipes.ring_decisions import (
    RingStudyConfig,
    best_of,
    diffusion_policy,
    logged_decisions,
    random_policy,
    trained_diffusion,
)
from gdt_tutorial.twin.recipes.ring_study import TWO_PATTERNS
from gdt_tutorial.worlds.channel_powers import ChannelPowers
from gdt_tutorial.worlds.ring import Ring
from gdt_tutorial.worlds.ring_logs import poor_policies
from tests.stored_tables import check_stored_table

ROWS = [
    {"seed": seed, "study": "expert", "place": place, "method": method, "measure": "value", "value": value}
    for seed, values in enumerate([(-0.4, -0.1, -0.2), (-0.6, -0.2, -0.3), (-0.5, -0.1, -0.4)])
    for (method, place), value in zip((("one", 0), ("one", 9), ("other", 9)), values, strict=True)
]


def test_differences_and_ratios_are_paired_by_seed():
    table = DiffusionTable({}, ROWS[::-1])
    assert table.mean("expert", "one") == pytest.approx(t_interval(np.array([-0.1, -0.2, -0.1])))
    assert table.mean("expert", "one", 0) == pytest.approx(t_interval(np.array([-0.4, -0.6, -0.5])))
    assert table.difference("expert", "one", "other") == pytest.approx(t_interval(np.array([0.1, 0.1, 0.3])))
    assert table.ratio("expert", "one", "other") == pytest.approx(t_interval(np.array([1 / 2, 2 / 3, 1 / 4])))
    assert list(table.curve("expert", "one")) == [0, 9]


def test_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match="method must have one row for each of 3 seeds"):
        DiffusionTable({}, ROWS).values("expert", "a third")


def test_the_better_of_candidates_by_hand():
    # In a slot where all but one queue are empty, whoever serves that queue is best, and a candidate in four does so.
    ring = Ring()
    queue = np.zeros((200, 6))
    queue[:, 2] = 8

    def alone(queue, rng):
        return np.eye(6)[rng.integers(6, size=len(queue))]

    chosen = best_of(alone, 16, ring, random_policy)(queue, stream(0, "candidates"))
    assert (chosen.sum(axis=1) == 1).all()
    assert chosen[:, 2].mean() > 0.8


def test_stored_table_is_of_this_version_and_says_how_it_was_made():
    check_stored_table("diffusion", STORED, diffusion_study, "seed", max_byte=1e5)


@pytest.mark.parametrize("kind", ["no expert", "two patterns", "online", "channels"])
def test_a_small_study_has_the_rows_of_the_stored_one(kind):
    rows = diffusion_study.work({"seed": 0, "kind": kind, "is_small": True})
    assert all(np.isfinite(row["value"]) for row in rows)
    names = ("study", "method", "measure")
    studies = {row["study"] for row in rows}
    stored = {tuple(row[n] for n in names) for row in read_table(STORED)[1] if row["study"] in studies}
    found = {tuple(row[n] for n in names) for row in rows}
    assert found <= stored
    assert all("DDPG online" in method for _, method, _ in stored - found) or kind == "online"


def test_what_does_not_learn_is_what_is_stored():
    table, seed = DiffusionTable.read(), diffusion_study.tasks(1)[0]["seed"]
    config, ring = RingStudyConfig(), Ring()
    for method, policy in (("max-weight", ring.max_weight), ("random", random_policy)):
        again = value_of(policy, ring, config, seed=seed)
        assert again == pytest.approx(table.values("expert", method)[0], rel=1e-5)
    problem = ChannelPowers()
    gain = problem.draw_gains(ChannelStudyConfig().n_test, rng=stream(seed, "fresh gains"))
    lost = problem.efficiency(gain, problem.water_filling(gain)) - problem.efficiency(gain, np.ones_like(gain))
    assert lost.mean() == pytest.approx(table.values("channels, rules", "equal power")[0], rel=1e-5)


def test_another_kind_of_task_is_refused():
    with pytest.raises(ValueError, match=r"kind must be one of \['channels', 'expert', .*\], got 'other'"):
        diffusion_study.work({"seed": 0, "kind": "other"})


def test_every_decision_is_timed_but_the_first():
    calls = []

    def policy(queue, rng):
        calls.append(queue.shape)
        sum(range(20_000))
        return np.zeros_like(queue)

    assert decision_ms(policy, Ring(), 5, rng=stream(0, "queues")) > 0.01
    assert calls == [(1, 6)] * 6
    with pytest.raises(ValueError, match="n_decisions must be above 0, got 0"):
        decision_ms(policy, Ring(), 0, rng=stream(0, "queues"))


@pytest.mark.slow
def test_guidance_beats_the_logs_in_half_of_the_stored_steps():
    seed, config = diffusion_study.tasks(1)[0]["seed"], RingStudyConfig(n_updates=700)
    logged = logged_decisions(False, config, seed=seed)
    model = trained_diffusion(logged, config, seed=seed)
    policies = {
        "guided": diffusion_policy(model, config.guided()),
        "drawn as the log": diffusion_policy(model, config.sampling, rank=None),
        "best logged": poor_policies(logged.ring)["longest"],
    }
    worth = {name: value_of(policy, logged.ring, config, seed=seed) for name, policy in policies.items()}
    assert worth["guided"] > worth["best logged"] / 2
    assert worth["drawn as the log"] < worth["best logged"]


@pytest.mark.parametrize(("study", "ring"), [("expert", Ring()), ("two patterns", Ring(TWO_PATTERNS))])
def test_deterministic_policy_gradient_stays_with_one_pattern(study, ring):
    table, config = DiffusionTable.read(), RingStudyConfig()
    last = table.values(study, "DDPG online", measure="value")
    for_ever = [
        value_of(lambda queue, rng: np.tile(ring.good_patterns[0], (len(queue), 1)), ring, config, seed=seed)
        for seed in table.seeds
    ]
    assert np.median(last - for_ever) == pytest.approx(0, abs=0.01)
