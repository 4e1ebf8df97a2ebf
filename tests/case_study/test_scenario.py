"""The scenario of the case study: the same sessions for every scheme and capacity, and what the twin knows of them."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.case_study.scenario import (
    CaseStudyConfig,
    TrueStatus,
    TwinStatus,
    Views,
    audience,
    case_study_network,
    earlier_views,
)
from gdt_tutorial.configuration import describe
from gdt_tutorial.loops.external import twin_error
from gdt_tutorial.physical.network import NetworkConfig
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, HoldLast
from tests.small_networks import ANY, idle, random_decision, twin_of

SMALL = CaseStudyConfig(n_slots=6, network=NetworkConfig(n_users=10))


def small_network(seed=0, computing_cycles_per_s=5e9, n_batch=2, **options):
    return case_study_network(n_batch, SMALL, computing_cycles_per_s=computing_cycles_per_s, seed=seed, **options)


def run(net, decide):
    """Return the telemetry of a short session."""
    trajectory = [net.reset()]
    for _ in range(SMALL.n_slots):
        trajectory.append(net.step(decide(trajectory[-1])))
    return trajectory


def greedy(net):
    abstractor, _ = twin_of(net)
    maker = GreedyAllocator(schedule_model(net))
    return lambda telemetry: maker.decide(abstractor.abstract_session(telemetry.session, telemetry.snr_db), rng=ANY)


def anything(net, *, rng):
    return lambda telemetry: random_decision(telemetry.session, net.catalog, net.topology.n_aps, rng=rng)


def test_a_session_is_the_same_at_every_capacity_and_under_every_scheme():
    poor, rich = small_network(computing_cycles_per_s=2e9), small_network(computing_cycles_per_s=12e9)
    rng = stream(0, "scheme")
    trajectories = [run(poor, greedy(poor)), run(rich, greedy(rich)), run(rich, anything(rich, rng=rng))]
    received_s = [sum(telemetry.service.received_s.sum() for telemetry in trajectory) for trajectory in trajectories]
    assert len(set(received_s)) == 3  # they really differ in what is sent
    for telemetry in zip(*trajectories, strict=True):
        for other in telemetry[1:]:
            np.testing.assert_array_equal(telemetry[0].position_m, other.position_m)
            np.testing.assert_array_equal(telemetry[0].velocity_mps, other.velocity_mps)
            np.testing.assert_array_equal(telemetry[0].snr_db, other.snr_db)
            np.testing.assert_array_equal(telemetry[0].session.playlist, other.session.playlist)
    env, user, position = (axis.reshape(-1) for axis in np.indices((2, 10, 4)))
    fractions = [net.tape.fraction(env, user, position, np.zeros_like(env)) for net in (poor, rich)]
    np.testing.assert_array_equal(*fractions)


def test_viewers_and_earlier_views_do_not_depend_on_capacity_and_do_on_the_seed():
    views = [
        earlier_views(net.viewers, net.catalog, 20, rng=stream(seed, "earlier views"))
        for seed, net in ((0, small_network(0, 2e9)), (0, small_network(0, 8e9)), (1, small_network(1, 8e9)))
    ]
    np.testing.assert_array_equal(views[0].view_type, views[1].view_type)
    np.testing.assert_array_equal(views[0].view_fraction, views[1].view_fraction)
    assert (views[1].view_fraction != views[2].view_fraction).any()


def test_earlier_views_follow_preference_times_popularity_and_the_swipe_model():
    net = small_network(n_batch=1)
    views = earlier_views(net.viewers, net.catalog, 20_000, rng=stream(3, "views"))
    popularity = np.array([net.catalog.popularity[net.catalog.video_type == kind].sum() for kind in range(4)])
    wanted = net.viewers.preference * popularity
    wanted /= wanted.sum(axis=-1, keepdims=True)
    seen = (views.view_type[..., None] == np.arange(4)).mean(axis=2)
    np.testing.assert_allclose(seen, wanted, atol=0.02)
    swipes = net.viewers.swipes
    completion = swipes.config.completion()[swipes.user_class[net.viewers.user]]
    is_complete = (views.view_fraction == 1)[..., None] & (views.view_type[..., None] == np.arange(4))
    n_views = (views.view_type[..., None] == np.arange(4)).sum(axis=2)
    error = is_complete.sum(axis=2) - n_views * completion
    assert np.all(np.abs(error) < 4.5 * np.sqrt(n_views * completion * (1 - completion)) + 1)


def test_a_type_that_nobody_likes_is_never_seen():
    net = small_network()
    none = replace(net.viewers, preference=np.broadcast_to([0.5, 0.0, 0.5, 0.0], net.viewers.preference.shape))
    views = earlier_views(none, net.catalog, 50, rng=stream(0, "views"))
    assert set(np.unique(views.view_type)) == {0, 2}


def test_parts_of_views_are_disjoint():
    views = Views(view_type=np.arange(4).reshape(1, 1, 4), view_fraction=np.full((1, 1, 4), 0.5))
    first, second = views.part(slice(None, None, 2)), views.part(slice(1, None, 2))
    assert first.view_type.tolist() == [[[0, 2]]]
    assert second.view_type.tolist() == [[[1, 3]]]


def test_an_audience_by_hand():
    kind = np.array([[[0, 1, -1], [1, 1, -1]]])
    fraction = np.array([[[1.0, 0.25, np.nan], [0.05, 0.1, np.nan]]])
    seen = audience(kind, fraction, 3)
    assert seen.n_views == 4
    assert np.isclose(seen.mean_fraction, 0.35)
    assert seen.completion_share == 0.25
    assert seen.type_share.tolist() == [0.25, 0.75, 0.0]
    assert seen.swiped[:4].tolist() == [0.0, 0.5, 0.5, 0.75]
    assert seen.swiped[-1] == 0.75
    with pytest.raises(ValueError, match="view_type must hold a view"):
        audience(np.full(3, -1), np.full(3, np.nan), 2)


def test_the_true_view_is_the_truth():
    net = small_network()
    for telemetry in run(net, greedy(net)):
        status = TrueStatus().observe(telemetry)
        assert twin_error(status, telemetry) == (0.0, 0.0)
        assert status.slot == telemetry.slot
        assert status.session is telemetry.session
        assert not status.networking.age_slots.any()
        assert not status.behavior.age_slots.any()


def test_collecting_every_slot_is_the_truth_and_less_often_is_not():
    net = small_network()
    trajectory = run(net, greedy(net))
    errors = {}
    for period in (1, 3):
        source = TwinStatus(net, HoldLast(topology=net.topology), period)
        errors[period] = [twin_error(source.observe(telemetry), telemetry).snr_db for telemetry in trajectory]
    assert max(errors[1]) == 0.0
    assert errors[3][0] == 0.0
    assert min(errors[3][1:]) > 0.0


def test_a_twin_view_collects_a_third_of_the_users_and_knows_how_old_its_status_is():
    net = small_network()
    source = TwinStatus(net, ConstantVelocity(topology=net.topology), 3)
    trajectory = run(net, greedy(net))
    ages = [source.observe(telemetry).behavior.age_slots.max() for telemetry in trajectory]
    shares = [record.collected_share[0] for record in source.records]
    assert ages[:3] == [0, 1, 2]
    assert max(ages) == 2
    assert shares[0] == 1.0
    assert np.isclose(np.mean(shares[1:]), 1 / 3, atol=0.05)


def test_a_session_that_starts_again_meets_a_new_twin():
    net = small_network()
    source = TwinStatus(net, HoldLast(topology=net.topology), 3)
    results = []
    for _ in range(2):
        results.append([source.observe(telemetry).networking.snr_db for telemetry in run(net, greedy(net))])
    np.testing.assert_array_equal(*results)
    assert len(source.records) == SMALL.n_slots + 1


def test_every_number_has_a_sentence_and_a_source():
    rows = describe(CaseStudyConfig)
    assert [row.name for row in rows] == [
        "n_slots", "period_slots", "n_earlier_views", "bandwidth_hz", "capacities_cycles_per_s",
    ]  # fmt: skip
    assert all(row.source.startswith("chosen") for row in rows)


def test_bandwidth_reaches_the_network():
    config = replace(SMALL, bandwidth_hz=10e6)
    net = case_study_network(1, config, computing_cycles_per_s=5e9, seed=0)
    assert net.capacity.bandwidth_hz.tolist() == [10e6, 10e6]
    idle_load = net.step(idle(random_decision(net.reset().session, net.catalog, 2, rng=stream(0, "idle")))).load
    assert not idle_load.bandwidth.any()


@pytest.mark.parametrize("capacity", [0.0, -2e9, np.nan])
def test_a_capacity_that_is_not_positive_is_an_error(capacity):
    with pytest.raises(ValueError, match="computing_cycles_per_s must be above 0 and finite"):
        small_network(computing_cycles_per_s=capacity)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"n_slots": 0}, "n_slots must be above 0"),
        ({"period_slots": 0}, "period_slots must be above 0"),
        ({"period_slots": 20}, "period_slots must be below the twin's window"),
        ({"n_earlier_views": 0}, "n_earlier_views must be above 0"),
        ({"bandwidth_hz": -1.0}, "bandwidth_hz must be above 0"),
        ({"capacities_cycles_per_s": ()}, "capacities_cycles_per_s must hold positive"),
        ({"capacities_cycles_per_s": (0.0, 1e9)}, "capacities_cycles_per_s must hold positive"),
        ({"capacities_cycles_per_s": (2e9, -1e9)}, "capacities_cycles_per_s must hold positive"),
        ({"capacities_cycles_per_s": (2e9, 2e9)}, "rising order"),
        ({"capacities_cycles_per_s": (2e9, np.nan)}, "capacities_cycles_per_s must hold positive"),
    ],
)
def test_bad_configs(changes, match):
    with pytest.raises(ValueError, match=match):
        CaseStudyConfig(**changes)


def test_bad_counts_and_views():
    net = small_network()
    with pytest.raises(ValueError, match="n_batch must be above 0"):
        case_study_network(0, SMALL, computing_cycles_per_s=5e9, seed=0)
    with pytest.raises(ValueError, match="n_views must be above 0"):
        earlier_views(net.viewers, net.catalog, 0, rng=stream(0, "views"))
    nobody = replace(net.viewers, preference=np.zeros_like(net.viewers.preference))
    with pytest.raises(ValueError, match="preference must like a type"):
        earlier_views(nobody, net.catalog, 5, rng=stream(0, "views"))
    with pytest.raises(ValueError, match="period_slots must be above 0"):
        TwinStatus(net, HoldLast(topology=net.topology), 0)
    kind = np.zeros((1, 1, 2), dtype=np.int64)
    for bad in (0.0, 1.2, np.nan):
        with pytest.raises(ValueError, match="view_fraction must lie in"):
            Views(view_type=kind, view_fraction=np.full((1, 1, 2), bad))
    Views(view_type=np.full((1, 1, 2), -1), view_fraction=np.full((1, 1, 2), np.nan))
