"""Sessions: repeatable, paired, and open to any mix of buffering, versions and scheduling."""

from dataclasses import fields

import numpy as np
import pytest

from gdt_tutorial.agents.ddpg import Actor
from gdt_tutorial.case_study.experiment import Scheme, SessionResult, StatusSource, by_favorite_type, run_session
from gdt_tutorial.case_study.figures.schemes import SCHEMES
from gdt_tutorial.case_study.learning.actor_scheduler import ActorScheduler
from gdt_tutorial.case_study.learning.training import (
    PRIORS,
    fitting_version,
    myopic_search,
    new_network,
    sequential_lists,
    swipe_aware_lists,
)
from gdt_tutorial.case_study.scenario import ReplayedStatus, TrueStatus, TwinStatus
from gdt_tutorial.loops.internal import InternalLoop
from gdt_tutorial.loops.manager import campus_swipes
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.solutions.data_model.baselines import EqualSplit, GreedyByGain, GreedyByGainPerCost
from gdt_tutorial.solutions.data_model.cell_state import n_state
from gdt_tutorial.solutions.data_model.scheduling import SlsqpScheduler
from gdt_tutorial.solutions.data_model.version_network import BranchingVersions
from gdt_tutorial.solutions.data_model.versions import FixedVersion
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.status import true_status
from gdt_tutorial.twin.virtual import VirtualNetwork
from tests.case_study.campuses import SMALL, small_campuses

N_SLOTS = SMALL.n_slots


def learned(campuses):
    network = new_network(4, generator=torch_stream(0, "network"))
    return BranchingVersions(campuses.model, network, [make(campuses) for make in PRIORS])


def actor(campuses):
    network = Actor(n_state(16, 4, 1), 32, generator=torch_stream(0, "actor"))
    return ActorScheduler(campuses.model, network, (fitting_version(campuses),))


def lowest(campuses):
    return FixedVersion(campuses.model, 0)


BUFFERING = {"swipe-aware": swipe_aware_lists, "sequential": sequential_lists}
VERSIONS = {"lowest": lowest, "fitting": fitting_version, "search": myopic_search, "network": learned}
SCHEDULERS = {
    "slsqp": lambda campuses: SlsqpScheduler(campuses.model),
    "gain": lambda campuses: GreedyByGain(campuses.model),
    "gain per cost": lambda campuses: GreedyByGainPerCost(campuses.model),
    "equal": lambda campuses: EqualSplit(campuses.model),
    "actor": actor,
}


def scheme_of(campuses, buffering=swipe_aware_lists, versions=fitting_version, scheduler=SCHEDULERS["gain per cost"]):
    return Scheme(buffering=buffering(campuses), versions=versions(campuses), scheduler=scheduler(campuses))


def session(campuses, source=None, n_slots=N_SLOTS, **parts):
    return run_session(campuses, scheme_of(campuses, **parts), source or TrueStatus(), n_slots)


def assert_same(left, right):
    """Hold all but the time of the decisions against each other."""
    for field in fields(SessionResult):
        if field.name != "decide_s":
            np.testing.assert_array_equal(getattr(left, field.name), getattr(right, field.name), err_msg=field.name)


def test_a_session_can_be_run_again():
    campuses = small_campuses(n_batch=2)
    first = session(campuses)
    assert_same(first, session(campuses))
    assert_same(first, session(small_campuses(n_batch=2)))
    other = session(small_campuses(n_batch=2, seed=1))
    assert (first.qoe != other.qoe).any()


def test_quality_of_experience_is_the_sum_of_its_parts():
    campuses = small_campuses(4e9, n_batch=2)
    result, qoe = session(campuses), campuses.network.config.qoe
    parts = result.quality * qoe.quality_weight - result.variation * qoe.variation_weight
    np.testing.assert_allclose(result.qoe, (parts - result.stall_s * qoe.stall_weight) / 2.0, atol=1e-12)
    mean = result.components(2.0)
    expected = mean["quality"] - mean["variation"] - qoe.stall_weight * mean["stall"]
    assert result.mean_qoe().mean() == pytest.approx(expected)
    assert mean["waste"] == pytest.approx(result.dropped_s.mean() / 2)
    np.testing.assert_allclose(result.watched_s + result.stall_s, 2.0)
    assert result.variation.max() > 0
    assert result.received_s.sum() > 0


def test_shapes_are_those_of_slots_campuses_and_users():
    result = session(small_campuses(n_batch=2), n_slots=3)
    assert result.qoe.shape == (3, 2, 16)
    assert result.mean_qoe().shape == (2,)
    assert result.bandwidth.shape == result.computing.shape == (3, 2, 2)
    assert ((result.bandwidth >= 0) & (result.bandwidth <= 1 + 1e-6)).all()
    assert ((result.computing >= 0) & (result.computing <= 1 + 1e-6)).all()
    assert (result.decide_s > 0).all()
    assert result.decide_s.shape == (3,)


