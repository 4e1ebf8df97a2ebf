"""How far are filled and denoised reports from the truth? Every method on the same campuses, so that differences are paired.

Two tasks on windows of the whole status. *Filling*: reports are lost by chance, and lost slots are scored. *Denoising*: every
report comes, but its SNR has an error, and all slots are scored. Position and velocity are reported exactly in both.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.abstraction.correction import Correction, CorrectionVaeConfig, train_correction_vae
from gdt_tutorial.twin.abstraction.filling import GaussianConditional, draw_reports, fill_snr, linear_fill
from gdt_tutorial.twin.abstraction.smoothing import smooth_snr
from gdt_tutorial.twin.abstraction.status_windows import sample_windows, status_features

__all__ = ["MendingConfig", "MendingErrors", "denoising_errors", "filling_errors"]

_N_BEFORE, _N_USERS = 4, 60  # features before the SNRs; users of a campus


@configclass
class MendingConfig:
    """Windows that are learned from and tested on."""

    n_slots: int = parameter(32, "Slots of a window.", "as chapter 05", above=0)
    n_train: int = parameter(100, "Campuses of sixty users that are learned from.", "chosen", above=0)
    n_test: int = parameter(20, "Campuses that are tested on.", "chosen", above=1)
    correction: CorrectionVaeConfig = CorrectionVaeConfig()


class MendingErrors(NamedTuple):
    """Root mean square errors of one method."""

    position_m: Float[np.ndarray, " campus"]
    snr_db: Float[np.ndarray, " campus"]


def filling_errors(
    topology: Topology, lost_share: float, config: MendingConfig = MendingConfig(), *, seed: int
) -> dict[str, MendingErrors]:
    """Return the errors of straight lines, the Gaussian, the smoother along its path, and a correction of either.

    Raises:
        ValueError: A share outside [0, 1].
    """
    train, test = (
        _windows(topology, n, config, seed, name) for n, name in ((config.n_train, "train"), (config.n_test, "test"))
    )
    rng = seeding.stream(seed, "reports")
    came, came_test = (draw_reports(len(each), config.n_slots, lost_share, rng=rng) for each in (train, test))
    gaussian = GaussianConditional.fit(train)

    def start(window: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
        filled = gaussian.fill(window, mask)
        return {"Gaussian": filled, "smoother": fill_snr(filled, mask, topology)}

    found = {"straight lines": linear_fill(test, came_test), **start(test, came_test)}
    for name, estimate in start(train, came).items():
        is_lost = np.broadcast_to(~came[..., None], train.shape)
        model = _learn(estimate, train, came, train, is_lost, config, seed)
        corrected = model.correct(found[name], test, came_test)
        found[f"{name}, corrected"] = np.where(came_test[..., None], test, corrected)
    return {name: _errors(each, test, ~came_test) for name, each in found.items()}


def denoising_errors(
    topology: Topology, noise_db: float, config: MendingConfig = MendingConfig(), *, seed: int
) -> dict[str, MendingErrors]:
    """Return the errors of the reports themselves, of the Kalman smoother, and of its correction."""
    train, test = (
        _windows(topology, n, config, seed, name) for n, name in ((config.n_train, "train"), (config.n_test, "test"))
    )
    rng = seeding.stream(seed, "noise")

    def reported(window: np.ndarray) -> np.ndarray:
        noisy = window.copy()
        noisy[..., _N_BEFORE:] += noise_db * rng.standard_normal(noisy[..., _N_BEFORE:].shape)
        return noisy

    def smoothed(noisy: np.ndarray) -> np.ndarray:
        result, everywhere = noisy.copy(), np.ones(noisy.shape[:2], dtype=bool)
        result[..., _N_BEFORE:] = smooth_snr(
            noisy[..., _N_BEFORE:], everywhere, noisy[..., :2], topology, noise_db=noise_db
        ).mean
        return result

    noisy, noisy_test = reported(train), reported(test)
    came, came_test = (np.ones(each.shape[:2], dtype=bool) for each in (train, test))
    estimate, found = smoothed(noisy), {"reports": noisy_test, "smoother": smoothed(noisy_test)}
    is_snr = np.broadcast_to(np.arange(train.shape[2]) >= _N_BEFORE, train.shape)
    model = _learn(estimate, noisy, came, train, is_snr, config, seed)
    found["smoother, corrected"] = model.correct(found["smoother"], noisy_test, came_test)
    return {name: _errors(each, test, came_test) for name, each in found.items()}


def _windows(
    topology: Topology, n_campuses: int, config: MendingConfig, seed: int, name: str
) -> Float[np.ndarray, "user slot feature"]:
    window = sample_windows(topology, n_campuses, _N_USERS, config.n_slots, rng=seeding.stream(seed, "windows", name))
    values = status_features(window)
    return values.reshape(-1, *values.shape[2:])


def _learn(
    estimate: Float[np.ndarray, "user slot feature"],
    reported: Float[np.ndarray, "user slot feature"],
    came: Bool[np.ndarray, "user slot"],
    truth: Float[np.ndarray, "user slot feature"],
    is_scored: Bool[np.ndarray, "user slot feature"],
    config: MendingConfig,
    seed: int,
) -> Correction:
    generator = seeding.torch_stream(seed, "correction")
    return train_correction_vae(estimate, reported, came, truth, is_scored, config.correction, generator=generator)[0]


def _errors(
    estimate: Float[np.ndarray, "user slot feature"],
    truth: Float[np.ndarray, "user slot feature"],
    is_scored: Bool[np.ndarray, "user slot"],
) -> MendingErrors:
    square = np.where(is_scored[..., None], (estimate - truth) ** 2, 0.0).reshape(-1, _N_USERS, *truth.shape[1:])
    count = is_scored.reshape(-1, _N_USERS, truth.shape[1]).sum(axis=(1, 2))
    position = square[..., :2].sum(axis=(1, 2, 3)) / count
    snr = square[..., _N_BEFORE:].sum(axis=(1, 2, 3)) / count / (truth.shape[2] - _N_BEFORE)
    return MendingErrors(np.sqrt(position), np.sqrt(snr))
