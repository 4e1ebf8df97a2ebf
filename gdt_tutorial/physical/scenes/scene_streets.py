"""The streets of a scene as a map for walkers: from street pixel to street pixel, never through a building.

Every street pixel is a place of `Streets`, and a street joins it to its eight neighbors; a diagonal only where the two pixels
beside it are streets as well, so that nobody cuts a corner. A few of the pixels are places where people stay, and a few at the
border are gates; all others are crossings. Walks are those of `destinations`, stationary from their first moment on.
"""

import numpy as np
from jaxtyping import Bool, Int
from scipy.ndimage import label

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.scenes.scene import Scene
from gdt_tutorial.physical.streets import Streets

__all__ = ["scene_streets"]

_MAX_PIXELS = 2500  # ways between all pairs of pixels are kept


def scene_streets(scene: Scene, n_places: int = 12, n_gates: int = 4, *, rng: np.random.Generator) -> Streets:
    """Lay streets over the largest connected street of a scene; places and gates are drawn among its pixels.

    Raises:
        ValueError: Too few street pixels for the places, too few at the border for the gates, or more than 2,500 of them.
    """
    is_open = _largest_street(~scene.footprint)
    pixel = np.argwhere(is_open)
    rule = f"have {n_places + n_gates} to {_MAX_PIXELS} connected street pixels"
    is_possible = n_places + n_gates <= len(pixel) <= _MAX_PIXELS
    require(is_possible, "scene", rule, len(pixel), "take fewer places, or a smaller scene")
    is_border = ((pixel == 0) | (pixel == np.array(scene.shape) - 1)).any(axis=1)
    rule = f"have {n_gates} street pixels at the border"
    require(is_border.sum() >= n_gates, "scene", rule, int(is_border.sum()), "take fewer gates")
    gate = rng.choice(np.flatnonzero(is_border), n_gates, replace=False)
    place = rng.choice(np.setdiff1d(np.arange(len(pixel)), gate), n_places, replace=False)
    crossing = np.setdiff1d(np.arange(len(pixel)), np.concatenate([place, gate]))
    pixel = pixel[np.concatenate([place, crossing, gate])]
    return Streets(scene.center_m[tuple(pixel.T)], n_gates, len(crossing), _neighbors(pixel, is_open))


def _largest_street(is_street: Bool[np.ndarray, "y x"]) -> Bool[np.ndarray, "y x"]:
    number, _ = label(is_street)
    return number == np.bincount(number[is_street]).argmax()


def _neighbors(pixel: Int[np.ndarray, "place 2"], is_open: Bool[np.ndarray, "y x"]) -> Bool[np.ndarray, "place place"]:
    number = np.full(np.array(is_open.shape) + 2, -1)  # with a border, where no street is
    number[tuple((pixel + 1).T)] = np.arange(len(pixel))
    is_joined = np.zeros((len(pixel), len(pixel)), dtype=bool)
    row, column = (pixel + 1).T
    for north, east in ((0, 1), (1, 0), (1, 1), (1, -1)):
        to, beside = number[row + north, column + east], (number[row + north, column], number[row, column + east])
        is_free = (to >= 0) & (beside[0] >= 0) & (beside[1] >= 0)
        is_joined[np.flatnonzero(is_free), to[is_free]] = True
    return is_joined | is_joined.T
