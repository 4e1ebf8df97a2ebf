"""The benchmarks run and print their figures, in seconds of the processor: a busy machine changes them little."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_network_benchmark_prints_user_slots_per_second():
    run = subprocess.run(
        [sys.executable, "benchmarks/network_step.py", "--repetitions", "6"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    found = re.search(
        r"([\d,]+) user-slots per second of the processor \(min ([\d,]+), median ([\d,]+), max ([\d,]+)", run.stdout
    )
    assert found, run.stdout
    middle, low, median, high = (int(number.replace(",", "")) for number in found.groups())
    assert low <= middle == median <= high
    # The budget is 200,000; another processor may be three times slower.
    assert high > 200_000 / 3


def test_the_cell_benchmark_prints_rates_and_how_they_grow():
    run = subprocess.run(
        [sys.executable, "benchmarks/cell_environment.py", "--repetitions", "3", "--cells", "16", "64", "128"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    found = re.findall(r"(\d+) cells: ([\d,]+) cell-steps per second of the processor", run.stdout)
    assert [int(n_cells) for n_cells, _ in found] == [16, 64, 128]
    # The budget is 2,000 cell-steps; another processor may be three times slower.
    assert int(found[-1][1].replace(",", "")) > 2_000 / 3
    line = re.search(r"seconds per step = (-?[\d.]+) \+ ([\d.]+) x cells \(R\^2 ([\d.]+)\)", run.stdout)
    assert line, run.stdout
    # In proportion to the cells, with a start that few of them pay for.
    assert float(line[2]) > 0
    assert float(line[3]) > 0.8


def test_the_flattery_benchmark_prints_what_means_and_samples_say():
    run = subprocess.run(
        [sys.executable, "benchmarks/worst_of_five.py", "--seeds", "1"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    found = re.findall(r"(\d+) slots ahead: .*from means ([+-]\d+)%, from sampled paths ([+-]\d+)%", run.stdout)
    assert [int(ahead) for ahead, _, _ in found] == [1, 5, 15], run.stdout
    assert all(int(mean) > 15 and int(mean) > int(sampled) for _, mean, sampled in found[1:])


def test_the_benchmark_of_reading_prints_both_readers_and_their_ratio():
    run = subprocess.run(
        [sys.executable, "benchmarks/watch_log.py", "--rows", "30000", "--repetitions", "1"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    found = re.findall(r"(\w+): import ([\d.]+) s, 30,000 rows in ([\d.]+) s .*, memory grew by (\d+) MB", run.stdout)
    assert [reader for reader, *_ in found] == ["ours", "pandas"], run.stdout
    ratio = re.search(r"ours / pandas: median ([\d.]+)", run.stdout)
    # The checks cost something, but not an order of magnitude.
    assert float(ratio[1]) < 10


def closed_loops(*arguments):
    return subprocess.run(
        [sys.executable, "benchmarks/closed_loops.py", "--require", *arguments],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True, timeout=900,
    ).stdout  # fmt: skip


def test_the_benchmark_of_both_loops_prints_seconds_and_memory():
    shown = closed_loops("--users", "20", "--slots", "12")
    assert re.search(r"20 users, 12 slots: \d+\.\d s of the processor", shown)
    assert re.search(r"allocated after each quarter: .* MB; -?\d+\.\d kB per slot", shown)


@pytest.mark.slow
def test_200_users_and_600_slots_take_a_minute_at_most():
    assert "200 users, 600 slots" in closed_loops()
