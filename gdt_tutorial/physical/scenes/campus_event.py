"""The campus event: six small cells on one band between the buildings of a campus, and a crowd that follows one stream.

The campus is the middle of Waterloo (`layout.waterloo_scene`): true centers of buildings, synthetic footprints and heights.
It is one and the same place in every run; a seed draws people, walks, fades and videos, and so another day on it. Radio alone
binds: computing, caches and backhaul are plentiful, as at the dense event without buildings (`physical.dense_event`).

The paper has no such network; all sizes are chosen.
"""

from functools import cache

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.logs.watch_logs import WatchLog
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork, one_group
from gdt_tutorial.physical.scenes.layout import SceneConfig, waterloo_scene
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.physical.scenes.scene_network import scene_network
from gdt_tutorial.physical.scenes.scene_streets import scene_streets
from gdt_tutorial.physical.streets import Streets

__all__ = ["CampusEventConfig", "campus_scene", "campus_streets", "event_network"]

_CAMPUS = 0  # seed of footprints, heights, masts and places: the first one that was drawn
_PLENTY_CYCLES_PER_S, _PLENTY_BYTE = 1e12, 1e12


@configclass
class CampusEventConfig:
    """What the cells send, and how many people come."""

    n_users: int = parameter(30, "The crowd.", "as the dense event", above=0)
    n_aps: int = parameter(6, "Access points, on street pixels.", "as the dense event", above=0)
    tx_power_dbm: float = parameter(24.0, "Power of an access point.", "chosen; usual for a small cell")
    bandwidth_hz: float = parameter(2e6, "Width of the band that all share.", "chosen: radio binds", above=0)


@cache
def campus_scene(n_aps: int = CampusEventConfig().n_aps) -> Scene:
    """Return the campus, with the masts of its access points."""
    return waterloo_scene(SceneConfig(n_aps=n_aps), rng=seeding.stream(_CAMPUS, "scene"))


@cache
def campus_streets(n_aps: int = CampusEventConfig().n_aps) -> Streets:
    """Return its streets, the places where people stay, and the gates."""
    return scene_streets(campus_scene(n_aps), rng=seeding.stream(_CAMPUS, "streets"))


def event_network(
    n_days: int = 1,
    config: CampusEventConfig = CampusEventConfig(),
    *,
    scene: Scene | None = None,
    watch_log: WatchLog | None = None,
    seed: int,
) -> PhysicalNetwork:
    """Build the network, with all users in one multicast group.

    Args:
        n_days: Days side by side: the same place, with other people and walks.
        config: Cells and crowd.
        scene: Another place than the campus, with as many masts; its streets are drawn by the seed.
        watch_log: Real viewers; None takes the generator.
        seed: Of every random stream.
    """
    return scene_network(
        (campus_scene(config.n_aps) if scene is None else scene,),
        n_days,
        NetworkConfig(n_users=config.n_users),
        watch_log=watch_log,
        streets=campus_streets(config.n_aps) if scene is None else None,
        form_groups=one_group,
        seed=seed,
        tx_power_dbm=config.tx_power_dbm,
        bandwidth_hz=config.bandwidth_hz,
        band=0,
        computing_cycles_per_s=_PLENTY_CYCLES_PER_S,
        cache_byte=_PLENTY_BYTE,
    )
