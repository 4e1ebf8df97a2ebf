import pickle

import numpy as np
import pytest

from gdt_tutorial.loops.external import ExternalLoop, FixedPeriod, twin_error
from gdt_tutorial.loops.manager import GdtNetwork, schedule_model
from gdt_tutorial.loops.recipes.walkers import walkers
from gdt_tutorial.physical.controllers import LocalController
from gdt_tutorial.physical.messages import Telemetry
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.discriminator import DiscriminatorConfig, ErrorDiscriminator, ErrorLimits
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, HoldLast
from gdt_tutorial.twin.emulation.mini_batches import MiniBatches
from gdt_tutorial.twin.report_rules import ErrorThreshold, RuleDiscriminator
from gdt_tutorial.twin.status_store import StatusStore
from tests.small_networks import network

TOPOLOGY = Topology.waterloo()
N_BATCH, N_USERS, N_SLOTS = 2, 40, 40


def walk_and_fade(seed):
    """Return the telemetry of users who walk and watch nothing."""
    return walkers(TOPOLOGY, N_BATCH, N_USERS, N_SLOTS, seed=seed)


@pytest.fixture(scope="module")
def trajectory():
    return walk_and_fade(0)


def new_store(window_slots=20):
    return StatusStore(N_BATCH, N_USERS, TOPOLOGY.n_aps, window_slots)


def adaptive(std_m=1.5, std_db=4.5, emulator=None):
    limits = DiscriminatorConfig(behavior=ErrorLimits.of_std(std_m), networking=ErrorLimits.of_std(std_db))
    emulator = emulator or ConstantVelocity(topology=TOPOLOGY)
    return ExternalLoop(new_store(), emulator, ErrorDiscriminator(limits))


def fixed(period_slots, emulator=None):
    return FixedPeriod(new_store(), emulator or ConstantVelocity(topology=TOPOLOGY), period_slots)


def follow(loop, trajectory):
    return [twin_error(loop.observe(telemetry), telemetry) for telemetry in trajectory]


def collected_share(loop):
    return np.mean([record.collected_share for record in loop.records[5:]], axis=0)


def mean_position_m(errors):
    return float(np.sqrt(np.mean([error.position_m**2 for error in errors[5:]])))


# The contract of both loops.


@pytest.mark.parametrize("make", [adaptive, lambda: fixed(4)], ids=["adaptive", "fixed"])
def test_status_is_the_truth_where_it_was_collected(trajectory, make):
    loop = make()
    for telemetry in trajectory[:10]:
        due = loop.due()
        status = loop.observe(telemetry)
        np.testing.assert_array_equal(due.behavior, status.behavior.age_slots == 0)
        np.testing.assert_array_equal(due.networking, status.networking.age_slots == 0)
        np.testing.assert_array_equal(status.behavior.position_m[due.behavior], telemetry.position_m[due.behavior])
        np.testing.assert_array_equal(status.networking.snr_db[due.networking], telemetry.snr_db[due.networking])
        assert np.isfinite(status.behavior.position_m).all()
        assert np.isfinite(status.networking.snr_db).all()
        assert status.slot == telemetry.slot


@pytest.mark.parametrize("make", [adaptive, lambda: fixed(4)], ids=["adaptive", "fixed"])
def test_bytes_are_those_of_the_users_who_reported(trajectory, make):
    loop, controller = make(), LocalController()
    for telemetry in trajectory[:10]:
        due = loop.due()
        loop.observe(telemetry)
        expected = controller.networking_byte * due.networking.sum(1) + controller.behavior_byte * due.behavior.sum(1)
        np.testing.assert_array_equal(loop.records[-1].n_byte, expected)


@pytest.mark.parametrize("make", [adaptive, lambda: fixed(4)], ids=["adaptive", "fixed"])
def test_same_course_same_records(trajectory, make):
    one, other = make(), make()
    follow(one, trajectory), follow(other, trajectory)
    assert [record.collected_share for record in one.records] == [record.collected_share for record in other.records]


