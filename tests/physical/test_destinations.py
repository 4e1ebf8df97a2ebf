"""Walks with destinations: the map, the closed form of a semi-Markov chain, the stationary start, and errors."""

import numpy as np
import pytest
from scipy import stats

from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.destinations import (
    DestinationConfig,
    DestinationWalk,
    draw_preference,
    popularity,
    time_shares,
)
from gdt_tutorial.physical.mobility import LevyFlightConfig, Mobility, Walk
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.abstraction.status_windows import sample_windows
from gdt_tutorial.twin.emulation.walks import Walks
from tests.small_networks import random_decision

CONFIG = DestinationConfig()
CAMPUS = Campus.waterloo()
STREETS = Streets.of(CAMPUS)


def rng(seed=0):
    return np.random.default_rng(seed)


# The map.


def test_streets_join_near_places_and_reach_all():
    assert STREETS.n_places == 38
    assert CAMPUS.contains(STREETS.place_m).all()
    assert np.array_equal(STREETS.is_street, STREETS.is_street.T)
    assert np.isfinite(STREETS.way_m).all()
    assert (STREETS.way_m >= STREETS.straight_m - 1e-9).all()
    nearest = np.where(np.eye(38, dtype=bool), np.inf, STREETS.straight_m).argmin(axis=1)
    assert STREETS.is_street[np.arange(38), nearest].all()


def test_a_place_inside_the_circle_takes_the_street_away():
    # By hand: the third place lies 1 m off the line between the first two, the fourth far off.
    streets = Streets(np.array([[0.0, 0.0], [10.0, 0.0], [5.0, 1.0], [5.0, 30.0]]))
    assert not streets.is_street[0, 1]
    assert streets.is_street[0, 2]
    assert streets.is_street[2, 3]
    assert streets.next_place[0, 1] == 2
    assert streets.way_m[0, 1] == pytest.approx(2 * 26**0.5)


def test_ways_add_up_street_by_street():
    for start, end in ((0, 37), (5, 20), (33, 2)):
        here, way_m = start, 0.0
        while here != end:
            after = STREETS.next_place[here, end]
            assert STREETS.is_street[here, after]
            way_m, here = way_m + STREETS.straight_m[here, after], after
        assert way_m == pytest.approx(STREETS.way_m[start, end])


# The walk.


def test_everybody_stays_on_the_streets_at_walking_speed():
    walk = CONFIG.start(CAMPUS, 2, 40, rng=rng())
    assert isinstance(CONFIG, Mobility)
    assert isinstance(LevyFlightConfig(), Mobility)
    assert isinstance(walk, Walk)
    start_m, end_m = STREETS.place_m[STREETS.street[:, 0]], STREETS.place_m[STREETS.street[:, 1]]
    along = (end_m - start_m) / np.linalg.norm(end_m - start_m, axis=-1, keepdims=True)
    for _ in range(60):
        before_m = walk.position_m
        walk.advance(2.0)
        off_m = walk.position_m[:, :, None] - start_m
        across_m = np.abs(off_m[..., 0] * along[:, 1] - off_m[..., 1] * along[:, 0])
        inside_m = (off_m * along).sum(axis=-1)
        is_on = (across_m < 1e-6) & (inside_m > -1e-6) & (inside_m < np.linalg.norm(end_m - start_m, axis=-1) + 1e-6)
        assert is_on.any(axis=-1).all()
        assert (np.linalg.norm(walk.position_m - before_m, axis=-1) <= 2.0 * 1.8 + 1e-9).all()
        speed_mps = np.linalg.norm(walk.velocity_mps, axis=-1)
        assert ((speed_mps == 0) | ((speed_mps > 0.8 - 1e-9) & (speed_mps < 1.8 + 1e-9))).all()


def test_how_long_it_is_looked_at_does_not_matter():
    # The order of random draws does not change for one user.
    one, other = (CONFIG.start(CAMPUS, 1, 1, rng=rng(3)) for _ in range(2))
    one.advance(400.0)
    for _ in range(200):
        other.advance(2.0)
    np.testing.assert_allclose(one.position_m, other.position_m, atol=1e-6)


