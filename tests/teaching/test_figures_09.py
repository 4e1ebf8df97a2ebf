"""The figures of chapter 09 draw what they are given."""

import numpy as np
from matplotlib.figure import Figure

from gdt_tutorial.loops.recipes.collection_timeline import Timeline
from gdt_tutorial.teaching.figures.chapter_09 import (
    Round,
    draw_entropies,
    draw_frontier,
    draw_learning,
    draw_message_cost,
    draw_round,
    draw_timeline,
)


def test_a_round_counts_ages_and_draws_errors_ten_times_as_large():
    fig, place_m = Figure(), np.array([[0.0, 0.0], [10.0, 10.0]])
    each = Round(place_m, place_m + [[0.0, 0.0], [1.0, 0.0]], np.array([0, 9]), np.array([0, 2]))
    draw_round(fig, each, np.array([[5.0, 5.0]]), np.array([[0.0, 0.0], [20.0, 20.0]]))
    left, right = fig.axes
    np.testing.assert_allclose(left.lines[1].get_xydata(), [[10.0, 10.0], [20.0, 10.0]])
    assert [bar.get_height() for bar in right.patches] == [1, 0, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0]


def test_entropies_have_a_line_for_each_half_and_mode():
    fig = Figure()
    lines = {(half, mode): np.arange(3.0) for half in ("SNR", "position") for mode in ("walks", "stands")}
    draw_entropies(fig, lines, lines)
    assert [len(ax.lines) for ax in fig.axes] == [4, 4]


def test_frontier_has_fixed_periods_and_the_scheme():
    fig, line = Figure(), np.array([4.0, 2.0, 1.0])
    columns = {"networking_byte": 2 * line, "behavior_byte": 3 * line, "snr_db": line[::-1], "position_m": line[::-1]}
    draw_frontier(fig, {"fixed": columns, "hold last": columns, "mine": columns}, "mine")
    for ax, factor in zip(fig.axes, (2, 3), strict=True):
        assert [each.get_label() for each in ax.lines][2] == "mine"
        np.testing.assert_array_equal(ax.lines[0].get_xdata(), factor * line)


def test_messages_stand_on_reports():
    fig = Figure()
    draw_message_cost(fig, [10.0, 5.0], [20.0, 8.0], [18.0, 9.0], ["a", "b"])
    (ax,) = fig.axes
    assert [bar.get_height() for bar in ax.patches] == [10.0, 5.0, 20.0, 8.0]
    assert ax.patches[2].get_y() == 10.0


def test_timeline_marks_reports():
    fig, n_slots = Figure(), 5
    came, number, period = np.array([True, False, False, True, False]), np.arange(5.0), np.ones(5, dtype=np.int64)
    line = Timeline(
        is_walking=came, is_networking_collected=~came, is_behavior_collected=came,
        position_error_m=number, snr_error_db=number, networking_entropy_nat=number, behavior_entropy_nat=number,
        networking_period_slots=period, behavior_period_slots=period,
    )  # fmt: skip
    draw_timeline(fig, line, 0.4)
    np.testing.assert_array_equal(fig.axes[0].lines[0].get_xdata(), [0, 3])
    assert fig.axes[2].get_xlim()[1] >= n_slots - 1


def test_learning_is_a_running_mean():
    fig, lines = Figure(), {name: np.full(20, 2.0) for name in "abcd"}
    draw_learning(fig, lines, lines)
    np.testing.assert_allclose(fig.axes[0].lines[0].get_ydata(), 2.0)
