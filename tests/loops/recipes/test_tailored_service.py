"""Tailored service: gestures tell tastes as Bayes says, weights follow, and campuses are paired."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.loops.recipes.tailored_service import TailoredConfig, Tastes, run_tailored

SMALL = TailoredConfig(n_campuses=2, n_users=8, n_slots=6, n_first=2)


def learned(stalled, blurred, complained, **changes):
    tastes = Tastes(1, 1, 2, replace(SMALL, **changes))
    tastes.learn(np.array([[stalled]]), np.array([[blurred]]), np.array([[complained]]))
    return tastes.log_odds[0, 0]


def test_log_odds_are_those_of_bayes():
    assert learned(True, False, (True, False)) == pytest.approx(np.log(0.3 / 0.1))
    assert learned(True, False, (False, False)) == pytest.approx(np.log(0.7 / 0.9))
    assert learned(False, True, (False, True)) == pytest.approx(-np.log(0.3 / 0.1))
    assert learned(False, False, (False, False)) == 0.0


def test_weights_are_expected_factors_and_the_mean_user_is_the_books():
    tastes = Tastes(1, 2, 3, SMALL)
    alike = tastes.weights(np.full((1, 2), 0.5))
    assert alike.value == pytest.approx(np.ones((1, 2, 3)))
    assert alike.urgent == pytest.approx(np.ones((1, 2, 3)))
    sure = tastes.weights(np.array([[1.0, 0.0]]))
    assert sure.urgent[0, :, 0] == pytest.approx([1.8, 0.2])
    assert sure.value[0, :, 0] == pytest.approx([0.2, 1.8])


def test_gestures_tell_most_tastes():
    """Many slots with a stall: who complains in three of ten weighs latency, who complains in one of ten does not."""
    is_latency, tastes = np.arange(40)[None] < 20, Tastes(1, 40, 1, SMALL)
    rng = np.random.default_rng(0)
    for _ in range(60):
        complained = rng.random((1, 40, 2)) < np.where(is_latency, 0.3, 0.1)[..., None]
        tastes.learn(np.ones((1, 40), bool), np.zeros((1, 40), bool), complained)
    assert ((tastes.probability > 0.5) == is_latency).mean() > 0.9


def test_without_difference_all_ways_are_alike():
    same = replace(SMALL, strong=1.0)
    alike, known = (run_tailored(scheme, same, seed=0) for scheme in ("alike", "known"))
    np.testing.assert_allclose(alike.qoe, known.qoe)


def test_another_scheme_is_refused():
    with pytest.raises(ValueError, match="scheme must be one of"):
        run_tailored("guessed", SMALL, seed=0)


def test_slots_must_be_left():
    with pytest.raises(ValueError, match="n_slots must be above n_first = 9"):
        TailoredConfig(n_slots=9, n_first=9)
