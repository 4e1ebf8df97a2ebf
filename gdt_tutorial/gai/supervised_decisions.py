"""Decisions learned from logs as if they were labels: what diffusion has to beat.

"It is difficult to directly use model-based or data-based methods to solve the problem to obtain a near-optimal solution" (the
paper, GAI-Based Decision-Making). The plainest data-based methods take logged decisions for labels. Four of them, all with the
layers of the denoiser:

    behavioral cloning          the mean decision of a context: square loss
    on or off                   the chance that each entry is on: cross-entropy of each entry by itself
    decision classes            k-means of the decisions, then a classifier: it knows modes, if there are no more than classes
    return-conditioned          any of these with what is asked for as a further input (return-conditioned supervised learning)

The first two answer by means of entries. Where several decisions are equally good, no mean of them need be good. The third
draws whole decisions that were logged, or nearly so; its classes are counted beforehand, and that is all that diffusion has
before it. A condition may be dropped in training and weighed in use, as `gai.denoiser` does:

    logits = logits without condition + guidance (logits with condition - logits without)

Sources: Pomerleau 1991 (behavioral cloning); Emmons et al. 2022 (return-conditioned supervised learning); Ho and Salimans 2022
(guidance, here of a classifier over decisions). K-means: scikit-learn.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from sklearn.cluster import KMeans
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, mse_loss

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.residual_perceptron import FIT, ResidualPerceptron
from gdt_tutorial.learning import FitConfig, fit_updates, scale_of

__all__ = ["DecisionClasses", "DecisionNetwork", "SupervisedConfig", "train_classes", "train_cloning", "train_switches"]


@configclass
class SupervisedConfig:
    """Size and training, as the denoiser's."""

    n_hidden: int = parameter(80, "Units of each hidden layer.", "chosen", above=0)
    n_layers: int = parameter(3, "Hidden layers; each but the first adds to what it reads.", "chosen", above=0)
    condition_dropout: float = parameter(
        0.25, "Share of training samples whose condition is dropped.", "Ajay et al. 2023", at_least=0, at_most=1
    )
    n_updates: int = parameter(1500, "Gradient steps.", "chosen", above=0)
    fit: FitConfig = parameter(FIT, "How fast it learns.", "chosen")


