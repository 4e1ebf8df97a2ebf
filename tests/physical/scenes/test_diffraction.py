import math

import numpy as np
import pytest

from gdt_tutorial.physical.scenes.diffraction import (
    DiffractionConfig,
    crossed_m,
    edge_parameter,
    knife_edge_loss_db,
    law_loss_db,
    loss_draws_db,
    scene_inputs,
    scene_maps,
)
from gdt_tutorial.physical.scenes.layout import SceneConfig, draw_heights_m, random_scene
from gdt_tutorial.physical.scenes.scene import Scene

WAVELENGTH_M = 299_792_458 / 3.5e9


def by_hand(above_m, before_m, behind_m):
    v = above_m * math.sqrt(2 * (before_m + behind_m) / (WAVELENGTH_M * before_m * behind_m))
    if v <= -0.78:
        return 0.0
    return 6.9 + 20 * math.log10(math.sqrt((v - 0.1) ** 2 + 1) + v - 0.1)


@pytest.mark.parametrize(
    ("above_m", "before_m", "behind_m"),
    [
        (0.0, 50.0, 50.0),
        (1.0, 50.0, 50.0),
        (5.0, 100.0, 20.0),
        (12.0, 100.0, 20.0),
        (20.0, 10.0, 5.0),
        (-0.5, 100.0, 100.0),
        (-1.0, 200.0, 200.0),
        (-5.0, 50.0, 50.0),
        (3.0, 5.0, 200.0),
        (0.3, 150.0, 2.0),
    ],
)
def test_knife_edge_equals_the_formula_by_hand(above_m, before_m, behind_m):
    v = edge_parameter(above_m, before_m, behind_m, WAVELENGTH_M)
    assert knife_edge_loss_db(np.array([v]))[0] == pytest.approx(by_hand(above_m, before_m, behind_m), abs=1e-9)


def test_knife_edge_known_points():
    """Fig. 12 of P.526: 6 dB where the roof touches the line; the approximation 12.953 + 20 log10 v far above it."""
    loss_db = knife_edge_loss_db(np.array([-1.0, -0.78, 0.0, 2.4, 10.0]))
    assert loss_db[:2].tolist() == [0, 0]
    assert loss_db[2] == pytest.approx(6.03, abs=0.01)
    assert loss_db[3:] == pytest.approx(12.953 + 20 * np.log10([2.4, 10.0]), abs=0.5)


@pytest.mark.parametrize("distance_m", [12.0, 40.0, 100.0, 250.0])
def test_law_of_line_of_sight_equals_tr_38901(distance_m):
    """UMi street canyon, d <= breakpoint: 32.4 + 21 log10(d3) + 20 log10(f in GHz), Table 7.4.1-1."""
    pixel_m = distance_m / 8
    scene = Scene(np.zeros((1, 10)), np.array([[pixel_m / 2, pixel_m / 2]]), pixel_m)
    breakpoint_m = 4 * 9.0 * 0.5 / WAVELENGTH_M
    distance_3d_m = math.hypot(distance_m, 8.5)
    near_db = 32.4 + 21 * math.log10(distance_3d_m) + 20 * math.log10(3.5)
    far_db = 32.4 + 40 * math.log10(distance_3d_m) + 20 * math.log10(3.5) - 9.5 * math.log10(breakpoint_m**2 + 8.5**2)
    expected_db = near_db if distance_m <= breakpoint_m else far_db
    assert law_loss_db(scene)[0, 0, 8] == pytest.approx(expected_db, abs=0.01)
    assert np.array_equal(scene_maps(scene).loss_db, law_loss_db(scene)), "without buildings nothing is added"


