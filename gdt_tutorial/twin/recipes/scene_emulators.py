"""Emulators for networks that stand on scenes: by the law, by drawn maps, by kriging, by the truth; all walk alike.

They differ in what they know of the channel and in nothing else: unless they are told another `positions`, users go on at
constant velocity, with the growth of errors that was measured on walks along the streets of scenes. Each is made for a network,
its scene, and a seed, so that a study can make all of them for each of its scenes.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from gdt_tutorial import seeding
from gdt_tutorial.physical.channel import ChannelConfig, budget_db, expected_snr_db
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.scenes.diffraction import scene_inputs, scene_maps
from gdt_tutorial.physical.scenes.layout import SceneConfig, random_scene
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.physical.scenes.scene_network import scene_topology
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, ErrorGrowth
from gdt_tutorial.twin.emulation.maps.kriging_emulator import KrigingEmulator
from gdt_tutorial.twin.emulation.maps.map_emulator import MapEmulator, MapSnrConfig
from gdt_tutorial.twin.emulation.maps.map_maker import MapMaker, MapMean, check_draws
from gdt_tutorial.twin.emulation.maps.random_field import fit_variogram
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig

__all__ = [
    "STREET_GROWTH",
    "MakeEmulator",
    "MakePositions",
    "by_kriging",
    "by_law",
    "by_maker",
    "by_truth",
    "measure_law",
    "positions_on",
]

STREET_GROWTH = ErrorGrowth(paused_m=0.082, paused_exponent=1.49, walking_m=0.086, walking_exponent=1.48)
"""Errors at constant velocity, measured on 360 walks over six random scenes (`walks.measure_growth`)."""

MakeEmulator = Callable[[PhysicalNetwork, Scene, int], StatusEmulator]
"""Makes an emulator for a network and its scene, from a seed; of the scene it may look at footprints and masts."""


MakePositions = Callable[[PhysicalNetwork, SnrEmulationConfig | None], StatusEmulator]
"""Makes an emulator that says where users go, and of SNR what the law says; with None nobody asks it for SNR."""


def positions_on(network: PhysicalNetwork, snr: SnrEmulationConfig | None = None) -> ConstantVelocity:
    """Let users go on as they went, as all emulators of this file do by default."""
    law, slot_s = snr or SnrEmulationConfig(), network.config.slot_s
    return ConstantVelocity(topology=network.topology, slot_s=slot_s, growth=STREET_GROWTH, snr=law)


def by_law(snr: SnrEmulationConfig, *, positions: MakePositions = positions_on) -> MakeEmulator:
    """Emulate SNR by the statistical law and the last report; `measure_law` says what the law leaves out."""
    return lambda network, scene, seed: positions(network, snr)


def by_maker(
    make: Callable[[Scene], MapMaker],
    snr: MapSnrConfig = MapSnrConfig(),
    n_draws: int = 32,
    *,
    positions: MakePositions = positions_on,
) -> MakeEmulator:
    """Emulate SNR from the draws of a maker; `make` returns it for a scene, of which it may read footprints and masts.

    A maker that is sure of its map (`SureMap`) needs one draw, and `lasting_std_db` says how wrong it is.
    """

    def emulator(network: PhysicalNetwork, scene: Scene, seed: int) -> MapEmulator:
        inputs = scene_inputs(scene)
        draws = make(scene)(inputs, n_draws, rng=seeding.stream(seed, "maps"))
        check_draws(draws, inputs, n_draws)
        return _on_maps(network, scene, draws, snr, positions)

    return emulator


def by_kriging(
    mean: MapMean, std: MapMean, correlation_m: float = 80.0, *, positions: MakePositions = positions_on
) -> MakeEmulator:
    """Emulate SNR by a mean map and all reports of the window, with a Gaussian law of the error: the strong plain rule."""

    def emulator(network: PhysicalNetwork, scene: Scene, seed: int) -> KrigingEmulator:
        inputs = scene_inputs(scene)
        return KrigingEmulator(
            positions=positions(network, None),
            topology=network.topology,
            scene=scene,
            loss_db=mean(inputs),
            std_db=std(inputs),
            correlation_m=correlation_m,
        )

    return emulator


def by_truth(snr: MapSnrConfig = MapSnrConfig(), *, positions: MakePositions = positions_on) -> MakeEmulator:
    """Emulate SNR from the map of the true heights: an oracle."""
    return lambda network, scene, seed: _on_maps(network, scene, scene_maps(scene).loss_db[None], snr, positions)


def _on_maps(
    network: PhysicalNetwork,
    scene: Scene,
    loss_db: Float[np.ndarray, "draw ap y x"],
    snr: MapSnrConfig,
    positions: MakePositions,
) -> MapEmulator:
    walkers = positions(network, None)
    return MapEmulator(positions=walkers, topology=network.topology, scene=scene, loss_db=loss_db, snr=snr)


def measure_law(
    config: SceneConfig = SceneConfig(), n_scenes: int = 30, n_places: int = 150, *, seed: int
) -> SnrEmulationConfig:
    """Measure on random scenes what the law leaves out: offset, spread and correlation, for a fair plain emulator."""
    rng, channel = seeding.stream(seed, "law"), ChannelConfig()
    residuals, correlations = [], []
    for _ in range(n_scenes):
        scene = random_scene(config, rng=rng)
        topology, street = scene_topology(scene), np.argwhere(~scene.footprint)
        pixel = street[rng.choice(len(street), min(n_places, len(street)), replace=False)]
        place_m = scene.center_m[tuple(pixel.T)]
        mean_db = budget_db(topology, channel) - scene.at(scene_maps(scene).loss_db, place_m).T
        residual_db = (mean_db - expected_snr_db(place_m, topology, channel)).astype(float)
        residuals.append(residual_db)
        correlations += [fit_variogram(place_m, of_ap).correlation_m for of_ap in residual_db.T]
    all_db, fading_db2 = np.concatenate(residuals), MapSnrConfig().fading_std_db ** 2
    variance_db2 = float(all_db.var()) + fading_db2
    return SnrEmulationConfig(
        offset_db=float(all_db.mean()),
        residual_std_db=variance_db2**0.5,
        correlation_m=float(np.median(correlations)),
        fading_share=fading_db2 / variance_db2,
    )
