"""Emulators of scenes compared on fresh ones, and whether drawn scenes help to train: what the table `reproduce scenes` holds.

Each seed draws scenes to learn from and other scenes to be tried on. All learned parts see the same measured maps and no
height. Sizes, weights and numbers of updates were chosen on other seeds.

    heights drawn anew   Monte Carlo over heights: the true conditional law, the oracle
    statistical law      the channel of TR 38.901 as a map, which knows no building
    ray table            mean loss by distance and blockage, counted
    U-Net                the regression with the generator's body: the map with the smallest error
    U-Net and field      the same with a Gaussian field around it, of the spread and reach of its errors
    GAN                  the generator

Augmentation: a U-Net learns from few measured maps, from these with all symmetries of a square, or with maps that a GAN
(trained on the same few) draws for new footprints. Two controls: the same with the maps that the ray table, counted on the same
few, gives for the new footprints ("tabled scenes"); and the ray table itself, from which every U-Net starts. All are scored by
the error of their maps.

In the loop: emulators of the channel on networks that stand on scenes, with the shipped generator (`maps_in_the_loop`).

A row has one score of one emulator.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import product
from typing import Any

import numpy as np

from gdt_tutorial.gai.gan import start_generator, train_gan, train_unet
from gdt_tutorial.gai.unet import ImageSet, joined, with_symmetries
from gdt_tutorial.loops.recipes.maps_in_the_loop import MapLoopConfig, study
from gdt_tutorial.physical.scenes.diffraction import scene_inputs, scene_maps
from gdt_tutorial.physical.scenes.layout import SceneConfig
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.studies.image_scores import psnr_db, ssim
from gdt_tutorial.studies.map_scores import mean_square
from gdt_tutorial.twin.abstraction.expected_worst import ExpectedWorst
from gdt_tutorial.twin.emulation.maps.generator import GeneratedMaps, image_set
from gdt_tutorial.twin.emulation.maps.generator_training import (
    BOOK,
    fit_map_prior,
    mean_and_field,
    measured_maps,
    random_scenes,
    train_maps,
    unet_mean,
)
from gdt_tutorial.twin.emulation.maps.maker_scores import score_maker
from gdt_tutorial.twin.emulation.maps.map_emulator import MapSnrConfig
from gdt_tutorial.twin.emulation.maps.map_maker import HeightDraws, LawAndFields, MapMaker, SureMap
from gdt_tutorial.twin.pretrained import pretrained_scenes
from gdt_tutorial.twin.recipes.scene_emulators import by_kriging, by_law, by_maker, by_truth, measure_law

__all__ = ["AUGMENTATIONS", "FULL_RANGE_DB", "SIZES", "VERSION", "likeness", "tasks", "work"]

VERSION = "1"
SIZES = (8, 32, 128)
AUGMENTATIONS = ("none", "symmetries", "drawn scenes", "tabled scenes")
FULL_RANGE_DB = 75.0  # of a map: from the foot of a mast to the deepest shade
Scored = tuple[str, dict[str, float]]
_SEED = 60_000  # no setting was chosen on these
_N_TRAIN, _N_TEST, _N_LOOP = 512, 120, 4
_MAP_ERROR_DB = 5.5  # of a mean map, on other seeds
_N_DRAWN, _GAN_UPDATES, _UNET_UPDATES = 128, 300, 300


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return one task for each seed and comparison; augmentation has several numbers of scenes to learn from."""
    kinds = (
        {"kind": "emulators", "n_scenes": _N_TRAIN},
        *({"kind": "augmentation", "n_scenes": n} for n in SIZES),
        {"kind": "loop", "n_scenes": _N_LOOP},
    )
    return [{"seed": _SEED + seed, **kind} for kind, seed in product(kinds, range(n_seeds))]


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Do one comparison.

    A task may name fewer updates, test scenes and emulators under "n_updates", "n_test" and "emulators" (in the loop).
    """
    seed, head = task["seed"], {name: task[name] for name in ("seed", "kind", "n_scenes")}
    scored = _loop(task["n_scenes"], task.get("emulators"), seed) if task["kind"] == "loop" else _maps(task, seed)
    return [
        {**head, "emulator": name, "score": score, "value": value}
        for name, scores in scored
        for score, value in scores.items()
    ]


def _maps(task: dict[str, Any], seed: int) -> Iterator[Scored]:
    train = random_scenes(task["n_scenes"], rng=stream(seed, "measured scenes"))
    fresh = random_scenes(task.get("n_test", _N_TEST), rng=stream(seed, "fresh scenes"))
    compare = _emulators if task["kind"] == "emulators" else _augmentations
    return compare(train, fresh, task.get("n_updates"), seed)


def likeness(maker: MapMaker, scene: Scene, *, seed: int) -> tuple[float, float]:
    """Return PSNR (dB, on streets) and SSIM (buildings filled by the truth) of one draw, mean over access points."""
    truth = scene_maps(scene).loss_db.astype(float)
    street = np.broadcast_to(~scene.footprint, truth.shape)
    drawn = np.where(street, maker(scene_inputs(scene), 1, rng=stream(seed, "likeness"))[0], truth)
    return float(psnr_db(drawn, truth, FULL_RANGE_DB, street).mean()), float(ssim(drawn, truth, FULL_RANGE_DB).mean())


def _emulators(train: list[Scene], fresh: list[Scene], n_updates: int | None, seed: int) -> Iterator[Scored]:
    inputs, loss_db = measured_maps(train)
    rng, generator = stream(seed, "reports"), torch_stream(seed, "networks")
    config = BOOK if n_updates is None else replace(BOOK, n_updates=n_updates)
    drawn = train_maps(inputs, loss_db, config, rng=rng, generator=generator)
    mean = unet_mean(inputs, loss_db, drawn.prior, n_updates=n_updates or 300, rng=rng, generator=generator)
    around = mean_and_field(inputs, loss_db, mean, rng=stream(seed, "variogram"))
    makers: dict[str, MapMaker] = {
        "statistical law": LawAndFields(),
        "ray table": SureMap(drawn.prior.table.mean),
        "U-Net": SureMap(mean),
        "U-Net and field": around,
        "GAN": drawn,
    }
    yield _row("heights drawn anew", None, fresh, seed)
    for name, maker in makers.items():
        yield _row(name, maker, fresh, seed)


def _loop(n_scenes: int, names: Sequence[str] | None, seed: int) -> Iterator[Scored]:
    """Score emulators of the channel on some scenes, means over them; the maps come from the shipped generator."""
    gan, law = pretrained_scenes(), measure_law(SceneConfig(n_aps=MapLoopConfig().n_aps), seed=seed)

    def mean_map(scene: Scene) -> MapMaker:
        inputs = scene_inputs(scene)
        mean_db = gan(inputs, 32, rng=stream(seed, "maps")).mean(axis=0)
        return SureMap(lambda known: mean_db)

    one_map = MapSnrConfig(lasting_std_db=_MAP_ERROR_DB)
    emulators = {
        "statistical law": by_law(law),
        "ray table": by_maker(lambda scene: SureMap(gan.prior.table.mean), one_map, n_draws=1),
        "mean of draws": by_maker(mean_map, one_map, n_draws=1),
        "kriging": by_kriging(gan.prior.table.mean, gan.prior.table.std),
        "GAN": by_maker(lambda scene: gan),
        "heights drawn anew": by_maker(lambda scene: HeightDraws(scene=scene)),
        "true heights": by_truth(),
    }
    if names is not None:
        emulators = {name: emulators[name] for name in names}
    seeds = [seed * n_scenes + index for index in range(n_scenes)]
    for name, scores in study(emulators, seeds=seeds, read=ExpectedWorst).items():
        yield name, {score: float(values.mean()) for score, values in scores.items()}


def _row(name: str, maker: MapMaker | None, fresh: list[Scene], seed: int) -> Scored:
    """Score a maker, or the oracle of each scene."""

    def make(scene: Scene) -> MapMaker:
        return HeightDraws(scene=scene) if maker is None else maker

    score = asdict(score_maker(make, fresh, seed=seed))
    psnr, alike = np.mean(
        [likeness(make(scene), scene, seed=seed + index) for index, scene in enumerate(fresh)], axis=0
    )
    return name, {**score, "psnr_db": float(psnr), "ssim": float(alike)}


def _augmentations(train: list[Scene], fresh: list[Scene], n_updates: int | None, seed: int) -> Iterator[Scored]:
    inputs, loss_db = measured_maps(train)
    prior = fit_map_prior(inputs, loss_db, rng=stream(seed, "reports"))
    plain = image_set(inputs, loss_db, prior, rng=stream(seed, "reports"))
    turned = with_symmetries(plain)
    config = replace(BOOK, batch_size=8, n_updates=n_updates or _GAN_UPDATES)
    unknown = random_scenes(_N_DRAWN, rng=stream(seed, "footprints"))
    start = GeneratedMaps(network=start_generator(plain, config, generator=torch_stream(seed, "start")), prior=prior)
    gan = GeneratedMaps(network=train_gan(plain, config, generator=torch_stream(seed, "gan")), prior=prior)
    sets = {
        "none": plain,
        "symmetries": turned,
        "drawn scenes": _half_and_half(plain, _drawn(gan, unknown, seed)),
        "tabled scenes": _half_and_half(plain, _drawn(start, unknown, seed)),
    }
    yield "ray table", {"rmse_db": _error_db(start, fresh)}
    for name, images in sets.items():
        generator = torch_stream(seed, "network")
        unet = train_unet(images, config, n_updates=n_updates or _UNET_UPDATES, generator=generator)
        yield name, {"rmse_db": _error_db(GeneratedMaps(network=unet, prior=prior), fresh)}


def _drawn(gan: GeneratedMaps, scenes: list[Scene], seed: int) -> ImageSet:
    """Draw one map for each of many footprints; an untrained generator draws the ray table."""
    inputs = np.concatenate([scene_inputs(each) for each in scenes])
    loss_db = gan(inputs, 1, rng=stream(seed, "drawn"))[0]
    return image_set(inputs, loss_db, gan.prior, rng=stream(seed, "no reports"))


def _half_and_half(images: ImageSet, drawn: ImageSet) -> ImageSet:
    """Repeat the measured ones until they are as many as the drawn ones."""
    return joined([*[images] * -(-len(drawn) // len(images)), drawn])


def _error_db(regression: GeneratedMaps, fresh: list[Scene]) -> float:
    inputs, loss_db = measured_maps(fresh)
    found = regression(inputs, 1, rng=stream(0, "unused"))[0]
    return mean_square(found - loss_db, inputs[:, 0] == 0) ** 0.5
