"""A conditional generative adversarial network: images that agree with what is known, and differ in what is not.

"GAN can help generate realistic network scenes for network environment construction and update by collaboratively training
its generator and discriminator" (the paper, GAI-Based Status Emulation). It gives no architecture; all is chosen here.

    generator       condition, noise -> image           a residual U-Net, from a start that is a plain estimate
    discriminator   condition, image -> logits          one for each patch, high for real images

    1. D descends   mean max(0, 1 - D(y)) + mean max(0, 1 + D(G))          (hinge; y is the real image)
    2. G descends   -mean D(G)  +  error_weight x error of two draws G, G' of one condition

What the error of step 2 asks for decides whether the generator uses its noise (e = G - y, e' = G' - y):

    square_of_draws   (e^2 + e'^2) / 2              square error of the mean, and the variance of G: always one image
    square_of_mean    e e'                          its mean is (E[G] - y)^2: the spread is left to the discriminator
    crps_of_draws     (|e| + |e'| - |G - G'|) / 2   a proper score: least where each pixel has the right distribution

None of them knows which pixels are dark together. That is what the discriminator is for.

Sources: Goodfellow et al. 2014; conditions: Mirza and Osindero 2014; patches: Isola et al. 2017, sec. 3.2.2; hinge: Lim and Ye
2017; running average of the generator: Yazici et al. 2019. Isola et al. 2017 say of the usual error that the
noise is ignored; the score is Gneiting and Raftery 2007. We differ in the other two errors and in a residual path. Averages
are torch's own.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gdt_tutorial import checkpoints
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.gai.unet import ImageSet, ResidualUNet, masked_square
from gdt_tutorial.learning import FitConfig, cosine, fit_updates
from gdt_tutorial.seeding import torch_seeded

__all__ = [
    "BOOK",
    "FULL",
    "SMOKE",
    "GanConfig",
    "GanLosses",
    "PatchDiscriminator",
    "crps_of_draws",
    "hinge_of_discriminator",
    "hinge_of_generator",
    "load_generator",
    "save_generator",
    "square_of_draws",
    "square_of_mean",
    "start_generator",
    "train_gan",
    "train_unet",
]


@configclass
class GanConfig:
    """Sizes, losses and training of generator and discriminator."""

    width: int = parameter(16, "Planes of the finest level of the generator.", "chosen", above=0)
    n_noise: int = parameter(3, "Noise planes, of squares of 2, 8 and 32 pixels.", "chosen", above=0)
    judge_width: int = parameter(24, "Planes of the first layer of the discriminator.", "chosen", above=0)
    adversarial_weight: float = parameter(
        1.0, "Weight of being taken for real; at 0 the discriminator says nothing.", "chosen", at_least=0
    )
    error_weight: float = parameter(3.0, "Weight of the error of two draws.", "chosen", at_least=0)
    learning_rate: float = parameter(2e-3, "Step size of both.", "chosen", above=0)
    momentum: float = parameter(0.0, "Of Adam's mean of gradients.", "chosen: none", at_least=0, below=1)
    ema_decay: float = parameter(
        0.985,
        "What each update leaves of the running average of the generator's weights, with which it ends.",
        "chosen",
        above=0,
        below=1,
        remedy="0.985 averages over some 70 updates",
    )
    n_updates: int = parameter(750, "Gradient steps of each side.", "chosen", above=0)
    batch_size: int = parameter(16, "Images of a step.", "chosen", above=0)


SMOKE = GanConfig(n_updates=20)
BOOK = GanConfig()
FULL = GanConfig(n_updates=3000)


def hinge_of_discriminator(
    logits_of_real: Float[Tensor, "*shape"], logits_of_drawn: Float[Tensor, "*shape"]
) -> Float[Tensor, ""]:
    """Return what the discriminator descends: nothing where real is above 1 and drawn below -1 (Lim and Ye 2017)."""
    return relu(1 - logits_of_real).mean() + relu(1 + logits_of_drawn).mean()


def hinge_of_generator(logits_of_drawn: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Return what the generator descends beside the square: to be taken for real."""
    return -logits_of_drawn.mean()


