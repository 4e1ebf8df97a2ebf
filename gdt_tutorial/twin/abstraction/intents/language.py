"""One causal transformer for both directions: from an operator's words to an intent, and from a verdict to words.

"GT can assist DT in accurately perceiving user intentions" (the paper, GAI models). The model goes on where a sequence ends:
after a sentence it writes the intent, after a verdict it writes a sentence. What it writes is checked. An intent has to
be one (`Intent.from_tokens`), else the reader says that it found none. A sentence is read back by the hand parser and
has to say the verdict; else the model draws another one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gdt_tutorial.configuration import require
from gdt_tutorial.gai.generation import Choose, generate, greedy, sampled
from gdt_tutorial.gai.language_model import (
    CausalTransformer,
    load_transformer,
    perplexity,
    save_transformer,
)
from gdt_tutorial.gai.transformer import (
    TransformerConfig,
)
from gdt_tutorial.worlds.intents.meaning import END, Intent
from gdt_tutorial.worlds.intents.sentences import Example
from gdt_tutorial.worlds.intents.verdicts import Verdict, parse_verdict
from gdt_tutorial.worlds.intents.vocabulary import TOKENS, decode, encode, reading, telling

__all__ = ["IntentLanguage", "Sequences", "Told", "padded", "says"]

_END = TOKENS.index(END)
_LONGEST_INTENT, _LONGEST_SENTENCE = 35, 48  # tokens: five clauses, and more words than any telling has


class Sequences(NamedTuple):
    """Sequences of tokens, filled up with `END`, and which of them the model has to guess."""

    token: Int[Tensor, "batch token"]
    is_scored: Bool[Tensor, "batch token"]


class Told(NamedTuple):
    """A sentence that tells a verdict, and how often the model had to draw."""

    sentence: str
    n_draws: int


def padded(pairs: Sequence[tuple[list[str], list[str]]]) -> Sequences:
    """Join what is given and what shall be answered, and score the answers.

    Raises:
        ValueError: No pair, or a token outside of the vocabulary.
    """
    require(len(pairs) > 0, "pairs", "hold one at least", 0, "pass what is to be learned")
    width = max(len(given) + len(answer) for given, answer in pairs)
    token = torch.full((len(pairs), width), _END)
    is_scored = torch.zeros(len(pairs), width, dtype=torch.bool)
    for row, (given, answer) in enumerate(pairs):
        end = len(given) + len(answer)
        token[row, :end] = torch.tensor(encode([*given, *answer]))
        is_scored[row, len(given) : end] = True
    return Sequences(token, is_scored)


class IntentLanguage:
    """Reads intents (an `IntentReader`) and tells verdicts.

    Args:
        model: Over the tokens of `worlds.intents.vocabulary`.

    Raises:
        ValueError: A model of another vocabulary.
    """

    def __init__(self, model: CausalTransformer) -> None:
        found, remedy = model.n_vocabulary, "train it anew with this grammar"
        require(found == len(TOKENS), "model", f"know {len(TOKENS)} tokens", found, remedy)
        self.model = model

    @classmethod
    def untrained(
        cls, config: TransformerConfig = TransformerConfig(), *, generator: torch.Generator
    ) -> "IntentLanguage":
        """Return a model with its first weights."""
        return cls(CausalTransformer(len(TOKENS), config, generator=generator).eval())

    def read(self, sentences: Sequence[str]) -> list[Intent | None]:
        """Write the likeliest intent after each sentence; None where it is not one.

        Raises:
            ValueError: Words that no intent has.
        """
        answers = self._answers([reading(sentence)[0] for sentence in sentences], _LONGEST_INTENT, greedy)
        return [_intent_of(answer) for answer in answers]

    def perplexity(self, examples: Sequence[Example]) -> float:
        """Return among how many tokens the model wavers, over the tokens of the intents alone, given the sentences."""
        return perplexity(self.model, *padded([reading(*example) for example in examples]))

    def tell(
        self, verdict: Verdict, *, generator: torch.Generator, temperature: float = 1.0, n_draws: int = 20
    ) -> Told:
        """Draw sentences until the hand parser reads the verdict out of one.

        Args:
            verdict: What is to be told.
            generator: Draws the words.
            temperature: Of the draws: lower ones keep to the likeliest words.
            n_draws: Most sentences that are drawn.

        Raises:
            ValueError: No draw, or none that says the verdict.
        """
        require(n_draws > 0, "n_draws", "be above 0", n_draws, "draw one at least")
        choose, said = sampled(temperature, generator=generator), ""
        for draw in range(n_draws):
            said = self.draw_telling([verdict], choose)[0]
            if says(said, verdict):
                return Told(said, draw + 1)
        remedy = "train the model longer, lower the temperature, or raise n_draws"
        require(False, "n_draws", "suffice for a sentence that says the verdict", (n_draws, said), remedy)
        raise AssertionError

    def draw_telling(self, verdicts: Sequence[Verdict], choose: Choose = greedy) -> list[str]:
        """Write one sentence after each verdict, unchecked."""
        answers = self._answers([telling(verdict)[0] for verdict in verdicts], _LONGEST_SENTENCE, choose)
        return [" ".join(answer) for answer in answers]

    def save(self, path: str | Path) -> None:
        """Write the model.

        Raises:
            WriteError: The disk is full, or the folder cannot be made or written.
        """
        save_transformer(self.model, path)

    @classmethod
    def load(cls, path: str | Path) -> "IntentLanguage":
        """Return the model that `save` wrote.

        Raises:
            ValueError: No such file, or one that holds something else.
        """
        return cls(load_transformer(path))

    def _answers(self, prompts: Sequence[list[str]], n_new: int, choose: Choose) -> list[list[str]]:
        """Go on from each prompt; return the new tokens before the end."""
        if not prompts:
            return []
        length = torch.tensor([len(prompt) for prompt in prompts])
        prompt = padded([(each, []) for each in prompts]).token
        row = generate(self.model, prompt, prompt.shape[1] + n_new, n_prompt=length, end=_END, choose=choose)
        answers = [decode(each[start:].tolist()) for each, start in zip(row, length.tolist(), strict=True)]
        return [answer[: answer.index(END)] if END in answer else answer for answer in answers]


def says(sentence: str, verdict: Verdict) -> bool:
    """Return whether the hand parser reads the verdict out of a sentence."""
    try:
        return parse_verdict(sentence) == verdict
    except ValueError:
        return False


def _intent_of(answer: list[str]) -> Intent | None:
    try:
        return Intent.from_tokens([*answer, END])
    except ValueError:
        return None
