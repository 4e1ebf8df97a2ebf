"""The status that the twin holds of every user, the age of each part of it, and the store that keeps it fresh.

"DT status consists of networking-related data (users' channel conditions and service delay, base stations' transmission
capabilities and traffic load, ...) and behavior-related data (users' interaction frequency, locations, mobility speed,
preferences, etc.), to mirror the real-time physical network status. DT data needs to be periodically updated to
guarantee freshness" (the paper, GAI-Based Status Emulation).

How we differ: preferences are left out, because they stand still in the simulation; the session (who watches what) is
always known, because the video service answers its segment requests.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.messages import Load, Report, Session, Telemetry

__all__ = [
    "BehaviorStatus",
    "NetworkingStatus",
    "Status",
    "StatusStore",
    "StatusWindow",
    "at_slot",
    "last_collected",
    "true_status",
]


@dataclass(frozen=True, kw_only=True)
class NetworkingStatus:
    """Networking-related half of the status."""

    snr_db: Float[np.ndarray, "batch user ap"]  # collected where the age is 0, else emulated
    snr_std_db: Float[np.ndarray, "batch user ap"]  # how wrong the twin believes it to be; 0 where it was collected
    age_slots: Int[np.ndarray, "batch user"]  # slots since it was collected
    bandwidth_load: Float[np.ndarray, "batch ap"]  # share in use; the AP knows its own load
    computing_load: Float[np.ndarray, "batch ap"]


@dataclass(frozen=True, kw_only=True)
class BehaviorStatus:
    """Behavior-related half of the status."""

    position_m: Float[np.ndarray, "batch user xy"]  # collected where the age is 0, else emulated
    position_std_m: Float[np.ndarray, "batch user xy"]  # how wrong the twin believes it to be; 0 where it was collected
    velocity_mps: Float[np.ndarray, "batch user xy"]  # the one collected last
    age_slots: Int[np.ndarray, "batch user"]


@dataclass(frozen=True, kw_only=True)
class Status:
    """What the twin knows or believes about the network in one slot."""

    slot: int
    networking: NetworkingStatus
    behavior: BehaviorStatus
    session: Session


def true_status(telemetry: Telemetry) -> Status:
    """Return what a perfect twin would hold: every user reports in every slot. For training and for evaluation."""
    fresh, load = np.zeros(telemetry.snr_db.shape[:2], dtype=np.int64), telemetry.load
    return Status(
        slot=telemetry.slot,
        networking=NetworkingStatus(
            snr_db=telemetry.snr_db,
            snr_std_db=np.zeros(telemetry.snr_db.shape),
            age_slots=fresh,
            bandwidth_load=load.bandwidth,
            computing_load=load.computing,
        ),
        behavior=BehaviorStatus(
            position_m=telemetry.position_m,
            position_std_m=np.zeros(telemetry.position_m.shape),
            velocity_mps=telemetry.velocity_mps,
            age_slots=fresh.copy(),
        ),
        session=telemetry.session,
    )


@dataclass(frozen=True, kw_only=True)
class StatusWindow:
    """The last slots of the status, oldest first: what an emulator reads.

    Every entry is a number; only those whose mask is true were collected. Slots before the first report repeat it,
    with the mask false.
    """

    slot: int  # network time of the newest slot
    position_m: Float[np.ndarray, "batch user slot xy"]
    velocity_mps: Float[np.ndarray, "batch user slot xy"]
    is_behavior_collected: Bool[np.ndarray, "batch user slot"]
    snr_db: Float[np.ndarray, "batch user slot ap"]
    is_networking_collected: Bool[np.ndarray, "batch user slot"]


def last_collected(is_collected: Bool[np.ndarray, "batch user slot"]) -> Int[np.ndarray, "batch user"]:
    """Return the newest slot of the window in which each user was collected.

    Raises:
        ValueError: a user who was not collected in the whole window.
    """
    n_lost = int((~is_collected.any(axis=-1)).sum())
    require(n_lost == 0, "window", "hold a collected slot of every user", f"{n_lost} without", "widen window_slots")
    n_slots = is_collected.shape[-1]
    return n_slots - 1 - is_collected[..., ::-1].argmax(axis=-1)


def at_slot(
    values: Float[np.ndarray, "batch user slot feature"], index: Int[np.ndarray, "batch user"]
) -> Float[np.ndarray, "batch user feature"]:
    """Pick one slot of each user."""
    return np.take_along_axis(values, index[..., None, None], axis=2)[:, :, 0]


class StatusStore:
    """Keeps the last `window_slots` slots of the status.

    In each slot comes one report; then `fill` puts emulated values where the report has none. Until it does, a value
    that was not collected stays the one of the slot before.

    Attributes:
        shape: Environments and users.

    Raises:
        ValueError: a size that is not positive.
    """

    def __init__(self, n_batch: int, n_users: int, n_aps: int, window_slots: int) -> None:
        for name, size in (
            ("n_batch", n_batch), ("n_users", n_users), ("n_aps", n_aps), ("window_slots", window_slots),
        ):  # fmt: skip
            require(size > 0, name, "be above 0", size, "keep at least one")
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
            part = _part(name)
            is_collected = getattr(report, f"is_{part}_collected")
            newest = np.where(is_collected[..., None], getattr(report, name), values[:, :, -1])
            values[:, :, :-1] = newest[:, :, None] if self.is_empty else values[:, :, 1:]
            values[:, :, -1] = newest
        # Until `impute` says more, a value that is repeated is as uncertain as it was.
        for name, std in self._std.items():
            std[getattr(report, f"is_{_part(name)}_collected")] = 0.0
        for part, mask in self._is_collected.items():
            newest_mask = getattr(report, f"is_{part}_collected")
            mask[:, :, :-1] = mask[:, :, 1:]
            mask[:, :, -1] = newest_mask
            self._age_slots[part] = np.where(newest_mask, 0, self._age_slots[part] + 1)
        self._report = report

    def impute(
        self,
        position_m: Float[np.ndarray, "batch user xy"],
        snr_db: Float[np.ndarray, "batch user ap"],
        position_std_m: Float[np.ndarray, "batch user xy"],
        snr_std_db: Float[np.ndarray, "batch user ap"],
    ) -> None:
        """Put emulated values and their spread into the newest slot, for those users alone who were not collected.

        Raises:
            ValueError: no report yet, a wrong shape, or a value that is needed and not finite.
        """
        self._require_report()
        parts = (("position_m", position_m, position_std_m), ("snr_db", snr_db, snr_std_db))
        for name, emulated, std in parts:
            newest = self._values[name][:, :, -1]
            require(emulated.shape == newest.shape, name, f"have shape {newest.shape}", emulated.shape, "one per user")
            is_open = ~self._is_collected[_part(name)][:, :, -1]
            n_bad = int((~np.isfinite(emulated[is_open])).sum())
            require(
                n_bad == 0, name, "be finite where nothing was collected", f"{n_bad} bad values", "mend the emulator"
            )
            rule = f"have the shape of {name} and be at least 0"
            is_spread = std.shape == newest.shape and bool((std[is_open] >= 0).all())
            require(is_spread, f"the spread of {name}", rule, std.shape, "0 says that the emulator is certain")
            newest[is_open] = emulated[is_open]
            self._std[name][is_open] = std[is_open]

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
        load: Load = report.load
        return Status(
            slot=report.slot,
            networking=NetworkingStatus(
                snr_db=newest["snr_db"],
                snr_std_db=self._std["snr_db"].copy(),
                age_slots=self._age_slots["networking"].copy(),
                bandwidth_load=load.bandwidth,
                computing_load=load.computing,
            ),
            behavior=BehaviorStatus(
                position_m=newest["position_m"],
                position_std_m=self._std["position_m"].copy(),
                velocity_mps=newest["velocity_mps"],
                age_slots=self._age_slots["behavior"].copy(),
            ),
            session=report.session,
        )

    def _require_report(self) -> Report:
        require(self._report is not None, "store", "have a report", None, "call update first")
        assert self._report is not None
        return self._report

    def _check(self, report: Report) -> None:
        for name, values in self._values.items():
            given, wanted = getattr(report, name), values[:, :, -1]
            require(
                given.shape == wanted.shape, f"report.{name}", f"have shape {wanted.shape}", given.shape, "one per user"
            )
            is_collected = getattr(report, f"is_{_part(name)}_collected")
            require(
                is_collected.shape == wanted.shape[:2], f"report.is_{_part(name)}_collected",
                f"have shape {wanted.shape[:2]}", is_collected.shape, "one per user",
            )  # fmt: skip
            n_bad = int((~np.isfinite(given[is_collected])).sum())
            remedy = "mark those users as not collected"
            require(n_bad == 0, f"report.{name}", "be finite where it was collected", f"{n_bad} bad values", remedy)
            n_missing = int((~is_collected).sum()) if self.is_empty else 0
            remedy = "collect every user in the first slot"
            require(
                n_missing == 0, f"report.{name}", "be complete the first time", f"{n_missing} users missing", remedy
            )
        if self._report is not None:
            rule = f"follow slot {self._report.slot}"
            require(
                report.slot == self._report.slot + 1, "report.slot", rule, report.slot, "report every slot, in order"
            )


def _part(name: str) -> str:
    """Return the half of the status that a quantity belongs to."""
    return "networking" if name == "snr_db" else "behavior"
