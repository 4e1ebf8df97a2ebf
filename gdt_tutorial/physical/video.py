"""Short videos: the catalog, its versions and segments, and the recommended lists.

The paper's case study: short videos come in several versions (adaptive bitrate), and the users of a multicast group
follow the same recommended list. A video is cut into segments and has a type, on which the watch time depends
(`swipes.py`).
"""

import functools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import ndtr, ndtri

from gdt_tutorial.configuration import configclass, parameter, require
from gdt_tutorial.physical.logs.watch_logs import WatchLog, view_types

__all__ = ["VideoCatalog", "VideoCatalogConfig", "recommend"]

BITRATE_BPS = (0.75e6, 1.2e6, 1.85e6, 2.85e6)


@configclass
class VideoCatalogConfig:
    """What `VideoCatalog.generate` draws. Durations follow a log-normal law, cut to the allowed range."""

    n_videos: int = parameter(
        200,
        "Number of videos in the catalog.",
        "chosen",
        at_least=2,
        remedy="a list never shows a video twice in a row",
    )
    type_names: tuple[str, ...] = parameter(
        ("Study", "Entertainment", "Life", "Game"),
        "Names of the video types.",
        "video types of the ACM Multimedia 2022 short-video challenge",
    )
    type_share: tuple[float, ...] = parameter(
        (0.25, 0.25, 0.25, 0.25), "Share of the videos of each type.", "chosen", at_least=0
    )
    median_duration_s: float = parameter(
        12.8,
        "Median of the log-normal law of durations, before the cut to the allowed range.",
        "truncated maximum likelihood on the 1,191 videos of a KuaiRand-27K sample (distance of the fit: 0.07)",
        above=0,
    )
    log_duration_sd: float = parameter(
        0.80,
        "Standard deviation of the natural logarithm of the duration, before the cut.",
        "truncated maximum likelihood on the 1,191 videos of a KuaiRand-27K sample",
        above=0,
    )
    min_duration_s: float = parameter(5.0, "Shortest video.", "chosen; the watch-log sample is cut there too", above=0)
    max_duration_s: float = parameter(60.0, "Longest video.", "chosen; the watch-log sample is cut there too", above=0)
    popularity_exponent: float = parameter(
        0.8, "Exponent s of Zipf's law: the video of rank k is asked for in proportion to k^-s.", "chosen"
    )
    bitrate_bps: tuple[float, ...] = parameter(
        BITRATE_BPS,
        "Rates of the versions, lowest first.",
        "first three: ACM Multimedia 2022 short-video challenge; 2.85 Mb/s: the usual ladder of adaptive streaming",
    )
    segment_s: float = parameter(1.0, "Length of a segment.", "chosen; the challenge's chunks are 1,000 ms long")

    def __post_init__(self) -> None:
        rule = f"hold one number for each of the {len(self.type_names)} type_names, not all 0"
        is_law = len(self.type_share) == len(self.type_names) and sum(self.type_share) > 0
        require(is_law, "type_share", rule, self.type_share, "give as many shares as names")
        limits_s = (self.min_duration_s, self.max_duration_s)
        require(
            limits_s[0] < limits_s[1], "min_duration_s, max_duration_s", "be ordered", limits_s, "swap or raise one"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class VideoCatalog:
    """The videos that can be recommended; a video's id is its row.

    `popularity` sums to one. `type_names` says what the numbers in `video_type` mean: where a log has no types they are
    stand-ins by length and say so. `source` and `attribution` tell a page where the catalog comes from.
    """

    duration_s: Float[np.ndarray, " video"]
    video_type: Int[np.ndarray, " video"]
    type_names: tuple[str, ...]
    popularity: Float[np.ndarray, " video"]
    bitrate_bps: Float[np.ndarray, " version"]
    segment_s: float = 1.0
    source: str = "generator"
    attribution: str = ""

    def __post_init__(self) -> None:
        n_types = len(self.type_names)
        _require("duration_s", self.duration_s > 0, self.duration_s, "be above 0 and finite", "remove such videos")
        _require("popularity", self.popularity >= 0, self.popularity, "be at least 0", "set it to 0 instead")
        _require("bitrate_bps", self.bitrate_bps > 0, self.bitrate_bps, "be above 0", "give rates in bit/s")
        _require(
            "bitrate_bps", np.diff(self.bitrate_bps, prepend=0) > 0, self.bitrate_bps, "increase", "sort the rates"
        )
        in_range = (self.video_type >= 0) & (self.video_type < n_types)
        _require("video_type", in_range, self.video_type, f"lie in 0..{n_types - 1}", "extend type_names")
        require(self.segment_s > 0, "segment_s", "be above 0", self.segment_s, "1 s is the default")

    @property
    def n_videos(self) -> int:
        """Number of videos."""
        return len(self.duration_s)

    @property
    def n_types(self) -> int:
        """Number of video types."""
        return len(self.type_names)

    @property
    def n_versions(self) -> int:
        """Number of versions of each video."""
        return len(self.bitrate_bps)

    @property
    def n_segments(self) -> Int[np.ndarray, " video"]:
        """Number of segments of each video; the last one may be shorter than `segment_s`."""
        # A duration of 12.000000001 s is 12 segments: float32 logs must not gain an empty segment.
        return np.maximum(np.ceil(self.duration_s / self.segment_s - 1e-6), 1).astype(np.int64)

    @classmethod
    def generate(cls, config: VideoCatalogConfig = VideoCatalogConfig(), *, rng: np.random.Generator) -> "VideoCatalog":
        """Draw durations (log-normal within the allowed range), popularity (Zipf's law) and types (by their shares)."""
        share = np.asarray(config.type_share) / np.sum(config.type_share)
        rank = rng.permutation(config.n_videos) + 1
        weight = rank**-config.popularity_exponent
        return cls(
            duration_s=_draw_duration_s(config, rng=rng),
            video_type=_spread(share, config.n_videos, rng=rng),
            type_names=config.type_names,
            popularity=weight / weight.sum(),
            bitrate_bps=np.asarray(config.bitrate_bps),
            segment_s=config.segment_s,
        )

    @classmethod
    def from_watch_log(
        cls,
        log: WatchLog,
        *,
        n_videos: int | None = 20_000,
        bitrate_bps: tuple[float, ...] = BITRATE_BPS,
        segment_s: float = 1.0,
    ) -> "VideoCatalog":
        """Take durations, types and popularity (number of views) from a log.

        Args:
            log: A watch log; one without types gets stand-in types by length (`watch_logs.view_types`).
            n_videos: Keep only so many videos, the most viewed; `None` keeps all. Each draw of a list looks at every video
                of the catalog, and a log may hold millions that were seen once.
            bitrate_bps: Rates of the versions, which no watch log has.
            segment_s: Length of a segment.
        """
        video_type, type_names = view_types(log)
        first, n_views = (values[:n_videos] for values in _videos_of(log))
        return cls(
            duration_s=log.duration_s[first].astype(np.float64),
            video_type=video_type[first].astype(np.int64),
            type_names=type_names,
            popularity=n_views / n_views.sum(),
            bitrate_bps=np.asarray(bitrate_bps),
            segment_s=segment_s,
            source="watch log",
            attribution=log.attribution,
        )


@functools.lru_cache(maxsize=2)
def _videos_of(log: WatchLog) -> tuple[Int[np.ndarray, " video"], Int[np.ndarray, " video"]]:
    """Return the first view and the number of views of each video of a log, the most viewed first."""
    _, first, n_views = np.unique(log.video_id, return_index=True, return_counts=True)
    most_viewed = np.argsort(-n_views, kind="stable")
    return first[most_viewed], n_views[most_viewed]


def recommend(
    catalog: VideoCatalog, preference: Float[np.ndarray, "batch group type"], n_videos: int, *, rng: np.random.Generator
) -> Int[np.ndarray, "batch group position"]:
    """Draw each group's list: a video in proportion to its popularity times the group's preference for its type.

    The same video never stands twice in a row: each position is drawn among all videos but the one before it. The paper
    names no recommender; this one is chosen for having a known law.

    Raises:
        ValueError: If a group's preference leaves fewer than two videos to choose from.
    """
    order = np.argsort(catalog.video_type, kind="stable")
    weight = preference[..., catalog.video_type[order]] * catalog.popularity[order]
    if not (np.isfinite(weight).all() and (weight >= 0).all() and ((weight > 0).sum(-1) >= 2).all()):
        raise ValueError(
            f"preference must be at least 0 and give each group at least two videos of positive weight, got a "
            f"smallest value of {np.min(preference)}; smooth it, or use a larger catalog."
        )
    upper = np.cumsum(weight, axis=-1)
    upper /= upper[..., -1:]
    return order[_draw_without_repeat(upper.reshape(-1, catalog.n_videos), n_videos, rng=rng)].reshape(
        *preference.shape[:2], n_videos
    )


def _draw_without_repeat(
    upper: Float[np.ndarray, "group video"], n_videos: int, *, rng: np.random.Generator
) -> Int[np.ndarray, "group position"]:
    """Draw each row's list from its cumulative weights; the video before is cut out of the unit interval."""
    n_rows, n_choices = upper.shape
    row = np.arange(n_rows)
    # One sorted table for all rows: row r lives in [r, r + 1). The factor keeps rounding from reaching the next row.
    table = (upper + row[:, None]).ravel()
    chance = rng.random((n_videos, n_rows)) * (1 - 1e-9)
    drawn = np.empty((n_videos, n_rows), dtype=np.int64)
    lower, width, end = row + 1.0, np.zeros(n_rows), row + 1.0
    for position in range(n_videos):
        mark = row + chance[position] * (1 - width)
        mark = np.where(mark >= lower, np.maximum(mark + width, end), mark)
        drawn[position] = np.searchsorted(table, mark, side="right")
        end = table[drawn[position]]
        lower = np.where(drawn[position] % n_choices > 0, table[drawn[position] - 1], row)
        width = end - lower
    return drawn.T % n_choices


def _draw_duration_s(config: VideoCatalogConfig, *, rng: np.random.Generator) -> Float[np.ndarray, " video"]:
    """Draw from the truncated log-normal law by its inverse distribution function."""
    center, spread = np.log(config.median_duration_s), config.log_duration_sd
    bound = np.log([config.min_duration_s, config.max_duration_s])
    shortest, longest = ndtr((bound - center) / spread)
    duration_s = np.exp(center + spread * ndtri(rng.uniform(shortest, longest, size=config.n_videos)))
    return np.clip(duration_s, config.min_duration_s, config.max_duration_s)


def _spread(share: Float[np.ndarray, " type"], n_videos: int, *, rng: np.random.Generator) -> Int[np.ndarray, " video"]:
    """Give each type its share of the videos, as exactly as whole numbers allow, in random order."""
    middle = (np.arange(n_videos) + 0.5) / n_videos
    return rng.permutation(np.searchsorted(np.cumsum(share)[:-1], middle, side="right"))


def _require(
    name: str,
    is_good: Bool[np.ndarray, "*shape"],
    values: Float[np.ndarray, "*shape"] | Int[np.ndarray, "*shape"],
    rule: str,
    remedy: str,
) -> None:
    """Raise for the first entry that breaks a rule; NaN and infinity break every rule."""
    bad = ~(is_good & np.isfinite(values))
    if len(values) == 0:
        raise ValueError(f"{name} must have at least one entry, got none; give at least one.")
    if bad.any():
        raise ValueError(f"{name} must {rule}, got {values[bad][0]} at entry {int(np.argmax(bad))}; {remedy}.")
