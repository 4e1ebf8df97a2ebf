"""Train the variational autoencoder of the twin on lossy windows, so that its width grows with what is not known.

Three losses that differ in what the encoder of a lossy window is asked for:

    matching_loss    the code that the whole window would have had: KL(q(z | whole) || q(z | collected)), beside the ELBO
                     of whole windows, from which the decoder learns (posterior matching: Strauss and Oliva 2022)
    collected_loss   the ELBO of the entries that were collected (as for tables with gaps: Nazabal et al. 2020)
    whole_loss       the ELBO of the whole window, from what was collected (a denoising autoencoder with a width)

Only the first asks for a width that covers what may have been. With squared errors, `whole_loss` has its optimum at the code of
the *mean* window: how wide the encoder is there follows from the decoder's slope, not from what is unknown. And the ELBO, whose
KL runs from q to the posterior, prefers a diagonal width that is too narrow to one that is too wide.

The paper trains on its data without a word about gaps; the losses' use here is our choice.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.vae import VaeConfig, VariationalAutoencoder
from gdt_tutorial.gai.vae_training import negative_elbo, start_vae
from gdt_tutorial.learning import FitConfig, FitHistory, cosine, fit
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.abstraction.latent import RelativeWindow, relative_window
from gdt_tutorial.twin.abstraction.status_windows import sample_windows
from gdt_tutorial.twin.emulation.walks import collection_pattern
from gdt_tutorial.twin.observation import MEMORY_SLOTS
from gdt_tutorial.twin.status import StatusWindow

__all__ = [
    "BOOK",
    "FULL",
    "SMOKE",
    "LatentConfig",
    "LossyWindows",
    "collected_loss",
    "draw_windows",
    "matching_loss",
    "start_latents",
    "train_latents",
    "whole_loss",
]

_FIT = FitConfig(n_epochs=15, batch_size=128, weight_decay=1e-3, schedule=cosine)
_VAE = VaeConfig(n_latent=8, n_hidden=64, sigma=0.5, fit=_FIT)

Loss = Callable[[VariationalAutoencoder, Tensor, Tensor], Tensor]
"""From the network, whole windows and what was collected of them to a mean loss."""


@configclass
class LatentConfig:
    """Size and training of the twin's variational autoencoder."""

    n_users: int = parameter(12_000, "Users whose windows it learns from.", "chosen", above=0)
    max_age_slots: int = parameter(
        MEMORY_SLOTS - 1, "Oldest last report that it learns from.", "chosen: what a window holds", at_least=0
    )
    vae: VaeConfig = parameter(_VAE, "The network.", "chosen among 8 and 16 latents, sigma .3 and .5")


SMOKE = LatentConfig(
    n_users=1_200, vae=VaeConfig(n_latent=8, n_hidden=64, sigma=0.5, fit=FitConfig(n_epochs=2, batch_size=128))
)
BOOK = LatentConfig()
FULL = LatentConfig(
    n_users=48_000,
    vae=VaeConfig(
        n_latent=8,
        n_hidden=64,
        sigma=0.5,
        fit=FitConfig(n_epochs=30, batch_size=256, weight_decay=1e-3, schedule=cosine),
    ),
)


class LossyWindows(NamedTuple):
    """Windows of users who reported now and then, and the whole of them."""

    window: StatusWindow  # complete values; the masks say what came
    age_slots: np.ndarray  # of each user's last report

    @property
    def whole(self) -> RelativeWindow:
        """The complete values relative to the last report, with the mask of what came."""
        relative = relative_window(self.window)
        values = np.concatenate([self.window.position_m, self.window.velocity_mps, self.window.snr_db], axis=-1)
        return relative._replace(values=values - relative.last[:, :, None])


