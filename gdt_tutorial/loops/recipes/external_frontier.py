"""Bytes against error of the twin's status, by who decides when to report: the table of `reproduce external_frontier`.

"An adaptive data collection frequency mechanism is realized" (the paper, Procedure of Closed-Loop Network Management). It gives
no number for what that saves. Each scheme below follows the same users, seed by seed, at a few settings:

    fixed                       every user in turn, once per period; the emulator is the LSTM, as in all rows without a note
    hold last                   the same, and the twin leaves everybody where it was seen last
    doubling                    `ErrorDiscriminator`: periods that double and halve
    threshold, index, entropy   `RuleDiscriminator`: expected error, index of waiting, relative entropy, in both halves
    uncorrected                 threshold on the emulator's own variances
    dual                        expected error in the networking half, relative entropy in the behavior half
    devices                     reports that devices trigger (dead reckoning)
    devices, straight           the same, and the emulator is constant velocity: no network on the device

Errors are root mean squares over users and slots, bytes per user and slot. `belief_byte` is what it costs when devices get the
twin's prediction instead of running the emulator. What it takes to tell a user that it is asked, a grant on the control
channel, is counted for no scheme; fixed periods need it once, the rules of the access point with each report. Settings were
chosen on seeds from 100 on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.loops.collection import Collection, twin_error
from gdt_tutorial.loops.device_triggered import DeviceTriggered, Tolerance
from gdt_tutorial.loops.external import ExternalLoop, FixedPeriod
from gdt_tutorial.loops.recipes.walkers import walkers
from gdt_tutorial.physical.controllers import LocalController
from gdt_tutorial.physical.messages import Telemetry
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.discriminator import DiscriminatorConfig, ErrorDiscriminator, ErrorLimits
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.emulation.extrapolation import ConstantVelocity, HoldLast
from gdt_tutorial.twin.observation import MEMORY_SLOTS
from gdt_tutorial.twin.pretrained import pretrained_emulator
from gdt_tutorial.twin.recalibration import Recalibration, RecalibrationConfig
from gdt_tutorial.twin.report_rules import EntropyThreshold, ErrorIndex, ErrorThreshold, RuleDiscriminator
from gdt_tutorial.twin.status_store import StatusStore

__all__ = ["SCHEMES", "SETTINGS", "VERSION", "Followed", "FrontierConfig", "follow", "scheme", "tasks", "work"]

VERSION = "1"

# By scheme: the settings, each a number for the networking half and one for the behavior half.
SETTINGS: dict[str, tuple[tuple[float, float], ...]] = {
    "fixed": tuple((period, period) for period in (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)),
    "hold last": tuple((period, period) for period in (1, 2, 3, 4, 6, 8, 12)),
    "doubling": ((3.2, 1.0), (4.5, 1.5), (6.3, 2.1)),  # tolerated dB and m
    "threshold": ((4.0, 0.25), (5.0, 0.45), (3.7, 1.0), (4.5, 1.5), (5.0, 2.0), (5.5, 3.0)),  # dB, m
    "uncorrected": ((3.0, 0.6), (3.7, 1.0), (4.5, 1.5)),  # dB, m
    "index": ((20.0, 0.2), (12.0, 1.0), (18.0, 3.0), (25.0, 6.0)),  # dB^2, m^2
    "entropy": ((0.2, 0.3), (0.4, 0.6), (0.7, 1.0)),  # nat
    "dual": ((3.7, 0.2), (4.5, 0.4), (5.0, 1.8)),  # dB, nat
    "devices": ((1.5, 0.5), (2.5, 1.0), (3.5, 2.0), (4.5, 3.0), (6.0, 5.0)),  # dB, m
    "devices, straight": ((1.5, 0.5), (2.5, 1.0), (3.5, 2.0), (4.5, 3.0), (6.0, 5.0)),  # dB, m
}
SCHEMES = tuple(SETTINGS)


@configclass
class FrontierConfig:
    """How long whom to follow."""

    n_batch: int = parameter(4, "Campuses of a seed.", "chosen", above=0)
    n_users: int = parameter(60, "Users of a campus.", "chosen", above=0)
    n_slots: int = parameter(100, "Slots that are followed.", "chosen: 200 s", above=0)
    n_start: int = parameter(10, "Slots at the start that are not counted: periods and corrections settle.", "chosen")

    def __post_init__(self) -> None:
        rule, remedy = f"be at least 0 and below n_slots = {self.n_slots}", "follow for longer"
        require(0 <= self.n_start < self.n_slots, "n_start", rule, self.n_start, remedy)


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What a scheme cost, per user and slot, and how far off the twin was."""

    networking_byte: float
    behavior_byte: float
    belief_byte: float
    snr_db: float
    position_m: float


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return one task for each seed."""
    return [{"seed": seed} for seed in range(n_seeds)]


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per scheme and setting; a task may hold a smaller "config", for tests."""
    config = task.get("config", FrontierConfig())
    topology = Topology.waterloo()
    course = walkers(topology, config.n_batch, config.n_users, config.n_slots, seed=task["seed"])
    return [
        {"seed": task["seed"], "scheme": name, "setting": setting}
        | {
            column: round(value, 6)
            for column, value in vars(follow(scheme(name, setting, topology), course, topology, config.n_start)).items()
        }
        for name in SCHEMES
        for setting in range(len(SETTINGS[name]))
    ]


