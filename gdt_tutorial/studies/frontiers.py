"""Frontiers of cost against loss: what the cheapest mixture of given points costs at a loss.

Where users can be split among schemes, cost and mean square error of the mixture are the means of its parts'. So the points
that can be had are those on and above the lower convex hull, and a scheme is worth what it saves against that hull.
"""

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require

__all__ = ["convex_frontier", "cost_at"]


def convex_frontier(
    cost: Float[np.ndarray, " point"], loss: Float[np.ndarray, " point"]
) -> tuple[Float[np.ndarray, " piece"], Float[np.ndarray, " piece"]]:
    """Return the corners of the lower convex hull, from the least loss to the least cost.

    The point in the middle is above the line between the others:

    >>> convex_frontier(np.array([4.0, 1.0, 3.0]), np.array([0.0, 9.0, 6.0]))
    (array([4., 1.]), array([0., 9.]))

    Raises:
        ValueError: no point, or numbers that are not finite.
    """
    is_finite = len(cost) > 0 and bool(np.isfinite(cost).all() and np.isfinite(loss).all())
    require(is_finite, "cost and loss", "be finite and not empty", len(cost), "pass one of each for every point")
    corners: list[tuple[float, float]] = []
    for point in sorted(zip(cost.tolist(), loss.tolist(), strict=True)):
        if corners and point[1] >= corners[-1][1]:
            continue  # dearer and no better
        while len(corners) > 1 and _is_above(corners[-1], corners[-2], point):
            corners.pop()
        corners.append(point)
    return np.array([corner[0] for corner in corners[::-1]]), np.array([corner[1] for corner in corners[::-1]])


def cost_at(
    frontier: tuple[Float[np.ndarray, " piece"], Float[np.ndarray, " piece"]], loss: float | Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Return what the cheapest mixture costs at a loss; beyond the ends, what the end costs."""
    return np.asarray(np.interp(np.asarray(loss, dtype=np.float64), frontier[1], frontier[0]))


def _is_above(middle: tuple[float, float], left: tuple[float, float], right: tuple[float, float]) -> bool:
    """Say whether the middle point is on or above the line through the others."""
    across = (middle[1] - left[1]) * (right[0] - left[0]) - (right[1] - left[1]) * (middle[0] - left[0])
    return across >= 0
