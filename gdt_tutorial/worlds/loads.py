"""Loads of access points (APs) between which crowds walk: who leaves here will arrive somewhere, a walk later.

"GT can accurately analyze spatiotemporal correlations from DT status through its advanced attention mechanism" (the paper,
GAI-Based Feature Abstraction). Here the correlations are known exactly, so one can ask what attention finds. Time is in
slots, a day has 96 of them. From AP i a crowd of size e leaves at random, and nine tenths of it arrive at AP route[i], most
of them a walk of 12 slots later, some a slot earlier or later:

    load[j, t] = persistence load[j, t-1] - e[j, t] + share sum over i with route[i] = j of sum over k of spread[k] e[i, t-k]
                 + noise

Three worlds differ in the routes alone:

    n_types = 1      the same every day
    n_types = 4      one of four sets, drawn every morning, and nobody says which
    n_types = None   new ones every morning

Since the days are drawn, the exact answers are known: the routes, and the arrivals. Whoever knew both would be wrong by the
noise alone (`Days.expected`).

What is abstract: a load is a number around 0 and not a count of users, all walks have one length, crowds leave at random at
any time of day, one crowd has one destination, and there is no radio. Loads of the book's own network are recorded in
`twin.abstraction.loads`.
"""

from math import inf
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import configclass, parameter, require

__all__ = ["Days", "LoadWorld", "LoadsConfig", "arrival_rmse", "draw_routes"]


@configclass
class LoadsConfig:
    """Crowds, and what one sees of them."""

    n_aps: int = parameter(6, "Access points.", "chosen", above=1)
    n_slots: int = parameter(96, "Slots of a day: one in fifteen minutes.", "chosen", above=0)
    walk_slots: int = parameter(12, "Length of a walk.", "chosen", above=0)
    spread: tuple[float, ...] = parameter(
        (0.25, 0.5, 0.25), "Share of a crowd that arrives in each slot around `walk_slots`.", "chosen", at_least=0
    )
    departure_probability: float = parameter(
        0.06, "Chance that a crowd leaves an AP in a slot.", "chosen", at_least=0, at_most=1
    )
    smallest: float = parameter(1.6, "Smallest crowd.", "chosen", above=0, below=inf)
    largest: float = parameter(3.2, "Largest crowd; sizes are uniform.", "chosen", above=0, below=inf)
    share: float = parameter(0.9, "Share of a crowd that arrives at all.", "chosen", at_least=0, at_most=1)
    persistence: float = parameter(0.9, "What a slot leaves of a load.", "chosen", at_least=0, below=1)
    noise: float = parameter(0.25, "Standard deviation of what else happens.", "chosen", at_least=0, below=inf)

    def __post_init__(self) -> None:
        is_share = abs(sum(self.spread) - 1) < 1e-9
        require(is_share, "spread", "sum to 1", self.spread, "say what share arrives when")
        is_around = len(self.spread) % 2 == 1 and len(self.spread) // 2 < self.walk_slots
        require(
            is_around, "spread", "lie around walk_slots, after the start", self.spread, "give an odd number of shares"
        )
        sizes = (self.smallest, self.largest)
        require(sizes[0] <= sizes[1], "smallest, largest", "be ordered", sizes, "swap them")

    @property
    def lags(self) -> range:
        """Slots after which a part of a crowd arrives."""
        half = len(self.spread) // 2
        return range(self.walk_slots - half, self.walk_slots + half + 1)


class Days(NamedTuple):
    """Days of loads, and what nobody sees of them."""

    load: Float[np.ndarray, "day slot ap"]
    arrival: Float[np.ndarray, "day slot ap"]  # hidden: what crowds bring
    departure: Float[np.ndarray, "day slot ap"]  # hidden: what crowds take
    route: Int[np.ndarray, "day ap"]  # hidden: where crowds of each AP go

    def expected(self, persistence: float = LoadsConfig().persistence) -> Float[np.ndarray, "day slot ap"]:
        """Return the forecast of an oracle that knows who arrives; it does not know who will leave."""
        before = np.concatenate([np.zeros_like(self.load[:, :1]), self.load[:, :-1]], axis=1)
        return persistence * before + self.arrival

    @property
    def gate(self) -> Float[np.ndarray, "day ap ap"]:
        """Return the true routes as matrices: one where crowds of the row's AP go to the column's."""
        return (self.route[..., None] == np.arange(self.route.shape[1])).astype(float)


