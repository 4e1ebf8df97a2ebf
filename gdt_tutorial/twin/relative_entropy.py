"""How much a report would reduce the entropy of what the twin believes: entropy that does not saturate.

"... mean squared error (MSE) and entropy to measure the emulated accuracy for adaptive data collection frequency adjustment"
(the paper, GAI-Based Status Emulation). The entropy of a belief alone asks for the wrong users: where it is as large right
after a report as long before it, a report buys nothing. So the entropy here is relative,

    value of a report = entropy of the coming slot without it - its expected entropy with it, in nat

For a Gaussian that is the sum over coordinates of ln(std without / std with). Behavior is also categorical: a user walks
or stands still. With a chain of two modes that was last seen `age` slots ago, the value is the mutual information

    I(mode now; mode in the next slot | last report) = H(b P) - sum over modes of b_i H(P_i),   b = P^age of the mode seen

How we differ: the paper names no entropy. That the modes are a Markov chain is our assumption. Legs and pauses of a Levy walk
have heavy tails, so it errs for long ages.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require, require_counts

__all__ = ["ModeChain", "categorical_entropy_nat", "relative_entropy_nat"]

_GRID = np.concatenate([[0.002, 0.005, 0.01], np.arange(0.02, 0.5, 0.02), np.arange(0.5, 1.0, 0.1)])


def categorical_entropy_nat(share: Float[np.ndarray, "*shape choice"]) -> Float[np.ndarray, "*shape"]:
    """Return the entropy of categories, whose shares stand in the last axis; 0 ln 0 is 0."""
    return -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=-1)


def relative_entropy_nat(
    std: Float[np.ndarray, "*shape coordinate"], std_with_report: Float[np.ndarray, "*#shape coordinate"]
) -> Float[np.ndarray, "*shape"]:
    """Return by how much a report reduces the entropy of independent Gaussians; 0 where it does not.

    Raises:
        ValueError: a standard deviation that is not positive.
    """
    for name, value in (("std", std), ("std_with_report", std_with_report)):
        least = float(np.min(value, initial=np.inf))
        require(least > 0, name, "be above 0", least, "a certain value has no density")
    return np.maximum(np.log(std / std_with_report).sum(axis=-1), 0.0)


class ModeChain:
    """A chain of two modes, standing still and walking, fitted to reports of any age.

    Reports come at different ages, so transitions from slot to slot are seldom seen. The fit takes the pair of
    probabilities, on a grid, under which the pairs of consecutive reports are most likely.

    >>> chain = ModeChain()
    >>> walked, age = np.ones((1, 10), dtype=bool), np.ones((1, 10), dtype=np.int64)
    >>> chain.learn(walked, age, np.arange(10)[None] > 0, np.ones((1, 10), dtype=bool))
    >>> float(chain.transition()[1, 0].round(2))  # of ten who walked, one stopped
    0.1
    """

    def __init__(self, max_age_slots: int = 20) -> None:
        require_counts("count at least one", max_age_slots=max_age_slots)
        self._max_age_slots = max_age_slots
        self._count = np.zeros((2, max_age_slots + 1, 2))  # mode before, age, mode now
        start, stop = np.meshgrid(_GRID, _GRID, indexing="ij")
        self._grid = np.stack([np.stack([1 - start, start], -1), np.stack([stop, 1 - stop], -1)], -2).reshape(-1, 2, 2)
        self._log_power = np.stack([np.log(_power(self._grid, age)) for age in range(1, max_age_slots + 1)])

    def learn(
        self,
        was_walking: Bool[np.ndarray, "batch user"],
        age_slots: Int[np.ndarray, "batch user"],
        is_walking: Bool[np.ndarray, "batch user"],
        is_collected: Bool[np.ndarray, "batch user"],
    ) -> None:
        """Count pairs of reports: the mode before, slots in between, the mode now. Reports far apart are left out."""
        at = is_collected & (age_slots >= 1) & (age_slots <= self._max_age_slots)
        np.add.at(self._count, (was_walking[at].astype(int), age_slots[at], is_walking[at].astype(int)), 1.0)

    def transition(self) -> Float[np.ndarray, "2 2"]:
        """Return the most likely probabilities from a mode (row) to the mode one slot later; row 0 stands still."""
        likelihood = np.einsum("man,agmn->g", self._count[:, 1:], self._log_power)
        return self._grid[int(np.argmax(likelihood))]

    def report_value_nat(
        self, was_walking: Bool[np.ndarray, "batch user"], age_slots: Int[np.ndarray, "batch user"]
    ) -> Float[np.ndarray, "batch user"]:
        """Return what a report now says about the mode of the next slot, where the last one is `age_slots` old."""
        chain = self.transition()
        next_nat = categorical_entropy_nat(chain)
        belief = np.stack([_power(chain, age) for age in range(self._max_age_slots + 1)])  # age, mode before, mode now
        value = categorical_entropy_nat(belief @ chain) - belief @ next_nat
        age = np.minimum(age_slots, self._max_age_slots)
        return np.maximum(value[age, was_walking.astype(int)], 0.0)


def _power(chain: Float[np.ndarray, "*shape 2 2"], age: int) -> Float[np.ndarray, "*shape 2 2"]:
    return np.linalg.matrix_power(chain, age)
