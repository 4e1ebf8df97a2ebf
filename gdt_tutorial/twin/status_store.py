"""The store that keeps the status of every user fresh: one report per slot, and emulated values where it has none."""

import numpy as np
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import require, require_counts
from gdt_tutorial.physical.messages import Report
from gdt_tutorial.twin.status import BehaviorStatus, NetworkingStatus, Status, StatusWindow, known_here
from gdt_tutorial.twin.status_counts import CountsConfig, StatusCounts
from gdt_tutorial.twin.status_parts import HOLD, part_of

__all__ = ["StatusStore"]


class StatusStore:
    """Keeps the last `window_slots` slots of the status.

    Everybody reports once, then nobody does: ages grow, and values stay.

    >>> from gdt_tutorial.physical.controllers import LocalController
    >>> from gdt_tutorial.physical.network import NetworkConfig, PhysicalNetwork
    >>> network = PhysicalNetwork.waterloo(1, NetworkConfig(n_users=3), seed=0)
    >>> store, telemetry = StatusStore(1, 3, 2, window_slots=5), network.reset()
    >>> all_users = np.ones((1, 3), dtype=bool)
    >>> store.update(LocalController().collect(telemetry, all_users, all_users))
    >>> store.status().behavior.age_slots
    array([[0, 0, 0]])

    In each slot comes one report; then `impute` puts emulated values where the report has none. Until it does, a value
    that was not collected stays the one of the slot before.

    Attributes:
        shape: Environments and users.

    Raises:
        ValueError: a size that is not positive.
    """

    def __init__(
        self, n_batch: int, n_users: int, n_aps: int, window_slots: int, counts: CountsConfig = CountsConfig()
    ) -> None:
        require_counts("keep at least one", n_batch=n_batch, n_users=n_users, n_aps=n_aps, window_slots=window_slots)
        self.window_slots, self.shape = window_slots, (n_batch, n_users)
        shape = (n_batch, n_users, window_slots)
        self._values = {
            "position_m": np.full((*shape, 2), np.nan),
            "velocity_mps": np.full((*shape, 2), np.nan),
            "snr_db": np.full((*shape, n_aps), np.nan),
        }
        self._is_collected = {name: np.zeros(shape, dtype=bool) for name in ("behavior", "networking")}
        self._age_slots = {name: np.zeros(shape[:2], dtype=np.int64) for name in ("behavior", "networking")}
        self._std = {"position_m": np.zeros((*shape[:2], 2)), "snr_db": np.zeros((*shape[:2], n_aps))}
        self._counts = StatusCounts(self.shape, window_slots, counts)
        self._emulator = HOLD
        self._report: Report | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no report has come yet; the first one must be complete."""
        return self._report is None

    def update(self, report: Report) -> None:
        """Move on by one slot and keep what was collected.

        Raises:
            ValueError: a wrong shape, a collected value that is not finite, a slot that does not follow the last one,
                or a first report that leaves users out.
        """
        self._check(report)
        for name, values in self._values.items():
            part = part_of(name).half
            is_collected = getattr(report, f"is_{part}_collected")
            newest = np.where(is_collected[..., None], getattr(report, name), values[:, :, -1])
            values[:, :, :-1] = newest[:, :, None] if self.is_empty else values[:, :, 1:]
            values[:, :, -1] = newest
        # Until `impute` says more, a value that is repeated is as uncertain as it was.
        for name, std in self._std.items():
            std[getattr(report, f"is_{part_of(name).half}_collected")] = 0.0
        for part, mask in self._is_collected.items():
            newest_mask = getattr(report, f"is_{part}_collected")
            mask[:, :, :-1] = mask[:, :, 1:]
            mask[:, :, -1] = newest_mask
            self._age_slots[part] = np.where(newest_mask, 0, self._age_slots[part] + 1)
        self._counts.update(report.service, report.load, report.infrastructure)
        self._emulator, self._report = HOLD, report

    def insert(self, report: Report) -> None:
        """Put a report that came late into the slot in which it was measured.

        Where that slot has been collected already, it stays as it is: a report that comes twice changes nothing. One that is
        older than the window is dropped. What was emulated since then stays emulated; ages become those of the newest report.

        Raises:
            ValueError: no report yet, a report of now or of the future, a wrong shape, or a collected value that is not finite.
        """
        newest = self._require_report().slot
        rule = f"be before slot {newest}, and at least 0"
        require(0 <= report.slot < newest, "report.slot", rule, report.slot, "pass the report of now to update")
        self._check_values(report)
        age = newest - report.slot
        if age >= self.window_slots:
            return
        at = self.window_slots - 1 - age
        for half, mask in self._is_collected.items():
            is_new = getattr(report, f"is_{half}_collected") & ~mask[:, :, at]
            for name, values in self._values.items():
                if part_of(name).half == half:
                    values[is_new, at] = getattr(report, name)[is_new]
            if half == "behavior":
                self._carry_velocity(at, is_new)
            mask[:, :, at] |= is_new
            self._age_slots[half] = np.where(is_new, np.minimum(self._age_slots[half], age), self._age_slots[half])

    def _carry_velocity(self, at: int, is_new: Bool[np.ndarray, "batch user"]) -> None:
        """Let a velocity that came late hold until the next one that was collected."""
        velocity_mps, mask = self._values["velocity_mps"], self._is_collected["behavior"]
        holds = is_new
        for slot in range(at + 1, self.window_slots):
            holds = holds & ~mask[:, :, slot]
            velocity_mps[holds, slot] = velocity_mps[holds, at]

    def impute(
        self,
        position_m: Float[np.ndarray, "batch user xy"],
        snr_db: Float[np.ndarray, "batch user ap"],
        position_std_m: Float[np.ndarray, "batch user xy"],
        snr_std_db: Float[np.ndarray, "batch user ap"],
        *,
        by: str = "an emulator",
    ) -> None:
        """Put emulated values and their spread into the newest slot, for those users alone who were not collected.

        `by` names the emulator, for the provenance of the status.

        Raises:
            ValueError: no report yet, a wrong shape, or a value that is needed and not finite.
        """
        self._require_report()
        parts = (("position_m", position_m, position_std_m), ("snr_db", snr_db, snr_std_db))
        for name, emulated, std in parts:
            newest = self._values[name][:, :, -1]
            require(emulated.shape == newest.shape, name, f"have shape {newest.shape}", emulated.shape, "one per user")
            is_open = ~self._is_collected[part_of(name).half][:, :, -1]
            n_bad = int((~np.isfinite(emulated[is_open])).sum())
            require(
                n_bad == 0, name, "be finite where nothing was collected", f"{n_bad} bad values", "mend the emulator"
            )
            rule = f"have the shape of {name} and be at least 0"
            is_spread = std.shape == newest.shape and bool((std[is_open] >= 0).all())
            require(is_spread, f"the spread of {name}", rule, std.shape, "0 says that the emulator is certain")
            newest[is_open] = emulated[is_open]
            self._std[name][is_open] = std[is_open]
        self._emulator = by

    def window(self) -> StatusWindow:
        """Copy the last slots, oldest first.

        Raises:
            ValueError: no report yet.
        """
        report = self._require_report()
        return StatusWindow(
            slot=report.slot,
            **{name: values.copy() for name, values in self._values.items()},
            **{f"is_{part}_collected": mask.copy() for part, mask in self._is_collected.items()},
        )

    def status(self) -> Status:
        """Return the newest slot.

        Raises:
            ValueError: no report yet.
        """
        report = self._require_report()
        newest = {name: values[:, :, -1].copy() for name, values in self._values.items()}
        return Status(
            slot=report.slot,
            networking=NetworkingStatus(
                snr_db=newest["snr_db"],
                snr_std_db=self._std["snr_db"].copy(),
                age_slots=self._age_slots["networking"].copy(),
                delay_s=self._counts.delay_s.copy(),
                **known_here(report.load, report.infrastructure),
            ),
            behavior=BehaviorStatus(
                position_m=newest["position_m"],
                position_std_m=self._std["position_m"].copy(),
                velocity_mps=newest["velocity_mps"],
                age_slots=self._age_slots["behavior"].copy(),
                interaction_hz=self._counts.interaction_hz,
                preference=self._counts.preference,
            ),
            session=report.session,
            emulator=self._emulator,
        )

    def _require_report(self) -> Report:
        require(self._report is not None, "store", "have a report", None, "call update first")
        assert self._report is not None
        return self._report

    def _check(self, report: Report) -> None:
        self._check_values(report)
        for name in self._values if self.is_empty else ():
            n_missing = int((~getattr(report, f"is_{part_of(name).half}_collected")).sum())
            remedy = "collect every user in the first slot"
            require(
                n_missing == 0, f"report.{name}", "be complete the first time", f"{n_missing} users missing", remedy
            )
        if self._report is not None:
            rule, remedy = f"follow slot {self._report.slot}", "report every slot, in order, or insert a late one"
            require(report.slot == self._report.slot + 1, "report.slot", rule, report.slot, remedy)

    def _check_values(self, report: Report) -> None:
        for name, values in self._values.items():
            given, wanted = getattr(report, name), values[:, :, -1]
            require(
                given.shape == wanted.shape, f"report.{name}", f"have shape {wanted.shape}", given.shape, "one per user"
            )
            is_collected = getattr(report, f"is_{part_of(name).half}_collected")
            require(
                is_collected.shape == wanted.shape[:2], f"report.is_{part_of(name).half}_collected",
                f"have shape {wanted.shape[:2]}", is_collected.shape, "one per user",
            )  # fmt: skip
            n_bad = int((~np.isfinite(given[is_collected])).sum())
            remedy = "mark those users as not collected"
            require(n_bad == 0, f"report.{name}", "be finite where it was collected", f"{n_bad} bad values", remedy)
