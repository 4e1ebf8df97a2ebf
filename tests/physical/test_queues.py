"""Queues against M/M/1 and M/D/1, the balance of bits, and bad input."""

import numpy as np
import pytest

from gdt_tutorial.physical.queues import late_bit, md1_queue, mm1_delay_s, serve, wait_s
from gdt_tutorial.seeding import stream


def left_of(arrived, offered, n_warm):
    """Serve queues side by side; return what is left after each slot that counts, and what arrived in it."""
    left, rows = np.zeros(arrived.shape[1:]), []
    for one in arrived:
        left = serve(left, one, np.full_like(left, offered)).left_bit
        rows.append(left)
    return np.stack(rows)[n_warm:], arrived[n_warm:]


@pytest.mark.parametrize(("load", "slot_s"), [(0.3, 0.025), (0.6, 0.04)])
def test_files_wait_as_in_an_mm1_queue(load, slot_s):
    # A slot is short beside the second that a file takes on average; queues lie side by side.
    service_s, rate_bps = 1.0, 1.0
    rng, shape = stream(0, "files"), (4_500, 4_000)
    files = rng.standard_gamma(rng.poisson(load * slot_s / service_s, size=shape))
    left, arrived = left_of(files, rate_bps * slot_s, n_warm=2_000)
    found = wait_s(left.ravel(), arrived.ravel(), slot_s)
    assert found == pytest.approx(mm1_delay_s(load, service_s), rel=0.02)


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_packets_wait_as_in_an_md1_queue(load):
    packets = stream(1, "packets").poisson(load, size=(1_500, 3_000)).astype(float)
    left, _ = left_of(packets, 1.0, n_warm=300)
    assert left.mean() == pytest.approx(md1_queue(load), rel=0.02)


def test_late_packets_are_those_of_the_stationary_law():
    # The same queue as a Markov chain: five packets fit into a slot.
    load, n_served, n_states = 0.9, 5, 200
    arrivals = stream(2, "packets").poisson(load * n_served, size=(1_500, 3_000)).astype(float)
    left, arrived = left_of(arrivals, float(n_served), n_warm=300)
    k = np.arange(n_states)
    chance = np.exp(k * np.log(load * n_served) - load * n_served - np.cumsum(np.log(np.maximum(k, 1))))
    after = np.maximum(k[:, None] + k - n_served, 0)
    chain = np.zeros((n_states, n_states))
    np.add.at(chain, (np.broadcast_to(k[:, None], after.shape), np.minimum(after, n_states - 1)), chance)
    law = np.linalg.matrix_power(chain, 4096)[0]
    expected = (law[:, None] * chance * np.minimum(k, after)).sum() / (load * n_served)
    assert late_bit(arrived, left).sum() / arrived.sum() == pytest.approx(expected, rel=0.02)


def test_no_bit_is_lost():
    rng = stream(3, "bits")
    arrived, left, sent = rng.random((50, 4)), np.zeros(4), np.zeros(4)
    for one in arrived:
        served = serve(left, one, np.full(4, 0.4))
        left, sent = served.left_bit, sent + served.sent_bit
        assert (left >= 0).all()
    np.testing.assert_allclose(sent + left, arrived.sum(axis=0))


def test_two_slots_by_hand():
    first = serve(np.array([0.0]), np.array([5.0]), np.array([3.0]))
    assert (first.sent_bit.tolist(), first.left_bit.tolist()) == ([3.0], [2.0])
    second = serve(first.left_bit, np.array([1.0]), np.array([2.5]))
    # Two old bits leave first, then half of the new one.
    assert late_bit(np.array([1.0]), second.left_bit).tolist() == [0.5]
    assert wait_s(np.array([2.0, 0.5]), np.array([5.0, 1.0]), 0.6) == pytest.approx(0.25)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"load must lie in \[0, 1\), got 1.0; offer more"):
        mm1_delay_s(1.0, 1.0)
    with pytest.raises(ValueError, match=r"load must lie in \[0, 1\), got -0.1; offer more"):
        md1_queue(-0.1)
    with pytest.raises(ValueError, match=r"arrived_bit must hold an arrival, got 0.0; a service without traffic"):
        wait_s(np.zeros(2), np.zeros(2), 1.0)
