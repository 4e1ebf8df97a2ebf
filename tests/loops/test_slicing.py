"""The slicing program against SLSQP and its conditions; forecasts; static shares; plans; bad input."""

import numpy as np
import pytest
from scipy.optimize import minimize

from gdt_tutorial.loops.slicing import (
    ForecastDemand,
    SeparateForecasts,
    SlicingConfig,
    contract_share,
    equal_share,
    follow_demand,
    guarantees,
    kkt_residual,
    known_demand,
    last_value,
    partition,
    proportional_share,
    repartition,
    season_of,
    slicing_plan,
)
from gdt_tutorial.physical.services import SERVICES, ServicesConfig, draw_days
from gdt_tutorial.seeding import stream

CONFIG = SlicingConfig()


@pytest.fixture(scope="module")
def recorded():
    return draw_days(range(20), ServicesConfig(minute_slots=20)).demand_bps()


@pytest.fixture(scope="module")
def demand():
    return draw_days(range(100, 103), ServicesConfig(minute_slots=20)).demand_bps()


def test_partition_equals_slsqp():
    rng = stream(0, "programs")
    for _ in range(10):
        guaranteed, weight = rng.uniform(0, 10, size=3), rng.uniform(1, 20, size=3)
        own = partition(guaranteed, weight, 40.0)
        found = minimize(
            lambda share: (weight / (share - guaranteed)).sum(),  # noqa: B023
            guaranteed + (40 - guaranteed.sum()) / 3,
            jac=lambda share: -weight / (share - guaranteed) ** 2,  # noqa: B023
            bounds=[(each + 1e-6, 40) for each in guaranteed],
            constraints={"type": "eq", "fun": lambda share: share.sum() - 40, "jac": np.ones_like},
            options={"ftol": 1e-14, "maxiter": 500},
        )
        assert found.success
        np.testing.assert_allclose(own, found.x, rtol=1e-4)
        assert (weight / (own - guaranteed)).sum() <= found.fun * (1 + 1e-12)


def test_partition_meets_the_conditions_of_an_optimum():
    rng = stream(1, "programs")
    guaranteed, weight = rng.uniform(0, 10, size=(50, 3)), np.array([10.0, 14.0, 5.0])
    share = partition(guaranteed, weight, 40.0)
    assert kkt_residual(share, guaranteed, weight, 40.0).max() < 1e-12
    assert kkt_residual(share + [[0.5, -0.5, 0.0]], guaranteed, weight, 40.0).min() > 0.01
    assert kkt_residual(share * 1.1, guaranteed, weight, 40.0).min() >= 0.1 - 1e-12
    np.testing.assert_allclose(partition(np.array([20.0, 15.0, 5.0]), weight, 40.0), [20, 15, 5])
    one = partition(guaranteed[0], weight, 40.0)
    assert kkt_residual(one, guaranteed[0], weight, 40.0) < 1e-12


def test_shares_fill_the_capacity_and_cover_the_guarantees(demand, recorded):
    shares = [repartition(demand, ForecastDemand(recorded), period, CONFIG) for period in (1, 5, 20, 7)]
    shares += [equal_share(demand), proportional_share(demand, recorded), contract_share(demand), follow_demand(demand)]
    for share in shares:
        np.testing.assert_allclose(share.sum(axis=-1), CONFIG.capacity_bps)
        assert (share > 0).all()
    known = repartition(demand, known_demand, 1)
    assert (known >= np.minimum(demand, CONFIG.contract)).all()


def test_a_partition_stays_for_its_period(demand):
    share = repartition(demand, last_value, 5)
    assert np.array_equal(share[:, 5:10], np.repeat(share[:, 5:6], 5, axis=1))
    assert not np.array_equal(share[:, 5], share[:, 10])
    expected = np.minimum(demand[:, 9], CONFIG.contract)
    np.testing.assert_array_equal(guarantees(demand, last_value, 5)[:, 12], expected)


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


def test_a_shout_moves_shares_without_contracts_and_no_guarantee_with_them(demand):
    loud = demand * [1.0, 4.0, 1.0]
    assert follow_demand(loud)[..., 0].mean() < 0.8 * follow_demand(demand)[..., 0].mean()
    quiet, shouted = (guarantees(each, last_value, 1) for each in (demand, loud))
    np.testing.assert_array_equal(quiet[..., [0, 2]], shouted[..., [0, 2]])
    assert shouted[..., 1].max() == CONFIG.contract[1]


def test_a_plan_holds_the_shares():
    share = np.array([[20e6, 15e6, 5e6], [10e6, 10e6, 20e6]])
    plan = slicing_plan(share, 40e6)
    assert [each.name for each in plan.slices] == list(SERVICES)
    assert plan["video"].bandwidth_share.tolist() == [0.5, 0.25]
    assert plan["low latency"].cache_share.tolist() == [0.125, 0.5]


def test_bad_input_is_refused(demand, recorded):
    with pytest.raises(ValueError, match=r"contract_bps must sum to at most capacity_bps = 4e\+07, got .*; promise"):
        SlicingConfig(contract_bps=(20e6, 20e6, 5e6))
    with pytest.raises(ValueError, match="contract_bps must hold 3 contracts, got 2; give one"):
        SlicingConfig(contract_bps=(20e6, 10e6))
    with pytest.raises(ValueError, match=r"guaranteed_bps must sum to at most capacity_bps = 4, got 5.0; cap each"):
        partition(np.array([2.0, 3.0]), np.ones(2), 4.0)
    with pytest.raises(ValueError, match=r"weight must be above 0, got \[1.0, 0.0\]; leave out"):
        partition(np.array([2.0, 1.0]), np.array([1.0, 0.0]), 4.0)
    with pytest.raises(ValueError, match="period_minutes must be above 0, got 0; 1 is the shortest"):
        repartition(demand, last_value, 0)
    with pytest.raises(ValueError, match="n_minutes must be at most n_ahead = 2, got 3; fit it for more"):
        ForecastDemand(recorded, n_ahead=2)(demand, 5, 3)
