"""Autoregressions against their own coefficients and numpy's least squares; mixtures that find planted kinds; bad input."""

import numpy as np
import pytest

from gdt_tutorial.gai.autoregression import fit_autoregression, fit_mixture
from gdt_tutorial.seeding import stream


def sequences(coefficient, n_batch=60, n_slots=80, noise=0.1, name="x"):
    """Draw sequences of an autoregression with two lags."""
    rng, n_series = stream(0, name), coefficient.shape[1]
    x = rng.standard_normal((n_batch, n_slots, n_series))
    for slot in range(2, n_slots):
        row = np.concatenate([x[:, slot - 1], x[:, slot - 2]], axis=-1)
        x[:, slot] = row @ coefficient + noise * rng.standard_normal((n_batch, n_series))
    return x


ONE = np.array([[0.5, 0.0], [0.0, 0.2], [0.0, 0.4], [-0.3, 0.0]])
OTHER = np.array([[-0.5, 0.0], [0.0, 0.2], [0.0, -0.4], [0.3, 0.0]])


def test_coefficients_are_found_again():
    fitted = fit_autoregression(sequences(ONE), sequences(ONE), 2)
    np.testing.assert_allclose(fitted.coefficient[:4], ONE, atol=0.02)
    np.testing.assert_allclose(fitted.coefficient[4], 0, atol=0.01)


def test_fit_equals_numpys_least_squares():
    x = sequences(ONE, n_batch=4, n_slots=12)
    rows = np.concatenate([x[:, 2:-1], x[:, 1:-2], x[:, :-3], np.ones((4, 9, 1))], axis=-1).reshape(36, -1)
    expected = np.linalg.lstsq(rows, x[:, 3:].reshape(36, -1), rcond=None)[0]
    np.testing.assert_allclose(fit_autoregression(x, x, 3, ridge=0.0).coefficient, expected, atol=1e-8)


def test_forecast_looks_back_alone():
    x = sequences(ONE, n_batch=5)
    fitted = fit_autoregression(x, x, 3)
    changed = x.copy()
    changed[:, 40:] += 1
    np.testing.assert_array_equal(fitted.forecast(x)[:, :41], fitted.forecast(changed)[:, :41])
    assert not np.allclose(fitted.forecast(x)[:, 41], fitted.forecast(changed)[:, 41])


def test_mixture_finds_planted_kinds():
    x = np.concatenate([sequences(ONE, name="one"), sequences(OTHER, name="other")])
    mixture = fit_mixture(x, x, 2, 2, ridge=0.1, rng=stream(0, "starts"))
    found = sorted((part.coefficient[:4] for part in mixture.parts), key=lambda each: -each[0, 0])
    np.testing.assert_allclose(found, [ONE, OTHER], atol=0.03)
    assert mixture.variance == pytest.approx(0.01, rel=0.1)
    # Soon it forecasts as the right kind does.
    right = fit_autoregression(x[:60], x[:60], 2).forecast(x[:60])
    late = np.abs(mixture.forecast(x, x)[:60] - right)[:, 30:]
    assert late.max() < 0.02


def test_mixture_weighs_by_the_past_alone():
    x = np.concatenate([sequences(ONE, name="one"), sequences(OTHER, name="other")])
    mixture = fit_mixture(x, x, 2, 2, rng=stream(0, "starts"))
    changed = x.copy()
    changed[:, 40:] += 1
    np.testing.assert_array_equal(mixture.forecast(x, x)[:, :41], mixture.forecast(changed, changed)[:, :41])


def test_a_mixture_of_one_is_the_autoregression():
    x = sequences(ONE)
    mixture = fit_mixture(x, x, 1, 2, ridge=1.0, rng=stream(0))
    np.testing.assert_allclose(mixture.forecast(x, x), fit_autoregression(x, x, 2).forecast(x))


def test_bad_input_is_refused():
    x = sequences(ONE, n_batch=3, n_slots=10)
    with pytest.raises(
        ValueError, match=r"inputs must have the sequences and slots of target, \(3, 10\), got \(3, 9\)"
    ):
        fit_autoregression(x[:, 1:], x, 2)
    with pytest.raises(ValueError, match=r"n_lags must lie in \[1, 9\], got 10"):
        fit_autoregression(x, x, 10)
    with pytest.raises(ValueError, match="n_parts must be above 0, got 0"):
        fit_mixture(x, x, 0, 2, rng=stream(0))
