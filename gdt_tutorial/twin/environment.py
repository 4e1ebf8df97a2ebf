"""The DT environment: where decisions are tried before the network has to live with them.

"The generated network management decision is fed back to the DT environment for validation and DT status update" (the
paper, GAI-Based Decision-Making). `VirtualNetwork` continues from the status of this very moment, many times side by side,
and is used to validate. `TwinEnvironment` is a `gymnasium.Env` over whole episodes, and is used to train.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import check
from gdt_tutorial.physical.delivery import serving_ap, sum_per_ap
from gdt_tutorial.physical.messages import Session
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.playback import ViewTape, play
from gdt_tutorial.physical.streaming import StreamState, deliver
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.physical.viewers import Viewers
from gdt_tutorial.twin.abstraction import Features, GroupAbstractor, SwipeCurves
from gdt_tutorial.twin.decision import DecisionMaker, ScheduleModel, fill, schedule_model

__all__ = ["TwinEnvironment", "VirtualNetwork", "describe_subgroups"]


@dataclass(frozen=True, kw_only=True)
class VirtualNetwork:
    """The twin's copy of the network: the same sending and playing, on emulated channels and estimated swipes."""

    model: ScheduleModel
    abstractor: GroupAbstractor
    hysteresis_db: float = NetworkConfig().hysteresis_db

    def tape(self, session: Session, n_rollouts: int, *, rng: np.random.Generator) -> ViewTape:
        """Draw how long everybody will watch, `n_rollouts` times, given what they have watched already."""
        curves, catalog = self.abstractor.curves, self.model.catalog
        n_batch, n_users = session.head.shape
        own_env = np.broadcast_to(np.tile(np.arange(n_batch), n_rollouts)[:, None], (n_rollouts * n_batch, n_users))
        tape = ViewTape(curves, own_env, catalog.n_types, np.tile(session.head, (n_rollouts, 1)), rng=rng)
        env, user = (axis.reshape(-1) for axis in np.indices(own_env.shape))
        source = env % n_batch
        head = session.head[source, user]
        video = session.playlist[source, session.group[source, user], head % session.playlist.shape[2]]
        kind, played = catalog.video_type[video], session.play_s[source, user] / catalog.duration_s[video]
        tape.keep_watching(env, user, head, kind, curves.sample_rest(source, kind, played, rng=rng))
        return tape

    def rollout(
        self,
        session: Session,
        snr_db: Float[np.ndarray, "batch user slot ap"],
        maker: DecisionMaker,
        tape: ViewTape,
        n_rollouts: int,
    ) -> Float[np.ndarray, "rollout batch horizon"]:
        """Let `maker` manage the coming slots; return the mean QoE per user, second, and slot.

        `snr_db` starts with the current slot: a decision sees the slot before the one in which it acts, as in reality.
        """
        n_batch, n_slots = len(snr_db), snr_db.shape[2] - 1
        state = StreamState.from_session(session, self.model.catalog.segment_s, n_rollouts)
        attached_ap, capacity = np.tile(session.serving_ap, (n_rollouts, 1)), self.model.capacity
        channel = np.tile(snr_db, (n_rollouts, 1, 1, 1))
        qoe = np.zeros((n_rollouts * n_batch, n_slots))
        for slot in range(n_slots):
            features = self.abstractor.abstract_session(state.session(attached_ap), channel[:, :, slot])
            decision = maker.decide(features)
            attached_ap = serving_ap(channel[:, :, slot + 1], attached_ap, hysteresis_db=self.hysteresis_db)
            efficiency = self.abstractor.link.spectral_efficiency(channel[:, :, slot + 1])
            service = play(state, tape, self.model.catalog, self.model.qoe, capacity.slot_s)
            deliver(state, decision, efficiency, attached_ap, self.model.catalog, capacity)
            qoe[:, slot] = service.qoe.mean(axis=-1)
        return qoe.reshape(n_rollouts, n_batch, n_slots)

    def validate(
        self,
        session: Session,
        snr_db: Float[np.ndarray, "batch user slot ap"],
        makers: Mapping[str, DecisionMaker],
        n_rollouts: int,
        *,
        rng: np.random.Generator,
    ) -> dict[str, Float[np.ndarray, " batch"]]:
        """Return each maker's expected QoE over the coming slots; all of them meet the same draws.

        The first slot is left out where there are others: its playback is settled before any of them can act.
        """
        tape = self.tape(session, n_rollouts, rng=rng)
        start = 1 if snr_db.shape[2] > 2 else 0
        return {
            name: self.rollout(session, snr_db, maker, tape, n_rollouts)[..., start:].mean(axis=(0, 2))
            for name, maker in makers.items()
        }


