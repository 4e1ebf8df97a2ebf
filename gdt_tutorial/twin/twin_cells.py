"""Virtual campuses side by side as one vector environment, an agent for every access point, all with the same weights.

An access point shares its band and cycles among its own sub-multicast groups (SMGs) and cannot touch those of another. So
what one of them chooses is judged by the QoE of its own users: independent learners (Tan 1993, "Multi-agent reinforcement
learning: independent vs. cooperative agents") that share their weights. To judge all by the mean of the campus would add the
others' chance to each one's reward. Users who hand over carry consequences along; that is what this leaves out.

The twin can do what the network cannot: live the same day twice. With a rule, the reward is the QoE *beyond* what the rule
would have had in this slot, had it managed the same walks, channels and swipes from the episode's start. What is subtracted
does not depend on the actions, so the policy gradient stays what it is; it only loses the chance that both share.
"""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from jaxtyping import Bool, Float

from gdt_tutorial.agents.episode_checks import BEFORE_THE_FIRST, checked_action, require_finite, require_running
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Decision, Telemetry
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.slicing import NetworkSlice
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.decision.allocator import describe_subgroups
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.decision.schedule import ScheduleModel, greedy_schedule, schedule_model
from gdt_tutorial.twin.decision.subgroup_policy import LOG_WEIGHT
from gdt_tutorial.twin.swipe_curves import SwipeCurves, experienced_curves

__all__ = ["TwinCells"]

_ANY = np.random.default_rng(0)  # greedy draws nothing


class _Course:
    """Campuses that are managed slot by slot, as the twin sees them."""

    def __init__(self, network: PhysicalNetwork, curves: SwipeCurves, network_slice: NetworkSlice) -> None:
        self.network, self._curves = network, curves
        self.use_slice(network_slice)
        self._see(network.reset())

    def use_slice(self, network_slice: NetworkSlice) -> None:
        network = self.network
        network.use_slice(network_slice)
        self.model: ScheduleModel = schedule_model(network)
        self._abstractor = GroupAbstractor(network.catalog, network.capacity, self._curves, network.link)

    def step(self, decision: Decision) -> Float[np.ndarray, " env"]:
        """Run one slot; return each cell's QoE, over a cell's share of the users."""
        telemetry = self.network.step(decision)
        self._see(telemetry)
        is_here = telemetry.session.serving_ap[..., None] == np.arange(self.network.topology.n_aps)
        total = (telemetry.service.qoe[..., None] * is_here).sum(axis=1)
        return (total * is_here.shape[2] / is_here.shape[1]).reshape(-1)

    def _see(self, telemetry: Telemetry) -> None:
        self.features = self._abstractor.abstract_session(telemetry.session, telemetry.snr_db)


