from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from gdt_tutorial.physical.controllers import CentralizedController, LocalController
from gdt_tutorial.physical.messages import NOT_SERVED
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.playback import QoeConfig
from gdt_tutorial.physical.slicing import NetworkSlice
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from tests.lines_run import lines_run
from tests.small_networks import ANY, held_s, idle, network, random_decision, same, twin_of


def random_trajectory(net, n_slots, *, seed, change=None):
    """Run random decisions; return the telemetry of each slot, the reset included."""
    rng = stream(seed, "decisions")
    trajectory = [net.reset()]
    for slot in range(n_slots):
        decision = random_decision(trajectory[-1].session, net.catalog, net.topology.n_aps, rng=rng)
        trajectory.append(net.step(change(decision, slot) if change else decision))
    return trajectory


def managed_trajectory(net, maker_class, n_slots):
    abstractor, model = twin_of(net)
    maker, trajectory = maker_class(model), [net.reset()]
    for _ in range(n_slots):
        trajectory.append(
            net.step(maker.decide(abstractor.abstract_session(trajectory[-1].session, trajectory[-1].snr_db), rng=ANY))
        )
    return trajectory


@pytest.mark.parametrize("seed", range(5))
def test_the_books_of_every_user_balance(seed):
    net = network(seed=seed)
    trajectory = random_trajectory(net, 25, seed=seed)
    assert sum(after.service.dropped_s.sum() for after in trajectory) > 0
    assert sum(after.service.watched_s.sum() for after in trajectory) > 0
    for before, after in pairwise(trajectory):
        service = after.service
        left = before.session.stored_s + service.received_s
        right = after.session.stored_s + service.watched_s + service.dropped_s
        np.testing.assert_allclose(left, right, atol=1e-9)
        np.testing.assert_allclose(service.watched_s + service.stall_s, net.config.slot_s, atol=1e-9)
        np.testing.assert_allclose(after.session.stored_s, held_s(after.session, net.catalog), atol=1e-9)
        for amount in (
            service.received_s,
            service.watched_s,
            service.dropped_s,
            service.stall_s,
            after.session.stored_s,
        ):
            assert amount.min() >= -1e-9
        for use in (after.load.bandwidth, after.load.computing, after.load.backhaul):
            assert use.max() <= 1 + 1e-6


def test_what_is_sent_in_a_slot_is_played_from_the_next_one_on():
    first, second = managed_trajectory(network(), EqualShare, 2)[1:]
    assert first.service.received_s.sum() > 0
    assert (first.service.stall_s == 2.0).all()
    assert (second.service.watched_s[first.service.received_s > 0] > 0).any()
    assert (second.service.watched_s <= first.service.received_s + 1e-9).all()


def test_same_seed_same_course_other_seed_other_course():
    trajectory, again, other = (random_trajectory(network(seed=seed), 6, seed=0) for seed in (0, 0, 1))
    assert all(same(left, right) for left, right in zip(trajectory, again, strict=True))
    for part in ("position_m", "snr_db"):
        assert not np.array_equal(getattr(trajectory[-1], part), getattr(other[-1], part))
    assert not np.array_equal(trajectory[-1].session.playlist, other[-1].session.playlist)


def test_reset_starts_the_same_course_again():
    net = network()
    first, second = random_trajectory(net, 6, seed=0), random_trajectory(net, 6, seed=0)
    assert all(same(left, right) for left, right in zip(first, second, strict=True))


def views_seen(trajectory):
    """Return the watched fraction of each view that ended alone in its slot, by (environment, user, position)."""
    seen = {}
    for after in trajectory[1:]:
        for env, user in np.argwhere(after.service.n_views == 1):
            seen[env, user, after.session.head[env, user] - 1] = after.service.view_fraction[env, user]
    return seen


def test_different_makers_meet_the_same_walks_channels_and_views():
    greedy, equal = (managed_trajectory(network(), maker, 25) for maker in (GreedyAllocator, EqualShare))
    assert not same(greedy[-1].service, equal[-1].service)
    for left, right in zip(greedy, equal, strict=True):
        np.testing.assert_array_equal(left.position_m, right.position_m)
        np.testing.assert_array_equal(left.snr_db, right.snr_db)
        np.testing.assert_array_equal(left.session.serving_ap, right.session.serving_ap)
    seen, also_seen = views_seen(greedy), views_seen(equal)
    both = seen.keys() & also_seen.keys()
    assert len(both) > 50
    assert all(seen[view] == also_seen[view] for view in both)


