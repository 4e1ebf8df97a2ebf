"""Branching dueling Q-network (BDQ): many choices at once, one advantage branch for each.

With N choices of n actions a table of joint actions has n^N columns; BDQ has N n. A trunk is shared; one stream gives the
state's value V, and branch d gives the advantage A_d of each of its actions:

    Q_d(s, a) = V(s) + A_d(s, a) - mean over the legal a' of A_d(s, a')
    y         = r + gamma * mean over d of Q_d,target(s', argmax_a Q_d(s', a))        and  y = r  where the task terminated
    loss      = mean over d of (Q_d(s, a_d) - y)^2

N branches and the value stream all send gradients into the trunk; their sum is scaled by 1 / (N + 1).

Source: Tavakoli, Pardo and Kormushev 2018, "Action branching architectures for deep reinforcement learning", eqs. 1, 2 and
5 and sec. "Gradient rescaling"; numbers of the layers and rates from there too. We differ: branches may have unequal
numbers of actions, and masks switch off actions or whole branches. A branch without any legal action contributes nothing,
neither to the target nor to the loss; its action is 0. Where a time limit cut an episode the target bootstraps. Each branch
explores on its own. Left out: prioritized replay.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import pairwise

import torch
from gymnasium import spaces
from gymnasium.vector import VectorEnv
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gdt_tutorial.agents.ddqn import epsilon_at, epsilon_greedy, greedy, masked_argmax
from gdt_tutorial.agents.episode_checks import require_finite_loss
from gdt_tutorial.agents.evaluation import Validation
from gdt_tutorial.agents.replay import Collector, ReplayBuffer, Transitions, require_fit
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.seeding import torch_seeded

__all__ = ["BranchingConfig", "BranchingNetwork", "branching_loss", "branching_target", "train_branching"]

_PAPER = "Tavakoli et al. 2018"


@configclass
class BranchingConfig:
    """How long, how fast and how curiously `train_branching` learns. A step is one action in one environment."""

    n_steps: int = parameter(50_000, "Steps of the whole training.", "chosen", above=0)
    learning_starts: int = parameter(1_000, "Steps before the first gradient step.", _PAPER, at_least=0)
    steps_per_update: int = parameter(1, "Steps for each gradient step.", _PAPER, above=0)
    target_sync_steps: int = parameter(1_000, "Steps between two copies into the target network.", _PAPER, above=0)
    capacity: int = parameter(50_000, "Transitions that the replay buffer remembers.", "chosen, for memory", above=0)
    batch_size: int = parameter(64, "Transitions that one gradient step averages over.", _PAPER, above=0)
    discount: float = parameter(0.99, "Weight of the next step's value.", _PAPER, at_least=0, at_most=1)
    learning_rate: float = parameter(1e-4, "Step size of Adam.", _PAPER, above=0)
    max_gradient_norm: float = parameter(10.0, "Longer gradients are shortened to this norm.", _PAPER, above=0)
    exploration_steps: int = parameter(10_000, "Steps until the share of random actions has fallen.", "chosen", above=0)
    epsilon_start: float = parameter(
        1.0, "Limit of that share; below 1 for a network that knows something.", "chosen", above=0, at_most=1
    )
    epsilon_end: float = parameter(
        0.05, "Share of random actions after that, in each branch.", "chosen", at_least=0, at_most=1
    )
    validation_steps: int = parameter(5_000, "Steps between two validations.", "chosen", above=0)


class BranchingNetwork(nn.Module):
    """The shared trunk, the value stream, and one advantage branch for each choice.

    Args:
        n_states: Entries of a state.
        n_actions: Number of actions of each branch; they may differ.
        trunk: Widths of the shared layers.
        stream: Width of the hidden layer of the value stream and of each branch.
        generator: Draws the first weights.
    """

    def __init__(
        self,
        n_states: int,
        n_actions: Sequence[int],
        trunk: Sequence[int] = (128, 64),
        stream: int = 32,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        require(min(n_actions, default=0) > 0, "n_actions", "name one action or more per branch", n_actions, "add some")
        require(len(trunk) > 0, "trunk", "have a layer", trunk, "pass the widths of the shared layers")
        self.n_actions = tuple(n_actions)
        n_branches, longest = len(n_actions), max(n_actions)
        shared: list[nn.Module] = []
        with torch_seeded(generator):
            for n_in, n_out in pairwise((n_states, *trunk)):
                shared += [nn.Linear(n_in, n_out), nn.ReLU()]
            self.trunk = nn.Sequential(*shared)
            self.value = nn.Sequential(nn.Linear(trunk[-1], stream), nn.ReLU(), nn.Linear(stream, 1))
            # All branches at once; the outputs beyond a short branch are never legal.
            self.advantage = nn.Sequential(
                _BranchLinear(n_branches, trunk[-1], stream), nn.ReLU(), _BranchLinear(n_branches, stream, longest)
            )

    def forward(
        self, state: Float[Tensor, "batch state"], mask: Bool[Tensor, "batch branch action"]
    ) -> Float[Tensor, "batch branch action"]:
        """Return Q_d(s, a); entries of illegal actions mean nothing."""
        n_branches = len(self.n_actions)
        shared = _scale_gradient(self.trunk(state), 1 / (n_branches + 1))
        # (batch, latent) -> (branch, batch, action) -> (batch, branch, action)
        advantage = self.advantage(shared.expand(n_branches, *shared.shape)).transpose(0, 1)
        n_legal = mask.sum(dim=-1, keepdim=True).clamp(min=1)
        mean_advantage = (advantage * mask).sum(dim=-1, keepdim=True) / n_legal
        return self.value(shared)[:, None] + advantage - mean_advantage


class _BranchLinear(nn.Module):
    """One linear layer per branch, computed together; first weights as those of `torch.nn.Linear`."""

    def __init__(self, n_branches: int, n_in: int, n_out: int) -> None:
        super().__init__()
        bound = n_in**-0.5
        self.weight = nn.Parameter(torch.empty(n_branches, n_in, n_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_branches, 1, n_out).uniform_(-bound, bound))

    def forward(self, x: Float[Tensor, "branch batch latent"]) -> Float[Tensor, "branch batch action"]:
        return torch.baddbmm(self.bias, x, self.weight)


def _scale_gradient(x: Tensor, scale: float) -> Tensor:
    """Return `x` unchanged, with its gradient times `scale`."""
    return scale * x + (1 - scale) * x.detach()


def _mean_over_branches(
    values: Float[Tensor, "batch branch"], is_active: Bool[Tensor, "batch branch"]
) -> Float[Tensor, " batch"]:
    """Average over the active branches; 0 where none is."""
    values = torch.where(is_active, values, torch.zeros_like(values))
    return values.sum(dim=-1) / is_active.sum(dim=-1).clamp(min=1)


@torch.no_grad()
def branching_target(
    online: Callable[..., Tensor], target: Callable[..., Tensor], batch: Transitions, discount: float
) -> Float[Tensor, " batch"]:
    """Return the one target that all branches of a transition share (eq. 5, with a double-DQN argmax)."""
    best = masked_argmax(online(batch.next_state, batch.next_mask), batch.next_mask)
    values = target(batch.next_state, batch.next_mask).gather(-1, best[..., None]).squeeze(-1)
    value = _mean_over_branches(values, batch.next_mask.any(dim=-1))
    # Truncation does not stop the bootstrap: the task would have gone on.
    return batch.reward + discount * torch.where(batch.is_terminated, torch.zeros_like(value), value)


def branching_loss(network: Callable[..., Tensor], batch: Transitions, y: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Return the squared error of each branch's value, averaged over active branches and then over transitions."""
    action: Int[Tensor, "batch branch"] = batch.action
    values = network(batch.state, batch.mask).gather(-1, action[..., None]).squeeze(-1)
    return _mean_over_branches((values - y[:, None]) ** 2, batch.mask.any(dim=-1)).mean()


