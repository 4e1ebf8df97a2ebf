"""An own scheme in Fig. 5: what it is compared with, and how bad input is told before anything long starts."""

import sys

import numpy as np
import pytest
from scipy import stats

from gdt_tutorial.__main__ import main
from gdt_tutorial.case_study.experiment import Scheme
from gdt_tutorial.case_study.figures import fig5, own_scheme
from gdt_tutorial.case_study.figures.scheme_table import SchemeTable
from gdt_tutorial.case_study.figures.schemes import NamedScheme
from gdt_tutorial.case_study.learning.training import fitting_version, swipe_aware_lists
from gdt_tutorial.solutions.data_model.baselines import EqualSplit
from gdt_tutorial.studies.sweeps import run_sweep
from gdt_tutorial.studies.tables import read_table
from tests.case_study.campuses import small_campuses

MINE = """
from gdt_tutorial.case_study.experiment import Scheme
from gdt_tutorial.case_study.learning.training import fitting_version, sequential_lists, swipe_aware_lists
from gdt_tutorial.solutions.data_model.baselines import EqualSplit

def my_scheme(campuses):
    return Scheme(
        buffering=swipe_aware_lists(campuses),
        versions=fitting_version(campuses),
        scheduler=EqualSplit(campuses.model),
    )

class Broken:
    def select(self, features):
        return features.ap[0, 10_000]

def broken(campuses):
    return Scheme(
        buffering=swipe_aware_lists(campuses), versions=Broken(), scheduler=EqualSplit(campuses.model)
    )

def unfinished(campuses):
    return None

def equal(campuses):
    return my_scheme(campuses)

number = 3
"""


def equal_split(campuses):
    return Scheme(
        buffering=swipe_aware_lists(campuses),
        versions=fitting_version(campuses),
        scheduler=EqualSplit(campuses.model),
    )


