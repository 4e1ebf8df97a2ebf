"""Train a variational autoencoder, from probabilistic PCA on.

It learns by the evidence lower bound (ELBO), in nats per window, in which `beta` weighs the rate:

    ELBO = E_q[log p(x|z)] - beta KL(q(z|x) || N(0, 1))

The start is the best linear Gaussian model of the windows (`start_vae`), so training has to beat it.

Sources: Kingma and Welling 2014, sec. 2.3 and appendix B; beta: Higgins et al. 2017.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.probabilistic_pca import fit_linear_gaussian
from gdt_tutorial.gai.vae import BOOK, VaeConfig, VariationalAutoencoder, check_windows, reparameterize
from gdt_tutorial.learning import FitHistory, fit, scale_of

__all__ = [
    "gaussian_log_likelihood",
    "kl_to_standard_normal",
    "mean_square_loss",
    "negative_elbo",
    "start_vae",
    "train_vae",
]


def kl_to_standard_normal(
    mean: Float[Tensor, "batch latent"], log_variance: Float[Tensor, "batch latent"]
) -> Float[Tensor, "batch latent"]:
    """Return KL(N(mean, variance) || N(0, 1)) of each latent in nats (Kingma and Welling 2014, appendix B)."""
    return (mean**2 + log_variance.exp() - log_variance - 1) / 2


def gaussian_log_likelihood(
    target: Float[Tensor, "batch slot feature"],
    mean: Float[Tensor, "batch slot feature"],
    sigma: float,
    is_scored: Bool[Tensor, "batch slot feature"] | None = None,
) -> Float[Tensor, " batch"]:
    """Return the log-density in nats of the entries that are scored (all by default) under N(mean, sigma^2)."""
    each = -(((target - mean) / sigma) ** 2) / 2 - math.log(sigma * math.sqrt(2 * math.pi))
    return (each if is_scored is None else torch.where(is_scored, each, 0.0)).sum(dim=(1, 2))


def negative_elbo(
    model: VariationalAutoencoder,
    window: Float[Tensor, "batch slot feature"],
    is_collected: Bool[Tensor, "batch slot feature"] | None = None,
    target: Float[Tensor, "batch slot feature"] | None = None,
    is_scored: Bool[Tensor, "batch slot feature"] | None = None,
) -> Float[Tensor, ""]:
    """Return the mean over windows of -E_q[log p(x|z)] + beta KL in nats, with one draw of z for each window.

    Args:
        model: Its config says sigma and beta.
        window: What is encoded.
        is_collected: Which entries of it are read; all by default.
        target: What is to come out; the window itself by default.
        is_scored: Which entries of the target count; all by default.
    """
    mean, log_variance = model.encode(window, is_collected)
    latent = reparameterize(mean, log_variance, torch.randn_like(mean))
    wanted, guess = (model.standardized(each) for each in (window if target is None else target, model.decode(latent)))
    fit_nats = gaussian_log_likelihood(wanted, guess, model.config.sigma, is_scored)
    rate_nats = kl_to_standard_normal(mean, log_variance).sum(dim=1)
    return (model.config.beta * rate_nats - fit_nats).mean()


def mean_square_loss(model: VariationalAutoencoder, window: Float[Tensor, "batch slot feature"]) -> Float[Tensor, ""]:
    """Return the mean square error through the means of the latents: the same network as a plain autoencoder."""
    return ((model.standardized(model(window)) - model.standardized(window)) ** 2).mean()


def start_vae(
    window: Float[np.ndarray, "user slot feature"], config: VaeConfig = BOOK, *, generator: torch.Generator
) -> VariationalAutoencoder:
    """Return a network that is probabilistic PCA of these windows: the untrained start of `train_vae`.

    Raises:
        ValueError: No user, windows that are not finite, or more latents than a window has entries.
    """
    require(len(window) > 0, "window", "hold a user", len(window), "pass the windows of at least one")
    check_windows(window, None, window.shape[1:])
    inputs = torch.from_numpy(np.ascontiguousarray(window)).double()
    mean, spread = inputs.mean(dim=0), inputs.std(dim=(0, 1), correction=0)
    scale = scale_of(spread)
    flat = ((inputs - mean) / scale).flatten(1)
    linear = fit_linear_gaussian(flat, config.n_latent, config.beta * config.sigma**2)
    n_slots, n_features = window.shape[1:]
    model = VariationalAutoencoder(n_slots, n_features, config, linear=linear, generator=generator)
    model.mean.copy_(mean)
    model.scale.copy_(scale)
    return model


def train_vae(
    window: Float[np.ndarray, "user slot feature"],
    config: VaeConfig = BOOK,
    *,
    generator: torch.Generator,
    loss: Callable[..., Tensor] = negative_elbo,
    on_epoch: Callable[[int, float], object] | None = None,
) -> tuple[VariationalAutoencoder, FitHistory]:
    """Train on the windows of many users, from the start that `start_vae` gives.

    Args:
        window: What it compresses, with all entries collected.
        config: Size, loss and training.
        generator: Draws the first weights, orders the samples, and draws the latents.
        loss: `negative_elbo`, or `mean_square_loss` for a plain autoencoder with the same layers.
        on_epoch: Called with the epoch (from 0) and its mean loss, for a progress bar.

    Raises:
        ValueError: As `start_vae`.
    """
    model = start_vae(window, config, generator=generator)
    inputs = torch.from_numpy(np.ascontiguousarray(window)).float()
    history = fit(model, (inputs,), loss, config.fit, generator=generator, on_epoch=on_epoch)
    return model, history
