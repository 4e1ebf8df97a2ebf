"""The controllers of the physical network, on two time scales.

"The local controller is responsible for small-timescale data collection and resource scheduling policy implementation,
while the centralized controller implements the large-timescale network slicing" (the paper, GDT network architecture).
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int

from gdt_tutorial.configuration import parameter, require
from gdt_tutorial.physical.measurements import report_byte
from gdt_tutorial.physical.messages import Report, Session, Telemetry
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.physical.slicing import NetworkSlice

__all__ = ["CentralizedController", "LocalController", "Uplink"]


@runtime_checkable
class Uplink(Protocol):
    """What collects for the twin: a local controller, or one behind an uplink with faults (`faulty_uplink`)."""

    def collect(
        self,
        telemetry: Telemetry,
        due_networking: Bool[np.ndarray, "batch user"],
        due_behavior: Bool[np.ndarray, "batch user"],
    ) -> Report:
        """Ask the due users; return what comes at once."""
        ...

    def late(self) -> tuple[Report, ...]:
        """Return reports of earlier slots that came with it, in any order."""
        ...


@dataclass(frozen=True, kw_only=True)
class LocalController:
    """Collects status and carries decisions to the APs, slot by slot (small time scale).

    The cost of a report counts, because the twin exists to save it.
    """

    networking_byte: int = parameter(
        report_byte("networking"),
        "Size of one user's networking-related report.",
        "chosen: a measurement report and headers",
    )
    behavior_byte: int = parameter(
        report_byte("behavior"), "Size of one user's behavior-related report.", "chosen: location, velocity and headers"
    )

    def collect(
        self,
        telemetry: Telemetry,
        due_networking: Bool[np.ndarray, "batch user"],
        due_behavior: Bool[np.ndarray, "batch user"],
    ) -> Report:
        """Ask the due users, and only them.

        Raises:
            ValueError: a due user's measurement is NaN.
        """
        for name, due in (("snr_db", due_networking), ("position_m", due_behavior), ("velocity_mps", due_behavior)):
            n_bad, rule = int(np.isnan(getattr(telemetry, name)[due]).sum()), "hold no NaN for users that report"
            require(n_bad == 0, f"telemetry.{name}", rule, f"{n_bad} NaN", "mark them as not due")
        n_byte = (due_networking * self.networking_byte + due_behavior * self.behavior_byte).sum(axis=-1)
        return Report(
            slot=telemetry.slot,
            position_m=np.where(due_behavior[..., None], telemetry.position_m, np.nan),
            velocity_mps=np.where(due_behavior[..., None], telemetry.velocity_mps, np.nan),
            snr_db=np.where(due_networking[..., None], telemetry.snr_db, np.nan),
            is_networking_collected=due_networking.copy(),
            is_behavior_collected=due_behavior.copy(),
            n_byte=n_byte.astype(np.float64),
            session=telemetry.session,
            service=telemetry.service,
            load=telemetry.load,
            infrastructure=telemetry.infrastructure,
        )

    def late(self) -> tuple[Report, ...]:
        """Return reports of earlier slots that came just now: none, because here every report comes at once."""
        return ()


@dataclass(frozen=True, kw_only=True)
class CentralizedController:
    """Slices the network and forms multicast groups, every `period_slots` slots (large time scale)."""

    period_slots: int = parameter(30, "Slots between two large-timescale decisions.", "chosen: one minute")

    def is_due(self, slot: int) -> bool:
        """Say whether `slot` begins a large-timescale period."""
        return slot % self.period_slots == 0

    def apply(
        self, network: PhysicalNetwork, network_slice: NetworkSlice, group: Int[np.ndarray, "batch user"] | None = None
    ) -> Session:
        """Give the network's service its slice and, where `group` is given, new multicast groups.

        Returns the session from which the next decision is made: after regrouping, that of the last slot is over.
        """
        network.use_slice(network_slice)
        return network.stream.session(network.serving_ap) if group is None else network.regroup(group)
