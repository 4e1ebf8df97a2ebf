"""The closed loop in the terminal: `python -m gdt_tutorial demo`.

Runs the GDT network of the book with both loops closed and with both open, shows how it goes, and saves a figure.
"""

import argparse
import textwrap
from typing import Any

import numpy as np
from tqdm import tqdm

from gdt_tutorial.files import WriteError, require_writable
from gdt_tutorial.loops.external import Collection, ExternalLoop, FixedPeriod
from gdt_tutorial.loops.manager import GdtNetwork, History
from gdt_tutorial.physical.logs.watch_logs import find_watch_log
from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.teaching.plots import color, figure_format, save_figure
from gdt_tutorial.twin.decision.greedy import GreedyAllocator
from gdt_tutorial.twin.decision.maker import DecisionMaker
from gdt_tutorial.twin.decision.schedule import schedule_model
from gdt_tutorial.twin.discriminator import ErrorDiscriminator
from gdt_tutorial.twin.emulation.emulator import StatusEmulator
from gdt_tutorial.twin.emulation.extrapolation import HoldLast
from gdt_tutorial.twin.pretrained import pretrained_allocator, pretrained_emulator
from gdt_tutorial.twin.status_store import StatusStore

__all__ = ["run"]

N_CAMPUSES = 4  # side by side: the mean of one campus is too much at the mercy of its users


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
        network = PhysicalNetwork.waterloo(N_CAMPUSES, watch_log=watch_log, seed=arguments.seed)
    except ValueError as error:
        print(f"{'--data' if arguments.data else 'GDT_DATA'}: {error}")
        return 2
    if watch_log is not None:
        print(f"Watch log: {watch_log.report}.")
    n_users, n_aps = network.config.n_users, network.topology.n_aps
    print(
        f"{N_CAMPUSES} campuses, each of {n_users} users and {n_aps} access points; viewers: {network.viewers.source}."
    )
    model = schedule_model(network)
    greedy = GreedyAllocator(model)
    both: dict[str, DecisionMaker] = {"model-based": greedy, "data-based": pretrained_allocator(model)}

    def fixed(store: StatusStore, emulator: StatusEmulator) -> Collection:
        return FixedPeriod(store, emulator, period_slots=2)

    def adaptive(store: StatusStore, emulator: StatusEmulator) -> Collection:
        return ExternalLoop(store, emulator, ErrorDiscriminator())

    loops = {
        "open loops": GdtNetwork(network, HoldLast(topology=network.topology), {"model-based": greedy}, fixed),
        "closed loops": GdtNetwork(network, pretrained_emulator(network.topology), both, adaptive),
    }
    histories = {name: _run(name, gdt, arguments.slots) for name, gdt in loops.items()}
    for name, history in histories.items():
        print(_summary(name, history))
    if network.viewers.attribution:
        print("Data: " + textwrap.shorten(network.viewers.attribution, 300, placeholder=" ..."))
    try:
        save_figure(lambda figure: _draw(figure, histories), arguments.figure, size=(7.2, 6.0))
    except WriteError as error:
        print(f"--figure: {error}")
        return 1
    print(f"Figure: {arguments.figure}")
    return 0


def _run(name: str, gdt: GdtNetwork, n_slots: int) -> History:
    with tqdm(total=n_slots, desc=f"{name:12}", unit="slot", ncols=100) as bar:

        def on_slot(slot: int) -> None:
            share = np.mean(gdt.collection.records[-1].collected_share)
            chosen = gdt.internal.verdicts[-1].chosen
            bar.set_postfix_str(f"reports {share:4.0%}, data-based on {np.sum(chosen == 1)} of {N_CAMPUSES}")
            bar.update()

        return gdt.run(n_slots, on_slot)


def _summary(name: str, history: History) -> str:
    settled = slice(5, None)  # the phones are empty at the start, whoever manages
    return (
        f"{name:12}  QoE {history.qoe[settled].mean():6.3f} per user and second   "
        f"stall {history.stall_s[settled].mean():5.3f} s per slot   "
        f"reports {history.collected_share[settled].mean():4.0%}   "
        f"position error {history.position_error_m[settled].mean():5.2f} m"
    )


def _draw(figure: Any, histories: dict[str, History]) -> None:
    top, bottom = figure.subplots(2, 1, sharex=True)
    for (name, history), own in zip(histories.items(), ("orange", "blue"), strict=True):
        top.plot(np.cumsum(history.qoe.mean(axis=1)), color=color(own), label=name)
        bottom.plot(np.cumsum(history.n_byte.mean(axis=1)) / 1e3, color=color(own), label=name)
    top.set(ylabel="QoE so far, per user", title="The GDT network with its loops open and closed")
    bottom.set(xlabel="Slot of 2 s", ylabel="Collected (kbyte)")
    top.legend()
