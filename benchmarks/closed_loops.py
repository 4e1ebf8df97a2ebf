"""How much of the processor do both closed loops take, and does their memory grow with time?

    python benchmarks/closed_loops.py [--require] [--users N] [--slots N]

Runs the network of the first chapter for one day: physical network, drawn maps, imitated walkers, external loop, two makers,
and a validation of both in every second slot, on one thread. Making the network is left out. Memory is what Python has
allocated, in each quarter of the run; from the second quarter on, what is added per slot is the history that a run returns and
the records of both loops.
`--require` fails above 60 s for 200 users and 600 slots, or above 64 kB per slot.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
import tracemalloc
from time import process_time

from gdt_tutorial.loops.recipes.quickstart import QuickstartConfig, quickstart
from gdt_tutorial.physical.scenes.campus_event import CampusEventConfig

MOST_S, MOST_BYTE = 60.0, 64_000


def measure_cpu_s(n_users: int, n_slots: int) -> float:
    """Return the seconds of the processor that a run takes."""
    gdt = quickstart(QuickstartConfig(n_days=1, event=CampusEventConfig(n_users=n_users)), seed=0)
    start = process_time()
    gdt.run(n_slots)
    return process_time() - start


def measure_byte(n_users: int, n_slots: int) -> list[int]:
    """Return the bytes that are allocated at the end of each quarter of a run."""
    gdt, quarters = quickstart(QuickstartConfig(n_days=1, event=CampusEventConfig(n_users=n_users)), seed=0), []
    ends = {n_slots * quarter // 4 - 1 for quarter in (1, 2, 3, 4)}
    tracemalloc.start()
    gdt.run(n_slots, lambda slot: quarters.append(tracemalloc.get_traced_memory()[0]) if slot in ends else None)
    tracemalloc.stop()
    return quarters


def main() -> int:
    """Print both; return 1 where they are required and not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--require", action="store_true", help="fail above the limits")
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--slots", type=int, default=600)
    arguments = parser.parse_args()
    cpu_s = measure_cpu_s(arguments.users, arguments.slots)
    quarters = measure_byte(arguments.users, arguments.slots)
    per_slot = 2 * (quarters[3] - quarters[1]) / arguments.slots
    print(f"{arguments.users} users, {arguments.slots} slots: {cpu_s:.1f} s of the processor (limit {MOST_S:.0f} s)")
    allocated = ", ".join(f"{byte / 1e6:.2f}" for byte in quarters)
    print(
        f"allocated after each quarter: {allocated} MB; {per_slot / 1e3:.1f} kB per slot (limit {MOST_BYTE / 1e3:.0f} kB)"
    )
    return int(arguments.require and (cpu_s > MOST_S or per_slot > MOST_BYTE))


if __name__ == "__main__":
    sys.exit(main())
