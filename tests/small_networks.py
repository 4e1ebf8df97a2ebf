"""Small networks, and decisions at random, that several tests use."""

from dataclasses import fields, is_dataclass, replace

import numpy as np

from gdt_tutorial.physical.messages import NOT_SERVED, Decision
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.playback import QoeConfig
from gdt_tutorial.physical.streaming import SlotCapacity
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.decision.schedule import ScheduleModel
from gdt_tutorial.twin.emulation.emulator import MeanPath
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.status import true_status
from gdt_tutorial.twin.swipe_curves import SwipeCurves
from gdt_tutorial.twin.swipe_model import CampusSwipes
from gdt_tutorial.twin.virtual import VirtualNetwork

ANY = np.random.default_rng(0)  # for makers that draw nothing
TINY_QOE = QoeConfig(version_quality=(1.0, 2.0))


def tiny_catalog():
    """Three videos of 6, 3 and 8 segments, two versions of 1 and 2 Mb/s."""
    return VideoCatalog(
        duration_s=np.array([5.5, 3.0, 8.0]), video_type=np.array([0, 1, 0]), type_names=("a", "b"),
        popularity=np.full(3, 1 / 3), bitrate_bps=np.array([1e6, 2e6]),
    )  # fmt: skip


def capacity(**changes):
    """Return two access points of 1 MHz with plenty of everything else."""
    plenty = {
        "slot_s": 2.0, "bandwidth_hz": np.full(2, 1e6), "computing_cycles_per_s": np.full(2, 1e12),
        "backhaul_bps": np.full(2, 1e12), "is_cached": np.ones((2, 3), dtype=bool), "cycles_per_bit": 1.0,
    }  # fmt: skip
    return SlotCapacity(**{**plenty, **changes})


def network(n_batch=2, n_users=12, seed=0, **changes):
    config = NetworkConfig(n_users=n_users, **changes)
    return PhysicalNetwork.waterloo(n_batch, config, seed=seed)


def twin_of(net, **config):
    """Return the abstractor and the model that a twin of `net` has before it has seen a view."""
    curves = SwipeCurves(len(net.viewers.user), net.catalog.n_types)
    model = ScheduleModel(catalog=net.catalog, capacity=net.capacity, qoe=net.config.qoe)
    return GroupAbstractor(net.catalog, net.capacity, curves, net.link, **config), model


def random_decision(session, catalog, n_aps, *, rng, n_items=12):
    """Draw streams for each group and AP, members, versions, shares and segments near the members' list positions."""
    n_batch, n_groups, n_videos = session.playlist.shape
    group = np.tile(np.repeat(np.arange(n_groups), n_aps), (n_batch, 1))
    ap = np.tile(np.tile(np.arange(n_aps), n_groups), (n_batch, 1))
    own_ap = rng.integers(n_aps, size=session.group.shape)
    subgroup = np.where(rng.random(own_ap.shape) < 0.8, session.group * n_aps + own_ap, NOT_SERVED)
    share = rng.dirichlet(np.ones(n_groups + 1), size=(2, n_batch, n_aps))[..., :n_groups]
    share = share.swapaxes(-1, -2).reshape(2, n_batch, -1)
    # Half of the segments follow a user of the group closely, the others lie anywhere near.
    leader = rng.integers(session.group.shape[1], size=group.shape)
    env = np.arange(n_batch)[:, None]
    position = (session.head[env, leader])[..., None] + rng.integers(-1, 3, size=(*group.shape, n_items)).clip(0)
    video = session.playlist[env[..., None], group[..., None], position % n_videos]
    segment = (rng.random(position.shape) ** 2 * catalog.n_segments[video]).astype(np.int64)
    segments = np.stack([position, segment], axis=-1)
    segments[rng.random(position.shape) < 0.1] = NOT_SERVED
    return Decision(
        subgroup=subgroup, group=group, ap=ap, version=rng.integers(catalog.n_versions, size=group.shape),
        bandwidth_share=share[0], computing_share=share[1], segments=segments,
    )  # fmt: skip


def seen_in(telemetry):
    """Return what a perfect twin sees of one slot."""
    return Observation(statuses=(true_status(telemetry),))


def virtual_of(net, *, n_slots=4, n_rollouts=1, emulator=None):
    """Return a virtual network that is sure that nobody moves, or that has another emulator."""
    abstractor, model = twin_of(net)
    sure = MeanPath(emulator=HoldLast(topology=net.topology))
    return VirtualNetwork(
        model=model, abstractor=abstractor, emulator=emulator or sure, link=net.link,
        swipes=CampusSwipes(abstractor.curves, net.catalog, net.config.n_users), hysteresis_db=net.config.hysteresis_db,
        n_slots=n_slots, n_rollouts=n_rollouts,
    )  # fmt: skip


def idle(decision):
    """Return the same decision with nothing to send."""
    return replace(decision, segments=np.full_like(decision.segments, NOT_SERVED))


def same(left, right):
    """Say whether two messages hold equal arrays."""
    if isinstance(left, (tuple, list)):
        return len(left) == len(right) and all(same(*each) for each in zip(left, right, strict=True))
    if is_dataclass(left):
        return all(same(getattr(left, field.name), getattr(right, field.name)) for field in fields(left))
    return np.array_equal(left, right, equal_nan=np.asarray(left).dtype.kind == "f")


def held_s(session, catalog):
    """Recount the seconds that every user holds and has not played, from the bitmap and the durations."""
    total_s = np.zeros(session.group.shape)
    n_rows, n_videos = session.buffered.shape[2], session.playlist.shape[2]
    for env, user in np.ndindex(session.group.shape):
        head = session.head[env, user]
        for position in range(head, head + n_rows):
            duration_s = catalog.duration_s[session.playlist[env, session.group[env, user], position % n_videos]]
            for segment in np.nonzero(session.buffered[env, user, position % n_rows])[0]:
                total_s[env, user] += min(catalog.segment_s, duration_s - segment * catalog.segment_s)
        total_s[env, user] -= session.play_s[env, user]
    return total_s
