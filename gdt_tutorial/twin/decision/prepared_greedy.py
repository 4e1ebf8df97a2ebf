"""A greedy allocator that prepares for the load that comes: it stocks up where more users will share a cell.

"The abstracted features can simplify the network management problem and provide tailored network management information" (the
paper, GAI-Based Feature Abstraction). Bandwidth cannot be kept for later, but seconds of video can. Where the forecast in
`Features.context` says that an access point will have more users than now, quality counts less and avoided stall as before:

    value_s  *  (load now / load that comes) ^ strength

so that lower versions are chosen and more seconds fit into the slot. Where fewer users come it is the other way round. With
strength 0 this is `GreedyAllocator`. The paper gives no such rule; it is ours.
"""

from dataclasses import replace

import numpy as np

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.abstraction.features import Features
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.schedule import ScheduleModel

__all__ = ["PreparedGreedy"]

_LARGEST = 4.0  # of the ratio of loads, and of its inverse


class PreparedGreedy:
    """Greedy on values that are weighed by the load that comes (a `DecisionMaker`).

    Args:
        model: What a slot can carry.
        strength: How much the forecast counts; 0 leaves it unread.

    Raises:
        ValueError: A strength below 0.
    """

    def __init__(self, model: ScheduleModel, strength: float = 1.0) -> None:
        require(strength >= 0, "strength", "be at least 0", strength, "0 leaves the forecast unread")
        self.strength, self._greedy = strength, GreedyAllocator(model)
        self._n_aps = len(model.capacity.bandwidth_hz)

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        """Weigh the values, then decide as `GreedyAllocator`.

        Raises:
            ValueError: Features without a forecast.
        """
        n_aps, width = self._n_aps, features.context.shape[1]
        rule = f"hold {2 * n_aps} loads at the end of its context"
        require(width >= 2 * n_aps, "features", rule, width, "use ForecastContext")
        now, coming = np.maximum(np.split(features.context[:, -2 * n_aps :], 2, axis=1), 1.0)
        weight = np.clip(now / coming, 1 / _LARGEST, _LARGEST) ** self.strength
        own = np.take_along_axis(weight, features.ap, axis=1)[..., None]
        return self._greedy.decide(replace(features, value_s=features.value_s * own), rng=rng)
