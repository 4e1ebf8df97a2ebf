"""How good a predicted distribution is: the continuous ranked probability score, and the coverage of an interval.

A mean can be scored by its distance from the truth; a spread cannot, and that is why an emulator is asked for more than a
mean. With F the predicted distribution function and y what came, the score is

    CRPS(F, y) = integral over x of (F(x) - 1[x >= y])^2  =  E|X - y| - E|X - X'| / 2

with X and X' independent draws of F. It has the unit of y, a sure prediction gets its absolute error, and nobody gains in the
mean by another distribution than the one that he believes in: the score is proper (Gneiting and Raftery 2007). The closed
form of the Gaussian is theirs, eq. 20-21. Of m draws we take the fair form, which divides the second term by m (m - 1) and
not by m^2: its mean over draws is the score of F itself, however few they are (Ferro 2014).

Of a vector, such as a whole path, the same with the length of a difference in the place of its absolute value is the energy
score: it asks for the joint law.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from gdt_tutorial.configuration import require

__all__ = ["coverage", "crps_gaussian", "crps_sample", "energy_score"]

_TINY = 1e-150


def crps_gaussian(
    mean: Float[np.ndarray, "*shape"], std: Float[np.ndarray, "*shape"], truth: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Return the score of a Gaussian at each entry; without spread it is the absolute error.

    Raises:
        ValueError: A spread below 0.
    """
    require(bool((std >= 0).all()), "std", "be at least 0", np.min(std), "pass standard deviations")
    error = truth - mean
    z = error / np.maximum(std, _TINY)
    density = np.exp(-0.5 * np.minimum(np.abs(z), 40.0) ** 2) / np.sqrt(2 * np.pi)
    return error * (2 * ndtr(z) - 1) + std * (2 * density - 1 / np.sqrt(np.pi))


def crps_sample(
    sample: Float[np.ndarray, "draw *shape"],  # noqa: F821 - axes, not names
    truth: Float[np.ndarray, "*shape"],
) -> Float[np.ndarray, "*shape"]:
    """Return the fair score of independent draws, which stand on the first axis, at each entry.

    Raises:
        ValueError: Fewer than two draws.
    """
    n_draws = len(sample)
    require(n_draws >= 2, "sample", "hold two draws or more", n_draws, "one draw says nothing of a spread")
    # The sum over pairs of sorted draws needs no pairs: the i-th is above i - 1 draws and below the others.
    weight = (2.0 * np.arange(1, n_draws + 1) - n_draws - 1).reshape(-1, *[1] * truth.ndim)
    distance = (weight * np.sort(sample, axis=0)).sum(axis=0) * 2 / (n_draws * (n_draws - 1))
    return np.abs(sample - truth).mean(axis=0) - distance / 2


def energy_score(
    sample: Float[np.ndarray, "draw path coordinate"], truth: Float[np.ndarray, "path coordinate"]
) -> Float[np.ndarray, " path"]:
    """Return the fair energy score of draws of vectors, one score for each vector.

    Raises:
        ValueError: Fewer than two draws.
    """
    n_draws = len(sample)
    require(n_draws >= 2, "sample", "hold two draws or more", n_draws, "one draw says nothing of a spread")
    error = np.linalg.norm(sample - truth, axis=-1).mean(axis=0)
    apart = np.stack([np.linalg.norm(sample - one, axis=-1).sum(axis=0) for one in sample]).sum(axis=0)
    return error - apart / (2 * n_draws * (n_draws - 1))


def coverage(
    low: Float[np.ndarray, "*shape"], high: Float[np.ndarray, "*shape"], truth: Float[np.ndarray, "*shape"]
) -> float:
    """Return the share of truths inside their intervals; an interval that says 80 % should hold 80 %.

    Raises:
        ValueError: An interval that ends before it begins, or no truth.
    """
    require(truth.size > 0, "truth", "hold a value", truth.size, "pass what came")
    require(bool((low <= high).all()), "low", "lie at or below high", "an empty interval", "swap the two ends")
    return float(((low <= truth) & (truth <= high)).mean())
