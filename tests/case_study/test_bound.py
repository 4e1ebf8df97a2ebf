from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from gdt_tutorial.case_study.bound import SessionBound, record_trajectory
from gdt_tutorial.physical.messages import NOT_SERVED, Decision
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.playback import QoeConfig
from gdt_tutorial.seeding import stream
from gdt_tutorial.solutions.data_model.baselines import EqualSplit, GreedyByGain
from gdt_tutorial.solutions.data_model.scheduling import SlsqpScheduler
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from tests.small_networks import ANY, random_decision, same, twin_of

LINEAR = QoeConfig()
LOG = QoeConfig(version_quality=(1.0, 1.47, 1.9, 2.34), stall_weight=4.3, variation_weight=0.0)
N_SLOTS = 8


def campus(seed, qoe=LINEAR, n_batch=3, n_users=12, speed_mps=15.0, computing_cycles_per_s=2e9, **changes):
    """Return a small network whose users run, so that some of them change their access point."""
    config, changes = (
        NetworkConfig(n_users=n_users, qoe=qoe),
        {"computing_cycles_per_s": computing_cycles_per_s, **changes},
    )
    base = PhysicalNetwork.waterloo(n_batch, config, seed=seed, **changes)
    walk = LevyFlightConfig(min_speed_mps=0.9 * speed_mps, max_speed_mps=speed_mps, max_pause_s=2.0)
    return PhysicalNetwork(base.topology, base.catalog, base.viewers, base.config, mobility=walk, seed=seed)


def run(net, decide, n_slots=N_SLOTS, group=None):
    """Return the mean QoE per user and second of a session."""
    telemetry, qoe = net.reset(group), []
    for _ in range(n_slots):
        telemetry = net.step(decide(telemetry))
        qoe.append(telemetry.service.qoe)
    return np.mean(qoe, axis=(0, 2))


def policies(net):
    """Return ways to manage the network, good and bad ones."""
    abstractor, model = twin_of(net)
    rng = stream(net.seed, "policy")

    def features_of(telemetry):
        return abstractor.abstract_session(telemetry.session, telemetry.snr_db)

    def with_version(scheduler, version):
        def decide(telemetry):
            features = features_of(telemetry)
            return scheduler.schedule(features, np.full(features.ap.shape, version))

        return decide

    allocator = GreedyAllocator(model)
    return {
        "greedy, best version": lambda telemetry: allocator.decide(features_of(telemetry), rng=ANY),
        "SLSQP, lowest version": with_version(SlsqpScheduler(model), 0),
        "greedy by gain, highest version": with_version(GreedyByGain(model), 3),
        "equal split": with_version(EqualSplit(model), 1),
        "at random": lambda telemetry: random_decision(telemetry.session, net.catalog, 2, rng=rng),
        "everything": lambda telemetry: everything(net, telemetry),
    }


def everything(net, telemetry, version=3):
    """Send each group, from each access point, whatever a member can store; half of the band and cycles to every group."""
    session = telemetry.session
    n_batch, n_groups, n_videos = session.playlist.shape
    group = np.tile(np.repeat(np.arange(n_groups), 2), (n_batch, 1))
    ap = np.tile([0, 1], (n_batch, n_groups))
    last = int(session.head.max()) + session.buffered.shape[2]
    position, segment = (axis.reshape(-1) for axis in np.indices((last, session.buffered.shape[3])))
    video = session.playlist[np.arange(n_batch)[:, None, None], group[..., None], position % n_videos]
    exists = segment < net.catalog.n_segments[video]
    pairs = np.broadcast_to(np.stack([position, segment], axis=-1), (*exists.shape, 2))
    share = np.full(group.shape, 1 / n_groups)
    return Decision(
        subgroup=session.group * 2 + session.serving_ap, group=group, ap=ap, version=np.full(group.shape, version),
        bandwidth_share=share, computing_share=share, segments=np.where(exists[..., None], pairs, NOT_SERVED),
    )  # fmt: skip


