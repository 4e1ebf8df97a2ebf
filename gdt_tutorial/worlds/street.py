"""A street with two gates: walkers whose every law is known exactly.

The question that this world asks is the one of imitation: a few walks of people were seen; how well does a copy of them walk
on? "GAIL ... can accurately emulate users' dynamic behaviors" (the paper, GAI-based status emulation) is a sentence about
laws, and a log only hints at laws. Here the law of the true walkers and of any copy is a number that needs no sample.

    D . . . # . . .      D  door: where a walk begins, drawn at random
    . . . . + . . .      #  wall
    . . . . # . . .      +  gate
    D . . . # . . G      G  goal: who arrives stays there (an absorbing state)
    . . . . # . . .
    . . . . + . . .
    D . . . # . . .

A walker takes one step in a slot: east, west, north or south. With probability `slip` the crowd pushes it in a direction
drawn at random instead. A step into a wall or over the border leaves it where it is. The true walkers are soft-optimal: a
slot costs one, a slot in a gate more, and a step is the likelier the more it is worth,

    Q(s, a) = -price(s) + sum over s' of P(s' | s, a) V(s')        V(s) = T log sum over a of exp(Q(s, a) / T)
    pi(a | s) = exp((Q(s, a) - V(s)) / T)                          V(goal) = 0

the maximum-entropy walker of Ziebart et al. 2008, whom imitation can find again.

What is abstract: cells instead of meters, four directions, no speed and no pause, no other people but the slip, one goal, and
walkers without memory who are all alike. Radio, videos and network are absent. The walks of the book's campus stand in
`physical.mobility`.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Bool, Float, Int
from scipy.special import logsumexp, xlogy

from gdt_tutorial.configuration import configclass, parameter, require

__all__ = ["ACTIONS", "Street", "StreetConfig", "StreetEnvs"]

ACTIONS = ("east", "west", "north", "south")
_STEPS = np.array([[0, 1], [0, -1], [-1, 0], [1, 0]])  # row and column of each action
_MAP = ("D...#...", "....+...", "....#...", "D...#..G", "....#...", "....+...", "D...#...")


@configclass
class StreetConfig:
    """The street, and how people walk on it."""

    rows: tuple[str, ...] = parameter(_MAP, "Map by rows: D door, # wall, + gate, G goal, a dot for a free cell.", "chosen")
    slip: float = parameter(0.2, "Probability that a step goes in a random direction.", "chosen", at_least=0, below=1)
    failure: float = parameter(0.0, "Probability that a step is not made at all.", "chosen: none", at_least=0, below=1)
    gate_price: float = parameter(1.0, "What a slot in a gate costs beyond one.", "chosen", at_least=0)
    temperature: float = parameter(0.4, "T: how undecided the true walkers are.", "chosen", above=0)
    n_slots: int = parameter(40, "Horizon: slots that a walk is watched, in the goal too.", "chosen", above=0)

    def __post_init__(self) -> None:
        widths, signs = {len(row) for row in self.rows}, "".join(self.rows)
        require(len(widths) == 1, "rows", "be of one length", sorted(widths), "fill short rows with #")
        require(set(signs) <= set("D#+G."), "rows", "hold D, #, +, G and dots", sorted(set(signs)), "draw with these")
        require(signs.count("G") == 1, "rows", "hold one goal G", signs.count("G"), "draw one")
        require("D" in signs, "rows", "hold a door D", signs, "draw one where walks begin")


class Street:
    """The finite world: a transition law, its true walkers, and exact laws of any policy on it.

    A policy is a table of probabilities, state by action. The states are the cells that are no wall, row by row.

    >>> street = Street()
    >>> walkers = street.soft_optimal()
    >>> bool(street.arrival_cdf(walkers)[-1] > 0.99)
    True
    """

    def __init__(self, config: StreetConfig = StreetConfig()) -> None:
        self.config = config
        signs = np.array([list(row) for row in config.rows])
        self.cells = np.argwhere(signs != "#")  # row and column of each state
        self.n_states, at = len(self.cells), signs[tuple(self.cells.T)]
        self.goal = int(np.flatnonzero(at == "G")[0])
        self.start: Float[np.ndarray, " state"] = (at == "D") / (at == "D").sum()
        self.is_gate: Bool[np.ndarray, " state"] = at == "+"
        self.next_state = self._next_states(signs)
        self.transition = self._transition()

    def _next_states(self, signs: np.ndarray) -> Int[np.ndarray, "state action"]:
        number = np.full(np.add(signs.shape, 2), -1)  # with a border around
        number[1:-1, 1:-1][signs != "#"] = np.arange(self.n_states)
        row, column = np.moveaxis(self.cells[:, None] + _STEPS + 1, -1, 0)
        there = number[row, column]
        return np.where(there < 0, np.arange(self.n_states)[:, None], there)

    def _transition(self) -> Float[np.ndarray, "state action state"]:
        config, stay = self.config, np.eye(self.n_states)
        step = stay[self.next_state]
        moved = (1 - config.slip) * step + config.slip * step.mean(axis=1, keepdims=True)
        law = (1 - config.failure) * moved + config.failure * stay[:, None]
        law[self.goal] = stay[self.goal]
        return law

    def wrong(self, failure: float = 0.5) -> "Street":
        """Return the same street in a wrong model of it: a share of the steps is not made."""
        return Street(replace(self.config, failure=failure))

    def soft_optimal(self) -> Float[np.ndarray, "state action"]:
        """Return the policy of the true walkers, by soft value iteration; in the goal all actions are alike.

        Raises:
            ValueError: So undecided walkers that a walk never ends.
        """
        price, temperature, value = 1 + self.config.gate_price * self.is_gate, self.config.temperature, np.zeros(self.n_states)
        for _ in range(10_000):
            worth = -price[:, None] + self.transition @ value
            new = temperature * logsumexp(worth / temperature, axis=1)
            new[self.goal] = 0.0
            change, value = np.abs(new - value).max(), new
            if change < 1e-12:
                break
        remedy = "lower the temperature: choosing at random must not be worth more than a slot costs"
        require(change < 1e-12, "temperature", "let the values settle", temperature, remedy)
        policy = np.exp((worth - value[:, None]) / temperature)
        policy[self.goal] = 1 / len(ACTIONS)
        return policy / policy.sum(axis=1, keepdims=True)

    def step_law(self, policy: Float[np.ndarray, "state action"]) -> Float[np.ndarray, "state state"]:
        """Return where a step of `policy` leads.

        Raises:
            ValueError: No policy on this street.
        """
        shape = (self.n_states, len(ACTIONS))
        require(policy.shape == shape, "policy", f"have shape {shape}", policy.shape, "give each state its actions")
        is_law = bool((policy >= 0).all() and np.allclose(policy.sum(axis=1), 1, atol=1e-5))
        require(is_law, "policy", "hold probabilities", policy.sum(axis=1)[:3].tolist(), "let each row sum to one")
        return np.einsum("sa,sat->st", policy, self.transition)

    def occupancy(self, policy: Float[np.ndarray, "state action"]) -> Float[np.ndarray, "state action"]:
        """Return the share of the horizon's slots that a walker spends in each state with each action; it sums to one."""
        law, here, total = self.step_law(policy), self.start, np.zeros(self.n_states)
        for _ in range(self.config.n_slots):
            total, here = total + here, here @ law
        return (total / self.config.n_slots)[:, None] * policy

    def expected_visits(self, policy: Float[np.ndarray, "state action"]) -> Float[np.ndarray, " state"]:
        """Return the slots spent in each state until arrival, without a horizon: d = start + P^T d, a linear solve.

        Raises:
            ValueError: A policy that may never arrive.
        """
        is_way = np.arange(self.n_states) != self.goal
        visits, system = np.zeros(self.n_states), (np.eye(self.n_states) - self.step_law(policy).T)[np.ix_(is_way, is_way)]
        require(np.linalg.cond(system) < 1e12, "policy", "arrive at last", "one that may not", "mix in every action")
        visits[is_way] = np.linalg.solve(system, self.start[is_way])
        return visits

    def arrival_cdf(self, policy: Float[np.ndarray, "state action"]) -> Float[np.ndarray, " slot"]:
        """Return the probability of having arrived when a slot begins, for each slot of the horizon."""
        law, here, arrived = self.step_law(policy), self.start, []
        for _ in range(self.config.n_slots):
            arrived.append(here[self.goal])
            here = here @ law
        return np.array(arrived)

    def mean_arrival(self, policy: Float[np.ndarray, "state action"]) -> float:
        """Return the expected slots until arrival; a walk that has not arrived counts the whole horizon."""
        return float((1 - self.arrival_cdf(policy)).sum())

    def log_likelihood(
        self, policy: Float[np.ndarray, "state action"], walkers: Float[np.ndarray, "state action"]
    ) -> float:
        """Return the expected log-probability that `policy` gives to an action of `walkers` on their way."""
        share = self.occupancy(walkers)
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
        for _ in range(self.config.n_slots):
            action = (rng.random(n_walks)[:, None] > policy[here].cumsum(axis=1)[:, :-1]).sum(axis=1)
            states.append(here)
            actions.append(action)
            here = self.step(here, action, rng=rng)
        return np.stack(states, axis=1), np.stack(actions, axis=1)

    def step(
        self, state: Int[np.ndarray, " walk"], action: Int[np.ndarray, " walk"], *, rng: np.random.Generator
    ) -> Int[np.ndarray, " walk"]:
        """Draw the next states."""
        slips, other = rng.random(len(state)) < self.config.slip, rng.integers(len(ACTIONS), size=len(state))
        stays = (rng.random(len(state)) < self.config.failure) | (state == self.goal)
        return np.where(stays, state, self.next_state[state, np.where(slips, other, action)])


