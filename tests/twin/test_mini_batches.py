"""Mini-batches of the status: what they hold, how an emulator is judged on them, and that it can learn from them."""

from copy import deepcopy
from math import inf

import numpy as np
import pytest

from gdt_tutorial.loops.external import FixedPeriod, twin_error
from gdt_tutorial.loops.recipes.walkers import walkers
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.emulation.mini_batches import LstmUpdate, MiniBatchConfig, MiniBatches
from gdt_tutorial.twin.pretrained import pretrained_emulator
from gdt_tutorial.twin.status import last_collected
from gdt_tutorial.twin.status_store import StatusStore

TOPOLOGY = Topology.waterloo()
HOLD = HoldLast(topology=TOPOLOGY)


@pytest.fixture(scope="module")
def store():
    store = StatusStore(2, 30, TOPOLOGY.n_aps, 20)
    loop = FixedPeriod(store, HOLD, 3)
    for telemetry in walkers(TOPOLOGY, 2, 30, 25, seed=1):
        loop.observe(telemetry)
    return store


def test_a_window_ends_before_the_report_that_judges_it(store):
    whole = store.window()
    batch = MiniBatches(MiniBatchConfig(n_windows=50), rng=stream(0, "batch")).sample(whole)
    collected = whole.position_m[whole.is_behavior_collected]
    assert batch.position_m.shape == (1, 50, 2)
    for user in range(50):
        target_m, window = batch.position_m[0, user], batch.window
        assert (collected == target_m).all(axis=-1).any(), "an emulated position judges"
        env, row, slot = np.argwhere((whole.position_m == target_m).all(axis=-1) & whole.is_behavior_collected)[-1]
        n_known = int(slot)
        np.testing.assert_array_equal(window.position_m[0, user, 20 - n_known :], whole.position_m[env, row, :n_known])
        assert not window.is_behavior_collected[0, user, : 20 - n_known].any()
    last_collected(batch.window.is_behavior_collected)  # raises where a user was never collected


def test_judgment_of_the_truth_and_of_a_known_spread(store):
    class Shifted:
        """Emulates what the next report says, shifted by one meter and two decibels."""

        def __init__(self, batch):
            self.batch = batch

        def emulate(self, window, n_slots, *, n_samples=0, rng=None):
            position_m, snr_db = self.batch.position_m[:, :, None] + 1.0, self.batch.snr_db[:, :, None] - 2.0
            return EmulatedStatus(
                position_m=position_m, position_std_m=np.full_like(position_m, 0.5),
                snr_db=snr_db, snr_std_db=np.full_like(snr_db, 4.0),
            )  # fmt: skip

    first, again = (MiniBatches(rng=stream(3, "batch")) for _ in range(2))
    judged = again.judge(Shifted(first.sample(store.window())), store.window())
    assert (judged.position_mse_m2, judged.snr_mse_db2) == pytest.approx((1.0, 4.0))
    assert (judged.position_spread, judged.snr_spread) == pytest.approx((4.0, 0.25))


def test_without_a_second_report_there_is_nothing_to_judge():
    store = StatusStore(2, 30, TOPOLOGY.n_aps, 20)
    loop = FixedPeriod(store, HOLD, 3)
    loop.observe(walkers(TOPOLOGY, 2, 30, 1, seed=1)[0])
    assert MiniBatches(rng=stream(0, "batch")).judge(HOLD, store.window()) is None


def test_an_update_learns_what_its_mini_batches_hold(store):
    emulator = deepcopy(pretrained_emulator(TOPOLOGY))
    update, batches = LstmUpdate(emulator, 1e-2), MiniBatches(rng=stream(0, "batch"))
    emulator.network.std_scale.mul_(3.0)  # now it is far too unsure
    batch = batches.sample(store.window())
    losses = [update(batch) for _ in range(40)]
    assert losses[-1] < losses[0] - 0.5


def test_gradients_stay_whole_or_are_cut(store):
    def norm_after(max_norm):
        emulator = deepcopy(pretrained_emulator(TOPOLOGY))
        emulator.network.std_scale.mul_(0.1)  # far too sure: every report is a surprise
        batch = MiniBatches(rng=stream(0, "batch")).sample(store.window())
        LstmUpdate(emulator, 1e-3, max_norm)(batch)
        return float(sum((each.grad**2).sum() for each in emulator.network.parameters()) ** 0.5)

    assert norm_after(0.5) == pytest.approx(0.5, rel=1e-4)
    assert norm_after(inf) > 5.0


def test_an_update_refuses_a_norm_that_is_not_positive():
    with pytest.raises(ValueError, match="max_norm"):
        LstmUpdate(pretrained_emulator(TOPOLOGY), max_norm=0.0)


def test_updates_pay_where_users_walk_otherwise_than_in_training():
    long_legs, errors = LevyFlightConfig(min_leg_m=100.0, max_pause_s=3.0), []
    course = walkers(TOPOLOGY, 2, 40, 70, long_legs, seed=200)
    for is_updated in (False, True):
        emulator, store = deepcopy(pretrained_emulator(TOPOLOGY)), StatusStore(2, 40, TOPOLOGY.n_aps, 20)
        update = LstmUpdate(emulator, 1e-3) if is_updated else None
        loop, batches = FixedPeriod(store, emulator, 4), MiniBatches(update=update, rng=stream(0, "batch"))
        of_slot = []
        for telemetry in course:
            of_slot.append(twin_error(loop.observe(telemetry), telemetry).position_m)
            batches.judge(emulator, store.window())
        errors.append(np.sqrt(np.mean(np.square(of_slot[40:]))))
    assert errors[1] < 0.9 * errors[0]


def test_the_shipped_network_stays_as_it_is_under_judgment_alone(store):
    emulator = pretrained_emulator(TOPOLOGY)
    before = {name: value.clone() for name, value in emulator.network.state_dict().items()}
    judged = MiniBatches(rng=stream(0, "batch")).judge(emulator, store.window())
    assert judged.n_windows == MiniBatchConfig().n_windows
    assert all((value == before[name]).all() for name, value in emulator.network.state_dict().items())
