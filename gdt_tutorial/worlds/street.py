"""A street with two gates: walkers whose every law is known exactly.

The question that this world asks is the one of imitation: a few walks of people were seen; how well does a copy of them walk
on? "GAIL ... can accurately emulate users' dynamic behaviors" (the paper, GAI-based status emulation) is a sentence about
laws, and a log only hints at laws. Here the laws of the true walkers and of any copy are numbers (`worlds.finite`).

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

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logsumexp

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.worlds.finite import FiniteWorld

__all__ = ["ACTIONS", "Street", "StreetConfig"]

ACTIONS = ("east", "west", "north", "south")
_STEPS = np.array([[0, 1], [0, -1], [-1, 0], [1, 0]])  # row and column of each action
_MAP = ("D...#...", "....+...", "....#...", "D...#..G", "....#...", "....+...", "D...#...")


@configclass
class StreetConfig:
    """The street, and how people walk on it."""

    rows: tuple[str, ...] = parameter(
        _MAP, "Map by rows: D door, # wall, + gate, G goal, a dot for a free cell.", "chosen"
    )
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
    """The street as a finite world, with its true walkers. The states are the cells that are no wall, row by row.

    >>> street = Street()
    >>> bool(street.world.arrival_cdf(street.soft_optimal())[-1] > 0.99)
    True
    """

    def __init__(self, config: StreetConfig = StreetConfig()) -> None:
        self.config, signs = config, np.array([list(row) for row in config.rows])
        self.cells: Int[np.ndarray, "state xy"] = np.argwhere(signs != "#")  # row and column
        at = signs[tuple(self.cells.T)]
        self.is_gate: Bool[np.ndarray, " state"] = at == "+"
        self.next_state = _next_states(signs)
        goal, start = int(np.flatnonzero(at == "G")[0]), (at == "D") / (at == "D").sum()
        self.world = FiniteWorld(_transition(self.next_state, goal, config), start, goal, config.n_slots)

    @property
    def distance(self) -> Float[np.ndarray, "state state"]:
        """Return the steps between cells if there were no walls."""
        return np.abs(self.cells[:, None] - self.cells).sum(axis=-1).astype(float)

    def wrong(self, failure: float = 0.5) -> "Street":
        """Return the same street in a wrong model of it: a share of the steps is not made."""
        return Street(replace(self.config, failure=failure))

    def soft_optimal(self) -> Float[np.ndarray, "state action"]:
        """Return the policy of the true walkers, by soft value iteration; in the goal all actions are alike.

        Raises:
            ValueError: So undecided walkers that a walk never ends.
        """
        world, temperature = self.world, self.config.temperature
        price, value = 1 + self.config.gate_price * self.is_gate, np.zeros(world.n_states)
        for _ in range(10_000):
            worth = -price[:, None] + world.transition @ value
            new = temperature * logsumexp(worth / temperature, axis=1)
            new[world.goal] = 0.0
            change, value = np.abs(new - value).max(), new
            if change < 1e-12:
                break
        remedy = "lower the temperature: choosing at random must not be worth more than a slot costs"
        require(change < 1e-12, "temperature", "let the values settle", temperature, remedy)
        policy = np.exp((worth - value[:, None]) / temperature)
        policy[world.goal] = 1 / len(ACTIONS)
        return policy / policy.sum(axis=1, keepdims=True)


def _next_states(signs: np.ndarray) -> Int[np.ndarray, "state action"]:
    """Return where each step leads that nothing disturbs."""
    n_states = int((signs != "#").sum())
    number = np.full(np.add(signs.shape, 2), -1)  # with a border around
    number[1:-1, 1:-1][signs != "#"] = np.arange(n_states)
    row, column = np.moveaxis(np.argwhere(signs != "#")[:, None] + _STEPS + 1, -1, 0)
    there = number[row, column]
    return np.where(there < 0, np.arange(n_states)[:, None], there)


def _transition(
    next_state: Int[np.ndarray, "state action"], goal: int, config: StreetConfig
) -> Float[np.ndarray, "state action state"]:
    stay = np.eye(len(next_state))
    step = stay[next_state]
    moved = (1 - config.slip) * step + config.slip * step.mean(axis=1, keepdims=True)
    law = (1 - config.failure) * moved + config.failure * stay[:, None]
    law[goal] = stay[goal]
    return law
