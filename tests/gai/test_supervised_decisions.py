"""Decisions as labels: means and chances that are known, modes as classes, conditions, guidance by hand, bad input."""

import pytest
import torch

from gdt_tutorial.gai.supervised_decisions import (
    DecisionNetwork,
    SupervisedConfig,
    train_classes,
    train_cloning,
    train_switches,
)
from gdt_tutorial.seeding import torch_stream

QUICK = SupervisedConfig(n_hidden=32, n_updates=300)
PATTERNS = torch.eye(3)


def logged(n_samples=3000, seed=0):
    """Return decisions, contexts and ranks: of three patterns, the sign of the context rules the third out or in."""
    generator = torch_stream(seed, "log")
    context = torch.randn(n_samples, 2, generator=generator)
    which = torch.where(context[:, 0] > 0, torch.randint(2, (n_samples,), generator=generator), 2)
    rank = torch.rand(n_samples, 1, generator=generator)
    return PATTERNS[which], context, rank


def ends():
    return torch.tensor([[2.0, 0.0], [-2.0, 0.0]])


def trained(train, *more):
    decision, context, _ = logged()
    return train(decision, context, None, *more, QUICK, generator=torch_stream(0, "train"))


def test_cloning_learns_the_mean_and_switches_the_chances():
    truth = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    nothing = torch.zeros(2, 0)
    cloning, switches = trained(train_cloning), trained(train_switches)
    with torch.no_grad():
        torch.testing.assert_close(cloning(ends(), nothing), truth, atol=0.06, rtol=0)
        torch.testing.assert_close(switches(ends(), nothing).sigmoid(), truth, atol=0.06, rtol=0)


def test_classes_keep_the_modes():
    classes = trained(train_classes, 3)
    logits = classes.logits(ends().repeat(500, 1))
    chances = classes.decisions.T @ logits[:2].softmax(dim=1).T
    torch.testing.assert_close(chances.T, torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]), atol=0.06, rtol=0)
    drawn = classes.draw(logits, generator=torch_stream(0, "draw"))
    torch.testing.assert_close(drawn.sum(dim=1), torch.ones(1000))  # whole patterns, never a mean
    torch.testing.assert_close(drawn[::2].mean(dim=0), torch.tensor([0.5, 0.5, 0.0]), atol=0.1, rtol=0)
    torch.testing.assert_close(classes.likeliest(logits[1:2]), PATTERNS[2:])


def test_a_condition_is_obeyed_and_guidance_weighs_both_laws():
    generator = torch_stream(0, "conditioned")
    rank, context = torch.rand(3000, 1, generator=generator), torch.zeros(3000, 1)
    decision = PATTERNS[torch.where(torch.rand(3000, generator=generator) < rank[:, 0], 0, 1)]
    classes = train_classes(decision, context, rank, 2, QUICK, generator=generator)
    some, high = torch.zeros(1, 1), torch.full((1, 1), 0.9)
    place = int(classes.decisions[:, 0].argmax())
    assert classes.logits(some, high).softmax(dim=1)[0, place].item() == pytest.approx(0.9, abs=0.07)
    without, with_it, guided = classes.logits(some), classes.logits(some, high), classes.logits(some, high, 3.0)
    assert without.softmax(dim=1)[0, place].item() == pytest.approx(0.5, abs=0.07)
    torch.testing.assert_close(guided, without + 3 * (with_it - without))
    cloning = train_cloning(decision, context, rank, QUICK, generator=generator)
    assert cloning(some, high)[0, 0].item() == pytest.approx(0.9, abs=0.07)


def test_before_training_it_answers_the_mean():
    decision, context, _ = logged()
    mean, nothing = decision.mean(dim=0), torch.zeros(len(decision), 0)
    network = DecisionNetwork(context, nothing, mean, QUICK, generator=torch_stream(0, "weights"))
    torch.testing.assert_close(network(ends(), nothing[:2]).detach(), mean.expand(2, 3))


def test_same_seed_same_network():
    one, same = (trained(train_classes, 3).logits(ends()) for _ in range(2))
    torch.testing.assert_close(one, same, rtol=0, atol=0)


def test_bad_requests_are_refused():
    decision, context, _ = logged(20)
    generator = torch_stream(0, "train")
    with pytest.raises(ValueError, match=r"n_classes must lie in 1 to 3, got 4"):
        train_classes(decision, context, None, 4, QUICK, generator=generator)
    with pytest.raises(ValueError, match=r"decision must lie in \[0, 1\]"):
        train_switches(2 * decision, context, None, QUICK, generator=generator)
    with pytest.raises(ValueError, match="context must hold a sample, got 0"):
        train_cloning(decision[:0], context[:0], None, QUICK, generator=generator)
