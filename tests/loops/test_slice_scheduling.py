"""Local schedulers by hand and by their laws; isolation to the last bit; lending never costs the lender; bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdt_tutorial.loops.slice_scheduling import Policy, lend, own_slice, run_day, strict_priority
from gdt_tutorial.loops.slicing import contract_share
from gdt_tutorial.physical.services import SERVICES, ServicesConfig, draw_days

SHORT = ServicesConfig(minute_slots=60, n_minutes=6)
bits = st.lists(st.floats(0, 100), min_size=3, max_size=3).map(np.array)


def policies(days, share=None):
    share = contract_share(days.demand_bps()) if share is None else share
    schedulers = (("own slice", own_slice), ("lend", lend), ("priority", strict_priority))
    return {name: Policy(share_bps=share, schedule=schedule) for name, schedule in schedulers}


def test_schedulers_by_hand():
    # In the order of SERVICES: video, best effort, low latency.
    need, guaranteed = np.array([9.0, 1.0, 5.0]), np.array([4.0, 4.0, 1.0])
    assert own_slice(need, guaranteed).tolist() == [4, 1, 1]
    # Three idle bits: two of every three for video, whose guarantee has the larger root.
    assert lend(need, guaranteed).tolist() == [6, 1, 2]
    # What video does not take of its part goes on to low latency.
    assert lend(np.array([4.5, 1.0, 9.0]), guaranteed).tolist() == [4.5, 1, 3.5]
    assert strict_priority(need, guaranteed).tolist() == [4, 0, 5]


@given(need=bits, guaranteed=bits)
@settings(max_examples=200, deadline=None)
def test_lending_serves_guarantees_first_and_wastes_nothing(need, guaranteed):
    got = lend(need, guaranteed)
    assert (got >= own_slice(need, guaranteed) - 1e-9).all()
    assert (got <= need + 1e-9).all()
    # A share of 0 borrows nothing, so idle bits may be left where only such a slice has a need.
    can_borrow = guaranteed > 1e-9
    if can_borrow.all():
        assert got.sum() == pytest.approx(min(need.sum(), guaranteed.sum()), abs=1e-6)
    first = strict_priority(need, guaranteed)
    assert first.sum() == pytest.approx(min(need.sum(), guaranteed.sum()), abs=1e-9)


@pytest.mark.parametrize("loud", SERVICES)
def test_slices_are_isolated_to_the_last_bit(loud):
    usual, loaded = draw_days([0, 1], SHORT), draw_days([0, 1], SHORT, {loud: 6.0})
    before, after = (run_day(days, {"own": policies(days)["own slice"]})["own"] for days in (usual, loaded))
    metrics = {"video": ("qoe",), "best effort": ("wait_s", "throughput_bps"), "low latency": ("late",)}
    for service, names in metrics.items():
        is_same = all(np.array_equal(getattr(before, name), getattr(after, name)) for name in names)
        assert is_same == (service != loud), service


@pytest.mark.parametrize("loud", SERVICES)
def test_who_lends_is_never_below_its_own_slice(loud):
    days = draw_days([2, 3], SHORT, {loud: 6.0})
    found = run_day(days, policies(days))
    own, lent = found["own slice"], found["lend"]
    assert (lent.qoe >= own.qoe - 1e-12).all()
    assert (lent.late <= own.late + 1e-12).all()
    assert (lent.wait_s <= own.wait_s + 1e-9).all()


def test_priority_stands_first_in_what_it_puts_first():
    days = draw_days([4], SHORT, {"best effort": 3.0, "video": 3.0})
    found = run_day(days, policies(days))
    assert found["priority"].late[0] <= min(found["lend"].late[0], found["own slice"].late[0])
    assert found["priority"].qoe[0] >= max(found["lend"].qoe[0], found["own slice"].qoe[0])
    assert found["priority"].wait_s[0] > found["lend"].wait_s[0]


def test_policies_of_one_run_are_those_of_several():
    days = draw_days([5, 6], SHORT)
    together, share = run_day(days, policies(days)), contract_share(days.demand_bps())
    alone = run_day(days, {"lend": Policy(share_bps=share, schedule=lend)})["lend"]
    assert list(together) == ["own slice", "lend", "priority"]
    for ours, theirs in zip(alone, together["lend"], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_controller_far_away_sees_old_needs():
    days = draw_days([7], SHORT)
    share = contract_share(days.demand_bps())
    near, far = (
        run_day(days, {"lend": Policy(share_bps=share, schedule=lend, old_slots=age)})["lend"] for age in (0, 2)
    )
    assert far.late[0] > near.late[0]
    assert far.qoe[0] < near.qoe[0]


def test_books_of_best_effort_balance():
    days = draw_days([8], SHORT)
    found = run_day(days, policies(days))
    arrived = days.arrived_bit[..., 1].mean() / SHORT.slot_s
    for outcome in found.values():
        assert 0.9 * arrived < outcome.throughput_bps[0] <= arrived * (1 + 1e-12)


def test_bad_input_is_refused():
    days = draw_days([9], SHORT)
    with pytest.raises(ValueError, match=r"share_bps of 'mine' must have shape \(1, 6, 3\), got \(1, 5, 3\); make"):
        run_day(days, {"mine": Policy(share_bps=np.ones((1, 5, 3)), schedule=lend)})
    with pytest.raises(ValueError, match="old_slots must be at least 0, got -1; 0 reads"):
        Policy(share_bps=np.ones((1, 6, 3)), schedule=lend, old_slots=-1)
