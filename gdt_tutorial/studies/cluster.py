"""The tasks of a sweep on a Dask cluster, and what can go wrong there: each fault ends in one sentence, none in silence.

A worker that comes while the sweep runs gets tasks too, and one that goes loses nothing but the task that it worked on.
"""

import asyncio
import importlib.util
import re
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

import gdt_tutorial
from gdt_tutorial.configuration import require

__all__ = ["on_cluster"]

_EXAMPLE = "tcp://10.0.0.1:8786"
_ADDRESS = re.compile(r"((?P<kind>\w+)://)?(\[[0-9a-fA-F:.%]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})")
_CONNECT_S = 10.0
_LOOK_S = 1.0  # between two looks at whether the cluster is still there
_KEPT = "what is finished is kept, and the same sweep goes on from there"


def on_cluster(
    do: Callable[[str], str], tasks: Sequence[str], scheduler: str, patience_s: float
) -> Generator[tuple[str, str], None, None]:
    """Yield each task and what `do` made of it, in the order in which they end.

    Args:
        do: Works in the cluster; an error of its own has a note that names the task.
        tasks: Each of them once.
        scheduler: Address of a Dask scheduler.
        patience_s: How long it may have no worker.

    Raises:
        ValueError: An address that is none, or a scheduler that does not answer.
        RuntimeError: Workers that die, cannot read a task, or are missing for too long; a connection that is lost.
    """
    with _client(scheduler) as client:
        ended: SimpleQueue = SimpleQueue()
        # Not pure: the same task of another sweep is not the same future.
        task_of = {client.submit(do, task, pure=False): task for task in tasks}
        for future in task_of:
            future.add_done_callback(ended.put)
        while task_of:
            future = _next_ended(client, ended, scheduler, patience_s)
            task = task_of.pop(future)
            yield task, _rows_of(future, task, scheduler)


def _client(scheduler: str) -> Any:
    """Connect to a scheduler. `distributed` itself would wait for ever for a listener that does not answer."""
    is_installed = importlib.util.find_spec("distributed") is not None
    require(is_installed, "scheduler", "find Dask installed", scheduler, 'pip install "gdt-tutorial[cluster]"')
    import distributed
    from distributed.comm.registry import backends

    parts = _ADDRESS.fullmatch(scheduler)
    is_address = parts is not None and (parts["kind"] or "tcp") in backends and 0 < int(parts["port"]) < 65536
    require(is_address, "scheduler", f"be an address such as {_EXAMPLE}", scheduler, "`dask scheduler` prints its own")

    async def knock() -> None:
        security = distributed.Security().get_connection_args("client")
        comm = await asyncio.wait_for(distributed.comm.connect(scheduler, timeout=_CONNECT_S, **security), _CONNECT_S)
        comm.abort()

    try:
        with ThreadPoolExecutor(1) as thread:  # a notebook has a loop in its own
            thread.submit(asyncio.run, knock()).result()
        return distributed.Client(scheduler, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        remedy = "start one with `dask scheduler`, and workers with `dask worker`"
        rule = f"be the address of a Dask scheduler that answers within {_CONNECT_S:g} s"
        raise ValueError(f"scheduler must {rule}, got {scheduler!r}; {remedy}.") from error


def _next_ended(client: Any, ended: SimpleQueue, scheduler: str, patience_s: float) -> Any:
    """Return a future that ended; raise where none will, without a scheduler or without workers."""
    seen_s = time.monotonic()
    while True:
        try:
            return ended.get(timeout=_LOOK_S)
        except Empty:
            pass
        try:
            has_workers = bool(client.nthreads())
        except (OSError, CancelledError, RuntimeError) as error:
            raise _lost(scheduler) from error
        now_s = time.monotonic()
        seen_s = now_s if has_workers else seen_s
        if now_s - seen_s > patience_s:
            remedy = f"start some with `dask worker {scheduler}`, or wait longer (patience_s, --patience)"
            raise RuntimeError(f"The scheduler has had no workers for {patience_s:g} s; {remedy}; {_KEPT}.")


def _rows_of(future: Any, task: str, scheduler: str) -> str:
    try:
        return future.result()
    except Exception as error:
        if future.status != "error":
            raise _lost(scheduler) from error
        if type(error).__name__ == "KilledWorker":
            remedy = "give the workers more memory if it ran out"
            raise RuntimeError(f"Worker after worker died in the task {task}; {remedy}; {_KEPT}.") from error
        if not hasattr(error, "__notes__"):  # `do` was not even begun
            remedy = f"install gdt_tutorial {gdt_tutorial.__version__} there"
            raise RuntimeError(f"A worker cannot read its task ({error!r}); {remedy}; {_KEPT}.") from error
        raise


def _lost(scheduler: str) -> RuntimeError:
    return RuntimeError(f"The connection to the scheduler at {scheduler} was lost; see that it runs; {_KEPT}.")
