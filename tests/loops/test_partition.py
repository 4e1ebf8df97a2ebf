"""The slicing program against SLSQP and its conditions; static shares; plans; bad input."""

import numpy as np
import pytest
from scipy.optimize import minimize

from gdt_tutorial.loops.demand_forecasts import ForecastDemand, known_demand, last_value
from gdt_tutorial.loops.slicing import (
    SlicingConfig,
    contract_share,
    equal_share,
    follow_demand,
    guarantees,
    kkt_residual,
    partition,
    proportional_share,
    repartition,
    slicing_plan,
)
from gdt_tutorial.physical.services import SERVICES
from gdt_tutorial.seeding import stream

CONFIG = SlicingConfig()


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


def test_bad_input_is_refused(demand):
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
