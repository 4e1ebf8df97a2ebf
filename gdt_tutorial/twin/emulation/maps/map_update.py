"""Construction and update: how wrong is the twin's map, the more reports it has?

"GAN can help generate realistic network scenes for network environment construction and update" (the paper, GAI-Based Status
Emulation). Without a report a map is constructed from footprints; with reports it is updated. Reports come from random street
pixels, each with the noise of fading, and all makers get the same ones; more reports contain the fewer.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.scenes.diffraction import scene_inputs, scene_maps
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.studies.map_scores import mean_square
from gdt_tutorial.studies.scores import crps_sample
from gdt_tutorial.twin.emulation.maps.kriging import MapReports
from gdt_tutorial.twin.emulation.maps.map_maker import MapMaker

__all__ = ["draw_reports", "error_by_reports"]


def draw_reports(scene: Scene, n_reports: int, noise_db: float = 1.1, *, rng: np.random.Generator) -> MapReports:
    """Let phones report the true loss, with fading, from different street pixels.

    Raises:
        ValueError: More reports than street pixels.
    """
    street, rule = np.argwhere(~scene.footprint), "be at most the number of street pixels"
    require(n_reports <= len(street), "n_reports", rule, n_reports, f"the scene has {len(street)}")
    order, noise = rng.permutation(len(street)), rng.standard_normal((len(street), scene.n_aps))
    pixel = street[order[:n_reports]]
    loss_db = scene_maps(scene).loss_db[:, pixel[:, 0], pixel[:, 1]].astype(float)
    return MapReports(pixel, loss_db + noise_db * noise[:n_reports].T)


def error_by_reports(
    make: Callable[[Scene, MapReports], MapMaker],
    scenes: Sequence[Scene],
    counts: Sequence[int],
    *,
    n_draws: int = 32,
    seed: int,
) -> tuple[Float[np.ndarray, "sample count"], Float[np.ndarray, "sample count"]]:
    """Return the RMSE of the mean map and the CRPS, in dB, of each scene after each number of reports.

    Args:
        make: Returns the maker for a scene and its reports: `SimpleKriging`, or `Sharpened` around any other.
        scenes: With true heights, from which the reports come.
        counts: Numbers of reports; 0 is the map before any.
        n_draws: Maps that are drawn.
        seed: Of reports and draws.
    """
    rmse_db, crps_db = np.zeros((2, len(scenes), len(counts)))
    for row, scene in enumerate(scenes):
        inputs, truth = scene_inputs(scene), scene_maps(scene).loss_db
        street = np.broadcast_to(~scene.footprint, truth.shape)
        for column, count in enumerate(counts):
            reports = draw_reports(scene, count, rng=seeding.stream(seed, "reports", row))
            draws = make(scene, reports)(inputs, n_draws, rng=seeding.stream(seed, "maps", row))
            rmse_db[row, column] = mean_square(draws.mean(axis=0) - truth, street) ** 0.5
            crps_db[row, column] = crps_sample(draws[:, street].astype(float), truth[street].astype(float)).mean()
    return rmse_db, crps_db
