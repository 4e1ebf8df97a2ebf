"""How many nats a Gaussian needs at a given loss: the bound beside which a variational autoencoder is judged.

The rate is the mutual information between what is coded and its code, in nats; the distortion is the squared error summed
over all coordinates. A Gaussian with variances v_i along its principal axes is coded best by *reverse water-filling*: pour
water to a level h; a direction below the level is not coded at all and loses v_i, every other loses h.

    distortion(h) = sum_i min(h, v_i),    rate(h) = sum_i max(0, log(v_i / h)) / 2

Of all sources with these variances the Gaussian needs the most nats. So for real data the curve is an upper bound on what
the best code needs, and a code that follows the curves of the data may lie below it.

Source: Cover and Thomas, *Elements of Information Theory*, sec. 10.3.3. The level is found in closed form: between two
sorted variances the distortion is linear in it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require

__all__ = ["WaterFilling", "reverse_water_filling", "water_level"]


@dataclass(frozen=True, kw_only=True)
class WaterFilling:
    """One point of the curve.

    Attributes:
        level: Height of the water.
        distortion: Squared error, summed over the coordinates.
        rate_nats: What the code says about its source.
        n_coded: Directions above the water.
    """

    level: float
    distortion: float
    rate_nats: float
    n_coded: int


def water_level(variance: Float[np.ndarray, " coordinate"], level: float) -> WaterFilling:
    """Return rate and distortion of the code at a level of the water.

    Raises:
        ValueError: A level that is not positive, or variances that are negative or not finite.
    """
    _require_variances(variance)
    require(level > 0, "level", "be above 0", level, "an exact copy takes an infinite rate")
    coded = variance[variance > level]
    return WaterFilling(
        level=float(level),
        distortion=float(np.minimum(variance, level).sum()),
        rate_nats=float(np.log(coded / level).sum() / 2),
        n_coded=len(coded),
    )


def reverse_water_filling(variance: Float[np.ndarray, " coordinate"], distortion: float) -> WaterFilling:
    """Return the code with the smallest rate whose squared error, summed over the coordinates, is `distortion`.

    Raises:
        ValueError: A distortion that is not positive, or variances that are negative or not finite.
    """
    _require_variances(variance)
    require(distortion > 0, "distortion", "be above 0", distortion, "an exact copy takes an infinite rate")
    if distortion >= variance.sum():  # nothing needs to be said
        top = float(variance.max())
        return WaterFilling(level=top, distortion=float(variance.sum()), rate_nats=0.0, n_coded=0)
    smallest_first = np.sort(variance)
    n_above = np.arange(len(variance), 0, -1)
    # Distortion when the water just reaches each of the variances.
    reached = np.cumsum(smallest_first) - smallest_first + n_above * smallest_first
    first = int(np.searchsorted(reached, distortion))
    lost = smallest_first[:first].sum()
    return water_level(variance, float((distortion - lost) / n_above[first]))


def _require_variances(variance: Float[np.ndarray, " coordinate"]) -> None:
    is_right = variance.size > 0 and np.isfinite(variance).all() and (variance >= 0).all()
    remedy = "pass the eigenvalues of a covariance"
    require(is_right, "variance", "hold finite numbers of at least 0", variance[:3].tolist(), remedy)
