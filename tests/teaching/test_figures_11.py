"""The figures of chapter 11 draw what they are given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from gdt_tutorial.loops.recipes.slicing_study import PERIODS, SlicingStudy
from gdt_tutorial.loops.slice_scheduling import Outcome
from gdt_tutorial.loops.slicing import SlicingConfig, partition
from gdt_tutorial.teaching.figures.chapter_11 import (
    draw_isolation,
    draw_partition,
    draw_periods,
    draw_policies,
    draw_queues,
    draw_shares,
)


def outcome(qoe, wait_s):
    days = np.array([-0.1, 0.0, 0.1])
    return Outcome(qoe + days, 0.01 + 0 * days, wait_s + days, 6e6 + days)


@pytest.fixture(scope="module")
def played():
    names = [f"{name}, {period}" for name in ("last value", "forecast", "known") for period in PERIODS]
    names += ["forecast, 5 + lending", "strict priority"]
    usual = {name: outcome(2.0 + 0.1 * place, 1.0 + place) for place, name in enumerate(names)}
    return SlicingStudy({"none": usual, "best effort": {name: outcome(1.5, 9.0) for name in names}})


def test_queues_lie_on_their_curves():
    fig = Figure()
    draw_queues(fig, {0.5: 2.0}, {0.5: 0.25})
    for ax, found in zip(fig.axes, (2.0, 0.25), strict=True):
        curve, points = ax.lines
        assert np.interp(0.5, *curve.get_data()) == pytest.approx(found, rel=0.01)
        assert points.get_ydata() == [found]


def test_a_partition_stands_on_its_guarantees():
    fig, guaranteed, config = Figure(), np.array([10e6, 4e6, 1e6]), SlicingConfig()
    share = partition(guaranteed, config.contract, config.capacity_bps)
    draw_partition(fig, guaranteed, share, config.contract, config.capacity_bps)
    bars = [bar.get_height() for bar in fig.axes[0].patches]
    np.testing.assert_allclose(np.add(bars[:3], bars[3:]).sum(), 40)
    assert [line.get_ydata()[0] for line in fig.axes[0].lines] == [10, 14, 5]


def test_each_service_has_a_panel_of_the_day():
    fig, demand = Figure(), np.arange(12.0).reshape(4, 3) * 1e6
    draw_shares(fig, demand, demand + 1e6, 40e6)
    assert [ax.get_title() for ax in fig.axes] == ["video", "best effort", "low latency"]
    np.testing.assert_allclose(fig.axes[1].lines[0].get_ydata(), [1, 4, 7, 10])


def test_periods_have_a_line_for_each_expectation(played):
    fig = Figure()
    draw_periods(fig, played)
    np.testing.assert_allclose(fig.axes[0].lines[0].get_ydata(), [1, 2, 3])
    assert fig.axes[0].get_legend_handles_labels()[1] == ["last value", "forecast", "oracle"]


def test_policies_are_filled_where_they_lend(played):
    fig, names = Figure(), {"forecast, 5": "slices", "forecast, 5 + lending": "lending", "strict priority": "priority"}
    draw_policies(fig, played, names)
    assert [line.get_markerfacecolor() == "none" for line in fig.axes[0].lines] == [True, False, True]
    assert [text.get_text() for text in fig.axes[0].texts] == list(names.values())


def test_isolation_has_a_bar_for_each_overload(played):
    fig = Figure()
    draw_isolation(fig, played, {"forecast, 5": "slices", "last value, 1": "last value"}, ["best effort"])
    np.testing.assert_allclose([bar.get_width() for bar in fig.axes[0].patches], [1.5 - 2.4, 1.5 - 2.0])
