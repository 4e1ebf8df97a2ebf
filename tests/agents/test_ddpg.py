"""DDPG against one update of stable-baselines3, hand values, and Pendulum."""

import functools
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from gdt_tutorial.agents.ddpg import Actor, Critic, DDPGConfig, DDPGLearner, act, train_ddpg, train_offline
from gdt_tutorial.agents.evaluation import Validation, episode_returns
from gdt_tutorial.agents.exploration_noise import GaussianNoise, OrnsteinUhlenbeckNoise
from gdt_tutorial.agents.replay import ReplayBuffer, Transitions
from gdt_tutorial.seeding import keep_torch_rng, torch_stream

QUICK = DDPGConfig(n_steps=300, learning_starts=50, steps_per_update=4, batch_size=8, validation_steps=100)


def random_batch(n=16, n_states=2, n_actions=1, seed=0):
    draw = torch_stream(seed, "batch")
    return Transitions(
        state=torch.randn(n, n_states, generator=draw),
        action=2 * torch.rand(n, n_actions, generator=draw) - 1,
        reward=torch.randn(n, generator=draw),
        next_state=torch.randn(n, n_states, generator=draw),
        is_terminated=torch.arange(n) % 4 == 0,
        is_truncated=torch.arange(n) % 3 == 0,
        mask=torch.ones(n, 0, dtype=torch.bool),
        next_mask=torch.ones(n, 0, dtype=torch.bool),
    )


def learner_of(seed=0, config=QUICK, hidden=(16, 8), n_states=2, n_actions=1):
    actor = Actor(n_states, n_actions, hidden, generator=torch_stream(seed, "actor"))
    return DDPGLearner(actor, Critic(n_states, n_actions, hidden, generator=torch_stream(seed, "critic")), config)


def copy_into(theirs, ours):
    for to, source in zip(theirs.parameters(), ours.parameters(), strict=True):
        to.data.copy_(source.data)


def test_updates_equal_those_of_stable_baselines3(reach):
    config = DDPGConfig(batch_size=16, discount=0.9, actor_learning_rate=1e-3, critic_learning_rate=1e-3, tau=0.01)
    ours, batch = learner_of(config=config), random_batch()
    # Unequal copies, so that a mix-up would be seen.
    other = learner_of(seed=1)
    copy_into(ours.target_actor, other.actor)
    copy_into(ours.target_critic, other.critic)
    with keep_torch_rng():
        from stable_baselines3 import DDPG  # here, since importing it takes seconds
        from stable_baselines3.common.logger import Logger
        from stable_baselines3.common.type_aliases import ReplayBufferSamples

        theirs = DDPG(
            "MlpPolicy",
            reach(),
            learning_rate=1e-3,
            gamma=0.9,
            tau=0.01,
            buffer_size=16,
            policy_kwargs={"net_arch": [16, 8]},
        )
        for name in ("actor", "critic"):
            copy_into(getattr(theirs, name), getattr(ours, name))
            copy_into(getattr(theirs, f"{name}_target"), getattr(ours, f"target_{name}"))
        samples = ReplayBufferSamples(
            observations=batch.state,
            actions=batch.action,
            next_observations=batch.next_state,
            dones=batch.is_terminated[:, None].float(),
            rewards=batch.reward[:, None],
        )
        theirs.replay_buffer.sample = lambda batch_size, env: samples
        theirs.set_logger(Logger(None, []))
        for _ in range(3):
            theirs.train(gradient_steps=1, batch_size=16)
    for _ in range(3):
        ours.update(batch)
    for name in ("actor", "critic"):
        for mine, other_one in (
            (getattr(ours, name), getattr(theirs, name)),
            (getattr(ours, f"target_{name}"), getattr(theirs, f"{name}_target")),
        ):
            for weight, expected in zip(mine.parameters(), other_one.parameters(), strict=True):
                torch.testing.assert_close(weight, expected, rtol=0, atol=1e-6)


