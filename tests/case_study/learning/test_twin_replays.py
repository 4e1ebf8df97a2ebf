"""Replays in drawn futures: one future for both of a pair, and the same future as the oracle where nothing is left open."""

from dataclasses import replace

import numpy as np
import pytest

from gdt_tutorial.case_study.learning.counterfactual import CounterfactualConfig
from gdt_tutorial.case_study.learning.training import myopic_search, swipe_aware_lists
from gdt_tutorial.case_study.learning.twin_replays import GroupSwipes, held_channels, replay_changes
from gdt_tutorial.seeding import stream
from gdt_tutorial.twin.swipe_model import SwipeModel
from tests.case_study.campuses import greedy, small_campuses

N_SLOTS = 9
TINY = CounterfactualConfig(every_slots=2, n_copies=3, n_horizon=3)


def replays(seed=0, n_draws=3, config=TINY, n_slots=N_SLOTS):
    campuses = small_campuses(n_batch=2, seed=4)
    parts = campuses, swipe_aware_lists, myopic_search, greedy
    return replay_changes(*parts, n_slots, config, n_draws=n_draws, rng=stream(seed, "replays"))


class TestReplayChanges:
    def test_shapes_fit_and_changes_are_worth_something(self):
        found = replays()
        n = len(found.true)
        assert n > 10
        assert found.believed.shape == found.unpaired.shape == (3, n)
        assert found.nothing.shape[0] == 3
        assert np.abs(found.true).max() > 0
        assert np.abs(found.believed).max() > 0

    def test_the_mistake_is_the_pair_plus_a_change_of_nothing(self):
        found = replays()
        noise = found.unpaired - found.believed
        # Every difference between the two is one that a cell without any change shows as well.
        known = np.unique(np.round(found.nothing, 9))
        assert np.isin(np.round(noise, 9), known).all()
        assert np.abs(noise).max() > 0

    def test_drawn_futures_differ_and_cancel_over_all_draws(self):
        found = replays()
        assert (found.believed[0] != found.believed[1]).any()
        np.testing.assert_allclose(found.nothing.sum(axis=0), 0.0, atol=1e-9)  # each future is met once either way

    def test_the_same_seed_gives_the_same_and_another_one_others(self):
        one, again, other = replays(0), replays(0), replays(1)
        np.testing.assert_array_equal(one.believed, again.believed)
        assert one.believed.shape != other.believed.shape or (one.believed != other.believed).any()

    def test_bad_sizes_are_refused(self):
        with pytest.raises(ValueError, match="n_draws must be at least 2, got 1"):
            replays(n_draws=1)
        with pytest.raises(ValueError, match="n_slots must be at least n_horizon \\+ every_slots = 10"):
            replays(config=replace(TINY, n_horizon=8))


class TestGroupSwipes:
    def test_draws_follow_the_curves_of_the_viewers_group(self):
        campuses = small_campuses(n_batch=2, seed=4)
        swipes = GroupSwipes(campuses.curves, campuses.group)
        assert isinstance(swipes, SwipeModel)
        env, user, n = 1, 3, 20_000
        viewer, kind = np.full(n, env * campuses.group.shape[1] + user), np.full(n, 2)
        fraction = swipes.sample_fraction(viewer, kind, rng=stream(0, "views"))
        survival = campuses.curves.survival_at[env, campuses.group[env, user], 2]
        edge = np.linspace(0, 1, len(survival))
        stays = [(fraction > each).mean() for each in edge[1:-1]]
        np.testing.assert_allclose(stays, survival[1:-1], atol=0.02)

    def test_nobody_has_watched_less_than_was_played(self):
        campuses = small_campuses(n_batch=1, seed=4)
        swipes = GroupSwipes(campuses.curves, campuses.group)
        viewer, played = np.arange(16), np.linspace(0, 0.9, 16)
        rest = swipes.sample_rest(viewer, np.zeros(16, dtype=int), played, rng=stream(0, "rest"))
        assert (rest >= played).all()
        assert (rest <= 1).all()


def test_held_channels_repeat_this_moment():
    campuses = small_campuses(n_batch=1, seed=4)
    telemetry = campuses.network.reset(campuses.group)
    held = held_channels(telemetry, 3)
    assert held.snr_db.shape[2] == 3
    np.testing.assert_array_equal(held.snr_db[:, :, 2], telemetry.snr_db)
    np.testing.assert_array_equal(held.position_m[:, :, 0], telemetry.position_m)
