"""Swipes by a user's own history: the estimator by hand, its two limits, what it learns, its contract, and errors."""

import numpy as np
import pytest

from gdt_tutorial.physical.swipes import SwipeGenerator, SwipeGeneratorConfig
from gdt_tutorial.twin.contracts import check_swipe_model
from gdt_tutorial.twin.history_swipes import HistoryConfig, HistorySwipes, log_score
from gdt_tutorial.twin.swipe_curves import SwipeCurves, count_running, count_views
from tests.small_networks import network

NET = network(n_batch=2, n_users=3)


def rng(seed=0):
    return np.random.default_rng(seed)


def swipes(n_batch=1, n_users=2, n_types=2, n_bins=4, **config):
    curves = SwipeCurves(n_batch, n_types, n_bins=n_bins, prior_hazard=0.1, prior_views=10.0)
    return HistorySwipes(curves, NET.catalog, n_users, HistoryConfig(**config))


def views(model, n_views, n_users, *, seed=0, config=SwipeGeneratorConfig()):
    """Let users of alternating classes watch; return classes."""
    user_class = np.arange(n_users) % 2
    generator, draw = SwipeGenerator(config=config, user_class=user_class), rng(seed)
    for _ in range(n_views):
        kind = draw.integers(config.n_types, size=(1, n_users))
        model.update(kind, generator.sample_fraction(np.arange(n_users)[None], kind, rng=draw))
    return generator


def test_the_hazard_by_hand():
    model = swipes(prior_swipes=2.0, prior_views=3.0)
    # User 0 swipes in the second bin of a video of type 0; user 1 completes one of type 1.
    model.update(np.array([[0, 1]]), np.array([[0.3, 1.0]]))
    campus_0, campus_1 = np.array([1 / 11, 2 / 11, 0.1, 0.1]), np.full(4, 1 / 11)
    expected = campus_0[:2].sum()
    prior = (1 + 2) / (expected + 2) * campus_0
    own = (np.array([0, 1, 0, 0]) + 3 * prior) / (np.array([1, 1, 0, 0]) + 3)
    np.testing.assert_allclose(model.table[0, 0], np.concatenate([[1], np.cumprod(1 - own)]))
    # The haste carries over to the other type, of which user 0 saw nothing.
    other = (1 + 2) / (expected + 2) * campus_1
    np.testing.assert_allclose(model.table[0, 1], np.concatenate([[1], np.cumprod(1 - other)]))
    assert (model.table[1, 0, 1:] > model.table[0, 0, 1:]).all()


def test_without_history_it_is_the_campus():
    model = swipes()
    np.testing.assert_allclose(model.table, np.broadcast_to(model.curves.table, (2, 2, 5)))


def test_strengths_without_end_are_the_campus_too():
    model = swipes(n_users=6, n_types=4, prior_swipes=1e9, prior_views=1e9)
    views(model, 30, 6)
    np.testing.assert_allclose(model.table, np.broadcast_to(model.curves.table, model.table.shape), atol=1e-6)


def test_without_shrinkage_it_is_kaplan_and_meier():
    model = swipes(n_users=4, n_types=4, prior_swipes=1e9, prior_views=1e-9)
    generator, draw = SwipeGenerator(config=SwipeGeneratorConfig(), user_class=np.zeros(4, dtype=np.int64)), rng(2)
    kinds, fractions = [], []
    for _ in range(200):
        kinds.append(draw.integers(4, size=(1, 4)))
        fractions.append(generator.sample_fraction(np.arange(4)[None], kinds[-1], rng=draw))
        model.update(kinds[-1], fractions[-1])
    died, reached = count_views(np.concatenate(kinds).T, np.concatenate(fractions).T, 4, 4)
    np.testing.assert_allclose(model.table[..., 1:], np.cumprod(1 - died / reached, axis=-1), atol=1e-6)


