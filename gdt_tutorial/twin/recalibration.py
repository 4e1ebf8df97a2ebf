"""Expected square errors of an emulator, learned from the reports that come: its variances, made true.

"A dual error-based data collection mechanism can utilize the mean squared error (MSE) and entropy to measure the emulated
accuracy" (the paper, GAI-Based Status Emulation). The entropy says in advance how unsure the emulator is, the MSE says after
the fact how wrong it was. Here the second corrects the first: of all reports that came at one age, from users who walked or
stood still at the report before,

    expected square error = variance * (sum of square errors + k variance) / (sum of variances + k variance)

Sums forget at a constant rate, and `k` reports' worth of trust in the emulator keeps the ratio near 1 where few came. The
paper gives no such formula. It is the usual ratio estimator, with shrinkage.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import configclass, parameter, require

__all__ = ["Recalibration", "RecalibrationConfig"]


@configclass
class RecalibrationConfig:
    """How fast the variances are corrected."""

    trust: float = parameter(
        4.0, "Reports of one age that weigh as much as the emulator's own word.", "chosen", above=0
    )
    memory: float = parameter(0.98, "Weight of a report one slot later.", "chosen: 50 slots", above=0, at_most=1)
    max_age_slots: int = parameter(20, "Ages from here on count as one.", "as MEMORY_SLOTS", above=0)


class Recalibration:
    """Learns how much larger square errors are than the variances that an emulator gives, by age and motion.

    An emulator that is half as wrong as it says (in standard deviation):

    >>> learned = Recalibration(RecalibrationConfig(memory=1.0))
    >>> age, still, all_users = np.ones((1, 400), int), np.zeros((1, 400), bool), np.ones((1, 400), bool)
    >>> learned.learn(np.full((1, 400), 1.0), np.full((1, 400), 4.0), age, still, all_users)
    >>> learned.expected(np.full((1, 2), 4.0), age[:, :2], still[:, :2]).round(2)
    array([[1.03, 1.03]])
    """

    def __init__(self, config: RecalibrationConfig = RecalibrationConfig()) -> None:
        self._config = config
        self._square, self._variance = (np.zeros((2, config.max_age_slots + 1)) for _ in range(2))

    def learn(
        self,
        square: Float[np.ndarray, "batch user"],
        variance: Float[np.ndarray, "batch user"],
        age_slots: Int[np.ndarray, "batch user"],
        is_walking: Bool[np.ndarray, "batch user"],
        is_collected: Bool[np.ndarray, "batch user"],
    ) -> None:
        """Take in the reports of one slot.

        Args:
            square: Square error of what was emulated, per coordinate; read where collected alone.
            variance: What the emulator said of it.
            age_slots: Slots since the report before, 1 for one of the last slot.
            is_walking: Whether the user walked then.
            is_collected: Who reported.

        Raises:
            ValueError: a square error of a reported user that is no number.
        """
        n_bad = int((~np.isfinite(square[is_collected])).sum())
        require(n_bad == 0, "square", "be finite where collected", f"{n_bad} bad values", "pass errors of reports")
        place = (is_walking[is_collected].astype(np.int64), self._bin(age_slots)[is_collected])
        for total, values in ((self._square, square), (self._variance, variance)):
            total *= self._config.memory
            np.add.at(total, place, values[is_collected])

    def expected(
        self,
        variance: Float[np.ndarray, "batch user"],
        age_slots: Int[np.ndarray, "batch user"],
        is_walking: Bool[np.ndarray, "batch user"],
    ) -> Float[np.ndarray, "batch user"]:
        """Return the square error to expect where the emulator says `variance`."""
        place, own = (is_walking.astype(np.int64), self._bin(age_slots)), self._config.trust * variance
        return variance * (self._square[place] + own) / np.maximum(self._variance[place] + own, 1e-300)

    def _bin(self, age_slots: Int[np.ndarray, "batch user"]) -> Int[np.ndarray, "batch user"]:
        return np.minimum(age_slots, self._config.max_age_slots)
