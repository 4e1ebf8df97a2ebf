"""The DT environment of the case study: cells to learn in, by any agent that knows gymnasium.

"The joint multicast segment buffering and resource scheduling decision is fed back to the DT environment to obtain the
system reward, i.e., QoE, for Q-network update" (the paper, case study). `CellEnvironments` steps many cells at once and is
what the agents train in; `CampusEnvironment` is one campus as a plain `gymnasium.Env`. Both can be pickled in the middle of
an episode if the parts that they are made from can: functions of a module, or `functools.partial` of such.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Bool, Float, Int

from gdt_tutorial.agents.episode_checks import (
    AFTER_THE_END,
    BEFORE_THE_FIRST,
    checked_action,
    require_begun,
    require_finite,
    require_running,
)
from gdt_tutorial.case_study.experiment import Campuses
from gdt_tutorial.case_study.lists.buffering import SegmentBuffering
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.delivery import sum_per_ap
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.solutions.data_model.cell_state import describe_cells, legal, n_state, order_branches, scatter
from gdt_tutorial.solutions.data_model.scheduling import Scheduler
from gdt_tutorial.solutions.data_model.versions import VersionSelector
from gdt_tutorial.twin.abstraction.features import Features

__all__ = ["Actuator", "CampusEnvironment", "CellEnvironments", "Decide", "VersionActuator"]

Part = Callable[[Campuses], Any]
"""Makes a part of a scheme for the campuses of an episode."""


Decide = Callable[[Features, np.ndarray, Int[np.ndarray, "batch ap branch"]], Decision]
"""From features, the actions of all cells and the order of their branches to a decision."""


@runtime_checkable
class Actuator(Protocol):
    """What an agent's action means."""

    def space(self, n_branches: int, n_versions: int) -> gymnasium.Space:
        """Return the action space of a cell."""
        ...

    def begin(self, campuses: Campuses) -> Decide:
        """Return what turns actions into decisions for the campuses of an episode."""
        ...


class VersionActuator:
    """The agent selects the version of every SMG; a scheduler does the rest."""

    def __init__(self, make_scheduler: Callable[[Campuses], Scheduler]) -> None:
        self._make = make_scheduler

    def space(self, n_branches: int, n_versions: int) -> gymnasium.spaces.MultiDiscrete:
        """Return one choice of a version for each branch."""
        return gymnasium.spaces.MultiDiscrete([n_versions] * n_branches)

    def begin(self, campuses: Campuses) -> Decide:
        """Schedule in the chosen versions."""
        return partial(_in_versions, self._make(campuses))


def _in_versions(
    scheduler: Scheduler, features: Features, action: np.ndarray, order: Int[np.ndarray, "batch ap branch"]
) -> Decision:
    version = scatter(action.astype(np.int64).reshape(order.shape), order, features.ap.shape[1])
    return scheduler.schedule(features, version)


class _World:
    """Some campuses in the middle of an episode."""

    def __init__(
        self, campuses: Campuses, buffering: SegmentBuffering, priors: Sequence[VersionSelector], decide: Decide
    ) -> None:
        self.campuses, self._buffering, self._priors, self._decide = campuses, buffering, priors, decide
        self.telemetry = campuses.network.reset(campuses.group)

    def observe(self, n_branches: int) -> tuple[Float[np.ndarray, "batch ap state"], np.ndarray]:
        model, telemetry = self.campuses.model, self.telemetry
        self.features = self._buffering.abstract_session(telemetry.session, telemetry.snr_db)
        self.order = order_branches(self.features, len(model.capacity.bandwidth_hz), n_branches)
        priors = [rule.select(self.features) for rule in self._priors]
        return describe_cells(self.features, model, self.order, priors), legal(self.order, model.catalog.n_versions)

    def step(self, action: np.ndarray) -> None:
        decision = self._decide(self.features, action, self.order)
        self.telemetry = self.campuses.network.step(decision)

    def outcome(self, name: str) -> Float[np.ndarray, "batch ap"]:
        """Return a part of each cell's `Service` in the slot, as if the users were spread evenly over the APs."""
        session, value = self.telemetry.session, getattr(self.telemetry.service, name)
        n_aps = len(self.campuses.model.capacity.bandwidth_hz)
        return sum_per_ap(value, session.serving_ap, n_aps) / (value.shape[1] / n_aps)


