"""A finite world with an absorbing state: its laws as exact numbers, its walks as samples, and an environment of it.

A policy is a table of probabilities, state by action. With the law P(s' | s, a) of the world and a horizon of H slots,

    d_0 = start        d_t+1 = d_t P_pi        occupancy(s, a) = pi(a | s) * (d_0 + ... + d_H-1)(s) / H

Nothing here is learned: this is the oracle that learned copies are compared with.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Bool, Float, Int
from scipy.special import xlogy

from gdt_tutorial.configuration import require

__all__ = ["FiniteEnvs", "FiniteWorld"]


@dataclass(frozen=True)
class FiniteWorld:
    """Where steps lead, where walks begin, where they end, and how long they are watched.

    >>> coin = FiniteWorld(np.array([[[0.5, 0.5]], [[0.0, 1.0]]]), start=np.array([1.0, 0.0]), goal=1, n_slots=3)
    >>> coin.arrival_cdf(np.ones((2, 1))).tolist()
    [0.0, 0.5, 0.75]

    Raises:
        ValueError: Rows that are no law, a goal that can be left, or no slot.
    """

    transition: Float[np.ndarray, "state action state"]
    start: Float[np.ndarray, " state"]
    goal: int
    n_slots: int

    def __post_init__(self) -> None:
        """Check the laws."""
        for name, law in (("transition", self.transition), ("start", self.start)):
            is_law = bool((law >= 0).all() and np.allclose(law.sum(axis=-1), 1))
            require(
                is_law, name, "hold probabilities", law.sum(axis=-1).reshape(-1)[:3].tolist(), "let rows sum to one"
            )
        stays = self.transition[self.goal, :, self.goal]
        require(bool((stays == 1).all()), "goal", "be absorbing", stays.tolist(), "let all its actions lead to itself")
        require(self.n_slots > 0, "n_slots", "be above 0", self.n_slots, "watch one slot at least")
        object.__setattr__(self, "_cumulative", self.transition.cumsum(axis=-1)[..., :-1])

    @property
    def n_states(self) -> int:
        """Return the number of states."""
        return len(self.start)

    @property
    def n_actions(self) -> int:
        """Return the number of actions."""
        return self.transition.shape[1]

    def step_law(self, policy: Float[np.ndarray, "state action"]) -> Float[np.ndarray, "state state"]:
        """Return where a step of `policy` leads.

        Raises:
            ValueError: No policy of this world.
        """
        shape = (self.n_states, self.n_actions)
        require(policy.shape == shape, "policy", f"have shape {shape}", policy.shape, "give each state its actions")
        is_law = bool((policy >= 0).all() and np.allclose(policy.sum(axis=1), 1, atol=1e-5))
        require(is_law, "policy", "hold probabilities", policy.sum(axis=1)[:3].tolist(), "let each row sum to one")
        return np.einsum("sa,sat->st", policy, self.transition)

    def occupancy(self, policy: Float[np.ndarray, "state action"]) -> Float[np.ndarray, "state action"]:
        """Return the share of the horizon's slots that is spent in each state with each action; it sums to one."""
        law, here, total = self.step_law(policy), self.start, np.zeros(self.n_states)
        for _ in range(self.n_slots):
            total, here = total + here, here @ law
        return (total / self.n_slots)[:, None] * policy

    def expected_visits(self, policy: Float[np.ndarray, "state action"]) -> Float[np.ndarray, " state"]:
        """Return the slots spent in each state until arrival, without a horizon: d = start + P^T d, a linear solve.

        Raises:
            ValueError: A policy that may never arrive.
        """
        is_way = np.arange(self.n_states) != self.goal
        system = (np.eye(self.n_states) - self.step_law(policy).T)[np.ix_(is_way, is_way)]
        require(np.linalg.cond(system) < 1e12, "policy", "arrive at last", "one that may not", "mix in every action")
        visits = np.zeros(self.n_states)
        visits[is_way] = np.linalg.solve(system, self.start[is_way])
        return visits

    def arrival_cdf(self, policy: Float[np.ndarray, "state action"]) -> Float[np.ndarray, " slot"]:
        """Return the probability of having arrived when a slot begins, for each slot of the horizon."""
        law, here, arrived = self.step_law(policy), self.start, []
        for _ in range(self.n_slots):
            arrived.append(here[self.goal])
            here = here @ law
        return np.array(arrived)

    def mean_arrival(self, policy: Float[np.ndarray, "state action"]) -> float:
        """Return the expected slots until arrival; a walk that has not arrived counts the whole horizon."""
        return float((1 - self.arrival_cdf(policy)).sum())

    def log_likelihood(
        self, policy: Float[np.ndarray, "state action"], expert: Float[np.ndarray, "state action"]
    ) -> float:
        """Return the expected log-probability that `policy` gives to an action of `expert` before arrival."""
        share = self.occupancy(expert)
        share[self.goal] = 0.0
        return float(xlogy(share, policy).sum() / share.sum())

    def sample(
        self, policy: Float[np.ndarray, "state action"], n_walks: int, *, rng: np.random.Generator
    ) -> tuple[Int[np.ndarray, "walk slot"], Int[np.ndarray, "walk slot"]]:
        """Walk `n_walks` times for the whole horizon; return states and actions.

        Raises:
            ValueError: No walk.
        """
        require(n_walks > 0, "n_walks", "be above 0", n_walks, "watch one at least")
        self.step_law(policy)
        here, states, actions = rng.choice(self.n_states, n_walks, p=self.start), [], []
        for _ in range(self.n_slots):
            action = (rng.random(n_walks)[:, None] > policy[here].cumsum(axis=1)[:, :-1]).sum(axis=1)
            states.append(here)
            actions.append(action)
            here = self.step(here, action, rng=rng)
        return np.stack(states, axis=1), np.stack(actions, axis=1)

    def step(
        self, state: Int[np.ndarray, " walk"], action: Int[np.ndarray, " walk"], *, rng: np.random.Generator
    ) -> Int[np.ndarray, " walk"]:
        """Draw the next states."""
        return (rng.random(len(state))[:, None] > self._cumulative[state, action]).sum(axis=1)  # type: ignore[attr-defined]


