"""Share of pairs by counting them, and the distance by hand."""

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.detection import MahalanobisDistance, share_above


def test_share_counts_pairs_and_half_of_ties():
    broken, sound = np.array([1.0, 2.0, 5.0]), np.array([0.0, 2.0])
    pairs = [(b > s) + 0.5 * (b == s) for b in broken for s in sound]
    assert share_above(broken, sound) == pytest.approx(np.mean(pairs))
    assert share_above(sound, broken) == pytest.approx(1 - np.mean(pairs))


def test_distance_is_that_of_scipy():
    rng = stream(0, "windows")
    windows = (rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6))).reshape(500, 3, 2)
    flat = windows.reshape(500, 6)
    found = MahalanobisDistance.fit(windows, ridge=0.0)(windows[:5])
    precision = np.linalg.inv(np.cov(flat.T, bias=True))
    expected = [mahalanobis(row, flat.mean(axis=0), precision) ** 2 for row in flat[:5]]
    np.testing.assert_allclose(found, expected)


def test_units_make_no_difference_and_constants_are_left_out():
    windows = stream(0, "windows").normal(size=(100, 4))
    windows[:, 3] = 7.0
    distance = MahalanobisDistance.fit(windows)(windows)
    scaled = windows * [1e3, 1e-3, 1.0, 2.0] + 5
    np.testing.assert_allclose(MahalanobisDistance.fit(scaled)(scaled), distance, rtol=1e-6)
    np.testing.assert_allclose(MahalanobisDistance.fit(windows[:, :3])(windows[:, :3]), distance)


def test_nothing_is_refused():
    with pytest.raises(ValueError, match=r"broken and sound must hold one each at least, got \(0, 2\)"):
        share_above(np.zeros(0), np.zeros(2))
    with pytest.raises(ValueError, match="windows must hold one at least, got 0"):
        MahalanobisDistance.fit(np.zeros((0, 3)))
    with pytest.raises(ValueError, match=r"windows must be finite, got \[nan\]"):
        MahalanobisDistance.fit(np.array([[1.0, np.nan], [1.0, 2.0]]))
