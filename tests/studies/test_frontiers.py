import numpy as np
import pytest
from scipy.spatial import ConvexHull

from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.frontiers import convex_frontier, cost_at


def test_corners_are_those_of_the_convex_hull():
    points = stream(0, "points").uniform(0, 1, (40, 2))
    cost, loss = convex_frontier(points[:, 0], points[:, 1])
    hull = points[ConvexHull(points).vertices]
    assert all((hull == corner).all(axis=1).any() for corner in np.stack([cost, loss], axis=1))
    assert (np.diff(loss) > 0).all()
    assert (np.diff(cost) < 0).all()
    assert cost[-1] == points[:, 0].min()
    assert loss[0] == points[:, 1].min()
    assert (points[:, 0] >= cost_at((cost, loss), points[:, 1]) - 1e-12).all()  # nothing is cheaper


def test_half_of_the_users_at_each_of_two_schemes_costs_the_mean_of_both():
    frontier = convex_frontier(np.array([80.0, 40.0]), np.array([0.0, 6.0]))
    np.testing.assert_allclose(cost_at(frontier, np.array([3.0, 9.0])), [60.0, 40.0])


def test_what_is_dearer_and_no_better_is_left_out():
    cost, loss = convex_frontier(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 2.0]))
    np.testing.assert_array_equal((cost[0], loss[0], len(cost)), (1.0, 1.0, 1))


def test_bad_points_are_refused():
    with pytest.raises(ValueError, match="cost and loss must be finite and not empty, got 0"):
        convex_frontier(np.zeros(0), np.zeros(0))
