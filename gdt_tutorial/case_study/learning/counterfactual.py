"""Learn versions by playing the same slots again with another decision, in the virtual network.

A learner on the real network sees one course of events, and the worth of one version drowns in the noise of all swipes. In
the DT environment (where decisions "are validated", in the paper) a slot can be repeated: the same viewers, channels and
swipes, other versions for some sub-multicast groups (SMGs), then the same policy as before. The difference of the two
returns is what these versions are worth, and hardly noisy.

    D = sum over the coming slots of gamma^k (QoE with the change - QoE without)
    loss = (sum over changed branches d of Q_d(s, a'_d) - Q_d(s, a_d) - D)^2 + w (mean over d of Q_d(s, a_d) - G)^2

G is the return without the change, over the same slots. (Paired differences, or common random numbers, are standard in
simulation optimization; Glasserman and Yao 1992. Their use for a branching Q-network is ours.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gdt_tutorial import seeding
from gdt_tutorial.case_study.experiment import Campuses, Scheme
from gdt_tutorial.case_study.lists.buffering import SegmentBuffering
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.learning import FitConfig, cosine, fit_updates
from gdt_tutorial.physical.batch import joined, repeated
from gdt_tutorial.physical.delivery import sum_per_ap
from gdt_tutorial.physical.engine import run
from gdt_tutorial.physical.messages import Decision, Telemetry
from gdt_tutorial.physical.playback import ViewTape
from gdt_tutorial.solutions.data_model.cell_state import EMPTY, describe_cells, legal, order_branches
from gdt_tutorial.solutions.data_model.scheduling import Scheduler
from gdt_tutorial.solutions.data_model.versions import VersionSelector
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, known
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.twin.status import true_status
from gdt_tutorial.twin.virtual import VirtualNetwork

__all__ = [
    "Changes",
    "CounterfactualConfig",
    "Trajectory",
    "change_versions",
    "collect_changes",
    "learn_changes",
    "sum_per_cell",
]


@configclass
class CounterfactualConfig:
    """How changes are tried, and how they are learned."""

    every_slots: int = parameter(5, "Slots of an episode between two that are repeated.", "chosen", above=0)
    n_copies: int = parameter(5, "Changes that are tried in each repeated slot.", "chosen", above=0)
    n_horizon: int = parameter(
        6,
        "Slots that are played again, with the one of the change.",
        "chosen; phones hold 10 s",
        at_least=2,
        remedy="a segment plays from the next slot on",
    )
    epsilon: float = parameter(0.2, "Share of the versions that a change concerns.", "chosen", above=0, below=1)
    discount: float = parameter(1.0, "Weight of each next slot.", "chosen: QoE is a mean over the session", above=0)
    n_updates: int = parameter(
        1_000, "Gradient steps of one fit.", "chosen; with twice as many, unseen changes are fitted worse", above=0
    )
    batch_size: int = parameter(256, "Changes that one gradient step averages over.", "chosen", above=0)
    learning_rate: float = parameter(
        1e-3, "Step size of Adam at first; it falls to 0 along a cosine.", "chosen", above=0
    )
    return_weight: float = parameter(
        0.003, "Weight of the returns beside the differences, which are smaller.", "chosen", above=0
    )
    weight_decay: float = parameter(
        1.0, "Decay of the weights, decoupled (AdamW).", "chosen, on unseen changes", above=0
    )


@dataclass(frozen=True, kw_only=True)
class Changes:
    """States of cells, what was done there, what was done instead, and what came of it."""

    state: Float[Tensor, "batch state"]
    mask: Bool[Tensor, "batch branch version"]
    action: Int[Tensor, "batch branch"]
    other: Int[Tensor, "batch branch"]
    difference: Float[Tensor, " batch"]  # of the discounted QoE per user and second
    returns: Float[Tensor, " batch"]  # without the change

    def __len__(self) -> int:
        return len(self.difference)


class Trajectory:
    """An episode under a policy, which can be left at any slot and played again in the virtual network.

    An oracle: a replay meets the viewers' true later swipes and channels, which no twin has while the network runs.
    """

    def __init__(
        self,
        campuses: Campuses,
        buffering: SegmentBuffering,
        versions: VersionSelector,
        scheduler: Scheduler,
        n_slots: int,
        n_copies: int,
    ) -> None:
        self.scheme, self.n_copies = Scheme(buffering=buffering, versions=versions, scheduler=scheduler), n_copies
        network = campuses.network

        def decide(telemetry: Telemetry) -> Decision:
            features = buffering.abstract_session(telemetry.session, telemetry.snr_db)
            return self.scheme.decide(features, rng=seeding.stream(network.seed, "scheme", telemetry.slot))

        steps = list(run(network, decide, n_slots, group=campuses.group))
        self.telemetry = [before for before, _ in steps] + [steps[-1][1]]
        self.virtual = VirtualNetwork(
            model=campuses.model,
            abstractor=buffering,
            link=network.link,
            hysteresis_db=network.config.hysteresis_db,
        )
        self._tape: ViewTape = network.tape.repeated(n_copies)
        self._playlist = repeated(self.telemetry[-1].session.playlist, n_copies)

    def replay(
        self, slot: int, n_horizon: int, version: Int[np.ndarray, "copy subgroup"], features: Features
    ) -> Float[np.ndarray, "slot copy user"]:
        """Play on from `slot` with these versions there and the policy's own after it; return every user's QoE."""
        ahead = self.telemetry[slot + 1 : slot + n_horizon + 1]
        future = known(
            *(np.stack([getattr(each, name) for each in ahead], axis=2) for name in ("position_m", "snr_db"))
        )
        return self.play_on(slot, version, features, future, self._tape)

    def play_on(
        self,
        slot: int,
        version: Int[np.ndarray, "copy subgroup"],
        features: Features,
        future: EmulatedStatus,
        tape: ViewTape,
    ) -> Float[np.ndarray, "slot copy user"]:
        """Do the same in a future that is given: channels of the campuses, and a tape of all their copies."""
        status = repeated(true_status(self.telemetry[slot]), self.n_copies)
        # The lists are always the same object, so that the buffering need not start anew.
        status = replace(status, session=replace(status.session, playlist=self._playlist))
        return self.virtual.rollout(
            Observation(statuses=(status,)),
            repeated(future, self.n_copies),
            self.scheme,
            tape,
            first=self.scheme.scheduler.schedule(features, version),
            rng=seeding.stream(slot, "replay"),
        )


def collect_changes(
    campuses: Campuses,
    buffering: Callable[[Campuses], SegmentBuffering],
    versions: Callable[[Campuses], VersionSelector],
    scheduler: Callable[[Campuses], Scheduler],
    priors: Sequence[Callable[[Campuses], VersionSelector]],
    n_slots: int,
    config: CounterfactualConfig = CounterfactualConfig(),
    *,
    n_branches: int = 16,
    rng: np.random.Generator,
) -> Changes:
    """Run one episode, and repeat some of its slots with changed versions.

    Args:
        campuses: Where.
        buffering: Makes the buffering.
        versions: Makes the policy that is to be improved.
        scheduler: Makes the scheduler.
        advice: Make the rules whose versions are part of the state.
        n_slots: Length of the episode.
        config: How changes are tried.
        n_branches: SMGs per cell that a state has room for.
        rng: Draws the changes.
    """
    n_least = config.n_horizon + config.every_slots
    require(n_slots >= n_least, "n_slots", f"be at least n_horizon + every_slots = {n_least}", n_slots, "play longer")
    rules = [make(campuses) for make in priors]
    n_copies, n_versions = config.n_copies + 1, campuses.model.catalog.n_versions
    trajectory = Trajectory(campuses, buffering(campuses), versions(campuses), scheduler(campuses), n_slots, n_copies)
    weight = np.concatenate([[0.0], config.discount ** np.arange(config.n_horizon - 1)])  # the first slot is settled
    parts = []
    for slot in range(int(rng.integers(config.every_slots)), n_slots - config.n_horizon, config.every_slots):
        telemetry = trajectory.telemetry[slot]
        session = telemetry.session
        one = trajectory.scheme.buffering.abstract(Observation(statuses=(true_status(telemetry),)))
        order = order_branches(one, len(campuses.model.capacity.bandwidth_hz), n_branches)
        state = describe_cells(one, campuses.model, order, [rule.select(one) for rule in rules])
        own = trajectory.scheme.versions.select(one)
        tried = change_versions(own, n_copies, n_versions, config.epsilon, rng=rng)
        many = repeated(one, n_copies)
        qoe = trajectory.replay(slot, config.n_horizon, tried.reshape(-1, own.shape[1]), many)
        value = np.einsum("k,kcu->cu", weight, qoe)
        cell = sum_per_cell(value.reshape(n_copies, *session.serving_ap.shape), session.serving_ap, order.shape[1])
        parts.append(_as_changes(state, legal(order, n_versions), order, own, tried, cell))
    return joined(parts)


def change_versions(
    own: Int[np.ndarray, "batch subgroup"], n_copies: int, n_versions: int, epsilon: float, *, rng: np.random.Generator
) -> Int[np.ndarray, "copy batch subgroup"]:
    """Return copies of the versions in which some are replaced; the first copy is unchanged.

    In every second copy each SMG may get any other version. In the others half of the SMGs of a campus move by one
    version, all of them up or all of them down: what one alone may do for free is dear when all do it.
    """
    shape = (n_copies, *own.shape)
    scattered = (own + rng.integers(1, n_versions, size=shape)) % n_versions
    scattered = np.where(rng.random(shape) < epsilon, scattered, own)
    together = np.clip(own + rng.choice([-1, 1], size=(n_copies, len(own), 1)), 0, n_versions - 1)
    together = np.where(rng.random(shape) < 0.5, together, own)
    changed = np.where(np.arange(n_copies)[:, None, None] % 2 == 0, together, scattered)
    changed[0] = own
    return changed


def sum_per_cell(
    value: Float[np.ndarray, "copy batch user"], ap: Int[np.ndarray, "batch user"], n_aps: int
) -> Float[np.ndarray, "copy batch ap"]:
    """Sum over the users that each AP served at the start, as if they were spread evenly."""
    total = sum_per_ap(value.reshape(-1, value.shape[-1]), repeated(ap, len(value)), n_aps)
    return total.reshape(*value.shape[:2], n_aps) / (value.shape[-1] / n_aps)


def _as_changes(
    state: np.ndarray, mask: np.ndarray, order: np.ndarray, own: np.ndarray, tried: np.ndarray, cell: np.ndarray
) -> Changes:
    """Keep the cells in which a branch was changed; the same state goes with each of its changes."""
    env = np.arange(len(own))[:, None, None]
    in_branch = [np.where(order == EMPTY, 0, version[env, np.maximum(order, 0)]) for version in (own, *tried[1:])]
    action, others = in_branch[0], np.stack(in_branch[1:])
    copy, batch, ap = np.nonzero((others != action).any(axis=-1))
    return Changes(
        state=torch.from_numpy(state[batch, ap]),
        mask=torch.from_numpy(mask[batch, ap]),
        action=torch.from_numpy(action[batch, ap]),
        other=torch.from_numpy(others[copy, batch, ap]),
        difference=torch.from_numpy((cell[1:] - cell[0])[copy, batch, ap]).float(),
        returns=torch.from_numpy(cell[0][batch, ap]).float(),
    )


def learn_changes(
    network: nn.Module,
    changes: Changes,
    config: CounterfactualConfig = CounterfactualConfig(),
    *,
    generator: torch.Generator,
    on_update: Callable[[int, float], object] | None = None,
) -> None:
    """Fit the values of `network` to changes, in place."""

    def loss(network: nn.Module, state: Tensor, mask: Tensor, action: Tensor, other: Tensor, *worth: Tensor) -> Tensor:
        values = network(state, mask)
        before, after = (values.gather(-1, each[..., None])[..., 0] for each in (action, other))
        is_active, (difference, returns) = mask.any(dim=-1), worth
        predicted = ((after - before) * is_active).sum(dim=-1)
        level = (before * is_active).sum(dim=-1) / is_active.sum(dim=-1).clamp(min=1)
        return ((predicted - difference) ** 2).mean() + config.return_weight * ((level - returns) ** 2).mean()

    step = FitConfig(
        batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        max_gradient_norm=10.0,
        schedule=cosine,
    )
    tensors = [getattr(changes, field.name) for field in fields(changes)]
    fit_updates(network, tensors, loss, step, config.n_updates, generator=generator, on_update=on_update)
