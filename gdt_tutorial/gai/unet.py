"""A residual U-Net: an image that corrects a plain estimate of it, from a start that is that estimate.

    condition planes, noise planes -> down -> down -> up -> up -> head (starts at 0) -> estimate + scale x correction

The plain estimate stands in the residual path and the head starts at zero, so that the untrained network *is* the estimate and
training can only be judged by what it adds. With noise planes it is the generator of `gan`; without, it is a regression. Both
have the same body.

Sources: Ronneberger et al. 2015, "U-Net", for the two paths and the bridges between them; RadioUNet (Levie et al. 2021) has
the shape for radio maps, RME-GAN (Zhang et al. 2023) the plain law before the network. We differ in size, some 38,000 weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import interpolate

from gdt_tutorial.configuration import require
from gdt_tutorial.learning import scale_of
from gdt_tutorial.seeding import torch_seeded

__all__ = ["ImageSet", "ResidualUNet", "joined", "masked_square", "with_symmetries"]

_STRIDE = 4  # two levels, each of half the size


@dataclass(frozen=True, kw_only=True)
class ImageSet:
    """Images with what is known of each beforehand.

    Args:
        condition: What is given, in planes (image, plane, row, column).
        base: A plain estimate of the image (image, row, column).
        target: The image, of the same shape.
        is_scored: Pixels that count, of the same shape.

    Raises:
        ValueError: No image, parts of other shapes, sides that are no multiple of four, or pixels that are not finite.
    """

    condition: Float[Tensor, "*shape"]
    base: Tensor
    target: Tensor
    is_scored: Tensor

    def __post_init__(self) -> None:
        _require_planes(self.condition)
        expected = (len(self.condition), *self.condition.shape[2:])
        for name in ("base", "target", "is_scored"):
            found = tuple(getattr(self, name).shape)
            require(found == expected, name, f"have the shape {expected}", found, "give one of each to every image")
        require(bool(self.is_scored.any()), "is_scored", "hold a pixel", "none", "say which pixels count")
        for name in ("condition", "base", "target"):
            is_finite = bool(getattr(self, name).isfinite().all())
            require(is_finite, name, "be finite", "a pixel that is not", "fill pixels that do not count by the base")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.target)

    def __getitem__(self, index: Int[Tensor, " draw"] | slice) -> "ImageSet":
        """Return the images at these places."""
        return ImageSet(**{name: part[index] for name, part in self.parts().items()})

    def parts(self) -> dict[str, Tensor]:
        """Return its four tensors by name."""
        return {name: getattr(self, name) for name in ("condition", "base", "target", "is_scored")}


def joined(sets: Sequence[ImageSet]) -> ImageSet:
    """Return image sets as one, in their order."""
    parts = [each.parts() for each in sets]
    return ImageSet(**{name: torch.cat([part[name] for part in parts]) for name in parts[0]})


def with_symmetries(images: ImageSet) -> ImageSet:
    """Return an image set with its seven mirrored and turned copies behind it: all symmetries of a square.

    Raises:
        ValueError: Images that are not square.
    """
    rows, columns = images.target.shape[1:]
    require(rows == columns, "images", "be square", (rows, columns), "cut them to squares")
    parts = images.parts().items()
    return joined(
        [
            ImageSet(
                **{name: torch.rot90(part.flip(-1) if mirrored else part, turns, (-2, -1)) for name, part in parts}
            )
            for mirrored in (False, True)
            for turns in range(4)
        ]
    )


class ResidualUNet(nn.Module):
    """An image as a plain estimate of it and a learned correction, which depends on condition planes and on noise planes.

    Args:
        n_planes: Condition planes.
        n_noise: Noise planes; 0 makes a regression.
        width: Planes of the finest level; the two coarser ones have twice as many.
        generator: Draws the first weights.

    Raises:
        ValueError: No plane, a negative number of noise planes, or no width.
    """

    plane_mean: Tensor
    plane_scale: Tensor
    residual_scale: Tensor

    def __init__(self, n_planes: int, n_noise: int, width: int, *, generator: torch.Generator) -> None:
        super().__init__()
        for name, value, least in (("n_planes", n_planes, 1), ("n_noise", n_noise, 0), ("width", width, 1)):
            require(value >= least, name, f"be at least {least}", value, "pass the sizes of the images")
        self.n_planes, self.n_noise, self.width = n_planes, n_noise, width
        with torch_seeded(generator):
            self.fine = _block(n_planes + n_noise, width)
            self.middle = _block(width, 2 * width)
            self.coarse = _block(2 * width, 2 * width, n_layers=2)
            self.middle_up = _block(4 * width, width)
            self.fine_up = _block(2 * width, width)
            self.head = nn.Conv2d(width, 1, 1)
        for weight in self.head.parameters():
            nn.init.zeros_(weight)
        self.register_buffer("plane_mean", torch.zeros(n_planes, 1, 1))
        self.register_buffer("plane_scale", torch.ones(n_planes, 1, 1))
        self.register_buffer("residual_scale", torch.ones(()))

    @property
    def sizes(self) -> dict[str, int]:
        """What a file has to hold beside the weights."""
        return {"n_planes": self.n_planes, "n_noise": self.n_noise, "width": self.width}

    def standardize(self, images: ImageSet) -> None:
        """Take the scales of planes and of corrections from the images that it will learn from."""
        mean, spread = images.condition.mean(dim=(0, 2, 3)), images.condition.std(dim=(0, 2, 3), correction=0)
        self.plane_mean.copy_(mean[:, None, None])
        self.plane_scale.copy_(scale_of(spread)[:, None, None])
        error = (images.target - images.base)[images.is_scored]
        self.residual_scale.copy_(error.square().mean().sqrt().clamp_min(1e-6))

    def forward(
        self,
        condition: Float[Tensor, "batch plane row column"],
        base: Float[Tensor, "batch row column"],
        noise: Float[Tensor, "batch noise row column"],
    ) -> Float[Tensor, "batch row column"]:
        """Return the image in the unit of `base`."""
        fine = self.fine(torch.cat([(condition - self.plane_mean) / self.plane_scale, noise], dim=1))
        middle = self.middle(nn.functional.avg_pool2d(fine, 2))
        coarse = self.coarse(nn.functional.avg_pool2d(middle, 2))
        middle = self.middle_up(torch.cat([interpolate(coarse, scale_factor=2.0), middle], dim=1))
        fine = self.fine_up(torch.cat([interpolate(middle, scale_factor=2.0), fine], dim=1))
        return base + self.residual_scale * self.head(fine).squeeze(1)

    def noise(
        self, n_images: int, n_rows: int, n_columns: int, *, generator: torch.Generator
    ) -> Float[Tensor, "batch noise row column"]:
        """Draw noise planes: standard normal numbers of squares, 2 pixels wide in the first, then 8, 32, ...

        What is unknown of an image is larger than a pixel. Noise of single pixels would have to be averaged first, and what
        is left of it frays the edges.
        """
        planes = [torch.empty(n_images, 0, n_rows, n_columns)]
        for side in (2 * _STRIDE**plane for plane in range(self.n_noise)):
            coarse = torch.randn(n_images, 1, -(-n_rows // side), -(-n_columns // side), generator=generator)
            fine = coarse.repeat_interleave(side, dim=2).repeat_interleave(side, dim=3)
            planes.append(fine[:, :, :n_rows, :n_columns])
        return torch.cat(planes, dim=1)

    @torch.no_grad()
    def draw(
        self,
        condition: Float[Tensor, "batch plane row column"],
        base: Float[Tensor, "*shape"],
        n_draws: int,
        *,
        generator: torch.Generator,
    ) -> Float[Tensor, "draw batch row column"]:
        """Draw images; without noise planes all draws are the same.

        Raises:
            ValueError: No draw, or planes of other numbers or sizes.
        """
        require(n_draws > 0, "n_draws", "be above 0", n_draws, "draw one at least")
        _require_planes(condition, self.n_planes)
        expected = (len(condition), *condition.shape[2:])
        found = tuple(base.shape)
        require(found == expected, "base", f"have the shape {expected}", found, "give one to each condition")
        draws = [self(condition, base, self.noise(*expected, generator=generator)) for _ in range(n_draws)]
        return torch.stack(draws)


def masked_square(
    image: Float[Tensor, "batch row column"],
    target: Float[Tensor, "batch row column"],
    is_scored: Bool[Tensor, "batch row column"],
) -> Float[Tensor, ""]:
    """Return the mean square error over the pixels that count."""
    return (image - target)[is_scored].square().mean()


def _block(n_inputs: int, n_outputs: int, n_layers: int = 1) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in in [n_inputs] + [n_outputs] * (n_layers - 1):
        layers += [nn.Conv2d(n_in, n_outputs, 3, padding=1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


def _require_planes(condition: Tensor, n_planes: int | None = None) -> None:
    is_planes = condition.dim() == 4 and len(condition) > 0
    rule = "be (image, plane, row, column) with an image"
    require(is_planes, "condition", rule, tuple(condition.shape), "stack the planes of each image")
    if n_planes is not None:
        found, remedy = condition.shape[1], "pass planes as it was trained on"
        require(found == n_planes, "condition", f"have {n_planes} planes", found, remedy)
    sides = tuple(condition.shape[2:])
    is_even = all(side % _STRIDE == 0 and side > 0 for side in sides)
    require(is_even, "sides of condition", f"be multiples of {_STRIDE}", sides, "cut the images, or pad them")
