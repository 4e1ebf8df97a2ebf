"""The tables of chapter 19 say at every capacity what is decided."""

import numpy as np

from gdt_tutorial.case_study.figures.scheme_table import SchemeTable
from gdt_tutorial.case_study.learning.trained_networks import FOLDER
from gdt_tutorial.studies.intervals import Estimate
from gdt_tutorial.teaching.figures import chapter_19_tables


def test_what_is_undecided_stands_in_parentheses():
    gap = Estimate(mean=np.array([0.02, -0.02, 0.005]), half=np.array([0.01, 0.01, 0.006]))
    assert chapter_19_tables.with_verdict(gap) == ["+0.020 ± 0.010", "−0.020 ± 0.010", "(+0.005 ± 0.006)"]


def test_the_tables_have_a_row_for_each_capacity(monkeypatch):
    shown = []
    monkeypatch.setattr(chapter_19_tables, "table", lambda header, rows, *, below: shown.append((header, rows, below)))
    runs = SchemeTable.read(FOLDER.parent / "results" / "fig5.csv")
    chapter_19_tables.tables_of_capacities(runs)
    assert len(shown) == 3
    for header, rows, _ in shown:
        assert [row[0] for row in rows] == [f"{capacity / 1e9:.0f}" for capacity in runs.capacity_cycles_per_s]
        assert {len(row) for row in rows} == {len(header)}
    bound = dict(zip(shown[1][0], shown[1][1][0], strict=True))["bound − proposed"]
    assert bound == "+1.079 ± 0.026"
