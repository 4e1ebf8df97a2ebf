"""Swipe curves: how long viewers stay, and the one estimator behind every such curve.

A view ends with a swipe or is complete (fraction exactly 1); a complete view is right-censored, for nobody can swipe
after the end. Kaplan and Meier (1958): with d swipes in a bin of the normalized length and n views that reach the bin,
the hazard is h = d / n, and the survival S is the running product of 1 - h. A cell with few views says little, so its
hazard is shrunk, as if n0 further views had been seen with the hazard h0 of a prior (our choice):

    h = (d + n0 h0) / (n + n0)

A view that still runs is right-censored at its played fraction. To leave running views out would bend the curves down: of
those that have begun, the short ones are over first. In the bin where it is, a running view counts with the share that it
has played, in n alone. (Cutler and Ederer 1958 count one half for all; here the place is known.)

The functions do this for any table of cells, in this order: `count_views` and `count_running`, `shrunk_hazard`,
`survival_table`; `value_at` reads a table between its edges, and `fraction_at` inverts it. `SwipeCurves` are the twin's,
with a fixed prior; those of multicast groups, in the case study, take larger crowds as the prior.
"""

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial import seeding
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Session, video_at
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.physical.viewers import Viewers

__all__ = [
    "SwipeCurves",
    "bin_of",
    "count_running",
    "count_views",
    "experienced_curves",
    "fraction_at",
    "on_screen",
    "sample_rest_at",
    "shrunk_hazard",
    "survival_table",
    "value_at",
]


class SwipeCurves:
    """How long viewers stay, by environment and video type; the curves learn as views run and end.

    Attributes:
        table: Survival at the edges 0, 1 / n_bins, ..., 1 of the normalized length.

    Args:
        n_batch: Environments; each learns apart.
        n_types: Video types.
        n_bins: Bins of the normalized length.
        prior_hazard: The h0 of every bin: the probability of a swipe in it, chosen.
        prior_views: The n0, chosen.

    Raises:
        ValueError: A number of bins below 1, a hazard outside [0, 1], or a negative n0.
    """

    def __init__(
        self, n_batch: int, n_types: int, *, n_bins: int = 20, prior_hazard: float = 0.04, prior_views: float = 20.0
    ) -> None:
        require(n_bins > 0, "n_bins", "be above 0", n_bins, "20 is the default")
        require(0 <= prior_hazard <= 1, "prior_hazard", "lie in [0, 1]", prior_hazard, "0.04 is the default")
        require(prior_views >= 0, "prior_views", "be at least 0", prior_views, "20 is the default")
        self.n_bins, self._prior_hazard, self._prior_views = n_bins, prior_hazard, prior_views
        self._n_swipes = np.zeros((n_batch, n_types, n_bins))
        self._n_observed = np.zeros((n_batch, n_types, n_bins))  # of ended views
        self._n_running = np.zeros((n_batch, n_types, n_bins))
        self._refresh()

    def update(
        self,
        view_type: Int[np.ndarray, "batch user"],
        view_fraction: Float[np.ndarray, "batch user"],
        *,
        running: tuple[Int[np.ndarray, "batch _"], Float[np.ndarray, "batch _"]] | None = None,
    ) -> None:
        """Count the views that have ended since the last update, and look anew at those that run.

        Ended views count for good. Running ones count until the next update: by then each runs on or has ended, so
        nothing counts twice. Of several views that end in a slot the network tells the last. The others count for
        nothing, which bends no curve: a view is not told because the next one is short, whatever its own length. To
        keep them as censored would be wrong, since they are over.

        Args:
            view_type: Type of each view that has ended, -1 for none.
            view_fraction: Its watched fraction; exactly 1 is a complete view.
            running: Type and played fraction of all views that run now, as `on_screen` gives them; None for none.
        """
        n_types = self._n_swipes.shape[1]
        swipes, watched = count_views(view_type, view_fraction, n_types, self.n_bins)
        self._n_swipes += swipes
        self._n_observed += watched
        none = np.zeros_like(self._n_observed)
        self._n_running = none if running is None else count_running(*running, n_types, self.n_bins)
        self._refresh()

    def _refresh(self) -> None:
        n_observed = self._n_observed + self._n_running
        hazard = shrunk_hazard(self._n_swipes, n_observed, self._prior_hazard, self._prior_views)
        self.table = survival_table(hazard)
        area = np.cumsum((self.table[..., :0:-1] + self.table[..., -2::-1]) / 2, axis=-1)[..., ::-1] / self.n_bins
        self._area = np.concatenate([area, np.zeros((*hazard.shape[:2], 1))], axis=-1)  # from each edge to the end

    def survival(
        self,
        env: Int[np.ndarray, "*#shape"],
        video_type: Int[np.ndarray, "*#shape"],
        fraction: Float[np.ndarray, "*#shape"],
    ) -> Float[np.ndarray, "*#shape"]:
        """Return the probability of still watching after `fraction` of the video."""
        return value_at(self.table, (env, video_type), fraction)

    def expected_rest(
        self,
        env: Int[np.ndarray, "*#shape"],
        video_type: Int[np.ndarray, "*#shape"],
        fraction: Float[np.ndarray, "*#shape"],
    ) -> Float[np.ndarray, "*#shape"]:
        """Return the share of the video that who is at `fraction` will still watch: the integral of S over S itself."""
        area = value_at(self._area, (env, video_type), fraction)
        return area / np.maximum(self.survival(env, video_type, fraction), 1e-6)

    def sample_rest(
        self,
        env: Int[np.ndarray, "*shape"],
        video_type: Int[np.ndarray, "*shape"],
        played: Float[np.ndarray, "*shape"],
        *,
        rng: np.random.Generator,
    ) -> Float[np.ndarray, "*shape"]:
        """Draw the watched fraction of views of which the fraction `played` has been watched already."""
        return sample_rest_at(self.table, (env, video_type), played, rng=rng)

    def sample_fraction(
        self, env: Int[np.ndarray, "*shape"], video_type: Int[np.ndarray, "*shape"], *, rng: np.random.Generator
    ) -> Float[np.ndarray, "*shape"]:
        """Draw the watched fraction of views to come."""
        return fraction_at(self.table, (env, video_type), rng.random(env.shape))


