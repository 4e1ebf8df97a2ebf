"""Generative adversarial imitation learning (GAIL): practice in a world until nobody can tell the copy from the original.

GAIL "integrates the status generation capability of GAN into deep reinforcement learning (DRL) algorithms, which can
accurately emulate users' dynamic behaviors" (the paper, GAI-Based Status Emulation). A discriminator D learns to tell states
and actions of the demonstrations from those of the imitator; what it takes for a demonstration is the imitator's reward; the
policy gradient of `agents` does the rest.

    1. D ascends      E_demonstrations[log D(s, a)] + E_imitator[log(1 - D(s, a))]
    2. the policy ascends the return of a reward that grows with D(s, a)

`gail_discriminator` says what D knows when it has learned, and which rewards there are. Cloning matches actions in the states
of others; this matches where the imitator itself gets to. So it needs a world to practice in, and inherits its faults.

Source: Ho and Ermon 2016, "Generative adversarial imitation learning", algorithm 1. We differ: the policy step is advantage
actor-critic instead of TRPO; the sign of the discriminator, its rewards and its penalty; episodes of one length
(`gai.absorbing`), and others only where a config names the bias of that.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.optim.lr_scheduler import LinearLR, LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gdt_tutorial.agents.episode_checks import require_finite_loss
from gdt_tutorial.agents.policy_gradient import ActorCriticLearner, Losses, Rollout, collect, sampling
from gdt_tutorial.agents.replay import Collector, Transitions, n_state_entries
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.demonstrations import Demonstrations
from gdt_tutorial.gai.gail_discriminator import DIFFERENCE, ImitationReward, discriminator_loss, gradient_penalty

__all__ = ["GailConfig", "GailLosses", "Imitator", "train_gail"]


@configclass
class GailConfig:
    """How an imitator learns, beside what its `ActorCriticLearner` says."""

    n_iterations: int = parameter(200, "Rollouts, each with an update of both sides.", "chosen", above=0)
    n_discriminator_steps: int = parameter(
        2, "Gradient steps of the discriminator for each rollout.", "chosen", above=0
    )
    batch_size: int = parameter(256, "Samples of each side in such a step.", "chosen", above=0)
    n_remembered: int = parameter(
        1, "Latest rollouts that the discriminator learns from: old faults are not forgotten.", "chosen", above=0
    )
    learning_rate: float = parameter(1e-3, "Step size of its Adam.", "default of torch.optim.Adam", above=0)
    weight_decay: float = parameter(0.0, "Pull of its weights toward zero.", "chosen: none", at_least=0)
    penalty_weight: float = parameter(0.0, "Weight of the gradient penalty.", "chosen: none", at_least=0)
    reward: ImitationReward = parameter(DIFFERENCE, "From its logits to a reward.", "Fu et al. 2018")
    absorbing_entry: int | None = parameter(
        None,
        "Entry of a state that is 1 in the absorbing state, where no action counts; none: no such state.",
        "chosen",
    )
    ema_decay: float | None = parameter(
        None,
        "What each update leaves of a running average of the policy's weights, with which it ends; none: no average.",
        "chosen",
        above=0,
        below=1,
    )
    last_step_share: float = parameter(
        1.0,
        "What is left of both step sizes at the end; they fall along a line, so that the chase of both sides settles.",
        "chosen: all of it",
        above=0,
        at_most=1,
    )
    accepted_bias: str = parameter(
        "", "The bias of `reward`, in its own words, where episodes may end early; empty: they must not.", "chosen"
    )


class GailLosses(NamedTuple):
    """What one update has left: of the discriminator, the mean reward that it gave, and the policy's losses."""

    discriminator: float
    reward: float
    policy: Losses


