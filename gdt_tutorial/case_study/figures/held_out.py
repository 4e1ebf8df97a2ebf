"""What groups are worth on views that have not formed them.

One half of each user's views, taken by chance, forms the groups, and the other half judges them (`fig4.halve`). Nothing
here needs a truth, so it can be asked of real views as well.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.case_study.figures.fig4 import (
    EARLY,
    RecordedViews,
    generated_views,
    halve,
    likelihood_gain,
    widest_pair,
)
from gdt_tutorial.case_study.figures.known_truth import crowd_of
from gdt_tutorial.case_study.groups.cluster_count import description_saving
from gdt_tutorial.case_study.groups.group_swipe_curves import GroupSwipeCurves, bootstrap_curves
from gdt_tutorial.case_study.groups.grouping import FixedCount, Grouper
from gdt_tutorial.case_study.groups.planted import planted_classes
from gdt_tutorial.case_study.groups.windows import last_slot, principal_components
from gdt_tutorial.studies.intervals import t_interval

__all__ = [
    "Gap",
    "HeldOut",
    "Leakage",
    "curve_draws",
    "curves_of",
    "gain_of_own_curves",
    "gaps_by_type",
    "held_out",
    "nothing_to_find",
    "percent_interval",
    "rivals",
    "widest_gap",
]

_OWN_PRIOR = 100.0  # a user has fewer views than a group, so its own curve is shrunk five times as hard


def curves_of(group: Int[np.ndarray, "batch user"], part: RecordedViews) -> Float[np.ndarray, "group type edge"]:
    """Return the cumulative swipe probability of each group and type, from these views."""
    size = {"n_groups": int(group.max()) + 1, "n_types": len(part.type_names)}
    return GroupSwipeCurves.estimate(group, part.view_type, part.view_fraction, **size).cumulative()[0]


def curve_draws(
    group: Int[np.ndarray, "batch user"], part: RecordedViews, n_draws: int, *, rng: np.random.Generator
) -> Float[np.ndarray, "draw group type edge"]:
    """Return such curves with the members of each group drawn anew, for intervals."""
    size = {"n_groups": int(group.max()) + 1, "n_types": len(part.type_names)}
    return bootstrap_curves(group, part.view_type, part.view_fraction, **size, n_draws=n_draws, rng=rng)[:, 0]


class Gap(NamedTuple):
    """Two groups and a video type, as the first half chose them, and how far their curves part on the second half."""

    one: int
    other: int
    video_type: int
    late: int  # the edge where the first half put them furthest apart
    same: float  # gap there on the views that chose it
    fresh: float  # gap there on unseen views, with the sign that it had
    early: float  # largest in the first tenth, on unseen views


def gaps_by_type(
    first: Float[np.ndarray, "group type edge"], second: Float[np.ndarray, "group type edge"]
) -> list[Gap]:
    """Return for each type the pair of groups that the first half chooses (`fig4.widest_pair`), and its gaps."""
    n_early, gaps = int(EARLY * (first.shape[2] - 1)) + 1, []
    for kind in range(first.shape[1]):
        one, other, _, late = widest_pair(first[:, kind : kind + 1])
        before, gap = (part[one, kind] - part[other, kind] for part in (first, second))
        early = float(np.abs(gap[:n_early]).max())
        fresh = float(np.sign(before[late]) * gap[late])
        gaps.append(Gap(one, other, kind, late, float(abs(before[late])), fresh, early))
    return gaps


def widest_gap(first: Float[np.ndarray, "group type edge"], second: Float[np.ndarray, "group type edge"]) -> Gap:
    """Return the one of `gaps_by_type` whose type the first half chooses."""
    return gaps_by_type(first, second)[widest_pair(first).video_type]


class HeldOut(NamedTuple):
    """What groupings are worth on unseen views, over several splits."""

    gain: dict[str, Float[np.ndarray, " user"]]  # nats per view, mean over the splits
    gaps: list[list[Gap]]  # by split and video type
    chosen: Int[np.ndarray, " split"]  # the type that the first half chooses to show
    n_groups: Int[np.ndarray, " split"]  # chosen by the grouper
    best: Int[np.ndarray, " split"]  # chosen by the exhaustive search of the saving

    def gap(self, part: str) -> Float[np.ndarray, "split type"]:
        """Return one of a gap's numbers ("same", "fresh" or "early") of all splits and types."""
        return np.array([[getattr(one, part) for one in gaps] for gaps in self.gaps])

    def gap_shown(self, part: str) -> Float[np.ndarray, " split"]:
        """Return the same of the type that each split chooses to show."""
        return self.gap(part)[np.arange(len(self.chosen)), self.chosen]


