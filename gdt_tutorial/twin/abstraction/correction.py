"""A learned correction of a plain estimate of the status: it fills lost reports, or takes noise from those that came.

A variational autoencoder reads a window as a plain rule filled or smoothed it, and its decoder says what has to be added. Its
last layer starts at 0, so before training the result *is* the plain rule's: a rule that knows the structure is hard to beat,
and a network should not have to learn it first. It reads, slot by slot,

    the estimate relative to the last report | the estimate itself | report minus estimate, 0 where none came | came a report?

and is scored on the slots that were lost (filling) or on all of them (denoising). The paper fills and denoises nothing.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.vae import VaeConfig, VariationalAutoencoder
from gdt_tutorial.gai.vae_training import negative_elbo
from gdt_tutorial.learning import FitConfig, FitHistory, cosine, fit

__all__ = ["Correction", "CorrectionVaeConfig", "train_correction_vae"]

_N_XY = 2
_NARROW = -4.0  # logarithm of a latent's variance before training
_FIT = FitConfig(n_epochs=12, batch_size=128, weight_decay=1e-3, schedule=cosine)


@configclass
class CorrectionVaeConfig:
    """Size and training of a correction."""

    vae: VaeConfig = parameter(
        VaeConfig(n_latent=16, n_hidden=128, sigma=1.0, beta=0.01, fit=_FIT),
        "The network; with the rate at its full price (beta 1) it says nothing at all.",
        "chosen among beta 1, .1 and .01",
    )


class Correction(nn.Module):
    """Adds to a plain estimate what a variational autoencoder says is missing.

    Args:
        n_slots: Slots of a window.
        n_features: Features of a slot, as `status_features` has them.
        config: Size.
        generator: Draws the first weights.
    """

    center: Tensor
    scale: Tensor  # of what is read
    step: Tensor  # typical error of the plain estimate: the unit of what is added

    def __init__(
        self,
        n_slots: int,
        n_features: int,
        config: CorrectionVaeConfig = CorrectionVaeConfig(),
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        n_read = 3 * n_features + 1
        self.vae = VariationalAutoencoder(n_slots, n_read, config.vae, generator=generator)
        self._speak(generator)
        self.register_buffer("center", torch.zeros(n_read))
        self.register_buffer("scale", torch.ones(n_read))
        self.register_buffer("step", torch.ones(n_features))

    @torch.no_grad()
    def _speak(self, generator: torch.Generator) -> None:
        """Let the encoder begin with codes that differ, and narrow ones: where both ways start at 0, neither has a gradient."""
        last, n_latent = self.vae.encoder[-1], self.vae.config.n_latent
        assert isinstance(last, nn.Linear)
        nn.init.normal_(last.weight[:n_latent], std=last.in_features**-0.5, generator=generator)
        nn.init.constant_(last.bias[n_latent:], _NARROW)

    def read(
        self,
        estimate: Float[np.ndarray, "user slot feature"],
        reported: Float[np.ndarray, "user slot feature"],
        is_collected: Bool[np.ndarray, "user slot"],
    ) -> Float[Tensor, "user slot _"]:
        """Return what the autoencoder reads; reports that did not come are not looked at.

        Raises:
            ValueError: A window of other sizes, or a user without a report.
        """
        found, wanted = estimate.shape[1:], (self.vae.n_slots, len(self.step))
        require(found == wanted, "estimate", f"have slots and features {wanted}", found, "train on windows of its size")
        n_lost = int((~is_collected.any(axis=1)).sum())
        require(
            n_lost == 0, "is_collected", "hold a report of every user", f"{n_lost} without", "leave those users out"
        )
        newest = is_collected.shape[1] - 1 - is_collected[:, ::-1].argmax(axis=1)
        last = estimate[np.arange(len(estimate)), newest]
        last[:, _N_XY : 2 * _N_XY] = 0.0  # a velocity is one already
        mask = is_collected[..., None]
        parts = (estimate - last[:, None], estimate, np.where(mask, reported - estimate, 0.0), mask)
        return torch.from_numpy(np.concatenate(parts, axis=-1)).float()

    @torch.no_grad()
    def correct(
        self,
        estimate: Float[np.ndarray, "user slot feature"],
        reported: Float[np.ndarray, "user slot feature"],
        is_collected: Bool[np.ndarray, "user slot"],
    ) -> Float[np.ndarray, "user slot feature"]:
        """Return the corrected estimate in every slot.

        Raises:
            ValueError: As `read`.
        """
        row = (self.read(estimate, reported, is_collected) - self.center) / self.scale
        return estimate + (self.vae(row)[..., : len(self.step)] * self.step).double().numpy()


def train_correction_vae(
    estimate: Float[np.ndarray, "user slot feature"],
    reported: Float[np.ndarray, "user slot feature"],
    is_collected: Bool[np.ndarray, "user slot"],
    truth: Float[np.ndarray, "user slot feature"],
    is_scored: Bool[np.ndarray, "user slot feature"],
    config: CorrectionVaeConfig = CorrectionVaeConfig(),
    *,
    generator: torch.Generator,
) -> tuple[Correction, FitHistory]:
    """Train a correction on windows whose truth is known.

    Args:
        estimate: What the plain rule says.
        reported: The reports.
        is_collected: Where they came.
        truth: What was to be estimated.
        is_scored: Which entries count.
        config: Size and training.
        generator: Draws first weights, order and latents.

    Raises:
        ValueError: As `Correction.read`, or no entry that counts.
    """
    require(bool(is_scored.any()), "is_scored", "mark an entry", 0, "mark what was lost, or all")
    model = Correction(estimate.shape[1], estimate.shape[2], config, generator=generator)
    row, n_features = model.read(estimate, reported, is_collected), estimate.shape[2]
    model.center.copy_(row.mean(dim=(0, 1)))
    model.scale.copy_(row.std(dim=(0, 1), correction=0).clamp_min(1e-6))
    error = torch.from_numpy(np.where(is_scored, truth - estimate, 0.0)).float()
    count = torch.from_numpy(is_scored.copy()).sum(dim=(0, 1)).clamp_min(1)
    model.step.copy_((error.square().sum(dim=(0, 1)) / count).sqrt().clamp_min(1e-6))
    rest = (0, row.shape[2] - n_features)  # what is read and not corrected
    target = nn.functional.pad(error / model.step, rest)
    counts = nn.functional.pad(torch.from_numpy(is_scored.copy()), rest)

    def loss(vae: VariationalAutoencoder, window: Tensor, wanted: Tensor, scored: Tensor) -> Tensor:
        return negative_elbo(vae, window, None, wanted, scored)

    tensors = ((row - model.center) / model.scale, target, counts)
    return model, fit(model.vae, tensors, loss, config.vae.fit, generator=generator)
