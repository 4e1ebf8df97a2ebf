"""What each part of chapter 02 changes in the closed loop: turn it off, and the number changes."""

import numpy as np
import pytest

from gdt_tutorial.loops.external import FixedPeriod
from gdt_tutorial.loops.manager import GdtNetwork, History
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.twin.decision.average import Average, OneOf
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.pretrained import pretrained_allocator, pretrained_emulator, pretrained_gradient_allocator
from gdt_tutorial.twin.recipes.policy_gradient_allocator import untrained


def run(make_emulator, make_maker, n_slots=16) -> History:
    network = PhysicalNetwork.waterloo(4, seed=31, computing_cycles_per_s=2e9)
    gdt = GdtNetwork(
        network,
        make_emulator(network.topology),
        {"maker": make_maker(schedule_model(network))},
        lambda store, emulator: FixedPeriod(store, emulator, 4),
    )
    return gdt.run(n_slots)


def hold_last(topology):
    return HoldLast(topology=topology)


@pytest.fixture(scope="module")
def greedy():
    return run(pretrained_emulator, GreedyAllocator)


def test_the_lstm_makes_the_twins_positions_better_and_not_its_channels(greedy):
    held = run(hold_last, GreedyAllocator)
    assert (greedy.position_error_m[4:] < held.position_error_m[4:]).all()
    np.testing.assert_allclose(greedy.snr_error_db[4:].mean(), held.snr_error_db[4:].mean(), atol=0.15)


def test_the_policy_gradient_gains_and_its_untrained_start_is_greedy(greedy):
    taught, start = (run(pretrained_emulator, make) for make in (pretrained_gradient_allocator, untrained))
    assert taught.qoe.mean() > greedy.qoe.mean()
    np.testing.assert_array_equal(start.qoe, greedy.qoe)


def test_the_mean_of_two_makers_is_worse_than_one_of_them():
    def both(model):
        return GreedyAllocator(model), pretrained_allocator(model)

    mean, one = (run(pretrained_emulator, make) for make in (lambda m: Average(both(m)), lambda m: OneOf(both(m))))
    assert mean.qoe.mean() < one.qoe.mean()
