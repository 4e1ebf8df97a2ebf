"""The version network: its symmetries, what it reads, and how it learns to follow a rule."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gdt_tutorial.case_study.learning.training import PRIORS, fitting_version, myopic_search, new_network
from gdt_tutorial.seeding import torch_stream
from gdt_tutorial.solutions.data_model.cell_state import EMPTY, describe_cells, legal, n_row, n_state, order_branches
from gdt_tutorial.solutions.data_model.version_network import (
    BranchingVersions,
    Fallback,
    VersionNetwork,
    WarmStartConfig,
    follow_prior,
    preferred,
)
from gdt_tutorial.solutions.data_model.versions import FixedVersion, VersionSelector
from tests.case_study.campuses import small_campuses, small_cells, trajectory_of, versions_at_random

N_BRANCHES, N_VERSIONS, N_ROW, N_CELL = 5, 3, 7, 2


def network_of(seed=0):
    n_states = N_BRANCHES * N_ROW + N_CELL
    return VersionNetwork(n_states, N_BRANCHES, N_VERSIONS, N_ROW, 16, generator=torch_stream(seed, "network"))


def states(n=6, seed=0):
    """Return states, and masks in which the last branches are empty."""
    state = torch.randn(n, N_BRANCHES * N_ROW + N_CELL, generator=torch_stream(seed, "states"))
    is_active = torch.arange(N_BRANCHES) < torch.arange(1, n + 1).clamp(max=N_BRANCHES)[:, None]
    return state, is_active[..., None].repeat(1, 1, N_VERSIONS)


def permuted(state, order):
    rows, cell = state[:, : N_BRANCHES * N_ROW].unflatten(1, (N_BRANCHES, N_ROW)), state[:, N_BRANCHES * N_ROW :]
    return torch.cat([rows[:, order].flatten(1), cell], dim=1)


def agreement(network, campuses, priors, n_slots=5):
    """Return the share of branches in which a network does what the first rule says."""
    rules = [make(campuses) for make in priors]
    selector, n_same, n_all = BranchingVersions(campuses.model, network, rules), 0, 0
    for _, features in trajectory_of(campuses, n_slots):
        order = order_branches(features, 2, 16)
        has_branch = np.zeros(features.ap.shape, dtype=bool)
        for env, ap in np.ndindex(order.shape[:2]):
            has_branch[env, order[env, ap][order[env, ap] != EMPTY]] = True
        is_same = selector.select(features) == rules[0].select(features)
        n_same, n_all = n_same + (is_same & has_branch).sum(), n_all + has_branch.sum()
    return n_same / n_all


class TestVersionNetwork:
    def test_exchanging_groups_exchanges_their_values_and_nothing_else(self):
        network, (state, mask), order = network_of(), states(), torch.tensor([3, 0, 4, 1, 2])
        values = network(state, mask)
        np.testing.assert_allclose(
            network(permuted(state, order), mask[:, order]).detach(), values[:, order].detach(), atol=1e-6
        )
        assert values.shape == (6, N_BRANCHES, N_VERSIONS)

    def test_advantages_have_mean_zero_so_all_branches_share_one_value(self):
        values = network_of()(*states()).detach()
        level = values.mean(dim=-1)
        np.testing.assert_allclose(level, level[:, :1].expand_as(level), atol=1e-6)
        assert level[:, 0].std() > 0
        assert (values - level[..., None]).abs().max() > 1e-3

    def test_what_stands_in_an_empty_branch_does_not_matter(self):
        network, (state, mask) = network_of(), states()
        changed = state.clone()
        rows = changed[:, : N_BRANCHES * N_ROW].unflatten(1, (N_BRANCHES, N_ROW))
        rows[~mask.any(dim=-1)] = 7.0
        is_active = mask.any(dim=-1)
        assert not torch.equal(changed, state)
        np.testing.assert_allclose(
            network(changed, mask)[is_active].detach(), network(state, mask)[is_active].detach(), atol=1e-6
        )

    def test_groups_know_of_each_other_and_of_the_cell(self):
        network, (state, mask) = network_of(), states()
        for entry in (N_ROW, -1):  # of the second group, and of the cell
            changed = state.clone()
            changed[:, entry] += 1
            assert (network(changed, mask)[-1, 0] - network(state, mask)[-1, 0]).abs().max() > 1e-5

    def test_the_same_seed_gives_the_same_weights(self):
        one, two, other = (list(network_of(seed).parameters()) for seed in (0, 0, 1))
        assert all(torch.equal(*pair) for pair in zip(one, two, strict=True))
        assert not all(torch.equal(*pair) for pair in zip(one, other, strict=True))

    def test_rows_that_do_not_fit_are_refused(self):
        with pytest.raises(ValueError, match="n_row must fit 5 times into 30 entries"):
            VersionNetwork(30, 5, 3, 7, generator=torch_stream(0, "network"))


class TestAdvice:
    def test_it_is_read_from_where_the_state_was_written(self):
        campuses = small_campuses()
        for slot, (_, features) in enumerate(trajectory_of(campuses, 3)):
            order = order_branches(features, 2, 16)
            rules = [versions_at_random(features, slot), FixedVersion(campuses.model, 2).select(features)]
            state = torch.from_numpy(describe_cells(features, campuses.model, order, rules)).flatten(0, 1)
            mask = torch.from_numpy(legal(order, 4)).flatten(0, 1)
            for which, rule in enumerate(rules):
                found = preferred(state, mask, n_row(4, 2), which).unflatten(0, order.shape[:2]).numpy()
                env, ap, branch = np.nonzero(order != EMPTY)
                np.testing.assert_array_equal(found[env, ap, branch], rule[env, order[env, ap, branch]])

    def test_with_great_caution_a_network_is_the_first_rule(self):
        campuses = small_campuses(n_batch=2)
        rules = [make(campuses) for make in PRIORS]
        network = new_network(4, generator=torch_stream(0, "network"))
        careful = BranchingVersions(campuses.model, network, rules, Fallback(margin=np.inf))
        free = BranchingVersions(campuses.model, network, rules)
        n_other = 0
        for _, features in trajectory_of(campuses, 4):
            worth = (features.value_s + features.urgent_s).sum(axis=-1)
            is_served = (worth > 0) & (features.n_members > 0) & (features.efficiency > 0)
            expected = np.where(is_served, rules[0].select(features), 0)
            np.testing.assert_array_equal(careful.select(features), expected)
            n_other += (free.select(features) != expected).sum()
        assert n_other > 0
        assert isinstance(careful, VersionSelector)

    def test_each_access_point_has_a_fallback_of_its_own(self):
        campuses = small_campuses(n_batch=2)
        rules = [make(campuses) for make in PRIORS]
        network = new_network(4, generator=torch_stream(0, "network"))
        fallbacks = [Fallback(rule=1, margin=np.inf), Fallback()]
        mixed = BranchingVersions(campuses.model, network, rules, fallbacks)
        free = BranchingVersions(campuses.model, network, rules)
        for _, features in trajectory_of(campuses, 4):
            worth = (features.value_s + features.urgent_s).sum(axis=-1)
            is_served = (worth > 0) & (features.n_members > 0) & (features.efficiency > 0)
            expected = np.where(features.ap == 0, rules[1].select(features), free.select(features))
            np.testing.assert_array_equal(mixed.select(features), np.where(is_served, expected, 0))

    @pytest.mark.parametrize(
        ("fallback", "says"),
        [
            ([Fallback()] * 3, "fallback must be one, or 2"),
            (Fallback(rule=2), "priors must hold rule 2"),
        ],
    )
    def test_a_fallback_that_there_is_not_is_refused(self, fallback, says):
        campuses = small_campuses()
        rules = [make(campuses) for make in PRIORS]
        with pytest.raises(ValueError, match=says):
            BranchingVersions(campuses.model, new_network(4, generator=torch_stream(0, "network")), rules, fallback)

    @pytest.mark.parametrize("wrong", [{"rule": -1}, {"margin": -0.1}, {"margin": np.nan}])
    def test_a_fallback_out_of_its_range_is_refused(self, wrong):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be at least 0"):
            Fallback(**wrong)

    def test_without_advice_a_network_selects_by_itself(self):
        campuses = small_campuses()
        n_states = n_state(16, 4, 0)
        network = VersionNetwork(n_states, 16, 4, n_row(4, 0), generator=torch_stream(0, "network"))
        selector = BranchingVersions(campuses.model, network, (), Fallback(margin=5.0))
        _, features = trajectory_of(campuses, 1)[0]
        assert np.isin(selector.select(features), range(4)).all()

    def test_the_warm_start_teaches_a_network_to_follow_it(self):
        priors, losses = (fitting_version, myopic_search), []
        network = new_network(4, generator=torch_stream(1, "network"))
        cells = small_cells((1e9, 2e9, 4e9, 8e9), priors, n_worlds=2, n_batch=2, n_slots=5)
        fresh = small_campuses(3e9, n_batch=2, seed=77)
        before = agreement(network, fresh, priors)
        config = WarmStartConfig(n_steps=300, n_updates=150, batch_size=64, target_sync_updates=50, learning_rate=3e-3)
        follow_prior(
            network, cells, n_row(4, 2), config, generator=torch_stream(0, "warm start"),
            on_update=lambda update, loss: losses.append(loss),
        )  # fmt: skip
        assert before < 0.8
        assert agreement(network, fresh, priors) > 0.95
        assert len(losses) == 150
        assert np.mean(losses[-20:]) < np.mean(losses[:20])


def test_a_field_below_zero_is_refused():
    rules = {"epsilon": r"lie in \[0, 1\]", "batch_size": "be above 0", "target_sync_updates": "be above 0"}
    for name, value in vars(WarmStartConfig()).items():
        with pytest.raises(ValueError, match=f"{name} must {rules.get(name, 'be at least 0')}, got -1"):
            replace(WarmStartConfig(), **{name: type(value)(-1)})
