"""What a log must hold at least for what is to be done with it: asked, and answered in words, before the work begins."""

import functools

import numpy as np

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.logs.log_tables import WatchLog, distinct, view_types

__all__ = ["MIN_VIEWS", "CrowdNeeds", "require_crowd", "shortfall"]

MIN_VIEWS = 10  # of a user who is to be imitated


@configclass
class CrowdNeeds:
    """The least that a log must hold. The defaults are what a network of logged viewers needs."""

    n_users: int = parameter(1, "Users with enough views of their own.", "chosen", at_least=1)
    n_videos: int = parameter(
        2, "Videos of types that somebody watches.", "no list shows a video twice in a row", at_least=2
    )
    n_swipes: int = parameter(0, "Views that ended with a swipe.", "chosen", at_least=0)


def shortfall(log: WatchLog, needs: CrowdNeeds = CrowdNeeds(), *, min_views: int = MIN_VIEWS) -> str:
    """Return what a log has too little of, such as "2 users with 10 views or more (6 needed)"; "" where it has enough.

    Args:
        log: The log.
        needs: What there must be.
        min_views: Views that a user must have to count.
    """
    wanted = (needs.n_users, needs.n_videos, needs.n_swipes)
    found = zip(_contents(log, min_views).items(), wanted, strict=True)
    return " and ".join(f"{n} {what} ({least} needed)" for (what, n), least in found if n < least)


@functools.lru_cache(maxsize=2)  # every chapter asks
def _contents(log: WatchLog, min_views: int) -> dict[str, int]:
    """Count what `CrowdNeeds` speaks of, in its order, by what it is in words."""
    video_type, type_names = view_types(log)
    watched_s = np.bincount(video_type, weights=log.watched_fraction * log.duration_s, minlength=len(type_names))
    n_views = np.unique(log.user_id, return_counts=True)[1]
    return {
        f"users with {min_views} views or more": int((n_views >= min_views).sum()),
        "videos of types that somebody watches": len(distinct(log.video_id[watched_s[video_type] > 0])),
        "views that end with a swipe": int(np.count_nonzero(log.watched_fraction < 1)),
    }


def require_crowd(log: WatchLog, needs: CrowdNeeds = CrowdNeeds(), *, min_views: int = MIN_VIEWS) -> None:
    """Raise unless a log holds enough.

    Raises:
        ValueError: It does not; the sentence says of what.
    """
    if short := shortfall(log, needs, min_views=min_views):
        raise ValueError(f"watch log must hold enough of what people watched, got only {short}; give a longer log.")
