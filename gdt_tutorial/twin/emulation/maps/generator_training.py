"""How a generator of maps learns: measured maps, all symmetries of a square, and random reports.

It knows maps, not the simulator: heights and their law are hidden from it. A regression with the same body learns from the
same maps, so that the distribution is all that differs.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.gan import GanConfig, GanLosses, start_generator, train_gan, train_unet
from gdt_tutorial.gai.unet import ImageSet, joined, with_symmetries
from gdt_tutorial.physical.scenes.diffraction import scene_inputs, scene_maps
from gdt_tutorial.physical.scenes.layout import SceneConfig, random_scene
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.twin.emulation.maps.generator import GeneratedMaps, MapPrior, image_set
from gdt_tutorial.twin.emulation.maps.map_maker import MapMean, MeanAndField, SureMap
from gdt_tutorial.twin.emulation.maps.random_field import fit_variogram
from gdt_tutorial.twin.emulation.maps.ray_table import fit_ray_table

__all__ = [
    "BOOK",
    "SMOKE",
    "correlation_of_errors_m",
    "fit_map_prior",
    "mean_and_field",
    "measured_maps",
    "random_scenes",
    "start_maps",
    "train_maps",
    "unet_mean",
]

BOOK = GanConfig(error_weight=5.0, judge_width=30, n_updates=1000)
SMOKE = replace(BOOK, n_updates=10)
_REPORTS = (1, 64)
_VARIANTS = 2  # with reports from different places
_LEAST_POINTS, _STREET_POINTS, _VARIOGRAMS = 40, 300, 20


def random_scenes(n_scenes: int, config: SceneConfig = SceneConfig(), *, rng: np.random.Generator) -> list[Scene]:
    """Draw scenes."""
    return [random_scene(config, rng=rng) for _ in range(n_scenes)]


def measured_maps(
    scenes: list[Scene],
) -> tuple[Float[np.ndarray, "batch feature y x"], Float[np.ndarray, "batch y x"]]:
    """Return what is known of the maps of some scenes, and the losses measured there."""
    inputs = np.concatenate([scene_inputs(each) for each in scenes])
    return inputs, np.concatenate([scene_maps(each).loss_db for each in scenes]).astype(float)


def fit_map_prior(
    inputs: Float[np.ndarray, "batch feature y x"],
    loss_db: Float[np.ndarray, "batch y x"],
    *,
    rng: np.random.Generator,
) -> MapPrior:
    """Count the ray table, and measure how far its errors reach."""
    table = fit_ray_table(inputs, loss_db)
    reach_m = correlation_of_errors_m(inputs, loss_db, table.mean, table.std, rng=rng)
    return MapPrior(table=table, correlation_m=reach_m)


def correlation_of_errors_m(
    inputs: Float[np.ndarray, "batch feature y x"],
    loss_db: Float[np.ndarray, "batch y x"],
    mean: MapMean,
    std: MapMean,
    pixel_m: float = 8.0,
    *,
    rng: np.random.Generator,
) -> float:
    """Return the median over maps of the correlation distance of errors, in units of their spread.

    Raises:
        ValueError: No map with enough street pixels in the shade.
    """
    found = []
    for one, loss in zip(inputs[:_VARIOGRAMS], loss_db[:_VARIOGRAMS], strict=True):
        error_db, std_db = loss - mean(one[None])[0], std(one[None])[0]
        pixel = np.argwhere((one[0] == 0) & (std_db > 1.0))
        pixel = pixel[rng.permutation(len(pixel))[:_STREET_POINTS]]
        at = tuple(pixel.T)
        if len(pixel) >= _LEAST_POINTS:
            found.append(fit_variogram(pixel * pixel_m, error_db[at] / std_db[at]).correlation_m)
    rule, remedy = f"have a map with {_LEAST_POINTS} street pixels in the shade", "measure more maps"
    require(len(found) > 0, "loss_db", rule, len(found), remedy)
    return float(np.median(found))


def _images(inputs: np.ndarray, loss_db: np.ndarray, prior: MapPrior, *, rng: np.random.Generator) -> ImageSet:
    variants = [image_set(inputs, loss_db, prior, _REPORTS, rng=rng) for _ in range(_VARIANTS)]
    return with_symmetries(joined(variants))


def train_maps(
    inputs: Float[np.ndarray, "batch feature y x"],
    loss_db: Float[np.ndarray, "batch y x"],
    config: GanConfig = BOOK,
    *,
    rng: np.random.Generator,
    generator: torch.Generator,
    on_update: Callable[[int, GanLosses], object] | None = None,
) -> GeneratedMaps:
    """Train a generator on measured maps.

    Args:
        inputs: What is known of each map.
        loss_db: The maps.
        config: Sizes, losses and training.
        rng: Draws the reports.
        generator: Draws the first weights, the batches and the noise.
        on_update: Called with the update (from 0) and what it left.
    """
    prior = fit_map_prior(inputs, loss_db, rng=rng)
    images = _images(inputs, loss_db, prior, rng=rng)
    return GeneratedMaps(network=train_gan(images, config, generator=generator, on_update=on_update), prior=prior)


def start_maps(
    inputs: Float[np.ndarray, "batch feature y x"],
    loss_db: Float[np.ndarray, "batch y x"],
    config: GanConfig = BOOK,
    *,
    rng: np.random.Generator,
    generator: torch.Generator,
) -> GeneratedMaps:
    """Return the untrained start of `train_maps`: the ray table, or kriging."""
    prior = fit_map_prior(inputs, loss_db, rng=rng)
    images = image_set(inputs, loss_db, prior, rng=rng)
    return GeneratedMaps(network=start_generator(images, config, generator=generator), prior=prior)


def unet_mean(
    inputs: Float[np.ndarray, "batch feature y x"],
    loss_db: Float[np.ndarray, "batch y x"],
    prior: MapPrior,
    config: GanConfig = BOOK,
    *,
    n_updates: int = 400,
    rng: np.random.Generator,
    generator: torch.Generator,
) -> MapMean:
    """Train the regression with the generator's body, from footprints alone; return the mean map that it learned."""
    images = with_symmetries(image_set(inputs, loss_db, prior, rng=rng))
    unet = train_unet(images, config, n_updates=n_updates, generator=generator)
    regression = GeneratedMaps(network=unet, prior=prior)
    unused = np.random.default_rng(0)  # it has no noise
    return lambda known: regression(known, 1, rng=unused)[0]


def mean_and_field(
    inputs: Float[np.ndarray, "batch feature y x"],
    loss_db: Float[np.ndarray, "batch y x"],
    mean: MapMean,
    *,
    rng: np.random.Generator,
) -> MeanAndField:
    """Return a mean with a Gaussian field around it, of the spread and the reach that its errors have on measured maps."""
    left = fit_ray_table(inputs, inputs[:, 1] + loss_db - SureMap(mean)(inputs, 1, rng=rng)[0])
    reach_m = correlation_of_errors_m(inputs, loss_db, mean, left.std, rng=rng)
    return MeanAndField(mean=mean, std=left.std, correlation_m=reach_m)
