from dataclasses import fields, replace

import numpy as np
import pytest

from gdt_tutorial.loops.external import FixedPeriod
from gdt_tutorial.physical import engine
from gdt_tutorial.physical.controllers import LocalController
from gdt_tutorial.physical.measurements import MEASUREMENTS, report_byte
from gdt_tutorial.physical.messages import NOT_SERVED, Infrastructure, Load, Service
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.context import CONTEXT, context_of
from gdt_tutorial.twin.decision.greedy import EqualShare, GreedyAllocator
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, HoldLast
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.status import BehaviorStatus, NetworkingStatus, true_status
from gdt_tutorial.twin.status_counts import CountsConfig, StatusCounts, delivery_delay_s
from gdt_tutorial.twin.status_parts import PARTS, part_of
from gdt_tutorial.twin.status_store import StatusStore
from tests.small_networks import ANY, network, same, twin_of, virtual_of

NAMES = [part.name for part in PARTS]
KNOWN = [part.name for part in PARTS if not part.is_reported]


def load_of(delay_s, n_sent, subgroup):
    delay_s, zero = np.atleast_2d(delay_s).astype(float), np.zeros((1, 2))
    return Load(
        bandwidth=zero, computing=zero, backhaul=zero, delay_s=delay_s, n_sent=np.atleast_2d(n_sent),
        efficiency=np.zeros_like(delay_s), subgroup=np.atleast_2d(subgroup),
    )  # fmt: skip


NO_LOAD = Load(
    bandwidth=np.zeros((1, 2)), computing=np.zeros((1, 2)), backhaul=np.zeros((1, 2)),
    delay_s=np.zeros((1, 0)), n_sent=np.zeros((1, 0), dtype=np.int64), efficiency=np.zeros((1, 0)),
)  # fmt: skip


def service_of(view_type, view_fraction=1.0, n_views=None, watched_s=2.0):
    view_type = np.atleast_2d(view_type)
    zero = np.zeros(view_type.shape)
    return Service(
        received_s=zero, watched_s=zero + watched_s, dropped_s=zero, stall_s=zero + 2.0 - watched_s, quality=zero,
        variation=zero, qoe=zero, view_type=view_type, view_fraction=np.where(view_type >= 0, view_fraction, np.nan),
        n_views=(view_type >= 0).astype(np.int64) if n_views is None else np.atleast_2d(n_views),
    )  # fmt: skip


def catalog_of(*type_share):
    return replace(Infrastructure.unknown(1, 2), type_share=np.array([type_share]))


@pytest.fixture(scope="module")
def course():
    """Return a network, and what its twin sees after some slots of which each user reports in every third."""
    net = network(n_batch=2, n_users=12, seed=3)
    abstractor, model = twin_of(net)
    store, maker = StatusStore(2, 12, 2, 20), GreedyAllocator(model)
    collection, statuses, decisions, telemetries = FixedPeriod(store, HoldLast(topology=net.topology), 3), [], [], []

    def decide(telemetry):
        telemetries.append(telemetry)
        statuses.append(collection.observe(telemetry))
        seen = Observation(statuses=tuple(statuses), decisions=tuple(decisions))
        decisions.append(maker.decide(abstractor.abstract(seen), rng=ANY))
        return decisions[-1]

    for _ in engine.run(net, decide, 12):
        pass
    return net, Observation(statuses=tuple(statuses), decisions=tuple(decisions[:-1])), telemetries


def test_the_table_and_the_status_have_the_same_parts():
    halves = {"networking": NetworkingStatus, "behavior": BehaviorStatus}
    for half, record in halves.items():
        held = {field.name for field in fields(record)} - {"age_slots"}
        held = {name for name in held if "_std_" not in name}  # the doubt about a part is no part
        assert held == {part.name for part in PARTS if part.measurement.half == half}
    assert len(set(NAMES)) == len(NAMES)


def test_only_what_phones_measure_costs_bytes_and_a_controller_pays_for_it():
    assert all((each.n_byte > 0) == (each.measured_by == "phone") for each in MEASUREMENTS)
    controller = LocalController()
    assert controller.networking_byte == report_byte("networking") == 32
    assert controller.behavior_byte == report_byte("behavior") == 48