def test_time_at_places_agrees_with_the_closed_form():
    walk = CONFIG.start(CAMPUS, 1, 400, rng=rng(1))
    shares = time_shares(CONFIG, STREETS, walk.preference)
    np.testing.assert_allclose(sum(each.sum(axis=-1) for each in shares), 1)
    spent = np.zeros((12, STREETS.n_places))
    for part in range(12):
        for _ in range(10):
            walk.advance(20.0)
            is_staying = (walk.velocity_mps == 0).all(axis=-1)[0]
            place = np.linalg.norm(walk.position_m[0, :, None] - STREETS.place_m, axis=-1).argmin(axis=-1)
            spent[part] += np.bincount(place[is_staying], minlength=STREETS.n_places) / 4000
    found, expected = spent.mean(axis=0), shares[0].mean(axis=(0, 1))
    assert found.sum() == pytest.approx(expected.sum(), abs=0.01)
    assert np.corrcoef(found, expected)[0, 1] > 0.97
    # The chain by brute force, for one user: the stationary law of its steps, weighted by what a visit takes.
    weight = walk.preference[0, 0]
    step = weight / (1 - weight)[:, None] * (1 - np.eye(STREETS.n_places))
    visits = np.linalg.matrix_power(step, 200)[0]
    staying_s = visits * CONFIG.mean_stay_s
    walking_s = visits * (step * STREETS.way_m).sum(axis=1) * CONFIG.mean_pace_s_per_m
    np.testing.assert_allclose(shares[0][0, 0], staying_s / (staying_s + walking_s).sum(), rtol=1e-9)


def test_it_starts_as_it_goes_on():
    first, later = (CONFIG.start(CAMPUS, 1, 4000, rng=rng(seed)) for seed in (4, 5))
    for _ in range(6):
        later.advance(100.0)
    for axis in (0, 1):
        assert stats.ks_2samp(first.position_m[0, :, axis], later.position_m[0, :, axis]).pvalue > 0.001
        is_walking = [walk.velocity_mps[0].any(axis=-1) for walk in (first, later)]
        speeds = [
            np.linalg.norm(w.velocity_mps[0][m], axis=-1) for w, m in zip((first, later), is_walking, strict=True)
        ]
        assert stats.ks_2samp(*speeds).pvalue > 0.001
    assert abs(is_walking[0].mean() - is_walking[1].mean()) < 0.03


def test_users_visit_the_places_that_they_prefer():
    walk = CONFIG.start(CAMPUS, 1, 300, rng=rng(6))
    visits = np.zeros((300, STREETS.n_places))
    for _ in range(600):
        walk.advance(10.0)
        place = np.linalg.norm(walk.position_m[0, :, None] - STREETS.place_m, axis=-1).argmin(axis=-1)
        is_staying = (walk.velocity_mps == 0).all(axis=-1)[0]
        visits[np.arange(300)[is_staying], place[is_staying]] += 1
    favorite = walk.preference[0] > CONFIG.favorite_share / CONFIG.n_favorites
    assert (favorite.sum(axis=-1) == CONFIG.n_favorites).all()
    assert visits[favorite].sum() / visits.sum() > 0.4
    assert popularity(CONFIG, STREETS).sum() == pytest.approx(1)
    assert popularity(CONFIG, STREETS)[-4:].sum() == pytest.approx(CONFIG.gate_share)


def test_a_day_begins_at_the_gates():
    walk = DestinationConfig(arrival_s=300.0).start(CAMPUS, 1, 500, rng=rng(7))
    gate_m = STREETS.place_m[-4:]

    def waiting():
        return (np.abs(walk.position_m[0, :, None] - gate_m).max(axis=-1) < 1e-9).any(axis=-1).mean()

    assert waiting() == 1
    walk.advance(150.0)
    assert abs(waiting() - 0.5) < 0.1
    walk.advance(150.0)
    assert waiting() < 0.1


