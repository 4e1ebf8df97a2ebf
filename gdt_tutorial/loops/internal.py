"""The internal closed loop: two managers decide, the twin tries both, the network gets the better decision.

"The abstracted features are input to the model-based network management module in DT and the GAI-based network management
module, respectively. Next, the generated network management decisions from two modules are validated in DT environment to
evaluate which one can achieve better network performance. Finally, the better network management decision is fed back to
the network controller for practical implementation" (the paper, Procedure of Closed-Loop Network Management; right half of
its Fig. 3).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.batch import joined, take
from gdt_tutorial.physical.messages import Decision
from gdt_tutorial.twin.abstraction.features import FeatureAbstractor
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus
from gdt_tutorial.twin.status import Status
from gdt_tutorial.twin.virtual import VirtualNetwork

__all__ = ["InternalConfig", "InternalLoop", "Verdict"]


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
    # Per user and second over the coming slots; empty in a slot without validation.
    expected_qoe: dict[str, Float[np.ndarray, " batch"]]
    chosen: Int[np.ndarray, " batch"]  # index into the managers


class InternalLoop:
    """Chooses between managers, environment by environment; with one manager there is nothing to validate.

    Attributes:
        managers: The candidates by name, in the order that `Verdict.chosen` counts.
        verdicts: One entry per slot.

    Raises:
        ValueError: no manager.
    """

    def __init__(
        self,
        abstractor: FeatureAbstractor,
        managers: Mapping[str, DecisionMaker],
        virtual: VirtualNetwork,
        config: InternalConfig = InternalConfig(),
        *,
        rng: np.random.Generator,
    ) -> None:
        require(len(managers) > 0, "managers", "hold at least one", len(managers), "pass GreedyAllocator")
        self.managers, self.config = dict(managers), config
        self._abstractor, self._virtual, self._rng = abstractor, virtual, rng
        self._score: np.ndarray | float = 0.0
        self.verdicts: list[Verdict] = []

    def decide(self, status: Status, forecast: Callable[[int], EmulatedStatus]) -> Decision:
        """Run the internal loop for one slot, in the order of Fig. 3; `forecast(n)` emulates the coming n slots."""
        # 1. Abstract the features.
        features = self._abstractor.abstract(status)
        # 2. Let every manager decide.
        decisions = [manager.decide(features) for manager in self.managers.values()]
        # 3. Validate in the DT environment.
        is_due = len(self.managers) > 1 and len(self.verdicts) % self.config.period_slots == 0
        expected_qoe = self._validate(status, forecast) if is_due else {}
        # 4. Feed back the better decision.
        chosen = self._choose(expected_qoe, len(status.session.head))
        self.verdicts.append(Verdict(slot=status.slot, expected_qoe=expected_qoe, chosen=chosen))
        return _pick(decisions, chosen)

    def _validate(
        self, status: Status, forecast: Callable[[int], EmulatedStatus]
    ) -> dict[str, Float[np.ndarray, " batch"]]:
        forecast_db = forecast(self.config.n_slots).snr_db
        # A stream of its own for each slot, however much of it is used: no environment disturbs the draws of another.
        rng = self._rng.spawn(1)[0]
        snr_db = np.concatenate([status.networking.snr_db[:, :, None], forecast_db], axis=2)
        return self._virtual.validate(status.session, snr_db, self.managers, self.config.n_rollouts, rng=rng)

    def _choose(self, expected_qoe: dict[str, Float[np.ndarray, " batch"]], n_batch: int) -> Int[np.ndarray, " batch"]:
        if not expected_qoe:
            return self.verdicts[-1].chosen if self.verdicts else np.zeros(n_batch, dtype=np.int64)
        self._score = self.config.memory * self._score + np.stack(list(expected_qoe.values()))
        return np.asarray(self._score).argmax(axis=0)


def _pick(decisions: list[Decision], chosen: Int[np.ndarray, " batch"]) -> Decision:
    """Put together one decision from those of the chosen managers, environment by environment."""
    n_batch = len(chosen)
    return take(joined(decisions), chosen * n_batch + np.arange(n_batch))
