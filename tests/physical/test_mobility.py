"""Levy flight: its laws, its walls, its stationary start, and its repeatability."""

import numpy as np
import pytest
from scipy import stats

from gdt_tutorial.physical.mobility import (
    LevyFlight,
    LevyFlightConfig,
    moving_share,
    place_users,
    sample_leg_m,
    sample_pause_s,
    tail_exponent_mle,
    trajectory,
)
from gdt_tutorial.physical.topology import Campus

CONFIG = LevyFlightConfig()
CAMPUS = Campus.waterloo()


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("exponent", [0.66, 1.0, 1.6])
def test_the_tail_exponent_is_recovered_from_legs(exponent):
    config = LevyFlightConfig(leg_tail_exponent=exponent)
    found = [
        tail_exponent_mle(sample_leg_m(config, 2000, rng=rng(seed)), config.min_leg_m, config.max_leg_m)
        for seed in range(5)
    ]
    assert abs(np.median(found) - exponent) < 0.1


def test_legs_and_pauses_have_the_truncated_pareto_distribution():
    for sample, exponent, lower, upper in (
        (sample_leg_m(CONFIG, 5000, rng=rng()), 1.6, 5.0, 300.0),
        (sample_pause_s(CONFIG, 5000, rng=rng(1)), 0.8, 1.0, 60.0),
    ):
        # The distribution function written out by hand.
        law = lambda x, a=exponent, low=lower, high=upper: (1 - (low / x) ** a) / (1 - (low / high) ** a)  # noqa: E731
        assert stats.kstest(sample, law).pvalue > 0.01
        assert sample.min() >= lower
        assert sample.max() <= upper


def test_the_legs_of_a_walk_have_the_exponent_too():
    walk = LevyFlight(
        CONFIG, Campus(np.array([[0.0, 0.0], [1e5, 1e5]])), 1, 400, rng=rng(2), start_m=np.full((1, 400, 2), 5e4)
    )
    # Sampled every 0.25 s, a leg is a run of equal velocities; users who paused at the start are cut there exactly.
    moved, legs = np.zeros(400), []
    before = walk.velocity_mps[0].copy()
    for _ in range(2400):
        walk.advance(0.25)
        now = walk.velocity_mps[0]
        speed = np.linalg.norm(before, axis=-1)
        moved += 0.25 * speed
        has_ended = np.any(now != before, axis=-1)
        legs.append(moved[has_ended & (speed > 0)])
        moved[has_ended] = 0.0
        before = now.copy()
    found = np.concatenate(legs)
    # Sampling blurs the ends of a leg by half a meter: look at legs of 20 m and more.
    found = found[(found > 20) & (found < 300)]
    assert found.size > 500
    assert abs(tail_exponent_mle(found, 20.0, 300.0) - 1.6) < 0.25


def test_headings_are_uniform():
    velocity_mps = LevyFlight(CONFIG, CAMPUS, 20, 200, rng=rng(3)).velocity_mps.reshape(-1, 2)
    walking = velocity_mps[np.abs(velocity_mps).sum(axis=-1) > 0]
    turn = np.arctan2(walking[:, 1], walking[:, 0]) / (2 * np.pi) + 0.5
    assert stats.kstest(turn, "uniform").pvalue > 0.01


def test_the_start_is_stationary():
    """Ten minutes later the shares of walkers, the speeds and the positions have the laws of the start."""
    walk = LevyFlight(CONFIG, CAMPUS, 64, 60, rng=rng(4))
    first_mps, first_m = np.linalg.norm(walk.velocity_mps, axis=-1), walk.position_m
    walk.advance(600.0)
    later_mps = np.linalg.norm(walk.velocity_mps, axis=-1)
    spread = np.sqrt(0.25 / first_mps.size)
    for speed_mps in (first_mps, later_mps):
        assert abs((speed_mps > 0).mean() - moving_share(CONFIG)) < 4 * spread
    assert stats.ks_2samp(first_mps[first_mps > 0], later_mps[later_mps > 0]).pvalue > 0.01
    for axis in range(2):
        assert stats.ks_2samp(first_m[..., axis].ravel(), walk.position_m[..., axis].ravel()).pvalue > 0.01


def test_the_moving_share_is_that_of_sampled_durations():
    speed_mps = rng(5).uniform(0.8, 1.8, size=200_000)
    leg_s, pause_s = sample_leg_m(CONFIG, 200_000, rng=rng(6)) / speed_mps, sample_pause_s(CONFIG, 200_000, rng=rng(7))
    np.testing.assert_allclose(moving_share(CONFIG), leg_s.mean() / (leg_s.mean() + pause_s.mean()), atol=0.01)
    # Exponent 1 is the logarithmic case of the integrals.
    edge = moving_share(LevyFlightConfig(leg_tail_exponent=1.0))
    np.testing.assert_allclose(edge, moving_share(LevyFlightConfig(leg_tail_exponent=1.0 + 1e-6)), atol=1e-5)


def test_walls_reflect_like_an_unfolded_path():
    campus = Campus(np.array([[0.0, 0.0], [10.0, 20.0]]))
    config = LevyFlightConfig(min_leg_m=290.0, max_leg_m=300.0)
    walk = LevyFlight(config, campus, 1, 500, rng=rng(8))
    start_m, velocity_mps = walk.position_m[0].copy(), walk.velocity_mps[0].copy()
    walk.advance(0.5)
    # Still in the first leg: fold the straight path by hand with a triangle wave.
    stays = walk._remaining_s > 0
    same_leg = stays & np.isclose(np.abs(walk.velocity_mps[0]), np.abs(velocity_mps)).all(axis=-1)
    free_m = start_m + 0.5 * velocity_mps
    folded_m = np.array([10.0, 20.0]) - np.abs(free_m % np.array([20.0, 40.0]) - np.array([10.0, 20.0]))
    np.testing.assert_allclose(walk.position_m[0][same_leg], folded_m[same_leg])
    assert same_leg.sum() > 200


