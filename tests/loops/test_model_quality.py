"""Quality of shipped networks: better than their starts, the same in half precision, and bad input."""

import pytest
import torch

from gdt_tutorial.loops.recipes.model_quality import SCORED, FreshData, quality, untrained, with_rounded_weights
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.model_zoo import twin_models

NETWORKS = {model.name: model.make().network for model in twin_models() if model.name in SCORED}


@pytest.fixture(scope="module")
def data():
    return FreshData.draw(8, 300, 40, rng=stream(9, "zoo"))


@pytest.fixture(scope="module")
def scores(data):
    return {name: quality(name, network, data) for name, network in NETWORKS.items()}


def test_every_scored_network_is_in_the_zoo():
    assert set(NETWORKS) == set(SCORED)


@pytest.mark.parametrize(("name", "measure"), [("status encoder", "mse"), ("walk LSTM", "rms_m")])
def test_training_lowers_the_error(name, measure, data, scores):
    assert scores[name][measure] < quality(name, untrained(name, NETWORKS[name]), data)[measure]


def test_training_teaches_to_read(data, scores):
    start = quality("intent reader", untrained("intent reader", NETWORKS["intent reader"]), data)
    assert scores["intent reader"]["exact"] > 0.8 > start["exact"]
    assert scores["intent reader"]["perplexity"] < 1.2 < start["perplexity"]


def test_the_start_of_the_map_generator_is_its_base(data):
    start = untrained("map generator", NETWORKS["map generator"])
    maps = data.maps
    drawn = start.draw(maps.condition, maps.base, 1, generator=torch.Generator())[0]
    torch.testing.assert_close(drawn, maps.base)


@pytest.mark.parametrize("name", SCORED)
def test_half_precision_changes_next_to_nothing(name, data, scores):
    half = quality(name, with_rounded_weights(NETWORKS[name]), data)
    for measure, value in scores[name].items():
        assert half[measure] == pytest.approx(value, rel=0.01)


def test_rounding_leaves_the_network_as_it_is():
    network = NETWORKS["walk LSTM"]
    before = network.readout.weight.clone()
    coarse = with_rounded_weights(network, torch.float8_e4m3fn)
    assert torch.equal(network.readout.weight, before)
    assert not torch.equal(coarse.readout.weight, before)
    assert torch.equal(coarse.readout.weight.to(torch.float8_e4m3fn).float(), coarse.readout.weight)


@pytest.mark.parametrize(
    "ask",
    [
        lambda name, data: quality(name, NETWORKS["walk LSTM"], data),
        lambda name, data: untrained(name, NETWORKS["walk LSTM"]),
    ],
)
def test_a_network_without_a_score(ask, data):
    with pytest.raises(ValueError, match="name must be one of .*, got 'allocator'; see the chapter on it"):
        ask("allocator", data)


def test_no_data():
    with pytest.raises(ValueError, match="n_users must be above 0, got 0; draw one at least"):
        FreshData.draw(n_users=0, rng=stream(0, "zoo"))
