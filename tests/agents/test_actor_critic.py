"""Distributions of actions against torch's, their masks, and the networks' shapes."""

import pytest
import torch

from gdt_tutorial.agents.actor_critic import (
    ActionDistribution,
    ActorCritic,
    Categorical,
    CategoricalActorCritic,
    Gaussian,
    GaussianActorCritic,
    MultiCategorical,
    MultiCategoricalActorCritic,
)
from gdt_tutorial.seeding import torch_stream


def draws(*shape, seed=0):
    return torch.randn(shape, generator=torch_stream(seed, "draws"))


def test_a_masked_choice_equals_torchs_over_the_legal_actions():
    logits, mask = draws(50, 4), draws(50, 4, seed=1) > -0.5
    mask[:, 0] = True
    ours, theirs = Categorical(logits, mask), torch.distributions.Categorical(logits=logits.masked_fill(~mask, -1e9))
    action = ours.sample(generator=torch_stream(0))
    torch.testing.assert_close(ours.log_prob(action), theirs.log_prob(action))
    torch.testing.assert_close(ours.entropy(), theirs.entropy())


def test_several_choices_sum_over_branches_and_an_empty_branch_contributes_nothing():
    logits = draws(6, 2, 3)
    mask = torch.ones(6, 2, 3, dtype=torch.bool)
    mask[:, 1] = False
    both, first = MultiCategorical(logits, mask), Categorical(logits[:, 0], mask[:, 0])
    action = both.sample(generator=torch_stream(0))
    assert (action[:, 1] == 0).all()
    assert (both.best()[:, 1] == 0).all()
    torch.testing.assert_close(both.log_prob(action), first.log_prob(action[:, 0]))
    torch.testing.assert_close(both.entropy(), first.entropy())


def test_a_gaussian_equals_torchs():
    mean, log_std = draws(5, 3), draws(3, seed=1)
    ours = Gaussian(mean, log_std)
    theirs = torch.distributions.Independent(torch.distributions.Normal(mean, log_std.exp()), 1)
    action = ours.sample(generator=torch_stream(0))
    torch.testing.assert_close(ours.log_prob(action), theirs.log_prob(action))
    torch.testing.assert_close(ours.entropy(), theirs.entropy())
    assert torch.equal(ours.best(), mean)


def test_masked_actions_are_never_drawn_and_get_no_gradient():
    logits = draws(20_000, 4).requires_grad_()
    mask = torch.tensor([True, False, True, False]).expand(20_000, 4)
    choice = Categorical(logits, mask)
    action = choice.sample(generator=torch_stream(0))
    assert set(action.tolist()) == {0, 2}
    assert set(choice.best().tolist()) == {0, 2}
    (choice.log_prob(action).sum() + choice.entropy().sum()).backward()
    assert (logits.grad[:, [1, 3]] == 0).all()
    assert (logits.grad[:, [0, 2]] != 0).all()


def test_where_nothing_is_legal_nothing_changes():
    logits = draws(3, 4).requires_grad_()
    choice = Categorical(logits, torch.zeros(3, 4, dtype=torch.bool))
    action = choice.sample(generator=torch_stream(0))
    assert action.tolist() == [0, 0, 0]
    (choice.log_prob(action).sum() + choice.entropy().sum()).backward()
    assert (logits.grad == 0).all()


def test_draws_follow_the_probabilities():
    logits = torch.tensor([[0.0, 1.0, 2.0]]).expand(60_000, 3)
    action = Categorical(logits, torch.ones(60_000, 3, dtype=torch.bool)).sample(generator=torch_stream(0))
    share = torch.bincount(action) / len(action)
    torch.testing.assert_close(share, logits[0].softmax(dim=0), rtol=0, atol=0.01)


NETWORKS = {
    "one choice": (CategoricalActorCritic, 3, (5, 3)),
    "choices": (MultiCategoricalActorCritic, (3, 2), (5, 2, 3)),
    "numbers": (GaussianActorCritic, 2, (5, 0)),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_networks_give_a_distribution_and_a_value_and_start_nearly_undecided(kind):
    make, n_actions, mask_shape = NETWORKS[kind]
    network = make(4, n_actions, generator=torch_stream(0))
    assert isinstance(network, ActorCritic)
    mask = torch.ones(mask_shape, dtype=torch.bool)
    distribution, value = network(draws(5, 4), mask)
    assert isinstance(distribution, ActionDistribution)
    assert value.shape == distribution.entropy().shape == (5,)
    outputs = distribution.mean if kind == "numbers" else distribution.logits
    assert outputs.abs().max() < 0.1
    again = make(4, n_actions, generator=torch_stream(0))
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))


def test_bad_sizes_raise():
    with pytest.raises(ValueError, match="n_actions must name one action or more per branch"):
        MultiCategoricalActorCritic(4, (3, 0), generator=torch_stream(0))
    with pytest.raises(ValueError, match="std must be above 0, got 0.0; 1 explores"):
        GaussianActorCritic(4, 2, std=0.0, generator=torch_stream(0))
