"""The feature abstraction module's autoencoder: from a window of each user's status to a few numbers.

"The autoencoder is selected as the basic GAI model that can reduce user status dimension by analyzing temporal
correlation" (the paper, case study). It gives neither layers nor sizes nor inputs; all are chosen here. The network is
blind to what the features mean: a window of T slots with F features each goes in, and comes out again through eight
numbers.

    window (slot, feature) -> two convolutions over the slots -> latent -> the same layers in reverse -> window

The loss is the mean square of what is lost, with every feature scaled to a standard deviation of one. A target other
than the window itself is allowed: with the window of the same user's *other* views as the target, only what repeats from
one set of views to the next pays, and the latent forgets the rest. That is a choice beyond the paper.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.learning import FitConfig, FitHistory, fit, scale_of
from gdt_tutorial.seeding import torch_seeded

__all__ = [
    "BOOK",
    "FULL",
    "SMOKE",
    "Autoencoder",
    "AutoencoderConfig",
    "CorrectedComponents",
    "correct_components",
    "reconstruction_loss",
    "train_autoencoder",
]


@configclass
class AutoencoderConfig:
    """Size and training of the autoencoder."""

    n_latent: int = parameter(8, "Numbers that a window is compressed to.", "chosen", above=0)
    n_hidden: int = parameter(16, "Channels of the convolutions.", "chosen", above=0)
    n_kernel: int = parameter(3, "Slots that a convolution looks at; odd.", "chosen", above=0)
    fit: FitConfig = parameter(FitConfig(n_epochs=30, batch_size=64), "How it learns.", "chosen")

    def __post_init__(self) -> None:
        require(self.n_kernel % 2 == 1, "n_kernel", "be odd", self.n_kernel, "3 looks at one slot to each side")


SMOKE = AutoencoderConfig(fit=FitConfig(n_epochs=5, batch_size=64))
BOOK = AutoencoderConfig()
FULL = AutoencoderConfig(fit=FitConfig(n_epochs=100, batch_size=64))


class Autoencoder(nn.Module):
    """Encoder and mirrored decoder of windows of a fixed number of slots and features.

    Args:
        n_slots: Slots of a window.
        n_features: Features of a slot.
        config: Sizes of the layers.
        generator: Draws the first weights.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        n_slots: int,
        n_features: int,
        config: AutoencoderConfig = BOOK,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        for name, value in (("n_slots", n_slots), ("n_features", n_features)):
            require(value > 0, name, "be above 0", value, "pass the shape of a window")
        n_hidden, n_kernel, n_same = config.n_hidden, config.n_kernel, config.n_kernel // 2
        with torch_seeded(generator):
            self.encoder = nn.Sequential(
                nn.Conv1d(
                    n_features, n_hidden, n_kernel, padding=n_same
                ),  # (user, feature, slot) -> (user, hidden, slot)
                nn.GELU(),
                nn.Conv1d(n_hidden, n_hidden, n_kernel, padding=n_same),
                nn.GELU(),
                nn.Flatten(),
                nn.Linear(n_hidden * n_slots, config.n_latent),
            )
            self.decoder = nn.Sequential(
                nn.Linear(config.n_latent, n_hidden * n_slots),
                nn.Unflatten(1, (n_hidden, n_slots)),
                nn.GELU(),
                nn.Conv1d(n_hidden, n_hidden, n_kernel, padding=n_same),
                nn.GELU(),
                nn.Conv1d(n_hidden, n_features, n_kernel, padding=n_same),
            )
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(n_features))

    def encode(self, window: Float[Tensor, "user slot feature"]) -> Float[Tensor, "user latent"]:
        """Return the latent of each user."""
        return self.encoder(((window - self.mean) / self.scale).transpose(1, 2))

    def forward(self, window: Float[Tensor, "user slot feature"]) -> Float[Tensor, "user slot feature"]:
        """Return the window as it comes back from its latent."""
        return self.decoder(self.encode(window)).transpose(1, 2) * self.scale + self.mean

    def scale_to(self, window: Float[Tensor, "user slot feature"]) -> None:
        """Take mean and spread of each feature from windows; one that never changes is left as it is."""
        self.mean.copy_(window.mean(dim=(0, 1)))
        spread = window.std(dim=(0, 1), correction=0)
        self.scale.copy_(scale_of(spread))

    @torch.no_grad()
    def abstract(self, window: Float[np.ndarray, "*batch slot feature"]) -> Float[np.ndarray, "*batch latent"]:
        """Return the latents of windows in NumPy, whatever axes stand before the slots.

        Raises:
            ValueError: Windows that are not finite.
        """
        is_finite = np.isfinite(window).all()
        require(is_finite, "window", "be finite", window[~np.isfinite(window)][:3].tolist(), "fill gaps before")
        flat = torch.from_numpy(window.reshape(-1, *window.shape[-2:])).to(self.mean)
        return self.encode(flat).numpy().astype(np.float64).reshape(*window.shape[:-2], -1)


