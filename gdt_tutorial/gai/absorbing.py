"""Episodes of one length: an absorbing state after the end, so that imitation sees no shorter or longer episodes.

A learned reward has a sign. Where it is always positive an agent gains by living longer than those whom it imitates, where it
is always negative by ending sooner, whatever the discriminator has learned: the horizon bias. The cure is to let no episode
end early. Who has terminated goes on in one extra state, which looks like nothing else, until the horizon is over; those who
are imitated are continued in the same way. Being there is then a thing that the discriminator judges like any other.

    state, 0     while the episode runs      (the last entry is new)
    zeros, 1     once it has terminated

Source: Kostrikov et al. 2019, "Discriminator-actor-critic: addressing sample inefficiency and reward bias in adversarial
imitation learning", sec. 4.2. We differ: the horizon is finite and the extra state is really stepped through, so that no
target needs a special case.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.utils import RecordConstructorArgs
from jaxtyping import Float, Shaped
from torch import Tensor

from gdt_tutorial.agents.episode_checks import AFTER_THE_END, BEFORE_THE_FIRST, require_running
from gdt_tutorial.configuration import require

__all__ = ["AbsorbingState", "absorb"]


class AbsorbingState(gymnasium.Wrapper, RecordConstructorArgs):
    """An environment whose episodes all last `n_steps`: after its end they go on in the absorbing state, with reward 0.

    Args:
        env: Any with a `Box` of one axis as observation; a time limit of its own must not come before `n_steps`.
        n_steps: The horizon; here the episode is truncated.
        first_steps: Steps of the very first episode instead. Environments side by side that all begin together fall together
            too, and a short rollout then sees all of them upright or none: give each another number.
    """

    def __init__(self, env: gymnasium.Env, n_steps: int, first_steps: int | None = None) -> None:
        RecordConstructorArgs.__init__(self, n_steps=n_steps, first_steps=first_steps)
        gymnasium.Wrapper.__init__(self, env)
        require(n_steps > 0, "n_steps", "be above 0", n_steps, "pass the horizon of the demonstrations")
        first = n_steps if first_steps is None else first_steps
        require(0 < first <= n_steps, "first_steps", f"lie in [1, {n_steps}]", first, "leave it out for n_steps")
        space = env.observation_space
        is_vector = isinstance(space, gymnasium.spaces.Box) and len(space.shape) == 1
        require(is_vector, "observation space", "be a Box of one axis", space, "wrap it in FlattenObservation")
        low, high = np.append(np.minimum(space.low, 0), 0), np.append(np.maximum(space.high, 0), 1)  # type: ignore[attr-defined]
        self.observation_space = gymnasium.spaces.Box(low.astype(np.float32), high.astype(np.float32))
        self._n_steps, self._next_steps = n_steps, first
        self._step, self._idle, self._has_ended = 0, BEFORE_THE_FIRST, False

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin an episode."""
        observation, info = self.env.reset(**kwargs)
        self._step, self._idle, self._has_ended = 0, "", False
        self._limit, self._next_steps = self._next_steps, self._n_steps
        return np.append(observation, 0).astype(np.float32), info

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Step the environment, or stay in the absorbing state, where no action counts.

        Raises:
            ResetNeeded: After the horizon.
            ValueError: A time limit of the environment that comes before.
        """
        require_running(self._idle)
        info: dict[str, Any] = {}
        self._step, reward = self._step + 1, 0.0
        is_over = self._step == self._limit
        if not self._has_ended:
            observation, gain, self._has_ended, is_cut, info = self.env.step(action)
            reward = float(gain)
            require(not is_cut or is_over, "n_steps", "be the time limit", self._n_steps, f"it cuts at {self._step}")
        if self._has_ended:
            observation = np.zeros(self.observation_space.shape[0] - 1)  # type: ignore[index]
        self._idle = AFTER_THE_END if is_over else ""
        full = np.append(observation, self._has_ended).astype(np.float32)
        return full, reward, False, is_over, info


def absorb(
    episodes: Sequence[tuple[Tensor, Tensor]], n_steps: int
) -> tuple[Float[Tensor, "batch state"], Shaped[Tensor, " batch *action"]]:
    """Continue episodes in the absorbing state up to `n_steps`; return all states and actions, one after the other.

    Args:
        episodes: States (step x state) and actions of each; one that is shorter than `n_steps` has terminated.
        n_steps: The horizon.

    Raises:
        ValueError: No episode, or one that is longer.
    """
    require(len(episodes) > 0, "episodes", "hold one at least", len(episodes), "record some")
    states, actions = [], []
    for state, action in episodes:
        require(len(state) <= n_steps, "n_steps", "cover every episode", n_steps, f"one has {len(state)} steps")
        full = torch.zeros(n_steps, state.shape[1] + 1)
        full[: len(state), :-1], full[len(state) :, -1] = state, 1.0
        states.append(full)
        actions.append(torch.cat([action, action.new_zeros((n_steps - len(action), *action.shape[1:]))]))
    return torch.cat(states), torch.cat(actions)
