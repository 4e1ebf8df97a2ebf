"""A sweep loses nothing and repeats nothing, wherever its tasks run."""

import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from gdt_tutorial.files import WriteError
from gdt_tutorial.studies.sweeps import read_result, result_path, run_sweep

TASKS = [{"seed": seed, "capacity": capacity} for seed in range(3) for capacity in (2e9, 0.1)]


def work(task):
    """Two rows of numbers that need all their digits."""
    rng = np.random.default_rng(task["seed"])
    return [
        {"seed": task["seed"], "part": part, "value": float(rng.random()) * task["capacity"], "gap": math.nan}
        for part in range(2)
    ]


def counted(task):
    """Leave a mark for each start, then take a moment."""
    marks = Path(task["marks"])
    marks.mkdir(exist_ok=True)
    (marks / f"{task['seed']}-{os.getpid()}-{time.monotonic_ns()}").touch()
    time.sleep(task["pause_s"])
    return [{"seed": task["seed"]}]


def threads(task):
    return [{"n_threads": pool["num_threads"], "process": os.getpid()} for pool in threadpool_info()]


def dies(task):
    os.kill(os.getpid(), signal.SIGKILL)


def fails(task):
    if task["seed"] == 1:
        raise ArithmeticError("by zero")
    return [task]


def n_starts(marks):
    return Counter(int(mark.name.split("-")[0]) for mark in marks.iterdir())


def swept(folder, tasks=TASKS, **options):
    return run_sweep(options.pop("work", work), tasks, folder, **{"version": "1", **options})


def test_rows_come_in_the_order_of_the_tasks(tmp_path):
    rows = swept(tmp_path)
    assert [(row["seed"], row["part"]) for row in rows] == [
        (s, p) for s in range(3) for _ in range(2) for p in range(2)
    ]
    assert str(rows) == str([row for task in TASKS for row in work(task)])


def test_processes_give_the_same_rows(tmp_path):
    assert str(swept(tmp_path / "two", n_jobs=2)) == str(swept(tmp_path / "one"))
    written = [
        sorted((path.name, path.read_bytes()) for path in (tmp_path / name).iterdir()) for name in ("one", "two")
    ]
    assert written[0] == written[1]


