"""Deep deterministic policy gradient (DDPG): continuous actions.

The critic Q(s, a) learns from targets of slowly following copies, and the actor mu(s) climbs the critic:

    y      = r + gamma * Q'(s', mu'(s'))        and  y = r  where the task terminated
    critic : minimize the mean of (Q(s, a) - y)^2
    actor  : maximize the mean of Q(s, mu(s))
    copies : theta' <- tau * theta + (1 - tau) * theta'

Source: Lillicrap et al. 2016, "Continuous control with deep reinforcement learning", algorithm 1 and sec. 7, from which the
default rates come. We differ: the critic reads the action in its first layer, and the copies also bootstrap where a time
limit cut an episode. Left out: batch normalization and weight decay.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise

import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gdt_tutorial.agents.episode_checks import require_finite_loss
from gdt_tutorial.agents.evaluation import Policy, Validation
from gdt_tutorial.agents.exploration_noise import Noise
from gdt_tutorial.agents.replay import Collector, ReplayBuffer, Transitions, require_fit
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.seeding import torch_seeded

__all__ = [
    "Actor",
    "Critic",
    "DDPGConfig",
    "DDPGLearner",
    "act",
    "train_ddpg",
    "train_offline",
]

_PAPER = "Lillicrap et al. 2016, sec. 7"


@configclass
class DDPGConfig:
    """How long and how fast `train_ddpg` learns. A step is one action in one environment."""

    n_steps: int = parameter(20_000, "Steps of the whole training.", "chosen", above=0)
    learning_starts: int = parameter(1_000, "Steps of uniform random actions before learning.", "chosen", at_least=0)
    steps_per_update: int = parameter(1, "Steps for each gradient step.", _PAPER, above=0)
    capacity: int = parameter(50_000, "Transitions that the replay buffer remembers.", "chosen, for memory", above=0)
    batch_size: int = parameter(64, "Transitions that one gradient step averages over.", _PAPER, above=0)
    discount: float = parameter(0.99, "Weight of the next step's value.", _PAPER, at_least=0, at_most=1)
    actor_learning_rate: float = parameter(1e-4, "Step size of Adam for the actor.", _PAPER, above=0)
    critic_learning_rate: float = parameter(1e-3, "Step size of Adam for the critic.", _PAPER, above=0)
    tau: float = parameter(
        1e-3,
        "Share of the way that the copies follow per gradient step.",
        _PAPER,
        above=0,
        at_most=1,
        remedy="pass 1 for copies that follow at once",
    )
    validation_steps: int = parameter(2_000, "Steps between two validations.", "chosen", above=0)


class Actor(nn.Module):
    """From a state to an action, every entry in [-1, 1].

    Args:
        n_states: Entries of a state.
        n_actions: Entries of an action.
        hidden: Widths of the hidden layers.
        generator: Draws the first weights.
    """

    def __init__(
        self, n_states: int, n_actions: int, hidden: Sequence[int] = (128, 64), *, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.layers = _perceptron((n_states, *hidden, n_actions), generator=generator)

    def forward(self, state: Float[Tensor, "batch state"]) -> Float[Tensor, "batch action"]:
        """Return mu(s)."""
        return self.layers(state).tanh()


class Critic(nn.Module):
    """From a state and an action to the value Q(s, a).

    Args:
        n_states: Entries of a state.
        n_actions: Entries of an action.
        hidden: Widths of the hidden layers.
        generator: Draws the first weights.
    """

    def __init__(
        self, n_states: int, n_actions: int, hidden: Sequence[int] = (128, 64), *, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.layers = _perceptron((n_states + n_actions, *hidden, 1), generator=generator)

    def forward(
        self, state: Float[Tensor, "batch state"], action: Float[Tensor, "batch action"]
    ) -> Float[Tensor, " batch"]:
        """Return Q(s, a)."""
        return self.layers(torch.cat([state, action], dim=-1)).squeeze(-1)


def _perceptron(widths: Sequence[int], *, generator: torch.Generator) -> nn.Sequential:
    layers: list[nn.Module] = []
    with torch_seeded(generator):
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        # A small last layer: the first actions and values are near 0 (sec. 7).
        for weight in layers[-2].parameters():
            nn.init.uniform_(weight, -3e-3, 3e-3)
    return nn.Sequential(*layers[:-1])


class DDPGLearner:
    """Actor and critic, which learn in place, with their copies and optimizers."""

    def __init__(self, actor: Actor, critic: Critic, config: DDPGConfig = DDPGConfig()) -> None:
        self.actor, self.critic, self.config = actor, critic, config
        self.target_actor, self.target_critic = deepcopy(actor), deepcopy(critic)
        self._actor_optimizer = torch.optim.Adam(actor.parameters(), lr=config.actor_learning_rate)
        self._critic_optimizer = torch.optim.Adam(critic.parameters(), lr=config.critic_learning_rate)

    @torch.no_grad()
    def target(self, batch: Transitions) -> Float[Tensor, " batch"]:
        """Return y. Truncation does not stop the bootstrap: the task would have gone on."""
        value = self.target_critic(batch.next_state, self.target_actor(batch.next_state))
        return batch.reward + self.config.discount * torch.where(batch.is_terminated, torch.zeros_like(value), value)

    def update(self, batch: Transitions) -> float:
        """Make one gradient step of critic and actor, let the copies follow, and return the critic's loss.

        Raises:
            ValueError: A loss that is not finite.
        """
        critic_loss = nn.functional.mse_loss(self.critic(batch.state, batch.action), self.target(batch))
        require_finite_loss(critic_loss, "lower critic_learning_rate, or scale the rewards to about one")
        self._critic_optimizer.zero_grad()
        critic_loss.backward()
        self._critic_optimizer.step()

        actor_loss = -self.critic(batch.state, self.actor(batch.state)).mean()
        require_finite_loss(actor_loss, "lower both learning rates, or scale the rewards to about one")
        self._actor_optimizer.zero_grad()
        actor_loss.backward()
        self._actor_optimizer.step()

        _follow(self.target_actor, self.actor, self.config.tau)
        _follow(self.target_critic, self.critic, self.config.tau)
        return critic_loss.item()


@torch.no_grad()
def _follow(copy: nn.Module, network: nn.Module, tau: float) -> None:
    for slow, fast in zip(copy.parameters(), network.parameters(), strict=True):
        slow.lerp_(fast, tau)


def act(actor: Actor) -> Policy:
    """Return the policy of `actor` without noise; continuous actions have no masks."""

    @torch.no_grad()
    def policy(state: Float[Tensor, "batch state"], mask: Bool[Tensor, " batch *choice"]) -> Tensor:
        return actor(state)

    return policy


def train_ddpg(
    learner: DDPGLearner,
    envs: VectorEnv,
    noise: Noise,
    *,
    generator: torch.Generator,
    validation: Validation | None = None,
    augment: Callable[[Transitions], Transitions] = lambda batch: batch,
    on_update: Callable[[int, float], object] | None = None,
) -> None:
    """Train the actor and critic of `learner`; with `validation` the actor ends with the weights that scored best.

    Args:
        learner: Actor, critic, and the config that says how long and how fast.
        envs: Any vector environment with a `Box` action space that has limits.
        noise: Disturbs the actions after the first random ones.
        generator: Draws the first actions and from the replay buffer, and seeds `envs`.
        validation: Chooses the checkpoint.
        augment: What is learned from instead of a batch, such as the same in a mirror.
        on_update: Called with the step (from 0) and the critic's loss of each gradient step, for a progress bar.

    Raises:
        ValueError: Actions that are not a `Box` with one axis and limits, networks that do not fit, what `Collector`
            refuses, or a loss that is not finite.
    """
    config, space = learner.config, envs.single_action_space
    is_vector = isinstance(space, spaces.Box) and len(space.shape) == 1
    require(is_vector, "action space", "be a Box with one axis", space, "see ddqn or branching for choices")
    buffer = ReplayBuffer(config.capacity)
    collector = Collector(envs, generator=generator)
    some_action = torch.zeros(envs.num_envs, *space.shape)  # type: ignore[misc]
    require_fit("actor", learner.actor, (collector.state,), tuple(some_action.shape))
    require_fit("critic", learner.critic, (collector.state, some_action), (envs.num_envs,))
    n_steps = 0
    while n_steps < config.n_steps:
        # Act.
        if n_steps < config.learning_starts:
            action = 2 * torch.rand((envs.num_envs, *space.shape), generator=generator) - 1  # type: ignore[misc]
        else:
            with torch.no_grad():
                action = (learner.actor(collector.state) + noise.draw()).clamp(-1, 1)
        transitions, env = collector.step(action)
        noise.restart(env[transitions.is_terminated | transitions.is_truncated])
        buffer.add(transitions)
        n_before, n_steps = n_steps, n_steps + len(transitions)
        # Learn.
        for step in range(n_before, n_steps):
            if step >= config.learning_starts and step % config.steps_per_update == 0:
                loss = learner.update(augment(buffer.sample(config.batch_size, generator=generator)))
                if on_update is not None:
                    on_update(step, loss)
        # Validate.
        is_due = n_steps // config.validation_steps > n_before // config.validation_steps
        if validation is not None and (is_due or n_steps >= config.n_steps):
            validation.consider(learner.actor, act(learner.actor), n_steps)
    if validation is not None:
        validation.restore(learner.actor)


def train_offline(
    learner: DDPGLearner,
    buffer: ReplayBuffer,
    n_updates: int,
    *,
    generator: torch.Generator,
    augment: Callable[[Transitions], Transitions] = lambda batch: batch,
    on_update: Callable[[int, float], object] | None = None,
) -> None:
    """Train actor and critic on what is remembered, without any environment: nobody tries what the actor would do.

    Args:
        learner: Actor, critic, and the config that says how fast.
        buffer: Such as logs.
        n_updates: Gradient steps.
        generator: Draws from the buffer.
        augment: As for `train_ddpg`.
        on_update: Called with the update (from 0) and the critic's loss.

    Raises:
        ValueError: The buffer is empty, or a loss that is not finite.
    """
    for update in range(n_updates):
        loss = learner.update(augment(buffer.sample(learner.config.batch_size, generator=generator)))
        if on_update is not None:
            on_update(update, loss)
