"""The residual U-Net: starts as the plain estimate, reads its condition, learns; symmetries; bad input."""

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.gan import GanConfig, train_unet
from gdt_tutorial.gai.unet import ImageSet, ResidualUNet, masked_square, with_symmetries
from gdt_tutorial.seeding import torch_stream


def images(n_images=6, side=8, seed=0):
    """Return images whose second plane says where the target is one above the base."""
    generator = torch_stream(seed, "images")
    condition = (torch.rand(n_images, 2, side, side, generator=generator) < 0.5).float()
    base = 10 * torch.randn(n_images, side, side, generator=generator)
    is_scored = torch.rand(n_images, side, side, generator=generator) < 0.8
    return ImageSet(condition=condition, base=base, target=base + condition[:, 1], is_scored=is_scored)


def test_the_start_is_the_base():
    given = images()
    start = ResidualUNet(2, 3, 4, generator=torch_stream(0))
    drawn = start.draw(given.condition, given.base, 2, generator=torch_stream(1))
    np.testing.assert_array_equal(drawn, given.base.expand(2, -1, -1, -1))


def test_same_seed_same_weights():
    one, same, other = (ResidualUNet(2, 0, 4, generator=torch_stream(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.fine[0].weight, other.fine[0].weight)


def test_it_learns_what_the_condition_says():
    given = images(64)
    unet = train_unet(given, GanConfig(width=8, n_updates=150, learning_rate=5e-3), generator=torch_stream(0))
    fresh = images(64, seed=1)
    learned = unet.draw(fresh.condition, fresh.base, 1, generator=torch_stream(2))[0]
    before = masked_square(fresh.base, fresh.target, fresh.is_scored)
    assert masked_square(learned, fresh.target, fresh.is_scored) < 0.1 * before


def test_it_works_on_other_sizes_than_it_learned_on():
    start, given = ResidualUNet(2, 1, 4, generator=torch_stream(0)), images(2, side=12)
    assert start.draw(given.condition, given.base, 1, generator=torch_stream(0)).shape == (1, 2, 12, 12)


def test_noise_has_scales():
    noise = ResidualUNet(2, 3, 4, generator=torch_stream(0)).noise(3, 32, 32, generator=torch_stream(1))
    assert [len(plane.unique()) for plane in noise[0]] == [256, 16, 1]
    assert 0.8 < noise[:, 0].std() < 1.2


def test_scales_come_from_scored_pixels():
    given = images()
    given.target[~given.is_scored] = 1e6
    start = ResidualUNet(2, 0, 4, generator=torch_stream(0))
    start.standardize(given)
    assert 0.1 < start.residual_scale < 1


def test_a_square_has_eight_symmetries():
    given = images(3)
    copies = with_symmetries(given)
    assert len(copies) == 24
    assert len({tuple(target.flatten().tolist()) for target in copies.target}) == 24
    for part, copied in zip(given.parts().values(), copies.parts().values(), strict=True):
        assert torch.equal(copied[:3], part)
        assert torch.equal(copied[12:15], part.flip(-1))
    torch.testing.assert_close(copies.target - copies.base, copies.condition[:, 1], atol=1e-5, rtol=0)


def test_images_that_are_not_square_have_no_turned_copies():
    given = images(2, side=8)
    flat = ImageSet(**{name: part[..., :4, :] for name, part in given.parts().items()})
    with pytest.raises(ValueError, match=r"images must be square, got \(4, 8\)"):
        with_symmetries(flat)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"base": torch.zeros(6, 8, 4)}, r"base must have the shape \(6, 8, 8\), got \(6, 8, 4\)"),
        ({"target": torch.zeros(5, 8, 8)}, r"target must have the shape \(6, 8, 8\), got \(5, 8, 8\)"),
        ({"condition": torch.zeros(6, 8, 8)}, r"condition must be \(image, plane, row, column\).*got \(6, 8, 8\)"),
        ({"condition": torch.zeros(6, 2, 8, 6)}, r"sides of condition must be multiples of 4, got \(8, 6\)"),
        ({"is_scored": torch.zeros(6, 8, 8, dtype=torch.bool)}, r"is_scored must hold a pixel, got 'none'"),
        ({"target": torch.full((6, 8, 8), torch.nan)}, r"target must be finite.*fill pixels"),
    ],
)
def test_bad_images_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ImageSet(**{**images().parts(), **change})


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 1, 4), r"n_planes must be at least 1, got 0"),
        ((2, -1, 4), r"n_noise must be at least 0, got -1"),
        ((2, 1, 0), r"width must be at least 1, got 0"),
    ],
)
def test_bad_sizes_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        ResidualUNet(*sizes, generator=torch_stream(0))


def test_drawing_from_bad_planes_is_refused():
    start, given = ResidualUNet(2, 1, 4, generator=torch_stream(0)), images()
    with pytest.raises(ValueError, match=r"n_draws must be above 0, got 0"):
        start.draw(given.condition, given.base, 0, generator=torch_stream(0))
    with pytest.raises(ValueError, match=r"condition must have 2 planes, got 1"):
        start.draw(given.condition[:, :1], given.base, 1, generator=torch_stream(0))
    with pytest.raises(ValueError, match=r"base must have the shape \(6, 8, 8\), got \(5, 8, 8\)"):
        start.draw(given.condition, given.base[:5], 1, generator=torch_stream(0))
