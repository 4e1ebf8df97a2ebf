"""Evolution strategies: weights that improve without a gradient through what scores them.

Salimans et al. 2017, "Evolution strategies as a scalable alternative to reinforcement learning", with antithetic pairs and
ranks. With n pairs of directions e, a noise s and the ranks r+ and r- of the two candidates of a pair, centered and scaled
to a length of 1, one generation climbs along

    gradient = mean over pairs of (r+ - r-) e / (2 s)

by one step of Adam. Ranks make the step blind to the size of scores, so one lucky episode cannot carry it away.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from gdt_tutorial.configuration import configclass, parameter, require

__all__ = ["EvolutionConfig", "evolve"]


@configclass
class EvolutionConfig:
    """How many candidates are tried, for how long, and how far apart."""

    n_pairs: int = parameter(16, "Antithetic pairs of a generation.", "chosen", above=0)
    n_generations: int = parameter(150, "Steps of evolution.", "chosen", above=0)
    noise: float = parameter(0.05, "Standard deviation of the perturbations.", "chosen", above=0)
    learning_rate: float = parameter(0.03, "Adam step of evolution.", "chosen", above=0)


def evolve(
    start: Float[Tensor, " weight"],
    score: Callable[[int, Float[Tensor, "candidate weight"]], Float[Tensor, " candidate"]],
    config: EvolutionConfig = EvolutionConfig(),
    *,
    generator: torch.Generator,
    on_generation: Callable[[int, float], object] | None = None,
) -> Float[Tensor, " weight"]:
    """Return weights that score higher than `start`.

    Args:
        start: Where the search begins; left as it is.
        score: Takes the generation (from 0) and its candidates, and says how good each of them is; more is better. All
            candidates of a generation should meet the same chance.
        config: How many candidates, for how long.
        generator: Draws the directions.
        on_generation: Called with the generation and the mean score of its candidates, for a progress bar.

    Raises:
        ValueError: A score that is NaN or infinite: it has no rank.
    """
    weights = start.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([weights], lr=config.learning_rate)
    for generation in range(config.n_generations):
        direction = torch.randn(config.n_pairs, len(weights), generator=generator)
        candidates = weights.detach() + config.noise * torch.cat([direction, -direction])
        scores = score(generation, candidates)
        is_finite = torch.isfinite(scores)
        if not is_finite.all():
            first = int((~is_finite).int().argmax())
            got, remedy = (
                f"{scores[first]:g} for candidate {first} of generation {generation}",
                "look at what it computes",
            )
            require(False, "score", "return finite numbers", got, remedy)
        rank = torch.argsort(torch.argsort(scores)).float() / (len(scores) - 1) - 0.5
        advantage = rank[: config.n_pairs] - rank[config.n_pairs :]
        weights.grad = -(advantage[:, None] * direction).mean(dim=0) / (2 * config.noise)
        optimizer.step()
        if on_generation is not None:
            on_generation(generation, float(scores.mean()))
    return weights.detach()
