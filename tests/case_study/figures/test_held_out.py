"""Groups are judged on views that have not formed them."""

import numpy as np
import pytest

from gdt_tutorial.case_study.figures.fig4 import generated_views, halve, likelihood_gain, widest_pair
from gdt_tutorial.case_study.figures.held_out import (
    curve_draws,
    curves_of,
    gain_of_own_curves,
    gaps_by_type,
    held_out,
    nothing_to_find,
    percent_interval,
    rivals,
    widest_gap,
)
from gdt_tutorial.case_study.groups.grouping import FixedCount, Grouper
from gdt_tutorial.case_study.groups.windows import last_slot
from gdt_tutorial.seeding import stream

TWO = Grouper(encoder=last_slot, chooser=FixedCount(n_groups=2))


@pytest.fixture(scope="module")
def views():
    return generated_views(40, 60, rng=stream(0, "held out"))


@pytest.fixture(scope="module")
def halves(views):
    return halve(views, rng=stream(0, "halves"))


@pytest.fixture(scope="module")
def group(halves):
    return TWO.group_users(halves[0].view_type, halves[0].view_fraction, rng=stream(0, "groups"))


def test_curves_are_as_many_as_groups_and_types(halves, group):
    curve = curves_of(group, halves[1])
    assert curve.shape == (2, 4, 21)
    draws = curve_draws(group, halves[1], 50, rng=stream(0, "draws"))
    assert draws.shape == (50, *curve.shape)
    assert np.abs(draws.mean(axis=0) - curve).max() < 0.1


def test_a_gap_has_the_place_and_the_sign_that_the_first_half_chose():
    first = np.array([[[0.0, 0.1, 0.5, 0.6]], [[0.0, 0.1, 0.2, 0.4]]]).repeat(10, axis=-1)[..., ::2]
    second = first[::-1]  # on unseen views the groups have changed places
    (gap,) = gaps_by_type(first, second)
    assert gap.same == pytest.approx(0.3)
    assert gap.fresh == pytest.approx(-0.3)
    assert gap.early == 0
    assert gap.late == 10


def test_the_widest_gap_is_that_of_the_pair_that_the_figure_shows(halves, group):
    first, second = (curves_of(group, part) for part in halves)
    gap, pair = widest_gap(first, second), widest_pair(first)
    assert (gap.one, gap.other, gap.video_type, gap.late) == tuple(pair)
    assert len(gaps_by_type(first, second)) == 4


def test_held_out_judges_all_rivals_on_the_same_splits(views):
    study = held_out(views, TWO, n_splits=2, rng=stream(0, "splits"))
    assert set(study.gain) == {*rivals(TWO), "groups by taste", "one curve per user"}
    np.testing.assert_allclose(study.gain["double DQN"], study.gain["2 groups"])  # both are always two
    np.testing.assert_allclose(study.gain["double DQN"], study.gain["2, plain statistics"])
    assert study.gain["double DQN"].mean() > study.gain["groups by taste"].mean()
    assert (study.n_groups == 2).all()
    assert study.gap("fresh").shape == (2, 4)
    assert (study.gap_shown("early") <= study.gap("early").max(axis=1)).all()
    again = held_out(views, TWO, n_splits=2, rng=stream(0, "splits"))
    np.testing.assert_array_equal(study.gain["8 groups"], again.gain["8 groups"])


def test_the_gain_of_everybody_alike_is_nothing(halves):
    first, second = halves
    everybody = np.zeros((1, 40), dtype=int)
    np.testing.assert_allclose(likelihood_gain(everybody, first, second), 0)
    assert gain_of_own_curves(first, second).shape == (40,)


def test_where_there_is_nothing_to_find_the_gap_is_luck():
    found = nothing_to_find(TWO, n_users=30, n_crowds=8, rng=stream(0, "alike"))
    assert found.same.min() > 0.05
    assert abs(found.fresh.mean()) < 0.5 * found.same.mean()
    assert found.saving.max() < 0


def test_nats_are_written_as_percent():
    more, low, high = percent_interval(np.array([0.1, 0.1, 0.1]))
    assert more == pytest.approx(10.517, abs=1e-3)
    assert low == pytest.approx(more)
    assert high == pytest.approx(more)
    assert percent_interval(np.array([0.0, 0.2]))[1] < 0
