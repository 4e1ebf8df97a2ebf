"""What a map says beside its values: the holes that a walker crosses, how much draws differ, and how rough it is.

The map with the smallest error is smooth, and a smooth map has other holes than the world. A walker who goes straight along a
street meets an outage that lasts as long as the hole is wide; these runs are compared by the Wasserstein distance of their
lengths, the area between the two distribution functions, in meters. All of it is counted on streets alone.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import wasserstein_distance

from gdt_tutorial.configuration import require

__all__ = ["draw_spread", "mean_square", "radial_spectrum", "run_distance", "run_lengths"]


def run_lengths(is_out: Bool[np.ndarray, "y x"], is_street: Bool[np.ndarray, "y x"]) -> Float[np.ndarray, " draw"]:
    """Return the lengths, in pixels, of all outages that straight walks along rows and columns meet.

    Every row and every column is walked once. A run ends where the map is no longer out, at a building, or at the border.
    """
    both = is_out & is_street
    lengths = [_runs(lines) for lines in (both, both.T)]
    return np.concatenate(lengths).astype(float)


def _runs(lines: Bool[np.ndarray, "y x"]) -> np.ndarray:
    """Return the lengths of all runs of True in the rows."""
    padded = np.pad(lines, ((0, 0), (1, 1))).astype(np.int8)
    change = np.diff(padded, axis=1).ravel()  # a row begins and ends outside a run, so no run crosses rows
    return np.flatnonzero(change == -1) - np.flatnonzero(change == 1)


def run_distance(lengths: Float[np.ndarray, " left"], other_lengths: Float[np.ndarray, " right"]) -> float:
    """Return the Wasserstein distance of two samples of run lengths, in their unit.

    Raises:
        ValueError: A sample without a run.
    """
    for name, sample in (("lengths", lengths), ("other_lengths", other_lengths)):
        require(len(sample) > 0, name, "hold a run", 0, "take more maps, or another threshold")
    return float(wasserstein_distance(lengths, other_lengths))


def mean_square(error: Float[np.ndarray, "*shape"], is_counted: Bool[np.ndarray, "*shape"]) -> float:
    """Return the mean of the squares where it counts.

    Raises:
        ValueError: Nothing counts.
    """
    require(is_counted.any(), "is_counted", "count something", 0, "pass the mask of the streets")
    return float((error[is_counted] ** 2).mean())


def draw_spread(draws: Float[np.ndarray, "draw *shape"], is_counted: Bool[np.ndarray, "*shape"]) -> float:  # noqa: F821
    """Return the root mean square of the standard deviation over draws, in their unit.

    Raises:
        ValueError: Fewer than two draws, or nothing counts.
    """
    require(len(draws) >= 2, "draws", "hold two or more", len(draws), "one draw says nothing of a spread")
    return mean_square(draws.std(axis=0, ddof=1), is_counted) ** 0.5


def radial_spectrum(level: Float[np.ndarray, "y x"]) -> Float[np.ndarray, " bin"]:
    """Return the mean power of a square map at 1, 2, ... waves across it, whatever their direction.

    The powers of all waves sum to the variance of the map (Parseval); a bin has the mean of those with its number of waves.

    Raises:
        ValueError: A map that is not square.
    """
    n_y, n_x = level.shape
    require(n_y == n_x, "level", "be square", level.shape, "cut it")
    power = np.abs(np.fft.fft2(level - level.mean())) ** 2 / n_y**4
    wave = np.fft.fftfreq(n_y, 1 / n_y)
    ring = np.rint(np.hypot(wave[:, None], wave)).astype(int).ravel()
    total, count = np.bincount(ring, power.ravel()), np.bincount(ring)
    return (total / np.maximum(count, 1))[1 : n_y // 2 + 1]