def square_of_mean(
    first: Float[Tensor, "batch row column"],
    second: Float[Tensor, "batch row column"],
    target: Float[Tensor, "batch row column"],
    is_scored: Bool[Tensor, "batch row column"],
) -> Float[Tensor, ""]:
    """Return the product of the errors of two draws; its mean over noise is the square error of the mean draw."""
    return ((first - target) * (second - target))[is_scored].mean()


def crps_of_draws(
    first: Float[Tensor, "batch row column"],
    second: Float[Tensor, "batch row column"],
    target: Float[Tensor, "batch row column"],
    is_scored: Bool[Tensor, "batch row column"],
) -> Float[Tensor, ""]:
    """Return the continuous ranked probability score of two draws (Gneiting and Raftery 2007; Ferro 2014)."""
    distance = ((first - target).abs() + (second - target).abs() - (first - second).abs()) / 2
    return distance[is_scored].mean()


def square_of_draws(
    first: Float[Tensor, "batch row column"],
    second: Float[Tensor, "batch row column"],
    target: Float[Tensor, "batch row column"],
    is_scored: Bool[Tensor, "batch row column"],
) -> Float[Tensor, ""]:
    """Return the usual square error of both draws: that of their mean, and their variance on top (Isola et al. 2017)."""
    return ((first - target) ** 2 + (second - target) ** 2)[is_scored].mean() / 2


