"""Cloning: tables by hand, a network against the table, where a start is, bad input."""

import numpy as np
import pytest
import torch

from gdt_tutorial.agents.actor_critic import CategoricalActorCritic
from gdt_tutorial.gai.demonstrations import Demonstrations, clone
from gdt_tutorial.gai.tables import TableActorCritic, action_counts, clone_table, smoothed_table
from gdt_tutorial.learning import FitConfig
from gdt_tutorial.seeding import torch_stream

COUNTS = np.array([[3.0, 1.0], [0.0, 0.0], [0.0, 2.0]])
LINE = np.abs(np.arange(3)[:, None] - np.arange(3)).astype(float)


def test_actions_are_counted():
    state, action = np.array([[0, 0, 2], [0, 0, 2]]), np.array([[0, 1, 1], [0, 0, 1]])
    np.testing.assert_array_equal(action_counts(state, action, 3, 2), COUNTS)


def test_shares_with_imagined_actions():
    table = clone_table(COUNTS, 1.0)
    np.testing.assert_allclose(table, [[4 / 6, 2 / 6], [0.5, 0.5], [0.25, 0.75]])


def test_an_unseen_state_borrows_from_its_neighbors():
    # Both neighbors are equally far: three to the first action, three to the second; almost nothing from everywhere.
    table = smoothed_table(COUNTS, LINE, reach=5.0, strength=1.0)
    np.testing.assert_allclose(table[1], [0.5, 0.5], atol=1e-3)
    # A short reach follows the nearer one.
    nearer = np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 2.0], [3.0, 2.0, 0.0]])
    assert smoothed_table(10 * COUNTS, nearer, reach=0.5, strength=1.0)[1, 0] > 0.6
    np.testing.assert_allclose(table.sum(axis=1), 1)


def test_weak_smoothing_leaves_what_was_seen():
    np.testing.assert_allclose(smoothed_table(COUNTS, LINE, strength=1e-9)[[0, 2]], [[0.75, 0.25], [0, 1]], atol=1e-6)


def test_a_table_starts_at_the_clone_and_learns_beside_it():
    table = clone_table(COUNTS)
    network = TableActorCritic(table)
    np.testing.assert_allclose(network.policy(), table, atol=1e-6)
    distribution, value = network(torch.eye(3), torch.ones(3, 2, dtype=torch.bool))
    np.testing.assert_allclose(
        distribution.log_prob(torch.zeros(3, dtype=torch.int64)).detach(), np.log(table[:, 0]), atol=1e-6
    )
    assert not value.any()


def test_a_cloned_network_finds_the_shares():
    state = torch.eye(3)[[0, 0, 0, 0, 2, 2]]
    demonstrations = Demonstrations(state, torch.tensor([0, 0, 0, 1, 1, 1]))
    network = CategoricalActorCritic(3, 2, (8,), generator=torch_stream(0))
    legal = torch.ones(2, dtype=torch.bool)
    config = FitConfig(n_epochs=300, batch_size=6, learning_rate=3e-2)
    history = clone(network, demonstrations, legal, config, generator=torch_stream(1))
    assert history.train_loss[-1] < history.train_loss[0]
    share = network(torch.eye(3), legal.expand(3, 2))[0].logits.softmax(dim=1)
    np.testing.assert_allclose(share[0].detach(), [0.75, 0.25], atol=0.02)
    assert share[2, 1] > 0.95


def test_bad_counts_are_refused():
    nothing = np.zeros((0,), dtype=np.int64)
    with pytest.raises(ValueError, match="demonstrations must hold one at least, got 0"):
        action_counts(nothing, nothing, 3, 2)
    with pytest.raises(ValueError, match=r"action must hold numbers from 0 to 1, got \[0, 2\]"):
        action_counts(np.array([0, 1]), np.array([0, 2]), 3, 2)
    with pytest.raises(ValueError, match=r"state must hold numbers from 0 to 2, got \[-1, 1\]"):
        action_counts(np.array([-1, 1]), np.array([0, 1]), 3, 2)
    with pytest.raises(ValueError, match="demonstrations must hold one at least, got"):
        smoothed_table(np.zeros((3, 2)), LINE)


def test_bad_strengths_are_refused():
    with pytest.raises(ValueError, match="pseudo_count must be above 0, got 0"):
        clone_table(COUNTS, 0.0)
    with pytest.raises(ValueError, match="reach must be above 0, got 0"):
        smoothed_table(COUNTS, LINE, reach=0.0)
    with pytest.raises(ValueError, match="strength must be above 0, got 0"):
        smoothed_table(COUNTS, LINE, strength=0.0)
    with pytest.raises(ValueError, match="policy must be above 0 everywhere, got 0.0"):
        TableActorCritic(np.array([[1.0, 0.0]]))
