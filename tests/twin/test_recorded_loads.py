"""Loads counted, recorded and forecast; the forecast as context of the features; a maker that reads it; bad input."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.event_attention import EventAttention, EventRule
from gdt_tutorial.loops.manager import campus_swipes, group_abstractor
from gdt_tutorial.physical.destinations import DestinationConfig
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.context import CONTEXT
from gdt_tutorial.twin.abstraction.load_forecast import AttentiveLoads, ForecastContext, LoadForecaster, fit_loads
from gdt_tutorial.twin.abstraction.loads import (
    RecordConfig,
    loads_seen,
    record_loads,
    six_access_points,
    users_per_ap,
)
from gdt_tutorial.twin.contracts import check_abstractor, check_maker
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.prepared_greedy import PreparedGreedy
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.status import true_status

SIX = six_access_points()
DAYS = RecordConfig(n_days=12, n_users=40, n_slots=40)
RECORDED = record_loads(SIX, DAYS, rng=stream(0, "days"))


def setting(seed=0):
    """Return a network with six access points, an abstractor of it, and what is seen after the reset."""
    walk = DestinationConfig(arrival_s=60.0)
    network = PhysicalNetwork.waterloo(
        2, NetworkConfig(n_users=20), mobility=walk, seed=seed, access_points=SIX.access_points
    )
    seen = Observation(statuses=(true_status(network.reset()),))
    return network, group_abstractor(network, campus_swipes(network)), seen


def test_users_are_counted():
    assert users_per_ap(np.array([[0, 2, 2], [1, 1, 1]]), 3).tolist() == [[1, 0, 2], [0, 3, 0]]


def test_everybody_is_somewhere():
    assert RECORDED.load.shape == (12, 40, 6)
    assert (RECORDED.load.sum(axis=2) == 40).all()
    assert (RECORDED.load.std(axis=(0, 1)) > 0).all()
    assert RECORDED.position_m.shape == (40, 40, 2)


def test_records_have_a_seed_pair():
    again, other = (record_loads(SIX, DAYS, rng=stream(seed, "days")).load for seed in (0, 1))
    assert (again == RECORDED.load).all()
    assert not (other == RECORDED.load).all()


def test_loads_seen_are_those_of_the_network():
    network, _, seen = setting()
    np.testing.assert_array_equal(loads_seen(seen)[:, -1], users_per_ap(network.serving_ap, 6))


@pytest.mark.parametrize("n_ahead", [1, 3])
def test_forecast_equals_the_autoregression_and_beats_the_last_value(n_ahead):
    fitted = fit_loads(RECORDED.load, n_ahead, n_lags=2)
    fresh = record_loads(SIX, DAYS, rng=stream(1, "days")).load
    slots = range(3, 40 - n_ahead)
    coming = np.stack([fitted.forecast(fresh[:, : slot + 1]) for slot in slots], axis=1)
    true, last = fresh[:, 3 + n_ahead :], fresh[:, 3 : 40 - n_ahead]
    assert ((coming - true) ** 2).mean() < 0.95 * ((last - true) ** 2).mean()
    # By hand: the newest slot first, around the mean, then the constant.
    row = np.concatenate([fresh[:, 9] - fitted.mean, fresh[:, 8] - fitted.mean, np.ones((12, 1))], axis=1)
    np.testing.assert_allclose(coming[:, 6], fitted.mean + row @ fitted.model.coefficient)


def test_forecast_of_one_slot_reads_it_as_always_so():
    fitted = fit_loads(RECORDED.load, 2, n_lags=3)
    one = RECORDED.load[:, :1]
    np.testing.assert_allclose(fitted.forecast(one), fitted.forecast(np.repeat(one, 5, axis=1)))


def attentive():
    """Return attention by hand as a forecaster."""
    model = EventAttention(EventRule(walk_slots=3, threshold=2.0))
    return AttentiveLoads(model, RECORDED.load.mean(axis=(0, 1)), 3.0)


@pytest.mark.parametrize("forecaster", [fit_loads(RECORDED.load, 2), attentive()])
def test_forecasts_fill_the_context(forecaster):
    assert isinstance(forecaster, LoadForecaster)
    _, plain, seen = setting()
    abstractor = ForecastContext(plain, forecaster)
    check_abstractor(abstractor, seen)
    context = abstractor.abstract(seen).context
    assert context.shape == (2, len(CONTEXT) + 12)
    np.testing.assert_array_equal(context[:, : len(CONTEXT)], plain.abstract(seen).context)
    np.testing.assert_array_equal(context[:, -12:-6], loads_seen(seen)[:, -1])
    np.testing.assert_allclose(context[:, -6:], np.maximum(forecaster.forecast(loads_seen(seen)), 0))


def test_attention_forecasts_the_next_slot():
    forecaster, load = attentive(), RECORDED.load
    rows = torch.from_numpy((load - forecaster.mean) / 3.0)
    whole = forecaster.mean + 3.0 * forecaster.model(rows).detach().numpy()
    np.testing.assert_allclose(forecaster.forecast(load[:, :20]), whole[:, 20])


def test_strength_zero_is_the_greedy_allocator():
    network, plain, seen = setting()
    features = ForecastContext(plain, fit_loads(RECORDED.load, 2)).abstract(seen)
    model = schedule_model(network)
    check_maker(PreparedGreedy(model), features, n_aps=6)
    greedy, still = (
        maker.decide(features, rng=stream(0)) for maker in (GreedyAllocator(model), PreparedGreedy(model, 0.0))
    )
    for name in ("version", "bandwidth_share", "segments"):
        np.testing.assert_array_equal(getattr(greedy, name), getattr(still, name))


def test_more_users_to_come_means_lower_versions():
    network, plain, seen = setting()
    narrow = schedule_model(network)
    narrow = replace(narrow, capacity=replace(narrow.capacity, bandwidth_hz=narrow.capacity.bandwidth_hz / 10))
    features = plain.abstract(seen)
    now = np.full((2, 6), 3.0)
    bits = {}
    for factor in (0.25, 4.0):
        told = replace(features, context=np.concatenate([features.context, now, factor * now], axis=1))
        decision = PreparedGreedy(narrow, 2.0).decide(told, rng=stream(0))
        bits[factor] = decision.version[features.n_members > 0].mean()
    assert bits[4.0] < bits[0.25]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="topology must have two access points or more, got 1"):
        one = Topology.waterloo(access_points=SIX.access_points[:1])
        record_loads(one, DAYS, rng=stream(0))
    with pytest.raises(ValueError, match=r"n_ahead must lie in \[1, 33\], got 34"):
        fit_loads(RECORDED.load, 34)
    with pytest.raises(ValueError, match="load must have 6 access points, got 2"):
        fit_loads(RECORDED.load).forecast(np.zeros((1, 3, 2)))
    network, plain, seen = setting()
    with pytest.raises(ValueError, match="strength must be at least 0, got -1"):
        PreparedGreedy(schedule_model(network), -1.0)
    with pytest.raises(ValueError, match="features must hold 12 loads at the end of its context, got 6"):
        PreparedGreedy(schedule_model(network)).decide(plain.abstract(seen), rng=stream(0))
