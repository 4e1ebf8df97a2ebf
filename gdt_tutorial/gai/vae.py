"""The variational autoencoder: a window to a few latents *with a width*, and back.

"It can compress high-dimensional networking data into a low-dimensional latent representation and reconstruct data based on
the captured data distribution" (the paper, Generative AI). It gives no architecture; all is chosen here.

    window (slot, feature), collected? -> q(z|x) = N(mean, exp(log_variance)) -> z -> p(x|z) = N(decode(z), sigma^2)

Both ways have a linear path, which is never trained, and a perceptron beside it whose last layer starts at 0. The linear path
is the exact code of a linear Gaussian model (`probabilistic_pca`) with the noise `beta sigma^2`: so before training, the
network *is* probabilistic PCA, and lies on the Gaussian's rate-distortion curve. Without a linear model the path is 0.
What was not collected is left out by a mask, in the linear path exactly, in the perceptron as an input. `vae_training` says
how the perceptrons learn.

Sources: Kingma and Welling 2014, sec. 2.4; beta: Higgins et al. 2017; active units: Burda et al. 2016. The linear path is
ours.
"""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gdt_tutorial import checkpoints
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.probabilistic_pca import LinearGaussian, posterior
from gdt_tutorial.learning import FitConfig, cosine
from gdt_tutorial.seeding import torch_seeded

__all__ = [
    "BOOK",
    "FULL",
    "SMOKE",
    "VaeConfig",
    "VariationalAutoencoder",
    "active_units",
    "check_windows",
    "load_vae",
    "reparameterize",
    "save_vae",
]

# Weight decay pulls the perceptrons toward 0, which here is probabilistic PCA.
_FIT = FitConfig(n_epochs=30, batch_size=256, learning_rate=3e-3, weight_decay=1.0, schedule=cosine)


@configclass
class VaeConfig:
    """Size, loss and training of the variational autoencoder."""

    n_latent: int = parameter(16, "Latents of a window.", "chosen", above=0)
    n_hidden: int = parameter(128, "Units of each of the two hidden layers of encoder and decoder.", "chosen", above=0)
    sigma: float = parameter(
        0.3, "Width of the decoder, in standard deviations of a feature; the rate depends on it.", "chosen", above=0
    )
    beta: float = parameter(1.0, "Weight of the rate; 1 gives the ELBO.", "Kingma and Welling 2014", above=0)
    fit: FitConfig = parameter(_FIT, "How it learns.", "chosen")


SMOKE = VaeConfig(fit=replace(_FIT, n_epochs=5))
BOOK = VaeConfig()
FULL = VaeConfig(n_hidden=256, fit=replace(_FIT, n_epochs=200, learning_rate=1e-3))


def reparameterize(
    mean: Float[Tensor, "*shape latent"],
    log_variance: Float[Tensor, "*shape latent"],
    noise: Float[Tensor, "*shape latent"],
) -> Float[Tensor, "*shape latent"]:
    """Return z = mean + std noise, through which gradients reach mean and std (Kingma and Welling 2014, sec. 2.4)."""
    return mean + (log_variance / 2).exp() * noise


