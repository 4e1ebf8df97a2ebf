"""Scores of a code: by hand for a linear one, the bound where nothing is lost, and what a quiet window costs."""

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.probabilistic_pca import principal_variance
from gdt_tutorial.gai.rate_distortion import water_level
from gdt_tutorial.gai.vae import VaeConfig
from gdt_tutorial.gai.vae_scores import code_score, gaussian_bound, window_nats
from gdt_tutorial.gai.vae_training import start_vae
from gdt_tutorial.seeding import stream, torch_stream

CONFIG = VaeConfig(n_latent=12, n_hidden=4, sigma=0.5)


def windows(n_users=3000):
    """Return Gaussian windows of four slots and three features."""
    rng = stream(0, "windows")
    mixing = stream(1, "mixing").normal(size=(12, 12))
    return (rng.normal(size=(n_users, 12)) @ mixing).reshape(n_users, 4, 3)


@pytest.fixture(scope="module")
def start():
    return start_vae(windows(), CONFIG, generator=torch_stream(0))


def test_scores_of_the_linear_code_are_those_of_water_at_sigma_squared(start):
    window = torch.from_numpy(windows()).float()
    score = code_score(start, window, generator=torch_stream(0))
    variance = principal_variance(start.standardized(window).flatten(1))[0].double().numpy()
    water = water_level(variance, 0.25)
    assert score.rate_nats == pytest.approx(water.rate_nats, rel=1e-3)
    assert score.distortion == pytest.approx(water.distortion / 12, rel=0.02)
    # Through the mean, a direction loses variance (h / variance)^2 instead of h.
    through_mean = np.where(variance > 0.25, 0.25**2 / variance, variance).sum() / 12
    assert score.mse == pytest.approx(through_mean, rel=0.01)
    assert score.n_active == water.n_coded
    assert gaussian_bound(start, window, score.distortion).rate_nats == pytest.approx(water.rate_nats, rel=0.03)


def test_the_mean_window_costs_least(start):
    window = torch.stack([start.mean, start.mean + 3 * start.scale])
    nats = window_nats(start, window)
    assert nats[0] < nats[1]
    silent = (
        -0.5 * (1 / (1 + (start.loading**2).sum(0) / 0.25)).log() + 0.5 / (1 + (start.loading**2).sum(0) / 0.25) - 0.5
    )
    assert nats[0].item() == pytest.approx(silent.sum().item(), rel=1e-3)
