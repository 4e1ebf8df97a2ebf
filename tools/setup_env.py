"""Set up .venv: torch, then the versions of requirements.lock, then this package. Needs the standard library only.

    make book, make test and every other target call this; to do it alone: python tools/setup_env.py

On Linux without an NVIDIA GPU it takes the CPU build of torch, where that can be had: the default build of Linux brings
several gigabytes of CUDA packages. The whole output of pip is in .venv/setup.log.
"""

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "ready"
LOG = VENV / "setup.log"
PYTHON = VENV / "bin" / "python"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OLDEST, NEWEST = (3, 11), (3, 13)


def main() -> None:
    """Set up everything, or stop with one sentence that says what is wrong."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(f"set-up: needs Python 3.11, 3.12 or 3.13, but {sys.executable} is {sys.version.split()[0]}.")
    start_s = time.monotonic()
    pins = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line]
    say(f"1/4 .venv with Python {sys.version.split()[0]}")
    make_venv()
    install_torch(next(pin for pin in pins if pin.startswith("torch==")))
    say(f"3/4 the {len(pins)} packages of requirements.lock (those for this system)")
    install("a package", "--requirement", "requirements.lock")
    say("4/4 this package")
    install("this package", "--no-deps", "--no-build-isolation", "--editable", ".")
    STAMP.write_text(f"{sys.version}\n")
    say(f"done in {time.monotonic() - start_s:.0f} s")


def make_venv() -> None:
    """Make .venv, or keep one of this Python that still runs."""
    STAMP.unlink(missing_ok=True)
    version = "import sys, pip; print(*sys.version_info[:2], sep='.')"
    wanted = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if PYTHON.exists():
        found = subprocess.run([PYTHON, "-c", version], capture_output=True, text=True, check=False)
        if found.stdout.strip() == wanted:
            return
    try:
        venv.create(VENV, with_pip=True, clear=True, symlinks=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"set-up: Python could not make .venv ({error}). On Debian and Ubuntu: apt install python3-venv")


def install_torch(pin: str) -> None:
    """Install torch: the CPU build where that is the right one and can be had, else the default build."""
    if is_cpu_build_right():
        say(f"2/4 {pin}, the build for the CPU (no NVIDIA GPU here)")
        # No dependencies: the lock has them, and this index does not.
        index = ("--extra-index-url", CPU_INDEX, "--retries", "1", "--timeout", "15")
        if pip("--only-binary", ":all:", "--no-deps", *index, f"{pin}+cpu"):
            return
        say("    No CPU build can be had here, so the default build comes, with gigabytes of CUDA packages.")
        say(f"    (Is {CPU_INDEX} blocked? Details are in {LOG.relative_to(ROOT)}.)")
    say(f"2/4 {pin}, the default build")
    install("torch", pin)


def is_cpu_build_right() -> bool:
    """Return whether this is Linux without an NVIDIA GPU; elsewhere the default build is the right one."""
    has_gpu = shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia").exists()
    return sys.platform == "linux" and not has_gpu


def pip(*arguments: str) -> bool:
    """Run `pip install` with its output in the log, show how far it is, and return whether it succeeded."""
    command = [str(PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", *arguments]
    with LOG.open("a") as log:
        log.write(f"\n$ {' '.join(command)}\n")
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        collected: list[str] = []
        watcher = threading.Thread(target=show_progress, args=(process, collected), daemon=True)
        watcher.start()
        assert process.stdout is not None
        for line in process.stdout:
            log.write(line)
            if line.startswith(("Collecting", "Installing collected", "Obtaining")):
                collected.append(line)
        is_done = process.wait() == 0
        watcher.join()
    return is_done


def install(what: str, *arguments: str) -> None:
    """Like `pip`, but end with the last lines of its output where it fails."""
    if not pip(*arguments):
        tail = LOG.read_text().splitlines()[-15:]
        log = LOG.relative_to(ROOT)
        sys.exit("\n".join([*tail, f"set-up: {what} could not be installed; pip's whole output is in {log}."]))


def show_progress(process: subprocess.Popen, collected: list[str]) -> None:
    """Report until pip ends: each second in place on a terminal, each half minute in a log."""
    is_terminal, start_s = sys.stdout.isatty(), time.monotonic()
    for tick in range(1, 100_000):
        try:
            process.wait(timeout=1)
            break
        except subprocess.TimeoutExpired:
            text = f"    {len(collected)} packages found, {time.monotonic() - start_s:.0f} s"
            if any(line.startswith("Installing") for line in list(collected)):
                text = f"    installing, {time.monotonic() - start_s:.0f} s"
            if is_terminal:
                print(f"\r\033[K{text}", end="", flush=True)
            elif tick % 30 == 0:
                say(text)
    if is_terminal:
        print("\r\033[K", end="", flush=True)


def say(text: str) -> None:
    """Print a line at once, also where the output is a file."""
    print(f"set-up: {text}", flush=True)


if __name__ == "__main__":
    # A pip setting or a user's own packages must not change what is installed into .venv.
    os.environ.update(PYTHONNOUSERSITE="1", PIP_REQUIRE_VIRTUALENV="0", PIP_USER="0")
    main()