def rivals(grouper: Grouper) -> dict[str, Grouper]:
    """Return a grouper and those that it is compared with on unseen views."""
    two = FixedCount(n_groups=2)
    fixed = {f"{n} groups": Grouper(encoder=grouper.encoder, chooser=FixedCount(n_groups=n)) for n in (2, 4, 8)}
    return {
        "double DQN": grouper,
        **fixed,
        "2, plain statistics": Grouper(encoder=last_slot, chooser=two),
        "2, components": Grouper(encoder=principal_components, chooser=two),
    }


def held_out(views: RecordedViews, grouper: Grouper, *, n_splits: int, rng: np.random.Generator) -> HeldOut:
    """Split the views again and again; form groups on one half, and judge them on the other.

    Beside `rivals` there are groups by taste (the type that a user watched most) and one curve per user.
    """
    gains: dict[str, list[np.ndarray]] = {}
    rows, gaps = [], []
    for _ in range(n_splits):
        first, second = halve(views, rng=rng)
        data, start = (first.view_type, first.view_fraction), int(rng.integers(2**31))
        labels = {
            name: one.group_users(*data, rng=np.random.default_rng(start)) for name, one in rivals(grouper).items()
        }
        group = labels["double DQN"]
        labels["groups by taste"] = (first.view_type[..., None] == np.arange(len(first.type_names))).sum(2).argmax(-1)
        for name, each in labels.items():
            gains.setdefault(name, []).append(likelihood_gain(each, first, second)[0])
        gains.setdefault("one curve per user", []).append(gain_of_own_curves(first, second))
        curves = curves_of(group, first)
        gaps.append(gaps_by_type(curves, curves_of(group, second)))
        best = crowd_of(grouper.encoder, *data, rng=np.random.default_rng(start)).best()
        rows.append((widest_pair(curves).video_type, int(group.max()) + 1, best))
    columns = (np.array(column) for column in zip(*rows, strict=True))
    return HeldOut({name: np.mean(each, axis=0) for name, each in gains.items()}, gaps, *columns)


def gain_of_own_curves(first: RecordedViews, second: RecordedViews) -> Float[np.ndarray, " user"]:
    """Return what one curve per user gains on unseen views over everybody's (nats per view)."""
    n_users, logs = first.view_type.shape[1], []
    for labels, prior in ((np.arange(n_users), _OWN_PRIOR), (np.zeros(n_users, dtype=np.int64), 20.0)):
        size = {"n_groups": int(labels.max()) + 1, "n_types": len(first.type_names)}
        curves = GroupSwipeCurves.estimate(
            labels[None], first.view_type, first.view_fraction, **size, prior_views=prior
        )
        logs.append(curves.log_likelihood(labels[None], second.view_type, second.view_fraction).sum(axis=2)[0])
    return (logs[0] - logs[1]) / (second.view_type >= 0).sum(axis=2)[0]


def percent_interval(nats: Float[np.ndarray, " sample"]) -> tuple[float, float, float]:
    """Return how much more probable (percent) a mean gain in nats makes a view, with the ends of its t interval."""
    mean, half = t_interval(nats)
    more, low, high = (float(100 * np.expm1(value)) for value in (mean, mean - half, mean + half))
    return more, low, high


class Leakage(NamedTuple):
    """The widest gap between groups of a crowd in which all users are alike, and what the groups would save."""

    same: Float[np.ndarray, " crowd"]
    fresh: Float[np.ndarray, " crowd"]
    saving: Float[np.ndarray, " crowd"]  # nats per user


def nothing_to_find(
    grouper: Grouper, *, n_users: int = 60, n_views: int = 40, n_crowds: int, rng: np.random.Generator
) -> Leakage:
    """Group crowds whose users all swipe by one law, so that there is nothing to find."""
    rows = []
    for _ in range(n_crowds):
        views = generated_views(n_users, n_views, planted_classes(1, rng=rng), rng=rng)
        first, second = halve(views, rng=rng)
        group = grouper.group_users(first.view_type, first.view_fraction, rng=rng)
        gap = widest_gap(curves_of(group, first), curves_of(group, second))
        rows.append((gap.same, gap.fresh, description_saving(group, first.view_type, first.view_fraction)[0]))
    return Leakage(*(np.array(column) for column in zip(*rows, strict=True)))
