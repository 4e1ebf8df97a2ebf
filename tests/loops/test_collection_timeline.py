import numpy as np
import pytest

from gdt_tutorial.loops.external import ExternalLoop, FixedPeriod
from gdt_tutorial.loops.recipes.collection_timeline import timelines
from gdt_tutorial.loops.recipes.walkers import walkers
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity
from gdt_tutorial.twin.report_rules import ErrorThreshold, RuleDiscriminator
from gdt_tutorial.twin.status_store import StatusStore

TOPOLOGY = Topology.waterloo()
COURSE = walkers(TOPOLOGY, 1, 5, 20, seed=0)


def new(make):
    return make(StatusStore(1, 5, TOPOLOGY.n_aps, 20), ConstantVelocity(topology=TOPOLOGY))


def test_errors_are_zero_where_the_user_was_collected_and_only_one_user_is_shown():
    rules = RuleDiscriminator(ErrorThreshold(limit=4.5), ErrorThreshold(limit=1.5))
    shown = timelines(new(lambda store, emulator: ExternalLoop(store, emulator, rules)), COURSE, [3])[3]
    assert (shown.position_error_m[shown.is_behavior_collected] == 0).all()
    assert (shown.snr_error_db[shown.is_networking_collected] == 0).all()
    assert (shown.snr_error_db[~shown.is_networking_collected] > 0).all()
    np.testing.assert_array_equal(shown.is_walking, [each.velocity_mps[0, 3].any() for each in COURSE])
    assert np.isnan(shown.behavior_entropy_nat[0])
    assert np.isfinite(shown.behavior_entropy_nat[1:]).all()
    assert (shown.behavior_period_slots >= 1).all()


def test_a_fixed_period_has_no_entropy():
    shown = timelines(new(lambda store, emulator: FixedPeriod(store, emulator, 4)), COURSE, [1])[1]
    np.testing.assert_array_equal(np.flatnonzero(shown.is_behavior_collected), [0, 1, 5, 9, 13, 17])
    assert np.isnan(shown.networking_entropy_nat).all()


def test_other_users_are_refused():
    with pytest.raises(ValueError, match="users must be from 0 to 4, got 5"):
        timelines(new(lambda store, emulator: FixedPeriod(store, emulator, 4)), COURSE, [5])
