"""Vector autoregressions, and mixtures of them: the plain forecasts of several series at once.

    forecast[t] = b + sum over lags l of A_l input[t-l]

by least squares over all sequences. What is put in may be the series themselves, or more than they (what else was noticed in
them). Where sequences are of a few hidden kinds, one autoregression is fitted per kind (`fit_mixture`, a hard assignment that
starts as k-means of what one autoregression for all leaves unexplained), and inside a new sequence each is weighted by how
wrong it has been so far:

    weight_k[t]  ~  exp(- sum over s < t of |error_k[s]|^2 / (2 variance))

which is the posterior of the kind where errors are Gaussian. Sources: autoregressions, Lutkepohl 2005, ch. 3; weights by past
error, Littlestone and Warmuth 1994, and Bayes' rule. They are what attention over the same series has to beat.
"""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.vq import kmeans2

from gdt_tutorial.configuration import require

__all__ = ["Autoregression", "Mixture", "fit_autoregression", "fit_mixture"]


class Autoregression(NamedTuple):
    """Coefficients of a vector autoregression: rows are entries of the last slots, newest first, then a constant."""

    coefficient: Float[np.ndarray, "coordinate feature"]
    n_lags: int

    def forecast(self, inputs: Float[np.ndarray, "batch slot _"]) -> Float[np.ndarray, "batch slot feature"]:
        """Forecast each slot from those before it; before the first slot everything is 0."""
        return _lagged(inputs, self.n_lags) @ self.coefficient


class Mixture(NamedTuple):
    """Several autoregressions, the variance of their errors, and the kind of each sequence that they were fitted on."""

    parts: tuple[Autoregression, ...]
    variance: float
    kind: Int[np.ndarray, " _"]

    def forecast(
        self, inputs: Float[np.ndarray, "batch slot _"], target: Float[np.ndarray, "batch slot feature"]
    ) -> Float[np.ndarray, "batch slot feature"]:
        """Forecast each slot; `target` is looked at up to the slot before it."""
        each = np.stack([part.forecast(inputs) for part in self.parts])
        square = ((each - target) ** 2).sum(axis=-1) / (2 * self.variance)
        past = np.cumsum(square, axis=-1) - square
        weight = np.exp(past.min(axis=0) - past)
        return ((weight / weight.sum(axis=0))[..., None] * each).sum(axis=0)


def fit_autoregression(
    inputs: Float[np.ndarray, "_ _ _"],
    target: Float[np.ndarray, "batch slot feature"],
    n_lags: int = 24,
    *,
    ridge: float = 1.0,
) -> Autoregression:
    """Fit by least squares on the slots that have `n_lags` before them.

    Raises:
        ValueError: Inputs and targets of other lengths, or sequences not longer than the lags.
    """
    _check(inputs, target, n_lags)
    rows, wanted = _lagged(inputs, n_lags)[:, n_lags:], target[:, n_lags:]
    return Autoregression(_solve(*_moments(rows, wanted).total(), ridge), n_lags)


def fit_mixture(
    inputs: Float[np.ndarray, "_ _ _"],
    target: Float[np.ndarray, "batch slot feature"],
    n_parts: int,
    n_lags: int = 24,
    *,
    ridge: float = 10.0,
    n_starts: int = 8,
    n_rounds: int = 12,
    kind: Int[np.ndarray, " _"] | None = None,
    rng: np.random.Generator,
) -> Mixture:
    """Fit one autoregression per kind of sequence; kinds are found by assigning each to the one that errs least.

    Args:
        inputs: What is put in.
        target: What is forecast.
        n_parts: Kinds.
        n_lags: Lags of each.
        ridge: Pull toward 0.
        n_starts: First assignments that are tried; the best end counts.
        n_rounds: Assignments at most.
        kind: A first assignment that is tried instead, such as that of a smaller mixture.
        rng: Draws the starts.

    Raises:
        ValueError: As `fit_autoregression`, or no kind.
    """
    _check(inputs, target, n_lags)
    require(n_parts > 0, "n_parts", "be above 0", n_parts, "1 is a single autoregression")
    rows, wanted = _lagged(inputs, n_lags)[:, n_lags:], target[:, n_lags:]
    moments = _moments(rows, wanted)
    starts = _first_kinds(moments, n_parts, ridge, n_starts, rng=rng) if kind is None else [kind]
    ends = [_assign(moments, each, n_parts, ridge, n_rounds) for each in starts]
    error, parts, found = min(ends, key=lambda end: end[0])
    return Mixture(tuple(Autoregression(each, n_lags) for each in parts), error / wanted.size, found)


