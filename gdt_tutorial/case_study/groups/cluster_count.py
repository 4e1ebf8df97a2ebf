"""How many multicast groups: a double deep Q-network learns to choose the number for k-means++.

The paper names the method and gives neither state nor action nor reward. Ours:

Reward. What are groups for? Their swipe curves should say how their members swipe. So we ask how much shorter the views
become when told by means of groups (minimum description length; the same sum as the integrated completed likelihood of
Biernacki, Celeux and Govaert 2000). With k groups of shares s_g, N users, n views, and curves of B bins,

    saving(k) = 1/N (log-likelihood gained on one group's curve - (k - 1) B/2 ln n + sum over users of ln s_g)

in nats per user. The second term is what k - 1 further curves cost, and the third one is what naming each user's group costs.

It does not reward many groups as such: each further one costs. For training the best saving of a crowd is subtracted, so
that crowds with many views do not outshout the others; that moves all rewards of a crowd alike. The silhouette minus a
penalty, which would be the nearest choice, prefers two or three groups whatever the truth.

Action. A number of groups in 2 ... 8. An episode has four tries on one crowd. The last one is the choice, and it alone is
rewarded: the others are there to learn from.

State. Only what the points show: size of the crowd, variances, and silhouette and inertia for each number tried so far.
The saving is no part of it, so the trained network does without the views; an exhaustive search of the saving needs them.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, SupportsInt

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from jaxtyping import Float, Int
from torch import nn

from gdt_tutorial.agents.ddqn import DoubleDQNConfig, QNetwork, greedy, train_double_dqn
from gdt_tutorial.agents.evaluation import Validation
from gdt_tutorial.case_study.groups.group_swipe_curves import GroupSwipeCurves
from gdt_tutorial.case_study.groups.grouping import MAX_GROUPS, BySilhouette, Crowd
from gdt_tutorial.checkpoints import OutsideTrainingWarning, outside_training
from gdt_tutorial.configuration import require

__all__ = [
    "N_STATES",
    "N_TRIES",
    "TRAINING",
    "BySaving",
    "GroupingEnvironment",
    "LearnedCount",
    "WatchedCrowd",
    "count_network",
    "crowd_state",
    "description_saving",
    "train_cluster_count",
]

N_TRIES = 4
SAMPLE_USERS, N_SAMPLES = 100, 5
_COUNTS = np.arange(2, MAX_GROUPS + 1)
_N_TOP = 5
N_STATES = 3 + _N_TOP + 4 * len(_COUNTS)
_N_BINS = 8  # enough for the shape of a curve; each bin is a number to be paid for
_LIMIT = 100.0  # no entry of a state comes near

TRAINING = DoubleDQNConfig(
    n_steps=80_000,
    exploration_steps=40_000,
    steps_per_update=2,
    target_sync_steps=400,
    capacity=40_000,
    discount=1.0,
    validation_steps=8_000,
)


def description_saving(
    group: Int[np.ndarray, "batch user"],
    view_type: Int[np.ndarray, "batch user view"],
    view_fraction: Float[np.ndarray, "batch user view"],
) -> Float[np.ndarray, " batch"]:
    """Return by how many nats per user the groups shorten the views' description (the module's formula).

    Raises:
        ValueError: What `GroupSwipeCurves.estimate` refuses.
    """
    n_types, n_groups = int(view_type.max(initial=0)) + 1, int(group.max(initial=0)) + 1

    def likelihood(labels: np.ndarray, n_labels: int) -> np.ndarray:
        curves = GroupSwipeCurves.estimate(
            labels, view_type, view_fraction, n_groups=n_labels, n_types=n_types, n_bins=_N_BINS
        )
        return curves.log_likelihood(labels, view_type, view_fraction).sum(axis=(1, 2))

    size = np.eye(n_groups)[group].sum(axis=1)
    gain = likelihood(group, n_groups) - likelihood(np.zeros_like(group), 1)
    curve_cost = ((size > 0).sum(axis=1) - 1) * _N_BINS / 2 * np.log((view_type >= 0).sum(axis=(1, 2)))
    name_cost = -(size * np.log(np.maximum(size, 1) / group.shape[1])).sum(axis=1)
    return (gain - curve_cost - name_cost) / group.shape[1]


class WatchedCrowd:
    """A crowd together with the views that its points were made from, for training and for exhaustive search."""

    def __init__(
        self,
        crowd: Crowd,
        view_type: Int[np.ndarray, "user view"],
        view_fraction: Float[np.ndarray, "user view"],
    ) -> None:
        self.crowd, self._views, self._saved = crowd, (view_type[None], view_fraction[None]), dict[int, float]()

    def saving(self, n_groups: int) -> float:
        """Return the saving (nats per user) for a number of groups."""
        if n_groups not in self._saved:
            labels = self.crowd.labels(n_groups)[None]
            self._saved[n_groups] = float(description_saving(labels, *self._views)[0])
        return self._saved[n_groups]

    def best(self) -> int:
        """Return the number of groups with the largest saving: exhaustive search."""
        return max(self.crowd.counts, key=self.saving)

    def regret(self, n_groups: int) -> float:
        """Return how far a number of groups stays below the best one (nats per user)."""
        return self.saving(self.best()) - self.saving(n_groups)


def crowd_state(crowd: Crowd, tried: Sequence[int]) -> Float[np.ndarray, " state"]:
    """Return what an agent sees after trying some numbers of groups, the last one last."""
    variances = np.zeros(_N_TOP)
    top = crowd.variances[:_N_TOP]
    total = max(float(crowd.variances.sum()), 1e-12)
    variances[: len(top)] = np.log(np.maximum(top / total, 1e-4)) / 3
    is_tried = np.isin(_COUNTS, tried)
    silhouette, drop = np.zeros((2, len(_COUNTS)))
    for place in np.flatnonzero(is_tried):
        n_groups = int(_COUNTS[place])
        silhouette[place] = crowd.silhouette(n_groups)
        drop[place] = -np.log(max(crowd.inertia(n_groups), 1e-12) / (len(crowd.point) * total))
    is_last = _COUNTS == tried[-1] if tried else np.zeros(len(_COUNTS), dtype=bool)
    size = [len(crowd.point) / 60, np.log(total) / 3, len(tried) / N_TRIES]
    return np.concatenate([size, variances, is_tried, silhouette, drop / 2, is_last]).astype(np.float32)


class GroupingEnvironment(gym.Env):
    """Try a few numbers of groups on a crowd. Action a means a + 2 groups; the reward is minus the last try's regret.

    Args:
        crowds: Each episode plays on one of these, by chance.
        n_tries: Length of an episode.

    Raises:
        ValueError: No crowd, or no try.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, crowds: Sequence[WatchedCrowd], *, n_tries: int = N_TRIES) -> None:
        require(len(crowds) > 0, "crowds", "hold a crowd", len(crowds), "pass at least one")
        require(n_tries > 0, "n_tries", "be above 0", n_tries, "an episode needs a try")
        self._crowds, self._n_tries = crowds, n_tries
        self.action_space = spaces.Discrete(len(_COUNTS))
        self.observation_space = spaces.Box(-_LIMIT, _LIMIT, (N_STATES,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """Draw a crowd; nothing has been tried on it."""
        super().reset(seed=seed)
        self._watched = self._crowds[int(self.np_random.integers(len(self._crowds)))]
        self._tried: list[int] = []
        return self._observe()

    def step(self, action: SupportsInt) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Try a number of groups; one that the crowd is too small for counts as its largest."""
        n_groups = min(int(action) + 2, self._watched.crowd.counts[-1])
        self._tried.append(n_groups)
        is_over = len(self._tried) == self._n_tries
        state, info = self._observe()
        return state, -self._watched.regret(n_groups) if is_over else 0.0, is_over, False, info

    def _observe(self) -> tuple[np.ndarray, dict]:
        crowd = self._watched.crowd
        return crowd_state(crowd, self._tried), {"action_mask": np.isin(_COUNTS, crowd.counts)}


class LearnedCount:
    """The trained network's choice after its tries (a `CountChooser`).

    Of a crowd that is larger than those that the network knows it sees `N_SAMPLES` samples of as many users as it is used to,
    and the median of its answers counts; of a smaller one the silhouette chooses. Both come with an
    `OutsideTrainingWarning`.

    Args:
        network: From states to values.
        n_users: Smallest and largest crowd that the network knows; None for any.
    """

    def __init__(self, network: nn.Module, n_users: tuple[int, int] | None = None) -> None:
        self.network, self.n_users = network, n_users

    def choose(self, crowd: Crowd) -> int:
        """Try `N_TRIES` numbers of groups, each by the best value, and return the last."""
        n_users = len(crowd.point)
        if not (note := self.note(n_users)):
            return self._choose(crowd)
        warnings.warn(note, OutsideTrainingWarning, stacklevel=2)
        if self._is_small(n_users):
            return BySilhouette().choose(crowd)
        return int(np.median([self._choose(part) for part in crowd.samples(SAMPLE_USERS, N_SAMPLES)]))

    def note(self, n_users: int) -> str:
        """Return the sentence about a crowd that the network does not know; "" for one that it knows."""
        of_samples = f"it chooses for {N_SAMPLES} samples of {SAMPLE_USERS} of them, and the median counts"
        instead = "the silhouette chooses" if self._is_small(n_users) else of_samples
        return outside_training("The network for the number of groups", "users", self.n_users, n_users, instead)

    def _is_small(self, n_users: int) -> bool:
        return self.n_users is not None and n_users < self.n_users[0]

    def _choose(self, crowd: Crowd) -> int:
        policy, tried = greedy(self.network), list[int]()
        mask = torch.from_numpy(np.isin(_COUNTS, crowd.counts))[None]
        for _ in range(N_TRIES):
            state = torch.from_numpy(crowd_state(crowd, tried))[None]
            tried.append(int(_COUNTS[int(policy(state, mask)[0])]))
        return tried[-1]


class BySaving:
    """The number with the largest saving, by trying all (a `CountChooser`). It knows the views of the crowds.

    Args:
        view_type: Of one environment.
        view_fraction: Of one environment.
    """

    def __init__(self, view_type: Int[np.ndarray, "user view"], view_fraction: Float[np.ndarray, "user view"]) -> None:
        self._views = view_type, view_fraction

    def choose(self, crowd: Crowd) -> int:
        """Return the best number of `crowd.counts`."""
        return WatchedCrowd(crowd, *self._views).best()


def train_cluster_count(
    crowds: Sequence[WatchedCrowd],
    validation_crowds: Sequence[WatchedCrowd],
    config: DoubleDQNConfig = TRAINING,
    *,
    generator: torch.Generator,
    on_update: Callable[[int, float], object] | None = None,
) -> QNetwork:
    """Train a double deep Q-network for `LearnedCount`; the weights with the best validation are kept.

    Args:
        crowds: To learn from.
        validation_crowds: Others, to choose the weights by.
        config: How long and how fast.
        generator: Draws first weights, crowds and exploration.
        on_update: Called with the step and the loss, for a progress bar.
    """
    network = count_network(generator=generator)
    envs, others = (SyncVectorEnv([partial(GroupingEnvironment, part)] * 8) for part in (crowds, validation_crowds))
    validation = Validation(others, 400, generator=generator)
    train_double_dqn(network, envs, config, generator=generator, validation=validation, on_update=on_update)
    return network


def count_network(*, generator: torch.Generator) -> QNetwork:
    """Return an untrained Q-network for the states and actions of `GroupingEnvironment`."""
    return QNetwork(N_STATES, len(_COUNTS), (64, 64), generator=generator)
