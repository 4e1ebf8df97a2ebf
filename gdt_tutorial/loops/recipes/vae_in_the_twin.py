"""The variational autoencoder at work in the twin, on fresh seeds: what the table `reproduce vae_twin` holds.

    filling     lost reports, by the share that is lost: errors of position and SNR in lost slots
    denoising   noisy reports, by their noise in dB: error of the SNR
    width       the code of a window whose last report has an age: mean width, and how the decoded status of now is calibrated
    loop        makers that read the code, its width, or neither, on the same campuses: QoE, and errors of the expected rates

Each seed draws its own walks and trains its own networks; no setting was chosen on these seeds. Differences are paired by seed.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gdt_tutorial.configuration import require
from gdt_tutorial.loops.recipes.width_in_the_loop import LoopConfig, TwinParts, study, train_corrections
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.twin.abstraction import latent_training
from gdt_tutorial.twin.abstraction.latent_training import (
    LatentConfig,
    collected_loss,
    matching_loss,
    start_latents,
    train_latents,
    whole_loss,
)
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.pretrained import pretrained_emulator
from gdt_tutorial.twin.recipes.latent_widths import aged_windows, decoded_now, emulated_now, width_scores
from gdt_tutorial.twin.recipes.mended_reports import MendingConfig, denoising_errors, filling_errors

__all__ = ["AGES", "LOST_SHARES", "MAKERS", "NOISE_DB", "VERSION", "tasks", "work"]

VERSION = "1"
AGES, LOST_SHARES, NOISE_DB = (0, 1, 2, 4, 8, 15), (0.3, 0.85), 3.0
MAKERS = ("mean", "coming", "expected", "rate", "code", "width", "same width", "expected and width")
_SEED = 60_000  # no setting was chosen on these
_CORRECTED = ("rate", "code", "width", "expected and width")
_MENDED, _LATENT = MendingConfig(), latent_training.BOOK
_LOOP = LoopConfig(n_test=16)


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return two tasks for each seed: reports that are mended, and codes in the twin."""
    return [{"seed": _SEED + seed, "kind": kind} for kind in ("reports", "codes") for seed in range(n_seeds)]


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per method, place and measure.

    A task may name smaller studies under "is_small", for tests.

    Raises:
        ValueError: Another kind of task.
    """
    kinds = {"reports": _reports, "codes": _codes}
    require(task["kind"] in kinds, "kind", f"be one of {sorted(kinds)}", task["kind"], "see `tasks`")
    return [{"seed": task["seed"], **row} for row in kinds[task["kind"]](task["seed"], task.get("is_small", False))]


def _reports(seed: int, is_small: bool) -> Iterator[dict[str, Any]]:
    config = MendingConfig(n_train=3, n_test=2) if is_small else _MENDED
    topology = Topology.waterloo()
    studies = [("filling", share, filling_errors(topology, share, config, seed=seed)) for share in LOST_SHARES]
    studies.append(("denoising", NOISE_DB, denoising_errors(topology, NOISE_DB, config, seed=seed)))
    for study_name, place, found in studies:
        for method, errors in found.items():
            yield _row(study_name, place, method, "position_m", errors.position_m.mean())
            yield _row(study_name, place, method, "snr_db", errors.snr_db.mean())


def _codes(seed: int, is_small: bool) -> Iterator[dict[str, Any]]:
    config, loop, n_users = _LATENT, _LOOP, 800
    if is_small:
        fit = replace(config.vae.fit, n_epochs=1)
        config = replace(config, n_users=200, vae=replace(config.vae, fit=fit))
        loop, n_users = LoopConfig(n_train=2, n_test=2, n_slots=12, n_users=20), 40
    topology = Topology.waterloo()
    vaes = _latents(topology, config, seed)
    windows = aged_windows(topology, AGES, n_users, rng=stream(seed, "aged windows"))
    believed = {
        name: [decoded_now(vae, each, generator=torch_stream(seed, "decoded")) for each in windows]
        for name, vae in vaes.items()
    }
    lstm, hold = pretrained_emulator(topology), HoldLast(topology=topology)
    believed |= {
        name: [emulated_now(one, each) for each in windows] for name, one in (("LSTM", lstm), ("hold last", hold))
    }
    for method, beliefs in believed.items():
        scores = width_scores(beliefs, windows)
        for measure in ("width", "coverage_m", "coverage_db", "crps_m", "crps_db", "rank_m"):
            for age, value in zip(AGES, getattr(scores, measure), strict=True):
                yield _row("width", age, method, measure, value)
    parts = TwinParts(lstm, vaes["matched"])
    corrections = train_corrections(parts, loop, names=_CORRECTED, seed=seed)
    found = study(parts, corrections, loop, MAKERS, seed=seed + 1_000)
    for maker in MAKERS:
        yield _row("loop", loop.period_slots, maker, "qoe", found.qoe[maker].mean())
        yield _row("loop", loop.period_slots, maker, "rate_rmse", found.errors[maker].rmse.mean())
        yield _row("loop", loop.period_slots, maker, "rate_bias", found.errors[maker].bias.mean())


def _latents(topology: Topology, config: LatentConfig, seed: int) -> dict[str, Any]:
    """Return the encoder before training, and after training by each loss."""
    start, _ = start_latents(topology, config, generator=torch_stream(seed, "latents"))
    losses = {"whole": whole_loss, "collected": collected_loss, "matched": matching_loss}
    return {"untrained": start} | {
        name: train_latents(topology, config, generator=torch_stream(seed, "latents"), loss=loss)[0]
        for name, loss in losses.items()
    }


def _row(study_name: str, place: float | int, method: str, measure: str, value: float) -> dict[str, Any]:
    return {"study": study_name, "place": float(place), "method": method, "measure": measure, "value": float(value)}
