"""The figures of chapter 10 draw what they are given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from gdt_tutorial.loops.recipes.internal_table import InternalTable
from gdt_tutorial.teaching.figures.chapter_10 import draw_change, draw_held, draw_tastes, draw_verdict, draw_worlds


def test_a_verdict_has_a_panel_for_each_maker():
    fig, queue = Figure(), np.arange(6.0)
    sends = {"model": queue > 3, "GAI": queue < 1}
    draw_verdict(fig, queue, sends, {"model": -0.2, "GAI": -0.1}, "GAI", 10)
    assert [ax.get_title() for ax in fig.axes] == [
        "model: not chosen\nexpected queue 20 %",
        "GAI: carried out\nexpected queue 10 %",
    ]
    faces = [bar.get_facecolor() for bar in fig.axes[0].patches]
    assert faces[4] == faces[5] != faces[0]


def test_a_change_has_a_line_for_each_scheme():
    fig = Figure()
    draw_change(fig, {"model": np.array([0.1, 0.6]), "loop": np.array([0.1, 0.2])}, 1)
    np.testing.assert_allclose(fig.axes[0].lines[0].get_ydata(), [10, 60])


def test_each_world_has_its_schemes_before_and_after():
    rows = [
        {"seed": seed, "world": world, "scheme": name, "phase": phase, "score": score, "value": value + 0.01 * seed}
        for seed in range(3)
        for world, score in (("ring", "queue"), ("event", "qoe"))
        for name, value in (("model", 0.2), ("loop", 0.1))
        for phase in ("before", "after")
    ]
    fig = Figure()
    draw_worlds(fig, InternalTable({}, rows), {"ring": ("model", "loop"), "event": ("loop",)})
    for ax, found in zip(fig.axes, ([21, 11], [0.11]), strict=True):
        for drawn in ax.containers:
            np.testing.assert_allclose(drawn.lines[0].get_xdata(), found)


def test_queues_under_a_wrong_twin_are_in_percent():
    fig = Figure()
    draw_held(fig, {"safe": np.array([0.1, 0.1]), "believed": np.array([0.5, 0.6]), "held": np.array([0.2, 0.1])})
    np.testing.assert_allclose(fig.axes[0].lines[1].get_ydata(), [50, 60])


def test_two_tastes_have_a_mark_for_each_way():
    fig = Figure()
    draw_tastes(fig, {"estimated": np.array([[0.1, 0.05], [-0.2, 0.05]]), "known": np.array([[0.2, 0.1], [-0.3, 0.1]])})
    assert fig.axes[0].containers[0].lines[0].get_xdata() == pytest.approx([0.1, 0.2])
    assert fig.axes[0].containers[1].lines[0].get_xdata() == pytest.approx([-0.2, -0.3])
