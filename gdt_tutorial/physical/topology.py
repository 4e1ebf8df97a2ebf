"""Where the network stands: campus, access points, edge servers, cloud and backhaul.

Paper: Fig. 1 draws access points with edge servers (computing and caching), a cloud and the links between them; its
case study has two base stations. Positions, powers and capacities are not printed there, so each number below names its
own source.
"""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.campus import Building, Campus

__all__ = ["AccessPoint", "Backhaul", "Building", "Campus", "CloudServer", "EdgeServer", "Topology"]


@configclass
class AccessPoint:
    """A base station; by default with a band of its own, so that access points do not disturb each other (chosen)."""

    # East and north of the mast.
    position_m: tuple[float, float]
    # Height of the antenna; TR 38.901 Table 7.2-1 (UMi street canyon).
    height_m: float = parameter(10.0, "Height of the antenna.", "TR 38.901 Table 7.2-1", above=1)
    # Power of a small cell; chosen, usual in the literature.
    tx_power_dbm: float = parameter(
        27.0, "Power transmitted over the whole band.", "chosen; usual for a small cell", above=-inf, below=inf
    )
    # Width of the band; chosen.
    bandwidth_hz: float = parameter(
        5e6, "Width of the band of one access point.", "chosen", above=0, below=inf, remedy="5e6 is 5 MHz"
    )
    # Those with the same number disturb each other; chosen.
    band: int | None = parameter(
        None, "Number of its band; who has the same one interferes. None: a band of its own.", "chosen", at_least=0
    )

    def __post_init__(self) -> None:
        require(np.isfinite(self.position_m).all(), "position_m", "be finite", self.position_m, "pass meters (x, y)")


@configclass
class EdgeServer:
    """Computing and caching beside one access point."""

    # Transcoding capacity; chosen, in the middle of the sweep of the case study (2 to 10 Gcycle/s).
    computing_cycles_per_s: float = parameter(
        5e9, "Computing capacity of an edge server.", "chosen", above=0, below=inf, remedy="5e9 is 5 Gcycle/s"
    )
    # Cache for video files; chosen.
    cache_byte: float = parameter(
        200e6, "Size of the cache of an edge server.", "chosen", above=0, below=inf, remedy="200e6 is 200 MB"
    )


@configclass
class CloudServer:
    """The cloud behind the backhaul: it holds the whole catalog."""

    # Computing capacity; chosen, twenty edge servers.
    computing_cycles_per_s: float = parameter(
        100e9, "Computing capacity of the cloud.", "chosen", above=0, below=inf, remedy="100e9 is 100 Gcycle/s"
    )
    # Storage; chosen, large enough for any catalog of this book.
    cache_byte: float = parameter(1e12, "Storage of the cloud.", "chosen", above=0, below=inf, remedy="1e12 is 1 TB")


@configclass
class Backhaul:
    """The link between the cloud and each access point."""

    # Rate of the link of one access point; chosen, above the rate of its radio.
    rate_bps: float = parameter(
        100e6, "Rate between the cloud and one access point.", "chosen", above=0, below=inf, remedy="100e6 is 100 Mb/s"
    )


@dataclass(frozen=True, kw_only=True)
class Topology:
    """A campus with its access points, one edge server at each, a cloud and the backhaul."""

    campus: Campus
    access_points: tuple[AccessPoint, ...]
    edge_servers: tuple[EdgeServer, ...]
    cloud: CloudServer = CloudServer()
    backhaul: Backhaul = Backhaul()

    def __post_init__(self) -> None:
        require(self.access_points, "access_points", "hold at least one", self.access_points, "add an AccessPoint")
        n_servers, rule = len(self.edge_servers), f"hold one server per access point ({self.n_aps})"
        require(n_servers == self.n_aps, "edge_servers", rule, n_servers, "pass as many as access_points")
        for band in np.unique(self.band):
            width_hz = np.unique(self.bandwidth_hz[self.band == band]).tolist()
            rule, remedy = "be the same on one band, and so the noise in it", "give them bands of their own"
            require(len(width_hz) == 1, "access_points.bandwidth_hz", rule, width_hz, remedy)
        self.campus.check_inside(self.ap_position_m, "access_points.position_m")

    @classmethod
    def waterloo(cls, **changes: Any) -> "Topology":
        """Build the default network: two access points (the paper) 351 m apart (chosen), and an edge server at each.

        Args:
            **changes: A field of `Topology` replaces the default; a field of `AccessPoint` or `EdgeServer`
                (`bandwidth_hz=10e6`, `computing_cycles_per_s=8e9`) changes it at every access point.

        Raises:
            ValueError: If a name is none of these.
        """
        masts_m = ((-120.0, 60.0), (210.0, -60.0))  # by MC/QNC/SLC and by E2/RCH
        names = [
            [field.name for field in dataclasses.fields(part) if field.name != "position_m"]
            for part in (cls, AccessPoint, EdgeServer)
        ]
        unknown = sorted(set(changes) - set().union(*names))
        require(not unknown, "changes", f"be among {[*names[0], *names[1], *names[2]]}", unknown, "correct the name")
        own, per_ap, per_server = ({name: changes[name] for name in part if name in changes} for part in names)
        access_points = tuple(AccessPoint(position_m=mast_m, **per_ap) for mast_m in masts_m)
        own = {"campus": Campus.waterloo(), "access_points": access_points, **own}
        own.setdefault("edge_servers", (EdgeServer(**per_server),) * len(own["access_points"]))
        return cls(**own)

    @property
    def n_aps(self) -> int:
        """Number of access points."""
        return len(self.access_points)

    @cached_property
    def ap_position_m(self) -> Float[np.ndarray, "ap xy"]:
        """Positions of the masts."""
        return _column(self.access_points, "position_m")

    @cached_property
    def ap_height_m(self) -> Float[np.ndarray, " ap"]:
        """Heights of the antennas."""
        return _column(self.access_points, "height_m")

    @cached_property
    def tx_power_dbm(self) -> Float[np.ndarray, " ap"]:
        """Transmit powers."""
        return _column(self.access_points, "tx_power_dbm")

    @cached_property
    def bandwidth_hz(self) -> Float[np.ndarray, " ap"]:
        """Bandwidths."""
        return _column(self.access_points, "bandwidth_hz")

    @cached_property
    def band(self) -> Int[np.ndarray, " ap"]:
        """Bands, numbered from 0 in the order of their first access point; who has none named has one alone."""
        names = [("alone", index) if each.band is None else each.band for index, each in enumerate(self.access_points)]
        order = list(dict.fromkeys(names))
        band = np.array([order.index(name) for name in names])
        band.setflags(write=False)
        return band

    @cached_property
    def computing_cycles_per_s(self) -> Float[np.ndarray, " ap"]:
        """Computing capacities of the edge servers."""
        return _column(self.edge_servers, "computing_cycles_per_s")

    @cached_property
    def cache_byte(self) -> Float[np.ndarray, " ap"]:
        """Cache sizes of the edge servers."""
        return _column(self.edge_servers, "cache_byte")


def _column(parts: tuple, name: str) -> np.ndarray:
    values = np.array([getattr(part, name) for part in parts], dtype=float)
    values.setflags(write=False)
    return values
