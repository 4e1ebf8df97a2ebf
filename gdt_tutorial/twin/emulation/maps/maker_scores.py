"""Makers of maps against the truth of scenes that they have not seen, with heights drawn anew as the oracle.

RMSE and the continuous ranked probability score (CRPS) compare pixel by pixel, and a mean does well there. Spread, share of
outage and the lengths of outage runs ask whether a draw is a map that could be: the mean of several possible maps is none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.scenes.diffraction import scene_inputs, scene_maps
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.studies.map_scores import draw_spread, mean_square, run_distance, run_lengths
from gdt_tutorial.studies.scores import crps_sample
from gdt_tutorial.twin.emulation.maps.map_maker import MapMaker, check_draws

__all__ = ["OUTAGE_LOSS_DB", "MakerScores", "score_maker"]

OUTAGE_LOSS_DB = 112.0  # chosen: between the losses of open and of shaded streets


@dataclass(frozen=True, kw_only=True)
class MakerScores:
    """Scores on the streets of some scenes; dB and meters."""

    rmse_db: float  # of single draws
    mean_rmse_db: float  # of the mean of the draws
    crps_db: float
    spread_db: float  # root mean square of the standard deviation of the draws
    outage_error: float  # share of street in outage, drawn minus true
    run_distance_m: float  # Wasserstein distance of the lengths of outage runs


def score_maker(
    make: Callable[[Scene], MapMaker],
    scenes: Sequence[Scene],
    *,
    n_draws: int = 8,
    outage_db: float = OUTAGE_LOSS_DB,
    seed: int,
) -> MakerScores:
    """Draw maps of every scene, and score them together.

    Args:
        make: Returns the maker for a scene; one that fits all is `lambda scene: maker`.
        scenes: With true heights, which no maker should look at.
        n_draws: Maps of each scene.
        outage_db: Loss above which a walker is in a hole.
        seed: Of the draws.

    Raises:
        ValueError: No scene, one draw alone, or draws that break the protocol.
    """
    require(len(scenes) > 0, "scenes", "hold one or more", 0, "draw some")
    squares, runs, true_runs = [], [], []
    for index, scene in enumerate(scenes):
        inputs, truth = scene_inputs(scene), scene_maps(scene).loss_db
        draws = make(scene)(inputs, n_draws, rng=seeding.stream(seed, "maps", index))
        check_draws(draws, inputs, n_draws)
        squares.append(_pixel_scores(draws, truth, scene, outage_db))
        street = ~scene.footprint
        runs += [run_lengths(each > outage_db, street) for draw in draws for each in draw]
        true_runs += [run_lengths(each > outage_db, street) for each in truth]
    single, mean, crps, spread, outage = np.mean(squares, axis=0)
    return MakerScores(
        rmse_db=float(single**0.5),
        mean_rmse_db=float(mean**0.5),
        crps_db=float(crps),
        spread_db=float(spread**0.5),
        outage_error=float(outage),
        run_distance_m=run_distance(*(np.concatenate(each) * scenes[0].pixel_m for each in (runs, true_runs))),
    )


def _pixel_scores(
    draws: Float[np.ndarray, "draw ap y x"], truth: Float[np.ndarray, "ap y x"], scene: Scene, outage_db: float
) -> tuple[float, ...]:
    street = np.broadcast_to(~scene.footprint, truth.shape)
    return (
        mean_square(draws - truth, np.broadcast_to(street, draws.shape)),
        mean_square(draws.mean(axis=0) - truth, street),
        float(crps_sample(draws[:, street], truth[street]).mean()),
        draw_spread(draws, street) ** 2,
        float((draws[:, street] > outage_db).mean() - (truth[street] > outage_db).mean()),
    )
