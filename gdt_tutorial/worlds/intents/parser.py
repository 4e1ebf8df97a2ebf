"""From sentences back to meanings, by hand: whoever wrote the grammar can read it.

The parser is right on every sentence of the grammar, in any order of the parts, by construction; it is the ceiling of each
table, not a rival. What it cannot do is to take one word outside of its lists, and each list was written by hand.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from gdt_tutorial.configuration import require
from gdt_tutorial.worlds.intents import words
from gdt_tutorial.worlds.intents.meaning import Clause, Intent

__all__ = [
    "KNOWN_WORDS",
    "LISTS",
    "PATTERNS",
    "WHERES_AND_WHENS",
    "Pattern",
    "check_words",
    "match",
    "parse",
    "read_phrases",
    "split_words",
    "words_of",
]

# A phrase with placeholders, and the values of slots that it says outright.
Pattern = tuple[str, dict[str, str]]

_Found = tuple[dict[str, str], int]  # values of slots, and the word after the phrase


def split_words(sentence: str) -> list[str]:
    """Return the words of a sentence in lower case, without commas and full stops.

    Raises:
        ValueError: An empty sentence.
    """
    found = re.sub(r"[,.;!]", " ", sentence.lower()).split()
    require(found, "sentence", "hold words", sentence, "say what is wanted, and where")
    return found


def _hours() -> dict[str, str]:
    said = {
        f"{number} {half}".strip(): str(place + 1 + added)
        for half, added in words.HALVES.items()
        for place, number in enumerate(words.NUMBERS)
    }
    return {"noon": "12", **said}


def _phrases(table: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {phrase: value for value, phrases in table.items() for phrase in phrases}


# What may stand for a placeholder: phrases, and the values that they mean.
LISTS: dict[str, dict[str, str]] = {
    "service": _phrases(words.SERVICES),
    "name": _phrases(words.NAMES),
    "hour": _hours(),
}


def _wheres_and_whens() -> list[Pattern]:
    times = [(p, {"relation": value}) for p, value in _phrases(words.RELATIONS).items()]
    somewhere = [f"{preposition} {{name}}" for preposition in words.PREPOSITIONS]
    places: list[Pattern] = [(p, {}) for p in somewhere]
    places += [(p, {"place": words.EVERYWHERE}) for p in words.WHERE_ALL]
    exceptions = [(f"{but} {p}", {"exception": ""}) for but in words.BUT for p in somewhere]
    return [*times, *places, *exceptions]


WHERES_AND_WHENS = _wheres_and_whens()
PATTERNS = [*WHERES_AND_WHENS, *((p, {"action": value}) for p, value in _phrases(words.ACTIONS).items())]


def words_of(patterns: Sequence[Pattern], lists: Mapping[str, Mapping[str, str]] = LISTS) -> frozenset[str]:
    """Return all words that occur in patterns and in the lists of their placeholders."""
    phrases = [pattern for pattern, _ in patterns] + [phrase for each in lists.values() for phrase in each]
    return frozenset(word for phrase in phrases for word in phrase.split() if "{" not in word)


KNOWN_WORDS = words_of(PATTERNS) | set(words.CONNECTORS)


def match(
    pattern: str, own: Sequence[str], start: int, lists: Mapping[str, Mapping[str, str]] = LISTS
) -> _Found | None:
    """Match a pattern with placeholders at a word; the longest phrase of a list wins."""
    values, at = {}, start
    for part in pattern.split():
        if part.startswith("{"):
            slot = part.strip("{}")
            fits = [p for p in lists[slot] if list(own[at : at + len(p.split())]) == p.split()]
            if not fits:
                return None
            longest = max(fits, key=lambda phrase: len(phrase.split()))
            values[slot], at = lists[slot][longest], at + len(longest.split())
        elif own[at : at + 1] == [part]:
            at += 1
        else:
            return None
    return values, at


def parse(sentence: str) -> Intent:
    """Read a sentence.

    Raises:
        ValueError: Words that the grammar does not know, a clause without a verb, or words in no order of the grammar.
    """
    found = split_words(sentence)
    check_words(found, KNOWN_WORDS)
    return Intent(tuple(_parse_clause(own) for own in _clauses(found)))


def check_words(found: Sequence[str], known: frozenset[str]) -> None:
    """Raise a ValueError that names the words that are not known, if there are any."""
    unknown = [word for word in dict.fromkeys(found) if word not in known]
    require(not unknown, "sentence", "hold words of the grammar alone", unknown, "say it with words of `words`")


def _clauses(found: Sequence[str]) -> Iterator[list[str]]:
    own: list[str] = []
    for word in found:
        if word in words.CONNECTORS:
            yield own
            own = []
        else:
            own.append(word)
    yield own


def _parse_clause(own: list[str]) -> Clause:
    has_verb = any(word in words.VERBS for word in own)
    require(has_verb, "sentence", f"hold a verb in each clause, {words.VERBS}", " ".join(own), "say what to do")
    values = read_phrases(own, PATTERNS)
    missing = sorted({"action", "service", "place"} - values.keys())
    require(not missing, "sentence", "say action, service and place", f"no {missing}", "`everywhere` is a place too")
    return Clause(**values)


def read_phrases(
    own: Sequence[str], patterns: Sequence[Pattern], lists: Mapping[str, Mapping[str, str]] = LISTS
) -> dict[str, str]:
    """Cut words into phrases, the longest first, and return the slots that they fill.

    Raises:
        ValueError: Words that no phrase begins with, or a slot that is filled twice.
    """
    values: dict[str, str] = {}
    at = 0
    while at < len(own):
        fits = [(*found, said) for pattern, said in patterns if (found := match(pattern, own, at, lists)) is not None]
        remedy = "see `words` for what can be said"
        require(fits, "sentence", "be made of the phrases of the grammar", " ".join(own[at:]), remedy)
        filled, at, said = max(fits, key=lambda each: each[1])
        new = _slots(filled, said)
        twice = sorted(values.keys() & new.keys())
        require(not twice, "sentence", "say each part of a clause once", twice, "begin a new clause with `and`")
        values |= new
    return values


def _slots(found: dict[str, str], said: dict[str, str]) -> dict[str, str]:
    """Return the slots that a phrase fills; a name is a place unless the phrase excepts it."""
    if "exception" in said:
        return {"exception": found["name"]}
    return {**said, **{("place" if slot == "name" else slot): value for slot, value in found.items()}}
