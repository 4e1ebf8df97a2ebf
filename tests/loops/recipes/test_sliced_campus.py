"""The video slice as the capacity of the book's network: shares that come in time, the whole network as the bound."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.loops.external import FixedPeriod
from gdt_tutorial.loops.manager import GdtNetwork, schedule_model
from gdt_tutorial.loops.recipes.sliced_campus import CampusConfig, run_sliced, sliced_campuses, video_shares
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.services import ServicesConfig
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast

CONFIG = CampusConfig(n_campuses=2, n_users=8, first_minute=4, n_minutes=2)
SHORT = ServicesConfig(minute_slots=5, n_minutes=48)


def test_the_whole_network_is_the_network_without_slices():
    network = PhysicalNetwork.waterloo(2, NetworkConfig(n_users=8), seed=3)
    gdt = GdtNetwork(
        network,
        HoldLast(topology=network.topology),
        {"greedy": GreedyAllocator(schedule_model(network))},
        lambda store, emulator: FixedPeriod(store, emulator, CONFIG.period_slots),
    )
    plain = gdt.run(30).qoe.mean(axis=0)
    whole = np.zeros((2, 1, 3))
    whole[..., 0] = 40e6
    for share in (None, whole):
        np.testing.assert_array_equal(run_sliced(share, replace(CONFIG, n_minutes=1), seed=3), plain)


def test_a_share_acts_from_its_minute_on():
    even = np.full((2, 2, 3), 10e6)
    later = even.copy()
    later[:, 1, 0] = 1e6
    one = replace(CONFIG, n_minutes=1)
    np.testing.assert_array_equal(run_sliced(even, one, seed=3), run_sliced(later, one, seed=3))
    assert (run_sliced(even, CONFIG, seed=3) > run_sliced(later, CONFIG, seed=3)).all()


def test_policies_meet_the_same_campuses():
    found = sliced_campuses(replace(CONFIG, n_minutes=1), SHORT, seed=3)
    assert list(found) == ["whole network", "equal", "contracts", "last value, 1", "separate forecast, 5"]
    assert all((found["whole network"] > qoe).all() for name, qoe in found.items() if name != "whole network")


def test_a_run_ends_within_the_day():
    with pytest.raises(ValueError, match=r"n_minutes must end within 48 minutes, got 2; begin earlier"):
        video_shares(2, replace(CONFIG, first_minute=47), SHORT, seed=0)
