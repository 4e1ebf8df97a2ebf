"""Gaussian fields on a grid whose correlation falls as exp(-d / D), and the variogram that tells D of measurements.

A field on a torus has the waves of the Fourier transform as its principal axes, so it is drawn by one transform (circulant
embedding, Dietrich and Newsam 1997). The torus is more than twice as large as the grid, and the grid is cut out of it.

The variogram of residuals r is half the mean square of their differences at a distance,

    gamma(d) = nugget + sill (1 - exp(-d / D)),

where the nugget is what differs at one and the same place: fading, and a mean that is wrong within a pixel.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import curve_fit

from gdt_tutorial.configuration import require

__all__ = ["Variogram", "exponential_fields", "fit_variogram"]


class Variogram(NamedTuple):
    """Of residuals in dB."""

    sill_db2: float  # variance that neighbors share
    correlation_m: float  # distance over which it falls to 1/e
    nugget_db2: float  # variance that they do not


def exponential_fields(
    n_draws: int, shape: tuple[int, int], correlation_pixels: float, *, rng: np.random.Generator
) -> Float[np.ndarray, "draw y x"]:
    """Draw fields with mean 0 and variance 1.

    Raises:
        ValueError: A correlation that is not positive.
    """
    require(correlation_pixels > 0, "correlation_pixels", "be above 0", correlation_pixels, "1.0 is one pixel")
    margin = int(np.ceil(6 * correlation_pixels))  # where the correlation has fallen to 1/400
    n_y, n_x = (2 * size + margin for size in shape)
    row, column = (np.minimum(np.arange(n), n - np.arange(n)) for n in (n_y, n_x))
    covariance = np.exp(-np.hypot(row[:, None], column) / correlation_pixels)
    power = np.maximum(np.fft.fft2(covariance).real, 0.0)
    # Real and imaginary part are two independent fields.
    noise = rng.standard_normal((2, (n_draws + 1) // 2, n_y, n_x))
    waves = np.fft.fft2(np.sqrt(power / (n_y * n_x)) * (noise[0] + 1j * noise[1]))
    return np.concatenate([waves.real, waves.imag])[:n_draws, : shape[0], : shape[1]].copy()


def fit_variogram(
    position_m: Float[np.ndarray, "point xy"],
    residual_db: Float[np.ndarray, "point"],  # noqa: F821
    *,
    max_distance_m: float = 100.0,
    n_bins: int = 12,
) -> Variogram:
    """Fit sill, correlation and nugget to the mean square differences of all pairs, by distance.

    Raises:
        ValueError: Too few pairs: not three bins that hold five or more.
    """
    distance_m = np.linalg.norm(position_m[:, None] - position_m, axis=-1)
    first, second = np.nonzero(np.triu(distance_m < max_distance_m, 1))
    half_square = (residual_db[first] - residual_db[second]) ** 2 / 2
    bin_of = (distance_m[first, second] / max_distance_m * n_bins).astype(int)
    count = np.bincount(bin_of, minlength=n_bins)
    is_used = count >= 5
    rule, remedy = "have five pairs in three bins of distance or more", "collect more reports, or pass fewer bins"
    require(is_used.sum() >= 3, "position_m", rule, count.tolist(), remedy)
    center_m = np.bincount(bin_of, distance_m[first, second], n_bins)[is_used] / count[is_used]
    gamma = np.bincount(bin_of, half_square, n_bins)[is_used] / count[is_used]
    top = max(float(gamma.max()), 1e-6)
    found, _ = curve_fit(
        lambda d, sill, scale, nugget: nugget + sill * (1 - np.exp(-d / scale)),
        center_m,
        gamma,
        p0=(0.9 * top, max_distance_m / 4, 0.05 * top),
        bounds=((0, 1.0, 0), (3 * top, 3 * max_distance_m, 2 * top)),
        sigma=1 / np.sqrt(count[is_used]),
    )
    return Variogram(*(float(value) for value in found))
