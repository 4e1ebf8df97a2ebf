"""An upper bound on the quality of experience (QoE) of a whole session, for any way to manage the network.

The bound knows everything beforehand: who walks where, which access point (AP) serves whom, how good every link will be, and
when everybody will swipe. None of that depends on decisions, so it can be recorded before the session. What is left is a
linear program per campus, solved by HiGHS. Its parts:

    v[n, c, z]     share of segment n (group, list position, number) that users of class c watch in version z
    s[n, a, l, z]  how often AP a sends that segment at efficiency level l

    maximize    sum D[n, c] (w_q q_z + w_r) v[n, c, z] - w_r T
    subject to  v[n, c, z] <= sum of s[n, a, l, z] over what class c can hear,   sum_z v[n, c, z] <= 1
    and         bits and band of all s of an AP <= what it has in all slots but the last,   0 <= v, s <= 1

A class has the users that can hear the same APs up to the same level, and D counts the seconds that they would watch of the
segment if they never stalled. T is the length of the session; the sum is divided by users and seconds.

**Why no policy does better.** (1) What is sent in a slot plays from the next one on. So nothing plays in slot 0, nothing sent
in the last slot is ever played, and a user who starts with an empty store watches some of the first T - slot seconds of what
the tape says, in its order and no more: D counts these seconds, and stalls only take away from them. (2) Of a slot, what is
not watched is stall. So its QoE is w_q q + w_r for every watched second in version q, minus w_r, minus the variation, and to
leave that out only raises it. (3) A watched segment was stored once, in one version, from a stream of the user's own group that
the AP sent in whole while the user was attached to it and could hear it, that is, whose efficiency was at most the user's. The
program lets a user hear it whenever its best efficiency at that AP over the session, rounded up to a level, allows it. Every
real stream is in the program, at its efficiency rounded up to a level, so at no more than its cost. (4) Shares of band
and cycles sum to one at most in every slot, so their sums over the slots keep the limits of the program. The backhaul,
the limited store of a phone, and the order of sending and watching are left out, which again only raises the bound. Hence the
v and s of any session are feasible, and worth at least its QoE.

The number itself comes from the solver's multipliers by weak duality, which is a bound whatever the solver's tolerance. A
millionth is added for the rounding slack of the network.

Two tighter programs were tried on a campus of 60 users and left out. That a user watches in order (a segment at most as much as
the one before it) lowers the bound by .04 at 2 Gcycle/s and by .01 at 4, for five times the time. Limits on what can have been
sent up to a time lower it by nothing: no shorter session needs more stall than the whole one. The bound knows every swipe and
may send long ahead; how much of its lead over a policy is due to that, it cannot say.

How we differ: the paper has no bound.
"""

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.delivery import serving_ap
from gdt_tutorial.physical.messages import video_at
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.playback import QoeConfig, ViewTape, leaving_s
from gdt_tutorial.physical.streaming import SlotCapacity, segment_length_s
from gdt_tutorial.physical.video import VideoCatalog

__all__ = ["SessionBound", "SessionTrajectory", "record_trajectory"]

# check_decision accepts shares that sum to 1 + 1e-6, and deliver another 1e-9.
_SLACK = 1 + 2e-6


@dataclass(frozen=True, kw_only=True)
class SessionTrajectory:
    """What a session will meet, whatever is decided."""

    n_slots: int
    slot_s: float
    group: Int[np.ndarray, "batch user"]
    playlist: Int[np.ndarray, "batch group video"]
    stay_s: Float[np.ndarray, "batch user position"]  # seconds of each view without stalls, as far as the session goes
    best_efficiency: Float[np.ndarray, "batch user ap"]  # while attached, in any slot but the last; 0 where never


def record_trajectory(network: PhysicalNetwork, n_slots: int) -> SessionTrajectory:
    """Look ahead `n_slots` slots, on copies; the network stays as it is.

    Raises:
        ValueError: fewer than two slots, or a network that is not at the start of its lists.
    """
    require(n_slots > 1, "n_slots", "be above 1", n_slots, "nothing can be watched in the first slot")
    stream, config = network.stream, network.config
    is_fresh = not (stream.buffered.any() or stream.head.any() or stream.play_s.any())
    remedy = "take the bound right after reset or regroup"
    require(is_fresh, "network", "be at the start of its lists", f"slot {network.slot}", remedy)
    walk, channel, own_ap = deepcopy(network.walk), deepcopy(network.channel), network.serving_ap
    n_aps = network.topology.n_aps
    best = np.zeros((*own_ap.shape, n_aps))
    for _ in range(n_slots - 1):
        walk.advance(config.slot_s)
        channel.advance(walk.position_m)
        own_ap = serving_ap(channel.snr_db, own_ap, hysteresis_db=config.hysteresis_db)
        efficiency = network.link.spectral_efficiency(channel.snr_db)
        best = np.maximum(best, np.where(own_ap[..., None] == np.arange(n_aps), efficiency, 0.0))
    horizon_s = (n_slots - 1) * config.slot_s
    return SessionTrajectory(
        n_slots=n_slots,
        slot_s=config.slot_s,
        group=stream.group.copy(),
        playlist=stream.playlist,
        stay_s=_stay_s(network, horizon_s),
        best_efficiency=best,
    )


