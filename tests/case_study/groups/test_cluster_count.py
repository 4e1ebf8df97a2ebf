"""The number of groups: the saving by hand, the environment's contract, what the shipped network is worth."""

import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_of_sb3

from gdt_tutorial.agents.ddqn import DoubleDQNConfig
from gdt_tutorial.case_study.groups.cluster_count import (
    N_STATES,
    BySaving,
    GroupingEnvironment,
    LearnedCount,
    WatchedCrowd,
    count_network,
    crowd_state,
    description_saving,
    train_cluster_count,
)
from gdt_tutorial.case_study.groups.group_swipe_curves import GroupSwipeCurves
from gdt_tutorial.case_study.groups.grouping import BySilhouette, CountChooser, Crowd, FixedCount
from gdt_tutorial.case_study.groups.planted import planted_classes, planted_views
from gdt_tutorial.case_study.groups.trained_grouping import pretrained_grouper
from gdt_tutorial.case_study.groups.windows import last_slot, view_windows
from gdt_tutorial.seeding import stream, torch_stream


def watched(n_classes=3, n_users=60, n_views=100, seed=0, encoder=last_slot):
    """Return a planted crowd and the class of each user."""
    rng = stream(seed, "test crowd")
    truth, kind, fraction = planted_views(planted_classes(n_classes, rng=rng), n_users, n_views, rng=rng)
    crowd = Crowd(encoder(view_windows(kind, fraction))[0], rng=stream(seed, "k-means"))
    return WatchedCrowd(crowd, kind[0], fraction[0]), truth, kind, fraction


def test_saving_equals_the_formula():
    _, truth, kind, fraction = watched(n_classes=2)
    logs = []
    for labels in (truth, 0 * truth):
        curves = GroupSwipeCurves.estimate(labels, kind, fraction, n_groups=2, n_types=4, n_bins=8)
        logs.append(curves.log_likelihood(labels, kind, fraction).sum())
    share = np.bincount(truth[0]) / 60
    names = 60 * (share * np.log(share)).sum()
    expected = (logs[0] - logs[1] - 8 / 2 * np.log(6000) + names) / 60
    assert description_saving(truth, kind, fraction)[0] == pytest.approx(expected)


def test_one_group_saves_nothing_and_chance_groups_of_users_alike_cost():
    _, truth, kind, fraction = watched()
    assert description_saving(0 * truth, kind, fraction)[0] == pytest.approx(0)
    shuffled = stream(0, "shuffle").permuted(truth, axis=1)
    assert description_saving(shuffled, kind, fraction)[0] < description_saving(truth, kind, fraction)[0] / 2
    _, _, kind, fraction = watched(n_classes=1)
    assert description_saving(shuffled, kind, fraction)[0] < 0


def test_more_groups_are_no_reward_in_themselves():
    views = watched(n_classes=2)[0]
    savings = [views.saving(k) for k in range(2, 9)]
    assert views.best() == 2
    assert (np.diff(savings) < 0).all()


@pytest.mark.parametrize("n_classes", [2, 3, 4, 5, 6])
def test_the_saving_is_largest_near_the_planted_number(n_classes):
    best = [watched(n_classes, seed=seed)[0].best() for seed in range(3)]
    assert abs(np.median(best) - n_classes) <= 1


def test_environment_keeps_the_contracts():
    environment = GroupingEnvironment([watched()[0]])
    check_env(environment, skip_render_check=True)
    check_env_of_sb3(environment)


def test_episode_rewards_its_last_try_alone():
    crowd = watched(n_classes=2)[0]
    environment = GroupingEnvironment([crowd], n_tries=2)
    state, info = environment.reset(seed=0)
    assert state.shape == (N_STATES,)
    assert info["action_mask"].all()
    _, reward, terminated, truncated, _ = environment.step(6)
    assert (reward, terminated, truncated) == (0.0, False, False)
    state, reward, terminated, truncated, _ = environment.step(2)
    assert (reward, terminated, truncated) == (-crowd.regret(4), True, False)
    np.testing.assert_array_equal(state, crowd_state(crowd.crowd, [8, 4]))


def test_small_crowd_masks_what_it_is_too_small_for():
    point = np.repeat(np.arange(3.0)[:, None], 2, axis=0)
    small = WatchedCrowd(Crowd(point, rng=stream(0, "crowd")), np.zeros((6, 4), dtype=np.int64), np.full((6, 4), 0.5))
    environment = GroupingEnvironment([small])
    _, info = environment.reset(seed=0)
    assert info["action_mask"].tolist() == [True, True] + 5 * [False]
    assert np.isfinite(environment.step(6)[0]).all()
    assert LearnedCount(count_network(generator=torch_stream(0))).choose(small.crowd) in (2, 3)


def test_training_follows_its_generator():
    crowds = [watched(k, n_users=20, n_views=20, seed=k)[0] for k in (2, 3, 4)]
    few = DoubleDQNConfig(n_steps=100, learning_starts=50, batch_size=16, capacity=100, validation_steps=100)
    first, again, other = (
        train_cluster_count(crowds, crowds, few, generator=torch_stream(seed)).layers[0].weight for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_shipped_network_is_within_one_of_the_planted_number_and_beats_constants_and_silhouette():
    grouper = pretrained_grouper()
    truth = np.array([2 + seed % 5 for seed in range(20)])
    crowds = [watched(int(k), seed=500 + seed, encoder=grouper.encoder)[0] for seed, k in enumerate(truth)]
    choosers: dict[str, CountChooser] = {"learned": grouper.chooser, "silhouette": BySilhouette()}
    choosers |= {f"constant {k}": FixedCount(n_groups=k) for k in range(2, 9)}
    chosen = {name: np.array([each.choose(crowd.crowd) for crowd in crowds]) for name, each in choosers.items()}
    error = {name: np.abs(counts - truth).mean() for name, counts in chosen.items()}
    regret = {
        name: np.mean([crowd.regret(int(k)) for crowd, k in zip(crowds, counts, strict=True)])
        for name, counts in chosen.items()
    }
    assert (np.abs(chosen["learned"] - truth) <= 1).mean() >= 0.8
    assert error["learned"] < min(value for name, value in error.items() if name != "learned")
    assert regret["learned"] < min(value for name, value in regret.items() if name != "learned")


def test_exhaustive_search_has_no_regret():
    crowd, _, kind, fraction = watched(n_classes=4)
    assert crowd.regret(BySaving(kind[0], fraction[0]).choose(crowd.crowd)) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GroupingEnvironment([]), "crowds must hold a crowd, got 0"),
        (lambda: GroupingEnvironment([watched()[0]], n_tries=0), "n_tries must be above 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
