"""Validators for studies of the internal loop: by decisions alone, wrong on purpose, beside the truth, and recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from gdt_tutorial.loops.internal import Maker, Validator
from gdt_tutorial.loops.ring_loop import RingSeen, RingTwin

__all__ = ["Audited", "ByDecision", "RecordingTwin", "UpsideDown"]


@dataclass(frozen=True)
class ByDecision:
    """Lets one and the same maker go on after each decision, so that the decisions alone make the difference.

    In a rollout each slot is seen as it is, however old a report would be. So a maker that reads what is measured is flattered
    there, beside one that does not, as far as it goes on after its own decision.

    Attributes:
        validator: Tries them.
        then: Who goes on.
    """

    validator: Validator[Any, Any, Any]
    then: Maker[Any, Any]

    def score(
        self, seen: Any, decisions: Mapping[str, Any], then: Mapping[str, Any], *, rng: np.random.Generator
    ) -> dict[str, Float[np.ndarray, " batch"]]:
        """Validate; the makers themselves are not asked."""
        return self.validator.score(seen, decisions, dict.fromkeys(decisions, self.then), rng=rng)


@dataclass(frozen=True)
class UpsideDown:
    """Gives each decision the score that mirrors its own about the mean of all: the worst is said to be the best."""

    validator: Validator[Any, Any, Any]

    def score(
        self, seen: Any, decisions: Mapping[str, Any], then: Mapping[str, Any], *, rng: np.random.Generator
    ) -> dict[str, Float[np.ndarray, " batch"]]:
        """Validate, and turn the scores around."""
        scores = self.validator.score(seen, decisions, then, rng=rng)
        twice_mean = 2 * np.mean(list(scores.values()), axis=0)
        return {name: twice_mean - score for name, score in scores.items()}


@dataclass
class Audited:
    """Validates, and lets the truth try the same decisions, for evaluation alone.

    Attributes:
        validator: The twin's, whose scores are returned.
        truth: Knows the world as it is; None tries nothing.
        true_value: Of each maker's decision, validation by validation.
    """

    validator: Validator[Any, Any, Any]
    truth: Validator[Any, Any, Any] | None = None
    true_value: list[Float[np.ndarray, "candidate batch"]] = field(default_factory=list)

    def score(
        self, seen: Any, decisions: Mapping[str, Any], then: Mapping[str, Any], *, rng: np.random.Generator
    ) -> dict[str, Float[np.ndarray, " batch"]]:
        """Return what the twin says. The truth draws other futures than the twin."""
        if self.truth is not None:
            true = self.truth.score(seen, decisions, then, rng=rng.spawn(1)[0])
            self.true_value.append(np.stack([true[name] for name in decisions]))
        return self.validator.score(seen, decisions, then, rng=rng)


@dataclass
class RecordingTwin(RingTwin):
    """Keeps what it saw, tried and expected in each validation, for a figure.

    Attributes:
        kept: What was seen, each maker's decision, and what that is worth, validation by validation.
    """

    kept: list[tuple[RingSeen, Mapping[str, np.ndarray], dict[str, np.ndarray]]] = field(default_factory=list)

    def score(
        self,
        seen: RingSeen,
        decisions: Mapping[str, np.ndarray],
        then: Mapping[str, Maker[np.ndarray, np.ndarray]],
        *,
        rng: np.random.Generator,
    ) -> dict[str, Float[np.ndarray, " batch"]]:
        """Validate as `RingTwin` does, and keep it."""
        found = super().score(seen, decisions, then, rng=rng)
        self.kept.append((seen, decisions, found))
        return found
