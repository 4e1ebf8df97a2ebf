import sys

import pytest

from book.watch import run_watched


def test_a_command_that_ends_gives_its_status_and_output():
    done = run_watched([sys.executable, "-c", "import sys; print('a'); print('b', file=sys.stderr); sys.exit(3)"])
    assert (done.returncode, done.stdout, done.stderr) == (3, "a\n", "b\n")


def test_a_command_that_hangs_is_started_once_more(tmp_path):
    mark = tmp_path / "started"
    code = (
        "import pathlib, subprocess, sys\np = pathlib.Path(sys.argv[1])\nif p.exists():\n    print('done'); sys.exit()\n"
        "p.touch(); subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    )
    assert run_watched([sys.executable, "-c", code, str(mark)], interval_s=1.0).stdout == "done\n"


def test_a_command_that_hangs_twice_says_so():
    with pytest.raises(TimeoutError, match="idle for 0.5 s, twice"):
        run_watched([sys.executable, "-c", "import time; time.sleep(600)"], interval_s=0.5)


def test_a_busy_child_is_no_hang():
    busy = "import time\nwhile time.process_time() < 4: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}]); print('done')"
    assert run_watched([sys.executable, "-c", code], interval_s=2.5).stdout == "done\n"
