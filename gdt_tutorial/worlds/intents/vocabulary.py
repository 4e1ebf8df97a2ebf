"""Words and tokens as numbers, and the two kinds of sequence that one model reads and writes.

<read> words of a sentence <so> tokens of the intent <end>         what was meant?
<tell> tokens of a verdict <so> words of a sentence <end>          how is it said?
"""

from collections.abc import Sequence

from gdt_tutorial.configuration import require
from gdt_tutorial.worlds.intents.meaning import END, NEXT, Intent, slot_tokens
from gdt_tutorial.worlds.intents.parser import KNOWN_WORDS, check_words, split_words
from gdt_tutorial.worlds.intents.verdicts import TELLING_WORDS, Verdict, verdict_tokens

__all__ = ["READ", "SO", "TELL", "TOKENS", "decode", "encode", "reading", "telling"]

READ, TELL, SO = "<read>", "<tell>", "<so>"
TOKENS: tuple[str, ...] = tuple(
    dict.fromkeys((END, READ, TELL, SO, NEXT, *slot_tokens(), *verdict_tokens(), *sorted(KNOWN_WORDS | TELLING_WORDS)))
)
_NUMBER = {token: number for number, token in enumerate(TOKENS)}


def encode(tokens: Sequence[str]) -> list[int]:
    """Return the number of each token.

    Raises:
        ValueError: A token that is not among `TOKENS`.
    """
    unknown = [token for token in tokens if token not in _NUMBER]
    require(not unknown, "tokens", "be among TOKENS", unknown, "see `parser.KNOWN_WORDS`")
    return [_NUMBER[token] for token in tokens]


def decode(numbers: Sequence[int]) -> list[str]:
    """Return the tokens of numbers."""
    return [TOKENS[number] for number in numbers]


def reading(sentence: str, intent: Intent | None = None) -> tuple[list[str], list[str]]:
    """Return what a reader is given, and what it shall answer (nothing where the intent is not known).

    Raises:
        ValueError: Words that no intent has.
    """
    found = split_words(sentence)
    check_words(found, KNOWN_WORDS)
    return [READ, *found, SO], [] if intent is None else intent.tokens()


def telling(verdict: Verdict, sentence: str | None = None) -> tuple[list[str], list[str]]:
    """Return what a teller is given, and what it shall answer (nothing where no sentence is given)."""
    answer = [] if sentence is None else [*split_words(sentence), END]
    return [TELL, *verdict.tokens(), SO], answer
