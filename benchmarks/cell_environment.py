"""How many cells does one core step in a second of its time, and how does that grow with the number of cells?

    python benchmarks/cell_environment.py [--require] [--repetitions N] [--cells N ...]

Runs `CellEnvironments.step` (segment buffering, greedy scheduling, the network's slot, the state of every cell) with 60 users
and two cells per campus, versions at random and no advice, on one thread. Two steps of warm-up are left out. The line of
seconds per step over cells is fitted by least squares. `--require` fails below 2,000 cell-steps per second at the largest
size.

Seconds are those that the processor worked for this process, whatever else the machine does.

Where the time goes (profile at 256 cells): two thirds is the buffering (which segments each user wants, what they are worth,
the lists), a fifth the network's slot, a tenth the schedule. Nothing loops over users, campuses or SMGs.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
from statistics import median
from time import process_time

import numpy as np

from gdt_tutorial.case_study.experiment import open_campuses
from gdt_tutorial.case_study.learning.cell_environment import CellEnvironments, VersionActuator
from gdt_tutorial.case_study.learning.training import greedy_scheduler, swipe_aware_lists
from gdt_tutorial.seeding import stream

CELLS, CELLS_PER_CAMPUS, REQUIRED, CAPACITY = (16, 64, 128, 256), 2, 2_000, 5e9


def measure(n_cells: int, n_repetitions: int) -> float:
    """Return the median seconds per step."""
    envs = CellEnvironments(
        lambda seed, capacity: open_campuses(n_cells // CELLS_PER_CAMPUS, computing_cycles_per_s=capacity, seed=seed),
        [CAPACITY],
        swipe_aware_lists,
        (),
        VersionActuator(greedy_scheduler),
        n_slots=n_repetitions + 2,
    )
    envs.reset(seed=0)
    rng, step_s = stream(0, "versions"), []
    for _ in range(n_repetitions + 2):
        action = rng.integers(envs.single_action_space.nvec[0], size=envs.action_space.shape)
        start = process_time()
        envs.step(action)
        step_s.append(process_time() - start)
    return median(step_s[2:])


def fit_line(n_cells: np.ndarray, seconds: np.ndarray) -> tuple[float, float, float]:
    """Return intercept, slope and R^2 of the least-squares line."""
    slope, intercept = np.polyfit(n_cells, seconds, 1)
    rest = seconds - intercept - slope * n_cells
    return float(intercept), float(slope), float(1 - (rest**2).sum() / ((seconds - seconds.mean()) ** 2).sum())


def main() -> int:
    """Print the figures; return 1 where one is required and not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--require", action="store_true", help=f"fail below {REQUIRED:,} cell-steps per second")
    parser.add_argument("--repetitions", type=int, default=20, help="timed steps of each size")
    parser.add_argument("--cells", type=int, nargs="+", default=CELLS, help="even numbers of cells")
    arguments = parser.parse_args()
    n_cells = np.array(arguments.cells)
    step_s = np.array([measure(n, arguments.repetitions) for n in arguments.cells])
    for n, rate in zip(n_cells, n_cells / step_s, strict=True):
        print(f"{n:4d} cells: {rate:,.0f} cell-steps per second of the processor")
    intercept, slope, r_squared = fit_line(n_cells, step_s)
    per_cell = step_s / n_cells
    print(
        f"seconds per step = {intercept:.4f} + {slope:.6f} x cells (R^2 {r_squared:.4f}); "
        f"a cell costs {per_cell[-1] / per_cell[0]:.2f} times as much at {n_cells[-1]} cells as at {n_cells[0]}"
    )
    rate = n_cells[-1] / step_s[-1]
    if arguments.require and rate < REQUIRED:
        print(f"{rate:,.0f} is below the required {REQUIRED:,}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
