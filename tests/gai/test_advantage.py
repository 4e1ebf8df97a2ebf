"""Advantages: a known law is recovered, logged chance is taken out, ranks by hand, bad input."""

import numpy as np
import pytest

from gdt_tutorial.gai.advantage import advantage, rank_of
from gdt_tutorial.seeding import stream

N_EPISODES, N_SLOTS = 40, 100


def logged(noise=1.0, seed=0):
    """Return state, logged chance, true advantage, episode and return of decisions of two kinds."""
    rng = stream(seed, "log")
    state = rng.normal(size=(N_EPISODES * N_SLOTS, 2))
    chance = rng.normal(size=len(state))
    good = rng.choice([-1.0, 1.0], size=len(state))
    episode = np.repeat(np.arange(N_EPISODES), N_SLOTS)
    returns = 3 * np.abs(state[:, 0]) + state[:, 1] + noise * chance + 0.3 * good
    return state, chance, 0.3 * good, episode, returns


def test_what_the_state_says_is_taken_out():
    state, _, truth, episode, returns = logged(noise=0.0)
    found = advantage(returns, state, episode)
    assert np.corrcoef(found, truth)[0, 1] > 0.7
    assert np.corrcoef(returns, truth)[0, 1] < 0.2
    assert abs(found.mean()) < 0.05


def test_logged_chance_lowers_the_noise():
    state, chance, truth, episode, returns = logged()
    with_chance = advantage(returns, np.column_stack([state, chance]), episode)
    without = advantage(returns, state, episode)
    assert ((with_chance - truth) ** 2).mean() < 0.2 * ((without - truth) ** 2).mean()


def test_no_return_explains_itself():
    # Nothing can be known of pure noise: an advantage that was fitted to itself would be smaller than the return.
    noise, episode = stream(0, "noise").normal(size=400), np.arange(400) // 10
    found = advantage(noise, np.arange(400.0)[:, None], episode)
    assert found.var() > noise.var()


def test_ranks_by_hand():
    np.testing.assert_allclose(rank_of(np.array([5.0, 1.0, 3.0, 3.0, 9.0])), [0.75, 0, 0.375, 0.375, 1])


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="n_folds must be above 1, got 1"):
        advantage(np.zeros(4), np.zeros((4, 1)), np.arange(4), n_folds=1)
    with pytest.raises(ValueError, match="episode must name 2 or more, got 1"):
        advantage(np.zeros(4), np.zeros((4, 1)), np.zeros(4, dtype=int))
    with pytest.raises(ValueError, match="values must hold two or more, got 1"):
        rank_of(np.zeros(1))
