"""`make lab` opens JupyterLab on the chapters, with a kernel of the environment that has the library."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = "--no-browser --allow-root --port=0"
WAIT_S = 120.0
CLIENT = f"""
import sys
from jupyter_client import BlockingKernelClient
client = BlockingKernelClient(connection_file=sys.argv[1])
client.load_connection_file()
client.start_channels()
client.wait_for_ready(timeout={WAIT_S})
code = "import sys, os, gdt_tutorial; print(sys.prefix, os.getcwd(), sep=chr(10))"
client.execute_interactive(code, timeout={WAIT_S})
client.stop_channels()
"""


def wait_for(look, what):
    end_s = time.monotonic() + WAIT_S
    while time.monotonic() < end_s:
        if found := look():
            return found
        time.sleep(0.1)
    pytest.fail(f"no {what} within {WAIT_S:g} s")


def server_of(folder):
    """Return what the server says of itself, once it has written it whole."""
    for path in folder.glob("jpserver-*.json"):
        try:
            return json.loads(path.read_text())
        except json.JSONDecodeError:
            return None
    return None


@pytest.fixture
def lab(tmp_path):
    """Start what `make lab` starts, in this environment instead of .venv; yield where it writes, and what it says of itself."""
    (command,) = subprocess.run(
        ["make", "--silent", "--dry-run", "--old-file=.venv/ready", "lab", f"LAB={OPTIONS}"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    command = command.replace(".venv/bin/python", shlex.quote(sys.executable))
    # A user's own kernel of the same name, and settings, must not change what opens.
    foreign = tmp_path / "home" / "data" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text(
        json.dumps({"argv": ["false"], "display_name": "Foreign", "language": "python"})
    )
    runtime = tmp_path / "runtime"
    variables = {"JUPYTER_RUNTIME_DIR": str(runtime), "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    variables |= {"JUPYTER_DATA_DIR": str(tmp_path / "home" / "data"), "IPYTHONDIR": str(tmp_path / "ipython")}
    with (tmp_path / "log").open("w") as log:
        environment = {**os.environ, **variables}
        server = subprocess.Popen(
            ["bash", "-c", command],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            found = wait_for(lambda: server_of(runtime) or server.poll() is not None, "server")
            assert found is not True, (tmp_path / "log").read_text()
            yield runtime, found
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=WAIT_S)
            sys.stdout.write((tmp_path / "log").read_text())  # shown where the test fails


def ask(server, path, *, data=None):
    request = urllib.request.Request(f"{server['url']}{path}", data=data)
    request.add_header("Authorization", f"token {server['token']}")
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        return answer.read().decode()


def test_lab_shows_the_chapters_and_runs_them_with_the_library(lab):
    runtime, server = lab
    assert "JupyterLab" in ask(server, "lab/tree/00_quickstart.ipynb")
    names = {entry["name"] for entry in json.loads(ask(server, "api/contents"))["content"]}
    assert {path.name for path in (ROOT / "notebooks").glob("*.ipynb")} <= names
    kernels = json.loads(ask(server, "api/kernelspecs"))["kernelspecs"]
    assert kernels["python3"]["spec"]["display_name"] != "Foreign"
    session = {"path": "00_quickstart.ipynb", "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    kernel = json.loads(ask(server, "api/sessions", data=json.dumps(session).encode()))["kernel"]["id"]
    connection = runtime / f"kernel-{kernel}.json"
    wait_for(connection.is_file, "kernel")
    # In a process of its own: sockets and event loops of a client outlive the test in which they are made.
    client = subprocess.run([sys.executable, "-c", CLIENT, connection], capture_output=True, text=True, check=False)
    assert client.stdout.splitlines() == [sys.prefix, str(ROOT / "notebooks")], client.stderr


@pytest.mark.parametrize(
    ("content", "said"), [("a,b\n1,2\n", "path must have the columns"), (None, "where nothing is")]
)
def test_lab_does_not_open_on_a_log_that_cannot_be_used(tmp_path, content, said):
    path = tmp_path / "views.csv"
    if content is not None:
        path.write_text(content)
    look = [sys.executable, "-m", "book.logs"]
    done = subprocess.run(
        look, cwd=ROOT, env={**os.environ, "GDT_DATA": str(path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "book.logs && " in (ROOT / "Makefile").read_text()
