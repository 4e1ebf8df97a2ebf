"""The rule by hand against its own formulas and Bayes' rule, what training adds, what it may not see, bad input."""

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.autoregression import fit_autoregression
from gdt_tutorial.gai.event_attention import (
    EventAttention,
    EventRule,
    found_share,
    past_sum,
    route_gates,
    surprises,
    train_event_attention,
)
from gdt_tutorial.gai.series_networks import SeriesLstm, SeriesTransformer
from gdt_tutorial.learning import FitConfig
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.worlds.loads import LoadWorld, arrival_rmse

NEW = LoadWorld(rng=stream(0, "world"))
TRAIN, TEST = NEW.draw(100, rng=stream(0, "train")), NEW.draw(60, rng=stream(0, "test"))
RULE = EventAttention()


def tensor(days):
    """Return loads as a network takes them."""
    return torch.from_numpy(days.load).float()


@pytest.fixture(scope="module")
def trained():
    """Train on days with new routes."""
    return train_event_attention(
        tensor(TRAIN), config=FitConfig(n_epochs=10, batch_size=20, learning_rate=0.03), generator=torch_stream(0)
    )[0]


def test_surprise_by_hand():
    series = torch.tensor([[[2.0], [3.0], [1.0]]])
    torch.testing.assert_close(surprises(series, 0.5), torch.tensor([[[0.0], [2.0], [-0.5]]]))


def test_past_sum_leaves_out_the_slot_itself():
    left, right = (torch.randn(2, 5, 3, generator=torch_stream(0, name)) for name in ("left", "right"))
    expected = torch.einsum("bri,brj->bij", left[:, :3], right[:, :3])
    torch.testing.assert_close(past_sum(left, right)[:, 3], expected)
    assert (past_sum(left, right)[:, 0] == 0).all()


def test_forecast_by_hand():
    # One crowd of size 2 leaves the first of two places; there is only one way to go.
    series = torch.zeros(1, 20, 2)
    for slot in range(3, 20):
        series[0, slot, 0] = -2 * 0.9 ** (slot - 3)
    rule = EventRule(walk_slots=5)
    forecast = EventAttention(rule)(series)[0].detach()
    departure = 2 * torch.sigmoid(torch.tensor(8.0 * (2 - 1)))
    expected = torch.zeros(20)
    expected[8] = 0.45 * departure
    torch.testing.assert_close(forecast[:, 1], expected)
    torch.testing.assert_close(forecast[4:, 0], series[0, 4:, 0])


def test_gate_is_the_posterior_of_the_route():
    # One source, four places, Gaussian surprises: the softmax is Bayes' rule with decisiveness gain / variance.
    gain, noise, rng = 0.45, 0.6, stream(0, "posterior")
    key = np.array([2.0, 1.5, 3.0])
    value = noise * rng.standard_normal((3, 4))
    value[:, 2] += gain * key
    likelihood = [-((value - gain * key[:, None] * np.eye(4)[j]) ** 2).sum() / (2 * noise**2) for j in range(1, 4)]
    posterior = np.exp(likelihood - np.max(likelihood))
    score = torch.full((4, 4), 0.0)
    score[0] = torch.from_numpy(key @ value)
    gate = route_gates(gain / noise**2 * score)[0]
    np.testing.assert_allclose(gate, [0, *posterior / posterior.sum()], atol=1e-5)


def test_nothing_goes_to_where_it_left():
    gate = RULE.gates(tensor(TEST)).detach()
    assert (gate.diagonal(dim1=-2, dim2=-1) == 0).all()
    torch.testing.assert_close(gate.sum(dim=-1), torch.ones(gate.shape[:-1]))
    assert gate[:, 0].max(dim=-1).values == pytest.approx(0.2)


def test_forecast_and_gates_look_back_alone(trained):
    series = tensor(TEST)
    changed = series.clone()
    changed[:, 50:] += 1
    for model in (RULE, trained):
        torch.testing.assert_close(model(series)[:, :51], model(changed)[:, :51])
        torch.testing.assert_close(model.gates(series)[:, :51], model.gates(changed)[:, :51])


def test_training_starts_from_the_rule_and_adds_to_it(trained):
    rmse = {
        name: arrival_rmse(TEST, model(tensor(TEST)).detach().numpy())
        for name, model in (("rule", RULE), ("net", trained))
    }
    plain = arrival_rmse(TEST, fit_autoregression(TRAIN.load, TRAIN.load).forecast(TEST.load))
    assert rmse["net"] < 0.75 * rmse["rule"]
    assert rmse["rule"] < 0.9 * plain
    # It has found that people walk at different speeds.
    share = trained.spread.detach() / trained.spread.detach()[10:13].sum()
    np.testing.assert_allclose(share[10:13], [0.25, 0.5, 0.25], atol=0.06)
    assert trained.explaining.item() > 0.3


def test_gates_find_the_routes(trained):
    route = torch.from_numpy(TEST.route)
    assert found_share(RULE.gates(tensor(TEST))[:, 70], route) > 0.8
    assert found_share(trained.gates(tensor(TEST))[:, 70], route) > 0.85


def test_known_routes_are_better_than_found_ones(trained):
    known = trained(tensor(TEST), torch.from_numpy(TEST.gate).float()[:, None])
    found = trained(tensor(TEST))
    assert arrival_rmse(TEST, known.detach().numpy()) < arrival_rmse(TEST, found.detach().numpy())


@pytest.mark.parametrize("make", [SeriesLstm, SeriesTransformer])
def test_general_networks_start_as_the_plain_rule(make):
    model, series = make(6, generator=torch_stream(0)), tensor(TEST)
    torch.testing.assert_close(model(series)[:, 1:], 0.9 * series[:, :-1])
    with torch.no_grad():
        model.head.weight.normal_(generator=torch_stream(0))
        changed = series.clone()
        changed[:, 50:] += 1
        torch.testing.assert_close(model(series)[:, :51], model(changed)[:, :51])
        assert not torch.allclose(model(series)[:, 51], model(changed)[:, 51])


def test_weights_of_the_plain_transformer_are_causal():
    _, weights = SeriesTransformer(6, generator=torch_stream(0)).read(tensor(TEST))
    assert len(weights) == 2
    assert (weights[0].triu(1) == 0).all()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="walk_slots must be at most n_lags, 24, got 30"):
        EventRule(walk_slots=30)
    series = tensor(TRAIN)
    series[0, 0, 0] = torch.nan
    with pytest.raises(ValueError, match="series must be finite, got 'NaN or infinity'"):
        train_event_attention(series, generator=torch_stream(0))
