"""The external closed loop: collect, compare, and adapt how often to collect.

"User status is first uploaded to AP to update DT status with a prescribed data collection frequency. Then, the updated
DT status is sampled to a mini-batch that is transferred to GAI to conduct status emulation. Next, the error
discriminator in DT evaluates the quality of newly generated status that is utilized to adjust data collection
frequency. Finally, the adjusted data collection frequency is fed back to the AP to implement a new round of data
collection" (the paper, Procedure of Closed-Loop Network Management; left half of its Fig. 3).

Two classes with one interface: `ExternalLoop` closes the loop, `FixedPeriod` leaves it open and is the baseline.
Mini-batches are left out: all users are emulated at once.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.controllers import LocalController
from gdt_tutorial.physical.messages import Report, Telemetry
from gdt_tutorial.twin.discriminator import DualError, ErrorDiscriminator
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.status import Status
from gdt_tutorial.twin.status_store import StatusStore

__all__ = ["Collection", "Due", "ExternalLoop", "FixedPeriod", "SlotRecord", "TwinError", "twin_error"]


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


class ExternalLoop:
    """Adapts every user's collection period to the error of its emulated status.

    Attributes:
        records: One entry per slot.

    Raises:
        ValueError: the longest period does not fit into the store's window, so that a user could get lost.
    """

    def __init__(
        self,
        store: StatusStore,
        emulator: StatusEmulator,
        discriminator: ErrorDiscriminator,
        controller: LocalController = LocalController(),
    ) -> None:
        _check_fits(discriminator.config.max_period_slots, store)
        self._store, self._emulator, self._discriminator, self._controller = store, emulator, discriminator, controller
        self._limits = (discriminator.config.networking, discriminator.config.behavior)
        # A fresh user is watched closely; the period grows with each good prediction.
        self._period_slots = tuple(np.ones(store.shape, dtype=np.int64) for _ in Due._fields)
        self._upcoming: EmulatedStatus | None = None
        self.records: list[SlotRecord] = []

    def due(self) -> Due:
        """Say who reports in the coming slot: everybody in the first one, then those whose period ends."""
        if self._store.is_empty:
            return _everybody(self._store)
        age_slots = _ages(self._store)
        return Due(*(age + 1 >= period for age, period in zip(age_slots, self._period_slots, strict=True)))

    def observe(self, telemetry: Telemetry) -> Status:
        """Run the external loop for one slot, in the order of Fig. 3."""
        predicted = self._upcoming
        # 1. Collect from the users that are due, and 2. update the status. What was not collected is emulated.
        by = type(self._emulator).__name__
        report = _collect(self._store, self._controller, telemetry, self.due(), predicted, by)
        # 3. Emulate the next slot.
        upcoming = _emulate(self._emulator, self._store)
        # 4. Compare what was emulated with what was collected.
        error = None if predicted is None else self._discriminator.assess(predicted, upcoming, report)
        # 5. Adapt the periods, and 6. feed them back: `due` of the next slot reads them.
        if error is not None:
            self._period_slots = tuple(
                self._discriminator.next_period_slots(*part)
                for part in zip(self._period_slots, _ages(self._store), error, self._limits, strict=True)
            )
        self._upcoming = upcoming
        self.records.append(_record(report, error, self._period_slots))
        return self._store.status()


class FixedPeriod:
    """Collects every user once per `period_slots` slots, whatever the twin believes: the open loop.

    Users take turns, so that every slot has about as many reports as the others; the first slot collects everybody.

    Raises:
        ValueError: a period that is not positive, or longer than the store's window.
    """

    def __init__(
        self,
        store: StatusStore,
        emulator: StatusEmulator,
        period_slots: int,
        controller: LocalController = LocalController(),
    ) -> None:
        require(period_slots > 0, "period_slots", "be above 0", period_slots, "1 collects always")
        _check_fits(period_slots, store)
        self._store, self._emulator, self._controller = store, emulator, controller
        self._period_slots = tuple(np.full(store.shape, period_slots, dtype=np.int64) for _ in Due._fields)
        self._phase = np.broadcast_to(np.arange(store.shape[1]) % period_slots, store.shape)
        self._upcoming: EmulatedStatus | None = None
        self.records: list[SlotRecord] = []

    def due(self) -> Due:
        """Say whose turn it is in the coming slot."""
        if self._store.is_empty:
            return _everybody(self._store)
        is_due = self._phase == len(self.records) % self._period_slots[0]
        return Due(is_due, is_due.copy())

    def observe(self, telemetry: Telemetry) -> Status:
        """Collect, update, emulate."""
        by = type(self._emulator).__name__
        report = _collect(self._store, self._controller, telemetry, self.due(), self._upcoming, by)
        self._upcoming = _emulate(self._emulator, self._store)
        self.records.append(_record(report, None, self._period_slots))
        return self._store.status()


class TwinError(NamedTuple):
    """Root mean square errors of a status against the truth."""

    position_m: float  # of the distance
    snr_db: float  # per AP


def twin_error(status: Status, telemetry: Telemetry) -> TwinError:
    """Measure how far the twin is from the truth. For evaluation only: a twin never sees the telemetry."""
    distance_m = np.linalg.norm(status.behavior.position_m - telemetry.position_m, axis=-1)
    difference_db = status.networking.snr_db - telemetry.snr_db
    return TwinError(float(np.sqrt((distance_m**2).mean())), float(np.sqrt((difference_db**2).mean())))


def _emulate(emulator: StatusEmulator, store: StatusStore) -> EmulatedStatus:
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


def _collect(
    store: StatusStore,
    controller: LocalController,
    telemetry: Telemetry,
    due: Due,
    predicted: EmulatedStatus | None,
    by: str,
) -> Report:
    report = controller.collect(telemetry, due.networking, due.behavior)
    store.update(report)
    if predicted is not None:
        names = ("position_m", "snr_db", "position_std_m", "snr_std_db")
        store.impute(*(getattr(predicted, name)[:, :, 0] for name in names), by=by)
    return report


def _everybody(store: StatusStore) -> Due:
    return Due(np.ones(store.shape, dtype=bool), np.ones(store.shape, dtype=bool))


def _ages(store: StatusStore) -> tuple[Int[np.ndarray, "batch user"], Int[np.ndarray, "batch user"]]:
    status = store.status()
    return status.networking.age_slots, status.behavior.age_slots


def _record(report: Report, error: tuple[DualError, DualError] | None, period_slots: tuple) -> SlotRecord:
    return SlotRecord(
        slot=report.slot,
        n_byte=report.n_byte,
        collected_share=(float(report.is_networking_collected.mean()), float(report.is_behavior_collected.mean())),
        error=error,
        period_slots=period_slots,
    )


def _check_fits(period_slots: int, store: StatusStore) -> None:
    rule, remedy = f"be below window_slots = {store.window_slots}", "widen the store's window"
    require(period_slots < store.window_slots, "period_slots", rule, period_slots, remedy)
