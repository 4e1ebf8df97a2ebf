"""The allocator's network as an actor: versions and weights that are drawn, so that a policy gradient can improve them.

For each sub-multicast group (SMG) the actor draws a version from a categorical distribution and a log-weight from a normal
one. The greedy allocator's version stands in the residual path: its logit is raised by `greedy_logit`, and the last layer
of `zero_headed` is zero, so that the untrained start *is* the greedy allocator. The best action is what `NetworkAllocator`
decides with the same network.
"""

from dataclasses import dataclass
from math import log, pi

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gdt_tutorial.agents.actor_critic import MultiCategorical
from gdt_tutorial.configuration import require
from gdt_tutorial.seeding import torch_seeded
from gdt_tutorial.twin.decision.allocator import SubgroupNetwork

__all__ = ["LOG_WEIGHT", "SubgroupActorCritic", "SubgroupChoices", "zero_headed"]

LOG_WEIGHT = 2.0  # the largest logarithm of an SMG's weight; actions are numbers in [-1, 1]


def zero_headed(n_features: int, n_versions: int, n_hidden: int = 32, *, generator: torch.Generator) -> SubgroupNetwork:
    """Return a network that corrects nothing yet: its last layer is zero."""
    network = SubgroupNetwork(n_features, n_versions, n_hidden, generator=generator)
    with torch.no_grad():
        for weight in network.layers[-1].parameters():
            weight.zero_()
    return network


@dataclass(frozen=True)
class SubgroupChoices:
    """An `ActionDistribution` over a version and a log-weight for each SMG; SMGs that are not served contribute nothing.

    An action is flat, subgroup x 2: the middle of the version's part of [-1, 1], and the log-weight over `LOG_WEIGHT`.
    """

    logits: Float[Tensor, "batch subgroup version"]
    log_weight: Float[Tensor, "batch subgroup"]
    log_std: Float[Tensor, ""]
    is_served: Bool[Tensor, "batch subgroup"]

    def sample(self, *, generator: torch.Generator) -> Float[Tensor, "batch action"]:
        """Draw both for each SMG."""
        noise = torch.randn(self.log_weight.shape, generator=generator)
        return self._action(self._versions().sample(generator=generator), self.log_weight + self.log_std.exp() * noise)

    def best(self) -> Float[Tensor, "batch action"]:
        """Return the likeliest versions and the means of the log-weights."""
        return self._action(self._versions().best(), self.log_weight)

    def log_prob(self, action: Float[Tensor, "batch action"]) -> Float[Tensor, " batch"]:
        """Return the logarithm of the probability of the versions, times the density of the log-weights."""
        number, log_weight = action.unflatten(-1, (-1, 2)).unbind(dim=-1)
        n_versions = self.logits.shape[-1]
        version = ((number + 1) / 2 * n_versions).long().clamp(max=n_versions - 1)
        z = (LOG_WEIGHT * log_weight - self.log_weight) / self.log_std.exp()
        density = -(z**2 / 2 + self.log_std + log(2 * pi) / 2)
        return self._versions().log_prob(version) + (density * self.is_served).sum(dim=-1)

    def entropy(self) -> Float[Tensor, " batch"]:
        """Return the entropy of both."""
        each = self.log_std + (1 + log(2 * pi)) / 2
        return self._versions().entropy() + (each * self.is_served).sum(dim=-1)

    def _versions(self) -> MultiCategorical:
        return MultiCategorical(self.logits, self.is_served[..., None].expand(self.logits.shape))

    def _action(self, version: Tensor, log_weight: Tensor) -> Float[Tensor, "batch action"]:
        number = (2 * version + 1) / self.logits.shape[-1] - 1
        return torch.stack([number, log_weight / LOG_WEIGHT], dim=-1).flatten(start_dim=1)


class SubgroupActorCritic(nn.Module):
    """An `ActorCritic` whose actor is the allocator's network, the same for every SMG, as is the critic.

    A state is what `twin_cells.TwinCells` shows: of each SMG its row of `describe_subgroups`, and which version the greedy
    allocator would take (one-hot). The value is the sum of what the critic says of each served SMG.

    Args:
        network: The actor.
        greedy_logit: Added to the logit of the greedy version.
        std: Standard deviation of the log-weights that are drawn; it does not learn.
        generator: Draws the critic's first weights.
    """

    def __init__(
        self, network: SubgroupNetwork, greedy_logit: float = 4.0, std: float = 0.5, *, generator: torch.Generator
    ) -> None:
        super().__init__()
        require(std > 0, "std", "be above 0", std, "0.5 tries weights from one half to twice")
        self.actor, self.greedy_logit = network, greedy_logit
        self.register_buffer("log_std", torch.tensor(log(std)))
        with torch_seeded(generator):
            n_features = network.config["n_features"]
            self.critic = nn.Sequential(nn.Linear(n_features, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(
        self, state: Float[Tensor, "batch state"], mask: Bool[Tensor, " batch *choice"]
    ) -> tuple[SubgroupChoices, Float[Tensor, " batch"]]:
        """Return the distribution and the value; `mask` is not looked at."""
        n_features, n_versions = self.actor.config["n_features"], self.actor.config["n_versions"]
        rows = state.unflatten(-1, (-1, n_features + n_versions))
        row, greedy = rows.split([n_features, n_versions], dim=-1)
        is_served = row[..., 0] > 0
        choice = self.actor(row)
        logits = choice[..., :-1] + self.greedy_logit * greedy
        value = (self.critic(row).squeeze(-1) * is_served).sum(dim=-1)
        # Only the weights' proportions matter. Uncentered, their level would wander until all meet the limit and are equal.
        n_served = is_served.sum(dim=-1, keepdim=True).clamp(min=1)
        level = (choice[..., -1] * is_served).sum(dim=-1, keepdim=True) / n_served
        assert isinstance(self.log_std, Tensor)
        return SubgroupChoices(logits, choice[..., -1] - level, self.log_std, is_served), value
