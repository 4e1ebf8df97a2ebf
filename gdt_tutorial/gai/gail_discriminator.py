"""The judge of an imitator: a discriminator of states and actions, its loss, and the rewards that come out of it.

A discriminator D learns to tell demonstrations from what an imitator did:

    D ascends      E_demonstrations[log D(s, a)] + E_imitator[log(1 - D(s, a))]

Against a fixed policy the best D is p_E / (p_E + p_pi), where p are the shares of time spent in (s, a), the occupancies. Its
logit is log(p_E / p_pi): the reward asks for what is too rare and forbids what is too frequent, and it is zero everywhere only
where the occupancies agree.

Source: Ho and Ermon 2016, "Generative adversarial imitation learning". We differ: the sign is that of the name
(`logits_expert_is_high`; the paper's D is high for the imitator); three rewards by name, of which `gai.gail` takes the
difference by default (Fu et al. 2018); a gradient penalty (Gulrajani et al. 2017, as in Kostrikov et al. 2019).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gdt_tutorial.gai.demonstrations import Demonstrations
from gdt_tutorial.learning import scale_of
from gdt_tutorial.seeding import torch_seeded

__all__ = [
    "DIFFERENCE",
    "LOG_D",
    "NEG_LOG_ONE_MINUS_D",
    "Discriminator",
    "ImitationReward",
    "discriminator_loss",
    "gradient_penalty",
]


@dataclass(frozen=True)
class ImitationReward:
    """A reward out of the discriminator's logits, and the bias that it has where episodes may have any length."""

    of_logits: Callable[[Tensor], Tensor] = field(repr=False)
    bias: str

    def __call__(self, logits_expert_is_high: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Return the reward of each sample."""
        return self.of_logits(logits_expert_is_high)


LOG_D = ImitationReward(nn.functional.logsigmoid, "short episodes")
"""log D: never positive, so that ending early pays."""
NEG_LOG_ONE_MINUS_D = ImitationReward(nn.functional.softplus, "long episodes")
"""-log(1 - D): never negative, so that going on pays."""
DIFFERENCE = ImitationReward(lambda logits: logits, "short or long episodes")
"""log D - log(1 - D), the logit: of both signs. The bias of the two others depends on where the imitator stands."""


class Discriminator(nn.Module):
    """A perceptron from a state and an action to a logit that is high for demonstrations.

    Args:
        demonstrations: Their mean and spread make the entries of a state comparable.
        n_actions: Numbers that describe an action.
        hidden: Widths of the hidden layers.
        generator: Draws the first weights; the last layer begins at zero, where nothing is known.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        demonstrations: Demonstrations,
        n_actions: int,
        hidden: Sequence[int] = (64, 64),
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        n_states = demonstrations.state.shape[1]
        widths, layers = (n_states + n_actions, *hidden), []
        with torch_seeded(generator):
            for n_in, n_out in zip(widths, hidden, strict=False):
                layers += [nn.Linear(n_in, n_out), nn.Tanh()]
            last = nn.Linear(widths[-1], 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)
        spread = demonstrations.state.std(dim=0, correction=0)
        self.register_buffer("mean", demonstrations.state.mean(dim=0))
        self.register_buffer("scale", scale_of(spread))

    def forward(
        self, state: Float[Tensor, "batch state"], action: Float[Tensor, "batch action"]
    ) -> Float[Tensor, " batch"]:
        """Return logits, expert is high."""
        return self.layers(torch.cat([(state - self.mean) / self.scale, action], dim=1)).squeeze(1)


def discriminator_loss(
    logits_of_expert: Float[Tensor, " batch"], logits_of_imitator: Float[Tensor, " draw"]
) -> Float[Tensor, ""]:
    """Return the binary cross entropy in which the expert is 1; its minimum is at log(p_E / p_pi)."""
    return nn.functional.softplus(-logits_of_expert).mean() + nn.functional.softplus(logits_of_imitator).mean()


def gradient_penalty(
    discriminator: nn.Module,
    expert: tuple[Float[Tensor, "batch state"], Float[Tensor, "batch action"]],
    imitator: tuple[Float[Tensor, "batch state"], Float[Tensor, "batch action"]],
    *,
    generator: torch.Generator,
) -> Float[Tensor, ""]:
    """Return the mean of (|gradient| - 1)^2 on lines between samples of both sides (Gulrajani et al. 2017)."""
    share = torch.rand(len(expert[0]), 1, generator=generator)
    between = [
        (share * one + (1 - share) * other).requires_grad_() for one, other in zip(expert, imitator, strict=True)
    ]
    gradient = torch.autograd.grad(discriminator(*between).sum(), between, create_graph=True)
    return ((torch.cat(gradient, dim=1).norm(dim=1) - 1) ** 2).mean()
