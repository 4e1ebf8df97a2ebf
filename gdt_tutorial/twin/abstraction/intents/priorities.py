"""An intent carried out: what its clauses make of the weights of users and videos, slot by slot.

    fluent   a second of avoided stall counts more        sharp   a second of quality counts more
    first    both count more        spare   both count less        stop   both count nothing

A clause concerns whoever the twin believes within some meters of its building, and not of the excepted one, in its hours, and
the videos of its service. The weights enter the features (`GroupAbstractor`), so every maker that weighs a segment by what it
brings follows them, model-based or not. The paper says that a GT perceives intentions and not what then happens; this is ours.

What is left out: users whose position the twin gets wrong are weighed wrongly, and a segment that a group shares is weighed by
the sum over its members.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.campus import Campus
from gdt_tutorial.twin.abstraction.groups import DemandWeights
from gdt_tutorial.twin.observation import Observation
from gdt_tutorial.worlds.intents.meaning import NONE, Clause, Intent
from gdt_tutorial.worlds.intents.words import EVERYWHERE

__all__ = ["Priorities", "PriorityConfig", "type_of_service"]

# The services of the grammar that are one type of video, as the generator calls it.
_TYPES = {"study": "Study", "entertainment": "Entertainment", "life": "Life", "game": "Game"}


class _Effect(NamedTuple):
    """By which power of the factor an action weighs what is watched and what stalls; None: not at all."""

    value: int | None
    urgent: int | None


_EFFECTS = {
    "fluent": _Effect(0, 1),
    "sharp": _Effect(1, 0),
    "first": _Effect(1, 1),
    "spare": _Effect(-1, -1),
    "stop": _Effect(None, None),
}


@configclass
class PriorityConfig:
    """How strongly intents are carried out, how far "around" reaches, and what the clock says."""

    factor: float = parameter(4.0, "By which a weight grows or shrinks.", "chosen", at_least=1)
    radius_m: float = parameter(100.0, "Users within it of a building's center are around it.", "chosen", above=0)
    start_hour: float = parameter(
        17.99, "Hour of the day in slot 0.", "chosen: 18 slots of 2 s before six", at_least=0, below=24
    )
    slot_s: float = parameter(2.0, "Length of a slot.", "as NetworkConfig", above=0)


def type_of_service(service: str, type_names: Sequence[str]) -> int | None:
    """Return the number of the video type that a service is; None for videos of all types.

    Raises:
        ValueError: A type that these videos do not have.
    """
    if service == "video":
        return None
    name = _TYPES[service]
    remedy = "say `video`, which stands for all types"
    require(name in type_names, "service", f"be a type of these videos, {tuple(type_names)}", service, remedy)
    return list(type_names).index(name)


class Priorities:
    """Weights of users and videos that carry an intent out.

    Args:
        intent: What the operator wants.
        campus: Where the buildings stand.
        type_names: The video types.
        config: How strongly, how far, and from when on.

    Raises:
        ValueError: A building that the campus lacks, or a video type that there is not.
    """

    def __init__(
        self, intent: Intent, campus: Campus, type_names: Sequence[str], config: PriorityConfig = PriorityConfig()
    ) -> None:
        self.intent, self.config, self._n_types = intent, config, len(type_names)
        self._center_m = {building.code: np.array([building.x_m, building.y_m]) for building in campus.buildings}
        self._kind = [type_of_service(clause.service, type_names) for clause in intent.clauses]
        for clause in intent.clauses:
            for code in {clause.place, clause.exception} - {EVERYWHERE, NONE}:
                rule = "be a building of this campus"
                require(code in self._center_m, "place", rule, code, f"it has {sorted(self._center_m)}")

    def hour_at(self, slot: int) -> float:
        """Return the hour of the day in a slot."""
        return (self.config.start_hour + slot * self.config.slot_s / 3600) % 24

    def concerned(
        self, clause: Clause, position_m: Float[np.ndarray, "batch user xy"], slot: int
    ) -> Bool[np.ndarray, "batch user"]:
        """Say whom a clause concerns in a slot."""
        if not clause.is_active(self.hour_at(slot)):
            return np.zeros(position_m.shape[:2], dtype=bool)
        return self._around(clause.place, position_m) & ~self._around(clause.exception, position_m)

    def __call__(self, seen: Observation) -> DemandWeights:
        """Return the weights of this slot, by what the twin believes of positions; of two clauses both count."""
        position_m, slot = seen.status.behavior.position_m, seen.status.slot
        n_batch, n_users, _ = position_m.shape
        weights = DemandWeights.alike(n_batch, n_users, self._n_types)
        for clause, kind in zip(self.intent.clauses, self._kind, strict=True):
            chosen = self.concerned(clause, position_m, slot)[..., None]
            chosen = chosen & (True if kind is None else np.arange(self._n_types) == kind)
            for weight, power in zip(weights, _EFFECTS[clause.action], strict=True):
                weight[np.broadcast_to(chosen, weight.shape)] *= 0.0 if power is None else self.config.factor**power
        return weights

    def _around(self, place: str, position_m: Float[np.ndarray, "batch user xy"]) -> Bool[np.ndarray, "batch user"]:
        if place in (EVERYWHERE, NONE):
            return np.full(position_m.shape[:2], place == EVERYWHERE)
        return np.linalg.norm(position_m - self._center_m[place], axis=-1) <= self.config.radius_m
