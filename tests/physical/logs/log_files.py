"""Small watch logs for the tests: as arrays, as csv files, and as an archive in the official format."""

import csv
from pathlib import Path

import numpy as np

from gdt_tutorial.physical.logs.log_tables import LogReport, WatchLog

KUAIRAND_HEADER = [
    *("user_id", "video_id", "date", "hourmin", "time_ms", "is_click", "is_like", "is_follow", "is_comment"),
    *("is_forward", "is_hate", "long_view", "play_time_ms", "duration_ms", "profile_stay_time", "comment_stay_time"),
    *("is_profile_enter", "is_rand", "tab"),
]
FEATURE_HEADER = [
    *("video_id", "author_id", "video_type", "upload_dt", "upload_type", "visible_status", "video_duration"),
    *("server_width", "server_height", "music_id", "music_type", "tag"),
]


def log_of(user_id, fraction, video_type=None, type_names=(), duration_s=None, video_id=None) -> WatchLog:
    """Return a log with the given views; every view is of another video of 10 s unless stated."""
    n_views = len(user_id)
    duration_s = np.full(n_views, 10.0) if duration_s is None else np.asarray(duration_s, dtype=float)
    fraction = np.asarray(fraction, dtype=float)
    return WatchLog(
        user_id=np.asarray(user_id),
        video_id=np.arange(n_views) if video_id is None else np.asarray(video_id),
        time_ms=np.arange(n_views),
        play_time_s=fraction * duration_s,
        duration_s=duration_s,
        watched_fraction=fraction,
        video_type=None if video_type is None else np.asarray(video_type),
        type_names=tuple(type_names),
        attribution="made by a test",
        report=LogReport(n_rows=n_views, n_kept=n_views, dropped={}, filtered={}, n_replayed=0),
    )


def write_csv(path: Path, header, rows) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def write_views(path: Path, play_ms, n_users=8) -> Path:
    """Write a log of README's four columns: each user plays each video of 20 s for its entry of `play_ms`."""
    rows = [[user, video, ms, 20_000] for user in range(n_users) for video, ms in enumerate(play_ms)]
    return write_csv(path, ["user_id", "video_id", "play_time_ms", "duration_ms"], rows)


def kuairand_row(user, video, play_ms, duration_ms, time_ms=1650485801301):
    return [user, video, 20220421, 400, time_ms, 1, 0, 0, 0, 0, 0, 1, play_ms, duration_ms, 0, 0, 0, 0, 1]


def feature_row(video, tag, duration_ms=12000.0):
    return [video, 7, "NORMAL", "2022-04-01", "LongImport", 0.0, duration_ms, 720, 1280, 99, 9.0, tag]


def write_kuairand(folder: Path) -> Path:
    """Write a tiny KuaiRand-1K: tags "39", "20,43", none, and one video without features."""
    folder.mkdir(parents=True, exist_ok=True)
    early = [kuairand_row(1, video, 6000, 12000) for video in (10, 10, 10, 11, 12)]
    late = [kuairand_row(2, 11, 24000, 12000), kuairand_row(2, 13, 100, 12000), kuairand_row(2, 14, 5, 0)]
    write_csv(folder / "log_standard_4_08_to_4_21_1k.csv", KUAIRAND_HEADER, early)
    write_csv(folder / "log_standard_4_22_to_5_08_1k.csv", KUAIRAND_HEADER, late)
    write_csv(folder / "log_random_4_22_to_5_08_1k.csv", KUAIRAND_HEADER, [kuairand_row(3, 12, 0, 12000)])
    features = [feature_row(11, "20,43"), feature_row(10, "39"), feature_row(12, ""), feature_row(14, "1")]
    write_csv(folder / "video_features_basic_1k.csv", FEATURE_HEADER, features)
    return folder


def write_official_shape(folder: Path, n_rows: int, n_videos: int) -> Path:
    """Write files of the shape of KuaiRand-1K: 1,000 users, of whom one has 15,000 views, most videos seen a few times."""
    rng = np.random.default_rng(0)
    n_views = np.full(999, (n_rows - 15_000) // 999)
    user = np.repeat(np.arange(1000), [15_000, n_rows - 15_000 - n_views[1:].sum(), *n_views[1:]])
    user = rng.permutation(user)
    names = ("log_standard_4_08_to_4_21_1k.csv", "log_standard_4_22_to_5_08_1k.csv", "log_random_4_22_to_5_08_1k.csv")
    for name, part in zip(names, np.array_split(user, 3), strict=True):
        with (folder / name).open("w") as file:
            file.write(",".join(KUAIRAND_HEADER) + "\n")
            for start in range(0, len(part), 100_000):
                who = part[start : start + 100_000]
                duration_ms = np.exp(rng.normal(10.2, 0.9, len(who))).astype(int)
                play_ms = (duration_ms * np.minimum(rng.exponential(0.8, len(who)), 1.2)).astype(int)
                video = rng.integers(0, n_videos, len(who))
                columns = (column.tolist() for column in (who, video, play_ms, duration_ms))
                for place, row in enumerate(zip(*columns, strict=True)):
                    one, which, play, duration = row
                    time_ms = 1_650_485_801_301 + 137 * (start + place)
                    file.write(f"{one},{which},20220421,400,{time_ms},1,0,0,0,0,0,1,{play},{duration},0,0,0,0,1\n")
    with (folder / "video_features_basic_1k.csv").open("w") as file:
        file.write(",".join(FEATURE_HEADER) + "\n")
        for video in range(n_videos):
            file.write(f"{video},7,NORMAL,2022-04-01,LongImport,0.0,12000.0,720,1280,99,9.0,{video % 60}\n")
    return folder