def test_an_environment_does_not_feel_what_others_decide():
    def silence_first(decision, slot):
        segments = decision.segments.copy()
        segments[0] = NOT_SERVED
        return replace(decision, segments=segments)

    # Only environment 0 differs; the random decisions follow the session, so they are recorded first.
    net = network(n_batch=3)
    decisions = []
    random_trajectory(net, 20, seed=0, change=lambda decision, slot: decisions.append(decision) or decision)
    trajectory, silenced = [net.reset()], []
    trajectory += [net.step(decision) for decision in decisions]
    net.reset()
    silenced = [net.step(silence_first(decision, 0)) for decision in decisions]
    for left, right in zip(trajectory[1:], silenced, strict=True):
        for name in ("watched_s", "stall_s", "quality", "n_views", "received_s"):
            np.testing.assert_array_equal(getattr(left.service, name)[1:], getattr(right.service, name)[1:])
    assert silenced[-1].service.watched_s[0].sum() == 0
    assert trajectory[-1].session.head[0].sum() > 0


def test_regrouping_begins_new_lists_and_new_views():
    net = network()
    before = random_trajectory(net, 8, seed=0)[-1].session
    group = np.tile(np.arange(12) % 3, (2, 1))
    session = CentralizedController().apply(net, NetworkSlice.whole(2), group)
    assert (session.group == group).all()
    assert not session.head.any()
    assert not session.buffered.any()
    assert not session.stored_s.any()
    assert session.playlist.shape[1] == 3
    # No view of the new list repeats one of the old list.
    env, user = np.indices(group.shape)
    kind = np.zeros(group.size, dtype=np.int64)
    new = net.tape.fraction(env.reshape(-1), user.reshape(-1), kind, kind)
    net.reset()
    old = net.tape.fraction(env.reshape(-1), user.reshape(-1), before.head.reshape(-1) + 1, kind)
    np.testing.assert_array_equal(new, old)


def test_the_network_goes_on_after_regrouping():
    net = network()
    random_trajectory(net, 3, seed=0)
    net.regroup(np.ones((2, 12), dtype=np.int64))  # group 0 is empty
    session = net.stream.session(net.serving_ap)
    rng = np.random.default_rng(0)
    for _ in range(6):
        telemetry = net.step(random_decision(session, net.catalog, 2, rng=rng))
        session = telemetry.session
        np.testing.assert_allclose(session.stored_s, held_s(session, net.catalog), atol=1e-9)
    assert session.stored_s.sum() + telemetry.service.watched_s.sum() > 0


def test_the_central_controller_slices_without_touching_the_groups():
    net, controller = network(), CentralizedController(period_slots=10)
    half = NetworkSlice(
        name="video", bandwidth_share=np.full(2, 0.5), computing_share=np.full(2, 0.25),
        backhaul_share=np.ones(2), cache_share=np.zeros(2),
    )  # fmt: skip
    before = net.stream.session(net.serving_ap)
    assert same(controller.apply(net, half), before)
    np.testing.assert_array_equal(net.capacity.bandwidth_hz, net.topology.bandwidth_hz / 2)
    np.testing.assert_array_equal(net.capacity.computing_cycles_per_s, net.topology.computing_cycles_per_s / 4)
    assert not net.capacity.is_cached.any()
    assert [slot for slot in range(25) if controller.is_due(slot)] == [0, 10, 20]


def test_the_local_controller_passes_on_what_is_due_and_counts_it():
    telemetry = network().reset()
    networking, behavior = np.zeros((2, 2, 12), dtype=bool)
    networking[0, 3], behavior[:, :4] = True, True
    report = LocalController().collect(telemetry, networking, behavior)
    assert report.n_byte.tolist() == [32 + 4 * 48, 4 * 48]
    np.testing.assert_array_equal(np.isnan(report.snr_db).any(axis=-1), ~networking)
    np.testing.assert_array_equal(np.isnan(report.position_m).any(axis=-1), ~behavior)
    np.testing.assert_array_equal(report.velocity_mps[behavior], telemetry.velocity_mps[behavior])
    assert same(report.session, telemetry.session)


@pytest.mark.parametrize("name", ["snr_db", "position_m", "velocity_mps"])
def test_nan_in_telemetry_is_refused_where_it_is_due(name):
    telemetry, everybody = network().reset(), np.ones((2, 12), dtype=bool)
    value = getattr(telemetry, name).copy()
    value[1, 2] = np.nan
    telemetry, but_one = replace(telemetry, **{name: value}), everybody.copy()
    but_one[1, 2] = False
    LocalController().collect(telemetry, but_one, but_one)
    with pytest.raises(
        ValueError, match=rf"telemetry\.{name} must hold no NaN for users that report, got '2 NaN'; mark"
    ):
        LocalController().collect(telemetry, everybody, everybody)


NET = {}


def valid():
    """Return a network and a decision that it takes."""
    if not NET:
        NET["net"] = network()
        session = NET["net"].reset().session
        NET["decision"] = random_decision(session, NET["net"].catalog, 2, rng=np.random.default_rng(0))
    return NET["net"], NET["decision"]


