"""The official KuaiRand archive: its files, and one explicit call that fetches them.

Gao, C., Li, S., Zhang, Y., Chen, J., Li, B., Lei, W., Jiang, P., He, X.: "KuaiRand: An Unbiased Sequential
Recommendation Dataset with Randomly Exposed Videos", CIKM 2022, pp. 3953-3957, doi:10.1145/3511808.3557624; Zenodo
record 10439422; CC BY-SA 4.0. KuaiRand-1K has 1,000 users, 4.4 million videos and 11.7 million views.
"""

import csv
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import Int

from gdt_tutorial.files import atomic_file
from gdt_tutorial.physical.logs.log_files import open_text
from gdt_tutorial.physical.logs.log_rows import RowRules, identifiers, shown
from gdt_tutorial.physical.logs.log_tables import WatchLog, distinct, keep_frequent_types, read_tables

__all__ = ["KUAIRAND_ATTRIBUTION", "KUAIRAND_URL", "fetch_kuairand", "is_kuairand", "read_kuairand"]

KUAIRAND_ATTRIBUTION = (
    "KuaiRand: Gao, C., Li, S., Zhang, Y., Chen, J., Li, B., Lei, W., Jiang, P., He, X.: KuaiRand: An Unbiased "
    "Sequential Recommendation Dataset with Randomly Exposed Videos, CIKM 2022, doi:10.1145/3511808.3557624, "
    "https://kuairand.com, licensed under CC BY-SA 4.0. Here: only views of videos in a range of lengths, play time "
    "above the length counted as a complete view."
)
KUAIRAND_URL = "https://zenodo.org/records/10439422/files/KuaiRand-1K.tar.gz"

_LOG_COLUMNS = {
    "user_id": "user_id",
    "video_id": "video_id",
    "time_ms": "time_ms",
    "play_time_ms": "play_time",
    "duration_ms": "duration",
}
_NO_TAG = "no tag"
_WANTED = ("log_standard_", "log_random_", "video_features_basic_")


def is_kuairand(folder: Path) -> bool:
    """Tell whether a folder (or its `data` folder) holds official log files."""
    return bool(_files(folder, "log_"))


def read_kuairand(
    folder: str | Path,
    *,
    n_types: int = 8,
    min_duration_s: float = 5.0,
    max_duration_s: float = 60.0,
    on_bad_row: str = "raise",
    on_chunk: Callable[[int], None] | None = None,
) -> WatchLog:
    """Read the official logs (`log_standard_*.csv`, `log_random_*.csv`) and the tags of `video_features_basic_*.csv`.

    A video's type is the first of its tags, which KuaiRand publishes as numbers without names; the `n_types` most
    viewed stay, the others become "other". The logs have some durations of 0, which the range filters.

    Args:
        folder: Where the files are, or the folder above it (the archive's `KuaiRand-1K`).
        n_types: Number of tags to keep as types.
        min_duration_s: Views of shorter videos are filtered out, and counted.
        max_duration_s: Views of longer videos are filtered out, and counted.
        on_bad_row: "raise" or "drop", as in `read_watch_log`.
        on_chunk: Called with a number of rows after each chunk, to feed a progress bar.

    Raises:
        ValueError: If a file is missing, and for all that `read_watch_log` refuses.
    """
    folder = Path(folder)
    logs, features = _files(folder, "log_"), _files(folder, "video_features_basic_")
    for files, name in ((logs, "log_*.csv"), (features, "video_features_basic_*.csv")):
        if not files:
            raise ValueError(f"folder must hold {name}, got {str(folder)!r}; fetch_kuairand(folder) gets the files.")
    rules = RowRules(min_duration_s=min_duration_s, max_duration_s=max_duration_s, on_bad_row=on_bad_row)
    log = read_tables(logs, _LOG_COLUMNS, rules, attribution=KUAIRAND_ATTRIBUTION, on_chunk=on_chunk)
    video_id, tag, tag_names = _read_tags(features, distinct(log.video_id))
    place = np.minimum(np.searchsorted(video_id, log.video_id), len(video_id) - 1)
    video_type = np.where(video_id[place] == log.video_id, tag[place], 0)
    del place, video_id, tag
    names = tuple(name if name == _NO_TAG else f"tag {name}" for name in tag_names)
    return keep_frequent_types(replace(log, video_type=video_type, type_names=names), n_types)


