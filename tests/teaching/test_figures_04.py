"""The figures of chapter 04 draw what they are given."""

import numpy as np
from matplotlib.figure import Figure

from gdt_tutorial.teaching.figures.chapter_04 import (
    draw_arrivals,
    draw_errors,
    draw_horizon,
    draw_streets,
    draw_survival,
)
from gdt_tutorial.worlds.street import Street


def test_streets_show_the_time_spent_and_leave_out_the_goal():
    street, fig = Street(), Figure()
    walkers = street.soft_optimal()
    draw_streets(fig, street, {"one": walkers, "other": walkers})
    assert [ax.get_title() for ax in fig.axes] == ["one", "other"]
    shown = fig.axes[0].images[0].get_array()
    spent = street.world.occupancy(walkers).sum(axis=1) * street.config.n_slots
    np.testing.assert_allclose(np.nansum(shown.filled(np.nan)), spent.sum() - spent[street.world.goal])


def test_curves_have_their_names():
    fig, ramp = Figure(), np.linspace(0, 1, 5)
    draw_arrivals(fig, ramp, ramp / 2, ramp / 3)
    assert len(fig.axes[0].lines) == 3
    fig = Figure()
    draw_survival(fig, {"a": 1 - ramp, "b": 1 - ramp / 2}, "three users")
    assert [text.get_text() for text in fig.axes[0].get_legend().get_texts()] == ["a", "b"]


def test_errors_and_horizon():
    fig, one = Figure(), (np.ones(2), np.ones(2) / 2)
    draw_errors(fig, (3, 10), {"a": one, "b": one}, {"a": one, "b": one}, -0.6)
    assert [ax.get_title() for ax in fig.axes] == ["arrival gap (slots)", "nats per action"]
    fig = Figure()
    draw_horizon(fig, {"log D": (13.0, 14.0), "other": (37.0, 14.5)}, 14.3)
    assert [bar.get_width() for bar in fig.axes[0].patches] == [13.0, 37.0, 14.0, 14.5]
