"""What a code costs in nats and what it loses, on windows that it was not trained on.

A variational autoencoder sends a *draw* from q(z|x), and the KL divergence is what that draw says about the window. So its
distortion is that of the draw. The mean of q(z|x) loses less, but naming it exactly would take more nats than the KL
divergence; its mean square error is what one compares with an autoencoder, which has no rate.

Sources: the two axes are those of Alemi et al. 2018, "Fixing a Broken ELBO", sec. 2, where the KL divergence is an upper
bound on the mutual information; the curve of the Gaussian is `rate_distortion`.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gdt_tutorial.gai.probabilistic_pca import principal_variance
from gdt_tutorial.gai.rate_distortion import WaterFilling, reverse_water_filling
from gdt_tutorial.gai.vae import VariationalAutoencoder, active_units
from gdt_tutorial.gai.vae_training import kl_to_standard_normal

__all__ = ["CodeScore", "code_score", "gaussian_bound", "window_nats"]


@dataclass(frozen=True, kw_only=True)
class CodeScore:
    """Mean over windows; errors are per entry, in squared standard deviations of its feature.

    Attributes:
        mse: Mean square error through the means of the latents.
        distortion: The same through draws of the latents.
        rate_nats: KL divergence of all latents together.
        n_active: Latents whose mean varies over windows.
    """

    mse: float
    distortion: float
    rate_nats: float
    n_active: int


@torch.no_grad()
def code_score(
    model: VariationalAutoencoder, window: Float[Tensor, "batch slot feature"], *, generator: torch.Generator
) -> CodeScore:
    """Score a code on fresh windows, with one draw of each latent."""
    mean, log_variance = model.encode(window)
    wanted = model.standardized(window)
    latent = model.sample(mean, log_variance, generator=generator)
    through_mean, through_draw = (
        ((model.standardized(model.decode(each)) - wanted) ** 2).mean().item() for each in (mean, latent)
    )
    return CodeScore(
        mse=through_mean,
        distortion=through_draw,
        rate_nats=kl_to_standard_normal(mean, log_variance).sum(dim=1).mean().item(),
        n_active=int(active_units(mean).sum()),
    )


def gaussian_bound(
    model: VariationalAutoencoder, window: Float[Tensor, "batch slot feature"], distortion: float
) -> WaterFilling:
    """Return the best code of a Gaussian with the variances of these windows that loses `distortion` per entry."""
    flat = model.standardized(window).flatten(1)
    variance, _ = principal_variance(flat)
    return reverse_water_filling(variance.double().numpy(), distortion * flat.shape[1])


@torch.no_grad()
def window_nats(model: VariationalAutoencoder, window: Float[Tensor, "batch slot feature"]) -> Float[Tensor, " batch"]:
    """Return what each window costs: its KL divergence, and its squared error through the mean over 2 sigma^2, in nats."""
    mean, log_variance = model.encode(window)
    square = (model.standardized(model.decode(mean)) - model.standardized(window)) ** 2
    return kl_to_standard_normal(mean, log_variance).sum(dim=1) + square.sum(dim=(1, 2)) / (2 * model.config.sigma**2)
