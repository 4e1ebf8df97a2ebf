"""Multicast groups by swipe behavior: windows of status, an encoder, a number of groups, k-means++.

"Double deep Q-network is further used to mine the compressed user status to find an appropriate clustering number, while
K-means++ is responsible for a fast and accurate multicast group update based on a given clustering number and compressed
user status" (the paper, case study). The number is the matter of `cluster_count.py`; this file has all the rest, and the
simpler ways to which it must be compared: a fixed number, the silhouette, no autoencoder, principal components.

What the window holds decides what the groups have in common. Ours holds how a user swipes, and nothing else. Single views
say little: a coin flip of a view hides the habit behind it. So a slot of the window has running means over all views so
far. Types differ too, and users differ in taste: a mean over raw views would group by taste. So each view enters as its
difference from all users' views of the same type. For view i of type c that was swiped at fraction f, and edge e,

    x_i(e) = 1[f < e] - mean of 1[f < e] over everybody's views of type c,    e in (.1, .25, .5, .75, 1)
    slot of the first n views:  sum of x_1 ... x_n / (n + n0)
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from gdt_tutorial import seeding
from gdt_tutorial.case_study.groups.group_swipe_curves import require_views
from gdt_tutorial.configuration import require

__all__ = [
    "MAX_GROUPS",
    "N_FEATURES",
    "N_SLOTS",
    "BySilhouette",
    "CountChooser",
    "Crowd",
    "Encoder",
    "FixedCount",
    "Grouper",
    "form_groups",
    "last_slot",
    "principal_components",
    "stability",
    "status_windows",
    "view_windows",
]

MAX_GROUPS = 8
N_SLOTS = 8
_EDGES = np.array([0.1, 0.25, 0.5, 0.75, 1.0])
N_FEATURES = len(_EDGES)
_BLOCK_VIEWS = 200_000  # some 50 MB at a time

Encoder = Callable[[Float[np.ndarray, "batch user slot feature"]], Float[np.ndarray, "batch user latent"]]
"""From windows to points, such as `Autoencoder.abstract`, `last_slot` or `principal_components`."""


def view_windows(
    view_type: Int[np.ndarray, "batch user view"],
    view_fraction: Float[np.ndarray, "batch user view"],
    *,
    n_slots: int = N_SLOTS,
    prior_views: float = 5.0,
) -> Float[np.ndarray, "batch user slot feature"]:
    """Return how each user's swiping differs from everybody's: running means after 1/T, 2/T, ... of the user's views.

    A user without a view has zeros, that is, counts as average.

    Args:
        view_type: In the order of watching; -1 where a user has fewer views.
        view_fraction: Watched fraction; exactly 1 is a complete view.
        n_slots: The T above.
        prior_views: The n0 of the module's formula: so many average views keep few views from shouting.

    Raises:
        ValueError: A fraction or type out of range, no view in an environment, or no slot.
    """
    n_types = max(int(view_type.max(initial=0)) + 1, 1)
    require_views(view_type, view_fraction, n_types)
    require(n_slots > 0, "n_slots", "be above 0", n_slots, f"{N_SLOTS} is the default")
    # A block of users at a time: of a thousand users with ten thousand views each, all differences would take gigabytes.
    n_blocks = -(-view_type.size // _BLOCK_VIEWS)
    blocks = np.array_split(np.arange(view_type.shape[1]), min(n_blocks, view_type.shape[1]))
    n_swiped, n_seen = (np.zeros((len(view_type), n_types, N_FEATURES)) for _ in range(2))
    for users in blocks:
        kind = view_type[:, users, :, None] == np.arange(n_types)
        swiped = _is_swiped(view_type[:, users], view_fraction[:, users])
        n_swiped += np.einsum("buvt,buve->bte", kind, swiped, dtype=np.float64)
        n_seen += kind.sum(axis=(1, 2))[..., None]
    usual = n_swiped / np.maximum(n_seen, 1)
    windows = [
        _running_means(view_type[:, users], view_fraction[:, users], usual, n_slots, prior_views) for users in blocks
    ]
    return np.concatenate(windows, axis=1)


def _is_swiped(
    view_type: Int[np.ndarray, "batch user view"], view_fraction: Float[np.ndarray, "batch user view"]
) -> Bool[np.ndarray, "batch user view feature"]:
    return np.where(view_type >= 0, view_fraction, 1.0)[..., None] < _EDGES


def _running_means(
    view_type: Int[np.ndarray, "batch user view"],
    view_fraction: Float[np.ndarray, "batch user view"],
    usual: Float[np.ndarray, "batch type feature"],
    n_slots: int,
    prior_views: float,
) -> Float[np.ndarray, "batch user slot feature"]:
    """Return the running means of the module's formula, given the share of views of each type swiped before each edge."""
    is_view = view_type >= 0
    env = np.arange(len(view_type))[:, None, None]
    expected = usual[env, np.maximum(view_type, 0)] * is_view[..., None]
    n_seen = np.cumsum(is_view, axis=2)
    running = np.cumsum(_is_swiped(view_type, view_fraction) - expected, axis=2) / (n_seen + prior_views)[..., None]
    wanted = np.ceil(n_seen[..., -1:] * np.arange(1, n_slots + 1) / n_slots)
    last = (n_seen[..., None] < wanted[:, :, None]).sum(axis=2)
    return np.take_along_axis(running, last[..., None], axis=2)


def status_windows(
    swiping: Float[np.ndarray, "batch user slot feature"],
    snr_db: Float[np.ndarray, "batch user slot"],
    position_m: Float[np.ndarray, "batch user slot xy"],
    preference: Float[np.ndarray, "batch user type"],
) -> Float[np.ndarray, "batch user slot status"]:
    """Put channel, position and taste beside how a user swipes, all on a scale of about one tenth.

    The wider window stands for "user status" read literally. Groups from it share places and tastes as well, and tell
    less about swipes; `view_windows` alone is our default.
    """
    taste = np.broadcast_to(preference[:, :, None], (*swiping.shape[:3], preference.shape[-1]))
    return np.concatenate([swiping, snr_db[..., None] / 100, position_m / 1000, taste / 3], axis=-1)


def last_slot(window: Float[np.ndarray, "batch user slot feature"]) -> Float[np.ndarray, "batch user latent"]:
    """Use no autoencoder: return the features after all views."""
    return window[:, :, -1]


def principal_components(
    window: Float[np.ndarray, "batch user slot feature"], n_latent: int | None = None
) -> Float[np.ndarray, "batch user latent"]:
    """Return the first principal components of the windows of each environment's users.

    Args:
        window: Their windows.
        n_latent: How many components; by default 8, or as many as there are users, where these are fewer.

    Raises:
        ValueError: More components than users or entries of a window.
    """
    flat = window.reshape(*window.shape[:2], -1)
    limit = min(flat.shape[1:])
    n_latent = min(8, limit) if n_latent is None else n_latent
    require(0 < n_latent <= limit, "n_latent", f"lie in 1 ... {limit}", n_latent, "use fewer, or more users")
    left, size, _ = np.linalg.svd(flat - flat.mean(axis=1, keepdims=True), full_matrices=False)
    return left[..., :n_latent] * size[:, None, :n_latent]


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
