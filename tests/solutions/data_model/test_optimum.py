from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from gdt_tutorial.physical.decision_checks import check_decision
from gdt_tutorial.physical.streaming import StreamState
from gdt_tutorial.solutions.data_model.baselines import EqualSplit, GreedyByGain, GreedyByGainPerCost
from gdt_tutorial.solutions.data_model.optimum import slot_optimum
from gdt_tutorial.solutions.data_model.scheduling import SlsqpScheduler
from tests.solutions.data_model.schedules import promise_of, slots_of, tiny_slot, versions_of, without


def best_by_trial(features, model, versions, version_cost):
    """Try all versions of all SMGs and all subsets of their items."""
    subsets = np.array(list(product([0, 1], repeat=features.value_s[0].size)))
    best = -np.inf
    for version in versions:
        version = np.array([version])
        radio, cycles = (cost.ravel() for cost in model.cost(features, version))
        is_feasible = (subsets @ radio <= 1) & (subsets @ cycles <= 1)
        own = np.take_along_axis(version_cost, version[..., None], axis=-1).sum()
        best = max(best, (subsets[is_feasible] @ model.gain(features, version).ravel()).max() - own)
    return best


@pytest.mark.parametrize("seed", range(8))
class TestAgainstTrial:
    def test_given_versions(self, seed):
        features, model = tiny_slot(seed, 2, 4)
        version = versions_of(features, model, seed)
        expected = best_by_trial(features, model, [version[0]], np.zeros((1, 2, 2)))
        assert slot_optimum(features, model, version).promise[0, 0] == pytest.approx(expected)

    def test_free_versions(self, seed):
        features, model = tiny_slot(seed, 2, 4)
        expected = best_by_trial(features, model, product([0, 1], repeat=2), np.zeros((1, 2, 2)))
        assert slot_optimum(features, model).promise[0, 0] == pytest.approx(expected)

    def test_versions_that_cost_something(self, seed):
        features, model = tiny_slot(seed, 2, 4)
        cost = np.array([[[0.0, 2.0], [1.0, 0.0]]])
        expected = best_by_trial(features, model, product([0, 1], repeat=2), cost)
        found = slot_optimum(features, model, version_cost=cost)
        own = np.take_along_axis(cost, found.version[..., None], axis=-1).sum()
        assert found.promise[0, 0] == pytest.approx(expected)
        assert promise_of(found.decision, features, model)[0, 0] - own == pytest.approx(expected)


@pytest.fixture(scope="module")
def slots():
    return slots_of(4e9, n_slots=3)


def test_the_network_takes_the_optimum_and_it_is_worth_what_it_says(slots):
    net, model, trajectory = slots
    for telemetry, features in trajectory:
        optimum = slot_optimum(features, model, relative_gap=1e-3)
        check_decision(optimum.decision, StreamState.from_session(telemetry.session, 1.0), 2, net.catalog)
        np.testing.assert_allclose(promise_of(optimum.decision, features, model), optimum.promise, rtol=1e-6)


def test_no_scheduler_beats_it_and_the_order_of_the_schedulers(slots):
    _, model, trajectory = slots
    schedulers = [SlsqpScheduler(model), GreedyByGainPerCost(model), GreedyByGain(model), EqualSplit(model)]
    shares = []
    for _, features in trajectory:
        version = versions_of(features, model)
        best = slot_optimum(features, model, version).promise
        promise = np.stack([promise_of(each.schedule(features, version), features, model) for each in schedulers])
        assert (promise <= best * (1 + 1e-6)).all()
        shares.append(promise / best)
    slsqp, per_cost, by_gain, equal = np.mean(shares, axis=(0, 2, 3))
    assert slsqp > 0.985
    assert slsqp >= per_cost >= by_gain >= equal


def test_free_versions_are_worth_at_least_as_much(slots):
    _, model, trajectory = slots
    features = trajectory[-1][1]
    given, free = slot_optimum(features, model, versions_of(features, model)), slot_optimum(features, model)
    assert (free.promise >= given.promise - 1e-6).all()


@pytest.mark.parametrize("resource", ["bandwidth_hz", "computing_cycles_per_s"])
def test_a_slice_that_holds_nothing_is_worth_nothing(slots, resource):
    _, model, trajectory = slots
    optimum = slot_optimum(trajectory[-1][1], without(model, resource))
    assert not optimum.promise.any()
    assert not optimum.is_taken.any()


def test_an_access_point_without_anybody_is_worth_nothing():
    features, model = tiny_slot(0)
    assert slot_optimum(features, model).promise[0, 1] == 0
    assert (
        slot_optimum(replace(features, value_s=0 * features.value_s, urgent_s=0 * features.urgent_s), model).promise[
            0, 0
        ]
        == 0
    )


def test_a_search_that_takes_too_long_says_so(slots):
    _, model, trajectory = slots
    with pytest.raises(ValueError, match="time_limit_s must be enough to solve the slot, got 0.0; raise it"):
        slot_optimum(trajectory[-1][1], model, time_limit_s=0.0)
