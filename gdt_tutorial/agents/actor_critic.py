"""Actors with a critic: from states to distributions over actions, and to what a state is worth.

An actor-critic is any module from states and masks to an `ActionDistribution` and a value per state. Three stand ready: one
choice (`Discrete` spaces), several independent choices (`MultiDiscrete`), and numbers (`Box`).

Masks make illegal actions impossible: their logits become minus infinity, as of Huang and Ontanon 2022, "A closer look at
invalid action masking in policy gradient algorithms". They are never drawn, get no gradient, and the entropy does not count
them. Orthogonal first weights and a small last layer of the actor, so that all actions are nearly equal at first: defaults of
stable-baselines3; Andrychowicz et al. 2021, "What matters for on-policy deep actor-critic methods?", sec. 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log, pi
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from gdt_tutorial.agents.ddqn import masked_argmax
from gdt_tutorial.configuration import require
from gdt_tutorial.seeding import torch_seeded

__all__ = [
    "ActionDistribution",
    "ActorCritic",
    "Categorical",
    "CategoricalActorCritic",
    "Gaussian",
    "GaussianActorCritic",
    "MultiCategorical",
    "MultiCategoricalActorCritic",
]


@runtime_checkable
class ActionDistribution(Protocol):
    """What an actor gives for a batch of states."""

    def sample(self, *, generator: torch.Generator) -> Shaped[Tensor, " batch *action"]:
        """Draw an action for each state."""
        ...

    def best(self) -> Shaped[Tensor, " batch *action"]:
        """Return the most likely action of each state."""
        ...

    def log_prob(self, action: Shaped[Tensor, " batch *action"]) -> Float[Tensor, " batch"]:
        """Return the logarithm of each action's probability, or of its density."""
        ...

    def entropy(self) -> Float[Tensor, " batch"]:
        """Return the entropy in nats, over legal actions alone."""
        ...


@runtime_checkable
class ActorCritic(Protocol):
    """What learns here: from states, and masks of legal actions, to a distribution over actions and the state's value."""

    def __call__(
        self, state: Float[Tensor, "batch state"], mask: Bool[Tensor, " batch *choice"]
    ) -> tuple[ActionDistribution, Float[Tensor, " batch"]]:
        """Return both."""
        ...


