"""Transitions never cross an episode's border, masks are kept, and draws follow the generator."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn

from gdt_tutorial.agents.branching import BranchingConfig, BranchingNetwork, train_branching
from gdt_tutorial.agents.ddpg import Actor, Critic, DDPGConfig, DDPGLearner, train_ddpg
from gdt_tutorial.agents.ddqn import DoubleDQNConfig, QNetwork, greedy, train_double_dqn
from gdt_tutorial.agents.evaluation import episode_returns
from gdt_tutorial.agents.exploration_noise import GaussianNoise
from gdt_tutorial.agents.replay import Collector, ReplayBuffer, Transitions, legal_actions, n_state_entries
from gdt_tutorial.seeding import torch_stream


def numbered(n, start=0):
    """Return transitions whose reward is their number."""
    column = torch.arange(start, start + n)
    return Transitions(
        state=column[:, None].float(),
        action=column,
        reward=column.float(),
        next_state=column[:, None].float() + 1,
        is_terminated=column % 2 == 0,
        is_truncated=column % 3 == 0,
        mask=column[:, None] % 4 != torch.arange(4),
        next_mask=(column[:, None] + 1) % 4 != torch.arange(4),
    )


@pytest.fixture
def walk(vector, counting):
    """Return the transitions of 40 steps in two environments with episodes of 3 and 5 steps, and where they come from."""
    collector = Collector(vector(lambda: counting(3), lambda: counting(5)), generator=torch_stream(0))
    steps = [collector.step(torch.tensor([1, 2])) for _ in range(40)]
    return steps


def test_no_transition_crosses_an_episode_border(walk):
    for transitions, _ in walk:
        torch.testing.assert_close(transitions.state[:, 0], transitions.next_state[:, 0])  # the same episode
        torch.testing.assert_close(transitions.state[:, 1] + 1, transitions.next_state[:, 1])  # the next count
        torch.testing.assert_close(transitions.reward, transitions.next_state[:, 1])


def test_the_last_observation_of_an_episode_is_its_own_and_says_why_it_ended(walk):
    lengths = torch.tensor([3, 5])
    for transitions, env in walk:
        is_last = transitions.next_state[:, 1] == lengths[env]
        is_time_limit = transitions.state[:, 0] % 2 == 0
        torch.testing.assert_close(transitions.is_terminated, is_last & ~is_time_limit)
        torch.testing.assert_close(transitions.is_truncated, is_last & is_time_limit)


def test_every_real_step_is_there_and_the_resetting_ones_are_not(walk):
    # 40 steps hold ten episodes of 3 steps and one reset, or six of 5 and one reset and 4 steps more.
    env = torch.cat([env for _, env in walk])
    assert torch.bincount(env).tolist() == [30, 34]


def test_masks_are_those_of_their_own_states(walk):
    for transitions, _ in walk:
        torch.testing.assert_close(transitions.mask, transitions.state[:, 1:] % 3 != torch.arange(3))
        torch.testing.assert_close(transitions.next_mask, transitions.next_state[:, 1:] % 3 != torch.arange(3))


def test_where_only_some_environments_give_masks_all_is_legal_in_the_others(vector, counting):
    envs = vector(lambda: counting(3), lambda: counting(3, has_masks=False))
    collector = Collector(envs, generator=torch_stream(0))
    assert collector.mask.tolist() == [[False, True, True], [True, True, True]]


def test_the_buffer_keeps_rows_together_and_forgets_the_oldest():
    buffer = ReplayBuffer(10)
    for start in range(0, 28, 4):
        buffer.add(numbered(4, start))
    assert len(buffer) == 10
    batch = buffer.sample(500, generator=torch_stream(0))
    assert set(batch.reward.tolist()) == set(range(18, 28))
    expected = numbered(28)[batch.action]
    for name in vars(expected):
        torch.testing.assert_close(getattr(batch, name), getattr(expected, name), rtol=0, atol=0)


def test_more_than_the_capacity_at_once_leaves_the_last():
    buffer = ReplayBuffer(3)
    buffer.add(numbered(8))
    assert set(buffer.sample(100, generator=torch_stream(0)).reward.tolist()) == {5, 6, 7}


def test_same_generator_same_draw_other_generator_other_draw():
    buffer = ReplayBuffer(100)
    buffer.add(numbered(100))
    first, again, other = (buffer.sample(20, generator=torch_stream(seed)).reward for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_box_actions_reach_the_limits_of_the_space(vector, reach):
    envs = vector(lambda: reach(1.0, high=3.0))
    collector = Collector(envs, generator=torch_stream(0))
    for action in (-1.0, 0.0, 1.0):
        collector.step(torch.tensor([[action]]))
    assert envs.envs[0].sent == [-1.0, 1.0, 3.0]


def test_discrete_actions_may_start_elsewhere(vector, counting):
    envs = vector(lambda: counting(3, spaces.Discrete(3, start=5)))
    Collector(envs, generator=torch_stream(0)).step(torch.tensor([2]))
    assert envs.envs[0].actions == [7]


def test_legal_actions_of_each_kind_of_space():
    assert legal_actions(spaces.Discrete(3)).tolist() == [True] * 3
    assert legal_actions(spaces.MultiDiscrete([1, 3])).tolist() == [[True, False, False], [True, True, True]]
    assert legal_actions(spaces.Box(-1, 1, (4,))).shape == (0,)


def test_a_capacity_must_be_positive():
    with pytest.raises(ValueError, match="capacity must be above 0, got 0; pass the number"):
        ReplayBuffer(0)


def test_an_empty_buffer_has_nothing_to_draw():
    with pytest.raises(ValueError, match="buffer must hold a transition, got 0; add some"):
        ReplayBuffer(3).sample(1, generator=torch_stream(0))


def test_another_mode_of_resetting_is_refused(vector, counting):
    envs = vector(lambda: counting(3), autoreset_mode="SameStep")
    with pytest.raises(ValueError, match="autoreset_mode of envs must be NextStep, got 'SameStep'"):
        Collector(envs, generator=torch_stream(0))


class Broken(gym.Wrapper):
    """Gives out a value that is no number in its third step, as its reward or in its observation."""

    def __init__(self, env, part, value=float("nan"), wrong_step=3):
        super().__init__(env)
        self.part, self.value, self.wrong_step, self.n_steps = part, value, wrong_step, 0

    def step(self, action):
        observation, reward, *rest = self.env.step(action)
        self.n_steps += 1
        if self.n_steps == self.wrong_step and self.part == "reward":
            reward = self.value
        if self.n_steps == self.wrong_step and self.part == "observation":
            observation[1] = self.value
        return observation, reward, *rest


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("part", ["reward", "observation"])
def test_the_first_value_of_an_environment_that_is_no_number_raises(vector, counting, part, value):
    envs = vector(lambda: counting(9), lambda: Broken(counting(9), part, value))
    collector = Collector(envs, generator=torch_stream(0))
    for _ in range(2):
        collector.step(torch.tensor([1, 2]))
    with pytest.raises(ValueError, match=f"{part} must hold finite numbers, got '{value} in step 3 of environment 1'"):
        collector.step(torch.tensor([1, 2]))


def test_a_reward_beyond_single_precision_is_infinite(vector, counting):
    collector = Collector(vector(lambda: Broken(counting(9), "reward", 1e39, 1)), generator=torch_stream(0))
    with pytest.raises(ValueError, match="reward must hold finite numbers, got 'inf in step 1 of environment 0'"):
        collector.step(torch.tensor([1]))


SHORT = {"n_steps": 200, "learning_starts": 10}


def loop_of_double_dqn(vector, wrap, tabular, locks, reach):
    network = QNetwork(6, 3, generator=torch_stream(0))
    envs = vector(lambda: wrap(tabular()))
    return network, lambda: train_double_dqn(network, envs, DoubleDQNConfig(**SHORT), generator=torch_stream(1))


def loop_of_branching(vector, wrap, tabular, locks, reach):
    network = BranchingNetwork(4, (3, 2), generator=torch_stream(0))
    envs = vector(lambda: wrap(locks([3, 2])))
    return network, lambda: train_branching(network, envs, BranchingConfig(**SHORT), generator=torch_stream(1))


def loop_of_ddpg(vector, wrap, tabular, locks, reach):
    actor, critic = Actor(2, 1, generator=torch_stream(0)), Critic(2, 1, generator=torch_stream(1))
    envs, noise = vector(lambda: wrap(reach())), GaussianNoise(1, 1, generator=torch_stream(2))
    learner = DDPGLearner(actor, critic, DDPGConfig(**SHORT))
    return nn.ModuleList([actor, critic]), lambda: train_ddpg(learner, envs, noise, generator=torch_stream(3))


LOOPS = [loop_of_double_dqn, loop_of_branching, loop_of_ddpg]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("part", ["reward", "observation"])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_training_stops_at_it_before_it_reaches_the_weights(vector, tabular, locks, reach, loop, part, value):
    network, train = loop(vector, lambda env: Broken(env, part, value, 60), tabular, locks, reach)
    before = [weight.detach().clone() for weight in network.parameters()]
    with pytest.raises(
        ValueError, match=rf"{part} must hold finite numbers, got '{value} in step \d+ of environment 0'"
    ):
        train()
    after = list(network.parameters())
    assert all(weight.isfinite().all() for weight in after)
    assert any(not torch.equal(*pair) for pair in zip(before, after, strict=True))  # it had begun to learn


def test_the_returns_of_episodes_stop_at_it_too(vector, tabular):
    envs = vector(lambda: Broken(tabular(), "reward"))

    def legal(state, mask):
        return mask.int().argmax(dim=-1)

    with pytest.raises(ValueError, match="reward must hold finite numbers, got 'nan in step [345] of environment 0'"):
        episode_returns(legal, envs, 9, generator=torch_stream(0))


@pytest.mark.parametrize("loop", LOOPS)
def test_values_that_grow_without_limit_are_named(vector, tabular, locks, reach, loop):
    network, train = loop(vector, lambda env: env, tabular, locks, reach)
    values = network[1] if isinstance(network, nn.ModuleList) else network  # the critic alone
    with torch.no_grad():
        for weight in values.parameters():
            weight.mul_(1e30)
    with pytest.raises(ValueError, match="loss must be finite, got (nan|inf); lower .*learning.rate"):
        train()
    assert all(weight.isfinite().all() for weight in network.parameters())


def test_an_action_that_is_no_number_is_not_sent(vector, reach):
    envs = vector(reach)
    collector = Collector(envs, generator=torch_stream(0))
    collector.step(torch.tensor([[0.5]]))
    sentence = (
        "action must hold finite numbers, got 'NaN or infinity in step 2'; lower the learning rate of what chooses"
    )
    with pytest.raises(ValueError, match=sentence):
        collector.step(torch.tensor([[float("nan")]]))
    assert envs.envs[0].sent == [0.5]


def lake(**options):
    return gym.make("FrozenLake-v1", map_name="4x4", is_slippery=False, **options)


def test_one_of_n_choices_is_seen_as_n_entries(vector):
    envs = vector(lambda: lake(max_episode_steps=3))
    collector = Collector(envs, generator=torch_stream(0))
    assert n_state_entries(envs.single_observation_space) == 16
    states = [collector.state]
    for action in (2, 1, 1):  # right, down into a hole
        states.append(collector.step(torch.tensor([action]))[0].next_state)
    assert [state.argmax(dim=-1).tolist() for state in states[:3]] == [[0], [1], [5]]
    assert all(state.sum() == 1 and state.shape[1] == 16 for state in states[:3])


class Shows(gym.Env):
    """Shows always the same, whatever its space."""

    def __init__(self, space, shown):
        self.observation_space, self.action_space, self.shown = space, spaces.Discrete(2), shown

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.shown, {}

    def step(self, action):
        return self.shown, 0.0, False, False, {}


@pytest.mark.parametrize(
    ("space", "shown", "state"),
    [
        (spaces.Discrete(3, start=-1), 1, [0, 0, 1]),
        (spaces.Box(0, 255, (1, 2, 2), np.uint8), np.array([[[0, 255], [7, 8]]], dtype=np.uint8), [0, 255, 7, 8]),
        (spaces.Box(-1, 1, ()), np.array(0.5, dtype=np.float32), [0.5]),
        (spaces.MultiDiscrete([3, 4]), np.array([2, 3]), [2, 3]),
        (spaces.MultiBinary(3), np.array([1, 0, 1], dtype=np.int8), [1, 0, 1]),
    ],
)
def test_states_of_each_kind_of_observation(vector, space, shown, state):
    collector = Collector(vector(lambda: Shows(space, shown), n=2), generator=torch_stream(0))
    assert collector.state.dtype == torch.float32
    assert collector.state.tolist() == [state, state]
    assert n_state_entries(space) == len(state)


@pytest.mark.parametrize(
    ("space", "shown"),
    [
        (spaces.Dict({"a": spaces.Discrete(2)}), {"a": 1}),
        (spaces.Tuple([spaces.Discrete(2)]), (1,)),
        (spaces.Text(3), "abc"),
    ],
)
def test_other_observations_are_refused_with_the_way_out(vector, space, shown):
    sentence = (
        "observation space must be Box, Discrete, MultiDiscrete or MultiBinary, got .*; wrap each environment in "
    )
    with pytest.raises(ValueError, match=sentence + r"gymnasium\.wrappers\.FlattenObservation\."):
        Collector(vector(lambda: Shows(space, shown)), generator=torch_stream(0))


class ThreeValues(nn.Module):
    """Has one action too few for the lake."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, state, mask):
        return self.scale * state[:, :3]


