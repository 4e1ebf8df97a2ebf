"""Who draws maps: the protocol, and makers without training.

"GAN can help generate realistic network scenes for network environment construction and update" (the paper, GAI-Based Status
Emulation). A `MapMaker` gets what everybody knows of a scene and returns draws of the loss, so a generator, a table, a law and
a simulator stand side by side. What it gets are the three maps of `physical.scenes.diffraction.scene_inputs`, in this order:
footprint (1 on buildings), loss in line of sight in dB, and meters of building that the ray crosses. No height is among them.

A generator needs ten lines to be one:

    class DrawnByGenerator:
        def __call__(self, inputs, n_draws, *, rng):
            generator = torch_from(rng)
            condition = torch.from_numpy(inputs).repeat(n_draws, 1, 1, 1)  # draw after draw, all access points of each
            noise = torch.randn((len(condition), self.n_noise, *condition.shape[-2:]), generator=generator)
            with torch.no_grad():
                loss_db = self.network(condition, noise)
            return loss_db.numpy().reshape(n_draws, *inputs[:, 0].shape)
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.channel import ChannelConfig, umi_law
from gdt_tutorial.physical.scenes.diffraction import DiffractionConfig, loss_draws_db
from gdt_tutorial.physical.scenes.layout import SceneConfig, draw_heights_m
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.twin.emulation.maps.random_field import exponential_fields

__all__ = ["HeightDraws", "LawAndFields", "MapMaker", "MapMean", "MeanAndField", "SureMap", "check_draws"]

MapMean = Callable[[Float[np.ndarray, "ap feature y x"]], Float[np.ndarray, "ap y x"]]
"""One number for each pixel: the mean of a `RayTable`, a trained network, or a spread."""


@runtime_checkable
class MapMaker(Protocol):
    """Draws maps of the loss of a scene."""

    def __call__(
        self, inputs: Float[np.ndarray, "ap feature y x"], n_draws: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw ap y x"]:
        """Return independent draws in dB; pixels of buildings may hold any number.

        Args:
            inputs: Footprint, loss in line of sight (dB) and building crossed (m), as `scene_inputs` makes them.
            n_draws: Maps of each access point. Draw k of all access points belongs together, as far as the maker knows.
            rng: All randomness comes from here.
        """
        ...


def check_draws(draws: np.ndarray, inputs: Float[np.ndarray, "ap feature y x"], n_draws: int) -> None:
    """Hold what a maker returned against its protocol.

    Raises:
        ValueError: Another shape, or a number that is not finite.
    """
    shape = (n_draws, len(inputs), *inputs.shape[2:])
    require(draws.shape == shape, "draws", f"have the shape {shape}", draws.shape, "return draw, ap, y, x")
    require(np.isfinite(draws).all(), "draws", "be finite", "others", "clip the maker's output")


@dataclass(frozen=True)
class SureMap:
    """Repeats a mean: the twin that has one map (a `MapMaker`)."""

    mean: MapMean

    def __call__(
        self, inputs: Float[np.ndarray, "ap feature y x"], n_draws: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw ap y x"]:
        """Return the mean `n_draws` times."""
        return np.repeat(self.mean(inputs)[None], n_draws, axis=0)


@dataclass(frozen=True, kw_only=True)
class MeanAndField:
    """A mean, and a Gaussian error whose correlation falls as exp(-d / D) (a `MapMaker`).

    Attributes:
        mean: The mean in dB.
        std: The spread in dB, pixel by pixel; a constant one is `lambda inputs: np.full(inputs[:, 0].shape, 5.0)`.
        correlation_m: D.
        pixel_m: Side of a pixel.
    """

    mean: MapMean
    std: MapMean
    correlation_m: float
    pixel_m: float = 8.0

    def __call__(
        self, inputs: Float[np.ndarray, "ap feature y x"], n_draws: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw ap y x"]:
        """Draw fields, scale them, and add the mean."""
        n_aps, _, *shape = inputs.shape
        fields = exponential_fields(n_draws * n_aps, (shape[0], shape[1]), self.correlation_m / self.pixel_m, rng=rng)
        return self.mean(inputs) + self.std(inputs) * fields.reshape(n_draws, n_aps, *shape)


@dataclass(frozen=True, kw_only=True)
class LawAndFields:
    """The statistical channel of TR 38.901, drawn as a map: it knows distances and no building (a `MapMaker`).

    Line of sight prevails where a Gaussian field lies below the law's probability; either state has its loss and its
    shadowing. Fields, spreads and correlations are those of `ChannelConfig`.
    """

    channel: ChannelConfig = ChannelConfig()
    ap_height_m: float = 10.0
    pixel_m: float = 8.0

    def __call__(
        self, inputs: Float[np.ndarray, "ap feature y x"], n_draws: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw ap y x"]:
        """Draw the state of line of sight, then shadowing in that state."""
        n_aps, _, *shape = inputs.shape
        config, size = self.channel, (shape[0], shape[1])

        def fields(correlation_m: float) -> np.ndarray:
            drawn = exponential_fields(n_draws * n_aps, size, correlation_m / self.pixel_m, rng=rng)
            return drawn.reshape(n_draws, n_aps, *shape)

        law = umi_law(config.carrier_hz, self.ap_height_m, config.user_height_m)
        # The loss in line of sight grows with the distance, so it tells where each pixel stands in the law's table.
        log_distance = np.interp(inputs[:, 1], law.table[:, 0], law.log_distance)
        loss_db, nlos_db, probability = np.moveaxis(law.interpolate(np.exp(log_distance)), -1, 0)
        is_los = fields(config.los_correlation_m) < ndtri(np.clip(probability, 1e-9, 1 - 1e-9))
        if_los = loss_db + config.shadowing_los_db * fields(config.shadowing_correlation_los_m)
        if_nlos = nlos_db + config.shadowing_nlos_db * fields(config.shadowing_correlation_nlos_m)
        return np.where(is_los, if_los, if_nlos)


@dataclass(frozen=True, kw_only=True)
class HeightDraws:
    """Monte Carlo over heights: the true conditional law, for who knows the simulator and the law of heights (a `MapMaker`).

    It takes the footprints from its scene, and nothing else of it: heights are drawn anew.
    """

    scene: Scene
    config: SceneConfig = SceneConfig()
    channel: ChannelConfig = ChannelConfig()
    diffraction: DiffractionConfig = DiffractionConfig()

    def __call__(
        self, inputs: Float[np.ndarray, "ap feature y x"], n_draws: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw ap y x"]:
        """Draw heights, and shade the scene with them.

        Raises:
            ValueError: Inputs of another scene.
        """
        is_own = inputs.shape[2:] == self.scene.shape and np.array_equal(inputs[0, 0] > 0, self.scene.footprint)
        require(is_own, "inputs", "belong to the maker's scene", "another footprint", "make one maker for each scene")
        height_m = draw_heights_m(self.config, n_draws, self.scene.n_buildings, rng=rng)
        return loss_draws_db(self.scene, height_m, self.channel, self.diffraction)
