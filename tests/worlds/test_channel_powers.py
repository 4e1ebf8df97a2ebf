"""Channel powers: water-filling against SLSQP and the optimality conditions, logs, bad input."""

import numpy as np
import pytest
from scipy.optimize import minimize

from gdt_tutorial.seeding import stream
from gdt_tutorial.worlds.channel_powers import ChannelPowers, ChannelPowersConfig

PROBLEM = ChannelPowers()


def gains(n_samples=200, seed=0):
    return PROBLEM.draw_gains(n_samples, rng=stream(seed, "gains"))


def test_water_filling_equals_slsqp():
    for gain in gains(8):
        found = minimize(
            lambda power, gain=gain: -np.log2(1 + gain * power).mean(),
            np.ones(8),
            method="SLSQP",
            bounds=[(0, 8)] * 8,
            constraints={"type": "eq", "fun": lambda power: power.mean() - 1},
            options={"ftol": 1e-12},
        )
        np.testing.assert_allclose(PROBLEM.water_filling(gain[None])[0], found.x, atol=2e-4)


def test_all_power_is_used_and_the_water_is_level():
    gain = gains()
    power = PROBLEM.water_filling(gain)
    np.testing.assert_allclose(power.mean(axis=1), 1)
    level = np.where(power > 0, power + 1 / gain, np.nan)
    np.testing.assert_allclose(np.nanmax(level, axis=1), np.nanmin(level, axis=1))
    assert (np.where(power > 0, np.inf, 1 / gain) >= np.nanmax(level, axis=1)[:, None] - 1e-9).all()
    assert 0.05 < (power == 0).mean() < 0.6  # some channels stay dry


def test_water_filling_is_best_and_logs_lie_between():
    gain = gains(2000)
    logged = PROBLEM.mixed_powers(gain, rng=stream(0, "powers"))
    np.testing.assert_allclose(logged.mean(axis=1), 1)
    best, some = PROBLEM.efficiency(gain, PROBLEM.water_filling(gain)), PROBLEM.efficiency(gain, logged)
    assert (some <= best + 1e-12).all()
    blind = PROBLEM.feasible(stream(0, "blind").exponential(size=gain.shape))
    assert PROBLEM.efficiency(gain, blind).mean() < some.mean() < best.mean()


def test_feasible_by_hand():
    problem = ChannelPowers(ChannelPowersConfig(n_channels=2))
    np.testing.assert_allclose(
        problem.feasible(np.array([[-1.0, 3.0], [1.0, 3.0], [-1.0, -2.0]])), [[0, 2], [0.5, 1.5], [1, 1]], atol=1e-9
    )
    assert problem.efficiency(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))[0] == pytest.approx(1.5)


def test_mean_gain_is_as_configured():
    assert 10 * np.log10(gains(20_000).mean()) == pytest.approx(3.0, abs=0.1)


def test_bad_requests_are_refused():
    gain = gains(2)
    with pytest.raises(ValueError, match="power must be at least 0, of mean 1"):
        PROBLEM.efficiency(gain, np.full((2, 8), 1.1))
    with pytest.raises(ValueError, match="power must be at least 0, of mean 1"):
        PROBLEM.efficiency(gain, np.linspace(-1, 1, 16).reshape(2, 8))
    with pytest.raises(ValueError, match="gain must be above 0"):
        PROBLEM.water_filling(0 * gain)
    with pytest.raises(ValueError, match="mean_snr_db|n_channels must be above 0, got 0"):
        ChannelPowersConfig(n_channels=0)