def test_a_map_equals_a_loop_over_its_rays():
    scene = random_scene(SceneConfig(n_pixels=16, min_buildings=3, max_buildings=3), rng=np.random.default_rng(7))
    loss_db, is_los = scene_maps(scene, config=DiffractionConfig(n_points=64))
    law_db, crossed = law_loss_db(scene)[0], crossed_m(scene)[0]
    ap_x, ap_y = scene.ap_position_m[0]
    for y, x in np.argwhere(~scene.footprint):
        to_x, to_y = scene.center_m[y, x]
        length_m = math.hypot(to_x - ap_x, to_y - ap_y)
        edge_db, sees, met = 0.0, True, 0
        for point in range(64):
            share = (point + 0.5) / 64
            column, row = (ap_x + share * (to_x - ap_x)) // 8, (ap_y + share * (to_y - ap_y)) // 8
            roof_m = scene.height_m[int(row), int(column)]
            if roof_m > 0:
                above_m = roof_m - (10 + share * (1.5 - 10))
                edge_db = max(edge_db, by_hand(above_m, share * length_m, (1 - share) * length_m))
                sees, met = sees and above_m <= 0, met + 1
        # A point on the border of two pixels may fall on either side in single precision.
        assert loss_db[0, y, x] == pytest.approx(law_db[y, x] + min(edge_db, 35), abs=1.0)
        assert crossed[y, x] == pytest.approx(met / 64 * length_m, abs=length_m / 32 + 1e-3)
        assert is_los[0, y, x] == sees


def test_finer_rays_change_little():
    """1.5 dB over all street pixels: a few at the borders of shades change, the others do not."""
    rng = np.random.default_rng(1)
    differences = []
    for _ in range(10):
        scene = random_scene(rng=rng)
        coarse, fine = (scene_maps(scene, config=DiffractionConfig(n_points=n)).loss_db[0] for n in (64, 1024))
        differences.append((coarse - fine)[~scene.footprint])
    assert np.sqrt(np.mean(np.concatenate(differences) ** 2)) < 2
    assert np.quantile(np.abs(np.concatenate(differences)), 0.9) < 1


def test_draws_equal_the_maps_of_their_heights():
    scene = random_scene(SceneConfig(n_aps=2), rng=np.random.default_rng(2))
    heights = draw_heights_m(SceneConfig(), 3, scene.n_buildings, rng=np.random.default_rng(3))
    draws = loss_draws_db(scene, heights)
    assert draws.shape == (3, 2, 32, 32)
    for drawn, height in zip(draws, heights, strict=True):
        assert np.array_equal(drawn, scene_maps(scene.with_heights(height)).loss_db)


def test_higher_roofs_never_help_and_the_cap_holds():
    scene = random_scene(rng=np.random.default_rng(2))
    low, high = loss_draws_db(scene, np.stack([np.full(scene.n_buildings, each) for each in (6.0, 20.0)]))
    assert (high >= low).all()
    assert (high - law_loss_db(scene) <= 35 + 1e-4).all()
    tall = scene_maps(scene.with_heights(np.full(scene.n_buildings, 50.0)))
    outdoors = ~scene.footprint
    assert np.array_equal(tall.is_los[0][outdoors], crossed_m(scene)[0][outdoors] == 0), "a tower shades all behind it"


def test_meters_crossed_through_one_wall():
    height_m = np.zeros((1, 20))
    height_m[0, 5:8] = 10
    crossed = crossed_m(Scene(height_m, np.array([[4.0, 4.0]])), DiffractionConfig(n_points=4096))[0, 0]
    assert crossed[:5] == pytest.approx(0)
    assert crossed[8:] == pytest.approx(24, abs=0.1)


def test_inputs_hold_nothing_of_the_heights():
    scene = random_scene(SceneConfig(n_aps=2), rng=np.random.default_rng(2))
    inputs = scene_inputs(scene)
    assert inputs.shape == (2, 3, 32, 32)
    assert np.array_equal(inputs, scene_inputs(scene.with_heights(np.full(scene.n_buildings, 6.0))))
    assert np.array_equal(inputs[1, 0] > 0, scene.footprint)
    assert np.allclose(inputs[:, 1], law_loss_db(scene))
    assert np.allclose(inputs[:, 2], crossed_m(scene), atol=1e-4)


def test_a_wrong_number_of_heights_says_so():
    scene = random_scene(rng=np.random.default_rng(2))
    with pytest.raises(ValueError, match="building_height_m must hold"):
        loss_draws_db(scene, np.ones((2, scene.n_buildings + 1)))