class StreetEnvs(VectorEnv):
    """Walkers side by side on a street, as a vector environment without a reward: imitation brings its own.

    Observation: `Discrete`, the state. Action: `Discrete`, one of `ACTIONS`. An episode is truncated after the horizon and
    never terminates: who has arrived stays in the goal. All episodes begin and end together.
    """

    def __init__(self, street: Street, num_envs: int) -> None:
        require(num_envs > 0, "num_envs", "be above 0", num_envs, "let one walk at least")
        self.street, self.num_envs, self._slot = street, num_envs, 0
        self.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}
        self.single_observation_space = spaces.Discrete(street.n_states)
        self.single_action_space = spaces.Discrete(len(ACTIONS))
        self.observation_space = spaces.MultiDiscrete([street.n_states] * num_envs)
        self.action_space = spaces.MultiDiscrete([len(ACTIONS)] * num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Int[np.ndarray, " env"], dict[str, Any]]:
        """Put everybody at a door."""
        super().reset(seed=seed)
        self._slot, self._state = 0, self.np_random.choice(self.street.n_states, self.num_envs, p=self.street.start)
        return self._state, {}

    def step(
        self, actions: Int[np.ndarray, " env"]
    ) -> tuple[Int[np.ndarray, " env"], Float[np.ndarray, " env"], Bool[np.ndarray, " env"], Bool[np.ndarray, " env"], dict]:
        """Take one step everywhere; after the horizon, begin anew.

        Raises:
            ValueError: An action that the street has not.
        """
        is_known = self.action_space.contains(np.asarray(actions, dtype=np.int64))
        require(is_known, "actions", f"hold numbers below {len(ACTIONS)}", actions, "choose one of ACTIONS")
        never = np.zeros(self.num_envs, dtype=bool)
        if self._slot == self.street.config.n_slots:
            observation, info = self.reset()
            return observation, np.zeros(self.num_envs), never, never, info
        self._slot, self._state = self._slot + 1, self.street.step(self._state, actions, rng=self.np_random)
        is_over = np.full(self.num_envs, self._slot == self.street.config.n_slots)
        return self._state, np.zeros(self.num_envs), never, is_over, {}