@pytest.mark.parametrize("name", NAMES)
def test_each_part_has_an_age_and_a_provenance(course, name):
    status = course[1].status
    age_slots, provenance = status.age_slots(name), status.provenance(name)
    assert age_slots.shape == provenance.shape
    assert ((provenance == "collected") == (age_slots == 0)).all()
    if part_of(name).is_reported:
        by = "hold" if name == "velocity_mps" else "HoldLast"
        assert set(provenance[age_slots > 0].tolist()) == {by}
        assert set(np.unique(age_slots).tolist()) == {0, 1, 2}
    else:
        assert not age_slots.any()


def test_until_an_emulator_speaks_the_store_holds(make_report):
    store, nobody = StatusStore(2, 3, 2, window_slots=4), np.zeros((2, 3), dtype=bool)
    store.update(make_report(slot=0))
    store.update(make_report(slot=1, behavior=nobody, networking=nobody))
    assert (store.status().provenance("snr_db") == "hold").all()
    store.impute(*(np.zeros((2, 3, 2)) for _ in range(4)), by="Mine")
    assert (store.status().provenance("snr_db") == "Mine").all()
    assert (store.status().provenance("velocity_mps") == "hold").all()


def test_a_part_without_a_name_is_refused(course):
    with pytest.raises(KeyError, match="mood"):
        course[1].status.part("mood")


def test_a_delay_is_that_of_the_last_delivery():
    first = delivery_delay_s(load_of([0.5, 0.0, 1.5], [2, 0, 1], [0, 1, 2, NOT_SERVED]), np.full((1, 4), 9.0))
    assert first.tolist() == [[0.5, 9.0, 1.5, 9.0]]
    assert delivery_delay_s(NO_LOAD, first).tolist() == first.tolist()
    assert delivery_delay_s(load_of([0.25, 0.75], [1, 1], [1, 1, 0, 0]), first).tolist() == [[0.75, 0.75, 0.25, 0.25]]


def test_the_delay_in_a_status_is_that_of_the_users_own_subgroup(course):
    _, seen, telemetries = course
    load, decision = telemetries[-1].load, seen.decisions[-1]
    np.testing.assert_array_equal(load.subgroup, decision.subgroup)
    n_delivered = 0
    for env, user in np.ndindex(decision.subgroup.shape):
        subgroup = decision.subgroup[env, user]
        delivered = load.n_sent[env, subgroup] > 0
        before = seen.statuses[-2].networking.delay_s[env, user]
        wanted = load.delay_s[env, subgroup] if delivered else before
        assert seen.status.networking.delay_s[env, user] == wanted
        n_delivered += delivered
    assert n_delivered > 0


def test_access_points_and_servers_tell_what_the_slice_holds(course):
    net, seen, telemetries = course
    networking, load = seen.status.networking, telemetries[-1].load
    for env in range(2):
        np.testing.assert_array_equal(networking.bandwidth_hz[env], net.capacity.bandwidth_hz)
        np.testing.assert_array_equal(networking.computing_cycles_per_s[env], net.capacity.computing_cycles_per_s)
        np.testing.assert_array_equal(networking.cached_share[env], net.capacity.is_cached.mean(axis=1))
    for name in ("bandwidth", "computing", "backhaul"):
        np.testing.assert_array_equal(getattr(networking, f"{name}_load"), getattr(load, name))
    assert networking.bandwidth_load.any()


def test_interaction_is_views_per_second_on_the_screen_over_the_window():
    counts = StatusCounts((1, 2), 3)
    assert counts.interaction_hz.tolist() == [[0.0, 0.0]]
    for n_views in ([4, 0], [1, 0], [0, 0], [2, 3]):
        counts.update(service_of([0, 0], n_views=n_views, watched_s=1.5), NO_LOAD, catalog_of(1.0))
    # The first slot has left the window of three slots of 2 s.
    assert counts.interaction_hz.tolist() == [[3 / 6, 3 / 6]]