def draw_routes(n_sets: int, n_aps: int, *, rng: np.random.Generator) -> Int[np.ndarray, "day ap"]:
    """Draw where crowds of each AP go: any other AP, all alike likely."""
    other = rng.integers(n_aps - 1, size=(n_sets, n_aps))
    return other + (other >= np.arange(n_aps))


class LoadWorld:
    """A world with its sets of routes.

    >>> from gdt_tutorial.seeding import stream
    >>> world = LoadWorld(n_types=None, rng=stream(0, "world"))
    >>> world.draw(3, rng=stream(0, "days")).load.shape
    (3, 96, 6)

    Args:
        n_types: Sets of routes; None for new ones every day.
        config: Crowds, and what one sees of them.
        rng: Draws the sets.

    Raises:
        ValueError: No set of routes.
    """

    def __init__(
        self, n_types: int | None = None, config: LoadsConfig = LoadsConfig(), *, rng: np.random.Generator
    ) -> None:
        require(n_types is None or n_types > 0, "n_types", "be above 0", n_types, "None draws new routes every day")
        self.config = config
        self.routes = None if n_types is None else draw_routes(n_types, config.n_aps, rng=rng)

    def draw(self, n_days: int, *, rng: np.random.Generator) -> Days:
        """Draw days, independent of each other.

        Raises:
            ValueError: No day.
        """
        require(n_days > 0, "n_days", "be above 0", n_days, "draw one at least")
        config = self.config
        if self.routes is None:
            route = draw_routes(n_days, config.n_aps, rng=rng)
        else:
            route = self.routes[rng.integers(len(self.routes), size=n_days)]
        first = config.lags[-1]  # crowds that left before the first slot arrive in it
        shape = (n_days, first + config.n_slots, config.n_aps)
        size = rng.uniform(config.smallest, config.largest, size=shape)
        departure = np.where(rng.random(shape) < config.departure_probability, size, 0.0)
        arrival = _arrivals(departure, route, config)
        change = arrival - departure[:, first:] + config.noise * rng.standard_normal(arrival.shape)
        load = np.zeros_like(change)
        for slot in range(config.n_slots):
            load[:, slot] = config.persistence * load[:, slot - 1] * (slot > 0) + change[:, slot]
        return Days(load, arrival, departure[:, first:], route)


def arrival_rmse(days: Days, forecast: Float[np.ndarray, "day slot ap"], first_slot: int = 24) -> float:
    """Return the root mean square error where people arrive and no crowd leaves, from a slot of the day on.

    Departures come without a sign, so a slot in which a crowd leaves is lost for all forecasts alike, and would hide what
    they differ in.

    Raises:
        ValueError: A forecast of another shape, or nothing to score.
    """
    rule, remedy = f"have the shape {days.load.shape}", "forecast each slot from those before it"
    require(forecast.shape == days.load.shape, "forecast", rule, forecast.shape, remedy)
    is_scored = _is_scored(days, first_slot)
    require(is_scored.any(), "days", "hold an arrival", 0, "draw more of them")
    return float(np.sqrt(((forecast - days.load)[is_scored] ** 2).mean()))


def _is_scored(days: Days, first_slot: int) -> Bool[np.ndarray, "day slot ap"]:
    is_late = np.arange(days.load.shape[1])[:, None] >= first_slot
    return is_late & (days.arrival > 0) & (days.departure == 0)


def _arrivals(
    departure: Float[np.ndarray, "day _ ap"], route: Int[np.ndarray, "day ap"], config: LoadsConfig
) -> Float[np.ndarray, "day slot ap"]:
    gate = (route[..., None] == np.arange(config.n_aps)).astype(float)
    flow, first = config.share * departure @ gate, config.lags[-1]
    parts = zip(config.lags, config.spread, strict=True)
    return np.sum([part * flow[:, first - lag : first - lag + config.n_slots] for lag, part in parts], axis=0)
