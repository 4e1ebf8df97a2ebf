"""What users have watched as windows of status, and the simple encoders that turn a window into a point.

What the window holds decides what the groups have in common. Ours holds how a user swipes, and nothing else. Single views
say little: a coin flip of a view hides the habit behind it. So a slot of the window has running means over all views so
far. Types differ too, and users differ in taste: a mean over raw views would group by taste. So each view enters as its
difference from all users' views of the same type. For view i of type c that was swiped at fraction f, and edge e,

    x_i(e) = 1[f < e] - mean of 1[f < e] over everybody's views of type c,    e in (.1, .25, .5, .75, 1)
    slot of the first n views:  sum of x_1 ... x_n / (n + n0)
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.case_study.groups.group_swipe_curves import require_views
from gdt_tutorial.configuration import require

__all__ = [
    "N_FEATURES",
    "N_SLOTS",
    "Encoder",
    "last_slot",
    "principal_components",
    "status_windows",
    "view_windows",
]

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
