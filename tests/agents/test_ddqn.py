"""Double DQN against hand values, value iteration, and CartPole."""

import functools
import time
from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch

from gdt_tutorial.agents.ddqn import (
    DoubleDQNConfig,
    QNetwork,
    double_dqn_target,
    epsilon_at,
    epsilon_greedy,
    greedy,
    masked_argmax,
    train_double_dqn,
)
from gdt_tutorial.agents.evaluation import Validation, episode_returns
from gdt_tutorial.agents.replay import Transitions
from gdt_tutorial.seeding import torch_stream

QUICK = DoubleDQNConfig(
    n_steps=400, learning_starts=50, steps_per_update=4, capacity=400, batch_size=8, validation_steps=200
)


def test_targets_equal_hand_values_under_termination_truncation_and_masks():
    online = torch.tensor([[1.0, 3.0, 2.0]]).expand(5, 3)
    target = torch.tensor([[10.0, 20.0, 30.0]]).expand(5, 3)
    batch = Transitions(
        state=torch.zeros(5, 1),
        action=torch.zeros(5, dtype=torch.int64),
        reward=torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]),
        next_state=torch.zeros(5, 1),
        is_terminated=torch.tensor([False, True, False, False, False]),
        is_truncated=torch.tensor([False, True, True, False, False]),
        mask=torch.ones(5, 3, dtype=torch.bool),
        next_mask=torch.tensor([[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 0, 1], [0, 0, 0]]).bool(),
    )
    y = double_dqn_target(lambda state, mask: online, lambda state, mask: target, batch, 0.5)
    # The online argmax is action 1 (worth 20), without it action 2 (worth 30); nothing legal is worth 0.
    torch.testing.assert_close(y, torch.tensor([1 + 10.0, 2.0, 3 + 10.0, 4 + 15.0, 5.0]), rtol=0, atol=1e-6)


def test_value_iteration_is_recovered(vector, tabular):
    mdp, discount = tabular(), 0.8
    best = np.zeros((6, 3))
    for _ in range(200):
        value = np.where(mdp.is_legal, best, -np.inf).max(axis=1)
        value[0] = 0
        best = mdp.reward + discount * value[mdp.next_state]
    # A linear network of a one-hot state is a table. Random play sees all of it.
    network = QNetwork(6, 3, (), generator=torch_stream(0, "weights"))
    config = DoubleDQNConfig(
        n_steps=1_500, learning_starts=100, discount=discount, learning_rate=0.02, epsilon_end=1.0, target_sync_steps=50
    )
    train_double_dqn(network, vector(tabular, n=4), config, generator=torch_stream(0))
    with torch.no_grad():
        found = network(torch.eye(6), torch.from_numpy(mdp.is_legal)).numpy()
    is_seen = mdp.is_legal & (np.arange(6)[:, None] > 0)
    np.testing.assert_allclose(found[is_seen], best[is_seen], atol=0.02)


def test_the_network_is_a_perceptron_without_a_rectified_output():
    network = QNetwork(2, 3, (4,), generator=torch_stream(0))
    state = torch.randn(100, 2, generator=torch_stream(1))
    first, _, last = network.layers
    by_hand = (state @ first.weight.T + first.bias).clamp(min=0) @ last.weight.T + last.bias
    torch.testing.assert_close(network(state, torch.ones(100, 3, dtype=torch.bool)), by_hand)
    assert by_hand.min() < 0


def test_masked_argmax_never_takes_an_illegal_action():
    values, mask = torch.tensor([[5.0, -2.0, -1.0]] * 3), torch.tensor([[1, 1, 1], [0, 1, 1], [0, 0, 0]]).bool()
    assert masked_argmax(values, mask).tolist() == [0, 2, 0]


def test_epsilon_greedy_is_greedy_or_uniform_over_legal_actions():
    mask = torch.tensor([True, False, True, True]).expand(20_000, 4)
    values = torch.tensor([0.0, 9.0, 1.0, 0.0]).expand(20_000, 4)
    action = epsilon_greedy(values, mask, 0.3, generator=torch_stream(0))
    share = torch.bincount(action, minlength=4) / len(action)
    torch.testing.assert_close(share, torch.tensor([0.1, 0.0, 0.8, 0.1]), rtol=0, atol=0.01)
    assert set(epsilon_greedy(values, mask, 0.0, generator=torch_stream(0)).tolist()) == {2}


