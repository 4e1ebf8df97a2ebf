"""Paths of the status drawn by diffusion, against what they have to beat: a study on users whom nobody learned from.

Every emulator says the same means and spreads; they differ in how the samples of the SNR go from slot to slot. What is asked:

    bias        of the expected rate of the worst member of a fixed group, in percent of the true one
    coverage    of the 80 % interval of the mean rate of that group over the horizon
    handovers   of a user, along the sampled paths and in truth
    energy_db   energy score of a path of the SNR, over the root of its slots
    coherence   temporal coherence of the paths of the SNR (`studies.coherence`)

Reports are periodic, so the age of a last report lies between 0 and a period; each user has its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.delivery import serving_ap
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.seeding import stream
from gdt_tutorial.studies.coherence import temporal_coherence
from gdt_tutorial.studies.scores import coverage, energy_score
from gdt_tutorial.twin.abstraction.status_windows import sample_windows
from gdt_tutorial.twin.emulation.diffused_residuals import (
    BOOK,
    PathDiffusionConfig,
    start_residuals,
    train_residuals,
)
from gdt_tutorial.twin.emulation.emulation_scores import past_and_future
from gdt_tutorial.twin.emulation.emulator import MeanPath, StatusEmulator
from gdt_tutorial.twin.emulation.futures import handovers, random_groups, worst_members
from gdt_tutorial.twin.emulation.residual_paths import (
    AnalogueResiduals,
    GaussianResiduals,
    IndependentResiduals,
    ResidualArchive,
    ResidualPathEmulator,
    ResidualSampler,
    Situation,
    observe_residuals,
    paths_of,
)
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["EMULATORS", "DrawnPathScores", "PathStudyConfig", "archive_of", "emulators_of", "score_drawn_paths"]

EMULATORS = ("mean", "independent", "own paths", "Gaussian", "analogues", "untrained", "diffusion")


@configclass
class PathStudyConfig:
    """Size of the study."""

    n_archives: int = parameter(6, "Draws of campuses that samplers learn from.", "chosen", above=0)
    n_campuses: int = parameter(8, "Campuses of a draw.", "chosen", above=0)
    n_users: int = parameter(60, "Users of a campus.", "as the case study", above=0)
    n_past: int = parameter(20, "Slots before the emulation.", "chosen", above=1)
    n_ahead: int = parameter(15, "Slots that are emulated.", "as InternalConfig", above=1)
    period_slots: int = parameter(4, "Slots between two reports of a user.", "chosen", above=0)
    n_members: int = parameter(5, "Members of a group.", "chosen", above=0)
    n_groups: int = parameter(200, "Groups of a draw.", "chosen", above=0)
    n_samples: int = parameter(19, "Paths of each user.", "chosen: the 2nd and the 18th bound 80 %", above=1)
    hysteresis_db: float = parameter(3.0, "Margin of a handover.", "as NetworkConfig", at_least=0)
    paths: PathDiffusionConfig = BOOK


@dataclass(frozen=True, kw_only=True)
class DrawnPathScores:
    """Scores of one emulator on one draw of campuses."""

    bias: float
    coverage: float
    handovers: float
    energy_db: float
    coherence: float


def draw_status(
    topology: Topology, config: PathStudyConfig, *, rng: np.random.Generator
) -> tuple[StatusWindow, StatusWindow]:
    """Draw campuses; return what was collected of their past, and their future."""
    window_rng, age_rng = rng.spawn(2)
    n_slots = config.n_past + config.n_ahead
    whole = sample_windows(topology, config.n_campuses, config.n_users, n_slots, rng=window_rng)
    past, future = past_and_future(whole, config.n_ahead)
    age = age_rng.integers(config.period_slots, size=past.position_m.shape[:2])
    since = config.n_past - 1 - age[..., None] - np.arange(config.n_past)
    mask = (since >= 0) & (since % config.period_slots == 0)
    return replace(past, is_behavior_collected=mask, is_networking_collected=mask.copy()), future


def archive_of(
    emulator: StatusEmulator, topology: Topology, config: PathStudyConfig = PathStudyConfig(), *, seed: int
) -> ResidualArchive:
    """Record residual paths of an emulator on campuses of their own."""
    rngs = stream(seed, "residual archive").spawn(config.n_archives)
    found = [observe_residuals(emulator, *draw_status(topology, config, rng=rng)) for rng in rngs]
    names = ("is_walking", "age_slots", "mean_db", "std_db")
    joined = {name: np.concatenate([getattr(each.situation, name) for each in found]) for name in names}
    return ResidualArchive(
        situation=Situation(**joined), residual_db=np.concatenate([each.residual_db for each in found])
    )


def emulators_of(
    emulator: StatusEmulator,
    archive: ResidualArchive,
    config: PathStudyConfig = PathStudyConfig(),
    *,
    generator: torch.Generator,
) -> dict[str, StatusEmulator]:
    """Return the emulators that are compared; all have the means of the given one.

    "mean" is sure of them, "own paths" samples as the given one does by itself, and "untrained" is the diffusion model before
    training.
    """
    start = generator.clone_state()
    samplers: dict[str, ResidualSampler] = {
        "independent": IndependentResiduals(),
        "Gaussian": GaussianResiduals.of(archive),
        "analogues": AnalogueResiduals.of(archive),
        "untrained": start_residuals(archive, config.paths, generator=start),
        "diffusion": train_residuals(archive, config.paths, generator=generator),
    }
    made: dict[str, StatusEmulator] = {"mean": MeanPath(emulator=emulator), "own paths": emulator}
    made |= {
        name: ResidualPathEmulator(emulator=emulator, sampler=sampler, horizon_slots=config.n_ahead)
        for name, sampler in samplers.items()
    }
    return {name: made[name] for name in EMULATORS}


def score_drawn_paths(
    emulators: Mapping[str, StatusEmulator],
    topology: Topology,
    config: PathStudyConfig = PathStudyConfig(),
    *,
    seed: int,
) -> tuple[dict[str, DrawnPathScores], float]:
    """Score emulators on the same campuses; return the scores, and the true handovers of a user."""
    past, future = draw_status(topology, config, rng=stream(seed, "drawn paths"))
    ap, link = serving_ap(past.snr_db[:, :, -1]), LinkAdaptation()
    env, member = random_groups(ap, config.n_members, config.n_groups, rng=stream(seed, "groups"))
    true_db, scores = paths_of(future.snr_db), {}
    for name, emulator in emulators.items():
        said = emulator.emulate(past, config.n_ahead, n_samples=config.n_samples, rng=stream(seed, "paths", name))
        drawn = said.snr_sample_db.swapaxes(0, 1)
        worst = worst_members(said, future.snr_db, ap, env, member, link)
        path_db = np.stack([paths_of(each) for each in drawn])
        changed = [handovers(each, ap, hysteresis_db=config.hysteresis_db).mean() for each in drawn]
        shuffle = stream(seed, "shuffled slots")
        scores[name] = DrawnPathScores(
            bias=100 * float(worst.of_paths.mean() / worst.truth.mean() - 1),
            coverage=_window_coverage(drawn, future.snr_db, ap, env, member, link),
            handovers=float(np.mean(changed)),
            energy_db=float(energy_score(path_db, true_db).mean()) / config.n_ahead**0.5,
            coherence=temporal_coherence(path_db.reshape(-1, config.n_ahead), true_db, rng=shuffle),
        )
    return scores, float(handovers(future.snr_db, ap, hysteresis_db=config.hysteresis_db).mean())


def _window_coverage(
    drawn_db: Float[np.ndarray, "draw batch user slot ap"],
    true_db: Float[np.ndarray, "batch user slot ap"],
    ap: np.ndarray,
    env: np.ndarray,
    member: np.ndarray,
    link: LinkAdaptation,
) -> float:
    """Return how often the mean rate of a group over the horizon lies in the 80 % interval of the samples."""
    place, own = (env[:, None], member), ap[env, member[:, 0]][:, None, None, None]

    def rate(snr_db: Float[np.ndarray, "batch user slot ap"]) -> Float[np.ndarray, " group"]:
        at_own = np.take_along_axis(snr_db[place], own, axis=-1)[..., 0]
        return link.spectral_efficiency(at_own.min(axis=1)).astype(np.float64).mean(axis=-1)

    ends = np.quantile(np.stack([rate(each) for each in drawn_db]), (0.1, 0.9), axis=0, method="weibull")
    return coverage(ends[0] - 1e-9, ends[1] + 1e-9, rate(true_db))
