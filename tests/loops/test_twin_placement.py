"""What twins at the edge and in the cloud tell each other, counted by hand."""

from dataclasses import replace

import pytest

from gdt_tutorial.loops.twin_placement import PlacementConfig, distributed, in_the_cloud

CONFIG = PlacementConfig()


def test_distributed_twins_tell_three_numbers_in_a_large_slot():
    # 40 bytes of headers and three numbers of 8 bytes, up and down, at two access points.
    cost = distributed(CONFIG)
    assert cost.backhaul_byte == 4 * 64
    assert (cost.round_trip_s, cost.old_slots) == (0.0, 0)
    assert cost.slicing_trip_s == pytest.approx(2 * (0.01 + 64 * 8 / 100e6))


def test_a_twin_in_the_cloud_gets_every_report_and_sends_every_decision():
    cost = in_the_cloud(CONFIG)
    # 60 users report 80 bytes in each of 30 periods; 300 schedules of 64 bytes, both ways, at two access points.
    assert cost.backhaul_byte == 60 * 80 * 30 + 300 * 64 * 2 * 2
    assert cost.round_trip_s == pytest.approx(0.02 + (64 + 30 * 80 + 64) * 8 / 100e6)
    assert cost.old_slots == 1
    assert cost.backhaul_byte > 500 * distributed(CONFIG).backhaul_byte


def test_a_long_way_makes_needs_old():
    assert in_the_cloud(replace(CONFIG, propagation_s=0.15)).old_slots == 2
    assert in_the_cloud(replace(CONFIG, slot_s=2.0)).old_slots == 1