def test_a_preference_is_the_mean_of_its_dirichlet_law():
    counts = StatusCounts((1, 2), 3, CountsConfig(prior_views=4.0))
    counts.update(service_of([0, -1], 0.5), NO_LOAD, catalog_of(0.75, 0.25))
    counts.update(service_of([1, -1], 1.0), NO_LOAD, catalog_of(0.75, 0.25))
    np.testing.assert_allclose(counts.preference, [[[3.5 / 5.5, 2.0 / 5.5], [0.75, 0.25]]])


def test_a_preference_of_no_types_is_empty():
    counts = StatusCounts((1, 2), 3)
    counts.update(service_of([0, -1]), NO_LOAD, Infrastructure.unknown(1, 2))
    assert counts.preference.shape == (1, 2, 0)


def test_a_prior_must_be_worth_something():
    with pytest.raises(ValueError, match=r"prior_views must be above 0, got 0\.0"):
        CountsConfig(prior_views=0.0)


def test_an_estimated_preference_approaches_the_taste_by_which_views_are_drawn():
    rng = stream(0, "tastes")
    truth = rng.dirichlet(np.ones(4), size=(1, 20))
    counts, errors = StatusCounts((1, 20), 5), []
    for n_views in range(1, 4001):
        kind = (rng.random((1, 20, 1)) > truth.cumsum(axis=-1)).sum(axis=-1).clip(0, 3)
        counts.update(service_of(kind, rng.uniform(0.2, 1.0, kind.shape)), NO_LOAD, catalog_of(*[0.25] * 4))
        if n_views in (40, 400, 4000):
            errors.append(np.abs(counts.preference - truth).max())
    # Ten times the views: about a third of the error. Four standard errors of a share are 4 / 2 / sqrt(n).
    assert errors[0] > errors[1] > errors[2] > 0
    assert errors[2] < 2.5 / np.sqrt(4000)


def test_the_twin_learns_what_lone_viewers_like_from_their_views_alone():
    # Each user is a group of its own here: its list is drawn from its taste, times what is popular of each type, and of each
    # type it watches the part that its swipes leave.
    net = network(n_batch=1, n_users=6, seed=5)
    abstractor, model = twin_of(net)
    maker, counts, errors = EqualShare(model), StatusCounts((1, 6), 5), []
    popular = np.bincount(net.catalog.video_type, weights=net.catalog.popularity)
    user, kind = np.broadcast_arrays(net.viewers.user[..., None, None], np.arange(4)[:, None], np.zeros(2000))[:2]
    stay = net.viewers.swipes.sample_fraction(user, kind, rng=stream(5, "stay")).mean(axis=-1)
    truth = net.viewers.preference * popular * stay
    truth = truth / truth.sum(axis=-1, keepdims=True)

    def decide(telemetry):
        counts.update(telemetry.service, telemetry.load, telemetry.infrastructure)
        errors.append(np.abs(counts.preference - truth).sum(axis=-1).mean() / 2)
        return maker.decide(abstractor.abstract_session(telemetry.session, telemetry.snr_db), rng=ANY)

    for _ in engine.run(net, decide, 240, group=np.arange(6)[None]):
        pass
    assert errors[-1] < 0.5 * errors[0]
    assert not np.isclose(counts.preference, net.viewers.preference).all(axis=-1).any()


def switched_off(status, name):
    """Return the status with zeros in place of a part."""
    if name == "session":
        session = status.session
        return replace(status, session=replace(session, buffered=np.zeros_like(session.buffered)))
    half = part_of(name).measurement.half
    held = getattr(status, half)
    return replace(status, **{half: replace(held, **{name: np.zeros_like(getattr(held, name))})})


@pytest.mark.parametrize("name", NAMES)
def test_the_table_says_who_reads_a_part(course, name):
    net, seen, _ = course
    emulator, abstractor = ConstantVelocity(topology=net.topology), twin_of(net)[0]
    without = Observation(statuses=tuple(switched_off(each, name) for each in seen.statuses), decisions=seen.decisions)
    features, other = abstractor.abstract(seen), abstractor.abstract(without)
    is_read = {
        "StatusEmulator": not same(emulator.emulate(seen.window, 3), emulator.emulate(without.window, 3)),
        "FeatureAbstractor": not same(replace(features, context=other.context), other),
        "Features.context": not np.array_equal(features.context, other.context),
    }
    assert is_read == {reader: reader in part_of(name).read_by for reader in is_read}


