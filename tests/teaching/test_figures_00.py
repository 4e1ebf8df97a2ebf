"""The figures of chapter 00 draw what they are given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from gdt_tutorial.physical.scenes.layout import SceneConfig, waterloo_scene
from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.intervals import t_interval
from gdt_tutorial.teaching.figures.chapter_00 import (
    Course,
    draw_campus,
    draw_drawn,
    draw_person,
    draw_waiting,
    four_numbers,
)

SCENE = waterloo_scene(SceneConfig(n_aps=2), rng=stream(0, "scene"))


@pytest.fixture
def course():
    position_m = np.zeros((4, 3, 2))
    position_m[:, 0, 0] = np.arange(4) * 10.0  # one walks, two stand
    emulated_m = position_m.copy()
    emulated_m[2, 0] -= (3.0, 4.0)
    return Course(position_m, emulated_m, np.ones((4, 3), dtype=bool), np.ones((4, 3), dtype=int))


def test_the_error_is_the_distance_of_the_belief(course):
    assert course.error_m[2, 0] == 5
    assert course.error_m.sum() == 5


def test_a_belief_is_drawn_with_its_error_enlarged(course):
    fig = Figure()
    draw_campus(fig, SCENE, course, 2)
    (ax,) = fig.axes
    rings = next(line for line in ax.lines if line.get_label().startswith("belief"))
    np.testing.assert_allclose(rings.get_xydata()[0], [20 - 30, -40])


@pytest.mark.parametrize("person", [0, 1])
def test_who_stands_has_a_map_too(course, person):
    fig = Figure()
    draw_person(fig, course, person)
    way, error, period = fig.axes
    west, east = way.get_xlim()
    assert east - west >= 10
    np.testing.assert_array_equal(error.lines[0].get_ydata(), course.error_m[:, person])
    assert period.get_ylim()[1] > 16


def test_maps_stand_two_in_a_row():
    fig = Figure()
    draw_drawn(fig, SCENE, [(name, np.full(SCENE.shape, 90.0)) for name in "abcd"])
    assert [ax.get_title() for ax in fig.axes] == list("abcd")


def test_waiting_has_a_bar_for_each_way_and_a_dot_for_each_day():
    fig = Figure()
    draw_waiting(fig, {"one": np.array([1.0, 3.0]), "two": np.array([2.0, 2.5])}, t_interval)
    (ax,) = fig.axes
    assert [bar.get_width() for bar in ax.patches] == [2.0, 2.25]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [len(line.get_xdata()) for line in dots] == [2, 2]


def test_four_numbers_name_their_chapters(capsys):
    four_numbers([("Bytes", "1 < 2", "3", "09")])
    assert "Bytes: 1 < 2, 3 (chapter 09)" in capsys.readouterr().out
