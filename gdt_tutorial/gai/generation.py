"""Generation: one token after the other, each given all before it.

"Generative Transformer (GT) [...] excels in text understanding and generation" (the paper, Generative AI). What was read once
need not be read again: each layer keeps keys and values of the tokens so far (`Past`), so a new token costs one row of
attention instead of a whole triangle. The result is the same, which a test holds.

Prompts of a batch may have different lengths. All rows go forward together; a row whose prompt is longer takes its next token
from there, the others take what the model says. Source: greedy and sampled decoding are the usual ones (Holtzman et al. 2020,
sec. 2); we leave out beams and truncated sampling.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.language_model import (
    CausalTransformer,
)

__all__ = ["Choose", "generate", "greedy", "sampled"]

Choose = Callable[[Float[Tensor, "batch vocabulary"]], Int[Tensor, " batch"]]
"""From the scores of the next token to a token."""


def greedy(score: Float[Tensor, "batch vocabulary"]) -> Int[Tensor, " batch"]:
    """Take the likeliest token."""
    return score.argmax(dim=-1)


def sampled(temperature: float = 1.0, *, generator: torch.Generator) -> Choose:
    """Draw a token; a low temperature keeps to the likely ones.

    Raises:
        ValueError: A temperature that is not positive.
    """
    require(temperature > 0, "temperature", "be above 0", temperature, "pass greedy for the likeliest token")

    def choose(score: Float[Tensor, "batch vocabulary"]) -> Int[Tensor, " batch"]:
        return torch.multinomial((score / temperature).softmax(dim=-1), 1, generator=generator)[:, 0]

    return choose


@torch.no_grad()
def generate(
    model: CausalTransformer,
    prompt: Int[Tensor, "batch token"],
    n_tokens: int,
    *,
    n_prompt: Int[Tensor, " batch"] | None = None,
    end: int | None = None,
    choose: Choose = greedy,
) -> Int[Tensor, "batch _"]:
    """Go on from prompts until each row holds `n_tokens` tokens.

    Args:
        model: Scores the next token.
        prompt: Given tokens; shorter prompts are filled up at their end with any tokens.
        n_tokens: Length of the result, prompt included.
        n_prompt: Length of each prompt; the whole width where left out.
        end: Token after which a row only repeats it; generation stops when all rows have. None goes on to `n_tokens`.
        choose: `greedy`, or what `sampled` returns.

    Raises:
        ValueError: A prompt without a token, a length outside the prompt, or one that leaves nothing to generate.
    """
    n_batch, width = prompt.shape
    require(n_tokens > width, "n_tokens", f"be above the prompt's {width}", n_tokens, "count the prompt too")
    length = torch.full((n_batch,), width) if n_prompt is None else n_prompt
    is_inside = bool(((length > 0) & (length <= width)).all())
    require(is_inside, "n_prompt", f"lie in [1, {width}]", length.tolist()[:5], "begin with a start token")
    row, past = prompt[:, : int(length.min())], None
    new, has_ended = row, torch.zeros(n_batch, dtype=torch.bool)
    while row.shape[1] < n_tokens and not has_ended.all():
        score, past, _ = model.read(new, past)
        here = row.shape[1]
        token = choose(score[:, -1])
        if end is not None:
            token = torch.where(has_ended, end, token)
        is_given = here < length
        token = torch.where(is_given, prompt[:, min(here, width - 1)], token)
        if end is not None:
            has_ended = has_ended | (~is_given & (token == end))
        new, row = token[:, None], torch.cat([row, token[:, None]], dim=1)
    return row
