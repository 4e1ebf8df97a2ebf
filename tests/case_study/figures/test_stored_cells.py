"""Cells of the stored tables, other ones every day, are run again: what the book shows is what the code makes today.

Which cells comes from the variable GDT_STORED_CELL, a number; without it, from the day. The head of the test run says it, so
that cells can be run again:

    GDT_STORED_CELL=739581 python -m pytest tests/case_study/figures/test_stored_cells.py

Every cell here is an evaluation. What was trained is guarded in `learning/test_stored_learning.py`. On the tolerance see
`test_stored_results`. The actor of the DRL scheme feeds a network's shares into a division of whole segments, and there one
rounding can move a lot by 0.01; so its networks are compared in their mean, and not as closely.
"""

import os
from functools import cache

import numpy as np
import pytest

from gdt_tutorial import seeding
from gdt_tutorial.case_study.figures import fig4, fig5, scheme_parts, who_wins
from gdt_tutorial.case_study.figures.schemes import SCHEMES
from gdt_tutorial.case_study.learning.trained_networks import FOLDER
from gdt_tutorial.physical.logs.log_tables import fingerprint
from gdt_tutorial.physical.logs.watch_logs import find_watch_log
from gdt_tutorial.reproduce import FIGURES
from gdt_tutorial.studies.tables import read_table

CELL = int(os.environ["GDT_STORED_CELL"])
RELATIVE, ABSOLUTE, ABSOLUTE_OF_ACTOR = 1e-6, 1e-3, 5e-3
# Of each table: its module, the columns that name a run, those that are compared, and what a task may choose from.
TABLES = {
    "fig5": (fig5, ("seed", "capacity"), "scheme", ("qoe", "quality", "stall"), "schemes", (*SCHEMES, *fig5.EXTRAS)),
    "parts": (scheme_parts, ("seed", "capacity"), "variant", ("qoe",), "variants", None),
    "who_wins": (
        who_wins,
        ("seed", "capacity", "bandwidth_hz", "n_users", "stall_weight"),
        "scheme",
        ("qoe",),
        "schemes",
        None,
    ),
}


@cache
def stored(name):
    return read_table(FOLDER.parent / "results" / f"{name}.csv")


def means(rows, label, columns):
    """Return the mean of each column over the networks of a scheme; None where it has none."""
    return {
        (name, column): np.mean([row[column] for row in rows if row[label] == name])
        for name in dict.fromkeys(row[label] for row in rows)
        for column in columns
        if all(row[column] not in (None, "") for row in rows if row[label] == name)
    }


def compare(name, task, again, before):
    """Fail unless values made again are the stored ones."""
    assert again.keys() == before.keys()
    for (scheme, column), value in again.items():
        close = ABSOLUTE_OF_ACTOR if scheme.startswith("drl") else ABSOLUTE
        assert value == pytest.approx(before[scheme, column], rel=RELATIVE, abs=close), (
            f"{name}.csv is stale in {column} of {scheme}, in the task {task}: raise VERSION, run "
            f"`python -m gdt_tutorial reproduce {name}` again, and copy the table. Repeat it: GDT_STORED_CELL={CELL}"
        )


@pytest.mark.parametrize("name", TABLES)
def test_a_cell_made_again_is_the_stored_one(name):
    module, place, label, columns, choice, offered = TABLES[name]
    _, rows = stored(name)
    offered = offered or tuple(dict.fromkeys(row[label] for row in rows))
    rng = seeding.stream(CELL, "stored cell", name)
    chosen = [offered[index] for index in rng.choice(len(offered), 2, replace=False)]
    tasks = module.tasks(FIGURES[name].n_seeds)
    if "refit" in chosen:  # a fallback is chosen anew: with many users that takes too long here
        tasks = [task for task in tasks if task["n_users"] == min(each["n_users"] for each in tasks)]
    task = tasks[rng.integers(len(tasks))]
    own = [row for row in rows if row[label] in chosen and all(row[key] == task[key] for key in place)]
    again = module.work({**task, choice: chosen})
    compare(name, task, means(again, label, columns), means(own, label, columns))


def test_a_seed_of_fig4_made_again_is_the_stored_one():
    header, rows = stored("fig4")
    assert header["version"].split(",")[0] == fig4.VERSION
    log = find_watch_log()
    is_same_log = log is not None and header["data"].startswith(fingerprint(log))
    offered = [task for task in fig4.tasks(FIGURES["fig4"].n_seeds) if task["source"] == "generator" or is_same_log]
    task = offered[seeding.stream(CELL, "stored cell", "fig4").integers(len(offered))]
    again, own = (
        fig4.work(task),
        [row for row in rows if (row["source"], row["seed"]) == (task["source"], task["seed"])],
    )
    names = ("quantity", "scheme", "group", "type", "edge")
    remedy = f"fig4.csv is stale in the task {task}. Repeat it: GDT_STORED_CELL={CELL}"
    assert [[row[key] for key in names] for row in again] == [[row[key] for key in names] for row in own], remedy
    for key in ("value", "lower", "upper"):
        values = [[np.nan if row[key] is None else row[key] for row in each] for each in (again, own)]
        np.testing.assert_allclose(*values, rtol=RELATIVE, atol=ABSOLUTE, err_msg=remedy)


def test_a_stale_cell_is_told_with_what_repeats_it():
    before = {("equal", "qoe"): 0.5, ("drl_rule", "qoe"): 0.4}
    compare("fig5", {}, {("equal", "qoe"): 0.5005, ("drl_rule", "qoe"): 0.404}, before)
    for stale in (
        {("equal", "qoe"): 0.502, ("drl_rule", "qoe"): 0.4},
        {("equal", "qoe"): 0.5, ("drl_rule", "qoe"): 0.41},
    ):
        with pytest.raises(AssertionError, match=f"fig5.csv is stale in qoe of .*GDT_STORED_CELL={CELL}"):
            compare("fig5", {}, stale, before)


def test_every_table_of_the_book_is_guarded():
    of_the_case_study = {name for name, figure in FIGURES.items() if ".case_study." in figure.module}
    assert {*TABLES, "fig4"} == {path.stem for path in (FOLDER.parent / "results").glob("*.csv")} == of_the_case_study
