"""The dual-error discriminator: how wrong the emulated status was, how unsure it is, and how often to collect.

"A dual error-based data collection mechanism can utilize the mean squared error (MSE) and entropy to measure the
emulated accuracy for adaptive data collection frequency adjustment" (the paper, GAI-Based Status Emulation). The paper
does not say whose entropy. Here it is the differential entropy of the emulator's predictive Gaussian (our choice):

    h = sum over the coordinates of 1/2 ln(2 pi e std^2)     in nat; it grows by ln(2) each time one std doubles

The MSE needs a collected sample, the entropy does not. So the MSE says after the fact that the emulator is worse than
it thinks, and the entropy says in advance that the next slot will be uncertain. Neither reads what was not collected.

A limit on the entropy spends reports where uncertainty grows fast. That pays as long as a report keeps it low for some
slots. The uncertainty of an SNR saturates within the few slots in which a walker leaves the measured place, so there a
loose limit buys many reports that are worth little, and a fixed period can be the better choice.
"""

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.messages import Report
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus

__all__ = [
    "Discriminator",
    "DiscriminatorConfig",
    "DualError",
    "ErrorDiscriminator",
    "ErrorLimits",
    "gaussian_entropy_nat",
]


def gaussian_entropy_nat(std: Float[np.ndarray, "*shape coordinate"]) -> Float[np.ndarray, "*shape"]:
    """Return the differential entropy of independent Gaussians, summed over the last axis.

    Raises:
        ValueError: a standard deviation that is not positive.
    """
    is_positive = bool((std > 0).all())
    require(is_positive, "std", "be above 0", float(np.min(std, initial=np.inf)), "a certain value has no density")
    return np.asarray(0.5 * np.log(2 * math.pi * math.e * std**2).sum(axis=-1))


@dataclass(frozen=True, kw_only=True)
class DualError:
    """Both errors of one half of the status (behavior or networking), per user."""

    mse: Float[np.ndarray, "batch user"]  # in m^2 or dB^2 per coordinate; NaN where nothing was collected
    entropy_nat: Float[np.ndarray, "batch user"]  # of what the twin will believe about the next slot


@dataclass(frozen=True, kw_only=True)
class ErrorLimits:
    """What counts as wrong and as unsure."""

    mse: float
    entropy_nat: float

    def __post_init__(self) -> None:
        require(self.mse > 0, "mse", "be above 0", self.mse, "pass m^2 or dB^2")
        require(np.isfinite(self.entropy_nat), "entropy_nat", "be finite", self.entropy_nat, "use ErrorLimits.of_std")

    @classmethod
    def of_std(cls, std: float, *, n_coordinates: int = 2, surprise: float = 3.0) -> "ErrorLimits":
        """Tolerate a predictive standard deviation per coordinate (m or dB), and errors of `surprise` times that.

        Raises:
            ValueError: `std` or `surprise` is not positive.
        """
        require(0 < std < np.inf, "std", "be above 0 and finite", std, "pass meters or dB")
        entropy_nat = float(gaussian_entropy_nat(np.full((1, n_coordinates), float(std)))[0])
        return cls(mse=(surprise * std) ** 2, entropy_nat=entropy_nat)


@configclass
class DiscriminatorConfig:
    """When to collect more often, and when less."""

    behavior: ErrorLimits = parameter(ErrorLimits.of_std(1.5), "Tolerated error of a position.", "chosen: a clear gain")
    networking: ErrorLimits = parameter(
        ErrorLimits.of_std(4.5), "Tolerated error of an SNR.", "chosen: above 5 dB no gain"
    )
    shrink: float = parameter(
        0.5, "Factor on the period after a sample above the MSE limit.", "chosen", above=0, at_most=1
    )
    grow: float = parameter(2.0, "Factor on the period after a sample well below it.", "chosen", above=1)
    well_below: float = parameter(
        0.5, "Share of the MSE limit that counts as well below.", "chosen", above=0, at_most=1
    )
    max_period_slots: int = parameter(
        16, "Longest period: nobody stays uncollected for more slots.", "chosen", above=0, remedy="1 collects always"
    )


