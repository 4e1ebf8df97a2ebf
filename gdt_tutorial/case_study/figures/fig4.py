"""All numbers of the paper's Fig. 4 for one seed: cumulative swipe probability by group and video type.

"It can be observed that users in MG 1 have similar cumulative swipe probability as those in MG 2 during the initial phase,
but a noticeable divergence ensues over time" (the paper, case study; MG: multicast group). A curve drawn from the very
views that formed the groups would show a divergence even if all users were alike, for the groups were chosen to differ. So
half of each user's views, taken by chance, form the groups, and the other half draws the curves; the pair of groups that is
compared is chosen on the first half as well. Intervals draw users anew, within the groups.

Does grouping help to predict swipes? `likelihood_gain` is the mean over users of the log-probability per view of the
second half under the curves of the user's group, minus that under one curve for everybody; both estimated on the first
half, both by video type, with the same shrinkage. Positive means that groups help.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, SupportsFloat

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial import seeding
from gdt_tutorial.case_study.groups.cluster_count import BySaving, WatchedCrowd
from gdt_tutorial.case_study.groups.group_swipe_curves import GroupSwipeCurves, bootstrap_curves, percentile_bands
from gdt_tutorial.case_study.groups.grouping import BySilhouette, Crowd, FixedCount, Grouper, stability
from gdt_tutorial.case_study.groups.planted import planted_views
from gdt_tutorial.case_study.groups.trained_grouping import pretrained_grouper
from gdt_tutorial.case_study.groups.windows import last_slot, principal_components, view_windows
from gdt_tutorial.configuration import require
from gdt_tutorial.physical.logs.crowd_needs import MIN_VIEWS
from gdt_tutorial.physical.logs.watch_logs import WatchLog, data_source, find_watch_log, view_types
from gdt_tutorial.physical.swipes import SwipeGeneratorConfig
from gdt_tutorial.studies.intervals import t_interval

__all__ = [
    "EARLY",
    "VERSION",
    "RecordedViews",
    "comparison",
    "fig4",
    "generated_views",
    "halve",
    "likelihood_gain",
    "logged_views",
    "tasks",
    "widest_pair",
    "work",
]

EARLY = 0.1  # the paper's "initial phase", as we read it: the first tenth of a video
VERSION = "2"
_FIRST_SEED = 1000  # seeds below it were used to choose settings


class RecordedViews(NamedTuple):
    """What users of one campus watched, and what the video types are called."""

    view_type: Int[np.ndarray, "batch user view"]
    view_fraction: Float[np.ndarray, "batch user view"]
    type_names: tuple[str, ...]
    source: str


def logged_views(log: WatchLog, *, min_views: int = MIN_VIEWS, max_views: int = 1000) -> RecordedViews:
    """Return the views of the log's users with at least `min_views`, in the log's order; -1 fills up the rest.

    Args:
        log: Recorded views.
        min_views: Users with fewer views are left out.
        max_views: Of each user the first so many count. A habit is known long before, and one user with ten thousand
            views would make the table of all users as wide.

    Raises:
        ValueError: No user has so many views, or `max_views` is below `min_views`.
    """
    require(max_views >= min_views, "max_views", f"be at least {min_views}", max_views, "1000 is the default")
    video_type, names = view_types(log)
    _, user, n_views = np.unique(log.user_id, return_inverse=True, return_counts=True)
    keep = n_views >= min_views
    require(
        keep.any(), "min_views", f"be at most {n_views.max()}, the views of the most active user", min_views, "lower it"
    )
    order = np.argsort(user, kind="stable")
    order = order[keep[user[order]]]
    row = (np.cumsum(keep) - 1)[user[order]]
    first = np.cumsum(n_views[keep]) - n_views[keep]
    place = np.arange(len(order)) - first[row]
    is_early = place < max_views
    order, row, place = order[is_early], row[is_early], place[is_early]
    shape = (1, int(keep.sum()), min(int(n_views[keep].max()), max_views))
    kind, fraction = np.full(shape, -1, dtype=np.int64), np.full(shape, np.nan)
    kind[0, row, place] = video_type[order]
    fraction[0, row, place] = np.minimum(log.watched_fraction[order], 1)
    return RecordedViews(kind, fraction, names, "watch log")


def generated_views(
    n_users: int, n_views: int, config: SwipeGeneratorConfig = SwipeGeneratorConfig(), *, rng: np.random.Generator
) -> RecordedViews:
    """Return views of the embedded generator."""
    _, kind, fraction = planted_views(config, n_users, n_views, rng=rng)
    return RecordedViews(kind, fraction, config.type_names, "generator")


def halve(views: RecordedViews, *, rng: np.random.Generator) -> tuple[RecordedViews, RecordedViews]:
    """Split each user's views by chance; of an odd number the first part gets one more.

    Raises:
        ValueError: A user with fewer than two views.
    """
    is_view = views.view_type >= 0
    n_views = is_view.sum(axis=2, keepdims=True)
    require(n_views.min() >= 2, "views", "hold two of each user", int(n_views.min()), "leave users with fewer out")
    rank = np.where(is_view, rng.random(is_view.shape), 2.0).argsort(axis=2).argsort(axis=2)
    in_first = is_view & (rank < (n_views + 1) // 2)
    return tuple(  # type: ignore[return-value]
        views._replace(view_type=np.where(part, views.view_type, -1)) for part in (in_first, is_view & ~in_first)
    )


def likelihood_gain(
    group: Int[np.ndarray, "batch user"], first: RecordedViews, second: RecordedViews
) -> Float[np.ndarray, "batch user"]:
    """Return for each user what the group's curves gain over everybody's, in nats per view of `second`."""
    logs = []
    for labels in (group, np.zeros_like(group)):
        size = {"n_groups": int(labels.max()) + 1, "n_types": len(first.type_names)}
        curves = GroupSwipeCurves.estimate(labels, first.view_type, first.view_fraction, **size)
        logs.append(curves.log_likelihood(labels, second.view_type, second.view_fraction).sum(axis=2))
    return (logs[0] - logs[1]) / (second.view_type >= 0).sum(axis=2)


class Pair(NamedTuple):
    """Two groups and a video type: curves that start alike and part."""

    one: int
    other: int
    video_type: int
    late: int  # edge at which they are furthest apart


def widest_pair(cumulative: Float[np.ndarray, "group type edge"]) -> Pair:
    """Return the two groups and the type with the largest gap anywhere, less the largest in the first tenth."""
    n_early = int(EARLY * (cumulative.shape[2] - 1)) + 1
    gap = np.abs(cumulative[:, None] - cumulative[None])  # (group, group, type, edge)
    score = gap.max(axis=-1) - gap[..., :n_early].max(axis=-1)
    one, other, kind = np.unravel_index(score.argmax(), score.shape)
    return Pair(int(one), int(other), int(kind), int(gap[one, other, kind].argmax()))


def comparison(grouper: Grouper, view_type: np.ndarray, view_fraction: np.ndarray) -> Mapping[str, Grouper]:
    """Return the proposed grouping and those that it is compared with; "exhaustive" tries every number of groups."""
    encoder = grouper.encoder
    fixed = {f"{n} groups": Grouper(encoder=encoder, chooser=FixedCount(n_groups=n)) for n in (2, 4, 8)}
    return {
        "proposed": grouper,
        "exhaustive": Grouper(encoder=encoder, chooser=BySaving(view_type[0], view_fraction[0])),
        "silhouette": Grouper(encoder=encoder, chooser=BySilhouette()),
        **fixed,
        "no autoencoder": Grouper(encoder=last_slot, chooser=BySaving(view_type[0], view_fraction[0])),
        "principal components": Grouper(encoder=principal_components, chooser=BySaving(view_type[0], view_fraction[0])),
    }


def fig4(
    seed: int,
    watch_log: WatchLog | None = None,
    *,
    grouper: Grouper | None = None,
    n_users: int = 60,
    n_views: int = 100,
    n_draws: int = 200,
) -> list[dict[str, Any]]:
    """Return every number of Fig. 4 as rows (dicts with the same keys), some seconds' work.

    `quantity` is "cumulative" (one row per group, type and edge), "share" (of users, per group), or for each grouping
    that is compared "n_groups", "saving" and "regret" (nats per user of the first half), "likelihood_gain" (nats per
    view of the second half) and "stability" (adjusted Rand index of the groups from either half). "early_gap" (the
    largest in the first tenth) and "late_gap" belong to the pair of `widest_pair`. Limits are 95 % intervals over users;
    None where there is none.

    Args:
        seed: Splits the views, draws the users of the generator, starts k-means++.
        watch_log: Recorded views; without it the embedded generator's.
        grouper: The proposed grouping; the shipped one by default.
        n_users: Users of the generator.
        n_views: Views of each of them.
        n_draws: Bootstrap draws behind the intervals of the curves.
    """
    grouper = pretrained_grouper() if grouper is None else grouper
    rng = seeding.stream(seed, "fig4", "views")
    views = generated_views(n_users, n_views, rng=rng) if watch_log is None else logged_views(watch_log)
    first, second = halve(views, rng=seeding.stream(seed, "fig4", "halves"))
    head = {"source": views.source, "seed": seed}
    rows = []
    for name, each in comparison(grouper, first.view_type, first.view_fraction).items():
        rows += [{**head, **row} for row in _score(name, each, first, second, seed)]
    group = grouper.group_users(first.view_type, first.view_fraction, rng=seeding.stream(seed, "fig4", "groups"))
    rows += [{**head, **row} for row in _curves(group, first, second, n_draws, seed)]
    return rows


def tasks(n_seeds: int) -> list[dict[str, Any]]:
    """Return the tasks of `reproduce fig4`: each seed on the generator, and on the watch log where `GDT_DATA` is set."""
    sources = ["generator"] + ["watch log"] * (data_source() == "logs")
    return [{"source": source, "seed": _FIRST_SEED + index} for source in sources for index in range(n_seeds)]


def work(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Do one task."""
    return fig4(task["seed"], find_watch_log() if task["source"] == "watch log" else None)


