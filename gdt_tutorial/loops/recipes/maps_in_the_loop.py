"""What does a drawn map change? Emulators of the channel on the same scenes, walks and fades, paired.

A seed is a new scene with its own buildings, masts and walkers, which no maker of maps has seen. Its network runs once to be
recorded, and every emulator continues the same windows of reports; then it runs under both loops with each of them. Scored are

    SNR                 error of the mean, CRPS and coverage of the samples, at places that are emulated too
    worst member        the rate of a fixed group's worst member: a minimum needs a distribution, and a group of users who stand
                        in one scene needs a joint one
    QoE                 of a manager that reads the emulated status: greedy on the rate at the mean, or on the expected rate

The emulators are those of `twin.recipes.scene_emulators`: the plain one, which knows the law (`by_law`); one with the draws of
any maker of maps (`by_maker`); and one with the map of the true heights (`by_truth`), which no twin can have and which bounds
what a map can change.

    rows = study({"law": by_law(measure_law(seed=0)), "mine": by_maker(lambda scene: my_maker)}, seeds=range(5))
    gain, half = t_interval(rows["mine"]["qoe"] - rows["law"]["qoe"])
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.loops.external import every
from gdt_tutorial.loops.manager import GdtNetwork, group_abstractor, schedule_model
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.scenes.layout import SceneConfig, random_scene
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.physical.scenes.scene_network import scene_network
from gdt_tutorial.studies.scores import coverage, crps_sample
from gdt_tutorial.twin.abstraction.expected_worst import ComingMean
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor
from gdt_tutorial.twin.abstraction.status_windows import record_window
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.emulation.futures import random_groups
from gdt_tutorial.twin.observation import MEMORY_SLOTS
from gdt_tutorial.twin.recipes.scene_emulators import MakeEmulator
from gdt_tutorial.twin.status import StatusWindow

__all__ = [
    "MapLoopConfig",
    "MapLoopScores",
    "ReadRates",
    "open_network",
    "qoe_of",
    "record",
    "score_emulator",
    "study",
]


ReadRates = Callable[[FeatureAbstractor, StatusEmulator, LinkAdaptation], FeatureAbstractor]
"""Puts rates of the coming slot into the features."""


@configclass
class MapLoopConfig:
    """Size of the study."""

    n_pixels: int = parameter(32, "Pixels along each side of a scene.", "as SceneConfig", at_least=8)
    n_aps: int = parameter(3, "Access points of a scene.", "chosen", at_least=1)
    tx_power_dbm: float = parameter(
        10.0, "Power of an access point.", "chosen: 112 dB of loss is the end of reach", above=-np.inf, below=np.inf
    )
    bandwidth_hz: float = parameter(1e6, "Band of an access point.", "chosen: radio binds", above=0, below=np.inf)
    n_users: int = parameter(60, "Users on a scene.", "as NetworkConfig", above=0)
    period_slots: int = parameter(8, "Slots between two reports of a user.", "chosen", above=0, below=MEMORY_SLOTS)
    n_slots: int = parameter(40, "Slots of a run.", "chosen", above=MEMORY_SLOTS)
    n_first: int = parameter(8, "Slots of a run that do not count.", "chosen", at_least=0)
    n_ahead: int = parameter(5, "Slots that are emulated after a window.", "chosen", above=0)
    n_samples: int = parameter(32, "Sampled paths.", "chosen", above=1)
    n_members: int = parameter(5, "Members of a group.", "chosen", above=0)
    n_groups: int = parameter(20, "Groups of a window.", "chosen", above=0)


@dataclass(frozen=True, kw_only=True)
class MapLoopScores:
    """Scores of one emulator on one scene; rates in bit/s/Hz."""

    snr_rmse_db: float
    snr_crps_db: float
    snr_coverage: float  # of the interval from the 10 % to the 90 % quantile
    worst_bias: float  # mean of the samples minus truth
    worst_mean_bias: float  # rate at the smallest mean, minus truth
    worst_crps: float
    worst_coverage: float


def open_network(config: MapLoopConfig = MapLoopConfig(), *, seed: int) -> tuple[PhysicalNetwork, Scene]:
    """Draw a scene and put a network on it."""
    sizes = SceneConfig(n_pixels=config.n_pixels, n_aps=config.n_aps)
    scene = random_scene(sizes, rng=seeding.stream(seed, "scene"))
    network = scene_network(
        (scene,),
        1,
        NetworkConfig(n_users=config.n_users),
        seed=seed,
        tx_power_dbm=config.tx_power_dbm,
        bandwidth_hz=config.bandwidth_hz,
    )
    return network, scene


def record(network: PhysicalNetwork, n_slots: int) -> StatusWindow:
    """Let users walk and channels fade for `n_slots` slots from the start: it depends on no decision."""
    network.reset()
    return record_window(network.walk, network.channel, n_slots, network.config.slot_s)


def score_emulator(
    emulator: StatusEmulator, recorded: StatusWindow, network: PhysicalNetwork, config: MapLoopConfig = MapLoopConfig()
) -> MapLoopScores:
    """Continue windows of a recording, one after another, and score SNR and the rate of worst members."""
    rows, n_slots = [], recorded.snr_db.shape[2]
    rule = f"have {MEMORY_SLOTS + config.n_ahead} slots or more"
    require(n_slots >= MEMORY_SLOTS + config.n_ahead, "recorded", rule, n_slots, "record longer")
    for end in range(MEMORY_SLOTS, n_slots - config.n_ahead + 1, config.n_ahead):
        window, true_db = _window(recorded, end, config), recorded.snr_db[:, :, end : end + config.n_ahead]
        rng = seeding.stream(network.seed, "emulate", end)
        said = emulator.emulate(window, config.n_ahead, n_samples=config.n_samples, rng=rng)
        worst = _worst(said, true_db, network, config, rng=seeding.stream(network.seed, "groups", end))
        rows.append((*_snr_scores(said, true_db), *worst))
    square, *means = np.mean(rows, axis=0)
    return MapLoopScores(
        **dict(zip(MapLoopScores.__dataclass_fields__, (float(square**0.5), *map(float, means)), strict=True))
    )


def _window(recorded: StatusWindow, end: int, config: MapLoopConfig) -> StatusWindow:
    """Return the slots before `end`, in which users reported in turns."""
    part = slice(end - MEMORY_SLOTS, end)
    n_batch, n_users = recorded.snr_db.shape[:2]
    is_due = (np.arange(n_users)[:, None] + np.arange(part.start, end)) % config.period_slots == 0
    is_seen = np.broadcast_to(is_due, (n_batch, *is_due.shape)).copy()
    return StatusWindow(
        slot=end - 1,
        position_m=recorded.position_m[:, :, part],
        velocity_mps=recorded.velocity_mps[:, :, part],
        is_behavior_collected=is_seen,
        snr_db=recorded.snr_db[:, :, part],
        is_networking_collected=is_seen.copy(),
    )


def _snr_scores(said: EmulatedStatus, true_db: Float[np.ndarray, "batch user slot ap"]) -> tuple[float, float, float]:
    sample_db = said.snr_sample_db.swapaxes(0, 1)
    low_db, high_db = np.quantile(sample_db, (0.1, 0.9), axis=0)
    crps_db = crps_sample(sample_db.astype(float), true_db).mean()
    return float(((said.snr_db - true_db) ** 2).mean()), float(crps_db), coverage(low_db, high_db, true_db)


def _worst(
    said: EmulatedStatus,
    true_db: Float[np.ndarray, "batch user slot ap"],
    network: PhysicalNetwork,
    config: MapLoopConfig,
    *,
    rng: np.random.Generator,
) -> tuple[float, float, float, float]:
    """Score the rate of the worst of some users of one access point."""
    ap = true_db[:, :, 0].argmax(axis=-1)
    n_members = min(config.n_members, int(np.bincount(ap.ravel()).max()))
    env, member = random_groups(ap, n_members, config.n_groups, rng=rng)
    own = ap[env, member[:, 0]][:, None, None, None]

    def worst(snr_db: Float[np.ndarray, "batch user slot ap"]) -> Float[np.ndarray, "group slot"]:
        of_members = np.take_along_axis(snr_db[env[:, None], member], own, axis=-1)[..., 0]
        return network.link.spectral_efficiency(of_members.min(axis=1)).astype(float)

    truth, of_mean = worst(true_db), worst(said.snr_db)
    sample = np.stack([worst(said.snr_sample_db[:, draw]) for draw in range(config.n_samples)])
    low, high = np.quantile(sample, (0.1, 0.9), axis=0)
    return (
        float((sample.mean(axis=0) - truth).mean()),
        float((of_mean - truth).mean()),
        float(crps_sample(sample, truth).mean()),
        coverage(low, high, truth),
    )


def qoe_of(
    network: PhysicalNetwork,
    emulator: StatusEmulator,
    config: MapLoopConfig = MapLoopConfig(),
    read: ReadRates = ComingMean,
) -> tuple[float, float]:
    """Run both loops with a greedy manager that reads the coming slot; return QoE per user and second, and the SNR error in dB.

    Args:
        network: It is reset.
        emulator: Stands in for users who did not report.
        config: Sizes.
        read: What the manager reads of the emulated status: `ComingMean`, or `ExpectedWorst`.
    """
    gdt = GdtNetwork(
        network,
        emulator,
        {"greedy": GreedyAllocator(schedule_model(network))},
        every(config.period_slots),
        make_abstractor=lambda net, swipes: read(group_abstractor(net, swipes), emulator, net.link),
    )
    history = gdt.run(config.n_slots)
    counted = slice(config.n_first, None)
    return float(history.qoe[counted].mean()), float(np.sqrt((history.snr_error_db[counted] ** 2).mean()))


def study(
    emulators: Mapping[str, MakeEmulator],
    config: MapLoopConfig = MapLoopConfig(),
    *,
    seeds: Sequence[int],
    read: ReadRates = ComingMean,
) -> dict[str, dict[str, Float[np.ndarray, " seed"]]]:
    """Compare emulators on one scene for each seed; everything of a seed is the same for all of them.

    Returns:
        For each emulator the scores of `MapLoopScores`, and "qoe" and "loop_snr_rmse_db" of the run, by seed. Differences of
        two emulators belong into `studies.intervals.t_interval`.

    Raises:
        ValueError: No seed.
    """
    require(len(seeds) > 0, "seeds", "hold one or more", 0, "pass range(5)")
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in emulators}
    for seed in seeds:
        network, scene = open_network(config, seed=seed)
        recorded = record(network, config.n_slots)
        for name, make in emulators.items():
            emulator = make(network, scene, seed)
            scores = score_emulator(emulator, recorded, network, config)
            qoe, error_db = qoe_of(network, emulator, config, read)
            rows[name].append({**vars(scores), "qoe": qoe, "loop_snr_rmse_db": error_db})
    return {
        name: {score: np.array([row[score] for row in of_seeds]) for score in of_seeds[0]}
        for name, of_seeds in rows.items()
    }
