"""Run a command that starts a Jupyter kernel, and start it once more where it hangs.

ipykernel 7 can lose the first request that a fresh kernel gets (seen once in about a thousand starts): kernel and client then
wait for each other for good. Wall time cannot tell a hang from a busy machine or a long chapter; processes that use no
processor for a whole interval can.
"""

import subprocess
from pathlib import Path

import psutil

INTERVAL_S = 120.0
"""How long the command and all its children must be idle to count as hanging (s)."""

IDLE_SHARE = 1 / 120
"""Share of a processor that a waiting kernel and its client use at most: heartbeat and polling."""


def run_watched(
    command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None, interval_s: float = INTERVAL_S
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end and return its status and output; a command that hangs is killed and started once more.

    Raises:
        TimeoutError: It hung twice.
    """
    for _ in range(2):
        child = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        used_s = float("-inf")
        while True:
            try:
                out, err = child.communicate(timeout=interval_s)
                return subprocess.CompletedProcess(command, child.returncode, out, err)
            except subprocess.TimeoutExpired:
                before_s, used_s = used_s, _cpu_s(child.pid)
            except BaseException:
                _kill(child)
                raise
            if abs(used_s - before_s) < IDLE_SHARE * interval_s:
                _kill(child)
                break
    raise TimeoutError(
        f"{' '.join(command[:4])} ... was idle for {interval_s:g} s, twice; run it by hand to see where."
    )


def _cpu_s(pid: int) -> float:
    """Seconds of the processor that a process and all its children have used."""
    total_s = 0.0
    for process in _tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total_s += times.user + times.system + times.children_user + times.children_system
    return total_s


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _kill(child: subprocess.Popen[str]) -> None:
    for process in _tree(child.pid):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    child.communicate()
