"""The users as viewers: who they are, what they like, how they swipe."""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.physical.logs.crowd_needs import MIN_VIEWS, require_crowd
from gdt_tutorial.physical.logs.watch_logs import WatchLog, view_types
from gdt_tutorial.physical.swipes import LoggedSwipes, SwipeGenerator, SwipeGeneratorConfig, SwipeModel
from gdt_tutorial.physical.video import VideoCatalog

__all__ = ["Viewers"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Viewers:
    """The simulated users of every environment.

    `user` is each one's row in the swipe model; `preference` sums to one over the types; `source` is "generator" or
    "watch log", and `attribution` is what a page must print when it shows a figure made from a log.
    """

    user: Int[np.ndarray, "batch user"]
    preference: Float[np.ndarray, "batch user type"]
    swipes: SwipeModel
    source: str
    attribution: str = ""

    @classmethod
    def generate(
        cls,
        n_batch: int,
        n_users: int,
        catalog: VideoCatalog,
        config: SwipeGeneratorConfig = SwipeGeneratorConfig(),
        *,
        rng: np.random.Generator,
    ) -> "Viewers":
        """Draw every user's class and preference from the embedded generator.

        Raises:
            ValueError: If the catalog's types are not the generator's.
        """
        if catalog.type_names != config.type_names:
            raise ValueError(
                f"catalog must have the generator's video types {config.type_names}, got {catalog.type_names}; "
                f"use VideoCatalog.generate, or give the config these type_names with their type_odds and shifts."
            )
        concentration = np.full(config.n_types, config.preference_concentration)
        return cls(
            user=np.arange(n_batch * n_users).reshape(n_batch, n_users),
            preference=rng.dirichlet(concentration, size=(n_batch, n_users)),
            swipes=SwipeGenerator.draw(n_batch * n_users, config, rng=rng),
            source="generator",
        )

    @classmethod
    def from_watch_log(
        cls,
        log: WatchLog,
        n_batch: int,
        n_users: int,
        catalog: VideoCatalog,
        *,
        min_views: int = MIN_VIEWS,
        rng: np.random.Generator,
    ) -> "Viewers":
        """Let every simulated user act as one logged user; within an environment no one twice, while there are enough.

        Raises:
            ValueError: If the catalog's types are not the log's, or the log holds too little (`crowd_needs`).
        """
        _, type_names = view_types(log)
        if catalog.type_names != type_names:
            raise ValueError(
                f"catalog must have the log's video types {type_names}, got {catalog.type_names}; "
                f"use VideoCatalog.from_watch_log with the same log."
            )
        swipes, preference = _crowd_of(log, min_views)
        n_rounds = -(-n_users // swipes.n_users)
        everyone = np.broadcast_to(np.arange(swipes.n_users), (n_batch, n_rounds, swipes.n_users))
        user = rng.permuted(everyone, axis=-1).reshape(n_batch, -1)[:, :n_users]
        return cls(
            user=user,
            preference=preference[user],
            swipes=swipes,
            source="watch log",
            attribution=log.attribution,
        )


# A study opens many networks on one log, and a log may hold millions of views.
@functools.lru_cache(maxsize=2)
def _crowd_of(log: WatchLog, min_views: int) -> tuple[LoggedSwipes, Float[np.ndarray, "user type"]]:
    """Return the log's users: how they swipe, and what they like."""
    require_crowd(log, min_views=min_views)
    swipes = LoggedSwipes.from_watch_log(log, min_views=min_views)
    return swipes, logged_preference(log, swipes.user_id)


def logged_preference(
    log: WatchLog, user_id: Int[np.ndarray, " user"], *, n_prior_views: float = 5.0
) -> Float[np.ndarray, "user type"]:
    """Return each user's share of watch time by type, smoothed by `n_prior_views` average views of the whole log."""
    video_type, type_names = view_types(log)
    n_types = len(type_names)
    row = np.searchsorted(user_id, log.user_id)
    is_known = user_id[np.minimum(row, len(user_id) - 1)] == log.user_id
    watched_s = (log.watched_fraction * log.duration_s).astype(np.float64)
    by_type_s = np.bincount(video_type, weights=watched_s, minlength=n_types)
    cell = row[is_known] * n_types + video_type[is_known]
    by_user_s = np.bincount(cell, weights=watched_s[is_known], minlength=len(user_id) * n_types)
    smoothed_s = by_user_s.reshape(-1, n_types) + n_prior_views * by_type_s / len(watched_s)
    return smoothed_s / smoothed_s.sum(axis=-1, keepdims=True)
