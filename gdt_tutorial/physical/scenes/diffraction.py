"""What buildings cost: the law of line of sight, and the dominant knife edge on the ray.

The loss of a pixel is that of line of sight (UMi street canyon, 3GPP TR 38.901) plus that of the one edge that shades it most
(ITU-R P.526-15). With h the height of a roof above the straight line between the antennas, d1 and d2 its distances from both
and the wavelength w,

    v = h sqrt(2 / w (1 / d1 + 1 / d2))                                                  P.526 eq. (26)
    J(v) = 6.9 + 20 log10(sqrt((v - 0.1)^2 + 1) + v - 0.1)   for v > -0.78, else 0       P.526 eq. (31)

J grows with v, so the dominant edge is the one of the largest v. At v = 0 the roof touches the line and takes 6 dB; line of
sight prevails (`is_los`) where no roof reaches it.

How we differ: no reflections, no way around a corner, and no second edge; real streets guide more power into the shade, and
the cap `max_excess_db` stands for it. Distances are horizontal. The ray is read at `n_points` points, uniform between the
antennas.
"""

from math import inf
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.channel import ChannelConfig, umi_law
from gdt_tutorial.physical.scenes.scene import Scene

__all__ = [
    "DiffractionConfig",
    "SceneMaps",
    "crossed_m",
    "edge_parameter",
    "knife_edge_loss_db",
    "law_loss_db",
    "loss_draws_db",
    "scene_inputs",
    "scene_maps",
]

_SPEED_OF_LIGHT_MPS = 299_792_458.0


@configclass
class DiffractionConfig:
    """How a ray is read."""

    max_excess_db: float = parameter(
        35.0, "Largest loss of an edge: reflections leave some power everywhere.", "chosen", above=0, below=inf
    )
    n_points: int = parameter(
        64, "Points at which the ray to a pixel is read.", "chosen: less than a pixel apart", at_least=8
    )


class SceneMaps(NamedTuple):
    """What a scene does to the radio of each access point; true outdoors only."""

    loss_db: Float[np.ndarray, "ap y x"]  # line of sight and edge together
    is_los: Bool[np.ndarray, "ap y x"]  # no roof reaches the ray


class _Rays(NamedTuple):
    """The rays from one access point to the centers of all pixels."""

    pixel: Int[np.ndarray, "point y x"]  # flat index of the pixel under each point
    line_m: Float[np.ndarray, "point 1 1"]  # height of the ray there
    per_m: Float[np.ndarray, "point y x"]  # v of a roof that stands 1 m above it
    length_m: Float[np.ndarray, "y x"]


def edge_parameter(
    above_m: Float[np.ndarray, "*shape"] | float,
    before_m: Float[np.ndarray, "*shape"] | float,
    behind_m: Float[np.ndarray, "*shape"] | float,
    wavelength_m: float,
) -> Float[np.ndarray, "*shape"] | float:
    """Return v of an edge: its height above the line, and its distances from the two antennas (P.526 eq. 26)."""
    return above_m * np.sqrt(2 / wavelength_m * (1 / before_m + 1 / behind_m))


