"""The GAN: losses by hand and by law, a world whose law is known, its file, bad input."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.gan import (
    GanConfig,
    PatchDiscriminator,
    crps_of_draws,
    hinge_of_discriminator,
    hinge_of_generator,
    load_generator,
    save_generator,
    square_of_draws,
    square_of_mean,
    start_generator,
    train_gan,
)
from gdt_tutorial.gai.unet import ImageSet
from gdt_tutorial.seeding import torch_stream
from gdt_tutorial.studies.scores import crps_sample

QUICK = GanConfig(
    width=8,
    n_noise=3,
    judge_width=12,
    error_weight=3.0,
    n_updates=250,
    batch_size=32,
    learning_rate=2e-3,
    ema_decay=0.97,
)


def shaded(n_images=256, side=8, seed=0):
    """Return images whose shaded half is all bright or all dark, by the toss of a hidden coin: mean 0, spread 1."""
    generator = torch_stream(seed, "shaded")
    edge = torch.randint(2, side - 1, (n_images, 1, 1), generator=generator)
    shade = (torch.arange(side) >= edge).expand(-1, side, -1).float()
    coin = 2.0 * torch.randint(2, (n_images, 1, 1), generator=generator) - 1
    return ImageSet(
        condition=shade[:, None],
        base=torch.zeros_like(shade),
        target=shade * coin,
        is_scored=torch.ones(shade.shape) > 0,
    )


def test_hinge_by_hand():
    # Real at 2 and 0: costs 0 and 1. Drawn at -3 and 1: costs 0 and 2.
    real, drawn = torch.tensor([2.0, 0.0]), torch.tensor([-3.0, 1.0])
    assert hinge_of_discriminator(real, drawn).item() == 0.5 + 1.0
    assert hinge_of_generator(drawn).item() == 1.0


def test_best_discriminator_of_the_hinge_is_the_sign_of_the_difference():
    # One kind of image, real with probability .7 and drawn with .3: the loss is least at a logit of 1.
    logits = torch.linspace(-3, 3, 601)
    loss = 0.7 * torch.relu(1 - logits) + 0.3 * torch.relu(1 + logits)
    np.testing.assert_allclose(logits[loss.argmin()], 1.0, atol=1e-6)


def test_square_of_mean_ignores_spread():
    generator = torch_stream(0)
    target, is_scored = torch.zeros(1, 400, 400), torch.ones(1, 400, 400) > 0
    first, second = 0.5 + 2 * torch.randn(2, 1, 400, 400, generator=generator)
    np.testing.assert_allclose(square_of_mean(first, second, target, is_scored), 0.25, atol=0.05)
    np.testing.assert_allclose(square_of_draws(first, second, target, is_scored), 4.25, atol=0.05)


def test_square_of_mean_by_hand():
    # Errors of 1 and 3 on one pixel: 3. The other pixel does not count.
    first, second, target = torch.tensor([[[1.0, 9.0]]]), torch.tensor([[[3.0, 9.0]]]), torch.zeros(1, 1, 2)
    assert square_of_mean(first, second, target, torch.tensor([[[True, False]]])).item() == 3.0


def test_score_of_two_draws_is_that_of_a_sample():
    draws = torch.randn(3, 4, 8, 8, generator=torch_stream(0))
    is_scored = torch.rand(4, 8, 8, generator=torch_stream(1)) < 0.5
    expected = crps_sample(draws[:2].numpy(), draws[2].numpy())[is_scored.numpy()].mean()
    np.testing.assert_allclose(crps_of_draws(*draws, is_scored), expected, rtol=1e-5)


def test_the_discriminator_does_not_see_what_does_not_count():
    given = shaded(2)
    judge = PatchDiscriminator(start_generator(given, QUICK, generator=torch_stream(0)), 6, generator=torch_stream(1))
    counts = given.condition[:, 0] > 0
    seen = judge(given.condition, given.base, given.target, counts)
    hidden = judge(given.condition, given.base, torch.where(counts, given.target, 1e6), counts)
    assert torch.equal(seen, hidden)
    assert seen.shape == (2, 2, 2)


@pytest.fixture(scope="module")
def drawn():
    """Return eight fresh images, and draws of a trained generator."""
    fresh = shaded(8, seed=1)
    trained = train_gan(shaded(), QUICK, generator=torch_stream(0))
    return fresh, trained.draw(fresh.condition, fresh.base, 64, generator=torch_stream(2)).numpy()


def test_it_draws_the_law_of_a_known_world(drawn):
    fresh, draws = drawn
    shade = fresh.condition[:, 0].numpy() > 0
    assert 0.7 < draws[:, shade].std() < 1.4
    assert abs(draws[:, shade].mean()) < 0.4
    assert np.abs(draws[:, ~shade]).mean() < 0.2


def test_a_draw_is_bright_or_dark_as_a_whole(drawn):
    fresh, draws = drawn
    shade = fresh.condition[:, 0].numpy() > 0
    of_image = np.array([[draw[mask].mean() for mask, draw in zip(shade, each, strict=True)] for each in draws])
    within = np.array([[draw[mask].std() for mask, draw in zip(shade, each, strict=True)] for each in draws])
    assert of_image.std() > 1.5 * within.mean()


def test_the_usual_square_forbids_spread(drawn):
    fresh, draws = drawn
    usual = train_gan(shaded(), QUICK, error_of=square_of_draws, generator=torch_stream(0))
    shade = fresh.condition[:, 0].numpy() > 0
    timid = usual.draw(fresh.condition, fresh.base, 64, generator=torch_stream(2)).numpy()
    assert timid[:, shade].std(axis=0).mean() < 0.5 * draws[:, shade].std(axis=0).mean()


def test_averaged_weights_are_torchs():
    given, config = shaded(16), replace(QUICK, n_updates=3, ema_decay=0.5)
    seen = []
    averaged = train_gan(given, config, generator=torch_stream(0), on_update=lambda *each: seen.append(each))
    last = train_gan(given, replace(config, ema_decay=1e-9), generator=torch_stream(0))
    assert [update for update, _ in seen] == [0, 1, 2]
    assert not torch.equal(averaged.head.weight, last.head.weight)


def test_same_seed_same_generator():
    given, config = shaded(16), replace(QUICK, n_updates=3)
    one, same, other = (train_gan(given, config, generator=torch_stream(seed)) for seed in (0, 0, 1))
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)


def test_a_loss_that_explodes_is_named():
    with pytest.raises(ValueError, match=r"losses must be finite in update \d+.*lower learning_rate"):
        train_gan(shaded(16), replace(QUICK, learning_rate=1e30), generator=torch_stream(0))


def test_file_gives_the_same_draws(tmp_path):
    given = shaded(4)
    trained = train_gan(given, replace(QUICK, n_updates=5), generator=torch_stream(0))
    save_generator(trained, tmp_path / "generator.safetensors")
    again = load_generator(tmp_path / "generator.safetensors")
    one, same = (each.draw(given.condition, given.base, 2, generator=torch_stream(3)) for each in (trained, again))
    assert torch.equal(one, same)
    assert not again.training


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "generator.safetensors"
    save_generator(start_generator(shaded(2), QUICK, generator=torch_stream(0)), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"path must be a safetensors file"):
        load_generator(path)


def test_a_file_of_another_model_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    start = start_generator(shaded(2), QUICK, generator=torch_stream(0))
    save_generator(start, path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b'\\"width\\": 8', b'\\"width\\": 9'))
    with pytest.raises(ValueError, match=r"path must hold the weights of this model.*differ"):
        load_generator(path)
    path.write_bytes(content.replace(b'\\"width\\"', b'\\"depth\\"'))
    with pytest.raises(ValueError, match=r"path must hold the config of this model"):
        load_generator(path)
