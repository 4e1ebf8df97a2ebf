"""Rules of who reports next, on expected errors: a threshold, an index, and an entropy that a report would reduce.

"The error discriminator in DT evaluates the quality of newly generated status that is utilized to adjust data collection
frequency" (the paper, Procedure of Closed-Loop Network Management). `ErrorDiscriminator` doubles and halves periods.
`RuleDiscriminator` takes its place in the external loop: it corrects the emulator's variances by the errors of the reports
that came (`recalibration`), and ends the period of a user when the rule of that half of the status says so.

The index is the closed form of a small problem. A report costs `price`, and a status of age a costs its expected square
error v(a) in every slot. To report every T slots costs (v(1) + ... + v(T - 1) + price) / T a slot, which falls with T as long
as T v(T) - (v(1) + ... + v(T - 1)) < price. The left side is the index; it is Whittle's for a user alone (Kadota et al. 2018,
"Scheduling policies for minimizing age of information in broadcast wireless networks", gives it for v(a) = a). The rule
waits while it is below the price. A threshold on v(T) alone asks again and again for users whose error grows at once and then
stays: their reports are worth little, and the index leaves them alone.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.messages import Report
from gdt_tutorial.twin.discriminator import DualError
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus
from gdt_tutorial.twin.recalibration import Recalibration
from gdt_tutorial.twin.relative_entropy import ModeChain, relative_entropy_nat

__all__ = ["EntropyThreshold", "ErrorIndex", "ErrorThreshold", "Expected", "ReportRule", "RuleDiscriminator"]


class Expected(NamedTuple):
    """What the twin expects of the coming slot, if a user does not report in it; of one half of the status."""

    square: Float[np.ndarray, "batch user"]  # error, in m^2 or dB^2 per coordinate
    square_sum: Float[np.ndarray, "batch user"]  # of those of the slots since the last report
    age_slots: Int[np.ndarray, "batch user"]  # that the status will have then
    report_nat: Float[np.ndarray, "batch user"]  # by how much a report would reduce the entropy of the slot after it


@runtime_checkable
class ReportRule(Protocol):
    """Says for one half of the status whom to ask."""

    def is_due(self, expected: Expected) -> Bool[np.ndarray, "batch user"]:
        """Say who reports in the coming slot."""
        ...


@configclass
class ErrorThreshold:
    """Asks where the expected error is above a limit."""

    limit: float = parameter(
        2.0, "Root of the expected square error that is tolerated, in m or dB.", "chosen", above=0, below=inf
    )

    def is_due(self, expected: Expected) -> Bool[np.ndarray, "batch user"]:
        """Compare with the limit."""
        return expected.square >= self.limit**2


@configclass
class ErrorIndex:
    """Asks where the index, what waiting for one more slot loses, is above the price of a report."""

    price: float = parameter(
        4.0, "What a report costs, in m^2 or dB^2 per coordinate and slot.", "chosen", above=0, below=inf
    )

    def is_due(self, expected: Expected) -> Bool[np.ndarray, "batch user"]:
        """Compare age times expected square error, minus those since the last report, with the price."""
        return expected.age_slots * expected.square - expected.square_sum >= self.price


@configclass
class EntropyThreshold:
    """Asks where a report would reduce the entropy by more than a limit."""

    limit_nat: float = parameter(1.0, "Reduction that is worth a report, in nat.", "chosen", above=0, below=inf)

    def is_due(self, expected: Expected) -> Bool[np.ndarray, "batch user"]:
        """Compare with the limit."""
        return expected.report_nat >= self.limit_nat


class RuleDiscriminator:
    """Sets collection periods by a rule for each half of the status; takes the place of an `ErrorDiscriminator`.

    The entropies of its `DualError` are relative: what a report would reduce. In the behavior half, what a report says
    about the mode (walking or not) is added to what it says about the position. It learns from the reports of one run, so
    each run needs a new one; periods are told from slot to slot, as a poll of those who are due.

    Args:
        networking: Rule of the SNR.
        behavior: Rule of position and velocity.
        max_period_slots: Nobody stays uncollected for longer.
        recalibrations: Of networking and behavior; None starts new ones. One of great `trust` leaves the variances alone.
    """

    def __init__(
        self,
        networking: ReportRule,
        behavior: ReportRule,
        *,
        max_period_slots: int = 16,
        recalibrations: Sequence[Recalibration] | None = None,
    ) -> None:
        require(max_period_slots > 0, "max_period_slots", "be above 0", max_period_slots, "1 collects always")
        self.max_period_slots = max_period_slots
        both = (Recalibration(), Recalibration()) if recalibrations is None else tuple(recalibrations)
        require(len(both) == 2, "recalibrations", "be two, of networking and behavior", len(both), "leave them out")
        self._halves = (_Half(networking, both[0]), _Half(behavior, both[1]))
        self._chain = ModeChain()
        self._is_walking: np.ndarray | None = None  # at the last report

    def assess(
        self, predicted: EmulatedStatus, upcoming: EmulatedStatus, report: Report
    ) -> tuple[DualError, DualError]:
        """Compare what was emulated with what came, learn from it, and say what is expected of the coming slot.

        Args:
            predicted: What was emulated for the slot of the report, before it came.
            upcoming: What is emulated now for the slot after it.
            report: What was collected.
        """
        came, before = report.is_behavior_collected, self._is_walking
        was_walking = np.zeros(came.shape, dtype=bool) if before is None else before
        is_walking = np.where(came, (report.velocity_mps != 0).any(axis=-1), was_walking)
        if before is not None:
            self._chain.learn(was_walking, self._halves[1].expected.age_slots, is_walking, came)
        networking, behavior = self._halves
        motion = (was_walking, is_walking)
        snr = networking.assess(
            (predicted.snr_db, predicted.snr_std_db, upcoming.snr_std_db),
            report.snr_db, report.is_networking_collected, motion, np.zeros(came.shape),
        )  # fmt: skip
        mode_nat = self._chain.report_value_nat(is_walking, behavior.next_age_slots(came))
        position = behavior.assess(
            (predicted.position_m, predicted.position_std_m, upcoming.position_std_m),
            report.position_m, came, motion, mode_nat,
        )  # fmt: skip
        self._is_walking = is_walking
        return snr, position

    def next_periods(
        self,
        period_slots: tuple[Int[np.ndarray, "batch user"], ...],
        age_slots: tuple[Int[np.ndarray, "batch user"], ...],
        error: tuple[DualError, DualError],
    ) -> tuple[Int[np.ndarray, "batch user"], ...]:
        """End the periods of those whom the rules ask, and let the others last for one more slot.

        The ages are the store's: where a report came late, the status is younger than this class thought.
        """
        for half, age in zip(self._halves, age_slots, strict=True):
            half.expected = half.expected._replace(age_slots=age + 1)
        due = (half.rule.is_due(half.expected) for half in self._halves)
        periods = (np.where(is_due, age + 1, age + 2) for is_due, age in zip(due, age_slots, strict=True))
        return tuple(np.clip(period, 1, self.max_period_slots) for period in periods)


class _Half:
    """One half of the status: its rule, its recalibration, and what is expected of its coming slot."""

    expected: Expected

    def __init__(self, rule: ReportRule, recalibration: Recalibration) -> None:
        self.rule, self._recalibration, self._is_new = rule, recalibration, True
        self._log_std = np.zeros((2, 1))  # right after a report, by mode, of the last slot in which one came

    def next_age_slots(self, is_collected: Bool[np.ndarray, "batch user"]) -> Int[np.ndarray, "batch user"]:
        """Return the age that the status will have in the coming slot."""
        before = np.ones(is_collected.shape, dtype=np.int64) if self._is_new else self.expected.age_slots
        return np.where(is_collected, 1, before + 1)

    def assess(
        self,
        emulated: tuple[np.ndarray, np.ndarray, np.ndarray],
        collected: Float[np.ndarray, "batch user coordinate"],
        is_collected: Bool[np.ndarray, "batch user"],
        motion: tuple[Bool[np.ndarray, "batch user"], Bool[np.ndarray, "batch user"]],
        more_nat: Float[np.ndarray, "batch user"],
    ) -> DualError:
        """Learn from the errors, and expect the coming slot; `emulated` is mean and spread of this one, spread of that."""
        mean, std, next_std = (each[:, :, 0] for each in emulated)
        square, age_slots = ((mean - collected) ** 2).mean(axis=-1), self.next_age_slots(is_collected)
        if not self._is_new:
            variance, old = (std**2).mean(axis=-1), self.expected
            self._recalibration.learn(square, variance, old.age_slots, motion[0], is_collected)
        next_square = self._recalibration.expected((next_std**2).mean(axis=-1), age_slots, motion[1])
        square_sum = np.zeros(square.shape) if self._is_new else self.expected.square_sum + self.expected.square
        report_nat = self._report_nat(next_std, next_square, is_collected, motion[1]) + more_nat
        square_sum = np.where(is_collected, 0.0, square_sum)
        self.expected = Expected(next_square, square_sum, age_slots, report_nat)
        self._is_new = False
        return DualError(mse=np.where(is_collected, square, np.nan), entropy_nat=report_nat)

    def _report_nat(
        self,
        std: Float[np.ndarray, "batch user coordinate"],
        square: Float[np.ndarray, "batch user"],
        is_collected: Bool[np.ndarray, "batch user"],
        is_walking: Bool[np.ndarray, "batch user"],
    ) -> Float[np.ndarray, "batch user"]:
        """Compare recalibrated spreads with those of users in the same mode who reported just now."""
        ratio = np.sqrt(square / (std**2).mean(axis=-1))[..., None]
        true_std = std * ratio
        if self._is_new:
            self._log_std = np.zeros((2, std.shape[-1]))
        for mode in (0, 1):
            fresh = is_collected & (is_walking == bool(mode))
            if fresh.any():
                self._log_std[mode] = np.log(true_std[fresh]).mean(axis=0)
        return relative_entropy_nat(true_std, np.exp(self._log_std)[is_walking.astype(int)])
