"""The linear Gaussian model: its likelihood is the maximum, its posterior is Bayes' rule, with and without gaps."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch.distributions import MultivariateNormal

from gdt_tutorial.gai.probabilistic_pca import (
    LinearGaussian,
    fit_linear_gaussian,
    log_likelihood,
    posterior,
    principal_variance,
)
from gdt_tutorial.seeding import torch_stream

NOISE = 0.5


def sample(n_rows=400, seed=0):
    """Return rows with five correlated entries."""
    generator = torch_stream(seed, "rows")
    mixing = torch.randn(5, 5, generator=generator, dtype=torch.float64)
    return torch.randn(n_rows, 5, generator=generator, dtype=torch.float64) @ mixing + 1.0


def test_principal_variances_are_those_of_numpy():
    rows = sample()
    variance, axes = principal_variance(rows)
    covariance = np.cov(rows.numpy().T, bias=True)
    np.testing.assert_allclose(variance, np.linalg.eigvalsh(covariance)[::-1], rtol=1e-8)
    np.testing.assert_allclose(axes @ torch.diag(variance) @ axes.T, covariance, atol=1e-8)


def test_no_loading_is_likelier():
    rows = sample()
    model = fit_linear_gaussian(rows, 2, NOISE)

    def loss(loading):
        other = torch.from_numpy(loading).reshape(5, 2).requires_grad_()
        tried = LinearGaussian(center=model.center, loading=other, noise_variance=NOISE)
        value = -log_likelihood(tried, rows).mean()
        value.backward()
        return value.item(), other.grad.numpy().ravel()

    start = model.loading.numpy().ravel() + np.linspace(-1, 1, 10)
    found = minimize(loss, start, jac=True, method="L-BFGS-B")
    assert found.fun == pytest.approx(-log_likelihood(model, rows).mean().item(), abs=1e-5)


def test_posterior_is_bayes_rule():
    # p(z | x) = p(x | z) p(z) / p(x) at any z.
    rows = sample(6)
    model = fit_linear_gaussian(sample(), 2, NOISE)
    mean, covariance = posterior(model, rows)
    latent = torch.tensor([0.3, -0.7], dtype=torch.float64)
    likelihood = MultivariateNormal(model.center + model.loading @ latent, NOISE * torch.eye(5).double())
    prior = MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    by_bayes = likelihood.log_prob(rows) + prior.log_prob(latent) - log_likelihood(model, rows)
    np.testing.assert_allclose(MultivariateNormal(mean, covariance).log_prob(latent), by_bayes, atol=1e-8)


def test_posterior_with_gaps_is_that_of_the_smaller_model():
    rows = sample(6)
    model = fit_linear_gaussian(sample(), 2, NOISE)
    is_collected = torch.tensor([True, False, True, True, False]).expand(6, 5)
    gone = torch.where(is_collected, rows, torch.nan)
    mean, covariance = posterior(model, gone, is_collected)
    kept = is_collected[0]
    smaller = LinearGaussian(center=model.center[kept], loading=model.loading[kept], noise_variance=NOISE)
    expected = posterior(smaller, rows[:, kept])
    np.testing.assert_allclose(mean, expected[0], atol=1e-10)
    np.testing.assert_allclose(covariance, expected[1].expand(6, 2, 2), atol=1e-10)


def test_nothing_collected_leaves_the_prior():
    model = fit_linear_gaussian(sample(), 2, NOISE)
    mean, covariance = posterior(model, sample(3), torch.zeros(3, 5, dtype=torch.bool))
    assert (mean == 0).all()
    np.testing.assert_allclose(covariance, torch.eye(2).expand(3, 2, 2))


def test_directions_below_the_noise_get_no_latent():
    rows = sample()
    variance, _ = principal_variance(rows)
    model = fit_linear_gaussian(rows, 5, float(variance[2]))
    assert (model.loading.norm(dim=0) > 1e-6).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize("n_latent", [0, 6])
def test_number_of_latents_is_that_of_directions_at_most(n_latent):
    with pytest.raises(ValueError, match=rf"n_latent must lie in \[1, 5\], got {n_latent}"):
        fit_linear_gaussian(sample(), n_latent, NOISE)


@pytest.mark.parametrize("noise", [0.0, -1.0, float("inf"), float("nan")])
def test_noise_is_positive_and_finite(noise):
    with pytest.raises(ValueError, match="noise_variance must be above 0 and finite"):
        LinearGaussian(center=torch.zeros(3), loading=torch.zeros(3, 2), noise_variance=noise)


def test_bad_samples_are_refused():
    with pytest.raises(ValueError, match="sample must hold a row, got 0"):
        principal_variance(torch.zeros(0, 5))
    with pytest.raises(ValueError, match=r"sample must be finite, got \[nan\]"):
        principal_variance(torch.tensor([[1.0, float("nan")]]))
