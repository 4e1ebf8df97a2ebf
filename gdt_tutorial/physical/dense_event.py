"""The dense event: six small cells on one band over one crowd, the book's second network.

On the campus the access points (APs) stand far apart, on bands of their own. Here they stand 50 m apart and share one, so that
who sends disturbs who listens, and it pays to mute some of them for a part of a slot (`interference`). One crowd watches in one
multicast group. Computing, caches and backhaul are plentiful: radio alone binds. Walks, channels, videos and viewers are those
of the campus.

The paper has no such network; all sizes are chosen. The simulation of 3GPP's almost-blank subframes is `interference`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.channel_model import ChannelModel
from gdt_tutorial.physical.mobility import LevyFlightConfig, Mobility
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork, one_group
from gdt_tutorial.physical.topology import AccessPoint, Backhaul, EdgeServer, Topology
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.physical.viewers import Viewers

__all__ = ["DenseEventConfig", "WeakenedMasts", "dense_event", "dense_topology"]

_PLENTY_CYCLES_PER_S, _PLENTY_BYTE, _PLENTY_BPS = 1e12, 1e12, 1e10


@configclass
class DenseEventConfig:
    """Where the masts stand, and what they send."""

    n_rows: int = parameter(2, "Rows of masts, from south to north.", "chosen", above=0)
    n_columns: int = parameter(3, "Masts of a row, from west to east.", "chosen", above=0)
    spacing_m: float = parameter(50.0, "Distance between neighbors.", "chosen", above=0)
    side_m: float = parameter(150.0, "Side of the square that the crowd walks in.", "chosen", above=0)
    tx_power_dbm: float = parameter(24.0, "Power of a mast.", "chosen; usual for a small cell")
    bandwidth_hz: float = parameter(1.25e6, "Width of the band that all share.", "chosen", above=0)

    @property
    def symmetries(self) -> Int[np.ndarray, "_ ap"]:
        """Return the mirrors of the grid: what is known as `known[:, mirror]` goes with what is decided as `on[:, mirror]`."""
        grid = np.arange(self.n_rows * self.n_columns).reshape(self.n_rows, self.n_columns)
        return np.stack([each.reshape(-1) for each in (grid, grid[::-1], grid[:, ::-1], grid[::-1, ::-1])])

    def __post_init__(self) -> None:
        widest = self.spacing_m * (max(self.n_rows, self.n_columns) - 1)
        rule = f"reach over the masts ({widest:g} m)"
        require(self.side_m >= widest, "side_m", rule, self.side_m, "take a larger square, or set masts closer")


def dense_topology(event: DenseEventConfig = DenseEventConfig()) -> Topology:
    """Build the grid of masts on one band, with edge servers, caches and backhaul that never bind."""
    row, column = np.divmod(np.arange(event.n_rows * event.n_columns), event.n_columns)
    place_m = np.stack([column - (event.n_columns - 1) / 2, row - (event.n_rows - 1) / 2], axis=1) * event.spacing_m
    points = tuple(
        AccessPoint(
            position_m=(float(x), float(y)), tx_power_dbm=event.tx_power_dbm, bandwidth_hz=event.bandwidth_hz, band=0
        )
        for x, y in place_m
    )
    server = EdgeServer(computing_cycles_per_s=_PLENTY_CYCLES_PER_S, cache_byte=_PLENTY_BYTE)
    half_m = event.side_m / 2
    return Topology(
        campus=Campus(np.array([[-half_m, -half_m], [half_m, half_m]])),
        access_points=points,
        edge_servers=(server,) * len(points),
        backhaul=Backhaul(rate_bps=_PLENTY_BPS),
    )


def dense_event(
    n_batch: int = 1,
    event: DenseEventConfig = DenseEventConfig(),
    *,
    n_users: int = 30,
    mobility: Mobility = LevyFlightConfig(),
    channel: ChannelModel = ChannelConfig(),
    seed: int,
    **changes: Any,
) -> PhysicalNetwork:
    """Build the network, with videos and viewers of the generator and all users in one multicast group.

    Args:
        n_batch: Events side by side.
        event: Where the masts stand.
        n_users: The crowd.
        mobility: How it walks.
        channel: Its law; `WeakenedMasts` lets some masts lose power in mid-run.
        seed: Of every random stream.
        **changes: Fields of `NetworkConfig`.
    """
    catalog = VideoCatalog.generate(rng=seeding.stream(seed, "catalog"))
    viewers = Viewers.generate(n_batch, n_users, catalog, rng=seeding.stream(seed, "viewers"))
    config = NetworkConfig(n_users=n_users, **changes)
    return PhysicalNetwork(
        dense_topology(event),
        catalog,
        viewers,
        config,
        mobility=mobility,
        channel=channel,
        form_groups=one_group,
        seed=seed,
    )


@dataclass(frozen=True, kw_only=True)
class WeakenedMasts:
    """A law of the channel under which some masts lose power from a slot on (a `ChannelModel`).

    Attributes:
        aps: Which masts.
        loss_db: How much they lose.
        from_slot: First slot with the loss.
        channel: The law without it.

    Raises:
        ValueError: A slot below 0.
    """

    aps: tuple[int, ...]
    loss_db: float = 15.0
    from_slot: int
    channel: ChannelModel = ChannelConfig()

    def __post_init__(self) -> None:
        require(self.from_slot >= 0, "from_slot", "be at least 0", self.from_slot, "0 weakens from the start")

    def start(self, topology: Topology, n_batch: int, n_users: int, *, rng: np.random.Generator) -> "_WeakenedChannel":
        """Return the channel of users who have not moved yet.

        Raises:
            ValueError: A mast that the topology has not.
        """
        outside = [ap for ap in self.aps if not 0 <= ap < topology.n_aps]
        require(not outside, "aps", f"lie in [0, {topology.n_aps})", outside, "count access points from 0")
        return _WeakenedChannel(self, self.channel.start(topology, n_batch, n_users, rng=rng), topology.n_aps)


class _WeakenedChannel:
    """The channel of `WeakenedMasts` (a `UserChannel`)."""

    snr_db: Float[np.ndarray, "batch user ap"]
    mean_snr_db: Float[np.ndarray, "batch user ap"]
    is_los: Bool[np.ndarray, "batch user ap"]

    def __init__(self, model: WeakenedMasts, channel: Any, n_aps: int) -> None:
        self._channel, self._from_slot, self._slot = channel, model.from_slot, -1
        self._loss_db = np.zeros(n_aps, dtype=np.float32)
        self._loss_db[list(model.aps)] = model.loss_db

    def advance(self, position_m: Float[np.ndarray, "batch user xy"]) -> None:
        """Move every user; the first call is slot 0."""
        self._slot += 1
        self._channel.advance(position_m)
        loss_db = self._loss_db if self._slot >= self._from_slot else np.zeros_like(self._loss_db)
        self.snr_db, self.mean_snr_db = self._channel.snr_db - loss_db, self._channel.mean_snr_db - loss_db
        self.is_los = self._channel.is_los