def draw_windows(
    topology: Topology, n_users: int, age_slots: int | None = None, max_age_slots: int = 15, *, rng: np.random.Generator
) -> LossyWindows:
    """Draw walks and channels of `MEMORY_SLOTS` slots, with irregular reports whose last one has a given age.

    Args:
        topology: Campus and access points.
        n_users: Users, each in a campus of its own.
        age_slots: Of the last report; None draws it uniformly from 0 to `max_age_slots`.
        max_age_slots: The oldest that is drawn.
        rng: Draws all.

    Raises:
        ValueError: An age that does not fit into the window.
    """
    oldest = max_age_slots if age_slots is None else age_slots
    require(
        0 <= oldest < MEMORY_SLOTS, "age_slots", f"lie in 0..{MEMORY_SLOTS - 1}", oldest, "a window has no more slots"
    )
    window_rng, report_rng, age_rng = rng.spawn(3)
    whole = sample_windows(topology, n_users, 1, MEMORY_SLOTS, rng=window_rng)
    age = age_rng.integers(max_age_slots + 1, size=n_users) if age_slots is None else np.full(n_users, age_slots)
    slot, newest = np.arange(MEMORY_SLOTS), MEMORY_SLOTS - 1 - age[:, None]
    reported = collection_pattern(n_users, MEMORY_SLOTS, MEMORY_SLOTS - 1, rng=report_rng)
    mask = ((reported & (slot < newest)) | (slot == newest))[:, None]
    lossy = StatusWindow(
        slot=whole.slot,
        position_m=whole.position_m,
        velocity_mps=whole.velocity_mps,
        snr_db=whole.snr_db,
        is_behavior_collected=mask,
        is_networking_collected=mask.copy(),
    )
    return LossyWindows(lossy, age[:, None])


def matching_loss(
    model: VariationalAutoencoder,
    window: Float[Tensor, "batch slot feature"],
    is_collected: Bool[Tensor, "batch slot feature"],
) -> Float[Tensor, ""]:
    """Return the negative ELBO of whole windows, plus KL(q(z | whole) || q(z | collected)), in nats."""
    with torch.no_grad():
        wanted_mean, wanted_log = model.encode(window)
    mean, log_variance = model.encode(window, is_collected)
    ratio = ((wanted_mean - mean) ** 2 + wanted_log.exp()) / log_variance.exp()
    match = (ratio + log_variance - wanted_log - 1) / 2
    return negative_elbo(model, window) + match.sum(dim=1).mean()


def collected_loss(
    model: VariationalAutoencoder,
    window: Float[Tensor, "batch slot feature"],
    is_collected: Bool[Tensor, "batch slot feature"],
) -> Float[Tensor, ""]:
    """Return the negative ELBO of whole windows, plus that of the collected entries through a decoder that is held."""
    held = [each for each in model.decoder.parameters() if each.requires_grad]
    whole = negative_elbo(model, window)
    for each in held:
        each.requires_grad_(False)
    lossy = negative_elbo(model, window, is_collected, is_scored=is_collected)
    for each in held:
        each.requires_grad_(True)
    return whole + lossy


def whole_loss(
    model: VariationalAutoencoder,
    window: Float[Tensor, "batch slot feature"],
    is_collected: Bool[Tensor, "batch slot feature"],
) -> Float[Tensor, ""]:
    """Return the negative ELBO of whole windows, encoded from what was collected of them."""
    return negative_elbo(model, window, is_collected)


def start_latents(
    topology: Topology, config: LatentConfig = BOOK, *, generator: torch.Generator
) -> tuple[VariationalAutoencoder, tuple[Tensor, Tensor]]:
    """Return the untrained network, which is probabilistic PCA of the windows, with the windows and masks themselves."""
    rng = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
    drawn = draw_windows(topology, config.n_users, max_age_slots=config.max_age_slots, rng=rng).whole
    values, mask = drawn.values[:, 0], drawn.is_collected[:, 0]
    return start_vae(values, config.vae, generator=generator), (
        torch.from_numpy(values).float(),
        torch.from_numpy(mask),
    )


def train_latents(
    topology: Topology,
    config: LatentConfig = BOOK,
    *,
    generator: torch.Generator,
    loss: Loss = matching_loss,
    on_epoch: Callable[[int, float], object] | None = None,
) -> tuple[VariationalAutoencoder, FitHistory]:
    """Train the twin's variational autoencoder on walks, channels and lossy reports.

    Args:
        topology: Campus and access points.
        config: Size and training.
        generator: Draws windows and reports, the first weights, the order, and the latents.
        loss: What the encoder of a lossy window is asked for.
        on_epoch: Called with the epoch (from 0) and its mean loss, for a progress bar.
    """
    model, tensors = start_latents(topology, config, generator=generator)
    history = fit(model, tensors, loss, config.vae.fit, generator=generator, on_epoch=on_epoch)
    return model, history
