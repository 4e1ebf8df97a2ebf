"""`python -m gdt_tutorial demo`: runs, says what came out, saves its figure."""

import io

import pytest
from PIL import Image

from gdt_tutorial import demo
from gdt_tutorial.__main__ import main
from gdt_tutorial.files import WriteError
from gdt_tutorial.loops.recipes.quickstart import QuickstartConfig, quickstart
from tests.physical.logs.log_files import write_views


def test_demo_runs_and_saves_a_figure(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("GDT_DATA", raising=False)
    figure = tmp_path / "loop.png"
    assert main(["demo", "--slots", "12", "--figure", str(figure)]) == 0
    shown = capsys.readouterr().out
    assert "viewers: generator" in shown
    assert "open loops" in shown
    assert "closed loops" in shown
    told = [line for line in shown.splitlines() if line.startswith("slot ")]
    assert [int(line.split()[1]) for line in told] == [0, 2, 4, 6, 8, 10, 11], (
        "one line for each validation, and the last slot"
    )
    assert "asked 100%" in told[0], "all report in the first slot"
    assert "\x1b" not in shown, "no codes of a terminal where there is none"
    with Image.open(figure) as picture:
        assert min(picture.size) > 500


def test_a_terminal_gets_a_panel_that_is_drawn_anew():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    gdt = quickstart(QuickstartConfig(n_days=1), seed=0)
    gdt.run(3, demo._teller(gdt, 3, out))
    frames = out.getvalue().split("\x1b[6A")
    assert len(frames) == 3
    assert all(frame.count("\n") == 6 for frame in frames)
    assert "slot 3 of 3" in frames[-1]
    assert "believed QoE: model-based" in frames[0]


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


@pytest.mark.parametrize(
    ("play_ms", "sentence"),
    [
        ([5000], "only 0 users with 10 views or more (1 needed) and 1 videos"),
        ([0] * 12, "only 0 videos of types that somebody watches (2 needed)"),
        (["1_5"] * 12, "play_time_ms must be a number, got '1_5' in row 1 of log.csv"),
    ],
)
def test_demo_refuses_a_log_that_cannot_be_used(tmp_path, capsys, play_ms, sentence):
    log = write_views(tmp_path / "log.csv", play_ms)
    assert main(["demo", "--data", str(log), "--figure", str(tmp_path / "loop.png")]) == 2
    said = capsys.readouterr().out
    assert said.startswith("--data: ")
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_demo_refuses_a_variable_that_leads_nowhere(tmp_path, capsys, monkeypatch):
    write_views(tmp_path / "watch.csv", range(0, 12_000, 1000))
    monkeypatch.setenv("GDT_DATA", str(tmp_path / "wacth.csv"))
    assert main(["demo", "--figure", str(tmp_path / "loop.png")]) == 2
    assert "spelled alike is" in capsys.readouterr().out


def test_demo_says_what_it_read_and_makes_the_folder_of_its_figure(tmp_path, capsys):
    log = write_views(tmp_path / "log.csv", range(0, 12_000, 1000), n_users=6)
    figure = tmp_path / "new" / "folder" / "loop.png"
    assert main(["demo", "--slots", "10", "--data", str(log), "--figure", str(figure)]) == 0
    assert "kept 72 of 72 rows" in capsys.readouterr().out
    assert figure.is_file()


@pytest.mark.parametrize("name", ["loop.docx", "a_file/loop.png"])
def test_demo_refuses_a_figure_that_cannot_be_saved_before_it_runs(tmp_path, capsys, monkeypatch, name):
    (tmp_path / "a_file").write_text("")
    monkeypatch.setattr("gdt_tutorial.demo.GdtNetwork.run", lambda *arguments: pytest.fail("the demo has begun"))
    assert main(["demo", "--slots", "10", "--figure", str(tmp_path / name)]) == 2
    assert capsys.readouterr().out.startswith("--figure: ")


def test_a_full_disk_at_the_end_is_one_sentence(tmp_path, capsys, monkeypatch):
    def full(*arguments):
        raise WriteError(28, "No space left on device", "loop.png")

    monkeypatch.delenv("GDT_DATA", raising=False)
    monkeypatch.setattr("gdt_tutorial.teaching.plots.write_atomically", full)
    assert main(["demo", "--slots", "10", "--figure", str(tmp_path / "loop.png")]) == 1
    assert "--figure: loop.png could not be written (No space left on device)" in capsys.readouterr().out


def test_demo_refuses_what_is_no_intent_before_it_runs(tmp_path, capsys):
    assert main(["demo", "--intent", "good morning", "--figure", str(tmp_path / "loop.png")]) == 2
    assert capsys.readouterr().out.startswith("--intent: sentence must hold words of the grammar")
