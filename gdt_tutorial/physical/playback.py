"""Play what was delivered, swipe, stall: the watching half of the short-video service, and its quality of experience.

The components are those of the paper's reference [15], as its abstract names them: rebuffering time, video quality and
quality variation. The weights and the functional form are choices (`QoeConfig`).
"""

from copy import deepcopy

import numpy as np
from jaxtyping import Float, Int, Int8

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.batch import repeated
from gdt_tutorial.physical.messages import Service, video_at
from gdt_tutorial.physical.streaming import StreamState
from gdt_tutorial.physical.swipes import SwipeModel
from gdt_tutorial.physical.video import VideoCatalog

__all__ = ["QoeConfig", "ViewTape", "leaving_s", "play"]


@configclass
class QoeConfig:
    """Weights of the quality of experience: quality - variation - rebuffering."""

    quality_weight: float = parameter(
        1.0,
        "Weight of the quality of watched seconds.",
        "ACM MM 2022 challenge, run.py",
        at_least=0,
        remedy="the sign is already in the formula",
    )
    stall_weight: float = parameter(
        1.85,
        "Weight of a second of rebuffering.",
        "ACM MM 2022 challenge, run.py",
        at_least=0,
        remedy="the sign is already in the formula",
    )
    variation_weight: float = parameter(
        1.0,
        "Weight of a quality step inside a video.",
        "ACM MM 2022 challenge, run.py",
        at_least=0,
        remedy="the sign is already in the formula",
    )
    version_quality: tuple[float, ...] = parameter(
        (0.75, 1.2, 1.85, 2.85), "Quality of one second of each version.", "its bitrate in Mb/s, ACM MM 2022 challenge"
    )
    min_view_s: float = parameter(
        0.5,
        "Shortest time a video stays on screen before a swipe.",
        "chosen",
        above=0,
        at_most=5,
        remedy="0.5 s is a fast swipe",
    )


class ViewTape:
    """How long each user will stay on each video of its list, whatever the network does.

    The fractions are drawn for every view of a user and every video type ahead of need. So two schemes with the same
    seed meet the same swipes, view by view (common random numbers), and what some environments do changes nothing for
    the others. Row 0 of the tape is the view at list position `first_position`.
    """

    def __init__(
        self,
        swipes: SwipeModel,
        user: Int[np.ndarray, "batch user"],
        n_types: int,
        first_position: Int[np.ndarray, "batch user"] | int = 0,
        *,
        rng: np.random.Generator,
    ) -> None:
        self._swipes, self._user, self._rng = swipes, user, rng
        self._first = np.zeros(user.shape, dtype=np.int64) + first_position
        self._types = np.arange(n_types)
        self._fraction = np.zeros((*user.shape, 0, n_types), dtype=np.float32)

    def fraction(
        self,
        env: Int[np.ndarray, " view"],
        user: Int[np.ndarray, " view"],
        position: Int[np.ndarray, " view"],
        video_type: Int[np.ndarray, " view"],
    ) -> Float[np.ndarray, " view"]:
        """Return the watched fraction of the views, 1 for a complete one."""
        row = position - self._first[env, user]
        while len(row) and row.max() >= self._fraction.shape[2]:
            self._extend()
        return self._fraction[env, user, row, video_type].astype(np.float64)

    def keep_watching(
        self,
        env: Int[np.ndarray, " view"],
        user: Int[np.ndarray, " view"],
        position: Int[np.ndarray, " view"],
        video_type: Int[np.ndarray, " view"],
        fraction: Float[np.ndarray, " view"],
    ) -> None:
        """Overwrite the watched fraction of some views: those on screen now, of which a part is already known."""
        self.fraction(env, user, position, video_type)  # extends the tape where needed
        self._fraction[env, user, position - self._first[env, user], video_type] = fraction

    def start_list(self, head: Int[np.ndarray, "batch user"]) -> None:
        """Go on with the next unused row at position 0 of a new list; `head` is the position in the old list."""
        self._first = self._first - (head + 1)

    def repeated(self, n_copies: int, n_positions: int = 64) -> "ViewTape":
        """Copy the tape `n_copies` times side by side; the first `n_positions` views are the same in all.

        The copy goes on with a random generator of its own, so that its use does not change what the tape will say.
        """
        while self._fraction.shape[2] < n_positions:
            self._extend()
        user, first, fraction = (repeated(each, n_copies) for each in (self._user, self._first, self._fraction))
        copy = ViewTape(self._swipes, user, len(self._types), first, rng=deepcopy(self._rng))
        copy._fraction = fraction
        return copy

    def _extend(self, n_positions: int = 16) -> None:
        shape = (*self._user.shape, n_positions, len(self._types))
        user = np.broadcast_to(self._user[..., None, None], shape)
        block = self._swipes.sample_fraction(user, np.broadcast_to(self._types, shape), rng=self._rng)
        self._fraction = np.concatenate([self._fraction, block.astype(np.float32)], axis=2)


