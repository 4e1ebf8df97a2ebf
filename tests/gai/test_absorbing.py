"""Episodes of one length: the wrapper's contract, what it adds, what it refuses."""

import warnings

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from gdt_tutorial.gai.absorbing import AbsorbingState, absorb


def cartpole(n_steps):
    return AbsorbingState(gymnasium.make("CartPole-v1"), n_steps)


def test_wrapper_passes_the_check_of_gymnasium():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r".*(is different from the unwrapped version|value is -?infinity)")
        check_env(cartpole(60), skip_render_check=True)


def test_every_episode_lasts_the_horizon_and_ends_in_the_absorbing_state():
    env = cartpole(60)
    for seed in range(3):
        observation, _ = env.reset(seed=seed)
        assert observation[-1] == 0
        for step in range(60):
            observation, reward, terminated, truncated, _ = env.step(0)
            assert not terminated
            assert truncated == (step == 59)
        # Always to the left the pole falls within ten steps.
        assert observation.tolist() == [0, 0, 0, 0, 1]
        assert reward == 0
    with pytest.raises(ResetNeeded):
        env.step(0)


def test_before_its_end_an_episode_is_what_it_was():
    plain, wrapped = gymnasium.make("CartPole-v1"), cartpole(60)
    first, _ = plain.reset(seed=3)
    full, _ = wrapped.reset(seed=3)
    np.testing.assert_array_equal(full[:-1], first)
    for _ in range(5):
        expected, gain, *_ = plain.step(1)
        full, reward, *_ = wrapped.step(1)
        np.testing.assert_array_equal(full, np.append(expected, 0).astype(np.float32))
        assert reward == gain


def test_demonstrations_are_continued_in_the_same_way():
    episodes = [(torch.ones(2, 3), torch.tensor([1, 1])), (torch.ones(4, 3), torch.tensor([0, 1, 0, 1]))]
    state, action = absorb(episodes, 4)
    assert state.shape == (8, 4)
    assert state[:, -1].tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert not state[2:4, :-1].any()
    assert action.tolist() == [1, 1, 0, 0, 0, 1, 0, 1]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="n_steps must be above 0, got 0"):
        cartpole(0)
    with pytest.raises(ValueError, match="observation space must be a Box of one axis"):
        AbsorbingState(gymnasium.make("FrozenLake-v1"), 10)
    with pytest.raises(ValueError, match="episodes must hold one at least, got 0"):
        absorb([], 10)
    with pytest.raises(ValueError, match="n_steps must cover every episode, got 3; one has 4 steps"):
        absorb([(torch.ones(4, 3), torch.zeros(4))], 3)


def test_a_time_limit_before_the_horizon_is_refused():
    env = AbsorbingState(gymnasium.make("CartPole-v1", max_episode_steps=5), 60)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="n_steps must be the time limit, got 60; it cuts at 5"):
        for _ in range(6):
            env.step(0)
