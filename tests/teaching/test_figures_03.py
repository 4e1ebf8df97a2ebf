"""The figures of chapter 03 draw what they are given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from gdt_tutorial.loops.recipes.scene_study import AUGMENTATIONS, SIZES
from gdt_tutorial.loops.recipes.scene_table import SceneTable
from gdt_tutorial.physical.scenes.diffraction import scene_maps
from gdt_tutorial.physical.scenes.layout import SceneConfig, random_scene
from gdt_tutorial.seeding import stream
from gdt_tutorial.teaching.figures.chapter_03 import (
    LOOKS,
    draw_augmentation,
    draw_coins,
    draw_emulators,
    draw_holes,
    draw_maps,
    draw_update,
)

SCORES = ("mean_rmse_db", "crps_db", "spread_db", "run_distance_m")


@pytest.fixture(scope="module")
def scene():
    return random_scene(SceneConfig(n_pixels=16, max_buildings=6), rng=stream(0, "scene"))


@pytest.fixture(scope="module")
def scenes():
    head = {"kind": "emulators", "n_scenes": 512}
    rows = [
        {**head, "seed": seed, "emulator": name, "score": score, "value": 1.0 + seed}
        for seed in range(2)
        for name in LOOKS
        for score in SCORES
    ]
    rows += [
        {
            "kind": "augmentation",
            "n_scenes": n,
            "seed": seed,
            "emulator": name,
            "score": "rmse_db",
            "value": 2.0 + place,
        }
        for n in SIZES
        for seed in range(2)
        for place, name in enumerate(("ray table", *AUGMENTATIONS))
    ]
    return SceneTable({}, rows)


def test_maps_have_their_titles_and_leave_buildings_out(scene):
    fig, loss_db = Figure(), scene_maps(scene).loss_db[0]
    draw_maps(fig, scene, [("one", loss_db), ("other", loss_db)], 2)
    assert [ax.get_title() for ax in fig.axes] == ["one", "other"]
    shown = fig.axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown.mask, scene.footprint)


def test_coins_stand_in_rows():
    fig, images = Figure(), np.zeros((3, 4, 4))
    draw_coins(fig, images, {"usual": images, "score": images})
    assert [fig.axes[row * 3].get_ylabel() for row in range(3)] == ["real", "usual", "score"]


def test_emulators_and_augmentations_have_their_means(scenes):
    fig = Figure()
    draw_emulators(fig, scenes)
    assert [len(ax.containers) for ax in fig.axes] == [len(LOOKS)] * len(SCORES)
    assert fig.axes[0].containers[0].lines[0].get_xdata().tolist() == [1.5]
    fig = Figure()
    draw_augmentation(fig, scenes)
    heights = [each.lines[0].get_ydata()[0] for each in fig.axes[0].containers]
    np.testing.assert_allclose(heights, [50, 100, 150, 200])


def test_holes_and_reports(scene):
    fig, lengths_m = Figure(), np.array([8.0, 16.0, 16.0, 80.0])
    draw_holes(fig, {"true scenes": lengths_m, "GAN": lengths_m / 2})
    assert fig.axes[0].lines[0].get_ydata()[2] == 0.25
    fig, loss_db = Figure(), scene_maps(scene).loss_db[0]
    maps = [("truth", loss_db), ("GAN", loss_db), ("kriging", loss_db)]
    curves = {"GAN": [2.0, 1.0], "kriging": [3.0, 1.5]}
    draw_update(fig, scene, maps, np.array([[8.0, 8.0]]), curves, (0, 16), 16)
    assert [ax.get_title() for ax in fig.axes][:3] == ["truth", "GAN", "kriging"]
