"""The context of a muting decision in fewer numbers: the code of a variational autoencoder, for makers that learn from it.

"VAE can encode the high-dimensional DT status data into a low-dimensional representation to capture the network traffic
patterns and user behavioral patterns" (the paper, GAI-Based Feature Abstraction). Six access points on one band give 60 numbers
(`muting_context`); the shipped encoder makes 32 of them, and whoever decides by diffusion (`decision.learned_bitmaps`) reads
the code alone. What that costs the decision is a matter of its score, and not of how well the numbers come back.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.vae import VariationalAutoencoder
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor, Features
from gdt_tutorial.twin.abstraction.muting_context import muting_context
from gdt_tutorial.twin.observation import Observation

__all__ = ["CodedContext", "code_of_context", "last_of_context"]


class CodedContext:
    """Adds the code of the muting context to the features of another abstractor, behind their context (a `FeatureAbstractor`).

    Args:
        abstractor: Makes the other features.
        vae: Trained on contexts, as windows of one slot.
        n_aps: How many access points there are.

    Raises:
        ValueError: A network for windows of more than one slot.
    """

    def __init__(self, abstractor: FeatureAbstractor, vae: VariationalAutoencoder, n_aps: int) -> None:
        require(vae.n_slots == 1, "vae", "read windows of one slot", vae.n_slots, "train it on muting contexts")
        # Double precision: a row of a batch comes out the same whatever stands beside it.
        self.abstractor, self.vae, self.n_aps = abstractor, deepcopy(vae).double(), n_aps

    def abstract(self, seen: Observation) -> Features:
        """Return the features with the code.

        Raises:
            ValueError: Another number of access points than the encoder knows.
        """
        features = self.abstractor.abstract(seen)
        code = code_of_context(self.vae, muting_context(features, self.n_aps))
        return replace(features, context=np.concatenate([features.context, code], axis=1))


def code_of_context(
    vae: VariationalAutoencoder, context: Float[np.ndarray, "batch context"]
) -> Float[np.ndarray, "batch latent"]:
    """Return the mean of the code of each context."""
    return vae.abstract(context[:, None])[0]


def last_of_context(n_numbers: int) -> Callable[[Features, int], Float[np.ndarray, "batch context"]]:
    """Return what reads so many numbers from the end of `Features.context`, where an abstractor has put them."""

    def read(features: Features, n_aps: int) -> Float[np.ndarray, "batch context"]:
        width, remedy = features.context.shape[1], "put CodedContext around the abstractor"
        require(width >= n_numbers, "features.context", f"hold {n_numbers} numbers or more", width, remedy)
        return features.context[:, width - n_numbers :]

    return read