@pytest.fixture
def mine(monkeypatch, tmp_path):
    """Write a module of the current folder, and return a function that runs the command with one of its schemes."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two writes within a second look alike to it
    monkeypatch.delitem(sys.modules, "mine", raising=False)

    def call(reference, *options):
        sys.modules.pop("mine", None)
        return main(["reproduce", "fig5", "--with", reference, *options])

    yield call
    sys.modules.pop("mine", None)


class TestCompare:
    def test_a_stored_scheme_under_another_name_equals_the_stored_one(self):
        beside = own_scheme.compare(equal_split, n_seeds=2, capacities_cycles_per_s=(3e9, 8e9))
        assert beside.schemes == ("own", *own_scheme._stored_table().schemes)
        assert beside.capacity_cycles_per_s.tolist() == [3e9, 8e9]
        assert beside.seeds == [fig5.TEST_SEED, fig5.TEST_SEED + 1]
        for column in fig5.MEASURES:
            np.testing.assert_allclose(beside.values("own", column), beside.values("equal", column), atol=1e-5)

    def test_differences_are_paired_and_have_a_t_interval(self):
        beside = own_scheme.compare(equal_split, name="mine", n_seeds=3, capacities_cycles_per_s=(6e9,))
        mean, half = beside.mean_difference("mine", "greedy_cost_rule")
        gap = (beside.values("mine", "qoe") - beside.values("greedy_cost_rule", "qoe"))[0, :, 0]
        wanted = stats.ttest_1samp(gap, 0.0).confidence_interval(0.95)
        np.testing.assert_allclose((mean - half, mean + half), (wanted.low, wanted.high))
        by_capacity = beside.difference("mine", "greedy_cost_rule")
        np.testing.assert_allclose((by_capacity.mean[0], by_capacity.half[0]), (mean, half))

    def test_an_entry_may_have_several_networks(self):
        entry = NamedScheme(title="twice", has_network=True, make=lambda campuses, index: equal_split(campuses))
        beside = own_scheme.compare(entry, n_seeds=1, capacities_cycles_per_s=(3e9,))
        assert beside.values("own", "qoe").shape == (5, 1, 1)

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            ({"n_seeds": 0}, r"n_seeds must lie in 1\.\.24, the seeds of the table, got 0"),
            ({"n_seeds": 25}, r"n_seeds must lie in 1\.\.24, the seeds of the table, got 25"),
            ({"capacities_cycles_per_s": (7e9,)}, "capacities_cycles_per_s must be some of"),
            ({"capacities_cycles_per_s": ()}, "capacities_cycles_per_s must be some of"),
            ({"name": "bound"}, "scheme must have another name than proposed, .*, got 'bound'"),
        ],
    )
    def test_what_the_table_does_not_have_is_refused(self, options, sentence):
        with pytest.raises(ValueError, match=sentence):
            own_scheme.compare(equal_split, **options)


class TestNamed:
    def test_what_is_no_function_is_refused(self):
        with pytest.raises(ValueError, match="scheme must be a function from campuses to a Scheme, got 'dict'"):
            own_scheme.named({}, "mine")

    def test_what_makes_no_scheme_is_refused(self):
        with pytest.raises(ValueError, match="scheme must return a Scheme, got 'int'; build it with buffering="):
            own_scheme.named(lambda campuses: 3, "mine").make(small_campuses(), 0)

    @pytest.mark.parametrize(
        ("part", "method"), [("buffering", "abstract"), ("versions", "select"), ("scheduler", "schedule")]
    )
    def test_a_part_that_lacks_its_method_is_refused(self, part, method):
        def half_a_scheme(campuses):
            made = equal_split(campuses)
            object.__setattr__(made, part, 3)
            return made

        with pytest.raises(ValueError, match=rf"scheme.{part} must have the method {method}, got 'int'"):
            own_scheme.named(half_a_scheme, "mine").make(small_campuses(), 0)


class TestDifferences:
    """Of rows of the stored table under another name, so that nothing has to be run."""

    rows = [
        {**row, "scheme": "mine"}
        for row in own_scheme._stored()[1]
        if row["scheme"] == "equal" and row["seed"] < fig5.TEST_SEED + 3
    ]

    def test_each_row_has_its_difference_to_every_stored_scheme_on_the_same_lot(self):
        rows = own_scheme.with_differences(self.rows)
        assert [row["minus_equal"] for row in rows] == [0.0] * len(rows)
        stored = SchemeTable.read(own_scheme.STORED)
        assert {name for name in rows[0] if name.startswith("minus_")} == {f"minus_{each}" for each in stored.schemes}
        proposed, row = stored.values("proposed", "qoe").mean(axis=0), rows[9]
        place = row["seed"] - fig5.TEST_SEED, stored.capacity_cycles_per_s.tolist().index(row["capacity"])
        assert row["minus_proposed"] == pytest.approx(row["qoe"] - proposed[place], abs=1e-6)

    def test_the_summary_has_the_mean_over_capacities_with_its_interval(self):
        said = own_scheme.summary(self.rows)
        assert said[0] == "QoE per second, mine minus ... (mean over 8 capacities, 95 % interval, 3 seeds):"
        mean, half = own_scheme._beside(self.rows).mean_difference("mine", "proposed")
        assert f"  {'proposed':20} {mean:+.3f} ± {half:.3f}" in said
        assert len(said) == 1 + len(own_scheme._stored_table().schemes)

    def test_one_seed_has_no_interval(self):
        assert own_scheme.summary([row for row in self.rows if row["seed"] == fig5.TEST_SEED]) == []


class TestCommand:
    def test_the_table_holds_the_own_scheme_and_a_second_run_has_nothing_to_do(self, mine, tmp_path, capsys):
        assert mine("mine:my_scheme", "--seeds", "1") == 0
        header, rows = read_table(tmp_path / "outputs" / "fig5_my_scheme.csv")
        assert header["command"] == "python -m gdt_tutorial reproduce fig5 --with mine:my_scheme --seeds 1"
        assert header["compared with"].startswith("python -m gdt_tutorial reproduce fig5 --seeds 24, commit ")
        assert [(row["seed"], row["capacity"]) for row in rows] == [
            (task["seed"], task["capacity"]) for task in fig5.tasks(1)
        ]
        assert {row["scheme"] for row in rows} == {"my_scheme"}
        np.testing.assert_allclose([row["minus_equal"] for row in rows], 0, atol=1e-5)
        out = capsys.readouterr().out
        assert "my_scheme is tried on one lot of campuses first.\n8 tasks take about " in out
        assert mine("mine:my_scheme", "--seeds", "1") == 0
        assert "All 8 tasks are done already." in capsys.readouterr().out

    def test_a_changed_scheme_has_other_tasks(self, mine, tmp_path):
        own = own_scheme.load("mine:my_scheme")
        _, trial = own_scheme.try_out(own)
        (tmp_path / "mine.py").write_text(MINE.replace("swipe_aware_lists(", "sequential_lists("))
        sys.modules.pop("mine")
        changed = own_scheme.load("mine:my_scheme")
        assert own.code != changed.code
        assert trial != own_scheme.try_out(changed)[1]
        first = own_scheme.tasks(own, 1, trial)
        assert first == own_scheme.tasks(own, 1, trial)
        assert first != own_scheme.tasks(changed, 1, trial)
        assert first != own_scheme.tasks(own, 1, "other weights")

    def test_processes_find_the_module_too(self, mine, tmp_path):
        two = own_scheme.tasks(own_scheme.load("mine:my_scheme"), 1, "trial")[:2]
        rows = run_sweep(own_scheme.work, two, tmp_path / "tasks", version="1", n_jobs=2)
        assert [row["capacity"] for row in rows] == [task["capacity"] for task in two]

    @pytest.mark.parametrize(
        ("reference", "sentence"),
        [
            ("mine", "--with must be module:scheme, got 'mine'; mine:my_scheme is the function my_scheme of mine.py."),
            ("mine:", "--with must be module:scheme, got 'mine:'"),
            ("mine.py:my_scheme:2", "--with must be module:scheme, got 'mine.py:my_scheme:2'"),
            ("nowhere:my_scheme", "--with must name a module that can be imported, got 'nowhere' (ModuleNotFoundError"),
            ("mine:other", "--with must name a scheme of mine, got 'other'; it offers my_scheme, broken, unfinished, equal."),
            ("mine:number", "scheme must be a function from campuses to a Scheme, got 'int'"),
            ("mine:equal", "scheme must have another name than proposed, "),
            ("mine:unfinished", "scheme must return a Scheme, got 'NoneType'"),
            ("mine:broken", "--with must name a scheme that runs, got 'mine:broken' (IndexError in mine.py, line 15: "),
        ],
    )  # fmt: skip
    def test_bad_input_is_one_sentence_before_anything_long(self, mine, tmp_path, reference, sentence, capsys):
        assert mine(reference) == 2
        said = capsys.readouterr().out.removesuffix("\n").split("\n")
        assert sentence in said[-1]
        assert len(said) == 1 + said[0].endswith("first.")
        assert not list((tmp_path / "outputs").glob("*"))

    @pytest.mark.parametrize("code", ["def my_scheme(:", "1 / 0", "raise SystemExit('bye')"])
    def test_a_module_that_cannot_be_imported_is_told(self, mine, tmp_path, code, capsys):
        (tmp_path / "mine.py").write_text(code)
        assert mine("mine:my_scheme") == 2
        assert capsys.readouterr().out.startswith("--with must name a module that can be imported, got 'mine' (")

    def test_only_fig5_has_schemes_and_only_its_seeds_are_stored(self, mine, capsys):
        assert main(["reproduce", "fig4", "--with", "mine:my_scheme"]) == 2
        assert "--with must stand with fig5, got 'fig4'" in capsys.readouterr().out
        assert mine("mine:my_scheme", "--seeds", "25") == 2
        assert "--seeds must lie in 1..24, the seeds of the table, got 25" in capsys.readouterr().out

    def test_a_worker_with_another_module_is_refused(self, mine, tmp_path):
        task = own_scheme.tasks(own_scheme.load("mine:my_scheme"), 1, "trial")[0]
        (tmp_path / "mine.py").write_text(MINE + "\n")
        sys.modules.pop("mine")
        with pytest.raises(ValueError, match="mine:my_scheme must be the module with fingerprint"):
            own_scheme.work(task)