def experienced_curves(viewers: Viewers, n_types: int, n_views: int = 400, *, seed: int) -> SwipeCurves:
    """Return the curves that a twin would have learned from `n_views` views of each type; one set for all environments."""
    curves, kind = SwipeCurves(1, n_types), np.tile(np.arange(n_types), n_views)
    user = np.resize(viewers.user, len(kind))
    rng = seeding.stream(seed, "training curves", viewers.user.size)
    curves.update(kind[None], viewers.swipes.sample_fraction(user, kind, rng=rng)[None])
    return curves


def on_screen(
    session: Session, catalog: VideoCatalog
) -> tuple[Int[np.ndarray, "batch user"], Float[np.ndarray, "batch user"]]:
    """Return the type of the video on every user's screen, and its played fraction: the views that run."""
    video = video_at(session.playlist, session.group, session.head)
    return catalog.video_type[video], session.play_s / catalog.duration_s[video]


def bin_of(fraction: Float[np.ndarray, "*shape"], n_bins: int) -> Int[np.ndarray, "*shape"]:
    """Return the bin in which a view ends; the last one for a complete view, the first one for none (NaN)."""
    return np.clip(np.nan_to_num(fraction) * n_bins, 0, n_bins - 1).astype(np.int64)


def count_views(
    view_type: Int[np.ndarray, "*rest view"], view_fraction: Float[np.ndarray, "*rest view"], n_types: int, n_bins: int
) -> tuple[Float[np.ndarray, "*rest type bin"], Float[np.ndarray, "*rest type bin"]]:
    """Count, by type, the swipes in every bin and the views that reach it.

    Args:
        view_type: Type of each ended view, -1 for none.
        view_fraction: Its watched fraction; exactly 1 is a complete view.
        n_types: Number of video types.
        n_bins: Bins of the normalized length.
    """
    cell, fraction, shape = _cells(view_type, view_fraction, n_types, n_bins)
    swipes = _per_cell(cell, (fraction < 1).astype(float), shape)
    return swipes, _reached(_per_cell(cell, np.ones(len(cell)), shape))


def count_running(
    view_type: Int[np.ndarray, "*rest view"], view_fraction: Float[np.ndarray, "*rest view"], n_types: int, n_bins: int
) -> Float[np.ndarray, "*rest type bin"]:
    """Count, by type, the running views in every bin: 1 for a bin that they have passed, a share where they are now.

    Args:
        view_type: Type of each running view, -1 for none.
        view_fraction: Its played fraction.
        n_types: Number of video types.
        n_bins: Bins of the normalized length.
    """
    cell, fraction, shape = _cells(view_type, view_fraction, n_types, n_bins)
    here = _per_cell(cell, np.ones(len(cell)), shape)
    return _reached(here) - here + _per_cell(cell, np.clip(fraction, 0, 1) * n_bins - bin_of(fraction, n_bins), shape)


