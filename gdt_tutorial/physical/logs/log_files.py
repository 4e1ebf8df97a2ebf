"""Where a reader's watch logs are, and their files opened as text: what is no text in UTF-8 is refused in one sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TextIO

__all__ = ["DATA_VARIABLE", "data_place", "open_text"]

DATA_VARIABLE = "GDT_DATA"

# The first bytes of formats that are given in the place of csv, and what they are called.
_BINARY = {
    b"\x1f\x8b": "compressed with gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"PAR1": "in Parquet's format",
    b"\xff\xfe": "in UTF-16",
    b"\xfe\xff": "in UTF-16",
}
_N_SNIFFED_BYTE = 4096


def data_place(path: str | Path | None = None) -> Path | None:
    """Return where the watch logs are: at `path`, or else where `GDT_DATA` says, or None where neither says anything.

    `~` is the home folder. A relative path starts at the working folder, or else at the folder in which the shell was
    that started this process (a notebook runs in its own folder).

    Raises:
        ValueError: Nothing is there; the sentence names what is spelled alike.
    """
    name = DATA_VARIABLE if path is None else "path"
    text = str(os.environ.get(DATA_VARIABLE, "") if path is None else path).strip()
    if not text:
        return None
    given = Path(os.path.expanduser(text))  # of nobody's home it makes nothing, where pathlib raises
    starts = [Path.cwd(), Path(os.environ.get("PWD") or ".")]
    places = [start / given for start in starts]
    found = next((place for place in places if os.path.exists(place)), None)
    if found is None:
        raise ValueError(
            f"{name} must be a csv file or a folder of them, got {text!r}, where nothing is; {_spelling(places[0])}."
        )
    return found.resolve()


def _spelling(place: Path) -> str:
    """Return the remedy for a path that leads nowhere."""
    parent, child = place, place.name
    while not os.path.exists(parent):
        parent, child = parent.parent, parent.name
    names = [path.name for path in parent.iterdir()] if parent.is_dir() and os.access(parent, os.R_OK) else []
    alike = get_close_matches(child, names, n=1)
    return (
        f"spelled alike is {str(parent / alike[0])!r}" if alike else f"the last folder that exists is {str(parent)!r}"
    )


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """Open a file of text in UTF-8, with or without a byte order mark, for the csv module.

    Raises:
        ValueError: The file cannot be read, is compressed, in UTF-16, or holds bytes that are not UTF-8, also where that
            shows only in the block of the `with` statement. The sentence shows none of the bytes.
    """
    try:
        _refuse_binary(path)
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield file
    except UnicodeDecodeError:
        raise ValueError(
            f"path must be text in UTF-8, got {path.name} with other bytes in line {_first_odd_line(path)}; save it as "
            f'"CSV UTF-8", or convert it: iconv -f OLD_ENCODING -t UTF-8 {path.name} > new.csv.'
        ) from None  # what caused it would print bytes
    except OSError as error:
        raise ValueError(
            f"path must be a file that can be read, got {path.name}: {error.strerror}; check its permissions and its disk."
        ) from error


def _refuse_binary(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(_N_SNIFFED_BYTE)
    kind = next((kind for magic, kind in _BINARY.items() if start.startswith(magic)), None)
    if kind is None and b"\0" in start:
        kind = "binary (it has zero bytes)"
    if kind is not None:
        remedy = "unpack it" if "compressed" in kind else 'save it as "CSV UTF-8"'
        raise ValueError(f"path must be text in UTF-8, got {path.name}, which is {kind}; {remedy}.")


def _first_odd_line(path: Path) -> int:
    """Return the number of the first line that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):  # noqa: B007
            try:
                line.decode()
            except UnicodeDecodeError:
                break
    return number