class DecisionNetwork(nn.Module):
    """From context and condition to some numbers, which are `start` before training.

    Args:
        context: Of the training samples, whose means and spreads it takes.
        condition: What is asked for; no entries where nothing is.
        start: What it answers at first.
        config: Sizes.
        generator: Draws the first weights.
    """

    center: Tensor
    scale: Tensor
    start: Tensor

    def __init__(
        self,
        context: Float[Tensor, "batch context"],
        condition: Float[Tensor, "batch condition"],
        start: Float[Tensor, " feature"],
        config: SupervisedConfig = SupervisedConfig(),
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        known = torch.cat([context, condition], dim=1)
        self.config, self.n_condition = config, condition.shape[1]
        sizes = (known.shape[1] + 1, config.n_hidden, config.n_layers, len(start))
        self.network = ResidualPerceptron(*sizes, generator=generator)
        spread = known.std(dim=0, correction=0)
        self.register_buffer("center", known.mean(dim=0))
        self.register_buffer("scale", scale_of(spread))
        self.register_buffer("start", start)

    def forward(
        self,
        context: Float[Tensor, "batch context"],
        condition: Float[Tensor, "batch condition"],
        is_conditioned: Bool[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch feature"]:
        """Return the numbers."""
        n_context = context.shape[1]
        inputs = (torch.cat([context, condition], dim=1) - self.center) / self.scale
        asked = torch.ones(len(context), dtype=torch.bool) if is_conditioned is None else is_conditioned
        inputs[:, n_context:] = inputs[:, n_context:] * asked[:, None]
        return self.start + self.network(torch.cat([inputs, asked[:, None].to(inputs)], dim=1))


def train_cloning(
    decision: Float[Tensor, "batch feature"],
    context: Float[Tensor, "batch context"],
    condition: Float[Tensor, "batch condition"] | None = None,
    config: SupervisedConfig = SupervisedConfig(),
    *,
    generator: torch.Generator,
) -> DecisionNetwork:
    """Learn the mean decision; it starts at that of all contexts.

    Args:
        decision: What was decided.
        context: What was known.
        condition: What it would have answered; never dropped, since a mean has no guidance.
        config: Sizes and training.
        generator: Draws first weights and batches.

    Raises:
        ValueError: No sample, unequal numbers of them, or a loss that is not finite.
    """
    return _train(decision, context, condition, decision.mean(dim=0), _square_loss, config, generator)


def train_switches(
    decision: Float[Tensor, "batch feature"],
    context: Float[Tensor, "batch context"],
    condition: Float[Tensor, "batch condition"] | None = None,
    config: SupervisedConfig = SupervisedConfig(),
    *,
    generator: torch.Generator,
) -> DecisionNetwork:
    """Learn the log-odds that each entry is 1, for decisions of zeros and ones; a sigmoid makes chances of them.

    Raises:
        ValueError: Decisions outside of [0, 1], or as `train_cloning`.
    """
    is_chance = bool(((decision >= 0) & (decision <= 1)).all())
    require(is_chance, "decision", "lie in [0, 1]", [decision.min().item(), decision.max().item()], "snap it")
    start = decision.mean(dim=0).clamp(0.01, 0.99).logit()
    return _train(decision, context, condition, start, _switch_loss, config, generator)


class DecisionClasses:
    """Which of some decisions: their chances in a context.

    Args:
        decisions: One for each class.
        network: Its numbers are the logits of the classes.
    """

    def __init__(self, decisions: Float[Tensor, "class feature"], network: DecisionNetwork) -> None:
        self.decisions, self.network = decisions, network

    @torch.no_grad()
    def logits(
        self,
        context: Float[Tensor, "batch context"],
        condition: Float[Tensor, "batch condition"] | None = None,
        guidance: float = 1.0,
    ) -> Float[Tensor, "batch class"]:
        """Return the logits, under guidance where a condition is given; without one it is as if dropped.

        Args:
            context: What is known.
            condition: What is asked for.
            guidance: Weight of the condition; 1 is the law of the data.
        """
        nothing = torch.zeros(len(context), self.network.n_condition)
        without = self.network(context, nothing, torch.zeros(len(context), dtype=torch.bool))
        if condition is None:
            return without
        return without + guidance * (self.network(context, condition) - without)

    def likeliest(self, logits: Float[Tensor, "batch class"]) -> Float[Tensor, "batch feature"]:
        """Return the decision with the largest logit."""
        return self.decisions[logits.argmax(dim=1)]

    def draw(
        self, logits: Float[Tensor, "batch class"], *, generator: torch.Generator
    ) -> Float[Tensor, "batch feature"]:
        """Draw decisions by their chances."""
        return self.decisions[torch.multinomial(logits.softmax(dim=1), 1, generator=generator).squeeze(1)]


def train_classes(
    decision: Float[Tensor, "batch feature"],
    context: Float[Tensor, "batch context"],
    condition: Float[Tensor, "batch condition"] | None = None,
    n_classes: int = 16,
    config: SupervisedConfig = SupervisedConfig(),
    *,
    generator: torch.Generator,
) -> DecisionClasses:
    """Cluster the decisions, and learn which cluster a context calls for.

    Args:
        decision: What was decided.
        context: What was known.
        condition: What it would have answered; dropped now and then.
        n_classes: Clusters; their centers are the decisions.
        config: Sizes and training.
        generator: Seeds k-means; draws first weights, batches and dropped conditions.

    Raises:
        ValueError: Fewer different decisions than classes, or as `train_cloning`.
    """
    n_different = len(decision.unique(dim=0))
    require(
        n_different >= n_classes > 0, "n_classes", f"lie in 1 to {n_different}", n_classes, "that many decisions differ"
    )
    seed = int(torch.randint(2**31 - 1, (), generator=generator))
    means = KMeans(n_classes, n_init=4, random_state=seed).fit(decision.double().numpy())
    label = torch.from_numpy(means.labels_.astype(np.int64))
    share = label.bincount(minlength=n_classes) / len(label)
    network = _train(label, context, condition, share.log(), _class_loss, config, generator)
    return DecisionClasses(torch.from_numpy(means.cluster_centers_).float(), network)


_Loss = Callable[[DecisionNetwork, Tensor, Tensor, Tensor], Tensor]


def _train(
    target: Tensor,
    context: Tensor,
    condition: Tensor | None,
    start: Tensor,
    loss: _Loss,
    config: SupervisedConfig,
    generator: torch.Generator,
) -> DecisionNetwork:
    require(len(context) > 0, "context", "hold a sample", len(context), "pass one at least")
    asked = torch.zeros(len(context), 0) if condition is None else condition
    network = DecisionNetwork(context, asked, start, config, generator=generator)
    fit_updates(network, (target, context, asked), loss, config.fit, config.n_updates, generator=generator)
    return network


def _square_loss(network: DecisionNetwork, decision: Tensor, context: Tensor, condition: Tensor) -> Tensor:
    return mse_loss(network(context, condition), decision)


def _switch_loss(network: DecisionNetwork, decision: Tensor, context: Tensor, condition: Tensor) -> Tensor:
    return binary_cross_entropy_with_logits(network(context, condition), decision)


def _class_loss(
    network: DecisionNetwork, label: Int[Tensor, " batch"], context: Tensor, condition: Tensor
) -> Float[Tensor, ""]:
    is_conditioned = torch.rand(len(context)) >= network.config.condition_dropout
    return cross_entropy(network(context, condition, is_conditioned), label)
