"""The twin as a `gymnasium.Env` over whole episodes, for agents to train in."""

from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.physical.viewers import Viewers
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.decision.allocator import describe_subgroups
from gdt_tutorial.twin.decision.schedule import greedy_schedule, schedule_model
from gdt_tutorial.twin.swipe_curves import SwipeCurves, on_screen

__all__ = ["TwinEnvironment"]


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
        require(len(viewers.user) == 1, "viewers", "hold one environment", len(viewers.user), "draw with n_batch=1")
        require(n_slots > 0, "n_slots", "be above 0", n_slots, "run one slot at least")
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
        decision, _ = greedy_schedule(self._features, self._model, version, np.exp(self.log_weight * choice[..., 1]))
        telemetry = self._network.step(decision)
        service = telemetry.service
        running = on_screen(telemetry.session, self._network.catalog)
        self._abstractor.curves.update(service.view_type, service.view_fraction, running=running)
        info = {"stall_s": float(service.stall_s.mean()), "quality": float(service.quality.mean())}
        return self._observe(telemetry), float(service.qoe.mean()), False, telemetry.slot >= self._n_slots, info
