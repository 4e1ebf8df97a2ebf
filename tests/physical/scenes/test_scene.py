import numpy as np
import pytest

from gdt_tutorial.physical.scenes.layout import random_scene
from gdt_tutorial.physical.scenes.scene import Scene

AP = np.array([[4.0, 4.0]])


def plan(rows: str) -> np.ndarray:
    """Draw a map as text, the northernmost row first; a digit is a height in tens of meters."""
    return np.array([[10.0 * int(pixel) for pixel in row] for row in rows.split()])[::-1]


def test_pixels_that_touch_along_a_side_are_one_building():
    scene = Scene(plan("0110 0010 1000 0000"), AP)
    assert scene.n_buildings == 2
    assert (scene.building == np.array([[-1, -1, -1, -1], [0, -1, -1, -1], [-1, -1, 1, -1], [-1, 1, 1, -1]])).all()
    heights = scene.with_heights(np.array([5.0, 7.0])).height_m
    assert (heights == np.array([[0, 0, 0, 0], [5, 0, 0, 0], [0, 0, 7, 0], [0, 7, 7, 0]])).all()


def test_pixels_and_positions():
    scene = Scene(plan("000 000"), np.array([[101.0, 201.0]]), pixel_m=10.0, origin_m=(100.0, 200.0))
    assert scene.box_m.tolist() == [[100, 200], [130, 220]]
    assert scene.center_m[1, 2].tolist() == [125, 215]
    assert scene.pixel_of(np.array([[125.0, 215.0], [130.0, 200.0]])).tolist() == [[1, 2], [0, 2]]


def test_a_map_is_read_at_the_centers_as_it_is_and_straight_between_them():
    scene = Scene(plan("0000 0000 0000"), AP)
    level = np.arange(12.0).reshape(1, 3, 4)
    assert np.allclose(scene.at(level, scene.center_m.reshape(-1, 2)), level.reshape(1, -1))
    # Half-way between four centers stands their mean; in the corner of the box the value of the corner pixel.
    assert np.allclose(scene.at(level, np.array([[8.0, 8.0], [0.0, 0.0], [32.0, 24.0]])), [[2.5, 0, 11]])


def test_a_map_read_along_a_walk_is_continuous_beside_buildings_too():
    rng = np.random.default_rng(3)
    scene = random_scene(rng=rng)
    level = np.where(scene.footprint, 1e9, rng.normal(size=scene.shape))[None]
    walk_m = np.linspace([3.0, 5.0], [250.0, 240.0], 20_000)
    read = scene.at(level, walk_m)[0]
    step = np.ptp(level[0][~scene.footprint]) * np.linalg.norm(walk_m[1] - walk_m[0]) / scene.pixel_m
    assert np.abs(read).max() < 10, "no value of a building gets out"
    assert np.abs(np.diff(read)).max() <= 2 * step


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"height_m": np.zeros(4)}, "height_m must have the axes y and x, got \\(4,\\)"),
        ({"height_m": np.full((2, 2), np.nan)}, "height_m must hold finite heights, 0 on streets"),
        ({"height_m": np.full((2, 2), 5.0)}, "height_m must leave a street pixel, got 0"),
        ({"ap_position_m": np.array([4.0, 4.0])}, "ap_position_m must hold a row"),
        ({"ap_position_m": np.array([[4.0, 400.0]])}, "ap_position_m must be finite and lie in the box"),
        ({"ap_position_m": np.array([[4.0, np.nan]])}, "ap_position_m must be finite and lie in the box"),
        (
            {"ap_position_m": np.array([[4.0, 4.0], [12.0, 12.0]])},
            "ap_position_m must lie on streets, got \\[\\[12.0, 12.0",
        ),
        ({"pixel_m": 0.0}, "pixel_m must be above 0"),
    ],
)
def test_a_scene_that_is_none_says_so(change, match, without_type_checks):
    good = {"height_m": np.array([[0.0, 0.0], [0.0, 9.0]]), "ap_position_m": AP}
    with pytest.raises(ValueError, match=match):
        Scene(**{**good, **change})


def test_a_wrong_number_of_heights_or_a_wrong_map_says_so():
    scene = Scene(plan("010 000"), AP)
    with pytest.raises(ValueError, match="building_height_m must hold 1 heights, one for each building, got 2"):
        scene.with_heights(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="level must end in the shape \\(2, 3\\)"):
        scene.at(np.zeros((3, 2)), AP)
    with pytest.raises(ValueError, match="position_m must be finite and lie in the box"):
        scene.at(np.zeros((2, 3)), np.array([[-1.0, 0.0]]))
