"""SINR and rates by hand, muting bitmaps, and access points on bands of their own."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.physical.interference import (
    all_patterns,
    part_efficiency,
    pattern_efficiency,
    shares_band,
    sinr_db,
)
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.physical.slicing import NetworkSlice
from gdt_tutorial.physical.streaming import StreamState, deliver
from gdt_tutorial.physical.topology import AccessPoint, EdgeServer, Topology
from gdt_tutorial.seeding import stream
from tests.small_networks import capacity, network, random_decision, same, tiny_catalog

LINK, CATALOG = LinkAdaptation(), tiny_catalog()
SNR_DB = np.array([[[20.0, 10.0, 0.0], [13.0, 20.0, 17.0]]])
TOGETHER, APART = np.zeros(3, dtype=int), np.arange(3)


def rate(sinr):
    return LINK.spectral_efficiency(np.array([10 * np.log10(sinr)]))[0]


def bitmap(*rows):
    return np.array([rows], dtype=bool)


def test_sinr_by_hand():
    # To AP 0: user 0 has 100 / (1 + 10 + 1) = 8.33; AP 2 muted: 100 / (1 + 10); all others muted: 100.
    patterns = np.array([[[1, 1, 1]], [[1, 1, 0]], [[1, 0, 0]]], dtype=bool)
    on = [sinr_db(SNR_DB, pattern, TOGETHER) for pattern in patterns]
    got = [10 ** (each[0, 0, 0] / 10) for each in on]
    np.testing.assert_allclose(got, [100 / 12, 100 / 11, 100])
    # On two bands only AP 2 disturbs AP 1.
    got = sinr_db(SNR_DB, np.ones((1, 3), dtype=bool), np.array([5, 7, 7]))
    np.testing.assert_allclose(10 ** (got[0, 1] / 10), [10**1.3, 100 / (1 + 10**1.7), 10**1.7 / 101])


def test_a_part_gives_the_rate_at_its_sinr_and_nothing_from_a_muted_access_point():
    is_muted = bitmap([0, 1], [0, 0], [1, 0])
    got = part_efficiency(SNR_DB, is_muted, TOGETHER, LINK)
    assert got.shape == (1, 2, 3, 2)
    np.testing.assert_allclose(got[0, 0, 0], [rate(100 / 11), 0])
    np.testing.assert_allclose(got[0, 1, 1], LINK.spectral_efficiency(
        10 * np.log10([100 / (1 + 10**1.3), 100 / (1 + 10**1.7)])))  # fmt: skip
    assert got[0, :, 2, 0].tolist() == [0, 0]


def test_without_bitmap_all_send_where_a_band_is_shared_and_there_are_no_parts_elsewhere():
    nobody = np.zeros((1, 0, 0), dtype=bool)
    all_send = part_efficiency(SNR_DB, np.zeros((1, 3, 1), dtype=bool), TOGETHER, LINK)
    np.testing.assert_array_equal(part_efficiency(SNR_DB, nobody, TOGETHER, LINK), all_send)
    assert part_efficiency(SNR_DB, nobody, APART, LINK) is None
    assert part_efficiency(SNR_DB, nobody, None, LINK) is None
    assert not shares_band(None)
    # Muted on a band of one's own: the same rate for a part of the time.
    got = part_efficiency(SNR_DB, bitmap([0, 1], [0, 0], [1, 1]), None, LINK)
    np.testing.assert_array_equal(got[..., 0], LINK.spectral_efficiency(SNR_DB) * [1, 1, 0])


@pytest.mark.parametrize("band", [[0] * 6, [0, 1, 0, 1, 2, 2]])
def test_all_patterns_enumerated_give_the_closed_form(band):
    rng, band = np.random.default_rng(0), np.array(band)
    snr_db = rng.normal(10, 8, size=(3, 7, 6))
    ap = rng.integers(6, size=(3, 7))
    patterns = all_patterns(6)
    assert len(np.unique(patterns, axis=0)) == 64
    assert patterns[-1].all()
    assert not patterns[0].any()
    got = pattern_efficiency(snr_db, ap, band, LINK)
    linear = 10 ** (snr_db / 10)
    for env, user in np.ndindex(3, 7):
        own = ap[env, user]
        for number, pattern in enumerate(patterns):
            rivals = [k for k in range(6) if k != own and band[k] == band[own] and pattern[k]]
            sinr = linear[env, user, own] / (1 + sum(linear[env, user, k] for k in rivals))
            expected = rate(sinr) if pattern[own] else 0
            assert got[env, user, number] == pytest.approx(expected)
    # And as the parts of one long slot.
    parts = part_efficiency(snr_db, np.tile(~patterns.T, (3, 1, 1)), band, LINK)
    np.testing.assert_allclose(got, np.take_along_axis(parts, ap[..., None, None], axis=2)[:, :, 0])


def test_a_stream_goes_at_the_worst_member_of_each_part_and_stands_still_for_one_who_cannot_decode():
    # Two APs of 1 MHz, slots of 2 s, three users of AP 0. User 1 is reached in the first part alone, user 2 never.
    alone = np.array([[[4.0, 0], [4.0, 0], [0.0, 0]]])
    in_part = np.array([[[[4.0, 2.0], [0, 0]], [[2.0, 0.0], [0, 0]], [[0.0, 0.0], [0, 0]]]])
    decision = Decision(
        subgroup=np.zeros((1, 3), dtype=int), group=np.zeros((1, 1), dtype=int), ap=np.zeros((1, 1), dtype=int),
        version=np.zeros((1, 1), dtype=int), bandwidth_share=np.ones((1, 1)), computing_share=np.ones((1, 1)),
        segments=np.array([[[[0, segment] for segment in range(6)]]]), is_muted=np.zeros((1, 2, 2), dtype=bool),
    )  # fmt: skip
    at_0 = np.zeros((1, 3), dtype=int)
    state = StreamState.start(at_0, np.array([[[0, 2, 1]]]), 3, CATALOG)
    received_s, load = deliver(state, decision, alone, at_0, CATALOG, capacity(), in_part)
    # The mean of 2 and 0 over two parts: 1 MHz x 1 bit/s/Hz x 2 s = two segments of 1 Mb.
    assert load.efficiency.tolist() == [[1.0]]
    assert load.n_sent.tolist() == [[2]]
    assert received_s.tolist() == [[2, 2, 0]]
    assert load.bandwidth[0, 0] == pytest.approx(1)


def test_an_overhearing_user_must_hear_all_parts_in_which_the_stream_runs():
    # User 1 belongs to no stream; it hears the second part worse than user 0.
    alone = np.array([[[4.0, 0], [4.0, 0]]])
    decision = Decision(
        subgroup=np.array([[0, -1]]), group=np.zeros((1, 1), dtype=int), ap=np.zeros((1, 1), dtype=int),
        version=np.zeros((1, 1), dtype=int), bandwidth_share=np.ones((1, 1)), computing_share=np.ones((1, 1)),
        segments=np.array([[[[0, 0]]]]), is_muted=np.zeros((1, 2, 2), dtype=bool),
    )  # fmt: skip
    at_0 = np.zeros((1, 2), dtype=int)
    for second, expected in ((1.0, 0), (2.0, 1)):
        in_part = np.array([[[[2.0, 2.0], [0, 0]], [[3.0, second], [0, 0]]]])
        state = StreamState.start(at_0, np.array([[[0, 2, 1]]]), 3, CATALOG)
        received_s, _ = deliver(state, decision, alone, at_0, CATALOG, capacity(), in_part)
        assert received_s.tolist() == [[1, expected]]


def run(topology, n_slots=6):
    net = network(seed=4)
    net = type(net)(topology, net.catalog, net.viewers, net.config, seed=4)
    rng, trajectory = stream(4, "decisions"), [net.reset()]
    for _ in range(n_slots):
        trajectory.append(net.step(random_decision(trajectory[-1].session, net.catalog, 2, rng=rng)))
    return trajectory


def test_one_access_point_per_band_is_the_network_without_bands_to_the_last_bit():
    plain = Topology.waterloo()
    numbered = replace(
        plain, access_points=tuple(replace(each, band=7 - index) for index, each in enumerate(plain.access_points))
    )
    assert same(run(plain)[-1], run(numbered)[-1])
    together = replace(plain, access_points=tuple(replace(each, band=3) for each in plain.access_points))
    assert not same(run(plain)[-1], run(together)[-1])


def test_bands_are_numbered_and_checked():
    points = [AccessPoint(position_m=(float(x), 0.0), band=band) for x, band in enumerate((4, None, 4, None, 0))]
    topology = Topology(
        campus=Topology.waterloo().campus, access_points=tuple(points), edge_servers=(EdgeServer(),) * 5
    )
    assert topology.band.tolist() == [0, 1, 0, 2, 3]
    points[2] = replace(points[2], bandwidth_hz=1e6)
    with pytest.raises(ValueError, match="bandwidth_hz must be the same on one band"):
        replace(topology, access_points=tuple(points))
    with pytest.raises(ValueError, match="n_aps must be at most 10"):
        all_patterns(11)


def test_a_slice_gives_one_share_of_one_band():
    net, plain = network(), Topology.waterloo()
    together = replace(plain, access_points=tuple(replace(each, band=3) for each in plain.access_points))
    net = type(net)(together, net.catalog, net.viewers, net.config, seed=0)
    uneven = replace(NetworkSlice.whole(2), bandwidth_share=np.array([0.5, 1.0]))
    with pytest.raises(ValueError, match=r"bandwidth_share must be the same on one band"):
        net.use_slice(uneven)


@pytest.mark.parametrize("wrong", [np.zeros((2, 3, 4), bool), np.zeros((2, 2, 0), bool)])
def test_a_bitmap_for_other_access_points_is_refused(wrong):
    net = network()
    decision = random_decision(net.reset().session, net.catalog, 2, rng=stream(0, "decision"))
    with pytest.raises(ValueError, match=r"decision.is_muted must have shape \(2, 2, parts\)"):
        net.step(replace(decision, is_muted=wrong))


def test_nobody_gets_anything_in_a_slot_in_which_all_are_muted():
    net = network()
    decision = random_decision(net.reset().session, net.catalog, 2, rng=stream(0, "decision"))
    telemetry = net.step(replace(decision, is_muted=np.ones((2, 2, 3), bool)))
    assert telemetry.load.n_sent.sum() == 0
    assert telemetry.service.received_s.sum() == 0
