"""Random scenes: rectangles on a street grid, an access point between them, and heights that nobody knows.

All of it is synthetic and chosen. Rectangles that touch or overlap are one building of one height (`Scene`). Heights are
independent of everything else, uniform between two bounds; drawing them anew with `redraw_heights` therefore gives the true
conditional law of a scene, given its footprints and access points. Every claim about a drawn map has that law as its oracle.

`waterloo_scene` puts rectangles of random size around the real centers of the campus: a layout that no training has seen. Its
centers are true; its footprints and heights are not.
"""

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.scenes.scene import Scene

__all__ = ["SceneConfig", "draw_heights_m", "random_scene", "redraw_heights", "street_positions_m", "waterloo_scene"]


@configclass
class SceneConfig:
    """Size of a scene, and the laws of its buildings."""

    n_pixels: int = parameter(32, "Pixels along each side of a scene.", "chosen: 256 m", at_least=8)
    pixel_m: float = parameter(8.0, "Side of a pixel.", "chosen", above=0, below=np.inf)
    min_buildings: int = parameter(5, "Fewest rectangles.", "chosen", at_least=1)
    max_buildings: int = parameter(12, "Most rectangles; touching ones are one building.", "chosen", at_least=1)
    min_side_m: float = parameter(16.0, "Shortest side of a rectangle.", "chosen", above=0, below=np.inf)
    max_side_m: float = parameter(56.0, "Longest side of a rectangle.", "chosen", above=0, below=np.inf)
    min_height_m: float = parameter(4.0, "Lowest building.", "chosen: one floor", above=0, below=np.inf)
    max_height_m: float = parameter(22.0, "Highest building.", "chosen: six floors", above=0, below=np.inf)
    n_aps: int = parameter(1, "Access points, each on a street pixel of its own.", "chosen", at_least=1)
    ap_height_m: float = parameter(10.0, "Height of the antennas.", "TR 38.901 Table 7.2-1", above=1.5, below=np.inf)

    def __post_init__(self) -> None:
        for low, high in (
            ("min_buildings", "max_buildings"),
            ("min_side_m", "max_side_m"),
            ("min_height_m", "max_height_m"),
        ):
            pair = (getattr(self, low), getattr(self, high))
            require(pair[0] <= pair[1], f"{low}, {high}", "be ordered", pair, "swap or raise one")


def random_scene(config: SceneConfig = SceneConfig(), *, rng: np.random.Generator) -> Scene:
    """Draw a scene: rectangles anywhere in the box, access points on street pixels, heights.

    Raises:
        ValueError: The buildings leave fewer street pixels than there are access points.
    """
    n_buildings = int(rng.integers(config.min_buildings, config.max_buildings + 1))
    center_m = rng.uniform(0, config.n_pixels * config.pixel_m, (n_buildings, 2))
    return _scene_around(center_m, (0.0, 0.0), config, rng=rng)


def waterloo_scene(
    config: SceneConfig = SceneConfig(),
    center_m: tuple[float, float] = (20.0, 20.0),
    *,
    rng: np.random.Generator,
) -> Scene:
    """Draw a scene around the real centers of the Waterloo campus; sizes, heights and access points are synthetic.

    Args:
        config: Its numbers of rectangles do not count here: there is one for each building center in the box. 80 pixels of 8 m
            hold the whole campus box, 32 its middle.
        center_m: Middle of the scene, in the coordinates of `Campus.waterloo`.
        rng: Of sizes, heights and access points.

    Raises:
        ValueError: No building center lies in the box.
    """
    half_m = config.n_pixels * config.pixel_m / 2
    origin_m = (center_m[0] - half_m, center_m[1] - half_m)
    building_m = np.array([[each.x_m, each.y_m] for each in Campus.waterloo().buildings]) - origin_m
    building_m = building_m[((building_m > 0) & (building_m < 2 * half_m)).all(axis=-1)]
    rule = f"have a building within {half_m:g} m east, west, north and south"
    require(len(building_m) > 0, "center_m", rule, center_m, "take the middle of the campus, (20.0, 20.0)")
    return _scene_around(building_m, origin_m, config, rng=rng)


def draw_heights_m(config: SceneConfig, *shape: int, rng: np.random.Generator) -> Float[np.ndarray, "*shape building"]:
    """Draw heights from their law, the last axis for buildings."""
    return rng.uniform(config.min_height_m, config.max_height_m, shape)


def redraw_heights(scene: Scene, config: SceneConfig = SceneConfig(), *, rng: np.random.Generator) -> Scene:
    """Return the same footprints and access points with new heights: a draw of the true conditional law."""
    return scene.with_heights(draw_heights_m(config, scene.n_buildings, rng=rng))


def street_positions_m(
    footprint: Bool[np.ndarray, "y x"],
    n_positions: int,
    pixel_m: float,
    origin_m: tuple[float, float] = (0.0, 0.0),
    *,
    rng: np.random.Generator,
) -> Float[np.ndarray, "point xy"]:
    """Draw the centers of different street pixels, all with the same probability.

    Raises:
        ValueError: Fewer street pixels than positions.
    """
    street = np.argwhere(~footprint)
    rule = f"leave {n_positions} street pixels or more"
    require(len(street) >= n_positions, "footprint", rule, len(street), "make the buildings fewer or smaller")
    row_column = street[rng.choice(len(street), n_positions, replace=False)]
    return (row_column[:, ::-1] + 0.5) * pixel_m + np.array(origin_m)


def _scene_around(
    center_m: np.ndarray, origin_m: tuple[float, float], config: SceneConfig, *, rng: np.random.Generator
) -> Scene:
    """Put a rectangle of random sides around each center (from the corner of the box), then masts, then heights."""
    side_m = rng.uniform(config.min_side_m, config.max_side_m, center_m.shape)
    first, last = (np.round((center_m + sign * side_m / 2) / config.pixel_m).astype(int) for sign in (-1, 1))
    footprint = np.zeros((config.n_pixels, config.n_pixels), dtype=bool)
    for (x0, y0), (x1, y1) in zip(np.maximum(first, 0), np.maximum(last, 0), strict=True):
        footprint[y0:y1, x0:x1] = True
    ap_m = street_positions_m(footprint, config.n_aps, config.pixel_m, origin_m, rng=rng)
    plan = Scene(footprint.astype(float), ap_m, config.pixel_m, origin_m, config.ap_height_m)
    return redraw_heights(plan, config, rng=rng)
