"""Multicast groups by swipe behavior: an encoder, a number of groups, k-means++.

"Double deep Q-network is further used to mine the compressed user status to find an appropriate clustering number, while
K-means++ is responsible for a fast and accurate multicast group update based on a given clustering number and compressed
user status" (the paper, case study). What is compressed is the matter of `windows.py`, the learned number that of
`cluster_count.py`. This file forms the groups, and has the simpler rules for their number to which the learned one must be
compared: a fixed number, and the silhouette.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from gdt_tutorial import seeding
from gdt_tutorial.case_study.groups.windows import Encoder, view_windows
from gdt_tutorial.configuration import require

__all__ = [
    "MAX_GROUPS",
    "BySilhouette",
    "CountChooser",
    "Crowd",
    "FixedCount",
    "Grouper",
    "form_groups",
    "stability",
]

MAX_GROUPS = 8


class Crowd:
    """The users of one campus as points to be grouped. Every number of groups is tried at most once.

    Two users are different where k-means can tell them apart. It squares distances, so what is nearer than about the root of
    the numbers' precision, as a share of the crowd's radius, is one place to it: 6e-8 in double precision, 1e-3 in single.

    Args:
        point: One point per user.
        rng: Draws the seed of k-means++; the order in which numbers are tried makes no difference.

    Raises:
        ValueError: Fewer than two different points, or one that is not finite.
    """

    def __init__(self, point: Float[np.ndarray, "user latent"], *, rng: np.random.Generator) -> None:
        require(np.isfinite(point).all(), "point", "be finite", point[~np.isfinite(point)][:3].tolist(), "fill gaps")
        self.point, self._seed = point, int(rng.integers(2**31))
        self.n_different = _n_different(point)
        require(self.n_different >= 2, "point", "hold two different users", self.n_different, "give them views")
        self._made: dict[int, tuple[np.ndarray, float]] = {}
        self._silhouettes: dict[int, float] = {}

    @property
    def counts(self) -> range:
        """Numbers of groups that can be tried: 2 ... `MAX_GROUPS`, as long as there are so many different users."""
        return range(2, min(MAX_GROUPS, self.n_different) + 1)

    def labels(self, n_groups: int) -> Int[np.ndarray, " user"]:
        """Return the group of each user for a number of groups.

        Raises:
            ValueError: No group, or more groups than different users.
        """
        return self._make(n_groups)[0]

    def inertia(self, n_groups: int) -> float:
        """Return the sum of the squared distances to the groups' centers."""
        return self._make(n_groups)[1]

    def silhouette(self, n_groups: int) -> float:
        """Return the mean silhouette (Rousseeuw 1987) in [-1, 1]; 0 for one group, and for as many as users."""
        if n_groups not in self._silhouettes:
            is_defined = 1 < n_groups < len(self.point)
            score = silhouette_score(self.point, self.labels(n_groups)) if is_defined else 0.0
            self._silhouettes[n_groups] = float(score)
        return self._silhouettes[n_groups]

    def samples(self, n_users: int, n_samples: int) -> "list[Crowd]":
        """Return crowds of `n_users` of these users each, drawn anew without replacement; the same ones in each call.

        Raises:
            ValueError: More users than there are, or a sample without two different ones.
        """
        n_all = len(self.point)
        require(0 < n_users <= n_all, "n_users", f"lie in 1 ... {n_all}", n_users, "draw fewer")
        rng = seeding.stream(self._seed, "samples of a crowd")
        picks = [np.sort(rng.choice(n_all, n_users, replace=False)) for _ in range(n_samples)]
        return [Crowd(self.point[pick], rng=rng) for pick in picks]

    @cached_property
    def variances(self) -> Float[np.ndarray, " latent"]:
        """Variances along the principal axes, the largest first."""
        centered = self.point - self.point.mean(axis=0)
        return np.linalg.eigvalsh(centered.T @ centered / len(centered))[::-1].clip(0)

    def _make(self, n_groups: int) -> tuple[np.ndarray, float]:
        if n_groups not in self._made:
            require(n_groups > 0, "n_groups", "be above 0", n_groups, "1 puts everybody together")
            rule = f"be at most {self.n_different}, the number of different users"
            require(n_groups <= self.n_different, "n_groups", rule, n_groups, "ask for fewer groups")
            means = KMeans(n_groups, init="k-means++", n_init=5, random_state=self._seed).fit(self.point)
            self._made[n_groups] = means.labels_.astype(np.int64), float(means.inertia_)
        return self._made[n_groups]


