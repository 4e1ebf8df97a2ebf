"""One supervised loop for every model that learns from given pairs.

GAN, GAIL and reinforcement learning have loops of their own, in full view in their own files. Whatever minimizes a mean
loss over a fixed set of tensors uses `fit`: the trajectory predictors, the autoencoders, the denoisers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.seeding import torch_seeded

__all__ = ["FitConfig", "FitHistory", "fit", "mean_loss"]


@configclass
class FitConfig:
    """How long and how fast `fit` learns."""

    n_epochs: int = parameter(20, "Passes over the training set.", "chosen", above=0)
    batch_size: int = parameter(64, "Samples that one gradient step averages over.", "chosen", above=0)
    learning_rate: float = parameter(1e-3, "Step size of AdamW.", "default of torch.optim.AdamW", above=0)
    weight_decay: float = parameter(0.0, "Pull of AdamW toward zero weights.", "chosen", at_least=0)
    max_gradient_norm: float = parameter(
        inf, "Longer gradients are shortened to this norm.", "chosen: no limit", above=0
    )


@dataclass(frozen=True, kw_only=True)
class FitHistory:
    """Mean loss of each epoch; `validation_loss` is empty where `fit` got no validation set."""

    train_loss: Float[np.ndarray, " epoch"]
    validation_loss: Float[np.ndarray, " validation_epoch"]


def fit(
    model: nn.Module,
    tensors: Sequence[Tensor],
    loss: Callable[..., Tensor],
    config: FitConfig,
    *,
    generator: torch.Generator,
    validation: Sequence[Tensor] | None = None,
    on_epoch: Callable[[int, float], object] | None = None,
) -> FitHistory:
    """Minimize `loss(model, *batch)` over mini-batches of `tensors`; the model ends in evaluation mode.

    The result depends on the model and on `generator` alone: it shuffles, and dropout follows it too.

    Args:
        model: Learns in place.
        tensors: One tensor per argument of `loss`; all have the samples as their first axis.
        loss: Takes the model and one batch of each tensor, and returns the mean loss as a scalar.
        config: How long and how fast.
        generator: Orders the samples.
        validation: Like `tensors`; never learned from.
        on_epoch: Called with the epoch (from 0) and its mean training loss, for a progress bar.

    Raises:
        ValueError: Tensors of no or unequal length, or a loss that is not finite.
    """
    n_samples = _n_samples("tensors", tensors)
    if validation is not None:
        _n_samples("validation", validation)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    train_loss, validation_loss = [], []
    with torch_seeded(generator):
        for epoch in range(config.n_epochs):
            model.train()
            order = torch.randperm(n_samples, generator=generator, device=generator.device)
            total = 0.0
            for index in order.to(tensors[0].device).split(config.batch_size):
                value = loss(model, *(tensor[index] for tensor in tensors))
                optimizer.zero_grad()
                value.backward()
                nn.utils.clip_grad_norm_(model.parameters(), config.max_gradient_norm)
                optimizer.step()
                total += value.item() * len(index)
            train_loss.append(_require_finite(total / n_samples, epoch))
            model.eval()
            if validation is not None:
                validation_loss.append(mean_loss(model, validation, loss, batch_size=config.batch_size))
            if on_epoch is not None:
                on_epoch(epoch, train_loss[-1])
    return FitHistory(train_loss=np.array(train_loss), validation_loss=np.array(validation_loss, dtype=float))


@torch.no_grad()
def mean_loss(
    model: nn.Module, tensors: Sequence[Tensor], loss: Callable[..., Tensor], *, batch_size: int = 1024
) -> float:
    """Return the mean of `loss(model, *batch)` over all samples, without learning.

    Raises:
        ValueError: Tensors of no or unequal length.
    """
    n_samples = _n_samples("tensors", tensors)
    batches = zip(*(tensor.split(batch_size) for tensor in tensors), strict=True)
    return sum(loss(model, *batch).item() * len(batch[0]) for batch in batches) / n_samples


def _n_samples(name: str, tensors: Sequence[Tensor]) -> int:
    lengths = [len(tensor) for tensor in tensors]
    is_alike = len(set(lengths)) == 1 and lengths[0] > 0
    remedy = "put the samples on the first axis of each tensor"
    require(is_alike, f"lengths of {name}", "be equal and above 0", lengths, remedy)
    return lengths[0]


def _require_finite(value: float, epoch: int) -> float:
    remedy = "lower learning_rate, or scale the inputs to about one"
    require(np.isfinite(value), "loss", f"be finite in epoch {epoch}", value, remedy)
    return value
