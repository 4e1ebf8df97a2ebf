"""Walks with destinations: users enter at gates, go to places that they like, stay for a while, and go on.

"DT status consists of [...] behavior-related data (users' interaction frequency, locations, mobility speed, preferences,
etc.)" (the paper, GAI-Based Status Emulation). A Levy flight has no preferred place, so nothing can be learned of where its
users turn. Here they have: a user draws its next place by its own preference w, takes the shortest way along the streets at
a constant walking speed, and stays for a time with a truncated Pareto law. The paper has no such walk; we add it for
imitators, and all numbers are chosen.

From place i the next one is j with probability w[j] / (1 - w[i]). Visits are therefore stationary at w[i] (1 - w[i]): the
product of that and the step is symmetric in i and j. With mean stay m, way d and speed v, the time per visit splits into

    staying    w[i] (1 - w[i]) m             walking    sum over j of  w[i] w[j] d[i, j] E[1 / v]

which is also how a walk starts: in the middle of a stay or a way, as if it had gone on forever (`time_shares`).
"""

from dataclasses import dataclass
from math import inf

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import configclass, parameter, require, require_counts
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.physical.streets import Streets
from gdt_tutorial.physical.truncated_pareto import sample_truncated_pareto, truncated_pareto_mean

__all__ = ["DestinationConfig", "DestinationWalk", "StreetMobility", "draw_preference", "popularity", "time_shares"]


@configclass
class DestinationConfig:
    """Who likes which place, for how long they stay, and how fast they walk (a `Mobility`)."""

    n_gates: int = parameter(4, "Gates of the campus, one in the middle of a side.", "chosen", at_least=0, at_most=4)
    gate_share: float = parameter(0.1, "Share of the trips that lead to a gate.", "chosen", above=0, below=1)
    popularity_exponent: float = parameter(
        1.0,
        "Buildings are liked as their place in the campus's list to minus this.",
        "chosen: Zipf's law; 0 likes all alike",
        at_least=0,
        below=inf,
    )
    n_favorites: int = parameter(3, "Places that a user likes most.", "chosen", above=0)
    favorite_share: float = parameter(0.5, "Share of a user's trips that go to these.", "chosen", at_least=0, below=1)
    stay_tail_exponent: float = parameter(
        0.8, "P(stay > t) falls as t to minus this.", "as the pauses of LevyFlightConfig", above=0, below=10
    )
    min_stay_s: float = parameter(10.0, "Shortest stay.", "chosen", above=0, below=inf)
    max_stay_s: float = parameter(300.0, "Longest stay.", "chosen", above=0, below=inf)
    min_speed_mps: float = parameter(0.8, "Slowest speed of a trip.", "as LevyFlightConfig", above=0, below=inf)
    max_speed_mps: float = parameter(1.8, "Fastest speed of a trip.", "as LevyFlightConfig", above=0, below=inf)
    arrival_s: float = parameter(
        0.0, "All wait at gates, and enter within this time; 0 starts in the middle of a day.", "chosen", at_least=0
    )

    def __post_init__(self) -> None:
        for low, high in (("min_stay_s", "max_stay_s"), ("min_speed_mps", "max_speed_mps")):
            pair = (getattr(self, low), getattr(self, high))
            require(pair[0] < pair[1], f"{low}, {high}", "be ordered", pair, "swap or raise one")
        has_gates = self.n_gates > 0 or self.arrival_s == 0
        require(has_gates, "n_gates", "be above 0 where users arrive", self.n_gates, "set arrival_s=0.0")

    def start(self, campus: Campus, n_batch: int, n_users: int, *, rng: np.random.Generator) -> "DestinationWalk":
        """Put users on the campus and return their walk."""
        return DestinationWalk(self, campus, n_batch, n_users, rng=rng)

    @property
    def mean_stay_s(self) -> float:
        """Mean time at a place."""
        return truncated_pareto_mean(self.stay_tail_exponent, self.min_stay_s, self.max_stay_s)

    @property
    def mean_pace_s_per_m(self) -> float:
        """Mean of one over the speed, which is uniform."""
        low_mps, high_mps = self.min_speed_mps, self.max_speed_mps
        return float(np.log(high_mps / low_mps) / (high_mps - low_mps))


@dataclass(frozen=True, kw_only=True, eq=False)
class StreetMobility:
    """Walks of the same law on given streets, whose gates replace those of the config (a `Mobility`)."""

    streets: Streets
    config: DestinationConfig = DestinationConfig()

    def start(self, campus: Campus, n_batch: int, n_users: int, *, rng: np.random.Generator) -> "DestinationWalk":
        """Put users on the streets and return their walk.

        Raises:
            ValueError: A street that leaves the campus.
        """
        campus.check_inside(self.streets.place_m, "streets.place_m")
        return DestinationWalk(self.config, campus, n_batch, n_users, rng=rng, streets=self.streets)


