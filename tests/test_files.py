"""A file of ours is whole or it is not there, whoever writes it and whatever the disk does."""

import errno
import os
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from gdt_tutorial.checkpoints import load, save, write_sums
from gdt_tutorial.files import WriteError, require_writable, write_atomically
from gdt_tutorial.studies.tables import write_table
from gdt_tutorial.teaching.plots import figure_format, save_figure


def line(fig):
    fig.subplots().plot([1, 3, 2])


def linear():
    with torch.random.fork_rng():
        return nn.Linear(3, 2)


WRITERS = {
    "text": lambda path: write_atomically(path, "two\r\nlines\n"),
    "bytes": lambda path: write_atomically(path, b"\x00\xff\r\n"),
    "table": lambda path: write_table([{"a": 1.5}], path, {"seeds": 3}),
    "checkpoint": lambda path: save(linear(), path, {"n": 2}),
    "figure": lambda path: save_figure(line, path, size=(2, 1)),
    "figure of text": lambda path: save_figure(line, path.with_suffix(".svg"), size=(2, 1)),
}


def fails_after(n_byte):
    """Return an `os.fsync` of a disk that has room for only so many bytes of a file."""

    def fsync(handle):
        os.ftruncate(handle, n_byte)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fsync


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file_or_none_and_is_said_in_one_sentence(tmp_path, monkeypatch, name):
    path = tmp_path / "new" / "file.png"
    WRITERS[name](path)
    before = {each: each.read_bytes() for each in path.parent.iterdir()}
    assert len(before) == 1
    monkeypatch.setattr(os, "fsync", fails_after(3))
    with pytest.raises(WriteError) as caught:
        WRITERS[name](path)
    assert {each: each.read_bytes() for each in path.parent.iterdir()} == before
    written = next(iter(before))
    sentence = f"{written} could not be written (No space left on device); make room, or choose another folder."
    assert str(caught.value) == sentence
    assert caught.value.errno == errno.ENOSPC
    written.unlink()
    with pytest.raises(WriteError):
        WRITERS[name](path)
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize("name", ["figure", "figure.", "figure.docx", ".png"])
def test_a_figure_of_no_known_format_is_refused_before_it_is_drawn(tmp_path, name):
    drawn = []
    with pytest.raises(
        ValueError, match=r"path must end in a format of pictures, got '.*'; take one of .*, png, .*svg"
    ):
        save_figure(drawn.append, tmp_path / name)
    assert not drawn
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "start"), [("a.PNG", b"\x89PNG"), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")])
def test_a_figure_has_the_format_of_its_ending(tmp_path, name, start):
    assert figure_format(name) == name.lower().removeprefix("a.")
    save_figure(line, tmp_path / "new" / name, size=(2, 1))
    assert (tmp_path / "new" / name).read_bytes().startswith(start)


def test_text_and_bytes_are_written_as_they_are(tmp_path):
    write_atomically(tmp_path / "text", "ä\r\nb\n")
    write_atomically(tmp_path / "bytes", b"\x00\xff\r\n")
    assert (tmp_path / "text").read_bytes() == "ä\r\nb\n".encode()
    assert (tmp_path / "bytes").read_bytes() == b"\x00\xff\r\n"
    assert (tmp_path / "text").stat().st_mode & 0o777 == 0o644


def test_text_that_is_none_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("file", "old")]


def test_a_folder_in_the_place_of_the_file_or_a_file_in_that_of_the_folder(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match=r"folder could not be written \(Is a directory\)"):
        write_atomically(tmp_path / "folder", "text")
    with pytest.raises(WriteError, match=r"below could not be written \((File exists|Not a directory)\)"):
        write_atomically(tmp_path / "file" / "below", "text")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]


def test_the_error_crosses_processes():
    error = pickle.loads(pickle.dumps(WriteError(errno.ENOSPC, "No space left on device", "table.csv")))
    assert str(error).startswith("table.csv could not be written (No space left on device)")


def test_a_folder_is_tried_before_the_work(tmp_path):
    require_writable("--output", tmp_path / "new" / "below")
    assert not list((tmp_path / "new" / "below").iterdir())
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match=r"--output must be a folder that can be written, got '.*' \(.*\); name"):
            require_writable("--output", folder)


def test_a_folder_without_room_is_noticed(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(ValueError, match=r"--output .*\(No space left on device\); name another one\.$"):
        require_writable("--output", tmp_path)


def test_a_checkpoint_holds_what_safetensors_itself_would_write(tmp_path):
    model = linear()
    save(model, tmp_path / "ours", {"n": 2})
    save_file(model.state_dict(), tmp_path / "theirs", {"config": '{"n": 2}'})
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    loaded, _ = load(tmp_path / "ours", lambda config: nn.Linear(3, 2))
    assert torch.equal(loaded.weight, model.weight)


def test_sums_are_written_whole(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("a")
    write_sums(tmp_path)
    before = (tmp_path / "SHA256SUMS").read_text()
    (tmp_path / "b").write_text("b")
    monkeypatch.setattr(os, "fsync", fails_after(3))
    with pytest.raises(WriteError):
        write_sums(tmp_path)
    assert (tmp_path / "SHA256SUMS").read_text() == before