def train_branching(
    network: nn.Module,
    envs: VectorEnv,
    config: BranchingConfig = BranchingConfig(),
    *,
    generator: torch.Generator,
    validation: Validation | None = None,
    on_update: Callable[[int, float], object] | None = None,
) -> None:
    """Train `network` in place; with `validation` it ends with the weights that scored best.

    Args:
        network: From (state, mask) to one value per branch and action, such as a `BranchingNetwork`; its `n_actions` has the
            number of actions of each branch.
        envs: Any vector environment with a `MultiDiscrete` action space.
        config: How long and how fast.
        generator: Explores, draws from the replay buffer, and seeds `envs`.
        validation: Chooses the checkpoint.
        on_update: Called with the step (from 0) and the loss of each gradient step, for a progress bar.

    Raises:
        ValueError: Actions that are not `MultiDiscrete`, a network that does not fit, what `Collector` refuses, or a loss
            that is not finite: the weights are then those before it.
    """
    space = envs.single_action_space
    require(isinstance(space, spaces.MultiDiscrete), "action space", "be MultiDiscrete", space, "see ddqn or ddpg")
    expected = tuple(space.nvec.tolist())  # type: ignore[attr-defined]
    require(network.n_actions == expected, "n_actions", f"be {expected}", network.n_actions, "build it for envs")
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
        epsilon = min(config.epsilon_start, epsilon_at(n_steps, config.exploration_steps, config.epsilon_end))
        transitions, _ = collector.step(epsilon_greedy(values, collector.mask, epsilon, generator=generator))
        buffer.add(transitions)
        n_before, n_steps = n_steps, n_steps + len(transitions)
        for step in range(n_before, n_steps):
            # Learn.
            if step >= config.learning_starts and step % config.steps_per_update == 0:
                batch = buffer.sample(config.batch_size, generator=generator)
                y = branching_target(network, target, batch, config.discount)
                loss = branching_loss(network, batch, y)
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
