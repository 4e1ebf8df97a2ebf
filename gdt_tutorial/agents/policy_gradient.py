"""Policy gradient with a learned baseline: advantage actor-critic (A2C), for choices and for numbers.

"Policy gradient" is one of the data-based decision makers that a digital twin has without generative AI (the paper, Digital
Twin). The actor gives a distribution over actions and draws from it; what turned out better than the critic had expected
becomes more likely. With rewards r, values V of the critic, a discount gamma and GAE's lambda:

    delta_t = r_t + gamma * V(s_t+1) - V(s_t)               V(s_t+1) = 0  where the task terminated
    A_t     = delta_t + gamma * lambda * A_t+1              A_t+1 = 0     where the episode or the rollout ended
    loss    = -mean of log pi(a_t | s_t) * A_t  +  value_weight * mean of (V(s_t) - R_t)^2  -  entropy_weight * mean entropy

with R_t = A_t + V(s_t), and neither A_t nor R_t is differentiated. One rollout, one gradient step: the rollout is then of an
older policy and is thrown away.

Source: Mnih et al. 2016, "Asynchronous methods for deep reinforcement learning", sec. 4, with all actors in step (A2C);
advantages of Schulman et al. 2016, "High-dimensional continuous control using generalized advantage estimation", eq. 16.
We differ: Adam instead of RMSprop; masks of legal actions; where a time limit cut an episode the value of the true last state
bootstraps. Left out: several epochs over a rollout with clipped ratios (PPO), and normalized advantages.

The networks stand in `agents.actor_critic`. The rewards of a rollout may be replaced, such as by a discriminator's
(`Rollout.with_reward`), before `ActorCriticLearner.update` sees it.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import torch
from gymnasium.vector import VectorEnv
from jaxtyping import Float, Int
from torch import Tensor, nn

from gdt_tutorial.agents.actor_critic import ActorCritic
from gdt_tutorial.agents.episode_checks import require_finite_loss
from gdt_tutorial.agents.evaluation import Policy, Validation
from gdt_tutorial.agents.replay import Collector, Transitions, require_fit
from gdt_tutorial.configuration import configclass, parameter, require

__all__ = [
    "ActorCriticConfig",
    "ActorCriticLearner",
    "Losses",
    "Rollout",
    "act",
    "advantages",
    "collect",
    "policy_gradient_loss",
    "sampling",
    "train_actor_critic",
]

_SB3 = "default of stable-baselines3's A2C"


@configclass
class ActorCriticConfig:
    """How long and how fast `train_actor_critic` learns. A step is one action in one environment."""

    n_steps: int = parameter(100_000, "Steps of the whole training.", "chosen", above=0)
    rollout_steps: int = parameter(16, "Steps of each environment between two updates.", "chosen", above=0)
    discount: float = parameter(0.99, "Weight of the next step's value.", "Mnih et al. 2016", at_least=0, at_most=1)
    gae_lambda: float = parameter(
        0.95, "Weight of later steps' surprises in an advantage.", "Schulman et al. 2016", at_least=0, at_most=1
    )
    learning_rate: float = parameter(1e-3, "Step size of Adam.", "default of torch.optim.Adam", above=0)
    value_weight: float = parameter(0.5, "Weight of the critic's loss.", _SB3, at_least=0)
    entropy_weight: float = parameter(
        0.01, "Weight of the entropy, against early certainty.", "Mnih et al. 2016", at_least=0
    )
    max_gradient_norm: float = parameter(0.5, "Longer gradients are shortened to this norm.", _SB3, above=0)
    validation_steps: int = parameter(10_000, "Steps between two validations.", "chosen", above=0)


def act(network: ActorCritic) -> Policy:
    """Return the policy that takes the most likely legal action."""

    @torch.no_grad()
    def policy(state: Tensor, mask: Tensor) -> Tensor:
        return network(state, mask)[0].best()

    return policy


def sampling(network: ActorCritic, *, generator: torch.Generator) -> Policy:
    """Return the policy that draws its actions, by the weights that `network` has when it is asked."""

    @torch.no_grad()
    def policy(state: Tensor, mask: Tensor) -> Tensor:
        return network(state, mask)[0].sample(generator=generator)

    return policy


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """Transitions in order of time, each with its environment and its step, both from 0.

    An environment that resets makes no transition in that step, so steps have unequal numbers of rows. Values and
    log-probabilities are not stored: the update computes them with the very weights that acted.
    """

    transitions: Transitions
    env: Int[Tensor, " batch"]
    step: Int[Tensor, " batch"]

    def __post_init__(self) -> None:
        """Check the order."""
        n_rows = len(self.transitions)
        require(n_rows > 0, "transitions", "hold one at least", n_rows, "collect more steps")
        found = (len(self.env), len(self.step))
        require(found == (n_rows, n_rows), "env and step", f"have {n_rows} entries", found, "one for each transition")
        is_ordered = bool((self.step.diff() >= 0).all())
        require(is_ordered, "step", "never fall", self.step.tolist(), "put the transitions in order of time")

    def __len__(self) -> int:
        return len(self.transitions)

    def with_reward(self, reward: Float[Tensor, " batch"]) -> "Rollout":
        """Return the same course with other rewards, such as those of a discriminator.

        Raises:
            ValueError: Not one reward for each transition.
        """
        expected, found = tuple(self.transitions.reward.shape), tuple(reward.shape)
        require(found == expected, "reward", f"have shape {expected}", found, "give one for each transition")
        return replace(self, transitions=replace(self.transitions, reward=reward))


@torch.no_grad()
def collect(collector: Collector, policy: Policy, n_steps: int) -> Rollout:
    """Let `policy` act `n_steps` times in every environment; the next call goes on where this one stops.

    Raises:
        ValueError: `n_steps` is not positive, or what `Collector` refuses.
    """
    require(n_steps > 0, "n_steps", "be above 0", n_steps, "act once at least")
    parts, envs = zip(*(collector.step(policy(collector.state, collector.mask)) for _ in range(n_steps)), strict=True)
    columns = {field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Transitions)}
    step = torch.repeat_interleave(torch.arange(n_steps), torch.tensor([len(env) for env in envs]))
    return Rollout(transitions=Transitions(**columns), env=torch.cat(envs), step=step)


@torch.no_grad()
def advantages(
    rollout: Rollout,
    value: Float[Tensor, " batch"],
    next_value: Float[Tensor, " batch"],
    discount: float,
    gae_lambda: float,
) -> Float[Tensor, " batch"]:
    """Return A_t of every transition (Schulman et al. 2016, eq. 16).

    Termination stops the bootstrap: nothing follows. Truncation, and the end of the rollout, do not: there the value of
    the true next state stands for what would have come. Both end the sum over later surprises.

    Args:
        rollout: The course; its rewards count.
        value: The critic's value of each state.
        next_value: That of each next state, also of the last ones.
        discount: gamma.
        gae_lambda: lambda; 0 looks one step ahead, 1 as far as the rollout goes.
    """
    batch, (env, step) = rollout.transitions, (rollout.env, rollout.step)
    surprise = batch.reward + discount * next_value * ~batch.is_terminated - value
    goes_on = ~(batch.is_terminated | batch.is_truncated)
    # Step x environment; where an environment reset there is no row, and the episode before had ended.
    result = surprise.new_zeros(int(step.max()) + 2, int(env.max()) + 1)
    decay = torch.zeros_like(result)
    result[step, env], decay[step, env] = surprise, discount * gae_lambda * goes_on
    for now in reversed(range(len(result) - 1)):
        result[now] += decay[now] * result[now + 1]
    return result[step, env]


def policy_gradient_loss(log_prob: Float[Tensor, " batch"], advantage: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Return the loss whose gradient is minus the policy gradient; advantages are numbers, not functions of the weights."""
    return -(log_prob * advantage.detach()).mean()


