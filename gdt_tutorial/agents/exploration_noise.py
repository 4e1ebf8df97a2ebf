"""Noise on continuous actions, by which a deterministic actor explores: without a memory, or with one.

Source: Lillicrap et al. 2016, "Continuous control with deep reinforcement learning", sec. 3 and 7, which adds a noise with a
memory (Uhlenbeck and Ornstein 1930).
"""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["GaussianNoise", "Noise", "OrnsteinUhlenbeckNoise"]


@runtime_checkable
class Noise(Protocol):
    """What an actor's actions are disturbed by, to explore."""

    def draw(self) -> Float[Tensor, "env action"]:
        """Return the next disturbance."""
        ...

    def restart(self, env: Tensor) -> None:
        """Forget the past of the environments with index `env`, whose episodes ended."""
        ...


class GaussianNoise:
    """Independent normal numbers."""

    def __init__(self, n_envs: int, n_actions: int, *, sigma: float = 0.1, generator: torch.Generator) -> None:
        self._shape, self._sigma, self._generator = (n_envs, n_actions), sigma, generator

    def draw(self) -> Float[Tensor, "env action"]:
        """Return the next disturbance."""
        return self._sigma * torch.randn(self._shape, generator=self._generator)

    def restart(self, env: Tensor) -> None:
        """Do nothing: there is no past."""


class OrnsteinUhlenbeckNoise:
    """Noise with a memory, x <- x - theta x + sigma N(0, 1), for tasks with inertia (theta and sigma: sec. 7)."""

    def __init__(
        self, n_envs: int, n_actions: int, *, theta: float = 0.15, sigma: float = 0.2, generator: torch.Generator
    ) -> None:
        self._x = torch.zeros(n_envs, n_actions)
        self._theta, self._sigma, self._generator = theta, sigma, generator

    def draw(self) -> Float[Tensor, "env action"]:
        """Return the next disturbance."""
        self._x = (1 - self._theta) * self._x + self._sigma * torch.randn(self._x.shape, generator=self._generator)
        return self._x

    def restart(self, env: Tensor) -> None:
        """Start again from 0 where an episode ended."""
        self._x[env] = 0