def _cells(
    view_type: np.ndarray, view_fraction: np.ndarray, n_types: int, n_bins: int
) -> tuple[Int[np.ndarray, " view"], Float[np.ndarray, " view"], tuple[int, ...]]:
    """Return the flat cell and the fraction of each view that there is, and the shape of the table of cells."""
    shape, is_view = (*view_type.shape[:-1], n_types, n_bins), view_type >= 0
    fraction = view_fraction[is_view]
    index = (*np.nonzero(is_view)[:-1], view_type[is_view], bin_of(fraction, n_bins))
    return np.ravel_multi_index(index, shape), fraction, shape


def _per_cell(cell: np.ndarray, amount: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    # An empty bincount with weights forgets its type.
    return np.bincount(cell, amount, minlength=np.prod(shape)).astype(float).reshape(shape)


def _reached(here: np.ndarray) -> np.ndarray:
    """Count the views in each bin and in those after it."""
    return np.cumsum(here[..., ::-1], axis=-1)[..., ::-1]


def shrunk_hazard(
    swipes: Float[np.ndarray, "*rest bin"],
    watched: Float[np.ndarray, "*rest bin"],
    prior_hazard: np.ndarray | float,
    prior_views: float,
) -> Float[np.ndarray, "*rest bin"]:
    """Return (d + n0 h0) / (n + n0), and h0 where there is neither a view nor a prior's."""
    total, prior = watched + prior_views, np.broadcast_to(prior_hazard, watched.shape)
    return np.divide(swipes + prior_views * prior, total, out=prior.copy(), where=total > 0)


def survival_table(hazard: Float[np.ndarray, "*rest bin"]) -> Float[np.ndarray, "*rest edge"]:
    """Return the survival at the edges of the bins: 1, and the running product of one minus the hazard."""
    first = np.ones((*hazard.shape[:-1], 1))
    return np.concatenate([first, np.cumprod(1 - hazard, axis=-1)], axis=-1)


def value_at(
    table: Float[np.ndarray, "*rest edge"],
    cell: tuple[Int[np.ndarray, "*#shape"], ...],
    fraction: Float[np.ndarray, "*#shape"],
) -> Float[np.ndarray, "*#shape"]:
    """Read tables over the edges 0, 1 / n_bins, ..., 1 at `fraction`, by straight lines; `cell` has an index per axis."""
    n_bins = table.shape[-1] - 1
    place = np.clip(fraction, 0, 1) * n_bins
    lower = np.minimum(place.astype(np.int64), n_bins - 1)
    flat: np.ndarray | int = 0
    for index, size in zip(cell, table.shape[:-1], strict=True):
        flat = flat * size + index
    flat = flat * table.shape[-1] + lower  # one index is faster than one per axis
    left, right = table.reshape(-1)[flat], table.reshape(-1)[flat + 1]
    return left + (right - left) * (place - lower)


def fraction_at(
    survival: Float[np.ndarray, "*rest edge"],
    cell: tuple[Int[np.ndarray, "*shape"], ...],
    level: Float[np.ndarray, "*shape"],
) -> Float[np.ndarray, "*shape"]:
    """Invert survival tables: the fraction at which fewer than `level` still watch, 1 where that is never so."""
    table, n_bins = survival[cell], survival.shape[-1] - 1
    n_passed = (table > level[..., None]).sum(axis=-1)
    bin_end = np.minimum(n_passed, n_bins)
    left, right = survival[*cell, bin_end - 1], survival[*cell, bin_end]
    # Inside a bin a swipe is uniform. Bins that are not left for a swipe may have none: no division there.
    inside = np.divide(left - level, left - right, out=np.ones_like(level), where=left > right)
    fraction = (bin_end - 1 + inside) / n_bins
    return np.where(n_passed > n_bins, 1.0, np.clip(fraction, 1e-6, 1 - 1e-6))


def sample_rest_at(
    survival: Float[np.ndarray, "*rest edge"],
    cell: tuple[Int[np.ndarray, "*shape"], ...],
    played: Float[np.ndarray, "*shape"],
    *,
    rng: np.random.Generator,
) -> Float[np.ndarray, "*shape"]:
    """Draw the watched fraction of views of which the fraction `played` has been watched already."""
    level = rng.random(played.shape) * value_at(survival, cell, played)
    return np.maximum(fraction_at(survival, cell, level), played)
