"""A trained network as network manager: data-based decision-making.

"To provide efficient network decisions, the data-based methods in DT can outperform traditional model-based methods" (the
paper, Digital Twin). The network sees each sub-multicast group (SMG) through the same weights and returns its version
and its weight in the schedule. How it is taught stands in `twin.recipes.shipped_allocator`.
"""

import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gdt_tutorial import seeding
from gdt_tutorial.checkpoints import OutsideTrainingWarning, load, outside_training, save
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.delivery import sum_at_own_ap
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.schedule import ScheduleModel, greedy_schedule

__all__ = ["NetworkAllocator", "SubgroupNetwork", "act_on", "describe_subgroups"]


def describe_subgroups(features: Features, model: ScheduleModel) -> Float[np.ndarray, "batch subgroup feature"]:
    """Return one row of numbers of order one for each SMG: itself, and what its access point has to bear."""
    is_served = (features.n_members > 0) & (features.efficiency > 0)
    radio, cycles = model.cost(features, np.zeros_like(features.ap))
    radio, cycles = np.where(np.isfinite(radio), radio, 0.0).sum(axis=-1), cycles.sum(axis=-1)
    own = np.stack(
        [
            is_served,
            features.n_members / 10,
            features.efficiency / 8,
            features.stored_s / 10,
            features.value_s.sum(axis=-1) / 50,
            features.urgent_s.sum(axis=-1) / 20,
            np.minimum(radio, 4) / 2,
            np.minimum(cycles, 4) / 2,
        ],
        axis=-1,
    )
    total = sum_at_own_ap(own, features.ap, len(model.capacity.bandwidth_hz))
    return np.concatenate([own, total / 8], axis=-1)


class SubgroupNetwork(nn.Module):
    """A perceptron over one SMG's row of `describe_subgroups`: logits of the versions, then a log-weight."""

    def __init__(self, n_features: int, n_versions: int, n_hidden: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.config = {"n_features": n_features, "n_versions": n_versions, "n_hidden": n_hidden}
        sizes = (n_features, n_hidden, n_hidden, n_versions + 1)
        with seeding.keep_torch_rng():  # a layer draws its first weights from the global state
            linear = [nn.Linear(n_in, n_out) for n_in, n_out in pairwise(sizes)]
        self.layers = nn.Sequential(linear[0], nn.Tanh(), linear[1], nn.Tanh(), linear[2])
        with torch.no_grad():
            for layer in linear:
                nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=generator)
                nn.init.zeros_(layer.bias)
            linear[2].weight.mul_(0.01)  # start undecided: equal versions, weight 1

    def forward(self, row: Float[Tensor, "*shape feature"]) -> Float[Tensor, "*shape choice"]:
        """Return the choices of each row."""
        return self.layers(row)


class NetworkAllocator:
    """Data-based: a trained network picks every SMG's version and weight (a `DecisionMaker`).

    Args:
        model: What a slot can carry.
        network: The trained one.
        n_users: Smallest and largest crowd of a campus that the network knows; None for any. Of other crowds
            `GreedyAllocator` decides, with an `OutsideTrainingWarning`.
        greedy_logit: Added to the logit of the version that `GreedyAllocator` would choose; the network then corrects that
            choice, and one whose last layer is zero is the greedy allocator. 0 asks the network alone.
    """

    def __init__(
        self,
        model: ScheduleModel,
        network: SubgroupNetwork,
        n_users: tuple[int, int] | None = None,
        greedy_logit: float = 0.0,
    ) -> None:
        self.model, self.network, self.n_users, self.greedy_logit = model, network, n_users, greedy_logit
        self._greedy = GreedyAllocator(model)

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        """Ask the network, then fill the slot."""
        n_users = features.subgroup.shape[1]
        if note := outside_training(
            "The allocator", "users on a campus", self.n_users, n_users, "the greedy one decides"
        ):
            warnings.warn(note, OutsideTrainingWarning, stacklevel=2)
            return self._greedy.decide(features, rng=rng)
        row = torch.from_numpy(describe_subgroups(features, self.model)).float()
        with torch.no_grad():
            choice = self.network(row).double().numpy()
        if self.greedy_logit:
            version = self._greedy.decide(features, rng=rng).version[..., None]
            choice[..., :-1] += self.greedy_logit * (version == np.arange(self.model.catalog.n_versions))
        return act_on(features, self.model, choice)

    @classmethod
    def load(cls, path: Path, model: ScheduleModel) -> "NetworkAllocator":
        """Read what `save` wrote.

        Raises:
            ValueError: As `checkpoints.load`, and for a network that was trained for another number of versions.
        """

        def untrained(config: dict[str, Any]) -> SubgroupNetwork:
            sizes = {name: config[name] for name in ("n_features", "n_versions", "n_hidden")}
            return SubgroupNetwork(**sizes, generator=torch.Generator())

        network, config = load(path, untrained)
        wanted, found = model.catalog.n_versions, config["n_versions"]
        require(found == wanted, "path", f"hold a network for {wanted} versions", found, "train one for this catalog")
        n_users = config.get("n_users")
        known = None if n_users is None else tuple(n_users)
        return cls(model, network, known, config.get("greedy_logit", 0.0))

    def save(self, path: Path) -> None:
        """Write the weights as safetensors, with the crowds that they know."""
        save(self.network, path, {**self.network.config, "n_users": self.n_users, "greedy_logit": self.greedy_logit})


def act_on(features: Features, model: ScheduleModel, choice: Float[np.ndarray, "batch subgroup choice"]) -> Decision:
    """Return the schedule that a network's choices mean: the best version, and the exponential of the last entry as weight."""
    weight = np.exp(np.clip(choice[..., -1], -3, 3))
    return greedy_schedule(features, model, choice[..., :-1].argmax(axis=-1), weight)[0]
