"""The closed loop in the terminal: `python -m gdt_tutorial demo`.

Runs the network of the first chapter (`loops.recipes.quickstart`) with both loops closed and every generative model in its
place, and once more with both open and none of them; tells what the first does while it runs, and saves a figure of both. A
terminal gets a small panel that is drawn anew, everything else plain lines, one for each validation of the internal loop.
"""

import argparse
import sys
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from gdt_tutorial.files import WriteError, require_writable
from gdt_tutorial.loops.external import every
from gdt_tutorial.loops.manager import GdtNetwork, History
from gdt_tutorial.loops.recipes.quickstart import BOTH, QuickstartConfig, quickstart, statistical_law
from gdt_tutorial.physical.logs.watch_logs import find_watch_log
from gdt_tutorial.teaching.plots import color, figure_format, save_figure
from gdt_tutorial.twin.recipes.scene_emulators import positions_on

__all__ = ["run"]

CONFIG = QuickstartConfig(n_days=4)  # side by side: one day is too much at the mercy of its users
OPEN_PERIOD_SLOTS = 9  # about as many bytes as the closed loop
_BAR = 24  # characters


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and return the exit code."""
    if arguments.slots < 10:
        print(f"--slots must be at least 10, got {arguments.slots}; the first slots only fill the phones.")
        return 2
    try:
        figure_format(arguments.figure)
        require_writable("its folder", arguments.figure.parent)
    except ValueError as error:
        print(f"--figure: {error}")
        return 2
    try:
        watch_log = find_watch_log(arguments.data)
    except ValueError as error:
        print(f"{'--data' if arguments.data else 'GDT_DATA'}: {error}")
        return 2
    try:
        closed = quickstart(CONFIG, intent=arguments.intent, watch_log=watch_log, seed=arguments.seed)
    except ValueError as error:
        is_said = str(error).startswith(("intent", "sentence"))
        print(f"{'--intent' if is_said else '--data' if arguments.data else 'GDT_DATA'}: {error}")
        return 2
    if watch_log is not None:
        print(f"Watch log: {watch_log.report}.")
    viewers, n_aps = closed.network.viewers, closed.network.topology.n_aps
    print(
        f"{CONFIG.n_days} days of an event on one campus: {CONFIG.event.n_users} users and {n_aps} access points; "
        f"viewers: {viewers.source}."
    )
    # Both loops open, and no generative model: reports in turn, straight walks, the statistical law, one manager.
    opened = quickstart(
        CONFIG,
        make_emulator=statistical_law(positions=positions_on),
        managers=BOTH[:1],
        collect=every(OPEN_PERIOD_SLOTS),
        watch_log=watch_log,
        seed=arguments.seed,
    )
    histories = {
        "closed loops": closed.run(arguments.slots, _teller(closed, arguments.slots, sys.stdout)),
        "open loops": opened.run(arguments.slots),
    }
    for name, history in histories.items():
        print(_summary(name, history))
    if viewers.attribution:
        print("Data: " + textwrap.shorten(viewers.attribution, 300, placeholder=" ..."))
    try:
        save_figure(lambda figure: _draw(figure, histories), arguments.figure, size=(7.2, 6.0))
    except WriteError as error:
        print(f"--figure: {error}")
        return 1
    print(f"Figure: {arguments.figure}")
    return 0


def _teller(gdt: GdtNetwork, n_slots: int, out: Any) -> Callable[[int], None]:
    """Return what tells of a slot: a panel where `out` is a terminal, else a line for each validation."""
    is_panel, drawn = out.isatty(), 0

    def tell(slot: int) -> None:
        nonlocal drawn
        is_last = slot == n_slots - 1
        if is_panel:
            lines = _panel(gdt, slot, n_slots)
            out.write((f"\x1b[{drawn}A" if drawn else "") + "".join(f"\x1b[2K{line}\n" for line in lines))
            out.flush()
            drawn = len(lines)
        elif slot % CONFIG.internal.period_slots == 0 or is_last:
            out.write(_line(gdt, slot) + "\n")

    return tell


def _now(gdt: GdtNetwork) -> dict[str, float]:
    """Return the numbers of the slot that has just ended; errors and QoE are not known to the twin."""
    status, truth = gdt.seen.status, gdt.telemetry
    off_m = np.linalg.norm(status.behavior.position_m - truth.position_m, axis=-1)
    off_db = status.networking.snr_db - truth.snr_db
    return {
        "asked": float(np.mean(gdt.collection.records[-1].collected_share)),
        "bytes": float(gdt.collection.records[-1].n_byte.mean()),
        "position_m": float(np.sqrt((off_m**2).mean())),
        "snr_db": float(np.sqrt((off_db**2).mean())),
        "qoe": float(truth.service.qoe.mean()),
        "generative": float(np.sum(gdt.internal.verdicts[-1].chosen == 1)),
    }


def _line(gdt: GdtNetwork, slot: int) -> str:
    now = _now(gdt)
    return (
        f"slot {slot:4d}   asked {now['asked']:4.0%}   {now['bytes']:5.0f} bytes   twin off by {now['position_m']:4.1f} m, "
        f"{now['snr_db']:3.1f} dB   QoE {now['qoe']:6.2f}   generative on {now['generative']:.0f} of {CONFIG.n_days} days"
    )


def _panel(gdt: GdtNetwork, slot: int, n_slots: int) -> list[str]:
    now = _now(gdt)
    verdicts = [each.expected_qoe for each in gdt.internal.verdicts if each.expected_qoe]
    believed = "   ".join(f"{name} {value.mean():.2f}" for name, value in verdicts[-1].items()) if verdicts else ""
    return [
        f"slot {slot + 1} of {n_slots}  {_bar((slot + 1) / n_slots)}",
        f"external loop  asked {_bar(now['asked'])} {now['asked']:4.0%}   {now['bytes']:.0f} bytes",
        f"twin           off by {now['position_m']:.1f} m and {now['snr_db']:.1f} dB (it does not know)",
        f"internal loop  generative {_bar(now['generative'] / CONFIG.n_days)} {now['generative']:.0f} of {CONFIG.n_days} days",
        f"               believed QoE: {believed}",
        f"network        QoE {now['qoe']:.2f} per user and second",
    ]


def _bar(share: float) -> str:
    full = round(_BAR * min(max(share, 0.0), 1.0))
    return "█" * full + "·" * (_BAR - full)


def _summary(name: str, history: History) -> str:
    settled = slice(5, None)  # the phones are empty at the start, whoever manages
    return (
        f"{name:12}  QoE {history.qoe[settled].mean():6.3f} per user and second   "
        f"waiting {30 * history.stall_s[settled].mean():4.1f} s per minute   "
        f"{history.n_byte[settled].mean():5.0f} bytes per slot   "
        f"twin off by {history.position_error_m[settled].mean():4.2f} m, {history.snr_error_db[settled].mean():4.2f} dB"
    )


def _draw(figure: Any, histories: dict[str, History]) -> None:
    top, bottom = figure.subplots(2, 1, sharex=True)
    for (name, history), own in zip(histories.items(), ("blue", "orange"), strict=True):
        top.plot(np.cumsum(history.qoe.mean(axis=1)), color=color(own), label=name)
        bottom.plot(history.snr_error_db, color=color(own), label=name)
    top.set(ylabel="QoE so far, per user", title="The GDT network with its loops closed and open")
    bottom.set(xlabel="Slot of 2 s", ylabel="Twin's SNR error (dB)")
    top.legend()
