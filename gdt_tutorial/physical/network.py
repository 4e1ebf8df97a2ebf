"""The physical network: users walk, the channel changes, segments are sent, videos are watched; one `step` a slot.

"The physical network includes real-world network infrastructures, such as cloud and edge servers for data caching and
computing, as well as APs for unicast, multicast, and broadcast transmissions" (the paper, GDT network architecture; its
Fig. 1). Here it is a simulation, and the digital twin may not look into it: all that leaves it goes through the
`LocalController`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.channel_model import ChannelModel
from gdt_tutorial.physical.decision_checks import check_decision
from gdt_tutorial.physical.delivery import serving_ap
from gdt_tutorial.physical.interference import part_efficiency, shares_band
from gdt_tutorial.physical.link_adaptation import LinkAdaptation
from gdt_tutorial.physical.logs.watch_logs import WatchLog
from gdt_tutorial.physical.messages import (
    Decision,
    Infrastructure,
    Load,
    Service,
    Session,
    Telemetry,
)
from gdt_tutorial.physical.mobility import LevyFlightConfig, Mobility
from gdt_tutorial.physical.playback import QoeConfig, ViewTape, play
from gdt_tutorial.physical.slicing import NetworkSlice
from gdt_tutorial.physical.streaming import SlotCapacity, StreamState, cached_videos, deliver
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.physical.video import VideoCatalog, recommend
from gdt_tutorial.physical.viewers import Viewers

__all__ = [
    "Grouping",
    "NetworkConfig",
    "PhysicalNetwork",
    "favorite_type_groups",
    "one_group",
    "videos_and_viewers",
]


@configclass
class NetworkConfig:
    """What the network needs besides the configs of its parts."""

    n_users: int = parameter(60, "Users on the campus.", "chosen", above=0)
    slot_s: float = parameter(2.0, "Length of a scheduling slot.", "chosen", above=0)
    n_rows: int = parameter(
        6, "Videos that a phone holds: the one on screen and the next ones.", "5 ahead, ACM MM 2022 challenge", above=0
    )
    n_playlist: int = parameter(64, "Length of a recommended list before it repeats.", "chosen", above=0)
    cycles_per_bit: float = parameter(
        500.0,
        "Transcoding cost per output bit, every version.",
        "chosen; literature: 1 to 1000",
        at_least=0,
        remedy="0: transcoding is free",
    )
    hysteresis_db: float = parameter(
        3.0, "SNR lead that makes a user change its AP.", "well known handover margin", at_least=0
    )
    qoe: QoeConfig = QoeConfig()


Grouping = Callable[[np.ndarray], np.ndarray]
"""From the preferences, "batch user type", to the multicast group of each user."""


def one_group(preference: Float[np.ndarray, "batch user type"]) -> Int[np.ndarray, "batch user"]:
    """Put all users into one multicast group: they came for the same event."""
    return np.zeros(preference.shape[:2], dtype=np.int64)


def favorite_type_groups(preference: Float[np.ndarray, "batch user type"]) -> Int[np.ndarray, "batch user"]:
    """Put users into one multicast group per video type, by what they watch most: the simplest grouping."""
    return preference.argmax(axis=-1)


def videos_and_viewers(
    n_batch: int, n_users: int, watch_log: WatchLog | None = None, *, seed: int
) -> tuple[VideoCatalog, Viewers]:
    """Make videos and viewers from watch logs; None takes the embedded generator."""
    rng = seeding.stream(seed, "viewers")
    if watch_log is None:
        catalog = VideoCatalog.generate(rng=seeding.stream(seed, "catalog"))
        return catalog, Viewers.generate(n_batch, n_users, catalog, rng=rng)
    catalog = VideoCatalog.from_watch_log(watch_log)
    return catalog, Viewers.from_watch_log(watch_log, n_batch, n_users, catalog, rng=rng)


class PhysicalNetwork:
    """`n_batch` campuses side by side, each with the same configs and its own random course.

    Everything random comes from named streams of `seed`; none depends on the decisions, so schemes that are compared
    with the same seed meet the same walks, channels and swipes.
    """

    def __init__(
        self,
        topology: Topology,
        catalog: VideoCatalog,
        viewers: Viewers,
        config: NetworkConfig = NetworkConfig(),
        *,
        mobility: Mobility = LevyFlightConfig(),
        channel: ChannelModel = ChannelConfig(),
        network_slice: NetworkSlice | None = None,
        form_groups: Grouping = favorite_type_groups,
        seed: int,
    ) -> None:
        n_users, rule = viewers.user.shape[1], f"hold n_users = {config.n_users} users"
        require(n_users == config.n_users, "viewers", rule, n_users, "draw the viewers with the same number")
        n_qualities, rule = len(config.qoe.version_quality), f"hold {catalog.n_versions} numbers, one for each version"
        require(n_qualities == catalog.n_versions, "version_quality", rule, n_qualities, "give as many as bitrates")
        self.topology, self.catalog, self.viewers, self.config = topology, catalog, viewers, config
        self.mobility, self.channel_model, self.form_groups = mobility, channel, form_groups
        self.use_slice(network_slice or NetworkSlice.whole(topology.n_aps))
        self.seed = seed
        self.link = LinkAdaptation()
        self.reset()

    @classmethod
    def waterloo(
        cls,
        n_batch: int = 1,
        config: NetworkConfig = NetworkConfig(),
        *,
        watch_log: WatchLog | None = None,
        mobility: Mobility = LevyFlightConfig(),
        seed: int,
        **changes: Any,
    ) -> "PhysicalNetwork":
        """Build the book's network: the Waterloo campus, and videos and viewers from `watch_log` or the generator.

        Args:
            n_batch: Campuses side by side.
            config: Everything but the topology.
            watch_log: Real watch logs; None takes the embedded generator.
            mobility: How users walk.
            seed: Of every random stream.
            **changes: As for `Topology.waterloo`, for example `computing_cycles_per_s=8e9`.
        """
        catalog, viewers = videos_and_viewers(n_batch, config.n_users, watch_log, seed=seed)
        return cls(Topology.waterloo(**changes), catalog, viewers, config, mobility=mobility, seed=seed)

    def reset(self, group: Int[np.ndarray, "batch user"] | None = None) -> Telemetry:
        """Start again at slot 0, with the same random course; `group` defaults to what the network forms by itself."""
        config, n_batch = self.config, len(self.viewers.user)
        shape = (n_batch, config.n_users)
        self.walk = self.mobility.start(self.topology.campus, *shape, rng=seeding.stream(self.seed, "mobility"))
        self.channel = self.channel_model.start(self.topology, *shape, rng=seeding.stream(self.seed, "channel"))
        self.channel.advance(self.walk.position_m)
        self.slot = 0
        self.serving_ap = self.channel.snr_db.argmax(axis=-1)
        self.tape = ViewTape(
            self.viewers.swipes,
            self.viewers.user,
            len(self.catalog.type_names),
            rng=seeding.stream(self.seed, "swipes"),
        )
        self._form(self.form_groups(self.viewers.preference) if group is None else group)
        return self._telemetry(_nothing_served(shape), _nothing_loaded(n_batch, self.topology.n_aps))

    def regroup(self, group: Int[np.ndarray, "batch user"]) -> Session:
        """Form multicast groups anew (large time scale); return the session from which the next decision is made.

        The new lists begin at their start, with empty segment stores; each user goes on with views not seen so far.

        Raises:
            ValueError: a wrong shape, or a negative group.
        """
        head = self.stream.head
        self._form(group)
        self.tape.start_list(head)
        return self.stream.session(self.serving_ap)

    def _form(self, group: Int[np.ndarray, "batch user"]) -> None:
        shape, remedy = self.viewers.user.shape, "number the groups from 0"
        require(group.shape == shape, "group", f"have shape {shape}", group.shape, "give one index per user")
        require(group.min() >= 0, "group", "hold indices >= 0", int(group.min()), remedy)
        is_member = group[..., None] == np.arange(group.max() + 1)
        weight = is_member / np.maximum(is_member.sum(axis=1, keepdims=True), 1)
        taste = np.einsum("bug,but->bgt", weight, self.viewers.preference)
        taste = np.where(
            is_member.any(axis=1)[..., None], taste, 1 / taste.shape[-1]
        )  # an empty group likes everything
        rng = seeding.stream(self.seed, "lists", self.slot)
        playlist = recommend(self.catalog, taste, self.config.n_playlist, rng=rng)
        self.stream = StreamState.start(group, playlist, self.config.n_rows, self.catalog)

    def use_slice(self, network_slice: NetworkSlice) -> None:
        """Work inside the shares of `network_slice` from now on; the edge servers cache the most popular videos that fit."""
        topology, n_shares = self.topology, len(network_slice.bandwidth_share)
        rule = f"hold a share for each of {topology.n_aps} APs"
        require(n_shares == topology.n_aps, "network_slice", rule, n_shares, "make the slice for this topology")
        for band in np.unique(topology.band):
            share = np.unique(network_slice.bandwidth_share[topology.band == band]).tolist()
            remedy = "give access points of one band the same share of it"
            require(len(share) == 1, "network_slice.bandwidth_share", "be the same on one band", share, remedy)
        self.capacity = SlotCapacity(
            slot_s=self.config.slot_s,
            bandwidth_hz=topology.bandwidth_hz * network_slice.bandwidth_share,
            computing_cycles_per_s=topology.computing_cycles_per_s * network_slice.computing_share,
            backhaul_bps=topology.backhaul.rate_bps * network_slice.backhaul_share,
            is_cached=cached_videos(self.catalog, topology.cache_byte * network_slice.cache_share),
            cycles_per_bit=self.config.cycles_per_bit,
            band=topology.band if shares_band(topology.band) else None,
        )

    def step(self, decision: Decision) -> Telemetry:
        """Run one slot under `decision`: walk, fade, send, watch; return the whole truth.

        Raises:
            ValueError: the decision names something that does not exist, or spends more than there is.
        """
        check_decision(decision, self.stream, self.topology.n_aps, self.catalog)
        self.walk.advance(self.config.slot_s)
        self.channel.advance(self.walk.position_m)
        self.serving_ap = serving_ap(self.channel.snr_db, self.serving_ap, hysteresis_db=self.config.hysteresis_db)
        efficiency = self.link.spectral_efficiency(self.channel.snr_db)
        # Playing first: what arrives in this slot can be watched from the next one on.
        service = play(self.stream, self.tape, self.catalog, self.config.qoe, self.config.slot_s)
        in_part = part_efficiency(self.channel.snr_db, decision.is_muted, self.capacity.band, self.link)
        received_s, load = deliver(
            self.stream, decision, efficiency, self.serving_ap, self.catalog, self.capacity, in_part
        )
        self.slot += 1
        return self._telemetry(service.with_received(received_s), load)

    def _telemetry(self, service: Service, load: Load) -> Telemetry:
        return Telemetry(
            slot=self.slot,
            position_m=self.walk.position_m.copy(),
            velocity_mps=self.walk.velocity_mps.copy(),
            snr_db=self.channel.snr_db.copy(),
            session=self.stream.session(self.serving_ap),
            service=service,
            load=load,
            infrastructure=_infrastructure(self.capacity, self.catalog, len(self.viewers.user)),
        )


def _infrastructure(capacity: SlotCapacity, catalog: VideoCatalog, n_batch: int) -> Infrastructure:
    """Say what the slice holds, to every environment the same."""
    share = np.bincount(catalog.video_type, minlength=catalog.n_types) / catalog.n_videos
    known = {
        "bandwidth_hz": capacity.bandwidth_hz,
        "computing_cycles_per_s": capacity.computing_cycles_per_s,
        "cached_share": capacity.is_cached.mean(axis=-1),
        "type_share": share,
    }
    return Infrastructure(**{name: np.tile(value, (n_batch, 1)) for name, value in known.items()})


def _nothing_served(shape: tuple[int, int]) -> Service:
    zero = {
        name: np.zeros(shape)
        for name in ("received_s", "watched_s", "dropped_s", "stall_s", "quality", "variation", "qoe")
    }
    none = np.full(shape, -1, dtype=np.int64)
    return Service(
        **zero, view_type=none, view_fraction=np.full(shape, np.nan), n_views=np.zeros(shape, dtype=np.int64)
    )


def _nothing_loaded(n_batch: int, n_aps: int) -> Load:
    zero = {name: np.zeros((n_batch, n_aps)) for name in ("bandwidth", "computing", "backhaul")}
    empty = np.zeros((n_batch, 0))
    return Load(**zero, delay_s=empty, n_sent=empty.astype(np.int64), efficiency=empty.copy())
