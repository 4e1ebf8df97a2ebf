"""Principal components as a Gaussian model: what a linear variational autoencoder learns, in closed form.

    z ~ N(0, I),   x = center + W z + noise,   noise ~ N(0, sigma^2 I)

With sigma given, the likeliest loading is W = U (L - sigma^2 I)^(1/2), where U and L hold the leading eigenvectors and
eigenvalues of the covariance; a direction whose variance is below sigma^2 gets no latent. The posterior of z is Gaussian
too, and needs only those entries of x that were collected.

Source: Tipping and Bishop 1999, sec. 3.2 and appendix A. They estimate sigma as well; here it is given, because it is also
the width of the variational autoencoder's decoder.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gdt_tutorial.configuration import require

__all__ = ["LinearGaussian", "fit_linear_gaussian", "log_likelihood", "posterior", "principal_variance"]


@dataclass(frozen=True, kw_only=True)
class LinearGaussian:
    """Center and loading of the model, and the variance of what its latents leave open."""

    center: Float[Tensor, " coordinate"]
    loading: Float[Tensor, "coordinate latent"]
    noise_variance: float

    def __post_init__(self) -> None:
        value = self.noise_variance
        require(0 < value < math.inf, "noise_variance", "be above 0 and finite", value, "0.09 is a sigma of 0.3")


def principal_variance(
    sample: Float[Tensor, "batch coordinate"],
) -> tuple[Float[Tensor, " coordinate"], Float[Tensor, "coordinate coordinate"]]:
    """Return the variances along the principal axes, the largest first, and the axes as columns.

    Raises:
        ValueError: No sample, or one that is not finite.
    """
    require(len(sample) > 0, "sample", "hold a row", len(sample), "pass one sample at least")
    is_finite = torch.isfinite(sample)
    require(is_finite.all(), "sample", "be finite", sample[~is_finite][:3].tolist(), "fill gaps before")
    centered = (sample - sample.mean(dim=0)).double()
    variance, axes = torch.linalg.eigh(centered.T @ centered / len(sample))  # the smallest first
    return variance.flip(0).clamp_min(0).to(sample), axes.flip(1).to(sample)


def fit_linear_gaussian(
    sample: Float[Tensor, "batch coordinate"], n_latent: int, noise_variance: float
) -> LinearGaussian:
    """Return the likeliest model of a sample with so many latents and this noise.

    Raises:
        ValueError: More latents than coordinates, no sample, or one that is not finite.
    """
    n_most = sample.shape[1]
    require(0 < n_latent <= n_most, "n_latent", f"lie in [1, {n_most}]", n_latent, "a window has no more directions")
    variance, axes = principal_variance(sample)
    gain = (variance[:n_latent] - noise_variance).clamp_min(0).sqrt()
    return LinearGaussian(center=sample.mean(dim=0), loading=axes[:, :n_latent] * gain, noise_variance=noise_variance)


def posterior(
    model: LinearGaussian,
    sample: Float[Tensor, "batch coordinate"],
    is_collected: Bool[Tensor, "batch coordinate"] | None = None,
) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent latent"]]:
    """Return mean and covariance of the latents, given what was collected (all of it by default).

    Where nothing was collected these are 0 and the identity: the prior.
    """
    loading, offset = model.loading, sample - model.center
    one = torch.eye(loading.shape[1]).to(loading)
    if is_collected is None:
        overlap = (loading.T @ loading)[None]
    else:
        offset = torch.where(is_collected, offset, 0.0)
        overlap = torch.einsum("bc,cl,cm->blm", is_collected.to(loading), loading, loading)
    covariance = torch.linalg.inv(one + overlap / model.noise_variance)  # (batch or 1, latent, latent)
    mean = (covariance @ (offset @ loading)[..., None])[..., 0] / model.noise_variance
    return mean, covariance.expand(len(sample), -1, -1)


def log_likelihood(model: LinearGaussian, sample: Float[Tensor, "batch coordinate"]) -> Float[Tensor, " batch"]:
    """Return the log-density of each row in nats: that of N(center, W W^T + sigma^2 I)."""
    noise = model.noise_variance * torch.eye(len(model.center)).to(model.loading)
    covariance = model.loading @ model.loading.T + noise
    return torch.distributions.MultivariateNormal(model.center, covariance).log_prob(sample)
