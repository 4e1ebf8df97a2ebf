"""An uplink that loses reports, delays them, brings them twice and out of order.

"User status is first uploaded to AP to update DT status" (the paper, Procedure of Closed-Loop Network Management); it assumes
that what is uploaded arrives. Here each half of each user's report has a fate of its own: it comes at once, late, or never,
and a second copy may come later still. A report keeps the slot in which it was measured, so a late one can be put in its place.

Two things always arrive: the first slot, with which a user attaches, and the report of a user who was not heard for
`reliable_after_slots`; it is sent until it comes, and each try is counted. The fates are our own, plain and independent. A
network in which losses come in bursts is harder.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from gdt_tutorial.configuration import configclass, parameter
from gdt_tutorial.physical.controllers import LocalController
from gdt_tutorial.physical.messages import Report, Telemetry

__all__ = ["FaultConfig", "FaultyUplink"]

_HALVES = ("networking", "behavior")


@configclass
class FaultConfig:
    """How often what goes wrong."""

    lost_share: float = parameter(0.2, "Reports that never come.", "chosen", at_least=0, below=1)
    late_share: float = parameter(0.1, "Of the others, those that come late.", "chosen", at_least=0, at_most=1)
    twice_share: float = parameter(0.05, "Reports of which a copy comes late.", "chosen", at_least=0, at_most=1)
    max_delay_slots: int = parameter(4, "Slots by which a late one is late, from 1 to this.", "chosen", above=0)
    reliable_after_slots: int = parameter(
        10,
        "Slots of silence after which a report is sent until it comes.",
        "chosen: half of the twin's window",
        above=0,
    )


class FaultyUplink:
    """Collects as a `LocalController` does, over an uplink with faults; stands in its place.

    Args:
        config: How often what goes wrong.
        controller: Asks the users, and knows the size of a report.
        rng: Draws the fates.
    """

    def __init__(
        self,
        config: FaultConfig = FaultConfig(),
        controller: LocalController = LocalController(),
        *,
        rng: np.random.Generator,
    ) -> None:
        self._config, self._controller, self._rng = config, controller, rng
        self._on_the_way: list[tuple[int, Report]] = []  # slot of the arrival, what arrives
        self._arrived: tuple[Report, ...] = ()
        self._heard: dict[str, np.ndarray] = {}  # slot in which each user's report came last, without delay

    def collect(
        self,
        telemetry: Telemetry,
        due_networking: Bool[np.ndarray, "batch user"],
        due_behavior: Bool[np.ndarray, "batch user"],
    ) -> Report:
        """Ask the due users; return what comes at once. Its bytes are those of all that was sent."""
        sent = self._controller.collect(telemetry, due_networking, due_behavior)
        on_time, n_byte = {}, sent.n_byte.copy()
        late: dict[tuple[int, str], np.ndarray] = {}
        for name, size in zip(_HALVES, (self._controller.networking_byte, self._controller.behavior_byte), strict=True):
            due = getattr(sent, f"is_{name}_collected")
            on_time[name], more = self._fates(name, due, sent.slot, late)
            n_byte += size * more.sum(axis=-1)
        for (delay_slots, name), mask in late.items():
            masks = {half: mask & (half == name) for half in _HALVES}
            self._on_the_way.append((sent.slot + delay_slots, _part(sent, masks, np.zeros(len(mask)))))
        arrived = [report for slot, report in self._on_the_way if slot <= sent.slot]
        self._on_the_way = [each for each in self._on_the_way if each[0] > sent.slot]
        self._arrived = tuple(arrived[i] for i in self._rng.permutation(len(arrived)))
        return _part(sent, on_time, n_byte)

    def late(self) -> tuple[Report, ...]:
        """Return what came in the slot of the last `collect` and was measured earlier, in any order."""
        return self._arrived

    def _fates(
        self, name: str, due: Bool[np.ndarray, "batch user"], slot: int, late: dict[tuple[int, str], np.ndarray]
    ) -> tuple[Bool[np.ndarray, "batch user"], np.ndarray]:
        """Return who is heard at once and how many more times each sends; note in `late` what comes when."""
        config, rng = self._config, self._rng
        heard = self._heard.setdefault(name, np.full(due.shape, slot - config.reliable_after_slots))
        lost, delayed, twice = (rng.random(due.shape) < share for share in _shares(config))
        must = due & (slot - heard >= config.reliable_after_slots)
        tries = rng.geometric(1 - config.lost_share, due.shape)
        on_time = must | (due & ~lost & ~delayed)
        self._heard[name] = np.where(on_time, slot, heard)
        for mask in (due & ~must & ~lost & delayed, due & twice):
            delay_slots = rng.integers(1, config.max_delay_slots + 1, due.shape)
            for each in np.unique(delay_slots[mask]):
                late[int(each), name] = late.get((int(each), name), False) | (mask & (delay_slots == each))
        return on_time, (due & twice).astype(np.int64) + np.where(must, tries - 1, 0)


def _shares(config: FaultConfig) -> tuple[float, float, float]:
    return config.lost_share, config.late_share, config.twice_share


def _part(sent: Report, masks: dict[str, np.ndarray], n_byte: np.ndarray) -> Report:
    """Return the report of some of the users, NaN for the others."""
    networking, behavior = masks["networking"], masks["behavior"]
    return replace(
        sent,
        position_m=np.where(behavior[..., None], sent.position_m, np.nan),
        velocity_mps=np.where(behavior[..., None], sent.velocity_mps, np.nan),
        snr_db=np.where(networking[..., None], sent.snr_db, np.nan),
        is_networking_collected=networking,
        is_behavior_collected=behavior,
        n_byte=np.asarray(n_byte, dtype=np.float64),
    )
