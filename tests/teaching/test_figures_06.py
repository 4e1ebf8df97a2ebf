"""The figures of chapter 06 about loads draw what they are given."""

import numpy as np
from matplotlib.figure import Figure

from gdt_tutorial.teaching.figures.chapter_06 import draw_gates, draw_traffic, draw_walks, draw_worlds

FORECASTS = (
    "autoregression",
    "autoregression on events",
    "mixture on events",
    "attention by hand",
    "attention, trained",
)


def test_worlds_have_their_names():
    fig = Figure()
    rmse = {world: dict.fromkeys(FORECASTS, (0.5, 0.1)) for world in ("one", "other")}
    draw_worlds(fig, rmse, 0.25, {"one": "fixed", "other": "new"})
    assert [text.get_text() for text in fig.axes[0].get_yticklabels()] == ["fixed", "new"]
    assert len(fig.axes[0].get_legend_handles_labels()[1]) == len(FORECASTS)


def test_gates_show_matrix_and_routes():
    fig, gate = Figure(), np.eye(3)
    draw_gates(fig, {"by hand": gate, "trained": gate / 2}, np.array([1, 2, 0]))
    np.testing.assert_array_equal(fig.axes[1].images[0].get_array(), gate / 2)
    np.testing.assert_array_equal(fig.axes[0].lines[0].get_xdata(), [1, 2, 0])


def test_walks_and_traffic():
    fig = Figure()
    draw_walks(fig, np.ones(24) / 24, {11: 0.25, 12: 0.5, 13: 0.25}, np.ones(30))
    assert [ax.get_title(loc="left") or ax.get_title() for ax in fig.axes] == ["who arrives", "plain transformer"]
    fig = Figure()
    places = np.array([[0.0, 0.0], [5.0, 5.0]])
    draw_traffic(
        fig, places, places, np.array([3.0, 4.0]), np.array([4.0, 3.0]), np.array([[-10.0, -10.0], [10.0, 10.0]])
    )
    assert [text.get_text() for text in fig.axes[0].texts] == ["3", "4"]
