"""What deliveries and views tell over time: the delay of a user, how often it swipes on, and what it likes.

All of it comes from what access points and the video service see anyway. Preferences are estimated; those of the simulation
are never looked at. An estimate says what a user watches. Members of a multicast group watch one list, so it holds the taste
of the group, and of the user how long it stays with each video type.
"""

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.messages import NOT_SERVED, Infrastructure, Load, Service

__all__ = ["CountsConfig", "StatusCounts", "delivery_delay_s"]


@configclass
class CountsConfig:
    """How views are counted."""

    prior_views: float = parameter(
        5.0,
        "Complete views, spread over the types as the catalog is, that a user is credited with at the start.",
        "chosen; as the preferences of logged users are smoothed",
        above=0,
    )


def delivery_delay_s(load: Load, before_s: Float[np.ndarray, "batch user"]) -> Float[np.ndarray, "batch user"]:
    """Return the delay of the last delivery to each user's SMG: that of this slot where there was one, else the one before."""
    if 0 in (load.subgroup.shape[1], load.delay_s.shape[1]):
        return before_s.copy()
    subgroup = np.maximum(load.subgroup, 0)
    delay_s, n_sent = (np.take_along_axis(each, subgroup, axis=1) for each in (load.delay_s, load.n_sent))
    return np.where((load.subgroup != NOT_SERVED) & (n_sent > 0), delay_s, before_s)


class StatusCounts:
    """Counts deliveries and views, slot by slot.

    Attributes:
        delay_s: Of the last delivery to each user's SMG; 0 before the first one.
    """

    def __init__(self, shape: tuple[int, int], window_slots: int, config: CountsConfig = CountsConfig()) -> None:
        self.delay_s: Float[np.ndarray, "batch user"] = np.zeros(shape)
        self._config, self._slot = config, 0
        self._n_views, self._screen_s = np.zeros((*shape, window_slots)), np.zeros((*shape, window_slots))
        self._watched: Float[np.ndarray, "batch user type"] = np.zeros((*shape, 0))
        self._type_share: Float[np.ndarray, "batch type"] = np.zeros((shape[0], 0))

    def update(self, service: Service, load: Load, infrastructure: Infrastructure) -> None:
        """Take in one slot."""
        self.delay_s = delivery_delay_s(load, self.delay_s)
        place = self._slot % self._n_views.shape[2]
        self._n_views[..., place], self._screen_s[..., place] = service.n_views, service.watched_s + service.stall_s
        self._slot += 1
        self._type_share = infrastructure.type_share
        n_types = self._type_share.shape[1]
        if self._watched.shape[2] != n_types:
            self._watched = np.zeros((*self._watched.shape[:2], n_types))
        is_view = (service.view_type[..., None] == np.arange(n_types)) & (service.n_views > 0)[..., None]
        self._watched += np.where(is_view, service.view_fraction[..., None], 0.0)

    @property
    def interaction_hz(self) -> Float[np.ndarray, "batch user"]:
        """Views that ended per second on the screen, over the window; 0 before the first second."""
        n_views, screen_s = self._n_views.sum(axis=-1), self._screen_s.sum(axis=-1)
        return np.divide(n_views, screen_s, out=np.zeros_like(screen_s), where=screen_s > 0)

    @property
    def preference(self) -> Float[np.ndarray, "batch user type"]:
        """Share of each type in what a user has watched, complete videos being 1; of no types where these are unknown.

        The mean of a Dirichlet law whose prior is the catalog. Of two views that end in one slot the second is told alone.
        """
        seen = self._watched + self._config.prior_views * self._type_share[:, None]
        return seen / seen.sum(axis=-1, keepdims=True)
