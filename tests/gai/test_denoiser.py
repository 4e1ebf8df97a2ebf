"""The network of a diffusion model: its start by hand, its size, its file, bad input."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial import checkpoints
from gdt_tutorial.gai.denoiser import BOOK, Denoiser, DiffusionConfig, load_denoiser, save_denoiser
from gdt_tutorial.gai.noise_schedule import NoiseSchedule, cosine_schedule
from gdt_tutorial.seeding import torch_seeded, torch_stream

QUICK = DiffusionConfig(schedule=cosine_schedule(20), n_hidden=8)


def network(config=QUICK):
    """Return a network of two features, three entries of context and a condition, whose last layer speaks."""
    model = Denoiser(2, 3, 1, config, generator=torch_stream(0))
    with torch_seeded(torch_stream(1)):
        torch.nn.init.normal_(model.network.last.weight)
    return model


def inputs(n_samples=9):
    generator = torch_stream(2)
    noisy, context, condition = (torch.randn(n_samples, size, generator=generator) for size in (2, 3, 1))
    return noisy, torch.arange(1, n_samples + 1), context, condition


@torch.no_grad()
def test_start_is_the_best_guess_of_a_gaussian():
    noisy, step, context, condition = inputs()
    share = QUICK.schedule.alpha_bar[step][:, None].float()
    for predicts_noise, factor in ((False, share.sqrt()), (True, (1 - share).sqrt())):
        model = Denoiser(2, 3, 1, replace(QUICK, predicts_noise=predicts_noise), generator=torch_stream(0))
        found = model.predict(noisy, step, context, condition, torch.ones(9, dtype=torch.bool))
        np.testing.assert_allclose(found, factor * noisy, atol=1e-6)
        np.testing.assert_allclose(model.guess(noisy, step, context, condition), share.sqrt() * noisy, atol=1e-5)


@torch.no_grad()
def test_guess_stays_in_the_box():
    model, (noisy, step, context, condition) = network(), inputs()
    model.center.fill_(5.0)
    model.scale.fill_(2.0)
    model.low.fill_(4.9)
    model.high.fill_(5.2)
    found = 5 + 2 * model.guess(noisy, step, context, condition, guidance=4.0)
    assert found.min().item() == pytest.approx(4.9)
    assert found.max().item() == pytest.approx(5.2)


@torch.no_grad()
def test_each_input_is_read_and_a_condition_only_where_it_is_known():
    model, (noisy, step, context, condition) = network(), inputs()
    is_known = torch.arange(9) < 4
    found = model.predict(noisy, step, context, condition, is_known)
    other = model.predict(noisy, step, context, condition + 1, is_known)
    np.testing.assert_array_equal((found != other).all(dim=1), is_known)
    assert (found != model.predict(noisy, step, context + 1, condition, is_known)).all()
    later = model.predict(noisy, step + 1, context, condition, is_known)
    assert (found != later).all()


def test_size_of_the_recipe():
    # 6 features, 12 of context, 1 condition, its mark and 12 waves into 80; two layers with their norms; 6 out.
    model = Denoiser(6, 12, 1, BOOK, generator=torch_stream(0))
    expected = (6 + 12 + 1 + 1 + 12 + 1) * 80 + 2 * (81 * 80 + 2 * 80) + 81 * 6
    assert sum(weight.numel() for weight in model.parameters()) == expected


@torch.no_grad()
@pytest.mark.parametrize("predicts_noise", [False, True])
def test_what_is_loaded_is_what_was_saved(tmp_path, predicts_noise):
    model = network(replace(QUICK, predicts_noise=predicts_noise))
    model.low.fill_(-1.5)
    save_denoiser(model, tmp_path / "denoiser.safetensors")
    loaded = load_denoiser(tmp_path / "denoiser.safetensors")
    np.testing.assert_array_equal(loaded.guess(*inputs()), model.guess(*inputs()))
    assert loaded.config == replace(model.config, fit=loaded.config.fit)
    assert not loaded.training


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "denoiser.safetensors"
    checkpoints.save(network(), path, {"n_features": 2})
    with pytest.raises(ValueError, match="path must hold the config of this model"):
        load_denoiser(path)
    with pytest.raises(ValueError, match="path must be a checkpoint"):
        load_denoiser(tmp_path / "none")


@pytest.mark.parametrize("name", ["n_hidden", "n_layers", "n_updates"])
def test_sizes_are_positive(name):
    with pytest.raises(ValueError, match=f"{name} must be above 0, got 0"):
        DiffusionConfig(**{name: 0})


def test_bad_numbers_are_refused():
    with pytest.raises(ValueError, match=r"condition_dropout must lie in \[0, 1\], got 1.5"):
        DiffusionConfig(condition_dropout=1.5)
    with pytest.raises(ValueError, match="n_features must be above 0, got 0"):
        Denoiser(0, generator=torch_stream(0))
    with pytest.raises(ValueError, match="n_context must be at least 0, got -1"):
        Denoiser(1, -1, generator=torch_stream(0))
    with pytest.raises(ValueError, match="n_condition must be at least 0, got -1"):
        Denoiser(1, 0, -1, generator=torch_stream(0))


def test_default_schedule_is_the_cosine_of_the_recipe():
    assert DiffusionConfig().schedule == NoiseSchedule() == cosine_schedule(50)
