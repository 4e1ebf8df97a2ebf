"""Diffusion: a mixture whose score is known, few steps of a Gaussian by hand, the exact guess, guidance, bad input."""

import math

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.denoiser import Denoiser, DiffusionConfig
from gdt_tutorial.gai.diffusion import (
    SamplingConfig,
    denoising_loss,
    sample,
    sample_chain,
    start_denoiser,
    train_denoiser,
)
from gdt_tutorial.gai.noise_schedule import cosine_schedule, linear_schedule
from gdt_tutorial.learning import FitConfig
from gdt_tutorial.seeding import keep_torch_rng, torch_seeded, torch_stream

SCHEDULE = cosine_schedule(50)
CENTERS = torch.tensor([[1.5, 0.0], [-0.75, 1.3], [-0.75, -1.3]])
WEIGHTS = torch.tensor([0.5, 0.3, 0.2])
WIDTH = 0.2
QUICK = DiffusionConfig(n_hidden=48, n_updates=400, fit=FitConfig(batch_size=256, learning_rate=4e-3, ema_decay=0.98))
EACH = SamplingConfig(n_visited=50)


def mixture(n_samples, seed=0):
    """Draw from three Gaussians of unequal weights."""
    generator = torch_stream(seed, "mixture")
    which = torch.multinomial(WEIGHTS, n_samples, replacement=True, generator=generator)
    return CENTERS[which] + WIDTH * torch.randn(n_samples, 2, generator=generator)


def exact_guess(schedule):
    """Return E[x_0 | x_t] of the mixture, which says the same as its score."""

    def guess(noisy, step):
        signal, noise = schedule.signal(step, noisy), schedule.noise(step, noisy)
        variance = (signal * WIDTH) ** 2 + noise**2
        off = noisy[:, None] - signal[..., None] * CENTERS
        share = (WEIGHTS.log() - (off**2).sum(dim=-1) / (2 * variance)).softmax(dim=1)
        each = CENTERS + (signal * WIDTH**2 / variance)[..., None] * off
        return (share[..., None] * each).sum(dim=1)

    return guess


def mmd_squared(first, second, width=0.7):
    """Return the unbiased square of the maximum mean discrepancy under a Gaussian kernel (Gretton et al. 2012, eq. 3)."""

    def kernel(one, other):
        return (-(torch.cdist(one, other) ** 2) / (2 * width**2)).exp()

    n_samples = len(first)
    within = sum((kernel(each, each).sum() - n_samples) / (n_samples * (n_samples - 1)) for each in (first, second))
    return (within - 2 * kernel(first, second).mean()).item()


def chance(n_samples=1500):
    """Return the largest that twenty pairs of true samples show."""
    return max(
        mmd_squared(mixture(n_samples, 2 * pair + 100), mixture(n_samples, 2 * pair + 101)) for pair in range(20)
    )


def drawn(schedule, config, n_samples=1500, seed=0):
    return sample_chain(exact_guess(schedule), schedule, (n_samples, 2), config, generator=torch_stream(seed, "chain"))


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_mixture_with_its_exact_score_is_sampled_right(eta):
    schedule = cosine_schedule(200)
    found = drawn(schedule, SamplingConfig(n_visited=200, eta=eta))
    assert mmd_squared(found, mixture(1500)) < chance()
    nearest = torch.cdist(found, CENTERS).argmin(dim=1)
    np.testing.assert_allclose(torch.bincount(nearest) / 1500, WEIGHTS, atol=0.05)


def test_a_schedule_that_leaves_data_at_its_end_samples_wrong():
    schedule = linear_schedule(20)
    wrong = mmd_squared(drawn(schedule, SamplingConfig(n_visited=20)), mixture(1500))
    right = mmd_squared(drawn(cosine_schedule(20), SamplingConfig(n_visited=20)), mixture(1500))
    assert wrong > 10 * chance()
    assert right < wrong / 10


@pytest.mark.parametrize("n_visited", [1, 8, 50])
def test_few_steps_of_ddim_shrink_a_gaussian_by_cosines(n_visited):
    start = torch.randn(5, 3, generator=torch_stream(0), dtype=torch.float64)
    config = SamplingConfig(n_visited=n_visited)

    def guess(noisy, step):
        return SCHEDULE.signal(step, noisy) * noisy  # E[x_0 | x_t] of N(0, 1)

    found = sample_chain(guess, SCHEDULE, (5, 3), config, generator=torch_stream(0), dtype=torch.float64)
    angle = SCHEDULE.alpha_bar.sqrt().acos()[[*SCHEDULE.trailing_steps(n_visited), 0]]
    np.testing.assert_allclose(found, start * angle.diff().cos().prod(), atol=1e-6)