def describe_subgroups(features: Features, model: ScheduleModel) -> Float[np.ndarray, "batch subgroup feature"]:
    """Return one row of numbers of order one for each SMG: itself, and what its access point has to bear."""
    is_served = (features.n_members > 0) & (features.efficiency > 0)
    radio, cycles = model.cost(features, np.zeros_like(features.ap))
    radio, cycles = np.where(np.isfinite(radio), radio, 0.0).sum(axis=-1), cycles.sum(axis=-1)
    own = np.stack(
        [
            is_served,
            features.n_members / 10,
            features.efficiency / 8,
            features.stored_s / 10,
            features.value_s.sum(axis=-1) / 50,
            features.urgent_s.sum(axis=-1) / 20,
            np.minimum(radio, 4) / 2,
            np.minimum(cycles, 4) / 2,
        ],
        axis=-1,
    )
    total = sum_per_ap(own, features.ap, len(model.capacity.bandwidth_hz))
    env = np.arange(len(own))[:, None]
    return np.concatenate([own, total[env, features.ap] / 8], axis=-1)


class TwinEnvironment(gymnasium.Env):
    """One virtual campus as a `gymnasium.Env`: observe every SMG, choose its version and its weight, get the QoE.

    Observation: `Box` of shape (subgroup x feature), the rows of `describe_subgroups` one after the other.
    Action: `Box(-1, 1)` of shape (subgroup x 2), flat: a number that picks the version, lowest to highest, and the
    logarithm of the SMG's weight in the schedule (times `log_weight`).
    Reward: mean QoE per user and second of the slot. The swipe curves behind the observation are learned from the views
    of the episode. Episodes are truncated after `n_slots` slots and never terminate.
    """

    metadata = {"render_modes": []}
    log_weight = 2.0

    def __init__(
        self,
        topology: Topology,
        catalog: VideoCatalog,
        viewers: Viewers,
        config: NetworkConfig = NetworkConfig(),
        n_slots: int = 30,
    ) -> None:
        check(len(viewers.user) == 1, "viewers", "hold one environment", len(viewers.user), "draw with n_batch=1")
        check(n_slots > 0, "n_slots", "be positive", n_slots, "run one slot at least")
        self._make = lambda seed: PhysicalNetwork(topology, catalog, viewers, config, seed=seed)
        self._network, self._n_slots, curves = self._make(0), n_slots, SwipeCurves(1, catalog.n_types)
        self._model = schedule_model(self._network)
        self._abstractor = GroupAbstractor(catalog, self._network.capacity, curves, self._network.link)
        observation = self._observe(self._network.reset())
        self.observation_space = gymnasium.spaces.Box(0.0, np.inf, observation.shape, np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2 * self._features.ap.shape[1],), np.float32)

    def _observe(self, telemetry: Any) -> Float[np.ndarray, " feature"]:
        self._features = self._abstractor.abstract_session(telemetry.session, telemetry.snr_db)
        return describe_subgroups(self._features, self._model).astype(np.float32).reshape(-1)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode; each one takes its own walks, channels and swipes from the seeded generator."""
        super().reset(seed=seed)
        self._network = self._make(int(self.np_random.integers(2**31)))
        self._abstractor.curves = SwipeCurves(1, self._network.catalog.n_types)
        return self._observe(self._network.reset()), {}

    def step(self, action: Float[np.ndarray, " choice"]) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Run one slot."""
        choice = np.clip(np.asarray(action, dtype=np.float64), -1, 1).reshape(1, -1, 2)
        n_versions = self._model.catalog.n_versions
        version = np.minimum(((choice[..., 0] + 1) / 2 * n_versions).astype(np.int64), n_versions - 1)
        decision, _ = fill(self._features, self._model, version, np.exp(self.log_weight * choice[..., 1]))
        telemetry = self._network.step(decision)
        service = telemetry.service
        self._abstractor.curves.update(service.view_type, service.view_fraction)
        info = {"stall_s": float(service.stall_s.mean()), "quality": float(service.quality.mean())}
        return self._observe(telemetry), float(service.qoe.mean()), False, telemetry.slot >= self._n_slots, info