# The fixed period.


def test_period_of_one_is_the_truth(trajectory):
    errors = follow(fixed(1), trajectory)
    assert all(error.position_m == 0 and error.snr_db == 0 for error in errors)


@pytest.mark.parametrize("period_slots", [2, 4, 8])
def test_users_take_turns(trajectory, period_slots):
    loop = fixed(period_slots)
    follow(loop, trajectory)
    shares = np.array([record.collected_share for record in loop.records[1:]])
    np.testing.assert_allclose(shares, 1 / period_slots)
    assert loop.records[0].collected_share == (1.0, 1.0)


# The adaptive loop.


def test_wider_limits_collect_less_and_err_more(trajectory):
    loops = [adaptive(std_m, std_db) for std_m, std_db in ((0.6, 3.5), (1.5, 5.0), (4.0, 7.0))]
    position_m = [mean_position_m(follow(loop, trajectory)) for loop in loops]
    shares = np.array([collected_share(loop) for loop in loops])
    assert (np.diff(shares, axis=0) < 0).all()
    assert position_m == sorted(position_m)


def test_paused_users_report_less_often_than_walkers_when_the_twin_holds_positions(trajectory):
    loop = adaptive(std_m=1.5, emulator=HoldLast(topology=TOPOLOGY))
    n_collected, n_slots = np.zeros(2), np.zeros(2)
    for telemetry in trajectory:
        is_walking = telemetry.velocity_mps.any(axis=-1)
        is_due = loop.due().behavior
        loop.observe(telemetry)
        n_slots += [(~is_walking).sum(), is_walking.sum()]
        n_collected += [(is_due & ~is_walking).sum(), (is_due & is_walking).sum()]
    paused_share, walking_share = n_collected / n_slots
    assert paused_share < 0.8 * walking_share


def test_adaptive_beats_fixed_at_the_same_share():
    """Hold-last at a limit between a walker's and a pauser's error: those who stand still need few reports."""
    gains = []
    for seed in range(3):
        trajectory = walk_and_fade(seed)
        loop = adaptive(std_m=1.5, emulator=HoldLast(topology=TOPOLOGY))
        position_m = mean_position_m(follow(loop, trajectory))
        share = collected_share(loop)[1]
        assert 0.5 < share < 1
        # Some users at period 1 and the others at 2 make any share between: the mean square error is linear in it.
        half_m = mean_position_m(follow(fixed(2, HoldLast(topology=TOPOLOGY)), trajectory))
        gains.append(1 - position_m / (half_m * np.sqrt(2 * (1 - share))))
    assert np.median(gains) > 0.25


def test_what_was_not_collected_cannot_change_what_is_collected(trajectory):
    honest, misled = adaptive(), adaptive()
    rng = stream(0, "lies")
    for telemetry in trajectory[:20]:
        due = honest.due()
        np.testing.assert_array_equal(due.behavior, misled.due().behavior)
        np.testing.assert_array_equal(due.networking, misled.due().networking)
        honest.observe(telemetry)
        position_m = np.where(
            due.behavior[..., None], telemetry.position_m, rng.uniform(-300, 300, (N_BATCH, N_USERS, 2))
        )
        snr_db = np.where(due.networking[..., None], telemetry.snr_db, rng.uniform(-20, 60, (N_BATCH, N_USERS, 2)))
        misled.observe(
            Telemetry(
                slot=telemetry.slot, position_m=position_m, velocity_mps=telemetry.velocity_mps, snr_db=snr_db,
                session=telemetry.session, service=telemetry.service, load=telemetry.load,
            )
        )  # fmt: skip


