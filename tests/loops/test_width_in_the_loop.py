"""The study of the width in the loop: pairing, the untrained start, and a number that moves when the width is hidden."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.vae import VaeConfig, VariationalAutoencoder
from gdt_tutorial.learning import FitConfig
from gdt_tutorial.loops.recipes.width_in_the_loop import (
    SCHEMES,
    LoopConfig,
    RateErrors,
    Slots,
    TwinParts,
    rate_errors,
    study,
    train_corrections,
)
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import torch_stream
from gdt_tutorial.twin.decision.corrected_greedy import CorrectionConfig, CorrectionNetwork
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.observation import MEMORY_SLOTS

CONFIG = LoopConfig(n_users=20, period_slots=5, n_slots=9, n_first=3, n_train=2, n_test=3)
SHORT = CorrectionConfig(n_hidden=8, fit=FitConfig(n_epochs=3, batch_size=64, learning_rate=1e-2))


@pytest.fixture(scope="module")
def parts():
    generator = torch_stream(0, "untrained")
    vae = VariationalAutoencoder(MEMORY_SLOTS, 6, VaeConfig(n_latent=3, n_hidden=8), generator=generator)
    with torch.no_grad():
        for each in vae.parameters():
            each.normal_(std=0.2, generator=generator)
    return TwinParts(HoldLast(topology=Topology.waterloo()), vae)


def untrained(n_read, *, is_drawn):
    network = CorrectionNetwork(n_read, 8, generator=torch_stream(1, "correction"))
    if is_drawn:
        with torch.no_grad():
            for each in network.parameters():
                each.normal_(std=0.1, generator=torch_stream(1, "correction"))
    return network


def test_an_untrained_correction_serves_as_the_greedy_maker(parts):
    found = study(parts, {"width": untrained(8, is_drawn=False)}, CONFIG, ("mean", "width"), seed=1)
    np.testing.assert_array_equal(found.qoe["width"], found.qoe["mean"])
    np.testing.assert_allclose(found.errors["width"].rmse, found.errors["mean"].rmse)


def test_hiding_the_width_changes_the_rates(parts):
    drawn = {"width": untrained(8, is_drawn=True)}
    found = study(parts, drawn, CONFIG, ("width", "same width"), seed=1)
    assert not np.allclose(found.errors["width"].rmse, found.errors["same width"].rmse)
    assert found.qoe["width"].shape == (3,)


def test_corrections_lower_the_error_of_the_rate_that_they_learn_from(parts):
    corrections = train_corrections(parts, CONFIG, SHORT, ("rate", "expected and width"), seed=0)
    assert sorted(corrections) == ["expected and width", "rate"]
    again = train_corrections(parts, CONFIG, SHORT, ("rate",), seed=0)
    assert torch.equal(corrections["rate"].layers[0].weight, again["rate"].layers[0].weight)
    names = ("mean", "coming", "expected", "rate", "expected and width")
    found = study(parts, corrections, replace(CONFIG, n_users=60), names, seed=2)
    assert found.errors["expected"].rmse.mean() < found.errors["mean"].rmse.mean()
    assert len({float(each.rmse.mean()) for each in found.errors.values()}) == 5


def test_errors_count_groups_that_were_thought_to_be_in_reach():
    expected = [np.array([[2.0, 0.0], [1.0, 1.0]]), np.array([[4.0, 0.0], [1.0, 3.0]])]
    true = [np.array([[1.0, 9.0], [1.0, 1.0]]), np.array([[4.0, 9.0], [1.0, 1.0]])]
    found = rate_errors(Slots([], expected, true))
    assert isinstance(found, RateErrors)
    np.testing.assert_allclose(found.bias, [0.5, 0.5])
    np.testing.assert_allclose(found.rmse, [np.sqrt(0.5), 1.0])


def test_bad_input_is_refused(parts):
    with pytest.raises(ValueError, match=r"names must be among .*'width'.*, got 'widths'; see SCHEMES"):
        study(parts, {}, CONFIG, ("widths",), seed=0)
    with pytest.raises(ValueError, match=r"corrections must hold that of 'width', got \[\]; train it first"):
        study(parts, {}, CONFIG, ("same width",), seed=0)
    with pytest.raises(ValueError, match="n_slots must be above n_first = 8"):
        LoopConfig(n_slots=8)
    assert SCHEMES["width"].correction == SCHEMES["same width"].correction
