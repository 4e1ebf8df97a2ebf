"""Files that are whole or not there.

Whatever this package writes goes through `write_atomically`: a full disk, a lost connection to it or a power cut leaves
the old file, or none, and never half of a new one.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["WriteError", "atomic_file", "require_writable", "write_atomically"]


class WriteError(OSError):
    """A file that could not be written, with the system's reason; what was there before is as it was."""

    def __str__(self) -> str:
        return f"{self.filename} could not be written ({self.strerror}); make room, or choose another folder."


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that whoever looks, also after a power cut, finds the old one or the whole new one.

    Args:
        path: Of the file; its folder is made.
        content: Text is written as UTF-8, with its line ends as they are.

    Raises:
        WriteError: The disk is full, or the folder cannot be made or written.
    """
    with atomic_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file to be written in pieces; it gets its name when the block has ended, and an error leaves none.

    Args:
        path: Of the file; its folder is made.

    Raises:
        WriteError: The disk is full, or the folder cannot be made or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)  # mkstemp lets nobody else read
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WriteError(error.errno, error.strerror or str(error), str(path)) from error


def require_writable(argument: str, folder: Path) -> None:
    """Make a folder and write a file into it, which is removed: what a long run would notice only at its end.

    Raises:
        ValueError: It cannot be made or written, or is something else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"{argument} must be a folder that can be written, got {str(folder)!r} ({error.strerror}); name another one."
        ) from error