class PatchDiscriminator(nn.Module):
    """Tells real images from drawn ones, patch by patch, with the condition at hand.

    Args:
        scaled: A generator, whose scales of planes and corrections it shares.
        width: Planes of its first layer.
        generator: Draws the first weights.
    """

    plane_mean: Tensor
    plane_scale: Tensor
    residual_scale: Tensor

    def __init__(self, scaled: ResidualUNet, width: int, *, generator: torch.Generator) -> None:
        super().__init__()
        for name in ("plane_mean", "plane_scale", "residual_scale"):
            self.register_buffer(name, getattr(scaled, name).clone())
        with torch_seeded(generator):
            self.layers = nn.Sequential(
                nn.Conv2d(scaled.n_planes + 1, width, 4, stride=2, padding=1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(width, 4 * width // 3, 4, stride=2, padding=1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(4 * width // 3, 1, 3, padding=1),
            )

    def forward(
        self,
        condition: Float[Tensor, "batch plane row column"],
        base: Float[Tensor, "batch row column"],
        image: Float[Tensor, "batch row column"],
        is_scored: Bool[Tensor, "batch row column"],
    ) -> Float[Tensor, "batch patch_row patch_column"]:
        """Return logits, real is high. What does not count looks as the base in real and drawn images alike."""
        correction = torch.where(is_scored, (image - base) / self.residual_scale, 0.0)
        planes = (condition - self.plane_mean) / self.plane_scale
        return self.layers(torch.cat([planes, correction[:, None]], dim=1)).squeeze(1)


class GanLosses(NamedTuple):
    """Of one update: the discriminator's hinge, the generator's, and the error of two draws (in scales)."""

    discriminator: float
    adversarial: float
    error: float


def start_generator(images: ImageSet, config: GanConfig = BOOK, *, generator: torch.Generator) -> ResidualUNet:
    """Return the untrained generator: it draws the base of each image, and knows their scales."""
    start = ResidualUNet(images.condition.shape[1], config.n_noise, config.width, generator=generator)
    start.standardize(images)
    return start


def train_gan(
    images: ImageSet,
    config: GanConfig = BOOK,
    *,
    error_of: Callable[..., Tensor] = crps_of_draws,
    generator: torch.Generator,
    on_update: Callable[[int, GanLosses], object] | None = None,
) -> ResidualUNet:
    """Train generator and discriminator against each other; return the generator with averaged weights.

    Args:
        images: What it learns to draw.
        config: Sizes, losses and training.
        error_of: From two draws, target and pixels that count to the error that the generator descends.
        generator: Draws the first weights, the batches and the noise.
        on_update: Called with the update (from 0) and what it left, for a progress bar.

    Raises:
        ValueError: A loss that is not finite.
    """
    drawer = start_generator(images, config, generator=generator)
    judge = PatchDiscriminator(drawer, config.judge_width, generator=generator)
    average = AveragedModel(drawer, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay))
    betas = (config.momentum, 0.99)
    descent_of_drawer = torch.optim.Adam(drawer.parameters(), lr=config.learning_rate, betas=betas)
    descent_of_judge = torch.optim.Adam(judge.parameters(), lr=config.learning_rate, betas=betas)
    scale = drawer.residual_scale
    for update in range(config.n_updates):
        batch = images[torch.randint(len(images), (config.batch_size,), generator=generator)]
        condition, base, target, is_scored = batch.parts().values()
        noise = drawer.noise(2 * len(batch), *target.shape[1:], generator=generator)
        first, second = drawer(condition.repeat(2, 1, 1, 1), base.repeat(2, 1, 1), noise).chunk(2)
        # 1. The discriminator learns to tell real images from drawn ones.
        real, drawn = (judge(condition, base, image, is_scored) for image in (target, first.detach()))
        loss_of_judge = hinge_of_discriminator(real, drawn)
        _descend(descent_of_judge, loss_of_judge)
        # 2. The generator learns to be taken for real, around the right mean.
        adversarial = hinge_of_generator(judge(condition, base, first, is_scored))
        error = error_of(first / scale, second / scale, target / scale, is_scored)
        _descend(descent_of_drawer, config.adversarial_weight * adversarial + config.error_weight * error)
        average.update_parameters(drawer)
        losses = GanLosses(loss_of_judge.item(), adversarial.item(), error.item())
        _require_finite(losses, update)
        if on_update is not None:
            on_update(update, losses)
    drawer.load_state_dict(average.module.state_dict())
    return drawer.eval()


def train_unet(
    images: ImageSet, config: GanConfig = BOOK, *, n_updates: int | None = None, generator: torch.Generator
) -> ResidualUNet:
    """Train the same body without noise on the square error: the map with the smallest error.

    Raises:
        ValueError: A loss that is not finite.
    """
    unet = ResidualUNet(images.condition.shape[1], 0, config.width, generator=generator)
    unet.standardize(images)
    fit_config = FitConfig(batch_size=config.batch_size, learning_rate=2 * config.learning_rate, schedule=cosine)
    tensors = tuple(images.parts().values())
    fit_updates(unet, tensors, _square_of_unet, fit_config, n_updates or config.n_updates, generator=generator)
    return unet


def _square_of_unet(unet: ResidualUNet, condition: Tensor, base: Tensor, target: Tensor, is_scored: Tensor) -> Tensor:
    image = unet(condition, base, condition[:, :0])
    return masked_square(image / unet.residual_scale, target / unet.residual_scale, is_scored)


def _descend(descent: torch.optim.Optimizer, loss: Tensor) -> None:
    descent.zero_grad()
    loss.backward()
    descent.step()


def _require_finite(losses: GanLosses, update: int) -> None:
    is_finite = bool(torch.tensor(losses).isfinite().all())
    require(is_finite, "losses", f"be finite in update {update}", losses, "lower learning_rate")


def save_generator(model: ResidualUNet, path: str | Path) -> None:
    """Write weights, scales and sizes of a generator.

    Raises:
        WriteError: The disk is full, or the folder cannot be made or written.
    """
    checkpoints.save(model, path, model.sizes)


def load_generator(path: str | Path) -> ResidualUNet:
    """Return the generator that `save_generator` wrote, in evaluation mode.

    Raises:
        ValueError: No such file, or one that holds something else.
    """
    return checkpoints.load(path, lambda config: ResidualUNet(**config, generator=torch.Generator()))[0]
