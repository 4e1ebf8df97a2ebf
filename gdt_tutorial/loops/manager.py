"""The whole GDT network: physical network, digital twin, external and internal loop, slot by slot.

The paper's Fig. 3 drawn as code: what the external loop knows feeds the internal loop, and what that decides changes the
network that the external loop watches.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial import seeding
from gdt_tutorial.loops.external import Collection, twin_error
from gdt_tutorial.loops.internal import InternalConfig, InternalLoop
from gdt_tutorial.physical.messages import Telemetry
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.status import StatusStore
from gdt_tutorial.twin.swipe_curves import SwipeCurves, on_screen
from gdt_tutorial.twin.virtual import VirtualNetwork

__all__ = ["GdtNetwork", "History", "schedule_model"]

WINDOW_SLOTS = 20  # more than the longest period of the external loop; a longer memory does not help the LSTM


@dataclass(frozen=True, kw_only=True)
class History:
    """What a run gave, cost and showed. The two errors are for evaluation: the twin does not see them."""

    qoe: Float[np.ndarray, "slot batch"]  # mean over users, per second
    stall_s: Float[np.ndarray, "slot batch"]  # mean over users, per slot
    quality: Float[np.ndarray, "slot batch"]
    variation: Float[np.ndarray, "slot batch"]
    n_byte: Float[np.ndarray, "slot batch"]  # collected
    collected_share: Float[np.ndarray, " slot"]  # of the users, mean of both parts of the status
    position_error_m: Float[np.ndarray, " slot"]
    snr_error_db: Float[np.ndarray, " slot"]
    chosen: Int[np.ndarray, "slot batch"]  # index of the manager whose decision was carried out
    position_m: Float[np.ndarray, "slot user xy"]  # of the first environment
    emulated_m: Float[np.ndarray, "slot user xy"]


class GdtNetwork:
    """A physical network under closed-loop management.

    Attributes:
        store: What the twin holds; `store.status()` is its view of this slot.
        virtual: The DT environment in which it validates.
        collection, internal: The two loops.

    Args:
        network: The physical network; it is reset.
        emulator: Continues the status where nothing was collected.
        managers: The decision makers among which the internal loop chooses; one alone leaves the loop open.
        collect: Makes the external loop, or a fixed collection, around a status store.
        internal: How decisions are validated.
    """

    def __init__(
        self,
        network: PhysicalNetwork,
        emulator: StatusEmulator,
        managers: Mapping[str, DecisionMaker],
        collect: Callable[[StatusStore, StatusEmulator], Collection],
        internal: InternalConfig = InternalConfig(),
    ) -> None:
        self.network, self._emulator, self._managers = network, emulator, dict(managers)
        self._collect, self._config = collect, internal
        self._start()

    def _start(self) -> None:
        """Make a twin that knows nothing yet, inside the slice that the network has now."""
        network, (n_batch, n_users) = self.network, self.network.viewers.user.shape
        self.store = StatusStore(n_batch, n_users, network.topology.n_aps, WINDOW_SLOTS)
        self.collection = self._collect(self.store, self._emulator)
        self.curves = SwipeCurves(n_batch, network.catalog.n_types)
        abstractor = GroupAbstractor(network.catalog, network.capacity, self.curves, network.link)
        self.virtual = VirtualNetwork(
            model=schedule_model(network), abstractor=abstractor, hysteresis_db=network.config.hysteresis_db
        )
        rng = seeding.stream(network.seed, "validation")
        self.internal = InternalLoop(abstractor, self._managers, self.virtual, self._config, rng=rng)

    def forecast(self, n_slots: int) -> EmulatedStatus:
        """Emulate the coming `n_slots` slots from what the twin holds now."""
        return self._emulator.emulate(self.store.window(), n_slots)

    def run(self, n_slots: int, on_slot: Callable[[int], object] | None = None) -> History:
        """Run both loops for `n_slots` slots from the start, with a new twin; `on_slot` is called after each."""
        self._start()
        telemetry = self.network.reset()
        rows: list[dict[str, np.ndarray | float]] = []
        for slot in range(n_slots):
            # External loop: from telemetry to the status that the twin believes.
            status = self.collection.observe(telemetry)
            service = telemetry.service
            running = on_screen(status.session, self.network.catalog)
            self.curves.update(service.view_type, service.view_fraction, running=running)
            # Internal loop: from the status to a decision.
            decision = self.internal.decide(status, self.forecast)
            error = twin_error(status, telemetry)
            emulated_m, position_m = status.behavior.position_m[0], telemetry.position_m[0]
            telemetry = self.network.step(decision)
            rows.append(
                {
                    **_served(telemetry),
                    "n_byte": self.collection.records[-1].n_byte,
                    "collected_share": float(np.mean(self.collection.records[-1].collected_share)),
                    "position_error_m": error.position_m,
                    "snr_error_db": error.snr_db,
                    "chosen": self.internal.verdicts[-1].chosen,
                    "position_m": position_m,
                    "emulated_m": emulated_m,
                }
            )
            if on_slot is not None:
                on_slot(slot)
        return History(**{name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]})


def _served(telemetry: Telemetry) -> dict[str, np.ndarray]:
    return {name: getattr(telemetry.service, name).mean(axis=-1) for name in ("qoe", "stall_s", "quality", "variation")}
