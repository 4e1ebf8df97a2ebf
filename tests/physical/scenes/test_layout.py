import numpy as np
import pytest

from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.scenes.diffraction import loss_draws_db, scene_maps
from gdt_tutorial.physical.scenes.layout import (
    SceneConfig,
    draw_heights_m,
    random_scene,
    redraw_heights,
    street_positions_m,
    waterloo_scene,
)

CONFIG = SceneConfig()


def test_scenes_have_the_sizes_of_their_config_and_masts_on_streets():
    rng = np.random.default_rng(0)
    for _ in range(30):
        scene = random_scene(SceneConfig(n_aps=3), rng=rng)
        assert scene.shape == (32, 32)
        assert 1 <= scene.n_buildings <= 12
        heights = scene.height_m[scene.footprint]
        assert heights.min() >= 4
        assert heights.max() <= 22
        assert not scene.footprint[tuple(scene.pixel_of(scene.ap_position_m).T)].any()
        assert len(np.unique(scene.ap_position_m, axis=0)) == 3


def test_one_seed_one_scene():
    first, same, other = (random_scene(rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.height_m, same.height_m)
    assert not np.array_equal(first.footprint, other.footprint)


def test_redrawn_heights_keep_the_footprint_and_follow_the_law():
    scene = random_scene(rng=np.random.default_rng(4))
    rng = np.random.default_rng(5)
    drawn = [redraw_heights(scene, CONFIG, rng=rng) for _ in range(400)]
    assert all(np.array_equal(each.footprint, scene.footprint) for each in drawn)
    assert all(np.array_equal(each.building, scene.building) for each in drawn)
    one_pixel = [tuple(np.argwhere(scene.building == building)[0]) for building in range(scene.n_buildings)]
    heights = np.array([[each.height_m[pixel] for pixel in one_pixel] for each in drawn])
    # Uniform on [4, 22]: mean 13, standard deviation 18 / sqrt(12); no correlation between buildings.
    assert np.abs(heights.mean(axis=0) - 13).max() < 4 * 5.196 / 20
    assert np.abs(heights.std(axis=0) - 5.196).max() < 0.6
    correlation = np.corrcoef(heights.T) - np.eye(scene.n_buildings)
    assert np.abs(correlation).max() < 0.2


def test_the_redrawn_law_is_that_of_the_scenes_with_this_footprint():
    """Loss behind one building against the integral over its height, and its truth is one more draw of the same law."""
    scene = random_scene(SceneConfig(min_buildings=1, max_buildings=1), rng=np.random.default_rng(0))
    draws = loss_draws_db(scene, draw_heights_m(CONFIG, 4000, 1, rng=np.random.default_rng(1)))[:, 0]
    grid = loss_draws_db(scene, np.linspace(4, 22, 2001)[:, None])[:, 0]
    shaded = ~scene.footprint & (grid.std(axis=0) > 3)
    assert shaded.sum() > 10
    assert np.abs(draws.mean(axis=0) - grid.mean(axis=0))[shaded].max() < 1
    assert np.abs(draws.std(axis=0) - grid.std(axis=0))[shaded].max() < 0.5
    truths = np.stack(
        [scene_maps(redraw_heights(scene, CONFIG, rng=np.random.default_rng(seed))).loss_db[0] for seed in range(300)]
    )
    assert np.abs(truths.mean(axis=0) - grid.mean(axis=0))[shaded].max() < 4 * grid.std(axis=0).max() / np.sqrt(300)


def test_waterloo_stands_around_the_real_centers():
    scene = waterloo_scene(SceneConfig(n_pixels=80), rng=np.random.default_rng(0))
    center_m = np.array([[each.x_m, each.y_m] for each in Campus.waterloo().buildings])
    center_m = center_m[((center_m > scene.box_m[0] + 8) & (center_m < scene.box_m[1] - 8)).all(axis=-1)]
    assert len(center_m) > 25
    assert scene.footprint[tuple(scene.pixel_of(center_m).T)].mean() > 0.95
    assert waterloo_scene(rng=np.random.default_rng(0)).shape == (32, 32)


def test_street_positions_are_different_streets():
    footprint = np.array([[True, False], [False, True]])
    position_m = street_positions_m(footprint, 2, 10.0, (100.0, 0.0), rng=np.random.default_rng(0))
    assert sorted(position_m.tolist()) == [[105, 15], [115, 5]]


def test_a_layout_that_cannot_be_says_so():
    with pytest.raises(ValueError, match="min_side_m, max_side_m must be ordered"):
        SceneConfig(min_side_m=60.0)
    with pytest.raises(ValueError, match="footprint must leave 3 street pixels or more, got 2"):
        street_positions_m(np.array([[True, False], [False, True]]), 3, 8.0, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="footprint must leave 1 street pixels or more, got 0"):
        random_scene(SceneConfig(n_pixels=8, min_side_m=500.0, max_side_m=500.0), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="center_m must have a building within 128 m"):
        waterloo_scene(center_m=(5000.0, 0.0), rng=np.random.default_rng(0))
