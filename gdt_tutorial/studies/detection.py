"""How well a score tells broken from sound, and the plain score that knows variances alone.

Sources: the share of pairs is the area under the ROC curve (Mann and Whitney 1947); the distance is Mahalanobis 1936.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import mannwhitneyu

from gdt_tutorial.configuration import require

__all__ = ["MahalanobisDistance", "share_above"]


def share_above(broken: Float[np.ndarray, " _"], sound: Float[np.ndarray, " _"]) -> float:
    """Return in which share of the pairs the broken one scores higher; a tie counts half.

    Raises:
        ValueError: No broken or no sound one.
    """
    n_each = len(broken), len(sound)
    require(min(n_each) > 0, "broken and sound", "hold one each at least", n_each, "a pair has two")
    return float(mannwhitneyu(broken, sound).statistic / (n_each[0] * n_each[1]))


@dataclass(frozen=True, kw_only=True)
class MahalanobisDistance:
    """Squared distance from the mean window, with every direction in units of its variance."""

    mean: Float[np.ndarray, " coordinate"]
    precision: Float[np.ndarray, "coordinate coordinate"]

    @classmethod
    def fit(cls, windows: Float[np.ndarray, "*shape"], ridge: float = 1e-6) -> "MahalanobisDistance":
        """Estimate mean and covariance.

        Args:
            windows: Sound ones; the axes behind the first are flattened.
            ridge: Share of each variance that is added to it.

        Raises:
            ValueError: No window, or one that is not finite.
        """
        require(len(windows) > 0, "windows", "hold one at least", len(windows), "pass sound ones")
        is_finite = np.isfinite(windows).all()
        require(is_finite, "windows", "be finite", windows[~np.isfinite(windows)][:3].tolist(), "fill gaps before")
        flat = windows.reshape(len(windows), -1).astype(np.float64)
        spread = flat.std(axis=0)
        scale = np.where(spread > 0, spread, np.inf)  # what never varies is left out of the distance
        score = (flat - flat.mean(axis=0)) / scale
        correlation = score.T @ score / len(score)
        precision = np.linalg.inv(correlation + ridge * np.eye(len(scale))) / np.outer(scale, scale)
        return cls(mean=flat.mean(axis=0), precision=precision)

    def __call__(self, windows: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, " sample"]:
        """Return the distance of each window."""
        away = windows.reshape(len(windows), -1) - self.mean
        return ((away @ self.precision) * away).sum(axis=-1)
