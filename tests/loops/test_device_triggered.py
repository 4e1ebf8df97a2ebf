"""Reports that devices trigger: what they promise, what they cost, what they save."""

import numpy as np
import pytest

from gdt_tutorial.loops.device_triggered import BeliefCost, DeviceTriggered, GetsPrediction, RunsEmulator, Tolerance
from gdt_tutorial.loops.external import Collection, ExternalLoop, FixedPeriod, twin_error
from gdt_tutorial.loops.recipes.walkers import walkers
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity
from gdt_tutorial.twin.report_rules import ErrorIndex, ErrorThreshold, RuleDiscriminator
from gdt_tutorial.twin.status_store import StatusStore

TOPOLOGY = Topology.waterloo()
EMULATOR = ConstantVelocity(topology=TOPOLOGY)


@pytest.fixture(scope="module")
def trajectory():
    return walkers(TOPOLOGY, 2, 40, 40, seed=0)


def new_store(n_users=40):
    return StatusStore(2, n_users, TOPOLOGY.n_aps, 20)


def follow(loop, trajectory):
    errors = [twin_error(loop.observe(telemetry), telemetry) for telemetry in trajectory][5:]
    share = np.mean([record.collected_share for record in loop.records[5:]], axis=0)
    return share, np.sqrt(np.mean([np.square(error) for error in errors], axis=0))  # position, SNR


def test_nobody_is_further_off_than_tolerated_in_any_slot(trajectory):
    tolerance = Tolerance(position_m=1.5, snr_db=3.0)
    loop = DeviceTriggered(new_store(), EMULATOR, tolerance)
    assert isinstance(loop, Collection)
    for telemetry in trajectory:
        status = loop.observe(telemetry)
        away_m = np.linalg.norm(status.behavior.position_m - telemetry.position_m, axis=-1)
        off_db = np.sqrt(((status.networking.snr_db - telemetry.snr_db) ** 2).mean(axis=-1))
        assert away_m.max() <= tolerance.position_m
        assert off_db.max() <= tolerance.snr_db
        assert max(status.behavior.age_slots.max(), status.networking.age_slots.max()) < tolerance.max_period_slots


def test_at_the_same_reports_the_twin_errs_less_than_with_fixed_periods(trajectory):
    share, error = follow(DeviceTriggered(new_store(), EMULATOR, Tolerance()), trajectory)
    _, at_two = follow(FixedPeriod(new_store(), EMULATOR, 2), trajectory)
    # Some users at period 1 and the others at 2: the mean square error is linear in the share.
    rival = at_two * np.sqrt(2 * (1 - share[::-1]))
    assert (error < 0.8 * rival).all()


def test_devices_that_run_the_emulator_get_its_network_once(trajectory):
    loop = DeviceTriggered(new_store(), EMULATOR, cost=RunsEmulator(model_byte=100))
    follow(loop, trajectory[:6])
    np.testing.assert_array_equal(loop.belief_byte, [[4000.0] * 2] + [[0.0] * 2] * 5)


def test_predictions_are_sent_after_each_report_and_when_they_are_over(trajectory):
    cost = GetsPrediction(n_slots=4, value_byte=2, header_byte=20)
    assert isinstance(cost, BeliefCost)
    np.testing.assert_array_equal(cost.n_byte(7, 2, np.array([[0, 1, 3, 4, 5, 8]])), [[52.0, 0, 0, 52.0, 0, 52.0]])
    loop = DeviceTriggered(new_store(), EMULATOR, cost=cost)
    for telemetry in trajectory[:8]:
        status = loop.observe(telemetry)
        silent = np.minimum(status.networking.age_slots, status.behavior.age_slots)
        np.testing.assert_array_equal(loop.belief_byte[-1], 52.0 * (silent % 4 == 0).sum(axis=1))


def test_the_way_in_which_devices_know_changes_no_report(trajectory):
    one, other = (DeviceTriggered(new_store(), EMULATOR, cost=cost) for cost in (RunsEmulator(), GetsPrediction()))
    follow(one, trajectory[:10]), follow(other, trajectory[:10])
    assert [record.collected_share for record in one.records] == [record.collected_share for record in other.records]


@pytest.mark.parametrize(
    "rules", [(ErrorThreshold(limit=4.5), ErrorThreshold(limit=1.5)), (ErrorIndex(price=20.0), ErrorIndex())]
)
def test_periods_set_by_rules_err_less_than_fixed_ones_at_the_same_reports(trajectory, rules):
    loop = ExternalLoop(new_store(), EMULATOR, RuleDiscriminator(*rules))
    share, error = follow(loop, trajectory)
    at_two, at_eight = (follow(FixedPeriod(new_store(), EMULATOR, period), trajectory)[1] for period in (2, 8))
    mse = [np.interp(share[::-1][i], [1 / 8, 1 / 2, 1], [at_eight[i] ** 2, at_two[i] ** 2, 0]) for i in (0, 1)]
    assert (error**2 < mse).all()


def test_bad_numbers_are_refused():
    for name, value in (("position_m", 0.0), ("snr_db", 0.0), ("max_period_slots", 0)):
        with pytest.raises(ValueError, match=f"{name} must be above 0( and finite)?, got 0"):
            Tolerance(**{name: value})
    with pytest.raises(ValueError, match="model_byte must be at least 0, got -1"):
        RunsEmulator(model_byte=-1)
    for name in ("n_slots", "value_byte"):
        with pytest.raises(ValueError, match=f"{name} must be above 0( and finite)?, got 0"):
            GetsPrediction(**{name: 0})
    with pytest.raises(ValueError, match="header_byte must be at least 0, got -1"):
        GetsPrediction(header_byte=-1)
    with pytest.raises(ValueError, match="period_slots must be below window_slots = 20, got 20"):
        DeviceTriggered(new_store(), EMULATOR, Tolerance(max_period_slots=20))
