"""The Pareto law truncated at both ends: many short legs, pauses and stays, and a few long ones.

A density x^-(1+exponent) between two bounds. Weighted by its own variable it is the same law with an exponent less by 1, so a
walk that is met at a moment of its own time needs no law beside this one (see `mobility`).
"""

import numpy as np
from jaxtyping import Float

__all__ = ["sample_truncated_pareto", "truncated_pareto_mean"]


def sample_truncated_pareto(
    exponent: float, lower: float, upper: float, size: int, *, rng: np.random.Generator
) -> Float[np.ndarray, " draw"]:
    """Draw from the density x^-(1+exponent) on [lower, upper] by inverse transform."""
    scaled = exponent * np.log(upper / lower)
    uniform = rng.uniform(size=size)
    # The limit of the second line at exponent 0, where the logarithm is uniform.
    share = uniform if abs(scaled) < 1e-9 else -np.log1p(uniform * np.expm1(-scaled)) / scaled
    return lower * (upper / lower) ** share


def truncated_pareto_mean(exponent: float, lower: float, upper: float) -> float:
    """Return the mean of that law."""
    return _power_integral(-exponent, lower, upper) / _power_integral(-1 - exponent, lower, upper)


def _power_integral(power: float, lower: float, upper: float) -> float:
    """Integrate x^power from `lower` to `upper`."""
    if abs(power + 1) < 1e-9:
        return float(np.log(upper / lower))
    return float((upper ** (power + 1) - lower ** (power + 1)) / (power + 1))