@pytest.mark.parametrize("qoe", [LINEAR, LOG], ids=["linear", "log"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("cycles", "band"), [(1e9, 5e6), (4e9, 5e6), (20e9, 1e6)], ids=["low", "mid", "little band"])
def test_no_policy_beats_it(seed, qoe, cycles, band):
    net = campus(seed, qoe, computing_cycles_per_s=cycles, bandwidth_hz=band)
    bound = SessionBound(net, N_SLOTS)
    value = bound.solve(net.capacity)
    for name, decide in policies(net).items():
        assert (run(net, decide) <= value).all(), name
    # Not by being vacuous: it lies below what an unlimited network would reach.
    unlimited = (N_SLOTS - 1) / N_SLOTS * (qoe.version_quality[-1] + qoe.stall_weight) - qoe.stall_weight
    assert (value <= unlimited + 1e-5).all()
    if cycles == 1e9:
        assert (value < unlimited - 0.2).all()


def test_users_do_change_their_access_point():
    trajectory = record_trajectory(campus(0), N_SLOTS)
    assert ((trajectory.best_efficiency > 0).sum(axis=-1) == 2).sum() > 3


class OneRate:
    """A link that gives everybody the same."""

    def spectral_efficiency(self, snr_db):
        return np.ones_like(snr_db)


def plenty(seed):
    """Return a network that can send everything to everybody, with users that all but stand still."""
    net = campus(seed, speed_mps=0.01)
    huge = np.full(2, 1e15)
    net.capacity = replace(net.capacity, bandwidth_hz=huge, computing_cycles_per_s=huge, backhaul_bps=huge)
    net.link = OneRate()
    return net


class TestIsReached:
    """A policy that sends everything, over an unlimited network: the bound is met, so the tape is read as `play` does."""

    @pytest.mark.parametrize("seed", range(3))
    def test_after_a_reset(self, seed):
        net = plenty(seed)
        bound = SessionBound(net, N_SLOTS).solve(net.capacity)
        np.testing.assert_allclose(run(net, lambda telemetry: everything(net, telemetry)), bound, atol=3e-6)

    def test_after_a_regrouping(self):
        net = plenty(7)
        for _ in range(3):
            telemetry = net.step(everything(net, net.reset()))
        session = net.regroup(1 - telemetry.session.group.clip(0, 1))
        bound = SessionBound(net, N_SLOTS).solve(net.capacity)
        telemetry, qoe = replace(telemetry, session=session), []
        for _ in range(N_SLOTS):
            telemetry = net.step(everything(net, telemetry))
            qoe.append(telemetry.service.qoe)
        np.testing.assert_allclose(np.mean(qoe, axis=(0, 2)), bound, atol=3e-6)

    def test_the_lowest_version_alone_stays_below(self):
        net = plenty(1)
        bound = SessionBound(net, N_SLOTS).solve(net.capacity)
        found = run(net, lambda telemetry: everything(net, telemetry, version=0))
        assert (found < bound - 1).all()


def by_loops(net, n_slots):
    """Write the linear program out for one campus, user by user, with every efficiency as a level of its own."""
    trajectory, catalog, qoe = record_trajectory(net, n_slots), net.catalog, net.config.qoe
    sends, watches = {}, {}
    n_users = trajectory.group.shape[1]
    for user in range(n_users):
        for position, stay_s in enumerate(trajectory.stay_s[0, user]):
            for segment in range(int(np.ceil(stay_s - 1e-12))):
                watches[user, position, segment] = min(1.0, stay_s - segment)
                for ap in np.nonzero(trajectory.best_efficiency[0, user])[0]:
                    key = trajectory.group[0, user], position, segment, ap, trajectory.best_efficiency[0, user, ap]
                    sends[key] = None
    sends, n_versions = list(sends), catalog.n_versions
    n_columns = (len(watches) + len(sends)) * n_versions
    rows, limit, worth = [], [], np.zeros(n_columns)
    resources = np.zeros((4, n_columns))
    for index, (user, position, segment) in enumerate(watches):
        once = np.zeros(n_columns)
        for version in range(n_versions):
            column = index * n_versions + version
            worth[column] = watches[user, position, segment] * (qoe.version_quality[version] + qoe.stall_weight)
            once[column] = 1
            row = np.zeros(n_columns)
            row[column] = 1
            for place, (group, of, number, ap, efficiency) in enumerate(sends):
                heard = 0 < efficiency <= trajectory.best_efficiency[0, user, ap]
                if (group, of, number) == (trajectory.group[0, user], position, segment) and heard:
                    row[(len(watches) + place) * n_versions + version] = -1
            rows.append(row)
            limit.append(0)
        rows.append(once)
        limit.append(1)
    for place, (group, position, segment, ap, efficiency) in enumerate(sends):
        duration_s = catalog.duration_s[trajectory.playlist[0, group, position % trajectory.playlist.shape[2]]]
        for version in range(n_versions):
            bit = min(1.0, duration_s - segment) * catalog.bitrate_bps[version]
            column = (len(watches) + place) * n_versions + version
            resources[ap, column], resources[2 + ap, column] = bit * 500, bit / efficiency
    useful_s = 2.0 * (n_slots - 1)
    limit += list(net.capacity.computing_cycles_per_s * useful_s) + list(net.capacity.bandwidth_hz * useful_s)
    scale = 1 / np.array(limit[-4:])
    matrix, limit = np.concatenate([rows, resources * scale[:, None]]), np.array(limit[:-4] + [1] * 4)
    best = -linprog(-worth, A_ub=matrix, b_ub=limit, bounds=(0, 1), method="highs").fun
    return best / (n_users * n_slots * 2.0) - qoe.stall_weight


@pytest.mark.parametrize("cycles", [0.3e9, 1e9])
def test_it_is_the_optimum_of_the_program_written_out(cycles):
    net = campus(2, n_batch=1, n_users=5, computing_cycles_per_s=cycles, bandwidth_hz=0.5e6)
    found = SessionBound(net, 5, n_levels=40).solve(net.capacity)[0]
    assert found == pytest.approx(by_loops(net, 5), abs=2e-5)


class TestForm:
    def test_more_capacity_never_lowers_it(self):
        net = campus(3)
        bound = SessionBound(net, N_SLOTS)
        values = [
            bound.solve(replace(net.capacity, computing_cycles_per_s=np.full(2, cycles))) for cycles in (1e9, 2e9, 4e9)
        ]
        assert (np.diff(values, axis=0) >= -1e-9).all()

    def test_fewer_levels_never_lower_it(self):
        net = campus(3, bandwidth_hz=0.3e6, computing_cycles_per_s=20e9)
        values = [SessionBound(net, N_SLOTS, n_levels).solve(net.capacity) for n_levels in (40, 6, 1)]
        assert (np.diff(values, axis=0) >= -1e-6).all()
        assert (values[2] > values[0] + 1e-3).any()

    @pytest.mark.parametrize("resource", ["bandwidth_hz", "computing_cycles_per_s"])
    def test_without_capacity_everybody_stalls(self, resource):
        net = campus(3)
        nothing = replace(net.capacity, **{resource: np.zeros(2)})
        np.testing.assert_allclose(SessionBound(net, N_SLOTS).solve(nothing), -LINEAR.stall_weight, atol=3e-6)

    def test_free_transcoding_leaves_the_band_alone_to_limit(self):
        net = campus(3, computing_cycles_per_s=1e6)
        bound = SessionBound(net, N_SLOTS)
        free = replace(net.capacity, cycles_per_bit=0.0)
        assert (bound.solve(free) > bound.solve(net.capacity) + 0.5).all()

    def test_the_network_goes_on_as_if_nothing_had_been(self):
        left, right = campus(4), campus(4)
        SessionBound(right, N_SLOTS)
        first = left.reset(), right.reset()
        for _ in range(4):
            rng = stream(0, "decision")
            decision = random_decision(first[0].session, left.catalog, 2, rng=rng)
            first = left.step(decision), right.step(decision)
        assert same(*first)

    def test_it_is_the_same_in_the_middle_of_a_run_of_networks(self):
        net = campus(4)
        fresh = SessionBound(net, N_SLOTS).solve(net.capacity)
        run(net, policies(net)["at random"])
        net.reset()
        np.testing.assert_array_equal(SessionBound(net, N_SLOTS).solve(net.capacity), fresh)

    def test_campuses_are_bounded_apart(self):
        """Each campus has its own program; only the levels are shared."""
        net = campus(4)
        bound = SessionBound(net, N_SLOTS, n_levels=40)
        assert bound.solve(net.capacity).shape == (3,)
        assert len(set(bound.solve(net.capacity).tolist())) == 3


class TestErrors:
    def test_a_session_of_one_slot(self):
        with pytest.raises(
            ValueError, match="n_slots must be above 1, got 1; nothing can be watched in the first slot"
        ):
            SessionBound(campus(0), 1)

    def test_a_network_that_is_on_its_way(self):
        net = campus(0)
        run(net, lambda telemetry: everything(net, telemetry, version=0))
        with pytest.raises(ValueError, match="network must be at the start of its lists, got 'slot 8'; take the bound"):
            SessionBound(net, N_SLOTS)

    def test_no_level(self):
        with pytest.raises(ValueError, match="n_levels must be above 0, got 0; 6 is fine"):
            SessionBound(campus(0), N_SLOTS, 0)