@pytest.mark.parametrize(
    ("name", "place", "value", "message"),
    [
        ("subgroup", (0, 0), 99, r"decision\.subgroup must lie in \[-1, 8\), got \(-1, 99\); build"),
        ("group", (0, 0), -1, r"decision\.group must lie in \[0, 4\), got \(-1, 3\); build"),
        ("ap", (0, 0), 2, r"decision\.ap must lie in \[0, 2\), got \(0, 2\); build"),
        ("version", (0, 0), 4, r"decision\.version must lie in \[0, 4\), got \(0, 4\); build"),
        ("segments", (0, 0, 0, 0), -2, r"decision\.segments must lie in \[-1, 2147483648\), got"),
        ("segments", (0, 0, 0), [0, 99], r"decision\.segments must name segments that the video has, got '1 others'; pad"),
        ("segments", (0, 0, 0), [0, -1], r"decision\.segments must name segments that the video has, got '1 others'; pad"),
        ("bandwidth_share", (0, 0), -0.1, r"bandwidth_share must be .* and not NaN, got .-0\.1 in environment 0, subgroup 0"),
        ("bandwidth_share", (0, 0), np.nan, r"bandwidth_share must be .* and not NaN, got .nan in environment 0, subgroup 0"),
        ("computing_share", (0, 0), -0.1, r"computing_share must be .* and not NaN, got .-0\.1 in environment 0, subgroup 0"),
        ("computing_share", (0, 0), np.nan, r"computing_share must be .* and not NaN, got .nan in environment 0, subgroup 0"),
        ("bandwidth_share", (0, 0), 1.5, r"decision\.bandwidth_share must sum to at most 1 per AP, got .*; divide"),
        ("computing_share", (0, 0), 1.5, r"decision\.computing_share must sum to at most 1 per AP, got .*; divide"),
    ],
)  # fmt: skip
def test_a_decision_that_cannot_be_carried_out_is_refused(name, place, value, message):
    net, decision = valid()
    wrong = getattr(decision, name).copy()
    wrong[place] = value
    with pytest.raises(ValueError, match=message):
        net.step(replace(decision, **{name: wrong}))


def test_a_user_in_a_stream_of_another_group_is_refused():
    net, decision = valid()
    stranger = decision.subgroup.copy()
    stranger[0, 0] = (net.stream.group[0, 0] + 1) % 4 * 2
    with pytest.raises(ValueError, match=r"decision\.subgroup must stay inside a user's own group, got '1 users"):
        net.step(replace(decision, subgroup=stranger))


def test_a_decision_for_other_users_is_refused():
    net, decision = valid()
    with pytest.raises(ValueError, match=r"decision\.subgroup must have shape \(2, 12\), got \(2, 11\); build"):
        net.step(replace(decision, subgroup=decision.subgroup[:, 1:]))


def test_an_idle_decision_is_fine():
    net, decision = valid()
    assert not net.step(idle(decision)).service.received_s.any()


@pytest.mark.parametrize(("name", "value"), [("n_users", 0), ("slot_s", 0.0), ("n_rows", 0), ("n_playlist", -1)])
def test_sizes_are_positive(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be above 0, got {value}; leave it out"):
        NetworkConfig(**{name: value})


@pytest.mark.parametrize("name", ["cycles_per_bit", "hysteresis_db"])
def test_costs_and_margins_are_not_negative(name):
    with pytest.raises(ValueError, match=rf"{name} must be at least 0, got -1\.0; "):
        NetworkConfig(**{name: -1.0})


def test_the_parts_of_a_network_must_agree():
    net, _ = valid()
    parts = net.topology, net.catalog, net.viewers
    with pytest.raises(ValueError, match=r"viewers must hold n_users = 60 users, got 12; draw"):
        PhysicalNetwork(*parts, seed=0)
    two = NetworkConfig(n_users=12, qoe=QoeConfig(version_quality=(1.0, 2.0)))
    with pytest.raises(ValueError, match=r"version_quality must hold 4 numbers, one for each version, got 2; give"):
        PhysicalNetwork(*parts, two, seed=0)
    with pytest.raises(ValueError, match=r"network_slice must hold a share for each of 2 APs, got 3; make"):
        net.use_slice(NetworkSlice.whole(3))


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (np.zeros((2, 11), dtype=np.int64), r"group must have shape \(2, 12\), got \(2, 11\); give one index per user"),
        (np.full((2, 12), -1), r"group must hold indices >= 0, got -1; number the groups from 0"),
    ],
)
def test_groups_are_checked(group, message):
    net, _ = valid()
    with pytest.raises(ValueError, match=message):
        net.regroup(group)


def test_more_environments_run_hardly_more_lines():
    def lines_of_a_slot(n_batch):
        net = network(n_batch=n_batch, n_users=60)
        seen, lines = [net.reset()], []
        for _ in range(12):
            decision = random_decision(seen[-1].session, net.catalog, 2, rng=np.random.default_rng(0))
            lines.append(lines_run(lambda: seen.append(net.step(decision))))  # noqa: B023
        return max(lines[1:])

    # A ninth more, for what is rare in one environment; a loop over environments would run 64 times the lines.
    assert lines_of_a_slot(64) < 2 * lines_of_a_slot(1)
