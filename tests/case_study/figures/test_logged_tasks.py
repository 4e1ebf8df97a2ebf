"""Logs are not exchanged under a sweep."""

import pytest

from gdt_tutorial.case_study.figures.logged_tasks import check_logs, name_logs
from gdt_tutorial.physical.logs.log_tables import fingerprint
from gdt_tutorial.physical.logs.watch_logs import find_watch_log

TASKS = [{"seed": 0}, {"seed": 0, "source": "generator"}, {"seed": 0, "source": "logs"}]


def write_log(path, play_ms=2000):
    rows = [f"{user},{10 * user + view},{view},{play_ms + 500 * view},8000" for user in range(4) for view in range(12)]
    path.write_text("user_id,video_id,time_ms,play_time_ms,duration_ms\n" + "\n".join(rows))
    return path


def work(task):
    return [task]


def test_only_tasks_that_read_logs_name_them(monkeypatch, tmp_path):
    log = write_log(tmp_path / "log.csv")
    monkeypatch.setenv("GDT_DATA", str(log))
    named = name_logs(TASKS)
    assert named[:2] == TASKS[:2]
    assert named[2] == {**TASKS[2], "log": fingerprint(find_watch_log(log))}
    assert [check_logs(work, task) for task in named] == [[task] for task in named]


def test_without_logs_there_is_nothing_to_name(monkeypatch):
    monkeypatch.delenv("GDT_DATA", raising=False)
    assert name_logs(TASKS[:2]) == TASKS[:2]
    with pytest.raises(ValueError, match="GDT_DATA must point at watch logs, got None"):
        name_logs(TASKS)


def test_a_fingerprint_changes_with_the_views(tmp_path):
    one, same, other = (
        fingerprint(find_watch_log(write_log(tmp_path / f"{index}.csv", play_ms)))
        for index, play_ms in enumerate((2000, 2000, 2001))
    )
    assert one == same != other


def test_other_logs_than_those_of_the_task_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("GDT_DATA", str(write_log(tmp_path / "log.csv")))
    task = name_logs(TASKS)[2]
    monkeypatch.setenv("GDT_DATA", str(write_log(tmp_path / "other.csv", 1000)))
    with pytest.raises(ValueError, match=f"GDT_DATA must point at logs {task['log']}, got"):
        check_logs(work, task)
    monkeypatch.delenv("GDT_DATA")
    with pytest.raises(ValueError, match="GDT_DATA must point at logs .*, got None; set it where the work is done"):
        check_logs(work, task)
