"""What the schemes of collection share: who is due, what a slot cost and showed, and how far the twin is from the truth.

"User status is first uploaded to AP to update DT status with a prescribed data collection frequency" (the paper, Procedure of
Closed-Loop Network Management). `external` adapts that frequency or leaves it fixed; in `device_triggered` the devices decide.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.controllers import Uplink
from gdt_tutorial.physical.messages import Report, Telemetry
from gdt_tutorial.twin.discriminator import DualError
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.emulation.mini_batches import Judgment
from gdt_tutorial.twin.status import Status
from gdt_tutorial.twin.status_store import StatusStore

__all__ = [
    "Collection", "Due", "SlotRecord", "TwinError", "check_fits", "collect", "emulate_next", "everybody", "record_of",
    "status_ages", "twin_error",
]  # fmt: skip


class Due(NamedTuple):
    """Who reports in the coming slot."""

    networking: Bool[np.ndarray, "batch user"]
    behavior: Bool[np.ndarray, "batch user"]


@dataclass(frozen=True, kw_only=True)
class SlotRecord:
    """What one slot of collection cost and showed; a pair is (networking, behavior)."""

    slot: int
    n_byte: Float[np.ndarray, " batch"]
    collected_share: tuple[float, float]  # of all users
    error: tuple[DualError, DualError] | None  # None in the first slot, which was not emulated
    period_slots: tuple[Int[np.ndarray, "batch user"], Int[np.ndarray, "batch user"]]
    judgment: Judgment | None = None  # of the emulator, on this slot's mini-batch; None without one


@runtime_checkable
class Collection(Protocol):
    """What both classes of this file offer: `internal` and `manager` take either."""

    records: list[SlotRecord]

    def due(self) -> Due:
        """Say who reports in the coming slot."""
        ...

    def observe(self, telemetry: Telemetry) -> Status:
        """Take in one slot, and return the twin's status of it."""
        ...


class TwinError(NamedTuple):
    """Root mean square errors of a status against the truth."""

    position_m: float  # of the distance
    snr_db: float  # per AP


def twin_error(status: Status, telemetry: Telemetry) -> TwinError:
    """Measure how far the twin is from the truth. For evaluation only: a twin never sees the telemetry."""
    distance_m = np.linalg.norm(status.behavior.position_m - telemetry.position_m, axis=-1)
    difference_db = status.networking.snr_db - telemetry.snr_db
    return TwinError(float(np.sqrt((distance_m**2).mean())), float(np.sqrt((difference_db**2).mean())))


def emulate_next(emulator: StatusEmulator, store: StatusStore) -> EmulatedStatus:
    """Emulate the coming slot, and stop at the first thing that is no number: it would ask everybody in every slot."""
    window = store.window()
    emulated = emulator.emulate(window, 1)
    for name in ("position_m", "position_std_m", "snr_db", "snr_std_db"):
        bad = np.argwhere(~np.isfinite(getattr(emulated, name)))
        if len(bad):
            env, user = bad[0][:2].tolist()
            place = f"{getattr(emulated, name)[tuple(bad[0])]} for user {user} of environment {env} after slot {window.slot}"
            remedy = f"mend {type(emulator).__name__}, or see what contracts.check_emulator says of it"
            require(False, f"emulated {name}", "be finite", place, remedy)
    return emulated


def collect(
    store: StatusStore,
    controller: Uplink,
    telemetry: Telemetry,
    due: Due,
    predicted: EmulatedStatus | None,
    by: str,
) -> Report:
    """Collect from those who are due, update the store, and put what was emulated where nothing came."""
    report = controller.collect(telemetry, due.networking, due.behavior)
    store.update(report)
    for late in controller.late():
        store.insert(late)
    if predicted is not None:
        names = ("position_m", "snr_db", "position_std_m", "snr_std_db")
        store.impute(*(getattr(predicted, name)[:, :, 0] for name in names), by=by)
    return report


def everybody(store: StatusStore) -> Due:
    """Ask everybody."""
    return Due(np.ones(store.shape, dtype=bool), np.ones(store.shape, dtype=bool))


def status_ages(store: StatusStore) -> tuple[Int[np.ndarray, "batch user"], Int[np.ndarray, "batch user"]]:
    """Return the ages of both halves of the status."""
    status = store.status()
    return status.networking.age_slots, status.behavior.age_slots


def record_of(
    report: Report,
    error: tuple[DualError, DualError] | None,
    period_slots: tuple,
    judgment: Judgment | None = None,
) -> SlotRecord:
    """Note what a slot cost and showed."""
    return SlotRecord(
        slot=report.slot,
        n_byte=report.n_byte,
        collected_share=(float(report.is_networking_collected.mean()), float(report.is_behavior_collected.mean())),
        error=error,
        period_slots=period_slots,
        judgment=judgment,
    )


def check_fits(period_slots: int, store: StatusStore) -> None:
    """Refuse a period that is not below the window of the store, in which a user could get lost."""
    rule, remedy = f"be below window_slots = {store.window_slots}", "widen the store's window"
    require(period_slots < store.window_slots, "period_slots", rule, period_slots, remedy)