class CorrectedComponents(nn.Module):
    """Principal components of windows, and an autoencoder that corrects them on both ways; untrained, it corrects nothing.

    Args:
        window: What it compresses; the components are those of these windows, with every feature scaled alike.
        config: Sizes of the correction.
        generator: Draws its first weights.

    Raises:
        ValueError: Fewer windows than numbers in a code.
    """

    center: Tensor
    down: Tensor
    up: Tensor

    def __init__(
        self,
        window: Float[Tensor, "user slot feature"],
        config: AutoencoderConfig = BOOK,
        *,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        n_windows, n_slots, n_features = window.shape
        remedy = "pass more windows, or take a smaller code"
        require(n_windows > config.n_latent, "window", f"hold more than {config.n_latent} users", n_windows, remedy)
        self.correction = Autoencoder(n_slots, n_features, config, generator=generator)
        self.correction.scale_to(window)
        for last in (self.correction.encoder[-1], self.correction.decoder[-1]):
            for weight in last.parameters():
                nn.init.zeros_(weight)
        flat = ((window - self.correction.mean) / self.correction.scale).flatten(1)
        self.register_buffer("center", flat.mean(dim=0))
        _, strength, axis = torch.linalg.svd(flat - self.center, full_matrices=False)
        width = strength[: config.n_latent, None] / n_windows**0.5  # brings each number of the code to about one
        self.register_buffer("down", (axis[: config.n_latent] / width.clamp(min=1e-6)).T.contiguous())
        self.register_buffer("up", axis[: config.n_latent] * width)

    @property
    def scale(self) -> Float[Tensor, " feature"]:
        """Return the spread of each feature."""
        return self.correction.scale

    def encode(self, window: Float[Tensor, "user slot feature"]) -> Float[Tensor, "user latent"]:
        """Return the latent of each user."""
        flat = ((window - self.correction.mean) / self.scale).flatten(1)
        return (flat - self.center) @ self.down + self.correction.encode(window)

    def forward(self, window: Float[Tensor, "user slot feature"]) -> Float[Tensor, "user slot feature"]:
        """Return the window as it comes back from its latent."""
        latent = self.encode(window)
        linear = (latent @ self.up + self.center).reshape(window.shape)
        return (linear + self.correction.decoder(latent).transpose(1, 2)) * self.scale + self.correction.mean


def reconstruction_loss(
    model: Autoencoder | CorrectedComponents,
    window: Float[Tensor, "user slot feature"],
    target: Float[Tensor, "user slot feature"],
) -> Float[Tensor, ""]:
    """Return the mean square error in units of each feature's standard deviation."""
    return (((model(window) - target) / model.scale) ** 2).mean()


def train_autoencoder(
    window: Float[np.ndarray, "user slot feature"],
    config: AutoencoderConfig = BOOK,
    *,
    generator: torch.Generator,
    target: Float[np.ndarray, "user slot feature"] | None = None,
    on_epoch: Callable[[int, float], object] | None = None,
) -> tuple[Autoencoder, FitHistory]:
    """Train an autoencoder on the windows of many users.

    Args:
        window: What it compresses.
        config: Size and training.
        generator: Draws the first weights and orders the samples.
        target: What it should give back; the window itself by default.
        on_epoch: Called with the epoch (from 0) and its mean loss, for a progress bar.

    Raises:
        ValueError: No user, or windows that are not finite.
    """
    inputs = _finite(window)
    n_slots, n_features = window.shape[1:]
    model = Autoencoder(n_slots, n_features, config, generator=generator)
    model.scale_to(inputs)
    targets = inputs if target is None else torch.from_numpy(target).float()
    history = fit(model, (inputs, targets), reconstruction_loss, config.fit, generator=generator, on_epoch=on_epoch)
    return model, history


def correct_components(
    window: Float[np.ndarray, "user slot feature"],
    config: AutoencoderConfig = BOOK,
    *,
    generator: torch.Generator,
    on_epoch: Callable[[int, float], object] | None = None,
) -> tuple[CorrectedComponents, FitHistory]:
    """Train the correction of the principal components of windows; arguments and errors as of `train_autoencoder`."""
    inputs = _finite(window)
    model = CorrectedComponents(inputs, config, generator=generator)
    history = fit(model, (inputs, inputs), reconstruction_loss, config.fit, generator=generator, on_epoch=on_epoch)
    return model, history


def _finite(window: Float[np.ndarray, "user slot feature"]) -> Float[Tensor, "user slot feature"]:
    require(len(window) > 0, "window", "hold a user", len(window), "pass the windows of at least one")
    is_finite = np.isfinite(window).all()
    require(is_finite, "window", "be finite", window[~np.isfinite(window)][:3].tolist(), "fill gaps before")
    return torch.from_numpy(window).float()
