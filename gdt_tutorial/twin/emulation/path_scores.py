"""How good are emulated paths: scores of mean, spread and whole path, on walks that nobody learned from.

A root mean square error asks for the mean alone, and the best mean may be a place where nobody walks. So there are four
more: the CRPS of a coordinate and the coverage of its 80 % interval ask for the spread, the energy score for the joint law of
a whole path, and the share of samples that lie off every street asks whether the futures are possible ones. The energy score
of draws X, X' and the path y that came is E|X - y| - E|X - X'| / 2, the CRPS of many dimensions (Gneiting and Raftery 2007).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.studies.scores import coverage, crps_sample, energy_score
from gdt_tutorial.twin.emulation.emulator import MIN_STD_M, StatusEmulator
from gdt_tutorial.twin.emulation.walks import Walks
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["PathScores", "off_street_m", "score_paths", "window_of"]

OFF_STREET_M = 5.0  # chosen: farther than this from every street is off the streets


@dataclass(frozen=True, kw_only=True)
class PathScores:
    """Scores by the slots since the last report; the energy score is of the path up to the oldest."""

    age_slots: tuple[int, ...]
    rms_m: Float[np.ndarray, " age"]  # distance of the mean
    crps_m: Float[np.ndarray, " age"]  # mean of both coordinates
    coverage: Float[np.ndarray, " age"]  # of the interval between the 10 % and the 90 % quantile of the samples
    off_street: Float[np.ndarray, " age"]  # share of the samples
    energy_m: float  # per root of a slot, so that it does not grow with their number


def window_of(walks: Walks, n_slots: int, n_aps: int, period_slots: int) -> StatusWindow:
    """Return the first slots of walks as one environment's window, with a report in the last one and every few before.

    The channel is not looked at: its SNR is 0.

    Raises:
        ValueError: walks that are not longer than the window.
    """
    n_walks, n_all, _ = walks.position_m.shape
    require(n_all > n_slots, "walks", f"have more than {n_slots} slots", n_all, "record longer walks")
    is_seen = np.broadcast_to((np.arange(n_slots)[::-1] % period_slots) == 0, (1, n_walks, n_slots)).copy()
    return StatusWindow(
        slot=n_slots - 1,
        position_m=walks.position_m[None, :, :n_slots],
        velocity_mps=walks.velocity_mps[None, :, :n_slots],
        is_behavior_collected=is_seen,
        snr_db=np.zeros((1, n_walks, n_slots, n_aps)),
        is_networking_collected=is_seen.copy(),
    )


def score_paths(
    emulators: Mapping[str, StatusEmulator],
    walks: Walks,
    streets: Streets,
    *,
    ages: tuple[int, ...] = (1, 5, 15),
    n_samples: int = 16,
    window_slots: int = 20,
    period_slots: int = 4,
    n_aps: int = 2,
    seed: int,
) -> dict[str, PathScores]:
    """Score emulators on the same walks.

    Raises:
        ValueError: walks that end before the oldest age.
    """
    n_ahead, n_left = max(ages), walks.position_m.shape[1] - window_slots
    require(n_left >= n_ahead, "walks", f"go on for {n_ahead} slots after the window", n_left, "record longer walks")
    window = window_of(walks, window_slots, n_aps, period_slots)
    truth_m = walks.position_m[:, window_slots : window_slots + n_ahead]
    at, scores = np.array(ages) - 1, {}
    for name, emulator in emulators.items():
        said = emulator.emulate(window, n_ahead, n_samples=n_samples, rng=seeding.stream(seed, "paths", name))
        mean_m, path_m = said.position_m[0][:, at], said.position_sample_m[0]
        # Nobody is certain to less than MIN_STD_M: a path that is sure, and true, must not miss by a rounding error.
        low_m, high_m = np.quantile(path_m[:, :, at], (0.1, 0.9), axis=0)
        low_m, high_m = low_m - MIN_STD_M, high_m + MIN_STD_M
        scores[name] = PathScores(
            age_slots=ages,
            rms_m=np.sqrt(((mean_m - truth_m[:, at]) ** 2).sum(axis=-1).mean(axis=0)),
            crps_m=crps_sample(path_m[:, :, at], truth_m[:, at]).mean(axis=(0, 2)),
            coverage=np.array([coverage(low_m[:, k], high_m[:, k], truth_m[:, a]) for k, a in enumerate(at)]),
            off_street=(off_street_m(streets, path_m[:, :, at]) > OFF_STREET_M).mean(axis=(0, 1)),
            energy_m=float(
                energy_score(path_m.reshape(*path_m.shape[:2], -1), truth_m.reshape(len(truth_m), -1)).mean()
            )
            / n_ahead**0.5,
        )
    return scores


def off_street_m(streets: Streets, position_m: Float[np.ndarray, "*shape xy"]) -> Float[np.ndarray, "*shape"]:
    """Return the distance to the nearest street."""
    start_m, end_m = (streets.place_m[axis] for axis in streets.street[streets.street[:, 0] < streets.street[:, 1]].T)
    length_m = np.linalg.norm(end_m - start_m, axis=-1)
    nearest_m = np.full(position_m.shape[:-1], np.inf)
    for first_m, along, size_m in zip(start_m, (end_m - start_m) / length_m[:, None], length_m, strict=True):
        off_m = position_m - first_m
        gone_m = np.clip(off_m @ along, 0, size_m)
        nearest_m = np.minimum(nearest_m, np.linalg.norm(off_m - gone_m[..., None] * along, axis=-1))
    return nearest_m