def test_what_a_session_meets_does_not_depend_on_the_scheme_or_the_capacity():
    results, playlists = [], []
    for capacity, parts in (
        (2e9, {}), (2e9, {"buffering": sequential_lists, "versions": lowest}), (8e9, {"scheduler": SCHEDULERS["equal"]})
    ):  # fmt: skip
        campuses = small_campuses(capacity, n_batch=2)
        results.append(session(campuses, n_slots=12, **parts))
        playlists.append(campuses.network.stream.playlist)
    for result, playlist in zip(results[1:], playlists[1:], strict=True):
        np.testing.assert_array_equal(result.has_new_ap, results[0].has_new_ap)
        np.testing.assert_array_equal(playlist, playlists[0])
        assert (result.qoe != results[0].qoe).any()
    assert results[0].has_new_ap.any()


@pytest.mark.parametrize("is_twin", [False, True], ids=["truth", "twin"])
def test_a_recorded_view_is_as_good_as_the_live_one(is_twin):
    campuses = small_campuses(4e9, n_batch=2)

    def source():
        network = campuses.network
        return TwinStatus(network, HoldLast(topology=network.topology), 3) if is_twin else TrueStatus()

    recorded = ReplayedStatus.record(source(), campuses.network, N_SLOTS)
    assert isinstance(recorded, StatusSource)
    live = session(campuses, source())
    assert_same(session(campuses, recorded), live)
    # One recording serves other schemes and other capacities, too.
    rich, parts = small_campuses(8e9, n_batch=2), {"buffering": sequential_lists, "versions": myopic_search}
    live = session(rich, TwinStatus(rich.network, HoldLast(topology=rich.network.topology), 3) if is_twin else TrueStatus(),
                   **parts)  # fmt: skip
    assert_same(session(rich, recorded, **parts), live)


def test_the_twin_sees_less_than_the_truth():
    campuses = small_campuses(4e9, n_batch=2)
    network = campuses.network
    twin = ReplayedStatus.record(TwinStatus(network, HoldLast(topology=network.topology), 3), network, N_SLOTS)
    assert (session(campuses, twin).qoe != session(campuses).qoe).any()


def test_a_recording_that_is_too_short_is_refused():
    campuses = small_campuses()
    recorded = ReplayedStatus.record(TrueStatus(), campuses.network, 2)
    with pytest.raises(ValueError, match="telemetry.slot must be below 2"):
        session(campuses, recorded, n_slots=3)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("versions", VERSIONS)
@pytest.mark.parametrize("buffering", BUFFERING)
def test_any_mix_of_parts_runs(buffering, versions, scheduler):
    campuses = small_campuses(3e9)
    result = session(
        campuses, n_slots=3, buffering=BUFFERING[buffering], versions=VERSIONS[versions],
        scheduler=SCHEDULERS[scheduler],
    )  # fmt: skip
    assert np.isfinite(result.qoe).all()
    assert result.received_s.sum() > 0
    assert result.watched_s.sum() > 0


def test_groups_and_curves_are_made_from_earlier_views():
    seen = []

    def one_group(network, views):
        seen.append(views)
        return np.zeros(network.viewers.user.shape, dtype=np.int64)

    campuses = small_campuses(n_batch=2, group_users=one_group)
    assert campuses.curves.survival_at.shape[:3] == (2, 1, 4)
    assert seen[0].view_type.shape == (2, 16, SMALL.n_earlier_views)
    assert campuses.network.reset(campuses.group).session.playlist.shape[1] == 1
    by_type = small_campuses(n_batch=2)
    np.testing.assert_array_equal(by_type.group, by_favorite_type(by_type.network, seen[0]))
    assert by_type.curves.survival_at.shape[1] == by_type.group.max() + 1
    assert by_type.model.capacity is by_type.network.capacity


def test_schemes_can_be_managers_of_the_internal_loop():
    campuses = small_campuses()
    network = campuses.network
    schemes = {name: SCHEMES[name].make(campuses, 0) for name in ("proposed", "greedy_gain_rule")}
    buffering = schemes["proposed"].buffering
    telemetry = network.reset(campuses.group)
    seen = Observation(statuses=(true_status(telemetry),))
    virtual = VirtualNetwork(
        model=campuses.model,
        abstractor=buffering,
        link=network.link,
        emulator=HoldLast(topology=network.topology),
        swipes=campus_swipes(network),
        n_slots=4,
    )
    loop = InternalLoop(buffering, schemes, virtual, rng=stream(0, "validation"))
    network.step(loop.decide(seen))
    scores = loop.verdicts[-1].expected_qoe
    assert scores.keys() == schemes.keys()
    assert all(np.isfinite(each).all() for each in scores.values())
