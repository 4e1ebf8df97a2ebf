"""Evolution strategies: against the gradient, against standing still, and the same again from the same generator."""

import pytest
import torch

from gdt_tutorial.agents.evolution import EvolutionConfig, evolve
from gdt_tutorial.seeding import torch_stream

SHORT = EvolutionConfig(n_pairs=16, n_generations=60, noise=0.1, learning_rate=0.1)


def bowl(generation, candidates):
    """Highest at (1, -2, 3)."""
    return -((candidates - torch.tensor([1.0, -2.0, 3.0])) ** 2).sum(dim=-1)


@pytest.mark.parametrize("seed", range(3))
def test_it_climbs_to_the_top_of_a_bowl(seed):
    found = evolve(torch.zeros(3), bowl, SHORT, generator=torch_stream(seed, "climb"))
    assert (found - torch.tensor([1.0, -2.0, 3.0])).norm() < 0.3


def test_many_pairs_climb_along_the_gradient():
    config = EvolutionConfig(n_pairs=20_000, n_generations=1, noise=0.05, learning_rate=1.0)
    slope = torch.tensor([3.0, -1.0, 0.5])
    seen = []

    def score(generation, candidates):
        seen.append(candidates)
        return candidates @ slope

    moved = evolve(torch.zeros(3), score, config, generator=torch_stream(0, "gradient"))
    # Adam's first step goes by one learning rate along the sign of the gradient.
    torch.testing.assert_close(moved, torch.sign(slope), atol=1e-4, rtol=0)
    directions = seen[0][: config.n_pairs] / config.noise
    torch.testing.assert_close(seen[0][config.n_pairs :], -seen[0][: config.n_pairs])
    assert abs(directions.std() - 1) < 0.01


def test_the_start_is_left_as_it_is_and_the_generator_says_all():
    start = torch.zeros(3)
    first, again, other = (evolve(start, bowl, SHORT, generator=torch_stream(seed, "pair")) for seed in (0, 0, 1))
    assert torch.equal(start, torch.zeros(3))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", ["n_pairs", "n_generations", "noise", "learning_rate"])
def test_sizes_are_positive(name):
    zero = 0.0 if name in ("noise", "learning_rate") else 0
    with pytest.raises(ValueError, match=f"{name} must be above 0, got {zero}; leave it out"):
        EvolutionConfig(**{name: zero})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_score_without_a_rank_is_named(value):
    def score(generation, candidates):
        scores = bowl(generation, candidates)
        if generation == 2:
            scores[5] = value
        return scores

    start = torch.zeros(3)
    with pytest.raises(
        ValueError, match=f"score must return finite numbers, got '{value} for candidate 5 of generation 2'"
    ):
        evolve(start, score, SHORT, generator=torch_stream(0))
    assert torch.equal(start, torch.zeros(3))
