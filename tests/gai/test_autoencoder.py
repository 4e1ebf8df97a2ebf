"""The autoencoder: what it keeps, what it forgets, its scale, its seed, bad input."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from gdt_tutorial.gai.autoencoder import (
    Autoencoder,
    AutoencoderConfig,
    CorrectedComponents,
    correct_components,
    reconstruction_loss,
    train_autoencoder,
)
from gdt_tutorial.learning import FitConfig
from gdt_tutorial.seeding import stream, torch_stream

QUICK = AutoencoderConfig(n_latent=2, fit=FitConfig(n_epochs=25, batch_size=100, learning_rate=1e-2))


def windows(n_users=300, n_slots=6, noise=0.1, seed=0):
    """Return two windows of each user, and what both have in common: two numbers, mixed into three features."""
    rng = stream(seed, "windows")
    habit = rng.normal(size=(n_users, 2))
    shape = np.linspace(0.5, 1, n_slots)[:, None] * np.array([[1.0, 2.0, 0.5]]), np.ones((n_slots, 3)) * [1, -1, 0]
    clean = sum(habit[:, which, None, None] * shape[which] for which in range(2))
    first, later = (clean + noise * rng.normal(size=clean.shape) for _ in range(2))
    return first, later, habit


def explained(latent, habit):
    """Return the share of the habits' variance that a linear map of the latents gives."""
    inputs = np.column_stack([latent, np.ones(len(latent))])
    rest = habit - inputs @ np.linalg.lstsq(inputs, habit, rcond=None)[0]
    return 1 - rest.var() / habit.var()


def test_two_numbers_go_through_a_latent_of_two():
    window, _, habit = windows()
    model, history = train_autoencoder(window, QUICK, generator=torch_stream(0))
    assert history.train_loss[-1] < 0.1 < history.train_loss[0]
    assert explained(model.abstract(window), habit) > 0.9


def test_the_other_window_as_target_forgets_noise():
    # Strong noise of one feature, which a plain autoencoder must keep.
    first, later, habit = windows()
    rng = stream(0, "noise")
    first[..., 2], later[..., 2] = (rng.normal(size=(300, 1)) * np.ones(6) for _ in range(2))
    plain, _ = train_autoencoder(first, QUICK, generator=torch_stream(0))
    predictive, _ = train_autoencoder(first, QUICK, generator=torch_stream(0), target=later)
    assert explained(predictive.abstract(first), habit) > explained(plain.abstract(first), habit) + 0.05


def test_units_of_the_features_make_no_difference():
    window, _, _ = windows(100)
    few = AutoencoderConfig(n_latent=2, fit=FitConfig(n_epochs=3, batch_size=64))
    units = np.array([1e3, 1e-2, 1.0])
    latent = train_autoencoder(window, few, generator=torch_stream(0))[0].abstract(window)
    scaled = train_autoencoder(window * units + 5 * units, few, generator=torch_stream(0))[0]
    np.testing.assert_allclose(scaled.abstract(window * units + 5 * units), latent, atol=1e-3)


def test_constant_feature_does_no_harm():
    window, _, _ = windows(50)
    window[..., 1] = 7.0
    _, history = train_autoencoder(window, AutoencoderConfig(fit=FitConfig(n_epochs=2)), generator=torch_stream(0))
    assert np.isfinite(history.train_loss).all()


def test_axes_before_the_slots_are_kept():
    model = Autoencoder(6, 3, QUICK, generator=torch_stream(0))
    window = windows(10)[0]
    latent = model.abstract(window)
    assert latent.shape == (10, 2)
    np.testing.assert_allclose(model.abstract(window.reshape(2, 5, 6, 3)), latent.reshape(2, 5, 2), atol=1e-6)
    assert model(torch.from_numpy(window).float()).shape == window.shape


def test_same_seed_same_weights():
    window = windows(50)[0]
    few = AutoencoderConfig(fit=FitConfig(n_epochs=2))
    first, again, other = (
        train_autoencoder(window, few, generator=torch_stream(seed))[0].abstract(window) for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert not (first == other).any()


def test_an_untrained_correction_is_principal_components():
    window = windows(200)[0]
    scaled = (window - window.mean(axis=(0, 1))) / window.std(axis=(0, 1))
    other = PCA(n_components=2).fit(scaled.reshape(200, -1))
    wanted = other.inverse_transform(other.transform(scaled.reshape(200, -1))).reshape(scaled.shape)
    inputs = torch.from_numpy(window).float()
    model = CorrectedComponents(inputs, QUICK, generator=torch_stream(0))
    loss = reconstruction_loss(model, inputs, inputs).item()
    np.testing.assert_allclose(loss, ((wanted - scaled) ** 2).mean(), rtol=1e-4)
    latent = model.encode(inputs)
    torch.testing.assert_close(latent.std(dim=0, correction=0), torch.ones(2), rtol=1e-4, atol=1e-4)


def test_a_correction_learns_what_no_line_can():
    angle = stream(0, "angles").uniform(-np.pi, np.pi, size=(400, 1))
    window = np.stack([np.cos(angle), np.sin(angle)], axis=-1)  # a circle, which one number can name
    config = AutoencoderConfig(n_latent=1, fit=FitConfig(n_epochs=60, batch_size=50, learning_rate=1e-2))
    model, history = correct_components(window, config, generator=torch_stream(0))
    assert history.train_loss[-1] < 0.6 * history.train_loss[0]
    assert not model.training


def test_a_code_longer_than_there_are_windows_is_refused():
    with pytest.raises(ValueError, match="window must hold more than 2 users, got 2"):
        correct_components(windows(2)[0], QUICK, generator=torch_stream(0))


@pytest.mark.parametrize("name", ["n_latent", "n_hidden", "n_kernel"])
def test_sizes_are_positive(name):
    with pytest.raises(ValueError, match=f"{name} must be above 0, got 0"):
        AutoencoderConfig(**{name: 0})


def test_even_kernel_is_refused():
    with pytest.raises(ValueError, match="n_kernel must be odd, got 4"):
        AutoencoderConfig(n_kernel=4)


def test_empty_window_is_refused():
    with pytest.raises(ValueError, match="n_features must be above 0, got 0"):
        Autoencoder(6, 0, generator=torch_stream(0))


def test_gaps_are_refused():
    window = windows(5)[0]
    window[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"window must be finite, got \[nan\]"):
        train_autoencoder(window, generator=torch_stream(0))
    with pytest.raises(ValueError, match=r"window must be finite, got \[nan\]"):
        Autoencoder(6, 3, generator=torch_stream(0)).abstract(window)


def test_no_user_is_refused():
    with pytest.raises(ValueError, match="window must hold a user, got 0"):
        train_autoencoder(np.zeros((0, 6, 3)), generator=torch_stream(0))
