"""Calibration in mid-run: what a twin believes of a ring, held against the last slots, and fitted anew where it fails.

A refit in every slot would forget: whoever mutes well never lets two near APs send together, and such slots say nothing of the
coupling. Then all couplings explain them alike. So what is believed stays as long as it explains the last slots, and
`fit_ring` is asked where it does not. Two things no slot can tell. A twin that believes in more interference than there is
never meets one that contradicts it, and stays too careful. And where all send in every slot, two near APs at twice the
coupling look like four.
"""

from collections import deque
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.worlds.ring import Ring
from gdt_tutorial.worlds.ring_logs import RingLog, fit_ring

__all__ = ["RingCalibration"]


class RingCalibration:
    """The last slots of one run, and the ring that explains them.

    Args:
        believed: What is believed first; its arrivals stay.
        n_recent: Slots that are kept.
        tolerance: Root mean square error of a queue, in packets, up to which a belief stays.

    Attributes:
        believed: As fitted last.
        n_fits: How often it was fitted.

    Raises:
        ValueError: No slot, or a tolerance of 0.
    """

    def __init__(self, believed: Ring, n_recent: int = 10, tolerance: float = 0.01) -> None:
        require(n_recent > 0, "n_recent", "be above 0", n_recent, "keep one at least")
        require(tolerance > 0, "tolerance", "be above 0", tolerance, "0.01 packets")
        self.believed, self.tolerance, self.n_fits = believed, tolerance, 0
        self._recent: deque[tuple[np.ndarray, ...]] = deque(maxlen=n_recent)

    def note(
        self,
        met: Float[np.ndarray, "batch ap"],
        power: Float[np.ndarray, "batch ap"],
        arrival: Float[np.ndarray, "batch ap"],
        left: Float[np.ndarray, "batch ap"],
    ) -> None:
        """Take in a slot: queues, powers, what arrived, and the queues after it."""
        self._recent.append((met, power, arrival, left))

    def refit(self, *, rng: np.random.Generator) -> Ring:
        """Return what is to be believed now; fit it to the last slots if the old belief fails on the very last.

        Args:
            rng: Draws the slots that are compared.
        """
        if self._recent and self._error(*self._recent[-1]) > self.tolerance:
            self._forget_what_it_explains()
            log = RingLog(*(np.stack(parts) for parts in zip(*self._recent, strict=True)))
            fitted = fit_ring(log, self.believed, rng=rng).config
            old = self.believed.config
            self.believed = Ring(replace(old, reach=fitted.reach, snr=fitted.snr, coupling=fitted.coupling))
            self.n_fits += 1
        return self.believed

    def _forget_what_it_explains(self) -> None:
        """Drop the slots before the first that the old belief fails on: they are of a time that is over."""
        while self._error(*self._recent[0]) <= self.tolerance:
            self._recent.popleft()

    def _error(self, met: np.ndarray, power: np.ndarray, arrival: np.ndarray, left: np.ndarray) -> float:
        return float(np.sqrt(((self.believed.next_queue(met, power, arrival) - left) ** 2).mean()))
