"""The world of loads: its equation, its routes, its oracle; scores; bad input."""

import numpy as np
import pytest

from gdt_tutorial.seeding import stream
from gdt_tutorial.worlds.loads import LoadsConfig, LoadWorld, arrival_rmse, draw_routes

CONFIG = LoadsConfig()


def days(n_days=20, n_types=None, config=CONFIG, seed=0):
    """Draw days of a world."""
    return LoadWorld(n_types, config, rng=stream(seed, "world")).draw(n_days, rng=stream(seed, "days"))


def test_a_crowd_arrives_a_walk_later():
    # Without noise, two places: what leaves one arrives at the other, a quarter, a half and a quarter of nine tenths.
    config = LoadsConfig(n_aps=2, noise=0.0, departure_probability=0.02, n_slots=200)
    drawn = days(3, config=config)
    for first, other in ((0, 1), (1, 0)):
        left = drawn.departure[..., first]
        expected = np.zeros_like(left)
        for lag, part in ((11, 0.25), (12, 0.5), (13, 0.25)):
            expected[:, lag:] += 0.9 * part * left[:, :-lag]
        np.testing.assert_allclose(drawn.arrival[:, 13:, other], expected[:, 13:])
    change = drawn.load[:, 1:] - 0.9 * drawn.load[:, :-1]
    np.testing.assert_allclose(change, (drawn.arrival - drawn.departure)[:, 1:], atol=1e-12)


def test_the_oracle_is_wrong_by_noise_alone():
    drawn = days(100)
    assert arrival_rmse(drawn, drawn.expected()) == pytest.approx(CONFIG.noise, rel=0.03)
    left = drawn.departure == 0
    assert np.std((drawn.load - drawn.expected())[left]) == pytest.approx(CONFIG.noise, rel=0.02)


def test_crowds_leave_as_often_as_said():
    drawn = days(200)
    assert (drawn.departure > 0).mean() == pytest.approx(CONFIG.departure_probability, rel=0.05)
    sizes = drawn.departure[drawn.departure > 0]
    assert (sizes.min() >= CONFIG.smallest, sizes.max() <= CONFIG.largest) == (True, True)


def test_worlds_differ_in_their_routes_alone():
    fixed, typed, new = (days(200, n_types).route for n_types in (1, 4, None))
    assert [len(np.unique(route, axis=0)) for route in (fixed, typed)] == [1, 4]
    assert len(np.unique(new, axis=0)) > 190
    assert (new != np.arange(6)).all()
    assert np.bincount(new[:, 0], minlength=6)[1:] == pytest.approx(40, abs=20)


def test_gate_matrix_has_a_one_in_each_row():
    drawn = days(5)
    assert (drawn.gate.sum(axis=-1) == 1).all()
    assert (drawn.gate.argmax(axis=-1) == drawn.route).all()


def test_score_leaves_out_slots_in_which_a_crowd_leaves():
    drawn = days(5)
    forecast = np.where((drawn.arrival > 0) & (drawn.departure == 0), drawn.load, 1e6)
    assert arrival_rmse(drawn, forecast) == 0
    early = drawn.load.copy()
    early[:, :24] = 1e6
    assert arrival_rmse(drawn, early) == 0
    assert arrival_rmse(drawn, drawn.load + 0.5) == pytest.approx(0.5)


def test_days_have_a_seed_pair():
    first, again, other = (days(2, seed=seed).load for seed in (0, 0, 1))
    assert (first == again).all()
    assert not (first == other).any()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"spread": (0.5, 0.4, 0.2)}, r"spread must sum to 1, got \(0.5, 0.4, 0.2\)"),
        ({"spread": (0.5, 0.5)}, "spread must lie around walk_slots, after the start"),
        ({"walk_slots": 1}, "spread must lie around walk_slots, after the start"),
        ({"smallest": 4.0}, r"smallest, largest must be ordered, got \(4.0, 3.2\)"),
        ({"n_aps": 1}, "n_aps must be above 1, got 1"),
    ],
)
def test_bad_worlds_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        LoadsConfig(**changes)


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match="n_types must be above 0, got 0"):
        LoadWorld(0, rng=stream(0))
    with pytest.raises(ValueError, match="n_days must be above 0, got 0"):
        LoadWorld(rng=stream(0)).draw(0, rng=stream(0))
    drawn = days(2)
    with pytest.raises(ValueError, match=r"forecast must have the shape \(2, 96, 6\), got \(2, 95, 6\)"):
        arrival_rmse(drawn, drawn.load[:, 1:])
    with pytest.raises(ValueError, match="days must hold an arrival, got 0"):
        arrival_rmse(drawn, drawn.load, first_slot=96)


def test_routes_of_two_places_are_known():
    assert (draw_routes(4, 2, rng=stream(0)) == [1, 0]).all()
