"""The variational autoencoder: torch's KL, the exact ELBO of a linear model, masks, its start, its file, bad input."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from gdt_tutorial import checkpoints
from gdt_tutorial.gai.probabilistic_pca import LinearGaussian, fit_linear_gaussian, log_likelihood, principal_variance
from gdt_tutorial.gai.rate_distortion import water_level
from gdt_tutorial.gai.vae import VaeConfig, VariationalAutoencoder, active_units, load_vae, reparameterize, save_vae
from gdt_tutorial.gai.vae_training import (
    gaussian_log_likelihood,
    kl_to_standard_normal,
    mean_square_loss,
    negative_elbo,
    start_vae,
    train_vae,
)
from gdt_tutorial.learning import FitConfig, cosine, fit
from gdt_tutorial.seeding import stream, torch_seeded, torch_stream

QUICK = VaeConfig(n_latent=3, n_hidden=16, sigma=0.5, fit=FitConfig(n_epochs=4, batch_size=50))


def windows(n_users=300, n_slots=5, seed=0):
    """Return windows of three features, in units of their own, that lie on a bent surface of two numbers."""
    rng = stream(seed, "windows")
    habit = rng.normal(size=(n_users, 2))
    slot = np.linspace(0, 1, n_slots)[:, None]
    bent = np.stack([habit[:, 0], habit[:, 1], habit[:, 0] * habit[:, 1]], axis=-1)[:, None] * (1 + slot)
    return (bent + 0.2 * rng.normal(size=(n_users, n_slots, 3))) * [1.0, 10.0, 100.0] + 5.0


def tensor(window):
    return torch.from_numpy(window).float()


def test_kl_is_that_of_torch():
    generator = torch_stream(0)
    mean, log_variance = torch.randn(2, 7, 4, generator=generator)
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0))
    np.testing.assert_allclose(kl_to_standard_normal(mean, log_variance), expected, atol=1e-6)


def test_kl_by_hand():
    # Mean 1, standard deviation .5: (1 + .25 + 2 log 2 - 1) / 2 = .818 nats.
    nats = kl_to_standard_normal(torch.ones(1, 1), torch.full((1, 1), math.log(0.25)))
    assert nats.item() == pytest.approx((0.25 + 2 * math.log(2)) / 2)


def test_likelihood_is_that_of_torch_over_the_scored_entries():
    target, mean = torch.randn(2, 6, 4, 3, generator=torch_stream(0))
    is_scored = torch.rand(6, 4, 3, generator=torch_stream(1)) < 0.5
    expected = Normal(mean, 0.3).log_prob(target)
    np.testing.assert_allclose(gaussian_log_likelihood(target, mean, 0.3), expected.sum(dim=(1, 2)), rtol=1e-5)
    scored = gaussian_log_likelihood(target, mean, 0.3, is_scored)
    np.testing.assert_allclose(scored, (expected * is_scored).sum(dim=(1, 2)), rtol=1e-5)


def test_reparameterized_draws_have_mean_and_spread_and_pass_gradients():
    mean, log_variance = torch.tensor([1.0]).requires_grad_(), torch.tensor([math.log(0.25)]).requires_grad_()
    noise = torch.randn(20_000, 1, generator=torch_stream(0))
    latent = reparameterize(mean.expand(20_000, 1), log_variance.expand(20_000, 1), noise)
    assert latent.mean().item() == pytest.approx(1.0, abs=0.02)
    assert latent.std().item() == pytest.approx(0.5, abs=0.02)
    # d E[z^2] / d mean = 2 mean, and by the log-variance: the variance itself.
    (latent**2).mean().backward()
    assert mean.grad.item() == pytest.approx(2.0, abs=0.05)
    assert log_variance.grad.item() == pytest.approx(0.25, abs=0.03)


def elbo_nats(model, window, n_draws):
    """Return the ELBO of each window, averaged over many draws of its latent."""
    with torch.no_grad(), torch_seeded(torch_stream(0, "draws")):
        return torch.stack([-negative_elbo(model, row.expand(n_draws, -1, -1)) for row in window])


def test_untrained_start_is_probabilistic_pca():
    window = tensor(windows())
    model = start_vae(windows(), QUICK, generator=torch_stream(0))
    flat = model.standardized(window).flatten(1)
    # The model of standardized windows is the likeliest one, and its evidence bound is tight: ELBO = log-likelihood.
    likeliest = fit_linear_gaussian(flat, 3, 0.25)
    signs = (likeliest.loading * model.loading).sum(dim=0).sign()
    np.testing.assert_allclose(likeliest.loading * signs, model.loading, atol=1e-3)
    np.testing.assert_allclose(elbo_nats(model, window[:4], 20_000), log_likelihood(model.linear, flat[:4]), atol=0.1)


def test_untrained_start_lies_on_the_rate_distortion_curve():
    window = tensor(windows(2000))
    model = start_vae(windows(2000), replace(QUICK, n_latent=15), generator=torch_stream(0))
    mean, log_variance = model.encode(window)
    flat = model.standardized(window).flatten(1)
    variance, _ = principal_variance(flat)
    bound = water_level(variance.numpy().astype(float), 0.25)
    assert kl_to_standard_normal(mean, log_variance).sum(dim=1).mean().item() == pytest.approx(
        bound.rate_nats, rel=1e-3
    )
    generator, lost = torch_stream(1), []
    for _ in range(50):
        back = model.decode(model.sample(mean, log_variance, generator=generator))
        lost.append(((model.standardized(back).flatten(1) - flat) ** 2).sum(dim=1).mean().item())
    assert np.mean(lost) == pytest.approx(bound.distortion, rel=0.01)


def test_without_noise_the_start_reconstructs_as_principal_components():
    window = tensor(windows())
    model = start_vae(windows(), replace(QUICK, sigma=1e-3), generator=torch_stream(0))
    flat = model.standardized(window).flatten(1).double()
    _, axes = principal_variance(flat)
    by_pca = flat @ axes[:, :3] @ axes[:, :3].T
    np.testing.assert_allclose(model.standardized(model(window)).flatten(1).detach(), by_pca, atol=5e-3)


def test_linear_network_learns_probabilistic_pca():
    generator = torch_stream(0)
    mixing = torch.tensor([[3.0, 0, 0, 0, 0, 0], [0, 1.5, 1, 0, 0, 0], [0.4] * 6])
    window = (torch.randn(2000, 3, generator=generator) @ mixing)[:, None] + 0.5 * torch.randn(
        2000, 1, 6, generator=generator
    )
    config = VaeConfig(
        n_latent=2, sigma=0.7, fit=FitConfig(n_epochs=60, batch_size=200, learning_rate=0.05, schedule=cosine)
    )
    model = VariationalAutoencoder(1, 6, config, generator=generator)
    with torch_seeded(generator):  # no perceptron: a matrix each way, and a width
        model.encoder, model.decoder = nn.Sequential(nn.Linear(12, 4)), nn.Sequential(nn.Linear(2, 6))
    fit(model, (window,), negative_elbo, config.fit, generator=generator)
    likeliest = fit_linear_gaussian(window[:, 0], 2, 0.49)
    best = log_likelihood(likeliest, window[:, 0]).mean().item()
    learned = LinearGaussian(
        center=model.decoder[0].bias.detach(), loading=model.decoder[0].weight.detach(), noise_variance=0.49
    )
    assert log_likelihood(learned, window[:, 0]).mean().item() == pytest.approx(best, abs=0.05)
    with torch.no_grad(), torch_seeded(generator):
        elbo = np.mean([-negative_elbo(model, window).item() for _ in range(20)])
    assert elbo == pytest.approx(best, abs=0.06)
    # The same subspace: the cosines of all angles between both are 1.
    bases = [torch.linalg.qr(each).Q for each in (likeliest.loading, learned.loading)]
    np.testing.assert_allclose(torch.linalg.svdvals(bases[0].T @ bases[1]), 1.0, atol=1e-2)


def test_training_beats_its_start_where_the_windows_are_bent():
    window, fresh = windows(1000), tensor(windows(500, seed=1))
    config = VaeConfig(
        n_latent=2, n_hidden=32, sigma=0.3, fit=FitConfig(n_epochs=20, batch_size=50, learning_rate=5e-3)
    )
    start = start_vae(window, config, generator=torch_stream(0))
    for loss in (negative_elbo, mean_square_loss):
        model, history = train_vae(window, config, generator=torch_stream(0), loss=loss)
        assert history.train_loss[-1] < history.train_loss[0]
        assert mean_square_loss(model, fresh) < 0.8 * mean_square_loss(start, fresh)


def test_what_was_not_collected_is_not_read():
    window = windows(20)
    model, _ = train_vae(window, QUICK, generator=torch_stream(0))
    is_collected = stream(0, "mask").random(window.shape) < 0.5
    is_collected[:, 0] = True
    expected = model.abstract(np.where(is_collected, window, 0.0), is_collected)
    found = model.abstract(np.where(is_collected, window, np.nan), is_collected)
    np.testing.assert_array_equal(found, expected)


def test_complete_mask_is_no_mask():
    window = windows(20)
    model, _ = train_vae(window, QUICK, generator=torch_stream(0))
    np.testing.assert_allclose(
        model.abstract(window, np.ones(window.shape, dtype=bool)), model.abstract(window), atol=1e-4
    )


def test_width_of_the_start_grows_with_what_is_lost():
    window = windows(20)
    model = start_vae(window, QUICK, generator=torch_stream(0))
    std = []
    for n_lost in range(5):
        is_collected = np.ones(window.shape, dtype=bool)
        is_collected[:, 5 - n_lost :] = False
        std.append(model.abstract(window, is_collected)[1].mean())
    assert (np.diff(std) > 0).all()


def test_without_a_linear_model_the_start_is_nothing():
    model = VariationalAutoencoder(5, 3, QUICK, generator=torch_stream(0))
    latent, std = model.abstract(windows(4))
    assert (latent == 0).all()
    assert (std == 1).all()
    assert (model(tensor(windows(4))) == 0).all()


def test_loss_on_lost_entries_alone_and_another_target():
    window = tensor(windows(200))
    model = start_vae(windows(200), QUICK, generator=torch_stream(0))
    is_lost = torch.zeros(window.shape, dtype=torch.bool)
    is_lost[:, -1] = True
    values = []
    for target in (window, torch.where(is_lost, window, 1e6)):  # what is not scored may be anything
        with torch.no_grad(), torch_seeded(torch_stream(0)):
            values.append(negative_elbo(model, window, ~is_lost, target, is_lost).item())
    assert values[0] == values[1]


def test_active_units_are_those_whose_mean_varies():
    mean = torch.randn(100, 3, generator=torch_stream(0)) * torch.tensor([1.0, 0.01, 0.5])
    assert active_units(mean).tolist() == [True, False, True]


def test_axes_before_the_slots_are_kept():
    model = start_vae(windows(10), QUICK, generator=torch_stream(0))
    latent, std = model.abstract(windows(10))
    again = model.abstract(windows(10).reshape(2, 5, 5, 3))
    np.testing.assert_allclose(again, np.reshape([latent, std], (2, 2, 5, 3)), atol=1e-5)


def test_same_seed_same_weights():
    first, again, other = (
        train_vae(windows(50), QUICK, generator=torch_stream(seed))[0].abstract(windows(50))[0] for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert not (first == other).any()


def test_what_is_loaded_is_what_was_saved(tmp_path):
    model, _ = train_vae(windows(50), QUICK, generator=torch_stream(0))
    save_vae(model, tmp_path / "vae.safetensors")
    loaded = load_vae(tmp_path / "vae.safetensors")
    np.testing.assert_array_equal(loaded.abstract(windows(50)), model.abstract(windows(50)))
    assert replace(loaded.config, fit=QUICK.fit) == QUICK
    assert not loaded.training


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "vae.safetensors"
    model = start_vae(windows(50), QUICK, generator=torch_stream(0))
    save_vae(model, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="path must be a safetensors file"):
        load_vae(path)
    sizes = {"n_slots": 5, "n_features": 3, "n_latent": 4, "n_hidden": 16, "sigma": 0.5, "beta": 1.0}
    checkpoints.save(model, path, sizes)  # it has three latents
    with pytest.raises(ValueError, match="path must hold the weights of this model"):
        load_vae(path)
    checkpoints.save(model, path, sizes | {"depth": 3})
    with pytest.raises(ValueError, match="path must hold the config of this model"):
        load_vae(path)
    checkpoints.save(model, path, {"n_latent": 3})
    with pytest.raises(ValueError, match="path must hold the config of this model"):
        load_vae(path)
    with pytest.raises(ValueError, match="path must be a checkpoint"):
        load_vae(tmp_path / "none")


@pytest.mark.parametrize(("name", "value"), [("n_latent", 0), ("n_hidden", 0), ("sigma", 0.0), ("beta", 0.0)])
def test_sizes_are_positive(name, value):
    with pytest.raises(ValueError, match=f"{name} must be above 0, got 0"):
        VaeConfig(**{name: value})


def test_windows_of_other_sizes_are_refused():
    model = start_vae(windows(10), QUICK, generator=torch_stream(0))
    with pytest.raises(ValueError, match=r"window must have \(5, 3\) slots and features, got \(4, 3\)"):
        model.abstract(windows(10)[:, :4])
    with pytest.raises(ValueError, match=r"is_collected must have the shape \(10, 5, 3\), got \(10, 5\)"):
        model.abstract(windows(10), np.ones((10, 5), dtype=bool))
    with pytest.raises(ValueError, match="n_slots must be above 0, got 0"):
        VariationalAutoencoder(0, 3, generator=torch_stream(0))
    other = LinearGaussian(center=torch.zeros(15), loading=torch.zeros(15, 2), noise_variance=1.0)
    with pytest.raises(ValueError, match=r"linear must be one of 15 entries and 3 latents, got \(15, 2\)"):
        VariationalAutoencoder(5, 3, QUICK, linear=other, generator=torch_stream(0))


def test_gaps_without_a_mask_are_refused():
    window = windows(10)
    model = start_vae(window, QUICK, generator=torch_stream(0))
    window[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"window must be finite, got \[nan\]"):
        model.abstract(window)
    with pytest.raises(ValueError, match=r"window must be finite, got \[nan\]"):
        start_vae(window, QUICK, generator=torch_stream(0))


def test_windows_with_nothing_collected_are_refused():
    window = windows(10)
    model = start_vae(window, QUICK, generator=torch_stream(0))
    is_collected = np.ones(window.shape, dtype=bool)
    is_collected[:2] = False
    with pytest.raises(ValueError, match="is_collected must hold a collected entry in each window, got '2 without'"):
        model.abstract(window, is_collected)


def test_no_user_is_refused():
    with pytest.raises(ValueError, match="window must hold a user, got 0"):
        start_vae(np.zeros((0, 5, 3)), QUICK, generator=torch_stream(0))


def test_more_latents_than_entries_are_refused():
    with pytest.raises(ValueError, match=r"n_latent must lie in \[1, 15\], got 16"):
        start_vae(windows(10), VaeConfig(), generator=torch_stream(0))
