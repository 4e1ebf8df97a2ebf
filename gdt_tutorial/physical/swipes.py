"""How long users watch: the embedded swipe generator and re-drawing from real watch logs.

A view is either complete (watched fraction exactly 1) or ends with a swipe inside the video. Both models below answer
the same question, `SwipeModel.sample_fraction`; the physical network does not know which of the two it has.

The paper's case study samples swipes and preferences from a real-world video swipe dataset. The generator stands in
where no such data is at hand.
"""

from dataclasses import dataclass
from math import inf
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from scipy.special import betainc, expit, logit

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.logs.crowd_needs import MIN_VIEWS
from gdt_tutorial.physical.logs.watch_logs import WatchLog, view_types

__all__ = ["THREE_CLASSES", "LoggedSwipes", "SwipeGenerator", "SwipeGeneratorConfig", "SwipeModel"]

# A swipe lies strictly inside the video, so that a fraction of exactly 1 always means a complete view.
_MARGIN = 1e-6


@runtime_checkable
class SwipeModel(Protocol):
    """Anything that can say which fraction of a video a user watches."""

    def sample_fraction(
        self, user: Int[np.ndarray, "*shape"], video_type: Int[np.ndarray, "*shape"], *, rng: np.random.Generator
    ) -> Float[np.ndarray, "*shape"]:
        """Draw watched fractions in (0, 1]; exactly 1 is a complete view. `user` is a row of the model's users."""
        ...


@configclass
class SwipeGeneratorConfig:
    """User classes x video types.

    A view by class u of type c completes with probability p, where logit(p) = logit(p_full[u]) + ln(type_odds[c]);
    otherwise the swipe lies at a Beta(a[u], b[u] exp(type_log_b_shift[c])) distributed fraction of the length.

    The type effects come from seven published retention curves; `swipe_fit.py` has the table and the arithmetic. The
    shift is one of ln b, so that b stays positive for every class. The seven videos differ in length too (6 to 125 s),
    so a type effect holds a part of a length effect.

    Two limits of the numbers: the classes were fitted to a sample with only explicitly liked or disliked views, and
    the views that put a user into a class also gave the fit. Both widen the gap between the classes.
    """

    class_names: tuple[str, ...] = parameter(
        ("engaged", "swiper"), "Names of the user classes.", "clusters of a 575-user KuaiRand sample"
    )
    class_share: tuple[float, ...] = parameter(
        (0.63, 0.37),
        "Share of the users in each class.",
        "clusters of a 575-user KuaiRand sample",
        above=0,
        below=inf,
        remedy="use a small positive number instead of 0",
    )
    p_full: tuple[float, ...] = parameter(
        (0.574, 0.267),
        "Probability that a user of the class watches a video of a neutral type to its end.",
        "fit to the clusters of a 575-user KuaiRand sample",
        above=0,
        below=1,
        remedy="0.999 is as good as always",
    )
    a: tuple[float, ...] = parameter(
        (0.73, 0.79),
        "First shape of the Beta law of the swipe position.",
        "fit to the clusters of a 575-user KuaiRand sample",
        above=0,
        below=inf,
        remedy="use a small positive number instead of 0",
    )
    b: tuple[float, ...] = parameter(
        (0.59, 1.21),
        "Second shape of the Beta law; larger means earlier swipes.",
        "fit to the clusters of a 575-user KuaiRand sample",
        above=0,
        below=inf,
        remedy="use a small positive number instead of 0",
    )
    type_names: tuple[str, ...] = parameter(
        ("Study", "Entertainment", "Life", "Game"),
        "Names of the video types.",
        "video types of the ACM Multimedia 2022 short-video challenge",
    )
    type_odds: tuple[float, ...] = parameter(
        (1.21, 1.78, 1.14, 0.41),
        "Factor of the odds of completion for each type; 1 is neutral.",
        "seven public retention curves of the ACM Multimedia 2022 challenge, shrunk (see the class)",
        above=0,
        below=inf,
        remedy="use a small positive number instead of 0",
    )
    type_log_b_shift: tuple[float, ...] = parameter(
        (-0.23, -0.54, 0.21, 0.56),
        "Shift of ln b for each type; positive means earlier swipes.",
        "seven public retention curves of the ACM Multimedia 2022 challenge, shrunk (see the class)",
        above=-inf,
        below=inf,
    )
    preference_concentration: float = parameter(
        1.0,
        "Concentration of the symmetric Dirichlet law of a user's preference over the types; 1 is uniform.",
        "chosen",
        above=0,
    )

    def __post_init__(self) -> None:
        for name in ("class_share", "p_full", "a", "b", "type_odds", "type_log_b_shift"):
            like = "type_names" if name.startswith("type_") else "class_names"
            values, n_wanted = getattr(self, name), len(getattr(self, like))
            rule = f"hold {n_wanted} numbers, one for each of {like}"
            require(len(values) == n_wanted, name, rule, values, "give as many")

    @property
    def n_types(self) -> int:
        """Number of video types."""
        return len(self.type_names)

    def completion(self) -> Float[np.ndarray, "class type"]:
        """Return the probability of a complete view."""
        return expit(logit(np.asarray(self.p_full))[:, None] + np.log(self.type_odds))

    def beta_shapes(self) -> tuple[Float[np.ndarray, "class type"], Float[np.ndarray, "class type"]]:
        """Return (a, b) of the swipe position."""
        b = np.asarray(self.b)[:, None] * np.exp(self.type_log_b_shift)
        return np.broadcast_to(np.asarray(self.a)[:, None], b.shape), b


