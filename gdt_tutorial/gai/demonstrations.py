"""What an imitator has seen, and the plain way to copy it: behavioral cloning.

Cloning is supervised learning: in this state they did that. It asks for no world and no practice, and it never learns what
its own mistakes lead to. A few steps beside the seen ways it is in states that nobody showed, and there it has no advice: the
errors add up along a path (Ross and Bagnell 2010, "Efficient reductions for imitation learning"). `gai.tables` has the same for
finite worlds, with smoothing: an unseen state borrows from seen ones that are near it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from gdt_tutorial.configuration import require
from gdt_tutorial.learning import FitConfig, FitHistory, fit

__all__ = ["Demonstrations", "clone"]


@dataclass(frozen=True)
class Demonstrations:
    """States and what was done there; the order does not matter.

    Actions are whole numbers from 0 on, or rows of numbers in [-1, 1], as `agents.replay` has them.

    Raises:
        ValueError: No demonstration, unequal lengths, or a number that is not finite.
    """

    state: Float[Tensor, "batch state"]
    action: Shaped[Tensor, "*rest"]

    def __post_init__(self) -> None:
        """Check that there is something, and that it fits together."""
        require(len(self.state) > 0, "demonstrations", "hold one at least", len(self.state), "record some")
        found = (len(self.state), len(self.action))
        require(found[0] == found[1], "lengths of state and action", "be equal", found, "give each state its action")
        is_finite = bool(self.state.isfinite().all() and self.action.isfinite().all())
        require(is_finite, "demonstrations", "be finite", "NaN or infinity", "fill or drop gaps before")

    def __len__(self) -> int:
        return len(self.state)

    def sample(self, n_samples: int, *, generator: torch.Generator) -> "Demonstrations":
        """Draw with replacement."""
        index = torch.randint(len(self), (n_samples,), generator=generator)
        return Demonstrations(self.state[index], self.action[index])


def clone(
    network: nn.Module,
    demonstrations: Demonstrations,
    legal: Bool[Tensor, "*choice"],
    config: FitConfig,
    *,
    generator: torch.Generator,
) -> FitHistory:
    """Fit the policy of an actor-critic to demonstrations by maximum likelihood.

    Args:
        network: An `ActorCritic`, which learns in place; its critic learns nothing.
        demonstrations: What is copied.
        legal: The actions of the world, as of `agents.replay.legal_actions`.
        config: How long and how fast; `weight_decay` is the smoothing that a network has.
        generator: Orders the samples.
    """

    def loss(model: nn.Module, state: Tensor, action: Tensor) -> Tensor:
        return -model(state, legal.expand(len(state), *legal.shape))[0].log_prob(action).mean()

    return fit(network, (demonstrations.state, demonstrations.action), loss, config, generator=generator)
