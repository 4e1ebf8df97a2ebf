"""BDQ against a dueling double DQN, hand values, and tasks that no joint table could hold."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium import spaces

from gdt_tutorial.agents.branching import (
    BranchingConfig,
    BranchingNetwork,
    branching_loss,
    branching_target,
    train_branching,
)
from gdt_tutorial.agents.ddqn import greedy
from gdt_tutorial.agents.evaluation import Validation, episode_returns
from gdt_tutorial.agents.replay import Transitions
from gdt_tutorial.seeding import torch_stream

EIGHT = (5, 6, 7, 8, 9, 10, 11, 12)  # 19,958,400 joint actions


def random_batch(n, n_states, mask_shape, actions, seed=0):
    draw = torch_stream(seed, "batch")
    return Transitions(
        state=torch.randn(n, n_states, generator=draw),
        action=actions,
        reward=torch.randn(n, generator=draw),
        next_state=torch.randn(n, n_states, generator=draw),
        is_terminated=torch.rand(n, generator=draw) < 0.3,
        is_truncated=torch.rand(n, generator=draw) < 0.3,
        mask=torch.ones(n, *mask_shape, dtype=torch.bool),
        next_mask=torch.ones(n, *mask_shape, dtype=torch.bool),
    )


def dueling(weights, state, scale):
    """A dueling network written on its own: Wang et al. 2016, eq. 9, over the weights of a one-branch network."""
    x = state
    for layer in ("trunk.0", "trunk.2"):
        x = torch.relu(torch.nn.functional.linear(x, weights[f"{layer}.weight"], weights[f"{layer}.bias"]))
    if x.requires_grad:
        x.register_hook(lambda gradient: gradient * scale)
    v = torch.relu(x @ weights["value.0.weight"].T + weights["value.0.bias"])
    v = v @ weights["value.2.weight"].T + weights["value.2.bias"]
    a = torch.relu(x @ weights["advantage.0.weight"][0] + weights["advantage.0.bias"][0])
    a = a @ weights["advantage.2.weight"][0] + weights["advantage.2.bias"][0]
    return v + a - a.mean(dim=1, keepdim=True)


def test_one_branch_is_a_dueling_double_dqn():
    online, target = (BranchingNetwork(5, (4,), (16, 8), 8, generator=torch_stream(seed)) for seed in (0, 1))
    batch = random_batch(32, 5, (1, 4), torch.randint(4, (32, 1), generator=torch_stream(2)))
    y = branching_target(online, target, batch, 0.9)
    loss = branching_loss(online, batch, y)
    loss.backward()

    slow = {name: weight.detach() for name, weight in target.named_parameters()}
    weights = {name: weight.detach().clone().requires_grad_() for name, weight in online.named_parameters()}
    q = dueling(weights, batch.state, scale=1 / 2)
    best = dueling(weights, batch.next_state, scale=1 / 2).argmax(dim=1)
    next_value = dueling(slow, batch.next_state, scale=1 / 2)[range(32), best]
    expected_y = batch.reward + 0.9 * (1 - batch.is_terminated.float()) * next_value
    expected_loss = ((q[range(32), batch.action[:, 0]] - expected_y.detach()) ** 2).mean()
    expected_loss.backward()

    torch.testing.assert_close(online(batch.state, batch.mask)[:, 0], q, rtol=0, atol=1e-6)
    torch.testing.assert_close(y, expected_y.detach(), rtol=0, atol=1e-6)
    torch.testing.assert_close(loss, expected_loss, rtol=0, atol=1e-6)
    for name, weight in online.named_parameters():
        torch.testing.assert_close(weight.grad, weights[name].grad, rtol=0, atol=1e-6)


def test_targets_equal_hand_values_under_termination_truncation_and_masks():
    # Two branches, of three and of two actions.
    online = torch.tensor([[[1.0, 3.0, 2.0], [5.0, 4.0, 99.0]]]).expand(6, 2, 3)
    target = torch.tensor([[[10.0, 20.0, 30.0], [2.0, 6.0, 99.0]]]).expand(6, 2, 3)
    every, none = [1, 1, 1], [0, 0, 0]
    batch = Transitions(
        state=torch.zeros(6, 1),
        action=torch.zeros(6, 2, dtype=torch.int64),
        reward=torch.arange(1.0, 7.0),
        next_state=torch.zeros(6, 1),
        is_terminated=torch.tensor([False, True, False, False, False, False]),
        is_truncated=torch.tensor([False, False, True, False, False, False]),
        mask=torch.ones(6, 2, 3, dtype=torch.bool),
        next_mask=torch.tensor(
            [
                [every, [1, 1, 0]],  # 20 and 2
                [every, [1, 1, 0]],  # terminated
                [every, [1, 1, 0]],  # truncated: 20 and 2 all the same
                [[1, 0, 1], [0, 1, 0]],  # 30 and 6
                [every, none],  # 20 alone
                [none, none],  # nothing
            ]
        ).bool(),
    )
    y = branching_target(lambda state, mask: online, lambda state, mask: target, batch, 0.5)
    expected = torch.tensor([1 + 5.5, 2.0, 3 + 5.5, 4 + 9.0, 5 + 10.0, 6.0])
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-6)


def test_the_loss_averages_over_active_branches_alone():
    values = torch.tensor([[[1.0, 2.0], [5.0, 7.0]], [[1.0, 2.0], [5.0, 7.0]]])
    batch = random_batch(2, 1, (2, 2), torch.tensor([[1, 1], [1, 0]]))
    batch.mask[1, 1] = False
    loss = branching_loss(lambda state, mask: values, batch, torch.tensor([1.0, 5.0]))
    # First row: errors 2-1 and 7-1. Second row: error 2-5 alone.
    assert loss.item() == pytest.approx(((1 + 36) / 2 + 9) / 2)


def test_a_masked_branch_and_masked_actions_get_no_gradient_and_change_nothing():
    network = BranchingNetwork(3, (2, 4, 3), generator=torch_stream(0))
    batch = random_batch(16, 3, (3, 4), torch.zeros(16, 3, dtype=torch.int64))
    batch.mask[:, 0, 2:] = batch.mask[:, 1] = batch.mask[:, 2, 3] = False
    branching_loss(network, batch, batch.reward).backward()
    gradient = network.advantage[2].weight.grad
    assert gradient[1].abs().max() == 0
    assert gradient[0, :, 2:].abs().max() == 0
    assert gradient[2, :, 3:].abs().max() == 0
    assert gradient[0, :, :2].abs().max() > 0

    before = network(batch.state, batch.mask).detach()
    with torch.no_grad():
        network.advantage[2].bias[1] += 7.0
        network.advantage[2].bias[0, :, 2:] += 7.0
    after = network(batch.state, batch.mask).detach()
    torch.testing.assert_close(after[batch.mask], before[batch.mask], rtol=0, atol=0)


def test_advantages_average_to_zero_over_legal_actions():
    network = BranchingNetwork(3, (2, 4), (8,), 8, generator=torch_stream(0))
    state = torch.randn(5, 3, generator=torch_stream(1))
    mask = torch.tensor([[1, 1, 0, 0], [1, 0, 1, 1]]).bool().expand(5, 2, 4)
    q = network(state, mask)
    mean = (q * mask).sum(dim=-1) / mask.sum(dim=-1)
    torch.testing.assert_close(mean, network.value(network.trunk(state)).expand(5, 2), rtol=0, atol=1e-6)


def trained(vector, locks, n_actions, config, seed=0, n_envs=8, validation=None, trunk=(64,), stream=32):
    network = BranchingNetwork(2 * len(n_actions), n_actions, trunk, stream, generator=torch_stream(seed, "weights"))
    envs = vector(lambda: locks(n_actions), n=n_envs)
    train_branching(network, envs, config, generator=torch_stream(seed, "training"), validation=validation)
    return network


QUICK = BranchingConfig(n_steps=300, learning_starts=50, steps_per_update=4, batch_size=8, validation_steps=100)
TOY = BranchingConfig(
    n_steps=12_000,
    learning_starts=500,
    steps_per_update=8,
    target_sync_steps=500,
    discount=0.5,
    learning_rate=3e-3,
    exploration_steps=8_000,
    validation_steps=4_000,
)


def share_right(network, vector, locks, seed):
    envs = vector(lambda: locks(EIGHT), n=10)
    return episode_returns(greedy(network), envs, 20, generator=torch_stream(seed, "test")).mean() / 5


def test_eight_branches_beat_a_random_policy_within_seconds(vector, locks):
    # A random policy has each branch right with probability 1 / n: an eighth on average.
    random_share = np.mean([1 / n for n in EIGHT])
    quick = replace(TOY, n_steps=3_000, exploration_steps=2_000)
    share = share_right(trained(vector, locks, EIGHT, quick), vector, locks, 0)
    assert share > 4 * random_share


@pytest.mark.slow
def test_eight_branches_are_learned_to_the_end(vector, locks):
    shares = [share_right(trained(vector, locks, EIGHT, TOY, seed), vector, locks, seed) for seed in range(3)]
    assert np.median(shares) > 0.95, shares


def test_same_generator_same_weights_other_generator_other_weights(vector, locks):
    networks = [trained(vector, locks, (2, 3), QUICK, seed) for seed in (0, 0, 1)]
    first, again, other = (network.value[0].weight for network in networks)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_validation_is_done_when_due_and_at_the_end_and_updates_are_reported(vector, locks):
    updates = []
    validation = Validation(vector(lambda: locks((2, 3)), n=2), 2, generator=torch_stream(0, "validation"))
    network = BranchingNetwork(4, (2, 3), generator=torch_stream(0, "weights"))
    train_branching(
        network,
        vector(lambda: locks((2, 3))),
        BranchingConfig(n_steps=250, learning_starts=50, steps_per_update=10, batch_size=8, validation_steps=100),
        generator=torch_stream(0),
        validation=validation,
        on_update=lambda step, loss: updates.append(step),
    )
    assert [n_steps for n_steps, _ in validation.history] == [100, 200, 250]
    assert updates == list(range(50, 250, 10))


def test_other_action_spaces_are_refused(vector, counting):
    network = BranchingNetwork(2, (3,), generator=torch_stream(0))
    with pytest.raises(ValueError, match="action space must be MultiDiscrete, got Discrete"):
        train_branching(network, vector(lambda: counting(3)), generator=torch_stream(0))


def test_a_network_for_other_actions_is_refused(vector, counting):
    network = BranchingNetwork(2, (3, 2), generator=torch_stream(0))
    envs = vector(lambda: counting(3, spaces.MultiDiscrete([2, 3]), has_masks=False))
    with pytest.raises(ValueError, match=r"n_actions must be \(2, 3\), got \(3, 2\); build it for envs"):
        train_branching(network, envs, generator=torch_stream(0))


@pytest.mark.parametrize("n_actions", [(), (3, 0)])
def test_a_branch_needs_an_action(n_actions):
    with pytest.raises(ValueError, match="n_actions must name one action or more per branch"):
        BranchingNetwork(2, n_actions, generator=torch_stream(0))


def test_the_trunk_needs_a_layer():
    with pytest.raises(ValueError, match=r"trunk must have a layer, got \(\)"):
        BranchingNetwork(2, (3,), (), generator=torch_stream(0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size must be above 0, got 0"),
        ({"epsilon_start": 0.0}, r"epsilon_start must lie in \(0, 1\], got 0.0"),
        ({"epsilon_end": -0.1}, r"epsilon_end must lie in \[0, 1\], got -0.1"),
    ],
)
def test_config_is_checked(change, message):
    with pytest.raises(ValueError, match=message):
        BranchingConfig(**change)
