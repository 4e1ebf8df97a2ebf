"""Slots that are played again: exact without a change, and a change is learned from its difference."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from gdt_tutorial.case_study.learning.counterfactual import (
    Changes,
    CounterfactualConfig,
    Trajectory,
    collect_changes,
    learn_changes,
)
from gdt_tutorial.case_study.learning.training import PRIORS, myopic_search, swipe_aware_lists
from gdt_tutorial.physical.batch import joined, take
from gdt_tutorial.seeding import stream, torch_stream
from gdt_tutorial.solutions.data_model.cell_state import N_OWN
from gdt_tutorial.solutions.data_model.version_network import VersionNetwork, preferred
from gdt_tutorial.twin.abstraction.features import Features
from tests.case_study.campuses import greedy, small_campuses

N_SLOTS, N_HORIZON, N_COPIES = 9, 4, 3
TINY = CounterfactualConfig(every_slots=2, n_copies=3, n_horizon=3, n_updates=5, batch_size=8)


def own_trajectory(campuses):
    """Return every user's QoE in every slot of an episode, as the network itself tells it."""
    buffering, rule, scheduler = swipe_aware_lists(campuses), myopic_search(campuses), greedy(campuses)
    telemetry, qoe = campuses.network.reset(campuses.group), []
    for _ in range(N_SLOTS):
        features = buffering.abstract_session(telemetry.session, telemetry.snr_db)
        telemetry = campuses.network.step(scheduler.schedule(features, rule.select(features)))
        qoe.append(telemetry.service.qoe)
    return np.stack(qoe)


def trajectory_again(campuses):
    return Trajectory(
        campuses, swipe_aware_lists(campuses), myopic_search(campuses), greedy(campuses), N_SLOTS, N_COPIES
    )


def repeated(features):
    return Features(
        **{field.name: np.concatenate([getattr(features, field.name)] * N_COPIES) for field in fields(Features)}
    )


def replayed(trajectory, slot, change=None):
    """Play on from `slot` in three copies; `change` alters the versions of all of them (copy, batch, subgroup)."""
    scheme, telemetry = trajectory.scheme, trajectory.telemetry[slot]
    one = scheme.buffering.abstract_session(telemetry.session, telemetry.snr_db)
    own = scheme.versions.select(one)
    tried = np.stack([own] * N_COPIES)
    tried = tried if change is None else change(tried)
    qoe = trajectory.replay(slot, N_HORIZON, tried.reshape(-1, own.shape[1]), repeated(one))
    return qoe.reshape(N_HORIZON, N_COPIES, len(own), -1)


def changes_of(seed=0, config=TINY, **options):
    campuses = small_campuses(n_batch=2, seed=4)
    return collect_changes(
        campuses,
        swipe_aware_lists,
        myopic_search,
        greedy,
        PRIORS,
        N_SLOTS,
        config,
        rng=stream(seed, "changes"),
        **options,
    )


def equal(left, right):
    return all(torch.equal(getattr(left, field.name), getattr(right, field.name)) for field in fields(Changes))


class TestReplay:
    def test_without_a_change_it_is_what_the_network_went_through(self):
        campuses = small_campuses(n_batch=2, seed=4)
        qoe = own_trajectory(campuses)
        assert np.abs(qoe[2:]).max() > 0.5
        for slot in (0, 2, 5):
            again = replayed(trajectory_again(campuses), slot)
            for copy in range(N_COPIES):
                np.testing.assert_allclose(again[:, copy], qoe[slot : slot + N_HORIZON], atol=1e-9)

    def test_a_change_shows_where_it_was_made_and_from_the_next_slot_on(self):
        trajectory = trajectory_again(small_campuses(n_batch=2, seed=4))

        def change(tried):
            tried[1, 0] = (tried[1, 0] + 1) % 4  # in the second copy, at the first campus
            return tried

        plain, changed = replayed(trajectory, 3), replayed(trajectory, 3, change)
        np.testing.assert_array_equal(changed[:, [0, 2]], plain[:, [0, 2]])
        np.testing.assert_array_equal(changed[:, 1, 1], plain[:, 1, 1])
        np.testing.assert_array_equal(changed[0], plain[0])  # what this slot plays had arrived before
        assert (changed[1:, 1, 0] != plain[1:, 1, 0]).any()

    def test_playing_again_leaves_the_course_as_it_was(self):
        trajectory = trajectory_again(small_campuses(n_batch=2, seed=4))
        first, _, again = replayed(trajectory, 2), replayed(trajectory, 5), replayed(trajectory, 2)
        np.testing.assert_array_equal(first, again)


