"""Swipe curves of groups: hand values, the generator's truth, shrinkage, likelihood, intervals, bad input."""

import numpy as np
import pytest

from gdt_tutorial.case_study.groups.group_swipe_curves import GroupSwipeCurves, bootstrap_curves, percentile_bands
from gdt_tutorial.physical.swipes import SwipeGenerator
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.swipe_curves import SwipeCurves


def ints(*values):
    return np.array(values, dtype=np.int64)


def generated(n_users=400, n_views=100, seed=0):
    """Return (class, type, fraction) of one environment of the embedded generator."""
    rng = stream(seed, "views")
    swipes = SwipeGenerator.draw(n_users, rng=rng)
    kind = rng.integers(4, size=(1, n_users, n_views))
    user = np.broadcast_to(np.arange(n_users)[:, None], kind.shape)
    return swipes, kind, swipes.sample_fraction(user, kind, rng=rng)


def test_hand_values_without_shrinkage():
    # Four bins. Five views: swipes in bins 0, 1, 1, 3, one complete.
    fraction = np.array([[[0.1, 0.3, 0.49, 0.9, 1.0, 0.5]]])
    kind = np.array([[[0, 0, 0, 0, 0, -1]]])
    curves = GroupSwipeCurves.estimate(ints([0]), kind, fraction, n_groups=1, n_types=1, n_bins=4, prior_views=0.0)
    expected = [1, 4 / 5, 4 / 5 * 2 / 4, 4 / 5 * 2 / 4, 4 / 5 * 2 / 4 * 1 / 2]
    np.testing.assert_allclose(curves.survival_at[0, 0, 0], expected)
    np.testing.assert_allclose(curves.cumulative()[0, 0, 0], 1 - np.array(expected))
    assert curves.n_views.tolist() == [[[5]]]


def test_shrinkage_hand_value():
    # One bin: group 0 has 3 swipes in 4 views of type 0; group 1 has 1 of 4, all of type 1. Everybody: 4 of 8.
    fraction = np.array([[[0.5, 0.5, 0.5, 1.0], [1.0, 1.0, 1.0, 0.5]]])
    kind = np.broadcast_to(np.array([0, 1])[:, None], (1, 2, 4))
    curves = GroupSwipeCurves.estimate(ints([0, 1]), kind, fraction, n_groups=2, n_types=2, n_bins=1, prior_views=2.0)
    everybody = (4 + 4.5 / 9) / 9
    group = (3 + 2 * everybody) / (4 + 2)
    np.testing.assert_allclose(curves.cumulative()[0, 0, 0, 1], (3 + 2 * group) / (4 + 2))
    # The cell without a view has its group's curve.
    np.testing.assert_allclose(curves.cumulative()[0, 0, 1, 1], group)


def test_group_without_a_view_has_everybodys_curve():
    fraction, kind = np.array([[[0.2, 1.0], [0.7, 0.4]]]), np.array([[[0, 1], [-1, -1]]])
    curves = GroupSwipeCurves.estimate(ints([0, 2]), kind, fraction, n_groups=3, n_types=2)
    assert curves.n_views[0, 1:].sum() == 0
    np.testing.assert_array_equal(curves.survival_at[0, 1], curves.survival_at[0, 2])  # no member; a member, no view
    assert np.ptp(curves.survival_at[0, 1], axis=0).max() == 0


def test_user_without_a_view_changes_nothing():
    _, kind, fraction = generated(20, 10)
    kind = kind.copy()
    kind[0, -1] = -1
    group = np.arange(20)[None] % 2
    whole = GroupSwipeCurves.estimate(group, kind, fraction, n_groups=2, n_types=4)
    without = GroupSwipeCurves.estimate(group[:, :-1], kind[:, :-1], fraction[:, :-1], n_groups=2, n_types=4)
    np.testing.assert_array_equal(whole.survival_at, without.survival_at)


def test_the_generators_truth_is_found():
    swipes, kind, fraction = generated(n_users=1500, n_views=200)
    curves = GroupSwipeCurves.estimate(swipes.user_class[None], kind, fraction, n_groups=2, n_types=4)
    grid = np.meshgrid(np.arange(2), np.arange(4), np.linspace(0, 1, 21), indexing="ij")
    truth = swipes.survival(grid[2], grid[0], grid[1])
    assert np.abs(curves.survival_at[0] - truth).max() < 0.02


def test_environments_are_apart_and_one_group_equals_the_twins_estimate():
    _, kind, fraction = generated(30, 20)
    kinds, fractions = np.concatenate([kind, kind[:, ::-1]]), np.concatenate([fraction, np.sqrt(fraction)])
    group = np.zeros((2, 30), dtype=np.int64)
    both = GroupSwipeCurves.estimate(group, kinds, fractions, n_groups=1, n_types=4)
    alone = GroupSwipeCurves.estimate(group[:1], kind, fraction, n_groups=1, n_types=4)
    np.testing.assert_array_equal(both.survival_at[:1], alone.survival_at)
    raw = GroupSwipeCurves.estimate(group[:1], kind, fraction, n_groups=1, n_types=4, prior_views=0.0)
    twin = SwipeCurves(1, 4, prior_views=1e-9)
    for view in range(20):
        twin.update(kind[..., view], fraction[..., view])
    np.testing.assert_allclose(raw.survival_at[:, 0], twin.table, atol=1e-8)


