"""How many user-slots does one core simulate in a second of its time, whatever else the machine does?

    python benchmarks/network_step.py [--require] [--repetitions N]

Runs the full `PhysicalNetwork.step` (walks, channel with shadowing and fading, link adaptation, sending, swipes,
playback, telemetry) for 60 users in 256 parallel environments, on one thread. Decisions are made outside the timed
part, by `EqualShare`; the set-up and two slots of warm-up are left out. `--require` fails below 200,000.

Where the time goes (profile of 15 slots): two fifths is sending (which segments fit, who hears them, what they still
want), a quarter playback and swipes, a fifth the channel (two interpolated laws, three Gaussian fields, fading), the rest
walks, the check of the decision and the copies that make telemetry a value. Nothing loops over users, environments or
streams; the only loops are over the events of a slot (segment ends, swipes) and over the turns of a walk.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
from statistics import median
from time import process_time

from gdt_tutorial.physical.network import PhysicalNetwork
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.abstraction.groups import GroupAbstractor
from gdt_tutorial.twin.decision.greedy import EqualShare
from gdt_tutorial.twin.decision.schedule import ScheduleModel
from gdt_tutorial.twin.swipe_curves import SwipeCurves

N_USERS, N_BATCH, REQUIRED = 60, 256, 200_000


def measure(n_repetitions: int) -> list[float]:
    """Return the user-slots per second of each timed slot."""
    network = PhysicalNetwork.waterloo(N_BATCH, seed=0)
    curves = SwipeCurves(N_BATCH, network.catalog.n_types)
    abstractor = GroupAbstractor(network.catalog, network.capacity, curves, network.link)
    maker = EqualShare(ScheduleModel(catalog=network.catalog, capacity=network.capacity, qoe=network.config.qoe))
    telemetry, rates = network.reset(), []
    for _ in range(n_repetitions + 2):
        decision = maker.decide(
            abstractor.abstract_session(telemetry.session, telemetry.snr_db), rng=stream(0, "maker")
        )
        start = process_time()
        telemetry = network.step(decision)
        rates.append(N_USERS * N_BATCH / (process_time() - start))
    return rates[2:]


def main() -> int:
    """Print the figure; return 1 where it is required and not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--require", action="store_true", help=f"fail below {REQUIRED:,} user-slots per second")
    parser.add_argument("--repetitions", type=int, default=20, help="timed slots")
    arguments = parser.parse_args()
    rates = measure(arguments.repetitions)
    low, middle, high = min(rates), median(rates), max(rates)
    print(
        f"{middle:,.0f} user-slots per second of the processor (min {low:,.0f}, median {middle:,.0f}, max {high:,.0f}; "
        f"{N_USERS} users x {N_BATCH} environments, {arguments.repetitions} slots, one thread)"
    )
    if arguments.require and middle < REQUIRED:
        print(f"below the required {REQUIRED:,}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
