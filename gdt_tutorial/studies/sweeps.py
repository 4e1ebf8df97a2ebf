"""Run the many tasks of a figure, so that a killed run goes on where it was, and write what came out as a table.

A task is a dictionary of plain numbers and text, and its work returns rows. The rows of a finished task lie in a file of
their own, named by a hash of the task and of the version of the work. A sweep that starts again takes what is there and
does the rest. One process, several processes and a Dask cluster give the same rows in the same order: the work gets its
task as text and gives its rows back as text wherever it runs, and numbers are written with all their digits.

A results file that is cut short, or that holds something else, is moved aside (its name then ends in `.broken`), told
through `on_broken`, and computed again.

Processes and cluster are those of `concurrent.futures` and `distributed` themselves. joblib would take as many lines, and
its workers outlive a parent that was killed, stop with a warning when a task needs much more memory than the first one,
and give up a scheduler that waits for its first worker.
"""

import hashlib
import json
import math
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from gdt_tutorial.configuration import require
from gdt_tutorial.files import write_atomically
from gdt_tutorial.studies.cluster import on_cluster

__all__ = ["read_result", "result_path", "run_sweep"]

Row = dict[str, Any]
Work = Callable[[dict], list[Row]]

# What reads these does so when it is loaded: in a worker, that is after `_start_worker`.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def _warn_of_broken(path: Path, reason: str) -> None:
    warnings.warn(f"{path} is computed again: {reason}", stacklevel=3)


def run_sweep(
    work: Work,
    tasks: Sequence[Mapping[str, Any]],
    folder: Path,
    *,
    version: str,
    n_jobs: int = 1,
    scheduler: str | None = None,
    patience_s: float = 30.0,
    on_task: Callable[[int, int, float], object] | None = None,
    on_broken: Callable[[Path, str], object] = _warn_of_broken,
) -> list[Row]:
    """Do the tasks whose rows are not in `folder` yet, and return the rows of all, in the order of `tasks`.

    Args:
        work: From a task to rows; a function of a module, so that other processes can import it. What is random in it
            must come from the task alone.
        tasks: Each of them once; they must fit into JSON.
        folder: Holds one file per finished task; made where it is missing. Files of other tasks are left alone.
        version: Of the work. Another version shares no results with this one.
        n_jobs: Processes on this machine, each with one thread; 1 works in this process.
        scheduler: Address of a Dask scheduler that gets the tasks instead, such as `tcp://10.0.0.1:8786`. It must answer
            within 10 seconds.
        patience_s: How long the scheduler may have no worker, at the start or later. Workers that queue for a machine
            first need more; infinity waits for ever.
        on_task: Called at the start and after each task with the tasks done, those of the sweep, and an estimate of the
            seconds left. The estimate knows only tasks that were done in this run, and is NaN before the first of them.
        on_broken: Called with a results file that is of no use, and the reason; default: a warning.

    Raises:
        ValueError: Tasks that are equal or no JSON, rows that are no JSON, no job, no patience, both kinds of parallel
            work, an address that is none, or a scheduler that does not answer. What `work` raises has a note that names
            the task; these have none.
        RuntimeError: A worker process died; the workers of a cluster died in one task again and again, cannot read it, or
            were missing for too long; or the connection to the scheduler was lost.
        WriteError: The disk is full, or the folder cannot be made or written.

    Whatever is raised, the rows of finished tasks are kept: the same call goes on from there.
    """
    require(n_jobs > 0, "n_jobs", "be above 0", n_jobs, "1 works in this process")
    require(
        scheduler is None or n_jobs == 1, "n_jobs", "be 1 with a scheduler", n_jobs, "the cluster knows its workers"
    )
    require(patience_s >= 0, "patience_s", "be at least 0", patience_s, "30 is the default")
    paths = {_text(dict(task)): result_path(folder, task, version) for task in tasks}
    require(len(paths) == len(tasks), "tasks", "differ", f"{len(tasks) - len(paths)} repetitions", "name each once")
    folder.mkdir(parents=True, exist_ok=True)
    rows = {task: found for task, path in paths.items() if (found := _take(path, on_broken)) is not None}
    open_tasks = [task for task in paths if task not in rows]
    report = _progress(len(rows), len(tasks), on_task)
    report(0)
    with closing(_finished(work, open_tasks, n_jobs, scheduler, patience_s)) as finished:
        for n_finished, (task, rows_text) in enumerate(finished, start=1):
            _put(paths[task], task, version, rows_text)
            rows[task] = json.loads(rows_text)
            report(n_finished)
    return [row for task in paths for row in rows[task]]


def _progress(
    n_found: int, n_tasks: int, on_task: Callable[[int, int, float], object] | None
) -> Callable[[int], object]:
    start_s = time.monotonic()

    def report(n_finished: int) -> None:
        n_left = n_tasks - n_found - n_finished
        left_s = (time.monotonic() - start_s) / n_finished * n_left if n_finished else math.nan
        if on_task is not None:
            on_task(n_found + n_finished, n_tasks, left_s if n_left else 0.0)

    return report


