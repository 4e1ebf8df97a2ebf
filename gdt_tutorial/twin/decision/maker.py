"""Network decision-making: the protocol of whoever turns features into the resource schedule of one slot.

"The abstracted features are input to the model-based network management module in DT and the GAI-based network management
module, respectively" (the paper, Procedure of Closed-Loop Network Management). Both are `DecisionMaker`s, and whoever
holds one need not know which.
"""

from typing import Protocol, runtime_checkable

from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.abstraction.features import Features

__all__ = ["DecisionMaker"]


@runtime_checkable
class DecisionMaker(Protocol):
    """Anything that manages the network for one slot."""

    def decide(self, features: Features) -> Decision:
        """Return the schedule of the next slot."""
        ...