def knife_edge_loss_db(v: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return the loss of one knife edge (P.526 eq. 31): 0 below v = -0.78."""
    shifted = np.maximum(v, -0.78) - 0.1
    return np.where(v > -0.78, 6.9 + 20 * np.log10(np.sqrt(shifted**2 + 1) + shifted), 0.0)


def scene_maps(
    scene: Scene, channel: ChannelConfig = ChannelConfig(), config: DiffractionConfig = DiffractionConfig()
) -> SceneMaps:
    """Return loss and line of sight of every access point at every pixel."""
    v = np.stack([_largest_v(scene.height_m[None], _rays(scene, ap, channel, config))[0] for ap in range(scene.n_aps)])
    excess_db = np.minimum(knife_edge_loss_db(v), config.max_excess_db)
    return SceneMaps(law_loss_db(scene, channel) + excess_db, v <= 0)


def loss_draws_db(
    scene: Scene,
    building_height_m: Float[np.ndarray, "draw building"],
    channel: ChannelConfig = ChannelConfig(),
    config: DiffractionConfig = DiffractionConfig(),
) -> Float[np.ndarray, "draw ap y x"]:
    """Return the losses of the same footprints under several heights; `scene_maps` of each, faster.

    With heights of `draw_heights_m` this is the Monte Carlo of someone who knows the simulator and the law of the heights.

    Raises:
        ValueError: Not one height for each building.
    """
    rule = f"hold {scene.n_buildings} heights, one for each building"
    n_given = building_height_m.shape[-1]
    require(n_given == scene.n_buildings, "building_height_m", rule, n_given, "count them")
    height_m = scene.heights_on_map(building_height_m)
    v = np.stack([_largest_v(height_m, _rays(scene, ap, channel, config)) for ap in range(scene.n_aps)], axis=1)
    return law_loss_db(scene, channel) + np.minimum(knife_edge_loss_db(v), config.max_excess_db)


def law_loss_db(scene: Scene, channel: ChannelConfig = ChannelConfig()) -> Float[np.ndarray, "ap y x"]:
    """Return the loss in line of sight, as if no building stood there."""
    offset_m = scene.center_m - scene.ap_position_m[:, None, None]
    distance_m = np.maximum(np.linalg.norm(offset_m, axis=-1), channel.min_distance_m)
    law = umi_law(channel.carrier_hz, float(scene.ap_height_m), channel.user_height_m)
    return law.path_loss_db(distance_m, True)


def crossed_m(scene: Scene, config: DiffractionConfig = DiffractionConfig()) -> Float[np.ndarray, "ap y x"]:
    """Return how many meters of building the ray to each pixel crosses: what footprints tell about the shade."""
    crossed = []
    for ap in range(scene.n_aps):
        rays = _rays(scene, ap, ChannelConfig(), config)
        crossed.append(scene.footprint.ravel()[rays.pixel].mean(axis=0) * rays.length_m)
    return np.stack(crossed)


def scene_inputs(
    scene: Scene, channel: ChannelConfig = ChannelConfig(), config: DiffractionConfig = DiffractionConfig()
) -> Float[np.ndarray, "ap feature y x"]:
    """Return all that a learner of maps may know: footprint (0 or 1), loss in line of sight (dB), building crossed (m)."""
    footprint = np.broadcast_to(scene.footprint, (scene.n_aps, *scene.shape))
    known = (footprint, law_loss_db(scene, channel), crossed_m(scene, config))
    return np.stack(known, axis=1).astype(np.float32)


def _rays(scene: Scene, ap: int, channel: ChannelConfig, config: DiffractionConfig) -> _Rays:
    share = ((np.arange(config.n_points) + 0.5) / config.n_points).astype(np.float32)[:, None, None]
    mast_m = scene.ap_position_m[ap] - np.array(scene.origin_m)
    offset_m = (scene.center_m - scene.ap_position_m[ap]).astype(np.float32)
    length_m = np.hypot(offset_m[..., 0], offset_m[..., 1])
    column, row = (((mast_m[axis] + share * offset_m[..., axis]) / scene.pixel_m).astype(np.int32) for axis in (0, 1))
    wavelength_m = _SPEED_OF_LIGHT_MPS / channel.carrier_hz
    line_m = scene.ap_height_m + share * (channel.user_height_m - scene.ap_height_m)
    # v of 1 m is that of a ray of length 1 m over the root of the true length; below 1 m nothing can stand between.
    per_m = edge_parameter(1.0, share, 1 - share, wavelength_m) / np.sqrt(np.maximum(length_m, 1.0))
    return _Rays(row * scene.shape[1] + column, line_m, per_m, length_m)


def _largest_v(height_m: Float[np.ndarray, "draw y x"], rays: _Rays) -> Float[np.ndarray, "draw y x"]:
    """Return v of the dominant edge; a street is no edge."""
    profile_m = np.where(height_m > 0, height_m, -np.inf).astype(np.float32).reshape(len(height_m), -1)
    return np.stack([((roof_m[rays.pixel] - rays.line_m) * rays.per_m).max(axis=0) for roof_m in profile_m])
