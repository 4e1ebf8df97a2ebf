"""Validators for studies of the internal loop: one that is wrong on purpose, and one beside which the truth is tried."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from gdt_tutorial.loops.internal import Validator

__all__ = ["Audited", "UpsideDown"]


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
