"""GAIL on CartPole and Acrobot, from ten episodes of a policy-gradient policy, with an absorbing state and a fixed horizon.

A reward of one sign alone could keep a pole upright without any imitation: -log(1 - D) is never negative, so it pays for
long episodes. On Acrobot, where short is good, the same sign pulls the wrong way. The absorbing state takes the pull away,
and the same run with a constant discriminator, which must stay where it started, shows that it does.
"""

from functools import cache, partial

import gymnasium
import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from torch import nn

from gdt_tutorial.agents.actor_critic import CategoricalActorCritic
from gdt_tutorial.agents.evaluation import Validation, episode_returns
from gdt_tutorial.agents.policy_gradient import (
    ActorCriticConfig,
    ActorCriticLearner,
    act,
    collect,
    train_actor_critic,
)
from gdt_tutorial.agents.replay import Collector
from gdt_tutorial.gai.absorbing import AbsorbingState, absorb
from gdt_tutorial.gai.demonstrations import Demonstrations
from gdt_tutorial.gai.gail import GailConfig, Imitator, train_gail
from gdt_tutorial.gai.gail_discriminator import NEG_LOG_ONE_MINUS_D, Discriminator
from gdt_tutorial.seeding import torch_stream

HORIZON, N_ENVS, SEEDS = 500, 32, (1, 2, 3)
PRACTICE = ActorCriticConfig(rollout_steps=32, learning_rate=2e-3)


def config_of(n_states, n_iterations):
    """Say how to learn; chosen on other seeds (104 to 107)."""
    return GailConfig(
        n_iterations=n_iterations,
        n_discriminator_steps=1,
        n_remembered=20,
        learning_rate=3e-4,
        last_step_share=0.01,
        reward=NEG_LOG_ONE_MINUS_D,
        absorbing_entry=n_states,
    )


def plain(name, n_envs):
    return SyncVectorEnv([partial(gymnasium.make, name)] * n_envs)


def absorbing(name, n_envs, is_staggered=False):
    """Side by side, at other places of the horizon when they are to practice."""
    first = [HORIZON * (env + 1) // n_envs if is_staggered else HORIZON for env in range(n_envs)]
    return SyncVectorEnv([lambda n=n: AbsorbingState(gymnasium.make(name), HORIZON, n) for n in first])


def expert_of(name, n_steps, seed=0):
    envs = plain(name, 8)
    n_states, n_actions = envs.single_observation_space.shape[0], int(envs.single_action_space.n)
    network = CategoricalActorCritic(n_states, n_actions, generator=torch_stream(seed, "expert"))
    validation = Validation(plain(name, 10), 10, generator=torch_stream(seed, "validation"))
    learner = ActorCriticLearner(network, ActorCriticConfig(n_steps=n_steps))
    train_actor_critic(learner, envs, generator=torch_stream(seed, "training"), validation=validation)
    return network


def demonstrated(name, expert, n_episodes=10):
    """Record whole episodes of the best actions, continued in the absorbing state."""
    collector = Collector(plain(name, n_episodes), generator=torch_stream(0, "demonstrations"))
    rollout = collect(collector, act(expert), HORIZON)
    batch, episodes = rollout.transitions, []
    for env in range(n_episodes):
        row = (rollout.env == env).nonzero().flatten()
        ends = (batch.is_terminated | batch.is_truncated)[row].nonzero().flatten()
        row = row[: int(ends[0]) + 1] if len(ends) else row
        episodes.append((batch.state[row], batch.action[row]))
    return Demonstrations(*absorb(episodes, HORIZON))


@torch.no_grad()
def running_steps(name, network, n_episodes=20, seed=0):
    """Return the mean steps before the absorbing state, by the best actions."""
    collector, n_running = Collector(absorbing(name, n_episodes), generator=torch_stream(seed, "judge")), 0.0
    for _ in range(HORIZON):
        n_running += float((collector.state[:, -1] == 0).float().mean())
        collector.step(act(network)(collector.state, collector.mask))
    return n_running


class Constant(nn.Module):
    """Always undecided: what it pays is the same everywhere."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, state, action):
        return 0.0 * self.unused.expand(len(state))


def before_and_after(name, demonstrations, n_iterations, seed, judge=None):
    n_states, n_actions = demonstrations.state.shape[1], int(demonstrations.action.max()) + 1
    network = CategoricalActorCritic(n_states, n_actions, generator=torch_stream(seed, "imitator"))
    judge = judge or Discriminator(demonstrations, n_actions, (32, 32), generator=torch_stream(seed, "judge"))
    config = config_of(n_states - 1, n_iterations)
    learner, generator = ActorCriticLearner(network, PRACTICE), torch_stream(seed, "batches")
    imitator = Imitator(learner, judge, demonstrations, n_actions, config, generator=generator)
    before = running_steps(name, network)
    train_gail(imitator, absorbing(name, N_ENVS, is_staggered=True), generator=torch_stream(seed, "practice"))
    return before, running_steps(name, network)


@cache
def demonstrations_of(name, n_steps, threshold):
    """Return ten episodes of a policy that is good enough to be imitated."""
    expert = expert_of(name, n_steps)
    returns = episode_returns(act(expert), plain(name, 10), 20, generator=torch_stream(5))
    assert returns.mean() >= threshold
    return demonstrated(name, expert)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_cartpole_stays_upright_by_imitation(seed):
    demonstrations = demonstrations_of("CartPole-v1", 200_000, 475)
    before, after = before_and_after("CartPole-v1", demonstrations, 1200, seed)
    assert before < 150
    assert after >= 450


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_cartpole_under_a_constant_discriminator_falls_over(seed):
    demonstrations = Demonstrations(torch.zeros(2, 5), torch.tensor([0, 1]))
    before, after = before_and_after("CartPole-v1", demonstrations, 1200, seed, Constant())
    assert after < 150, (before, after)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_acrobot_swings_up_by_imitation(seed):
    demonstrations = demonstrations_of("Acrobot-v1", 100_000, -100)
    before, after = before_and_after("Acrobot-v1", demonstrations, 1600, seed)
    assert before > 250
    assert after <= 120


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_acrobot_under_a_constant_discriminator_does_not_swing_up(seed):
    demonstrations = Demonstrations(torch.zeros(3, 7), torch.tensor([0, 1, 2]))
    before, after = before_and_after("Acrobot-v1", demonstrations, 1600, seed, Constant())
    assert after > 250, (before, after)
