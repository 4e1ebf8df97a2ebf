"""The study of a manager that reads the coming load, at a small size."""

import numpy as np

from gdt_tutorial.loops.recipes.forecast_in_the_loop import ForecastConfig, campus_forecaster, study

SMALL = ForecastConfig(n_campuses=2, n_users=20, n_slots=14, n_days=10)


def test_makers_meet_the_same_campuses():
    forecaster = campus_forecaster(SMALL, seed=1)
    found = study(forecaster, SMALL, seed=0)
    assert set(found.qoe) == {"unread", "forecast", "known"}
    assert all(np.isfinite(each).all() and each.shape == (2,) for each in found.qoe.values())
    assert found.rmse["forecast"] > 0
    again = study(forecaster, SMALL, seed=0)
    for name, values in found.qoe.items():
        np.testing.assert_array_equal(values, again.qoe[name])


def test_unread_forecasts_change_nothing():
    forecaster = campus_forecaster(SMALL, seed=1)
    found = study(forecaster, ForecastConfig(n_campuses=2, n_users=20, n_slots=14, n_days=10, strength=0.0), seed=0)
    np.testing.assert_array_equal(found.qoe["unread"], found.qoe["known"])
