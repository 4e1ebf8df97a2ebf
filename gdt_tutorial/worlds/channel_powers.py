"""Power for parallel channels: one decision is best, and everybody knows it.

"Since the network management problem is usually complex and non-convex" (the paper, GAI-Based Decision-Making), it wants
generated decisions. This problem is neither. A sender spreads its power over parallel Gaussian channels whose gains it knows:

    efficiency = mean over channels of log2(1 + gain power)   [bit/s/Hz]       powers >= 0, their mean is 1

The optimum is closed form, up to the level of the water: power = max(0, level - 1 / gain), with the level at which the powers
are used up (Shannon 1949; Cover and Thomas 2006, sec. 9.4). There is one for each set of gains, continuous in them. The
efficiency is concave: a mean of decisions is worth at least the mean of their values. Regression has all it needs here.

What is abstract: independent Rayleigh fading, gains known without error, one sender.
"""

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import configclass, parameter, require

__all__ = ["ChannelPowers", "ChannelPowersConfig"]


@configclass
class ChannelPowersConfig:
    """The channels, and how logs come about."""

    n_channels: int = parameter(8, "Parallel channels.", "chosen", above=0)
    mean_snr_db: float = parameter(3.0, "Mean gain of a channel, at a power of 1.", "chosen: some channels stay dry")
    concentration: float = parameter(
        1.0, "Of the Dirichlet law of random powers; 1 is uniform over all divisions.", "chosen", above=0
    )


class ChannelPowers:
    """Gains, powers, and what they are worth.

    >>> problem = ChannelPowers(ChannelPowersConfig(n_channels=2))
    >>> problem.water_filling(np.array([[1.0, 0.5]])).tolist()
    [[1.5, 0.5]]
    >>> problem.water_filling(np.array([[1.0, 0.2]])).tolist()
    [[2.0, 0.0]]
    """

    def __init__(self, config: ChannelPowersConfig = ChannelPowersConfig()) -> None:
        self.config = config

    def draw_gains(self, n_samples: int, *, rng: np.random.Generator) -> Float[np.ndarray, "batch channel"]:
        """Draw gains of Rayleigh fading."""
        mean = 10 ** (self.config.mean_snr_db / 10)
        return mean * rng.exponential(size=(n_samples, self.config.n_channels))

    def efficiency(
        self, gain: Float[np.ndarray, "batch channel"], power: Float[np.ndarray, "batch channel"]
    ) -> Float[np.ndarray, " batch"]:
        """Return the spectral efficiency in bit/s/Hz.

        Raises:
            ValueError: Powers below 0, or whose mean is above 1.
        """
        least, most = float(power.min()), float(power.mean(axis=1).max())
        require(least >= 0 and most <= 1 + 1e-6, "power", "be at least 0, of mean 1", (least, most), "see `feasible`")
        return np.log2(1 + gain * power).mean(axis=1)

    def feasible(self, power: Float[np.ndarray, "batch channel"]) -> Float[np.ndarray, "batch channel"]:
        """Return what a sender can do of a raw decision: nothing below 0, and all of the power is used."""
        positive = np.maximum(power, 0) + 1e-12
        return positive / positive.mean(axis=1, keepdims=True)

    def water_filling(self, gain: Float[np.ndarray, "batch channel"]) -> Float[np.ndarray, "batch channel"]:
        """Return the optimum.

        With the k best channels in use the level is (n + sum of their 1 / gain) / k. The largest k whose worst channel is still
        below its level is the right one.

        Raises:
            ValueError: A gain that is not above 0.
        """
        require(bool((gain > 0).all()), "gain", "be above 0", float(gain.min()), "leave out dead channels")
        ground = np.sort(1 / gain, axis=1)
        n_used = np.arange(1, gain.shape[1] + 1)
        level = (gain.shape[1] + ground.cumsum(axis=1)) / n_used
        best = (level > ground).sum(axis=1) - 1
        return np.maximum(level[np.arange(len(gain)), best][:, None] - 1 / gain, 0)

    def mixed_powers(
        self, gain: Float[np.ndarray, "batch channel"], *, rng: np.random.Generator
    ) -> Float[np.ndarray, "batch channel"]:
        """Draw logged powers of mixed quality: each lies somewhere between the optimum and a division at random."""
        n_samples, n_channels = gain.shape
        blind = n_channels * rng.dirichlet(np.full(n_channels, self.config.concentration), size=n_samples)
        share = rng.random((n_samples, 1))
        return share * blind + (1 - share) * self.water_filling(gain)