def test_the_context_is_the_mean_over_users_and_access_points(course):
    net, seen, _ = course
    context = twin_of(net)[0].abstract(seen).context
    assert context.shape == (2, len(CONTEXT))
    np.testing.assert_allclose(context[:, 0], seen.status.networking.delay_s.mean(axis=1))
    np.testing.assert_allclose(context[:, 2], seen.status.networking.computing_load.mean(axis=1))
    uniform = replace(seen.status.behavior, preference=np.full((2, 12, 4), 0.25))
    np.testing.assert_allclose(context_of(replace(seen.status, behavior=uniform))[:, 5], np.log(4))


def test_in_a_rollout_delay_and_load_follow_the_decisions(course):
    net, seen, _ = course
    virtual, contexts = virtual_of(net, n_slots=4), []

    class Idle:
        """Sends nothing, and remembers what it saw."""

        def __init__(self):
            self.greedy = GreedyAllocator(virtual.model)

        def decide(self, features, *, rng):
            contexts.append(features.context)
            decision = self.greedy.decide(features, rng=rng)
            return replace(decision, segments=np.full_like(decision.segments, NOT_SERVED))

    future = virtual.emulator.emulate(seen.window, 4, n_samples=1, rng=ANY).futures()
    tape = virtual.tape(seen.status.session, 1, rng=stream(0, "tape"))
    virtual.rollout(seen, future, Idle(), tape, rng=ANY)
    bandwidth, delay = CONTEXT.index("bandwidth_load"), CONTEXT.index("delay_s")
    assert contexts[0][:, bandwidth].all()
    for later in contexts[1:]:
        assert not later[:, bandwidth].any()
        np.testing.assert_array_equal(later[:, delay], contexts[0][:, delay])  # no delivery: the last one stands


def test_a_rollout_with_the_truth_has_the_delays_and_loads_of_the_network():
    net = network(n_batch=2, n_users=12, seed=7)
    virtual, seen, tape, wanted, got = virtual_of(net), None, None, [], []
    telemetry, greedy, snr_db, position_m = net.reset(), GreedyAllocator(virtual_of(net).model), [], []
    seen, tape, delay_s = Observation(statuses=(true_status(telemetry),)), net.tape.repeated(1), np.zeros((2, 12))
    for _ in range(5):
        features = virtual.abstractor.abstract_session(telemetry.session, telemetry.snr_db)
        wanted.append((delay_s, telemetry.load.bandwidth, telemetry.load.computing, telemetry.load.backhaul))
        telemetry = net.step(greedy.decide(features, rng=ANY))
        delay_s = delivery_delay_s(telemetry.load, delay_s)
        snr_db.append(telemetry.snr_db)
        position_m.append(telemetry.position_m)

    class Watching:
        """Remembers what an abstractor sees."""

        def abstract(self, seen):
            got.append(seen.status)
            return virtual.abstractor.abstract(seen)

    future = HoldLast(topology=net.topology).emulate(seen.window, 5)
    future = replace(
        future, snr_db=np.stack(snr_db, axis=2).astype(float), position_m=np.stack(position_m, axis=2).astype(float)
    )
    replace(virtual, abstractor=Watching()).rollout(seen, future, greedy, tape, rng=ANY)
    for ahead, (status, each) in enumerate(zip(got, wanted, strict=True)):
        networking = status.networking
        loads = (networking.delay_s, networking.bandwidth_load, networking.computing_load, networking.backhaul_load)
        for held, true in zip(loads, each, strict=True):
            np.testing.assert_allclose(held, true, atol=1e-9)
        for name in KNOWN:
            assert (status.age_slots(name) == ahead).all()
            by = "collected" if ahead == 0 else part_of(name).emulator
            assert (status.provenance(name) == by).all()
        if ahead:
            assert (status.provenance("snr_db") == "VirtualNetwork").all()
