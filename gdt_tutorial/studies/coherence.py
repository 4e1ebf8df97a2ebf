"""Do generated paths move as real ones do: temporal coherence, and the autocorrelation beside it.

Table 1 of the paper names "temporal coherence" as a metric of diffusion models and gives no formula. Ours compares steps. With
W1 the Wasserstein distance of two laws on a line, and increments x[k+1] - x[k] of all paths taken together,

    coherence = 1 - W1(increments generated, increments real) / W1(increments shuffled, increments real)

where "shuffled" are the real paths with their slots in random order. So 1 is a perfect law of increments, 0 is as wrong as no
order in time at all, and below 0 is worse than that. A path that is too smooth is wrong too: it is incoherent, not coherent,
and the autocorrelation beside it tells on which side it errs.
"""

import numpy as np
from jaxtyping import Float
from scipy.stats import wasserstein_distance

from gdt_tutorial.configuration import require

__all__ = ["lag_one_autocorrelation", "temporal_coherence"]


def temporal_coherence(
    generated: Float[np.ndarray, "draw slot"], real: Float[np.ndarray, "path slot"], *, rng: np.random.Generator
) -> float:
    """Return how much nearer the increments of generated paths are to those of real ones than shuffled ones are.

    Args:
        generated: Generated paths.
        real: What they should be like; not those that they were made from.
        rng: Shuffles the slots of real paths.

    Raises:
        ValueError: Paths of one slot, or real paths on which the order of slots makes no difference.
    """
    steps, true_steps = _increments("generated", generated), _increments("real", real)
    shuffled = _increments("real", rng.permuted(real, axis=1))
    scale = wasserstein_distance(shuffled, true_steps)
    require(scale > 0, "real", "change with the order of its slots", scale, "pass paths that move")
    return float(1 - wasserstein_distance(steps, true_steps) / scale)


def lag_one_autocorrelation(path: Float[np.ndarray, "path slot"]) -> float:
    """Return the correlation of a value with the next one of its path, around the mean of all.

    Raises:
        ValueError: Paths of one slot, or all values alike.
    """
    _increments("path", path)
    off = path - path.mean()
    variance = float((off**2).mean())
    require(variance > 0, "path", "vary", variance, "pass paths that move")
    return float((off[:, 1:] * off[:, :-1]).mean() / variance)


def _increments(name: str, path: Float[np.ndarray, "path slot"]) -> Float[np.ndarray, " step"]:
    n_slots = path.shape[1]
    require(n_slots > 1, name, "have two slots or more", n_slots, "one slot has no increment")
    return np.diff(path, axis=1).ravel()
