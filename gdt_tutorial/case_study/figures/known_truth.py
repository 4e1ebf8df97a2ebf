"""How good are swipe curves, descriptions of users and numbers of groups, where the truth is known?

The truth is known of planted crowds (`groups/planted.py`) and of the embedded generator. What can be measured on any views,
without a truth, is in `held_out.py`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gdt_tutorial.case_study.figures.fig4 import generated_views, halve, likelihood_gain
from gdt_tutorial.case_study.groups.cluster_count import WatchedCrowd
from gdt_tutorial.case_study.groups.group_swipe_curves import GroupSwipeCurves
from gdt_tutorial.case_study.groups.grouping import MAX_GROUPS, BySilhouette, CountChooser, Crowd, FixedCount, stability
from gdt_tutorial.case_study.groups.planted import PlantedViews, planted_classes, planted_views
from gdt_tutorial.case_study.groups.windows import N_SLOTS, Encoder, last_slot, status_windows, view_windows
from gdt_tutorial.physical.channel import ChannelConfig, expected_snr_db
from gdt_tutorial.physical.mobility import LevyFlightConfig, trajectory
from gdt_tutorial.physical.swipes import SwipeGenerator, SwipeGeneratorConfig
from gdt_tutorial.physical.topology import Topology

__all__ = [
    "CountsChosen",
    "classes_found",
    "count_rivals",
    "counts_chosen",
    "crowd_of",
    "curve_errors",
    "gains_by_count",
    "known_curves",
    "planted_crowds",
    "whole_status",
]

_CLASSES = range(3, 7)  # planted in turn where descriptions are compared
_SLOT_S = 60.0  # of the walks behind the whole status


def known_curves(config: SwipeGeneratorConfig, n_bins: int = 20) -> Float[np.ndarray, "group type edge"]:
    """Return the generator's true cumulative swipe probability of each class and video type."""
    classes = np.arange(len(config.class_names))
    law = SwipeGenerator(config=config, user_class=classes)
    place = np.meshgrid(np.linspace(0, 1, n_bins + 1), classes, np.arange(config.n_types), indexing="ij")
    return np.moveaxis(law.cumulative_swipe(*place), 0, -1)


def curve_errors(
    n_views: Sequence[int],
    prior_views: Sequence[float],
    *,
    n_users: int = 20,
    n_later: int = 25,
    n_crowds: int,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, "prior amount crowd"], Float[np.ndarray, "prior amount crowd"]]:
    """Return the error of curves whose truth is known, and which share of later views they call impossible.

    The error is the mean distance to the generator's law over its classes, types and edges. The class of each user is given.

    Args:
        n_views: Views per user, one entry per amount.
        prior_views: The n0 of the shrinkage.
        n_users: Users of a crowd.
        n_later: Further views of each user, to see what a curve calls impossible.
        n_crowds: Crowds for each amount.
        rng: Draws them.
    """
    config = SwipeGeneratorConfig()
    truth, size = known_curves(config), {"n_groups": len(config.class_names), "n_types": config.n_types}
    error, impossible = np.zeros((2, len(prior_views), len(n_views), n_crowds))
    for amount, crowd in np.ndindex(len(n_views), n_crowds):
        cut = n_views[amount]
        group, kind, fraction = planted_views(config, n_users, cut + n_later, rng=rng)
        for place, prior in enumerate(prior_views):
            curves = GroupSwipeCurves.estimate(group, kind[..., :cut], fraction[..., :cut], **size, prior_views=prior)
            error[place, amount, crowd] = np.abs(curves.cumulative()[0] - truth).mean()
            with np.errstate(divide="ignore"):
                chance = curves.log_likelihood(group, kind[..., cut:], fraction[..., cut:])
            impossible[place, amount, crowd] = np.isinf(chance).mean()
    return error, impossible


def whole_status(
    view_type: Int[np.ndarray, "batch user view"],
    view_fraction: Float[np.ndarray, "batch user view"],
    *,
    rng: np.random.Generator,
) -> Float[np.ndarray, "batch user latent"]:
    """Describe users of one campus by everything that a twin knows: position and channel of a walk, taste, and swipes."""
    topology, n_users = Topology.waterloo(), view_type.shape[1]
    position_m = trajectory(LevyFlightConfig(), topology.campus, n_users, N_SLOTS, _SLOT_S, rng=rng)
    snr_db = expected_snr_db(position_m, topology, ChannelConfig()).max(axis=-1)
    taste = (view_type[..., None] == np.arange(int(view_type.max()) + 1)).mean(axis=2)
    window = view_windows(view_type, view_fraction)
    return last_slot(status_windows(window, snr_db.T[None], position_m.swapaxes(0, 1)[None], taste))


