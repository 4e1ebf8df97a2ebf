"""Copies of swipes: distances by hand, copies of many views near the truth, splits, bad input."""

import numpy as np
import pytest

from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.recipes.swipe_imitation import (
    Views,
    copies_of,
    generated_views,
    hazard_counts,
    log_likelihood,
    split_users,
    wasserstein,
)

TWO = Views(np.array([0, 1]), np.array([0, 0]), np.array([0.2, 1.0]), 1)


def test_distance_by_hand():
    # Of two views one is swiped in the first half: survival 1, 1/2, 1/2. A copy that never swipes differs by 1/2 twice.
    assert wasserstein(np.zeros((1, 2)), TWO) == pytest.approx(0.5)
    assert wasserstein(np.array([[0.5, 0.0]]), TWO) == pytest.approx(0.0)


def test_likelihood_by_hand():
    # Three decisions: a swipe and a stay in the first half, a stay in the second.
    assert log_likelihood(np.array([[0.5, 0.25]]), TWO) == pytest.approx((2 * np.log(0.5) + np.log(0.75)) / 3)


def test_copies_of_many_views_are_near_the_counts():
    views = generated_views(300, 40, rng=stream(0, "views"))
    swipes, reached = hazard_counts(views, 10)
    for name, hazard in copies_of(views, generator=torch_stream(0)).items():
        assert wasserstein(hazard, views) < 0.03, name
        assert np.abs(hazard - swipes / reached).max() < 0.15, name


def test_users_are_split_and_no_view_is_lost():
    views = generated_views(20, 5, rng=stream(0, "views"))
    shown, judge = split_users(views, 5, rng=stream(0, "split"))
    assert len(np.unique(shown.user)) == 5
    assert not set(shown.user) & set(judge.user)
    assert len(shown.user) + len(judge.user) == len(views.user)
    again, _ = split_users(views, 5, rng=stream(0, "split"))
    other, _ = split_users(views, 5, rng=stream(1, "split"))
    assert set(again.user) == set(shown.user) != set(other.user)


def test_a_split_leaves_users_to_judge():
    with pytest.raises(ValueError, match=r"n_shown must lie in \[1, 1\], got 2"):
        split_users(TWO, 2, rng=stream(0))
