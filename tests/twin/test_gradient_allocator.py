"""The allocator that the policy gradient teaches, and going on learning while the campus drifts."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial.agents.policy_gradient import ActorCriticConfig
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.seeding import torch_stream
from gdt_tutorial.twin.decision.allocator import NetworkAllocator
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.recipes.online_allocator import (
    OnlineConfig,
    OnOwnRewards,
    actor_critic_of,
    learner_in_twin,
    manage,
    regret,
)
from gdt_tutorial.twin.recipes.policy_gradient_allocator import (
    GradientAllocatorConfig,
    gains,
    train_gradient_allocator,
    untrained,
)
from gdt_tutorial.twin.recipes.shipped_allocator import training_campus

QUICK = GradientAllocatorConfig(n_campuses=1, n_slots=4, learner=ActorCriticConfig(n_steps=20, rollout_steps=5))
SHORT = OnlineConfig(n_campuses=1, n_slots=4, slots_per_update=2)


def model():
    return schedule_model(PhysicalNetwork.waterloo(1, seed=0))


def test_the_untrained_allocator_is_the_greedy_one_wherever_it_decides():
    for cycles_per_s in (2e9, 8e9):
        campus = training_campus(2, 800_000, cycles_per_s, n_slots=8)
        start = untrained(campus.virtual.model)
        assert (gains(campus, [start])[0] == 0).all()


def test_training_changes_the_start_and_depends_on_the_seed_alone():
    first, again, other = (train_gradient_allocator(untrained(model()), QUICK, seed) for seed in (1, 1, 2))
    weights = [maker.network.layers[-1].weight for maker in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert not torch.equal(weights[0], untrained(model()).network.layers[-1].weight)


def test_the_checkpoint_keeps_the_greedy_logit(tmp_path):
    start = untrained(model())
    start.save(tmp_path / "a.safetensors")
    assert NetworkAllocator.load(tmp_path / "a.safetensors", model()).greedy_logit == start.greedy_logit


def agent(std=0.25):
    return actor_critic_of(untrained(model()), std, generator=torch_stream(0))


def test_a_frozen_session_is_that_of_the_greedy_allocator_and_drifts_at_half_time():
    config = OnlineConfig(n_campuses=2, n_slots=8, slots_per_update=3)
    frozen = manage(agent(), config, seed=3)
    assert frozen.shape == (8, 2)
    without = manage(agent(), replace(config, computing_share=1.0), seed=3)
    assert np.array_equal(frozen[:6], without[:6])  # the drift begins with the block of slots at half time


@pytest.mark.parametrize("kind", ["own rewards", "in the twin"])
def test_learning_agents_change_and_repeat(kind):
    def session(seed):
        learner = agent()
        makes = {"own rewards": OnOwnRewards, "in the twin": functools.partial(learner_in_twin, seed=seed)}
        configs = {"own rewards": SHORT.learner, "in the twin": SHORT}
        online = makes[kind](learner, configs[kind])
        return manage(learner, SHORT, seed=seed, online=online), learner.actor.layers[-1].weight

    (first, weight), (again, _), (other, _) = (session(seed) for seed in (1, 1, 2))
    assert first.shape == (4, 1)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert weight.abs().max() > 0


def test_regret_is_counted_against_the_best_rival_of_each_half():
    qoe = {"a": np.array([[1.0], [0.0]]), "b": np.array([[0.0], [2.0]]), "learner": np.array([[0.5], [1.0]])}
    found = regret(qoe, ["a", "b"])
    assert found == {"a": (0.0, 2.0), "b": (1.0, 0.0), "learner": (0.5, 1.0)}
    with pytest.raises(ValueError, match="rivals must name a manager"):
        regret(qoe, [])


def test_greedy_is_what_gains_are_counted_from():
    campus = training_campus(1, 5, 3e9, n_slots=4)
    assert (gains(campus, [GreedyAllocator(campus.virtual.model)])[0] == 0).all()