def play(
    state: StreamState,
    tape: ViewTape,
    catalog: VideoCatalog,
    qoe: QoeConfig,
    slot_s: float,
) -> Service:
    """Let every user watch for one slot: segment by segment, swiping as the tape says, stalled where one is missing.

    Each round of the loop takes all users that still have time to their next event: the end of a segment, a swipe, the
    end of the slot.
    """
    shape = state.group.shape
    flat = {name: getattr(state, name).reshape(-1) for name in ("head", "play_s", "stored_s", "last_version")}
    buffered = state.buffered.reshape(-1, *state.buffered.shape[2:])
    quality_of = np.asarray(qoe.version_quality)
    out = {name: np.zeros(state.group.size) for name in ("watched_s", "dropped_s", "quality", "variation")}
    n_views, view_type = np.zeros(state.group.size, dtype=np.int64), np.full(state.group.size, -1, dtype=np.int64)
    view_fraction = np.full(state.group.size, np.nan)
    left_s = np.full(state.group.size, float(slot_s))
    active = np.arange(state.group.size)
    video, stop_s = _screen(state, tape, catalog, qoe, active)
    while active.size:
        row = flat["head"][active] % buffered.shape[1]
        segment = np.floor(flat["play_s"][active] / catalog.segment_s + 1e-9).astype(np.int64)
        held = buffered[active, row, segment]
        active, segment, version = active[held > 0], segment[held > 0], held[held > 0].astype(np.int64) - 1
        until_s = np.minimum((segment + 1) * catalog.segment_s, stop_s[active])
        # A watched share of a video that is on screen already can lie a rounding error behind the play position.
        run_s = np.maximum(np.minimum(until_s - flat["play_s"][active], left_s[active]), 0.0)
        last = flat["last_version"][active]
        out["variation"][active] += np.where(last >= 0, np.abs(quality_of[version] - quality_of[last]), 0.0)
        out["quality"][active] += run_s * quality_of[version]
        out["watched_s"][active] += run_s
        flat["last_version"][active] = version
        flat["play_s"][active] += run_s
        flat["stored_s"][active] -= run_s
        left_s[active] -= run_s
        over = active[flat["play_s"][active] >= stop_s[active] - 1e-9]
        if over.size:
            n_views[over] += 1
            view_type[over] = catalog.video_type[video[over]]
            view_fraction[over] = stop_s[over] / catalog.duration_s[video[over]]
            out["dropped_s"][over] += _leave(flat, buffered, over, video[over], catalog)
            video[over], stop_s[over] = _screen(state, tape, catalog, qoe, over)
        active = active[left_s[active] > 1e-9]
    result = {name: value.reshape(shape) for name, value in out.items()}
    stall_s = np.maximum(left_s, 0.0).reshape(shape)
    value = qoe.quality_weight * result["quality"] - qoe.variation_weight * result["variation"]
    return Service(
        received_s=np.zeros(shape),
        **result,
        stall_s=stall_s,
        qoe=(value - qoe.stall_weight * stall_s) / slot_s,
        view_type=view_type.reshape(shape),
        view_fraction=view_fraction.reshape(shape),
        n_views=n_views.reshape(shape),
    )


def _screen(
    state: StreamState, tape: ViewTape, catalog: VideoCatalog, qoe: QoeConfig, who: Int[np.ndarray, " view"]
) -> tuple[Int[np.ndarray, " view"], Float[np.ndarray, " view"]]:
    """Return the video on the screen of each flat user index, and the second at which its user leaves it."""
    env, user = np.divmod(who, state.group.shape[1])
    head = state.head[env, user]
    video = video_at(state.playlist, state.group[env, user], head, env)
    return video, leaving_s(tape.fraction(env, user, head, catalog.video_type[video]), video, catalog, qoe)


def leaving_s(
    fraction: Float[np.ndarray, " view"], video: Int[np.ndarray, " view"], catalog: VideoCatalog, qoe: QoeConfig
) -> Float[np.ndarray, " view"]:
    """Return the second of a video at which its viewer leaves it.

    That is where the tape's `fraction` ends, but no sooner than `qoe.min_view_s`, and no later than the last segment.
    """
    length_s = np.minimum(catalog.duration_s, catalog.n_segments * catalog.segment_s)[video]
    return np.minimum(np.maximum(fraction * length_s, qoe.min_view_s), length_s)


def _leave(
    flat: dict[str, np.ndarray],
    buffered: Int8[np.ndarray, "view position segment"],
    over: Int[np.ndarray, " over"],
    video: Int[np.ndarray, " over"],
    catalog: VideoCatalog,
) -> Float[np.ndarray, " over"]:
    """Go to the next video; return the seconds that were held of the old one and never played."""
    row = flat["head"][over] % buffered.shape[1]
    held = buffered[over, row]
    last = catalog.n_segments[video] - 1
    overhang_s = np.maximum((last + 1) * catalog.segment_s - catalog.duration_s[video], 0.0)
    held_s = np.count_nonzero(held, axis=-1) * catalog.segment_s
    held_s = held_s - overhang_s * (held[np.arange(len(over)), last] > 0)
    dropped_s = np.maximum(held_s - flat["play_s"][over], 0.0)
    buffered[over, row] = 0
    flat["stored_s"][over] -= dropped_s
    flat["head"][over] += 1
    flat["play_s"][over] = 0.0
    flat["last_version"][over] = -1
    return dropped_s