class _Moments(NamedTuple):
    """Sums of products of each sequence: all that least squares and its errors need."""

    inner: Float[np.ndarray, "batch coordinate coordinate"]
    outer: Float[np.ndarray, "batch coordinate feature"]
    square: Float[np.ndarray, " batch"]

    def total(self, is_taken: np.ndarray | slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        return self.inner[is_taken].sum(axis=0), self.outer[is_taken].sum(axis=0)

    def error(self, coefficient: Float[np.ndarray, "coordinate feature"]) -> Float[np.ndarray, " batch"]:
        crossed = (self.outer * coefficient).sum(axis=(1, 2))
        return self.square - 2 * crossed + ((self.inner @ coefficient) * coefficient).sum(axis=(1, 2))


def _moments(rows: np.ndarray, wanted: np.ndarray) -> _Moments:
    turned = rows.transpose(0, 2, 1)
    return _Moments(turned @ rows, turned @ wanted, (wanted**2).sum(axis=(1, 2)))


def _first_kinds(
    moments: _Moments, n_parts: int, ridge: float, n_starts: int, *, rng: np.random.Generator
) -> list[Int[np.ndarray, " batch"]]:
    """Cluster sequences by what one autoregression for all of them leaves: k-means++ on the first principal components."""
    left = moments.outer - moments.inner @ _solve(*moments.total(), ridge)
    rows = left.reshape(len(left), -1)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    rows = rows - rows.mean(axis=0)
    direction = np.linalg.svd(rows, full_matrices=False)[2][: 2 * n_parts]
    rows = rows @ direction.T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an empty cluster: another start will do better
        return [kmeans2(rows, n_parts, minit="++", rng=rng)[1].astype(np.int64) for _ in range(n_starts)]


def _assign(
    moments: _Moments, kind: Int[np.ndarray, " batch"], n_parts: int, ridge: float, n_rounds: int
) -> tuple[float, list[Float[np.ndarray, "coordinate feature"]], Int[np.ndarray, " batch"]]:
    for _ in range(n_rounds):
        parts = [_solve(*moments.total(kind == part), ridge) for part in range(n_parts)]
        error = np.stack([moments.error(part) for part in parts])
        before, kind = kind, error.argmin(axis=0)
        if (kind == before).all():
            break
    return float(error.min(axis=0).sum()), parts, kind


def _solve(inner: np.ndarray, outer: np.ndarray, ridge: float) -> Float[np.ndarray, "coordinate feature"]:
    return np.linalg.solve(inner + ridge * np.eye(len(inner)), outer)


def _lagged(inputs: Float[np.ndarray, "batch slot _"], n_lags: int) -> Float[np.ndarray, "batch slot coordinate"]:
    """Put the last `n_lags` slots before each slot side by side, newest first, and a one."""
    n_batch, n_slots, _ = inputs.shape
    padded = np.pad(inputs, ((0, 0), (n_lags, 0), (0, 0)))
    lagged = [padded[:, n_lags - lag : n_lags - lag + n_slots] for lag in range(1, n_lags + 1)]
    return np.concatenate([*lagged, np.ones((n_batch, n_slots, 1))], axis=-1)


def _check(inputs: np.ndarray, target: np.ndarray, n_lags: int) -> None:
    rule = f"have the sequences and slots of target, {target.shape[:2]}"
    require(inputs.shape[:2] == target.shape[:2], "inputs", rule, inputs.shape[:2], "pass both of the same")
    n_slots, remedy = target.shape[1], "take fewer lags"
    require(0 < n_lags < n_slots, "n_lags", f"lie in [1, {n_slots - 1}]", n_lags, remedy)
