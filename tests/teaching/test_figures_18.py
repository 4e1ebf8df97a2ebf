"""The figures of chapter 18 draw what they are given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from gdt_tutorial.case_study.figures.slot_decisions import Offers, record_slots
from gdt_tutorial.case_study.learning.training import myopic_search, swipe_aware_lists
from gdt_tutorial.teaching.figures.chapter_18 import (
    asked_at,
    draw_buffers,
    draw_chances,
    draw_prices,
    draw_replays,
    draw_schedules,
)
from tests.case_study.campuses import greedy, small_campuses


@pytest.fixture
def fig():
    return Figure(figsize=(6.3, 4.4), layout="constrained")


def offers():
    """Three groups with one segment each: the worked example of the chapter."""
    gain = np.array([[6, 9], [4, 5], [2.4, 3.2]])[..., None]
    cycles = np.array([[0.2, 0.5]] * 3)[..., None]
    return Offers(np.arange(3), gain, 0 * cycles, cycles, np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("price", "versions", "load"), [(0.0, [1, 1, 1], 1.5), (3.0, [1, 1, 0], 1.2), (4, [1, 0, 0], 0.9)]
)
def test_asked_at_a_price_is_the_example_on_paper(price, versions, load):
    version, computing, band = asked_at(offers(), float(price))
    assert list(version) == versions
    assert computing.sum() == pytest.approx(load)
    assert band.sum() == 0


def test_a_group_that_buys_nothing_is_named(fig):
    draw_prices(fig, offers(), 25.0, lowest_price=1.0)
    said = [text.get_text() for text in fig.axes[0].texts]
    assert said == ["version 1" if price > 25 else "nothing" for price in (30, 20, 12)]
    assert fig.axes[0].get_xlim()[1] > 50  # the axis of the lowest price


def test_bars_and_legend_have_one_order(fig):
    lost = {3: {"SLSQP": [0.1], "equal split": [20.0]}, 12: {"SLSQP": [0.2], "equal split": [22.0]}}
    draw_schedules(fig, lost)
    ax = fig.axes[0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["3 Gcycle/s", "12 Gcycle/s"]
    first, second = (container.patches[0].get_y() for container in ax.containers)
    assert ax.yaxis_inverted()
    assert first < second


def test_buffers_are_those_of_the_group(fig):
    campuses = small_campuses(seed=4)
    moments = record_slots(campuses, swipe_aware_lists(campuses), myopic_search(campuses), greedy(campuses), 4)
    moment = moments[-1]
    group = int(moment.session.group[0, 0])
    draw_buffers(fig, moment, campuses.network.catalog, group)
    rows = fig.axes[0].get_yticklabels()
    assert len(rows) == int((moment.features.group[0] == group).sum())


def test_the_other_two_draw(fig):
    chance = np.linspace(1, 0, 11)
    left, right = fig, Figure(layout="constrained")
    draw_chances(left, [chance, chance / 2], [chance, chance])
    worth = np.linspace(-1, 1, 50)
    draw_replays(right, 5 * worth, worth, worth / 2)
    assert [ax.get_title(loc="left") or ax.get_title() for ax in left.axes] == ["swipe-aware", "sequential"]
