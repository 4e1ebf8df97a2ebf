"""How good an emulator is, by the age of the last report: its means, and whether it knows how wrong they are.

A twin that fills a gap says where a user is, and how sure it is of that. The error of the mean is in meters. The spread is
judged by two numbers more: how often the truth lies inside an interval that should hold it in four cases of five (coverage),
and the continuous ranked probability score, which charges both a wrong mean and a wrong spread (`studies.scores`). The paper
gives no error of its emulators; these measures are our choice.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from gdt_tutorial.configuration import require
from gdt_tutorial.studies.scores import coverage, crps_gaussian
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["PositionScores", "past_and_future", "position_scores"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PositionScores:
    """Scores of emulated positions by the slots since the last report; the first entry is one slot after it."""

    rms_m: Float[np.ndarray, " horizon"]  # root mean square of the distance
    crps_m: Float[np.ndarray, " horizon"]  # of a coordinate, with the emulator's own spread
    coverage: Float[np.ndarray, " horizon"]  # share of coordinates inside their interval


def position_scores(
    emulated: EmulatedStatus, truth_m: Float[np.ndarray, "batch user slot xy"], *, level: float = 0.8
) -> PositionScores:
    """Score emulated positions against where users went; `level` is what an interval should hold.

    Raises:
        ValueError: A level outside of (0, 1).
    """
    require(0 < level < 1, "level", "lie in (0, 1)", level, "0.8 is four cases of five")
    mean_m, std_m = emulated.position_m, emulated.position_std_m
    half_m = ndtri((1 + level) / 2) * std_m
    square_m2 = ((mean_m - truth_m) ** 2).sum(axis=-1)
    return PositionScores(
        rms_m=np.sqrt(square_m2.mean(axis=(0, 1))),
        crps_m=crps_gaussian(mean_m, std_m, truth_m).mean(axis=(0, 1, 3)),
        coverage=np.array(
            [
                coverage(mean_m[:, :, slot] - half_m[:, :, slot], mean_m[:, :, slot] + half_m[:, :, slot], true_m)
                for slot, true_m in enumerate(np.moveaxis(truth_m, 2, 0))
            ]
        ),
    )


def past_and_future(window: StatusWindow, n_ahead: int, *, period_slots: int = 3) -> tuple[StatusWindow, StatusWindow]:
    """Cut a window that is known completely: what the twin collected until the last report, and what came after it.

    Args:
        window: With a report of every user in every slot, as `sample_windows` draws it.
        n_ahead: Slots after the last report.
        period_slots: Slots between two reports before it.

    Raises:
        ValueError: No slot is left on one side, or no slot lies between two reports.
    """
    n_slots = window.position_m.shape[2]
    require(0 < n_ahead < n_slots, "n_ahead", f"lie in 1..{n_slots - 1}", n_ahead, "draw a longer window")
    require(period_slots > 0, "period_slots", "be above 0", period_slots, "1 reports in every slot")
    arrays = ("position_m", "velocity_mps", "snr_db", "is_behavior_collected", "is_networking_collected")
    n_past = n_slots - n_ahead
    past, future = (
        replace(window, slot=slot, **{name: getattr(window, name)[:, :, part] for name in arrays})
        for slot, part in ((window.slot - n_ahead, slice(n_past)), (window.slot, slice(n_past, None)))
    )
    is_reported = np.arange(n_past)[::-1] % period_slots == 0
    mask = np.broadcast_to(is_reported, past.is_behavior_collected.shape)
    return replace(past, is_behavior_collected=mask, is_networking_collected=mask.copy()), future
