"""Buffer lists from wishes: what each sub-multicast group (SMG) should get first, told apart from what its sibling gets.

The abstract of the paper's reference [15] says that the twin considers "the mutual influence of segment buffering among
SMGs". Here that is: members of both SMGs of a cell wish, whoever can hear a stream counts for it, and a segment that both
SMGs want is listed once. The formulas are ours.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.physical.delivery import sum_at_own_ap
from gdt_tutorial.physical.messages import Session
from gdt_tutorial.physical.streaming import SlotCapacity
from gdt_tutorial.twin.abstraction.subgroups import Subgroups, cell_of, is_leading, sibling_of

__all__ = ["Demands", "shared_lists"]


class Demands(NamedTuple):
    """The next segments of every row of every user's store, and the seconds that sending each is worth to the user."""

    segment: Int[np.ndarray, "batch user position ahead"]
    value_s: Float[np.ndarray, "batch user position ahead"]
    urgent_s: Float[np.ndarray, "batch user position ahead"]


def shared_lists(
    session: Session,
    demands: Demands,
    own: Subgroups,
    hears_sibling: Bool[np.ndarray, "batch user"],
    capacity: SlotCapacity,
    *,
    n_items: int,
    n_spread: int,
) -> tuple[
    Int[np.ndarray, "batch subgroup item 2"],
    Float[np.ndarray, "batch subgroup item"],
    Float[np.ndarray, "batch subgroup item"],
]:
    """Sum what each segment is worth to all who would hear it, and keep the best of every SMG.

    A segment that both SMGs of a cell want is listed once: in the SMG where it is worth more for what it costs. With
    scarce cycles that is the one whose stream more users hear; with a scarce band it may be the one that hears better.

    Args:
        session: Where everybody stands.
        wishes: Of every user.
        own: The SMGs.
        hears_sibling: Users who can hear what their SMG's sibling gets, too.
        capacity: Of a slot at each AP.
        n_items: Segments at most in the list of an SMG.
        n_spread: List positions by which a member may be ahead of its cell's last one.

    Returns:
        List position and number of each segment, padded with -1; its value; its urgency.
    """
    segment, value_s, urgent_s = demands
    n_batch, _, n_rows, n_segments = session.buffered.shape
    n_subgroups, n_positions = own.ap.shape[1], n_rows + n_spread
    env, cell = np.arange(n_batch)[:, None], cell_of(own.subgroup)
    base = np.full((n_batch, n_subgroups // 2), np.iinfo(np.int64).max)
    np.minimum.at(base, (env, cell), session.head)
    offset = (session.head - base[env, cell])[..., None] + np.arange(n_rows)
    n_ahead, n_choices = segment.shape[3], n_positions * n_segments
    who = np.flatnonzero((value_s > 0) & (offset < n_positions)[..., None])
    user = who // (n_rows * n_ahead)
    # SMGs of all environments are numbered through; every environment has an even number, so siblings stay siblings.
    stream = (env * n_subgroups + own.subgroup).reshape(-1)[user]
    item = offset.reshape(-1)[who // n_ahead] * n_segments + segment.reshape(-1)[who]
    also = np.flatnonzero(hears_sibling.reshape(-1)[user])
    at = np.concatenate([stream, sibling_of(stream[also])]) * n_choices + np.concatenate([item, item[also]])
    # Few of all conceivable segments are wanted; only these get a place.
    place_of = np.full(n_batch * n_subgroups * n_choices, -1, dtype=np.int32)
    place_of[at] = 0
    wanted = np.flatnonzero(place_of == 0)
    place_of[wanted] = np.arange(len(wanted))
    heard, place = np.concatenate([who, who[also]]), place_of[at]
    value, urgent = (
        np.bincount(place, demand.reshape(-1)[heard], len(wanted)).astype(np.float64, copy=False)
        for demand in (value_s, urgent_s)
    )
    score, row = value + urgent, wanted // n_choices
    total_value = np.bincount(row, score, n_batch * n_subgroups).astype(np.float64).reshape(own.ap.shape)
    density = score / _cost(total_value, own, capacity).reshape(-1)[row]
    in_sibling = place_of[sibling_of(row) * n_choices + wanted % n_choices]
    rival = np.where(in_sibling >= 0, density[in_sibling], 0.0) if len(wanted) else density
    is_kept = np.where(is_leading(row), density >= rival, density > rival)
    first = base[:, cell_of(np.arange(n_subgroups))]
    return _ranked(wanted, (score * is_kept, value, urgent), place_of, first, n_segments, n_items)


def _cost(
    total_value: Float[np.ndarray, "batch subgroup"], own: Subgroups, capacity: SlotCapacity
) -> Float[np.ndarray, "batch subgroup"]:
    """Return what a bit costs each SMG of the resource that is scarcer at its AP, as a share of a second.

    That is the cycles where, on average over what the lists are worth, a bit takes a larger share of them than of the
    band.
    """
    n_aps = len(capacity.bandwidth_hz)
    band = 1 / np.maximum(capacity.bandwidth_hz[own.ap] * own.efficiency, 1e-3)
    cycles = (capacity.cycles_per_bit / np.maximum(capacity.computing_cycles_per_s, 1e-3))[own.ap]
    is_reached = own.efficiency > 0
    paid, bought = (
        sum_at_own_ap(each * total_value * is_reached, own.ap, n_aps) for each in (band, np.ones_like(band))
    )
    return np.where(cycles > paid / np.maximum(bought, 1e-9), cycles, band)


def _ranked(
    wanted: Int[np.ndarray, " choice"],
    total_value: tuple[np.ndarray, np.ndarray, np.ndarray],
    place_of: np.ndarray,
    base: Int[np.ndarray, "batch subgroup"],
    n_segments: int,
    n_items: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the choices with the highest scores of every SMG, best first.

    Args:
        wanted: Indices of what is wanted among all choices of all SMGs.
        worth: Score, value and urgency of these.
        place_of: Where each of all choices stands in `wanted`; -1 where it is not there.
        base: List position of each SMG's first choice.
        n_segments: Choices for each list position.
        n_items: How many are kept.
    """
    n_choices = place_of.size // base.size
    n_items = min(n_items, n_choices)
    ranked = np.zeros(place_of.size, dtype=np.float32)  # enough to rank, and twice as fast
    ranked[wanted] = -total_value[0]
    best = np.argpartition(ranked.reshape(-1, n_choices), n_items - 1, axis=-1)[:, :n_items]
    place = place_of[np.arange(base.size)[:, None] * n_choices + best]
    score = np.append(total_value[0], 0.0)[place]  # the appended zero is that of place -1
    rank = np.argsort(-score, axis=-1, kind="stable")
    best, place, score = (np.take_along_axis(each, rank, axis=-1) for each in (best, place, score))
    is_item = score > 0
    position = base.reshape(-1, 1) + best // n_segments
    segments = np.where(is_item[..., None], np.stack([position, best % n_segments], axis=-1), -1)
    value, urgent = (np.append(each, 0.0)[place] * is_item for each in total_value[1:])
    shape = (*base.shape, n_items)
    return segments.reshape(*shape, 2), value.reshape(shape), urgent.reshape(shape)
