"""Does the width of a code grow with the age of the status, and does it cover the truth?

For users whose last report has a given age, each way to know says mean and spread of position and SNR *now*: an emulator in
its own words, and a variational autoencoder by decoding draws of its latents. All meet the same windows. A plain autoencoder
has no width: its spread is that of its decoder alone, which knows no age.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import ndtri
from scipy.stats import spearmanr

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.vae import VariationalAutoencoder
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.studies.scores import coverage, crps_gaussian
from gdt_tutorial.twin.abstraction.latent import encode_users
from gdt_tutorial.twin.abstraction.latent_training import LossyWindows, draw_windows
from gdt_tutorial.twin.emulation.emulator import StatusEmulator

__all__ = ["Believed", "WidthScores", "aged_windows", "decoded_now", "emulated_now", "last_report_at", "width_scores"]

_LEVEL = 0.8  # of the intervals whose coverage is counted


@dataclass(frozen=True, kw_only=True)
class Believed:
    """What is believed of the newest slot, and how wide the code is (the spread in meters of an emulator)."""

    position_m: Float[np.ndarray, "user xy"]
    position_std_m: Float[np.ndarray, "user xy"]
    snr_db: Float[np.ndarray, "user ap"]
    snr_std_db: Float[np.ndarray, "user ap"]
    width: Float[np.ndarray, " user"]


@dataclass(frozen=True, kw_only=True)
class WidthScores:
    """Scores at each age: means over users, except the last one."""

    width: Float[np.ndarray, " age"]
    std_m: Float[np.ndarray, " age"]
    std_db: Float[np.ndarray, " age"]
    crps_m: Float[np.ndarray, " age"]
    crps_db: Float[np.ndarray, " age"]
    coverage_m: Float[np.ndarray, " age"]  # of the central 80 %
    coverage_db: Float[np.ndarray, " age"]
    rank_m: Float[np.ndarray, " age"]  # rank correlation of width and distance from the truth: what age does not say


def aged_windows(
    topology: Topology, ages: Sequence[int], n_users: int, *, rng: np.random.Generator
) -> list[LossyWindows]:
    """Draw windows for each age of the last report."""
    return [
        draw_windows(topology, n_users, age, rng=each) for age, each in zip(ages, rng.spawn(len(ages)), strict=True)
    ]


def last_report_at(drawn: LossyWindows, age_slots: int) -> LossyWindows:
    """Return the same windows with their last reports at another age; what came before that stays as it is.

    Raises:
        ValueError: An age that does not fit into the window.
    """
    window, n_slots = drawn.window, drawn.window.position_m.shape[2]
    require(0 <= age_slots < n_slots, "age_slots", f"lie in 0..{n_slots - 1}", age_slots, "a window has no more slots")
    newest, slot = n_slots - 1 - age_slots, np.arange(n_slots)
    mask = (window.is_behavior_collected & (slot < newest)) | (slot == newest)
    aged = replace(window, is_behavior_collected=mask, is_networking_collected=mask.copy())
    return LossyWindows(aged, np.full_like(drawn.age_slots, age_slots))


def decoded_now(
    vae: VariationalAutoencoder, drawn: LossyWindows, n_draws: int = 32, *, generator: torch.Generator
) -> Believed:
    """Encode what was collected, and decode draws of the latents; the decoder's own width comes on top.

    Raises:
        ValueError: Fewer than two draws, or windows of other sizes.
    """
    require(n_draws >= 2, "n_draws", "be at least 2", n_draws, "a spread needs two")
    latent, std = (each[:, 0] for each in encode_users(vae, drawn.window))
    last = drawn.whole.last[:, 0]
    noise = torch.randn((n_draws, *latent.shape), generator=generator).to(vae.mean)
    codes = torch.from_numpy(latent).to(vae.mean) + torch.from_numpy(std).to(vae.mean) * noise
    with torch.no_grad():
        now = vae.decode(codes.flatten(0, 1))[:, -1].unflatten(0, (n_draws, -1)).double().numpy()
    mean = now.mean(axis=0) + last
    spread = np.sqrt(now.var(axis=0, ddof=1) + (vae.config.sigma * vae.scale.double().numpy()) ** 2)
    return Believed(
        position_m=mean[:, :2],
        position_std_m=spread[:, :2],
        snr_db=mean[:, 4:],
        snr_std_db=spread[:, 4:],
        width=std.mean(axis=-1),
    )


def emulated_now(emulator: StatusEmulator, drawn: LossyWindows) -> Believed:
    """Ask an emulator for the slots since the last report; all users have the same age."""
    age, window = int(drawn.age_slots[0, 0]), drawn.window
    n_kept = window.position_m.shape[2] - age
    names = ("position_m", "velocity_mps", "is_behavior_collected", "snr_db", "is_networking_collected")
    seen = replace(window, **{name: getattr(window, name)[:, :, :n_kept] for name in names})
    if age == 0:
        position_m, snr_db = window.position_m[:, 0, -1], window.snr_db[:, 0, -1]
        std_m, std_db = np.zeros(position_m.shape), np.zeros(snr_db.shape)
    else:
        emulated = emulator.emulate(seen, age)
        position_m, std_m = emulated.position_m[:, 0, -1], emulated.position_std_m[:, 0, -1]
        snr_db, std_db = emulated.snr_db[:, 0, -1], emulated.snr_std_db[:, 0, -1]
    return Believed(
        position_m=position_m, position_std_m=std_m, snr_db=snr_db, snr_std_db=std_db, width=std_m.mean(axis=-1)
    )


def width_scores(believed: Sequence[Believed], drawn: Sequence[LossyWindows]) -> WidthScores:
    """Score what is believed at each age against what is true.

    Raises:
        ValueError: No age, or another number of windows than of beliefs.
    """
    is_alike = len(believed) == len(drawn) > 0
    require(
        is_alike, "believed", "hold one entry per age", (len(believed), len(drawn)), "pass one for each of the windows"
    )
    rows = [_score(each, windows) for each, windows in zip(believed, drawn, strict=True)]
    return WidthScores(**{name: np.array([row[name] for row in rows]) for name in rows[0]})


def _score(each: Believed, drawn: LossyWindows) -> dict[str, float]:
    true_m, true_db = drawn.window.position_m[:, 0, -1], drawn.window.snr_db[:, 0, -1]
    error_m = np.linalg.norm(each.position_m - true_m, axis=-1)
    half = float(ndtri((1 + _LEVEL) / 2))
    is_flat = np.ptp(each.width) < 1e-12 or np.ptp(error_m) < 1e-12
    return {
        "width": float(each.width.mean()),
        "std_m": float(each.position_std_m.mean()),
        "std_db": float(each.snr_std_db.mean()),
        "crps_m": float(crps_gaussian(each.position_m, each.position_std_m, true_m).mean()),
        "crps_db": float(crps_gaussian(each.snr_db, each.snr_std_db, true_db).mean()),
        "coverage_m": coverage(
            each.position_m - half * each.position_std_m, each.position_m + half * each.position_std_m, true_m
        ),
        "coverage_db": coverage(each.snr_db - half * each.snr_std_db, each.snr_db + half * each.snr_std_db, true_db),
        "rank_m": 0.0 if is_flat else float(spearmanr(each.width, error_m).statistic),
    }