def test_a_dask_cluster_gives_the_same_rows(tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        rows = swept(tmp_path / "cluster", scheduler=cluster.scheduler_address)
    assert str(rows) == str(swept(tmp_path / "one"))


def test_workers_have_one_thread_each(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    rows = swept(tmp_path, work=threads, n_jobs=2)
    assert {row["n_threads"] for row in rows} == {1}
    assert os.getpid() not in {row["process"] for row in rows}


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_killed_sweep_goes_on_where_it_was(tmp_path, n_jobs):
    marks, folder = tmp_path / "marks", tmp_path / "results"
    tasks = [{"seed": seed, "pause_s": 0.2, "marks": str(marks)} for seed in range(10)]
    script = tmp_path / "sweep.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_sweeps import counted, run_sweep, Path\n"
        "if __name__ == '__main__':\n"
        f"    run_sweep(counted, {tasks}, Path({str(folder)!r}), version='1', n_jobs={n_jobs})\n"
    )
    process = subprocess.Popen([sys.executable, "-W", "ignore", script])
    while not folder.exists() or len(list(folder.glob("*.json"))) < 4:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    time.sleep(0.5)  # a worker ends with its parent; else it would go on with the tasks it still has
    stored = {task["seed"] for task in tasks if result_path(folder, task, "1").exists()}
    started = n_starts(marks)
    assert 4 <= len(stored) < 10
    assert len(started) <= len(stored) + 2 * n_jobs
    calls = []
    rows = run_sweep(counted, tasks, folder, version="1", on_task=lambda *call: calls.append(call))
    assert [row["seed"] for row in rows] == list(range(10))
    again = n_starts(marks)
    assert all(again[seed] == 1 for seed in stored)
    assert all(again[seed] == started[seed] + 1 for seed in set(range(10)) - stored)
    assert [n_done for n_done, _, _ in calls] == list(range(len(stored), 11))
    assert not list(folder.glob("*.broken"))
    # And a third time there is nothing left to do.
    assert run_sweep(counted, tasks, folder, version="1") == rows
    assert n_starts(marks) == again


def test_the_time_left_knows_only_tasks_of_this_run(tmp_path):
    calls = []
    tasks = [{"seed": seed, "pause_s": 0.2, "marks": str(tmp_path / "marks")} for seed in range(5)]
    swept(tmp_path / "results", tasks[:2], work=counted)
    swept(tmp_path / "results", tasks, work=counted, on_task=lambda *call: calls.append(call))
    assert [call[:2] for call in calls] == [(2, 5), (3, 5), (4, 5), (5, 5)]
    left_s = [call[2] for call in calls]
    assert math.isnan(left_s[0])
    assert 0.4 <= left_s[1] < 1.0
    assert 0.2 <= left_s[2] < left_s[1]
    assert left_s[3] == 0


def damage_cut(path, other):
    path.write_bytes(path.read_bytes()[:-20])


def damage_empty(path, other):
    path.write_text("")


def damage_number(path, other):
    found = json.loads(path.read_text())
    found["rows"][0]["value"] *= 1 + 1e-15
    path.write_text(json.dumps(found))


def damage_foreign(path, other):
    path.write_text('["something else"]')


def damage_swapped(path, other):
    path.write_bytes(other.read_bytes())


def damage_binary(path, other):
    path.write_bytes(b"\xff\xfe")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (damage_cut, "must hold JSON to its end"),
        (damage_empty, "must hold JSON to its end"),
        (damage_binary, "must hold JSON to its end"),
        (damage_number, "must hold the rows that were written"),
        (damage_foreign, "must be the results of a task, got 'list'"),
        (damage_swapped, "must bear the name of its task"),
    ],
)
def test_a_broken_results_file_is_moved_aside_told_and_done_again(tmp_path, damage, reason):
    rows = swept(tmp_path)
    path, other = (result_path(tmp_path, task, "1") for task in TASKS[:2])
    damage(path, other)
    damaged = path.read_bytes()
    with pytest.raises(ValueError, match=reason):
        read_result(path)
    told = []
    again = swept(tmp_path, on_broken=lambda *call: told.append(call))
    assert str(again) == str(rows)
    assert [(told_path, reason in text) for told_path, text in told] == [(path, True)]
    assert path.with_suffix(".broken").read_bytes() == damaged
    assert str(read_result(path)) == str(rows[:2])


def test_a_broken_results_file_is_a_warning_unless_the_caller_tells_it(tmp_path):
    swept(tmp_path)
    result_path(tmp_path, TASKS[0], "1").write_text("{")
    with pytest.warns(UserWarning, match="is computed again: .* must hold JSON to its end"):
        swept(tmp_path)


def test_another_version_shares_no_results_and_leaves_them_alone(tmp_path):
    swept(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    calls = []
    swept(tmp_path, version="2", on_task=lambda *call: calls.append(call))
    assert calls[0][0] == 0
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(list(tmp_path.iterdir())) == 2 * len(TASKS)


def test_the_order_of_entries_does_not_make_another_task(tmp_path):
    assert result_path(tmp_path, {"a": 1, "b": 2}, "1") == result_path(tmp_path, {"b": 2, "a": 1}, "1")
    assert result_path(tmp_path, {"a": 1, "b": 2}, "1") != result_path(tmp_path, {"a": 1, "b": 2.0}, "1")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_names_its_task_and_keeps_what_is_done(tmp_path, n_jobs):
    tasks = [{"seed": seed} for seed in range(3)]
    with pytest.raises(ArithmeticError, match="by zero") as caught:
        swept(tmp_path, tasks, work=fails, n_jobs=n_jobs)
    assert any('in the task {"seed":1}' in note for note in caught.value.__notes__)
    if n_jobs == 1:
        assert read_result(result_path(tmp_path, tasks[0], "1")) == [{"seed": 0}]


def test_a_worker_that_dies_is_named(tmp_path):
    with pytest.raises(RuntimeError, match="A worker process died; use fewer jobs"):
        swept(tmp_path, work=dies, n_jobs=2)


def dies_after_the_first(task):
    """Die as soon as the rows of another task are stored."""
    if task["waits_for"]:
        while not Path(task["waits_for"]).exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGKILL)
    return [{"seed": 0}]


