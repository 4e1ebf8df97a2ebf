"""Windows of status and the simple encoders: values by hand, what they leave out, and bad input."""

import numpy as np
import pytest

from gdt_tutorial.case_study.groups.grouping import FixedCount, Grouper
from gdt_tutorial.case_study.groups.windows import last_slot, principal_components, status_windows, view_windows
from gdt_tutorial.seeding import stream
from tests.case_study.groups.audiences import population

THREE = Grouper(encoder=last_slot, chooser=FixedCount(n_groups=3))


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


def test_status_windows_hold_everything():
    _, kind, fraction = population(n_users=5)
    swiping = view_windows(kind, fraction)
    wide = status_windows(swiping, np.full((1, 5, 8), 20.0), np.zeros((1, 5, 8, 2)), np.full((1, 5, 4), 0.25))
    assert wide.shape == (1, 5, 8, 5 + 1 + 2 + 4)
    np.testing.assert_array_equal(wide[..., :5], swiping)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: view_windows(np.full((1, 2, 3), -1), np.ones((1, 2, 3))), "view_type must hold a view"),
        (lambda: view_windows(np.zeros((1, 0, 3), int), np.ones((1, 0, 3))), "view_type must hold a view"),
        (
            lambda: view_windows(np.zeros((1, 2, 3), int), np.full((1, 2, 3), 1.5)),
            r"view_fraction must lie in \[0, 1\]",
        ),
        (lambda: view_windows(np.zeros((1, 2, 3), int), np.ones((1, 2, 3)), n_slots=0), "n_slots must be above 0"),
        (lambda: principal_components(np.zeros((1, 3, 2, 5)), 4), r"n_latent must lie in 1 ... 3, got 4"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
