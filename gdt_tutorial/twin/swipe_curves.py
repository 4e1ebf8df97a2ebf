"""Swipe curves: how long viewers stay, estimated from the views that have ended."""

import numpy as np
from jaxtyping import Float, Int

__all__ = ["SwipeCurves"]


class SwipeCurves:
    """Kaplan-Meier estimate of how long viewers stay, by video type; completed views are censored.

    With d swipes and n views under observation in a bin, and a prior worth n0 views with hazard h0, the hazard is
    (d + n0 h0) / (n + n0), and the survival S is the running product of one minus the hazard. (Kaplan and Meier 1958;
    the shrinkage is a choice.)
    """

    def __init__(
        self, n_batch: int, n_types: int, *, n_bins: int = 20, prior_hazard: float = 0.04, prior_views: float = 20.0
    ) -> None:
        self.n_bins, self._prior_hazard, self._prior_views = n_bins, prior_hazard, prior_views
        self._n_swipes = np.zeros((n_batch, n_types, n_bins))
        self._n_observed = np.zeros((n_batch, n_types, n_bins))
        self._refresh()

    def update(self, view_type: Int[np.ndarray, "batch user"], view_fraction: Float[np.ndarray, "batch user"]) -> None:
        """Count the views that have ended; entries with type -1 are none."""
        env, user = np.nonzero(view_type >= 0)
        kind, fraction = view_type[env, user], view_fraction[env, user]
        last_bin = np.minimum((fraction * self.n_bins).astype(np.int64), self.n_bins - 1)
        is_swipe = fraction < 1
        np.add.at(self._n_swipes, (env[is_swipe], kind[is_swipe], last_bin[is_swipe]), 1)
        np.add.at(self._n_observed, (env, kind), np.arange(self.n_bins) <= last_bin[:, None])
        self._refresh()

    def _refresh(self) -> None:
        hazard = self._n_swipes + self._prior_views * self._prior_hazard
        hazard = hazard / (self._n_observed + self._prior_views)
        survival = np.cumprod(1 - np.minimum(hazard, 1), axis=-1)
        self.table = np.concatenate([np.ones((*survival.shape[:2], 1)), survival], axis=-1)
        area = np.cumsum((self.table[..., :0:-1] + self.table[..., -2::-1]) / 2, axis=-1)[..., ::-1] / self.n_bins
        self._area = np.concatenate([area, np.zeros((*survival.shape[:2], 1))], axis=-1)  # from each edge to the end

    def survival(
        self,
        env: Int[np.ndarray, "*#shape"],
        video_type: Int[np.ndarray, "*#shape"],
        fraction: Float[np.ndarray, "*#shape"],
    ) -> Float[np.ndarray, "*#shape"]:
        """Return the probability of still watching after `fraction` of the video."""
        return self._between(self.table, env, video_type, fraction)

    def expected_rest(
        self,
        env: Int[np.ndarray, "*#shape"],
        video_type: Int[np.ndarray, "*#shape"],
        fraction: Float[np.ndarray, "*#shape"],
    ) -> Float[np.ndarray, "*#shape"]:
        """Return the share of the video that who is at `fraction` will still watch: the integral of S over S itself."""
        area = self._between(self._area, env, video_type, fraction)
        return area / np.maximum(self.survival(env, video_type, fraction), 1e-6)

    def _between(self, table: np.ndarray, env: np.ndarray, video_type: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        place = np.clip(fraction, 0, 1) * self.n_bins
        lower = np.minimum(place.astype(np.int64), self.n_bins - 1)
        cell = (env * table.shape[1] + video_type) * table.shape[2] + lower
        left, right = table.reshape(-1)[cell], table.reshape(-1)[cell + 1]
        return left + (right - left) * (place - lower)

    def sample_rest(
        self,
        env: Int[np.ndarray, "*shape"],
        video_type: Int[np.ndarray, "*shape"],
        played: Float[np.ndarray, "*shape"],
        *,
        rng: np.random.Generator,
    ) -> Float[np.ndarray, "*shape"]:
        """Draw the watched fraction of views of which the fraction `played` has been watched already."""
        level = rng.random(env.shape) * self.survival(env, video_type, played)
        return np.maximum(self._quantile(env, video_type, level), played)

    def sample_fraction(
        self, user: Int[np.ndarray, "*shape"], video_type: Int[np.ndarray, "*shape"], *, rng: np.random.Generator
    ) -> Float[np.ndarray, "*shape"]:
        """Draw watched fractions from the curves, `user` being the environment: the twin's own `SwipeModel`."""
        return self._quantile(user, video_type, rng.random(user.shape))

    def _quantile(
        self,
        env: Int[np.ndarray, "*shape"],
        video_type: Int[np.ndarray, "*shape"],
        level: Float[np.ndarray, "*shape"],
    ) -> Float[np.ndarray, "*shape"]:
        """Invert the curve: the fraction at which fewer than `level` still watch, 1 where that is never so."""
        n_passed = (self.table[env, video_type] > level[..., None]).sum(axis=-1)
        bin_end = np.minimum(n_passed, self.n_bins)
        left, right = self.table[env, video_type, bin_end - 1], self.table[env, video_type, bin_end]
        # Inside a bin a swipe is uniform. Bins that are not left for a swipe may have none: no division there.
        inside = np.divide(left - level, left - right, out=np.ones_like(level), where=left > right)
        fraction = (bin_end - 1 + inside) / self.n_bins
        return np.where(n_passed > self.n_bins, 1.0, np.clip(fraction, 1e-6, 1 - 1e-6))
