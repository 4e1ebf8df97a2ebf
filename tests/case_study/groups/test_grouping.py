"""K-means++, fixed and silhouette choosers, stability, planted classes; bad input."""

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
    stability,
)
from gdt_tutorial.case_study.groups.planted import planted_classes, planted_views
from gdt_tutorial.case_study.groups.windows import last_slot, principal_components, view_windows
from gdt_tutorial.physical.swipes import SwipeGenerator
from gdt_tutorial.seeding import stream
from tests.case_study.groups.audiences import population

THREE = Grouper(encoder=last_slot, chooser=FixedCount(n_groups=3))


def blobs(n_blobs=3, n_users=60, seed=0):
    rng = stream(seed, "blobs")
    return 5 * np.eye(n_blobs, 4)[np.arange(n_users) % n_blobs] + 0.1 * rng.normal(size=(n_users, 4))


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
        (lambda: planted_classes(0, rng=stream(0, "x")), "n_classes must be above 0"),
        (lambda: planted_classes(2, spread=2.0, rng=stream(0, "x")), r"spread must lie in \[0, 1\], got 2.0"),
        (lambda: population(n_users=0), "n_users must be above 0"),
        (lambda: population(n_views=0), "n_views must be above 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
