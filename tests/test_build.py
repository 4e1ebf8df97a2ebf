"""One build at a time: the second one says so at once, and goes on when the first is done."""

import os
import threading
import time

from book.build import _only_one


def test_a_second_build_names_the_first_and_waits_for_it(tmp_path, capsys):
    order = []

    def second():
        with _only_one(tmp_path / "lock"):
            order.append("second")

    waiting = threading.Thread(target=second)
    said = ""
    with _only_one(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
        waiting.start()
        while waiting.is_alive() and not said:
            said = capsys.readouterr().out
            time.sleep(0.01)
        order.append("first")
    waiting.join()
    assert said == f"Another build runs (pid {os.getpid()}), waiting ...\n"
    assert order == ["first", "second"]


def test_a_build_alone_says_nothing_whoever_died_before(tmp_path, capsys):
    (tmp_path / "lock").write_text("123456\n")
    with _only_one(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    assert capsys.readouterr() == ("", "")
