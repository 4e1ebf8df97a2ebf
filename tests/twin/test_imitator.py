"""The imitator: what it learns by hand, the two-way turn, ages and stays, its contract, scores of paths, and errors."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.physical.destinations import DestinationConfig
from gdt_tutorial.physical.mobility import LevyFlightConfig
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.abstraction.status_windows import sample_windows
from gdt_tutorial.twin.contracts import check_emulator
from gdt_tutorial.twin.emulation.emulator import MIN_STD_M
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, HoldLast
from gdt_tutorial.twin.emulation.imitator import ImitatorConfig, ImitatorEmulator
from gdt_tutorial.twin.emulation.path_scores import off_street_m, score_paths, window_of
from gdt_tutorial.twin.emulation.turn_policy import (
    CloneConfig,
    Crossings,
    TurnPolicy,
    WatchedWalks,
    clone,
    locate,
    untrained,
    watch,
)
from gdt_tutorial.twin.emulation.walks import Walks

TOPOLOGY = Topology.waterloo()
CAMPUS = Crossings(Streets.of(TOPOLOGY.campus))
# A T: from the west to a crossing, and on to the north or to the south.
WEST, CROSSING, NORTH, SOUTH = range(4)
T = Crossings(Streets(np.array([[-100.0, 0.0], [0.0, 0.0], [1e-3, 100.0], [1e-3, -100.0]])))


def rng(seed=0):
    return np.random.default_rng(seed)


def state(crossings, start, end):
    return int(crossings.street_between[start, end])


def standing(crossings, place):
    return len(crossings.streets.street) + place


def walks_along(points, n_slots=40, speed_mps=1.5, stay_slots=0):
    """Walk straight from point to point; stay at inner points for some slots."""
    points, now_m, leg, waits = np.array(points, dtype=float), np.array(points[0], dtype=float), 1, 0
    position_m, velocity_mps = [], []
    for _ in range(n_slots):
        left_s = 2.0
        while left_s > 0 and leg < len(points) and waits == 0:
            way_m = points[leg] - now_m
            rest_s = np.linalg.norm(way_m) / speed_mps
            now_m = now_m + way_m * min(1, left_s / max(rest_s, 1e-12))
            if rest_s > left_s:
                break
            left_s, leg, waits = left_s - rest_s, leg + 1, stay_slots if leg < len(points) - 1 else 0
        is_going = leg < len(points) and waits == 0
        heading = (points[min(leg, len(points) - 1)] - now_m) if is_going else np.zeros(2)
        velocity_mps.append(speed_mps * heading / max(np.linalg.norm(heading), 1e-12))
        position_m.append(now_m)
        waits = max(waits - 1, 0)
    return Walks(position_m=np.array(position_m)[None], velocity_mps=np.array(velocity_mps)[None], slot_s=2.0)


# What is learned.


def test_choices_and_where_they_lead():
    assert T.n_states == 6 + 4
    assert T.is_possible[state(T, WEST, CROSSING)].sum() == 4  # stay, back to the west, north, south
    assert T.is_possible[standing(T, CROSSING)].tolist() == [False, True, True, True]
    onward = T.choice_to(np.array(state(T, WEST, CROSSING)), np.array(NORTH))
    assert T.next_state[state(T, WEST, CROSSING), onward] == state(T, CROSSING, NORTH)
    assert T.next_state[state(T, CROSSING, NORTH), 0] == standing(T, NORTH)


def test_what_a_map_alone_tells_by_hand():
    # Trips from the west lead to the crossing, to the north and to the south: a third each, and nobody turns round.
    law = T.uniform_trips
    np.testing.assert_allclose(law.sum(axis=1), 1)
    arriving = state(T, WEST, CROSSING)
    by_place = {place: law[arriving, T.choice_to(np.array(arriving), np.array(place))] for place in range(4)}
    np.testing.assert_allclose([by_place[p] for p in (CROSSING, NORTH, SOUTH)], 1 / 3, atol=1e-3)
    assert by_place[WEST] < 1e-3
    np.testing.assert_allclose(law[standing(T, CROSSING), 1:], 1 / 3, atol=1e-3)
    np.testing.assert_allclose(untrained(T).turn, law)


def test_walks_are_read_street_by_street():
    seen = watch(walks_along([[-40, 0], [0, 0], [0, 100]], n_slots=26), T)
    arriving = state(T, WEST, CROSSING)
    assert seen.state.tolist() == [arriving]
    assert T.leads_to[seen.state, seen.choice].tolist() == [NORTH]
    np.testing.assert_allclose(seen.speed_mps, 1.5)
    assert len(seen.stay_slots) == 0

    seen = watch(walks_along([[-40, 0], [0, 0], [0, 100]], stay_slots=5, n_slots=40), T)
    assert seen.state.tolist() == [arriving, standing(T, CROSSING)]
    assert T.leads_to[seen.state, seen.choice].tolist() == [CROSSING, NORTH]
    assert seen.stay_slots.tolist() == [5]
    assert seen.has_left.tolist() == [True]


def test_a_copy_is_a_count_shrunk_to_the_map():
    arriving, north = state(T, WEST, CROSSING), 2
    assert T.leads_to[arriving, north] == NORTH
    seen = WatchedWalks(
        walk=np.zeros(3, dtype=np.int64),
        state=np.full(3, arriving),
        choice=np.full(3, north),
        stay_slots=np.array([2, 2, 4]),
        has_left=np.array([True, True, False]),
        speed_mps=np.array([1.0, 2.0]),
    )
    policy = clone(seen, T, CloneConfig(prior_turns=6.0, prior_stays=2.0, prior_stay_slots=10.0, max_stay_slots=5))
    assert policy.turn[arriving, north] == pytest.approx((3 + 6 * T.uniform_trips[arriving, north]) / 9)
    np.testing.assert_allclose(policy.turn[standing(T, NORTH)], T.uniform_trips[standing(T, NORTH)])
    # Two of three left after two slots; the third was seen for four, and says nothing of leaving then.
    np.testing.assert_allclose(policy.stay_hazard, [0.2 / 5, 2.2 / 5, 0.2 / 3, 0.2 / 2, 0.2 / 2])
    assert policy.speed_mps.tolist() == [1.0, 2.0]


def test_it_learns_where_people_turn():
    first, other = (Walks.sample(DestinationConfig(), TOPOLOGY.campus, 150, 150, 2.0, rng=rng(seed)) for seed in (0, 1))
    test = watch(other, CAMPUS)
    score = [
        np.log(policy.turn[test.state, test.choice]).mean()
        for policy in (
            untrained(CAMPUS),
            clone(watch(first.part(slice(20)), CAMPUS), CAMPUS),
            clone(watch(first, CAMPUS), CAMPUS),
        )
    ]
    assert score[0] < score[1] < score[2]


def test_users_are_found_on_the_map():
    walk = DestinationConfig().start(TOPOLOGY.campus, 2, 50, rng=rng(3))
    place = locate(CAMPUS.streets, walk.position_m, walk.velocity_mps)
    np.testing.assert_allclose(place.beside_m, 0, atol=1e-9)
    is_walking = walk.velocity_mps.any(axis=-1)
    assert np.array_equal(is_walking, place.state < len(CAMPUS.streets.street))
    heading = np.diff(CAMPUS.streets.place_m[CAMPUS.streets.street[place.state[is_walking]]], axis=1)[:, 0]
    assert ((heading * walk.velocity_mps[is_walking]).sum(axis=-1) > 0).all()


# What it emulates.


def turning(share_north=0.5, hazard=0.1):
    turn = untrained(T).turn.copy()
    turn[state(T, WEST, CROSSING)] = 0.0
    arriving = np.array(state(T, WEST, CROSSING))
    turn[arriving, T.choice_to(arriving, np.array(NORTH))] = share_north
    turn[arriving, T.choice_to(arriving, np.array(SOUTH))] = 1 - share_north
    policy = TurnPolicy(T, turn, np.array([hazard]), np.array([1.0]))
    return ImitatorEmulator(policy=policy, topology=TOPOLOGY, config=ImitatorConfig(n_particles=400))


def test_the_mean_of_a_two_way_turn_is_where_nobody_walks():
    window = window_of(walks_along([[-40, 0], [0, 0], [0, 99]], n_slots=30, speed_mps=1.0), 18, 2, 1)
    said = turning().emulate(window, 10, n_samples=300, rng=rng(1))
    # After 18 slots the walker is 4 m west of the crossing; eight slots later 12 m north or south of it.
    end_m = said.position_sample_m[0, :, 0, 7]
    np.testing.assert_allclose(end_m[:, 0], 0, atol=1e-2)
    np.testing.assert_allclose(np.abs(end_m[:, 1]), 12, atol=1e-2)
    assert abs((end_m[:, 1] > 0).mean() - 0.5) < 0.1
    assert np.linalg.norm(said.position_m[0, 0, 7]) < 2
    assert said.position_std_m[0, 0, 7, 1] == pytest.approx(12, abs=0.3)
    np.testing.assert_allclose(said.position_m[0, 0, 0], [-2, 0], atol=1e-6)
    assert said.position_std_m[0, 0, 0].tolist() == [MIN_STD_M, MIN_STD_M]
    # Each path stays on its branch.
    side = np.sign(said.position_sample_m[0, :, 0, 3:, 1])
    assert (side == side[:, :1]).all()


def test_old_reports_are_walked_on_from():
    walks = walks_along([[-100, 0], [0, 0]], n_slots=30, speed_mps=1.0)
    window = window_of(walks, 20, 2, 1)
    is_seen = window.is_behavior_collected.copy()
    is_seen[..., -6:] = False
    old = replace(window, is_behavior_collected=is_seen)
    for each in (window, old):
        said = turning().emulate(each, 3)
        np.testing.assert_allclose(said.position_m[0, 0, :, 0], walks.position_m[0, 20:23, 0], atol=1e-6)


def test_who_stands_leaves_by_the_hazard():
    at_crossing = Walks(position_m=np.zeros((1, 30, 2)), velocity_mps=np.zeros((1, 30, 2)), slot_s=2.0)
    path_m = turning(hazard=0.2).paths_m(window_of(at_crossing, 20, 2, 1), 5, 4000, rng=rng(2))
    has_left = np.linalg.norm(path_m[:, 0, 0], axis=-1) > 0
    np.testing.assert_allclose(has_left.mean(axis=0), 1 - 0.8 ** np.arange(1, 6), atol=0.025)


def test_the_snr_of_particles_has_their_mean_and_spread():
    window = sample_windows(TOPOLOGY, 1, 5, 20, mobility=DestinationConfig(), rng=rng(4))
    emulator = ImitatorEmulator(policy=untrained(CAMPUS), topology=TOPOLOGY, config=ImitatorConfig(n_particles=300))
    said = emulator.emulate(window, 15, n_samples=600, rng=rng(5))
    sample_db = said.snr_sample_db[0, :, :, -1]
    np.testing.assert_allclose(sample_db.mean(axis=0), said.snr_db[0, :, -1], atol=1.5)
    np.testing.assert_allclose(sample_db.std(axis=0), said.snr_std_db[0, :, -1], rtol=0.2)


@pytest.mark.parametrize("mobility", [DestinationConfig(), LevyFlightConfig()])
def test_it_keeps_the_contract_of_an_emulator(mobility):
    walks = Walks.sample(DestinationConfig(), TOPOLOGY.campus, 20, 100, 2.0, rng=rng(6))
    window = sample_windows(TOPOLOGY, 2, 6, 20, mobility=mobility, rng=rng(7))
    is_seen = rng(8).random(window.is_behavior_collected.shape) < 0.3
    is_seen[..., 0] = True
    for policy in (untrained(CAMPUS), clone(watch(walks, CAMPUS), CAMPUS)):
        emulator = ImitatorEmulator(policy=policy, topology=TOPOLOGY)
        check_emulator(emulator, replace(window, is_behavior_collected=is_seen))
        near_m = np.linalg.norm(emulator.emulate(window, 1).position_m[:, :, 0] - window.position_m[:, :, -1], axis=-1)
        assert near_m.max() < 2 * 1.8 + 8.0  # nobody jumps, on the map or off it


def test_it_is_a_better_law_than_a_straight_line():
    walks, test = (
        Walks.sample(DestinationConfig(), TOPOLOGY.campus, n, slots, 2.0, rng=rng(seed))
        for n, slots, seed in ((40, 150, 9), (200, 36, 10))
    )
    emulators = {
        "hold": HoldLast(topology=TOPOLOGY),
        "straight": ConstantVelocity(topology=TOPOLOGY),
        "imitator": ImitatorEmulator(policy=clone(watch(walks, CAMPUS), CAMPUS), topology=TOPOLOGY),
    }
    scores = score_paths(emulators, test, CAMPUS.streets, seed=0)
    for other in ("hold", "straight"):
        assert scores["imitator"].energy_m < scores[other].energy_m
        assert (scores["imitator"].crps_m < scores[other].crps_m).all()
    assert (scores["imitator"].off_street == 0).all()
    assert scores["straight"].off_street[-1] > 0.2


# Scores.


def test_scores_by_hand():
    np.testing.assert_allclose(
        off_street_m(T.streets, np.array([[-50.0, 7.0], [3.0, 50.0], [-103.0, 4.0]])), [7, 3, 5], atol=1e-2
    )


def test_a_sure_and_true_path_has_the_best_scores():
    walks = walks_along([[-100, 0], [0, 0]], n_slots=40, speed_mps=1.0)
    scores = score_paths({"own": turning()}, walks, T.streets, ages=(1, 5), seed=0)["own"]
    np.testing.assert_allclose(scores.rms_m, 0, atol=1e-6)
    np.testing.assert_allclose(scores.crps_m, 0, atol=1e-6)
    assert scores.coverage.tolist() == [1, 1]
    assert scores.energy_m == pytest.approx(0, abs=1e-6)


# Errors.


def test_bad_input():
    emulator, walks = turning(), walks_along([[-40, 0], [0, 0], [0, 99]], n_slots=30)
    window = window_of(walks, 20, 2, 1)
    with pytest.raises(ValueError, match="n_slots must be above 0"):
        emulator.emulate(window, 0)
    with pytest.raises(ValueError, match="n_samples must be at least 0"):
        emulator.emulate(window, 1, n_samples=-1)
    with pytest.raises(ValueError, match="rng must be a generator where samples are asked for"):
        emulator.emulate(window, 1, n_samples=1)
    nobody = replace(window, is_behavior_collected=np.zeros((1, 1, 20), dtype=bool))
    with pytest.raises(ValueError, match="window must hold a collected slot of every user"):
        emulator.emulate(nobody, 1)
    with pytest.raises(ValueError, match="walks must hold one or more"):
        watch(walks.part(slice(0)), T)
    with pytest.raises(ValueError, match="walks must show a choice at a place"):
        watch(walks_along([[-90, 0], [-80, 0]], n_slots=3), T)
    with pytest.raises(ValueError, match="walks must have more than 40 slots"):
        window_of(walks, 40, 2, 1)
    with pytest.raises(ValueError, match="walks must go on for 15 slots"):
        score_paths({}, walks, T.streets, seed=0)


def test_a_policy_fits_its_map():
    policy = untrained(T)
    with pytest.raises(ValueError, match="turn must have shape"):
        replace(policy, turn=policy.turn[:-1])
    with pytest.raises(ValueError, match="turn must be a law over the possible choices"):
        replace(policy, turn=policy.turn * 2)
    with pytest.raises(ValueError, match="stay_hazard, speed_mps must hold a number or more"):
        replace(policy, speed_mps=np.zeros(0))
    with pytest.raises(ValueError, match="prior_turns must be above 0"):
        CloneConfig(prior_turns=0.0)
    with pytest.raises(ValueError, match="n_particles must be above 1"):
        ImitatorConfig(n_particles=1)
