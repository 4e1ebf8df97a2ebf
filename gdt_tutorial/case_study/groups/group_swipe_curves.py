"""Swipe curves of multicast groups: how surely a member still watches at a fraction of a video, by group and video type.

"The cumulative swipe probability" of each group and video type is what the paper's Fig. 4 draws, and what its segment
buffering reads. The paper does not say how it is estimated; the estimator is our choice: Kaplan and Meier's, as in
`gdt_tutorial.twin.swipe_curves`. With d swipes in a bin of the normalized length, and n views that reach it, a cell's hazard
is shrunk as if n0 further views had been seen with the hazard of a larger crowd:

    cell (group, type)   h = (d + n0 h_group) / (n + n0)
    group, all types     h_group = (d + n0 h_all) / (n + n0)
    everybody            h_all = (d + h_mean) / (n + 1),  h_mean: swipes per view and bin over the whole length
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.batch import sum_by
from gdt_tutorial.twin.swipe_curves import bin_of, count_views, shrunk_hazard, survival_table, value_at

__all__ = ["GroupSwipeCurves", "bootstrap_curves", "percentile_bands", "require_views"]


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupSwipeCurves:
    """Survival of each group and video type at the edges 0, 1 / n_bins, ..., 1 of the normalized length.

    A cell without a view has its group's curve, and a group without a view (or without a member) everybody's: that is
    what the shrinkage leaves. `n_views` says how much stands behind a curve.
    """

    survival_at: Float[np.ndarray, "batch group type edge"]
    n_views: Int[np.ndarray, "batch group type"]

    @classmethod
    def estimate(
        cls,
        group: Int[np.ndarray, "batch user"],
        view_type: Int[np.ndarray, "batch user view"],
        view_fraction: Float[np.ndarray, "batch user view"],
        *,
        n_groups: int,
        n_types: int,
        n_bins: int = 20,
        prior_views: float = 20.0,
    ) -> "GroupSwipeCurves":
        """Estimate the curves from views that have ended.

        Args:
            group: Group of each user.
            view_type: Type of each video; -1 where a user has fewer views. A user without any adds nothing.
            view_fraction: Watched fraction; exactly 1 is a complete view.
            n_groups: Number of groups, empty ones too.
            n_types: Number of video types.
            n_bins: Bins of the normalized length.
            prior_views: The n0 of the shrinkage; 0 trusts every cell that is not empty.

        Raises:
            ValueError: A group, type or fraction out of range, counts below 1, a negative prior, or no view at all.
        """
        require_views(view_type, view_fraction, n_types)
        _require_groups(group, n_groups)
        require(n_bins > 0, "n_bins", "be above 0", n_bins, "20 is the default")
        require(prior_views >= 0, "prior_views", "be at least 0", prior_views, "20 is the default")
        swipes, watched = count_views(view_type, view_fraction, n_types, n_bins)
        member = np.eye(n_groups)[group]
        swipes, watched = (np.einsum("bug,butk->bgtk", member, count) for count in (swipes, watched))
        return cls(survival_at=_survival(swipes, watched, prior_views), n_views=watched[..., 0].astype(np.int64))

    @property
    def n_bins(self) -> int:
        """Number of bins of the normalized length."""
        return self.survival_at.shape[-1] - 1

    def survival(
        self,
        env: Int[np.ndarray, "*#shape"],
        group: Int[np.ndarray, "*#shape"],
        video_type: Int[np.ndarray, "*#shape"],
        fraction: Float[np.ndarray, "*#shape"],
    ) -> Float[np.ndarray, "*#shape"]:
        """Return the probability of still watching after `fraction` of a video; straight lines between the edges."""
        return value_at(self.survival_at, (env, group, video_type), fraction)

    def cumulative(self) -> Float[np.ndarray, "batch group type edge"]:
        """Return the cumulative swipe probability at each edge: one minus the survival (the paper's Fig. 4)."""
        return 1 - self.survival_at

    def log_likelihood(
        self,
        group: Int[np.ndarray, "batch user"],
        view_type: Int[np.ndarray, "batch user view"],
        view_fraction: Float[np.ndarray, "batch user view"],
    ) -> Float[np.ndarray, "batch user view"]:
        """Return the log-probability (nats) of each view under its user's group; 0 where there is no view.

        A swipe counts as lying in its bin, so its probability is what the survival loses there; a complete view has
        the survival at the end. Take views that the curves have not seen.

        Raises:
            ValueError: A group, type or fraction out of range, or no view at all.
        """
        require_views(view_type, view_fraction, self.survival_at.shape[2])
        _require_groups(group, self.survival_at.shape[1])
        env, kind = np.arange(len(group))[:, None, None], np.maximum(view_type, 0)
        place = bin_of(view_fraction, self.n_bins)
        before, after = (self.survival_at[env, group[..., None], kind, edge] for edge in (place, place + 1))
        probability = np.where(view_fraction < 1, before - after, after)
        return np.log(np.where(view_type >= 0, probability, 1.0))


def bootstrap_curves(
    group: Int[np.ndarray, "batch user"],
    view_type: Int[np.ndarray, "batch user view"],
    view_fraction: Float[np.ndarray, "batch user view"],
    *,
    n_groups: int,
    n_types: int,
    n_bins: int = 20,
    prior_views: float = 20.0,
    n_draws: int = 200,
    rng: np.random.Generator,
) -> Float[np.ndarray, "draw batch group type edge"]:
    """Return the cumulative swipe probability when every group draws its members anew, with replacement.

    Users are drawn, not views: the views of one user resemble each other. The groups themselves stay as they are. The
    quantiles over the draws (`percentile_bands`) are an interval; so are those of any difference between curves.

    Raises:
        ValueError: `n_draws` below 2, and all that `GroupSwipeCurves.estimate` refuses.
    """
    require(n_draws >= 2, "n_draws", "be at least 2", n_draws, "200 is the default")
    require_views(view_type, view_fraction, n_types)
    _require_groups(group, n_groups)
    counts = count_views(view_type, view_fraction, n_types, n_bins)
    draws = []
    for _ in range(n_draws):
        weight = np.eye(n_groups)[group] * _draw_members(group, n_groups, rng=rng)[..., None]
        swipes, watched = (np.einsum("bug,butk->bgtk", weight, count) for count in counts)
        draws.append(1 - _survival(swipes, watched, prior_views))
    return np.stack(draws)


def percentile_bands(
    draws: Float[np.ndarray, " draw *shape"], level: float = 0.95
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """Return the lower and upper limits between which the share `level` of the draws lies.

    Raises:
        ValueError: A level outside (0, 1).
    """
    require(0 < level < 1, "level", "lie in (0, 1)", level, "pass 0.95")
    lower, upper = np.quantile(draws, ((1 - level) / 2, (1 + level) / 2), axis=0)
    return np.asarray(lower), np.asarray(upper)


def require_views(
    view_type: Int[np.ndarray, "batch user view"], view_fraction: Float[np.ndarray, "batch user view"], n_types: int
) -> None:
    """Check views: types below `n_types`, fractions in [0, 1], and at least one view in every environment.

    Raises:
        ValueError: They are not so.
    """
    require(n_types > 0, "n_types", "be above 0", n_types, "pass the number of video types")
    n_views = (view_type >= 0).sum(axis=(1, 2))
    has_views = len(n_views) > 0 and n_views.min() > 0
    require(has_views, "view_type", "hold a view in every environment", n_views.tolist(), "leave empty ones out")
    wrong = view_type[(view_type < -1) | (view_type >= n_types)][:5].tolist()
    require(not wrong, "view_type", f"lie in 0 ... {n_types - 1}, or -1 for none", wrong, "number the types from 0")
    is_share = ((view_fraction >= 0) & (view_fraction <= 1)) | (view_type < 0)
    require(is_share.all(), "view_fraction", "lie in [0, 1]", view_fraction[~is_share][:5].tolist(), "cap replays at 1")


def _require_groups(group: np.ndarray, n_groups: int) -> None:
    require(n_groups > 0, "n_groups", "be above 0", n_groups, "1 pools everybody")
    wrong = group[(group < 0) | (group >= n_groups)][:5].tolist()
    require(not wrong, "group", f"lie in 0 ... {n_groups - 1}", wrong, "raise n_groups")


def _survival(
    swipes: np.ndarray, watched: np.ndarray, prior_views: float
) -> Float[np.ndarray, "batch group type edge"]:
    """Shrink hazards from everybody down to the cells, and multiply them up to the survival."""
    everybody = swipes.sum(axis=(1, 2), keepdims=True), watched.sum(axis=(1, 2), keepdims=True)
    mean = (everybody[0].sum(axis=-1, keepdims=True) + 0.5) / (everybody[1].sum(axis=-1, keepdims=True) + 1)
    hazard = shrunk_hazard(*everybody, mean, 1.0)
    hazard = shrunk_hazard(swipes.sum(axis=2, keepdims=True), watched.sum(axis=2, keepdims=True), hazard, prior_views)
    hazard = shrunk_hazard(swipes, watched, hazard, prior_views)
    return survival_table(hazard)


def _draw_members(
    group: Int[np.ndarray, "batch user"], n_groups: int, *, rng: np.random.Generator
) -> Float[np.ndarray, "batch user"]:
    """Return how often each user is drawn when every group draws as many of its members as it has."""
    env = np.arange(len(group))[:, None]
    order = np.argsort(group, axis=1, kind="stable")
    size = np.eye(n_groups, dtype=np.int64)[group].sum(axis=1)
    start = np.cumsum(size, axis=1) - size
    pick = start[env, group] + (rng.random(group.shape) * size[env, group]).astype(np.int64)
    return sum_by(np.ones(group.shape), order[env, pick], group.shape[1])