def _row(
    quantity: str, scheme: str, value: SupportsFloat, limits: tuple[float, float] | None = None, **where: Any
) -> dict:
    place = {"group": None, "type": None, "edge": None, **where}
    lower, upper = (None, None) if limits is None else limits
    return {"quantity": quantity, "scheme": scheme, **place, "value": float(value), "lower": lower, "upper": upper}


def _score(
    name: str, grouper: Grouper, first: RecordedViews, second: RecordedViews, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield what one grouping is worth."""
    group, later = (
        grouper.group_users(part.view_type, part.view_fraction, rng=seeding.stream(seed, "fig4", "groups"))
        for part in (first, second)
    )
    point = grouper.encoder(view_windows(first.view_type, first.view_fraction))[0]
    crowd = Crowd(point, rng=seeding.stream(seed, "fig4", "groups"))
    watched = WatchedCrowd(crowd, first.view_type[0], first.view_fraction[0])
    n_groups = int(group.max()) + 1
    gain = likelihood_gain(group, first, second)[0]
    mean_gain, half = t_interval(gain)
    yield _row("n_groups", name, n_groups)
    yield _row("saving", name, watched.saving(n_groups))
    yield _row("regret", name, watched.regret(n_groups))
    yield _row("likelihood_gain", name, mean_gain, (mean_gain - half, mean_gain + half))
    yield _row("stability", name, stability(group, later)[0])


def _curves(
    group: Int[np.ndarray, "batch user"], first: RecordedViews, second: RecordedViews, n_draws: int, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield the shares, the curves with their intervals, and the gaps of the widest pair."""
    size = {"n_groups": int(group.max()) + 1, "n_types": len(first.type_names)}
    share = np.bincount(group[0]) / group.shape[1]
    yield from (_row("share", "proposed", value, group=index) for index, value in enumerate(share))
    curve = GroupSwipeCurves.estimate(group, second.view_type, second.view_fraction, **size).cumulative()[0]
    rng = seeding.stream(seed, "fig4", "bootstrap")
    draws = bootstrap_curves(group, second.view_type, second.view_fraction, **size, n_draws=n_draws, rng=rng)[:, 0]
    lower, upper = percentile_bands(draws)
    for place in np.ndindex(curve.shape):
        where = {"group": place[0], "type": first.type_names[place[1]], "edge": place[2] / (curve.shape[2] - 1)}
        limits = float(lower[place]), float(upper[place])
        yield _row("cumulative", "proposed", curve[place], limits, **where)
    chosen = GroupSwipeCurves.estimate(group, first.view_type, first.view_fraction, **size).cumulative()[0]
    one, other, kind, late = widest_pair(chosen)
    sign = np.sign(chosen[one, kind, late] - chosen[other, kind, late])
    gap, gap_draws = (sign * (part[..., one, kind, :] - part[..., other, kind, :]) for part in (curve, draws))
    n_early = int(EARLY * (curve.shape[2] - 1)) + 1
    measured = {
        "early_gap": (np.abs(gap[:n_early]).max(), np.abs(gap_draws[:, :n_early]).max(axis=1), EARLY),
        "late_gap": (gap[late], gap_draws[:, late], late / (curve.shape[2] - 1)),
    }
    for quantity, (value, values, edge) in measured.items():
        low, high = percentile_bands(values)
        where = {"group": one, "type": first.type_names[kind], "edge": edge}
        yield _row(quantity, f"against group {other}", value, (float(low), float(high)), **where)
