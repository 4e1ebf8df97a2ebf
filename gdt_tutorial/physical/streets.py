"""Places of a campus and the streets between them: a map that everybody knows.

Places are the buildings that stand in the campus box, and gates in the middle of its sides. A street joins two places
where no third one lies in the circle that has both as a diameter (the graph of Gabriel and Sokal 1969): near neighbors are
joined, all places hang together, and few streets cross. Everybody takes the shortest way.

The paper has no streets; its case study walks users by Levy flight. Here they exist so that a turn has a few ways on, and
an imitator has something to learn.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse.csgraph import shortest_path
from scipy.spatial import cKDTree

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.campus import Campus

__all__ = ["Streets"]


@dataclass(frozen=True, eq=False)
class Streets:
    """Places and the streets between them; the last `n_gates` places are gates.

    Attributes:
        place_m: Where the places are.
        n_gates: How many of them are gates.
        n_crossings: How many of those before the gates are crossings, where nobody stays.
        is_joined: Which places a street joins; None for the graph of Gabriel and Sokal.

    Raises:
        ValueError: fewer than two places, or two at one point.
    """

    place_m: Float[np.ndarray, "place xy"]
    n_gates: int = 0
    n_crossings: int = 0
    is_joined: Bool[np.ndarray, "place place"] | None = None

    def __post_init__(self) -> None:
        n_places, remedy = len(self.place_m), "take a campus with buildings in its box, or more gates"
        require(n_places >= 2, "place_m", "hold two places or more", n_places, remedy)
        n_different = len(np.unique(self.place_m, axis=0))
        require(n_different == n_places, "place_m", "hold different places", n_different, "drop the doubles")

    @classmethod
    def of(cls, campus: Campus, n_gates: int = 4) -> "Streets":
        """Lay streets between the buildings inside a campus box, and up to four gates in the middle of its sides."""
        require(0 <= n_gates <= 4, "n_gates", "lie in 0..4", n_gates, "a box has four sides")
        building_m = np.array([[each.x_m, each.y_m] for each in campus.buildings]).reshape(-1, 2)
        building_m = building_m[campus.contains(building_m)]
        (west, south), (east, north), (x, y) = *campus.box_m, campus.box_m.mean(axis=0)
        gate_m = np.array([[west, y], [east, y], [x, south], [x, north]])[:n_gates]
        return cls(np.concatenate([building_m, gate_m]), n_gates)

    @cached_property
    def middles(self) -> cKDTree:
        """The middles of all streets, for whoever asks for the nearest ones."""
        start_m, end_m = (self.place_m[axis] for axis in self.street.T)
        return cKDTree((start_m + end_m) / 2)

    @property
    def n_places(self) -> int:
        """Number of places."""
        return len(self.place_m)

    @cached_property
    def straight_m(self) -> Float[np.ndarray, "place place"]:
        """Distances as the crow flies."""
        return np.linalg.norm(self.place_m[:, None] - self.place_m, axis=-1)

    @cached_property
    def is_street(self) -> Bool[np.ndarray, "place place"]:
        """Which places a street joins."""
        if self.is_joined is not None:
            return self.is_joined
        square_m2 = self.straight_m**2
        # By Thales, a third place lies inside the circle where the squares of its distances add up to less.
        is_free = ~(square_m2[:, None, :] + square_m2[None, :, :] < square_m2[:, :, None] * (1 - 1e-12)).any(axis=-1)
        return is_free & ~np.eye(self.n_places, dtype=bool)

    @cached_property
    def street(self) -> Int[np.ndarray, "street 2"]:
        """The streets, each in both directions: the place where one enters it, and the place to which it leads."""
        return np.argwhere(self.is_street)

    @cached_property
    def _shortest(self) -> tuple[np.ndarray, np.ndarray]:
        length_m = np.where(self.is_street, self.straight_m, 0.0)  # 0 is no street here
        way_m, before = shortest_path(length_m, directed=False, return_predecessors=True)
        return way_m, before

    @property
    def way_m(self) -> Float[np.ndarray, "place place"]:
        """Lengths of the shortest ways."""
        return self._shortest[0]

    @property
    def next_place(self) -> Int[np.ndarray, "place place"]:
        """The next place on the way from one place (row) to another (column); negative from a place to itself."""
        # Streets lead both ways: the next place from here is the one before it, seen from the other end.
        return self._shortest[1].T