def test_users_stay_on_campus_and_keep_to_walking_speed():
    campus = Campus(np.array([[0.0, 0.0], [7.0, 5.0]]))  # so small that a leg meets several walls in one slot
    path_m = trajectory(CONFIG, campus, 50, 40, 20.0, rng=rng(9))
    assert path_m.shape == (40, 50, 2)
    assert campus.contains(path_m).all()
    step_m = np.linalg.norm(np.diff(trajectory(CONFIG, CAMPUS, 50, 200, 2.0, rng=rng(10)), axis=0), axis=-1)
    assert step_m.max() <= 2.0 * CONFIG.max_speed_mps + 1e-9


def test_velocity_foretells_the_next_moment():
    walk = LevyFlight(CONFIG, CAMPUS, 2, 300, rng=rng(11))
    walk.advance(30.0)
    before_m, velocity_mps = walk.position_m.copy(), walk.velocity_mps.copy()
    walk.advance(1e-3)
    same = np.isclose(walk.velocity_mps, velocity_mps).all(axis=-1)
    assert same.mean() > 0.99
    np.testing.assert_allclose(walk.position_m[same], (before_m + 1e-3 * velocity_mps)[same], atol=1e-9)


def test_one_long_step_and_many_short_ones_have_the_same_law():
    long, short = (LevyFlight(CONFIG, CAMPUS, 10, 300, rng=rng(seed)) for seed in (12, 13))
    start_long, start_short = long.position_m.copy(), short.position_m.copy()
    long.advance(60.0)
    for _ in range(60):
        short.advance(1.0)
    moved = [np.linalg.norm(w.position_m - s, axis=-1).ravel() for w, s in ((long, start_long), (short, start_short))]
    assert stats.ks_2samp(*moved).pvalue > 0.01


def test_same_seed_same_walk_other_seed_other_walk():
    first, again, other = (trajectory(CONFIG, CAMPUS, 10, 20, 2.0, rng=rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1.0
    np.testing.assert_array_equal(place_users(CAMPUS, 2, 5, rng=rng()), place_users(CAMPUS, 2, 5, rng=rng()))
    assert (sample_leg_m(CONFIG, 9, rng=rng(0)) != sample_leg_m(CONFIG, 9, rng=rng(1))).all()
    assert (sample_pause_s(CONFIG, 9, rng=rng(0)) != sample_pause_s(CONFIG, 9, rng=rng(1))).all()


def test_a_read_position_is_not_changed_by_the_next_slot():
    walk = LevyFlight(CONFIG, CAMPUS, 1, 50, rng=rng())
    position_m, velocity_mps = walk.position_m, walk.velocity_mps
    kept_m, kept_mps = position_m.copy(), velocity_mps.copy()
    walk.advance(60.0)
    np.testing.assert_array_equal(position_m, kept_m)
    np.testing.assert_array_equal(velocity_mps, kept_mps)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"leg_tail_exponent": 0.0}, "leg_tail_exponent must lie in \\(0, 10\\), got 0.0; Levy flights"),
        ({"pause_tail_exponent": float("nan")}, "pause_tail_exponent must lie in \\(0, 10\\), got nan"),
        ({"min_leg_m": 300.0}, r"min_leg_m, max_leg_m must be ordered, got \(300.0, 300.0\)"),
        ({"min_pause_s": -1.0}, "min_pause_s must be above 0 and finite, got -1.0"),
        ({"max_speed_mps": float("inf")}, "max_speed_mps must be above 0 and finite, got inf"),
    ],
)
def test_a_bad_config_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        LevyFlightConfig(**changes)


def test_bad_arguments_are_refused():
    for counts, name in (((0, 1), "n_batch"), ((1, 0), "n_users")):
        with pytest.raises(ValueError, match=f"{name} must be above 0, got 0"):
            LevyFlight(CONFIG, CAMPUS, *counts, rng=rng())
    with pytest.raises(ValueError, match="start_m must be finite and lie in the campus box"):
        LevyFlight(CONFIG, CAMPUS, 1, 1, rng=rng(), start_m=np.array([[[0.0, 301.0]]]))
    with pytest.raises(ValueError, match=r"duration_s must be above 0 and finite, got -2\.0"):
        LevyFlight(CONFIG, CAMPUS, 1, 1, rng=rng()).advance(-2.0)
    with pytest.raises(ValueError, match="n_slots must be above 0, got 0"):
        trajectory(CONFIG, CAMPUS, 1, 0, 2.0, rng=rng())


@pytest.mark.parametrize("sample", [[], [5.0, float("nan")], [4.0, 6.0]])
def test_the_estimator_refuses_values_outside_its_bounds(sample):
    with pytest.raises(ValueError, match=r"sample must lie within \[5.0, 300.0\]"):
        tail_exponent_mle(np.array(sample, dtype=float), 5.0, 300.0)


def test_the_estimator_refuses_values_at_one_bound():
    with pytest.raises(ValueError, match="sample must spread between the bounds"):
        tail_exponent_mle(np.full(10, 5.0), 5.0, 300.0)