class TestCollectChanges:
    def test_every_row_is_a_change_among_legal_versions(self):
        changes = changes_of()
        n = len(changes)
        assert n > 10
        assert changes.state.shape[0] == changes.mask.shape[0] == n
        assert (changes.action != changes.other).any(dim=1).all()
        is_active = changes.mask.any(dim=-1)
        assert not ((changes.action != changes.other) & ~is_active).any()
        for versions in (changes.action, changes.other):
            assert ((versions >= 0) & (versions < 4)).all()
        assert changes.difference.abs().max() > 0
        assert torch.isfinite(changes.difference).all()
        assert torch.isfinite(changes.returns).all()

    def test_the_action_is_that_of_the_policy(self):
        changes, n_row = changes_of(), N_OWN + 4 * 3
        is_active = changes.mask.any(dim=-1)
        assert torch.equal(preferred(changes.state, changes.mask, n_row)[is_active], changes.action[is_active])

    def test_returns_are_those_of_the_policy_over_the_horizon(self):
        campuses = small_campuses(n_batch=2, seed=4)
        qoe, trajectory, expected = own_trajectory(campuses), trajectory_again(campuses), []
        for slot in range(N_SLOTS - TINY.n_horizon):
            value = qoe[slot + 1] + 0.5 * qoe[slot + 2]  # this slot itself is settled
            ap = trajectory.telemetry[slot].session.serving_ap
            # Two access points for 16 users: as if each of them had 8.
            expected += [(value * (ap == which)).sum(axis=1) / 8 for which in (0, 1)]
        found = torch.unique(changes_of(config=replace(TINY, discount=0.5)).returns).numpy()
        assert len(found) > 4
        assert np.abs(found[:, None] - np.ravel(expected)).min(axis=1).max() < 1e-5

    def test_the_same_seed_gives_the_same_changes_and_another_one_others(self):
        assert equal(changes_of(0), changes_of(0))
        one, other = changes_of(0), changes_of(1)
        assert len(one) != len(other) or not equal(one, other)

    def test_joined_parts_are_all_there(self):
        one, other = changes_of(0), changes_of(1)
        both = joined([one, other])
        assert len(both) == len(one) + len(other)
        assert equal(take(both, range(len(one))), one)

    def test_an_episode_in_which_no_slot_may_be_repeated_is_refused(self):
        with pytest.raises(ValueError, match="n_slots must be at least n_horizon \\+ every_slots = 10"):
            changes_of(config=replace(TINY, n_horizon=8))
        assert len(changes_of(config=replace(TINY, n_horizon=7))) > 0


class TestLearnChanges:
    """Each group's version a is worth a * x, x standing in its row; what a change brings is the sum over groups."""

    N_BRANCHES, N_VERSIONS, N_ROW = 3, 4, 2

    def network(self, seed=0):
        n_states = self.N_BRANCHES * self.N_ROW
        return VersionNetwork(
            n_states, self.N_BRANCHES, self.N_VERSIONS, self.N_ROW, 32, generator=torch_stream(seed, "network")
        )

    def changes(self, n, seed):
        rng = torch_stream(seed, "synthetic")
        state = torch.randn(n, self.N_BRANCHES * self.N_ROW, generator=rng)
        action, other = torch.randint(self.N_VERSIONS, (2, n, self.N_BRANCHES), generator=rng)
        is_active = torch.rand(n, self.N_BRANCHES, generator=rng) < 0.7
        x = state.unflatten(1, (self.N_BRANCHES, self.N_ROW))[..., 0]
        difference = ((other - action) * x * is_active).sum(dim=1)
        mask = is_active[..., None].repeat(1, 1, self.N_VERSIONS)
        return Changes(
            state=state, mask=mask, action=action, other=other, difference=difference, returns=torch.full((n,), 2.0)
        )

    def learned(self, n_updates=500, seed=0, on_update=None):
        network, config = self.network(), CounterfactualConfig(n_updates=n_updates, batch_size=128, learning_rate=5e-3)
        generator = torch_stream(seed, "learn")
        learn_changes(network, self.changes(2000, 0), config, generator=generator, on_update=on_update)
        return network

    def test_an_additive_function_is_recovered(self):
        losses, fresh = [], self.changes(500, 1)
        network = self.learned(on_update=lambda update, loss: losses.append(loss))
        values = network(fresh.state, fresh.mask).detach()
        before, after = (values.gather(-1, each[..., None])[..., 0] for each in (fresh.action, fresh.other))
        is_active = fresh.mask.any(dim=-1)
        error = ((after - before) * is_active).sum(dim=1) - fresh.difference
        assert (error**2).mean() < 0.05 * (fresh.difference**2).mean()
        # Group by group, not only in sum: the best version is the highest where x > 0, the lowest elsewhere.
        x = fresh.state.unflatten(1, (self.N_BRANCHES, self.N_ROW))[..., 0]
        is_clear = is_active & (x.abs() > 0.3)
        best = torch.where(x > 0, self.N_VERSIONS - 1, 0)
        assert (values.argmax(dim=-1) == best)[is_clear].float().mean() > 0.97
        assert len(losses) == 500

    def test_the_same_seed_learns_the_same(self):
        one, two, other = (self.learned(5, seed).state_dict() for seed in (0, 0, 1))
        assert all(torch.equal(one[name], two[name]) for name in one)
        assert not all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(
            ({name: type(value)(0)}, f"{name} must be above 0, got 0")
            for name, value in vars(CounterfactualConfig()).items()
            if name not in ("n_horizon", "epsilon")
        ),
        ({"n_horizon": 0}, "n_horizon must be at least 2, got 0"),
        ({"n_horizon": 1}, "n_horizon must be at least 2, got 1; a segment plays from the next slot on"),
        ({"epsilon": 0.0}, r"epsilon must lie in \(0, 1\), got 0.0"),
        ({"epsilon": 1.0}, r"epsilon must lie in \(0, 1\), got 1.0"),
    ],
)
def test_a_config_without_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        CounterfactualConfig(**changes)
