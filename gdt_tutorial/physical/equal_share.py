"""The plainest schedule of a slot: equal shares, the lowest version, and segments that a rule of your own chooses.

It uses no twin: it reads the session, which the video service knows anyway. The users of one multicast group behind one
access point form one sub-multicast group (SMG).
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Decision, Session
from gdt_tutorial.physical.video import VideoCatalog

__all__ = ["Rule", "Segment", "equal_share_decision", "missing_segments"]

# Position in the group's video list, and number of the segment in that video.
Segment = tuple[int, int]
# From the members' missing segments and the seconds that each has stored, to the segments to send, in order.
Rule = Callable[[list[list[Segment]], Float[np.ndarray, " user"]], Sequence[Segment]]


def missing_segments(
    session: Session, catalog: VideoCatalog, env: int, user: int, n_segments: int = 8
) -> list[Segment]:
    """List the next segments that a phone lacks, of the video on screen first and then of the one after it."""
    head, group = int(session.head[env, user]), session.group[env, user]
    missing: list[Segment] = []
    for position in (head, head + 1):
        video = session.playlist[env, group, position % session.playlist.shape[2]]
        held = session.buffered[env, user, position % session.buffered.shape[2]]
        first = int(session.play_s[env, user] / catalog.segment_s + 1e-9) if position == head else 0
        missing += [(position, k) for k in range(first, int(catalog.n_segments[video])) if held[k] == 0]
    return missing[:n_segments]


def equal_share_decision(
    session: Session, catalog: VideoCatalog, n_aps: int, choose: Rule, n_segments: int = 8
) -> Decision:
    """Give every SMG of an access point the same share of band and computing, and send what `choose` says.

    Args:
        session: Where every user stands.
        catalog: Its videos.
        n_aps: Access points.
        choose: Asked once for each SMG that has a member.
        n_segments: The most that a phone asks for, and a stream carries in a slot.

    Raises:
        ValueError: If `choose` returns more segments than that.
    """
    n_batch, n_groups = session.playlist.shape[:2]
    subgroup = session.group * n_aps + session.serving_ap
    segments = np.full((n_batch, n_groups * n_aps, n_segments, 2), -1)
    for env, one in np.ndindex(segments.shape[:2]):
        members = np.flatnonzero(subgroup[env] == one)
        if len(members):
            missing = [missing_segments(session, catalog, env, int(user), n_segments) for user in members]
            chosen = list(choose(missing, session.stored_s[env, members]))
            rule = f"return at most {n_segments} segments"
            require(len(chosen) <= n_segments, "choose", rule, len(chosen), "cut its list")
            segments[env, one, : len(chosen)] = np.reshape(chosen, (-1, 2))
    share = np.full(segments.shape[:2], 1 / n_groups)
    group, ap = np.divmod(np.arange(n_groups * n_aps), n_aps)
    return Decision(
        subgroup=subgroup,
        group=np.tile(group, (n_batch, 1)),
        ap=np.tile(ap, (n_batch, 1)),
        version=np.zeros(share.shape, dtype=np.int64),
        bandwidth_share=share,
        computing_share=share.copy(),
        segments=segments,
    )