def test_seeds():
    one, same, other = (CONFIG.start(CAMPUS, 1, 20, rng=rng(seed)) for seed in (8, 8, 9))
    for walk in (one, same, other):
        walk.advance(30.0)
    assert np.array_equal(one.position_m, same.position_m)
    assert not np.array_equal(one.position_m, other.position_m)


# In the network, and in what learns from it.


def test_the_network_takes_it():
    net = PhysicalNetwork.waterloo(2, NetworkConfig(n_users=12), mobility=CONFIG, seed=3)
    assert isinstance(net.walk, DestinationWalk)
    telemetry = net.reset()
    for slot in range(5):
        telemetry = net.step(random_decision(telemetry.session, net.catalog, net.topology.n_aps, rng=rng(slot)))
    again = PhysicalNetwork.waterloo(2, NetworkConfig(n_users=12), mobility=CONFIG, seed=3)
    levy = PhysicalNetwork.waterloo(2, NetworkConfig(n_users=12), seed=3)
    assert np.isfinite(telemetry.service.qoe).all()
    for _ in range(5):
        again.walk.advance(2.0)
    np.testing.assert_allclose(telemetry.position_m, again.walk.position_m, atol=1e-9)
    assert np.array_equal(levy.viewers.preference, net.viewers.preference)


def test_walks_and_windows_take_either():
    walks = Walks.sample(CONFIG, CAMPUS, 5, 12, 2.0, rng=rng())
    assert walks.position_m.shape == (5, 12, 2)
    window = sample_windows(Topology.waterloo(), 2, 3, 6, mobility=CONFIG, rng=rng())
    assert window.position_m.shape == (2, 3, 6, 2)


# Errors.


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_gates": 5}, "n_gates must lie in"),
        ({"gate_share": 0.0}, "gate_share must"),
        ({"popularity_exponent": -1.0}, "popularity_exponent must"),
        ({"n_favorites": 0}, "n_favorites must be above 0"),
        ({"favorite_share": 1.0}, "favorite_share must"),
        ({"min_stay_s": 400.0}, "min_stay_s, max_stay_s must be ordered"),
        ({"min_speed_mps": 2.0}, "min_speed_mps, max_speed_mps must be ordered"),
        ({"arrival_s": -1.0}, "arrival_s must be at least 0"),
        ({"n_gates": 0, "arrival_s": 60.0}, "n_gates must be above 0 where users arrive"),
    ],
)
def test_a_config_says_what_is_wrong(changes, message):
    with pytest.raises(ValueError, match=message):
        DestinationConfig(**changes)


def test_bad_calls():
    for counts, name in (((0, 1), "n_batch"), ((1, 0), "n_users")):
        with pytest.raises(ValueError, match=f"{name} must be above 0"):
            CONFIG.start(CAMPUS, *counts, rng=rng())
    with pytest.raises(ValueError, match="duration_s must be above 0 and finite"):
        CONFIG.start(CAMPUS, 1, 1, rng=rng()).advance(0.0)
    empty = Campus(CAMPUS.box_m)
    with pytest.raises(ValueError, match="place_m must hold two places or more, got 0"):
        DestinationConfig(n_gates=0).start(empty, 1, 1, rng=rng())
    with pytest.raises(ValueError, match="place_m must hold different places"):
        Streets(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="n_gates must lie in 0..4"):
        Streets.of(CAMPUS, 7)


def test_gates_alone_are_places_too():
    only_gates = Streets.of(Campus(CAMPUS.box_m))
    np.testing.assert_allclose(popularity(CONFIG, only_gates), 0.25)
    assert draw_preference(CONFIG, only_gates, 1, 5, rng=rng()).shape == (1, 5, 4)
    CONFIG.start(Campus(CAMPUS.box_m), 1, 5, rng=rng()).advance(50.0)
