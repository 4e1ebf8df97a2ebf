"""A scene: buildings on a grid of pixels, and the access points between them.

A map is written `[y, x]`: row y counts pixels to the north, column x pixels to the east, and the center of pixel (0, 0) lies
half a pixel inside the south-west corner `origin_m`. A pixel with a height is part of a building, one without is street.
Pixels that touch along a side are one building and have one height, so that the footprint tells which pixels belong together.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.ndimage import distance_transform_edt, label

from gdt_tutorial.configuration import require

__all__ = ["Scene"]


@dataclass(frozen=True, eq=False)
class Scene:
    """Heights of buildings on a grid, and access points on its streets.

    Attributes:
        height_m: Height of the building on each pixel, 0 on streets.
        ap_position_m: East and north of the masts.
        pixel_m: Side of a pixel.
        origin_m: South-west corner of the grid.
        ap_height_m: Height of all antennas; the roof of a building may stand above or below it.

    Raises:
        ValueError: A wrong shape, a height that is no height, a scene without a street, or an access point inside a building
            or outside the grid.
    """

    height_m: Float[np.ndarray, "y x"]
    ap_position_m: Float[np.ndarray, "ap xy"]
    pixel_m: float = 8.0
    origin_m: tuple[float, float] = (0.0, 0.0)
    ap_height_m: float = 10.0

    def __post_init__(self) -> None:
        height_m, ap_m = np.asarray(self.height_m), np.asarray(self.ap_position_m)
        require(height_m.ndim == 2, "height_m", "have the axes y and x", height_m.shape, "pass one map")
        is_height = bool(np.isfinite(height_m).all() and (height_m >= 0).all())
        require(is_height, "height_m", "hold finite heights, 0 on streets", "others", "take 0 where no building stands")
        require(self.pixel_m > 0, "pixel_m", "be above 0", self.pixel_m, "8.0 is a pixel of 8 m")
        n_streets = int((height_m == 0).sum())
        require(n_streets > 0, "height_m", "leave a street pixel", n_streets, "make the buildings fewer or smaller")
        is_list = ap_m.ndim == 2 and ap_m.shape[0] > 0 and ap_m.shape[1] == 2
        require(is_list, "ap_position_m", "hold a row (x, y) for each access point", ap_m.shape, "pass [[x, y]]")
        self.check_inside(ap_m, "ap_position_m")
        is_indoor = self.footprint[tuple(self.pixel_of(ap_m).T)]
        remedy = "put it on a street pixel"
        require(not is_indoor.any(), "ap_position_m", "lie on streets", ap_m[is_indoor].tolist(), remedy)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of pixels to the north, and to the east."""
        return self.height_m.shape

    @property
    def n_aps(self) -> int:
        """Number of access points."""
        return len(self.ap_position_m)

    @property
    def box_m(self) -> Float[np.ndarray, "2 xy"]:
        """South-west and north-east corner."""
        n_y, n_x = self.shape
        return np.array(self.origin_m) + np.array([[0.0, 0.0], [n_x * self.pixel_m, n_y * self.pixel_m]])

    @cached_property
    def footprint(self) -> Bool[np.ndarray, "y x"]:
        """Where buildings stand: what everybody knows."""
        return self.height_m > 0

    @cached_property
    def building(self) -> Int[np.ndarray, "y x"]:
        """The number of the building on each pixel, from 0 on; -1 on streets."""
        return label(self.footprint)[0].astype(np.int64) - 1

    @property
    def n_buildings(self) -> int:
        """Number of buildings."""
        return int(self.building.max()) + 1

    @cached_property
    def center_m(self) -> Float[np.ndarray, "y x xy"]:
        """East and north of the pixels' centers."""
        n_y, n_x = self.shape
        east_m, north_m = np.meshgrid((np.arange(n_x) + 0.5) * self.pixel_m, (np.arange(n_y) + 0.5) * self.pixel_m)
        return np.stack([east_m, north_m], axis=-1) + np.array(self.origin_m)

    def check_inside(self, position_m: Float[np.ndarray, "*shape xy"], argument: str = "position_m") -> None:
        """Raise a ValueError that shows the first position outside the grid, if there is one."""
        inside = ((position_m >= self.box_m[0] - 1e-6) & (position_m <= self.box_m[1] + 1e-6)).all(axis=-1)
        outside = np.asarray(position_m)[~inside][:1].tolist()
        require(
            inside.all(), argument, f"be finite and lie in the box {self.box_m.tolist()}", outside, "move it inside"
        )

    def check_masts(self, ap_position_m: Float[np.ndarray, "_ xy"], argument: str = "scene") -> None:
        """Raise a ValueError where the access points of a topology stand elsewhere than those of the scene."""
        own_m, rule = np.asarray(self.ap_position_m), "have the masts of the topology"
        is_same = own_m.shape == ap_position_m.shape and np.allclose(own_m, ap_position_m)
        require(is_same, argument, rule, own_m.tolist(), "make the topology with scene_topology")

    def pixel_of(self, position_m: Float[np.ndarray, "*shape xy"]) -> Int[np.ndarray, "*shape 2"]:
        """Return the row y and the column x of the pixel that each position of the grid lies in."""
        column_row = np.floor((position_m - np.array(self.origin_m)) / self.pixel_m).astype(np.int64)
        return np.clip(column_row[..., ::-1], 0, np.array(self.shape) - 1)

    def with_heights(self, building_height_m: Float[np.ndarray, " building"]) -> "Scene":
        """Return the same footprints with other heights.

        Raises:
            ValueError: Not one height for each building.
        """
        rule = f"hold {self.n_buildings} heights, one for each building"
        require(
            len(building_height_m) == self.n_buildings, "building_height_m", rule, len(building_height_m), "count them"
        )
        return replace(self, height_m=self.heights_on_map(building_height_m))

    def heights_on_map(
        self, building_height_m: Float[np.ndarray, "*shape building"]
    ) -> Float[np.ndarray, "*shape y x"]:
        """Write heights of the buildings onto their pixels, 0 on streets."""
        street = np.zeros((*building_height_m.shape[:-1], 1), dtype=building_height_m.dtype)
        return np.concatenate([building_height_m, street], axis=-1)[..., self.building]  # -1 is the street at the end

    def spread_indoors(self, level: Shaped[np.ndarray, "*shape y x"]) -> Shaped[np.ndarray, "*shape y x"]:
        """Give the pixels of buildings the value of the nearest street pixel."""
        row, column = self._nearest_street
        return level[..., row, column]

    @cached_property
    def _nearest_street(self) -> Int[np.ndarray, "2 y x"]:
        nearest = distance_transform_edt(self.footprint, return_distances=False, return_indices=True)
        return np.asarray(nearest, dtype=np.int64)

    def at(self, level: Float[np.ndarray, "*rest y x"], position_m: Float[np.ndarray, "*shape xy"]) -> np.ndarray:
        """Read maps at positions: bilinear between the centers of pixels, so that it is continuous along a walk.

        Buildings take the value of the nearest street pixel first, since nobody walks indoors and no map holds there;
        beyond the outermost centers the map goes on as it ends. Returns the axes of the maps, then those of the positions.

        Raises:
            ValueError: A map of another shape, or a position outside the grid.
        """
        require(level.shape[-2:] == self.shape, "level", f"end in the shape {self.shape}", level.shape, "pass its maps")
        return self.between(self.spread_indoors(level), position_m)

    def between(self, level: Float[np.ndarray, "*rest y x"], position_m: Float[np.ndarray, "*shape xy"]) -> np.ndarray:
        """Do the same with maps that have a value in every pixel (`spread_indoors`).

        Raises:
            ValueError: A position outside the grid.
        """
        row, column, weight = self.corners(position_m)
        return (level[..., row, column] * weight.astype(level.dtype)).sum(axis=-1)

    def corners(
        self, position_m: Float[np.ndarray, "*shape xy"]
    ) -> tuple[Int[np.ndarray, "*shape 4"], Int[np.ndarray, "*shape 4"], Float[np.ndarray, "*shape 4"]]:
        """Return rows, columns and weights of the four pixels between whose centers each position lies.

        Raises:
            ValueError: A position outside the grid.
        """
        self.check_inside(position_m)
        limit = np.array(self.shape) - 1
        at = np.clip(((position_m - np.array(self.origin_m)) / self.pixel_m - 0.5)[..., ::-1], 0, limit)
        low = np.minimum(at.astype(np.int64), np.maximum(limit - 1, 0))
        high, north_east = np.minimum(low + 1, limit), at - low
        (y0, x0), (y1, x1), (wy, wx) = (np.moveaxis(each, -1, 0) for each in (low, high, north_east))
        row, column = np.stack([y0, y0, y1, y1], axis=-1), np.stack([x0, x1, x0, x1], axis=-1)
        weight = np.stack([(1 - wy) * (1 - wx), (1 - wy) * wx, wy * (1 - wx), wy * wx], axis=-1)
        return row, column, weight
