"""Reverse water-filling: equal variances, two by hand, a numeric optimum, and what no code can reach."""

import numpy as np
import pytest
from scipy.optimize import minimize

from gdt_tutorial.gai.rate_distortion import reverse_water_filling, water_level

SPREAD = np.array([9.0, 4.0, 1.0, 0.25, 0.0])


def test_equal_variances_have_the_closed_form():
    # n equal variances v share the loss D: each is coded with log(v / (D / n)) / 2.
    found = reverse_water_filling(np.full(4, 2.0), 1.0)
    assert found.rate_nats == pytest.approx(4 * np.log(2.0 / 0.25) / 2)
    assert (found.level, found.n_coded) == (pytest.approx(0.25), 4)


def test_two_variances_by_hand():
    # 4 and 1, loss 2.5: the level is 1.5, the second is not coded, the first with log(4 / 1.5) / 2 = .49 nats.
    found = reverse_water_filling(np.array([1.0, 4.0]), 2.5)
    assert (found.level, found.n_coded) == (pytest.approx(1.5), 1)
    assert found.rate_nats == pytest.approx(np.log(4 / 1.5) / 2)


@pytest.mark.parametrize("distortion", [0.01, 0.5, 1.1, 3.0, 10.0, 14.0])
def test_no_division_of_the_loss_needs_less(distortion):
    coded = SPREAD[SPREAD > 0]

    def rate(each):
        return np.log(coded / each).sum() / 2

    total = {"type": "eq", "fun": lambda each: (each.sum() - distortion) / distortion}
    start = coded * distortion / coded.sum()
    bounds = [(1e-9, v) for v in coded]
    best = minimize(rate, start, bounds=bounds, constraints=total, options={"maxiter": 500, "ftol": 1e-12})
    found = reverse_water_filling(SPREAD, distortion)
    assert found.rate_nats == pytest.approx(best.fun, abs=1e-4)
    assert found.distortion == pytest.approx(distortion)


def test_level_and_loss_are_two_names_of_one_point():
    for level in (0.1, 0.25, 2.0, 8.0):
        point = water_level(SPREAD, level)
        again = reverse_water_filling(SPREAD, point.distortion)
        assert (again.level, again.rate_nats) == (pytest.approx(level), pytest.approx(point.rate_nats))


def test_a_loss_of_everything_needs_nothing():
    for distortion in (SPREAD.sum(), 100.0):
        found = reverse_water_filling(SPREAD, distortion)
        assert (found.rate_nats, found.n_coded, found.distortion) == (0.0, 0, SPREAD.sum())
        assert found.level == SPREAD.max()


def test_an_exact_copy_is_refused():
    with pytest.raises(ValueError, match=r"distortion must be above 0, got 0"):
        reverse_water_filling(SPREAD, 0.0)
    with pytest.raises(ValueError, match=r"level must be above 0, got 0"):
        water_level(SPREAD, 0.0)


@pytest.mark.parametrize("variance", [[-1.0, 2.0], [np.nan, 1.0], [np.inf], []])
def test_variances_are_finite_and_not_negative(variance):
    with pytest.raises(ValueError, match="variance must hold finite numbers of at least 0"):
        reverse_water_filling(np.array(variance), 1.0)
    with pytest.raises(ValueError, match="variance must hold finite numbers of at least 0"):
        water_level(np.array(variance), 1.0)