def test_untrained_start_is_the_gaussian_whatever_it_predicts():
    vector = mixture(500) * torch.tensor([1.0, 10.0]) + 3
    samples = []
    for predicts_noise in (False, True):
        config = DiffusionConfig(schedule=SCHEDULE, predicts_noise=predicts_noise)
        model = start_denoiser(vector, config=config, generator=torch_stream(0))
        model.low.fill_(-math.inf)
        model.high.fill_(math.inf)
        samples.append(sample(model, 4000, config=EACH, generator=torch_stream(1)))
    np.testing.assert_allclose(samples[0], samples[1], atol=1e-2)
    np.testing.assert_allclose(samples[0].mean(dim=0), vector.mean(dim=0), atol=0.5)
    kept = SCHEDULE.alpha_bar.sqrt().acos().diff().cos().prod()
    np.testing.assert_allclose(samples[0].std(dim=0), vector.std(dim=0) * kept, rtol=0.04)


@pytest.mark.parametrize("predicts_noise", [False, True])
def test_trained_network_nears_the_exact_guess_and_the_mixture(predicts_noise):
    config = DiffusionConfig(n_hidden=48, predicts_noise=predicts_noise, n_updates=400, fit=QUICK.fit)
    vector = mixture(4000, seed=1)
    start = start_denoiser(vector, config=config, generator=torch_stream(0))
    model = train_denoiser(vector, config=config, generator=torch_stream(0))
    nothing, error = torch.zeros(1500, 0), []
    for step in (15, 25, 35):
        at, noise, off = torch.full((1500,), step), torch.randn(1500, 2, generator=torch_stream(3)), []
        for network in (start, model):
            noisy = SCHEDULE.add_noise(network.standardized(mixture(1500)), noise, at)
            with torch.no_grad():
                guess = network.guess(noisy, at, nothing, nothing)
            off.append(((guess - standardized_guess(network, noisy, at)) ** 2).mean().item())
        error.append(off)
    before, after = np.mean(error, axis=0)
    assert after < 0.1 * before
    samples = [sample(network, 1500, config=EACH, generator=torch_stream(1)) for network in (start, model)]
    before, after = (mmd_squared(each, mixture(1500)) for each in samples)
    assert after < 0.1 * before


def standardized_guess(network, noisy, step):
    """Return E[x_0 | x_t] of the standardized mixture."""
    signal, noise = SCHEDULE.signal(step, noisy), SCHEDULE.noise(step, noisy)
    centers, variance = network.standardized(CENTERS), (WIDTH / network.scale) ** 2
    spread = signal[..., None] ** 2 * variance + noise[..., None] ** 2
    off = noisy[:, None] - signal[..., None] * centers
    share = (WEIGHTS.log() - (off**2 / (2 * spread)).sum(dim=-1)).softmax(dim=1)
    return (share[..., None] * (centers + signal[..., None] * variance / spread * off)).sum(dim=1)


def test_guidance_weighs_both_laws():
    generator = torch_stream(0)
    model = Denoiser(2, 3, 1, QUICK, generator=generator)
    with torch_seeded(generator):
        torch.nn.init.normal_(model.network.last.weight)
    noisy, context, condition = (torch.randn(7, size, generator=generator) for size in (2, 3, 1))
    step = torch.arange(1, 8)
    with torch.no_grad():
        none, law, more = (model.guess(noisy, step, context, condition, weight) for weight in (0.0, 1.0, 2.5))
        other = model.guess(noisy, step, context, condition + 1, 0.0)
    assert (none != law).any()
    np.testing.assert_allclose(more, none + 2.5 * (law - none), atol=1e-5)
    np.testing.assert_array_equal(none, other)  # without the condition it is not read


def test_condition_and_guidance_choose_the_mode():
    # Rank 1 asks for the right, but one in five of the log is wrong.
    generator = torch_stream(0)
    condition = (torch.rand(4000, 1, generator=generator) < 0.5).float()
    is_right = torch.where(torch.rand(4000, 1, generator=generator) < 0.2, 1 - condition, condition)
    vector = 2 * is_right - 1 + 0.1 * torch.randn(4000, 1, generator=generator)
    model = train_denoiser(vector, condition=condition, config=QUICK, generator=generator)
    asked, shares = torch.ones(2000, 1), []
    for guidance in (0.0, 1.0, 3.0):
        config = SamplingConfig(n_visited=25, guidance=guidance)
        found = sample(model, 2000, condition=asked, config=config, generator=torch_stream(1))
        shares.append((found > 0).float().mean().item())
    assert shares[0] == pytest.approx(0.5, abs=0.08)
    assert shares[1] == pytest.approx(0.8, abs=0.08)
    assert shares[2] > 0.93
    without = sample(model, 2000, config=SamplingConfig(n_visited=25), generator=torch_stream(1))
    assert (without > 0).float().mean() == shares[0]


