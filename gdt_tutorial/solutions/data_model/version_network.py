"""The branching dueling Q-network (BDQ) that selects versions: its shape, its warm start, its training, its use.

"The branching dueling Q-network is used to determine the segment version selection for each SMG" (the paper, case study).
How we differ from Tavakoli et al. 2018: sub-multicast groups (SMGs) are interchangeable, so all branches share their weights,
and the trunk is a sum over SMGs. So one network serves any number of them, and each transition teaches it once per SMG. The
loop, the targets and the loss are those of `agents.branching`.

The state holds what model-based rules prefer (`cell_state`), and the network begins as one that follows them: the
data-based half of the decision learns where the model-based half is wrong. (Our reading of "data-model-driven".)
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gdt_tutorial.agents.branching import branching_loss, branching_target
from gdt_tutorial.agents.ddqn import epsilon_greedy
from gdt_tutorial.agents.episode_checks import require_finite_loss
from gdt_tutorial.agents.replay import Collector, ReplayBuffer, Transitions
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.seeding import torch_seeded
from gdt_tutorial.solutions.data_model.cell_state import N_OWN, describe_cells, legal, order_branches, scatter
from gdt_tutorial.solutions.data_model.versions import VersionSelector
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel

__all__ = ["BranchingVersions", "Fallback", "VersionNetwork", "WarmStartConfig", "follow_prior", "preferred"]


class VersionNetwork(nn.Module):
    """A branching dueling Q-network whose branches share their weights.

    Args:
        n_states: Entries of the state of a cell.
        n_branches: SMGs that a state has rows for.
        n_versions: Actions of each branch.
        n_row: Entries of the row of an SMG; what is left of the state describes the cell.
        n_hidden: Width of every hidden layer.
        generator: Draws the first weights.
    """

    def __init__(
        self,
        n_states: int,
        n_branches: int,
        n_versions: int,
        n_row: int,
        n_hidden: int = 64,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        n_cell = n_states - n_branches * n_row
        require(
            n_cell >= 0, "n_row", f"fit {n_branches} times into {n_states} entries", n_row, "see cells.describe_cells"
        )
        self.n_actions = (n_versions,) * n_branches
        self._sizes = (n_branches, n_row, n_versions)
        with torch_seeded(generator):
            self.row = nn.Sequential(nn.Linear(n_row + n_cell, n_hidden), nn.ReLU())
            self.trunk = nn.Sequential(nn.Linear(n_hidden + n_cell, n_hidden), nn.ReLU())
            self.value = nn.Sequential(nn.Linear(n_hidden, n_hidden), nn.ReLU(), nn.Linear(n_hidden, 1))
            self.advantage = nn.Sequential(
                nn.Linear(2 * n_hidden, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_versions)
            )

    def forward(
        self, state: Float[Tensor, "batch state"], mask: Bool[Tensor, "batch branch version"]
    ) -> Float[Tensor, "batch branch version"]:
        """Return Q_d(s, a) = V(s) + A_d(s, a) - mean of A_d(s, .); entries of empty branches mean nothing."""
        n_branches, n_row, _ = self._sizes
        rows, cell = state[:, : n_branches * n_row].unflatten(1, (n_branches, n_row)), state[:, n_branches * n_row :]
        row = self.row(torch.cat([rows, cell[:, None].expand(-1, n_branches, -1)], dim=-1))
        is_active = mask.any(dim=-1, keepdim=True)
        # (batch, branch, latent) -> (batch, latent): a sum, so the order of the SMGs does not matter.
        shared = self.trunk(torch.cat([(row * is_active).sum(dim=1) / 4, cell], dim=-1))
        advantage = self.advantage(torch.cat([row, shared[:, None].expand(-1, n_branches, -1)], dim=-1))
        return self.value(shared)[:, None] + advantage - advantage.mean(dim=-1, keepdim=True)


@dataclass(frozen=True, kw_only=True)
class Fallback:
    """When a version network is overruled: the version of a rule gets some value on top of what the network sees in it.

    So the network departs from the rule only where it sees more than that to be gained. Infinity leaves all to the rule.

    Attributes:
        rule: Which of the rules that advise.
        margin: The value on top, in units of the network's values.
    """

    rule: int = 0
    margin: float = 0.0

    def __post_init__(self) -> None:
        require(self.rule >= 0, "rule", "be at least 0", self.rule, "0 is the first rule that advises")
        require(self.margin >= 0, "margin", "be at least 0", self.margin, "0 leaves all to the network")


class BranchingVersions:
    """Selects versions by a network (a `VersionSelector`).

    Args:
        model: Of the network.
        network: From states and masks of cells to a value per branch and version.
        advice: The rules whose versions are part of the state.
        fallback: What is done where the network sees little to be gained; one for all APs, or one for each.
        n_branches: SMGs per cell that the network knows.
    """

    def __init__(
        self,
        model: ScheduleModel,
        network: nn.Module,
        priors: Sequence[VersionSelector],
        fallback: Fallback | Sequence[Fallback] = Fallback(),
        n_branches: int = 16,
    ) -> None:
        n_aps = len(model.capacity.bandwidth_hz)
        fallbacks = [fallback] * n_aps if isinstance(fallback, Fallback) else list(fallback)
        require(len(fallbacks) == n_aps, "fallback", f"be one, or {n_aps}", len(fallbacks), "pass one for each AP")
        least = max(each.rule for each in fallbacks) + 1 if priors else 0
        require(len(priors) >= least, "priors", f"hold rule {least - 1}", len(priors), "add it, or name another rule")
        self.model, self.network, self._priors, self._n_branches = model, network, tuple(priors), n_branches
        self._rule = np.array([each.rule for each in fallbacks])
        self._margin = torch.tensor([each.margin for each in fallbacks], dtype=torch.float32)

    @torch.no_grad()
    def select(self, features: Features) -> Int[np.ndarray, "batch subgroup"]:
        """Return the version with the largest value in every branch."""
        n_aps = len(self.model.capacity.bandwidth_hz)
        order = order_branches(features, n_aps, self._n_branches)
        priors = [rule.select(features) for rule in self._priors]
        state = torch.from_numpy(describe_cells(features, self.model, order, priors))
        mask = torch.from_numpy(legal(order, self.model.catalog.n_versions))
        values = self.network(state.flatten(0, 1), mask.flatten(0, 1)).unflatten(0, order.shape[:2])
        if self._priors:
            env, rule = np.arange(len(order))[:, None, None], self._rule[:, None]
            own = torch.from_numpy(np.stack(priors)[rule, env, np.maximum(order, 0)])
            is_own = nn.functional.one_hot(own, values.shape[-1]).bool()  # env, ap, branch, version
            values = torch.where(is_own, values + self._margin[:, None, None], values)
        return scatter(values.argmax(dim=-1).numpy(), order, features.ap.shape[1])


@configclass
class WarmStartConfig:
    """How `follow_prior` learns."""

    n_steps: int = parameter(
        12_000, "Steps in the cells, for each of which one transition is remembered.", "chosen", at_least=0
    )
    epsilon: float = parameter(
        0.15,
        "Share of versions that are drawn instead of advised, so that both are seen.",
        "chosen",
        at_least=0,
        at_most=1,
    )
    n_updates: int = parameter(3_000, "Gradient steps.", "chosen", at_least=0)
    batch_size: int = parameter(128, "Transitions that one gradient step averages over.", "chosen", above=0)
    learning_rate: float = parameter(1e-3, "Step size of Adam.", "default of torch.optim.Adam", at_least=0)
    discount: float = parameter(0.9, "Weight of the next step's value.", "chosen", at_least=0)
    target_sync_updates: int = parameter(
        200, "Gradient steps between two copies into the target network.", "chosen", above=0
    )
    margin: float = parameter(
        0.05, "By how much the advised version shall be worth more than any other.", "chosen", at_least=0
    )
    margin_weight: float = parameter(
        1.0, "Weight of that wish beside the squared error.", "Hester et al. 2018: 1", at_least=0
    )


def preferred(
    state: Float[Tensor, "batch state"], mask: Bool[Tensor, "batch branch version"], n_row: int, which: int = 0
) -> Int[Tensor, "batch branch"]:
    """Read from states which versions rule number `which` advises."""
    n_branches, n_versions = mask.shape[1:]
    rows = state[:, : n_branches * n_row].unflatten(1, (n_branches, n_row))
    # The advice stands at the end of a row, one block of `n_versions` entries for each rule.
    n_before = N_OWN + n_versions * (1 + which)
    return rows[..., n_before : n_before + n_versions].argmax(dim=-1)


def follow_prior(
    network: nn.Module,
    envs: VectorEnv,
    n_row: int,
    config: WarmStartConfig = WarmStartConfig(),
    *,
    generator: torch.Generator,
    on_update: Callable[[int, float], object] | None = None,
) -> None:
    """Teach `network` to value what happens when the advice is followed, and to follow it.

    The loss is that of the BDQ plus, for each branch, how far the advised version is from being worth `margin` more than any
    other (the large-margin loss of Hester et al. 2018, "Deep Q-learning from demonstrations").
    """
    buffer, collector = ReplayBuffer(max(config.n_steps, envs.num_envs)), Collector(envs, generator=generator)
    while len(buffer) < config.n_steps:
        priors = preferred(collector.state, collector.mask, n_row)
        demand = nn.functional.one_hot(priors, collector.mask.shape[-1]).float()
        transitions, _ = collector.step(epsilon_greedy(demand, collector.mask, config.epsilon, generator=generator))
        buffer.add(transitions)
    target = deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate)
    for update in range(config.n_updates):
        batch = buffer.sample(config.batch_size, generator=generator)
        y = branching_target(network, target, batch, config.discount)
        loss = branching_loss(network, batch, y) + config.margin_weight * _margin_loss(
            network, batch, n_row, config.margin
        )
        require_finite_loss(loss)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        if update % config.target_sync_updates == 0:
            target.load_state_dict(network.state_dict())
        if on_update is not None:
            on_update(update, loss.item())


def _margin_loss(network: nn.Module, batch: Transitions, n_row: int, margin: float) -> Float[Tensor, ""]:
    values = network(batch.state, batch.mask)
    priors = preferred(batch.state, batch.mask, n_row)[..., None]
    rivals = values + margin * torch.ones_like(values).scatter(-1, priors, 0.0)
    gap = rivals.max(dim=-1).values - values.gather(-1, priors)[..., 0]
    return (gap * batch.mask.any(dim=-1)).sum() / batch.mask.any(dim=-1).sum().clamp(min=1)
