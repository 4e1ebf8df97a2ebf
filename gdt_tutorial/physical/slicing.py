"""Network slices: "partitioning of a single physical network infrastructure into multiple and isolated logical networks".

The centralized controller sets a `SlicingPlan` on the large time scale; a slice's own local scheduling then works
inside its shares (the paper, GDT network architecture).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require

__all__ = ["NetworkSlice", "SlicingPlan"]

_RESOURCES = ("bandwidth_share", "computing_share", "backhaul_share", "cache_share")


@dataclass(frozen=True, kw_only=True)
class NetworkSlice:
    """The shares of every AP's resources that one service holds alone.

    Raises:
        ValueError: a share lies outside [0, 1], or the shares disagree on the number of APs.
    """

    name: str
    bandwidth_share: Float[np.ndarray, " ap"]
    computing_share: Float[np.ndarray, " ap"]
    backhaul_share: Float[np.ndarray, " ap"]
    cache_share: Float[np.ndarray, " ap"]

    def __post_init__(self) -> None:
        for resource in _RESOURCES:
            share = getattr(self, resource)
            shape, remedy = self.bandwidth_share.shape, "give every resource of a slice the same APs"
            require(share.shape == shape, resource, f"have shape {shape}, one share per AP", share.shape, remedy)
            is_share, remedy = np.all((share >= 0) & (share <= 1)), "divide it by the AP's whole resource"
            require(is_share, resource, "lie in [0, 1]", share.tolist(), remedy)

    @classmethod
    def whole(cls, n_aps: int, name: str = "video") -> "NetworkSlice":
        """Give one service everything."""
        return cls(name=name, **{resource: np.ones(n_aps) for resource in _RESOURCES})


@dataclass(frozen=True, kw_only=True)
class SlicingPlan:
    """Isolated slices: no resource of an AP is promised twice.

    Raises:
        ValueError: the shares of some resource sum to more than one at some AP, or a name occurs twice.
    """

    slices: tuple[NetworkSlice, ...]

    def __post_init__(self) -> None:
        names = [part.name for part in self.slices]
        require(len(set(names)) == len(names), "slices", "have different names", names, "rename one of them")
        for resource in _RESOURCES:
            total = np.sum([getattr(part, resource) for part in self.slices], axis=0)
            rule = f"share at most 1 of each AP's {resource}"
            require(np.all(total <= 1 + 1e-9), "slices", rule, total.tolist(), "scale the slices down")

    def __getitem__(self, name: str) -> NetworkSlice:
        by_name = {part.name: part for part in self.slices}
        require(name in by_name, "name", f"be one of {list(by_name)}", name, "add the slice first")
        return by_name[name]