class FiniteEnvs(VectorEnv):
    """Walkers side by side in a finite world, as a vector environment without a reward: imitation brings its own.

    Observation: `Discrete`, the state. Action: `Discrete`. An episode is truncated after the horizon. Who has arrived stays in
    the goal until then, unless episodes are to end there.

    Args:
        world: Where they walk.
        num_envs: How many walk.
        ends_at_goal: Whether an episode terminates on arrival; their lengths then differ.

    Raises:
        ValueError: No walker.
    """

    def __init__(self, world: FiniteWorld, num_envs: int, *, ends_at_goal: bool = False) -> None:
        require(num_envs > 0, "num_envs", "be above 0", num_envs, "let one walk at least")
        self.world, self.num_envs, self._ends_at_goal = world, num_envs, ends_at_goal
        self.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}
        self.single_observation_space = spaces.Discrete(world.n_states)
        self.single_action_space = spaces.Discrete(world.n_actions)
        self.observation_space = spaces.MultiDiscrete([world.n_states] * num_envs)
        self.action_space = spaces.MultiDiscrete([world.n_actions] * num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Int[np.ndarray, " env"], dict[str, Any]]:
        """Let everybody begin."""
        super().reset(seed=seed)
        self._slot, self._state = np.zeros(self.num_envs, dtype=np.int64), self._begin()
        self._is_over = np.zeros(self.num_envs, dtype=bool)
        return self._state, {}

    def _begin(self) -> Int[np.ndarray, " env"]:
        return self.np_random.choice(self.world.n_states, self.num_envs, p=self.world.start)

    def step(
        self, actions: Int[np.ndarray, " env"]
    ) -> tuple[
        Int[np.ndarray, " env"], Float[np.ndarray, " env"], Bool[np.ndarray, " env"], Bool[np.ndarray, " env"], dict
    ]:
        """Take one step everywhere; whose episode is over begins anew instead.

        Raises:
            ValueError: An action that the world has not.
        """
        actions, world = np.asarray(actions), self.world
        is_known = len(actions) == self.num_envs and bool(((actions >= 0) & (actions < world.n_actions)).all())
        rule = f"hold {self.num_envs} numbers from 0 to {world.n_actions - 1}"
        require(is_known, "actions", rule, actions.tolist(), "give each walker one of the world's actions")
        there = world.step(self._state, actions, rng=self.np_random)
        if self._is_over.any():
            there = np.where(self._is_over, self._begin(), there)
        self._state, self._slot = there, np.where(self._is_over, 0, self._slot + 1)
        terminated = (there == world.goal) & ~self._is_over & self._ends_at_goal
        truncated = (self._slot == world.n_slots) & ~terminated
        self._is_over = terminated | truncated
        return there, np.zeros(self.num_envs), terminated, truncated, {}
