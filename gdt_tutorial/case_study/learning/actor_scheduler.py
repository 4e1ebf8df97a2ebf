"""Resource scheduling by deep reinforcement learning alone: an actor that says each SMG's shares of band and cycles.

"The DRL scheme includes the sequential segment buffering strategy and deep deterministic policy gradient-based resource
scheduling" (the paper, simulation results). It gives no more, so the following is our reading. For each sub-multicast
group (SMG) the actor has two numbers in [-1, 1], one for the band and one for the cycles; the share is in proportion to

    members * exp(`log_range` * number)

so an actor that knows nothing yet, and says 0, splits each access point equally over its users. Shares become whole
segments in `baselines.share_schedule`, with largest remainders and a refill, without which a share of less than one
segment would be lost in every slot.
"""

from collections.abc import Callable
from functools import partial

import gymnasium
import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn

from gdt_tutorial.case_study.experiment import Campuses
from gdt_tutorial.case_study.learning.cell_environment import Decide
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.solutions.data_model.baselines import share_schedule
from gdt_tutorial.solutions.data_model.cell_state import EMPTY, describe_cells, order_branches
from gdt_tutorial.solutions.data_model.versions import VersionSelector
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.schedule import ScheduleModel

__all__ = ["LOG_RANGE", "ActorScheduler", "ShareActuator", "shares_of"]

LOG_RANGE = 2.0  # an SMG can get up to e^4 = 55 times the share per user of another one


def shares_of(
    action: Float[np.ndarray, "batch ap choice"], features: Features, order: Int[np.ndarray, "batch ap branch"]
) -> tuple[Float[np.ndarray, "batch subgroup"], Float[np.ndarray, "batch subgroup"]]:
    """Return the shares of band and of cycles that an action means; `choice` has two numbers for each branch.

    Raises:
        ValueError: Numbers for another number of branches.
    """
    n_wanted = 2 * order.shape[2]
    require(
        action.shape[2] == n_wanted, "action", f"hold {n_wanted} numbers per cell", action.shape, "two for each branch"
    )
    env, ap, branch = np.nonzero(order != EMPTY)
    subgroup = order[env, ap, branch]
    shares = np.zeros((2, *features.ap.shape))
    for resource in (0, 1):
        demand = np.zeros(order.shape)
        own = np.clip(action[env, ap, 2 * branch + resource], -1, 1)
        demand[env, ap, branch] = features.n_members[env, subgroup] * np.exp(LOG_RANGE * own)
        total = np.maximum(demand.sum(axis=-1, keepdims=True), 1e-12)
        shares[resource][env, subgroup] = (demand / total)[env, ap, branch]
    return shares[0], shares[1]


class ShareActuator:
    """The agent says the shares; a rule selects the versions (an `Actuator`)."""

    def __init__(self, make_versions: Callable[[Campuses], VersionSelector]) -> None:
        self._make = make_versions

    def space(self, n_branches: int, n_versions: int) -> gymnasium.spaces.Box:
        """Return two numbers for each branch."""
        return gymnasium.spaces.Box(-1.0, 1.0, (2 * n_branches,), np.float32)

    def begin(self, campuses: Campuses) -> Decide:
        """Schedule by the agent's shares."""
        return partial(_by_shares, self._make(campuses), campuses.model)


def _by_shares(
    versions: VersionSelector,
    model: ScheduleModel,
    features: Features,
    action: np.ndarray,
    order: Int[np.ndarray, "batch ap branch"],
) -> Decision:
    band, cycles = shares_of(action.reshape(*order.shape[:2], -1), features, order)
    return share_schedule(features, model, versions.select(features), band, cycles)


class ActorScheduler:
    """Divides a slot as an actor says (a `Scheduler`).

    Args:
        model: Of the network.
        actor: From states of cells to two numbers per branch.
        advice: The rules whose versions are part of the state that the actor was trained on.
        n_branches: SMGs per cell that the actor knows.
    """

    def __init__(
        self, model: ScheduleModel, actor: nn.Module, priors: tuple[VersionSelector, ...] = (), n_branches: int = 16
    ) -> None:
        self.model, self.actor, self._priors, self._n_branches = model, actor, priors, n_branches

    @torch.no_grad()
    def schedule(self, features: Features, version: Int[np.ndarray, "batch subgroup"]) -> Decision:
        """Ask the actor for shares, and send the segments that they carry."""
        order = order_branches(features, len(self.model.capacity.bandwidth_hz), self._n_branches)
        state = describe_cells(features, self.model, order, [rule.select(features) for rule in self._priors])
        action = self.actor(torch.from_numpy(state).flatten(0, 1)).numpy().astype(np.float64)
        band, cycles = shares_of(action.reshape(*order.shape[:2], -1), features, order)
        return share_schedule(features, self.model, version, band, cycles)
