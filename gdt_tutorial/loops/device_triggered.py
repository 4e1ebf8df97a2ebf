"""Reports that the device triggers: it knows what the twin believes, and speaks up when that is wrong (dead reckoning).

"User status is first uploaded to AP to update DT status with a prescribed data collection frequency" (the paper, Procedure of
Closed-Loop Network Management). How we differ: here no frequency is prescribed. A device compares its own measurement
with the twin's prediction, and reports when they differ by more than a tolerance. Distributed simulation calls that dead
reckoning (IEEE 1278.1). It reads the truth before it sends, which an access point (AP) that sets periods cannot.

That has a cost, and two ways to pay it:

    RunsEmulator    the device runs the twin's emulator on its own reports; it gets the network once, and computes in every slot
    GetsPrediction  the AP answers each report with what it predicts for the coming slots, and again when these are over

Both send the same reports. A report must be acknowledged, or device and twin go on from different beliefs; the
acknowledgment is counted as a part of the report.
"""

from math import inf
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.loops.collection import (
    Due,
    SlotRecord,
    check_fits,
    collect,
    emulate_next,
    everybody,
    record_of,
    status_ages,
)
from gdt_tutorial.physical.controllers import LocalController, Uplink
from gdt_tutorial.physical.messages import Telemetry
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.status import Status
from gdt_tutorial.twin.status_store import StatusStore

__all__ = ["BeliefCost", "DeviceTriggered", "GetsPrediction", "RunsEmulator", "Tolerance"]


@configclass
class Tolerance:
    """How wrong the twin may be before a device says so."""

    position_m: float = parameter(1.0, "Tolerated distance.", "chosen", above=0, below=inf)
    snr_db: float = parameter(
        2.5, "Tolerated root mean square difference over the access points.", "chosen", above=0, below=inf
    )
    max_period_slots: int = parameter(
        16, "A device reports after so many slots in any case.", "as ErrorDiscriminator", above=0
    )


@runtime_checkable
class BeliefCost(Protocol):
    """What it costs that a device knows what the twin believes of it."""

    def n_byte(
        self, slot: int, n_aps: int, silent_slots: Int[np.ndarray, "batch user"]
    ) -> Float[np.ndarray, "batch user"]:
        """Return the bytes to each device in one slot; `silent_slots` counts from its last report of either half."""
        ...


@configclass
class RunsEmulator:
    """The device runs the emulator: it gets its network once, and then nothing."""

    model_byte: int = parameter(
        76_900, "Size of the emulator's network.", "the shipped LSTM; 0 for a closed form", at_least=0
    )

    def n_byte(
        self, slot: int, n_aps: int, silent_slots: Int[np.ndarray, "batch user"]
    ) -> Float[np.ndarray, "batch user"]:
        """Send the network in the first slot."""
        return np.full(silent_slots.shape, float(self.model_byte if slot == 0 else 0))


@configclass
class GetsPrediction:
    """The AP sends its prediction of the coming slots after each report, and again when they are over."""

    n_slots: int = parameter(
        4, "Slots that one message predicts.", "chosen: a device reports about that often", above=0
    )
    value_byte: int = parameter(2, "Size of a coordinate or an SNR.", "chosen: 16 bit", above=0)
    header_byte: int = parameter(
        24, "Size of everything else in the message.", "as in the reports: headers", at_least=0
    )

    def n_byte(
        self, slot: int, n_aps: int, silent_slots: Int[np.ndarray, "batch user"]
    ) -> Float[np.ndarray, "batch user"]:
        """Count a message where one is sent."""
        message = self.header_byte + self.n_slots * (2 + n_aps) * self.value_byte
        return np.where(silent_slots % self.n_slots == 0, float(message), 0.0)


class DeviceTriggered:
    """Collects from those whose own measurement is far from what the twin predicted for them.

    Attributes:
        records: One entry per slot; its bytes are those of the reports.
        belief_byte: Per slot, environment: what it cost that devices knew the twin's belief.

    Raises:
        ValueError: the longest period does not fit into the store's window.
    """

    def __init__(
        self,
        store: StatusStore,
        emulator: StatusEmulator,
        tolerance: Tolerance = Tolerance(),
        cost: BeliefCost = GetsPrediction(),
        controller: Uplink = LocalController(),
    ) -> None:
        check_fits(tolerance.max_period_slots, store)
        self._store, self._emulator, self._controller = store, emulator, controller
        self._tolerance, self._cost = tolerance, cost
        self._upcoming: EmulatedStatus | None = None
        self.records: list[SlotRecord] = []
        self.belief_byte: list[Float[np.ndarray, " batch"]] = []

    def due(self) -> Due:
        """Say who reports in any case; who reports besides, the devices decide."""
        if self._store.is_empty:
            return everybody(self._store)
        longest = self._tolerance.max_period_slots
        return Due(*(age + 1 >= longest for age in status_ages(self._store)))

    def observe(self, telemetry: Telemetry) -> Status:
        """Let the devices compare, collect from those that speak up, update, and emulate."""
        due, predicted = self.due(), self._upcoming
        if predicted is not None:
            due = Due(*(must | may for must, may in zip(due, self._triggers(predicted, telemetry), strict=True)))
        report = collect(self._store, self._controller, telemetry, due, predicted, type(self._emulator).__name__)
        self._upcoming = emulate_next(self._emulator, self._store)
        ages = status_ages(self._store)
        self.records.append(record_of(report, None, tuple(age + 1 for age in ages)))
        silent_slots, n_aps = np.minimum(*ages), telemetry.snr_db.shape[-1]
        self.belief_byte.append(self._cost.n_byte(len(self.belief_byte), n_aps, silent_slots).sum(axis=-1))
        return self._store.status()

    def _triggers(
        self, predicted: EmulatedStatus, telemetry: Telemetry
    ) -> tuple[Bool[np.ndarray, "batch user"], Bool[np.ndarray, "batch user"]]:
        """Compare on each device its own measurement with the twin's prediction of it."""
        away_m = np.linalg.norm(predicted.position_m[:, :, 0] - telemetry.position_m, axis=-1)
        off_db = np.sqrt(((predicted.snr_db[:, :, 0] - telemetry.snr_db) ** 2).mean(axis=-1))
        return off_db > self._tolerance.snr_db, away_m > self._tolerance.position_m
