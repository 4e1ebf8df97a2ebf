r"""How well classes were told: accuracy, macro F1 and the Matthews correlation, from a table of confusions.

With C[i, j] the number of times that j was said where i is true, n their sum, c the right ones, and t_k and p_k how often k is
true and is said,

    accuracy = c / n        F1 of k = 2 C[k, k] / (t_k + p_k)        macro F1 = mean over k of F1
    Matthews = (c n - sum over k of t_k p_k) / sqrt((n^2 - sum of p_k^2) (n^2 - sum of t_k^2))

Accuracy is kind to whoever says the commonest class; the Matthews correlation gives him 0. Sources: Matthews 1975, for more
classes than two Gorodkin 2004; scikit-learn agrees, which a test holds. The mean of F1 is over
the classes that are true or said.
"""

import numpy as np
from jaxtyping import Int, Shaped

from gdt_tutorial.configuration import require

__all__ = ["accuracy", "confusion", "macro_f1", "matthews_correlation"]


def confusion(said: Shaped[np.ndarray, " _"], true: Shaped[np.ndarray, " sample"]) -> Int[np.ndarray, "class _"]:
    """Count how often each class was said where each is true; true classes by rows, in sorted order.

    Raises:
        ValueError: No case, or another number of answers than of truths.
    """
    require(len(true) > 0, "true", "hold a case", len(true), "pass what is true")
    require(len(said) == len(true), "said", f"hold {len(true)} answers", len(said), "answer every case once")
    classes, number = np.unique(np.concatenate([true, said]), return_inverse=True)
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (number[: len(true)], number[len(true) :]), 1)
    return counts


def accuracy(said: Shaped[np.ndarray, " _"], true: Shaped[np.ndarray, " sample"]) -> float:
    """Return the share of right answers.

    Raises:
        ValueError: As `confusion`.
    """
    counts = confusion(said, true)
    return float(np.trace(counts) / counts.sum())


def macro_f1(said: Shaped[np.ndarray, " _"], true: Shaped[np.ndarray, " sample"]) -> float:
    """Return the mean over classes of the harmonic mean of precision and recall.

    Raises:
        ValueError: As `confusion`.
    """
    counts = confusion(said, true)
    return float(np.mean(2 * np.diag(counts) / (counts.sum(axis=0) + counts.sum(axis=1))))


def matthews_correlation(said: Shaped[np.ndarray, " _"], true: Shaped[np.ndarray, " sample"]) -> float:
    """Return the correlation of what was said with what is true; 0 where either has one class alone.

    Raises:
        ValueError: As `confusion`.
    """
    counts = confusion(said, true)
    n, n_said, n_true = float(counts.sum()), counts.sum(axis=0).astype(float), counts.sum(axis=1).astype(float)
    spread = (n**2 - n_said @ n_said) * (n**2 - n_true @ n_true)
    return float((np.trace(counts) * n - n_said @ n_true) / np.sqrt(spread)) if spread > 0 else 0.0