class CellEnvironments(VectorEnv):
    """Every AP of every campus as one environment; a handover moves a user from one to another.

    Observation: the state of `describe_cells`. Action: as the actuator says. Reward: mean QoE per user and second of the
    slot. Episodes are truncated after `n_slots` slots and never terminate; `info["action_mask"]` has the legal versions,
    and `info["stall_s"]` and `info["quality"]` the means per user in the slot.
    Campuses come in `n_worlds` lots; an episode of a lot takes new campuses, and its capacity is the next one of the list.

    Args:
        open_world: Makes campuses from a seed and a computing capacity.
        capacities: Computing capacities in cycles per second that episodes go through.
        buffering: Makes the buffering of an episode.
        advice: Each makes a rule whose versions become part of the state.
        actuator: What an action means.
        n_worlds: Lots of campuses that run side by side.
        n_branches: SMGs per cell that an agent can manage.
        n_slots: Length of an episode.

    Raises:
        ResetNeeded: A step before the first reset.
        ValueError: No capacity, or a count below 1; an action outside of the space; a reward or observation that is NaN.
    """

    def __init__(
        self,
        open_world: Callable[[int, float], Campuses],
        capacities: Sequence[float],
        buffering: Part,
        priors: Sequence[Part],
        actuator: Actuator,
        *,
        n_worlds: int = 1,
        n_branches: int = 16,
        n_slots: int = 30,
    ) -> None:
        require(len(capacities) > 0, "capacities", "hold a number", capacities, "pass cycles per second")
        for name, value in (("n_worlds", n_worlds), ("n_branches", n_branches), ("n_slots", n_slots)):
            require(value > 0, name, "be above 0", value, "leave it out for the default")
        self._open, self._capacities, self._parts = open_world, tuple(capacities), (buffering, tuple(priors))
        self._actuator, self._n_worlds, self.n_branches, self._n_slots = actuator, n_worlds, n_branches, n_slots
        sample = open_world(0, self._capacities[0])
        n_batch, model = len(sample.group), sample.model
        self._cells_per_world = n_batch * len(model.capacity.bandwidth_hz)
        self.num_envs = n_worlds * self._cells_per_world
        n_versions = model.catalog.n_versions
        shape = (n_state(n_branches, n_versions, len(priors)),)
        self.single_observation_space = gymnasium.spaces.Box(-np.inf, np.inf, shape, np.float32)
        self.single_action_space = actuator.space(n_branches, n_versions)
        self.observation_space = gymnasium.vector.utils.batch_space(self.single_observation_space, self.num_envs)
        self.action_space = gymnasium.vector.utils.batch_space(self.single_action_space, self.num_envs)
        self.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}
        self._idle = BEFORE_THE_FIRST

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode everywhere."""
        super().reset(seed=seed)
        self._n_episodes = int(self.np_random.integers(len(self._capacities)))
        self._worlds = [self._begin() for _ in range(self._n_worlds)]
        self._idle = ""
        return self._observe()

    def _begin(self) -> _World:
        capacity = self._capacities[self._n_episodes % len(self._capacities)]
        self._n_episodes += 1
        campuses = self._open(int(self.np_random.integers(2**31)), capacity)
        buffering, priors = self._parts
        return _World(
            campuses, buffering(campuses), [make(campuses) for make in priors], self._actuator.begin(campuses)
        )

    def _observe(self) -> tuple[np.ndarray, dict[str, Any]]:
        pairs = [world.observe(self.n_branches) for world in self._worlds]
        state, mask = (
            np.concatenate([part.reshape(-1, *part.shape[2:]) for part in parts]) for parts in zip(*pairs, strict=True)
        )
        for world, first in zip(self._worlds, range(0, self.num_envs, self._cells_per_world), strict=True):
            own, slot = state[first : first + self._cells_per_world], world.telemetry.slot
            require_finite("observation", own, f"slot {slot}", first)
        # Only choices can be illegal.
        has_choices = isinstance(self.single_action_space, gymnasium.spaces.MultiDiscrete)
        return state, {"action_mask": mask, "_action_mask": np.ones(len(mask), dtype=bool)} if has_choices else {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Run one slot; a lot whose episode is over begins a new one instead."""
        require_running(self._idle)
        is_played = np.repeat([world.telemetry.slot < self._n_slots for world in self._worlds], self._cells_per_world)
        actions = checked_action(self.action_space, actions, is_played)
        reward, is_truncated = np.zeros(self.num_envs), np.zeros(self.num_envs, dtype=bool)
        stall_s, quality = np.zeros(self.num_envs), np.zeros(self.num_envs)
        for index, world in enumerate(self._worlds):
            own = slice(index * self._cells_per_world, (index + 1) * self._cells_per_world)
            if not is_played[own.start]:
                self._worlds[index] = self._begin()
                continue
            world.step(actions[own])
            for name, values in (("qoe", reward), ("stall_s", stall_s), ("quality", quality)):
                values[own] = world.outcome(name).reshape(-1)
            slot = world.telemetry.slot
            require_finite("reward", reward[own], f"slot {slot}", own.start)
            is_truncated[own] = slot >= self._n_slots
        state, info = self._observe()
        info |= {"stall_s": stall_s, "_stall_s": is_played, "quality": quality, "_quality": is_played.copy()}
        return state, reward, np.zeros(self.num_envs, dtype=bool), is_truncated, info