@dataclass(frozen=True)
class Categorical:
    """One choice among actions: logits, of which the illegal ones become minus infinity."""

    logits: Float[Tensor, "batch action"]
    mask: Bool[Tensor, "batch action"]

    def sample(self, *, generator: torch.Generator) -> Int[Tensor, " batch"]:
        """Draw a legal action; 0 where none is legal."""
        return _drawn(self.logits, self.mask, generator)

    def best(self) -> Int[Tensor, " batch"]:
        """Return the most likely legal action; 0 where none is legal."""
        return masked_argmax(self.logits, self.mask)

    def log_prob(self, action: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Return the logarithm of each action's probability; 0 where none is legal, which changes no weight."""
        return _log_prob(self.logits, self.mask, action)

    def entropy(self) -> Float[Tensor, " batch"]:
        """Return the entropy over the legal actions."""
        return _entropy(self.logits, self.mask)


@dataclass(frozen=True)
class MultiCategorical:
    """Several independent choices; a branch without any legal action contributes nothing, and its action is 0."""

    logits: Float[Tensor, "batch branch action"]
    mask: Bool[Tensor, "batch branch action"]

    def sample(self, *, generator: torch.Generator) -> Int[Tensor, "batch branch"]:
        """Draw a legal action in each branch."""
        return _drawn(self.logits, self.mask, generator)

    def best(self) -> Int[Tensor, "batch branch"]:
        """Return the most likely legal action of each branch."""
        return masked_argmax(self.logits, self.mask)

    def log_prob(self, action: Int[Tensor, "batch branch"]) -> Float[Tensor, " batch"]:
        """Return the sum of the branches' log-probabilities."""
        return _log_prob(self.logits, self.mask, action).sum(dim=-1)

    def entropy(self) -> Float[Tensor, " batch"]:
        """Return the sum of the branches' entropies."""
        return _entropy(self.logits, self.mask).sum(dim=-1)


def _log_softmax(logits: Float[Tensor, "*batch action"], mask: Bool[Tensor, "*batch action"]) -> Tensor:
    # Where nothing is legal all stay open: a softmax over minus infinities alone is NaN.
    is_open = mask | ~mask.any(dim=-1, keepdim=True)
    return logits.masked_fill(~is_open, -torch.inf).log_softmax(dim=-1)


def _drawn(logits: Tensor, mask: Tensor, generator: torch.Generator) -> Int[Tensor, "*batch"]:
    probability = _log_softmax(logits, mask).exp().reshape(-1, logits.shape[-1])
    action = torch.multinomial(probability, 1, generator=generator).reshape(logits.shape[:-1])
    return action * mask.any(dim=-1)


def _log_prob(logits: Tensor, mask: Tensor, action: Tensor) -> Float[Tensor, "*batch"]:
    taken = _log_softmax(logits, mask).gather(-1, action[..., None]).squeeze(-1)
    return torch.where(mask.any(dim=-1), taken, torch.zeros_like(taken))


def _entropy(logits: Tensor, mask: Tensor) -> Float[Tensor, "*batch"]:
    # 0 log 0 is 0 here, and so is its gradient.
    log_prob = _log_softmax(logits, mask).masked_fill(~mask, 0.0)
    return -(log_prob.exp() * log_prob).sum(dim=-1)


@dataclass(frozen=True)
class Gaussian:
    """Independent normal numbers. `Collector` clips what leaves [-1, 1]; the density is that of the number before."""

    mean: Float[Tensor, "batch action"]
    log_std: Float[Tensor, " action"]

    def sample(self, *, generator: torch.Generator) -> Float[Tensor, "batch action"]:
        """Draw an action."""
        return self.mean + self.log_std.exp() * torch.randn(self.mean.shape, generator=generator)

    def best(self) -> Float[Tensor, "batch action"]:
        """Return the means."""
        return self.mean

    def log_prob(self, action: Float[Tensor, "batch action"]) -> Float[Tensor, " batch"]:
        """Return the logarithm of the density."""
        z = (action - self.mean) / self.log_std.exp()
        return -(z**2 / 2 + self.log_std + log(2 * pi) / 2).sum(dim=-1)

    def entropy(self) -> Float[Tensor, " batch"]:
        """Return the entropy, which is the same in every state."""
        return (self.log_std + (1 + log(2 * pi)) / 2).sum().expand(len(self.mean))


def _perceptron(widths: Sequence[int], last_gain: float, *, generator: torch.Generator) -> nn.Sequential:
    """Return layers with tanh between them; orthogonal first weights, those of the last layer with `last_gain`."""
    layers: list[nn.Module] = []
    with torch_seeded(generator):
        for n_in, n_out in pairwise(widths):
            linear = nn.Linear(n_in, n_out)
            nn.init.orthogonal_(linear.weight, last_gain if len(layers) == 2 * (len(widths) - 2) else 2**0.5)
            nn.init.zeros_(linear.bias)
            layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


class CategoricalActorCritic(nn.Module):
    """Two perceptrons, one for the logits of the actions (nearly equal at first) and one for the value.

    Args:
        n_states: Entries of a state.
        n_actions: Number of actions.
        hidden: Widths of the hidden layers of each of the two.
        generator: Draws the first weights.
    """

    def __init__(
        self, n_states: int, n_actions: int, hidden: Sequence[int] = (64, 64), *, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.actor = _perceptron((n_states, *hidden, n_actions), 0.01, generator=generator)
        self.critic = _perceptron((n_states, *hidden, 1), 1.0, generator=generator)

    def forward(
        self, state: Float[Tensor, "batch state"], mask: Bool[Tensor, "batch action"]
    ) -> tuple[Categorical, Float[Tensor, " batch"]]:
        """Return the distribution over the legal actions, and the value."""
        return Categorical(self.actor(state), mask), self.critic(state).squeeze(-1)


class MultiCategoricalActorCritic(nn.Module):
    """The same for several choices at once, each among as many actions as the longest branch has.

    Args:
        n_states: Entries of a state.
        n_actions: Number of actions of each branch; they may differ.
        hidden: Widths of the hidden layers of each of the two perceptrons.
        generator: Draws the first weights.
    """

    def __init__(
        self, n_states: int, n_actions: Sequence[int], hidden: Sequence[int] = (64, 64), *, generator: torch.Generator
    ) -> None:
        super().__init__()
        require(min(n_actions, default=0) > 0, "n_actions", "name one action or more per branch", n_actions, "add some")
        self._shape = (len(n_actions), max(n_actions))
        self.actor = _perceptron((n_states, *hidden, len(n_actions) * max(n_actions)), 0.01, generator=generator)
        self.critic = _perceptron((n_states, *hidden, 1), 1.0, generator=generator)

    def forward(
        self, state: Float[Tensor, "batch state"], mask: Bool[Tensor, "batch branch action"]
    ) -> tuple[MultiCategorical, Float[Tensor, " batch"]]:
        """Return the distributions over the legal actions, and the value."""
        return MultiCategorical(self.actor(state).unflatten(-1, self._shape), mask), self.critic(state).squeeze(-1)


class GaussianActorCritic(nn.Module):
    """The same for numbers: the means follow the state, the standard deviations are weights of their own.

    Args:
        n_states: Entries of a state.
        n_actions: Entries of an action.
        hidden: Widths of the hidden layers of each of the two perceptrons.
        std: First standard deviation.
        generator: Draws the first weights.
    """

    def __init__(
        self,
        n_states: int,
        n_actions: int,
        hidden: Sequence[int] = (64, 64),
        std: float = 1.0,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        require(std > 0, "std", "be above 0", std, "1 explores the whole of [-1, 1]")
        self.actor = _perceptron((n_states, *hidden, n_actions), 0.01, generator=generator)
        self.critic = _perceptron((n_states, *hidden, 1), 1.0, generator=generator)
        self.log_std = nn.Parameter(torch.full((n_actions,), log(std)))

    def forward(
        self, state: Float[Tensor, "batch state"], mask: Bool[Tensor, " batch *choice"]
    ) -> tuple[Gaussian, Float[Tensor, " batch"]]:
        """Return the distribution and the value; continuous actions have no masks."""
        return Gaussian(self.actor(state), self.log_std), self.critic(state).squeeze(-1)
