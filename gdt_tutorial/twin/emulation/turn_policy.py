"""What an imitator learns from walks that were watched: where people turn, how long they stay, how fast they go.

The paper wants users' behaviors emulated by imitation (box 2 of its Fig. 2); here is the plain way to do so, copying.
At a place, who came along a street may stay or take any street on; who stands there may take any street. A policy gives
each of these choices a probability:

    states    one per one-way street (what to do at its end), then one per place (where to go after a stay)
    choices   0 is to stay, k is the street to the k-th neighbor of the place

Copying counts. A state seen n times, d of them with a choice, gives that choice (d + n0 p0) / (n + n0). The prior p0 is what a
visitor with a map would guess who knows nobody: every trip from anywhere to anywhere is equally likely, along the shortest
way. Without any walk, the policy is this prior: its *untrained start*. Stays are copied as a hazard per slot of standing in
the same way, and speeds by heart.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.twin.emulation.walks import Walks

__all__ = ["CloneConfig", "Crossings", "TurnPolicy", "WatchedWalks", "clone", "locate", "untrained", "watch"]


@configclass
class CloneConfig:
    """How much a copy trusts what it has seen."""

    prior_turns: float = parameter(
        10.0, "The n0 of turns.", "best of 0.2 to 20 for 3 to 200 walks, on seeds that no figure has", above=0
    )
    prior_stays: float = parameter(5.0, "The n0 of stays.", "chosen", above=0)
    prior_stay_slots: float = parameter(20.0, "Mean stay of the prior, in slots.", "chosen: 40 s", at_least=1)
    max_stay_slots: int = parameter(75, "Longest stay that the hazard tells apart, in slots.", "chosen: 150 s", above=0)
    prior_speed_mps: float = parameter(
        1.3, "Speed of a walker where none was seen.", "a usual walking speed", above=0, below=5
    )


@dataclass(frozen=True, eq=False)
class Crossings:
    """The states and choices of a map.

    Attributes:
        streets: The map.
    """

    streets: Streets

    @property
    def n_states(self) -> int:
        """Streets, then places."""
        return len(self.streets.street) + self.streets.n_places

    @cached_property
    def place(self) -> Int[np.ndarray, " state"]:
        """The place at which a state decides."""
        return np.concatenate([self.streets.street[:, 1], np.arange(self.streets.n_places)])

    @cached_property
    def street_between(self) -> Int[np.ndarray, "place place"]:
        """The number of the street from one place to another, -1 for none."""
        number = np.full((self.streets.n_places,) * 2, -1)
        number[tuple(self.streets.street.T)] = np.arange(len(self.streets.street))
        return number

    @cached_property
    def leads_to(self) -> Int[np.ndarray, "state choice"]:
        """The place to which a choice leads: the own one to stay, -1 where there is no such choice."""
        streets = self.streets
        neighbors = np.full((streets.n_places, 1 + int(streets.is_street.sum(axis=1).max())), -1)
        for place, row in enumerate(streets.is_street):
            neighbors[place, 1 : 1 + row.sum()] = np.flatnonzero(row)
        leads = neighbors[self.place]
        leads[: len(streets.street), 0] = streets.street[:, 1]
        return leads

    @cached_property
    def is_possible(self) -> Bool[np.ndarray, "state choice"]:
        """Which choices there are."""
        return self.leads_to >= 0

    @cached_property
    def next_state(self) -> Int[np.ndarray, "state choice"]:
        """The state in which a choice ends: at the end of the street taken, or standing; the own one where it is none."""
        own, n_streets = np.arange(self.n_states)[:, None], len(self.streets.street)
        after = np.where(self.is_possible, self.street_between[self.place[:, None], self.leads_to], own)
        after[:n_streets, 0] = n_streets + self.place[:n_streets]
        return after

    def choice_to(
        self, state: Int[np.ndarray, "*shape"], place: Int[np.ndarray, "*shape"]
    ) -> Int[np.ndarray, "*shape"]:
        """Return the choice that leads from a state to a place."""
        return np.asarray((self.leads_to[state] == place[..., None]).argmax(axis=-1))

    @cached_property
    def uniform_trips(self) -> Float[np.ndarray, "state choice"]:
        """The law of the choices if all trips are equally likely: what a map alone tells; rows sum to one."""
        streets, n_streets = self.streets, len(self.streets.street)
        count = 1e-3 * self.is_possible  # some states lie on no shortest way
        start, end = (axis[~np.eye(streets.n_places, dtype=bool)] for axis in np.indices((streets.n_places,) * 2))
        here, state = start, n_streets + start
        while here.size:
            after = np.where(here == end, here, streets.next_place[here, end])
            np.add.at(count, (state, self.choice_to(state, after)), 1.0)
            goes_on = here != end
            here, after, end = here[goes_on], after[goes_on], end[goes_on]
            state, here = self.street_between[here, after], after
        return count / count.sum(axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class TurnPolicy:
    """How the users watched walk.

    Attributes:
        crossings: The states and choices.
        turn: The law of the choices in each state; rows sum to one.
        stay_hazard: Probability of leaving in the next slot, by the slots stood so far, from 1 on; the last entry lasts.
        speed_mps: Speeds that were seen.

    Raises:
        ValueError: shapes of another map, or rows that are no law.
    """

    crossings: Crossings
    turn: Float[np.ndarray, "state choice"]
    stay_hazard: Float[np.ndarray, " slot"]
    speed_mps: Float[np.ndarray, " draw"]

    def __post_init__(self) -> None:
        shape = self.crossings.is_possible.shape
        require(self.turn.shape == shape, "turn", f"have shape {shape}", self.turn.shape, "learn it on this map")
        is_law = np.allclose(self.turn.sum(axis=1), 1) and bool((self.turn >= 0).all())
        is_law = is_law and bool((self.turn[~self.crossings.is_possible] == 0).all())
        require(is_law, "turn", "be a law over the possible choices", "another", "divide by the sums of its rows")
        has_parts = len(self.stay_hazard) > 0 and len(self.speed_mps) > 0
        sizes = (len(self.stay_hazard), len(self.speed_mps))
        require(has_parts, "stay_hazard, speed_mps", "hold a number or more", sizes, "take those of `untrained`")


class Place(NamedTuple):
    """Where users are on the map."""

    state: Int[np.ndarray, "*shape"]  # the street on which they walk, or n_streets + the place at which they stand
    along_m: Float[np.ndarray, "*shape"]  # since the beginning of the street
    beside_m: Float[np.ndarray, "*shape xy"]  # from there to the position; zero for who walks on streets


@dataclass(frozen=True, kw_only=True)
class WatchedWalks:
    """What was seen: choices at places, stays, and speeds."""

    walk: Int[np.ndarray, " pair"]  # which walk a choice belongs to; its choices stand in their order
    state: Int[np.ndarray, " pair"]
    choice: Int[np.ndarray, " pair"]
    stay_slots: Int[np.ndarray, " draw"]  # of stays whose beginning was seen
    has_left: Bool[np.ndarray, " draw"]  # false where the walk ended first
    speed_mps: Float[np.ndarray, " row"]  # one per street that was walked


def locate(
    streets: Streets, position_m: Float[np.ndarray, "*shape xy"], velocity_mps: Float[np.ndarray, "*shape xy"]
) -> Place:
    """Find users on the map: who stands at the nearest place, who walks on the nearest street that leads its way."""
    speed_mps = np.linalg.norm(velocity_mps, axis=-1)
    heading = velocity_mps / np.maximum(speed_mps, 1e-9)[..., None]
    street, along_m, on_street_m = _nearest_street(streets, position_m.reshape(-1, 2), heading.reshape(-1, 2))
    shape = position_m.shape[:-1]
    street, along_m, on_street_m = street.reshape(shape), along_m.reshape(shape), on_street_m.reshape(*shape, 2)

    east_m, north_m = (position_m[..., axis, None] - streets.place_m[:, axis] for axis in (0, 1))
    place = np.sqrt(east_m**2 + north_m**2).argmin(axis=-1)
    is_walking = speed_mps > 0
    return Place(
        state=np.where(is_walking, street, len(streets.street) + place),
        along_m=np.where(is_walking, along_m, 0.0),
        beside_m=position_m - np.where(is_walking[..., None], on_street_m, streets.place_m[place]),
    )


def _nearest_street(
    streets: Streets, position_m: Float[np.ndarray, "user xy"], heading: Float[np.ndarray, "user xy"]
) -> tuple[Int[np.ndarray, " user"], Float[np.ndarray, " user"], Float[np.ndarray, "user xy"]]:
    """Return the nearest street that leads its way, how far along it, and the point on it.

    On a map of many streets those are tried first whose middles are nearest; all of them where another one could win.
    """
    start_m, end_m = (streets.place_m[axis] for axis in streets.street.T)
    length_m = np.linalg.norm(end_m - start_m, axis=-1)
    along = (end_m - start_m) / length_m[:, None]

    def scores(user: np.ndarray, tried: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # East and north apart: a table of all users by all streets is large.
        east_m, north_m = (position_m[user, axis, None] - start_m[tried, axis] for axis in (0, 1))
        gone_m = np.clip(east_m * along[tried, 0] + north_m * along[tried, 1], 0, length_m[tried])
        apart_m = np.sqrt((east_m - gone_m * along[tried, 0]) ** 2 + (north_m - gone_m * along[tried, 1]) ** 2)
        toward = heading[user, 0, None] * along[tried, 0] + heading[user, 1, None] * along[tried, 1]
        return apart_m + _TURN_M * (1 - toward), gone_m

    street, along_m = np.zeros(len(position_m), dtype=np.int64), np.zeros(len(position_m))
    left = np.arange(len(position_m))
    if len(length_m) > 2 * _N_TRIED:
        away_m, near = streets.middles.query(position_m, _N_TRIED)
        near = np.sort(near, axis=1)
        score_m, gone_m = scores(left, near)
        best = score_m.argmin(axis=1)
        street, along_m = near[left, best], gone_m[left, best]
        left = np.flatnonzero(score_m[left, best] > away_m[:, -1] - length_m.max() / 2)
    if len(left):
        score_m, gone_m = scores(left, np.arange(len(length_m))[None])
        street[left] = score_m.argmin(axis=1)
        along_m[left] = gone_m[np.arange(len(left)), street[left]]
    return street, along_m, start_m[street] + along_m[:, None] * along[street]


_N_TRIED = 64  # streets that are tried first, chosen; any number gives the same street
# Meters off a street that count as much as a heading at right angles to it; chosen.
_TURN_M = 20.0


def watch(walks: Walks, crossings: Crossings) -> WatchedWalks:
    """Read choices, stays and speeds out of walks that were reported in every slot.

    Raises:
        ValueError: no walk, or no choice in them.
    """
    require(len(walks) > 0, "walks", "hold one or more", 0, "watch a user for a while")
    n_streets, rows = len(crossings.streets.street), []
    for first in range(0, len(walks), 100):  # a table of distances to all streets is large
        part = walks.part(slice(first, first + 100))
        rows.append(locate(crossings.streets, part.position_m, part.velocity_mps).state)
    state = np.concatenate(rows)
    walk, run, n_slots = _runs(state)
    speed_mps = np.linalg.norm(walks.velocity_mps, axis=-1)[walk, run]
    run_state = state[walk, run]

    is_followed = np.append(walk[1:] == walk[:-1], False)
    is_begun = np.append(False, walk[1:] == walk[:-1])
    is_stay = run_state >= n_streets
    before, after = np.flatnonzero(is_followed), np.flatnonzero(is_followed) + 1
    next_place = np.where(is_stay[after], run_state[after] - n_streets, crossings.place[run_state[after]])
    choice = crossings.choice_to(run_state[before], next_place)
    # A street too short to be seen leaves a gap: the choice would not lead to what follows.
    is_seen = crossings.next_state[run_state[before], choice] == run_state[after]
    require(is_seen.any(), "walks", "show a choice at a place", 0, "watch longer, or on the campus of these streets")
    stay = is_stay & is_begun
    return WatchedWalks(
        walk=walk[before][is_seen],
        state=run_state[before][is_seen],
        choice=choice[is_seen],
        stay_slots=n_slots[stay],
        has_left=is_followed[stay],
        speed_mps=speed_mps[~is_stay],
    )


def clone(
    seen: WatchedWalks,
    crossings: Crossings,
    config: CloneConfig = CloneConfig(),
    *,
    prior: Float[np.ndarray, "state choice"] | None = None,
) -> TurnPolicy:
    """Copy what was seen, shrunk to `prior`: by default to what a map alone tells."""
    prior = crossings.uniform_trips if prior is None else prior
    count = np.zeros(crossings.is_possible.shape)
    np.add.at(count, (seen.state, seen.choice), 1.0)
    total = count.sum(axis=1, keepdims=True) + config.prior_turns
    turn = (count + config.prior_turns * prior) / total
    stood = np.arange(1, config.max_stay_slots + 1)
    lasted = np.minimum(seen.stay_slots, config.max_stay_slots)[:, None]
    n_left = (seen.has_left[:, None] & (lasted == stood)).sum(axis=0)
    n_stood = np.where(seen.has_left[:, None], lasted >= stood, lasted > stood).sum(axis=0)
    hazard = (n_left + config.prior_stays / config.prior_stay_slots) / (n_stood + config.prior_stays)
    speed_mps = seen.speed_mps if len(seen.speed_mps) else np.array([config.prior_speed_mps])
    return TurnPolicy(crossings, turn, hazard, speed_mps)


def untrained(crossings: Crossings, config: CloneConfig = CloneConfig()) -> TurnPolicy:
    """Return the policy of who has watched nobody: the prior of everything."""
    hazard = np.full(config.max_stay_slots, 1 / config.prior_stay_slots)
    return TurnPolicy(crossings, crossings.uniform_trips, hazard, np.array([config.prior_speed_mps]))


def _runs(
    state: Int[np.ndarray, "user slot"],
) -> tuple[Int[np.ndarray, " row"], Int[np.ndarray, " row"], Int[np.ndarray, " row"]]:
    """Return walk, first slot and number of slots of every run of one state."""
    is_first = np.concatenate([np.ones_like(state[:, :1], dtype=bool), state[:, 1:] != state[:, :-1]], axis=1)
    walk, slot = np.nonzero(is_first)
    flat = np.append(walk * state.shape[1] + slot, state.size)
    return walk, slot, np.diff(flat)
