"""The stored runs behind chapter 18 are what the code makes today: some of their cells are made again.

The tolerance. On one kind of machine a run repeats to the last digit. Matrix products differ in their last digits between
kinds of processors, and a rounding difference can turn a choice between two versions that are worth the same. That moves the
mean of a lot of campuses by far less than what the figure shows. A change of the code that moves it by more makes the runs
stale: raise VERSION, run `python -m gdt_tutorial reproduce fig5` again, and copy the table.
"""

from functools import cache
from pathlib import Path

import pytest

from gdt_tutorial.case_study.figures import fig5, scheme_parts, who_wins
from gdt_tutorial.case_study.figures.scheme_table import SchemeTable
from gdt_tutorial.case_study.figures.schemes import SCHEMES, networks_of
from gdt_tutorial.case_study.learning.trained_networks import FOLDER
from gdt_tutorial.case_study.scenario import CaseStudyConfig
from gdt_tutorial.studies.tables import read_table

RESULTS = FOLDER.parent / "results"
MODULES = {"fig5": fig5, "parts": scheme_parts, "who_wins": who_wins}
RELATIVE, ABSOLUTE = 1e-6, 1e-3
# Scarce computing and plenty of it, on different seeds; all that learns, and a rule.
AGAIN = [
    pytest.param(0, 5e9, ("proposed", "equal"), id="proposed-equal"),
    pytest.param(7, 10e9, ("myopic", "drl_rule"), id="myopic-drl"),
]


@cache
def stored(name: str) -> tuple[dict, list[dict]]:
    return read_table(RESULTS / f"{name}.csv")


@pytest.mark.parametrize("name", MODULES)
def test_stored_runs_are_of_this_version_and_say_how_they_were_made(name):
    header, rows = stored(name)
    remedy = f"run `python -m gdt_tutorial reproduce {name}` again"
    assert header["version"].split(",")[0] == MODULES[name].VERSION, remedy
    assert header["command"].startswith(f"python -m gdt_tutorial reproduce {name} --seeds ")
    assert not header["commit"].endswith("with changes"), "stored runs are made from a commit"
    n_seeds = int(header["command"].split()[-1])
    expected = {(task["seed"], task["capacity"]) for task in MODULES[name].tasks(n_seeds)}
    assert {(row["seed"], row["capacity"]) for row in rows} == expected, remedy


def test_the_figure_has_enough_seeds_networks_and_capacities():
    runs = SchemeTable.read(RESULTS / "fig5.csv")
    assert set(runs.schemes) == {*SCHEMES, *fig5.EXTRAS}
    assert len(runs.seeds) >= 10
    assert tuple(runs.capacity_cycles_per_s) == CaseStudyConfig().capacities_cycles_per_s
    for name, scheme in SCHEMES.items():
        assert len(runs.values(name, "qoe")) == len(networks_of(scheme))
    highest = max(runs.values(name, "qoe").max() for name in SCHEMES)
    assert highest < runs.values("bound", "qoe").max()


@pytest.mark.parametrize(("batch", "capacity", "schemes"), AGAIN)
def test_cells_made_again_are_the_stored_ones(batch, capacity, schemes):
    task = {"seed": fig5.TEST_SEED + batch, "capacity": capacity, "n_campuses": fig5.N_CAMPUSES, "schemes": schemes}
    rows = {(row["scheme"], row["network"]): row for row in stored("fig5")[1] if _is_of(row, task)}
    for again in fig5.work(task):
        before = rows[again["scheme"], again["network"]]
        for column in ("qoe", "quality", "variation", "stall", "waste", "bandwidth", "computing"):
            assert again[column] == pytest.approx(before[column], rel=RELATIVE, abs=ABSOLUTE), (
                f"{again['scheme']}, network {again['network']}: the stored runs are stale in {column}"
            )


def _is_of(row: dict, task: dict) -> bool:
    return row["seed"] == task["seed"] and row["capacity"] == task["capacity"]


def test_tables_are_small_enough_for_the_repository():
    # The whole repository must stay below 10 MB.
    assert sum(path.stat().st_size for path in Path(RESULTS).glob("*.csv")) < 1.5e6