def _stay_s(network: PhysicalNetwork, horizon_s: float) -> Float[np.ndarray, "batch user position"]:
    """Read the tape until every user has watched `horizon_s` seconds, as `play` reads it."""
    # The shortest views that there are.
    n_positions = int(np.ceil(horizon_s / network.config.qoe.min_view_s)) + 1
    n_positions = max(n_positions, int(np.ceil(horizon_s / network.catalog.duration_s.min())) + 1)
    tape: ViewTape = network.tape.repeated(1, n_positions)
    catalog, stream = network.catalog, network.stream
    shape = (*stream.group.shape, n_positions)
    env, user, position = (axis.reshape(-1) for axis in np.indices(shape))
    video = video_at(stream.playlist, stream.group[env, user], position, env)
    fraction = tape.fraction(env, user, position, catalog.video_type[video])
    stay_s = leaving_s(fraction, video, catalog, network.config.qoe).reshape(shape)
    start_s = np.cumsum(stay_s, axis=-1) - stay_s
    stay_s = np.clip(horizon_s - start_s, 0.0, stay_s)
    return stay_s[..., : int((stay_s > 0).any(axis=(0, 1)).sum())]


@dataclass(frozen=True, kw_only=True)
class _Program:
    """The linear program of one campus; the last rows are cycles and band of each AP, whose limits come with a capacity."""

    matrix: csr_array
    limit: Float[np.ndarray, " row"]  # without the last rows
    objective: Float[np.ndarray, " column"]


class SessionBound:
    """The bound of one session, for any capacity.

    Args:
        network: The campuses, at the start of their lists.
        n_slots: Length of the session.
        n_levels: Efficiency levels that are told apart; more are tighter and slower.

    Raises:
        ValueError: as `record_trajectory`; or no level.
    """

    def __init__(self, network: PhysicalNetwork, n_slots: int, n_levels: int = 6) -> None:
        require(n_levels > 0, "n_levels", "be above 0", n_levels, "6 is fine")
        self.trajectory, self._qoe = record_trajectory(network, n_slots), network.config.qoe
        level = _levels(self.trajectory.best_efficiency, n_levels)
        self._programs = [
            _program(self.trajectory, env, level, network.catalog, self._qoe)
            for env in range(len(self.trajectory.group))
        ]

    def solve(self, capacity: SlotCapacity) -> Float[np.ndarray, " batch"]:
        """Return the bound of the mean QoE per user and second, over slots 0 to n_slots - 1, of every campus."""
        useful_s = (self.trajectory.n_slots - 1) * self.trajectory.slot_s
        free = np.full(len(capacity.bandwidth_hz), 1e18)
        cycles = capacity.computing_cycles_per_s
        bit = cycles * useful_s / capacity.cycles_per_bit if capacity.cycles_per_bit > 0 else free
        limit = np.concatenate([bit, capacity.bandwidth_hz * useful_s]) * _SLACK
        objective = np.array([_safe_optimum(each, limit) for each in self._programs])
        user_s = self.trajectory.group.shape[1] * self.trajectory.n_slots * self.trajectory.slot_s
        return objective / user_s - self._qoe.stall_weight + 1e-6


def _safe_optimum(program: _Program, capacity_limit: Float[np.ndarray, " resource"]) -> float:
    """Return an upper bound of the optimum that holds for whatever multipliers the solver ends with (weak duality)."""
    limit = np.concatenate([program.limit, capacity_limit])
    result = linprog(-program.objective, A_ub=program.matrix, b_ub=limit, bounds=(0, 1), method="highs-ds")
    found = np.zeros(len(limit)) if result.ineqlin is None else result.ineqlin.marginals
    multiplier = np.maximum(-np.asarray(found, dtype=np.float64), 0.0)
    left = program.objective - program.matrix.T @ multiplier
    return float(limit @ multiplier + np.maximum(left, 0.0).sum())


def _levels(best_efficiency: Float[np.ndarray, "batch user ap"], n_levels: int) -> Float[np.ndarray, " level"]:
    """Pick efficiency levels among those that occur, the highest included."""
    value = np.unique(best_efficiency[best_efficiency > 0])
    if len(value) == 0:
        return np.ones(1)
    place = np.linspace(len(value) - 1, 0, n_levels + 1).round().astype(np.int64)[:n_levels]
    return value[np.unique(place)]


