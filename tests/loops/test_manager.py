import pickle
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from gdt_tutorial.loops.external import ExternalLoop, FixedPeriod
from gdt_tutorial.loops.internal import InternalConfig
from gdt_tutorial.loops.manager import GdtNetwork
from gdt_tutorial.loops.trust import Trust, TrustConfig
from gdt_tutorial.physical.faulty_uplink import FaultConfig, FaultyUplink
from gdt_tutorial.physical.messages import NOT_SERVED
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.discriminator import ErrorDiscriminator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from tests.small_networks import ANY, network, same

N_SLOTS = 8


def run(seed=0, period_slots=1, managers=("greedy", "equal"), n_batch=2, on_slot=None):
    net = network(n_batch, 12, seed=seed)
    model, makers = schedule_model(net), {"greedy": GreedyAllocator, "equal": EqualShare}
    gdt = GdtNetwork(
        net,
        emulator_of(net),
        {name: makers[name](model) for name in managers},
        lambda store, emulator: FixedPeriod(store, emulator, period_slots),
        InternalConfig(n_slots=3),
    )
    return gdt, gdt.run(N_SLOTS, on_slot)


def emulator_of(net):
    return HoldLast(topology=net.topology)


def test_a_history_has_an_entry_for_each_slot():
    seen = []
    gdt, history = run(on_slot=seen.append)
    assert seen == list(range(N_SLOTS))
    for name in ("qoe", "stall_s", "quality", "variation", "n_byte", "chosen"):
        assert getattr(history, name).shape == (N_SLOTS, 2)
    assert history.position_m.shape == history.emulated_m.shape == (N_SLOTS, 12, 2)
    assert all(np.isfinite(value).all() for value in vars(history).values())
    assert len(gdt.internal.verdicts) == N_SLOTS


def test_who_collects_everything_knows_everything():
    _, history = run(period_slots=1)
    assert (history.collected_share == 1).all()
    assert (history.n_byte == 12 * (32 + 48)).all()
    assert not history.position_error_m.any()
    assert not history.snr_error_db.any()
    np.testing.assert_array_equal(history.emulated_m, history.position_m)


def test_who_collects_rarely_pays_less_and_errs_more():
    _, always = run(period_slots=1)
    _, rarely = run(period_slots=4)
    assert rarely.n_byte.sum() < always.n_byte.sum()
    assert rarely.snr_error_db.mean() > 0
    np.testing.assert_array_equal(rarely.position_m, always.position_m)


def test_runs_have_a_seed_pair():
    (_, first), (_, again), (_, other) = run(0), run(0), run(1)
    assert same(first, again)
    assert not np.array_equal(first.qoe, other.qoe)


def test_with_one_manager_the_loop_is_open():
    gdt, history = run(managers=("greedy",))
    assert not history.chosen.any()
    assert all(verdict.expected_qoe == {} for verdict in gdt.internal.verdicts)


def test_the_curves_learn_from_what_was_watched():
    gdt, _ = run()
    assert np.ptp(gdt.swipes.curves.table[..., -1]) > 0
    assert gdt.swipes.curves._n_running.any()  # and of what is on screen


def test_a_second_run_starts_again_with_a_new_twin():
    gdt, first = run()
    assert same(first, gdt.run(N_SLOTS))
    assert len(gdt.internal.verdicts) == N_SLOTS


def test_environments_do_not_disturb_each_other():
    # Decisions differ in the first environment only: the others must not feel it.
    class FirstIdle:
        def __init__(self, model):
            self.greedy = GreedyAllocator(model)

        def decide(self, features, *, rng):
            decision = self.greedy.decide(features, rng=ANY)
            segments = decision.segments.copy()
            segments[::3] = NOT_SERVED  # rollouts repeat the three environments
            return replace(decision, segments=segments)

    histories = []
    for first in (GreedyAllocator, FirstIdle):
        net = network(3, 12, seed=0)
        model = schedule_model(net)
        managers = {"first": first(model), "equal": EqualShare(model)}
        gdt = GdtNetwork(
            net, emulator_of(net), managers, lambda store, emulator: FixedPeriod(store, emulator, 2),
            InternalConfig(n_slots=3),
        )  # fmt: skip
        histories.append(gdt.run(20))
    left, right = histories
    assert not np.array_equal(left.qoe[:, 0], right.qoe[:, 0])
    for name in ("qoe", "stall_s", "quality", "chosen"):
        np.testing.assert_array_equal(getattr(left, name)[:, 1:], getattr(right, name)[:, 1:])


