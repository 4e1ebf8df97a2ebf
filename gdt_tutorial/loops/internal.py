"""The internal closed loop: two managers decide, the twin tries both, the network gets the better decision.

"The abstracted features are input to the model-based network management module in DT and the GAI-based network management
module, respectively. Next, the generated network management decisions from two modules are validated in DT environment to
evaluate which one can achieve better network performance. Finally, the better network management decision is fed back to
the network controller for practical implementation" (the paper, Procedure of Closed-Loop Network Management; right half of
its Fig. 3).

The loop holds for any world. Of what is seen it reads the slot and the number of environments (`Seen`); the rest is read by an
abstractor, makers and a validator of that world. In the GDT network what is seen is an `Observation`, and the virtual network
validates; on the ring of co-channel cells (`ring_loop`) it is the queues.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial import seeding
from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.loops.trust import Trust
from gdt_tutorial.physical.batch import joined, take

__all__ = ["Abstractor", "InternalConfig", "InternalLoop", "Maker", "Seen", "Validator", "Verdict"]


@runtime_checkable
class Seen(Protocol):
    """What the loop itself reads of what is seen in a slot."""

    @property
    def slot(self) -> int:
        """The number of the slot; a stream of random numbers belongs to each."""
        ...

    @property
    def n_batch(self) -> int:
        """How many environments lie side by side."""
        ...


_Seen = TypeVar("_Seen", bound=Seen)
_Features = TypeVar("_Features")
_Decision = TypeVar("_Decision")
_SeenIn = TypeVar("_SeenIn", bound=Seen, contravariant=True)
_FeaturesIn = TypeVar("_FeaturesIn", contravariant=True)
_FeaturesOut = TypeVar("_FeaturesOut", covariant=True)
_DecisionIn = TypeVar("_DecisionIn", contravariant=True)
_DecisionOut = TypeVar("_DecisionOut", covariant=True)


@runtime_checkable
class Abstractor(Protocol[_SeenIn, _FeaturesOut]):
    """Distills what is seen; `FeatureAbstractor` is that of the GDT network."""

    def abstract(self, seen: _SeenIn) -> _FeaturesOut:
        """Return the features."""
        ...


@runtime_checkable
class Maker(Protocol[_FeaturesIn, _DecisionOut]):
    """Decides from features; `DecisionMaker` is that of the GDT network, and says what is expected of it."""

    def decide(self, features: _FeaturesIn, *, rng: np.random.Generator) -> _DecisionOut:
        """Return the decision of the next slot, a batch as `physical.batch` has it."""
        ...


@configclass
class InternalConfig:
    """How the twin validates."""

    n_slots: int = parameter(
        15,
        "Slots that a validation looks ahead.",
        "chosen: 30 s; less does not see what stored video is worth",
        above=0,
    )
    period_slots: int = parameter(
        5,
        "Slots between two validations; in between the last choice stands.",
        "chosen",
        above=0,
        remedy="1 validates in every slot",
    )
    n_rollouts: int = parameter(
        1, "Virtual futures of each validation.", "chosen: the memory averages over more", above=0
    )
    memory: float = parameter(
        0.8,
        "Weight of the earlier verdicts in the next one, 0 forgets at once.",
        "chosen: five verdicts",
        at_least=0,
        below=1,
        remedy="0 judges each slot by itself",
    )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one validation found."""

    slot: int
    # Per user and second over the coming slots, or what a world of its own counts; empty in a slot without validation.
    expected_qoe: dict[str, Float[np.ndarray, " batch"]]
    chosen: Int[np.ndarray, " batch"]  # index into the managers: whose decision is carried out


@runtime_checkable
class Validator(Protocol[_SeenIn, _FeaturesOut, _DecisionIn]):
    """Anything in which decisions can be tried: the virtual network, or a world of its own."""

    def score(
        self,
        seen: _SeenIn,
        decisions: Mapping[str, _DecisionIn],
        then: Mapping[str, Maker[_FeaturesOut, _DecisionIn]],
        *,
        rng: np.random.Generator,
    ) -> dict[str, Float[np.ndarray, " batch"]]:
        """Return what each decision is worth, if the maker of its name goes on after it; all meet the same futures."""
        ...


class InternalLoop(Generic[_Seen, _Features, _Decision]):
    """Chooses between managers, environment by environment; with one manager there is nothing to validate.

    Every manager has a random stream of its own in every slot, whoever is asked beside it and how often: so its decisions do
    not depend on when the twin validates.

    Attributes:
        managers: The candidates by name, in the order that `Verdict.chosen` counts.
        verdicts: One entry per slot.
        trust: Holds verdicts against what came (`note`), and may leave a slot to the safe maker; None believes the twin.

    Raises:
        ValueError: no manager.
    """

    def __init__(
        self,
        abstractor: Abstractor[_Seen, _Features],
        managers: Mapping[str, Maker[_Features, _Decision]],
        validator: Validator[_Seen, _Features, _Decision],
        config: InternalConfig = InternalConfig(),
        *,
        trust: Trust | None = None,
        rng: np.random.Generator,
    ) -> None:
        require(len(managers) > 0, "managers", "hold at least one", len(managers), "pass GreedyAllocator")
        self.managers, self.config, self.trust = dict(managers), config, trust
        self._abstractor, self._validator, self._rng = abstractor, validator, rng
        self._seed = int(deepcopy(rng).integers(2**62))
        self._score: np.ndarray | float = 0.0
        self.verdicts: list[Verdict] = []

    def decide(self, seen: _Seen) -> _Decision:
        """Run the internal loop for one slot, in the order of Fig. 3."""
        slot, n_batch = seen.slot, seen.n_batch
        is_due = len(self.managers) > 1 and len(self.verdicts) % self.config.period_slots == 0
        # 1. Abstract the features.
        features = self._abstractor.abstract(seen)
        # 2. Let the managers decide: all of them where the twin validates, else those that were chosen last.
        last = self.verdicts[-1].chosen if self.verdicts else np.zeros(n_batch, dtype=np.int64)
        decisions = {
            name: manager.decide(features, rng=seeding.stream(self._seed, "manager", name, slot))
            for index, (name, manager) in enumerate(self.managers.items())
            if is_due or index in last
        }
        # 3. Validate in the DT environment. Each validation has a stream of its own, however much of it is used.
        scores = self._validator.score(seen, decisions, self.managers, rng=self._rng.spawn(1)[0]) if is_due else {}
        # 4. Feed back the better decision.
        chosen = self._choose(scores) if is_due else last
        self.verdicts.append(Verdict(slot=slot, expected_qoe=scores, chosen=chosen))
        return self._pick(decisions, chosen)

    def note(self, came: Float[np.ndarray, " batch"]) -> None:
        """Take in what came in the slot that was decided last, in the unit of the verdicts, before the next is decided."""
        if self.trust is not None:
            self.trust.note(came)

    def _choose(self, scores: dict[str, Float[np.ndarray, " batch"]]) -> Int[np.ndarray, " batch"]:
        expected = np.stack([scores[name] for name in self.managers])
        self._score = self.config.memory * self._score + expected
        best = np.asarray(self._score).argmax(axis=0)
        return best if self.trust is None else self.trust.carried_out(expected, best)

    def _pick(self, decisions: dict[str, _Decision], chosen: Int[np.ndarray, " batch"]) -> _Decision:
        """Put together one decision from those of the chosen managers, environment by environment."""
        asked = [list(self.managers).index(name) for name in decisions]
        part = np.searchsorted(asked, chosen)
        return take(joined(list(decisions.values())), part * len(chosen) + np.arange(len(chosen)))