# --- tasks and results as text


def _refuse(value: Any) -> None:
    require(False, "a task or a row", "hold plain numbers and text", value, "convert it with float() or int()")


def _text(content: Any, sort_keys: bool = True) -> str:
    return json.dumps(content, sort_keys=sort_keys, separators=(",", ":"), default=_refuse)


def result_path(folder: Path, task: Mapping[str, Any], version: str) -> Path:
    """Return where the rows of a task lie: the order of the task's entries does not matter.

    Raises:
        ValueError: `task` holds something else than plain numbers, text, and lists and dictionaries of them.
    """
    return folder / f"{hashlib.sha256(_text([version, dict(task)]).encode()).hexdigest()[:20]}.json"


def _put(path: Path, task: str, version: str, rows_text: str) -> None:
    digest = hashlib.sha256(rows_text.encode()).hexdigest()
    head = _text({"key": path.stem, "sha256": digest, "task": json.loads(task), "version": version})
    # The rows come last and on a line of their own, so that a file is easy to read.
    write_atomically(path, f'{head[:-1]},"rows":\n{rows_text}}}\n')


def read_result(path: Path) -> list[Row]:
    """Return the rows of one finished task.

    Raises:
        ValueError: The file is cut short, is no results file, was changed, or belongs to another task.
    """
    remedy = "delete it, and the task is done again"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} must hold JSON to its end, got an error ({error}); {remedy}.") from error
    is_result = isinstance(found, dict) and {"key", "sha256", "task", "version", "rows"} <= found.keys()
    require(is_result, path.name, "be the results of a task", type(found).__name__, remedy)
    belongs = result_path(path.parent, found["task"], found["version"]).stem
    require(belongs == path.stem == found["key"], path.name, "bear the name of its task", belongs, remedy)
    digest = hashlib.sha256(_text(found["rows"], sort_keys=False).encode()).hexdigest()
    require(digest == found["sha256"], path.name, "hold the rows that were written", "others", remedy)
    return found["rows"]


def _take(path: Path, on_broken: Callable[[Path, str], object]) -> list[Row] | None:
    """Return the rows of a finished task, or None where there are none yet; move a file of no use aside."""
    if not path.exists():
        return None
    try:
        return read_result(path)
    except ValueError as error:
        os.replace(path, path.with_suffix(".broken"))
        on_broken(path, str(error))
        return None


# --- where the work is done


def _attempt(work: Work, task: str) -> str:
    """Do one task, wherever this runs."""
    try:
        rows = work(json.loads(task))
        is_rows = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
        require(is_rows, "work", "return a list of dictionaries", type(rows).__name__, "one per line of the table")
        return _text(rows, sort_keys=False)
    except Exception as error:
        error.add_note(f"This happened in the task {task}.")
        raise


def _finished(
    work: Work, tasks: Sequence[str], n_jobs: int, scheduler: str | None, patience_s: float
) -> Generator[tuple[str, str], None, None]:
    """Yield each task and its rows, in the order in which they end."""
    if scheduler is not None:
        return on_cluster(partial(_attempt, work), tasks, scheduler, patience_s)
    return _in_processes(work, tasks, n_jobs) if n_jobs > 1 else ((task, _attempt(work, task)) for task in tasks)


def _start_worker() -> None:
    """Take one thread, and end with the parent: without this a worker outlives a parent that was killed."""
    os.environ.update(_ONE_THREAD)
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        parent.join()  # type: ignore[union-attr]
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()


def _in_processes(work: Work, tasks: Sequence[str], n_jobs: int) -> Generator[tuple[str, str], None, None]:
    # A new interpreter each: a fork would copy locks that threads of this process hold.
    context = multiprocessing.get_context("spawn")
    failure: BaseException | None = None
    with ProcessPoolExecutor(n_jobs, mp_context=context, initializer=_start_worker) as pool:
        ended: SimpleQueue[Future] = SimpleQueue()
        try:
            task_of = {pool.submit(_attempt, work, task): task for task in tasks}
            for future in task_of:
                future.add_done_callback(ended.put)
            for _ in task_of:
                future = ended.get()
                # After a failure nothing starts any more; what runs at the time is waited for, and kept.
                if future.cancelled():
                    continue
                if future.exception() is None:
                    yield task_of[future], future.result()
                elif failure is None:
                    failure = future.exception()
                    pool.shutdown(wait=False, cancel_futures=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if isinstance(failure, BrokenProcessPool):
        remedy = "use fewer jobs if memory ran out; what is finished is kept"
        raise RuntimeError(f"A worker process died; {remedy}.") from failure
    if failure is not None:
        raise failure