class Losses(NamedTuple):
    """The parts of one update's loss, without their weights, and the mean entropy."""

    policy: float
    value: float
    entropy: float


class ActorCriticLearner:
    """An actor-critic, which learns in place, with its optimizer.

    Args:
        network: An `ActorCritic` that is a module.
        config: How long and how fast.
    """

    def __init__(self, network: nn.Module, config: ActorCriticConfig = ActorCriticConfig()) -> None:
        self.network, self.config = network, config
        self.optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)

    def update(self, rollout: Rollout) -> Losses:
        """Make one gradient step on a rollout of the present policy.

        Raises:
            ValueError: A loss that is not finite; the weights are then those before it.
        """
        config, batch = self.config, rollout.transitions
        distribution, value = self.network(batch.state, batch.mask)
        with torch.no_grad():
            next_value = self.network(batch.next_state, batch.next_mask)[1]
        advantage = advantages(rollout, value.detach(), next_value, config.discount, config.gae_lambda)

        policy_loss = policy_gradient_loss(distribution.log_prob(batch.action), advantage)
        value_loss = nn.functional.mse_loss(value, advantage + value.detach())
        entropy = distribution.entropy().mean()
        loss = policy_loss + config.value_weight * value_loss - config.entropy_weight * entropy
        require_finite_loss(loss)

        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), config.max_gradient_norm)
        self.optimizer.step()
        return Losses(policy_loss.item(), value_loss.item(), entropy.item())


class _Action(nn.Module):
    """An actor-critic as a module that returns actions, so that `require_fit` can try it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, state: Tensor, mask: Tensor) -> Tensor:
        distribution, value = self.network(state, mask)
        require(
            value.shape == state.shape[:1], "value", f"have shape {tuple(state.shape[:1])}", value.shape, "squeeze it"
        )
        return distribution.best()


def train_actor_critic(
    learner: ActorCriticLearner,
    envs: VectorEnv,
    *,
    generator: torch.Generator,
    validation: Validation | None = None,
    on_update: Callable[[int, Losses], object] | None = None,
) -> None:
    """Train the network of `learner`; with `validation` it ends with the weights whose best actions scored highest.

    Args:
        learner: Network, and the config that says how long and how fast.
        envs: Any vector environment with a `Discrete`, `MultiDiscrete` or limited `Box` action space.
        generator: Draws the actions, and seeds `envs`.
        validation: Chooses the checkpoint.
        on_update: Called with the steps so far and the losses of each gradient step, for a progress bar.

    Raises:
        ValueError: A network that does not fit, what `Collector` refuses, or a loss that is not finite.
    """
    config, network = learner.config, learner.network
    collector = Collector(envs, generator=generator)
    shape = (envs.num_envs, *envs.single_action_space.shape)  # type: ignore[misc]
    require_fit("network", _Action(network), (collector.state, collector.mask), shape)
    policy, n_steps = sampling(network, generator=generator), 0
    while n_steps < config.n_steps:
        # Act.
        rollout = collect(collector, policy, config.rollout_steps)
        n_before, n_steps = n_steps, n_steps + len(rollout)
        # Learn.
        losses = learner.update(rollout)
        if on_update is not None:
            on_update(n_steps, losses)
        # Validate.
        is_due = n_steps // config.validation_steps > n_before // config.validation_steps
        if validation is not None and (is_due or n_steps >= config.n_steps):
            validation.consider(network, act(network), n_steps)
    if validation is not None:
        validation.restore(network)
