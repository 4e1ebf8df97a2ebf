"""The DT environment of the case study: cells to learn in, by any agent that knows gymnasium.

"The joint multicast segment buffering and resource scheduling decision is fed back to the DT environment to obtain the
system reward, i.e., QoE, for Q-network update" (the paper, case study). `CellEnvironments` steps many cells at once and is
what the agents train in; `CampusEnvironment` is one campus as a plain `gymnasium.Env`.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Float, Int

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
        scheduler = self._make(campuses)

        def decide(features: Features, action: np.ndarray, order: Int[np.ndarray, "batch ap branch"]) -> Decision:
            version = scatter(action.astype(np.int64).reshape(order.shape), order, features.ap.shape[1])
            return scheduler.schedule(features, version)

        return decide


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

    def reward(self) -> Float[np.ndarray, "batch ap"]:
        """Return each cell's QoE of the slot, per second, as if the users were spread evenly over the APs."""
        session, qoe = self.telemetry.session, self.telemetry.service.qoe
        n_aps = len(self.campuses.model.capacity.bandwidth_hz)
        return sum_per_ap(qoe, session.serving_ap, n_aps) / (qoe.shape[1] / n_aps)


class CellEnvironments(VectorEnv):
    """Every AP of every campus as one environment; a handover moves a user from one to another.

    Observation: the state of `describe_cells`. Action: as the actuator says. Reward: mean QoE per user and second of the
    slot. Episodes are truncated after `n_slots` slots and never terminate; `info["action_mask"]` has the legal versions.
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

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode everywhere."""
        super().reset(seed=seed)
        self._n_episodes = int(self.np_random.integers(len(self._capacities)))
        self._worlds = [self._begin() for _ in range(self._n_worlds)]
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
        # Only choices can be illegal.
        has_choices = isinstance(self.single_action_space, gymnasium.spaces.MultiDiscrete)
        return state, {"action_mask": mask, "_action_mask": np.ones(len(mask), dtype=bool)} if has_choices else {}

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Run one slot; a lot whose episode is over begins a new one instead."""
        reward, is_truncated = np.zeros(self.num_envs), np.zeros(self.num_envs, dtype=bool)
        for index, world in enumerate(self._worlds):
            own = slice(index * self._cells_per_world, (index + 1) * self._cells_per_world)
            if world.telemetry.slot >= self._n_slots:
                self._worlds[index] = self._begin()
                continue
            world.step(np.asarray(actions)[own])
            reward[own] = world.reward().reshape(-1)
            is_truncated[own] = world.telemetry.slot >= self._n_slots
        state, info = self._observe()
        return state, reward, np.zeros(self.num_envs, dtype=bool), is_truncated, info


class CampusEnvironment(gymnasium.Env):
    """One campus: the observations of its cells one after the other, an action for all of them, the mean reward.

    Args:
        cells: Environments of one campus.
    """

    metadata = {"render_modes": []}

    def __init__(self, cells: CellEnvironments) -> None:
        space, action = cells.single_observation_space, cells.single_action_space
        is_choice, remedy = isinstance(action, gymnasium.spaces.MultiDiscrete), "use a VersionActuator"
        require(is_choice, "cells", "have MultiDiscrete actions", action, remedy)
        self._cells = cells
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (cells.num_envs * space.shape[0],), np.float32)  # type: ignore[index]
        self.action_space = gymnasium.spaces.MultiDiscrete(np.tile(action.nvec, cells.num_envs))  # type: ignore[attr-defined]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode."""
        super().reset(seed=seed)
        state, info = self._cells.reset(seed=int(self.np_random.integers(2**31)))
        return state.reshape(-1), {"action_mask": info["action_mask"].reshape(-1, info["action_mask"].shape[-1])}

    def step(self, action: Int[np.ndarray, " choice"]) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Run one slot."""
        state, reward, _, is_truncated, info = self._cells.step(np.asarray(action).reshape(self._cells.num_envs, -1))
        mask = info["action_mask"].reshape(-1, info["action_mask"].shape[-1])
        return state.reshape(-1), float(reward.mean()), False, bool(is_truncated.all()), {"action_mask": mask}
