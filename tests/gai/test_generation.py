"""Cached against uncached generation, prompts of several lengths, the end token, sampling, bad input."""

import pytest
import torch

from gdt_tutorial.gai.generation import generate, greedy, sampled
from gdt_tutorial.gai.language_model import (
    CausalTransformer,
)
from gdt_tutorial.gai.transformer import (
    TransformerConfig,
)
from gdt_tutorial.seeding import torch_stream

MODEL = CausalTransformer(
    11, TransformerConfig(n_model=8, n_heads=2, n_layers=2, n_hidden=12), generator=torch_stream(0, "model")
)
PROMPT = torch.randint(11, (4, 5), generator=torch_stream(0, "prompt"))


@torch.no_grad()
def uncached(prompt, n_tokens, choose=greedy):
    """Read everything again for each token."""
    while prompt.shape[1] < n_tokens:
        prompt = torch.cat([prompt, choose(MODEL(prompt)[:, -1])[:, None]], dim=1)
    return prompt


def test_cached_equals_uncached():
    assert (generate(MODEL, PROMPT, 20) == uncached(PROMPT, 20)).all()


def test_cached_equals_uncached_where_tokens_are_drawn():
    first, again = (sampled(0.7, generator=torch_stream(0, "draws")) for _ in range(2))
    assert (generate(MODEL, PROMPT, 20, choose=first) == uncached(PROMPT, 20, again)).all()


def test_prompts_of_several_lengths_are_as_each_alone():
    length = torch.tensor([2, 5, 1, 3])
    together = generate(MODEL, PROMPT, 12, n_prompt=length)
    for row, n_given in enumerate(length.tolist()):
        assert (together[row] == uncached(PROMPT[row : row + 1, :n_given], 12)[0]).all()


def test_nothing_follows_the_end():
    plain = generate(MODEL, PROMPT, 15)
    end = int(plain[0, 7])
    stopped = generate(MODEL, PROMPT, 15, end=end)
    for row, whole in zip(stopped.tolist(), plain.tolist(), strict=True):
        first = next((at for at in range(5, 15) if whole[at] == end), 15)
        assert row[: first + 1] == whole[: first + 1][: len(row)]
        assert set(row[first:]) <= {end}


def test_an_end_token_inside_a_prompt_ends_nothing():
    prompt = PROMPT.clone()
    prompt[:, 2] = 0
    longer = generate(MODEL, prompt, 8, n_prompt=torch.tensor([5, 2, 5, 5]), end=0)
    assert (longer[[0, 2, 3], :5] == prompt[[0, 2, 3]]).all()


def test_draws_follow_the_shares():
    score = torch.log(torch.tensor([0.1, 0.6, 0.3])).expand(20_000, 3)
    drawn = sampled(generator=torch_stream(0))(score)
    torch.testing.assert_close(torch.bincount(drawn) / 20_000, score[0].exp(), atol=0.015, rtol=0)
    cold = sampled(0.01, generator=torch_stream(0))(score[:50])
    assert (cold == greedy(score[:50])).all()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="n_tokens must be above the prompt's 5, got 5"):
        generate(MODEL, PROMPT, 5)
    with pytest.raises(ValueError, match=r"n_prompt must lie in \[1, 5\], got \[0, 5, 5, 5\]"):
        generate(MODEL, PROMPT, 8, n_prompt=torch.tensor([0, 5, 5, 5]))
    with pytest.raises(ValueError, match=r"temperature must be above 0, got 0"):
        sampled(0.0, generator=torch_stream(0))
