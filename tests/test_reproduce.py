"""`python -m gdt_tutorial reproduce`: a table that says how it was made, and goes on where it was. The figure is this file."""

import errno
import importlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from gdt_tutorial import reproduce
from gdt_tutorial.__main__ import main
from gdt_tutorial.case_study.figures.logged_tasks import _read as logs_are_read_once
from gdt_tutorial.studies.sweeps import result_path
from gdt_tutorial.studies.tables import read_table

VERSION = "7"
FIGURE = reproduce.Figure(module=__name__, n_seeds=3, task_s={"": 70.0, "slow": 700.0}, kind="speed")
done = []


def tasks(n_seeds):
    return [{"seed": seed} for seed in range(n_seeds)]


def work(task):
    done.append(task["seed"])
    if task["seed"] == 99:
        raise KeyboardInterrupt
    if task["seed"] == 98:
        raise ValueError("capacity must be above 0, got 0; give more.")
    return [{"seed": task["seed"], "scheme": scheme, "qoe": 0.1 * task["seed"]} for scheme in ("rule", "proposed")]


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Return a function that reproduces a figure of this file into a folder of the test."""
    done.clear()
    monkeypatch.setitem(reproduce.FIGURES, "fig4", FIGURE)

    def call(*arguments):
        return main(["reproduce", "fig4", "--output", str(tmp_path), *arguments])

    return call


def test_the_table_says_how_it_was_made(command, tmp_path, capsys):
    assert command() == 0
    header, rows = read_table(tmp_path / "fig4.csv")
    assert header["command"] == "python -m gdt_tutorial reproduce fig4 --seeds 3"
    assert header["seeds"] == "0, 1, 2"
    assert header["version"].startswith("7, gdt_tutorial ")
    assert re.fullmatch(r"[0-9a-f]{12}( with changes)?|unknown", header["commit"])
    assert [(row["seed"], row["scheme"]) for row in rows] == [(s, n) for s in range(3) for n in ("rule", "proposed")]
    assert rows[-1]["qoe"] == 0.1 * 2
    shown, progress = capsys.readouterr()
    assert f"Table: {tmp_path / 'fig4.csv'} (6 rows)" in shown
    assert "3/3 tasks" in progress
    assert "left" in progress


def test_tasks_that_read_logs_name_them_and_so_does_the_table(command, monkeypatch, tmp_path):
    log = tmp_path / "log.csv"
    rows = [f"{user},{10 * user + view},{view},{900 + 300 * view},8000" for user in range(4) for view in range(12)]
    log.write_text("user_id,video_id,time_ms,play_time_ms,duration_ms\n" + "\n".join(rows))
    monkeypatch.setenv("GDT_DATA", str(log))
    monkeypatch.setattr(f"{__name__}.tasks", lambda n_seeds: [{"seed": 0, "source": "logs"}])
    assert command() == 0
    first, _ = read_table(tmp_path / "fig4.csv")
    assert command() == 0
    assert done == [0]
    log.write_text(log.read_text().replace("8000", "9000"))
    logs_are_read_once.cache_clear()
    assert command() == 0
    assert done == [0, 0]
    second, _ = read_table(tmp_path / "fig4.csv")
    assert first["data"].partition(";")[0] != second["data"].partition(";")[0]


def test_more_seeds_add_to_what_is_there(command, tmp_path):
    assert command("--seeds", "2") == 0
    assert command("--seeds", "4") == 0
    assert done == [0, 1, 2, 3]
    assert len(read_table(tmp_path / "fig4.csv")[1]) == 8


def test_processes_give_the_same_table_to_the_byte(command, tmp_path):
    command()
    alone = (tmp_path / "fig4.csv").read_bytes()
    assert command("--jobs", "2", "--output", str(tmp_path / "two")) == 0
    assert done == [0, 1, 2]
    assert (tmp_path / "two" / "fig4.csv").read_bytes() == alone


def test_a_broken_result_is_told(command, tmp_path, capsys):
    command()
    path = result_path(tmp_path / "fig4_tasks", {"seed": 1}, VERSION)
    path.write_text("{")
    assert command() == 0
    assert f"Warning: {path} was computed again: " in capsys.readouterr().out
    assert done == [0, 1, 2, 1]


def test_a_stopped_run_says_that_it_can_go_on(command, tmp_path, capsys):
    assert command("--seeds", "100") == 1
    out = capsys.readouterr().out
    assert "capacity must be above 0, got 0; give more." in out
    assert 'This happened in the task {"seed":98}.' in out
    assert not (tmp_path / "fig4.csv").exists()


def test_an_interrupted_run_says_that_it_can_go_on(command, monkeypatch, capsys):
    monkeypatch.setattr(f"{__name__}.tasks", lambda n_seeds: [{"seed": 0}, {"seed": 99}])
    assert command() == 130
    assert "Stopped. What is finished is kept: the same command goes on from here." in capsys.readouterr().out
    assert command() == 130
    assert done == [0, 99, 99]


@pytest.mark.parametrize(
    ("option", "value", "rule"),
    [
        ("--seeds", "0", "at least 1, got 0"),
        ("--jobs", "-2", "at least 1, got -2"),
        ("--patience", "-1", "at least 0, got -1.0"),
        ("--patience", "nan", "at least 0, got nan"),
    ],
)
def test_bad_numbers_are_refused(command, option, value, rule, capsys):
    assert command(option, value) == 2
    assert capsys.readouterr().out == f"{option} must be {rule}; leave it out for the default.\n"
    assert not done


@pytest.mark.parametrize("option", ["--seeds", "--jobs", "--patience"])
def test_what_is_no_number_is_refused(command, option):
    with pytest.raises(SystemExit, match="2"):
        command(option, "many")


@pytest.mark.parametrize(
    ("place", "reason"),
    [("file", "File exists"), ("file/below", "Not a directory")],
)
def test_an_output_that_is_no_folder_is_refused_before_any_work(command, tmp_path, capsys, place, reason):
    (tmp_path / "file").write_text("mine")
    folder = str(tmp_path / place)
    assert command("--output", folder) == 2
    sentence = f"--output must be a folder that can be written, got '{folder}' ({reason}); name another one.\n"
    assert capsys.readouterr().out == sentence
    assert not done
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("name", ["fig4.csv", "fig4_tasks"])
def test_what_stands_in_the_place_of_the_table_or_of_the_tasks_is_noticed_before_any_work(
    command, tmp_path, name, capsys
):
    (tmp_path / name).mkdir() if name.endswith("csv") else (tmp_path / name).touch()
    assert command() == 2
    assert "--output must " in capsys.readouterr().out
    assert not done


def test_a_disk_that_is_full_for_the_table_keeps_the_rows(command, monkeypatch, tmp_path, capsys):
    def fsync(handle):
        if len(done) == 3 and len(list((tmp_path / "fig4_tasks").glob("*.json"))) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    assert command() == 1
    sentence = (
        f"{tmp_path / 'fig4.csv'} could not be written (No space left on device); make room, or choose another folder."
    )
    assert f"{sentence} What is finished is kept: the same command goes on from here.\n" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["fig4_tasks"]
    monkeypatch.undo()
    monkeypatch.setitem(reproduce.FIGURES, "fig4", FIGURE)
    assert main(["reproduce", "fig4", "--output", str(tmp_path)]) == 0
    assert done == [0, 1, 2]


def test_a_disk_that_fills_up_on_the_way_keeps_the_rows_before(command, monkeypatch, tmp_path, capsys):
    def fsync(handle):
        if len(done) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    assert command() == 1
    assert "could not be written (No space left on device)" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "fig4_tasks").iterdir()] == [
        result_path(tmp_path, {"seed": 0}, VERSION).name
    ]


def test_the_defaults_are_the_seeds_of_the_stored_tables():
    package = Path(reproduce.__file__).parent
    for name, figure in reproduce.FIGURES.items():
        (path,) = package.glob(f"*/results/{name}.csv")
        header, _ = read_table(path)
        assert header["command"] == f"python -m gdt_tutorial reproduce {name} --seeds {figure.n_seeds}"
        assert len(header["seeds"].split(", ")) == figure.n_seeds


def test_the_duration_is_said_before_the_work_and_counts_what_is_left(command, monkeypatch, capsys):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert command() == 0
    assert capsys.readouterr().out.startswith("3 tasks take about 4 min with 1 job, as measured on a server.\n")
    assert command("--seeds", "5", "--scheduler", "nowhere") == 2
    said = "3 of 5 tasks are done already; the others take about 2 min"
    assert f"{said} of processor time, which the workers of the cluster share.\n" in capsys.readouterr().out
    assert command() == 0
    assert capsys.readouterr().out.startswith("All 3 tasks are done already.\n")
    assert done == [0, 1, 2]


@pytest.mark.parametrize(
    ("n_jobs", "n_cores", "said"),
    [
        (1, 2, "8 tasks take about 93 min with 1 job, as"),
        (2, 2, "8 tasks take about 47 min with 2 jobs, as"),
        (8, 2, "8 tasks take about 47 min with 8 jobs on 2 cores, as"),
        (99, 99, "8 tasks take about 12 min with 99 jobs, as"),
    ],
)
def test_jobs_share_the_time_as_far_as_there_are_tasks_and_cores(monkeypatch, tmp_path, capsys, n_jobs, n_cores, said):
    monkeypatch.setitem(reproduce.FIGURES, "fig4", FIGURE)
    monkeypatch.setattr(os, "cpu_count", lambda: n_cores)
    monkeypatch.setattr(f"{__name__}.tasks", lambda n_seeds: [{"seed": seed, "speed": "slow"} for seed in range(8)])
    monkeypatch.setattr(reproduce, "run_sweep", lambda *arguments, **options: [{"seed": 0}])
    assert main(["reproduce", "fig4", "--output", str(tmp_path), "--jobs", str(n_jobs)]) == 0
    assert capsys.readouterr().out.startswith(said)


def test_every_kind_of_task_has_a_measured_time(monkeypatch):
    monkeypatch.setenv("GDT_DATA", "somewhere.csv")  # Fig. 4 then has tasks that read it
    for figure in reproduce.FIGURES.values():
        tasks_of_figure = importlib.import_module(figure.module).tasks(figure.n_seeds)
        assert min(figure.seconds(task) for task in tasks_of_figure) > 0
        assert {str(task.get(figure.kind, "")) for task in tasks_of_figure} == set(figure.task_s)


def test_a_scheduler_and_jobs_are_not_both_taken(command, capsys):
    assert command("--jobs", "2", "--scheduler", "tcp://127.0.0.1:9") == 2
    assert "n_jobs must be 1 with a scheduler" in capsys.readouterr().out


def test_the_help_offers_the_figures_that_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["reproduce", "fig6"])
    error = capsys.readouterr().err
    assert all(repr(name) in error or name in error.partition("choose from")[2] for name in reproduce.FIGURES)


def test_outside_of_git_the_commit_is_unknown(monkeypatch):
    def fails(*arguments, **options):
        raise subprocess.CalledProcessError(128, "git")

    monkeypatch.setattr(subprocess, "run", fails)
    assert reproduce.commit() == "unknown"
