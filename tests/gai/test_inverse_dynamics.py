"""Inverse dynamics: least squares where all is linear, a rule it must not lose to, and the diffuser that acts by it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial.gai.denoiser import DiffusionConfig
from gdt_tutorial.gai.diffusion import SamplingConfig, start_denoiser, train_denoiser
from gdt_tutorial.gai.inverse_dynamics import (
    DecisionDiffuser,
    InverseConfig,
    InverseDynamics,
    explained_share,
    start_inverse,
    train_inverse,
)
from gdt_tutorial.learning import FitConfig
from gdt_tutorial.seeding import torch_stream

PLAIN = InverseConfig(ridge=0.0, n_updates=300)


def linear_steps(n_steps=2000, noise=0.3, seed=0):
    """Return states, actions and the states that follow: s' = A s + B a + noise, all Gaussian."""
    generator = torch_stream(seed, "linear")
    state, action, extra = (torch.randn(n_steps, size, generator=generator) for size in (3, 2, 3))
    drift = torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.8, 0.2], [0.1, 0.0, 0.7]])
    effect = torch.tensor([[1.0, 0.0, 0.5], [0.0, 2.0, -0.5]])
    return state, action + 0.5 * state[:, :2], state @ drift + action @ effect + noise * extra


def test_linear_gaussian_is_least_squares():
    history, action, state = linear_steps()
    model = start_inverse(history, state, action, PLAIN, generator=torch_stream(0))
    known = np.column_stack([history, state, np.ones(len(history))])
    weight = np.linalg.lstsq(known.astype(float), action.numpy().astype(float), rcond=None)[0]
    with torch.no_grad():
        np.testing.assert_allclose(model(history, state), known @ weight, atol=1e-5)


def test_without_noise_the_action_is_found():
    history, action, state = linear_steps(noise=0.0)
    model = start_inverse(history, state, action, PLAIN, generator=torch_stream(0))
    assert explained_share(model, history, state, action) == pytest.approx(1, abs=1e-5)


def test_one_entry_on_paper():
    # Three steps from 0 to -1, 0, 1 by actions -2, 0, 2: twice the state; with ridge 1/3 a share 2/3 / (2/3 + ridge s^2) of it.
    history, state, action = (
        torch.zeros(3, 1),
        torch.tensor([[-1.0], [0.0], [1.0]]),
        torch.tensor([[-2.0], [0.0], [2.0]]),
    )
    for ridge, wanted in ((0.0, 2.0), (1.0, 1.0)):
        model = start_inverse(history, state, action, replace(PLAIN, ridge=ridge), generator=torch_stream(0))
        with torch.no_grad():
            assert model(torch.zeros(1, 1), torch.ones(1, 1)).item() == pytest.approx(wanted, abs=1e-6)


def test_network_adds_what_is_not_linear_and_starts_at_the_rule():
    history, action, _ = linear_steps()
    state = torch.cat([history, action**3], dim=1)
    start = start_inverse(history, state, action, PLAIN, generator=torch_stream(0))
    model = train_inverse(history, state, action, PLAIN, generator=torch_stream(0))
    fresh, wanted, _ = linear_steps(seed=1)
    follows = torch.cat([fresh, wanted**3], dim=1)
    before, after = (explained_share(each, fresh, follows, wanted) for each in (start, model))
    assert after > before + 0.03
    history, action, state = linear_steps()
    model = train_inverse(history, state, action, PLAIN, generator=torch_stream(0))
    start = start_inverse(history, state, action, PLAIN, generator=torch_stream(0))
    fresh, wanted, follows = linear_steps(seed=1)
    before, after = (explained_share(each, fresh, follows, wanted) for each in (start, model))
    assert after > before - 0.01  # where nothing is left to learn it loses little


def test_a_state_that_says_nothing_gives_the_mean_action():
    action = torch.randn(4000, 2, generator=torch_stream(0)) + 3
    history, state = torch.randn(2, 4000, 3, generator=torch_stream(1))
    model = start_inverse(history, state, action, PLAIN, generator=torch_stream(0))
    assert abs(explained_share(model, history, state, action)) < 0.01
    with torch.no_grad():
        np.testing.assert_allclose(model(history, state).mean(dim=0), action.mean(dim=0), atol=1e-4)


def test_diffuser_asks_for_a_state_and_acts_so_that_it_comes():
    # A point on a line: s' = s + a. What is asked for is whether it goes right.
    generator = torch_stream(0)
    history, action = torch.randn(3000, 1, generator=generator), torch.randn(3000, 1, generator=generator)
    state, condition = history + action, (action > 0).float()
    config = DiffusionConfig(n_hidden=32, n_updates=300, fit=FitConfig(batch_size=256, learning_rate=4e-3))
    future = train_denoiser(state, history, condition, config, generator=generator)
    inverse = start_inverse(history, state, action, PLAIN, generator=generator)
    diffuser = DecisionDiffuser(future=future, inverse=inverse, sampling=SamplingConfig(guidance=1.5))
    acts = [diffuser.act(history[:500], torch.full((500, 1), asked), generator=torch_stream(1)) for asked in (0.0, 1.0)]
    assert (acts[0] < 0).float().mean() > 0.9
    assert (acts[1] > 0).float().mean() > 0.9


def test_only_the_first_of_several_states_is_acted_on():
    history, action, state = linear_steps()
    later = torch.cat([state, torch.full((len(state), 3), 9.0)], dim=1)
    future = start_denoiser(later, history, generator=torch_stream(0))
    inverse = start_inverse(history, state, action, PLAIN, generator=torch_stream(0))
    acts = DecisionDiffuser(future=future, inverse=inverse).act(history, generator=torch_stream(1))
    assert acts.shape == action.shape
    with pytest.raises(ValueError, match="future must draw whole states of 3 entries, got 4"):
        DecisionDiffuser(future=start_denoiser(later[:, :4], history, generator=torch_stream(0)), inverse=inverse)
    with pytest.raises(ValueError, match=r"future, inverse must read the same history, got \(0, 3\)"):
        DecisionDiffuser(future=start_denoiser(state, generator=torch_stream(0)), inverse=inverse)


def test_bad_input_is_refused(without_type_checks):
    history, action, state = linear_steps(10)
    with pytest.raises(ValueError, match=r"history, state, action must hold the same number of samples"):
        start_inverse(history[:9], state, action, generator=torch_stream(0))
    model = start_inverse(history, state, action, generator=torch_stream(0))
    with pytest.raises(ValueError, match="state must have 3 entries, got 2"):
        model(history, state[:, :2])
    with pytest.raises(ValueError, match="action must vary"):
        explained_share(model, history, state, torch.ones(10, 2))
    with pytest.raises(ValueError, match="n_state must be above 0, got 0"):
        InverseDynamics(3, 0, 2, generator=torch_stream(0))
