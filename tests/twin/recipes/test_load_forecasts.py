"""The forecasts of the worlds of loads, and of recorded loads, at a small size: who wins where."""

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.series_networks import SeriesLstm
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.loads import RecordConfig, record_loads, six_access_points
from gdt_tutorial.twin.recipes.load_forecasts import (
    ForecastStudyConfig,
    general_network,
    rmse_in_worlds,
    tensor_of,
    trained_attention,
    with_events,
)
from gdt_tutorial.twin.recipes.recorded_loads import recorded_scores
from gdt_tutorial.worlds.loads import LoadWorld, arrival_rmse

SMALL = ForecastStudyConfig(n_train=80, n_test=40, n_attention=60, n_epochs=6, n_updates=40)


@pytest.fixture(scope="module")
def scores():
    """Score everything in two worlds."""
    attention = trained_attention(SMALL, seed=0)
    return rmse_in_worlds(attention, {"fixed": 1, "new": None}, SMALL, {"LSTM": SeriesLstm}, seed=0)


def test_attention_wins_where_routes_are_new(scores):
    new = scores["new"]
    plain = min(new[name] for name in ("last value", "autoregression", "autoregression on events", "LSTM"))
    assert new["attention, trained"] < 0.8 * plain
    assert new["attention, trained"] < 0.8 * new["attention by hand"]
    assert new["known routes"] < new["attention, trained"]


def test_an_autoregression_that_sees_events_wins_where_routes_are_fixed(scores):
    fixed = scores["fixed"]
    assert fixed["autoregression on events"] < fixed["attention, trained"]
    assert fixed["autoregression"] < fixed["attention by hand"]


def test_events_stand_beside_the_loads():
    days = LoadWorld(rng=stream(0, "world")).draw(3, rng=stream(0, "days"))
    events = with_events(days)
    assert events.shape == (3, 96, 12)
    np.testing.assert_array_equal(events[..., :6], days.load)
    # Crowds that leave alone are found, up to noise.
    is_alone = (days.departure > 2) & (days.arrival == 0)
    assert np.abs(events[..., 6:] - days.departure)[is_alone].mean() < 0.4


def test_a_general_network_learns():
    days = LoadWorld(1, rng=stream(0, "world")).draw(60, rng=stream(0, "days"))
    model = general_network(SeriesLstm, days, SMALL, seed=0)
    with torch.no_grad():
        found = arrival_rmse(days, model(tensor_of(days)).numpy())
    before = np.concatenate([np.zeros((60, 1, 6)), 0.9 * days.load[:, :-1]], axis=1)
    assert found < arrival_rmse(days, before)


def test_recorded_loads_are_the_autoregressions():
    topology, config = six_access_points(), RecordConfig(n_days=40, n_users=60)
    train, test = (record_loads(topology, config, rng=stream(0, name)).load for name in ("train", "test"))
    found = recorded_scores(train, test, 3, seed=0)
    mean = {name: each.mean() for name, each in found.rmse.items()}
    assert all(each.shape == (40,) for each in found.rmse.values())
    assert min(mean, key=mean.get) == "autoregression"
    np.testing.assert_allclose(found.gate.sum(axis=1), 1, atol=1e-5)