def test_epsilon_falls_in_a_straight_line_and_stays():
    assert [epsilon_at(step, 100, 0.2) for step in (0, 50, 100, 900)] == pytest.approx([1, 0.6, 0.2, 0.2])


def test_same_generator_same_weights_other_generator_other_weights(vector, tabular):
    weights = []
    for seed in (0, 0, 1):
        network = QNetwork(6, 3, (8,), generator=torch_stream(0, "weights"))
        train_double_dqn(network, vector(tabular, n=2), QUICK, generator=torch_stream(seed))
        weights.append(network.layers[0].weight.detach())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_validation_is_done_when_due_and_at_the_end_and_updates_are_reported(vector, tabular):
    updates = []
    network = QNetwork(6, 3, (8,), generator=torch_stream(0, "weights"))
    validation = Validation(vector(tabular, n=2), 4, generator=torch_stream(0, "validation"))
    train_double_dqn(
        network,
        vector(tabular),
        replace(QUICK, n_steps=500),
        generator=torch_stream(0),
        validation=validation,
        on_update=lambda step, loss: updates.append(step),
    )
    assert [n_steps for n_steps, _ in validation.history] == [200, 400, 500]
    assert updates == list(range(52, 500, 4))
    returns = episode_returns(greedy(network), vector(tabular), 4, generator=torch_stream(5))
    assert np.isfinite(returns).all()


def test_an_update_has_several_gradient_steps(vector, tabular):
    updates = []
    config = replace(QUICK, steps_per_update=64, gradient_steps=3)
    network = QNetwork(6, 3, (8,), generator=torch_stream(0, "weights"))
    envs = vector(tabular)
    train_double_dqn(
        network, envs, config, generator=torch_stream(0), on_update=lambda step, loss: updates.append((step, loss))
    )
    assert [step for step, _ in updates] == [step for step in range(64, 400, 64) for _ in range(3)]
    assert len({loss for _, loss in updates}) == len(updates)


def test_other_action_spaces_are_refused(vector, locks):
    with pytest.raises(ValueError, match="action space must be Discrete, got MultiDiscrete"):
        train_double_dqn(
            QNetwork(4, 2, generator=torch_stream(0)), vector(lambda: locks([2, 2])), generator=torch_stream(0)
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_steps": 0}, "n_steps must be above 0, got 0"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0, got -1.0"),
        ({"learning_starts": -1}, "learning_starts must be at least 0, got -1"),
        ({"discount": 1.5}, r"discount must lie in \[0, 1\], got 1.5"),
        ({"epsilon_end": 2.0}, r"epsilon_end must lie in \[0, 1\], got 2.0"),
    ],
)
def test_config_is_checked(change, message):
    with pytest.raises(ValueError, match=message):
        DoubleDQNConfig(**change)


@pytest.mark.slow
def test_the_pole_is_balanced(vector):
    # The setting of RL Baselines3 Zoo for CartPole: the policy rests for 256 steps, then takes 128 large gradient steps
    # towards targets that rest too.
    config = DoubleDQNConfig(
        n_steps=60_000, discount=0.99, learning_rate=2.3e-3, capacity=100_000, steps_per_update=256, gradient_steps=128,
        target_sync_steps=256, exploration_steps=8_000, epsilon_end=0.04, validation_steps=1_000,
    )  # fmt: skip
    make = functools.partial(gym.make, "CartPole-v1")
    scores, times_s = [], []
    for seed in range(3):
        start_s = time.process_time()
        network = QNetwork(4, 2, (256, 256), generator=torch_stream(seed, "weights"))
        # A policy may hold out in some episodes and fall in others: many episodes tell a lucky one from a good one.
        validation = Validation(vector(make, n=10), 40, generator=torch_stream(seed, "validation"))
        train_double_dqn(network, vector(make), config, generator=torch_stream(seed, "training"), validation=validation)
        returns = episode_returns(greedy(network), vector(make, n=20), 20, generator=torch_stream(seed, "test"))
        scores.append(returns.mean())
        times_s.append(time.process_time() - start_s)
    assert np.median(scores) >= 475, scores
    assert max(times_s) < 300, times_s
