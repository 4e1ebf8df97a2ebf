"""Whatever happens to a Dask cluster is said in one sentence, and what was finished by then is kept."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gdt_tutorial.__main__ import main
from gdt_tutorial.studies import cluster as own
from gdt_tutorial.studies.sweeps import read_result, result_path, run_sweep

distributed = pytest.importorskip("distributed")


def seeds(task):
    return [{"seed": task["seed"]}]


def dies_second(task):
    """Task 1 kills the process that it runs in, as soon as the rows of task 0 are stored."""
    if task["seed"] == 1:
        while not Path(task["first"]).exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGKILL)
    return [{"seed": task["seed"]}]


def fails(task):
    raise FileNotFoundError("a file of the work")


class Unreadable:
    """Work that a worker cannot load."""

    def __call__(self, task):
        return []

    def __reduce__(self):
        return _refuse, ()


def _refuse():
    if not os.environ.get("READS_ANYTHING"):
        raise ModuleNotFoundError("No module named 'gdt_tutorial'")


def two_tasks(folder):
    first = {"seed": 0, "first": ""}
    return [first, {"seed": 1, "first": str(result_path(folder, first, "1"))}]


@pytest.fixture
def local():
    """Return a function that starts a cluster on this machine."""
    started = []

    def start(n_workers, **options):
        started.append(
            distributed.LocalCluster(n_workers=n_workers, threads_per_worker=1, dashboard_address=None, **options)
        )
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_a_task_that_kills_its_workers_is_named_and_the_others_are_kept(tmp_path, local):
    import dask

    tasks = two_tasks(tmp_path)
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        address = local(1).scheduler_address
        with pytest.raises(RuntimeError, match=r'^Worker after worker died in the task .*"seed":1.*; give the workers'):
            run_sweep(dies_second, tasks, tmp_path, version="1", scheduler=address)
    assert read_result(result_path(tmp_path, tasks[0], "1")) == [{"seed": 0}]


def test_a_scheduler_that_is_lost_is_named_and_what_is_finished_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "_CONNECT_S", 1.0)
    script = (
        "import distributed, time\n"
        "if __name__ == '__main__':\n"
        "    c = distributed.LocalCluster(n_workers=1, processes=False, threads_per_worker=1, dashboard_address=None,\n"
        "                                 protocol='tcp')\n"
        "    print(c.scheduler_address, flush=True)\n"
        "    time.sleep(60)\n"
    )
    places = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
    )
    with process:
        tasks, address = two_tasks(tmp_path), process.stdout.readline().strip()
        # The scheduler and its worker are one process, which the second task kills.
        with pytest.raises(RuntimeError, match=f"^The connection to the scheduler at {address} was lost; see that it"):
            run_sweep(dies_second, tasks, tmp_path, version="1", scheduler=address)
    assert read_result(result_path(tmp_path, tasks[0], "1")) == [{"seed": 0}]


def test_a_scheduler_without_workers_is_given_up(tmp_path, local):
    address = local(0).scheduler_address
    sentence = f"The scheduler has had no workers for 0.2 s; start some with `dask worker {address}`, or wait longer"
    with pytest.raises(RuntimeError, match=sentence):
        run_sweep(seeds, [{"seed": 0}], tmp_path, version="1", scheduler=address, patience_s=0.2)


def test_workers_that_come_late_get_the_tasks(tmp_path, local):
    cluster = local(0, processes=False, protocol="tcp")
    timer = threading.Timer(1.5, cluster.scale, [1])
    timer.start()
    rows = run_sweep(seeds, [{"seed": 5}], tmp_path, version="1", scheduler=cluster.scheduler_address)
    timer.join()
    assert rows == [{"seed": 5}]


def test_an_error_of_the_work_stays_itself_and_names_its_task(tmp_path, local):
    address = local(1, processes=False, protocol="tcp").scheduler_address
    with pytest.raises(FileNotFoundError, match="a file of the work") as caught:
        run_sweep(fails, [{"seed": 7}], tmp_path, version="1", scheduler=address)
    assert any('in the task {"seed":7}' in note for note in caught.value.__notes__)


def test_work_that_a_worker_cannot_load_is_named(tmp_path, local):
    address = local(1).scheduler_address
    with pytest.raises(RuntimeError, match=r"^A worker cannot read its task \(.*\); install gdt_tutorial .* there"):
        run_sweep(Unreadable(), [{"seed": 7}], tmp_path, version="1", scheduler=address)


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "tcp://", "tcp://10.0.0.1", "http://127.0.0.1:8786", "localhost:99999", "localhost:0", "a b:1"],
)
def test_what_is_no_address_is_refused(tmp_path, address):
    sentence = (
        f"scheduler must be an address such as tcp://10.0.0.1:8786, got {address!r}; `dask scheduler` prints its own"
    )
    with pytest.raises(ValueError) as caught:
        run_sweep(seeds, [{"seed": 0}], tmp_path, version="1", scheduler=address)
    assert str(caught.value) == f"{sentence}."


@pytest.mark.parametrize("is_listening", [False, True])
def test_a_scheduler_that_does_not_answer_is_named(tmp_path, monkeypatch, is_listening):
    monkeypatch.setattr(own, "_CONNECT_S", 0.5)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if is_listening:
            listener.listen()
        address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        sentence = (
            f"scheduler must be the address of a Dask scheduler that answers within 0.5 s, got '{address}'; start"
        )
        with pytest.raises(ValueError, match=sentence):
            run_sweep(seeds, [{"seed": 0}], tmp_path, version="1", scheduler=address)


def test_the_command_line_tells_bad_input_from_bad_luck(tmp_path, monkeypatch, local, capsys):
    call = ["reproduce", "who_wins", "--seeds", "1", "--output", str(tmp_path), "--scheduler"]
    assert main([*call, "nonsense"]) == 2
    assert "scheduler must be an address such as tcp://10.0.0.1:8786, got 'nonsense'" in capsys.readouterr().out
    monkeypatch.setattr(own, "_CONNECT_S", 0.5)
    assert main([*call, "tcp://127.0.0.1:9"]) == 2
    assert "scheduler must be the address of a Dask scheduler" in capsys.readouterr().out
    assert main([*call, local(0).scheduler_address, "--patience", "0"]) == 1
    assert "The scheduler has had no workers for 0 s" in capsys.readouterr().out
