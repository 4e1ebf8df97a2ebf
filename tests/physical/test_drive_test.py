"""The drive test, against the parts that it is made of."""

import numpy as np
import pytest

from gdt_tutorial.physical.channel import Channel, ChannelConfig
from gdt_tutorial.physical.drive_test import DriveTest, drive_test
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.physical.mobility import LevyFlight, LevyFlightConfig
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream

TOPOLOGY = Topology.waterloo()


def channel(name):
    return Channel(ChannelConfig(), TOPOLOGY, 2, 12, rng=stream(0, name))


def walk():
    return LevyFlight(LevyFlightConfig(), TOPOLOGY.campus, 2, 12, rng=stream(0, "mobility"))


def test_it_meets_the_channels_and_cells_of_the_network_with_the_same_seed():
    network = PhysicalNetwork.waterloo(2, NetworkConfig(n_users=12), seed=0)
    telemetry = [network.reset()]
    idle = np.zeros((2, 1))
    for _ in range(5):
        nothing = {
            "subgroup": np.full((2, 12), -1), "group": idle.astype(int), "ap": idle.astype(int), "version": idle.astype(int),
            "bandwidth_share": idle, "computing_share": idle, "segments": np.full((2, 1, 1, 2), -1),
        }  # fmt: skip
        telemetry.append(network.step(Decision(**nothing)))
    air = channel("channel")
    test = drive_test(lambda slot: air, walk(), 6)
    np.testing.assert_array_equal(test.snr_db, np.stack([each.snr_db for each in telemetry]))
    np.testing.assert_array_equal(test.serving_ap, np.stack([each.session.serving_ap for each in telemetry]))


def test_what_it_says_of_its_slots():
    snr_db = np.array([[[[1.0, 5.0]]], [[[2.0, 7.0]]], [[[3.0, 6.0]]]])
    test = DriveTest(snr_db=snr_db, is_los=snr_db > 0, serving_ap=np.array([[[1]], [[1]], [[0]]]), slot_s=2.0)
    np.testing.assert_array_equal(test.serving_snr_db[:, 0, 0], [5.0, 7.0, 3.0])
    assert test.handovers_per_minute == 15.0  # one in two changes of slot, 30 of them in a minute
    assert test.slot_correlation(0) == pytest.approx(1.0)
    assert test.slot_correlation(1) == pytest.approx(-1.0)


def test_a_channel_that_is_drawn_anew_forgets():
    air = channel("channel")
    kept = drive_test(lambda slot: air, walk(), 20)
    broken = drive_test(lambda slot: channel(f"anew {slot}"), walk(), 20)
    assert broken.slot_correlation() < kept.slot_correlation() - 0.2


def test_one_slot_is_refused():
    with pytest.raises(ValueError, match="n_slots must be at least 2, got 1; changes need two slots"):
        drive_test(lambda slot: channel("channel"), walk(), 1)
