"""The parts of the status: who measures each, what stands in for it where nobody did, and who reads it.

A part that a phone measures ages until the phone's next report, and an emulator fills the gap. Of what access points, servers
and the video service know, the twin always holds the newest; only in a rollout, ahead of the network, must something stand
in for it.
"""

from typing import NamedTuple

from gdt_tutorial.physical.measurements import MEASUREMENTS, Measurement

__all__ = ["COLLECTED", "HOLD", "PARTS", "ROLLOUT", "STATUS_EMULATOR", "StatusPart", "part_of"]

COLLECTED = "collected"
HOLD = "hold"  # the value before stays
ROLLOUT = "VirtualNetwork"  # what the tried decisions make of it
STATUS_EMULATOR = "StatusEmulator"  # in a status, the name of its class


class StatusPart(NamedTuple):
    """One part of the status."""

    measurement: Measurement
    emulator: str  # what stands in for it: HOLD, ROLLOUT or STATUS_EMULATOR
    read_by: tuple[str, ...]  # who reads it today

    @property
    def name(self) -> str:
        """Its name in the status."""
        return self.measurement.name

    @property
    def half(self) -> str:
        """The half of the status that it belongs to: "networking" or "behavior"; "session" is a part of its own."""
        return self.measurement.half

    @property
    def is_reported(self) -> bool:
        """Whether phones must send it."""
        return self.measurement.measured_by == "phone"


_CONTEXT = ("Features.context",)
_USES: dict[str, tuple[str, tuple[str, ...]]] = {
    "snr_db": (STATUS_EMULATOR, ("StatusEmulator", "ErrorDiscriminator", "FeatureAbstractor")),
    "delay_s": (ROLLOUT, _CONTEXT),
    "bandwidth_hz": (HOLD, ()),
    "bandwidth_load": (ROLLOUT, _CONTEXT),
    "backhaul_load": (ROLLOUT, _CONTEXT),
    "computing_cycles_per_s": (HOLD, ()),
    "computing_load": (ROLLOUT, _CONTEXT),
    "cached_share": (HOLD, ()),
    "position_m": (STATUS_EMULATOR, ("StatusEmulator", "ErrorDiscriminator")),
    "velocity_mps": (HOLD, ("StatusEmulator",)),
    "interaction_hz": (HOLD, _CONTEXT),
    "preference": (HOLD, _CONTEXT),
    "session": (ROLLOUT, ("FeatureAbstractor", "SwipeModel", "VirtualNetwork")),
}
PARTS: tuple[StatusPart, ...] = tuple(StatusPart(each, *_USES[each.name]) for each in MEASUREMENTS)


_PART_OF = {part.name: part for part in PARTS}


def part_of(name: str) -> StatusPart:
    """Return the part of this name.

    Raises:
        KeyError: no such part.
    """
    return _PART_OF[name]