class VariationalAutoencoder(nn.Module):
    """Encoder and decoder of windows of a fixed number of slots and features, which it standardizes itself.

    Args:
        n_slots: Slots of a window.
        n_features: Features of a slot.
        config: Sizes of the layers, sigma and beta.
        linear: Model of standardized, flattened windows that encoder and decoder start from; none: both start at 0.
        generator: Draws the first weights.

    Raises:
        ValueError: No slot or feature, or a linear model of other sizes.
    """

    mean: Tensor  # of each slot and feature
    scale: Tensor  # of each feature
    center: Tensor
    loading: Tensor
    noise_variance: Tensor

    def __init__(
        self,
        n_slots: int,
        n_features: int,
        config: VaeConfig = BOOK,
        *,
        linear: LinearGaussian | None = None,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        for name, value in (("n_slots", n_slots), ("n_features", n_features)):
            require(value > 0, name, "be above 0", value, "pass the shape of a window")
        self.config, self.n_slots, self.n_features = config, n_slots, n_features
        n_inputs, n_latent, n_hidden = n_slots * n_features, config.n_latent, config.n_hidden
        with torch_seeded(generator):
            self.encoder = _perceptron(
                2 * n_inputs, n_hidden, 2 * n_latent
            )  # window and mask in, mean and log-variance out
            self.decoder = _perceptron(n_latent, n_hidden, n_inputs)
        if linear is None:
            noise = config.beta * config.sigma**2
            linear = LinearGaussian(
                center=torch.zeros(n_inputs), loading=torch.zeros(n_inputs, n_latent), noise_variance=noise
            )
        sizes, rule = (
            (len(linear.center), *linear.loading.shape),
            f"be one of {n_inputs} entries and {n_latent} latents",
        )
        require(sizes == (n_inputs, n_inputs, n_latent), "linear", rule, sizes[1:], "fit it to flattened windows")
        self.register_buffer("center", linear.center.float().contiguous())
        self.register_buffer("loading", linear.loading.float().contiguous())
        self.register_buffer("noise_variance", torch.tensor(linear.noise_variance))
        self.register_buffer("mean", torch.zeros(n_slots, n_features))
        self.register_buffer("scale", torch.ones(n_features))

    @property
    def linear(self) -> LinearGaussian:
        """The linear model that it starts from."""
        return LinearGaussian(center=self.center, loading=self.loading, noise_variance=self.noise_variance.item())

    def standardized(self, window: Float[Tensor, "batch slot feature"]) -> Float[Tensor, "batch slot feature"]:
        """Return a window in standard deviations of its features."""
        return (window - self.mean) / self.scale

    def encode(
        self,
        window: Float[Tensor, "batch slot feature"],
        is_collected: Bool[Tensor, "batch slot feature"] | None = None,
    ) -> tuple[Float[Tensor, "batch latent"], Float[Tensor, "batch latent"]]:
        """Return mean and log-variance of q(z|x); entries that were not collected (none by default) are not read."""
        flat = self.standardized(window).flatten(1)
        mask = None if is_collected is None else is_collected.flatten(1)
        mean, covariance = posterior(self.linear, flat, mask)
        log_variance = covariance.diagonal(dim1=-2, dim2=-1).log()
        known = torch.ones_like(flat) if mask is None else mask.to(flat)
        read = flat if mask is None else torch.where(mask, flat, 0.0)
        mean_more, log_variance_more = self.encoder(torch.cat([read, known], dim=1)).chunk(2, dim=1)
        return mean + mean_more, log_variance + log_variance_more

    def decode(self, latent: Float[Tensor, "batch latent"]) -> Float[Tensor, "batch slot feature"]:
        """Return the mean of p(x|z) in the units of the window."""
        flat = self.center + latent @ self.loading.T + self.decoder(latent)
        return flat.unflatten(1, (self.n_slots, self.n_features)) * self.scale + self.mean

    def sample(
        self,
        mean: Float[Tensor, "batch latent"],
        log_variance: Float[Tensor, "batch latent"],
        *,
        generator: torch.Generator,
    ) -> Float[Tensor, "batch latent"]:
        """Draw latents from q(z|x)."""
        return reparameterize(mean, log_variance, torch.randn(mean.shape, generator=generator))

    def forward(
        self,
        window: Float[Tensor, "batch slot feature"],
        is_collected: Bool[Tensor, "batch slot feature"] | None = None,
    ) -> Float[Tensor, "batch slot feature"]:
        """Return the window as it comes back from the mean of its latents."""
        return self.decode(self.encode(window, is_collected)[0])

    @torch.no_grad()
    def abstract(
        self,
        window: Float[np.ndarray, "*batch slot feature"],
        is_collected: Bool[np.ndarray, "*shape"] | None = None,
    ) -> tuple[Float[np.ndarray, "*batch latent"], Float[np.ndarray, "*batch latent"]]:
        """Return latents and their standard deviations in NumPy, whatever axes stand before the slots.

        Raises:
            ValueError: A window of another shape, not finite where collected, or with nothing collected.
        """
        check_windows(window, is_collected, (self.n_slots, self.n_features))
        shape = (-1, self.n_slots, self.n_features)
        flat = torch.from_numpy(np.ascontiguousarray(window).reshape(shape)).to(self.mean)
        mask = None if is_collected is None else torch.from_numpy(is_collected.reshape(shape))
        mean, log_variance = self.encode(flat, mask)
        both = mean, (log_variance / 2).exp()
        latent, std = (each.double().numpy().reshape(*window.shape[:-2], -1) for each in both)
        return latent, std


def active_units(mean: Float[Tensor, "batch latent"], threshold: float = 0.01) -> Bool[Tensor, " latent"]:
    """Say which latents are used: those whose mean varies over windows by more than `threshold` (Burda et al. 2016)."""
    return mean.var(dim=0, correction=0) > threshold


def check_windows(window: np.ndarray, is_collected: np.ndarray | None, shape: tuple[int, ...]) -> None:
    """Raise unless windows have `shape` (slots and features), and are finite where collected.

    Raises:
        ValueError: They have another shape, are not finite where collected, or one has nothing collected.
    """
    is_right = window.shape[-2:] == tuple(shape)
    require(
        is_right, "window", f"have {shape} slots and features", window.shape[-2:], "pass windows as it was trained on"
    )
    mask = np.ones_like(window, dtype=bool) if is_collected is None else is_collected
    require(mask.shape == window.shape, "is_collected", f"have the shape {window.shape}", mask.shape, "say each entry")
    read = window[mask]
    remedy = "leave out by is_collected what is unknown"
    require(np.isfinite(read).all(), "window", "be finite", read[~np.isfinite(read)][:3].tolist(), remedy)
    is_empty = ~mask.any(axis=(-2, -1))
    remedy = "leave out windows of which nothing is known"
    require(
        not is_empty.any(), "is_collected", "hold a collected entry in each window", f"{is_empty.sum()} without", remedy
    )


def save_vae(model: VariationalAutoencoder, path: str | Path) -> None:
    """Write weights and sizes of a network.

    Raises:
        WriteError: The disk is full, or the folder cannot be made or written.
    """
    sizes = {name: value for name, value in asdict(model.config).items() if name != "fit"}
    checkpoints.save(model, path, {"n_slots": model.n_slots, "n_features": model.n_features, **sizes})


def load_vae(path: str | Path) -> VariationalAutoencoder:
    """Return the network that `save_vae` wrote, in evaluation mode.

    Raises:
        ValueError: No such file, or one that holds something else.
    """

    def make(config: dict) -> VariationalAutoencoder:
        sizes = dict(config)
        n_slots, n_features = sizes.pop("n_slots"), sizes.pop("n_features")
        return VariationalAutoencoder(n_slots, n_features, VaeConfig(**sizes), generator=torch.Generator())

    return checkpoints.load(path, make)[0]


def _perceptron(n_inputs: int, n_hidden: int, n_outputs: int) -> nn.Sequential:
    """Two hidden layers, and a last one that starts at 0."""
    last = nn.Linear(n_hidden, n_outputs)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(n_inputs, n_hidden), nn.GELU(), nn.Linear(n_hidden, n_hidden), nn.GELU(), last)
