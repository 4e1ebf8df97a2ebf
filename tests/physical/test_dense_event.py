"""The dense event: its grid, its books, and masts that lose power in mid-run."""

from itertools import pairwise

import numpy as np
import pytest

from gdt_tutorial.physical.dense_event import DenseEventConfig, WeakenedMasts, dense_event, dense_topology
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.seeding import stream
from tests.small_networks import held_s, random_decision


def test_six_masts_on_one_band_fifty_meters_apart():
    topology = dense_topology()
    place_m = topology.ap_position_m
    assert place_m.tolist() == [[-50, -25], [0, -25], [50, -25], [-50, 25], [0, 25], [50, 25]]
    assert topology.band.tolist() == [0] * 6
    assert topology.bandwidth_hz.tolist() == [1.25e6] * 6
    assert topology.campus.size_m.tolist() == [150, 150]
    net = dense_event(2, seed=0)
    assert net.reset().session.group.tolist() == [[0] * 30] * 2
    assert net.capacity.is_cached.all()


def test_the_books_balance_under_random_bitmaps():
    net = dense_event(2, seed=1)
    rng, trajectory = stream(1, "decisions"), [net.reset()]
    for _ in range(20):
        decision = random_decision(trajectory[-1].session, net.catalog, 6, rng=rng)
        object.__setattr__(decision, "is_muted", rng.random((2, 6, 4)) < 0.6)
        trajectory.append(net.step(decision))
    assert sum(each.service.received_s.sum() for each in trajectory) > 0
    for before, after in pairwise(trajectory):
        service = after.service
        left = before.session.stored_s + service.received_s
        np.testing.assert_allclose(left, after.session.stored_s + service.watched_s + service.dropped_s, atol=1e-9)
        np.testing.assert_allclose(service.watched_s + service.stall_s, net.config.slot_s, atol=1e-9)
        np.testing.assert_allclose(after.session.stored_s, held_s(after.session, net.catalog), atol=1e-9)
        assert after.load.bandwidth.max() <= 1 + 1e-6
        assert max(after.load.computing.max(), after.load.backhaul.max()) < 0.2, "radio alone binds"


def test_masts_lose_power_from_their_slot_on():
    still = {"mobility": LevyFlightConfig(), "seed": 2}
    plain, weak = dense_event(1, **still), dense_event(1, channel=WeakenedMasts(aps=(1, 4), from_slot=2), **still)
    lost = []
    for slot in range(4):
        if slot:
            for net in (plain, weak):
                decision = random_decision(net.stream.session(net.serving_ap), net.catalog, 6, rng=stream(2, "d", slot))
                net.step(decision)
        lost.append((plain.channel.snr_db - weak.channel.snr_db)[0].mean(axis=0))
    np.testing.assert_allclose(lost, np.outer([0, 0, 1, 1], [0, 15, 0, 0, 15, 0]), atol=1e-4)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="side_m must reach over the masts"):
        DenseEventConfig(spacing_m=80.0)
    with pytest.raises(ValueError, match="from_slot must be at least 0"):
        WeakenedMasts(aps=(0,), from_slot=-1)
    with pytest.raises(ValueError, match=r"aps must lie in \[0, 6\)"):
        dense_event(channel=WeakenedMasts(aps=(6,), from_slot=1), seed=0)