def test_survival_is_interpolated_and_broadcast():
    _, kind, fraction = generated(10, 20)
    curves = GroupSwipeCurves.estimate(np.zeros((1, 10), dtype=np.int64), kind, fraction, n_groups=1, n_types=4)
    zero = np.zeros((), dtype=np.int64)
    at = curves.survival(zero, zero, np.arange(4)[:, None], np.array([0.0, 0.025, 1.0, 2.0]))
    table = curves.survival_at[0, 0]
    np.testing.assert_allclose(
        at, np.stack([table[:, 0], table[:, :2].mean(axis=1), table[:, -1], table[:, -1]], axis=1)
    )


def test_probabilities_of_all_outcomes_sum_to_one():
    _, kind, fraction = generated(10, 20)
    group = np.arange(10)[None] % 2
    curves = GroupSwipeCurves.estimate(group, kind, fraction, n_groups=2, n_types=4)
    outcomes = np.append((np.arange(20) + 0.5) / 20, 1.0)
    views = np.broadcast_to(outcomes, (1, 10, 21))
    log_p = curves.log_likelihood(group, np.full(views.shape, 3), views)
    np.testing.assert_allclose(np.exp(log_p).sum(axis=-1), 1)


def test_no_view_has_log_likelihood_zero_and_no_view_is_impossible():
    kind, fraction = np.array([[[0, 0, -1]]]), np.array([[[1.0, 1.0, np.nan]]])
    curves = GroupSwipeCurves.estimate(ints([0]), kind, fraction, n_groups=1, n_types=1)
    log_p = curves.log_likelihood(ints([0]), kind, np.array([[[1.0, 0.3, np.nan]]]))
    assert log_p[0, 0, 2] == 0
    assert np.isfinite(log_p).all()  # though nobody has ever swiped


def test_bands_hold_the_estimate_and_cover_the_truth():
    covered = []
    for seed in range(10):
        swipes, kind, fraction = generated(60, 40, seed)
        options = {"n_groups": 2, "n_types": 4}
        group = swipes.user_class[None]
        draws = bootstrap_curves(group, kind, fraction, **options, n_draws=100, rng=stream(seed, "bands"))
        lower, upper = percentile_bands(draws)
        curve = GroupSwipeCurves.estimate(group, kind, fraction, **options).cumulative()
        assert ((lower <= curve + 0.02) & (curve <= upper + 0.02)).all()
        grid = np.meshgrid(np.arange(2), np.arange(4), np.linspace(0, 1, 21), indexing="ij")
        truth = swipes.cumulative_swipe(grid[2], grid[0], grid[1])
        covered.append(((lower[0] <= truth) & (truth <= upper[0]))[..., 1:].mean())
    assert 0.8 < np.mean(covered) < 0.99  # the shrinkage costs some of the 95 %


def test_bands_follow_their_generator():
    swipes, kind, fraction = generated(30, 10)
    group = swipes.user_class[None]
    first, again, other = (
        bootstrap_curves(group, kind, fraction, n_groups=2, n_types=4, n_draws=20, rng=stream(seed, "bands"))
        for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert not (first == other).all()


GOOD = {"group": ints([0, 1]), "view_type": np.array([[[0], [1]]]), "view_fraction": np.array([[[0.5], [1.0]]])}
OPTIONS = {"n_groups": 2, "n_types": 2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"view_fraction": np.array([[[0.5], [1.2]]])}, r"view_fraction must lie in \[0, 1\], got \[1.2\]; cap"),
        ({"view_fraction": np.array([[[0.5], [np.nan]]])}, r"view_fraction must lie in \[0, 1\], got \[nan\]"),
        ({"view_type": np.array([[[0], [2]]])}, r"view_type must lie in 0 ... 1, or -1 for none, got \[2\]"),
        ({"view_type": np.array([[[-1], [-1]]])}, r"view_type must hold a view in every environment, got \[0\]"),
        ({"group": ints([0, 2])}, r"group must lie in 0 ... 1, got \[2\]; raise n_groups"),
        ({"n_groups": 0}, "n_groups must be above 0"),
        ({"n_types": 0}, "n_types must be above 0"),
        ({"n_bins": 0}, "n_bins must be above 0"),
        ({"prior_views": -1.0}, "prior_views must be at least 0"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        GroupSwipeCurves.estimate(**{**GOOD, **OPTIONS, **change})


def test_bad_intervals_are_refused():
    with pytest.raises(ValueError, match="n_draws must be at least 2, got 1"):
        bootstrap_curves(**GOOD, **OPTIONS, n_draws=1, rng=stream(0, "bands"))
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got 1.0"):
        percentile_bands(np.zeros((2, 3)), 1.0)