def test_targets_equal_hand_values_under_termination_and_truncation():
    learner, batch = learner_of(), random_batch(12)
    with torch.no_grad():
        for weight in learner.target_critic.parameters():
            weight.zero_()
        learner.target_critic.layers[-1].bias.fill_(5.0)
    ends = (batch.is_terminated & batch.is_truncated, batch.is_terminated, batch.is_truncated, ~batch.is_terminated)
    assert all(kind.any() for kind in ends)
    y = learner.target(batch)
    torch.testing.assert_close(y, batch.reward + torch.where(batch.is_terminated, 0.0, 0.99 * 5.0))


def test_copies_follow_by_tau():
    learner = learner_of(config=DDPGConfig(tau=0.25))
    before = learner.target_actor.layers[0].weight.clone()
    learner.update(random_batch())
    expected = 0.75 * before + 0.25 * learner.actor.layers[0].weight.detach()
    torch.testing.assert_close(learner.target_actor.layers[0].weight.detach(), expected.detach())


def test_first_actions_are_near_zero_and_actions_stay_within_one():
    actor = Actor(3, 2, generator=torch_stream(0))
    state = 3 * torch.randn(50, 3, generator=torch_stream(1))
    assert actor(state).abs().max() < 0.2
    with torch.no_grad():
        actor.layers[-1].weight *= 1e4
    assert 0.9 < actor(state).abs().max() <= 1


def test_gaussian_noise_has_its_spread():
    noise = GaussianNoise(4, 3, sigma=0.5, generator=torch_stream(0))
    draws = torch.stack([noise.draw() for _ in range(2_000)])
    assert draws.shape == (2_000, 4, 3)
    assert draws.std().item() == pytest.approx(0.5, rel=0.03)
    noise.restart(torch.tensor([0]))


def test_ornstein_uhlenbeck_noise_has_its_memory_and_its_stationary_spread():
    noise = OrnsteinUhlenbeckNoise(500, 1, generator=torch_stream(0))
    draws = torch.stack([noise.draw() for _ in range(200)])[100:]
    # An AR(1) process with coefficient 0.85: variance sigma^2 / (1 - 0.85^2).
    assert draws.std().item() == pytest.approx(0.2 / np.sqrt(1 - 0.85**2), rel=0.05)
    correlation = (draws[1:] * draws[:-1]).mean() / (draws**2).mean()
    assert correlation.item() == pytest.approx(0.85, abs=0.02)


def test_ornstein_uhlenbeck_noise_restarts_where_an_episode_ended():
    noise = OrnsteinUhlenbeckNoise(2, 1, theta=0.0, sigma=1.0, generator=torch_stream(0))
    draw = torch_stream(0)
    first, second = (torch.randn(2, 1, generator=draw) for _ in range(2))
    torch.testing.assert_close(noise.draw(), first)
    noise.restart(torch.tensor([0]))
    torch.testing.assert_close(noise.draw(), torch.stack([second[0], first[1] + second[1]]))


def trained(vector, reach, seed=0, config=QUICK, **options):
    learner = learner_of(seed, config)
    noise = GaussianNoise(2, 1, generator=torch_stream(seed, "noise"))
    train_ddpg(learner, vector(reach, n=2), noise, generator=torch_stream(seed, "training"), **options)
    return learner


def test_a_point_is_brought_to_zero(vector, reach):
    config = DDPGConfig(
        n_steps=1_000, learning_starts=250, discount=0.9, actor_learning_rate=3e-3, critic_learning_rate=3e-3, tau=0.02
    )
    learner = trained(vector, reach, config=config)
    untrained, found = (
        episode_returns(act(actor), vector(reach, n=10), 50, generator=torch_stream(0, "test")).mean()
        for actor in (learner_of().actor, learner.actor)
    )
    # Best is one step of the full length and then the rest: what remains of a start beyond 1.
    assert found > 0.15 * untrained


