"""Returns are whole and fair between short and long episodes; the best weights come back."""

import numpy as np
import pytest
import torch

from gdt_tutorial.agents.ddqn import QNetwork, greedy
from gdt_tutorial.agents.evaluation import Validation, episode_returns
from gdt_tutorial.seeding import torch_stream


def first_action(state, mask):
    return torch.zeros(len(state), dtype=torch.int64)


def test_every_environment_plays_its_share(vector, counting):
    # An episode of n steps returns 1 + ... + n.
    envs = vector(lambda: counting(2), lambda: counting(4))
    returns = episode_returns(first_action, envs, 5, generator=torch_stream(0))
    assert sorted(returns) == [3, 3, 3, 10, 10]


def test_the_best_weights_come_back_and_the_later_of_two_equals(vector, tabular):
    validation = Validation(vector(tabular, n=4), 12, generator=torch_stream(1))
    networks = [QNetwork(6, 3, (), generator=torch_stream(seed, "weights")) for seed in range(4)]
    scores = [validation.consider(network, greedy(network), step) for step, network in enumerate(networks)]
    assert validation.history == list(enumerate(scores))
    best = int(np.argmax(scores))
    validation.restore(networks[0])
    if best != 0:
        torch.testing.assert_close(networks[0].layers[0].weight, networks[best].layers[0].weight)
    again = QNetwork(6, 3, (), generator=torch_stream(9))
    again.load_state_dict({**networks[best].state_dict()})
    with torch.no_grad():
        again.layers[0].bias += 1  # another network with the same policy
    assert validation.consider(again, greedy(again), 9) == validation.best_score
    validation.restore(networks[1])
    torch.testing.assert_close(networks[1].layers[0].bias, again.layers[0].bias)


def test_kept_weights_do_not_change_with_the_network(vector, tabular):
    validation = Validation(vector(tabular), 2, generator=torch_stream(1))
    network = QNetwork(6, 3, (), generator=torch_stream(0))
    before = network.layers[0].weight.detach().clone()
    validation.consider(network, greedy(network), 0)
    with torch.no_grad():
        network.layers[0].weight.zero_()
    validation.restore(network)
    torch.testing.assert_close(network.layers[0].weight.detach(), before)


def test_a_score_alone_is_no_candidate_for_the_best(vector, tabular):
    validation = Validation(vector(tabular), 2, generator=torch_stream(1))
    network = QNetwork(6, 3, (), generator=torch_stream(0))
    assert validation.score(greedy(network)) == validation.consider(network, greedy(network), 0)
    assert validation.history == [(0, validation.best_score)]


def test_no_episode_is_refused(vector, tabular):
    with pytest.raises(ValueError, match="n_episodes must be above 0, got 0; play at least one"):
        episode_returns(first_action, vector(tabular), 0, generator=torch_stream(0))


def test_restoring_needs_a_score(vector, tabular):
    validation = Validation(vector(tabular), 2, generator=torch_stream(1))
    with pytest.raises(ValueError, match=r"history must hold a score, got \[\]; call consider first"):
        validation.restore(QNetwork(6, 3, generator=torch_stream(0)))
