"""Where a log is looked for, and files that are no text in UTF-8."""

import bz2
import gzip
import os
from pathlib import Path

import pytest

from gdt_tutorial.physical.logs.kuairand import read_kuairand
from gdt_tutorial.physical.logs.log_files import data_place
from gdt_tutorial.physical.logs.watch_logs import find_watch_log, read_watch_log
from tests.physical.logs.log_files import write_kuairand

HEADER = "user_id,video_id,play_time_ms,duration_ms\n"
TEXT = HEADER + "张伟,7,4000,9000\n"


def test_the_place_comes_from_the_argument_or_the_variable(tmp_path, monkeypatch):
    monkeypatch.delenv("GDT_DATA", raising=False)
    assert data_place() is None
    for blank in ("", "  "):
        monkeypatch.setenv("GDT_DATA", blank)
        assert data_place() is None
    (tmp_path / "log.csv").write_text(TEXT)
    (tmp_path / "other.csv").write_text(TEXT)
    monkeypatch.setenv("GDT_DATA", f" {tmp_path / 'log.csv'} ")
    assert data_place() == tmp_path / "log.csv"
    assert data_place(tmp_path / "other.csv") == tmp_path / "other.csv"


def test_home_and_relative_paths_are_resolved(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "log.csv").write_text(TEXT)
    monkeypatch.setenv("GDT_DATA", "~/log.csv")
    assert data_place() == tmp_path / "log.csv"
    # A notebook runs in its own folder; the shell that started it was elsewhere.
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.setenv("GDT_DATA", "log.csv")
    assert data_place() == tmp_path / "log.csv"
    assert find_watch_log().n_views == 1


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (
            "watch_lgo.csv",
            r"GDT_DATA must be .*, got '.*watch_lgo.csv', where nothing is; spelled alike is '.*watch_log.csv'",
        ),
        ("nowhere/x.csv", r"where nothing is; the last folder that exists is"),
        ("~nobody_of_that_name/x.csv", r"where nothing is; the last folder that exists is"),
        ("x" * 5000, r"where nothing is; the last folder that exists is"),
    ],
)
def test_a_typo_is_answered_with_what_is_there(tmp_path, monkeypatch, place, message):
    (tmp_path / "watch_log.csv").write_text(TEXT)
    monkeypatch.setenv("GDT_DATA", place if place.startswith("~") else str(tmp_path / place))
    with pytest.raises(ValueError, match=message):
        find_watch_log()


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ValueError, match="path must be a csv file, got the folder"):
        read_watch_log(tmp_path)


KINDS = {
    "gzip": (gzip.compress(TEXT.encode()), "compressed with gzip"),
    "bzip2": (bz2.compress(TEXT.encode()), "compressed with bzip2"),
    "zip": (b"PK\x03\x04" + bytes(30), "a zip archive or a spreadsheet"),
    "UTF-16": (TEXT.encode("utf-16"), "in UTF-16"),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), "binary"),
    "binary": (b"\x7fELF" + bytes(60), "binary"),
}


@pytest.mark.parametrize(("content", "kind"), KINDS.values(), ids=KINDS.keys())
def test_other_formats_are_refused_without_their_bytes(tmp_path, content, kind):
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    for read in (read_watch_log, find_watch_log):
        with pytest.raises(
            ValueError, match=rf"^path must be text in UTF-8, got log.csv, which is {kind}.*; (unpack it|save it as)"
        ) as caught:
            read(path)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("encoding", ["gbk", "latin-1"])
def test_bytes_that_are_no_utf_8_are_refused_with_their_line(tmp_path, encoding):
    text = "张伟" if encoding == "gbk" else "Müller"
    # Two users who would be one, if each odd byte became the same sign.
    rows = "".join(f"{user},7,4000,9000\n" for user in ["1"] * 50_000 + [text, text[::-1]])
    path = tmp_path / "log.csv"
    path.write_bytes((HEADER + rows).encode(encoding))
    for on_bad_row in ("raise", "drop"):
        with pytest.raises(
            ValueError, match="must be text in UTF-8, got log.csv with other bytes in line 50002; save it as"
        ) as caught:
            read_watch_log(path, on_bad_row=on_bad_row)
        assert str(caught.value).isascii()
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
    with pytest.raises(ValueError, match="must be text in UTF-8"):
        find_watch_log(path)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(TEXT.encode("utf-8-sig"))
    assert read_watch_log(path).n_views == find_watch_log(tmp_path).n_views == 1


def test_tags_that_are_no_utf_8_are_refused(tmp_path):
    folder = write_kuairand(tmp_path)
    features = folder / "video_features_basic_1k.csv"
    features.write_bytes(features.read_bytes() + "14,7,NORMAL,张\n".encode("gbk"))
    with pytest.raises(
        ValueError, match="must be text in UTF-8, got video_features_basic_1k.csv with other bytes in line"
    ):
        read_kuairand(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="everything can be read by this user")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(TEXT)
    path.chmod(0)
    with pytest.raises(ValueError, match="path must be a file that can be read, got log.csv: Permission denied"):
        read_watch_log(path)


def test_an_error_of_the_disk_is_one_sentence(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    path.write_text(TEXT)

    def broken(self, *args, **options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", broken)
    with pytest.raises(
        ValueError, match="path must be a file that can be read, got log.csv: Input/output error; check"
    ):
        read_watch_log(path)
