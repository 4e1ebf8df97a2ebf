"""The twin as a `gymnasium.Env` over whole episodes, for agents to train in.

`gymnasium.make` knows two of them as soon as `gdt_tutorial.twin` is imported: "gdt_tutorial/Twin-v0", whose actions are
numbers, and "gdt_tutorial/TwinVersions-v0", whose actions are choices with masks.
"""

from functools import partial
from typing import Any

import gymnasium
import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.agents.episode_checks import (
    AFTER_THE_END,
    BEFORE_THE_FIRST,
    checked_action,
    require_begun,
    require_finite,
    require_running,
)
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.physical.video import VideoCatalog
from gdt_tutorial.physical.viewers import Viewers
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.decision.allocator import describe_subgroups
from gdt_tutorial.twin.decision.schedule import greedy_schedule, schedule_model
from gdt_tutorial.twin.swipe_curves import SwipeCurves, on_screen

__all__ = ["TwinEnvironment", "TwinVersions", "waterloo_twin", "waterloo_versions"]


class TwinEnvironment(gymnasium.Env):
    """One virtual campus as a `gymnasium.Env`: observe every SMG, choose its version and its weight, get the QoE.

    Observation: `Box` of shape (subgroup x feature), the rows of `describe_subgroups` one after the other.
    Action: `Box(-1, 1)` of shape (subgroup x 2), flat: a number that picks the version, lowest to highest, and the
    logarithm of the SMG's weight in the schedule (times `log_weight`).
    Reward: mean QoE per user and second of the slot. The swipe curves behind the observation are learned from the views
    of the episode. `info` has the means over users of the slot's stall and quality. Episodes are truncated after `n_slots`
    slots and never terminate.

    Raises:
        ResetNeeded: A step before the first reset, or after the end of an episode.
        ValueError: An action outside of the space, or a reward or observation that is NaN.
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
        self._make = partial(PhysicalNetwork, topology, catalog, viewers, config)
        self._network, self._n_slots, curves = self._make(seed=0), n_slots, SwipeCurves(1, catalog.n_types)
        self._idle = BEFORE_THE_FIRST
        self._model = schedule_model(self._network)
        self._abstractor = GroupAbstractor(catalog, self._network.capacity, curves, self._network.link)
        observation = self._observe(self._network.reset())
        self.observation_space = gymnasium.spaces.Box(0.0, np.inf, observation.shape, np.float32)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (2 * self._features.ap.shape[1],), np.float32)

    @property
    def n_versions(self) -> int:
        """Return how many versions every video has."""
        return self._model.catalog.n_versions

    def _observe(self, telemetry: Any) -> Float[np.ndarray, " feature"]:
        self._features = self._abstractor.abstract_session(telemetry.session, telemetry.snr_db)
        observation = describe_subgroups(self._features, self._model).astype(np.float32).reshape(-1)
        require_finite("observation", observation[None], f"slot {telemetry.slot}")
        return observation

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode; each one takes its own walks, channels and swipes from the seeded generator."""
        super().reset(seed=seed)
        self._network = self._make(seed=int(self.np_random.integers(2**31)))
        self._abstractor.curves = SwipeCurves(1, self._network.catalog.n_types)
        self._idle = ""
        return self._observe(self._network.reset()), {}

    def step(self, action: Float[np.ndarray, " choice"]) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Run one slot."""
        require_running(self._idle)
        action = checked_action(self.action_space, action)
        choice = np.clip(action.astype(np.float64), -1, 1).reshape(1, -1, 2)
        n_versions = self.n_versions
        version = np.minimum(((choice[..., 0] + 1) / 2 * n_versions).astype(np.int64), n_versions - 1)
        decision, _ = greedy_schedule(self._features, self._model, version, np.exp(self.log_weight * choice[..., 1]))
        telemetry = self._network.step(decision)
        service = telemetry.service
        running = on_screen(telemetry.session, self._network.catalog)
        self._abstractor.curves.update(service.view_type, service.view_fraction, running=running)
        info = {"stall_s": float(service.stall_s.mean()), "quality": float(service.quality.mean())}
        reward, is_over = float(service.qoe.mean()), telemetry.slot >= self._n_slots
        require_finite("reward", np.array([reward]), f"slot {telemetry.slot}")
        self._idle = AFTER_THE_END if is_over else ""
        return self._observe(telemetry), reward, False, is_over, info

    def has_members(self) -> Bool[np.ndarray, " subgroup"]:
        """Say which SMGs have members now; what is chosen for the others changes nothing."""
        require_begun(self._idle)
        return self._features.n_members[0] > 0


class TwinVersions(gymnasium.ActionWrapper):
    """The twin for agents of choices: they choose each SMG's version, and all SMGs weigh the same in the schedule.

    Action: `MultiDiscrete`, a version for each SMG. `action_masks()` is what MaskablePPO of sb3-contrib asks for: all
    versions where an SMG has members, and the first one alone where it has none. `info["action_mask"]` says the same as a
    matrix SMG x version, which is where `agents.replay.Collector` looks.
    """

    def __init__(self, env: TwinEnvironment) -> None:
        super().__init__(env)
        self._twin, n_subgroups = env, env.action_space.shape[0] // 2  # type: ignore[index]
        self._n_versions = env.n_versions
        self.action_space = gymnasium.spaces.MultiDiscrete([self._n_versions] * n_subgroups)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode; `info` has the mask of the first slot."""
        observation, info = super().reset(seed=seed, options=options)
        return observation, {**info, "action_mask": self._mask()}

    def step(self, action: Int[np.ndarray, " subgroup"]) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Run one slot; `info` has the mask of the next one."""
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, float(reward), terminated, truncated, {**info, "action_mask": self._mask()}

    def action(self, action: Int[np.ndarray, " subgroup"]) -> Float[np.ndarray, " choice"]:
        """Return the numbers in the middle of the chosen versions, and 0 for the logarithms of the weights."""
        version = checked_action(self.action_space, action)
        choice = np.zeros((len(version), 2), dtype=np.float32)
        choice[:, 0] = (2 * version + 1) / self._n_versions - 1
        return choice.reshape(-1)

    def action_masks(self) -> Bool[np.ndarray, " choice"]:
        """Say which versions may be chosen, SMG after SMG."""
        return self._mask().reshape(-1)

    def _mask(self) -> Bool[np.ndarray, "subgroup version"]:
        is_first = np.arange(self._n_versions) == 0
        return self._twin.has_members()[:, None] | is_first


def waterloo_twin(n_slots: int = 30, config: NetworkConfig = NetworkConfig(), seed: int = 0) -> TwinEnvironment:
    """Return the twin of the book's network; `seed` draws its catalog and viewers, and `reset` all the rest."""
    network = PhysicalNetwork.waterloo(1, config, seed=seed)
    return TwinEnvironment(network.topology, network.catalog, network.viewers, config, n_slots)


def waterloo_versions(n_slots: int = 30, config: NetworkConfig = NetworkConfig(), seed: int = 0) -> TwinVersions:
    """Return the same for agents of choices."""
    return TwinVersions(waterloo_twin(n_slots, config, seed))
