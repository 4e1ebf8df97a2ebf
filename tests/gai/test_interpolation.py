"""Between two samples: arcs by hand, the norm is kept, samples from a given start, bad input."""

import math

import pytest
import torch

from gdt_tutorial.gai.diffusion import SamplingConfig, sample, start_denoiser
from gdt_tutorial.gai.interpolation import interpolation_quality, slerp
from gdt_tutorial.seeding import torch_stream


def noise(name, n_samples=200, n_features=6):
    return torch.randn(n_samples, n_features, generator=torch_stream(0, name))


def test_quarter_of_a_right_angle_by_hand():
    found = slerp(torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 2.0]]), 0.25)
    angle = math.pi / 8
    torch.testing.assert_close(found, torch.tensor([[2 * math.cos(angle), 2 * math.sin(angle)]]))


def test_ends_are_the_ends_and_the_norm_is_kept():
    first = noise("first")
    second = noise("second")
    second = second / second.norm(dim=1, keepdim=True) * first.norm(dim=1, keepdim=True)
    torch.testing.assert_close(slerp(first, second, 0.0), first)
    torch.testing.assert_close(slerp(first, second, 1.0), second)
    for share in (0.1, 0.5, 0.8):
        torch.testing.assert_close(slerp(first, second, share).norm(dim=1), first.norm(dim=1))
    assert (((first + second) / 2).norm(dim=1) < first.norm(dim=1)).all()  # a straight line passes inside
    torch.testing.assert_close(slerp(first, first, 0.5), first)


def test_samples_follow_a_given_start():
    model = start_denoiser(noise("data"), generator=torch_stream(0, "model"))
    start = noise("start", 8)
    one, same = (sample(model, 8, generator=torch_stream(seed, "x"), start=start) for seed in (0, 1))
    torch.testing.assert_close(one, same)  # DDIM draws nothing on the way
    other = sample(model, 8, generator=torch_stream(0, "x"), start=-start)
    assert not torch.allclose(one, other)
    # The untrained start is linear: half of the temperature is half of the way from the mean of the data.
    cool = sample(
        model, 8, None, None, SamplingConfig(temperature=0.5), generator=torch_stream(0, "x"), start=start / 4
    )
    warm = sample(model, 8, generator=torch_stream(0, "x"), start=start / 8)
    torch.testing.assert_close(cool, warm)


def test_quality_is_a_ratio_of_means():
    between, first, second = torch.tensor([2.0, 4.0]), torch.tensor([4.0, 4.0]), torch.tensor([2.0, 6.0])
    assert interpolation_quality(between, first, second) == pytest.approx(0.75)


def test_bad_requests_are_refused():
    first = noise("first", 2)
    with pytest.raises(ValueError, match=r"share must lie in \[0, 1\], got 1.5"):
        slerp(first, first, 1.5)
    with pytest.raises(ValueError, match="second must not lie opposite to first"):
        slerp(first, -first, 0.5)
    with pytest.raises(ValueError, match="second must not lie opposite to first, and both have a length"):
        slerp(first, 0 * first, 0.5)
    with pytest.raises(ValueError, match="values of the ends must be above 0 in the mean"):
        interpolation_quality(torch.ones(2), torch.zeros(2), torch.zeros(2))
    model = start_denoiser(first, generator=torch_stream(0, "model"))
    with pytest.raises(ValueError, match=r"start must have shape \(2, 6\), got \(3, 6\)"):
        sample(model, 2, generator=torch_stream(0, "x"), start=noise("start", 3))
