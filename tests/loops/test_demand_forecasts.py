"""What the controller expects: nothing reads what comes, forecasts beat plain ones, services stay apart; bad input."""

import numpy as np
import pytest

from gdt_tutorial.loops.demand_forecasts import ForecastDemand, SeparateForecasts, last_value, season_of


@pytest.mark.parametrize("make", [ForecastDemand, SeparateForecasts])
def test_no_forecast_reads_what_comes(make, demand, recorded):
    expect, changed = make(recorded), demand.copy()
    changed[:, 50:] += 1e6
    for minute, n_minutes in ((0, 20), (3, 5), (50, 20), (238, 2)):
        ours = expect(demand, minute, n_minutes)
        assert ours.shape == (3, n_minutes, 3)
        assert (ours >= 0).all()
        if minute <= 50:
            np.testing.assert_array_equal(ours, expect(changed, minute, n_minutes))
            np.testing.assert_array_equal(last_value(demand, minute, 5), last_value(changed, minute, 5))
    assert not np.array_equal(expect(demand, 51, 5), expect(changed, 51, 5))


def test_a_forecast_is_better_than_the_last_value_far_ahead(demand, recorded):
    errors = {}
    for name, expect in (("last", last_value), ("forecast", ForecastDemand(recorded))):
        far = [expect(demand, minute, 10)[:, -1] - demand[:, minute + 9] for minute in range(10, 230)]
        errors[name] = np.sqrt(np.mean(np.square(far), axis=(0, 1)))
    assert (errors["forecast"] < 0.8 * errors["last"])[:2].all()


def test_a_forecast_is_better_than_the_season_one_minute_ahead(demand, recorded):
    errors = [
        np.mean([(expect(demand, minute, 1)[:, 0] - demand[:, minute]) ** 2 for minute in range(10, 240)], axis=(0, 1))
        for expect in (ForecastDemand(recorded), season_of(recorded))
    ]
    assert (errors[0] < errors[1]).all()
    assert errors[0][0] < 0.5 * errors[1][0]


def test_separate_forecasts_keep_services_apart(demand, recorded):
    loud = demand * [1.0, 4.0, 1.0]
    ours, joint = SeparateForecasts(recorded), ForecastDemand(recorded)
    np.testing.assert_array_equal(ours(demand, 60, 5)[..., [0, 2]], ours(loud, 60, 5)[..., [0, 2]])
    assert not np.allclose(joint(demand, 60, 5)[..., 0], joint(loud, 60, 5)[..., 0], rtol=0.01)


def test_more_minutes_than_fitted_are_refused(demand, recorded):
    with pytest.raises(ValueError, match="n_minutes must be at most n_ahead = 2, got 3; fit it for more"):
        ForecastDemand(recorded, n_ahead=2)(demand, 5, 3)