THREE_CLASSES = SwipeGeneratorConfig(
    class_names=("completer", "middle", "swiper"),
    class_share=(0.39, 0.40, 0.21),
    p_full=(0.648, 0.412, 0.208),
    a=(0.68, 0.81, 0.82),
    b=(0.46, 0.83, 1.51),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class SwipeGenerator:
    """The embedded swipe model: each user belongs to a class for good."""

    config: SwipeGeneratorConfig
    user_class: Int[np.ndarray, " user"]

    @classmethod
    def draw(
        cls, n_users: int, config: SwipeGeneratorConfig = SwipeGeneratorConfig(), *, rng: np.random.Generator
    ) -> "SwipeGenerator":
        """Draw each user's class by the classes' shares."""
        share = np.asarray(config.class_share) / np.sum(config.class_share)
        return cls(config=config, user_class=rng.choice(len(share), size=n_users, p=share))

    @property
    def n_users(self) -> int:
        """Number of users that the model knows."""
        return len(self.user_class)

    def sample_fraction(
        self, user: Int[np.ndarray, "*shape"], video_type: Int[np.ndarray, "*shape"], *, rng: np.random.Generator
    ) -> Float[np.ndarray, "*shape"]:
        """Draw watched fractions in (0, 1]; exactly 1 is a complete view."""
        user_class = self.user_class[user]
        is_swipe = rng.random(user.shape) >= self.config.completion()[user_class, video_type]
        a, b = self.config.beta_shapes()
        cell = user_class[is_swipe], video_type[is_swipe]
        fraction = np.ones(user.shape)
        fraction[is_swipe] = np.clip(rng.beta(a[cell], b[cell]), _MARGIN, 1 - _MARGIN)
        return fraction

    def cumulative_swipe(
        self,
        fraction: Float[np.ndarray, "*shape"],
        user_class: Int[np.ndarray, "*shape"],
        video_type: Int[np.ndarray, "*shape"],
    ) -> Float[np.ndarray, "*shape"]:
        """Return the probability of having swiped by `fraction` of the length: F = (1 - p) I(fraction; a, b).

        I is the regularized incomplete beta function. The curve ends at 1 - p, since who completes never swipes.
        """
        a, b = self.config.beta_shapes()
        cell = user_class, video_type
        return (1 - self.config.completion()[cell]) * betainc(a[cell], b[cell], fraction)

    def survival(
        self,
        fraction: Float[np.ndarray, "*shape"],
        user_class: Int[np.ndarray, "*shape"],
        video_type: Int[np.ndarray, "*shape"],
    ) -> Float[np.ndarray, "*shape"]:
        """Return the probability of still watching after `fraction` of the length: S = 1 - F."""
        return 1 - self.cumulative_swipe(fraction, user_class, video_type)


@dataclass(frozen=True, kw_only=True, eq=False)
class LoggedSwipes:
    """Re-draw each user's watched fractions from the same user's logged views.

    For a type of which the user has n logged views, a draw takes one of these with probability n / (n + pooling), and
    one of all views of this user otherwise. So a user keeps their own habits, and a type seen twice does not repeat
    the same two fractions forever. Rows are the users of the log with at least `min_views` views, by ascending id.
    """

    user_id: Int[np.ndarray, " user"]
    fraction: Float[np.ndarray, " view"]  # sorted by user, then by type
    offset: Int[np.ndarray, "user _"]  # start of each (user, type) cell in `fraction`; the last column ends the user
    pooling: float

    @classmethod
    def from_watch_log(cls, log: WatchLog, *, min_views: int = MIN_VIEWS, pooling: float = 5.0) -> "LoggedSwipes":
        """Sort a log for drawing.

        Args:
            log: A watch log; without types it gets stand-in types by length (`watch_logs.view_types`).
            min_views: Users with fewer views are left out.
            pooling: How many views the user's other types count for; 0 trusts every cell that is not empty.

        Raises:
            ValueError: If no user has enough views.
        """
        video_type, type_names = view_types(log)
        user_id, row, n_views = np.unique(log.user_id, return_inverse=True, return_counts=True)
        has_enough = n_views >= min_views
        if not has_enough.any():
            raise ValueError(
                f"min_views must leave at least one user, got {min_views} where the most active user has "
                f"{n_views.max()} views; lower it or give a longer log."
            )
        keep = has_enough[row]
        new_row = (np.cumsum(has_enough) - 1)[row[keep]]
        n_types = len(type_names)
        cell = new_row * n_types + video_type[keep]
        size = np.bincount(cell, minlength=has_enough.sum() * n_types)
        end = np.cumsum(size).reshape(-1, n_types)
        return cls(
            user_id=user_id[has_enough],
            fraction=log.watched_fraction[keep][np.argsort(cell, kind="stable")].astype(np.float64),
            offset=np.concatenate([end[:, :1] - size.reshape(-1, n_types)[:, :1], end], axis=1),
            pooling=pooling,
        )

    @property
    def n_users(self) -> int:
        """Number of users that the model knows."""
        return len(self.user_id)

    def sample_fraction(
        self, user: Int[np.ndarray, "*shape"], video_type: Int[np.ndarray, "*shape"], *, rng: np.random.Generator
    ) -> Float[np.ndarray, "*shape"]:
        """Draw watched fractions in (0, 1]; exactly 1 is a complete view."""
        start, end = self.offset[user, video_type], self.offset[user, video_type + 1]
        # Own views of the type in n of n + pooling draws; an empty cell (n = 0) never wins.
        is_pooled = rng.random(user.shape) * (end - start + self.pooling) >= end - start
        start = np.where(is_pooled, self.offset[user, 0], start)
        end = np.where(is_pooled, self.offset[user, -1], end)
        view = start + (rng.random(user.shape) * (end - start)).astype(np.int64)
        return np.maximum(self.fraction[view], _MARGIN)
