"""Who is asked, and why: users of a collection, slot by slot.

"The error discriminator in DT evaluates the quality of newly generated status that is utilized to adjust data collection
frequency" (the paper, Procedure of Closed-Loop Network Management). A timeline shows both errors of that user beside what was
true, and the slots in which it reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.loops.collection import Collection, SlotRecord
from gdt_tutorial.physical.messages import Telemetry
from gdt_tutorial.twin.status import Status

__all__ = ["Timeline", "timelines"]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """One user, slot by slot. What the discriminator said is NaN where it said nothing (or there is none)."""

    is_walking: Bool[np.ndarray, " slot"]  # true, not known to the twin
    is_networking_collected: Bool[np.ndarray, " slot"]
    is_behavior_collected: Bool[np.ndarray, " slot"]
    position_error_m: Float[np.ndarray, " slot"]  # true distance of the twin's status
    snr_error_db: Float[np.ndarray, " slot"]  # root mean square over the access points
    networking_entropy_nat: Float[np.ndarray, " slot"]
    behavior_entropy_nat: Float[np.ndarray, " slot"]
    networking_period_slots: Int[np.ndarray, " slot"]
    behavior_period_slots: Int[np.ndarray, " slot"]


def timelines(
    collection: Collection, course: list[Telemetry], users: Sequence[int], *, env: int = 0
) -> dict[int, Timeline]:
    """Follow all users by a new collection, and return some of them, of one environment.

    Raises:
        ValueError: no such environment or user.
    """
    n_batch, n_users = course[0].snr_db.shape[:2]
    for name, index, n in (("env", env, n_batch), *(("users", user, n_users) for user in users)):
        require(0 <= index < n, name, f"be from 0 to {n - 1}", index, "count from 0")
    rows: dict[int, list[dict[str, Any]]] = {user: [] for user in users}
    for telemetry in course:
        status = collection.observe(telemetry)
        for user, own in rows.items():
            own.append(_slot(status, collection.records[-1], telemetry, (env, user)))
    return {user: Timeline(**_stacked(own)) for user, own in rows.items()}


def _slot(status: Status, record: SlotRecord, telemetry: Telemetry, at: tuple[int, int]) -> dict[str, Any]:
    entropy = (np.nan, np.nan) if record.error is None else tuple(half.entropy_nat[at] for half in record.error)
    return {
        "is_walking": bool((telemetry.velocity_mps[at] != 0).any()),
        "is_networking_collected": status.networking.age_slots[at] == 0,
        "is_behavior_collected": status.behavior.age_slots[at] == 0,
        "position_error_m": float(np.linalg.norm(status.behavior.position_m[at] - telemetry.position_m[at])),
        "snr_error_db": float(np.sqrt(((status.networking.snr_db[at] - telemetry.snr_db[at]) ** 2).mean())),
        "networking_entropy_nat": entropy[0],
        "behavior_entropy_nat": entropy[1],
        "networking_period_slots": record.period_slots[0][at],
        "behavior_period_slots": record.period_slots[1][at],
    }


def _stacked(rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
