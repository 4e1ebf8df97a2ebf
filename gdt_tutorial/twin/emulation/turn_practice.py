"""Practice in the twin: from a copied turn policy to one that fills the streets as the users watched do, by GAIL.

A copy knows the crossings at which somebody was seen. What was seen at a *place*, that many go there or that nobody stays,
says something about every crossing from which ways lead to it, and no count carries it there. Practice does: walkers of the
copy wander over the map, a discriminator with one number per place (and one more for a stay) says which places they reach
too often or too rarely, and its opinion is the reward of each turn (`gai.gail`). The world of the practice is the map, so a
choice leads where it leads, and episodes have one length.

`clone_by_place` is the plain way to the same end, without a world: the logit of a choice is that of the map plus a number of
the place that it reaches, by maximum likelihood (the conditional logit of McFadden 1974); it must stand beside practice.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Bool, Float, Int
from scipy.optimize import minimize
from scipy.special import log_softmax
from torch import Tensor, nn

from gdt_tutorial.agents.policy_gradient import ActorCriticConfig, ActorCriticLearner
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.demonstrations import Demonstrations
from gdt_tutorial.gai.gail import GailConfig, Imitator, train_gail
from gdt_tutorial.gai.tables import TableActorCritic
from gdt_tutorial.twin.emulation.turn_policy import CloneConfig, Crossings, TurnPolicy, WatchedWalks, clone

__all__ = ["CrossingEnvs", "PlaceDiscriminator", "PracticeConfig", "clone_by_place", "occupancy", "practice"]

_LEAST = 1e-7  # probability of an impossible choice, for a logarithm's sake
_CHOSEN = "best of a few by the shares of time at crossings, three seeds that no figure has"


@configclass
class PracticeConfig:
    """How long and how boldly a copy practices."""

    n_envs: int = parameter(64, "Walkers side by side.", "chosen", above=0)
    n_choices: int = parameter(8, "Choices of an episode.", "chosen: some 200 slots of walking", above=1)
    gail: GailConfig = parameter(
        GailConfig(n_iterations=60, learning_rate=0.02, weight_decay=0.1), "Discriminator and length.", _CHOSEN
    )
    learner: ActorCriticConfig = parameter(
        ActorCriticConfig(rollout_steps=8, learning_rate=0.01, discount=0.9, entropy_weight=0.0),
        "Policy gradient.",
        _CHOSEN,
    )


class CrossingEnvs(VectorEnv):
    """Walkers side by side who choose at crossings; no reward, for imitation brings its own.

    Observation: `Discrete`, the state of `Crossings`. Action: `Discrete`, a choice; one that there is not changes nothing.
    All episodes begin together, at states drawn from `start`, and are truncated after `n_choices`.

    Raises:
        ValueError: nowhere to start.
    """

    def __init__(self, crossings: Crossings, start: Int[np.ndarray, " draw"], num_envs: int, n_choices: int) -> None:
        require(len(start) > 0, "start", "hold a state or more", len(start), "pass the states that were seen")
        n_states, n_actions = crossings.is_possible.shape
        self._crossings, self._start, self._n_choices, self._n_made = crossings, start, n_choices, 0
        self.num_envs, self.metadata = num_envs, {"autoreset_mode": AutoresetMode.NEXT_STEP}
        self.single_observation_space, self.single_action_space = spaces.Discrete(n_states), spaces.Discrete(n_actions)
        self.observation_space = spaces.MultiDiscrete([n_states] * num_envs)
        self.action_space = spaces.MultiDiscrete([n_actions] * num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Int[np.ndarray, " env"], dict[str, Any]]:
        """Put everybody where somebody was seen."""
        super().reset(seed=seed)
        self._n_made, self._state = 0, self.np_random.choice(self._start, self.num_envs)
        return self._state, {}

    def step(
        self, actions: Int[np.ndarray, " env"]
    ) -> tuple[
        Int[np.ndarray, " env"], Float[np.ndarray, " env"], Bool[np.ndarray, " env"], Bool[np.ndarray, " env"], dict
    ]:
        """Make one choice everywhere; after the last one, begin anew."""
        never = np.zeros(self.num_envs, dtype=bool)
        if self._n_made == self._n_choices:
            observation, info = self.reset()
            return observation, np.zeros(self.num_envs), never, never, info
        self._n_made, self._state = self._n_made + 1, self._crossings.next_state[self._state, actions]
        is_over = np.full(self.num_envs, self._n_made == self._n_choices)
        return self._state, np.zeros(self.num_envs), never, is_over, {}


class PlaceDiscriminator(nn.Module):
    """One logit per place that a choice leads to, and one per place at which it stays; zero at first, expert is high."""

    place: Tensor

    def __init__(self, crossings: Crossings) -> None:
        super().__init__()
        self.register_buffer("place", torch.from_numpy(_reached(crossings)))
        self.logit = nn.Parameter(torch.zeros(2 * crossings.streets.n_places))

    def forward(
        self, state: Float[Tensor, "batch state"], action: Float[Tensor, "batch action"]
    ) -> Float[Tensor, " batch"]:
        """Return the logit of what each choice reaches."""
        return self.logit[self.place[state.argmax(dim=1), action.argmax(dim=1)]]


def practice(
    policy: TurnPolicy, seen: WatchedWalks, config: PracticeConfig = PracticeConfig(), *, generator: torch.Generator
) -> TurnPolicy:
    """Let a copy practice on its map until its walkers reach places as often as those that were seen."""
    crossings = policy.crossings
    n_states, n_actions = crossings.is_possible.shape
    shown = Demonstrations(torch.eye(n_states)[seen.state], torch.from_numpy(seen.choice))
    start = np.maximum(policy.turn, _LEAST)
    walker = TableActorCritic(start / start.sum(axis=1, keepdims=True))
    learner = ActorCriticLearner(walker, config.learner)
    imitator = Imitator(learner, PlaceDiscriminator(crossings), shown, n_actions, config.gail, generator=generator)
    envs = CrossingEnvs(crossings, seen.state, config.n_envs, config.n_choices)
    train_gail(imitator, envs, generator=generator)
    return replace(policy, turn=_possible(walker.policy(), crossings))


def clone_by_place(
    seen: WatchedWalks, crossings: Crossings, config: CloneConfig = CloneConfig(), *, ridge: float = 1.0
) -> TurnPolicy:
    """Copy what was seen, shrunk to a map whose places are liked as much as was seen.

    Args:
        seen: What is copied.
        crossings: The map.
        config: How much the copy trusts its counts.
        ridge: Weight of half the square of a place's logit; 1 is a standard normal prior (best of 1, 3, 10 by the shares
            of time at crossings, on seeds that no figure has).

    Raises:
        ValueError: `ridge` is not positive.
    """
    require(ridge > 0, "ridge", "be above 0", ridge, "1.0 is a standard normal prior")
    place, base = _reached(crossings), np.log(np.maximum(crossings.uniform_trips, _LEAST))
    n_logits, own_base, own_place = 2 * crossings.streets.n_places, base[seen.state], place[seen.state]
    chosen = (np.arange(len(seen.state)), seen.choice)

    def loss(logit: np.ndarray) -> tuple[float, np.ndarray]:
        log_law = log_softmax(own_base + logit[own_place], axis=1)
        excess = np.exp(log_law)
        excess[chosen] -= 1
        gradient = np.bincount(own_place.reshape(-1), excess.reshape(-1), minlength=n_logits)
        return float(-log_law[chosen].sum() + ridge / 2 * logit @ logit), gradient + ridge * logit

    logit = minimize(loss, np.zeros(n_logits), jac=True, method="L-BFGS-B").x
    liked = _possible(np.exp(log_softmax(base + logit[place], axis=1)), crossings)
    return clone(seen, crossings, config, prior=liked)


def occupancy(policy: TurnPolicy) -> Float[np.ndarray, " state"]:
    """Return the share of choices that fall into each state in the long run: the stationary law of the turns."""
    crossings = policy.crossings
    step = np.zeros((crossings.n_states, crossings.n_states))
    np.add.at(step, (np.arange(crossings.n_states)[:, None], crossings.next_state), policy.turn)
    lazy = np.linalg.matrix_power((step + np.eye(crossings.n_states)) / 2, 4096)  # a lazy walk has no period
    return lazy.mean(axis=0)


def _reached(crossings: Crossings) -> Int[np.ndarray, "state choice"]:
    """Number the place that a choice reaches, and those at which it stays behind them."""
    n_streets, reached = len(crossings.streets.street), np.maximum(crossings.leads_to, 0)
    reached[:n_streets, 0] += crossings.streets.n_places
    return reached


def _possible(turn: Float[np.ndarray, "state choice"], crossings: Crossings) -> Float[np.ndarray, "state choice"]:
    kept = turn * crossings.is_possible
    return kept / kept.sum(axis=1, keepdims=True)
