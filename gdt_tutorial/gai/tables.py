"""Imitation in finite worlds, where policy, values and discriminator are tables: cloning, cloning smoothed, and GAIL.

Nothing is approximated here, so that what is left between a copy and its original is due to the method and the number of
demonstrations. A policy is a table of probabilities, state by action; counts come from walks of integers.
"""

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from jaxtyping import Float, Int
from torch import Tensor, nn

from gdt_tutorial.agents.actor_critic import Categorical
from gdt_tutorial.agents.policy_gradient import ActorCriticConfig, ActorCriticLearner
from gdt_tutorial.configuration import require
from gdt_tutorial.gai.demonstrations import Demonstrations
from gdt_tutorial.gai.gail import GailConfig, Imitator, train_gail

__all__ = [
    "PRACTICE",
    "TABLE",
    "TableActorCritic",
    "TableDiscriminator",
    "action_counts",
    "clone_table",
    "imitate_table",
    "smoothed_table",
]

TABLE = GailConfig(
    n_iterations=30, n_discriminator_steps=3, batch_size=1024, learning_rate=0.3, weight_decay=1e-4, ema_decay=0.93
)
"""What GAIL needs where all parts are tables: large steps, and the average of the last ten policies or so."""
PRACTICE = ActorCriticConfig(
    rollout_steps=41, discount=0.98, learning_rate=0.15, entropy_weight=0.0, max_gradient_norm=1e9
)
"""The same for the policy gradient; a rollout is a horizon of 40 slots, and the slot in which all begin anew. No bonus
for entropy: it would draw the copy away from the original."""


def action_counts(
    state: Int[np.ndarray, "*shape"], action: Int[np.ndarray, "*shape"], n_states: int, n_actions: int
) -> Float[np.ndarray, "state action"]:
    """Count how often each action was taken in each state.

    Raises:
        ValueError: No demonstration, or a state or action that the world has not.
    """
    require(state.size > 0, "demonstrations", "hold one at least", state.size, "record some")
    for name, values, n_values in (("state", state, n_states), ("action", action, n_actions)):
        is_known = bool((values >= 0).all() and (values < n_values).all())
        rule, remedy = f"hold numbers from 0 to {n_values - 1}", "record them in the world that is imitated"
        require(is_known, name, rule, sorted({int(values.min()), int(values.max())}), remedy)
    counts = np.zeros((n_states, n_actions))
    np.add.at(counts, (state.reshape(-1), action.reshape(-1)), 1.0)
    return counts


def clone_table(
    counts: Float[np.ndarray, "state action"], pseudo_count: float = 0.1
) -> Float[np.ndarray, "state action"]:
    """Return the shares of the actions in each state, with a few imagined ones of each kind; uniform where nobody was.

    Raises:
        ValueError: No imagined ones: a state where nobody was has then no law.
    """
    require(pseudo_count > 0, "pseudo_count", "be above 0", pseudo_count, "0.1 hardly changes what was seen")
    return (counts + pseudo_count) / (counts + pseudo_count).sum(axis=1, keepdims=True)


def smoothed_table(
    counts: Float[np.ndarray, "state action"],
    distance: Float[np.ndarray, "state state"],
    reach: float = 0.5,
    strength: float = 0.3,
) -> Float[np.ndarray, "state action"]:
    """Return shares in which every state borrows `strength` imagined actions from the states near it.

    What is borrowed is the mean over all other states, weighted by exp(-distance / reach), and by the actions of everybody
    everywhere where no state with counts is near.

    Args:
        counts: How often each action was taken in each state.
        distance: Between states.
        reach: Distance over which a weight falls to 1 / e.
        strength: Imagined actions in each state.

    Raises:
        ValueError: `reach` or `strength` is not positive, or nothing was counted.
    """
    require(reach > 0, "reach", "be above 0", reach, "half the distance of neighbors is a choice")
    require(strength > 0, "strength", "be above 0", strength, "a third of an action is a choice")
    require(counts.sum() > 0, "demonstrations", "hold one at least", counts.sum(), "record some")
    weight = np.exp(-distance / reach)
    np.fill_diagonal(weight, 0.0)
    everywhere = counts.sum(axis=0) + 1e-2
    borrowed = weight @ counts + 0.1 * everywhere / everywhere.sum()
    mixed = counts + strength * borrowed / borrowed.sum(axis=1, keepdims=True)
    return mixed / mixed.sum(axis=1, keepdims=True)


class TableActorCritic(nn.Module):
    """A policy and values of a finite world, as tables; states come as vectors of which one entry is 1.

    Args:
        policy: Where it starts, such as a clone; what is learned is added to its logarithm, and is zero at first.
        value_scale: What one unit of a weight of the critic is worth; about the size of a return.
    """

    log_start: Tensor

    def __init__(self, policy: Float[np.ndarray, "state action"], value_scale: float = 10.0) -> None:
        super().__init__()
        require(bool((policy > 0).all()), "policy", "be above 0 everywhere", float(policy.min()), "smooth it first")
        self.register_buffer("log_start", torch.from_numpy(np.log(policy)).float())
        self.learned = nn.Parameter(torch.zeros(policy.shape))
        self.value = nn.Parameter(torch.zeros(len(policy)))
        self.value_scale = value_scale

    def forward(self, state: Float[Tensor, "batch state"], mask: Tensor) -> tuple[Categorical, Float[Tensor, " batch"]]:
        """Return the distribution over the legal actions, and the value."""
        return Categorical(state @ (self.log_start + self.learned), mask), self.value_scale * (state @ self.value)

    @torch.no_grad()
    def policy(self) -> Float[np.ndarray, "state action"]:
        """Return the table of probabilities."""
        return (self.log_start + self.learned).double().softmax(dim=1).numpy()


class TableDiscriminator(nn.Module):
    """A logit for each state and action, zero at first."""

    def __init__(self, n_states: int, n_actions: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(n_states, n_actions))

    def forward(
        self, state: Float[Tensor, "batch state"], action: Float[Tensor, "batch action"]
    ) -> Float[Tensor, " batch"]:
        """Return logits, expert is high."""
        return (state @ self.table * action).sum(dim=1)


def imitate_table(
    envs: VectorEnv,
    walks: tuple[Int[np.ndarray, "*shape"], Int[np.ndarray, "*shape"]],
    start: Float[np.ndarray, "state action"],
    config: GailConfig = TABLE,
    practice: ActorCriticConfig = PRACTICE,
    *,
    generator: torch.Generator,
) -> Float[np.ndarray, "state action"]:
    """Return the policy that GAIL makes of walks.

    Args:
        envs: The world to practice in, with `Discrete` states and actions.
        walks: States and actions that were seen, in any order.
        start: The policy to start from, such as a smoothed clone.
        config: How it learns; with `absorbing_entry`, the state where no action counts.
        practice: How its policy learns.
        generator: Draws everything.

    Raises:
        ValueError: A world of another kind, or what `train_gail` refuses.
    """
    space, n_actions = envs.single_observation_space, start.shape[1]
    require(isinstance(space, spaces.Discrete), "states of envs", "be Discrete", space, "use gai.gail for others")
    state, action = (torch.from_numpy(part.reshape(-1)) for part in walks)
    demonstrations = Demonstrations(nn.functional.one_hot(state, len(start)).float(), action)
    network = TableActorCritic(start, value_scale=30.0)
    learner, judge = ActorCriticLearner(network, practice), TableDiscriminator(*start.shape)
    imitator = Imitator(learner, judge, demonstrations, n_actions, config, generator=generator)
    train_gail(imitator, envs, generator=generator)
    return network.policy()
