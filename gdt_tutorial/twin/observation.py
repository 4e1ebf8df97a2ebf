"""What an abstractor and an emulator get to see: the status of this slot, and the slots and decisions before it.

"The new and previous DT data features are integrated to generate comprehensive inputs for GAI-based network
decision-making" (the paper, GAI-Based Decision-Making). Memory travels in the observation: a real slot and a slot of a
rollout look alike, and each rollout carries its own past. So a maker with a memory needs none of its own, and whoever holds
it may ask it about any future.
"""

from dataclasses import dataclass

import numpy as np

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.status import Status, StatusWindow

__all__ = ["MEMORY_SLOTS", "Memory", "Observation"]

MEMORY_SLOTS = 20  # more than the longest period of the external loop; a longer memory does not help the LSTM


@dataclass(frozen=True, kw_only=True)
class Observation:
    """The last slots of status, oldest first, and what was decided between them.

    Attributes:
        statuses: At most `MEMORY_SLOTS` = 20 of them; the last one is now.
        decisions: `decisions[i]` was carried out in the slot that `statuses[i + 1]` tells of.

    Raises:
        ValueError: no status, or another number of decisions than of steps between statuses.
    """

    statuses: tuple[Status, ...]
    decisions: tuple[Decision, ...] = ()

    def __post_init__(self) -> None:
        require(len(self.statuses) > 0, "statuses", "hold one at least", 0, "pass the status of this slot")
        n_steps = len(self.statuses) - 1
        rule, remedy = f"hold {n_steps}, one per step between statuses", "go on with `then`"
        require(len(self.decisions) == n_steps, "decisions", rule, len(self.decisions), remedy)

    @property
    def status(self) -> Status:
        """The status of now."""
        return self.statuses[-1]

    @property
    def slot(self) -> int:
        """The slot of now."""
        return self.status.slot

    @property
    def n_batch(self) -> int:
        """Networks side by side."""
        return len(self.status.session.head)

    def then(self, decision: Decision, status: Status) -> "Observation":
        """Return what is seen one slot later; the oldest slot is forgotten where there are too many."""
        statuses, decisions = (*self.statuses, status), (*self.decisions, decision)
        return Observation(statuses=statuses[-MEMORY_SLOTS:], decisions=decisions[-MEMORY_SLOTS + 1 :])

    @property
    def window(self) -> StatusWindow:
        """The same slots as an emulator reads them; what lies before the first one repeats it, as not collected."""
        n_before = MEMORY_SLOTS - len(self.statuses)
        statuses = (*[self.statuses[0]] * n_before, *self.statuses)

        def stacked(values: list[np.ndarray]) -> np.ndarray:
            return np.stack(values, axis=2)

        def is_collected(ages: list[np.ndarray]) -> np.ndarray:
            mask = stacked(ages) == 0
            mask[:, :, :n_before] = False
            return mask

        return StatusWindow(
            slot=self.status.slot,
            position_m=stacked([each.behavior.position_m for each in statuses]),
            velocity_mps=stacked([each.behavior.velocity_mps for each in statuses]),
            is_behavior_collected=is_collected([each.behavior.age_slots for each in statuses]),
            snr_db=stacked([each.networking.snr_db for each in statuses]),
            is_networking_collected=is_collected([each.networking.age_slots for each in statuses]),
        )


class Memory:
    """Puts observations together while a network runs: what was seen, and what was then decided."""

    def __init__(self) -> None:
        self._seen: Observation | None = None
        self._decision: Decision | None = None

    def see(self, status: Status) -> Observation:
        """Take in the status of a slot, and return what is seen now.

        Raises:
            ValueError: the slot before has no decision yet.
        """
        if self._seen is None:
            self._seen = Observation(statuses=(status,))
        else:
            require(self._decision is not None, "memory", "know the decision of the last slot", None, "call note first")
            assert self._decision is not None
            self._seen = self._seen.then(self._decision, status)
        self._decision = None
        return self._seen

    def note(self, decision: Decision) -> Decision:
        """Take in what was decided, and return it."""
        self._decision = decision
        return decision
