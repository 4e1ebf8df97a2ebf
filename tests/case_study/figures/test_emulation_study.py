"""How far emulation goes: against hand-made walks, against the truth, and in what a session loses."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from gdt_tutorial.case_study.figures.emulation_study import (
    greedy_sessions,
    paired_interval,
    qoe_by_emulator,
    qoe_of_campuses,
    record_trajectory,
    session_views,
    status_errors,
    watching_curve,
)
from gdt_tutorial.case_study.figures.horizon_study import LAW_ALONE, believed_shares, horizon_errors
from gdt_tutorial.case_study.scenario import CaseStudyConfig, TrueStatus, TwinStatus, case_study_network
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, HoldLast
from gdt_tutorial.twin.emulation.walks import Walks
from gdt_tutorial.twin.pretrained import pretrained_emulator

CONFIG = CaseStudyConfig(n_slots=8, network=NetworkConfig(n_users=16))
SLOT_S = CONFIG.network.slot_s


@pytest.fixture(scope="module")
def network():
    return case_study_network(4, CONFIG, computing_cycles_per_s=5e9, seed=0)


@pytest.fixture(scope="module")
def trajectory(network):
    return record_trajectory(network, 60)


@pytest.fixture(scope="module")
def emulators(network):
    topology = network.topology
    lstm = pretrained_emulator(topology)
    return {
        "LSTM": lstm,
        "hold last": HoldLast(topology=topology),
        "constant velocity": ConstantVelocity(topology=topology),
        "law alone": replace(lstm, snr=LAW_ALONE),
    }


@pytest.fixture(scope="module")
def horizon(trajectory, network, emulators):
    return horizon_errors(trajectory, network.topology, emulators, slot_s=SLOT_S)


def test_a_course_is_what_a_managed_network_meets(network, trajectory):
    assert len(trajectory) == 60
    assert not any(telemetry.service.received_s.any() for telemetry in trajectory)
    positions = []
    greedy_sessions(4, CONFIG, computing_cycles_per_s=5e9)(0, lambda _: _Spy(positions))
    for telemetry, seen in zip(trajectory, positions, strict=False):
        np.testing.assert_array_equal(telemetry.position_m, seen.position_m)
        np.testing.assert_array_equal(telemetry.snr_db, seen.snr_db)


class _Spy(TrueStatus):
    """Keeps what it was shown."""

    def __init__(self, seen):
        self._seen = seen

    def observe(self, telemetry):
        self._seen.append(telemetry)
        return super().observe(telemetry)


def test_the_lstm_is_nearer_than_both_baselines_and_turns_limit_it(horizon):
    lstm, hold, straight = (horizon.errors[name] for name in ("LSTM", "hold last", "constant velocity"))
    assert np.all(lstm.position_m[2:] < hold.position_m[2:])
    assert np.all(lstm.position_m[2:] < straight.position_m[2:])
    assert np.all(np.diff(horizon.turned_share) > 0)
    # While a leg or pause goes on, walking straight on is exact; after a turn nothing is.
    assert np.all(straight.kept_m < 0.2)
    assert np.all(lstm.turned_m > 0.5)
    assert np.all(lstm.turned_m[1:] < straight.turned_m[1:])
    for error in (lstm, hold, straight):
        parts = horizon.turned_share * error.turned_m**2 + (1 - horizon.turned_share) * error.kept_m**2
        np.testing.assert_allclose(parts, error.position_m**2, rtol=1e-6)


def test_channels_need_the_last_measurement_more_than_the_position(horizon):
    lstm = horizon.errors["LSTM"]
    assert np.all(horizon.known_place_db <= lstm.snr_db + 0.05)
    assert np.all(lstm.snr_db < horizon.held_db + 0.05)
    # The law alone is off by the spread of shadowing, whether positions are true or emulated.
    assert np.all(horizon.law_alone_db > 7)
    np.testing.assert_allclose(horizon.errors["law alone"].snr_db, horizon.law_alone_db, rtol=0.1)
    assert lstm.snr_db[0] < 0.6 * horizon.law_alone_db[0]


def test_the_same_positions_with_and_without_the_measurement(horizon):
    np.testing.assert_array_equal(horizon.errors["law alone"].position_m, horizon.errors["LSTM"].position_m)


def test_errors_grow_with_the_period_and_cost_fewer_bytes(trajectory, network, emulators):
    rows = status_errors(trajectory, network, emulators, (1, 3, 8))
    assert len(rows) == 3 * len(emulators)
    for name in emulators:
        own = [row for row in rows if row.emulator == name]
        assert own[0][2:5] == (0.0, 0.0, 0.0)
        assert own[0].wrong_ap_share == 0.0
        for field in ("position_m", "snr_db", "efficiency", "capability", "wrong_ap_share"):
            values = [getattr(row, field) for row in own]
            assert np.all(np.diff(values) > 0), (name, field, values)
        assert own[0].n_byte == 80.0
        assert own[0].n_byte > 2.5 * own[1].n_byte > 5 * own[2].n_byte
    # Even a twin that knows everything is a slot late.
    assert rows[0].capability > 0.1
    assert len({row.mean_capability for row in rows}) == 1


def test_a_twin_that_asks_everybody_loses_nothing_and_the_rest_is_paired(emulators):
    run = greedy_sessions(3, CONFIG, computing_cycles_per_s=5e9)
    hold = {"hold last": emulators["hold last"]}
    rows = qoe_by_emulator(run, hold, periods=(1, 8), seeds=(0, 1))
    assert [(row.emulator, row.period_slots) for row in rows] == [
        ("true status", 1), ("hold last", 1), ("hold last", 8),
    ]  # fmt: skip
    assert rows[1][2:] == rows[0][2:]
    assert np.isclose(rows[2].lost, rows[0].qoe - rows[2].qoe)
    assert rows[2].lost_low < rows[2].lost < rows[2].lost_high


def test_a_session_runner_may_be_anything_that_depends_on_the_seed(emulators):
    network = case_study_network(2, CONFIG, computing_cycles_per_s=5e9, seed=0)

    def run(seed, open_source):
        is_true = isinstance(open_source(network), TrueStatus)
        return np.array([1.0, 2.0]) + seed - (0.0 if is_true else np.array([0.1, 0.3]))

    rows = qoe_by_emulator(run, {"hold last": emulators["hold last"]}, periods=(3,), seeds=(5,))
    assert rows[0].qoe == 6.5
    assert np.isclose(rows[1].lost, 0.2)
    assert isinstance(TwinStatus(network, emulators["hold last"], 3), TwinStatus)


def test_session_views_are_those_that_ended():
    views = session_views(greedy_sessions(2, CONFIG, computing_cycles_per_s=5e9), (0, 1))
    assert views.view_type.shape == (4, 16, 8)
    assert (views.view_type >= 0).any()
    np.testing.assert_array_equal(views.view_type < 0, np.isnan(views.view_fraction))


def test_paired_intervals_are_those_of_scipy():
    difference = np.array([0.1, 0.4, -0.2, 0.3])
    mean, low, high = paired_interval(difference)
    wanted = stats.ttest_1samp(difference, 0.0).confidence_interval(0.95)
    np.testing.assert_allclose((mean, low, high), (difference.mean(), wanted.low, wanted.high))


def test_bad_input(trajectory, network, emulators):
    with pytest.raises(ValueError, match="trajectory must have 28 slots or more"):
        horizon_errors(trajectory[:27], network.topology, emulators, slot_s=SLOT_S)
    with pytest.raises(ValueError, match="trajectory must have more than 9 slots"):
        status_errors(trajectory[:9], network, emulators)
    with pytest.raises(ValueError, match="values must hold two or more"):
        paired_interval(np.zeros(1))


def test_lstm_shares_lie_between_the_plain_guesses_and_fall_with_age(emulators):
    walks = Walks.sample(
        LevyFlightConfig(), emulators["hold last"].topology.campus, 200, 28, SLOT_S, rng=np.random.default_rng(0)
    )
    shares = believed_shares(emulators["LSTM"], walks)
    is_walking = walks.velocity_mps[:, 19].any(axis=-1)
    assert shares.shape == (is_walking.sum(), 8)
    assert np.all((shares > 0) & (shares < 1))
    assert np.all(np.diff(shares.mean(axis=0)) < 0)
    short = Walks(position_m=walks.position_m[:, :26], velocity_mps=walks.velocity_mps[:, :26], slot_s=SLOT_S)
    with pytest.raises(ValueError, match="walks must have 27 slots or more"):
        believed_shares(emulators["LSTM"], short)


def test_errors_by_campus_pool_to_the_error_of_all(horizon):
    for error in horizon.errors.values():
        assert error.by_campus_m.shape == (4, 8)
        np.testing.assert_allclose(np.sqrt((error.by_campus_m**2).mean(axis=0)), error.position_m)


def test_running_views_lift_the_curve_of_a_short_session():
    run = greedy_sessions(3, CONFIG, computing_cycles_per_s=12e9)
    survival = watching_curve(run, (0,))
    assert survival.shape == (21,)
    assert survival[0] == 1.0
    assert np.all(np.diff(survival) <= 0)
    ended = session_views(run, (0,)).view_fraction
    ended = ended[~np.isnan(ended)]
    assert survival[10] > (ended > 0.5).mean()  # to leave running views out would bend the curve down


def test_campuses_are_paired_and_the_true_status_needs_no_period(emulators):
    run = greedy_sessions(2, CONFIG, computing_cycles_per_s=5e9)
    true = qoe_of_campuses(run, TrueStatus(), (0,))
    assert true.shape == (2,)
    np.testing.assert_array_equal(qoe_of_campuses(run, emulators["hold last"], (0,), period_slots=1), true)
    assert not np.array_equal(qoe_of_campuses(run, emulators["hold last"], (0,), period_slots=8), true)
