"""How far ahead can a walk and its channel be emulated? Errors by the number of slots since the last report.

"The well-trained LSTM model is used to emulate users' trajectories. Based on users' real-time trajectories, the real-time
channel conditions are emulated based on PropagationModel at Matlab" (the paper, case study). A Levy flight turns without
warning, so errors are told apart: users who are still in the leg or pause that they reported, and users who have turned.

How we differ: the paper shows no error of its emulation. Its channel comes from positions alone; ours keeps the last
measurement too, and both ways are measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from gdt_tutorial.configuration import require
from gdt_tutorial.physical.channel import ChannelConfig
from gdt_tutorial.physical.messages import Telemetry
from gdt_tutorial.physical.topology import Topology
from gdt_tutorial.twin.emulation.emulator import EmulatedStatus, StatusEmulator
from gdt_tutorial.twin.emulation.lstm import LstmEmulator, read_walks
from gdt_tutorial.twin.emulation.paths import reflect
from gdt_tutorial.twin.emulation.snr import SnrEmulationConfig, emulate_snr
from gdt_tutorial.twin.emulation.walks import Walks
from gdt_tutorial.twin.status import StatusWindow

__all__ = ["LAW_ALONE", "Horizon", "HorizonErrors", "believed_shares", "horizon_errors"]

# As if all of the residual were new in every slot: nothing of the measurement is kept.
LAW_ALONE = SnrEmulationConfig(fading_share=1 - 1e-9)
_SAME_M = 0.2  # who is this close to the straight continuation of a leg or pause is still in it


@dataclass(frozen=True, kw_only=True, eq=False)
class HorizonErrors:
    """Root mean square errors of an emulator by the slots since the last report; the first entry is one slot after it."""

    position_m: Float[np.ndarray, " horizon"]
    kept_m: Float[np.ndarray, " horizon"]  # of users who are still in the leg or pause that they reported
    turned_m: Float[np.ndarray, " horizon"]  # of the others
    snr_db: Float[np.ndarray, " horizon"]  # per access point
    by_campus_m: Float[
        np.ndarray, "campus horizon"
    ]  # of positions, each campus apart, so that differences can be paired


@dataclass(frozen=True, kw_only=True, eq=False)
class Horizon:
    """Errors of several emulators on the same walks, and what even known positions could not tell of the channel."""

    errors: dict[str, HorizonErrors]
    turned_share: Float[np.ndarray, " horizon"]  # of the users, since their report
    known_place_db: Float[np.ndarray, " horizon"]  # SNR error from true positions and the last measurement
    law_alone_db: Float[np.ndarray, " horizon"]  # from true positions by the propagation law, without a measurement
    held_db: Float[np.ndarray, " horizon"]  # of the last measurement itself


def horizon_errors(
    trajectory: Sequence[Telemetry],
    topology: Topology,
    emulators: Mapping[str, StatusEmulator],
    *,
    slot_s: float,
    n_ahead: int = 8,
    period_slots: int = 3,
    window_slots: int = 20,
    stride_slots: int = 4,
) -> Horizon:
    """Emulate `n_ahead` slots from many moments of a course; at each of them, everybody has just reported.

    Args:
        course: Telemetry of at least `window_slots + n_ahead` slots.
        topology: Of the campus.
        emulators: Whom to compare, by name.
        slot_s: Length of a slot.
        n_ahead: Slots to emulate.
        period_slots: Slots between two reports in the window that an emulator reads.
        window_slots: Length of that window.
        stride_slots: Slots between two moments.

    Raises:
        ValueError: the course is too short.
    """
    needed = window_slots + n_ahead
    require(
        len(trajectory) >= needed, "trajectory", f"have {needed} slots or more", len(trajectory), "record a longer one"
    )
    truth = {name: _stacked(trajectory, name) for name in ("position_m", "velocity_mps", "snr_db")}
    is_reported = np.arange(window_slots)[::-1] % period_slots == 0
    moments = range(window_slots, len(trajectory) - n_ahead + 1, stride_slots)
    windows = [_window(truth, is_reported, moment) for moment in moments]
    place_m, snr_db = (
        np.stack([truth[name][:, :, moment : moment + n_ahead] for moment in moments])
        for name in ("position_m", "snr_db")
    )
    has_turned = np.stack([_straight_m(window, n_ahead, slot_s, topology) for window in windows])
    has_turned = np.linalg.norm(has_turned - place_m, axis=-1) > _SAME_M
    known = [
        np.stack([_snr_db(window, exact_m, topology, config) for window, exact_m in zip(windows, place_m, strict=True)])
        for config in (SnrEmulationConfig(), LAW_ALONE)
    ]
    held_db = np.stack([window.snr_db[:, :, -1:] for window in windows])
    return Horizon(
        errors={
            name: _emulator_errors([emulator.emulate(w, n_ahead) for w in windows], place_m, snr_db, has_turned)
            for name, emulator in emulators.items()
        },
        turned_share=has_turned.mean(axis=(0, 1, 2)),
        known_place_db=_rms_db(known[0] - snr_db),
        law_alone_db=_rms_db(known[1] - snr_db),
        held_db=_rms_db(held_db - snr_db),
    )


def believed_shares(
    emulator: LstmEmulator, walks: Walks, *, n_ahead: int = 8, period_slots: int = 3, window_slots: int = 20
) -> Float[np.ndarray, "user horizon"]:
    """Return which share of the straight continuation an LSTM believes in, for the walkers of a last report.

    Args:
        emulator: The trained network.
        walks: Each is reported every `period_slots` slots, the last time at the end of the window.
        n_ahead: Slots since that report: 1 to this.
        period_slots: Slots between two reports.
        window_slots: Slots that the network has seen.

    Raises:
        ValueError: The walks are too short.
    """
    n_slots = window_slots + n_ahead - 1
    n_known = walks.position_m.shape[1]
    require(n_known >= n_slots, "walks", f"have {n_slots} slots or more", n_known, "sample longer ones")
    is_reported = np.zeros((len(walks), n_slots), dtype=bool)
    is_reported[:, :window_slots] = np.arange(window_slots)[::-1] % period_slots == 0
    reading = read_walks(walks.position_m[:, :n_slots], walks.velocity_mps[:, :n_slots], is_reported, walks.slot_s)
    with torch.no_grad():
        share, _ = emulator.network(torch.from_numpy(reading.features), torch.from_numpy(reading.elapsed_s).float())
    is_walking = walks.velocity_mps[:, window_slots - 1].any(axis=-1)
    return share.numpy()[is_walking, -n_ahead:].astype(np.float64)


def _stacked(trajectory: Sequence[Telemetry], name: str) -> Float[np.ndarray, "batch user slot feature"]:
    return np.stack([getattr(telemetry, name) for telemetry in trajectory], axis=2).astype(np.float64)


def _window(truth: dict[str, np.ndarray], is_reported: Bool[np.ndarray, " slot"], end: int) -> StatusWindow:
    part = {name: value[:, :, end - len(is_reported) : end] for name, value in truth.items()}
    mask = np.broadcast_to(is_reported, part["snr_db"].shape[:3])
    return StatusWindow(slot=end - 1, **part, is_behavior_collected=mask, is_networking_collected=mask)


def _straight_m(
    window: StatusWindow, n_ahead: int, slot_s: float, topology: Topology
) -> Float[np.ndarray, "batch user slot xy"]:
    """Return where users would be if the leg or pause of their report went on; walls reflect."""
    elapsed_s = slot_s * (1.0 + np.arange(n_ahead))[:, None]
    return reflect(window.position_m[:, :, -1:] + window.velocity_mps[:, :, -1:] * elapsed_s, topology.campus)


def _snr_db(
    window: StatusWindow,
    position_m: Float[np.ndarray, "batch user slot xy"],
    topology: Topology,
    config: SnrEmulationConfig,
) -> Float[np.ndarray, "batch user slot ap"]:
    return emulate_snr(window, position_m, np.zeros_like(position_m), topology, ChannelConfig(), config)[0]


def _emulator_errors(
    emulated: Sequence[EmulatedStatus],
    place_m: Float[np.ndarray, "moment batch user slot xy"],
    snr_db: Float[np.ndarray, "moment batch user slot ap"],
    has_turned: Bool[np.ndarray, "moment batch user slot"],
) -> HorizonErrors:
    error_m = np.linalg.norm(np.stack([each.position_m for each in emulated]) - place_m, axis=-1)
    return HorizonErrors(
        position_m=_rms(error_m),
        kept_m=_rms(error_m, ~has_turned),
        turned_m=_rms(error_m, has_turned),
        snr_db=_rms_db(np.stack([each.snr_db for each in emulated]) - snr_db),
        by_campus_m=np.sqrt((error_m**2).mean(axis=(0, 2))),
    )


def _rms(
    error: Float[np.ndarray, "*shape slot"], is_counted: Bool[np.ndarray, "*shape slot"] | None = None
) -> Float[np.ndarray, " slot"]:
    """Return the root mean square over all axes but the last; 0 where nobody is counted."""
    is_counted = np.ones(error.shape, dtype=bool) if is_counted is None else is_counted
    others = tuple(range(error.ndim - 1))
    total = np.sum(error**2, axis=others, where=is_counted)
    return np.sqrt(total / np.maximum(is_counted.sum(axis=others), 1))


def _rms_db(error_db: Float[np.ndarray, "moment batch user slot ap"]) -> Float[np.ndarray, " slot"]:
    return np.sqrt((error_db**2).mean(axis=(0, 1, 2, 4)))
