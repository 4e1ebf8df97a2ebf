"""A carried-out intent: nothing changes before its hour or without it, stalls fall where it holds, the interval by hand."""

import numpy as np
import pytest

from gdt_tutorial.loops.recipes.carried_out import CarryConfig, carry_out, ratio_change, run_with
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.groups import DemandWeights
from gdt_tutorial.twin.abstraction.intents.priorities import Priorities, PriorityConfig
from gdt_tutorial.worlds.intents.parser import parse

SMALL = CarryConfig(n_campuses=3, n_users=20, n_slots=30)
AFTER_SIX = parse("keep video fluent around the library after six")


def qoe_of(weigh, config=SMALL):
    return np.stack([telemetry.service.qoe for telemetry in run_with(weigh, config, seed=800)])


def test_without_weights_and_with_equal_ones_the_course_is_the_same():
    plain = qoe_of(None)
    np.testing.assert_array_equal(plain, qoe_of(lambda seen: DemandWeights.alike(3, 20, 4)))


def test_nothing_changes_before_six_and_something_after():
    net = PhysicalNetwork.waterloo(1, seed=800)
    weigh = Priorities(
        parse("prefer video everywhere except at the library after six"), net.topology.campus, net.catalog.type_names
    )
    plain, with_intent = qoe_of(None), qoe_of(weigh)
    # Slot 18 is six o'clock; what it decides is played from slot 20 on.
    np.testing.assert_array_equal(plain[:20], with_intent[:20])
    assert (plain[20:] != with_intent[20:]).any()


def test_stalls_fall_around_the_library():
    (found,) = carry_out(AFTER_SIX, CarryConfig(n_campuses=12, n_slots=50), seed=801)
    assert found.after < found.before
    assert found.verdict.metric == "stall"
    assert 0.01 < found.share < 0.2
    assert found.change[0] == pytest.approx(found.after / found.before - 1)


def test_what_is_stopped_everywhere_does_not_arrive():
    (found,) = carry_out(parse("stop video everywhere"), SMALL, seed=802)
    assert found.after < 0.05 * found.before
    assert (found.verdict.effect, found.verdict.amount) == ("less", "90")


def test_a_run_at_hand_is_not_run_again():
    intent = parse("stop video everywhere")
    without = run_with(None, SMALL, seed=802)
    assert carry_out(intent, SMALL, without=without, seed=802) == carry_out(intent, SMALL, seed=802)


def test_changes_of_a_ratio_by_hand():
    one = np.array([1.0, 2.0, 3.0])
    old, new, change, half = ratio_change(one, np.full(3, 2.0), one / 2, np.full(3, 2.0))
    assert (old, new, change) == (1.0, 0.5, -0.5)
    # Residuals (one / 2 - 1) / 2 - (one - 2) / 2 = .25, 0, -.25; t of two degrees is 4.303.
    assert half == pytest.approx(4.303 * 0.25 / np.sqrt(3), rel=1e-3)


def test_the_interval_of_a_ratio_holds_the_truth():
    """Nineteen times of twenty, over 300 studies of 20 campuses."""
    hits = 0
    for study in range(300):
        rng = stream(study, "ratio")
        per = rng.uniform(5, 15, size=(2, 20))
        shared = rng.normal(size=20)
        before = per[0] * 0.2 + shared + rng.normal(size=20) * 0.3 + 3
        after = per[1] * 0.2 + shared + rng.normal(size=20) * 0.3 + 3
        old, _, change, half = ratio_change(before, per[0], after, per[1])
        hits += abs(change) <= half
        assert old > 0
    assert 0.9 < hits / 300 < 0.98


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="intent must concern somebody in these slots"):
        carry_out(parse("keep video fluent around the library before nine in the morning"), SMALL, seed=800)
    with pytest.raises(ValueError, match="sums must be above 0, got"):
        ratio_change(np.zeros(2), np.ones(2), np.ones(2), np.ones(2))
    assert PriorityConfig().factor >= 1
