"""A network that lives on a scene: masts on its streets, walkers between its buildings, and their shade in the channel."""

from typing import Any

import numpy as np

from gdt_tutorial import seeding
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.destinations import DestinationConfig, StreetMobility
from gdt_tutorial.physical.logs.watch_logs import WatchLog
from gdt_tutorial.physical.network import (
    Grouping,
    NetworkConfig,
    PhysicalNetwork,
    favorite_type_groups,
    videos_and_viewers,
)
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.physical.scenes.scene_channel import SceneChannelModel
from gdt_tutorial.physical.scenes.scene_streets import scene_streets
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.physical.topology import AccessPoint, EdgeServer, Topology

__all__ = ["scene_network", "scene_topology"]


def scene_topology(scene: Scene, **changes: Any) -> Topology:
    """Build the topology whose campus is the box of a scene and whose access points are the scene's.

    Args:
        scene: Where the masts stand.
        **changes: A field of `AccessPoint` or `EdgeServer` changes it at every access point, as in `Topology.waterloo`.

    Raises:
        ValueError: If a name is none of these.
    """
    edge = {name: value for name, value in changes.items() if name in EdgeServer.__dataclass_fields__}
    own = {name: value for name, value in changes.items() if name not in edge}
    names = sorted({*AccessPoint.__dataclass_fields__, *EdgeServer.__dataclass_fields__} - {"position_m", "height_m"})
    require(set(own) <= set(names), "changes", f"be among {names}", sorted(set(own) - set(names)), "correct the name")
    points = tuple(
        AccessPoint(position_m=(float(x), float(y)), height_m=scene.ap_height_m, **own) for x, y in scene.ap_position_m
    )
    return Topology(campus=Campus(scene.box_m), access_points=points, edge_servers=(EdgeServer(**edge),) * scene.n_aps)


def scene_network(
    scenes: tuple[Scene, ...],
    n_batch: int = 1,
    config: NetworkConfig = NetworkConfig(),
    *,
    walks: DestinationConfig = DestinationConfig(),
    n_places: int = 12,
    channel: ChannelConfig = ChannelConfig(),
    watch_log: WatchLog | None = None,
    streets: Streets | None = None,
    form_groups: Grouping = favorite_type_groups,
    seed: int,
    **changes: Any,
) -> PhysicalNetwork:
    """Build a network on a scene, with videos and viewers from `watch_log` or the generator.

    Args:
        scenes: One for all environments, or one for each; all with the same footprints and masts, so that heights alone
            differ (`redraw_heights`).
        n_batch: Environments side by side.
        config: Everything but the scene.
        walks: How long users stay, how fast they walk, which places they like.
        n_places: Places where users stay.
        channel: Carrier, noise and fading.
        watch_log: Real watch logs; None takes the embedded generator.
        streets: Where users walk, and its places; None draws places by the seed.
        form_groups: Puts users into multicast groups.
        seed: Of every random stream.
        **changes: As for `scene_topology`, for example `tx_power_dbm=10.0`.

    Raises:
        ValueError: Scenes of different footprints.
    """
    first = scenes[0]
    is_same = all(np.array_equal(each.footprint, first.footprint) for each in scenes)
    require(is_same, "scenes", "have the same footprints", "others", "redraw the heights of one scene")
    if streets is None:
        streets = scene_streets(first, n_places, walks.n_gates, rng=seeding.stream(seed, "streets"))
    catalog, viewers = videos_and_viewers(n_batch, config.n_users, watch_log, seed=seed)
    return PhysicalNetwork(
        scene_topology(first, **changes),
        catalog,
        viewers,
        config,
        mobility=StreetMobility(streets=streets, config=walks),
        channel=SceneChannelModel(scenes=scenes, config=channel),
        form_groups=form_groups,
        seed=seed,
    )
