"""Watching probability: how surely a viewer wants a segment, and when.

"We first utilize the abstracted swipe probability distribution from the GDT data feature abstraction module to analyze the
watching probability of segments" (the paper, case study). The formulas are ours. For a viewer who has played p seconds of
the video on screen, with T_0 the rest of the time on it and T_i the time on the i-th video after it,

    current video:  P(segment k is wanted) = S(k) / S(p),    wanted in k - p seconds
    j-th next one:  P(segment k is wanted) = S_j(k),         at the time T_0 + ... + T_(j-1) + k

where S is the survival (one minus the cumulative swipe probability) of the viewer's multicast group for the video's type.
The law of the sum comes from convolving the laws of its parts on a grid of one segment length.
"""

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.physical.messages import Session, video_at
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.twin.swipe_curves import value_at

__all__ = ["WatchLaw", "wanted_within"]


class WatchLaw:
    """How long the members of each group stay on each entry of its list, on a grid of one segment length.

    Attributes:
        alive: P(the view lasts longer than `second`), 0 from the end of the video on.

    Args:
        survival_at: Survival at the edges 0, 1 / n, ..., 1 of the normalized length, as in `GroupSwipeCurves`.
        playlist: Recommended list of each group.
        catalog: Lengths and types of the videos.
        n_seconds: Length of the grid.
    """

    def __init__(
        self,
        survival_at: Float[np.ndarray, "batch group type edge"],
        playlist: Int[np.ndarray, "batch group video"],
        catalog: VideoCatalog,
        n_seconds: int,
    ) -> None:
        self._survival_at, self.playlist, self._catalog = survival_at, playlist, catalog
        env, group = np.arange(len(playlist))[:, None, None], np.arange(playlist.shape[1])[:, None]
        second = np.arange(n_seconds) * catalog.segment_s
        fraction = second / catalog.duration_s[playlist][..., None]
        kind = catalog.video_type[playlist][..., None]
        self.survival = self._read(env[..., None], group[..., None], kind, np.minimum(fraction, 1))
        self.alive = np.where(fraction < 1, self.survival, 0.0)

    def _read(self, env: np.ndarray, group: np.ndarray, kind: np.ndarray, fraction: np.ndarray) -> np.ndarray:
        return value_at(self._survival_at, (env, group, kind), fraction)

    def survival_now(
        self,
        group: Int[np.ndarray, "batch user"],
        video: Int[np.ndarray, "batch user"],
        play_s: Float[np.ndarray, "batch user"],
    ) -> Float[np.ndarray, "batch user"]:
        """Return S at the play position of every user."""
        env = np.arange(len(group))[:, None]
        fraction = np.minimum(play_s / self._catalog.duration_s[video], 1)
        return self._read(env, group, self._catalog.video_type[video], fraction)


def wanted_within(
    law: WatchLaw, session: Session, catalog: VideoCatalog, n_rows: int, horizon_s: int
) -> tuple[Float[np.ndarray, "batch user"], Float[np.ndarray, "batch user position second"]]:
    """Return S at each play position, and P(the video `position` places on starts in this second from now).

    A start at a fraction of a second counts for the full second after it. Row 0 is the video on screen; it starts now.
    """
    n_batch, n_users = session.head.shape
    env = np.arange(n_batch)[:, None]
    n_list = law.playlist.shape[2]
    place = (session.head[..., None] + np.arange(n_rows)) % n_list
    video = video_at(law.playlist, session.group, session.head)
    now = law.survival_now(session.group, video, session.play_s)
    grid = np.arange(1, horizon_s + 1)

    # The rest of the video on screen: P(T_0 <= t) = 1 - S(p + t) / S(p), and 1 once it is over.
    later_s = session.play_s[..., None] + grid * catalog.segment_s
    length_s = catalog.duration_s[video][..., None]
    kind = catalog.video_type[video][..., None]
    rest = law._read(env[..., None], session.group[..., None], kind, np.minimum(later_s / length_s, 1))
    over = 1 - np.where(later_s < length_s, rest / np.maximum(now, 1e-9)[..., None], 0.0)
    # Seconds and rows lead here, so that every step of the convolution runs over whole blocks of memory.
    starts = np.zeros((n_rows, horizon_s + 1, n_batch, n_users))
    starts[0, 0] = 1
    starts[1, 1:] = np.moveaxis(np.diff(over, axis=-1, prepend=0.0), -1, 0)
    alive = law.alive[env[..., None], session.group[..., None], place[..., 1:-1], : horizon_s + 1]
    # P(T_i = t) for t = 1, 2, ...
    stay = np.ascontiguousarray((alive[..., :-1] - alive[..., 1:]).transpose(2, 3, 0, 1))
    for row in range(2, n_rows):
        for second in grid:
            starts[row, second:] += stay[row - 2, second - 1] * starts[row - 1, : horizon_s + 1 - second]
    return now, np.ascontiguousarray(starts.transpose(2, 3, 0, 1))
