"""Double DQN: learn what each of a few actions is worth, and take the best.

The target of a transition is

    y = r + gamma * Q_target(s', argmax_a Q(s', a))        and  y = r  where the task terminated.

The online network chooses the next action and the target network values it. One network doing both overestimates: the
maximum over noisy values is above the value of the maximum.

Source: van Hasselt, Guez and Silver 2016, "Deep reinforcement learning with double Q-learning", eq. 4; Huber loss and a
target network that is copied now and then: Mnih et al. 2015. We add masks of legal actions and bootstrap where a time
limit cut an episode. Left out: prioritized replay and several-step returns.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise

import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gdt_tutorial.agents.episode_checks import require_finite_loss
from gdt_tutorial.agents.evaluation import Policy, Validation
from gdt_tutorial.agents.replay import Collector, ReplayBuffer, Transitions, require_fit
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.seeding import torch_seeded

__all__ = [
    "DoubleDQNConfig",
    "QNetwork",
    "double_dqn_target",
    "epsilon_at",
    "epsilon_greedy",
    "greedy",
    "masked_argmax",
    "train_double_dqn",
]


@configclass
class DoubleDQNConfig:
    """How long, how fast and how curiously `train_double_dqn` learns. A step is one action in one environment."""

    n_steps: int = parameter(20_000, "Steps of the whole training.", "chosen", above=0)
    learning_starts: int = parameter(1_000, "Steps before the first gradient step.", "chosen", at_least=0)
    steps_per_update: int = parameter(1, "Steps between two updates.", "chosen", above=0)
    gradient_steps: int = parameter(1, "Gradient steps of each update.", "Mnih et al. 2015", above=0)
    target_sync_steps: int = parameter(200, "Steps between two copies into the target network.", "chosen", above=0)
    capacity: int = parameter(10_000, "Transitions that the replay buffer remembers.", "chosen", above=0)
    batch_size: int = parameter(64, "Transitions that one gradient step averages over.", "chosen", above=0)
    discount: float = parameter(0.9, "Weight of the next step's value.", "chosen", at_least=0, at_most=1)
    learning_rate: float = parameter(1e-3, "Step size of Adam.", "default of torch.optim.Adam", above=0)
    max_gradient_norm: float = parameter(
        10.0, "Longer gradients are shortened to this norm.", "Wang et al. 2016", above=0
    )
    exploration_steps: int = parameter(10_000, "Steps until the share of random actions has fallen.", "chosen", above=0)
    epsilon_end: float = parameter(0.05, "Share of random actions after that.", "chosen", at_least=0, at_most=1)
    validation_steps: int = parameter(2_000, "Steps between two validations.", "chosen", above=0)


class QNetwork(nn.Module):
    """A multilayer perceptron from a state to one value per action.

    Args:
        n_states: Entries of a state.
        n_actions: Number of actions.
        hidden: Widths of the hidden layers; none makes the values linear in the state.
        generator: Draws the first weights.
    """

    def __init__(
        self, n_states: int, n_actions: int, hidden: Sequence[int] = (64, 64), *, generator: torch.Generator
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        with torch_seeded(generator):
            for n_in, n_out in pairwise((n_states, *hidden, n_actions)):
                layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(
        self, state: Float[Tensor, "batch state"], mask: Bool[Tensor, "batch action"]
    ) -> Float[Tensor, "batch action"]:
        """Return the value of every action, also of the illegal ones; `mask` is not looked at."""
        return self.layers(state)


def masked_argmax(values: Float[Tensor, "*batch action"], mask: Bool[Tensor, "*batch action"]) -> Int[Tensor, "*batch"]:
    """Return the best legal action; 0 where none is legal."""
    return values.masked_fill(~mask, -torch.inf).argmax(dim=-1)


def epsilon_greedy(
    values: Float[Tensor, "*batch action"],
    mask: Bool[Tensor, "*batch action"],
    epsilon: float,
    *,
    generator: torch.Generator,
) -> Int[Tensor, "*batch"]:
    """Return the best legal action, or with probability `epsilon` a uniform legal one."""
    random_action = masked_argmax(torch.rand(values.shape, generator=generator), mask)
    is_random = torch.rand(random_action.shape, generator=generator) < epsilon
    return torch.where(is_random, random_action, masked_argmax(values, mask))


def epsilon_at(step: int, exploration_steps: int, epsilon_end: float) -> float:
    """Return the share of random actions: from 1 down to `epsilon_end` in a straight line, then constant."""
    return 1 + (epsilon_end - 1) * min(step / exploration_steps, 1)


def greedy(network: nn.Module) -> Policy:
    """Return the policy that takes the best legal action by `network`."""

    @torch.no_grad()
    def policy(state: Tensor, mask: Tensor) -> Tensor:
        return masked_argmax(network(state, mask), mask)

    return policy


@torch.no_grad()
def double_dqn_target(
    online: Callable[..., Tensor], target: Callable[..., Tensor], batch: Transitions, discount: float
) -> Float[Tensor, " batch"]:
    """Return what the value of each taken action should be. A state without legal actions is worth 0."""
    best = masked_argmax(online(batch.next_state, batch.next_mask), batch.next_mask)
    value = target(batch.next_state, batch.next_mask).gather(-1, best[:, None]).squeeze(-1)
    # Truncation does not stop the bootstrap: the task would have gone on.
    goes_on = ~batch.is_terminated & batch.next_mask.any(dim=-1)
    return batch.reward + discount * torch.where(goes_on, value, torch.zeros_like(value))


def train_double_dqn(
    network: nn.Module,
    envs: VectorEnv,
    config: DoubleDQNConfig = DoubleDQNConfig(),
    *,
    generator: torch.Generator,
    validation: Validation | None = None,
    on_update: Callable[[int, float], object] | None = None,
) -> None:
    """Train `network` in place; with `validation` it ends with the weights that scored best.

    Args:
        network: From (state, mask) to one value per action, such as a `QNetwork`.
        envs: Any vector environment with a `Discrete` action space.
        config: How long and how fast.
        generator: Explores, draws from the replay buffer, and seeds `envs`.
        validation: Chooses the checkpoint.
        on_update: Called with the step (from 0) and the loss of each gradient step, for a progress bar.

    Raises:
        ValueError: Actions that are not `Discrete`, a network that does not fit, what `Collector` refuses, or a loss that is
            not finite: the weights are then those before it.
    """
    space = envs.single_action_space
    require(
        isinstance(space, spaces.Discrete), "action space", "be Discrete", space, "see branching or ddpg for others"
    )
    target = deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    buffer = ReplayBuffer(config.capacity)
    collector = Collector(envs, generator=generator)
    require_fit("network", network, (collector.state, collector.mask), tuple(collector.mask.shape))
    n_steps = 0
    while n_steps < config.n_steps:
        # Act.
        with torch.no_grad():
            values = network(collector.state, collector.mask)
        epsilon = epsilon_at(n_steps, config.exploration_steps, config.epsilon_end)
        transitions, _ = collector.step(epsilon_greedy(values, collector.mask, epsilon, generator=generator))
        buffer.add(transitions)
        n_before, n_steps = n_steps, n_steps + len(transitions)
        for step in range(n_before, n_steps):
            # Learn.
            is_update = step >= config.learning_starts and step % config.steps_per_update == 0
            for _ in range(config.gradient_steps if is_update else 0):
                batch = buffer.sample(config.batch_size, generator=generator)
                y = double_dqn_target(network, target, batch, config.discount)
                value = network(batch.state, batch.mask).gather(-1, batch.action[:, None]).squeeze(-1)
                loss = nn.functional.smooth_l1_loss(value, y)
                require_finite_loss(loss)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(network.parameters(), config.max_gradient_norm)
                optimizer.step()
                if on_update is not None:
                    on_update(step, loss.item())
            if step % config.target_sync_steps == 0:
                target.load_state_dict(network.state_dict())
        # Validate.
        is_due = n_steps // config.validation_steps > n_before // config.validation_steps
        if validation is not None and (is_due or n_steps >= config.n_steps):
            validation.consider(network, greedy(network), n_steps)
    if validation is not None:
        validation.restore(network)