def test_double_dqn_learns_the_way_over_the_lake(vector):
    """The only return is 1, at the goal: by chance it is reached in about one episode of a hundred."""
    config = DoubleDQNConfig(
        n_steps=3_000, learning_starts=500, steps_per_update=3, learning_rate=3e-3, exploration_steps=2_500
    )
    returns = []
    for seed in range(3):
        network = QNetwork(16, 4, (32,), generator=torch_stream(seed, "weights"))
        train_double_dqn(network, vector(lake, n=8), config, generator=torch_stream(seed, "train"))
        returns.append(episode_returns(greedy(network), vector(lake), 1, generator=torch_stream(seed)).mean())
    assert np.median(returns) == 1


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            lambda: QNetwork(6, 4, generator=torch_stream(0)),
            "network must take states of 16 numbers, got the error '.*",
        ),
        (lambda: ThreeValues(), r"network must return the shape \(1, 4\), got \(1, 3\)"),
    ],
)
def test_a_network_that_does_not_fit_is_told_at_the_start(vector, network, message):
    with pytest.raises(ValueError, match=message + r"; build it for the spaces of envs"):
        train_double_dqn(network(), vector(lake), generator=torch_stream(0))


def test_branches_actor_and_critic_that_do_not_fit_are_told_at_the_start(vector, locks, reach):
    network = BranchingNetwork(5, (3, 2), generator=torch_stream(0))
    with pytest.raises(ValueError, match="network must take states of 4 numbers, got the error"):
        train_branching(network, vector(lambda: locks([3, 2])), generator=torch_stream(0))
    noise = GaussianNoise(1, 1, generator=torch_stream(2))
    for n_actor, n_critic, message in (
        (3, 2, "actor must take states of 2 numbers"),
        (2, 3, "critic must take states of 2"),
    ):
        actor, critic = Actor(n_actor, 1, generator=torch_stream(0)), Critic(n_critic, 1, generator=torch_stream(0))
        with pytest.raises(ValueError, match=message):
            train_ddpg(DDPGLearner(actor, critic), vector(reach), noise, generator=torch_stream(0))


def test_a_mask_of_another_shape_is_refused(vector, counting):
    envs = vector(lambda: counting(3, spaces.Discrete(4)))
    with pytest.raises(ValueError, match=r"action_mask must have shape \(1, 4\), got \(1, 3\); pad short branches"):
        Collector(envs, generator=torch_stream(0))


@pytest.mark.parametrize("space", [spaces.MultiBinary(3), spaces.MultiDiscrete(np.array([[2, 2], [3, 3]]))])
def test_other_spaces_are_refused(space):
    with pytest.raises(ValueError, match="action space must be Discrete, MultiDiscrete"):
        legal_actions(space)


def test_a_box_without_limits_is_refused():
    with pytest.raises(ValueError, match="action space must have limits"):
        legal_actions(spaces.Box(-np.inf, np.inf, (2,)))
