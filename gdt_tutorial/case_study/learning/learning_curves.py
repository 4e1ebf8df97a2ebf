"""The stored learning curves of the shipped networks: what each look at validation campuses said while they were trained."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gdt_tutorial.case_study.learning.trained_networks import FOLDER
from gdt_tutorial.configuration import require
from gdt_tutorial.studies.tables import read_table

__all__ = ["LearningCurve", "read_curves"]


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """One network: rounds or steps of training, and its scores then."""

    step: Float[np.ndarray, " look"]
    score: Float[np.ndarray, " look"]

    def gain_on_start(self) -> Float[np.ndarray, " look"]:
        """Return the scores minus the one before any training.

        Raises:
            ValueError: The first look is not at step 0.
        """
        rule, remedy = "begin at step 0", "let training score its untrained start"
        require(self.step[0] == 0, "step", rule, self.step.tolist(), remedy)
        return self.score - self.score[0]


def read_curves(kind: str, column: str = "gain", folder: Path = FOLDER) -> list[LearningCurve]:
    """Return the curve of each network of a kind, in the order of the networks.

    Args:
        kind: "versions" (by round; scores are QoE gained on the search), "temporal differences" (by step; the same), or
            "actor" (by step; scores are QoE per second).
        column: "gain", and for "versions" also "gain_without_caution" and "gain_of_rules".
        folder: Where `remake` has written.

    Raises:
        ValueError: No curve of that kind.
    """
    rows = read_table(folder / "learning.csv")[1]
    kinds = sorted({str(row["kind"]) for row in rows})
    require(kind in kinds, "kind", f"be one of {kinds}", kind, "see learning.csv")
    networks = sorted({int(str(row["network"])) for row in rows if row["kind"] == kind})
    curves = []
    for network in networks:
        own = [row for row in rows if row["kind"] == kind and row["network"] == network]
        step, score = (np.array([row[name] for row in own], dtype=float) for name in ("round", column))
        curves.append(LearningCurve(step=step, score=score))
    return curves
