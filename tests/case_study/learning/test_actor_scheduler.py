"""Shares that an actor says: what they mean, what it sees, and that it can learn from them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial.agents.ddpg import Actor, Critic, DDPGConfig, DDPGLearner, train_ddpg
from gdt_tutorial.agents.exploration_noise import OrnsteinUhlenbeckNoise
from gdt_tutorial.case_study.learning.actor_scheduler import LOG_RANGE, ActorScheduler, ShareActuator, shares_of
from gdt_tutorial.case_study.learning.training import fitting_version
from gdt_tutorial.physical.delivery import sum_per_ap
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.solutions.data_model.baselines import EqualSplit
from gdt_tutorial.solutions.data_model.cell_state import EMPTY, n_state, order_branches
from gdt_tutorial.solutions.data_model.scheduling import Scheduler
from tests.case_study.campuses import small_campuses, small_cells, trajectory_of, versions_at_random

N_BRANCHES = 16


def slots(n_slots=3):
    campuses = small_campuses(n_batch=2)
    return campuses, [
        (features, order_branches(features, 2, N_BRANCHES)) for _, features in trajectory_of(campuses, n_slots)
    ]


def action_at_random(seed=0):
    return stream(seed, "action").uniform(-1, 1, size=(2, 2, 2 * N_BRANCHES))


def strong_actor(seed=0):
    """Return an actor whose answers differ a lot between states."""
    generator = torch_stream(seed, "actor")
    actor = Actor(n_state(N_BRANCHES, 4, 0), 2 * N_BRANCHES, generator=generator)
    with torch.no_grad():
        for weight in actor.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) / weight.shape[-1] ** 0.5)
    return actor


class TestSharesOf:
    def test_they_sum_to_one_at_every_access_point_that_serves(self):
        _, trajectory = slots()
        for seed, (features, order) in enumerate(trajectory):
            serves = (order != EMPTY).any(axis=-1)
            for share in shares_of(action_at_random(seed), features, order):
                np.testing.assert_allclose(sum_per_ap(share, features.ap, 2), serves.astype(float), atol=1e-12)
                assert (share >= 0).all()
            assert serves.any()

    def test_an_actor_that_says_nothing_splits_by_members(self):
        _, trajectory = slots()
        for features, order in trajectory:
            band, cycles = shares_of(np.zeros((2, 2, 2 * N_BRANCHES)), features, order)
            np.testing.assert_array_equal(band, cycles)
            for env, ap in np.ndindex(2, 2):
                own = order[env, ap][order[env, ap] != EMPTY]
                members = features.n_members[env, own]
                np.testing.assert_allclose(band[env, own], members / members.sum())

    def test_the_first_number_of_a_branch_is_for_the_band_and_the_second_for_the_cycles(self):
        _, ((features, order), *_) = slots(1)
        action = np.zeros((2, 2, 2 * N_BRANCHES))
        action[0, 0, 2] = 1  # band of the second branch
        action[1, 1, 1] = -1  # cycles of the first branch
        even = shares_of(np.zeros_like(action), features, order)[0]
        band, cycles = shares_of(action, features, order)
        first, second = order[0, 0, :2]
        assert band[0, second] / band[0, first] == pytest.approx(np.exp(LOG_RANGE) * even[0, second] / even[0, first])
        np.testing.assert_array_equal(cycles[0], even[0])
        np.testing.assert_array_equal(band[1], even[1])
        first, second = order[1, 1, :2]
        assert cycles[1, second] / cycles[1, first] == pytest.approx(
            np.exp(LOG_RANGE) * even[1, second] / even[1, first]
        )

    def test_numbers_beyond_the_range_count_as_its_ends(self):
        _, ((features, order), *_) = slots(1)
        far, end = (shares_of(np.sign(action_at_random()) * size, features, order) for size in (9.0, 1.0))
        np.testing.assert_array_equal(far, end)

    def test_another_number_of_branches_is_refused(self):
        _, ((features, order), *_) = slots(1)
        with pytest.raises(ValueError, match="action must hold 32 numbers per cell"):
            shares_of(np.zeros((2, 2, 30)), features, order)


class TestActorScheduler:
    def test_an_actor_that_says_zero_is_the_equal_split_of_those_who_want_something(self):
        campuses, trajectory = slots()
        actor = Actor(n_state(N_BRANCHES, 4, 0), 2 * N_BRANCHES, generator=torch_stream(0, "actor"))
        with torch.no_grad():
            for weight in actor.parameters():
                weight.zero_()
        scheduler, n_same = ActorScheduler(campuses.model, actor), 0
        for features, _ in trajectory:
            version = versions_at_random(features)
            left, right = (each.schedule(features, version) for each in (scheduler, EqualSplit(campuses.model)))
            n_same += np.array_equal(left.segments, right.segments)
        assert n_same >= 1
        assert isinstance(scheduler, Scheduler)

    def test_it_never_sees_another_cell(self):
        campuses, trajectory = slots()
        scheduler, n_moved = ActorScheduler(campuses.model, strong_actor()), 0
        for features, _ in trajectory:
            version = versions_at_random(features)
            there = (features.ap == 1)[..., None]
            changed = replace(
                features,
                value_s=np.where(there, features.value_s[..., ::-1] * 3, features.value_s),
                stored_s=np.where(there[..., 0], features.stored_s + 5, features.stored_s),
            )
            one, other = scheduler.schedule(features, version), scheduler.schedule(changed, version)
            here = features.ap == 0
            for name in ("segments", "bandwidth_share", "computing_share"):
                np.testing.assert_array_equal(getattr(one, name)[here], getattr(other, name)[here])
            n_moved += (one.bandwidth_share[~here] != other.bandwidth_share[~here]).any()
        assert n_moved > 0

    def test_its_shares_are_those_of_the_actuator(self):
        campuses, trajectory = slots()
        features, order = trajectory[-1]
        action = action_at_random()

        class Says(torch.nn.Module):
            def forward(self, state):
                return torch.from_numpy(action).flatten(0, 1)

        decide = ShareActuator(fitting_version).begin(campuses)
        expected = decide(features, action.reshape(4, -1), order)
        found = ActorScheduler(campuses.model, Says()).schedule(features, fitting_version(campuses).select(features))
        for name in ("segments", "version", "bandwidth_share", "computing_share"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_an_actor_can_learn_in_the_cells():
    cells = small_cells((2e9, 4e9), (fitting_version,), ShareActuator(fitting_version), n_worlds=2, n_slots=4)
    state, info = cells.reset(seed=0)
    assert info == {}
    assert cells.single_action_space.shape == (2 * N_BRANCHES,)
    n_states, generator = state.shape[1], torch_stream(0, "actor")
    config = DDPGConfig(n_steps=80, learning_starts=16, steps_per_update=4, batch_size=8)
    actor = Actor(n_states, 2 * N_BRANCHES, generator=generator)
    before, losses = actor(torch.from_numpy(state)).detach().clone(), []
    learner = DDPGLearner(actor, Critic(n_states, 2 * N_BRANCHES, generator=generator), config)
    noise = OrnsteinUhlenbeckNoise(cells.num_envs, 2 * N_BRANCHES, generator=generator)
    train_ddpg(learner, cells, noise, generator=generator, on_update=lambda update, loss: losses.append(loss))
    assert len(losses) > 5
    assert np.isfinite(losses).all()
    assert (actor(torch.from_numpy(state)) - before).abs().max() > 0
