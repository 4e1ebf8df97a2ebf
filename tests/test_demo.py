"""`python -m gdt_tutorial demo`: runs, says what came out, saves its figure."""

from PIL import Image

from gdt_tutorial.__main__ import main


def test_demo_runs_and_saves_a_figure(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("GDT_DATA", raising=False)
    figure = tmp_path / "loop.png"
    assert main(["demo", "--slots", "12", "--figure", str(figure)]) == 0
    shown, progress = capsys.readouterr()
    assert "viewers: generator" in shown
    assert "open loops" in shown
    assert "closed loops" in shown
    assert "slot/s" in progress
    with Image.open(figure) as picture:
        assert min(picture.size) > 500


def test_demo_reads_logs(tmp_path, capsys):
    log = tmp_path / "log.csv"
    rows = [f"{user},{10 * user + view},{view},{2000 + 300 * view},8000" for user in range(5) for view in range(12)]
    log.write_text("user_id,video_id,time_ms,play_time_ms,duration_ms\n" + "\n".join(rows))
    assert main(["demo", "--slots", "10", "--data", str(log), "--figure", str(tmp_path / "loop.png")]) == 0
    assert "viewers: watch log" in capsys.readouterr().out


def test_demo_refuses_too_few_slots(capsys):
    assert main(["demo", "--slots", "3"]) == 2
    assert "--slots must be at least 10, got 3" in capsys.readouterr().out


def test_demo_names_missing_data(tmp_path, capsys):
    assert main(["demo", "--data", str(tmp_path / "none.csv"), "--figure", str(tmp_path / "loop.png")]) == 2
    assert "none.csv" in capsys.readouterr().out
