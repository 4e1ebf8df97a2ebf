"""What a twin can know of a change before it is made: replays in futures that it believes, against the one that comes.

"The generated network management decision is fed back to the DT environment for validation" (the paper). The replays from
which the version networks learn (`counterfactual`) meet the viewers' true later swipes and channels: an oracle, which a
simulation has while it trains, and no twin while the network runs. A twin has to draw its futures: how long everybody may
watch, from the swipe curves of the groups, and the channels of this moment, held. Both replay the same changes here, so
that it can be seen how far the twin's verdicts agree with what the changes are worth.

A replay starts from the true status, as if every user had just reported. (Our choice: an emulated one can only tell less.)
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.case_study.experiment import Campuses
from gdt_tutorial.case_study.groups.group_swipe_curves import GroupSwipeCurves
from gdt_tutorial.case_study.learning.counterfactual import (
    CounterfactualConfig,
    Trajectory,
    change_versions,
    sum_per_cell,
)
from gdt_tutorial.case_study.lists.buffering import SegmentBuffering
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.batch import repeated
from gdt_tutorial.physical.messages import Service, Session, Telemetry
from gdt_tutorial.solutions.data_model.scheduling import Scheduler
from gdt_tutorial.solutions.data_model.versions import VersionSelector
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, known
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.status import true_status
from gdt_tutorial.twin.swipe_curves import fraction_at, sample_rest_at
from gdt_tutorial.twin.virtual import VirtualNetwork

__all__ = ["GroupSwipes", "Replays", "held_channels", "replay_changes"]


class GroupSwipes:
    """All members of a multicast group swipe alike, as the curves of their group say (a `SwipeModel`).

    Args:
        curves: Survival of each group and video type.
        group: Group of each user.
    """

    def __init__(self, curves: GroupSwipeCurves, group: Int[np.ndarray, "batch user"]) -> None:
        self.curves, self._group = curves, group

    def learn(self, service: Service, session: Session) -> None:
        """Keep the curves: they come from earlier days."""

    def sample_fraction(
        self, viewer: Int[np.ndarray, "*shape"], video_type: Int[np.ndarray, "*shape"], *, rng: np.random.Generator
    ) -> Float[np.ndarray, "*shape"]:
        """Draw the watched fraction of views to come."""
        return fraction_at(self.curves.survival_at, self._cell(viewer, video_type), rng.random(viewer.shape))

    def sample_rest(
        self,
        viewer: Int[np.ndarray, "*shape"],
        video_type: Int[np.ndarray, "*shape"],
        played: Float[np.ndarray, "*shape"],
        *,
        rng: np.random.Generator,
    ) -> Float[np.ndarray, "*shape"]:
        """Draw the same of views of which the fraction `played` has been watched already."""
        return sample_rest_at(self.curves.survival_at, self._cell(viewer, video_type), played, rng=rng)

    def _cell(self, viewer: np.ndarray, video_type: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        env, user = np.divmod(viewer, self._group.shape[1])
        return env, self._group[env, user], video_type


@dataclass(frozen=True, kw_only=True, eq=False)
class Replays:
    """Changes of versions in cells, and what each way of playing them again says of their worth.

    QoE per user, summed over the slots of a replay.
    """

    true: Float[np.ndarray, " batch"]  # with the viewers' later swipes and channels: the oracle
    believed: Float[
        np.ndarray, "draw batch"
    ]  # in futures that the twin draws; the same one with and without the change
    unpaired: Float[np.ndarray, "draw batch"]  # the same with the change in one future and without it in another one
    nothing: Float[np.ndarray, "draw _"]  # no change at all, one future against another one


def held_channels(telemetry: Telemetry, n_slots: int) -> EmulatedStatus:
    """Return a future in which nobody moves and no channel changes."""
    return known(
        *(np.repeat(each[:, :, None], n_slots, axis=2) for each in (telemetry.position_m, telemetry.snr_db)),
    )


def replay_changes(
    campuses: Campuses,
    buffering: Callable[[Campuses], SegmentBuffering],
    versions: Callable[[Campuses], VersionSelector],
    scheduler: Callable[[Campuses], Scheduler],
    n_slots: int,
    config: CounterfactualConfig = CounterfactualConfig(),
    *,
    n_draws: int = 4,
    rng: np.random.Generator,
) -> Replays:
    """Run one episode, and replay changes in its slots: in the future that comes, and in `n_draws` that the twin draws.

    Raises:
        ValueError: Fewer than two draws, or an episode in which no slot can be repeated.
    """
    require(n_draws >= 2, "n_draws", "be at least 2", n_draws, "an unpaired replay needs two futures")
    n_least, n_copies = config.n_horizon + config.every_slots, config.n_copies + 1
    require(n_slots >= n_least, "n_slots", f"be at least n_horizon + every_slots = {n_least}", n_slots, "play longer")
    trajectory = Trajectory(campuses, buffering(campuses), versions(campuses), scheduler(campuses), n_slots, n_copies)
    swipes = GroupSwipes(campuses.curves, campuses.group)
    parts = []
    for slot in range(int(rng.integers(config.every_slots)), n_slots - config.n_horizon, config.every_slots):
        parts.append(_replay_slot(trajectory, slot, swipes, config, n_draws, rng=rng))
    return Replays(**{name: np.concatenate([part[name] for part in parts], axis=-1) for name in parts[0]})


def _replay_slot(
    trajectory: Trajectory,
    slot: int,
    swipes: GroupSwipes,
    config: CounterfactualConfig,
    n_draws: int,
    *,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Replay the changes of one slot; entries as in `Replays`."""
    telemetry, scheme = trajectory.telemetry[slot], trajectory.scheme
    one = scheme.buffering.abstract(Observation(statuses=(true_status(telemetry),)))
    own = scheme.versions.select(one)
    n_versions, n_copies = trajectory.virtual.model.catalog.n_versions, config.n_copies + 1
    tried = change_versions(own, n_copies, n_versions, config.epsilon, rng=rng)
    flat, many, serving = tried.reshape(-1, own.shape[1]), repeated(one, n_copies), telemetry.session.serving_ap
    weight = np.concatenate([[0.0], config.discount ** np.arange(config.n_horizon - 1)])  # the first slot is settled
    n_aps = telemetry.snr_db.shape[2]

    def worth(qoe: Float[np.ndarray, "slot _ user"]) -> Float[np.ndarray, "copy batch ap"]:
        value = np.einsum("k,kcu->cu", weight, qoe).reshape(n_copies, *serving.shape)
        return sum_per_cell(value, serving, n_aps)

    held, virtual = held_channels(telemetry, config.n_horizon), _with_swipes(trajectory.virtual, swipes)
    drawn = []
    for _ in range(n_draws):
        tape = virtual.tape(telemetry.session, 1, rng=rng).repeated(n_copies)
        drawn.append(worth(trajectory.play_on(slot, flat, many, held, tape)))
    true, believed = worth(trajectory.replay(slot, config.n_horizon, flat, many)), np.stack(drawn)
    elsewhere = np.roll(believed[:, :1], 1, axis=0)  # without a change, in the next future
    is_changed = _is_changed(one.ap, own, tried, n_aps)
    return {
        "true": (true[1:] - true[:1])[is_changed],
        "believed": (believed[:, 1:] - believed[:, :1])[:, is_changed],
        "unpaired": (believed[:, 1:] - elsewhere)[:, is_changed],
        "nothing": (believed[:, :1] - elsewhere).reshape(n_draws, -1),
    }


def _with_swipes(virtual: VirtualNetwork, swipes: GroupSwipes) -> VirtualNetwork:
    return VirtualNetwork(
        model=virtual.model,
        abstractor=virtual.abstractor,
        link=virtual.link,
        swipes=swipes,
        hysteresis_db=virtual.hysteresis_db,
    )


def _is_changed(
    ap: Int[np.ndarray, "batch subgroup"],
    own: Int[np.ndarray, "batch subgroup"],
    tried: Int[np.ndarray, "copy batch subgroup"],
    n_aps: int,
) -> Bool[np.ndarray, "_ batch ap"]:
    """Mark the cells in which an SMG got another version; the copy without a change is left out."""
    differs = tried[1:] != own
    return np.stack([(differs & (ap == each)).any(axis=-1) for each in range(n_aps)], axis=-1)