def _n_different(point: Float[np.ndarray, "user latent"]) -> int:
    """Count the places that k-means can tell apart: each is farther than its reach from those counted before."""
    if len(point) == 0:
        return 0
    precision = np.finfo(point.dtype).eps
    centered = np.unique(point, axis=0) - point.mean(axis=0)
    radius, rounding = np.linalg.norm(centered, axis=1).max(), 4 * precision * np.abs(point).max()
    places = centered[:1]
    for other in centered[1:]:
        if np.linalg.norm(places - other, axis=1).min() > 4 * np.sqrt(precision) * radius + rounding:
            places = np.vstack([places, other])
    return len(places)


@runtime_checkable
class CountChooser(Protocol):
    """Anything that says into how many groups a crowd should be split."""

    def choose(self, crowd: Crowd) -> int:
        """Return a number of groups."""
        ...


@dataclass(frozen=True, kw_only=True)
class FixedCount:
    """Always the same number, or as many as a small crowd has different users (a `CountChooser`)."""

    n_groups: int

    def choose(self, crowd: Crowd) -> int:
        """Return `n_groups`, at most the number of different users."""
        return min(self.n_groups, crowd.n_different)


@dataclass(frozen=True, kw_only=True)
class BySilhouette:
    """The number with the largest mean silhouette, by trying all (a `CountChooser`)."""

    def choose(self, crowd: Crowd) -> int:
        """Return the best number of `crowd.counts`."""
        return max(crowd.counts, key=crowd.silhouette)


def form_groups(
    latent: Float[np.ndarray, "batch user latent"], chooser: CountChooser, *, rng: np.random.Generator
) -> Int[np.ndarray, "batch user"]:
    """Choose the number of groups of each environment and form them by k-means++.

    Raises:
        ValueError: Fewer than two different users in an environment, or more groups than different users.
    """
    groups = np.zeros(latent.shape[:2], dtype=np.int64)
    for env, point in enumerate(latent):
        crowd = Crowd(point, rng=rng)
        groups[env] = crowd.labels(chooser.choose(crowd))
    return groups


@dataclass(frozen=True, kw_only=True)
class Grouper:
    """From what users have watched to multicast groups, in one call.

    Attributes:
        encoder: From windows to points.
        chooser: How many groups.
    """

    encoder: Encoder
    chooser: CountChooser

    def group_users(
        self,
        view_type: Int[np.ndarray, "batch user view"],
        view_fraction: Float[np.ndarray, "batch user view"],
        *,
        rng: np.random.Generator,
    ) -> Int[np.ndarray, "batch user"]:
        """Return the group of each user; environments may have different numbers of groups.

        Raises:
            ValueError: What `view_windows`, the encoder, the chooser or `form_groups` refuse.
        """
        return form_groups(self.encoder(view_windows(view_type, view_fraction)), self.chooser, rng=rng)


def stability(
    before: Int[np.ndarray, "batch user"], after: Int[np.ndarray, "batch user"]
) -> Float[np.ndarray, " batch"]:
    """Return how alike two groupings of the same users are: the adjusted Rand index (Hubert and Arabie 1985).

    It is 1 for the same groups under any numbers, and 0 on average for groups by chance.
    """
    return np.array([adjusted_rand_score(*pair) for pair in zip(before, after, strict=True)])
