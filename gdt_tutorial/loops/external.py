"""The external closed loop: collect, compare, and adapt how often to collect.

"User status is first uploaded to AP to update DT status with a prescribed data collection frequency. Then, the updated
DT status is sampled to a mini-batch that is transferred to GAI to conduct status emulation. Next, the error
discriminator in DT evaluates the quality of newly generated status that is utilized to adjust data collection
frequency. Finally, the adjusted data collection frequency is fed back to the AP to implement a new round of data
collection" (the paper, Procedure of Closed-Loop Network Management; left half of its Fig. 3).

Two classes with one interface: `ExternalLoop` closes the loop, `FixedPeriod` leaves it open and is the baseline. How we differ:
the mini-batch judges the emulator (and may teach it), and beside it all users are emulated, because the status needs them.
"""

from collections.abc import Callable

import numpy as np

from gdt_tutorial.configuration import require
from gdt_tutorial.loops.collection import (
    Collection,
    Due,
    SlotRecord,
    TwinError,
    check_fits,
    collect,
    emulate_next,
    everybody,
    record_of,
    status_ages,
    twin_error,
)
from gdt_tutorial.physical.controllers import LocalController, Uplink
from gdt_tutorial.physical.messages import Telemetry
from gdt_tutorial.twin.discriminator import Discriminator
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.emulation.mini_batches import MiniBatches
from gdt_tutorial.twin.status import Status
from gdt_tutorial.twin.status_store import StatusStore

__all__ = ["Collection", "Due", "ExternalLoop", "FixedPeriod", "SlotRecord", "TwinError", "every", "twin_error"]


class ExternalLoop:
    """Adapts every user's collection period to the error of its emulated status.

    Args:
        store: Holds the status.
        emulator: Continues it.
        discriminator: Judges what was emulated, and sets the periods.
        controller: Collects.
        mini_batches: Judge the emulator in each round, and may let it learn; None leaves them out.

    Attributes:
        records: One entry per slot.

    Raises:
        ValueError: the longest period does not fit into the store's window, so that a user could get lost.
    """

    def __init__(
        self,
        store: StatusStore,
        emulator: StatusEmulator,
        discriminator: Discriminator,
        controller: Uplink = LocalController(),
        mini_batches: MiniBatches | None = None,
    ) -> None:
        check_fits(discriminator.max_period_slots, store)
        self._store, self._emulator, self._discriminator, self._controller = store, emulator, discriminator, controller
        self._mini_batches = mini_batches
        # A fresh user is watched closely; the period grows with each good prediction.
        self._period_slots = tuple(np.ones(store.shape, dtype=np.int64) for _ in Due._fields)
        self._upcoming: EmulatedStatus | None = None
        self.records: list[SlotRecord] = []

    def due(self) -> Due:
        """Say who reports in the coming slot: everybody in the first one, then those whose period ends."""
        if self._store.is_empty:
            return everybody(self._store)
        age_slots = status_ages(self._store)
        return Due(*(age + 1 >= period for age, period in zip(age_slots, self._period_slots, strict=True)))

    def observe(self, telemetry: Telemetry) -> Status:
        """Run the external loop for one slot, in the order of Fig. 3."""
        predicted = self._upcoming
        # 1. Collect from the users that are due, and 2. update the status. What was not collected is emulated.
        by = type(self._emulator).__name__
        report = collect(self._store, self._controller, telemetry, self.due(), predicted, by)
        # 3. Sample a mini-batch, and emulate it, and the next slot of everybody.
        judgment = None
        if self._mini_batches is not None:
            judgment = self._mini_batches.judge(self._emulator, self._store.window())
        upcoming = emulate_next(self._emulator, self._store)
        # 4. Compare what was emulated with what was collected.
        error = None if predicted is None else self._discriminator.assess(predicted, upcoming, report)
        # 5. Adapt the periods, and 6. feed them back: `due` of the next slot reads them.
        if error is not None:
            self._period_slots = self._discriminator.next_periods(self._period_slots, status_ages(self._store), error)
        self._upcoming = upcoming
        self.records.append(record_of(report, error, self._period_slots, judgment))
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
        controller: Uplink = LocalController(),
    ) -> None:
        require(period_slots > 0, "period_slots", "be above 0", period_slots, "1 collects always")
        check_fits(period_slots, store)
        self._store, self._emulator, self._controller = store, emulator, controller
        self._period_slots = tuple(np.full(store.shape, period_slots, dtype=np.int64) for _ in Due._fields)
        self._phase = np.broadcast_to(np.arange(store.shape[1]) % period_slots, store.shape)
        self._upcoming: EmulatedStatus | None = None
        self.records: list[SlotRecord] = []

    def due(self) -> Due:
        """Say whose turn it is in the coming slot."""
        if self._store.is_empty:
            return everybody(self._store)
        is_due = self._phase == len(self.records) % self._period_slots[0]
        return Due(is_due, is_due.copy())

    def observe(self, telemetry: Telemetry) -> Status:
        """Collect, update, emulate."""
        by = type(self._emulator).__name__
        report = collect(self._store, self._controller, telemetry, self.due(), self._upcoming, by)
        self._upcoming = emulate_next(self._emulator, self._store)
        self.records.append(record_of(report, None, self._period_slots))
        return self._store.status()


def every(period_slots: int) -> Callable[[StatusStore, StatusEmulator], FixedPeriod]:
    """Return what a network takes to leave its external loop open: everybody reports once in so many slots, in turn."""
    return lambda store, emulator: FixedPeriod(store, emulator, period_slots)
