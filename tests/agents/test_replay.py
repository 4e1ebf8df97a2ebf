"""Transitions never cross an episode's border, masks are kept, and draws follow the generator."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces

from gdt_tutorial.agents.ddqn import DoubleDQNConfig, QNetwork, train_double_dqn
from gdt_tutorial.agents.replay import Collector, ReplayBuffer, Transitions, legal_actions
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
    """Gives out NaN in its third step, as its reward or in its observation."""

    def __init__(self, env, part):
        super().__init__(env)
        self.part, self.n_steps = part, 0

    def step(self, action):
        observation, reward, *rest = self.env.step(action)
        self.n_steps += 1
        if self.n_steps == 3 and self.part == "reward":
            reward = float("nan")
        if self.n_steps == 3 and self.part == "observation":
            observation[1] = np.nan
        return observation, reward, *rest


@pytest.mark.parametrize("part", ["reward", "observation"])
def test_the_first_nan_of_an_environment_raises(vector, counting, part):
    collector = Collector(vector(lambda: counting(9), lambda: Broken(counting(9), part)), generator=torch_stream(0))
    for _ in range(2):
        collector.step(torch.tensor([1, 2]))
    with pytest.raises(ValueError, match=f"{part} must hold numbers, got 'NaN in step 3 of environment 1'"):
        collector.step(torch.tensor([1, 2]))


def test_observations_that_are_one_number_are_refused_with_the_way_out(vector):
    def lake():
        return gym.make("FrozenLake-v1")

    sentence = r"observation space must hold arrays with an axis, got Discrete\(16\); wrap each environment in "
    network, config = QNetwork(16, 4, generator=torch_stream(0)), DoubleDQNConfig(n_steps=40, learning_starts=10)
    with pytest.raises(ValueError, match=sentence + r"gymnasium\.wrappers\.FlattenObservation\."):
        train_double_dqn(network, vector(lake), config, generator=torch_stream(0))
    envs = vector(lambda: gym.wrappers.FlattenObservation(lake()))
    train_double_dqn(network, envs, config, generator=torch_stream(0))


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
