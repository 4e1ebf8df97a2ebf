"""Trust: each verdict of the twin is held against what came, and a twin whose verdicts do not come true loses its vote.

"The generated network management decisions from two modules are validated in DT environment to evaluate which one can achieve
better network performance" (the paper, Procedure of Closed-Loop Network Management). The paper does not ask whether the DT
environment is right. Where it is wrong, the internal loop carries out the worse decision and nobody notices. The rule is ours.

One maker is called *safe*: it decides where the twin has no vote. With e[i] what the twin expects of maker i, and r what came
of the one that was carried out,

    safe carried out       gap       <- memory gap + (1 - memory) (e[safe] - r)
    another carried out    advantage <- memory advantage + (1 - memory) (r - (e[safe] - gap))

`gap` is by how much the twin flatters. A twin that flatters all makers alike still chooses well, so the gap is taken out.
`advantage` is what the twin's choices gained over the safe maker, as far as the twin knows that one. Below minus the tolerance
the twin loses its vote, for `wait` verdicts at first, and for twice as many each further time; at least for -advantage / budget
of them, so that trying again costs no more than the budget on average. Of these verdicts only those count in which its word
about the safe maker came true within the tolerance. An advantage of at least 0 halves the next wait. At the start the twin has
no vote: it is first held against the safe maker.

What the rule cannot see: a wrong word about a maker that is not carried out. So it has to try again now and then, and a trial
costs what the wrong choice costs. Nor does it see what a trial costs after its own slots, such as a queue that stays long.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import configclass, parameter, require

__all__ = ["Holding", "Trust", "TrustConfig"]


@configclass
class TrustConfig:
    """When the twin loses its vote, and for how long."""

    memory: float = parameter(
        0.5, "Weight of what was held before, in gap and advantage.", "chosen: two verdicts", at_least=0, below=1
    )
    tolerance: float = parameter(
        0.1, "Miss of a verdict that is still put down to chance, in units of the value.", "chosen", at_least=0
    )
    wait: int = parameter(4, "Verdicts without a vote after the first loss of it.", "chosen", above=0)
    budget: float = parameter(
        0.02,
        "What trying again may cost per verdict, in units of the value.",
        "the margin that the loop is held to",
        above=0,
    )
    lag_slots: int = parameter(
        0, "Slots after a decision that it cannot change yet; 1 where the value is QoE.", "chosen", at_least=0
    )


class Holding(NamedTuple):
    """One verdict against what came of it, environment by environment."""

    expected: Float[np.ndarray, " batch"]  # of the maker that was carried out
    came: Float[np.ndarray, " batch"]
    carried: Int[np.ndarray, " batch"]
    has_vote: Bool[np.ndarray, " batch"]  # when this verdict was carried out


class Trust:
    """Says whose choice is carried out: the twin's, or the safe maker (state of one run; `InternalLoop` asks it).

    Args:
        safe: Number of the safe maker among the managers.
        config: The rule.

    Attributes:
        held: Every verdict that was held against what came, in their order.

    Raises:
        ValueError: A number below 0.
    """

    def __init__(self, safe: int, config: TrustConfig = TrustConfig()) -> None:
        require(safe >= 0, "safe", "be at least 0", safe, "count the managers in their order")
        self.safe, self.config = safe, config
        self.held: list[Holding] = []
        self._came: list[np.ndarray] = []
        self._expected: np.ndarray | None = None

    def note(self, came: Float[np.ndarray, " batch"]) -> None:
        """Take in the value of one slot."""
        self._came.append(came)

    def carried_out(
        self, expected: Float[np.ndarray, "candidate batch"], chosen: Int[np.ndarray, " batch"]
    ) -> Int[np.ndarray, " batch"]:
        """Hold the last verdict against what came, and return whose decision is carried out now.

        Args:
            expected: What the twin expects of each maker now.
            chosen: Whom the twin would choose.

        Raises:
            ValueError: A safe maker that is not there; nothing came since the last verdict that it could change.
        """
        remedy = "count the managers in their order"
        require(self.safe < len(expected), "safe", f"be below {len(expected)}", self.safe, remedy)
        if self._expected is None:
            self._start(len(chosen))
        else:
            self._hold(self._expected)
        self._expected, self._came = expected, []
        self._carried = np.where(self.has_vote, chosen, self.safe)
        return self._carried

    @property
    def has_vote(self) -> Bool[np.ndarray, " batch"]:
        """Whether the twin's choice counts, environment by environment."""
        return self._wait == 0

    def _start(self, n_batch: int) -> None:
        self._gap = np.full(n_batch, np.nan)
        self._advantage = np.full(n_batch, np.nan)
        self._wait, self._next_wait = np.ones(n_batch, dtype=np.int64), np.full(n_batch, self.config.wait)

    def _hold(self, expected: Float[np.ndarray, "candidate batch"]) -> None:
        came = self._came[self.config.lag_slots :]
        rule = f"be told of more than {self.config.lag_slots} slots between two verdicts"
        require(len(came) > 0, "note", rule, len(self._came), "call it in each slot, and validate less often")
        mean, env = np.mean(came, axis=0), np.arange(len(self._carried))
        self.held.append(Holding(expected[self._carried, env], mean, self._carried, self.has_vote))
        is_safe = self._carried == self.safe
        self._hold_safe(is_safe, expected[self.safe] - mean)
        self._hold_others(~is_safe, mean - (expected[self.safe] - self._gap))

    def _hold_safe(self, is_safe: Bool[np.ndarray, " batch"], miss: Float[np.ndarray, " batch"]) -> None:
        """Learn by how much the twin flatters; count down where its word came true."""
        came_true = is_safe & (np.abs(miss - self._gap) <= self.config.tolerance)  # not in the first: NaN
        self._gap = np.where(is_safe, self._running(self._gap, miss), self._gap)
        self._wait = np.where(came_true, np.maximum(self._wait - 1, 0), self._wait)

    def _hold_others(self, is_other: Bool[np.ndarray, " batch"], advantage: Float[np.ndarray, " batch"]) -> None:
        """Learn what the twin's choices gain; take its vote where they lose."""
        self._advantage = np.where(is_other, self._running(self._advantage, advantage), self._advantage)
        is_lost = is_other & (self._advantage < -self.config.tolerance)
        is_kept = is_other & (self._advantage >= 0)
        dear = np.ceil(-np.nan_to_num(self._advantage) / self.config.budget).astype(np.int64)
        self._wait = np.where(is_lost, np.maximum(self._next_wait, dear), self._wait)
        longer, shorter = 2 * self._next_wait, np.maximum(self._next_wait // 2, self.config.wait)
        self._next_wait = np.where(is_lost, longer, np.where(is_kept, shorter, self._next_wait))
        self._advantage[is_lost] = np.nan

    def _running(self, before: Float[np.ndarray, " batch"], new: Float[np.ndarray, " batch"]) -> np.ndarray:
        memory = self.config.memory
        return np.where(np.isnan(before), new, memory * before + (1 - memory) * new)