class CampusEnvironment(gymnasium.Env):
    """One campus: the observations of its cells one after the other, an action for all of them, the mean reward.

    `info` has the masks of all branches, and the means over users of the slot's stall and quality.
    `gymnasium.make("gdt_tutorial/Campus-v0")` makes the case study's campus, once `gdt_tutorial.case_study` is imported.

    Args:
        cells: Environments of one campus.

    Raises:
        ResetNeeded: A step before the first reset, or after the end of an episode.
        ValueError: Actions that are no choices; an action outside of the space; a reward or observation that is NaN.
    """

    metadata = {"render_modes": []}

    def __init__(self, cells: CellEnvironments) -> None:
        space, action = cells.single_observation_space, cells.single_action_space
        is_choice, remedy = isinstance(action, gymnasium.spaces.MultiDiscrete), "use a VersionActuator"
        require(is_choice, "cells", "have MultiDiscrete actions", action, remedy)
        self._cells, self._idle = cells, BEFORE_THE_FIRST
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (cells.num_envs * space.shape[0],), np.float32)  # type: ignore[index]
        self.action_space = gymnasium.spaces.MultiDiscrete(np.tile(action.nvec, cells.num_envs))  # type: ignore[attr-defined]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode."""
        super().reset(seed=seed)
        state, info = self._cells.reset(seed=int(self.np_random.integers(2**31)))
        self._idle = ""
        return state.reshape(-1), {"action_mask": self._keep_mask(info)}

    def _keep_mask(self, info: dict[str, Any]) -> Bool[np.ndarray, "branch version"]:
        self._mask = info["action_mask"].reshape(-1, info["action_mask"].shape[-1])
        return self._mask

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Run one slot."""
        require_running(self._idle)
        action = checked_action(self.action_space, action)
        state, reward, _, is_truncated, info = self._cells.step(action.reshape(self._cells.num_envs, -1))
        self._idle = AFTER_THE_END if is_truncated.all() else ""
        means = {name: float(info[name].mean()) for name in ("stall_s", "quality")}
        own_info = {"action_mask": self._keep_mask(info), **means}
        return state.reshape(-1), float(reward.mean()), False, bool(is_truncated.all()), own_info

    def action_masks(self) -> Bool[np.ndarray, " choice"]:
        """Say which versions may be chosen, branch after branch: what MaskablePPO of sb3-contrib asks for.

        A branch without an SMG has no legal version; here it has the first one, because each choice needs one.
        """
        require_begun(self._idle)
        is_first = np.arange(self._mask.shape[1]) == 0
        return (self._mask | (~self._mask.any(axis=1, keepdims=True) & is_first)).reshape(-1)