def test_six_steps_in_the_order_of_the_figure(trajectory, monkeypatch):
    calls = []

    def note(kind, name):
        method = getattr(kind, name)
        monkeypatch.setattr(kind, name, lambda *args, **named: (calls.append(name), method(*args, **named))[1])

    for kind, name in (
        (LocalController, "collect"), (StatusStore, "update"), (MiniBatches, "judge"), (ConstantVelocity, "emulate"),
        (ErrorDiscriminator, "assess"), (ErrorDiscriminator, "next_periods"),
    ):  # fmt: skip
        note(kind, name)
    store, batches = new_store(), MiniBatches(rng=stream(0, "mini-batches"))
    emulator = ConstantVelocity(topology=TOPOLOGY)
    loop = ExternalLoop(store, emulator, ErrorDiscriminator(), mini_batches=batches)
    for telemetry in trajectory[:6]:
        calls.clear()
        status = loop.observe(telemetry)
    # Upload, update, mini-batch and emulation (of it, and of everybody), evaluation, adjustment; then it is fed back.
    assert calls == ["collect", "update", "judge", "emulate", "emulate", "assess", "next_periods"]
    period = loop.records[-1].period_slots
    age = [half.age_slots for half in (status.networking, status.behavior)]
    for due, period_slots, age_slots in zip(loop.due(), period, age, strict=True):
        np.testing.assert_array_equal(due, age_slots + 1 >= period_slots)
    assert loop.records[-1].judgment.n_windows == 32


def test_records_hold_both_errors_and_the_periods(trajectory):
    loop = adaptive()
    follow(loop, trajectory[:5])
    assert loop.records[0].error is None
    networking, behavior = loop.records[-1].error
    assert behavior.entropy_nat.shape == networking.mse.shape == (N_BATCH, N_USERS)
    assert all((period >= 1).all() for period in loop.records[-1].period_slots)


def test_memory_is_flat_in_time_apart_from_the_records():
    batches, rules = MiniBatches(rng=stream(0, "mini-batches")), (ErrorThreshold(limit=4.5), ErrorThreshold(limit=1.5))
    loop = ExternalLoop(
        StatusStore(1, 8, TOPOLOGY.n_aps, 20),
        HoldLast(topology=TOPOLOGY),
        RuleDiscriminator(*rules),
        mini_batches=batches,
    )
    held_byte = {}
    for slot, telemetry in enumerate(walkers(TOPOLOGY, 1, 8, 300, seed=0), start=1):
        loop.observe(telemetry)
        if slot in (100, 300):
            assert len(loop.records) == slot
            kept, loop.records = loop.records, []
            held_byte[slot] = len(pickle.dumps(loop))
            loop.records = kept
    assert held_byte[300] == pytest.approx(held_byte[100], abs=100)
    assert len(pickle.dumps(loop)) < held_byte[300] + 300 * 1000  # a kilobyte a slot, for eight users


def test_in_the_network_the_loop_brings_the_twin_closer_for_about_as_many_bytes():
    """Turned off, with a fixed period in its place, the twin is further off in both halves."""

    def run(collect):
        net = network(2, 30, seed=1)
        emulator, makers = ConstantVelocity(topology=net.topology), {"greedy": GreedyAllocator(schedule_model(net))}
        history = GdtNetwork(net, emulator, makers, collect).run(30)
        error = (history.snr_error_db, history.position_error_m)
        return history.n_byte[5:].mean(), [np.sqrt((each[5:] ** 2).mean()) for each in error]

    rules = RuleDiscriminator(ErrorThreshold(limit=4.5), ErrorThreshold(limit=1.5))
    own_byte, own = run(lambda store, emulator: ExternalLoop(store, emulator, rules))
    rival_byte, rival = run(lambda store, emulator: FixedPeriod(store, emulator, 3))
    assert own_byte < 1.2 * rival_byte
    assert own[0] < 0.95 * rival[0]
    assert own[1] < rival[1]


def test_bad_periods_are_refused():
    with pytest.raises(ValueError, match="period_slots must be above 0, got 0"):
        fixed(0)
    with pytest.raises(ValueError, match="period_slots must be below window_slots = 20, got 20"):
        fixed(20)
    with pytest.raises(ValueError, match="period_slots must be below window_slots = 16, got 16"):
        ExternalLoop(new_store(16), HoldLast(topology=TOPOLOGY), ErrorDiscriminator())
