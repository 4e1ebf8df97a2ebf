"""Gaussian random fields that follow each user's path: what shadowing and line of sight are made of.

A field is drawn only where its user goes: the next value depends on the last one and on the distance moved. Both fields
have zero mean and unit variance everywhere, and the correlation of values a distance d apart on a straight path is

    ExponentialField   exp(-d / D)                          TR 38.901 eq. (7.4-5); rough like a Brownian path
    SmoothField        (1 + a d) exp(-a d), a = 2.146 / D   Matern 3/2; has a slope; also 1/e at d = D
"""

import numpy as np
from jaxtyping import Float

__all__ = ["ExponentialField", "SmoothField"]

# Solution of (1 + x) exp(-x) = exp(-1).
_MATERN_SCALE = 2.1461932206205825


class ExponentialField:
    """A first-order autoregressive process in the distance moved.

    Attributes:
        value: The field at the users, one for each access point.
    """

    def __init__(self, n_batch: int, n_users: int, n_aps: int, correlation_m: float, *, rng: np.random.Generator):
        self._correlation_m, self._rng = correlation_m, rng
        self.value: Float[np.ndarray, "batch user ap"] = _normal((n_batch, n_users, n_aps), rng=rng)

    def move(self, moved_m: Float[np.ndarray, "batch user"]) -> None:
        """Carry every user `moved_m` further along their path."""
        correlation = np.exp(-moved_m / self._correlation_m).astype(np.float32)[..., None]
        noise = _normal(self.value.shape, rng=self._rng)
        self.value = correlation * self.value + np.sqrt(1 - correlation**2) * noise


class SmoothField:
    """A second-order autoregressive process in the distance moved: the field and its slope.

    With x = a d the exact step of the stationary process (value, slope / a), whose covariance is the unit matrix, is

        (value, slope) <- F (value, slope) + noise,   F = exp(-x) [[1 + x, x], [-x, 1 - x]],   cov(noise) = 1 - F F'.

    Attributes:
        value: The field at the users, one for each access point.
    """

    def __init__(self, n_batch: int, n_users: int, n_aps: int, correlation_m: float, *, rng: np.random.Generator):
        self._scale_per_m, self._rng = _MATERN_SCALE / correlation_m, rng
        self.value: Float[np.ndarray, "batch user ap"] = _normal((n_batch, n_users, n_aps), rng=rng)
        self._slope = _normal(self.value.shape, rng=rng)

    def move(self, moved_m: Float[np.ndarray, "batch user"]) -> None:
        """Carry every user `moved_m` further along their path."""
        x = self._scale_per_m * moved_m.astype(float)[..., None]
        decay = np.exp(-x)
        variance = 1 - decay**2 * ((1 + x) ** 2 + x**2)
        covariance = 2 * decay**2 * x**2
        slope_variance = np.maximum(1 - decay**2 * ((1 - x) ** 2 + x**2), 0.0)
        # Cholesky factor of the noise, slope first: a user who stands still has no noise at all.
        slope_spread = np.sqrt(slope_variance)
        shared = covariance / np.maximum(slope_spread, 1e-30)
        own_spread = np.sqrt(np.maximum(variance - shared**2, 0.0))
        slope_noise, own_noise = _normal(self.value.shape, rng=self._rng), _normal(self.value.shape, rng=self._rng)
        value, slope = self.value, self._slope
        moved = decay * ((1 + x) * value + x * slope) + shared * slope_noise + own_spread * own_noise
        self.value = moved.astype(np.float32)
        self._slope = (decay * ((1 - x) * slope - x * value) + slope_spread * slope_noise).astype(np.float32)


def _normal(shape: tuple[int, ...], *, rng: np.random.Generator) -> np.ndarray:
    # Single precision: half the time, and far finer than anything that is measured here.
    return rng.standard_normal(shape, dtype=np.float32)