def test_context_is_obeyed_and_units_do_not_matter():
    context = torch.rand(4000, 1, generator=torch_stream(0))
    vector = torch.cat([context, -context], dim=1) + 0.02 * torch.randn(4000, 2, generator=torch_stream(1))
    seen = torch.tensor([[0.2], [0.8]]).repeat(200, 1)
    found = []
    for scale in (1.0, 1000.0):
        model = train_denoiser(vector * scale, context * scale, config=QUICK, generator=torch_stream(2))
        found.append(sample(model, 400, seen * scale, config=EACH, generator=torch_stream(3)) / scale)
    assert (found[0] - torch.cat([seen, -seen], dim=1)).abs().mean() < 0.05
    np.testing.assert_allclose(found[0], found[1], atol=0.02)


def test_samples_stay_in_the_box_of_the_data():
    vector = mixture(300)
    model = start_denoiser(vector, generator=torch_stream(0))
    found = sample(model, 2000, config=SamplingConfig(temperature=3.0), generator=torch_stream(1))
    assert (found >= vector.amin(dim=0) - 1e-5).all()
    assert (found <= vector.amax(dim=0) + 1e-5).all()
    assert (found.amax(dim=0) > vector.amax(dim=0) - 1e-3).all()


def test_without_temperature_all_samples_are_one():
    model = start_denoiser(mixture(300), generator=torch_stream(0))
    found = sample(model, 5, config=SamplingConfig(temperature=0.0, eta=1.0), generator=torch_stream(1))
    assert (found == found[0]).all()


def test_loss_of_the_start_is_that_of_a_gaussian():
    # E(x_0 - sqrt(alpha_bar) x_t)^2 = 1 - alpha_bar for unit variance, averaged over steps 1 to T.
    vector = torch.randn(200_000, 1, generator=torch_stream(0))
    nothing = torch.zeros(200_000, 0)
    shares = {False: 1 - SCHEDULE.alpha_bar[1:], True: SCHEDULE.alpha_bar[1:]}
    for predicts_noise, share in shares.items():
        config = DiffusionConfig(schedule=SCHEDULE, predicts_noise=predicts_noise)
        model = start_denoiser(vector, config=config, generator=torch_stream(0))
        with torch.no_grad(), torch_seeded(torch_stream(1)):
            assert denoising_loss(model, vector, nothing, nothing).item() == pytest.approx(
                share.mean().item(), rel=0.02
            )


def test_same_seed_same_network_and_samples():
    config = DiffusionConfig(n_hidden=8, n_updates=20)
    found = []
    for seed in (0, 0, 1):
        with keep_torch_rng():
            torch.manual_seed(len(found))  # the global state says nothing
            model = train_denoiser(mixture(100), config=config, generator=torch_stream(seed))
            found.append(sample(model, 5, generator=torch_stream(seed, "samples")))
    assert (found[0] == found[1]).all()
    assert not (found[0] == found[2]).any()


def test_constant_entries_stay():
    vector = torch.cat([mixture(100), torch.full((100, 1), 7.0)], dim=1)
    model = train_denoiser(vector, config=DiffusionConfig(n_updates=5), generator=torch_stream(0))
    assert (sample(model, 5, generator=torch_stream(1))[:, 2] == 7).all()


def test_bad_training_sets_are_refused(without_type_checks):
    vector = mixture(10)
    with pytest.raises(ValueError, match="vector must hold a sample, got 0"):
        start_denoiser(vector[:0], generator=torch_stream(0))
    with pytest.raises(ValueError, match=r"context must have shape \(10, 3\), got \(9, 3\)"):
        train_denoiser(vector, torch.zeros(9, 3), generator=torch_stream(0))
    with pytest.raises(ValueError, match=r"condition must be finite, got \[nan\]"):
        train_denoiser(vector, condition=torch.tensor([[math.nan]] + 9 * [[0.0]]), generator=torch_stream(0))


def test_bad_requests_are_refused(without_type_checks):
    model = start_denoiser(mixture(10), torch.zeros(10, 2), torch.zeros(10, 1), generator=torch_stream(0))
    context = torch.zeros(4, 2)
    with pytest.raises(ValueError, match="n_samples must be above 0, got 0"):
        sample(model, 0, context[:0], generator=torch_stream(0))
    with pytest.raises(ValueError, match=r"context must have shape \(4, 2\), got \(4, 0\)"):
        sample(model, 4, generator=torch_stream(0))
    with pytest.raises(ValueError, match=r"condition must have shape \(4, 1\), got \(4, 2\)"):
        sample(model, 4, context, context, generator=torch_stream(0))
    with pytest.raises(ValueError, match=r"n_visited must lie in \[1, 50\], got 51"):
        sample(model, 4, context, config=SamplingConfig(n_visited=51), generator=torch_stream(0))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_visited": 0}, "n_visited must be above 0"),
        ({"eta": 1.1}, r"eta must lie in \[0, 1\]"),
        ({"temperature": -0.5}, "temperature must be at least 0"),
        ({"guidance": -1.0}, "guidance must be at least 0"),
    ],
)
def test_bad_sampling_is_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        SamplingConfig(**changes)