def test_the_twin_does_not_grow_with_time():
    """What grows are the entries of each slot: those that a run returns, and the records of both loops."""
    net, sizes = network(1, 12, seed=0), []
    model = schedule_model(net)
    makers = {"greedy": GreedyAllocator(model), "equal": EqualShare(model)}
    gdt = GdtNetwork(
        net,
        emulator_of(net),
        makers,
        lambda store, emulator: ExternalLoop(store, emulator, ErrorDiscriminator()),
        InternalConfig(n_slots=3),
    )

    def measure(slot):
        loops = (gdt.collection.records, gdt.internal.verdicts)
        gdt.collection.records, gdt.internal.verdicts = [], []
        state = (gdt.store, gdt.swipes, gdt.collection, gdt.internal, gdt.seen)
        sizes.append(len(pickle.dumps(tuple(vars(one) for one in state))))
        gdt.collection.records, gdt.internal.verdicts = loops

    gdt.run(50, lambda slot: measure(slot) if slot in (24, 37, 49) else None)
    assert max(sizes) < 1.02 * sizes[0], sizes


def test_verdicts_are_held_against_the_quality_of_experience_that_came():
    net = network(2, 12, seed=4)
    model = schedule_model(net)
    managers = {"equal": EqualShare(model), "greedy": GreedyAllocator(model)}
    gdt = GdtNetwork(
        net,
        HoldLast(topology=net.topology),
        managers,
        lambda store, emulator: FixedPeriod(store, emulator, 2),
        InternalConfig(n_slots=3, period_slots=3),
        make_trust=lambda: Trust(0, TrustConfig(lag_slots=1)),
    )
    history = gdt.run(8)
    held = gdt.internal.trust.held
    assert len(held) == 2
    # The first verdict is of slot 0; the QoE of its own slot is settled.
    np.testing.assert_array_equal(held[0].came, history.qoe[1:3].mean(axis=0))
    assert history.chosen[0].tolist() == [0, 0]


FAULTS = st.builds(
    FaultConfig,
    lost_share=st.floats(0, 0.5),
    late_share=st.floats(0, 1),
    twice_share=st.floats(0, 1),
    max_delay_slots=st.integers(1, 12),
)


@settings(max_examples=4, deadline=None, derandomize=True, database=None)
@given(faults=FAULTS, seed=st.integers(0, 1000))
def test_faulty_telemetry_crashes_nothing_and_no_emulated_value_passes_for_a_collected_one(faults, seed):
    net, truths = network(1, 6, seed=seed), []
    model = schedule_model(net)
    gdt = GdtNetwork(
        net,
        emulator_of(net),
        {"greedy": GreedyAllocator(model), "equal": EqualShare(model)},
        lambda store, emulator: ExternalLoop(
            store, emulator, ErrorDiscriminator(), FaultyUplink(faults, rng=stream(seed, "uplink"))
        ),
        InternalConfig(n_slots=3),
    )
    history = gdt.run(14, lambda slot: truths.append(gdt.telemetry))
    assert np.isfinite(history.qoe).all()
    window = gdt.store.window()
    halves = ((window.is_behavior_collected, "position_m"), (window.is_networking_collected, "snr_db"))
    for is_collected, name in halves:
        assert is_collected.any(axis=-1).all()
        for env, user, at in np.argwhere(is_collected):
            truth = getattr(truths[at - is_collected.shape[-1]], name)[env, user]
            np.testing.assert_array_equal(getattr(window, name)[env, user, at], truth)