@runtime_checkable
class Discriminator(Protocol):
    """What the external loop asks of a discriminator; pairs are of networking and behavior."""

    @property
    def max_period_slots(self) -> int:
        """Longest period that it sets."""
        ...

    def assess(
        self, predicted: EmulatedStatus, upcoming: EmulatedStatus, report: Report
    ) -> tuple[DualError, DualError]:
        """Say how wrong the emulated status was, and how unsure that of the coming slot is."""
        ...

    def next_periods(
        self,
        period_slots: tuple[Int[np.ndarray, "batch user"], ...],
        age_slots: tuple[Int[np.ndarray, "batch user"], ...],
        error: tuple[DualError, DualError],
    ) -> tuple[Int[np.ndarray, "batch user"], ...]:
        """Adapt the periods of both halves."""
        ...


class ErrorDiscriminator:
    """Compares emulated with collected status and sets each user's collection period."""

    def __init__(self, config: DiscriminatorConfig = DiscriminatorConfig()) -> None:
        self.config = config

    @property
    def max_period_slots(self) -> int:
        """Longest period that it sets."""
        return self.config.max_period_slots

    def assess(
        self, predicted: EmulatedStatus, upcoming: EmulatedStatus, report: Report
    ) -> tuple[DualError, DualError]:
        """Return the errors of the networking and of the behavior half.

        Args:
            predicted: What was emulated for the slot of the report, before it came.
            upcoming: What is emulated now for the slot after it.
            report: What was collected.
        """
        networking = DualError(
            mse=np.where(report.is_networking_collected, _mse(predicted.snr_db, report.snr_db), np.nan),
            entropy_nat=gaussian_entropy_nat(upcoming.snr_std_db[:, :, 0]),
        )
        behavior = DualError(
            mse=np.where(report.is_behavior_collected, _mse(predicted.position_m, report.position_m), np.nan),
            entropy_nat=gaussian_entropy_nat(upcoming.position_std_m[:, :, 0]),
        )
        return networking, behavior

    def next_periods(
        self,
        period_slots: tuple[Int[np.ndarray, "batch user"], ...],
        age_slots: tuple[Int[np.ndarray, "batch user"], ...],
        error: tuple[DualError, DualError],
    ) -> tuple[Int[np.ndarray, "batch user"], ...]:
        """Adapt the periods of both halves, each by its own limits."""
        limits = (self.config.networking, self.config.behavior)
        return tuple(self.next_period_slots(*part) for part in zip(period_slots, age_slots, error, limits, strict=True))

    def next_period_slots(
        self,
        period_slots: Int[np.ndarray, "batch user"],
        age_slots: Int[np.ndarray, "batch user"],
        error: DualError,
        limits: ErrorLimits,
    ) -> Int[np.ndarray, "batch user"]:
        """Adapt the periods: by the MSE where a sample came, by the entropy everywhere.

        Args:
            period_slots: The periods so far.
            age_slots: Slots since the last collection, 0 where a sample came just now.
            error: Of the same half of the status as `limits`.
            limits: What counts as too much.
        """
        config = self.config
        # 1. A sample above the limit shortens the period, one well below it lengthens it. NaN does neither.
        factor = np.where(error.mse > limits.mse, config.shrink, 1.0)
        factor = np.where(error.mse < config.well_below * limits.mse, config.grow, factor)
        period = np.floor(period_slots * factor).astype(np.int64)
        # 2. Too unsure about the next slot: let the period end there, and collect.
        is_unsure = error.entropy_nat > limits.entropy_nat
        period = np.where(is_unsure, np.minimum(period, age_slots + 1), period)
        return np.clip(period, 1, config.max_period_slots)


def _mse(
    emulated: Float[np.ndarray, "batch user slot coordinate"], collected: Float[np.ndarray, "batch user coordinate"]
) -> Float[np.ndarray, "batch user"]:
    return ((emulated[:, :, 0] - collected) ** 2).mean(axis=-1)