def popularity(config: DestinationConfig, streets: Streets) -> Float[np.ndarray, " place"]:
    """Return the share of each place in all trips: Zipf's law over the buildings, and all gates alike; 0 at crossings."""
    n_buildings = streets.n_places - streets.n_gates - streets.n_crossings
    weight = np.arange(1.0, n_buildings + 1) ** -config.popularity_exponent
    gate_share = (config.gate_share if n_buildings else 1.0) * (streets.n_gates > 0)
    building = (1 - gate_share) * weight / weight.sum()
    gate = np.full(streets.n_gates, gate_share / max(streets.n_gates, 1))
    return np.concatenate([building, np.zeros(streets.n_crossings), gate])


def draw_preference(
    config: DestinationConfig, streets: Streets, n_batch: int, n_users: int, *, rng: np.random.Generator
) -> Float[np.ndarray, "batch user place"]:
    """Draw what share of its trips each user makes to each place: some by popularity, some to its favorites."""
    share = popularity(config, streets)
    n_favorites = min(config.n_favorites, streets.n_places - streets.n_crossings - 1)
    # The largest of log-shares with Gumbel noise are draws by share without replacement.
    with np.errstate(divide="ignore"):  # the logarithm of a crossing's share is minus infinity: never a favorite
        log_share = np.log(share)
    noisy = log_share + rng.gumbel(size=(n_batch, n_users, streets.n_places))
    is_favorite = noisy >= np.sort(noisy, axis=-1)[..., -n_favorites, None]
    return (1 - config.favorite_share) * share + config.favorite_share * is_favorite / n_favorites


def time_shares(
    config: DestinationConfig, streets: Streets, preference: Float[np.ndarray, "*shape place"]
) -> tuple[Float[np.ndarray, "*shape place"], Float[np.ndarray, "*shape place"]]:
    """Return the shares of time that users stay at each place, and walk on trips that begin there; both sum to one."""
    staying_s = preference * (1 - preference) * config.mean_stay_s
    walking_s = preference * (preference @ streets.way_m) * config.mean_pace_s_per_m
    total_s = (staying_s + walking_s).sum(axis=-1, keepdims=True)
    return staying_s / total_s, walking_s / total_s


