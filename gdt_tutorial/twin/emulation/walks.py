"""Walks to learn from and to be tested on, and windows of them as the twin would have collected them.

"We first generate users' trajectories within the University of Waterloo campus with the Levy flight model [...]. The
generated data is used as the label data, where eighty percent of label data is selected as the training sample" (the
paper, case study). A report carries the velocity beside the position, so a walk here does too.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.mobility import Mobility
from gdt_tutorial.twin.emulation.extrapolation import ErrorGrowth

Position = Float[np.ndarray, "user slot xy"]

__all__ = ["Walks", "collection_pattern", "measure_growth"]


@dataclass(frozen=True, kw_only=True)
class Walks:
    """Where and how users went; one row per walk."""

    position_m: Float[np.ndarray, "user slot xy"]
    velocity_mps: Float[np.ndarray, "user slot xy"]  # at the end of the slot, as a report has it
    slot_s: float

    def __post_init__(self) -> None:
        for name in ("position_m", "velocity_mps"):
            is_finite = bool(np.isfinite(getattr(self, name)).all())
            require(is_finite, name, "be finite", "NaN or infinity", "drop the walks that were not recorded completely")
        n_slots = self.position_m.shape[1]
        require(n_slots >= 3, "position_m", "have 3 slots or more", n_slots, "record longer walks")
        require(self.slot_s > 0, "slot_s", "be above 0", self.slot_s, "pass seconds")

    def __len__(self) -> int:
        return len(self.position_m)

    @classmethod
    def sample(
        cls,
        mobility: Mobility,
        campus: Campus,
        n_users: int,
        n_slots: int,
        slot_s: float,
        *,
        rng: np.random.Generator,
    ) -> "Walks":
        """Draw walks: Levy flights, or those of any other `Mobility`."""
        walk = mobility.start(campus, 1, n_users, rng=rng)
        position_m, velocity_mps = [walk.position_m[0].copy()], [walk.velocity_mps[0].copy()]
        for _ in range(n_slots - 1):
            walk.advance(slot_s)
            position_m.append(walk.position_m[0].copy())
            velocity_mps.append(walk.velocity_mps[0].copy())
        return cls(position_m=np.stack(position_m, 1), velocity_mps=np.stack(velocity_mps, 1), slot_s=slot_s)

    @classmethod
    def from_trajectories(cls, trajectories_m: Float[np.ndarray, "slot user xy"], slot_s: float) -> "Walks":
        """Take recorded positions; the velocity is the one of the slot that ends, so turns are seen a slot late."""
        step_m = np.diff(trajectories_m, axis=0, prepend=2 * trajectories_m[:1] - trajectories_m[1:2])
        position_m, velocity_mps = trajectories_m.swapaxes(0, 1), step_m.swapaxes(0, 1) / slot_s
        return cls(position_m=position_m.copy(), velocity_mps=velocity_mps.copy(), slot_s=slot_s)

    def part(self, walks: slice) -> "Walks":
        """Return some of the walks."""
        return Walks(position_m=self.position_m[walks], velocity_mps=self.velocity_mps[walks], slot_s=self.slot_s)

    def pieces(self, n_slots: int) -> "Walks":
        """Cut every walk into pieces of `n_slots` slots, each a walk of its own; what is left over is dropped.

        Raises:
            ValueError: walks that are shorter than a piece.
        """
        n_pieces = self.position_m.shape[1] // n_slots
        rule, remedy = f"have {n_slots} slots or more", "record longer walks, or ask for shorter pieces"
        require(n_pieces > 0, "walks", rule, self.position_m.shape[1], remedy)
        cut = [each[:, : n_pieces * n_slots].reshape(-1, n_slots, 2) for each in (self.position_m, self.velocity_mps)]
        return Walks(position_m=cut[0], velocity_mps=cut[1], slot_s=self.slot_s)


def collection_pattern(
    n_walks: int, n_slots: int, max_period_slots: int, *, rng: np.random.Generator
) -> Bool[np.ndarray, "user slot"]:
    """Draw when users might be collected: frequently or rarely, and irregularly, so that a learner meets every case.

    Each walk has a pace of its own, log-uniform up to the longest period; its periods are log-uniform up to that.
    """
    slowest = np.exp(rng.uniform(0, np.log(max_period_slots), size=n_walks))
    # More periods than the slots can hold, each at least 1.
    period = np.exp(rng.uniform(0, np.log(slowest)[:, None], size=(n_walks, n_slots))).round().astype(np.int64)
    moment = np.cumsum(np.maximum(period, 1), axis=1) - 1
    is_collected = np.zeros((n_walks, n_slots), dtype=bool)
    walk, entry = np.nonzero(moment < n_slots)
    is_collected[walk, moment[walk, entry]] = True
    return is_collected


def measure_growth(
    walks: Walks,
    predict: Callable[[Position, Position, float], Position],
    *,
    max_age_slots: int = 12,
) -> ErrorGrowth:
    """Fit `ErrorGrowth` to the errors of a simple prediction on walks.

    Args:
        walks: Where the errors are measured.
        predict: Takes positions, velocities and a time in seconds; returns the positions after that time.
        max_age_slots: Longest prediction.
    """
    ages = np.arange(1, min(max_age_slots, walks.position_m.shape[1] - 1) + 1)
    rms_m = np.zeros((2, len(ages)))
    for column, age in enumerate(ages):
        start_m, velocity_mps = walks.position_m[:, :-age], walks.velocity_mps[:, :-age]
        error_m = predict(start_m, velocity_mps, age * walks.slot_s) - walks.position_m[:, age:]
        is_walking = velocity_mps.any(axis=-1)
        rms_m[:, column] = [np.sqrt((error_m[is_state] ** 2).mean()) for is_state in (~is_walking, is_walking)]
    log_elapsed = np.log(ages * walks.slot_s)
    (paused_exponent, paused), (walking_exponent, walking) = (np.polyfit(log_elapsed, np.log(rms), 1) for rms in rms_m)
    return ErrorGrowth(
        paused_m=float(np.exp(paused)),
        paused_exponent=float(paused_exponent),
        walking_m=float(np.exp(walking)),
        walking_exponent=float(walking_exponent),
    )
