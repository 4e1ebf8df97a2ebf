"""The accounts of a session close on real networks, and what does not close is found."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.case_study.scenario import CaseStudyConfig, case_study_network
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from tests.case_study.event_log import EventLog
from tests.case_study.groups.audiences import watch_log
from tests.small_networks import ANY, random_decision, twin_of

SMALL = CaseStudyConfig(network=NetworkConfig(n_users=16))


def session(computing_cycles_per_s, log=None, seed=0, n_slots=12, regroup_at=(), maker=None):
    """Run a session, random or managed, and return its network and its log."""
    net = case_study_network(2, SMALL, computing_cycles_per_s=computing_cycles_per_s, watch_log=log, seed=seed)
    rng, abstractor = stream(seed, "decisions"), twin_of(net)[0]
    telemetry = net.reset()
    events = EventLog(net, telemetry)
    for slot in range(n_slots):
        current = telemetry.session
        if slot in regroup_at:
            current = net.regroup(rng.integers(4, size=current.group.shape))
            events.regroup(current)
        if maker is None:
            decision = random_decision(current, net.catalog, net.topology.n_aps, rng=rng)
        else:
            decision = maker(twin_of(net)[1]).decide(abstractor.abstract_session(current, telemetry.snr_db), rng=ANY)
        telemetry = net.step(decision)
        events.add(telemetry)
    return net, events


@pytest.mark.parametrize("capacity", [2e9, 5e9, 12e9])
@pytest.mark.parametrize("source", ["generator", "log"])
@pytest.mark.parametrize("maker", [None, GreedyAllocator])
def test_the_accounts_close(capacity, source, maker):
    _, log = session(capacity, watch_log() if source == "log" else None, maker=maker, n_slots=30)
    assert max(log.balance()) < 1e-9
    slots = log.slots()
    for name in ("watched_s", "dropped_s", "stall_s", "wasted_bit", "n_views"):
        assert getattr(slots, name).sum() > 0


@pytest.mark.parametrize("seed", range(3))
def test_the_accounts_close_when_groups_form_anew(seed):
    _, log = session(5e9, seed=seed, regroup_at=(4, 9), maker=GreedyAllocator)
    assert max(log.balance()) < 1e-9
    discarded_s = log.slots().discarded_s
    assert (discarded_s.sum(axis=(1, 2)) > 0).nonzero()[0].tolist() == [4, 9]
    totals = log.totals()
    np.testing.assert_allclose(totals.waste_s, (log.slots().dropped_s + discarded_s).sum(axis=0))


def test_totals_are_the_weighted_components():
    net, log = session(12e9, n_slots=20)
    totals, slots = log.totals(), log.slots()
    np.testing.assert_allclose(totals.qoe, slots.qoe.mean(axis=0))
    np.testing.assert_allclose(totals.rebuffering, 1.85 * slots.stall_s.mean(axis=0) / 2)
    np.testing.assert_allclose(totals.quality - totals.variation - totals.rebuffering, totals.qoe)
    # A second that is wasted has one of the bitrates.
    rate = totals.waste_bit.sum() / totals.waste_s.sum()
    assert net.catalog.bitrate_bps[0] < rate < net.catalog.bitrate_bps[-1]
    np.testing.assert_array_equal(totals.n_views, slots.n_views.sum(axis=0))


@pytest.mark.parametrize(
    ("name", "culprit"),
    [("received_s", "slot_video_s"), ("dropped_s", "dropped_s"), ("stall_s", "slot_time_s"), ("qoe", "qoe")],
)
def test_what_vanishes_is_found(name, culprit):
    net, log = session(5e9, n_slots=3)
    telemetry = net.step(
        random_decision(net.stream.session(net.serving_ap), net.catalog, net.topology.n_aps, rng=stream(0))
    )
    wrong = getattr(telemetry.service, name).copy()
    wrong[1, 3] += 1e-3
    log.add(replace(telemetry, service=replace(telemetry.service, **{name: wrong})))
    with pytest.raises(ValueError, match="the balance must close within 1e-06") as caught:
        log.balance()
    assert f"{culprit}=0.0" in str(caught.value)
    assert getattr(log.balance(tolerance=1.0), culprit) > 1e-5


def test_a_store_that_is_told_wrong_is_found():
    net, log = session(5e9, n_slots=3)
    telemetry = net.step(
        random_decision(net.stream.session(net.serving_ap), net.catalog, net.topology.n_aps, rng=stream(0))
    )
    log.add(replace(telemetry, session=replace(telemetry.session, stored_s=telemetry.session.stored_s + 0.01)))
    assert log.balance(tolerance=1.0).told_s == pytest.approx(0.01)


def test_events_tell_every_amount_and_nothing_else():
    _, log = session(3e9, regroup_at=(4,), maker=GreedyAllocator, n_slots=14)
    slots, events = log.slots(), list(log.events())
    names = {"received": "received_s", "watched": "watched_s", "stalled": "stall_s", "dropped": "dropped_s",
             "discarded": "discarded_s", "views ended": "n_views"}  # fmt: skip
    for kind, name in names.items():
        told = np.zeros(slots.qoe.shape)
        for event in events:
            if event.kind == kind:
                told[event.slot - 1, event.campus, event.user] += event.amount
        np.testing.assert_allclose(told, getattr(slots, name), atol=1e-12)
    moves = [event for event in events if event.kind == "handover"]
    assert len(moves) == log.totals().n_handovers.sum() > 0
    assert {event.amount for event in moves} <= {0.0, 1.0}
    assert [event.slot for event in events] == sorted(event.slot for event in events)


def test_an_empty_log_and_slots_out_of_order_are_refused():
    net = case_study_network(1, SMALL, computing_cycles_per_s=5e9, seed=0)
    log = EventLog(net, net.reset())
    with pytest.raises(ValueError, match="log must hold a slot"):
        log.totals()
    decision = random_decision(net.stream.session(net.serving_ap), net.catalog, net.topology.n_aps, rng=stream(0))
    net.step(decision)
    second = net.step(decision)
    with pytest.raises(ValueError, match="telemetry.slot must be 1, got 2"):
        log.add(second)


def test_groups_that_formed_without_the_log_are_refused():
    net = case_study_network(1, SMALL, computing_cycles_per_s=5e9, seed=0)
    log = EventLog(net, net.reset())
    current = net.regroup(np.zeros((1, 16), dtype=np.int64))
    telemetry = net.step(random_decision(current, net.catalog, net.topology.n_aps, rng=stream(0)))
    with pytest.raises(ValueError, match="telemetry.session must follow the lists of the log"):
        log.add(telemetry)