def _program(
    trajectory: SessionTrajectory, env: int, level: Float[np.ndarray, " level"], catalog: VideoCatalog, qoe: QoeConfig
) -> _Program:
    user, node_of, seconds, node = _watched(trajectory, env, catalog)
    best = trajectory.best_efficiency[env]
    # How many of the levels a user hears at each AP: all up to its best efficiency, rounded up.
    n_heard = np.where(best > 0, np.searchsorted(level, best) + 1, 0)
    cells, cell_of = np.unique(np.column_stack([node_of, n_heard[user]]), axis=0, return_inverse=True)
    watched_s = np.bincount(cell_of.reshape(-1), weights=seconds, minlength=len(cells))
    cell_node, cell_heard = cells[:, 0], cells[:, 1:]
    # A stream at a level that no user of the segment ends at is no better than one at the next higher level.
    is_used = np.zeros((len(node), best.shape[1], len(level)), dtype=bool)
    for ap in range(best.shape[1]):
        hears = cell_heard[:, ap] > 0
        is_used[cell_node[hears], ap, cell_heard[hears, ap] - 1] = True
    send_node, send_ap, send_level = np.nonzero(is_used)
    cell, send = _join(cell_node, send_node, len(node))
    is_heard = send_level[send] < cell_heard[cell, send_ap[send]]
    video = video_at(trajectory.playlist, node[:, 0], node[:, 1], np.asarray(env))
    bit = segment_length_s(catalog, video, node[:, 2])[send_node, None] * catalog.bitrate_bps
    band = bit / level[send_level, None]
    own_ap = send_ap[:, None] == np.arange(best.shape[1])
    cost = np.concatenate([np.einsum("sz,sa->asz", each, own_ap) for each in (bit, band)]).reshape(
        2 * best.shape[1], -1
    )
    value = qoe.quality_weight * np.asarray(qoe.version_quality) + qoe.stall_weight
    objective = np.concatenate([np.outer(watched_s, value).reshape(-1), np.zeros(bit.size)])
    matrix = _matrix(len(cells), cell[is_heard], send[is_heard], cost, catalog.n_versions)
    limit = np.concatenate([np.zeros(len(cells) * catalog.n_versions), np.ones(len(cells))])
    return _Program(matrix=matrix, limit=limit, objective=objective)


def _watched(
    trajectory: SessionTrajectory, env: int, catalog: VideoCatalog
) -> tuple[Int[np.ndarray, " row"], Int[np.ndarray, " row"], Float[np.ndarray, " row"], Int[np.ndarray, "node 3"]]:
    """List which user would watch how much of which segment: users, their segments, seconds; and all segments."""
    stay_s = trajectory.stay_s[env]
    segment = np.arange(int(np.ceil(stay_s.max() / catalog.segment_s)))
    seconds = np.clip(stay_s[..., None] - segment * catalog.segment_s, 0.0, catalog.segment_s)
    user, position, number = np.nonzero(seconds)
    row = np.column_stack([trajectory.group[env, user], position, number])
    node, node_of = np.unique(row, axis=0, return_inverse=True)
    return user, node_of.reshape(-1), seconds[user, position, number], node


def _join(
    left: Int[np.ndarray, " left"], right: Int[np.ndarray, " right"], n_keys: int
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
    """Pair all entries of two sorted lists that have the same key."""
    count = np.bincount(right, minlength=n_keys)
    n_pairs = count[left]
    first = (np.cumsum(count) - count)[left]
    inside = np.arange(n_pairs.sum()) - np.repeat(np.cumsum(n_pairs) - n_pairs, n_pairs)
    return np.repeat(np.arange(len(left)), n_pairs), np.repeat(first, n_pairs) + inside


def _matrix(
    n_cells: int,
    cell: Int[np.ndarray, " pair"],
    send: Int[np.ndarray, " pair"],
    cost: Float[np.ndarray, "resource column"],
    n_versions: int,
) -> csr_array:
    """Stack the rows: watched at most what was sent, one version of each segment, and the resources."""
    version, n_watched, n_sent = np.arange(n_versions), n_cells * n_versions, cost.shape[1]
    own = np.arange(n_watched)
    row = np.concatenate([own, (cell[:, None] * n_versions + version).reshape(-1)])
    column = np.concatenate([own, n_watched + (send[:, None] * n_versions + version).reshape(-1)])
    value = np.concatenate([np.ones(n_watched), np.full(len(row) - n_watched, -1.0)])
    linked = csr_array((value, (row, column)), shape=(n_watched, n_watched + n_sent))
    once = csr_array((np.ones(n_watched), (own // n_versions, own)), shape=(n_cells, n_watched + n_sent))
    spent = csr_array(np.concatenate([np.zeros((len(cost), n_watched)), cost], axis=1))
    return vstack([linked, once, spent], format="csr")
