"""Maps of a scene drawn by a generator: what a GAN has learned of measured maps, from footprints and from reports.

"GAN can help generate realistic network scenes for network environment construction and update by collaboratively training
its generator and discriminator" (the paper, GAI-Based Status Emulation). *Construction*: the generator draws maps of the loss
from footprints, which everybody knows. *Update*: from the same and from what phones have reported so far.

    footprint, loss in line of sight, building crossed        three planes: `scene_inputs`
    spread that is left after the reports                     one plane: kriging
    the mean after the reports                                the residual path: kriging

Without reports, mean and spread are those of the ray table. So the untrained generator draws the mean of kriging, again and
again; what training adds is a correction and a distribution. Nothing else has to be trained anew when reports come in.

How we differ: the paper names neither inputs nor sizes. A map has sides that are multiples of four pixels.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from gdt_tutorial import checkpoints
from gdt_tutorial.configuration import require
from gdt_tutorial.gai.unet import ImageSet, ResidualUNet
from gdt_tutorial.seeding import torch_from
from gdt_tutorial.twin.emulation.maps.kriging import MapReports, SimpleKriging
from gdt_tutorial.twin.emulation.maps.ray_table import RayTable

__all__ = ["GeneratedMaps", "MapPrior", "image_set", "reports_of"]


@dataclass(frozen=True, kw_only=True)
class MapPrior:
    """What is known of maps before a generator: the ray table, and how far its errors reach.

    Attributes:
        table: Mean and spread of the loss.
        correlation_m: Over which the correlation of the table's errors falls to 1/e.
        noise_db: Spread of a report around the map.
        pixel_m: Side of a pixel.
    """

    table: RayTable
    correlation_m: float = 96.0
    noise_db: float = 1.0
    pixel_m: float = 8.0

    def moments(
        self, inputs: Float[np.ndarray, "ap feature y x"], reports: MapReports | None = None
    ) -> tuple[Float[np.ndarray, "ap y x"], Float[np.ndarray, "ap y x"]]:
        """Return mean and spread of the loss: of the table, or of kriging where there are reports."""
        if reports is None or len(reports.pixel) == 0:
            return self.table.mean(inputs), self.table.std(inputs)
        return self.kriging(reports).moments(inputs)

    def kriging(self, reports: MapReports) -> SimpleKriging:
        """Return the Gaussian maps that agree with reports: the plain rival."""
        return SimpleKriging(
            mean=self.table.mean,
            std=self.table.std,
            correlation_m=self.correlation_m,
            reports=reports,
            noise_db=self.noise_db,
            pixel_m=self.pixel_m,
        )

    def planes(
        self, inputs: Float[np.ndarray, "ap feature y x"], reports: MapReports | None = None
    ) -> tuple[Float[torch.Tensor, "ap plane y x"], Float[torch.Tensor, "ap y x"]]:
        """Return condition and base of a generator.

        Raises:
            ValueError: Another number of maps than `scene_inputs` makes.
        """
        n_maps, remedy = inputs.shape[1], "pass what scene_inputs returns"
        require(n_maps == 3, "inputs", "hold footprint, loss in line of sight and building crossed", n_maps, remedy)
        mean_db, std_db = self.moments(inputs, reports)
        condition = np.concatenate([inputs, std_db[:, None]], axis=1)
        return torch.from_numpy(condition).float(), torch.from_numpy(mean_db).float()


def image_set(
    inputs: Float[np.ndarray, "batch feature y x"],
    loss_db: Float[np.ndarray, "batch y x"],
    prior: MapPrior,
    n_reports: int | tuple[int, int] = 0,
    *,
    rng: np.random.Generator,
) -> ImageSet:
    """Return measured maps as images to learn from, each with reports from random street pixels.

    Args:
        inputs: Of each map, as `scene_inputs` makes them.
        loss_db: The maps.
        prior: What is known beforehand.
        n_reports: Reports of a map; or its bounds, between which the logarithm is uniform for half of the maps, and none else.
        rng: Draws numbers and places of reports.
    """
    parts = []
    for one, loss in zip(inputs, loss_db, strict=True):
        reports = reports_of(one, loss, _number(n_reports, rng), prior.noise_db, rng=rng)
        parts.append(prior.planes(one[None], reports))
    conditions, bases = zip(*parts, strict=True)
    condition, base = torch.cat(conditions), torch.cat(bases)
    is_scored = torch.from_numpy(inputs[:, 0] == 0)
    target = torch.where(is_scored, torch.from_numpy(loss_db).float(), base)
    return ImageSet(condition=condition, base=base, target=target, is_scored=is_scored)


def reports_of(
    inputs: Float[np.ndarray, "feature y x"],
    loss_db: Float[np.ndarray, "y x"],
    n_reports: int,
    noise_db: float,
    *,
    rng: np.random.Generator,
) -> MapReports:
    """Draw reports of one map from street pixels, each from a place of its own.

    Raises:
        ValueError: More reports than street pixels.
    """
    street = np.argwhere(inputs[0] == 0)
    rule = f"be at most {len(street)}, one for each street pixel"
    require(n_reports <= len(street), "n_reports", rule, n_reports, "collect fewer")
    pixel = street[rng.choice(len(street), n_reports, replace=False)]
    heard_db = loss_db[pixel[:, 0], pixel[:, 1]] + noise_db * rng.standard_normal(n_reports)
    return MapReports(pixel, heard_db[None])


def _number(n_reports: int | tuple[int, int], rng: np.random.Generator) -> int:
    if isinstance(n_reports, int):
        return n_reports
    low, high = np.log(n_reports)
    return int(np.rint(np.exp(rng.uniform(low, high)))) * int(rng.uniform() < 0.5)


@dataclass(frozen=True, kw_only=True)
class GeneratedMaps:
    """Draws maps with a generator (a `MapMaker`).

    Attributes:
        network: The generator, trained on images of `image_set`.
        prior: With which these were made.
        reports: What was reported so far.
    """

    network: ResidualUNet
    prior: MapPrior
    reports: MapReports | None = None

    def __call__(
        self, inputs: Float[np.ndarray, "ap feature y x"], n_draws: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "draw ap y x"]:
        """Draw maps of the loss in dB.

        Raises:
            ValueError: No draw, other inputs, or maps whose sides are no multiples of four.
        """
        condition, base = self.prior.planes(inputs, self.reports)
        generator = torch_from(rng)
        return self.network.draw(condition, base, n_draws, generator=generator).double().numpy()

    def updated(self, reports: MapReports) -> "GeneratedMaps":
        """Return the same generator with other reports."""
        return replace(self, reports=reports)

    def save(self, path: str | Path) -> None:
        """Write network and prior as a safetensors file."""
        network, prior = self.network, self.prior
        table = {name: getattr(prior.table, name).tolist() for name in ("edge_db", "mean_db", "std_db")}
        rest = {name: getattr(prior, name) for name in ("correlation_m", "noise_db", "pixel_m")}
        checkpoints.save(network, path, {"network": network.sizes, "table": table, **rest})

    @classmethod
    def load(cls, path: str | Path) -> "GeneratedMaps":
        """Read what `save` wrote.

        Raises:
            ValueError: As `checkpoints.load`.
        """

        def make(config: dict) -> ResidualUNet:
            _prior(config)
            return ResidualUNet(**config["network"], generator=torch.Generator())

        network, config = checkpoints.load(path, make)
        return cls(network=network, prior=_prior(config))


def _prior(config: dict) -> MapPrior:
    table = RayTable(**{name: np.array(values) for name, values in config["table"].items()})
    return MapPrior(table=table, **{name: config[name] for name in ("correlation_m", "noise_db", "pixel_m")})
