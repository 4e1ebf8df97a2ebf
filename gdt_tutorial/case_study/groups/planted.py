"""Populations with a known number of swipe classes, to test and train what looks for that number.

Nobody knows how many kinds of viewers a watch log holds. Here the number is planted. Class c of K completes a video of a
neutral type with a probability between .1 and .85, equally spaced over the classes; its swipes follow a Beta law whose
mean is early (.25) for every other class and late (.75) for the rest. So neighbors in completion differ in where they
swipe, and six classes stand in two rows of three. `spread` below 1 moves all of them toward their middle, until they are
one class. Video types act on all classes alike, as in `SwipeGeneratorConfig`. All numbers are chosen.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.swipes import SwipeGenerator, SwipeGeneratorConfig

__all__ = ["PlantedViews", "planted_classes", "planted_views"]

_COMPLETION, _MEAN_SWIPE = (0.1, 0.85), (0.25, 0.75)
_CONCENTRATION = 2.4  # a + b of the Beta laws; the fits to logs have 1.3 to 2.3
_JITTER = 0.03
_EVENNESS = 10.0  # of the Dirichlet law of the classes' shares


class PlantedViews(NamedTuple):
    """Users of one campus, with the truth about them, and their views in the order of watching."""

    user_class: Int[np.ndarray, "batch user"]
    view_type: Int[np.ndarray, "batch user view"]
    view_fraction: Float[np.ndarray, "batch user view"]


def planted_classes(n_classes: int, *, spread: float = 1.0, rng: np.random.Generator) -> SwipeGeneratorConfig:
    """Draw the swipe behavior of `n_classes` classes, and their shares.

    Raises:
        ValueError: Fewer than one class, or a spread outside [0, 1].
    """
    require(n_classes > 0, "n_classes", "be above 0", n_classes, "2 to 6 are meant")
    require(0 <= spread <= 1, "spread", "lie in [0, 1]", spread, "1 keeps the classes furthest apart")
    low, high = _COMPLETION
    completion = np.linspace(low, high, n_classes) + rng.uniform(-_JITTER, _JITTER, n_classes)
    is_early = (np.arange(n_classes) + rng.integers(2)) % 2 == 0
    mean = np.where(is_early, *_MEAN_SWIPE)
    completion, mean = (values.mean() + spread * (values - values.mean()) for values in (completion, mean))
    return SwipeGeneratorConfig(
        class_names=tuple(f"planted {index + 1}" for index in range(n_classes)),
        class_share=tuple(rng.dirichlet(np.full(n_classes, _EVENNESS)).tolist()),
        p_full=tuple(completion.tolist()),
        a=tuple((_CONCENTRATION * mean).tolist()),
        b=tuple((_CONCENTRATION * (1 - mean)).tolist()),
    )


def planted_views(
    config: SwipeGeneratorConfig, n_users: int, n_views: int, *, rng: np.random.Generator
) -> PlantedViews:
    """Draw the users of one campus, and let each watch `n_views` videos; tastes have nothing to do with classes.

    Raises:
        ValueError: No user, or not one view.
    """
    require(n_users > 0, "n_users", "be above 0", n_users, "60 is the case study's")
    require(n_views > 0, "n_views", "be above 0", n_views, "a user needs a view to be grouped by")
    swipes = SwipeGenerator.draw(n_users, config, rng=rng)
    preference = rng.dirichlet(np.full(config.n_types, config.preference_concentration), size=n_users)
    upper = np.cumsum(preference, axis=-1)[:, None, :-1]  # the last one is 1 up to rounding
    view_type = (rng.random((n_users, n_views, 1)) >= upper).sum(axis=-1)
    user = np.broadcast_to(np.arange(n_users)[:, None], view_type.shape)
    fraction = swipes.sample_fraction(user, view_type, rng=rng)
    return PlantedViews(swipes.user_class[None], view_type[None], fraction[None])
