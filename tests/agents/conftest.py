"""Small environments to learn in, each with a known answer."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv


class Counting(gym.Env):
    """Shows (episode, number of steps so far); episodes last `length` steps and alternately terminate or truncate."""

    def __init__(self, length, action_space=None, has_masks=True):
        self.observation_space = spaces.Box(0, np.inf, (2,), np.float32)
        self.action_space = action_space or spaces.Discrete(3)
        self.length, self.has_masks = length, has_masks
        self.episode, self.count, self.actions = 0, 0, []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.count = self.episode + 1, 0
        return self._observation(), self._info()

    def step(self, action):
        self.count += 1
        self.actions.append(action)
        is_over = self.count == self.length
        is_time_limit = self.episode % 2 == 0
        return (
            self._observation(),
            float(self.count),
            is_over and not is_time_limit,
            is_over and is_time_limit,
            self._info(),
        )

    def _observation(self):
        return np.array([self.episode, self.count], dtype=np.float32)

    def _info(self):
        # The action that is not legal is the count modulo 3.
        return {"action_mask": np.arange(3) != self.count % 3} if self.has_masks else {}


class Locks(gym.Env):
    """Each choice has a dial in one of `n_dials` positions, and one right action for each; reward: the share of right ones."""

    def __init__(self, n_actions, n_dials=2, n_slots=5):
        self.n_actions, self.n_dials, self.n_slots = np.array(n_actions), n_dials, n_slots
        self.observation_space = spaces.Box(0, 1, (len(n_actions) * n_dials,), np.float32)
        self.action_space = spaces.MultiDiscrete(n_actions)
        self.right = np.random.default_rng(0).integers(self.n_actions, size=(n_dials, len(n_actions)))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return self._turn(), {}

    def step(self, action):
        self.count += 1
        reward = float((action == self.right[self.dial, np.arange(len(self.n_actions))]).mean())
        return self._turn(), reward, False, self.count == self.n_slots, {}

    def _turn(self):
        self.dial = self.np_random.integers(self.n_dials, size=len(self.n_actions))
        return np.eye(self.n_dials, dtype=np.float32)[self.dial].reshape(-1)


class Tabular(gym.Env):
    """A deterministic MDP with one illegal action per state and a time limit; state 0 is terminal."""

    n_states, n_actions, time_limit = 6, 3, 12

    def __init__(self):
        rng = np.random.default_rng(3)
        self.observation_space = spaces.Box(0, 1, (self.n_states,), np.float32)
        self.action_space = spaces.Discrete(self.n_actions)
        self.next_state = rng.integers(self.n_states, size=(self.n_states, self.n_actions))
        self.reward = rng.uniform(-1, 1, size=(self.n_states, self.n_actions))
        self.is_legal = np.arange(self.n_actions) != rng.integers(self.n_actions, size=self.n_states)[:, None]

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state, self.count = int(self.np_random.integers(1, self.n_states)), 0
        return self._observation(), self._info()

    def step(self, action):
        assert self.is_legal[self.state, action]
        reward = float(self.reward[self.state, action])
        self.state, self.count = int(self.next_state[self.state, action]), self.count + 1
        return self._observation(), reward, self.state == 0, self.count == self.time_limit, self._info()

    def _observation(self):
        return np.eye(self.n_states, dtype=np.float32)[self.state]

    def _info(self):
        return {"action_mask": self.is_legal[self.state]}


class Reach(gym.Env):
    """One number to bring near 0 by steps in [-1, 1] of the agent's own kind: reward is minus the square."""

    def __init__(self, limit=1.0, high=None):
        self.observation_space = spaces.Box(-10, 10, (2,), np.float32)
        self.action_space = spaces.Box(-limit, limit if high is None else high, (1,), np.float32)
        self.sent = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x, self.count = float(self.np_random.uniform(-2, 2)), 0
        return self._observation(), {}

    def step(self, action):
        self.sent.append(float(action[0]))
        self.x, self.count = self.x + float(action[0]), self.count + 1
        return self._observation(), -(self.x**2), False, self.count == 5, {}

    def _observation(self):
        return np.array([self.x, self.count / 5], dtype=np.float32)


@pytest.fixture
def vector():
    """Return a function that makes a vector environment of `n` equal parts, or one for each of several."""
    made = []

    def make(*factories, n=1, **options):
        envs = SyncVectorEnv(list(factories) * n, **options)
        made.append(envs)
        return envs

    yield make
    for envs in made:
        envs.close()


@pytest.fixture
def counting():
    return Counting


@pytest.fixture
def locks():
    return Locks


@pytest.fixture
def tabular():
    return Tabular


@pytest.fixture
def reach():
    return Reach
