"""Swipes of a user as its own history has them: a cloned hazard, shrunk to what the whole campus does.

"GAIL ... can accurately emulate users' dynamic behaviors" is what the paper asks of box 2; for swipes it cannot beat copying,
since one view is a chain without branches (chapter 04). So this is a copy, with the discipline that few views need. With
h0 the hazard of the campus in a bin of a video type, and of one user's own views n that reach the bin and d swipes in it:

    frailty     f = (D + k) / (E + k)               D the user's swipes, E = sum of n h0: those that the campus would have made
    hazard      h = (d + n0 f h0) / (n + n0)

The first line makes a user as hasty in all types as it was in those that were seen: the gamma-Poisson shrinkage of a rate
(Clayton and Kaldor 1987). The second goes on to the user's own curve of a type, where there are views of it. Without history
both give the campus's curve; k and n0 are empirical-Bayes strengths, chosen on other seeds. The paper has no such model.
"""

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.messages import Service, Session
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.twin.swipe_curves import (
    SwipeCurves,
    count_running,
    count_views,
    fraction_at,
    on_screen,
    sample_rest_at,
    survival_table,
)

__all__ = ["HistoryConfig", "HistorySwipes", "log_score"]

_MAX_HAZARD = 0.98  # nobody is sure to swipe
_WHERE = "in log score after 5 to 40 views, generator and a watch log, on seeds that no figure has"


@configclass
class HistoryConfig:
    """How much of a user's own history it takes to leave the curve of the campus."""

    prior_swipes: float = parameter(
        4.0, "The k: swipes that the campus counts for in a user's haste.", f"best of 2, 4, 8 {_WHERE}", above=0
    )
    prior_views: float = parameter(
        60.0, "The n0: views that this counts for in each bin and type.", f"best of 5, 20, 60 {_WHERE}", above=0
    )


class HistorySwipes:
    """Every viewer swipes as its own history says, as far as there is one (a `SwipeModel`).

    Attributes:
        curves: Those of all viewers of an environment, which learn from the same views.
        table: Survival of every viewer and video type at the edges of the bins.

    Args:
        curves: What the campus does.
        catalog: Types of the videos.
        n_users: Users of an environment.
        config: How much a history counts.

    Raises:
        ValueError: No user.
    """

    def __init__(
        self, curves: SwipeCurves, catalog: VideoCatalog, n_users: int, config: HistoryConfig = HistoryConfig()
    ) -> None:
        require(n_users > 0, "n_users", "be above 0", n_users, "pass the users of one environment")
        self.curves, self._catalog, self._n_users, self._config = curves, catalog, n_users, config
        n_batch, n_types, n_edges = curves.table.shape
        self._n_swipes = np.zeros((n_batch * n_users, n_types, n_edges - 1))
        self._n_observed = np.zeros_like(self._n_swipes)
        self._refresh(np.zeros_like(self._n_swipes))

    def learn(self, service: Service, session: Session) -> None:
        """Count the views that ended, and look anew at those that run."""
        self.update(service.view_type, service.view_fraction, running=on_screen(session, self._catalog))

    def update(
        self,
        view_type: Int[np.ndarray, "batch user"],
        view_fraction: Float[np.ndarray, "batch user"],
        *,
        running: tuple[Int[np.ndarray, "batch user"], Float[np.ndarray, "batch user"]] | None = None,
    ) -> None:
        """Take in one ended view of each user, type -1 for none; as `SwipeCurves.update`.

        Raises:
            ValueError: views of another number of users.
        """
        shape = (len(self.curves.table), self._n_users)
        require(view_type.shape == shape, "view_type", f"have shape {shape}", view_type.shape, "one view of each user")
        self.curves.update(view_type, view_fraction, running=running)
        n_types, n_bins = self._n_swipes.shape[1:]
        swipes, watched = count_views(view_type.reshape(-1, 1), view_fraction.reshape(-1, 1), n_types, n_bins)
        self._n_swipes += swipes
        self._n_observed += watched
        if running is None:
            self._refresh(np.zeros_like(self._n_observed))
        else:
            kind, played = (each.reshape(-1, 1) for each in running)
            self._refresh(count_running(kind, played, n_types, n_bins))

    def _refresh(self, n_running: Float[np.ndarray, "user type bin"]) -> None:
        """Shrink every user's hazard to the campus's."""
        k, n0 = self._config.prior_swipes, self._config.prior_views
        campus = 1 - self.curves.table[..., 1:] / np.maximum(self.curves.table[..., :-1], 1e-12)
        campus = campus.repeat(self._n_users, axis=0)
        n_observed = self._n_observed + n_running
        made, expected = (each.sum(axis=(1, 2), keepdims=True) for each in (self._n_swipes, n_observed * campus))
        prior = np.minimum((made + k) / (expected + k) * campus, _MAX_HAZARD)
        self.table = survival_table((self._n_swipes + n0 * prior) / (n_observed + n0))

    def sample_fraction(
        self, viewer: Int[np.ndarray, "*shape"], video_type: Int[np.ndarray, "*shape"], *, rng: np.random.Generator
    ) -> Float[np.ndarray, "*shape"]:
        """Draw from the viewer's own curve."""
        return fraction_at(self.table, (viewer, video_type), rng.random(viewer.shape))

    def sample_rest(
        self,
        viewer: Int[np.ndarray, "*shape"],
        video_type: Int[np.ndarray, "*shape"],
        played: Float[np.ndarray, "*shape"],
        *,
        rng: np.random.Generator,
    ) -> Float[np.ndarray, "*shape"]:
        """Draw from what is left of that curve."""
        return sample_rest_at(self.table, (viewer, video_type), played, rng=rng)


def log_score(
    table: Float[np.ndarray, "*rest edge"],
    cell: tuple[Int[np.ndarray, " view"], ...],
    fraction: Float[np.ndarray, " view"],
) -> Float[np.ndarray, " view"]:
    """Return the log-probability that survival tables give to what came: a swipe in its bin, or a complete view.

    Raises:
        ValueError: a fraction outside (0, 1].
    """
    is_fraction = bool(((fraction > 0) & (fraction <= 1)).all())
    require(is_fraction, "fraction", "lie in (0, 1]", fraction[:3].tolist(), "1 is a complete view")
    own, n_bins = table[cell], table.shape[-1] - 1
    place = np.minimum((fraction * n_bins).astype(np.int64), n_bins - 1)[:, None]
    left, right = (np.take_along_axis(own, place + step, axis=1)[:, 0] for step in (0, 1))
    probability = np.where(fraction < 1, left - right, own[:, -1])
    return np.log(np.maximum(probability, 1e-12))