def classes_found(
    encoders: Mapping[str, Encoder],
    n_views: Sequence[int],
    *,
    n_users: int = 60,
    n_crowds: int,
    rng: np.random.Generator,
) -> dict[str, Float[np.ndarray, "amount crowd"]]:
    """Return how well k-means++ finds planted classes again, given their number: the adjusted Rand index.

    All descriptions meet the same crowds, of three to six classes in turn. "whole status" is added to them.

    Args:
        encoders: Descriptions of a user, by name.
        n_views: Views per user, one entry per amount.
        n_users: Users of a crowd.
        n_crowds: Crowds for each amount.
        rng: Draws them.
    """
    found = {name: np.zeros((len(n_views), n_crowds)) for name in [*encoders, "whole status"]}
    for amount, crowd in np.ndindex(len(n_views), n_crowds):
        n_classes = _CLASSES[crowd % len(_CLASSES)]
        truth, *views = planted_views(planted_classes(n_classes, rng=rng), n_users, n_views[amount], rng=rng)
        window = view_windows(*views)
        points = {name: encode(window) for name, encode in encoders.items()}
        points["whole status"] = whole_status(*views, rng=rng)
        start = int(rng.integers(2**31))
        for name, point in points.items():
            labels = Crowd(point[0], rng=np.random.default_rng(start)).labels(n_classes)
            found[name][amount, crowd] = stability(labels[None], truth)[0]
    return found


def crowd_of(
    encoder: Encoder,
    view_type: Int[np.ndarray, "batch user view"],
    view_fraction: Float[np.ndarray, "batch user view"],
    *,
    rng: np.random.Generator,
) -> WatchedCrowd:
    """Return the users of one campus as points, together with the views behind them."""
    crowd = Crowd(encoder(view_windows(view_type, view_fraction))[0], rng=rng)
    return WatchedCrowd(crowd, view_type[0], view_fraction[0])


class CountsChosen(NamedTuple):
    """What choosers of a number of groups answered, and what it saves; "exhaustive" is the best of all numbers."""

    chosen: dict[str, Int[np.ndarray, "truth crowd"]]
    saving: dict[str, Float[np.ndarray, "truth crowd"]]  # nats per user

    def regret_percent(self, name: str) -> float:
        """Return which part of the best saving a chooser gives away, over all crowds."""
        return float(100 * (1 - self.saving[name].mean() / self.saving["exhaustive"].mean()))

    def within_one_percent(self, name: str, truth: Sequence[int]) -> float:
        """Return how often a chooser is at most one off the truth."""
        return float(100 * (np.abs(self.chosen[name] - np.asarray(truth)[:, None]) <= 1).mean())


def count_rivals(chooser: CountChooser) -> dict[str, CountChooser]:
    """Return a chooser, the silhouette, and every constant ("always 2" ...)."""
    constant = {f"always {n}": FixedCount(n_groups=n) for n in range(2, MAX_GROUPS + 1)}
    return {"double DQN": chooser, "silhouette": BySilhouette(), **constant}


def counts_chosen(
    choosers: Mapping[str, CountChooser],
    encoder: Encoder,
    crowds: Sequence[Sequence[PlantedViews]],
    *,
    rng: np.random.Generator,
) -> CountsChosen:
    """Let choosers answer on the same crowds, and compare with the exhaustive search of the saving.

    Args:
        choosers: By name.
        encoder: From windows to points.
        crowds: For each truth as many crowds.
        rng: Starts k-means++.
    """
    shape = len(crowds), len(crowds[0])
    names = [*choosers, "exhaustive"]
    chosen = {name: np.zeros(shape, dtype=np.int64) for name in names}
    saving = {name: np.zeros(shape) for name in names}
    for place in np.ndindex(shape):
        _, *views = crowds[place[0]][place[1]]
        watched = crowd_of(encoder, *views, rng=rng)
        answers = {name: chooser.choose(watched.crowd) for name, chooser in choosers.items()}
        for name, answer in {**answers, "exhaustive": watched.best()}.items():
            chosen[name][place], saving[name][place] = answer, watched.saving(answer)
    return CountsChosen(chosen, saving)


def planted_crowds(
    n_classes: Sequence[int], *, n_users: int = 60, n_views: int = 100, n_crowds: int, rng: np.random.Generator
) -> list[list[PlantedViews]]:
    """Draw `n_crowds` crowds for each number of classes."""
    return [
        [planted_views(planted_classes(n, rng=rng), n_users, n_views, rng=rng) for _ in range(n_crowds)]
        for n in n_classes
    ]


def gains_by_count(
    encoder: Encoder,
    n_users: Sequence[int],
    n_groups: Sequence[int],
    *,
    n_classes: int = 6,
    spread: float = 0.65,
    n_views: int = 34,
    n_users_in_all: int,
    rng: np.random.Generator,
) -> dict[int, Float[np.ndarray, "crowd count"]]:
    """Return what groups gain on unseen views (nats per view), by the size of the crowd and the number of groups.

    Every crowd has the same many classes of viewers, and they are close to each other. Smaller crowds are drawn more often.

    Args:
        encoder: From windows to points.
        n_users: Sizes of a crowd.
        n_groups: Numbers of groups to be tried.
        n_classes: Classes planted.
        spread: How far apart they are, as `planted_classes` has it.
        n_views: Views of a user; half of them form the groups.
        n_users_in_all: Users of each size, over all its crowds.
        rng: Draws everything.
    """
    gains = {}
    for size in n_users:
        rows = []
        for _ in range(max(1, n_users_in_all // size)):
            kinds = planted_classes(n_classes, spread=spread, rng=rng)
            first, second = halve(generated_views(size, n_views, kinds, rng=rng), rng=rng)
            crowd = crowd_of(encoder, first.view_type, first.view_fraction, rng=rng).crowd
            rows.append([likelihood_gain(crowd.labels(n)[None], first, second)[0].mean() for n in n_groups])
        gains[size] = np.array(rows)
    return gains
