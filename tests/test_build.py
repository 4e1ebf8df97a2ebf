"""One build at a time: the second one says so at once, and goes on when the first is done."""

import os
import threading
import time

from book import build
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


def test_a_fresh_build_forgets_everything_but_the_lock_that_it_holds(tmp_path, monkeypatch):
    (tmp_path / "executed").mkdir()
    (tmp_path / "site.stamp").write_text("old")
    seen = []
    monkeypatch.setattr(build, "BUILD", tmp_path)
    monkeypatch.setattr(build, "_build", lambda *arguments: seen.extend(path.name for path in tmp_path.iterdir()) or 0)
    monkeypatch.delenv("GDT_DATA", raising=False)
    assert build.main(["--fresh"]) == 0
    assert seen == ["lock"]


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch, capsys):
    def full(*arguments):
        raise OSError(28, "No space left on device", "page.md")

    monkeypatch.setattr(build, "BUILD", tmp_path)
    monkeypatch.setattr(build, "run_chapters", lambda *arguments: ({}, {}))
    monkeypatch.setattr(build, "build_site", full)
    monkeypatch.delenv("GDT_DATA", raising=False)
    assert build.main([]) == 1
    assert capsys.readouterr().err == "\nThe book was not built. [Errno 28] No space left on device: 'page.md'\n"