class TwinCells(VectorEnv):
    """Every environment is one access point of one virtual campus; all of them start and end together.

    Observation: of each SMG of the access point its row of `describe_subgroups`, then the version that the greedy allocator
    would choose (one-hot); flat.
    Action: `Box(-1, 1)`, flat: for each SMG a number that picks the version, lowest to highest, and the logarithm of its
    weight in the schedule over `LOG_WEIGHT`.
    Reward: QoE of the slot, summed over the access point's users, over the users per access point; minus the same of `rule`
    on the same course. Episodes are truncated after `n_slots` slots.

    Args:
        make_network: From a seed to campuses; called at each reset.
        n_slots: Length of an episode.
        rule: Makes what the reward is compared with; None compares with nothing.

    Raises:
        ValueError: An action outside of the space, or a reward or observation that is NaN.
    """

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(
        self,
        make_network: Callable[[int], PhysicalNetwork],
        n_slots: int = 30,
        rule: Callable[[ScheduleModel], DecisionMaker] | None = None,
    ) -> None:
        require(n_slots > 0, "n_slots", "be above 0", n_slots, "run one slot at least")
        self._make, self._n_slots, self._rule, self._idle = make_network, n_slots, rule, BEFORE_THE_FIRST
        self._course: _Course
        self._shadow: _Course | None
        self._is_over: bool
        n_aps = make_network(0).topology.n_aps
        self._slice = NetworkSlice.whole(n_aps)
        self._start(0)
        # SMGs in the order of their access points, the same in every campus.
        self._order = np.argsort(self._course.features.ap[0], kind="stable")
        self.num_envs = len(self._course.features.ap) * n_aps
        n_subgroups = len(self._order) // n_aps
        shape = self._observe().shape[1:]
        self.single_observation_space = gymnasium.spaces.Box(0.0, np.inf, shape, np.float32)
        self.single_action_space = gymnasium.spaces.Box(-1.0, 1.0, (2 * n_subgroups,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def use_slice(self, network_slice: NetworkSlice) -> None:
        """Give the campuses these shares of their resources, from now on: what drifts, where something drifts."""
        self._slice = network_slice
        for course in filter(None, (self._course, self._shadow)):
            course.use_slice(network_slice)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Float[np.ndarray, "env feature"], dict[str, Any]]:
        """Start new campuses."""
        super().reset(seed=seed)
        self._start(int(self.np_random.integers(2**31)))
        self._idle = ""
        return self._observe(), {}

    def step(
        self, actions: Float[np.ndarray, "env action"]
    ) -> tuple[
        Float[np.ndarray, "env feature"],
        Float[np.ndarray, " env"],
        Bool[np.ndarray, " env"],
        Bool[np.ndarray, " env"],
        dict[str, Any],
    ]:
        """Run one slot everywhere, or start anew where the last slot was an episode's last."""
        require_running(self._idle)
        never = np.zeros(self.num_envs, dtype=bool)
        if self._is_over:
            observation, info = self.reset()
            return observation, np.zeros(self.num_envs), never, never, info
        reward = self._course.step(self._decision(checked_action(self.action_space, actions)))
        if self._shadow is not None and self._rule is not None:
            decision = self._rule(self._shadow.model).decide(self._shadow.features, rng=_ANY)
            reward = reward - self._shadow.step(decision)
        when = f"slot {self._course.network.slot}"
        require_finite("reward", reward, when)
        observation = self._observe()
        require_finite("observation", observation, when)
        self._is_over = self._course.network.slot >= self._n_slots
        return observation, reward, never, np.full(self.num_envs, self._is_over), {}

    def _start(self, seed: int) -> None:
        network = self._make(seed)
        # As if the twin had watched before: the same curves for all.
        curves = experienced_curves(network.viewers, network.catalog.n_types, seed=network.seed)
        self._course = _Course(network, curves, self._slice)
        self._shadow = None if self._rule is None else _Course(self._make(seed), curves, self._slice)
        self._is_over = False

    def _observe(self) -> Float[np.ndarray, "env feature"]:
        features, model = self._course.features, self._course.model
        version = GreedyAllocator(model).decide(features, rng=_ANY).version[..., None]
        is_greedy = version == np.arange(model.catalog.n_versions)
        rows = np.concatenate([describe_subgroups(features, model), is_greedy], axis=-1)
        order = np.argsort(features.ap[0], kind="stable")
        return rows[:, order].astype(np.float32).reshape(len(rows) * self._course.network.topology.n_aps, -1)

    def _decision(self, actions: Float[np.ndarray, "env action"]) -> Decision:
        course = self._course
        choice = np.empty((*course.features.ap.shape, 2))
        choice[:, self._order] = actions.astype(np.float64).reshape(*choice.shape)
        n_versions = course.model.catalog.n_versions
        version = np.minimum(((choice[..., 0] + 1) / 2 * n_versions).astype(np.int64), n_versions - 1)
        return greedy_schedule(course.features, course.model, version, np.exp(LOG_WEIGHT * choice[..., 1]))[0]