def test_what_was_finished_before_a_worker_died_is_kept(tmp_path):
    first = {"seed": 0, "waits_for": ""}
    stored = result_path(tmp_path, first, "1")
    with pytest.raises(RuntimeError, match="A worker process died; .*what is finished is kept"):
        swept(tmp_path, [first, {"seed": 1, "waits_for": str(stored)}], work=dies_after_the_first, n_jobs=2)
    assert read_result(stored) == [{"seed": 0}]


def fails_first(task):
    """Fail at once in task 0; the others have begun by then and take longer."""
    marks = Path(task["marks"])
    (marks / str(task["seed"])).touch()
    if task["seed"] == 0:
        while not (marks / "1").exists():
            time.sleep(0.02)
        raise ArithmeticError("by zero")
    time.sleep(0.5)
    return [{"seed": task["seed"]}]


def test_what_runs_beside_a_failing_task_is_kept_and_nothing_else_begins(tmp_path):
    tasks = [{"seed": seed, "marks": str(tmp_path)} for seed in range(12)]
    with pytest.raises(ArithmeticError, match="by zero"):
        swept(tmp_path / "rows", tasks, work=fails_first, n_jobs=2)
    assert read_result(result_path(tmp_path / "rows", tasks[1], "1")) == [{"seed": 1}]
    begun = {int(mark.name) for mark in tmp_path.iterdir() if mark.name.isdigit()}
    stored = {seed for seed in range(12) if result_path(tmp_path / "rows", tasks[seed], "1").exists()}
    assert stored == begun - {0}
    assert len(begun) < 12


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_full_disk_keeps_the_rows_that_were_stored(tmp_path, monkeypatch, n_jobs):
    room = iter([True, True])

    def fsync(handle):
        if not next(room, False):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(WriteError, match=r"could not be written \(No space left on device\); make room"):
        swept(tmp_path, n_jobs=n_jobs)
    assert len(list(tmp_path.iterdir())) == 2
    assert all(path.suffix == ".json" and read_result(path) for path in tmp_path.iterdir())
    monkeypatch.undo()
    assert str(swept(tmp_path)) == str([row for task in TASKS for row in work(task)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_jobs": 0}, "n_jobs must be above 0, got 0"),
        ({"patience_s": math.nan}, "patience_s must be at least 0, got nan; 30 is the default"),
        ({"n_jobs": 2, "scheduler": "tcp://127.0.0.1:1"}, "n_jobs must be 1 with a scheduler, got 2"),
        ({"tasks": [{"seed": 1}, {"seed": 1}]}, "tasks must differ, got '1 repetitions'"),
        ({"tasks": [{"seed": np.float32(1)}]}, "a task or a row must hold plain numbers and text"),
        ({"work": lambda task: [{"value": np.float32(1)}]}, "a task or a row must hold plain numbers and text"),
        ({"work": lambda task: {"value": 1}}, "work must return a list of dictionaries, got 'dict'"),
        ({"work": lambda task: [1]}, "work must return a list of dictionaries, got 'list'"),
    ],
)
def test_bad_input_is_refused(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        swept(tmp_path, **change)


def test_missing_dask_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r'scheduler must find Dask installed.*pip install "gdt-tutorial\[cluster\]"'):
        swept(tmp_path, scheduler="tcp://127.0.0.1:8786")
