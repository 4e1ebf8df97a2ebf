"""Who copies swipes best from a few users: Kaplan-Meier by type, a cloned hazard, or GAIL?

Some users are shown, the others are kept to judge. A view is a walk on the chain of `worlds.views`. Three copies:

    Kaplan-Meier    the hazard of each type by itself, with the prior of the twin's swipe curves
    cloned          the hazard of each type, which borrows from all types together in the same bin
    GAIL            starts from the cloned one and practices on the chain until a discriminator cannot tell it from the views

The judge is the Wasserstein distance between watched fractions, drawn from a copy and those of the held-out users, by type and
weighted by their views. It is the area between two survival curves.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.tables import PRACTICE, TABLE, imitate_table
from gdt_tutorial.physical.logs.watch_logs import WatchLog, view_types
from gdt_tutorial.physical.swipes import SwipeGenerator, SwipeGeneratorConfig
from gdt_tutorial.twin.swipe_curves import count_views, shrunk_hazard, survival_table
from gdt_tutorial.worlds.finite import FiniteEnvs
from gdt_tutorial.worlds.views import hazard_of, policy_of, view_chain, walks_of

__all__ = [
    "Views",
    "copies_of",
    "generated_views",
    "hazard_counts",
    "log_likelihood",
    "logged_views",
    "split_users",
    "wasserstein",
]


class Views(NamedTuple):
    """Who watched a video of which type how far."""

    user: Int[np.ndarray, " view"]
    video_type: Int[np.ndarray, " view"]
    fraction: Float[np.ndarray, " view"]
    n_types: int

    def of(self, users: Int[np.ndarray, " user"]) -> "Views":
        """Return the views of some users."""
        is_theirs = np.isin(self.user, users)
        return Views(self.user[is_theirs], self.video_type[is_theirs], self.fraction[is_theirs], self.n_types)


def logged_views(log: WatchLog) -> Views:
    """Return the views of a log; its users become numbers."""
    video_type, names = view_types(log)
    return Views(np.unique(log.user_id, return_inverse=True)[1], video_type, log.watched_fraction, len(names))


def generated_views(
    n_users: int = 60,
    n_views: int = 34,
    config: SwipeGeneratorConfig = SwipeGeneratorConfig(),
    *,
    rng: np.random.Generator,
) -> Views:
    """Return views of the embedded generator, about as many as the log of the book has."""
    generator, n_types = SwipeGenerator.draw(n_users, config, rng=rng), len(config.type_names)
    user = np.repeat(np.arange(n_users), n_views)
    video_type = rng.integers(n_types, size=len(user))
    return Views(user, video_type, generator.sample_fraction(user, video_type, rng=rng), n_types)


def split_users(views: Views, n_shown: int, *, rng: np.random.Generator) -> tuple[Views, Views]:
    """Draw the users who are shown; return their views, and those of all others.

    Raises:
        ValueError: So many shown users that nobody is left to judge.
    """
    users = rng.permutation(np.unique(views.user))
    require(0 < n_shown < len(users), "n_shown", f"lie in [1, {len(users) - 1}]", n_shown, "leave users to judge")
    return views.of(users[:n_shown]), views.of(users[n_shown:])


def hazard_counts(views: Views, n_bins: int) -> tuple[Float[np.ndarray, "type bin"], Float[np.ndarray, "type bin"]]:
    """Return swipes in each bin, and the views that reached it."""
    return count_views(views.video_type, views.fraction, views.n_types, n_bins)


def copies_of(
    views: Views, n_bins: int = 10, strength: float = 20.0, *, generator: torch.Generator
) -> dict[str, Float[np.ndarray, "type bin"]]:
    """Return the hazards of the three copies.

    Args:
        views: Of the users who are shown.
        n_bins: Bins of a video's length.
        strength: Views that a type borrows, in each bin; as many as the twin's curves do.
        generator: Draws what GAIL draws.
    """
    swipes, reached = hazard_counts(views, n_bins)
    # The twin's prior is .04 in a twentieth of the length.
    plain = shrunk_hazard(swipes, reached, 1 - (1 - 0.04) ** (20 / n_bins), strength)
    together = shrunk_hazard(swipes.sum(axis=0), reached.sum(axis=0), 1 - (1 - 0.04) ** (20 / n_bins), strength)
    cloned = shrunk_hazard(swipes, reached, together, strength)
    share = np.bincount(views.video_type, minlength=views.n_types) / len(views.video_type)
    world, start = view_chain(share, n_bins), np.clip(policy_of(cloned), 1e-3, None)
    walks = walks_of(views.video_type, views.fraction, views.n_types, n_bins)
    start /= start.sum(axis=1, keepdims=True)
    config = replace(TABLE, n_iterations=30, learning_rate=0.1, absorbing_entry=world.goal)
    practice = replace(PRACTICE, rollout_steps=n_bins + 2, learning_rate=0.03)
    policy = imitate_table(FiniteEnvs(world, 128), walks, start, config, practice, generator=generator)
    return {"Kaplan-Meier": plain, "cloned": cloned, "GAIL": hazard_of(policy, views.n_types)}


def wasserstein(hazard: Float[np.ndarray, "type bin"], judge: Views) -> float:
    """Return the mean distance between watched fractions, in shares of a video."""
    swipes, reached = hazard_counts(judge, hazard.shape[1])
    found = survival_table(swipes / np.maximum(reached, 1))
    gap = np.abs(survival_table(hazard) - found)[:, 1:].mean(axis=1)
    return float(np.average(gap, weights=np.bincount(judge.video_type, minlength=judge.n_types)))


def log_likelihood(hazard: Float[np.ndarray, "type bin"], judge: Views) -> float:
    """Return the mean log-probability of what held-out users did in a bin."""
    swipes, reached = hazard_counts(judge, hazard.shape[1])
    safe = np.clip(hazard, 1e-6, 1 - 1e-6)
    return float((swipes * np.log(safe) + (reached - swipes) * np.log(1 - safe)).sum() / reached.sum())