def test_same_generators_same_weights_other_generators_other_weights(vector, reach):
    first, again, other = (trained(vector, reach, seed).actor.layers[0].weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_validation_is_done_when_due_and_at_the_end_and_updates_are_reported(vector, reach):
    updates = []
    validation = Validation(vector(reach), 2, generator=torch_stream(0, "validation"))
    trained(vector, reach, validation=validation, on_update=lambda step, loss: updates.append(step))
    assert [n_steps for n_steps, _ in validation.history] == [100, 200, 300]
    assert updates == list(range(52, 300, 4))


def test_continuous_transitions_pass_the_buffer():
    buffer = ReplayBuffer(16)
    buffer.add(random_batch())
    assert buffer.sample(5, generator=torch_stream(0)).mask.shape == (5, 0)


class Grid(gym.Env):
    observation_space = spaces.Box(-1, 1, (2,))
    action_space = spaces.Box(-1, 1, (2, 2))


@pytest.mark.parametrize("kind", ["discrete", "grid"])
def test_other_action_spaces_are_refused(vector, counting, kind):
    envs = vector(Grid if kind == "grid" else lambda: counting(3))
    with pytest.raises(ValueError, match="action space must be a Box with one axis"):
        train_ddpg(learner_of(), envs, GaussianNoise(1, 1, generator=torch_stream(0)), generator=torch_stream(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tau": 0.0}, r"tau must lie in \(0, 1\], got 0.0"),
        ({"tau": 1.5}, r"tau must lie in \(0, 1\], got 1.5; pass 1 for copies"),
    ],
)
def test_config_is_checked(change, message):
    with pytest.raises(ValueError, match=message):
        DDPGConfig(**change)


@pytest.mark.slow
def test_the_pendulum_is_swung_up(vector):
    config = DDPGConfig(n_steps=10_000, discount=0.98, actor_learning_rate=1e-3, tau=0.005, validation_steps=1_000)
    make = functools.partial(gym.make, "Pendulum-v1")
    scores = []
    for seed in range(3):
        learner = learner_of(seed, config, (128, 64), n_states=3)
        validation = Validation(vector(make, n=10), 20, generator=torch_stream(seed, "validation"))
        noise = GaussianNoise(1, 1, generator=torch_stream(seed, "noise"))
        train_ddpg(learner, vector(make), noise, generator=torch_stream(seed, "training"), validation=validation)
        returns = episode_returns(act(learner.actor), vector(make, n=20), 20, generator=torch_stream(seed, "test"))
        scores.append(returns.mean())
    assert np.median(scores) >= -200, scores


def test_offline_training_equals_updates_from_a_full_buffer():
    config = DDPGConfig(batch_size=8)
    batch = random_batch(64)
    buffers = [ReplayBuffer(64), ReplayBuffer(64)]
    for buffer in buffers:
        buffer.add(batch)
    ours, theirs, losses = learner_of(config=config), learner_of(config=config), []
    train_offline(
        ours, buffers[0], 5, generator=torch_stream(0, "draw"), on_update=lambda update, loss: losses.append(loss)
    )
    generator = torch_stream(0, "draw")
    assert losses == [theirs.update(buffers[1].sample(8, generator=generator)) for _ in range(5)]
    for mine, other in zip(ours.actor.parameters(), theirs.actor.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=0)


def test_what_is_augmented_is_what_is_learned_from():
    buffer = ReplayBuffer(64)
    buffer.add(random_batch(64))

    def mirrored(found):
        return replace(found, state=-found.state, action=-found.action, next_state=-found.next_state)

    ours, theirs = learner_of(), learner_of()
    train_offline(ours, buffer, 1, generator=torch_stream(0, "draw"), augment=mirrored)
    theirs.update(mirrored(buffer.sample(QUICK.batch_size, generator=torch_stream(0, "draw"))))
    for mine, other in zip(ours.critic.parameters(), theirs.critic.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=0)