class DestinationWalk:
    """Users of `n_batch` parallel environments who walk between places (a `Walk`), driven by events as `LevyFlight` is.

    Attributes:
        position_m: Where users are.
        velocity_mps: How they move just now; zero at a place.
        streets: The map; that of the campus unless given.
        preference: Share of each place in a user's trips.

    Raises:
        ValueError: A count that is not positive, or a campus without places.
    """

    position_m: Float[np.ndarray, "batch user xy"]
    velocity_mps: Float[np.ndarray, "batch user xy"]

    def __init__(
        self,
        config: DestinationConfig,
        campus: Campus,
        n_batch: int,
        n_users: int,
        *,
        rng: np.random.Generator,
        streets: Streets | None = None,
    ) -> None:
        require_counts("simulate at least one", n_batch=n_batch, n_users=n_users)
        self._config, self._rng, self._shape = config, rng, (n_batch, n_users)
        self.streets = Streets.of(campus, config.n_gates) if streets is None else streets
        self.preference = draw_preference(config, self.streets, n_batch, n_users, rng=rng)
        self._weight = self.preference.reshape(-1, self.streets.n_places)
        n_walkers = n_batch * n_users
        # A user stands at `place` where `to` is the same; else it walks from `place` to the next one, `to`.
        self._place, self._to, self._target = (np.zeros(n_walkers, dtype=np.int64) for _ in range(3))
        self._speed_mps, self._remaining_s = np.ones(n_walkers), np.zeros(n_walkers)
        self._position_m, self._velocity_mps = np.zeros((n_walkers, 2)), np.zeros((n_walkers, 2))
        if config.arrival_s > 0:
            self._start_at_gates(n_walkers)
        else:
            self._start_stationary(n_walkers)
        self._show()

    def advance(self, duration_s: float) -> None:
        """Walk every user for `duration_s`.

        Raises:
            ValueError: If `duration_s` is not positive and finite.
        """
        require(0 < duration_s < np.inf, "duration_s", "be above 0 and finite", duration_s, "2.0 is one slot")
        user = np.arange(len(self._place))
        left_s = np.full(len(user), float(duration_s))
        while user.size:
            walked_s = np.minimum(left_s, self._remaining_s[user])
            self._position_m[user] += walked_s[:, None] * self._velocity_mps[user]
            self._remaining_s[user] -= walked_s
            left_s -= walked_s
            self._go_on(user[self._remaining_s[user] <= 0])
            user, left_s = user[left_s > 0], left_s[left_s > 0]
        self._show()

    def _go_on(self, user: Int[np.ndarray, " taken"]) -> None:
        """Let users whose stay or street has ended go on: to a new destination, along the way, or into a stay."""
        is_staying = self._place[user] == self._to[user]
        self._place[user] = self._to[user]
        self._set_out(user[is_staying])
        has_arrived = ~is_staying & (self._place[user] == self._target[user])
        self._stay(user[has_arrived])
        self._enter_street(user[~has_arrived])

    def _set_out(self, user: Int[np.ndarray, " taken"]) -> None:
        weight = self._weight[user].copy()
        weight[np.arange(user.size), self._place[user]] = 0
        self._target[user] = _draw(weight, rng=self._rng)
        self._speed_mps[user] = self._rng.uniform(self._config.min_speed_mps, self._config.max_speed_mps, user.size)

    def _stay(self, user: Int[np.ndarray, " taken"]) -> None:
        config = self._config
        self._position_m[user], self._velocity_mps[user] = self.streets.place_m[self._place[user]], 0.0
        self._remaining_s[user] = sample_truncated_pareto(
            config.stay_tail_exponent, config.min_stay_s, config.max_stay_s, user.size, rng=self._rng
        )

    def _enter_street(self, user: Int[np.ndarray, " taken"]) -> None:
        place, speed_mps = self._place[user], self._speed_mps[user]
        self._to[user] = self.streets.next_place[place, self._target[user]]
        length_m = self.streets.straight_m[place, self._to[user]]
        heading = (self.streets.place_m[self._to[user]] - self.streets.place_m[place]) / length_m[:, None]
        self._position_m[user] = self.streets.place_m[place]
        self._velocity_mps[user], self._remaining_s[user] = heading * speed_mps[:, None], length_m / speed_mps

    def _start_at_gates(self, n_walkers: int) -> None:
        """Let everybody wait at a gate."""
        n_places, n_gates = self.streets.n_places, self.streets.n_gates
        self._place[:] = self._rng.integers(n_places - n_gates, n_places, n_walkers)
        self._to[:] = self._place
        self._position_m[:] = self.streets.place_m[self._place]
        self._remaining_s[:] = self._rng.uniform(0, self._config.arrival_s, n_walkers)

    def _start_stationary(self, n_walkers: int) -> None:
        """Find every user in the middle of a stay or a trip; see `mobility` for laws weighted by their own variable."""
        config, rng, everyone = self._config, self._rng, np.arange(n_walkers)
        choice = _draw(np.concatenate(time_shares(config, self.streets, self._weight), axis=-1), rng=rng)
        self._place[:] = choice % self.streets.n_places
        self._to[:], self._target[:] = self._place, self._place
        stay_s = sample_truncated_pareto(
            config.stay_tail_exponent - 1, config.min_stay_s, config.max_stay_s, n_walkers, rng=rng
        )
        self._position_m[:] = self.streets.place_m[self._place]
        self._remaining_s[:] = stay_s * rng.uniform(size=n_walkers)
        self._speed_mps[:] = sample_truncated_pareto(
            0.0, config.min_speed_mps, config.max_speed_mps, n_walkers, rng=rng
        )
        walker = everyone[choice >= self.streets.n_places]
        way_m = self.streets.way_m[self._place[walker]]
        self._target[walker] = _draw(self._weight[walker] * way_m, rng=rng)
        gone_m = rng.uniform(size=walker.size) * way_m[np.arange(walker.size), self._target[walker]]
        self._go_along(walker, gone_m)

    def _go_along(self, user: Int[np.ndarray, " taken"], gone_m: Float[np.ndarray, " taken"]) -> None:
        """Move users by `gone_m` along their ways."""
        while user.size:
            self._enter_street(user)
            length_m = self._remaining_s[user] * self._speed_mps[user]
            walked_m = np.minimum(gone_m, length_m)
            self._position_m[user] += self._velocity_mps[user] * (walked_m / self._speed_mps[user])[:, None]
            self._remaining_s[user] -= walked_m / self._speed_mps[user]
            gone_m = gone_m - length_m
            user, gone_m = user[gone_m > 0], gone_m[gone_m > 0]
            self._place[user] = self._to[user]

    def _show(self) -> None:
        self.position_m = self._position_m.reshape(*self._shape, 2).copy()
        self.velocity_mps = self._velocity_mps.reshape(*self._shape, 2).copy()


def _draw(weight: Float[np.ndarray, "user choice"], *, rng: np.random.Generator) -> Int[np.ndarray, " user"]:
    """Draw one choice per row, by weight."""
    total = np.cumsum(weight, axis=-1)
    return (total <= rng.uniform(size=(len(weight), 1)) * total[:, -1:]).sum(axis=-1)