def fetch_kuairand(
    target: str | Path, *, url: str = KUAIRAND_URL, known_hash: str | None = None, progressbar: bool = True
) -> Path:
    """Download the official KuaiRand-1K archive and unpack what the project reads; return the folder with the files.

    Nothing else in the project downloads. The archive is large (about 1 GB packed); only the logs and the basic video
    features are unpacked (about 1.2 GB), and each only by its file name, so no path of the archive is trusted.

    Args:
        target: Folder for the archive and the files; a second call finds both and downloads nothing.
        url: The archive: the Zenodo record 10439422 by default.
        known_hash: Checksum to verify the download against, such as "md5:..." with the value that the Zenodo record's
            page prints beside the file. `None` accepts what arrives: the project states no hash that it could not
            check itself (public scripts report md5:6b0b9c8222d67fcd4c676218edca3f1f; compare it with that page).
        progressbar: Show the download's progress on stderr.

    Raises:
        ValueError: If the download does not have `known_hash`, or the archive holds unsafe paths or none of the files.
    """
    import pooch  # here, so that nobody who does not download pays for it

    target = Path(target)
    archive = pooch.retrieve(url, known_hash, fname=PurePosixPath(url).name, path=target, progressbar=progressbar)
    _unpack(Path(archive), target)
    return target


def _files(folder: Path, start: str) -> list[Path]:
    """Return the csv files whose names begin with `start`, in the folder or in its `data` folder."""
    return next((found for place in (folder, folder / "data") if (found := sorted(place.glob(f"{start}*.csv")))), [])


def _read_tags(
    paths: list[Path], wanted: Int[np.ndarray, " _"]
) -> tuple[Int[np.ndarray, " video"], Int[np.ndarray, " video"], list[str]]:
    """Return sorted video ids among `wanted`, each one's first tag as a code, and the tags; code 0 is "no tag"."""
    code: dict[str, int] = {_NO_TAG: 0}
    ids, tags = [wanted[:1]], [np.zeros(1, dtype=np.int32)]
    for path in paths:
        with open_text(path) as file:
            reader = csv.reader(file)
            id_place, tag_place = _places(next(reader, []), path)
            while rows := list(islice(reader, 20_000)):
                try:
                    chunk = identifiers([row[id_place] for row in rows])
                    texts = [row[tag_place].split(",")[0].strip() or _NO_TAG for row in rows]
                except (IndexError, ValueError) as error:
                    raise ValueError(
                        f"video_id must be an id and tag present in each row, got a malformed row in the "
                        f"{len(rows)} before line {reader.line_num + 1} of {path.name}; fetch the file again."
                    ) from error
                is_wanted = wanted[np.minimum(np.searchsorted(wanted, chunk), len(wanted) - 1)] == chunk
                ids.append(chunk[is_wanted])
                tags.append(np.array([code.setdefault(text, len(code)) for text in texts], dtype=np.int32)[is_wanted])
    # The first entry only keeps the arrays from being empty; the last entry of an id wins.
    video_id, last = np.unique(np.concatenate(ids)[::-1], return_index=True)
    return video_id, np.concatenate(tags)[::-1][last], list(code)


def _places(header: list[str], path: Path) -> tuple[int, int]:
    if not {"video_id", "tag"} <= set(header):
        raise ValueError(
            f"folder must hold video features with the columns video_id and tag, got {path.name} with {shown(header)}; "
            f"fetch_kuairand(folder) gets the official files."
        )
    return header.index("video_id"), header.index("tag")


def _unpack(archive: Path, target: Path) -> None:
    """Unpack the wanted files of a tar archive into `target`, flat, one after the other."""
    n_found = 0
    with tarfile.open(archive, mode="r|*") as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(
                    f"url must be an archive with paths inside itself, got the member {member.name!r}; do not use it."
                )
            if not (member.isfile() and path.name.startswith(_WANTED) and path.suffix == ".csv"):
                continue
            n_found += 1
            _write(tar.extractfile(member), target / path.name, member.size)
    if not n_found:
        raise ValueError(
            f"url must be a KuaiRand archive with log_*.csv, got {archive.name} without any; check the address."
        )


def _write(source: Any, path: Path, n_byte: int) -> None:
    """Copy one member, unless it is there; an interrupted copy never gets the final name, and is removed.

    Raises:
        WriteError: The disk is full.
    """
    if path.is_file() and path.stat().st_size == n_byte:
        return
    with atomic_file(path) as file:
        shutil.copyfileobj(source, file)
