"""How much better than usual a logged decision was: its advantage, and the rank of it.

"By modeling the network management process as a return-conditional diffusion model" (the paper, Generative AI) the return is
what is asked for. But most of a return says how good the *state* was, and much of the rest is chance. Asking for a high return
then asks for lucky states. So what the state says is subtracted, and what chance has done where the log tells it:

    advantage = return - E[return | state, chance that the decision did not touch]
    rank      = place of the advantage among all, from 0 (worst) to 1 (best)

The logged chance is a control variate: it does not depend on the decision, so that its share can be taken out without a bias,
and the noise of the advantage falls. The expectation is a regression by boosted trees. It is cross-fitted: no return is
explained by trees that have learned from its own episode.

Sources: Schulman et al. 2016 (advantage); control variates for chance that is logged: Mao et al. 2019, "Variance reduction for
reinforcement learning in input-driven environments"; cross-fitting: Chernozhukov et al. 2018. Trees: scikit-learn. The decision
diffuser (Ajay et al. 2023) conditions on the return itself; we differ, since on our logs that return is mostly the state.
"""

import numpy as np
from jaxtyping import Float, Int
from sklearn.ensemble import HistGradientBoostingRegressor

from gdt_tutorial.configuration import require

__all__ = ["advantage", "rank_of"]


def advantage(
    returns: Float[np.ndarray, " batch"],
    known: Float[np.ndarray, "batch feature"],
    episode: Int[np.ndarray, " batch"],
    n_folds: int = 2,
    n_trees: int = 100,
) -> Float[np.ndarray, " batch"]:
    """Return by how much each return is above what others with the same state got.

    Args:
        returns: What followed each decision.
        known: The state of each, and logged chance that the decision did not touch.
        episode: Samples of one episode are explained by the others' trees.
        n_folds: Sets of episodes.
        n_trees: Boosting rounds of each regression.

    Raises:
        ValueError: Fewer than two folds, or fewer episodes than folds.
    """
    n_episodes = len(np.unique(episode))
    require(n_folds > 1, "n_folds", "be above 1", n_folds, "no return may explain itself")
    require(n_episodes >= n_folds, "episode", f"name {n_folds} or more", n_episodes, "log more, or take fewer folds")
    fold = np.unique(episode, return_inverse=True)[1] % n_folds
    expected = np.empty_like(returns)
    for held_out in range(n_folds):
        is_out = fold == held_out
        trees = HistGradientBoostingRegressor(max_iter=n_trees, early_stopping=False, random_state=0)
        expected[is_out] = trees.fit(known[~is_out], returns[~is_out]).predict(known[is_out])
    return returns - expected


def rank_of(values: Float[np.ndarray, " batch"]) -> Float[np.ndarray, " batch"]:
    """Return the place of each value among all, from 0 for the least to 1 for the largest; equals share their place.

    >>> rank_of(np.array([3.0, 1.0, 2.0])).tolist()
    [1.0, 0.0, 0.5]

    Raises:
        ValueError: Fewer than two values.
    """
    require(len(values) > 1, "values", "hold two or more", len(values), "a rank needs others")
    ordered = np.sort(values)
    below, up_to = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return (below + up_to - 1) / 2 / (len(values) - 1)
