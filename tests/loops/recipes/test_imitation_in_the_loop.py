"""Imitated users in the closed loops: records by hand, pairing, and each part turned off changes the numbers."""

import numpy as np
import pytest

from gdt_tutorial.loops.external import FixedPeriod
from gdt_tutorial.loops.manager import GdtNetwork, campus_swipes, history_swipes, schedule_model
from gdt_tutorial.loops.recipes.imitation_in_the_loop import (
    LoopConfig,
    VerdictRecord,
    emulators_of,
    known_viewers,
    run_loop,
    walking_network,
)
from gdt_tutorial.physical.destinations import DestinationConfig
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction.status_windows import sample_windows
from gdt_tutorial.twin.contracts import check_emulator
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.emulation.imitator import ImitatorEmulator
from gdt_tutorial.twin.emulation.path_scores import score_paths
from gdt_tutorial.twin.emulation.turn_policy import Crossings, untrained
from gdt_tutorial.twin.emulation.walks import Walks
from gdt_tutorial.twin.history_swipes import HistorySwipes
from gdt_tutorial.twin.swipe_model import CampusSwipes

TOPOLOGY = Topology.waterloo()
SMALL = LoopConfig(
    n_batch=2, n_users=12, n_slots=15, n_ahead=5, period_slots=5, n_rollouts=2, n_history=15, bandwidth_hz=1e6
)


def hold():
    return HoldLast(topology=TOPOLOGY)


def imitator():
    return ImitatorEmulator(policy=untrained(Crossings(Streets.of(TOPOLOGY.campus))), topology=TOPOLOGY)


def managers(network):
    model = schedule_model(network)
    return {"greedy": GreedyAllocator(model), "equal": EqualShare(model)}


@pytest.fixture(scope="module")
def plain():
    return run_loop(0, hold(), campus_swipes, SMALL, make_managers=managers)


def test_a_record_by_hand():
    expected, realized = np.zeros((2, 2, 1)), np.zeros((2, 2, 1))
    expected[:, :, 0], realized[:, :, 0] = [[1.0, 0.5], [0.2, 0.4]], [[0.5, 0.7], [0.0, 0.4]]
    record = VerdictRecord(
        expected_qoe=expected, realized_qoe=realized, qoe=np.zeros(1), position_error_m=0.0, snr_error_db=0.0
    )
    np.testing.assert_allclose(record.bias, (0.5 - 0.2 + 0.2 + 0.0) / 4)
    np.testing.assert_allclose(record.error, (0.5 + 0.2 + 0.2 + 0.0) / 4)
    np.testing.assert_allclose(record.right_share, 0.5)
    np.testing.assert_allclose(record.lead_error, (0.7 + 0.2) / 2)


def test_a_run_is_the_same_again(plain):
    again = run_loop(0, hold(), campus_swipes, SMALL, make_managers=managers)
    for name, values in vars(plain).items():
        np.testing.assert_array_equal(values, getattr(again, name))
    assert plain.expected_qoe.shape == (2, 2, 2)


def test_the_imitator_turned_off_changes_the_numbers(plain):
    imitated = run_loop(0, imitator(), campus_swipes, SMALL, make_managers=managers)
    assert imitated.position_error_m < 0.5 * plain.position_error_m
    assert not np.array_equal(imitated.expected_qoe, plain.expected_qoe)


def test_the_history_turned_off_changes_the_numbers(plain):
    known = run_loop(0, hold(), history_swipes, SMALL, make_managers=managers)
    assert not np.array_equal(known.expected_qoe, plain.expected_qoe)
    # What is collected does not depend on swipes.
    assert known.position_error_m == plain.position_error_m


def test_copies_leave_the_run_alone():
    # With one manager nothing is chosen: whether verdicts are held against copies must not matter to the run.
    def one(network):
        return {"greedy": GreedyAllocator(schedule_model(network))}

    often, once = (
        run_loop(1, hold(), campus_swipes, LoopConfig(**{**vars(SMALL), "period_slots": period}), make_managers=one)
        for period in (3, 14)
    )
    np.testing.assert_array_equal(often.qoe, once.qoe)


def test_earlier_views_are_known():
    network = walking_network(0, SMALL)
    for make, kind in ((campus_swipes, CampusSwipes), (history_swipes, HistorySwipes)):
        known, none = known_viewers(make, 10)(network), known_viewers(make, 0)(network)
        assert isinstance(known, kind)
        assert not np.array_equal(known.curves.table, none.curves.table)
    # Both learn from the same views.
    tables = [known_viewers(make, 10)(network).curves.table for make in (campus_swipes, history_swipes)]
    np.testing.assert_array_equal(*tables)


def test_the_network_takes_both_in_ten_lines():
    network = walking_network(0, SMALL)
    gdt = GdtNetwork(
        network, imitator(), managers(network), lambda store, emulator: FixedPeriod(store, emulator, 4),
        make_swipes=history_swipes,
    )  # fmt: skip
    history = gdt.run(6)
    assert np.isfinite(history.qoe).all()
    assert isinstance(gdt.swipes, HistorySwipes)


def test_all_emulators_learn_from_the_same_walks():
    watched, test = (
        Walks.sample(DestinationConfig(), TOPOLOGY.campus, n, slots, 2.0, rng=stream(seed, "walks"))
        for n, slots, seed in ((30, 123, 0), (100, 36, 1))
    )
    emulators = emulators_of(watched, TOPOLOGY, generator=torch_stream(0, "emulators"))
    window = sample_windows(TOPOLOGY, 2, 4, 20, mobility=DestinationConfig(), rng=stream(2, "window"))
    for emulator in emulators.values():
        check_emulator(emulator, window)
    scores = score_paths(emulators, test, Streets.of(TOPOLOGY.campus), seed=0)
    # The map is worth more than a network; a network that knows these walks more than one that knows others.
    energy_m = {name: score.energy_m for name, score in scores.items()}
    assert energy_m["GAIL"] < 0.7 * energy_m["LSTM"]
    assert energy_m["LSTM"] < energy_m["LSTM, shipped"] < energy_m["hold last"]


def test_swipes_without_curves_need_an_abstractor():
    class NoCurves:
        def learn(self, service, session): ...

        def sample_fraction(self, viewer, video_type, *, rng):
            return np.ones(viewer.shape)

        def sample_rest(self, viewer, video_type, played, *, rng):
            return np.ones(viewer.shape)

    network = walking_network(0, SMALL)
    with pytest.raises(ValueError, match="make_swipes must make swipes that have the campus's curves, got 'NoCurves'"):
        GdtNetwork(
            network, hold(), managers(network), lambda store, emulator: FixedPeriod(store, emulator, 4),
            make_swipes=lambda network: NoCurves(),
        )  # fmt: skip


def test_a_run_without_a_verdict():
    with pytest.raises(ValueError, match="n_slots must be above period_slots = 5"):
        LoopConfig(**{**vars(SMALL), "n_slots": 5})
    with pytest.raises(ValueError, match="n_ahead must be above 1"):
        LoopConfig(n_ahead=1)
