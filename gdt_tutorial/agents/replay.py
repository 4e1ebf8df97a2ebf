"""What an agent has seen: transitions out of a vector environment, and the buffer that remembers them.

A gymnasium vector environment resets its parts by itself. In its default mode, "next step", the step after an episode's
last one ignores the action and returns the first observation of the next episode. That step is no transition: from the
last observation of one episode to the first of another leads no action. `Collector` leaves it out. The last observation
of an episode is thus the true one, also where a time limit cut the episode, and a target may bootstrap from it.

`is_terminated` (the task ended; nothing follows) stands apart from `is_truncated` (only the recording ended).

Masks say which actions are legal in a state. An environment gives them as `info["action_mask"]`: one entry per action for
a `Discrete` space, and a matrix branch x action for a `MultiDiscrete` one, padded to the longest branch.

Source: experience replay of Mnih et al. 2015, "Human-level control through deep reinforcement learning", Methods.
"""

from copy import deepcopy
from dataclasses import dataclass, fields

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from gdt_tutorial.agents.episode_checks import require_finite
from gdt_tutorial.configuration import require
from gdt_tutorial.seeding import keep_torch_rng

__all__ = ["Collector", "ReplayBuffer", "Transitions", "legal_actions", "n_state_entries", "require_fit"]


@dataclass(frozen=True, kw_only=True)
class Transitions:
    """A batch of (state, action, reward, next state), with what is legal before and after."""

    state: Float[Tensor, "batch state"]
    action: Shaped[Tensor, " batch *action"]
    reward: Float[Tensor, " batch"]
    next_state: Float[Tensor, "batch state"]
    is_terminated: Bool[Tensor, " batch"]
    is_truncated: Bool[Tensor, " batch"]
    mask: Bool[Tensor, " batch *choice"]
    next_mask: Bool[Tensor, " batch *choice"]

    def __len__(self) -> int:
        return len(self.reward)

    def __getitem__(self, index: Tensor) -> "Transitions":
        return Transitions(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


class ReplayBuffer:
    """The last `capacity` transitions, drawn uniformly with replacement."""

    def __init__(self, capacity: int) -> None:
        require(capacity > 0, "capacity", "be above 0", capacity, "pass the number of transitions to remember")
        self.capacity = capacity
        self._columns: dict[str, Tensor] = {}
        self._n_added = 0

    def __len__(self) -> int:
        return min(self._n_added, self.capacity)

    def add(self, transitions: Transitions) -> None:
        """Remember `transitions`; the oldest make room."""
        place = torch.arange(self._n_added, self._n_added + len(transitions)) % self.capacity
        for field in fields(transitions):
            values = getattr(transitions, field.name)
            if field.name not in self._columns:
                self._columns[field.name] = values.new_empty((self.capacity, *values.shape[1:]))
            self._columns[field.name][place[-self.capacity :]] = values[-self.capacity :]
        self._n_added += len(transitions)

    def sample(self, batch_size: int, *, generator: torch.Generator) -> Transitions:
        """Draw `batch_size` transitions.

        Raises:
            ValueError: The buffer is empty.
        """
        require(len(self) > 0, "buffer", "hold a transition", len(self), "add some before sampling")
        index = torch.randint(len(self), (batch_size,), generator=generator)
        return Transitions(**{name: column[index] for name, column in self._columns.items()})


class Collector:
    """Step a vector environment and return the real transitions alone.

    A state is an observation as one vector of `n_state_entries` numbers in single precision: arrays are flattened, whole
    numbers such as those of images among them, and an observation that is one of n choices (`Discrete`) has n entries, of
    which one is 1. Actions of a `Box` space are numbers in [-1, 1], stretched to the limits of the space.

    Args:
        envs: A vector environment in gymnasium's default mode of resetting, "next step".
        generator: Draws the seed of the first reset.

    Raises:
        ValueError: Another mode of resetting, observations or actions of another kind of space, or, in any step, an action,
            a reward or an observation that is NaN or infinite.
    """

    def __init__(self, envs: VectorEnv, *, generator: torch.Generator) -> None:
        mode = getattr(envs.metadata.get("autoreset_mode"), "value", "NextStep")
        require(mode == "NextStep", "autoreset_mode of envs", "be NextStep", mode, "build envs in the default mode")
        n_state_entries(envs.single_observation_space)
        self._envs, self._n_steps = envs, 0
        self._legal = legal_actions(envs.single_action_space)
        observation, info = envs.reset(seed=int(torch.randint(2**31 - envs.num_envs, (), generator=generator)))
        self.state = self._numbers(observation)
        self.mask = self._mask_of(info)
        self._is_over = torch.zeros(envs.num_envs, dtype=torch.bool)

    def step(self, action: Shaped[Tensor, " env *action"]) -> tuple[Transitions, Int[Tensor, " batch"]]:
        """Act once everywhere; return the transitions, and the index of the environment of each."""
        observation, reward, terminated, truncated, info = self._envs.step(self._sent(action))
        self._n_steps += 1
        next_state, next_mask = self._numbers(observation), self._mask_of(info)
        reward = torch.as_tensor(reward, dtype=torch.float32)
        require_finite("reward", np.where(self._is_over, 0.0, reward.numpy()), f"step {self._n_steps}")
        transitions = Transitions(
            state=self.state,
            action=action,
            reward=reward,
            next_state=next_state,
            is_terminated=torch.as_tensor(terminated),
            is_truncated=torch.as_tensor(truncated),
            mask=self.mask,
            next_mask=next_mask,
        )
        # Where the last step ended an episode, this one only reset: the action was ignored.
        is_real = ~self._is_over
        self.state, self.mask = next_state, next_mask
        self._is_over = is_real & (transitions.is_terminated | transitions.is_truncated)
        return transitions[is_real], is_real.nonzero().flatten()

    def _numbers(self, observation: np.ndarray) -> Float[Tensor, "env state"]:
        space = self._envs.single_observation_space
        if isinstance(space, spaces.Discrete):
            choice = torch.as_tensor(observation, dtype=torch.int64) - int(space.start)
            return nn.functional.one_hot(choice, int(space.n)).float()
        # A copy: an environment may reuse its array.
        state = torch.tensor(np.asarray(observation), dtype=torch.float32).reshape(self._envs.num_envs, -1)
        require_finite("observation", state.numpy(), f"step {self._n_steps}")
        return state

    def _sent(self, action: Tensor) -> np.ndarray:
        space = self._envs.single_action_space
        if isinstance(space, spaces.Box):
            got, remedy = f"NaN or infinity in step {self._n_steps + 1}", "lower the learning rate of what chooses it"
            require(bool(action.isfinite().all()), "action", "hold finite numbers", got, remedy)
            share = (action.numpy().astype(space.dtype) + 1) / 2
            return np.clip(space.low + share * (space.high - space.low), space.low, space.high)
        return action.numpy() + space.start  # type: ignore[attr-defined]

    def _mask_of(self, info: dict) -> Bool[Tensor, " env *choice"]:
        everywhere = self._legal.expand(self._envs.num_envs, *self._legal.shape)
        if "action_mask" not in info:
            return everywhere
        mask = torch.as_tensor(np.asarray(info["action_mask"], dtype=bool))
        expected = tuple(everywhere.shape)
        require(
            mask.shape == expected, "action_mask", f"have shape {expected}", tuple(mask.shape), "pad short branches"
        )
        is_given = torch.as_tensor(info.get("_action_mask", np.ones(len(mask), dtype=bool)))
        return everywhere & (mask | ~is_given.view(-1, *[1] * self._legal.dim()))


def legal_actions(space: spaces.Space) -> Bool[Tensor, "*choice"]:
    """Return the mask in which every action of `space` is legal.

    A vector for `Discrete`; branch x action for `MultiDiscrete`, where only padding is illegal; empty for `Box`.

    Raises:
        ValueError: A space of another kind, or a `Box` without limits.
    """
    if isinstance(space, spaces.Discrete):
        return torch.ones(int(space.n), dtype=torch.bool)
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.ndim == 1:
        return torch.arange(int(space.nvec.max())) < torch.as_tensor(space.nvec)[:, None]
    is_box = isinstance(space, spaces.Box)
    require(
        is_box, "action space", "be Discrete, MultiDiscrete (one axis) or Box", space, "flatten it into one of these"
    )
    require(space.is_bounded(), "action space", "have limits", space, "give low and high")  # type: ignore[attr-defined]
    return torch.ones(0, dtype=torch.bool)


def n_state_entries(space: spaces.Space) -> int:
    """Return how many numbers a state has that `Collector` makes of an observation: the inputs of a network.

    Raises:
        ValueError: A space of another kind than `Box`, `Discrete`, `MultiDiscrete` and `MultiBinary`.
    """
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    is_array = isinstance(space, spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary)
    remedy = "wrap each environment in gymnasium.wrappers.FlattenObservation"
    require(is_array, "observation space", "be Box, Discrete, MultiDiscrete or MultiBinary", space, remedy)
    return int(np.prod(space.shape))  # type: ignore[arg-type]


def require_fit(argument: str, network: nn.Module, inputs: tuple[Tensor, ...], shape: tuple[int, ...]) -> None:
    """Raise unless a network takes a first batch of states, and answers in the shape that its training needs.

    Args:
        argument: What the caller calls the network.
        network: A copy of it is tried, and no random number of torch is used up.
        inputs: What it will be called with; the states first.
        shape: Of its answer.

    Raises:
        ValueError: It does not.
    """
    n_entries, remedy = inputs[0].shape[1], "build it for the spaces of envs (replay.n_state_entries)"
    try:
        with torch.no_grad(), keep_torch_rng():
            found = tuple(deepcopy(network)(*inputs).shape)
    except (RuntimeError, TypeError) as error:
        rule = f"take states of {n_entries} numbers"
        raise ValueError(f"{argument} must {rule}, got the error {str(error)!r}; {remedy}.") from error
    require(found == shape, argument, f"return the shape {shape}", found, remedy)