def scheme(name: str, setting: int, topology: Topology) -> Callable[[StatusStore], Collection]:
    """Return what makes a scheme around a store.

    Raises:
        ValueError: another scheme, or a setting that it has not.
    """
    require(name in SETTINGS, "name", f"be one of {list(SCHEMES)}", name, "see the docstring of the module")
    n_settings = len(SETTINGS[name])
    require(0 <= setting < n_settings, "setting", f"be from 0 to {n_settings - 1}", setting, "see SETTINGS")
    networking, behavior = SETTINGS[name][setting]
    emulator = _emulator(name, topology)
    if name in ("fixed", "hold last"):
        return lambda store: FixedPeriod(store, emulator, int(networking))
    if name in ("devices", "devices, straight"):
        tolerance = Tolerance(snr_db=float(networking), position_m=float(behavior))
        return lambda store: DeviceTriggered(store, emulator, tolerance)
    return lambda store: ExternalLoop(store, emulator, _discriminator(name, networking, behavior))


def follow(
    make: Callable[[StatusStore], Collection], course: list[Telemetry], topology: Topology, n_start: int
) -> Followed:
    """Follow users by a scheme, and measure what it costs and how far off the twin is."""
    n_batch, n_users, n_aps = course[0].snr_db.shape
    collection, size = make(StatusStore(n_batch, n_users, n_aps, MEMORY_SLOTS)), LocalController()
    error = np.array([twin_error(collection.observe(telemetry), telemetry) for telemetry in course])[n_start:]
    share = np.array([record.collected_share for record in collection.records])[n_start:].mean(axis=0)
    position_m, snr_db = np.sqrt((error**2).mean(axis=0))
    belief_byte = 0.0
    if isinstance(collection, DeviceTriggered):
        belief_byte = float(np.mean(collection.belief_byte[n_start:])) / n_users
    return Followed(
        networking_byte=float(share[0]) * size.networking_byte,
        behavior_byte=float(share[1]) * size.behavior_byte,
        belief_byte=belief_byte,
        snr_db=float(snr_db),
        position_m=float(position_m),
    )


def _emulator(name: str, topology: Topology) -> StatusEmulator:
    plain: dict[str, StatusEmulator] = {
        "hold last": HoldLast(topology=topology),
        "devices, straight": ConstantVelocity(topology=topology),
    }
    return plain[name] if name in plain else pretrained_emulator(topology)


def _discriminator(name: str, networking: float, behavior: float) -> ErrorDiscriminator | RuleDiscriminator:
    if name == "doubling":
        snr, position = ErrorLimits.of_std(networking), ErrorLimits.of_std(behavior)
        return ErrorDiscriminator(DiscriminatorConfig(networking=snr, behavior=position))
    if name == "index":
        return RuleDiscriminator(ErrorIndex(price=networking), ErrorIndex(price=behavior))
    if name == "entropy":
        return RuleDiscriminator(EntropyThreshold(limit_nat=networking), EntropyThreshold(limit_nat=behavior))
    if name == "dual":
        return RuleDiscriminator(ErrorThreshold(limit=networking), EntropyThreshold(limit_nat=behavior))
    never = RecalibrationConfig(trust=1e9)
    own = [Recalibration(never), Recalibration(never)] if name == "uncorrected" else None
    rules = (ErrorThreshold(limit=networking), ErrorThreshold(limit=behavior))
    return RuleDiscriminator(*rules, recalibrations=own)