def test_running_views_count_until_they_end():
    model = swipes(prior_swipes=2.0, prior_views=3.0)
    none, kind, played = np.full((1, 2), -1), np.zeros((1, 2), dtype=np.int64), np.array([[0.6, 0.1]])
    model.update(none, np.full((1, 2), np.nan), running=(kind, played))
    running = count_running(kind.T, played.T, 2, 4)
    assert model.table[0, 0, -1] > model.table[1, 0, -1]  # who watched on for long is less hasty
    assert running[0].sum() > running[1].sum()
    model.update(none, np.full((1, 2), np.nan))
    np.testing.assert_allclose(model.table[0], model.table[1])


def test_history_predicts_better_than_the_campus_and_than_no_shrinkage():
    gains = []
    for seed in range(5):
        scores = {}
        for name, config in (("history", {}), ("unshrunk", {"prior_swipes": 1e9, "prior_views": 0.05})):
            model = swipes(n_users=40, n_types=4, n_bins=20, **config)
            generator = views(model, 20, 40, seed=seed)
            user, kind = (axis.reshape(-1) for axis in np.indices((40, 4)))
            fraction = np.stack([generator.sample_fraction(user, kind, rng=rng(100 + seed)) for _ in range(10)])
            cell = (np.tile(user, 10), np.tile(kind, 10))
            scores[name] = log_score(model.table, cell, fraction.reshape(-1)).mean()
            campus = (np.zeros_like(cell[0]), cell[1])
            scores["campus"] = log_score(model.curves.table, campus, fraction.reshape(-1)).mean()
        gains.append((scores["history"] - scores["campus"], scores["history"] - scores["unshrunk"]))
    assert (np.array(gains) > 0).all()


def test_it_keeps_the_contract():
    model = HistorySwipes(SwipeCurves(2, NET.catalog.n_types), NET.catalog, 3)
    check_swipe_model(model, 6, NET.catalog.n_types)
    telemetry = NET.reset()
    model.learn(telemetry.service, telemetry.session)
    check_swipe_model(model, 6, NET.catalog.n_types)
    assert model.sample_fraction(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), rng=rng()).shape == (0,)


def test_draws_follow_the_curve():
    model = swipes(n_users=2, n_types=4, prior_swipes=1.0)
    views(model, 30, 2)
    viewer, kind = np.ones(20_000, dtype=np.int64), np.full(20_000, 2)
    drawn = model.sample_fraction(viewer, kind, rng=rng(3))
    edges = np.linspace(0, 1, 5)[1:-1]
    np.testing.assert_allclose([(drawn > edge).mean() for edge in edges], model.table[1, 2, 1:-1], atol=0.015)
    rest = model.sample_rest(viewer, kind, np.full(20_000, 0.5), rng=rng(4))
    assert (rest >= 0.5).all()
    assert (rest == 1).mean() == pytest.approx(model.table[1, 2, -1] / model.table[1, 2, 2], abs=0.015)


def test_the_log_score_by_hand():
    table = np.array([[1.0, 0.5, 0.4]])
    cell = (np.zeros(3, dtype=np.int64),)
    found = log_score(table, cell, np.array([0.2, 0.7, 1.0]))
    np.testing.assert_allclose(found, np.log([0.5, 0.1, 0.4]))


def test_bad_input():
    with pytest.raises(ValueError, match="n_users must be above 0"):
        swipes(n_users=0)
    for name in ("prior_swipes", "prior_views"):
        with pytest.raises(ValueError, match=f"{name} must be above 0"):
            HistoryConfig(**{name: 0.0})
    with pytest.raises(ValueError, match="view_type must have shape"):
        swipes().update(np.zeros((1, 3), dtype=np.int64), np.ones((1, 3)))
    with pytest.raises(ValueError, match="fraction must lie in"):
        log_score(np.ones((1, 3)), (np.zeros(1, dtype=np.int64),), np.array([0.0]))
