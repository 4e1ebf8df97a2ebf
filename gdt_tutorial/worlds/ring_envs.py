"""Rings side by side as a vector environment, in which an agent learns by trying.

Observation: `Box`, the queues as shares of the capacity. Action: `Box`, the power of each AP. Reward: minus the mean queue
after the slot, as a share of the capacity, so the mean reward of an episode is what `Ring.value` says. An episode begins with
empty queues and is truncated after `n_slots`; the step after it begins anew.
"""

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import require
from gdt_tutorial.worlds.ring import Ring

__all__ = ["RingEnvs"]


class RingEnvs(VectorEnv):
    """Several rings with arrivals of their own.

    Args:
        ring: The ring.
        num_envs: How many.

    Raises:
        ValueError: No ring.
    """

    def __init__(self, ring: Ring, num_envs: int) -> None:
        require(num_envs > 0, "num_envs", "be above 0", num_envs, "let one run at least")
        self.ring, self.num_envs, n_aps = ring, num_envs, ring.config.n_aps
        self.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}
        self.single_observation_space = self.single_action_space = spaces.Box(0.0, 1.0, (n_aps,))
        self.observation_space = self.action_space = spaces.Box(0.0, 1.0, (num_envs, n_aps))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float[np.ndarray, "env ap"], dict[str, Any]]:
        """Empty all queues."""
        super().reset(seed=seed)
        self._queue, self._slot = np.zeros((self.num_envs, self.ring.config.n_aps)), 0
        return self._seen(), {}

    def step(
        self, actions: Float[np.ndarray, "env ap"]
    ) -> tuple[
        Float[np.ndarray, "env ap"],
        Float[np.ndarray, " env"],
        Bool[np.ndarray, " env"],
        Bool[np.ndarray, " env"],
        dict[str, Any],
    ]:
        """Send for one slot; where episodes are over, begin anew instead.

        Raises:
            ValueError: Powers for other APs, or outside of [0, 1].
        """
        config, never = self.ring.config, np.zeros(self.num_envs, dtype=bool)
        if self._slot == config.n_slots:
            self._queue, self._slot = np.zeros_like(self._queue), 0
            return self._seen(), np.zeros(self.num_envs), never, never, {}
        arrival = self.ring.arrivals((self.num_envs,), rng=self.np_random)
        self._queue = self.ring.next_queue(self._queue, np.asarray(actions, dtype=float), arrival)
        self._slot += 1
        reward = -self._queue.mean(axis=1) / config.capacity
        return self._seen(), reward, never, np.full(self.num_envs, self._slot == config.n_slots), {}

    def _seen(self) -> Float[np.ndarray, "env ap"]:
        return (self._queue / self.ring.config.capacity).astype(np.float32)
