"""How the shipped generator of scenes is made: 512 random scenes, their maps, and reports from their streets (two minutes)."""

from collections.abc import Callable

from gdt_tutorial import seeding
from gdt_tutorial.gai.gan import GanConfig, GanLosses
from gdt_tutorial.twin.emulation.maps.generator import GeneratedMaps
from gdt_tutorial.twin.emulation.maps.generator_training import (
    BOOK,
    measured_maps,
    random_scenes,
    start_maps,
    train_maps,
)

__all__ = ["train_shipped_scenes", "untrained_scenes"]

_SEED = 40_000  # far from the seeds that chapters and tests run with
_N_SCENES = 512


def train_shipped_scenes(
    config: GanConfig = BOOK,
    n_scenes: int = _N_SCENES,
    *,
    on_update: Callable[[int, GanLosses], object] | None = None,
) -> GeneratedMaps:
    """Train the shipped generator anew."""
    inputs, loss_db = measured_maps(random_scenes(n_scenes, rng=seeding.stream(_SEED, "scenes")))
    rng, generator = seeding.stream(_SEED, "reports"), seeding.torch_stream(_SEED, "generator")
    return train_maps(inputs, loss_db, config, rng=rng, generator=generator, on_update=on_update)


def untrained_scenes(config: GanConfig = BOOK, n_scenes: int = _N_SCENES) -> GeneratedMaps:
    """Return the start of that training."""
    inputs, loss_db = measured_maps(random_scenes(n_scenes, rng=seeding.stream(_SEED, "scenes")))
    rng, generator = seeding.stream(_SEED, "reports"), seeding.torch_stream(_SEED, "generator")
    return start_maps(inputs, loss_db, config, rng=rng, generator=generator)
