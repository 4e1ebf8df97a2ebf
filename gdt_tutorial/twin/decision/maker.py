"""Network decision-making: the protocol of whoever turns features into the resource schedule of one slot.

"The abstracted features are input to the model-based network management module in DT and the GAI-based network management
module, respectively" (the paper, Procedure of Closed-Loop Network Management). Both are `DecisionMaker`s, and whoever
holds one need not know which.
"""

from typing import Protocol, runtime_checkable

import numpy as np

from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.abstraction.features import Features

__all__ = ["DecisionMaker"]


@runtime_checkable
class DecisionMaker(Protocol):
    """Anything that manages the network for one slot.

    A maker is a function of its arguments: the same features and the same state of `rng` give the same decision, whatever it
    was asked before. What it remembers travels in the features, what it draws comes from `rng`; a network of torch seeds a
    generator of its own from it: `seeding.torch_from(rng)`.
    """

    def decide(self, features: Features, *, rng: np.random.Generator) -> Decision:
        """Return the schedule of the next slot."""
        ...
