"""How alike two images are: peak signal-to-noise ratio and structural similarity, the two measures of the paper's Table 1.

    PSNR = 10 log10(range^2 / mean square error)
    SSIM = mean over windows of (2 m n + c) (2 cov + d) / ((m^2 + n^2 + c) (var_m + var_n + d))

with means m and n, variances and covariance of both images in a Gaussian window of 11 x 11 pixels and standard deviation 1.5,
c = (.01 range)^2 and d = (.03 range)^2. Both ask how near *one* image is to the truth. A fair draw from the law of the truth
is not near it: its square error is twice that of the mean, 3 dB of PSNR. So they rank means above draws, always.

Source: Wang, Bovik, Sheikh and Simoncelli 2004, sec. III-B. Beyond an edge the image goes on mirrored.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter

from gdt_tutorial.configuration import require

__all__ = ["psnr_db", "ssim"]

_RADIUS = 5
_STD = 1.5


def psnr_db(
    image: Float[np.ndarray, "*batch row column"],
    truth: Float[np.ndarray, "*batch row column"],
    full_range: float,
    is_scored: Bool[np.ndarray, "*batch row column"] | None = None,
) -> Float[np.ndarray, "*batch"]:
    """Return the peak signal-to-noise ratio of each image over the pixels that count (all by default).

    Args:
        image: What is scored.
        truth: What it should be.
        full_range: Difference between the largest and the smallest possible pixel.
        is_scored: Pixels that count.

    Raises:
        ValueError: A range that is not above 0, or an image without a pixel that counts.
    """
    _require_range(full_range)
    counts = np.ones(image.shape, bool) if is_scored is None else is_scored
    n_pixels = counts.sum(axis=(-2, -1))
    remedy = "say which pixels count"
    require(bool((n_pixels > 0).all()), "is_scored", "hold a pixel of each image", int(n_pixels.min()), remedy)
    square = np.where(counts, (image - truth) ** 2, 0).sum(axis=(-2, -1)) / n_pixels
    return np.asarray(10 * np.log10(full_range**2 / np.maximum(square, 1e-300)))


def ssim(
    image: Float[np.ndarray, "*batch row column"], truth: Float[np.ndarray, "*batch row column"], full_range: float
) -> Float[np.ndarray, "*batch"]:
    """Return the structural similarity of each image, 1 where it is the truth.

    Raises:
        ValueError: A range that is not above 0, or images smaller than a window of 11 pixels.
    """
    _require_range(full_range)
    sides = image.shape[-2:]
    require(min(sides) > 2 * _RADIUS, "image", "have sides of 11 pixels or more", sides, "score larger images")
    c, d = (0.01 * full_range) ** 2, (0.03 * full_range) ** 2
    mean, truth_mean = _window_mean(image), _window_mean(truth)
    variance = _window_mean(image**2) - mean**2
    truth_variance = _window_mean(truth**2) - truth_mean**2
    covariance = _window_mean(image * truth) - mean * truth_mean
    likeness = (2 * mean * truth_mean + c) * (2 * covariance + d)
    likeness /= (mean**2 + truth_mean**2 + c) * (variance + truth_variance + d)
    return np.asarray(likeness.mean(axis=(-2, -1)))


def _window_mean(image: Float[np.ndarray, "*batch row column"]) -> Float[np.ndarray, "*batch row column"]:
    return gaussian_filter(image, _STD, radius=_RADIUS, mode="mirror", axes=(-2, -1))


def _require_range(full_range: float) -> None:
    require(full_range > 0, "full_range", "be above 0", full_range, "pass the span of possible pixels")
