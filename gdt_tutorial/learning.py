"""One supervised loop for every model that learns from given pairs.

GAN, GAIL and reinforcement learning have loops of their own, in full view in their own files. Whatever minimizes a mean
loss over a fixed set of tensors uses `fit`, which goes through the set epoch by epoch (the trajectory predictors, the
autoencoders, the denoisers), or `fit_updates`, which draws batches with replacement.

Sources: AdamW is Loshchilov and Hutter 2019, the cosine Loshchilov and Hutter 2017 without restarts; averages of the
weights go back to Polyak and Juditsky 1992. All three are torch's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.seeding import keep_torch_rng, torch_seeded

__all__ = ["FitConfig", "FitHistory", "Schedule", "constant", "cosine", "fit", "fit_updates", "mean_loss", "scale_of"]

Schedule = Callable[[Optimizer, int], LRScheduler]
"""From an optimizer and the number of its updates to torch's schedule of its step size."""


def constant(optimizer: Optimizer, n_updates: int) -> LRScheduler:
    """Keep the step size as it is."""
    return ConstantLR(optimizer, factor=1.0)


def cosine(optimizer: Optimizer, n_updates: int) -> LRScheduler:
    """Let the step size fall to 0 along half a cosine."""
    return CosineAnnealingLR(optimizer, n_updates)


@configclass
class FitConfig:
    """How long and how fast `fit` learns."""

    n_epochs: int = parameter(20, "Passes over the training set; `fit_updates` makes none.", "chosen", above=0)
    batch_size: int = parameter(64, "Samples that one gradient step averages over.", "chosen", above=0)
    learning_rate: float = parameter(1e-3, "Step size of AdamW.", "default of torch.optim.AdamW", above=0)
    weight_decay: float = parameter(0.0, "Pull of AdamW toward zero weights.", "chosen", at_least=0)
    max_gradient_norm: float = parameter(
        inf, "Longer gradients are shortened to this norm.", "chosen: no limit", above=0
    )
    schedule: Schedule = parameter(
        constant, "Course of the step size over all updates: `constant`, `cosine` or an own one.", "chosen"
    )
    ema_decay: float | None = parameter(
        None,
        "What each update leaves of a running average of the weights, with which the model ends; none: no average.",
        "chosen",
        above=0,
        below=1,
        remedy="0.999 averages over some 1,000 updates",
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

    The result depends on the model and on `generator` alone: it shuffles, and dropout and whatever else the loss draws
    follow it too. Validation and `on_epoch` draw elsewhere, so they change nothing; every validation draws the same.

    Args:
        model: Learns in place.
        tensors: One tensor per argument of `loss`; all have the samples as their first axis.
        loss: Takes the model and one batch of each tensor, and returns the mean loss as a scalar.
        config: How long and how fast.
        generator: Orders the samples.
        validation: Like `tensors`; never learned from. The model that it measures has the averaged weights, if there are.
        on_epoch: Called with the epoch (from 0) and its mean training loss, for a progress bar.

    Raises:
        ValueError: Tensors of no or unequal length, or a loss that is not finite.
    """
    n_samples = _n_samples("tensors", tensors)
    if validation is not None:
        _n_samples("validation", validation)
    descent = _Descent(model, loss, config, config.n_epochs * -(-n_samples // config.batch_size))
    train_loss, validation_loss = [], []
    with torch_seeded(generator):
        beside = generator.clone_state()
        for epoch in range(config.n_epochs):
            model.train()
            order = torch.randperm(n_samples, generator=generator, device=generator.device)
            total = 0.0
            for index in order.to(tensors[0].device).split(config.batch_size):
                total += descent.update([tensor[index] for tensor in tensors]) * len(index)
            train_loss.append(_require_finite(total / n_samples, f"epoch {epoch}"))
            model.eval()
            if validation is not None:
                with torch_seeded(beside.clone_state()):
                    value = mean_loss(descent.averaged(), validation, loss, batch_size=config.batch_size)
                validation_loss.append(value)
            if on_epoch is not None:
                with keep_torch_rng():
                    on_epoch(epoch, train_loss[-1])
    descent.end()
    return FitHistory(train_loss=np.array(train_loss), validation_loss=np.array(validation_loss, dtype=float))


def fit_updates(
    model: nn.Module,
    tensors: Sequence[Tensor],
    loss: Callable[..., Tensor],
    config: FitConfig,
    n_updates: int,
    *,
    generator: torch.Generator,
    on_update: Callable[[int, float], object] | None = None,
) -> None:
    """Do as `fit` over `n_updates` batches that are drawn with replacement; `generator` draws these and nothing else.

    Args:
        model: Learns in place.
        tensors: As for `fit`.
        loss: As for `fit`.
        config: How fast.
        n_updates: Gradient steps.
        generator: Draws the batches. What the loss draws follows a copy of it.
        on_update: Called with the update (from 0) and its loss, for a progress bar.

    Raises:
        ValueError: No update, tensors of no or unequal length, or a loss that is not finite.
    """
    require(n_updates > 0, "n_updates", "be above 0", n_updates, "make one gradient step at least")
    n_samples, shape = _n_samples("tensors", tensors), (config.batch_size,)
    descent = _Descent(model, loss, config, n_updates)
    model.train()
    with torch_seeded(generator.clone_state()):
        for update in range(n_updates):
            index = torch.randint(n_samples, shape, generator=generator, device=generator.device)
            index = index.to(tensors[0].device)
            value = _require_finite(descent.update([tensor[index] for tensor in tensors]), f"update {update}")
            if on_update is not None:
                with keep_torch_rng():
                    on_update(update, value)
    model.eval()
    descent.end()


class _Descent:
    """One gradient step after the other down a loss, and the running average of the weights."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor], config: FitConfig, n_updates: int) -> None:
        self._model, self._loss, self._max_norm = model, loss, config.max_gradient_norm
        self._optimizer = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._schedule = config.schedule(self._optimizer, n_updates)
        self._average: AveragedModel | None = None
        if config.ema_decay is not None:
            self._average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay))

    def update(self, batch: Sequence[Tensor]) -> float:
        """Make one step; return the loss before it."""
        value = self._loss(self._model, *batch)
        self._optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(self._model.parameters(), self._max_norm)
        self._optimizer.step()
        self._schedule.step()
        if self._average is not None:
            self._average.update_parameters(self._model)
        return value.item()

    def averaged(self) -> nn.Module:
        """Return the model in evaluation mode: with the averaged weights, or itself where there is no average."""
        return self._model if self._average is None else self._average.module.eval()

    def end(self) -> None:
        """Give the model the averaged weights."""
        if self._average is not None:
            self._model.load_state_dict(self._average.module.state_dict())


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


def _require_finite(value: float, when: str) -> float:
    remedy = "lower learning_rate, or scale the inputs to about one"
    require(np.isfinite(value), "loss", f"be finite in {when}", value, remedy)
    return value


def scale_of(spread: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return what entries are divided by to have unit spread; what does not vary is left as it is.

    >>> scale_of(torch.tensor([2.0, 0.0])).tolist()
    [2.0, 1.0]
    """
    return torch.where(spread > 1e-6, spread, 1.0)
