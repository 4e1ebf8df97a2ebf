"""Executed chapters that need not be executed again.

A copy is kept under a key of everything that its outputs depend on: the notebook, the library's sources, the lock, the Python
version, the executor itself, the profile, the seed and the data.
"""

import dataclasses
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from book.chapters import BUILD, ROOT
from book.execute import RunRecord, execute, read_record
from gdt_tutorial.files import write_atomically

CACHE = BUILD / "executed"
_SOURCES = ("gdt_tutorial/**/*.py", "gdt_tutorial/**/*.safetensors", "gdt_tutorial/**/*.css", "gdt_tutorial/**/*.js")
_LOCKS = ("*.lock", "book/execute.py", "book/run_notebook.py")
_LARGE_BYTE = 20_000_000


def execute_cached(
    chapter_path: Path,
    *,
    profile: str,
    seed: int,
    out_path: Path,
    data: Path | None = None,
    cache: Path = CACHE,
) -> RunRecord:
    """Do what `execute` does, or copy what it did before to the same sources; failed runs are never kept."""
    kept = cache / f"{chapter_path.stem}-{profile}-{key(chapter_path, profile=profile, seed=seed, data=data)}.ipynb"
    is_cached = kept.exists()
    if not is_cached:
        execute(chapter_path, profile=profile, seed=seed, out_path=kept, data=data)
        _forget_old(cache, f"{chapter_path.stem}-{profile}-*.ipynb")
    write_atomically(out_path, kept.read_bytes())
    return dataclasses.replace(read_record(kept), is_cached=is_cached)


def _forget_old(cache: Path, pattern: str, n_kept: int = 6) -> None:
    newest_first = sorted(cache.glob(pattern), key=lambda path: path.stat().st_mtime, reverse=True)
    for stale in newest_first[n_kept:]:
        stale.unlink(missing_ok=True)


def key(chapter_path: Path, *, profile: str, seed: int, data: Path | None) -> str:
    """Return the key of one execution."""
    parts = [
        f"python {sys.version_info[:2]}, profile {profile}, seed {seed}",
        f"notebook {digest([chapter_path])}",
        f"library {digest(library_files())}",
        f"data {data_identity(data)}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def library_files() -> list[Path]:
    """List the files on which every chapter depends."""
    return sorted(path for pattern in (*_SOURCES, *_LOCKS) for path in ROOT.glob(pattern))


def digest(paths: Iterable[Path]) -> str:
    """Hash the contents of files, in the given order, with their names."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def data_identity(data: Path | None) -> str:
    """Identify watch logs by their content, and files too large to read on each build by size and time."""
    if data is None:
        return "generator"
    files = sorted(path for path in data.rglob("*") if path.is_file()) if data.is_dir() else [data]
    marks = []
    for path in files:
        stat = path.stat()
        is_large = stat.st_size > _LARGE_BYTE
        marks.append(f"{path.name} {stat.st_size} {stat.st_mtime_ns if is_large else digest([path])}")
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()
