"""The noise schedule: diffusers' tables and steps, Bayes' rule by hand, DDIM against DDPM, spacing, bad input."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler

from gdt_tutorial.gai.noise_schedule import NoiseSchedule, cosine_schedule, linear_schedule
from gdt_tutorial.seeding import torch_stream

SCHEDULES = {"linear": linear_schedule(1000), "cosine": cosine_schedule(50)}
NAMES = {"linear": "linear", "cosine": "squaredcos_cap_v2"}
N_VISITED = 10


def peer(scheduler, name, **changes):
    """Return diffusers' scheduler with the schedule of that name."""
    schedule = SCHEDULES[name]
    made = scheduler(
        num_train_timesteps=schedule.n_steps,
        beta_schedule=NAMES[name],
        timestep_spacing="trailing",
        clip_sample_range=2.0,
        **changes,
    )
    made.set_timesteps(N_VISITED)
    return made


def exact(scheduler, name, **changes):
    """Return the same with our table in double precision: its own, of single, is compared by itself."""
    made = peer(scheduler, name, **changes)
    made.alphas_cumprod = SCHEDULES[name].alpha_bar[1:]
    return made


def normal(n_tensors, seed=0):
    return torch.randn(n_tensors, 64, 3, generator=torch_stream(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_is_that_of_diffusers(name):
    schedule, scheduler = SCHEDULES[name], peer(DDPMScheduler, name)
    np.testing.assert_allclose(schedule.beta, scheduler.betas, atol=1e-6)
    np.testing.assert_allclose(schedule.alpha_bar[1:], scheduler.alphas_cumprod, atol=1e-6)
    assert schedule.alpha_bar[0] == 1


@pytest.mark.parametrize("name", SCHEDULES)
def test_forward_noising_is_that_of_diffusers(name):
    schedule, scheduler = SCHEDULES[name], exact(DDPMScheduler, name)
    clean, noise = normal(2)
    step = torch.randint(1, schedule.n_steps + 1, (64,), generator=torch_stream(1))
    expected = scheduler.add_noise(clean, noise, step - 1)  # diffusers counts from 0
    np.testing.assert_allclose(schedule.add_noise(clean, noise, step), expected, atol=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("scheduler", [DDPMScheduler, DDIMScheduler])
def test_trailing_steps_are_those_of_diffusers(scheduler, name):
    expected = peer(scheduler, name).timesteps + 1
    assert SCHEDULES[name].trailing_steps(N_VISITED) == tuple(expected.tolist())


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("predicts_noise", [False, True])
def test_reverse_step_of_ddpm_is_that_of_diffusers(monkeypatch, name, predicts_noise):
    schedule = SCHEDULES[name]
    kind = "epsilon" if predicts_noise else "sample"
    scheduler = exact(DDPMScheduler, name, prediction_type=kind, variance_type="fixed_small")
    noisy, guess, noise = normal(3)
    path = "diffusers.schedulers.scheduling_ddpm.randn_tensor"
    monkeypatch.setattr(path, lambda *arguments, **keywords: noise)
    visited = (*schedule.trailing_steps(N_VISITED), 0)
    for step, earlier in pairwise(visited):
        expected = scheduler.step(guess, step - 1, noisy).prev_sample
        clean = guess
        if predicts_noise:
            clean = schedule.clean_from_noise(noisy, guess, torch.full((64,), step))
        found = schedule.ddpm_step(noisy, clean.clamp(-2, 2), step, earlier, noise)
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("predicts_noise", [False, True])
@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_reverse_step_of_ddim_is_that_of_diffusers(name, predicts_noise, eta):
    schedule = SCHEDULES[name]
    scheduler = exact(DDIMScheduler, name, prediction_type="epsilon" if predicts_noise else "sample")
    noisy, guess, noise = normal(3)
    visited = (*schedule.trailing_steps(N_VISITED), 0)
    for step, earlier in pairwise(visited):
        expected = scheduler.step(
            guess, step - 1, noisy, eta=eta, variance_noise=noise, use_clipped_model_output=True
        ).prev_sample
        clean = guess
        if predicts_noise:
            clean = schedule.clean_from_noise(noisy, guess, torch.full((64,), step))
        found = schedule.ddim_step(noisy, clean.clamp(-2, 2), step, earlier, noise, eta)
        np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(("step", "earlier"), [(50, 49), (50, 30), (7, 1), (1, 0), (3, 0)])
def test_posterior_is_bayes_rule(step, earlier):
    # x_s given x_0 and x_t: a prior N(sqrt(there) x_0, 1 - there), seen through x_t = sqrt(kept) x_s + noise.
    schedule = SCHEDULES["cosine"]
    here, there = schedule.alpha_bar[step].item(), schedule.alpha_bar[earlier].item()
    noisy, clean = normal(2)
    prior, kept = 1 - there, here / there
    gain = math.sqrt(kept) * prior / (kept * prior + 1 - kept)
    expected = math.sqrt(there) * clean + gain * (noisy - math.sqrt(kept * there) * clean)
    mean, variance = schedule.posterior(noisy, clean, step, earlier)
    np.testing.assert_allclose(mean, expected, atol=1e-12)
    assert variance == pytest.approx((1 - math.sqrt(kept) * gain) * prior, abs=1e-12)


def test_one_jump_equals_single_steps():
    # Variance and signal after x_t = sqrt(1 - beta) x_t-1 + sqrt(beta) eps, again and again.
    schedule = linear_schedule(20)
    signal, variance = 1.0, 0.0
    for step, beta in enumerate(schedule.beta, start=1):
        signal, variance = signal * math.sqrt(1 - beta), (1 - beta) * variance + beta
        one = torch.ones(1, dtype=torch.float64)
        assert schedule.signal(torch.tensor([step]), one).item() == pytest.approx(signal)
        assert schedule.noise(torch.tensor([step]), one).item() == pytest.approx(math.sqrt(variance))


def test_ddim_with_all_noise_is_ddpm():
    schedule = SCHEDULES["cosine"]
    noisy, clean, noise = normal(3)
    for step, earlier in ((50, 44), (44, 43), (2, 1), (1, 0)):
        expected = schedule.ddpm_step(noisy, clean, step, earlier, noise)
        np.testing.assert_allclose(schedule.ddim_step(noisy, clean, step, earlier, noise, 1.0), expected, atol=1e-9)


def test_ddim_that_knows_the_data_returns_along_its_way():
    schedule = SCHEDULES["cosine"]
    clean, eps, other = normal(3)
    here, there = (schedule.add_noise(clean, eps, torch.full((64,), step)) for step in (40, 13))
    np.testing.assert_allclose(schedule.ddim_step(here, clean, 40, 13, other), there, atol=1e-12)
    np.testing.assert_allclose(schedule.ddim_step(here, clean, 40, 0, other), clean, atol=1e-12)


def test_both_guesses_say_the_same():
    schedule = SCHEDULES["cosine"]
    clean, noise = normal(2)
    step = torch.randint(1, 50, (64,), generator=torch_stream(1))
    noisy = schedule.add_noise(clean, noise, step)
    np.testing.assert_allclose(schedule.clean_from_noise(noisy, noise, step), clean, atol=1e-9)
    np.testing.assert_allclose(schedule.noise_from_clean(noisy, clean, step), noise, atol=1e-9)


def test_end_of_the_chain_is_noise():
    assert SCHEDULES["cosine"].alpha_bar[-1] < 0.01
    assert SCHEDULES["linear"].alpha_bar[-1] < 0.01
    assert linear_schedule(20).alpha_bar[-1].item() == pytest.approx(0.82, abs=0.005)  # and this is not


def test_spacing_that_is_not_whole_begins_at_the_end_and_has_no_gap():
    assert SCHEDULES["cosine"].trailing_steps(8) == (50, 44, 38, 31, 25, 19, 12, 6)
    assert SCHEDULES["cosine"].trailing_steps(50) == tuple(range(50, 0, -1))
    for n_visited in range(1, 51):
        assert len(set(SCHEDULES["cosine"].trailing_steps(n_visited))) == n_visited


def test_precision_and_further_axes_are_kept():
    schedule = SCHEDULES["cosine"]
    clean = torch.ones(2, 3, 4)
    noisy = schedule.add_noise(clean, torch.zeros_like(clean), torch.tensor([0, 25]))
    assert noisy.dtype == torch.float32
    assert (noisy[0] == 1).all()
    np.testing.assert_allclose(noisy[1], schedule.alpha_bar[25].sqrt())


def test_schedules_are_compared_by_value():
    assert cosine_schedule(50) == NoiseSchedule()
    assert cosine_schedule(10) != linear_schedule(10)


@pytest.mark.parametrize("make", [linear_schedule, cosine_schedule])
def test_no_step_is_refused(make):
    with pytest.raises(ValueError, match="n_steps must be above 0, got 0; 50 are enough"):
        make(0)


def test_bad_betas_are_refused():
    with pytest.raises(ValueError, match=r"beta must hold a number for each step, got \(\)"):
        NoiseSchedule(beta=())
    with pytest.raises(ValueError, match=r"beta must hold numbers, each in \(0, 1\), got \(0.1, 1.0\)"):
        NoiseSchedule(beta=(0.1, 1.0))
    with pytest.raises(ValueError, match="offset must be at least 0, got -0.1"):
        cosine_schedule(10, offset=-0.1)
    with pytest.raises(ValueError, match=r"largest must lie in \(0, 1\), got 1.0"):
        cosine_schedule(10, largest=1.0)


def test_bad_steps_are_refused():
    schedule = SCHEDULES["cosine"]
    clean, noise = normal(2)
    with pytest.raises(ValueError, match=r"step must lie in \[0, 50\], got \[51, 51, 51\]"):
        schedule.add_noise(clean, noise, torch.full((64,), 51))
    with pytest.raises(ValueError, match=r"earlier, step must be ordered within \[0, 50\], got \(3, 3\)"):
        schedule.ddpm_step(noise, clean, 3, 3, noise)
    with pytest.raises(ValueError, match=r"earlier, step must be ordered within \[0, 50\], got \(50, 51\)"):
        schedule.ddim_step(noise, clean, 51, 50, noise)
    with pytest.raises(ValueError, match=r"n_visited must lie in \[1, 50\], got 51"):
        schedule.trailing_steps(51)
    with pytest.raises(ValueError, match=r"eta must lie in \[0, 1\], got 1.5"):
        schedule.ddim_step(noise, clean, 5, 4, noise, eta=1.5)
