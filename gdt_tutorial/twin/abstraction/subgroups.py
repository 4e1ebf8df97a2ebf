"""Sub-multicast groups (SMGs): who belongs to which, and how they are numbered.

Each multicast group is split by access point (AP), and each such cell by progress. The number of an SMG says all three:

    cell     = group * n_aps + AP
    subgroup = 2 * cell        the users of a cell who are ahead of its mean progress: they lead
             = 2 * cell + 1    the others: they lag, and may hear what their *sibling* gets

(Our reading: the paper does not define SMGs.)
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.physical.batch import sum_by
from gdt_tutorial.physical.messages import Session
from gdt_tutorial.physical.streaming import worst_member_efficiency
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.twin.swipe_curves import on_screen

__all__ = [
    "Subgroups",
    "ap_of_cell",
    "cell_number",
    "cell_of",
    "form_subgroups",
    "gather_subgroups",
    "group_of_cell",
    "is_leading",
    "sibling_of",
]


def cell_number(
    group: Int[np.ndarray, "*shape"], ap: Int[np.ndarray, "*shape"], n_aps: int
) -> Int[np.ndarray, "*shape"]:
    """Return the number of the cell of a group at an access point."""
    return group * n_aps + ap


def group_of_cell(cell: Int[np.ndarray, "*shape"], n_aps: int) -> Int[np.ndarray, "*shape"]:
    """Return the group of a cell."""
    return cell // n_aps


def ap_of_cell(cell: Int[np.ndarray, "*shape"], n_aps: int) -> Int[np.ndarray, "*shape"]:
    """Return the access point of a cell."""
    return cell % n_aps


def cell_of(subgroup: Int[np.ndarray, "*shape"]) -> Int[np.ndarray, "*shape"]:
    """Return the cell that an SMG is a half of."""
    return subgroup // 2


def sibling_of(subgroup: Int[np.ndarray, "*shape"]) -> Int[np.ndarray, "*shape"]:
    """Return the other half of an SMG's cell."""
    return subgroup ^ 1


def is_leading(subgroup: Int[np.ndarray, "*shape"]) -> Bool[np.ndarray, "*shape"]:
    """Mark the SMGs of those who are ahead."""
    return subgroup % 2 == 0


def form_subgroups(
    session: Session, catalog: VideoCatalog, n_aps: int
) -> tuple[Int[np.ndarray, "batch user"], Int[np.ndarray, "batch subgroup"], Int[np.ndarray, "batch subgroup"]]:
    """Split each multicast group by access point and by progress: users ahead of the mean lead, the others lag.

    Returns each user's SMG, each SMG's group, and each SMG's AP.
    """
    n_batch, n_groups, _ = session.playlist.shape
    n_cells = n_groups * n_aps
    progress = session.head + on_screen(session, catalog)[1]
    cell = cell_number(session.group, session.serving_ap, n_aps)
    total, count = (sum_by(each, cell, n_cells) for each in (progress, np.ones_like(progress)))
    mean = (total / np.maximum(count, 1))[np.arange(n_batch)[:, None], cell]
    of_subgroup = np.broadcast_to(cell_of(np.arange(2 * n_cells)), (n_batch, 2 * n_cells))
    return 2 * cell + (progress < mean), group_of_cell(of_subgroup, n_aps), ap_of_cell(of_subgroup, n_aps)


class Subgroups(NamedTuple):
    """What every abstractor of SMGs says of them beside their lists; entries as in `Features`."""

    subgroup: Int[np.ndarray, "batch user"]
    group: Int[np.ndarray, "batch subgroup"]
    ap: Int[np.ndarray, "batch subgroup"]
    n_members: Int[np.ndarray, "batch subgroup"]
    efficiency: Float[np.ndarray, "batch subgroup"]
    stored_s: Float[np.ndarray, "batch subgroup"]


def gather_subgroups(
    session: Session, efficiency: Float[np.ndarray, "batch user ap"], catalog: VideoCatalog
) -> Subgroups:
    """Form the SMGs, count their members, and find their worst channel and their mean stock."""
    subgroup, group, ap = form_subgroups(session, catalog, efficiency.shape[2])
    n_members, stored_s = (
        sum_by(each, subgroup, ap.shape[1]) for each in (np.ones_like(session.stored_s), session.stored_s)
    )
    return Subgroups(
        subgroup=subgroup,
        group=group,
        ap=ap,
        n_members=n_members.astype(np.int64),
        efficiency=worst_member_efficiency(subgroup, ap, efficiency, session.serving_ap),
        stored_s=stored_s / np.maximum(n_members, 1),
    )