class Imitator:
    """A policy that learns to be taken for the demonstrators, and the discriminator that judges it.

    Args:
        learner: The policy gradient, with the network that acts.
        discriminator: From states and actions (as numbers) to logits that are high for demonstrations.
        demonstrations: Of the expert.
        n_actions: Number of actions where they are choices; None where they are numbers.
        config: How it learns.
        generator: Draws the batches.

    Raises:
        ValueError: Demonstrated actions that the world has not.
    """

    def __init__(
        self,
        learner: ActorCriticLearner,
        discriminator: nn.Module,
        demonstrations: Demonstrations,
        n_actions: int | None,
        config: GailConfig = GailConfig(),
        *,
        generator: torch.Generator,
    ) -> None:
        _require_actions(demonstrations.action, n_actions)
        self.learner, self.discriminator, self.config = learner, discriminator, config
        self._demonstrations, self._n_actions, self._generator = demonstrations, n_actions, generator
        self._remembered: deque[tuple[Tensor, Tensor]] = deque(maxlen=config.n_remembered)
        self._average: AveragedModel | None = None
        if config.ema_decay is not None:
            self._average = AveragedModel(learner.network, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay))
        self._optimizer = torch.optim.Adam(
            discriminator.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )

    def inputs(
        self, state: Float[Tensor, "batch state"], action: Shaped[Tensor, " batch *action"]
    ) -> tuple[Float[Tensor, "batch state"], Float[Tensor, "batch feature"]]:
        """Return what the discriminator sees: choices as vectors with one 1, and zeros in the absorbing state."""
        numbers = action if self._n_actions is None else nn.functional.one_hot(action, self._n_actions).float()
        if self.config.absorbing_entry is not None:
            numbers = numbers * (state[:, self.config.absorbing_entry, None] != 1)
        return state, numbers

    @torch.no_grad()
    def reward(self, transitions: Transitions) -> Float[Tensor, " batch"]:
        """Return the reward of each transition."""
        return self.config.reward(self.discriminator(*self.inputs(transitions.state, transitions.action)))

    def update(self, rollout: Rollout) -> GailLosses:
        """Let both sides learn from a rollout of the present policy (Ho and Ermon 2016, algorithm 1, lines 4 and 5).

        Raises:
            ValueError: Episodes that ended early where no bias was accepted, or a loss that is not finite.
        """
        self._require_horizon(rollout.transitions)
        # 1. The discriminator learns to tell demonstrations from what the imitator did.
        self._remembered.append(self.inputs(rollout.transitions.state, rollout.transitions.action))
        for _ in range(self.config.n_discriminator_steps):
            loss = self._discriminator_step()
        # 2. Its opinion is the reward.
        reward = self.reward(rollout.transitions)
        # 3. The policy learns to be taken for a demonstrator.
        losses = self.learner.update(rollout.with_reward(reward))
        if self._average is not None:
            self._average.update_parameters(self.learner.network)
        return GailLosses(loss, float(reward.mean()), losses)

    def schedules(self) -> list[LRScheduler]:
        """Return how the step sizes of both sides fall over the iterations."""
        share, n_steps = self.config.last_step_share, self.config.n_iterations
        return [LinearLR(each, 1.0, share, n_steps) for each in (self.learner.optimizer, self._optimizer)]

    def settle(self) -> None:
        """Give the policy the averaged weights, if there are: two sides that chase each other circle around their goal."""
        if self._average is not None:
            self.learner.network.load_state_dict(self._average.module.state_dict())

    def require_world(self, envs: VectorEnv) -> None:
        """Raise unless a world has the states and actions of the demonstrations.

        Raises:
            ValueError: It has others.
        """
        expected, found = n_state_entries(envs.single_observation_space), self._demonstrations.state.shape[1]
        require(found == expected, "states of demonstrations", f"have {expected} entries", found, "record them in envs")
        space = envs.single_action_space
        n_actions = int(space.n) if isinstance(space, spaces.Discrete) else None
        is_alike = n_actions == self._n_actions
        require(is_alike, "n_actions", f"be that of envs ({n_actions})", self._n_actions, "None stands for numbers")

    def _discriminator_step(self) -> float:
        config, generator = self.config, self._generator
        shown = self._demonstrations.sample(config.batch_size, generator=generator)
        expert, imitator = self.inputs(shown.state, shown.action), self._done(config.batch_size)
        loss = discriminator_loss(self.discriminator(*expert), self.discriminator(*imitator))
        if config.penalty_weight > 0:
            penalty = gradient_penalty(self.discriminator, expert, imitator, generator=generator)
            loss = loss + config.penalty_weight * penalty
        require_finite_loss(loss)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        return loss.item()

    def _done(self, n_samples: int) -> tuple[Float[Tensor, "batch state"], Float[Tensor, "batch feature"]]:
        """Draw from the remembered rollouts, of each the same share."""
        parts = []
        for state, action in self._remembered:
            index = torch.randint(len(state), (-(-n_samples // len(self._remembered)),), generator=self._generator)
            parts.append((state[index], action[index]))
        states, actions = zip(*parts, strict=True)
        return torch.cat(states)[:n_samples], torch.cat(actions)[:n_samples]

    def _require_horizon(self, transitions: Transitions) -> None:
        bias, accepted = self.config.reward.bias, self.config.accepted_bias
        is_fixed = not transitions.is_terminated.any()
        remedy = (
            f"wrap the environment in gai.absorbing.AbsorbingState, or accept in accepted_bias that it favors {bias}"
        )
        require(is_fixed or accepted == bias, "horizon of the episodes", "be fixed", "one that terminated", remedy)


def _require_actions(action: Shaped[Tensor, " batch *action"], n_actions: int | None) -> None:
    if n_actions is None:
        is_number = action.is_floating_point() and action.dim() == 2
        kind = (action.dtype, tuple(action.shape))
        require(is_number, "actions of demonstrations", "be rows of numbers", kind, "pass n_actions for choices")
        return
    is_choice = not action.is_floating_point() and action.dim() == 1
    is_known = is_choice and bool(((action >= 0) & (action < n_actions)).all())
    found = sorted({int(action.min()), int(action.max())}) if is_choice else (action.dtype, tuple(action.shape))
    rule = f"be whole numbers from 0 to {n_actions - 1}"
    require(is_known, "actions of demonstrations", rule, found, "record them in the world that is imitated")


def train_gail(
    imitator: Imitator,
    envs: VectorEnv,
    *,
    generator: torch.Generator,
    on_iteration: Callable[[int, GailLosses], object] | None = None,
) -> None:
    """Let an imitator practice in a world.

    Args:
        imitator: Learns in place.
        envs: The world; its own rewards are not looked at.
        generator: Draws the actions, and seeds `envs`.
        on_iteration: Called with the iteration (from 0) and what its update left, for a progress bar.

    Raises:
        ValueError: A world with other states or actions than the demonstrations, or what `Imitator.update` refuses.
    """
    imitator.require_world(envs)
    collector = Collector(envs, generator=generator)
    policy, schedules = sampling(imitator.learner.network, generator=generator), imitator.schedules()
    for iteration in range(imitator.config.n_iterations):
        rollout = collect(collector, policy, imitator.learner.config.rollout_steps)
        losses = imitator.update(rollout)
        for schedule in schedules:
            schedule.step()
        if on_iteration is not None:
            on_iteration(iteration, losses)
    imitator.settle()
