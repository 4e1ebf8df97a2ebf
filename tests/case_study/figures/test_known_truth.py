"""Curves, descriptions of users and numbers of groups are measured where the truth is known."""

import numpy as np
import pytest

from gdt_tutorial.case_study.figures.known_truth import (
    classes_found,
    count_rivals,
    counts_chosen,
    crowd_of,
    curve_errors,
    gains_by_count,
    known_curves,
    planted_crowds,
    whole_status,
)
from gdt_tutorial.case_study.groups.grouping import BySilhouette
from gdt_tutorial.case_study.groups.planted import planted_views
from gdt_tutorial.case_study.groups.windows import last_slot, view_windows
from gdt_tutorial.physical.swipes import SwipeGeneratorConfig
from gdt_tutorial.seeding import stream

RNG = "known truth"


def test_known_curves_are_what_many_views_show():
    config = SwipeGeneratorConfig()
    user_class, kind, fraction = planted_views(config, 200, 400, rng=stream(0, RNG))
    curve = known_curves(config, n_bins=20)
    for one, video_type in np.ndindex(curve.shape[:2]):
        seen = fraction[(user_class[..., None] == one) & (kind == video_type)]
        assert abs((seen < 0.5).mean() - curve[one, video_type, 10]) < 0.03
    assert (np.diff(curve, axis=-1) >= 0).all()


def test_more_views_and_a_prior_make_better_curves():
    error, impossible = curve_errors((3, 60), (0.0, 20.0, 1e9), n_crowds=4, rng=stream(0, RNG))
    alone, shrunk, pooled = error.mean(axis=-1)
    assert shrunk[0] < alone[0]
    assert shrunk[1] < 0.5 * shrunk[0]
    assert abs(pooled[1] - pooled[0]) < 0.02  # everybody's curve is wrong, whatever the views
    assert impossible[0, 0].mean() > 0.2
    assert impossible[1:].max() == 0


def test_all_descriptions_meet_the_same_crowds():
    encoders = {"plain": last_slot, "again": last_slot, "nothing": lambda window: last_slot(window)[:, ::-1]}
    found = classes_found(encoders, (20, 80), n_users=30, n_crowds=4, rng=stream(0, RNG))
    assert list(found) == ["plain", "again", "nothing", "whole status"]
    np.testing.assert_array_equal(found["plain"], found["again"])
    assert found["plain"][1].mean() > found["plain"][0].mean()
    assert found["nothing"].mean() < 0.2  # other users' descriptions
    assert found["whole status"][1].mean() < found["plain"][1].mean()


def test_the_whole_status_holds_the_swipes_and_more():
    _, *views = planted_views(SwipeGeneratorConfig(), 12, 30, rng=stream(0, RNG))
    point = whole_status(*views, rng=stream(0, "walk"))
    swipes = last_slot(view_windows(*views))
    np.testing.assert_allclose(point[..., : swipes.shape[-1]], swipes)
    assert point.shape[-1] == swipes.shape[-1] + 1 + 2 + 4  # SNR, position, taste


def test_the_exhaustive_search_gives_nothing_away():
    crowds = planted_crowds((2, 4), n_users=30, n_views=60, n_crowds=2, rng=stream(0, RNG))
    counted = counts_chosen(count_rivals(BySilhouette()), last_slot, crowds, rng=stream(0, "start"))
    assert counted.regret_percent("exhaustive") == 0
    assert min(counted.regret_percent(name) for name in counted.saving) >= 0
    np.testing.assert_array_equal(counted.chosen["double DQN"], counted.chosen["silhouette"])  # the one that was passed
    assert (counted.chosen["always 5"] == 5).all()
    assert counted.within_one_percent("always 3", (2, 4)) == 100
    assert counted.within_one_percent("always 8", (2, 4)) == 0


def test_a_crowd_keeps_the_views_behind_its_points():
    _, *views = planted_views(SwipeGeneratorConfig(), 20, 40, rng=stream(0, RNG))
    watched = crowd_of(last_slot, *views, rng=stream(0, "start"))
    np.testing.assert_array_equal(watched.crowd.point, last_slot(view_windows(*views))[0])
    assert watched.regret(watched.best()) == 0


@pytest.mark.slow
def test_large_crowds_can_pay_for_more_groups():
    gains = gains_by_count(last_slot, (60, 480), (2, 4), n_users_in_all=2400, rng=stream(0, RNG))
    assert {size: part.shape for size, part in gains.items()} == {60: (40, 2), 480: (5, 2)}
    assert gains[60][:, 1].mean() < gains[60][:, 0].mean()
    assert gains[480][:, 1].mean() > gains[480][:, 0].mean()


def test_small_crowds_are_drawn_more_often():
    gains = gains_by_count(last_slot, (10, 20), (2, 3), n_views=10, n_users_in_all=40, rng=stream(0, RNG))
    assert {size: part.shape for size, part in gains.items()} == {10: (4, 2), 20: (2, 2)}
