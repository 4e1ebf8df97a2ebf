"""Windows, encoders, k-means++, fixed and silhouette choosers, stability, planted classes; bad input."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from gdt_tutorial.case_study.groups.grouping import (
    MAX_GROUPS,
    BySilhouette,
    CountChooser,
    Crowd,
    FixedCount,
    Grouper,
    form_groups,
    last_slot,
    principal_components,
    stability,
    status_windows,
    view_windows,
)
from gdt_tutorial.case_study.groups.planted import planted_classes, planted_views
from gdt_tutorial.physical.swipes import SwipeGenerator
from gdt_tutorial.seeding import stream

THREE = Grouper(encoder=last_slot, chooser=FixedCount(n_groups=3))


def population(n_classes=3, n_users=60, n_views=100, seed=0, spread=1.0):
    rng = stream(seed, "planted")
    return planted_views(planted_classes(n_classes, spread=spread, rng=rng), n_users, n_views, rng=rng)


def blobs(n_blobs=3, n_users=60, seed=0):
    rng = stream(seed, "blobs")
    return 5 * np.eye(n_blobs, 4)[np.arange(n_users) % n_blobs] + 0.1 * rng.normal(size=(n_users, 4))


def test_window_hand_values():
    # Two users, one type. Fractions .2 and 1: at the edges .25, .5, .75, 1 one of two has swiped; at .1 nobody.
    kind, fraction = np.zeros((1, 2, 2), dtype=np.int64), np.array([[[0.2, 0.2], [1.0, 1.0]]])
    window = view_windows(kind, fraction, n_slots=2, prior_views=1.0)
    late = np.array([0, 0.5, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(window[0, 0], [late * 1 / 2, late * 2 / 3])
    np.testing.assert_allclose(window[0, 1], -window[0, 0])


def test_taste_alone_makes_no_difference_between_users():
    # Everybody swipes type 0 at .3 and completes type 1; users watch different shares of each.
    rng = stream(0, "taste")
    kind = (rng.random((1, 20, 30)) < rng.random((1, 20, 1))).astype(np.int64)
    np.testing.assert_allclose(view_windows(kind, np.where(kind == 0, 0.3, 1.0)), 0, atol=1e-12)


def test_missing_views_are_skipped_and_a_user_without_any_counts_as_average():
    _, kind, fraction = population(n_views=12)
    wide_kind = np.full((1, 60, 24), -1)
    wide_fraction = np.full((1, 60, 24), np.nan)
    wide_kind[..., ::2], wide_fraction[..., ::2] = kind, fraction
    np.testing.assert_allclose(view_windows(wide_kind, wide_fraction), view_windows(kind, fraction), atol=1e-12)
    wide_kind[0, 7] = -1
    window = view_windows(wide_kind, wide_fraction)
    assert (window[0, 7] == 0).all()
    assert np.isfinite(window).all()
    assert THREE.group_users(wide_kind, wide_fraction, rng=stream(0, "groups")).shape == (1, 60)


def test_environments_do_not_see_each_other():
    views = [population(seed=seed)[1:] for seed in range(2)]
    kind, fraction = (np.concatenate(parts) for parts in zip(*views, strict=True))
    both = view_windows(kind, fraction)
    for env in range(2):
        np.testing.assert_allclose(both[env : env + 1], view_windows(*views[env]), atol=1e-12)


def test_principal_components_keep_distances():
    _, kind, fraction = population(n_users=20)
    window = view_windows(kind, fraction)
    points = principal_components(window, 20)[0]
    flat = window.reshape(1, 20, -1)[0]
    distance = [np.linalg.norm(x[:, None] - x[None], axis=-1) for x in (points, flat)]
    np.testing.assert_allclose(*distance, atol=1e-9)


def test_kmeans_has_scikit_learns_inertia():
    point = blobs()
    crowd = Crowd(point, rng=stream(0, "crowd"))
    labels = crowd.labels(3)
    centers = np.stack([point[labels == group].mean(axis=0) for group in range(3)])
    assert crowd.inertia(3) == pytest.approx(((point - centers[labels]) ** 2).sum())
    assert crowd.inertia(3) == pytest.approx(KMeans(3, n_init=10, random_state=5).fit(point).inertia_)
    drops = np.diff([crowd.inertia(k) for k in range(1, 6)])
    assert (drops < 0).all()
    assert crowd.inertia(1) == pytest.approx(len(point) * crowd.variances.sum())


def test_order_of_tries_makes_no_difference():
    point = stream(1, "points").normal(size=(40, 3))
    upward, downward = (Crowd(point, rng=stream(0, "crowd")) for _ in range(2))
    labels = {k: upward.labels(k) for k in range(2, 9)}
    assert all((labels[k] == downward.labels(k)).all() for k in range(8, 1, -1))


def test_planted_classes_are_found():
    truth, kind, fraction = population()
    assert stability(THREE.group_users(kind, fraction, rng=stream(0, "groups")), truth)[0] > 0.9


def test_groups_are_stable_over_time_where_behavior_is():
    _, kind, fraction = population(n_views=160)
    early, late = (
        THREE.group_users(kind[..., part], fraction[..., part], rng=stream(0, "groups"))
        for part in (slice(80), slice(80, None))
    )
    assert stability(early, late)[0] > 0.8
    shuffled = stream(0, "shuffle").permuted(late, axis=1)
    assert abs(stability(early, shuffled)[0]) < 0.2


def test_stability_does_not_depend_on_numbers():
    group = np.array([[0, 0, 1, 2], [0, 1, 0, 1]])
    assert stability(group, (group + 1) % 3).tolist() == [1.0, 1.0]


def test_silhouette_finds_blobs_and_every_chooser_is_one():
    point = np.stack([blobs(n_blobs=n) for n in (2, 3, 4)])
    group = form_groups(point, BySilhouette(), rng=stream(0, "groups"))
    assert (group.max(axis=1) + 1).tolist() == [2, 3, 4]
    assert all(isinstance(chooser, CountChooser) for chooser in (BySilhouette(), FixedCount(n_groups=2)))


def test_small_crowds_limit_the_choice():
    crowd = Crowd(np.repeat(np.arange(3.0)[:, None], 2, axis=0), rng=stream(0, "crowd"))
    assert list(crowd.counts) == [2, 3]
    pair = Crowd(np.array([[0.0], [1.0]]), rng=stream(0, "crowd"))
    assert pair.silhouette(2) == 0.0  # as many groups as users
    assert BySilhouette().choose(pair) == 2
    assert max(Crowd(blobs(), rng=stream(0, "crowd")).counts) == MAX_GROUPS


@pytest.mark.parametrize("noise", [1e-16, 1e-12, 1e-9])
@pytest.mark.parametrize("precision", [np.float64, np.float32])
def test_users_that_k_means_cannot_tell_apart_are_one(noise, precision):
    rng = stream(0, "points")
    place = rng.integers(3, size=20)
    point = rng.normal(size=(3, 8))[place]
    crowd = Crowd((point * (1 + noise * rng.normal(size=point.shape))).astype(precision), rng=stream(0, "crowd"))
    assert crowd.n_different == 3
    assert list(crowd.counts) == [2, 3]
    assert stability(crowd.labels(3)[None], place[None]) == [1.0]  # and scikit-learn warns of nothing
    with pytest.raises(ValueError, match="n_groups must be at most 3, the number of different users, got 4"):
        crowd.labels(4)


@pytest.mark.parametrize("gap", [1e-6, 1e-3])
def test_users_that_it_can_tell_apart_are_different(gap):
    point = np.array([[0.0, 0.0], [gap, 0.0], [1.0, 0.0], [1.0, gap], [0.0, 1.0]])
    crowd = Crowd(point + 10, rng=stream(0, "crowd"))
    assert crowd.n_different == 5
    assert len(set(crowd.labels(5))) == 5


def test_rounding_alone_makes_no_difference():
    point = 1 + np.finfo(float).eps * stream(0, "points").integers(3, size=(10, 2))
    with pytest.raises(ValueError, match="point must hold two different users, got 1; give them views"):
        Crowd(point, rng=stream(0, "crowd"))


def test_in_ordinary_crowds_different_is_what_is_not_the_same():
    _, kind, fraction = population(n_users=60)
    window = view_windows(kind, fraction)
    for encode in (last_slot, principal_components):
        for point in encode(window):
            assert Crowd(point, rng=stream(0, "crowd")).n_different == len(np.unique(point, axis=0))


def test_status_windows_hold_everything():
    _, kind, fraction = population(n_users=5)
    swiping = view_windows(kind, fraction)
    wide = status_windows(swiping, np.full((1, 5, 8), 20.0), np.zeros((1, 5, 8, 2)), np.full((1, 5, 4), 0.25))
    assert wide.shape == (1, 5, 8, 5 + 1 + 2 + 4)
    np.testing.assert_array_equal(wide[..., :5], swiping)


def test_planted_classes_are_what_they_say():
    rng = stream(0, "planted")
    config = planted_classes(6, rng=rng)
    assert len(config.class_names) == 6
    assert np.diff(config.p_full).min() > 0
    assert sum(config.class_share) == pytest.approx(1)
    one = planted_classes(4, spread=0.0, rng=rng)
    assert np.ptp(one.p_full) == pytest.approx(0)
    assert np.ptp(one.a) == pytest.approx(0)
    truth, kind, fraction = planted_views(config, 300, 200, rng=rng)
    swipes = SwipeGenerator(config=config, user_class=truth[0])
    expected = swipes.survival(np.full(kind.shape, 1.0), np.broadcast_to(truth[..., None], kind.shape), kind)
    assert abs((fraction == 1).mean() - expected.mean()) < 0.01


def test_seeds_pair():
    _, kind, fraction = population(n_classes=6, spread=0.2)
    grouper = Grouper(encoder=last_slot, chooser=FixedCount(n_groups=8))
    first, again, other = (grouper.group_users(kind, fraction, rng=stream(seed, "groups")) for seed in (0, 0, 1))
    assert (first == again).all()
    assert not (first == other).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Crowd(blobs()[:4], rng=stream(0, "x")).labels(5),
            "n_groups must be at most 4",
        ),
        (
            lambda: form_groups(blobs()[None], FixedCount(n_groups=0), rng=stream(0, "x")),
            "n_groups must be above 0, got 0",
        ),
        (
            lambda: form_groups(np.zeros((1, 9, 2)), BySilhouette(), rng=stream(0, "x")),
            "point must hold two different users",
        ),
        (
            lambda: form_groups(np.zeros((1, 0, 2)), BySilhouette(), rng=stream(0, "x")),
            "point must hold two different users",
        ),
        (lambda: form_groups(np.full((1, 3, 2), np.nan), BySilhouette(), rng=stream(0, "x")), r"point must be finite"),
        (lambda: view_windows(np.full((1, 2, 3), -1), np.ones((1, 2, 3))), "view_type must hold a view"),
        (lambda: view_windows(np.zeros((1, 0, 3), int), np.ones((1, 0, 3))), "view_type must hold a view"),
        (
            lambda: view_windows(np.zeros((1, 2, 3), int), np.full((1, 2, 3), 1.5)),
            r"view_fraction must lie in \[0, 1\]",
        ),
        (lambda: view_windows(np.zeros((1, 2, 3), int), np.ones((1, 2, 3)), n_slots=0), "n_slots must be above 0"),
        (lambda: principal_components(np.zeros((1, 3, 2, 5)), 4), r"n_latent must lie in 1 ... 3, got 4"),
        (lambda: planted_classes(0, rng=stream(0, "x")), "n_classes must be above 0"),
        (lambda: planted_classes(2, spread=2.0, rng=stream(0, "x")), r"spread must lie in \[0, 1\], got 2.0"),
        (lambda: population(n_users=0), "n_users must be above 0"),
        (lambda: population(n_views=0), "n_views must be above 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
