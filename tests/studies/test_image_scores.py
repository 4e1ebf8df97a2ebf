"""Image scores: equal to torchmetrics', by hand, the price of a draw, and bad input."""

import numpy as np
import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.image_scores import psnr_db, ssim


def pairs(seed=0, n_images=5, shape=(32, 24)):
    """Return rough images, and what comes out when a part of each is replaced by noise."""
    rng = stream(seed, "images")
    truth = 100 + np.cumsum(rng.normal(size=(n_images, *shape)), axis=-1)
    return truth + rng.normal(size=truth.shape) * np.arange(1, n_images + 1)[:, None, None], truth


def test_psnr_is_that_of_torchmetrics():
    image, truth = pairs()
    for one, other, value in zip(image, truth, psnr_db(image, truth, 75.0), strict=True):
        expected = peak_signal_noise_ratio(torch.tensor(one), torch.tensor(other), data_range=75.0)
        np.testing.assert_allclose(value, expected, atol=1e-5)


def test_ssim_is_that_of_torchmetrics():
    image, truth = pairs()
    for one, other, value in zip(image, truth, ssim(image, truth, 75.0), strict=True):
        both = torch.tensor(one)[None, None], torch.tensor(other)[None, None]
        expected = structural_similarity_index_measure(*both, data_range=75.0)
        np.testing.assert_allclose(value, expected, atol=1e-5)


def test_psnr_by_hand():
    # Off by 7.5 everywhere, a tenth of the range: 20 dB.
    truth = np.zeros((4, 4))
    np.testing.assert_allclose(psnr_db(truth + 7.5, truth, 75.0), 20.0)


def test_pixels_that_do_not_count_are_left_out():
    truth, counts = np.zeros((2, 4, 4)), np.ones((2, 4, 4), bool)
    image = truth + 7.5
    image[:, 0], counts[:, 0] = 1e6, False
    np.testing.assert_allclose(psnr_db(image, truth, 75.0, counts), 20.0)


def test_a_fair_draw_pays_three_decibels():
    rng = stream(0, "law")
    mean = np.zeros((50, 32, 32))
    truth, draw = mean + rng.normal(size=mean.shape), mean + rng.normal(size=mean.shape)
    price_db = (psnr_db(mean, truth, 10.0) - psnr_db(draw, truth, 10.0)).mean()
    np.testing.assert_allclose(price_db, 10 * np.log10(2), atol=0.05)


def test_an_image_is_like_itself():
    truth = pairs()[1]
    np.testing.assert_allclose(ssim(truth, truth, 75.0), 1.0)


@pytest.mark.parametrize("score", [psnr_db, ssim])
def test_range_must_be_above_zero(score):
    with pytest.raises(ValueError, match=r"full_range must be above 0, got 0\.0; pass the span"):
        score(*pairs(), 0.0)


def test_an_image_without_scored_pixels_is_refused():
    image, truth = pairs()
    with pytest.raises(ValueError, match=r"is_scored must hold a pixel of each image, got 0; say which"):
        psnr_db(image, truth, 75.0, np.zeros(image.shape, bool))


def test_a_small_image_is_refused():
    with pytest.raises(ValueError, match=r"image must have sides of 11 pixels or more, got \(10, 32\)"):
        ssim(np.zeros((10, 32)), np.zeros((10, 32)), 75.0)
